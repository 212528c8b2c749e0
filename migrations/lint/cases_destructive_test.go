package lint_test

import (
	"strings"
	"testing"

	"towline/migrations/lint"
)

func TestADroppedTableIsAnError(t *testing.T) {
	base := "CREATE TABLE orders(id INTEGER PRIMARY KEY, a TEXT);\n"
	testRule(t, "D1-DS01", []ruleCase{
		{name: "with data", base: base, sql: "DROP TABLE orders;", fires: true, table: "orders", rewrite: "-- towline:contract of=0001\nDROP TABLE orders;"},
		{name: "under another name", base: base, sql: "ALTER TABLE orders RENAME TO orders_old;\nDROP TABLE orders_old;", fires: true},
		{name: "made again without its rows", base: base, sql: "DROP TABLE orders;\nCREATE TABLE orders(id INTEGER PRIMARY KEY);", fires: true, text: "made again"},
		{name: "a standalone full-text table", base: "CREATE VIRTUAL TABLE f USING fts5(body);", sql: "DROP TABLE f;", fires: true},
		{name: "a full-text index over a table", base: base + "CREATE VIRTUAL TABLE f USING fts5(a, content='orders', content_rowid='id');", sql: "DROP TABLE f;", fires: true, severity: lint.Info},
		{name: "made again and filled from another table", base: base + "CREATE TABLE lines(id INTEGER PRIMARY KEY, a TEXT);", sql: "DROP TABLE orders;\nCREATE TABLE orders(id INTEGER PRIMARY KEY, a TEXT);\nINSERT INTO orders(id, a) SELECT id, a FROM lines;", fires: true, severity: lint.Warning},
		{name: "a full-text table made again and filled", base: base + "CREATE VIRTUAL TABLE f USING fts5(a);", sql: "DROP TABLE f;\nCREATE VIRTUAL TABLE f USING fts5(a, content='orders', content_rowid='id');\nINSERT INTO f(f) VALUES('rebuild');", fires: true, severity: lint.Info},
		{name: "known to be empty", base: base, sql: "DROP TABLE orders;", in: func(in *lint.Input) { in.Rows = map[string]int64{"Orders": 0} }, fires: true, severity: lint.Info},
		{name: "a scratch table of the same release", base: base, files: []string{"CREATE TABLE k AS SELECT * FROM orders;", "DROP TABLE k;"}},
		{name: "rebuilt", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY);\nINSERT INTO n(id) SELECT id FROM orders;\nDROP TABLE orders;\nALTER TABLE n RENAME TO orders;"},
		{name: "rebuilt, with the old table renamed away", base: base, sql: "ALTER TABLE orders RENAME TO o;\nCREATE TABLE orders(id INTEGER PRIMARY KEY, a TEXT);\nINSERT INTO orders(id, a) SELECT id, a FROM o;\nDROP TABLE o;"},
		{name: "marked as a contract", base: base, sql: "-- towline:contract of=0001\nDROP TABLE orders;"},
		{name: "marked as the contract of a file of the same release", base: base, files: []string{"CREATE TABLE n(x);", "-- towline:contract of=0002\nDROP TABLE orders;"}, fires: true},
		{name: "IF EXISTS, and it does not", base: base, sql: "DROP TABLE IF EXISTS other;"},
		{name: "all files at once from nothing", files: []string{base, "DROP TABLE orders;"}},
		{name: "a view", base: base + "CREATE VIEW v AS SELECT a FROM orders;", sql: "DROP VIEW v;"},
	})
}

func TestADroppedColumnIsAnError(t *testing.T) {
	base := "CREATE TABLE users(id INTEGER PRIMARY KEY, fax TEXT, v TEXT GENERATED ALWAYS AS (lower(fax)) VIRTUAL, a TEXT);\n"
	plain := "CREATE TABLE users(id INTEGER PRIMARY KEY, fax TEXT, a TEXT);\n"
	testRule(t, "D1-DS02", []ruleCase{
		{name: "with data", base: plain, sql: "ALTER TABLE users DROP COLUMN fax;", fires: true, table: "users", rewrite: "towline:contract of=0001"},
		{name: "left out of a rebuild", base: plain, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT);\nINSERT INTO n(id, a) SELECT id, a FROM users;\nDROP TABLE users;\nALTER TABLE n RENAME TO users;", fires: true, text: "leaves fax out"},
		{name: "under another name in a rebuild", base: plain, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, telefax TEXT, a TEXT);\nINSERT INTO n(id, telefax, a) SELECT id, fax, a FROM users;\nDROP TABLE users;\nALTER TABLE n RENAME TO users;"},
		{name: "a STORED generated one", base: "CREATE TABLE users(id INTEGER PRIMARY KEY, a INT, s INT AS (a + 1) STORED);", sql: "ALTER TABLE users DROP COLUMN s;", fires: true, severity: lint.Warning, text: "worked out"},
		{name: "a VIRTUAL generated one", base: base, sql: "ALTER TABLE users DROP COLUMN v;"},
		{name: "marked as a contract", base: plain, sql: "-- towline:contract of=0001_base.sql\nALTER TABLE users DROP COLUMN fax;"},
		{name: "added by the same release", base: plain, files: []string{"ALTER TABLE users ADD COLUMN tmp TEXT;", "ALTER TABLE users DROP COLUMN tmp;"}},
		{name: "of a new table", base: plain, files: []string{"CREATE TABLE n(x, y);", "ALTER TABLE n DROP COLUMN y;"}},
		{name: "allowed with a reason", base: plain, sql: "-- towline:allow D1-DS02 reason=\"unused since release 12\"\nALTER TABLE users DROP COLUMN fax;", fires: true, severity: lint.Info},
	})
}

