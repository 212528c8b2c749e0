package conformance

import (
	"fmt"
	"strings"
)

const (
	gone   = `[[{"n":0}]]`
	tables = `SELECT count(*) AS n FROM sqlite_master WHERE name NOT LIKE '\_cf\_%' ESCAPE '\'`
)

// statementCases are about texts of several statements and their ends.
func statementCases() []sqlCase {
	return []sqlCase{
		one("a text of several statements answers for each of them",
			gives("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2); SELECT a FROM t ORDER BY a", `[[],[],[{"a":1},{"a":2}]]`)),
		one("the last statement needs no semicolon and may be followed by a comment",
			gives("SELECT 1 AS a; SELECT 2 AS b -- done", `[[{"a":1}],[{"b":2}]]`)),
		one("an unterminated comment at the end is a comment", gives("SELECT 1 AS a /* open", `[[{"a":1}]]`)),
		one("blank statements do not count", gives(";;SELECT 1 AS a;; ; -- x\n;", `[[{"a":1}]]`)),
		one("a text without a statement is refused",
			refused("", "No SQL statements detected."), refused(" ;; ", "No SQL statements detected."),
			refused("-- nothing but a comment", "No SQL statements detected."),
			refused("/* nothing */ -- at all\n;", "No SQL statements detected.")),
		one("a batch of a comment and a statement runs the statement", together("-- first", "SELECT 1 AS a").gives(`[[{"a":1}]]`)),
		one("a semicolon in a string, a name or a comment ends nothing",
			gives("SELECT 'a;b' AS s, \"x;y\" AS d, 1 AS [p;q] -- ;\n /* ; */; SELECT `c;d` FROM (SELECT 1 AS `c;d`)",
				`[[{"s":"a;b","d":"x;y","p;q":1}],[{"c;d":1}]]`)),
		one("a batch may hold texts of several statements",
			together("CREATE TABLE t(a); INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2); SELECT count(*) AS n FROM t").gives(`[[],[],[],[{"n":2}]]`)),
		one("what a migration's text with its ledger row did is there",
			do(`CREATE TABLE IF NOT EXISTS "d1_migrations"(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL);`),
			gives("CREATE TABLE t(a);\nINSERT INTO \"d1_migrations\" (name)\nvalues ('0001_a.sql');", `[[],[]]`),
			gives(`SELECT id, name FROM "d1_migrations" ORDER BY id`, `[[{"id":1,"name":"0001_a.sql"}]]`)),
		one("a body that is no query is refused as malformed",
			step{body: `{"sql":`, refuse: "*", code: 7400}, step{body: `{"sql":1}`, refuse: "*", code: 7400},
			step{body: `{"params":[]}`, refuse: "*", code: 7400}, step{body: `{"sql":"SELECT ?","params":[{}]}`, refuse: "*", code: 7400}),
	}
}

