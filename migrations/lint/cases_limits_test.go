package lint_test

import (
	"fmt"
	"strings"
	"testing"

	"towline/migrations/lint"
)

// bytesOf is an INSERT of exactly n bytes with its semicolon.
func bytesOf(n int) string {
	const head, tail = "INSERT INTO t(x) VALUES ('", "');"
	return head + strings.Repeat("a", n-len(head)-len(tail)) + tail
}

func TestAStatementThatIsTooLongForD1IsAnError(t *testing.T) {
	const base = "CREATE TABLE t(x TEXT);"
	testRule(t, "D1-LIM01", []ruleCase{
		{name: "an INSERT of 101 KB", base: base, sql: bytesOf(101_000), fires: true, text: "101000 bytes"},
		{name: "an INSERT of 99 KB", base: base, sql: bytesOf(99_000)},
		{name: "exactly as long as D1 takes", base: base, sql: bytesOf(100_000)},
		{name: "one byte more", base: base, sql: bytesOf(100_001), fires: true},
		{name: "a long file of short statements", base: base, sql: strings.Repeat("INSERT INTO t(x) VALUES ('a');\n", 5_000)},
	})
}

func TestWhatIsBeyondD1sLimitsIsAnError(t *testing.T) {
	const base = "CREATE TABLE t(x TEXT);"
	terms := func(n int) string {
		return "INSERT INTO t(x) SELECT 1" + strings.Repeat(" UNION ALL SELECT 1", n-1) + ";"
	}
	columns := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("c%d TEXT", i))
		}
		return "CREATE TABLE wide(" + strings.Join(list, ", ") + ");"
	}
	chain := func(n int, action string) string {
		sql := "CREATE TABLE t0(id INTEGER PRIMARY KEY);\n"
		for i := 1; i < n; i++ {
			sql += fmt.Sprintf("CREATE TABLE t%d(id INTEGER PRIMARY KEY, up INTEGER REFERENCES t%d(id) ON DELETE %s);\n", i, i-1, action)
		}
		return sql
	}
	testRule(t, "D1-LIM02", []ruleCase{
		{name: "six terms of a compound SELECT", base: base, sql: terms(6), fires: true, text: "too many terms"},
		{name: "five terms", base: base, sql: terms(5)},
		{name: "600 rows of VALUES", base: base, sql: "INSERT INTO t(x) VALUES (1)" + strings.Repeat(", (1)", 599) + ";"},
		{name: "101 columns", sql: columns(101), fires: true, text: "too many columns"},
		{name: "100 columns", sql: columns(100)},
		{name: "a LIKE pattern of 51 bytes that no row meets", base: base, sql: "DELETE FROM t WHERE x LIKE '" + strings.Repeat("a", 51) + "';", fires: true, text: "51 bytes"},
		{name: "a LIKE pattern of 50 bytes", base: base, sql: "DELETE FROM t WHERE x LIKE '" + strings.Repeat("a", 50) + "';"},
		{name: "a long text that is no pattern", base: base, sql: "DELETE FROM t WHERE x = '" + strings.Repeat("a", 60) + "';"},
		{name: "an expression of depth 101", base: base, sql: "DELETE FROM t WHERE x = 1" + strings.Repeat(" OR x = 2", 101) + ";", fires: true},
		{name: "a chain of twelve cascading tables", sql: chain(12, "CASCADE"), fires: true, table: "t0", text: "11 levels"},
		{name: "a chain of eleven", sql: chain(11, "CASCADE")},
		{name: "a long chain that cascades nowhere", sql: chain(14, "RESTRICT")},
		{name: "only the last link sets NULL", sql: chain(11, "CASCADE") + "CREATE TABLE last(id INTEGER PRIMARY KEY, up INTEGER REFERENCES t10(id) ON DELETE SET NULL);", fires: true},
		{name: "a chain that was as long before", base: chain(12, "CASCADE"), sql: "CREATE TABLE other(id INTEGER PRIMARY KEY, up INTEGER REFERENCES t0(id));"},
	})
}

