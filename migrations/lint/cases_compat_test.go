package lint_test

import (
	"testing"
	"time"

	"towline/migrations/lint"
)

func TestARenameInOneStepIsAnError(t *testing.T) {
	base := "CREATE TABLE users(id INTEGER PRIMARY KEY, nm TEXT);\n"
	testRule(t, "D1-BC01", []ruleCase{
		{name: "a column", base: base, sql: "ALTER TABLE users RENAME COLUMN nm TO name;", fires: true, table: "users", rewrite: "ALTER TABLE users ADD COLUMN name TEXT;"},
		{name: "a column, with a trigger for each way", base: base, sql: "ALTER TABLE users RENAME COLUMN nm TO name;", fires: true, rewrite: "CREATE TRIGGER users_name_from_nm AFTER UPDATE OF nm ON"},
		{name: "a column, and the other way", base: base, sql: "ALTER TABLE users RENAME COLUMN nm TO name;", fires: true, rewrite: "CREATE TRIGGER users_nm_from_name AFTER UPDATE OF name ON"},
		{name: "a table", base: base, sql: "ALTER TABLE users RENAME TO people;", fires: true, table: "users", rewrite: "CREATE TRIGGER users_to_people_insert"},
		{name: "inside a rebuild", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, name TEXT);\nINSERT INTO n(id, name) SELECT id, nm FROM users;\nDROP TABLE users;\nALTER TABLE n RENAME TO users;"},
		{name: "the old table renamed away and made again", base: base, sql: "ALTER TABLE users RENAME TO users_old;\nCREATE TABLE users(id INTEGER PRIMARY KEY, nm TEXT);\nINSERT INTO users(id, nm) SELECT id, nm FROM users_old;"},
		{name: "of a new table", sql: base + "ALTER TABLE users RENAME COLUMN nm TO name;\nALTER TABLE users RENAME TO people;"},
		{name: "of a column added by the same release", base: base, sql: "ALTER TABLE users ADD COLUMN x TEXT;\nALTER TABLE users RENAME COLUMN x TO y;"},
		{name: "adding the new one", base: base, sql: "ALTER TABLE users ADD COLUMN name TEXT;"},
	})
}

func TestAddingAndDroppingInOneReleaseIsAnError(t *testing.T) {
	base := "CREATE TABLE users(id INTEGER PRIMARY KEY, nm TEXT);\nCREATE TABLE other(a, b);\n"
	testRule(t, "D1-BC02", []ruleCase{
		{name: "in two files", base: base, files: []string{"ALTER TABLE users ADD COLUMN name TEXT;", "ALTER TABLE users DROP COLUMN nm;"}, fires: true, table: "users"},
		{name: "in a rebuild", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, name TEXT);\nINSERT INTO n(id, name) SELECT id, nm FROM users;\nDROP TABLE users;\nALTER TABLE n RENAME TO users;", fires: true},
		{name: "on two tables", base: base, sql: "ALTER TABLE users ADD COLUMN name TEXT;\nALTER TABLE other DROP COLUMN b;"},
		{name: "the drop alone", base: base, sql: "ALTER TABLE users DROP COLUMN nm;"},
		{name: "the contract of an earlier file", base: base, files: []string{"ALTER TABLE users ADD COLUMN age INTEGER;", "-- towline:contract of=0001\nALTER TABLE users DROP COLUMN nm;"}},
		{name: "a rename", base: base, sql: "ALTER TABLE users RENAME COLUMN nm TO name;"},
		{name: "from nothing", files: []string{base, "ALTER TABLE users ADD COLUMN name TEXT;", "ALTER TABLE users DROP COLUMN nm;"}},
	})
}

func TestCodeThatInsertsByPositionIsNamed(t *testing.T) {
	code := func(text string) func(*lint.Input) {
		return func(in *lint.Input) {
			in.History = &lint.History{Code: map[string][]string{lint.CodeLive: lint.CodeNames([]byte(text))}}
		}
	}
	base := "CREATE TABLE t(a, b);\nCREATE TABLE u(a, b);\n"
	sql := "ALTER TABLE t ADD COLUMN c;"
	testRule(t, "D1-BC03", []ruleCase{
		{name: "without a list", base: base, sql: sql, in: code(`db.prepare("INSERT INTO t VALUES (?, ?)")`), fires: true, table: "t", text: "has 3 columns but 2 values"},
		{name: "over two lines, quoted", base: base, sql: sql, in: code("x = `insert or ignore into \"u\" (a) values (1); insert into \"T\"\n  values (?, ?)`"), fires: true},
		{name: "with a list", base: base, sql: sql, in: code(`db.prepare("INSERT INTO t(a, b) VALUES (?, ?)")`)},
		{name: "into another table", base: base, sql: sql, in: code(`db.prepare("INSERT INTO u VALUES (?, ?)")`)},
		{name: "with code that nobody knows", base: base, sql: sql},
	})
}