// transactionCases are about what a failure leaves behind, and about foreign keys until the commit.
func transactionCases() []sqlCase {
	return []sqlCase{
		one("when one statement of a text fails, nothing of the text is there",
			refused("CREATE TABLE t(a); INSERT INTO t VALUES (1); INSERT INTO nowhere VALUES (1)", "no such table: nowhere: SQLITE_ERROR"),
			gives(tables, gone)),
		one("when one statement of a batch fails, nothing of the batch is there",
			together("CREATE TABLE t(a)", "INSERT INTO t VALUES (1)", "SELEC 1").isRefused(`near "SELEC": syntax error at offset 0: SQLITE_ERROR`),
			gives(tables, gone)),
		one("a violated constraint is named with its extended code",
			do("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, n NOT NULL, c CHECK (c > 0)); INSERT INTO t VALUES (1, 1, 1, 1)"),
			refused("INSERT INTO t VALUES (1, 2, 2, 2)", "UNIQUE constraint failed: t.id: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_PRIMARYKEY)"),
			refused("INSERT INTO t VALUES (2, 1, 2, 2)", "UNIQUE constraint failed: t.u: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)"),
			refused("INSERT INTO t VALUES (2, 2, NULL, 2)", "NOT NULL constraint failed: t.n: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_NOTNULL)"),
			refused("INSERT INTO t VALUES (2, 2, 2, 0)", "CHECK constraint failed: c > 0: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_CHECK)")),
		one("a guard that cannot parse JSON aborts everything before it",
			refused("CREATE TABLE t(a); SELECT CASE WHEN (SELECT count(*) FROM t) THEN 1 ELSE json('x') END", "malformed JSON: SQLITE_ERROR"),
			gives(tables, gone)),
		one("foreign keys are on, and cannot be put off",
			do("CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p(id))"),
			refused("PRAGMA foreign_keys = OFF; INSERT INTO c VALUES (1)", "FOREIGN KEY constraint failed: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_FOREIGNKEY)"),
			gives("SELECT count(*) AS n FROM c", gone)),
		one("dropping a parent empties its children without a word",
			do("CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p(id) ON DELETE CASCADE); INSERT INTO p VALUES (1); INSERT INTO c VALUES (1)"),
			do("PRAGMA foreign_keys = OFF; CREATE TABLE p2(id INTEGER PRIMARY KEY); INSERT INTO p2 SELECT id FROM p; DROP TABLE p; ALTER TABLE p2 RENAME TO p; PRAGMA foreign_keys = ON"),
			gives("SELECT count(*) AS n FROM c", gone)),
		one("a foreign key that is violated at the end of the transaction undoes all of it",
			do("CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p(id))"),
			refused("PRAGMA defer_foreign_keys = ON; CREATE TABLE later(a); INSERT INTO c VALUES (1)", "Durable Object was reset and rolled back to its last known good state because the "+
				"application left the database in a state where constraints were violated: FOREIGN KEY constraint failed: SQLITE_CONSTRAINT "+
				"(extended: SQLITE_CONSTRAINT_FOREIGNKEY)").withStatus(500),
			gives("SELECT count(*) AS n FROM c", gone),
			refused("SELECT 1 FROM later", "no such table: later: SQLITE_ERROR"),
			gives("PRAGMA defer_foreign_keys = ON; INSERT INTO c VALUES (1); INSERT INTO p VALUES (1)", `[[],[],[]]`)),
		one("putting defer_foreign_keys off at the end lets a violation through",
			do("CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p(id))"),
			do("PRAGMA defer_foreign_keys = ON; INSERT INTO c VALUES (1); PRAGMA defer_foreign_keys = OFF"),
			gives("SELECT count(*) AS n FROM pragma_foreign_key_check", `[[{"n":1}]]`)),
		one("UPDATE and DELETE OR ABORT inside a trigger undo the batch",
			do("CREATE TABLE t(a); CREATE TRIGGER no BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'rows are kept'); END; INSERT INTO t VALUES (1)"),
			together("UPDATE t SET a = 2", "DELETE FROM t").isRefused("rows are kept: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_TRIGGER)"),
			gives("SELECT a FROM t", `[[{"a":1}]]`)),
	}
}

// limitCases are about the limits that the engine itself has.
func limitCases() []sqlCase {
	columns := func(n int) string {
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprintf("c%d", i)
		}
		return "CREATE TABLE t(" + strings.Join(names, ", ") + ")"
	}
	terms := func(n int) string { return strings.TrimSuffix(strings.Repeat("SELECT 1 UNION ALL ", n), " UNION ALL ") }
	params := make([]any, 101)
	rows := strings.TrimSuffix(strings.Repeat("(1), ", 1000), ", ")
	return []sqlCase{
		one("a statement has at most 100,000 bytes",
			gives("SELECT length('"+strings.Repeat("x", 99_000)+"') AS n", `[[{"n":99000}]]`),
			refused("SELECT length('"+strings.Repeat("x", 100_000)+"') AS n", "statement too long: SQLITE_TOOBIG")),
		one("a text may be longer than a statement",
			gives(strings.Repeat("SELECT length('"+strings.Repeat("x", 60_000)+"') AS n;", 3), `[[{"n":60000}],[{"n":60000}],[{"n":60000}]]`)),
		one("a table has at most 100 columns", do(columns(100)), refused(strings.Replace(columns(101), "t(", "u(", 1), "too many columns on u: SQLITE_ERROR")),
		one("a statement has at most 100 parameters",
			step{sql: "SELECT " + strings.TrimSuffix(strings.Repeat("?, ", 101), ", "), params: params,
				refuse: "too many SQL variables at offset 307: SQLITE_ERROR"}),
		one("a compound SELECT has at most five terms", do(terms(5)), refused(terms(6), "too many terms in compound SELECT: SQLITE_ERROR")),
		one("a VALUES list may have a thousand rows", do("CREATE TABLE t(a)"), do("INSERT INTO t VALUES "+rows), gives("SELECT count(*) AS n FROM t", `[[{"n":1000}]]`)),
		one("a LIKE pattern has at most 50 bytes", refused("SELECT 'a' LIKE '"+strings.Repeat("x", 51)+"'", "LIKE or GLOB pattern too complex: SQLITE_ERROR")),
	}
}
