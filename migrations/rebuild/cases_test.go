package rebuild_test

import (
	"testing"

	"towline/migrations/rebuild"
)

// keepCase is a database, and a table of it that gets another CREATE TABLE.
type keepCase struct {
	name, setup   string
	table, create string
	columns       []string // those of the table that have to keep their values; empty: id and a
	options       rebuild.Options
	textbook      string // what the usual order (create, copy, drop, rename) does: "loses", "refused" or ""
}

// keepCases are the ways of losing rows, each with a rebuild that loses none.
func keepCases() []keepCase {
	const parent = "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT); INSERT INTO p VALUES (1, 'x'), (2, 'y'), (7, 'z');"
	const better = "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT CHECK (a <> ''))"
	return []keepCase{
		{name: "children that cascade, with grandchildren", textbook: "loses", table: "p", create: better, setup: parent + `
			CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id) ON DELETE CASCADE); CREATE INDEX c_p ON c(p);
			INSERT INTO c VALUES (1, 1), (2, 1), (3, 7), (4, NULL);
			CREATE TABLE g(id INTEGER PRIMARY KEY, c INTEGER NOT NULL REFERENCES c(id) ON DELETE CASCADE); INSERT INTO g VALUES (1, 1), (2, 3), (3, 3);`},
		{name: "children that are set to NULL", textbook: "loses", table: "p", create: better, setup: parent + `
			CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id) ON DELETE SET NULL); CREATE INDEX c_p ON c(p);
			INSERT INTO c VALUES (1, 1), (2, 2), (3, NULL);`},
		{name: "children that are reset to a default", textbook: "refused", table: "p", create: better, setup: parent + `
			CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER DEFAULT 7 REFERENCES p(id) ON DELETE SET DEFAULT); CREATE INDEX c_p ON c(p);
			INSERT INTO c VALUES (1, 1), (2, 7), (3, 2);`},
		{name: "children that would be set to NULL and may not", textbook: "refused", table: "p", create: better, setup: parent + `
			CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER NOT NULL REFERENCES p(id) ON DELETE SET NULL); CREATE INDEX c_p ON c(p);
			INSERT INTO c VALUES (1, 1), (2, 2);`},
		{name: "children without an action, and with RESTRICT", textbook: "refused", table: "p", create: better, setup: parent + `
			CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id)); CREATE INDEX c_p ON c(p); INSERT INTO c VALUES (1, 1), (2, 2);
			CREATE TABLE d(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id) ON DELETE RESTRICT); CREATE INDEX d_p ON d(p); INSERT INTO d VALUES (1, 7);`},
		{name: "a table that cascades to itself, 30 levels deep", textbook: "refused", table: "p",
			create: "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT NOT NULL, up INTEGER REFERENCES p(id) ON DELETE CASCADE)", columns: []string{"id", "a", "up"}, setup: `
			CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT, up INTEGER REFERENCES p(id) ON DELETE CASCADE); CREATE INDEX p_up ON p(up); CREATE TABLE log(id);
			INSERT INTO p WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30) SELECT i, 'a' || i, nullif(i - 1, 0) FROM n;
			CREATE TRIGGER p_bd BEFORE DELETE ON p BEGIN INSERT INTO log VALUES (old.id); END; CREATE TRIGGER p_ad AFTER DELETE ON p BEGIN INSERT INTO log VALUES (old.id); END;`},
		{name: "a table that clears its own keys, children before parents", table: "p",
			create: "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT DEFAULT '', up INTEGER REFERENCES p(id) ON DELETE SET NULL)", columns: []string{"id", "a", "up"}, setup: `
			CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT, up INTEGER REFERENCES p(id) ON DELETE SET NULL); CREATE INDEX p_up ON p(up);
			INSERT INTO p VALUES (5, 'root', NULL); INSERT INTO p VALUES (1, 'a', 5), (2, 'b', 5); UPDATE p SET up = 2 WHERE id = 1;`},
		{name: "a child with triggers that write and that refuse", textbook: "refused", table: "p", create: better, setup: parent + `
			CREATE TABLE log(x); CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id) ON DELETE CASCADE, q INTEGER REFERENCES p(id) ON DELETE SET NULL);
			CREATE INDEX c_p ON c(p); CREATE INDEX c_q ON c(q); INSERT INTO c VALUES (1, 1, 2), (2, 2, 7);
			CREATE TRIGGER c_first BEFORE DELETE ON c BEGIN SELECT RAISE(ABORT, 'kept for ever'); END;
			CREATE TRIGGER c_second DELETE ON c WHEN old.id > 0 BEGIN INSERT INTO log VALUES ('before'); END;
			CREATE TRIGGER [c third] AFTER DELETE ON c BEGIN INSERT INTO log VALUES ('after'); END;
			CREATE TRIGGER c_fourth UPDATE OF q ON c BEGIN INSERT INTO log VALUES ('cleared'); END;`},
		{name: "composite keys", textbook: "loses", table: "p", columns: []string{"x", "y", "a"},
			create: "CREATE TABLE p(x INTEGER, y TEXT, a TEXT DEFAULT 'n', PRIMARY KEY (x, y))", setup: `
			CREATE TABLE p(x INTEGER, y TEXT, a TEXT, PRIMARY KEY (x, y)); INSERT INTO p VALUES (1, 'a', 'A'), (1, 'b', 'B');
			CREATE TABLE c(id INTEGER PRIMARY KEY, px INTEGER, py TEXT, FOREIGN KEY (px, py) REFERENCES p ON DELETE CASCADE); CREATE INDEX c_p ON c(px, py);
			CREATE TABLE d(id INTEGER PRIMARY KEY, py TEXT, px INTEGER, FOREIGN KEY (py, px) REFERENCES p(y, x) ON DELETE SET NULL); CREATE INDEX d_p ON d(py, px);
			INSERT INTO c VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 9, NULL); INSERT INTO d VALUES (1, 'a', 1), (2, NULL, 4);`},
		{name: "tables without rowids", textbook: "loses", table: "p", columns: []string{"k", "a"},
			create: "CREATE TABLE p(k TEXT PRIMARY KEY, a TEXT, b INTEGER DEFAULT 0) WITHOUT ROWID", setup: `
			CREATE TABLE p(k TEXT PRIMARY KEY, a TEXT) WITHOUT ROWID; INSERT INTO p VALUES ('one', '1'), ('two', NULL);
			CREATE TABLE c(k TEXT REFERENCES p(k) ON DELETE CASCADE, n INTEGER, PRIMARY KEY (k, n)) WITHOUT ROWID; INSERT INTO c VALUES ('one', 1), ('one', 2), ('two', 1);`},
		{name: "a circle of two tables", textbook: "loses", table: "p",
			create: "CREATE TABLE p(id INTEGER PRIMARY KEY, a INTEGER NOT NULL DEFAULT 0 REFERENCES c(id) ON DELETE CASCADE)", setup: `
			CREATE TABLE p(id INTEGER PRIMARY KEY, a INTEGER REFERENCES c(id) ON DELETE CASCADE); CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id) ON DELETE CASCADE);
			CREATE INDEX p_a ON p(a); CREATE INDEX c_p ON c(p); PRAGMA defer_foreign_keys = ON; INSERT INTO p VALUES (1, 1), (2, 2); INSERT INTO c VALUES (1, 2), (2, 1);`},
		{name: "keys that are checked at the end anyway", textbook: "loses", table: "p", create: better, setup: parent + `
			CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED); CREATE INDEX c_p ON c(p); INSERT INTO c VALUES (1, 7);`},
	}
}