func TestWhatD1DoesNotAllowIsAnError(t *testing.T) {
	const base = "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);"
	var cases []ruleCase
	for _, sql := range []string{
		"PRAGMA user_version = 3;", "PRAGMA journal_mode = WAL;", "CREATE TEMP TABLE x(a);", "INSERT INTO t(a) SELECT unistr('a');",
		"ATTACH 'other.db' AS other;", "VACUUM;", "BEGIN;", "BEGIN TRANSACTION;", "SAVEPOINT a;", "COMMIT;",
		"CREATE VIRTUAL TABLE s USING fts4(a);", "CREATE TABLE _cf_mine(a);", "ALTER TABLE t RENAME TO _CF_t;", "SELECT sqlite_version();",
		"CREATE TEMPORARY VIEW v AS SELECT 1;",
	} {
		cases = append(cases, ruleCase{name: sql, base: base, sql: sql, fires: true})
	}
	for _, sql := range []string{
		"PRAGMA quick_check;", "PRAGMA defer_foreign_keys = ON;", "PRAGMA foreign_keys = OFF;", "PRAGMA optimize;",
		"CREATE VIRTUAL TABLE s USING fts5(a);", "UPDATE t SET a = lower(a);", "CREATE TABLE cf_mine(a);", "SELECT json_extract('{}', '$.a');",
		"ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0);", "SELEC 1;", "CREATE TABLE t(a);",
	} {
		cases = append(cases, ruleCase{name: sql, base: base, sql: sql})
	}
	testRule(t, "D1-AUTH01", cases)
}

func TestTheNewFormsOfAlterTableAreAnError(t *testing.T) {
	const base = "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER);"
	testRule(t, "D1-AUTH02", []ruleCase{
		{name: "ADD CONSTRAINT", base: base, sql: "ALTER TABLE t ADD CONSTRAINT ck CHECK (a > 0);", fires: true, table: "t"},
		{name: "ALTER COLUMN SET NOT NULL", base: base, sql: "ALTER TABLE main.\"t\" ALTER COLUMN a SET NOT NULL;", fires: true, table: "t"},
		{name: "ALTER COLUMN DROP NOT NULL", base: base, sql: "alter table t alter column a drop not null;", fires: true, text: "since 3.53"},
		{name: "what libSQL has", base: base, sql: "ALTER TABLE t ALTER COLUMN a TO a TEXT;", fires: true, text: "which no SQLite has"},
		{name: "DROP CONSTRAINT", base: base, sql: "ALTER TABLE t DROP CONSTRAINT ck;", fires: true},
		{name: "ADD COLUMN with a CHECK", base: base, sql: "ALTER TABLE t ADD COLUMN b INTEGER CHECK (b > 0);"},
		{name: "a column that is called constraint", base: base, sql: "ALTER TABLE t ADD COLUMN \"constraint\" TEXT;"},
		{name: "DROP COLUMN", base: base, sql: "ALTER TABLE t DROP COLUMN a;"},
		{name: "RENAME COLUMN", base: base, sql: "ALTER TABLE t RENAME COLUMN a TO b;"},
	})
}

func TestTriggersThatTheRemoteSplitterBreaksAreAWarning(t *testing.T) {
	const base = "CREATE TABLE t(id INTEGER PRIMARY KEY, b INTEGER, \"begin x\" INTEGER);"
	testRule(t, "D1-SPL01", []ruleCase{
		{name: "lower case", base: base, sql: "create trigger g after insert on t begin update t set b = 1; end;", fires: true,
			text: "lower case", rewrite: "BEGIN update t set b = 1; END;"},
		{name: "CRLF", base: base, sql: "CREATE TRIGGER g AFTER INSERT ON t\r\nBEGIN\r\nUPDATE t SET b = 1;\r\nEND;", fires: true, text: "CRLF", rewrite: "BEGIN\nUPDATE"},
		{name: "a CASE in the body", base: base, sql: "CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET b = CASE WHEN b > 1 THEN 1 END; END;", fires: true, text: "CASE"},
		{name: "a CASE before a comma", base: base, sql: "CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET b = CASE WHEN 1 THEN 1 END, id = id; END;", fires: true},
		{name: "a name in brackets", base: base, sql: "CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET [begin x] = 1; END;", fires: true, text: "brackets"},
		{name: "upper case, LF, no CASE", base: base, sql: "CREATE TRIGGER g AFTER INSERT ON t\nBEGIN\n  UPDATE t SET b = 1;\nEND;"},
		{name: "a CASE in the condition", base: base, sql: "CREATE TRIGGER g AFTER INSERT ON t WHEN CASE WHEN new.b > 1 THEN 1 ELSE 0 END BEGIN UPDATE t SET b = 1; END;"},
		{name: "a table in lower case", sql: "create table begins(a);"},
		{name: "CRLF without a trigger", sql: "CREATE TABLE u(\r\n  a\r\n);\r\n"},
	})
}

