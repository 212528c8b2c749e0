package sqlite_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
	"towline/migrations/sqlite"
	"towline/sandbox/parts"
)

func TestMain(m *testing.M) { parts.Main(m) }

func exec(t *testing.T, c *sqlite.Conn, sql string, params ...any) sqlite.Result {
	t.Helper()
	res, err := c.Exec(t.Context(), sql, params...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return res
}

func TestValuesComeBackAsTheyWentIn(t *testing.T) {
	c := open(t, "CREATE TABLE t(a, b, c, d, e, f)")
	exec(t, c, "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", nil, 7, 1.5, "it's", []byte{0, 255}, true)
	res := exec(t, c, "SELECT *, a AS a FROM t")
	want := [][]any{{nil, int64(7), 1.5, "it's", []byte{0, 255}, int64(1), nil}}
	if d := cmp.Diff(want, res.Rows); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"a", "b", "c", "d", "e", "f", "a"}, res.Columns); d != "" {
		t.Error(d)
	}
	if _, err := c.Exec(t.Context(), "SELECT ?", struct{}{}); err == nil {
		t.Error("a struct was bound")
	}
	if _, err := c.Exec(t.Context(), "SELECT ?"); err == nil {
		t.Error("a parameter was left out")
	}
}

func TestChangesCountCascadesAndTriggersAsD1Does(t *testing.T) {
	setup := []string{
		"CREATE TABLE p(id INTEGER PRIMARY KEY)", "INSERT INTO p VALUES (1), (2), (3)",
		"CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE)", "INSERT INTO c VALUES (1, 1), (2, 2), (3, 3)",
		"CREATE TABLE u(a)", "CREATE TABLE log(a)", "CREATE TRIGGER t AFTER INSERT ON u BEGIN INSERT INTO log VALUES (new.a); END",
	}
	tests := []struct {
		name, sql string
		changes   int64
		changed   bool
	}{
		{"a parent and what cascades", "DROP TABLE p", 6, true},
		{"a table to which nothing refers", "DROP TABLE c", 0, false},
		{"rows and what a trigger adds", "INSERT INTO u VALUES (1), (2)", 4, true},
		{"a query", "SELECT * FROM p", 0, false},
		{"nothing deleted", "DELETE FROM p WHERE id = 9", 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := exec(t, open(t, setup...), tt.sql)
			if res.Changes != tt.changes || res.Changed != tt.changed {
				t.Errorf("changes %d, changed %t", res.Changes, res.Changed)
			}
		})
	}
}

func TestPreparingNamesTheVictimsOfADrop(t *testing.T) {
	c := open(t, "CREATE TABLE p(id INTEGER PRIMARY KEY)",
		"CREATE TABLE kills(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE)",
		"CREATE TABLE nulls(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE SET NULL)",
		"CREATE TABLE keeps(id INTEGER PRIMARY KEY, p REFERENCES p)")
	for range 2 { // preparing does nothing
		actions, err := c.Prepare(t.Context(), "DROP TABLE p")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []sqlite.Action{
			{Kind: sqlite.DropTable, Arg3: "p"}, {Kind: sqlite.Delete, Arg3: "p"}, {Kind: sqlite.Delete, Arg3: "kills"},
			{Kind: sqlite.Update, Arg3: "nulls", Arg4: "p"}, {Kind: sqlite.Read, Arg3: "keeps", Arg4: "p"},
		} {
			if !slices.Contains(actions, want) {
				t.Errorf("no %v in %v", want, actions)
			}
		}
		if slices.Contains(actions, sqlite.Action{Kind: sqlite.Delete, Arg3: "keeps"}) {
			t.Error("keeps would lose rows")
		}
	}
}

