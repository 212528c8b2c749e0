package lint_test

import (
	"testing"

	"towline/migrations/lint"
	"towline/migrations/rehearse"
)

func TestAColumnThatRowsRefuseIsAnError(t *testing.T) {
	base := "CREATE TABLE q(id INTEGER PRIMARY KEY);\nCREATE TABLE orders(id INTEGER PRIMARY KEY, b TEXT);\n"
	add := func(column string) string { return "ALTER TABLE orders ADD COLUMN " + column + ";" }
	empty := func(in *lint.Input) { in.Rows = map[string]int64{"orders": 0} }
	testRule(t, "D1-MF01", []ruleCase{
		{name: "NOT NULL without a default", base: base, sql: add("region TEXT NOT NULL"), fires: true, table: "orders", rewrite: "ALTER TABLE orders ADD COLUMN region TEXT;"},
		{name: "NOT NULL DEFAULT NULL", base: base, sql: add("region TEXT NOT NULL DEFAULT NULL"), fires: true},
		{name: "with a default", base: base, sql: add("region TEXT NOT NULL DEFAULT 'eu'")},
		{name: "nullable", base: base, sql: add("region TEXT")},
		{name: "of a new table", sql: base + add("region TEXT NOT NULL")},
		{name: "of a table known to be empty", base: base, sql: add("region TEXT NOT NULL"), in: empty},
		{name: "NOT NULL in a text", base: base, sql: add("region TEXT DEFAULT 'NOT NULL'")},
	})
	testRule(t, "D1-MF02", []ruleCase{
		{name: "CURRENT_TIMESTAMP", base: base, sql: add("seen_at TEXT DEFAULT CURRENT_TIMESTAMP"), fires: true, rewrite: "CURRENT_TIMESTAMP"},
		{name: "an expression", base: base, sql: add("seen_at TEXT DEFAULT (datetime('now'))"), fires: true},
		{name: "in CREATE TABLE", base: base, sql: "CREATE TABLE n(x, seen_at TEXT DEFAULT CURRENT_TIMESTAMP);"},
		{name: "a literal", base: base, sql: add("n INTEGER DEFAULT -1")},
	})
	testRule(t, "D1-MF03", []ruleCase{
		{name: "REFERENCES with a default", base: base, sql: add("p INTEGER DEFAULT 1 REFERENCES q(id)"), fires: true, rewrite: "REFERENCES q(id);"},
		{name: "STORED", base: base, sql: add("l INTEGER AS (length(b)) STORED"), fires: true, rewrite: "AS (length(b)) VIRTUAL"},
		{name: "REFERENCES with DEFAULT NULL", base: base, sql: add("p INTEGER DEFAULT NULL REFERENCES q(id)")},
		{name: "VIRTUAL", base: base, sql: add("l INTEGER AS (length(b)) VIRTUAL")},
	})
	testRule(t, "D1-MF05", []ruleCase{
		{name: "a default that the column's own CHECK refuses", base: base, sql: add("n INTEGER NOT NULL DEFAULT 0 CHECK (n > 0)"), fires: true},
		{name: "a CHECK that takes NULL", base: base, sql: add("n INTEGER CHECK (n > 0)")},
	})
}

func TestAUniqueIndexOverRowsIsNamed(t *testing.T) {
	base := "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, tenant TEXT);\n"
	testRule(t, "D1-MF04", []ruleCase{
		{name: "on rows", base: base, sql: "CREATE UNIQUE INDEX u ON users(email);", fires: true, table: "users", rewrite: "-- towline:assert SELECT NOT EXISTS"},
		{name: "over an expression", base: base, sql: "CREATE UNIQUE INDEX u ON users(lower(email));", fires: true},
		{name: "with duplicates in the data", base: base, sql: "CREATE UNIQUE INDEX u ON users(email);", fires: true, severity: lint.Error, text: "2 rows", in: func(in *lint.Input) {
			r := rehearse.Report{}
			for range 2 {
				r.Rejected = append(r.Rejected, rehearse.RejectedRow{Place: rehearse.Place{File: "0002_change.sql", Index: 1}, Table: "users"})
			}
			in.Report = &r
		}},
		{name: "asserted by a directive", base: base, sql: "-- towline:assert SELECT NOT EXISTS (SELECT 1 FROM users GROUP BY email HAVING count(*) > 1)\nCREATE UNIQUE INDEX u ON users(email);"},
		{name: "asserted by a statement", base: base, sql: "CREATE TABLE a(ok CHECK (ok = 1));\nINSERT INTO a SELECT NOT EXISTS (SELECT 1 FROM users GROUP BY email HAVING count(*) > 1);\nCREATE UNIQUE INDEX u ON users(email);\nDROP TABLE a;"},
		{name: "after the duplicates are deleted", base: base, sql: "DELETE FROM users WHERE id NOT IN (SELECT min(id) FROM users GROUP BY email);\nCREATE UNIQUE INDEX u ON users(email);"},
		{name: "on a new table", sql: base + "CREATE UNIQUE INDEX u ON users(email);"},
		{name: "with the primary key in it", base: base, sql: "CREATE UNIQUE INDEX u ON users(email, id);"},
		{name: "made again after a rebuild", base: base + "CREATE UNIQUE INDEX u ON users(email);\n",
			sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, email TEXT, tenant TEXT);\nINSERT INTO n(id, email, tenant) SELECT id, email, tenant FROM users;\nDROP TABLE users;\nALTER TABLE n RENAME TO users;\nCREATE UNIQUE INDEX u ON users(email);"},
		{name: "over a column added in the same file", base: base, sql: "ALTER TABLE users ADD COLUMN handle TEXT;\nCREATE UNIQUE INDEX u ON users(handle);"},
		{name: "an index that is not unique", base: base, sql: "CREATE INDEX \"unique\" ON users(email);"},
	})
}

