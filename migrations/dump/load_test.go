package dump_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"towline/migrations/dump"
	"towline/migrations/sqlite"
)

// exported is a text as D1 exports it: no semicolon starts a transaction, objects come as index, trigger, view, and the
// sqlite_sequence is filled at the end of the tables.
const exported = `PRAGMA defer_foreign_keys=TRUE;
CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT UNIQUE, score REAL, raw BLOB, any);
INSERT INTO "users" ("id","email","score","raw","any") VALUES(1,'a@example.com',1.5,X'00ff',NULL);
INSERT INTO "users" ("id","email","score","raw","any") VALUES(2,'it''s; fine',-0.25,X'','');
INSERT INTO "users" ("id","email","score","raw","any") VALUES(3,replace(replace('one\r\ntwo','\r',char(13)),'\n',char(10)),9e999,NULL,12345678901234567000);
INSERT INTO "users" ("id","email","score","raw","any") VALUES(4,'big',1e+21,NULL,9007199254740992);
CREATE TABLE IF NOT EXISTS "orders"(id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER REFERENCES users(id));
INSERT INTO "orders" ("id","user_id") VALUES(7,1);
INSERT INTO "orders" ("id","user_id") VALUES(8,99);
DELETE FROM sqlite_sequence;
INSERT INTO "sqlite_sequence" ("name","seq") VALUES('orders',12);
CREATE INDEX orders_user ON orders(user_id);
CREATE TRIGGER busy_del INSTEAD OF DELETE ON busy BEGIN DELETE FROM orders WHERE user_id = old.id; END;
CREATE TRIGGER orders_ai AFTER INSERT ON orders BEGIN UPDATE users SET score = score + 1 WHERE id = new.user_id; END;
CREATE VIEW busy AS SELECT users.* FROM users JOIN orders ON user_id = users.id;
`

func load(t *testing.T, text string) (string, dump.Loaded, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	loaded, err := dump.Load(t.Context(), strings.NewReader(text), path)
	return path, loaded, err
}

// ask answers a query on a file, one line for each row.
func ask(t *testing.T, path, sql string) []any {
	t.Helper()
	c, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var list []any
	if err := c.Without(func() error {
		res, err := c.Exec(t.Context(), sql)
		for _, row := range res.Rows {
			list = append(list, row...)
		}
		return err
	}); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return list
}

func TestAnExportIsLoadedWithItsTraps(t *testing.T) {
	path, loaded, err := load(t, exported)
	if err != nil {
		t.Fatal(err)
	}
	want := dump.Loaded{Statements: 15, Rows: 7, Bytes: int64(len(exported)), Late: 1,
		Imprecise: []dump.Imprecise{{Table: "users", Column: "any", Values: 2}}}
	if d := cmp.Diff(want, loaded); d != "" {
		t.Error(d)
	}
	for sql, want := range map[string][]any{
		"SELECT email, score, raw, any, typeof(raw), typeof(any) FROM users WHERE id = 2": {"it's; fine", -0.25, []byte(nil), "", "blob", "text"},
		"SELECT email FROM users WHERE id = 3":                                            {"one\r\ntwo"},
		"SELECT score > 1e308, any FROM users WHERE id = 3":                               {int64(1), 12345678901234567000.0},
		"SELECT score FROM users WHERE id = 1":                                            {1.5}, // no trigger has fired
		"SELECT seq FROM sqlite_sequence":                                                 {int64(12)},
		"SELECT count(*) FROM busy":                                                       {int64(1)},
		"SELECT count(*) FROM sqlite_master WHERE type = 'trigger'":                       {int64(2)},
	} {
		if d := cmp.Diff(want, ask(t, path, sql)); d != "" {
			t.Errorf("%s: %s", sql, d)
		}
	}
	contents, err := dump.Verify(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]dump.Orphans{{Table: "orders", Parent: "users", Rows: 1}}, contents.Orphans); d != "" || contents.Sound() {
		t.Error(d)
	}
}

func TestLoadingDoesNotDependOnHowTheTextArrives(t *testing.T) {
	path, _, err := load(t, exported)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.db")
	if _, err := dump.Load(t.Context(), iotest.OneByteReader(strings.NewReader(exported)), other); err != nil {
		t.Fatal(err)
	}
	sameContents(t, path, other)
}

