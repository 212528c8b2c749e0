package lint_test

import (
	"slices"
	"testing"

	"towline/migrations/lint"
)

// remake is the rebuild of t in the textbook order: the new columns, and what is copied.
func remake(columns, into, from string) string {
	return "CREATE TABLE new_t(" + columns + ");\nINSERT INTO new_t(" + into + ") SELECT " + from + " FROM t;\nDROP TABLE t;\nALTER TABLE new_t RENAME TO t;\n"
}

func TestWhatARebuildLosesIsAnError(t *testing.T) {
	base := "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT);\nCREATE INDEX t_a ON t(a);\nCREATE TABLE log(x);\n"
	again := remake("id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT", "id, a, b", "id, a, b")
	audit := "CREATE TRIGGER t_au AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (new.id); END;\n"
	testRule(t, "D1-RB01", []ruleCase{
		{name: "an index", base: base, sql: again, fires: true, table: "t", text: "index t_a", rewrite: "CREATE INDEX t_a ON t(a);"},
		{name: "an index, by copy out and in", base: base, sql: "CREATE TABLE k AS SELECT * FROM t;\nDROP TABLE t;\nCREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT);\nINSERT INTO t(id, a, b) SELECT id, a, b FROM k;\nDROP TABLE k;", fires: true},
		{name: "an index, with the old table renamed away", base: base, sql: "ALTER TABLE t RENAME TO t_old;\nCREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT);\nINSERT INTO t(id, a, b) SELECT id, a, b FROM t_old;\nDROP TABLE t_old;", fires: true},
		{name: "a trigger", base: base + audit, sql: again + "CREATE INDEX t_a ON t(a);", fires: true, text: "trigger t_au", rewrite: "CREATE TRIGGER t_au"},
		{name: "of a table that an earlier file of the release makes", files: []string{base, again}, fires: true},
		{name: "made again, otherwise quoted", base: base, sql: again + "CREATE INDEX IF NOT EXISTS `t_a` ON `t` ( `a` );"},
		{name: "made again in a later file", base: base, files: []string{again, "CREATE INDEX t_a ON t(a);"}},
		{name: "made again and dropped in a later file", base: base, files: []string{again + "CREATE INDEX t_a ON t(a);", "DROP INDEX t_a;"}},
		{name: "dropped by name before", base: base, sql: "DROP INDEX t_a;\n" + again},
		{name: "under another name", base: base, sql: again + "CREATE INDEX t_by_a ON t(a);"},
		{name: "with another column more", base: base, sql: again + "CREATE INDEX t_b_a ON t(b, a);"},
		{name: "over a column that goes", base: base, sql: remake("id INTEGER PRIMARY KEY, b TEXT", "id, b", "id, b")},
		{name: "now UNIQUE in the table", base: base, sql: remake("id INTEGER PRIMARY KEY, a TEXT UNIQUE, b TEXT", "id, a, b", "id, a, b")},
		{name: "a table that is dropped", base: base, sql: "DROP TABLE t;"},
	})
}

func TestARenameThatAViewRefusesIsAnError(t *testing.T) {
	base := "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);\nCREATE VIEW v AS SELECT a FROM t;\n"
	again := remake("id INTEGER PRIMARY KEY, a TEXT NOT NULL", "id, a", "id, a")
	testRule(t, "D1-RB02", []ruleCase{
		{name: "with a view", base: base, sql: again, fires: true, table: "t", rewrite: "DROP VIEW v;"},
		{name: "with another table's trigger", base: "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);\nCREATE TABLE o(x);\nCREATE TRIGGER g AFTER INSERT ON o BEGIN UPDATE t SET a = 1; END;", sql: again, fires: true, rewrite: "DROP TRIGGER g;"},
		{name: "the view dropped and made again", base: base, sql: "DROP VIEW v;\n" + again + "CREATE VIEW v AS SELECT a FROM t;"},
		{name: "copy out and in", base: base, sql: "CREATE TABLE k AS SELECT * FROM t;\nDROP TABLE t;\nCREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);\nINSERT INTO t(id, a) SELECT id, a FROM k;\nDROP TABLE k;"},
		{name: "a view on something else", base: base + "CREATE TABLE u(x);\nDROP VIEW v;\nCREATE VIEW v AS SELECT x FROM u;", sql: again},
	})
}