func TestATriggerThatUsesADroppedColumnIsAnError(t *testing.T) {
	base := "CREATE TABLE t(id INTEGER PRIMARY KEY, b TEXT);\nCREATE TABLE o(id INTEGER PRIMARY KEY);\nCREATE TRIGGER g AFTER INSERT ON o BEGIN UPDATE t SET b = 1 WHERE id = new.id; END;\n"
	testRule(t, "D1-DS03", []ruleCase{
		{name: "of another table", base: base, sql: "ALTER TABLE t DROP COLUMN b;", fires: true, table: "t", rewrite: "DROP TRIGGER g;"},
		{name: "dropped before", base: base, sql: "DROP TRIGGER g;\nALTER TABLE t DROP COLUMN b;"},
		{name: "dropped behind", base: base, sql: "ALTER TABLE t DROP COLUMN b;\nDROP TRIGGER g;"},
		{name: "made again without it", base: base, sql: "ALTER TABLE t DROP COLUMN b;\nDROP TRIGGER g;\nCREATE TRIGGER g AFTER INSERT ON o BEGIN DELETE FROM t WHERE id = new.id; END;"},
		{name: "another column", base: "CREATE TABLE t(id INTEGER PRIMARY KEY, b TEXT, c TEXT);\nCREATE TABLE o(id INTEGER PRIMARY KEY);\nCREATE TRIGGER g AFTER INSERT ON o BEGIN UPDATE t SET b = 1 WHERE id = new.id; END;", sql: "ALTER TABLE t DROP COLUMN c;"},
		{name: "on UPDATE", base: "CREATE TABLE t(id INTEGER PRIMARY KEY, b TEXT);\nCREATE TABLE o(id INTEGER PRIMARY KEY, x);\nCREATE TRIGGER g AFTER UPDATE OF x ON o WHEN old.x <> 1 BEGIN UPDATE t SET b = new.x; END;", sql: "ALTER TABLE t DROP COLUMN b;", fires: true},
	})
}

func TestADroppedTableThatSomethingMentionsIsAnError(t *testing.T) {
	base := "CREATE TABLE t(id INTEGER PRIMARY KEY, b TEXT);\nCREATE VIEW v AS SELECT b FROM t;\n"
	testRule(t, "D1-DS04", []ruleCase{
		{name: "a view", base: base, sql: "DROP TABLE t;", fires: true, table: "t", text: "View v", rewrite: "DROP VIEW v;"},
		{name: "a trigger of another table", base: "CREATE TABLE t(id INTEGER PRIMARY KEY);\nCREATE TABLE o(x);\nCREATE TRIGGER g AFTER DELETE ON o BEGIN DELETE FROM t; END;", sql: "DROP TABLE t;", fires: true, text: "Trigger g"},
		{name: "the view as well", base: base, sql: "DROP TABLE t;\nDROP VIEW v;"},
		{name: "the view by a later file", base: base, files: []string{"DROP TABLE t;", "DROP VIEW v;"}},
		{name: "its own trigger", base: "CREATE TABLE t(id INTEGER PRIMARY KEY);\nCREATE TABLE o(x);\nCREATE TRIGGER g AFTER DELETE ON t BEGIN DELETE FROM o; END;", sql: "DROP TABLE t;"},
		{name: "made again", base: base, sql: "CREATE TABLE k AS SELECT * FROM t;\nDROP TABLE t;\nCREATE TABLE t(id INTEGER PRIMARY KEY, b TEXT);\nINSERT INTO t(id, b) SELECT id, b FROM k;\nDROP TABLE k;"},
		{name: "a view that was broken before", base: base + "DROP TABLE t;\nCREATE TABLE u(x);", sql: "DROP TABLE u;"},
	})
}

