package lint_test

import (
	"testing"

	"towline/migrations/lint"
)

const (
	users    = "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT);\n"
	sessions = "CREATE TABLE sessions(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id) ON DELETE CASCADE);\nCREATE INDEX sessions_user ON sessions(user_id);\n"
	plans    = "CREATE TABLE plans(id INTEGER PRIMARY KEY, name TEXT);\nCREATE TABLE orders(id INTEGER PRIMARY KEY, plan_id INTEGER REFERENCES plans(id));\nCREATE INDEX orders_plan ON orders(plan_id);\n"
	// textbook is the rebuild of users in the order of SQLite's own documentation.
	textbook = "CREATE TABLE new_users(id INTEGER PRIMARY KEY, name TEXT NOT NULL);\nINSERT INTO new_users(id, name) SELECT id, name FROM users;\nDROP TABLE users;\nALTER TABLE new_users RENAME TO users;\n"
	textplan = "CREATE TABLE new_plans(id INTEGER PRIMARY KEY, name TEXT NOT NULL);\nINSERT INTO new_plans(id, name) SELECT id, name FROM plans;\nDROP TABLE plans;\nALTER TABLE new_plans RENAME TO plans;\n"
	copyPlan = "CREATE TABLE k AS SELECT id, name FROM plans;\nDROP TABLE plans;\nCREATE TABLE plans(id INTEGER PRIMARY KEY, name TEXT NOT NULL);\nINSERT INTO plans(id, name) SELECT id, name FROM k;\nDROP TABLE k;\n"
	guards   = "PRAGMA defer_foreign_keys = ON;\nCREATE TRIGGER g BEFORE DELETE ON sessions BEGIN SELECT RAISE(IGNORE); END;\n" +
		"CREATE TABLE k AS SELECT id, name FROM users;\nDROP TABLE users;\nCREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT NOT NULL);\nINSERT INTO users(id, name) SELECT id, name FROM k;\nDROP TABLE k;\nDROP TRIGGER g;\n"
)

func TestADropThatTakesRowsOfOtherTablesAlongIsAnError(t *testing.T) {
	testRule(t, "D1-FK01", []ruleCase{
		{name: "a parent with a cascading child", base: users + sessions, sql: "DROP TABLE users;", fires: true, table: "sessions", text: "CASCADE"},
		{name: "a child, to which nothing refers", base: users + sessions, sql: "DROP TABLE sessions;"},
		{name: "a rebuild in the textbook order", base: users + sessions, sql: textbook, fires: true, table: "sessions", rewrite: "RAISE(IGNORE)"},
		{name: "a rebuild with foreign keys off, which D1 ignores", base: users + sessions, sql: "PRAGMA foreign_keys = OFF;\n" + textbook + "PRAGMA foreign_keys = ON;", fires: true},
		{name: "a rebuild with checks put off, which stops no action", base: users + sessions, sql: "PRAGMA defer_foreign_keys = ON;\n" + textbook, fires: true},
		{name: "the guarded rebuild", base: users + sessions, sql: guards},
		{name: "a child that is set to NULL", base: users + "CREATE TABLE tickets(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id) ON DELETE SET NULL);",
			sql: textbook, fires: true, table: "tickets", text: "to NULL"},
		{name: "a child that is reset to its default", base: users + "INSERT INTO users VALUES (0, 'nobody');\nCREATE TABLE tickets(id INTEGER PRIMARY KEY, user_id INTEGER DEFAULT 0 REFERENCES users(id) ON DELETE SET DEFAULT);",
			sql: "PRAGMA defer_foreign_keys = ON;\n" + textbook, fires: true, table: "tickets"},
		{name: "a grandchild", base: users + sessions + "CREATE TABLE events(session_id INTEGER REFERENCES sessions(id) ON DELETE CASCADE);", sql: textbook, fires: true},
		{name: "tables of an earlier file of the same release", files: []string{users + sessions, textbook}, fires: true, table: "sessions"},
		{name: "tables made in the same file are empty", sql: users + sessions + textbook},
		{name: "children that are saved and put back", base: users + sessions,
			sql: "CREATE TABLE kept AS SELECT * FROM sessions;\nDELETE FROM sessions;\n" + textbook + "INSERT INTO sessions(id, user_id) SELECT id, user_id FROM kept;\nDROP TABLE kept;"},
		{name: "a child that goes first", base: users + sessions, sql: "DROP TABLE sessions;\nDROP TABLE users;"},
		{name: "a table that nobody refers to", base: users + sessions + "CREATE TABLE notes(id INTEGER PRIMARY KEY);", sql: "DROP TABLE notes;"},
		{name: "DROP TABLE IF EXISTS of nothing", base: users + sessions, sql: "DROP TABLE IF EXISTS accounts;"},
	})
}

