package migrations_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"towline/migrations"
)

func TestTheCanonicalFormIsWhatD1CanSplit(t *testing.T) {
	for _, c := range []struct{ name, sql, want string }{
		{"an ordinary statement stays", "select  'a' -- b", "select  'a' -- b"},
		{"CRLF becomes LF", "SELECT 1,\r\n\r\n2", "SELECT 1,\n\n2"},
		{"CRLF in a comment becomes LF", "SELECT 1 -- a\r\n+ 2 /* b\r\n */", "SELECT 1 -- a\n+ 2 /* b\n */"},
		{"CRLF in quotes stays", "SELECT 'a\r\nb', \"c\r\nd\", [e\r\nf]\r\n", "SELECT 'a\r\nb', \"c\r\nd\", [e\r\nf]\n"},
		{"a lone CR stays, since a comment goes on behind it", "SELECT 1 -- a\r;\n", "SELECT 1 -- a\r;\n"},
		{"BEGIN and END of a trigger", "create trigger x insert on t begin select 1; end", "create trigger x insert on t BEGIN select 1; END"},
		{"END of CASE stays", "CREATE TRIGGER x INSERT ON t Begin SELECT case 1 when 1 then 2 end; End", "CREATE TRIGGER x INSERT ON t BEGIN SELECT case 1 when 1 then 2 end; END"},
		{"a trigger, a table and a column called begin", "create trigger begin update of a, begin on begin when new.begin = 1 begin delete from begin; end",
			"create trigger begin update of a, begin on begin when new.begin = 1 BEGIN delete from begin; END"},
		{"a trigger called begin before its event", "create trigger if not exists begin delete on t begin select 1; end", "create trigger if not exists begin delete on t BEGIN select 1; END"},
		{"names and strings with begin and end", "create temp trigger x insert on t begin select 'begin', \"end\"; end", "create temp trigger x insert on t BEGIN select 'begin', \"end\"; END"},
		{"begin in a comment", "create trigger x insert on t /* begin */ begin select 1; end", "create trigger x insert on t /* begin */ BEGIN select 1; END"},
		{"a table called end", "create table end(begin)", "create table end(begin)"},
		{"text that cannot be read stays", "select 'x", "select 'x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := migrations.Canonical(migrations.Statement{SQL: c.sql}); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestADescriptionSaysWhatAStatementActsOn(t *testing.T) {
	for _, c := range []struct{ sql, want string }{
		{"create table if not exists orders(id)", "CREATE TABLE orders"},
		{"CREATE TABLE main.[my orders](id)", "CREATE TABLE main.[my orders]"},
		{"CREATE UNIQUE INDEX IF NOT EXISTS i ON t(a)", "CREATE UNIQUE INDEX i ON t"},
		{"CREATE TRIGGER tr AFTER UPDATE OF a ON t BEGIN SELECT 1; END", "CREATE TRIGGER tr ON t"},
		{"CREATE VIRTUAL TABLE f USING fts5(a)", "CREATE VIRTUAL TABLE f"},
		{"CREATE TEMP VIEW v AS SELECT 1", "CREATE TEMP VIEW v"},
		{"DROP TABLE IF EXISTS t", "DROP TABLE t"},
		{"ALTER TABLE users ADD email TEXT", "ALTER TABLE users ADD COLUMN email"},
		{"ALTER TABLE users DROP COLUMN email", "ALTER TABLE users DROP COLUMN email"},
		{"ALTER TABLE users RENAME TO people", "ALTER TABLE users RENAME TO people"},
		{"ALTER TABLE users RENAME a TO b", "ALTER TABLE users RENAME COLUMN a TO b"},
		{"INSERT OR IGNORE INTO x(a) VALUES ('secret')", "INSERT OR IGNORE INTO x"},
		{"replace into x values (1)", "REPLACE INTO x"},
		{"UPDATE OR FAIL t SET a = 1", "UPDATE OR FAIL t"},
		{"DELETE FROM \"t\" WHERE 1", "DELETE FROM \"t\""},
		{"PRAGMA main.defer_foreign_keys = 1", "PRAGMA main.defer_foreign_keys"},
		{"WITH x AS (SELECT 'secret') SELECT * FROM x", "WITH …"},
		{"VACUUM", "VACUUM"},
		{"frobnicate now", "frobnicate …"},
		{"(", "…"},
		{"", "nothing"},
		{"CREATE TABLE \"a\r\n\u202eb\x00\"(c)", "CREATE TABLE \"a b \""},
		{"DROP TABLE " + strings.Repeat("é", 100), "DROP TABLE " + strings.Repeat("é", 48) + "…"},
		{"CREATE", "CREATE"},
		{"\xff\xfe", "…"},
	} {
		got := migrations.Describe(migrations.Statement{SQL: c.sql})
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.sql, got, c.want)
		}
		if utf8.RuneCountInString(got) > 60 {
			t.Errorf("%q is too long", got)
		}
	}
}