func TestATighterConstraintIsNamed(t *testing.T) {
	base := "CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT CHECK (s IN ('a', 'b')), n TEXT);\n"
	again := func(columns, from string) string { return remake("id INTEGER PRIMARY KEY, "+columns, "id, s, n", from) }
	testRule(t, "D1-MF05", []ruleCase{
		{name: "a narrower CHECK", base: base, sql: again("s TEXT CHECK (s IN ('a', 'c')), n TEXT", "id, s, n"), fires: true, table: "t", rewrite: "-- towline:assert"},
		{name: "a new CHECK", base: base, sql: again("s TEXT CHECK (s IN ('a', 'b')), n TEXT CHECK (length(n) > 1)", "id, s, n"), fires: true},
		{name: "NOT NULL", base: base, sql: again("s TEXT CHECK (s IN ('a', 'b')), n TEXT NOT NULL", "id, s, n"), fires: true, text: "NOT NULL"},
		{name: "NOT NULL with the NULLs filled", base: base, sql: again("s TEXT CHECK (s IN ('a', 'b')), n TEXT NOT NULL", "id, s, coalesce(n, '')")},
		{name: "NOT NULL behind an assertion", base: base, sql: "-- towline:assert SELECT NOT EXISTS (SELECT 1 FROM t WHERE n IS NULL)\n" + again("s TEXT CHECK (s IN ('a', 'b')), n TEXT NOT NULL", "id, s, n")},
		{name: "NOT NULL behind an assertion of something else", base: base, sql: "-- towline:assert SELECT NOT EXISTS (SELECT 1 FROM t WHERE s IS NULL)\n" + again("s TEXT CHECK (s IN ('a', 'b')), n TEXT NOT NULL", "id, s, n"), fires: true},
		{name: "a wider CHECK", base: base, sql: again("s TEXT CHECK (s IN ('a', 'b', 'c')), n TEXT", "id, s, n")},
		{name: "the same CHECK, otherwise written", base: base, sql: again("s TEXT, n TEXT, CHECK (\"s\" in ('a','b'))", "id, s, n")},
		{name: "no CHECK any more", base: base, sql: again("s TEXT, n TEXT", "id, s, n")},
	})
}

func TestWhatSQLiteAlwaysRefusesIsAnErrorWithItsWayOut(t *testing.T) {
	base := "CREATE TABLE users(id INTEGER PRIMARY KEY, b TEXT, e TEXT UNIQUE, c TEXT CHECK (c <> ''), r INTEGER REFERENCES users(id));\n"
	testRule(t, "D1-MF06", []ruleCase{
		{name: "UNIQUE", base: base, sql: "ALTER TABLE users ADD COLUMN handle TEXT UNIQUE;", fires: true, table: "users",
			rewrite: "ALTER TABLE users ADD COLUMN handle TEXT;\nCREATE UNIQUE INDEX users_handle ON users(handle);"},
		{name: "PRIMARY KEY", base: base, sql: "ALTER TABLE users ADD handle TEXT PRIMARY KEY;", fires: true},
		{name: "of a new table as well", sql: base + "ALTER TABLE users ADD COLUMN handle TEXT UNIQUE;", fires: true},
		{name: "the column, then the index", base: base, sql: "ALTER TABLE users ADD COLUMN handle TEXT;\nCREATE UNIQUE INDEX u ON users(handle);"},
		{name: "a column called unique", base: base, sql: "ALTER TABLE users ADD COLUMN \"unique\" TEXT;"},
	})
	testRule(t, "D1-MF07", []ruleCase{
		{name: "an indexed column", base: base + "CREATE INDEX i ON users(b);", sql: "ALTER TABLE users DROP COLUMN b;", fires: true, table: "users", rewrite: "DROP INDEX i;\nALTER TABLE users DROP COLUMN b;"},
		{name: "a UNIQUE column", base: base, sql: "ALTER TABLE users DROP COLUMN e;", fires: true},
		{name: "the primary key", base: base, sql: "ALTER TABLE users DROP COLUMN id;", fires: true},
		{name: "one in a view", base: base + "CREATE VIEW v AS SELECT b FROM users;", sql: "ALTER TABLE users DROP COLUMN b;", fires: true, rewrite: "DROP VIEW v;"},
		{name: "one in a CHECK of the table", base: "CREATE TABLE users(a TEXT, b TEXT, CHECK (a <> b));", sql: "ALTER TABLE users DROP COLUMN b;", fires: true},
		{name: "with its own CHECK", base: base, sql: "ALTER TABLE users DROP COLUMN c;"},
		{name: "with its own REFERENCES", base: base, sql: "ALTER TABLE users DROP COLUMN r;"},
		{name: "with the index dropped first", base: base + "CREATE INDEX i ON users(b);", sql: "DROP INDEX i;\nALTER TABLE users DROP COLUMN b;"},
	})
}