func TestForeignKeysOffIsNamed(t *testing.T) {
	testRule(t, "D1-FK02", []ruleCase{
		{name: "anywhere", base: users, sql: "PRAGMA foreign_keys = OFF;\nSELECT 1;", fires: true},
		{name: "as a call, with a number", base: users, sql: "PRAGMA foreign_keys(0);\nSELECT 1;", fires: true},
		{name: "where a drop relies on it", base: users + sessions, sql: "PRAGMA foreign_keys=OFF;\n" + textbook, fires: true, severity: lint.Error},
		{name: "switched on", base: users, sql: "PRAGMA foreign_keys = ON;\nSELECT 1;"},
		{name: "asked for", base: users, sql: "PRAGMA foreign_keys;"},
		{name: "checks put off", base: users, sql: "PRAGMA defer_foreign_keys = ON;\nSELECT 1;"},
		{name: "in a text", base: users, sql: "INSERT INTO users(name) VALUES ('PRAGMA foreign_keys = OFF;');"},
	})
}

func TestForgettingViolationsIsAnError(t *testing.T) {
	assert := "CREATE TABLE \"__assert\"(what TEXT, ok INTEGER NOT NULL CHECK (ok = 1));\nINSERT INTO \"__assert\" SELECT 'fk', NOT EXISTS (SELECT 1 FROM pragma_foreign_key_check);\nDROP TABLE \"__assert\";\n"
	for _, off := range []string{"= OFF", "=0", "(false)", "= no", "= 'off'"} {
		testRule(t, "D1-FK03", []ruleCase{
			{name: "after a rebuild", base: plans, sql: "PRAGMA defer_foreign_keys=ON;\n" + textplan + "PRAGMA defer_foreign_keys" + off + ";", fires: true},
		})
	}
	testRule(t, "D1-FK03", []ruleCase{
		{name: "after an assertion", base: plans, sql: "PRAGMA defer_foreign_keys=ON;\n" + textplan + assert + "PRAGMA defer_foreign_keys=OFF;"},
		{name: "after an assertion that Towline asks", base: plans, sql: "PRAGMA defer_foreign_keys=ON;\n" + textplan + "-- towline:assert SELECT NOT EXISTS (SELECT 1 FROM pragma_foreign_key_check)\nPRAGMA defer_foreign_keys=OFF;"},
		{name: "after an assertion that Towline asks of something else", base: plans, sql: "PRAGMA defer_foreign_keys=ON;\n" + textplan + "-- towline:assert SELECT 1\nPRAGMA defer_foreign_keys=OFF;", fires: true},
		{name: "after an assertion that is followed by a write", base: plans, sql: "PRAGMA defer_foreign_keys=ON;\n" + assert + textplan + "PRAGMA defer_foreign_keys=OFF;", fires: true},
		{name: "where nothing can be violated", base: "CREATE TABLE t(a);", sql: "PRAGMA defer_foreign_keys=ON;\nUPDATE t SET a = 1 WHERE a = 2;\nPRAGMA defer_foreign_keys=OFF;", fires: true, severity: lint.Warning},
		{name: "switched on", base: plans, sql: "PRAGMA defer_foreign_keys = ON;\nUPDATE orders SET plan_id = 2 WHERE id = 1;"},
		{name: "asked for", base: plans, sql: "UPDATE orders SET plan_id = 2 WHERE id = 1;\nPRAGMA defer_foreign_keys;"},
	})
}