func TestACounterThatGoesDownIsNamed(t *testing.T) {
	base := "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT);\n"
	again := remake("id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL", "id, a", "id, a")
	testRule(t, "D1-RB03", []ruleCase{
		{name: "in a rebuild", base: base, sql: again, fires: true, table: "t", rewrite: "sqlite_sequence"},
		{name: "carried over", base: base, sql: "CREATE TABLE s AS SELECT seq FROM sqlite_sequence WHERE name = 't';\n" + again + "DELETE FROM sqlite_sequence WHERE name = 't';\nINSERT INTO sqlite_sequence(name, seq) SELECT 't', seq FROM s;\nDROP TABLE s;"},
		{name: "without a counter", base: "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);", sql: remake("id INTEGER PRIMARY KEY, a TEXT NOT NULL", "id, a", "id, a")},
		{name: "given up", base: base, sql: remake("id INTEGER PRIMARY KEY, a TEXT NOT NULL", "id, a", "id, a")},
		{name: "a column of that name", base: "CREATE TABLE t(id INTEGER PRIMARY KEY, \"autoincrement\" TEXT);", sql: remake("id INTEGER PRIMARY KEY, \"autoincrement\" TEXT NOT NULL", "id, \"autoincrement\"", "id, \"autoincrement\"")},
	})
}

func TestACopyWithoutColumnNamesIsNamed(t *testing.T) {
	base := "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT);\n"
	around := func(copy string) string {
		return "CREATE TABLE n(id INTEGER PRIMARY KEY, b TEXT, a TEXT);\n" + copy + "\nDROP TABLE t;\nALTER TABLE n RENAME TO t;"
	}
	testRule(t, "D1-RB04", []ruleCase{
		{name: "SELECT *", base: base, sql: around("INSERT INTO n SELECT * FROM t;"), fires: true, table: "t", rewrite: "INSERT INTO n(id, b, a) SELECT id, b, a FROM t;"},
		{name: "SELECT t.*", base: base, sql: around("INSERT INTO n(id, a, b) SELECT t.* FROM t;"), fires: true},
		{name: "no list of columns to fill", base: base, sql: around("INSERT INTO n SELECT id, b, a FROM t;"), fires: true},
		{name: "both lists", base: base, sql: around("INSERT INTO n(id, a, b) SELECT id, a, b FROM t;")},
		{name: "a foreign key, which is no source", base: "CREATE TABLE p(id INTEGER PRIMARY KEY);\nCREATE TABLE t(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id), a TEXT);\n",
			sql:   "CREATE TABLE n(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id), a TEXT NOT NULL);\nINSERT INTO n SELECT * FROM t;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;",
			fires: true, rewrite: "INSERT INTO n(id, p, a) SELECT id, p, a FROM t;"},
		{name: "a product, which is no star", base: base, sql: around("INSERT INTO n(id, a, b) SELECT id * 1, a, b FROM t;")},
		{name: "outside of a rebuild", base: base + "CREATE TABLE u(id, a, b);", sql: "INSERT INTO u SELECT * FROM t;"},
	})
}

func TestACopyThatIsMoreThanAStarIsNotWrittenAnew(t *testing.T) {
	for _, copied := range []string{
		"INSERT INTO n SELECT * FROM t WHERE a IS NOT NULL;", "INSERT INTO n SELECT id, lower(b), a FROM t;", "INSERT OR IGNORE INTO n SELECT * FROM t;",
		"INSERT INTO n SELECT t.* FROM t JOIN p ON p.id = t.id;", "INSERT INTO n SELECT * FROM t UNION ALL SELECT * FROM t;",
	} {
		report := ruleCase{
			base: "CREATE TABLE p(id INTEGER PRIMARY KEY);\nCREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT);\n",
			sql:  "CREATE TABLE n(id INTEGER PRIMARY KEY, b TEXT, a TEXT);\n" + copied + "\nDROP TABLE t;\nALTER TABLE n RENAME TO t;",
		}.run(t)
		i := slices.IndexFunc(report.Findings, func(f lint.Finding) bool { return f.Code == "D1-RB04" })
		if i < 0 || report.Findings[i].Rewrite != "" {
			t.Errorf("%s: %+v", copied, report.Findings)
		}
	}
}

