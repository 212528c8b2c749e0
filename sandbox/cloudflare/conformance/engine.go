package conformance

import "strings"

// valueCases are about how values come in and go out.
func valueCases() []sqlCase {
	return []sqlCase{
		one("numbers arrive as REAL, text as text, null as null, booleans as numbers",
			binds("SELECT typeof(?) AS n, typeof(?) AS r, typeof(?) AS t, typeof(?) AS z, ? AS b, ? AS f",
				`[[{"n":"real","r":"real","t":"text","z":"null","b":1,"f":0}]]`, 1, 1.5, "x", nil, true, false)),
		one("a number becomes an integer in an integer column",
			do("CREATE TABLE t(i INTEGER, a)"), binds("INSERT INTO t VALUES (?, ?)", `[[]]`, 7, 7),
			gives("SELECT typeof(i) AS i, typeof(a) AS a FROM t", `[[{"i":"integer","a":"real"}]]`)),
		one("parameters of a text of several statements belong to the last one",
			binds("SELECT 1 AS a; SELECT ? AS b", `[[{"a":1}],[{"b":"x"}]]`, "x")),
		one("numbered and named parameters are bound by position",
			binds("SELECT ?2 AS b, ?1 AS a", `[[{"a":"x","b":"y"}]]`, "x", "y")),
		one("the wrong number of parameters is refused",
			step{sql: "SELECT ?, ?", params: []any{1}, refuse: "Wrong number of parameter bindings for SQL query."},
			step{sql: "SELECT 1", params: []any{1}, refuse: "Wrong number of parameter bindings for SQL query."},
			step{sql: "SELECT ?", refuse: "Wrong number of parameter bindings for SQL query."}),
		one("integers above 2^53 lose their last digits",
			gives("SELECT 9007199254740993 AS a, 9223372036854775807 AS b, CAST(9007199254740993 AS TEXT) AS c",
				`[[{"a":9007199254740992,"b":9223372036854776000,"c":"9007199254740993"}]]`)),
		one("a whole REAL, an infinity, a BLOB and a NULL have their forms in JSON",
			gives("SELECT 1.0 AS r, 1e400 AS i, x'00ff' AS b, x'' AS e, NULL AS z", `[[{"r":1,"i":null,"b":[0,255],"e":[],"z":null}]]`)),
		one("text keeps its quotes, newlines and letters of any script",
			binds("SELECT ? AS s", `[[{"s":"it's \"q\"\n\t<ф> 🚢"}]]`, "it's \"q\"\n\t<ф> 🚢")),
		one("columns of the same name collapse in query and stay apart in raw",
			gives("SELECT 1 AS a, 2 AS b, 3 AS a", `[[{"a":3,"b":2}]]`),
			do("SELECT 1").onRaw().gives(`[{"columns":["1"],"rows":[[1]]}]`),
			do("SELECT 1 AS a, 2 AS b, 3 AS a").onRaw().gives(`[{"columns":["a","b","a"],"rows":[[1,2,3]]}]`)),
		one("raw names the columns of an empty result, and none where there are none",
			do("CREATE TABLE t(a, b)").onRaw().gives(`[{"columns":[],"rows":[]}]`),
			do("SELECT * FROM t; INSERT INTO t VALUES (1, 2) RETURNING b").onRaw().gives(`[{"columns":["a","b"],"rows":[]},{"columns":["b"],"rows":[[2]]}]`)),
		one("raw fails with the same words", refused("SELECT * FROM t", "no such table: t: SQLITE_ERROR").onRaw()),
		one("PRAGMA table_info answers with rows",
			do("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT NOT NULL DEFAULT 'x')"),
			gives("PRAGMA table_info(t)", `[[{"cid":0,"name":"a","type":"INTEGER","notnull":0,"dflt_value":null,"pk":1},{"cid":1,"name":"b","type":"TEXT","notnull":1,"dflt_value":"'x'","pk":0}]]`)),
	}
}