func TestADropThatChildrenRefuseIsAnError(t *testing.T) {
	testRule(t, "D1-FK04", []ruleCase{
		{name: "the textbook order with checks put off", base: plans, sql: "PRAGMA defer_foreign_keys = ON;\n" + textplan, fires: true, table: "orders", text: "outage", rewrite: "defer_foreign_keys"},
		{name: "the textbook order", base: plans, sql: textplan, fires: true, table: "orders", text: "DROP TABLE plans fails"},
		{name: "hidden by switching off", base: plans, sql: "PRAGMA defer_foreign_keys = ON;\n" + textplan + "PRAGMA defer_foreign_keys = OFF;"},
		{name: "copy out, drop, create, copy in", base: plans, sql: "PRAGMA defer_foreign_keys = ON;\n" + copyPlan},
		{name: "a table without children", base: users, sql: textbook},
		{name: "a plain drop before its child", base: plans, sql: "DROP TABLE plans;\nDROP TABLE orders;", fires: true},
		{name: "a plain drop after its child", base: plans, sql: "DROP TABLE orders;\nDROP TABLE plans;"},
		{name: "a child that lost its foreign key before", base: plans, sql: "CREATE TABLE new_orders(id INTEGER PRIMARY KEY, plan_id INTEGER);\nINSERT INTO new_orders(id, plan_id) SELECT id, plan_id FROM orders;\nDROP TABLE orders;\nALTER TABLE new_orders RENAME TO orders;\nDROP TABLE plans;"},
	})
}

func TestACopyThatRefersToTheOldTableIsAnError(t *testing.T) {
	node := "CREATE TABLE node(id INTEGER PRIMARY KEY, up INTEGER REFERENCES node(id) ON DELETE CASCADE);\nCREATE INDEX node_up ON node(up);"
	rest := "INSERT INTO __new_node(id, up) SELECT id, up FROM node;\nDROP TABLE node;\nALTER TABLE __new_node RENAME TO node;\nCREATE INDEX node_up ON node(up);"
	testRule(t, "D1-FK05", []ruleCase{
		{name: "with CASCADE", base: node, sql: "CREATE TABLE __new_node(id INTEGER PRIMARY KEY, up INTEGER REFERENCES node(id) ON DELETE CASCADE);\n" + rest, fires: true, text: "deletes rows"},
		{name: "with NO ACTION", base: node, sql: "PRAGMA defer_foreign_keys = ON;\nCREATE TABLE __new_node(id INTEGER PRIMARY KEY, up INTEGER REFERENCES node(id));\n" + rest, fires: true},
		{name: "to itself", base: node, sql: "CREATE TABLE __new_node(id INTEGER PRIMARY KEY, up INTEGER REFERENCES __new_node(id) ON DELETE CASCADE);\n" + rest},
		{name: "copy out and in", base: node, sql: "PRAGMA defer_foreign_keys = ON;\nCREATE TABLE k AS SELECT * FROM node;\nDROP TABLE node;\n" + node + "\nINSERT INTO node(id, up) SELECT id, up FROM k;\nDROP TABLE k;"},
	})
}

func TestChildrenPutBackOntoSurvivorsAreNamed(t *testing.T) {
	save, back := "CREATE TABLE k AS SELECT * FROM sessions;\n", "INTO sessions(id, user_id) SELECT id, user_id FROM k;\nDROP TABLE k;"
	testRule(t, "D1-FK06", []ruleCase{
		{name: "without deleting", base: users + sessions, sql: save + textbook + "INSERT " + back, fires: true, table: "sessions", rewrite: "DELETE FROM sessions;"},
		{name: "deleted before", base: users + sessions, sql: save + "DELETE FROM sessions;\n" + textbook + "INSERT " + back},
		{name: "OR IGNORE", base: users + sessions, sql: save + textbook + "INSERT OR IGNORE " + back},
		{name: "without a drop", base: users + sessions, sql: save + "INSERT INTO sessions(user_id) SELECT user_id FROM k;\nDROP TABLE k;"},
	})
}

func TestAForeignKeyWithoutAnIndexIsNamedWhenItsParentGoes(t *testing.T) {
	bare := users + "CREATE TABLE invoices(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id));\n"
	rows := func(users, invoices int64) func(*lint.Input) {
		return func(in *lint.Input) { in.Rows = map[string]int64{"users": users, "invoices": invoices} }
	}
	testRule(t, "D1-FK07", []ruleCase{
		{name: "a rebuild", base: bare, sql: textbook, fires: true, table: "invoices", rewrite: "CREATE INDEX invoices_user_id ON invoices(user_id);"},
		{name: "a rebuild of many rows", base: bare, sql: textbook, in: rows(8_000, 80_000), fires: true, severity: lint.Error},
		{name: "a rebuild of few rows", base: bare, sql: textbook, in: rows(10, 999)},
		{name: "all rows deleted", base: bare, sql: "DELETE FROM users;", fires: true},
		{name: "rows deleted that no index finds", base: bare, sql: "DELETE FROM users WHERE name LIKE 'x%';", fires: true},
		{name: "one row deleted", base: bare, sql: "DELETE FROM users WHERE id = 1;"},
		{name: "with an index", base: bare + "CREATE INDEX i ON invoices(user_id, id);", sql: textbook},
		{name: "with a primary key that begins with it", base: users + "CREATE TABLE m(user_id INTEGER REFERENCES users(id), n INTEGER, PRIMARY KEY (user_id, n));", sql: textbook},
		{name: "with an index that begins with something else", base: bare + "CREATE INDEX i ON invoices(id, user_id);", sql: textbook, fires: true},
		{name: "with an index on some rows only", base: bare + "CREATE INDEX i ON invoices(user_id) WHERE user_id > 7;", sql: textbook, fires: true},
	})
}