func TestForeignKeysCannotBeSwitchedOff(t *testing.T) {
	c := open(t, "CREATE TABLE p(id INTEGER PRIMARY KEY)", "CREATE TABLE c(p REFERENCES p)", "PRAGMA foreign_keys = OFF")
	if on := exec(t, c, "PRAGMA foreign_keys").Rows[0][0]; on != int64(1) {
		t.Errorf("foreign_keys is %v", on)
	}
	e := refused(t, c, "INSERT INTO c VALUES (1)")
	if e == nil || e.Name() != "SQLITE_CONSTRAINT" || e.ExtendedName() != "SQLITE_CONSTRAINT_FOREIGNKEY" {
		t.Errorf("got %v", e)
	}
}

func TestErrorsSayWhatD1Says(t *testing.T) {
	c := open(t, "CREATE TABLE t(id INTEGER PRIMARY KEY, n TEXT NOT NULL, u UNIQUE, CHECK (id < 9))", "INSERT INTO t VALUES (1, 'a', 1)")
	for sql, want := range map[string]string{
		"SELECT * FROM nope":                   "no such table: nope: SQLITE_ERROR",
		"  SELEC 1":                            `near "SELEC": syntax error at offset 2: SQLITE_ERROR`,
		"INSERT INTO t VALUES (1, 'a', 2)":     "UNIQUE constraint failed: t.id: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_PRIMARYKEY)",
		"INSERT INTO t VALUES (2, 'a', 1)":     "UNIQUE constraint failed: t.u: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)",
		"INSERT INTO t(id) VALUES (3)":         "NOT NULL constraint failed: t.n: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_NOTNULL)",
		"INSERT INTO t(id, n) VALUES (9, 'x')": "CHECK constraint failed: id < 9: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_CHECK)",
		"BEGIN":                                "not authorized: SQLITE_AUTH",
		"SELECT json('x')":                     "malformed JSON: SQLITE_ERROR",
		"SELECT é, nope":                       "no such column: é at offset 7: SQLITE_ERROR",
	} {
		if e := refused(t, c, sql); e == nil || e.Error() != want {
			t.Errorf("%s: got %v, want %s", sql, e, want)
		}
	}
}

// countRows counts the rows of table t.
func countRows(t *testing.T, c *sqlite.Conn) any {
	t.Helper()
	return exec(t, c, "SELECT count(*) FROM t").Rows[0][0]
}

func TestATransactionIsAllOrNothing(t *testing.T) {
	boom := errors.New("boom")
	t.Run("committed", func(t *testing.T) {
		c := open(t, "CREATE TABLE t(a)")
		err := c.Transaction(t.Context(), func() error { exec(t, c, "INSERT INTO t VALUES (1)"); return nil })
		if err != nil || countRows(t, c) != int64(1) {
			t.Errorf("%v, %v rows", err, countRows(t, c))
		}
	})
	t.Run("failed", func(t *testing.T) {
		c := open(t, "CREATE TABLE t(a)")
		err := c.Transaction(t.Context(), func() error { exec(t, c, "INSERT INTO t VALUES (1)"); return boom })
		if !errors.Is(err, boom) || countRows(t, c) != int64(0) {
			t.Errorf("%v, %v rows", err, countRows(t, c))
		}
	})
	t.Run("panicked", func(t *testing.T) {
		c := open(t, "CREATE TABLE t(a)")
		func() {
			defer func() {
				if recover() != boom {
					t.Error("the panic was lost")
				}
			}()
			_ = c.Transaction(t.Context(), func() error { exec(t, c, "INSERT INTO t VALUES (1)"); panic(boom) })
		}()
		if countRows(t, c) != int64(0) {
			t.Errorf("%v rows", countRows(t, c))
		}
	})
	t.Run("nested", func(t *testing.T) {
		c := open(t)
		err := c.Transaction(t.Context(), func() error { return c.Transaction(t.Context(), func() error { return nil }) })
		if err == nil {
			t.Error("transactions nested")
		}
	})
}