func TestWhatCodeNamesMustNotGo(t *testing.T) {
	base := "CREATE TABLE users(id INTEGER PRIMARY KEY, fax TEXT, v TEXT);\n"
	code := func(version, text string) func(*lint.Input) {
		return func(in *lint.Input) {
			in.History = &lint.History{Code: map[string][]string{version: lint.CodeNames([]byte(text))}}
		}
	}
	drop := "-- towline:contract of=0001\nALTER TABLE users DROP COLUMN fax;"
	testRule(t, "D1-BC04", []ruleCase{
		{name: "a column in the live code", base: base, sql: drop, in: code(lint.CodeLive, "SELECT id, fax FROM users"), fires: true, table: "users", text: "The live code"},
		{name: "a column in the code that a rollback returns to", base: base, sql: drop, in: code(lint.CodeBefore, "row.FAX"), fires: true, text: "rollback returns to"},
		{name: "a table", base: base, sql: "DROP TABLE users;", in: code(lint.CodeLive, "SELECT id FROM users"), fires: true},
		{name: "a column left out of a rebuild", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, v TEXT);\nINSERT INTO n(id, v) SELECT id, v FROM users;\nDROP TABLE users;\nALTER TABLE n RENAME TO users;", in: code(lint.CodeLive, "fax"), fires: true},
		{name: "a column renamed", base: base, sql: "ALTER TABLE users RENAME COLUMN fax TO telefax;", in: code(lint.CodeLive, "fax"), fires: true},
		{name: "in neither", base: base, sql: drop, in: code(lint.CodeLive, "SELECT id, v FROM users")},
		{name: "as a part of another word", base: base, sql: drop, in: code(lint.CodeLive, "faxes, telefax, fax_number")},
		{name: "in this release's code alone", base: base, sql: drop, in: code(lint.CodeNext, "fax")},
		{name: "with code that nobody knows", base: base, sql: drop},
	})
}

func TestADropWaitsUntilNobodyHasUsedItForLongEnough(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	history := func(since uint64, unused time.Time) func(*lint.Input) {
		return func(in *lint.Input) {
			in.History = &lint.History{Now: now, Wait: 7 * 24 * time.Hour, Columns: []lint.Lifetime{
				{Table: "users", Column: "fax", AddedIn: 12, UnusedSince: since, Unused: unused},
				{Table: "users", UnusedSince: since, Unused: unused},
			}}
		}
	}
	base := "CREATE TABLE users(id INTEGER PRIMARY KEY, fax TEXT);\n"
	drop := "ALTER TABLE users DROP COLUMN fax;"
	marked := "-- towline:contract of=0001\n" + drop
	days := func(n int) time.Time { return now.Add(-time.Duration(n) * 24 * time.Hour) }
	testRule(t, "D1-DS02", []ruleCase{
		{name: "in use, even when marked", base: base, sql: marked, in: history(0, time.Time{}), fires: true, text: "uses it"},
		{name: "unused by a release that is not live yet", base: base, sql: marked, in: history(15, time.Time{}), fires: true, text: "#15"},
		{name: "unused for too short a time", base: base, sql: marked, in: history(15, days(6)), fires: true, text: "may go after 2026-11-21 09:00 UTC"},
		{name: "unused for long enough, and marked", base: base, sql: marked, in: history(15, days(7))},
		{name: "unused for long enough", base: base, sql: drop, in: history(15, days(7)), fires: true, severity: lint.Warning},
		{name: "of which nothing is known", base: base, sql: drop, in: func(in *lint.Input) { in.History = &lint.History{Now: now} }, fires: true},
	})
	testRule(t, "D1-DS01", []ruleCase{
		{name: "a table in use", base: base, sql: "-- towline:contract of=0001\nDROP TABLE users;", in: history(0, time.Time{}), fires: true},
		{name: "a table unused for long enough", base: base, sql: "-- towline:contract of=0001\nDROP TABLE users;", in: history(15, days(8))},
	})
	testRule(t, "D1-BC01", []ruleCase{
		{name: "a rename of something in use", base: base, sql: "ALTER TABLE users RENAME COLUMN fax TO f;", in: history(0, time.Time{}), fires: true},
		{name: "a rename of something unused for long enough", base: base, sql: "-- towline:contract of=0001\nALTER TABLE users RENAME COLUMN fax TO f;", in: history(15, days(8))},
	})
	h := lint.History{Wait: time.Hour}
	if at, ok := h.MayGo(lint.Lifetime{UnusedSince: 15, Unused: now}); !ok || !at.Equal(now.Add(time.Hour)) {
		t.Errorf("%v %v", at, ok)
	}
	if _, ok := h.MayGo(lint.Lifetime{Unused: now}); ok {
		t.Error("something in use may go")
	}
}