func TestAParentKeyWithoutItsIndexIsAnError(t *testing.T) {
	base := "CREATE TABLE p(a INTEGER, b INTEGER, UNIQUE(a, b));\nCREATE TABLE c(x INTEGER, y INTEGER, FOREIGN KEY (x, y) REFERENCES p(a, b));\n"
	head := "PRAGMA defer_foreign_keys = ON;\nCREATE TABLE k AS SELECT a, b FROM p;\nDROP TABLE p;\n"
	testRule(t, "D1-FK08", []ruleCase{
		{name: "an index behind the copy", base: base, sql: head + "CREATE TABLE p(a, b);\nINSERT INTO p SELECT a, b FROM k;\nCREATE UNIQUE INDEX pu ON p(a, b);\nDROP TABLE k;", fires: true, table: "p"},
		{name: "UNIQUE in the table", base: base, sql: head + "CREATE TABLE p(a, b, UNIQUE(a, b));\nINSERT INTO p SELECT a, b FROM k;\nDROP TABLE k;"},
		{name: "an index before the copy", base: base, sql: head + "CREATE TABLE p(a, b);\nCREATE UNIQUE INDEX pu ON p(a, b);\nINSERT INTO p SELECT a, b FROM k;\nDROP TABLE k;"},
	})
}

func TestAForeignKeyThatLeadsNowhereIsAnError(t *testing.T) {
	away := "ALTER TABLE plans RENAME TO plans_old;\nCREATE TABLE plans(id INTEGER PRIMARY KEY, name TEXT);\nINSERT INTO plans(id, name) SELECT id, name FROM plans_old;\nDROP TABLE plans_old;"
	testRule(t, "D1-FK09", []ruleCase{
		{name: "the parent renamed away and dropped", base: plans, sql: away, fires: true, table: "orders", text: "plans_old"},
		{name: "the same from nothing", files: []string{plans, away}, fires: true, table: "orders"},
		{name: "the parent dropped", base: plans, sql: "DROP TABLE plans;", fires: true, table: "orders"},
		{name: "the parent's column gone", base: "CREATE TABLE p(id INTEGER PRIMARY KEY, code TEXT UNIQUE);\nCREATE TABLE c(code TEXT REFERENCES p(code));",
			sql: "CREATE TABLE k(id INTEGER PRIMARY KEY);\nINSERT INTO k(id) SELECT id FROM p;\nDROP TABLE p;\nALTER TABLE k RENAME TO p;", fires: true, table: "c", text: "no column"},
		{name: "the parent comes with a later file", files: []string{"CREATE TABLE c(p INTEGER REFERENCES p(id));", "CREATE TABLE p(id INTEGER PRIMARY KEY);"}},
		{name: "a parent that no file makes, from nothing", sql: "CREATE TABLE c(p INTEGER REFERENCES p(id));", fires: true, severity: lint.Warning},
		{name: "a parent that is not there, live", base: users, sql: "CREATE TABLE c(p INTEGER REFERENCES p(id));", fires: true},
		{name: "one that led nowhere before", base: "CREATE TABLE c(p INTEGER REFERENCES p(id));", sql: "ALTER TABLE c ADD COLUMN q;"},
		{name: "a rename, which children follow", base: plans, sql: "ALTER TABLE plans RENAME TO tariffs;"},
		{name: "child and parent dropped", base: plans, sql: "DROP TABLE orders;\nDROP TABLE plans;"},
		{name: "to itself, under another case", base: users, sql: "CREATE TABLE Node(id INTEGER PRIMARY KEY, up INTEGER REFERENCES NODE(ID));"},
	})
}
