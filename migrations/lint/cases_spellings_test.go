package lint_test

import (
	"testing"

	"towline/migrations/lint"
)

func TestWhatHidesBehindAnotherSpellingIsFound(t *testing.T) {
	node := "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT);\nCREATE TABLE o(id INTEGER PRIMARY KEY);\n"
	testRule(t, "D1-FK09", []ruleCase{
		{name: "a parent's column that is no key", sql: "CREATE TABLE p(id INTEGER PRIMARY KEY, code TEXT);\nCREATE TABLE c(x TEXT REFERENCES p(code));", fires: true, table: "c", text: "no PRIMARY KEY or UNIQUE index on code", rewrite: "UNIQUE INDEX"},
		{name: "a parent without a primary key", base: "CREATE TABLE p(z);", sql: "CREATE TABLE c(x INTEGER REFERENCES p);", fires: true, text: "has no primary key"},
		{name: "one column for a primary key of two", base: "CREATE TABLE p(a, b, PRIMARY KEY(a, b));", sql: "CREATE TABLE c(x INTEGER REFERENCES p);", fires: true, text: "has 2 columns"},
		{name: "a key that is unique for some rows only", base: "CREATE TABLE p(id INTEGER PRIMARY KEY, code TEXT);\nCREATE UNIQUE INDEX pc ON p(code) WHERE code <> '';", sql: "CREATE TABLE c(x TEXT REFERENCES p(code));", fires: true},
		{name: "a key whose UNIQUE index comes later in the file", sql: "CREATE TABLE p(id INTEGER PRIMARY KEY, code TEXT);\nCREATE TABLE c(x TEXT REFERENCES p(code));\nCREATE UNIQUE INDEX pc ON p(code);"},
		{name: "two columns in another order", base: "CREATE TABLE p(a, b, UNIQUE(a, b));", sql: "CREATE TABLE c(x, y, FOREIGN KEY (x, y) REFERENCES p(b, a));"},
		{name: "a rowid that is named", base: "CREATE TABLE p(id INTEGER PRIMARY KEY);", sql: "CREATE TABLE c(x INTEGER REFERENCES p(ID), y REFERENCES p);"},
		{name: "the index of a parent key that goes", base: "CREATE TABLE p(id INTEGER PRIMARY KEY, code TEXT);\nCREATE UNIQUE INDEX pc ON p(code);\nCREATE TABLE c(x TEXT REFERENCES p(code));", sql: "DROP INDEX pc;", fires: true, table: "c"},
	})
	testRule(t, "D1-FK03", []ruleCase{
		{name: "violations that are only looked at", base: plans, sql: "PRAGMA defer_foreign_keys = ON;\nUPDATE orders SET plan_id = 7;\nSELECT * FROM pragma_foreign_key_check;\nPRAGMA defer_foreign_keys = OFF;", fires: true},
		{name: "a rebuild in the textbook order, which needs it", base: plans, sql: "PRAGMA defer_foreign_keys = ON;\n" + textplan + "PRAGMA defer_foreign_keys = OFF;", fires: true},
		{name: "an assertion without a CHECK", base: plans, sql: "PRAGMA defer_foreign_keys = ON;\nUPDATE orders SET plan_id = 7;\nCREATE TABLE z(ok);\nINSERT INTO z SELECT count(*) = 0 FROM pragma_foreign_key_check;\nPRAGMA defer_foreign_keys = OFF;", fires: true},
		{name: "an assertion by a function that fails", base: plans, sql: "PRAGMA defer_foreign_keys = ON;\nUPDATE orders SET plan_id = 7;\nSELECT CASE WHEN EXISTS (SELECT 1 FROM pragma_foreign_key_check) THEN json('x') END;\nPRAGMA defer_foreign_keys = OFF;"},
	})
	testRule(t, "D1-DS03", []ruleCase{
		{name: "a trigger that inserts into it", base: node + "CREATE TRIGGER g AFTER INSERT ON o BEGIN INSERT INTO t(a) VALUES (1); END;", sql: "ALTER TABLE t DROP COLUMN a;", fires: true, table: "t", text: "no column named a"},
		{name: "a trigger that inserts into another column", base: node + "CREATE TRIGGER g AFTER INSERT ON o BEGIN INSERT INTO t(b) VALUES (1); END;", sql: "ALTER TABLE t DROP COLUMN a;"},
	})
	testRule(t, "D1-DS04", []ruleCase{
		{name: "a view that another view mentions", base: node + "CREATE VIEW v AS SELECT a FROM t;\nCREATE VIEW w AS SELECT a FROM v;", sql: "DROP VIEW v;", fires: true, table: "v", rewrite: "DROP VIEW"},
		{name: "a view that is made anew", base: node + "CREATE VIEW v AS SELECT a FROM t;\nCREATE VIEW w AS SELECT a FROM v;", sql: "DROP VIEW v;\nCREATE VIEW v AS SELECT a, b FROM t;"},
		{name: "a table that a view takes the place of", base: node + "CREATE VIEW w AS SELECT a FROM t;", sql: "DROP TABLE t;\nCREATE VIEW t AS SELECT 1 AS a;"},
	})
	testRule(t, "D1-DS05", []ruleCase{
		{name: "a condition that is always true", base: node, sql: "DELETE FROM t WHERE true;", fires: true, severity: lint.Error},
		{name: "a comparison of numbers", base: node, sql: "DELETE FROM t WHERE 1 = 1;", fires: true, severity: lint.Error},
		{name: "an UPDATE where 1", base: node, sql: "UPDATE t SET a = 'x' WHERE (1);", fires: true, severity: lint.Warning},
		{name: "a condition that is never true", base: node, sql: "DELETE FROM t WHERE 0;"},
		{name: "a condition with a text and a column", base: node, sql: "DELETE FROM t WHERE 'x' = a;"},
		{name: "a condition with a quoted column", base: node, sql: "DELETE FROM t WHERE \"a\" = 1;"},
		{name: "a condition that asks another table", base: node, sql: "DELETE FROM t WHERE EXISTS (SELECT 1 FROM o);"},
	})
	testRule(t, "D1-DS06", []ruleCase{
		{name: "UPDATE OR REPLACE", base: users + sessions + "CREATE UNIQUE INDEX un ON users(name);", sql: "UPDATE OR REPLACE users SET name = 'x' WHERE id = 2;", fires: true, table: "sessions"},
		{name: "a key that replaces by itself", base: "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT UNIQUE ON CONFLICT REPLACE);\n" + sessions, sql: "INSERT INTO users(name) VALUES ('x');", fires: true, table: "sessions"},
		{name: "such a key, told to ignore", base: "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT UNIQUE ON CONFLICT REPLACE);\n" + sessions, sql: "INSERT OR IGNORE INTO users(name) VALUES ('x');"},
		{name: "the function replace", base: users + sessions + "CREATE TRIGGER g AFTER UPDATE ON users BEGIN DELETE FROM sessions WHERE user_id = old.id; END;", sql: "UPDATE users SET name = replace(name, 'a', 'b') WHERE id = 1;"},
	})
	testRule(t, "D1-BC01", []ruleCase{
		{name: "a table renamed away and back", base: users, sql: "ALTER TABLE users RENAME TO u;\nALTER TABLE u RENAME TO users;"},
	})
}