func TestChangingEveryRowIsNamed(t *testing.T) {
	base := "CREATE TABLE users(id INTEGER PRIMARY KEY, plan TEXT, email TEXT);\n"
	rows := func(n int64) func(*lint.Input) {
		return func(in *lint.Input) { in.Rows = map[string]int64{"users": n} }
	}
	testRule(t, "D1-DS05", []ruleCase{
		{name: "UPDATE", base: base, sql: "UPDATE users SET plan = 'free';", fires: true, table: "users", rewrite: "-- towline:backfill"},
		{name: "UPDATE of a large table", base: base, sql: "UPDATE users SET plan = 'free';", in: rows(10_001), fires: true, severity: lint.Error},
		{name: "UPDATE of a small table", base: base, sql: "UPDATE users SET plan = 'free';", in: rows(50), fires: true},
		{name: "UPDATE of an empty table", base: base, sql: "UPDATE users SET plan = 'free';", in: rows(0)},
		{name: "DELETE", base: base, sql: "DELETE FROM users;", fires: true, severity: lint.Error},
		{name: "DELETE of what is filled again", base: base + "CREATE VIRTUAL TABLE f USING fts5(email);", sql: "DELETE FROM f;\nINSERT INTO f(rowid, email) SELECT id, email FROM users;", fires: true},
		{name: "with WHERE inside a subquery alone", base: base, sql: "UPDATE users SET plan = (SELECT max(id) FROM users WHERE id > 3);", fires: true},
		{name: "a key", base: base, sql: "UPDATE users SET plan = 'free' WHERE id = 1;"},
		{name: "a new table", base: base, sql: "CREATE TABLE n(x);\nUPDATE n SET x = 1;\nDELETE FROM n;"},
		{name: "in a backfill block", base: base, sql: "-- towline:backfill name=x table=users key=id\nUPDATE users SET plan = 'free' WHERE plan IS NULL /* :window */;\n-- towline:end"},
		{name: "saved before and put back", base: base, sql: "CREATE TABLE k AS SELECT * FROM users;\nDELETE FROM users;\nINSERT INTO users(id, plan, email) SELECT id, plan, email FROM k;\nDROP TABLE k;"},
	})
}

func TestReplaceIntoAParentIsAnError(t *testing.T) {
	testRule(t, "D1-DS06", []ruleCase{
		{name: "REPLACE", base: users + sessions, sql: "REPLACE INTO users(id, name) VALUES (1, 'x');", fires: true, table: "sessions", rewrite: "ON CONFLICT(id) DO UPDATE SET name = excluded.name"},
		{name: "INSERT OR REPLACE", base: users + sessions, sql: "INSERT OR REPLACE INTO users VALUES (1, 'x');", fires: true},
		{name: "from a query", base: users + sessions, sql: "INSERT OR REPLACE INTO users(id, name) SELECT 1, 'x';", fires: true, rewrite: "WHERE true\nON CONFLICT"},
		{name: "an upsert", base: users + sessions, sql: "INSERT INTO users(id, name) VALUES (1, 'x') ON CONFLICT(id) DO UPDATE SET name = excluded.name;"},
		{name: "into a table without children", base: users, sql: "REPLACE INTO users(id, name) VALUES (1, 'x');"},
		{name: "into a child", base: users + sessions, sql: "REPLACE INTO sessions(id, user_id) VALUES (1, 1);"},
		{name: "with NO ACTION children", base: plans, sql: "REPLACE INTO plans(id, name) VALUES (1, 'x');"},
		{name: "into a new table", sql: users + sessions + "REPLACE INTO users(id, name) VALUES (1, 'x');"},
		{name: "the function", base: users + sessions, sql: "INSERT INTO users(id, name) VALUES (1, replace('a', 'a', 'b'));"},
	})
}

func TestAContractOfAFileOfTheSameReleaseIsToldWhyItHasNoEffect(t *testing.T) {
	for name, sql := range map[string]string{"itself": "-- towline:contract of=0002\nDROP TABLE orders;", "an earlier file": "-- towline:contract of=0001\nDROP TABLE orders;"} {
		report := ruleCase{base: "CREATE TABLE orders(id INTEGER PRIMARY KEY);", sql: sql}.run(t)
		told := false
		for _, f := range report.Findings {
			told = told || f.Code == "D1-DS01" && strings.Contains(f.Advice, "names a file of this one")
		}
		if told != (name == "itself") {
			t.Errorf("%s: %s", name, show(report.Findings))
		}
	}
}
