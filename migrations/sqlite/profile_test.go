package sqlite_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"towline/migrations/sqlite"
)

// open gives a fresh database in memory on which the statements of setup have run.
func open(t *testing.T, setup ...string) *sqlite.Conn {
	t.Helper()
	c, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, sql := range setup {
		if _, err := c.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	return c
}

// refused returns the *Error with which sql was refused, or nil.
func refused(t *testing.T, c *sqlite.Conn, sql string) *sqlite.Error {
	t.Helper()
	_, err := c.Exec(context.Background(), sql)
	if err == nil {
		return nil
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		t.Fatalf("%s: got %T (%v), want *sqlite.Error", sql, err, err)
	}
	return e
}

// profileSetup has run before each of the profile's cases.
func profileSetup() []string {
	return []string{
		"CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT)",
		"CREATE INDEX t_a ON t(a)",
		"INSERT INTO t VALUES (1, 'x', 2)",
		"CREATE TABLE u(a)",
	}
}

// profileCase is a statement that D1 allows or refuses.
type profileCase struct {
	name, sql string
	want      string // "" is allowed, else a part of the message
}

func profileCases() []profileCase {
	return slices.Concat(functionCases(), pragmaCases(), actionCases(), limitCases())
}

func functionCases() []profileCase {
	return []profileCase{
		{"a plain function", "SELECT lower(a), coalesce(a, b), hex(randomblob(2)) FROM t", ""},
		{"a window function", "SELECT row_number() OVER (ORDER BY a) FROM t", ""},
		{"a mathematical function", "SELECT sin(1), mod(5, 3), pi()", ""},
		{"a function of JSON", "SELECT json_extract('{\"a\":1}', '$.a'), '{\"a\":1}' ->> 'a'", ""},
		{"a table-valued function of JSON", "SELECT value FROM json_each('[1,2]')", ""},
		{"current_timestamp", "SELECT current_timestamp, unixepoch()", ""},
		{"the version of SQLite", "SELECT sqlite_version()", "not authorized to use function: sqlite_version"},
		{"json_pretty", "SELECT json_pretty('{}')", "not authorized to use function: json_pretty"},
		{"soundex, which D1 lists but lacks", "SELECT soundex('a')", "soundex"},
		{"median", "SELECT median(b) FROM t", "median"},
		{"if", "SELECT if(1, 2, 3)", "not authorized to use function: if"},
		{"ceiling", "SELECT ceiling(1.5)", "not authorized to use function: ceiling"},
		{"generate_series, which D1 lacks", "SELECT * FROM generate_series(1, 3)", "no such table: generate_series"},
		{"regexp", "SELECT 'a' REGEXP 'a'", "REGEXP"},
	}
}

func pragmaCases() []profileCase {
	return []profileCase{
		{"a boolean pragma, read", "PRAGMA defer_foreign_keys", ""},
		{"a boolean pragma, written", "PRAGMA defer_foreign_keys = on", ""},
		{"a boolean pragma with a quoted word", "PRAGMA legacy_alter_table = 'TRUE'", ""},
		{"a boolean pragma with another word", "PRAGMA recursive_triggers = maybe", "not authorized"},
		{"foreign_keys", "PRAGMA foreign_keys = OFF", ""},
		{"table_info with a name", "PRAGMA table_info(t)", ""},
		{"table_info as a function", "SELECT name FROM pragma_table_info('t')", ""},
		{"table_xinfo of a reserved name", "PRAGMA table_xinfo(_cf_KV)", "not authorized"},
		{"table_list", "PRAGMA table_list", ""},
		{"index_list", "PRAGMA index_list(t)", ""},
		{"foreign_key_check", "PRAGMA foreign_key_check", ""},
		{"foreign_key_check as a function", "SELECT * FROM pragma_foreign_key_check", ""},
		{"quick_check with a number", "PRAGMA quick_check(10)", ""},
		{"optimize", "PRAGMA optimize", ""},
		{"page_size", "PRAGMA page_size", ""},
		{"page_size, written", "PRAGMA page_size = 512", "not authorized"},
		{"user_version", "PRAGMA user_version = 3", "not authorized"},
		{"journal_mode", "PRAGMA journal_mode = WAL", "not authorized"},
		{"writable_schema", "PRAGMA writable_schema = ON", "not authorized"},
		{"integrity_check", "PRAGMA integrity_check", "not authorized"},
		{"schema_version", "PRAGMA schema_version", "not authorized"},
		{"an unknown pragma", "PRAGMA nonsense", "not authorized"},
	}
}

func actionCases() []profileCase {
	return []profileCase{
		{"a table, an index, a view, a trigger", "CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET b = 1; END", ""},
		{"an FTS5 table", "CREATE VIRTUAL TABLE f USING fts5(x)", ""},
		{"an R-tree", "CREATE VIRTUAL TABLE r USING rtree(id, a, b)", ""},
		{"an FTS4 table", "CREATE VIRTUAL TABLE f USING fts4(x)", "not authorized"},
		{"ALTER TABLE ADD", "ALTER TABLE t ADD COLUMN c", ""},
		{"ALTER TABLE RENAME", "ALTER TABLE t RENAME TO t2", ""},
		{"ALTER TABLE RENAME COLUMN", "ALTER TABLE t RENAME COLUMN b TO bb", ""},
		{"ALTER TABLE DROP", "ALTER TABLE t DROP COLUMN b", ""},
		{"ANALYZE", "ANALYZE", ""},
		{"REINDEX", "REINDEX t_a", ""},
		{"a recursive query", "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 5) SELECT * FROM n", ""},
		{"BEGIN", "BEGIN", "not authorized"},
		{"COMMIT", "COMMIT", "not authorized"},
		{"SAVEPOINT", "SAVEPOINT s", "not authorized"},
		{"ATTACH", "ATTACH ':memory:' AS x", "not authorized"},
		{"a temporary table", "CREATE TEMP TABLE x(a)", "not authorized"},
		{"a temporary view", "CREATE TEMP VIEW x AS SELECT 1", "not authorized"},
		{"VACUUM", "VACUUM", "cannot VACUUM from within a transaction"},
		{"a reserved name", "CREATE TABLE _CF_x(a)", "not authorized"},
		{"an index with a reserved name", "CREATE INDEX _cf_i ON t(a)", "not authorized"},
		{"the schema, written", "DELETE FROM sqlite_master", "may not be modified"},
		{"the schema, read", "SELECT name FROM sqlite_master", ""},
		{"a double-quoted string", `SELECT "no such column" FROM t`, ""},
		{"two statements", "SELECT 1; SELECT 2", "more than one statement"},
		{"two statements, the second wrong", "SELECT 1; SELEC 2", "more than one statement"},
		{"a statement with blanks and comments after it", "SELECT 1; -- one\n /* two */ ;\n", ""},
		{"a comment alone", "-- nothing", "No SQL statements detected."},
		{"nothing", "", "No SQL statements detected."},
		{"a null byte", "SELECT 1\x00; DROP TABLE t", "unrecognized token"},
	}
}

func limitCases() []profileCase {
	return []profileCase{
		{"100 columns", "SELECT " + list("1", 100), ""},
		{"101 columns", "SELECT " + list("1", 101), "too many columns"},
		{"a table of 101 columns", "CREATE TABLE w(" + strings.Join(numbered(101), ", ") + ")", "too many columns"},
		{"a compound of five", strings.Join(repeat("SELECT 1", 5), " UNION ALL "), ""},
		{"a compound of six", strings.Join(repeat("SELECT 1", 6), " UNION ALL "), "too many terms in compound SELECT"},
		{"a thousand rows of VALUES", "INSERT INTO u VALUES " + list("(1)", 1000), ""},
		{"a LIKE pattern of 51 bytes", "SELECT 'a' LIKE '" + strings.Repeat("a", 51) + "'", "LIKE or GLOB pattern too complex"},
		{"parameter 101", "SELECT ?101", "variable number must be between ?1 and ?100"},
		{"an expression 101 deep", "SELECT " + strings.Repeat("-(", 101) + "1" + strings.Repeat(")", 101), "depth"},
		{"a statement of 100 001 bytes", "SELECT 1 --" + strings.Repeat("x", 99_990), "statement too long"},
		{"a value over 2 MB", "SELECT zeroblob(2000001)", "string or blob too big"},
	}
}

func TestTheProfileAllowsAndRefusesWhatD1Does(t *testing.T) {
	for _, tt := range profileCases() {
		t.Run(tt.name, func(t *testing.T) {
			e := refused(t, open(t, profileSetup()...), tt.sql)
			switch {
			case tt.want == "" && e != nil:
				t.Errorf("refused: %v", e)
			case tt.want != "" && e == nil:
				t.Errorf("allowed, want %q", tt.want)
			case e != nil && !strings.Contains(e.Message, tt.want):
				t.Errorf("message %q, want %q", e.Message, tt.want)
			}
		})
	}
}

func list(item string, n int) string { return strings.Join(repeat(item, n), ", ") }

func repeat(item string, n int) []string {
	items := make([]string, n)
	for i := range items {
		items[i] = item
	}
	return items
}

func numbered(n int) []string {
	items := make([]string, n)
	for i := range items {
		items[i] = strings.Repeat("i", i+1)
	}
	return items
}