func TestAWordThatIsNoColumnIsAnErrorInACopy(t *testing.T) {
	base := "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);\n"
	testRule(t, "D1-RB05", []ruleCase{
		{name: "in a rebuild", base: base, sql: remake("id INTEGER PRIMARY KEY, a TEXT, color TEXT", `"id", "a", "color"`, `"id", "a", "color"`), fires: true, table: "new_t", text: `"color"`},
		{name: "in a copy into another table", base: base + "CREATE TABLE n(id, color);", sql: `INSERT INTO n(id, color) SELECT "id", "color" FROM t;`, fires: true},
		{name: "meant as a text", base: base + "CREATE TABLE n(id, color);", sql: `INSERT INTO n(id, color) SELECT id, "red" FROM t;`, fires: true, severity: lint.Warning, rewrite: "'red'"},
		{name: "in single quotation marks", base: base + "CREATE TABLE n(id, color);", sql: `INSERT INTO n(id, color) SELECT "id", 'red' FROM t;`},
		{name: "every word a column", base: base, sql: remake("id INTEGER PRIMARY KEY, a TEXT NOT NULL", `"id", "a"`, `"id", "a"`)},
		{name: "in an UPDATE", base: base, sql: `UPDATE t SET a = lower("aa") WHERE id = 1;`, fires: true, severity: lint.Warning, table: "t", text: `"aa"`},
		{name: "in the condition of a DELETE", base: base, sql: `DELETE FROM t WHERE "aa" = 'x';`, fires: true, severity: lint.Warning},
		{name: "in an index", base: base, sql: `CREATE INDEX i ON t("aa");`, fires: true, severity: lint.Warning},
		{name: "columns in an UPDATE", base: base, sql: `UPDATE t SET "a" = lower("a") WHERE "id" = 1;`},
		{name: "in a trigger, which refers to new and old", base: base, sql: `CREATE TRIGGER g AFTER UPDATE ON t BEGIN UPDATE t SET "a" = new."a" WHERE "id" = new."id"; END;`},
		{name: "values, which copy nothing", base: base, sql: `INSERT INTO t(id, a) VALUES (1, "x");`},
		{name: "another kind of quotation", base: base, sql: remake("id INTEGER PRIMARY KEY, a TEXT NOT NULL", "`id`, [a]", "`id`, [a]")},
	})
	report := ruleCase{base: base, sql: remake("id INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT", `"id", "a", "b", "c"`, `"id", "a", "b", "c"`)}.run(t)
	var found []string
	for _, f := range report.Findings {
		if f.Code == "D1-RB05" {
			found = append(found, f.Column)
		}
	}
	if len(found) != 2 || found[0] != "b" || found[1] != "c" {
		t.Errorf("found %q", found)
	}
}

func TestATableMadeByAQueryIsNamed(t *testing.T) {
	base := "CREATE TABLE a(id INTEGER PRIMARY KEY, x TEXT NOT NULL);\n"
	testRule(t, "D1-RB06", []ruleCase{
		{name: "kept", base: base, sql: "CREATE TABLE b AS SELECT * FROM a;", fires: true, table: "b", rewrite: "INSERT INTO b(id, x)"},
		{name: "kept under another name", base: base, sql: "CREATE TABLE b AS SELECT * FROM a;\nALTER TABLE b RENAME TO c;", fires: true, table: "c"},
		{name: "a copy to fall back on", base: base, sql: `CREATE TABLE "__bak_0042" AS SELECT * FROM a;`, fires: true, severity: lint.Info},
		{name: "a scratch copy", base: base, sql: "CREATE TABLE b AS SELECT * FROM a;\nDROP TABLE b;"},
		{name: "a scratch copy that a later file drops", base: base, files: []string{"CREATE TABLE b AS SELECT * FROM a;", "DROP TABLE b;"}},
		{name: "columns written out", base: base, sql: "CREATE TABLE b(id INTEGER PRIMARY KEY, \"as\" TEXT);"},
	})
}