func TestAKeyThatTakesMoreTextsForEqualIsNamed(t *testing.T) {
	again := func(email, after string) string {
		return "CREATE TABLE new_t(id INTEGER PRIMARY KEY, email " + email + ", n TEXT);\nINSERT INTO new_t(id, email, n) SELECT id, email, n FROM t;\nDROP TABLE t;\nALTER TABLE new_t RENAME TO t;\n" + after
	}
	unique := "CREATE TABLE t(id INTEGER PRIMARY KEY, email TEXT UNIQUE, n TEXT);\n"
	indexed := "CREATE TABLE t(id INTEGER PRIMARY KEY, email TEXT, n TEXT);\nCREATE UNIQUE INDEX t_email ON t(email);\n"
	anyCase := "CREATE TABLE t(id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE UNIQUE, n TEXT);\n"
	testRule(t, "D1-MF05", []ruleCase{
		{name: "UNIQUE that no longer minds the case", base: unique, sql: again("TEXT COLLATE NOCASE UNIQUE", ""), fires: true, table: "t", text: "without regard to case (COLLATE NOCASE)",
			rewrite: `GROUP BY email COLLATE NOCASE HAVING count(*) > 1`},
		{name: "one that no longer minds blanks", base: unique, sql: again("TEXT COLLATE RTRIM UNIQUE", ""), fires: true, text: "COLLATE RTRIM"},
		{name: "a PRIMARY KEY that no longer minds the case", base: "CREATE TABLE t(name TEXT PRIMARY KEY) WITHOUT ROWID;\n", fires: true, text: "In the key of t on name",
			sql: "CREATE TABLE new_t(name TEXT COLLATE NOCASE PRIMARY KEY) WITHOUT ROWID;\nINSERT INTO new_t(name) SELECT name FROM t;\nDROP TABLE t;\nALTER TABLE new_t RENAME TO t;"},
		{name: "behind an assertion", base: unique, sql: "-- towline:assert SELECT NOT EXISTS (SELECT 1 FROM t GROUP BY email COLLATE NOCASE HAVING count(*) > 1)\n" + again("TEXT COLLATE NOCASE UNIQUE", "")},
		{name: "one that did not mind before", base: anyCase, sql: again("TEXT COLLATE NOCASE UNIQUE", "")},
		{name: "one that minds it again", base: anyCase, sql: again("TEXT UNIQUE", "")},
		{name: "a column without a key", base: "CREATE TABLE t(id INTEGER PRIMARY KEY, email TEXT, n TEXT);\n", sql: again("TEXT COLLATE NOCASE", "")},
	})
	testRule(t, "D1-MF04", []ruleCase{
		{name: "the same index made again over a column that no longer minds the case", base: indexed, sql: again("TEXT COLLATE NOCASE", "CREATE UNIQUE INDEX t_email ON t(email);"), fires: true, table: "t", text: "COLLATE NOCASE",
			rewrite: "GROUP BY email COLLATE NOCASE"},
		{name: "the same index made again", base: indexed, sql: again("TEXT", "CREATE UNIQUE INDEX t_email ON t(email);")},
		{name: "one of a coarser collation beside the other", base: indexed, sql: "CREATE UNIQUE INDEX t_any_case ON t(email COLLATE NOCASE);", fires: true, text: "COLLATE NOCASE"},
		{name: "one that minds the case beside one that does not", base: anyCase, sql: "CREATE UNIQUE INDEX t_case ON t(email COLLATE BINARY);"},
	})
}