func TestAKeyThatARebuildForgetsIsNamed(t *testing.T) {
	base := "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT);\n"
	copied := "INSERT INTO n(id, a, b) SELECT id, a, b FROM t;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;\n"
	testRule(t, "D1-RB01", []ruleCase{
		{name: "UNIQUE", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT, b INT NOT NULL);\n" + copied, fires: true, severity: lint.Warning, text: "a is unique in t", rewrite: "UNIQUE INDEX"},
		{name: "UNIQUE, as an index", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT, b INT NOT NULL);\n" + copied + "CREATE UNIQUE INDEX t_a ON t(a);"},
		{name: "UNIQUE, in a later file", base: base, files: []string{"CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT, b INT NOT NULL);\n" + copied, "CREATE UNIQUE INDEX t_a ON t(a);"}},
		{name: "UNIQUE of fewer columns", base: "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT, UNIQUE (a, b));\n", sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT);\n" + copied},
		{name: "UNIQUE of more columns", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT, b INT, UNIQUE (b, a));\n" + copied, fires: true, severity: lint.Info},
		{name: "the primary key", base: base, sql: "CREATE TABLE n(id INTEGER, a TEXT UNIQUE, b INT);\n" + copied, fires: true, severity: lint.Warning, text: "id is unique"},
		{name: "a column that goes with its key", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, b INT);\nINSERT INTO n(id, b) SELECT id, b FROM t;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;\n"},
	})
}