func TestRowsThatAreNumberedAnewAreNamed(t *testing.T) {
	docs := "CREATE TABLE t(id TEXT PRIMARY KEY, body TEXT);\n"
	fts := "CREATE VIRTUAL TABLE t_search USING fts5(body, content='t');\n"
	again := remake("id TEXT PRIMARY KEY, body TEXT NOT NULL", "id, body", "id, body")
	testRule(t, "D1-RB07", []ruleCase{
		{name: "with a full-text index", base: docs + fts, sql: again, fires: true, table: "t", rewrite: "VALUES('rebuild')"},
		{name: "without one", base: docs, sql: again, fires: true, severity: lint.Info},
		{name: "with the index built anew", base: docs + fts, sql: again + "INSERT INTO t_search(t_search) VALUES('rebuild');"},
		{name: "with the rowids carried over", base: docs + fts, sql: remake("id TEXT PRIMARY KEY, body TEXT NOT NULL", "rowid, id, body", "rowid, id, body")},
		{name: "with INTEGER PRIMARY KEY", base: "CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT);", sql: remake("id INTEGER PRIMARY KEY, body TEXT NOT NULL", "id, body", "id, body")},
		{name: "WITHOUT ROWID", base: "CREATE TABLE t(id TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID;",
			sql: "CREATE TABLE n(id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;\nINSERT INTO n(id, body) SELECT id, body FROM t;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;"},
	})
}

func TestValuesThatAreConvertedAreNamed(t *testing.T) {
	change := func(from, to string) (base, sql string) {
		return "CREATE TABLE t(id INTEGER PRIMARY KEY, zip " + from + ");", remake("id INTEGER PRIMARY KEY, zip "+to, "id, zip", "id, zip")
	}
	for _, c := range []struct {
		from, to string
		fires    bool
	}{
		{"TEXT", "INTEGER", true}, {"TEXT", "VARCHAR(10)", false}, {"TEXT", "NUMERIC", true}, {"INTEGER", "TEXT", true},
		{"INTEGER", "BOOLEAN", false}, {"INT", "BIGINT", false}, {"TEXT", "BLOB", false}, {"TEXT", "REAL", true},
	} {
		base, sql := change(c.from, c.to)
		testRule(t, "D1-RB08", []ruleCase{{name: c.from + " to " + c.to, base: base, sql: sql, fires: c.fires}})
	}
}

func TestACopyThatLeavesRowsBehindIsAnError(t *testing.T) {
	base := "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);\nCREATE TABLE u(id INTEGER PRIMARY KEY);\n"
	around := func(copy string) string { return remake("id INTEGER PRIMARY KEY, a TEXT", "id, a", copy) }
	testRule(t, "D1-RB09", []ruleCase{
		{name: "rows with NULL", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT NOT NULL);\nINSERT INTO n(id, a) SELECT id, a FROM t WHERE a IS NOT NULL;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;", fires: true, table: "t"},
		{name: "a condition that NULL does not meet", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT);\nINSERT INTO n(id, a) SELECT id, a FROM t WHERE a <> 'old';\nDROP TABLE t;\nALTER TABLE n RENAME TO t;", fires: true},
		{name: "a condition on values", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT);\nINSERT INTO n(id, a) SELECT id, a FROM t WHERE id > 100;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;", fires: true, severity: lint.Warning},
		{name: "a join", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT);\nINSERT INTO n(id, a) SELECT t.id, t.a FROM t JOIN u ON u.id = t.id;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;", fires: true, severity: lint.Warning},
		{name: "OR IGNORE", base: base, sql: "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT UNIQUE);\nINSERT OR IGNORE INTO n(id, a) SELECT id, a FROM t;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;", fires: true, severity: lint.Warning},
		{name: "all rows", base: base, sql: around("id, a")},
		{name: "all rows, changed", base: base, sql: around("id, coalesce(a, 'where')")},
	})
}