// engineCases are about what D1's build of SQLite has, and what it refuses.
func engineCases() []sqlCase {
	const denied = "not authorized: SQLITE_AUTH"
	cases := []sqlCase{
		one("a string in double quotes is a string where no column has the name", gives(`SELECT "x" AS a`, `[[{"a":"x"}]]`),
			do(`CREATE TABLE t(a DEFAULT "y"); INSERT INTO t DEFAULT VALUES`), gives("SELECT a FROM t", `[[{"a":"y"}]]`)),
		one("a syntax error says where", refused("SELECT 1 FROM WHERE", `near "WHERE": syntax error at offset 14: SQLITE_ERROR`),
			refused("SELECT", "incomplete input: SQLITE_ERROR"), refused("SELECT 'open", `unrecognized token: "'open" at offset 7: SQLITE_ERROR`)),
		one("an unknown column says where", do("CREATE TABLE t(a)"), refused("SELECT b FROM t", "no such column: b at offset 7: SQLITE_ERROR")),
		one("the offset counts from the beginning of its own statement",
			refused("SELECT 1;\n  SELECT b", "no such column: b at offset 7: SQLITE_ERROR")),
		one("full text search works",
			do("CREATE VIRTUAL TABLE f USING fts5(body); INSERT INTO f(body) VALUES ('the harbour pilot'), ('the tow line')"),
			gives("SELECT body FROM f WHERE f MATCH 'tow'", `[[{"body":"the tow line"}]]`),
			do("CREATE VIRTUAL TABLE v USING fts5vocab(f, row)"), gives("SELECT count(*) AS n FROM v", `[[{"n":5}]]`)),
		one("an R-tree works", do("CREATE VIRTUAL TABLE r USING rtree(id, a, b); INSERT INTO r VALUES (1, 0, 5)"),
			gives("SELECT id FROM r WHERE a < 3", `[[{"id":1}]]`)),
		one("JSON, dates and windows work",
			gives(`SELECT json_extract('{"a":[1,2]}', '$.a[1]') AS j, date('2026-01-31', '+1 day') AS d, sum(1) OVER () AS s, sqrt(9) AS q`,
				`[[{"j":2,"d":"2026-02-01","s":1,"q":3}]]`)),
		one("a generated column, STRICT, WITHOUT ROWID, RETURNING and an upsert work",
			do("CREATE TABLE t(a INTEGER PRIMARY KEY, b INT, c INT AS (b * 2)) STRICT, WITHOUT ROWID"),
			gives("INSERT INTO t(a, b) VALUES (1, 2) ON CONFLICT DO UPDATE SET b = 9 RETURNING c", `[[{"c":4}]]`)),
		one("a denied function is named", refused("SELECT sqlite_version()", "not authorized to use function: sqlite_version at offset 7: SQLITE_ERROR"),
			refused("SELECT json_pretty('{}')", "not authorized to use function: json_pretty at offset 7: SQLITE_ERROR")),
		one("no table of Cloudflare's own can be made or read", refused("CREATE TABLE _cf_x(a)", denied), refused("SELECT * FROM _cf_KV", "*")),
		one("ANALYZE and PRAGMA optimize work", do("CREATE TABLE t(a); CREATE INDEX i ON t(a); INSERT INTO t VALUES (1); ANALYZE; PRAGMA optimize")),
		one("pragmas about the schema and the rows work",
			do("CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE t(a REFERENCES p(id)); CREATE INDEX i ON t(a)"),
			do("PRAGMA table_list; PRAGMA table_xinfo(t); PRAGMA foreign_key_list(t); PRAGMA index_list(t); PRAGMA index_info(i); PRAGMA index_xinfo(i); PRAGMA foreign_key_check; PRAGMA quick_check"),
			gives("SELECT name FROM pragma_table_info('t')", `[[{"name":"a"}]]`)),
	}
	for _, sql := range []string{
		"PRAGMA user_version", "PRAGMA user_version = 1", "PRAGMA schema_version", "PRAGMA integrity_check", "PRAGMA journal_mode",
		"PRAGMA page_count", "PRAGMA compile_options", "PRAGMA writable_schema = ON", "PRAGMA encoding",
		"ATTACH ':memory:' AS x", "CREATE TEMP TABLE x(a)", "CREATE TEMP VIEW x AS SELECT 1",
	} {
		cases = append(cases, one(strings.ReplaceAll(sql, ":", "")+" is denied", refused(sql, denied)))
	}
	for _, sql := range []string{"BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT a", "RELEASE a", "begin transaction", "/* a */ Begin Immediate"} {
		cases = append(cases, one(strings.ReplaceAll(sql, "/", "")+" is refused with advice", refused(sql, transactionAdvice)))
	}
	return append(cases, one("VACUUM is refused", refused("VACUUM", "cannot VACUUM from within a transaction: SQLITE_ERROR")))
}

// transactionAdvice is what the engine says to a BEGIN. It speaks to the author of a Worker.
const transactionAdvice = "To execute a transaction, please use the state.storage.transaction() or state.storage.transactionSync() APIs instead of the " +
	"SQL BEGIN TRANSACTION or SAVEPOINT statements. The JavaScript API is safer because it will automatically roll back on exceptions, and because " +
	"it interacts correctly with Durable Objects' automatic atomic write coalescing."