func TestATransactionThatAStatementRolledBackTakesNoMore(t *testing.T) {
	c := open(t, "CREATE TABLE t(a UNIQUE)")
	err := c.Transaction(t.Context(), func() error {
		exec(t, c, "INSERT INTO t VALUES (1)")
		if e := refused(t, c, "INSERT OR ROLLBACK INTO t VALUES (1)"); e == nil {
			t.Error("a duplicate was taken")
		}
		if e := refused(t, c, "INSERT INTO t VALUES (2)"); e == nil {
			t.Error("a statement ran outside the transaction")
		}
		return nil
	})
	if err == nil || countRows(t, c) != int64(0) {
		t.Errorf("%v, %v rows", err, countRows(t, c))
	}
}

func TestACommitWithViolatedForeignKeysIsRefusedAndRolledBack(t *testing.T) {
	c := open(t, "CREATE TABLE p(id INTEGER PRIMARY KEY)", "CREATE TABLE t(p REFERENCES p)")
	err := c.Transaction(t.Context(), func() error {
		exec(t, c, "PRAGMA defer_foreign_keys = ON")
		if c.UnresolvedForeignKeys() {
			t.Error("unresolved too early")
		}
		exec(t, c, "INSERT INTO t VALUES (1)")
		if !c.UnresolvedForeignKeys() {
			t.Error("nothing unresolved")
		}
		return nil
	})
	var e *sqlite.Error
	if !errors.As(err, &e) || e.ExtendedName() != "SQLITE_CONSTRAINT_FOREIGNKEY" || countRows(t, c) != int64(0) {
		t.Errorf("%v, %v rows", err, countRows(t, c))
	}
	exec(t, c, "INSERT INTO p VALUES (1)")
}

func TestARenameToAReservedNameIsTakenBack(t *testing.T) {
	c := open(t, "CREATE TABLE t(a)", "INSERT INTO t VALUES ('_cf_')")
	if e := refused(t, c, "ALTER TABLE t RENAME TO _CF_t"); e == nil || e.Name() != "SQLITE_AUTH" {
		t.Errorf("got %v", e)
	}
	exec(t, c, "ALTER TABLE t ADD COLUMN b DEFAULT '_cf_'")
	if n := exec(t, c, "SELECT count(b) FROM t").Rows[0][0]; n != int64(1) {
		t.Errorf("%v rows", n)
	}
}

func TestTheContextStopsAStatement(t *testing.T) {
	c := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	_, err := c.Exec(ctx, "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	exec(t, c, "SELECT 1")
}

func TestASnapshotRestoresEverything(t *testing.T) {
	c := open(t, "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a)", "INSERT INTO t(a) VALUES ('x')",
		"CREATE VIRTUAL TABLE f USING fts5(b)", "INSERT INTO f VALUES ('harbour')")
	data, err := c.Serialize()
	if err != nil {
		t.Fatal(err)
	}
	before, err := c.Objects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	exec(t, c, "DROP TABLE t")
	exec(t, c, "DELETE FROM f")
	other, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "other.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for _, c := range []*sqlite.Conn{c, other} {
		if err := c.Deserialize(data); err != nil {
			t.Fatal(err)
		}
		after, err := c.Objects(t.Context())
		if d := cmp.Diff(before, after); d != "" || err != nil {
			t.Error(d, err)
		}
		if n := len(exec(t, c, "SELECT * FROM t, f WHERE f MATCH 'harbour'").Rows); n != 1 {
			t.Errorf("%d rows", n)
		}
		if size, err := c.Size(); err != nil || size != int64(len(data)) {
			t.Errorf("size %d, %v; want %d", size, err, len(data))
		}
		if e := refused(t, c, "PRAGMA user_version"); e == nil {
			t.Error("the profile is off")
		}
	}
}