func sameContents(t *testing.T, a, b string) {
	t.Helper()
	x, err := dump.Verify(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := dump.Verify(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(x.Tables, y.Tables); d != "" {
		t.Error(d)
	}
}

func TestTheShellLoadsTheSameRows(t *testing.T) {
	text := strings.Replace(exported, "CREATE TRIGGER busy_del INSTEAD OF DELETE ON busy BEGIN DELETE FROM orders WHERE user_id = old.id; END;\n", "", 1)
	path, _, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	sameContents(t, path, shell(t, text))
}

// shell loads a text with the sqlite3 shell.
func shell(t *testing.T, text string) string {
	t.Helper()
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("the sqlite3 shell is not there")
	}
	path := filepath.Join(t.TempDir(), "shell.db")
	command := exec.CommandContext(t.Context(), program, "-bail", path)
	command.Stdin = strings.NewReader("PRAGMA synchronous = OFF;\nPRAGMA journal_mode = OFF;\n" + text)
	if out, err := command.CombinedOutput(); err != nil || strings.Contains(string(out), "rror") {
		t.Fatalf("sqlite3: %v: %s", err, out)
	}
	return path
}

func TestAStatementOverD1sLimitIsLoaded(t *testing.T) {
	long := strings.Repeat("x'); ", 100_000)
	path, loaded, err := load(t, "CREATE TABLE t(a);INSERT INTO t VALUES('"+strings.ReplaceAll(long, "'", "''")+"');\nINSERT INTO t SELECT 'short' -- and\n;")
	if err != nil || loaded.Rows != 1 || loaded.Statements != 3 {
		t.Fatalf("%+v %v", loaded, err)
	}
	if got := ask(t, path, "SELECT length(a) FROM t ORDER BY 1"); got[0] != int64(5) || got[1] != int64(len(long)) {
		t.Error(got)
	}
}

func TestInsertsInEveryFormGiveTheSameRows(t *testing.T) {
	for name, text := range map[string]string{
		"one row each":               "INSERT INTO t VALUES(1,'a');INSERT INTO t VALUES(2,NULL);",
		"several rows at once":       "INSERT INTO t VALUES(1,'a') , (2,null);",
		"columns in another order":   `INSERT INTO "t"(b , "a") VALUES ('a', 1);insert into [t](` + "`b`" + `, a) values (NULL, 2);`,
		"an expression":              "INSERT INTO t VALUES(1,'a');INSERT INTO t VALUES(1+1,NULL);",
		"a comment among the values": "INSERT INTO t VALUES(1,/*x*/'a');INSERT INTO t VALUES(2,NULL) /* y */;",
		"a transaction around them":  "BEGIN TRANSACTION;INSERT INTO t VALUES(1,'a');INSERT INTO t VALUES(2,NULL);COMMIT;",
		"a default":                  "INSERT INTO t(b) VALUES('a');INSERT INTO t DEFAULT VALUES;",
		"a conflict":                 "INSERT INTO t VALUES(1,'a');INSERT INTO t VALUES(1,'b') ON CONFLICT DO NOTHING;INSERT INTO t(a) VALUES(2);",
		"a hexadecimal number":       "INSERT INTO t VALUES(0x1,'a');INSERT INTO t(a) SELECT 2;",
	} {
		t.Run(name, func(t *testing.T) {
			path, _, err := load(t, "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);"+text)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]any{int64(1), "a", int64(2), nil}, ask(t, path, "SELECT a, b FROM t ORDER BY a")); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestManyTablesAtOnceAreLoaded(t *testing.T) {
	var text strings.Builder
	for i := range 80 {
		name := strings.Repeat("t", i+1)
		text.WriteString("CREATE TABLE " + name + "(a INTEGER);INSERT INTO " + name + " VALUES(9007199254740993);")
	}
	_, loaded, err := load(t, text.String())
	if err != nil || loaded.Rows != 80 || len(loaded.Imprecise) != 80 {
		t.Errorf("%d rows, %d imprecise, %v", loaded.Rows, len(loaded.Imprecise), err)
	}
}

func TestADumpThatCannotBeLoadedLeavesNoFile(t *testing.T) {
	for name, tt := range map[string]struct {
		text, reason string
		line         int64
	}{
		"a missing table":   {"CREATE TABLE t(a);\nINSERT INTO u VALUES(1);", "no such table: u", 2},
		"a duplicate":       {"CREATE TABLE t(a UNIQUE);\nINSERT INTO t VALUES(1);\n\nINSERT INTO t VALUES(1);", "UNIQUE constraint failed: t.a", 4},
		"too many values":   {"CREATE TABLE t(a);\nINSERT INTO t VALUES(1,2);", "table t has 1 columns but 2 values were supplied", 2},
		"an end too early":  {"CREATE TABLE t(a);\nINSERT INTO t VALUES('abc", "the text ends within this statement", 2},
		"a view of nothing": {"CREATE TABLE t(a);\nCREATE TRIGGER x INSTEAD OF DELETE ON v BEGIN SELECT 1; END;", "no such table: main.v", 2},
		"another file":      {"ATTACH 'other.db' AS o;", "too many attached databases", 1},
		"taken back":        {"CREATE TABLE t(a);\nROLLBACK;", "takes itself back", 2},
	} {
		t.Run(name, func(t *testing.T) {
			path, _, err := load(t, tt.text)
			var refused *dump.StatementError
			if !errors.As(err, &refused) || refused.Line != tt.line || !strings.Contains(refused.Reason, tt.reason) {
				t.Errorf("got %v", err)
			}
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the file: %v", err)
			}
		})
	}
}

func TestAReadersErrorAndAnEndedContextStopTheLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "copy.db")
	broken := errors.New("broken")
	if _, err := dump.Load(t.Context(), iotest.ErrReader(broken), path); !errors.Is(err, broken) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dump.Load(ctx, strings.NewReader(exported), path); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dump.Load(t.Context(), strings.NewReader(exported), path); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	if text, _ := os.ReadFile(path); string(text) != "mine" {
		t.Error("the file that was there is gone")
	}
}

func TestStatisticsAndALostSequenceAreNoObstacle(t *testing.T) {
	path, _, err := load(t, `CREATE TABLE t(a);
CREATE INDEX t_a ON t(a);
ANALYZE sqlite_schema;
INSERT INTO "sqlite_stat1" ("tbl","idx","stat") VALUES('t','t_a','1 1');
INSERT INTO "sqlite_stat9" ("tbl") VALUES('t');
DELETE FROM sqlite_sequence;
`)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]any{"t_a"}, ask(t, path, "SELECT idx FROM sqlite_stat1")); d != "" {
		t.Error(d)
	}
}
