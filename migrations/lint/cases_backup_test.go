package lint_test

import "testing"

func TestWhatAnExportDoesNotBringBackIsAWarning(t *testing.T) {
	const base = "CREATE TABLE docs(id INTEGER PRIMARY KEY, body TEXT);\nCREATE VIEW v AS SELECT id, body FROM docs;"
	testRule(t, "D1-BAK01", []ruleCase{
		{name: "an FTS5 table", base: base, sql: "CREATE VIRTUAL TABLE docs_fts USING fts5(body);", fires: true, table: "docs_fts"},
		{name: "an R*Tree", base: base, sql: "CREATE VIRTUAL TABLE places USING rtree(id, x1, x2);", fires: true, table: "places"},
		{name: "an INSTEAD OF trigger", base: base, sql: "CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN INSERT INTO docs(body) VALUES (new.body); END;", fires: true, table: "v"},
		{name: "an integer beyond 2^53", base: base, sql: "INSERT INTO docs(id, body) VALUES (9007199254740993, 'a');", fires: true, table: "docs", text: "9007199254740993"},
		{name: "2^53 itself", base: base, sql: "INSERT INTO docs(id, body) VALUES (9007199254740992, 'a');"},
		{name: "such digits in a text", base: base, sql: "INSERT INTO docs(body) VALUES ('9007199254740993');"},
		{name: "an AFTER trigger", base: base, sql: "CREATE TRIGGER g AFTER INSERT ON docs BEGIN UPDATE docs SET body = 'a'; END;"},
		{name: "a virtual table that goes", base: "CREATE VIRTUAL TABLE f USING fts5(a);", sql: "DROP TABLE f;"},
		{name: "one that is there already", base: "CREATE VIRTUAL TABLE f USING fts5(a);", sql: "CREATE VIRTUAL TABLE IF NOT EXISTS f USING fts5(a);"},
	})
}

func TestANewTriggerOnAnExistingTableIsInformation(t *testing.T) {
	const base = "CREATE TABLE orders(id INTEGER PRIMARY KEY, n INTEGER);\nCREATE TABLE log(id INTEGER);"
	const trigger = "CREATE TRIGGER orders_au AFTER UPDATE ON orders BEGIN INSERT INTO log VALUES (new.id); END;"
	testRule(t, "D1-TRG01", []ruleCase{
		{name: "a new trigger", base: base, sql: trigger, fires: true, table: "orders"},
		{name: "a trigger made again", base: base + "\n" + trigger, sql: "DROP TRIGGER orders_au;\n" + trigger},
		{name: "a guard that goes with the file", base: base, sql: "CREATE TRIGGER g BEFORE DELETE ON orders BEGIN SELECT RAISE(IGNORE); END;\nDROP TRIGGER g;"},
		{name: "a trigger on a new table", base: base, sql: "CREATE TABLE t(id INTEGER);\nCREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO log VALUES (1); END;"},
		{name: "an index", base: base, sql: "CREATE INDEX i ON orders(n);"},
	})
}