func TestAKeyThatARebuildAddsIsNamed(t *testing.T) {
	base := "CREATE TABLE q(id INTEGER PRIMARY KEY);\nCREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT);\n"
	copied := "INSERT INTO n(id, a, b) SELECT id, a, b FROM t;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;"
	testRule(t, "D1-MF05", []ruleCase{
		{name: "a column that becomes unique", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT);\n" + copied, fires: true, text: "key on a", rewrite: "HAVING count(*) > 1"},
		{name: "a unique index before the copy", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT, b INT);\nCREATE UNIQUE INDEX na ON n(a);\n" + copied, fires: true, text: "key on a"},
		{name: "a unique index behind the rebuild, which is another rule's", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT, b INT);\n" + copied + "\nCREATE UNIQUE INDEX na ON t(a);"},
		{name: "another primary key", base: base, sql: "CREATE TABLE n(id INTEGER, a TEXT, b INT, PRIMARY KEY (a, b));\n" + copied, fires: true, text: "key on a, b"},
		{name: "a key that was one", base: base + "CREATE UNIQUE INDEX ta ON t(a);", sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT);\n" + copied},
		{name: "a key that holds one", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT, b INT, UNIQUE (id, a));\n" + copied},
		{name: "duplicates that the copy leaves out", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT);\nINSERT INTO n(id, a, b) SELECT min(id), a, b FROM t GROUP BY a;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;"},
		{name: "a foreign key that is new", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT, b INT REFERENCES q(id));\n" + copied, fires: true, text: "REFERENCES q", rewrite: "NOT EXISTS"},
		{name: "a foreign key that was there", base: "CREATE TABLE q(id INTEGER PRIMARY KEY);\nCREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT REFERENCES q(id));\n", sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT, b INT REFERENCES \"Q\"(id) ON DELETE CASCADE);\n" + copied},
		{name: "a foreign key on a column that the file adds before", base: base, sql: "ALTER TABLE t ADD COLUMN c INT;\nCREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT, b INT, c INT REFERENCES q(id));\nINSERT INTO n(id, a, b, c) SELECT id, a, b, c FROM t;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;"},
		{name: "a foreign key to a parent that is rebuilt as well", base: "CREATE TABLE q(id INTEGER PRIMARY KEY);\nCREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT REFERENCES q(id));\n",
			sql: "ALTER TABLE t RENAME TO t_old;\nALTER TABLE q RENAME TO q_old;\nCREATE TABLE q(id INTEGER PRIMARY KEY, z);\nINSERT INTO q(id) SELECT id FROM q_old;\nCREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT REFERENCES q(id));\nINSERT INTO t(id, a, b) SELECT id, a, b FROM t_old;\nDROP TABLE t_old;\nDROP TABLE q_old;"},
		{name: "a foreign key on a column that is new", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT, b INT, c INT REFERENCES q(id));\n" + copied},
		{name: "STRICT", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT, b INT) STRICT;\n" + copied, fires: true, text: "STRICT"},
		{name: "a column called strict", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT, b INT, strict TEXT);\n" + copied},
	})
}