func TestObjectsLeaveOutWhatIsNotTheTeams(t *testing.T) {
	c := open(t, "CREATE TABLE b(id INTEGER PRIMARY KEY AUTOINCREMENT, u UNIQUE)", "CREATE TABLE sqlitely(a)", "CREATE INDEX a ON b(id)", "ANALYZE")
	err := c.Without(func() error { _, err := c.Exec(t.Context(), "CREATE TABLE _cf_KV(a)"); return err })
	if err != nil {
		t.Fatal(err)
	}
	objects, err := c.Objects(t.Context())
	want := []migrations.Object{
		{Type: "table", Name: "b", Table: "b", SQL: "CREATE TABLE b(id INTEGER PRIMARY KEY AUTOINCREMENT, u UNIQUE)"},
		{Type: "table", Name: "sqlitely", Table: "sqlitely", SQL: "CREATE TABLE sqlitely(a)"},
		{Type: "index", Name: "a", Table: "b", SQL: "CREATE INDEX a ON b(id)"},
	}
	if d := cmp.Diff(want, objects); d != "" || err != nil {
		t.Error(d, err)
	}
}

func TestLimitedWritesAreToldFromMistakes(t *testing.T) {
	c := open(t, "CREATE TABLE t(a, b)", "CREATE TABLE u(a, b)")
	for sql, want := range map[string]bool{
		"UPDATE t SET a = u.a FROM u WHERE u.b = t.b LIMIT 1":              true,
		"update t set a = u.a from u where u.b = t.b order by t.a limit 1": true,
		"DELETE FROM t LIMT 5":                false,
		"DELETE FROM t ORDER BY a":            false,
		"DELETE FROM t ORDER BY LIMIT":        false,
		"DELETE FROM nope LIMIT 5":            false,
		"SELECT * FROM t LIMIT LIMIT":         false,
		"INSERT INTO t VALUES (1, 2) LIMIT 5": false,
	} {
		_, err := c.Exec(t.Context(), sql)
		if err == nil {
			t.Errorf("%s: allowed", sql)
		}
		if got := c.LimitedWrite(t.Context(), sql, err); got != want {
			t.Errorf("%s: %t", sql, got)
		}
	}
}

func TestLimitedWritesTellWhatTheyDo(t *testing.T) {
	c := open(t, "CREATE TABLE p(id INTEGER PRIMARY KEY)", "CREATE TABLE c(p REFERENCES p ON DELETE CASCADE)", "INSERT INTO p VALUES (1), (2)", "INSERT INTO c VALUES (1), (2)")
	const sql = "DELETE FROM p ORDER BY id DESC LIMIT ?1; -- done"
	actions, err := c.Prepare(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(actions, func(a sqlite.Action) bool { return a.Kind == sqlite.Delete && a.Arg3 == "c" }) {
		t.Errorf("the cascade is not among %v", actions)
	}
	if plan, err := c.Plan(t.Context(), sql); err != nil || len(plan) == 0 {
		t.Errorf("the plan is %v, %v", plan, err)
	}
	if res := exec(t, c, sql, 1); res.Changes != 2 {
		t.Errorf("%d changes", res.Changes)
	}
	if res := exec(t, c, "SELECT p FROM c"); len(res.Rows) != 1 || res.Rows[0][0] != int64(1) {
		t.Errorf("left is %v", res.Rows)
	}
}

func TestAFileKeepsTheDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop?x=1#.db")
	for i, sql := range []string{"CREATE TABLE t(a)", "INSERT INTO t VALUES (1)", "SELECT * FROM t"} {
		c, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		res := exec(t, c, sql)
		if i == 2 && len(res.Rows) != 1 {
			t.Errorf("%d rows", len(res.Rows))
		}
		if err := errors.Join(c.Close(), c.Close()); err != nil {
			t.Error(err)
		}
	}
	if _, err := sqlite.Open(t.Context(), filepath.Join(path, "no", "such", "folder")); err == nil || !strings.Contains(err.Error(), "open") {
		t.Errorf("got %v", err)
	}
}