// someCases are all of them, or every sixth for the race detector.
func someCases() []keepCase {
	all := append(keepCases(), shapeCases()...)
	if !testing.Short() {
		return all
	}
	var some []keepCase
	for i := 0; i < len(all); i += 6 {
		some = append(some, all[i])
	}
	return some
}

// shapeCases are tables of every shape; what else of them has to stay shows in the state.
func shapeCases() []keepCase {
	return []keepCase{
		{name: "a key by a UNIQUE index that children refer to", table: "p", create: "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT NOT NULL)", setup: `
			CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT); CREATE UNIQUE INDEX p_a ON p(a); INSERT INTO p VALUES (1, 'x'), (4, 'y');
			CREATE TABLE c(id INTEGER PRIMARY KEY, a TEXT REFERENCES p(a) ON DELETE CASCADE); CREATE INDEX c_a ON c(a); INSERT INTO c VALUES (1, 'x'), (2, 'y');`},
		{name: "rowids, and full text that knows rows by them", table: "docs", columns: []string{"id", "body"},
			create: "CREATE TABLE docs(id TEXT PRIMARY KEY, body TEXT NOT NULL)", setup: `
			CREATE TABLE docs(id TEXT PRIMARY KEY, body TEXT); CREATE VIRTUAL TABLE f USING fts5(body, content='docs');
			CREATE VIRTUAL TABLE own USING fts5(x); INSERT INTO own VALUES ('alone');
			CREATE TRIGGER docs_ai AFTER INSERT ON docs BEGIN INSERT INTO f(rowid, body) VALUES (new.rowid, new.body); END;
			CREATE TRIGGER docs_ad AFTER DELETE ON docs BEGIN INSERT INTO f(f, rowid, body) VALUES ('delete', old.rowid, old.body); END;
			INSERT INTO docs VALUES ('c', 'red apple'), ('a', 'green pear'), ('b', 'red plum'); DELETE FROM docs WHERE id = 'a';`},
		{name: "the counter of AUTOINCREMENT, ahead of every row", table: "p", create: "CREATE TABLE p(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT DEFAULT 'n')", setup: `
			CREATE TABLE p(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT); INSERT INTO p(a) VALUES ('x'), ('y'), ('z'); DELETE FROM p WHERE id > 1;
			CREATE TABLE q(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT);`},
		{name: "the counter of an AUTOINCREMENT that was never used", table: "q", create: "CREATE TABLE q(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL)", setup: `
			CREATE TABLE p(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT); INSERT INTO p(a) VALUES ('x'); CREATE TABLE q(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT);`},
		{name: "views, triggers on them, and other tables' triggers", table: "p", create: "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT NOT NULL)", setup: `
			CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT); INSERT INTO p VALUES (1, 'x'); CREATE TABLE o(id INTEGER PRIMARY KEY);
			CREATE VIEW v AS SELECT id, a FROM p; CREATE VIEW w AS SELECT id FROM v; CREATE TRIGGER v_i INSTEAD OF INSERT ON v BEGIN INSERT INTO p VALUES (new.id, new.a); END;
			CREATE TRIGGER o_i AFTER INSERT ON o BEGIN UPDATE p SET a = 'seen'; END; CREATE TRIGGER p_u AFTER UPDATE ON p BEGIN INSERT INTO o VALUES (new.id); END;`},
		{name: "generated columns", table: "p", columns: []string{"id", "a", "twice", "more"},
			create: "CREATE TABLE p(id INTEGER PRIMARY KEY, a INTEGER NOT NULL, twice INTEGER AS (a * 2) VIRTUAL, more INTEGER AS (a + 1) STORED)", setup: `
			CREATE TABLE p(id INTEGER PRIMARY KEY, a INTEGER, twice INTEGER AS (a * 2) VIRTUAL, more INTEGER AS (a + 1) STORED); CREATE INDEX p_twice ON p(twice);
			INSERT INTO p(id, a) VALUES (3, 4), (9, 5);`},
		{name: "a generated column that becomes an ordinary one", table: "p", columns: []string{"id", "a", "b"}, create: "CREATE TABLE p(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER)",
			setup: "CREATE TABLE p(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER AS (a * 2)); INSERT INTO p(id, a) VALUES (3, 4), (9, 5);"},
		{name: "columns that come and go", table: "p", create: "CREATE TABLE p(b TEXT DEFAULT 'new', a TEXT, id INTEGER PRIMARY KEY, c TEXT)", setup: `
			CREATE TABLE p(id INTEGER PRIMARY KEY, fax TEXT, a TEXT); INSERT INTO p VALUES (1, '555', 'x'), (2, NULL, 'y');`},
		{name: "a primary key where there was none", table: "p", columns: []string{"a"}, create: "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT)",
			setup: "CREATE TABLE p(a TEXT); INSERT INTO p VALUES ('x'), ('y'), ('z'); DELETE FROM p WHERE a = 'y';"},
		{name: "columns that are called as the rowid is", table: "p", columns: []string{"rowid", "oid"}, create: `CREATE TABLE p(rowid TEXT PRIMARY KEY, oid INTEGER NOT NULL)`,
			setup: "CREATE TABLE p(rowid TEXT PRIMARY KEY, oid INTEGER); INSERT INTO p VALUES ('a', 4), ('b', 5);"},
		{name: "values of every type, in columns of none", table: "p", columns: []string{"id", "a", "b", "n"}, create: "CREATE TABLE p(id INTEGER PRIMARY KEY, a, b BLOB, n NUMERIC DEFAULT 1)",
			setup: "CREATE TABLE p(id INTEGER PRIMARY KEY, a, b BLOB, n NUMERIC); INSERT INTO p VALUES (1, '007', x'00ff', 9007199254740993), (2, 7, NULL, 'abc'), (3, 7.0, '', 1e300), (4, x'37', 'é', 0.1);"},
		{name: "a STRICT table with ANY", table: "p", columns: []string{"id", "a"}, create: "CREATE TABLE p(id INTEGER PRIMARY KEY, a ANY NOT NULL) STRICT",
			setup: "CREATE TABLE p(id INTEGER PRIMARY KEY, a ANY) STRICT; INSERT INTO p VALUES (1, '007'), (2, 7), (3, 7.5), (4, x'01');"},
		{name: "names that need quotes", table: "order items", columns: []string{"select", "it's", `say "hi"`},
			create: "CREATE TABLE [order items](`select` INTEGER PRIMARY KEY, [it's] TEXT NOT NULL, \"say \"\"hi\"\"\" TEXT)", setup: `
			CREATE TABLE [order items]("select" INTEGER PRIMARY KEY, "it's" TEXT, "say ""hi""" TEXT); INSERT INTO [order items] VALUES (1, 'a', 'b');
			CREATE TABLE "c'1"(id INTEGER PRIMARY KEY, "from" INTEGER REFERENCES "order items"("select") ON DELETE CASCADE, [to;] INTEGER REFERENCES "order items" ON DELETE SET NULL);
			CREATE INDEX [i 1] ON "c'1"("from"); CREATE INDEX [i 2] ON "c'1"("to;"); INSERT INTO "c'1" VALUES (1, 1, 1);
			CREATE TRIGGER "c'1 BEGIN" BEFORE DELETE ON "c'1" BEGIN SELECT 1; END; CREATE INDEX [i'3] ON [order items]("it's") WHERE "it's" <> ';';`},
		{name: "an index over an expression, a part, in descending order", table: "p", create: "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE)", setup: `
			CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT); INSERT INTO p VALUES (1, 'x'); CREATE INDEX p1 ON p(lower(a)); CREATE UNIQUE INDEX p2 ON p(a DESC) WHERE a > '';`},
		{name: "tables without rows", table: "p", create: "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT NOT NULL)", setup: `
			CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT); CREATE TABLE c(id INTEGER PRIMARY KEY REFERENCES p(id) ON DELETE CASCADE);`},
		{name: "orphans among the children that were there before", table: "p", create: "CREATE TABLE p(id INTEGER PRIMARY KEY, a INTEGER NOT NULL REFERENCES q(id))", setup: `
			CREATE TABLE q(id INTEGER PRIMARY KEY); CREATE TABLE p(id INTEGER PRIMARY KEY, a INTEGER REFERENCES q(id)); CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id) ON DELETE CASCADE);
			CREATE INDEX c_p ON c(p); PRAGMA defer_foreign_keys = ON; INSERT INTO q VALUES (5); INSERT INTO p VALUES (1, 5); INSERT INTO c VALUES (1, 1), (2, 99); PRAGMA defer_foreign_keys = OFF;`},
		{name: "another spelling of the table's name", table: "P", create: "CREATE TABLE P(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL)", setup: `
			CREATE TABLE P(ID INTEGER PRIMARY KEY AUTOINCREMENT, A TEXT); INSERT INTO p VALUES (5, 'x'); CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p ON DELETE CASCADE); CREATE INDEX c_p ON c(p);
			INSERT INTO c VALUES (1, 5);`},
	}
}