func TestAFileThatDoesNotEndAsItMustIsAnError(t *testing.T) {
	testRule(t, "D1-SPL02", []ruleCase{
		{name: "no final semicolon", sql: "CREATE TABLE u(x)", fires: true, text: "no semicolon"},
		{name: "no final semicolon, a comment behind", sql: "CREATE TABLE u(x) -- done\n", fires: true},
		{name: "a comment that is never closed", sql: "CREATE TABLE u(x);\n/* done", fires: true, text: "never recorded"},
		{name: "a string that is never closed", sql: "CREATE TABLE u(x);\nINSERT INTO u VALUES ('a);", fires: true},
		{name: "a bracket that is never closed", sql: "CREATE TABLE u([x);", fires: true},
		{name: "a trigger that is never closed", base: "CREATE TABLE u(x);", sql: "CREATE TRIGGER g AFTER INSERT ON u BEGIN UPDATE u SET x = 1;", fires: true},
		{name: "a NUL in the text", sql: "CREATE TABLE u(x);\x00", fires: true},
		{name: "a text that wrangler cuts out", base: "CREATE TABLE u(x);", sql: "INSERT INTO u VALUES ('BEGIN TRANSACTION;COMMIT;');", fires: true, text: "cuts"},
		{name: "twice in comments", sql: "-- BEGIN TRANSACTION is not needed\n-- nor BEGIN TRANSACTION;\nCREATE TABLE u(x);", fires: true, text: "refuses"},
		{name: "once in a comment, with a semicolon", sql: "-- BEGIN TRANSACTION;\nCREATE TABLE u(x);"},
		{name: "a comment as the last line", sql: "CREATE TABLE u(x);\n-- done"},
		{name: "a closed comment as the last line", sql: "CREATE TABLE u(x);\n/* done */"},
		{name: "a semicolon and blanks", sql: "CREATE TABLE u(x) ; \n\n"},
		{name: "a byte order mark", sql: "\uFEFFCREATE TABLE u(x);"},
		{name: "only a transaction is wrong", sql: "BEGIN TRANSACTION;\nCREATE TABLE u(x);\nCOMMIT;"},
		{name: "only its length is wrong", base: "CREATE TABLE t(x TEXT);", sql: bytesOf(100_001)},
	})
}

func TestTheTailOfAFileIsFoundWhereItIs(t *testing.T) {
	report := ruleCase{sql: "CREATE TABLE u(x);\nCREATE TABLE v(ä)  "}.run(t)
	for _, f := range report.Findings {
		if f.Code != "D1-SPL02" {
			continue
		}
		if f.Line != 2 || f.Col != 18 || f.Offset != 37 || f.Severity != lint.Error {
			t.Errorf("%d:%d, offset %d, %s", f.Line, f.Col, f.Offset, f.Severity)
		}
		return
	}
	t.Error("not found")
}

func TestARuleThatIsOffDoesNotComeBackAsAnother(t *testing.T) {
	off := lint.Options{Severity: map[string]lint.Severity{"D1-AUTH01": lint.Off, "F-NODOWN": lint.Off}}
	if report := (ruleCase{sql: "PRAGMA user_version = 3;", o: off}).run(t); len(report.Findings) > 0 {
		t.Error(show(report.Findings))
	}
}
