package rehearse_test

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
	"towline/migrations/rehearse"
	"towline/migrations/sqlite"
)

// shop is a database with rows: 300 users, three orders each, and notes with full-text search.
func shop() []string {
	return []string{
		"CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, status TEXT, boss INTEGER REFERENCES users(id))",
		"CREATE TABLE orders(id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE, total REAL)",
		"CREATE INDEX users_email ON users(email)",
		"CREATE INDEX orders_user ON orders(user_id)",
		"CREATE VIRTUAL TABLE found USING fts5(email)",
		"CREATE TRIGGER users_ad AFTER DELETE ON users BEGIN DELETE FROM found WHERE rowid = old.id; END",
		`WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 300)
			INSERT INTO users SELECT x, 'user' || (x % 290) || '@example.com', CASE WHEN x % 100 = 0 THEN 'odd' WHEN x % 50 = 0 THEN NULL ELSE 'ok' END, NULL FROM n`,
		"INSERT INTO orders(user_id, total) SELECT id, id * 1.5 FROM users, (SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3)",
		"INSERT INTO found(rowid, email) SELECT id, email FROM users",
	}
}

// withData makes a file with the statements' database, and the target that it is a copy of.
func withData(t *testing.T, statements ...string) (path string, target rehearse.Target) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "data.db")
	c, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Transaction(t.Context(), func() error { // one write to the disk
		for _, sql := range statements {
			if _, err := c.Exec(t.Context(), sql); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if target.Objects, err = c.Objects(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return path, target
}

// onData rehearses files on a copy of the shop's data, and sees that the data is left alone.
func onData(t *testing.T, sql string, options ...rehearse.Option) rehearse.Report {
	t.Helper()
	path, target := withData(t, shop()...)
	before, temp := fileSum(t, path), t.TempDir()
	report, err := rehearse.Run(t.Context(), target, bare(t, sql), append(options, rehearse.Data(path), rehearse.Temporary(temp))...)
	if err != nil {
		t.Fatal(err)
	}
	if fileSum(t, path) != before {
		t.Error("the data was changed")
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	return report
}

func fileSum(t *testing.T, path string) [32]byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(data)
}

func TestOnACopyOfTheDataEachTouchedTableIsCounted(t *testing.T) {
	report := onData(t, "DELETE FROM users WHERE id > 290;\nUPDATE users SET status = NULL WHERE id < 11;\nCREATE TABLE teams(id INTEGER PRIMARY KEY);\nINSERT INTO teams VALUES (1);")
	want := []rehearse.TableRows{
		{Name: "orders", Before: 900, After: 870},
		{Name: "teams", Before: -1, After: 1},
		{Name: "users", Before: 300, After: 290, Columns: []rehearse.ColumnValues{{Name: "status", Before: 297, After: 277}}},
	}
	if d := cmp.Diff(want, report.Tables); d != "" || !report.Data || report.Failed != nil {
		t.Errorf("%+v %s", report.Failed, d)
	}
	if !report.Known || report.RowsRead < 300 || report.RowsWritten < 50 {
		t.Errorf("read %d, written %d", report.RowsRead, report.RowsWritten)
	}
}

func TestRowsThatAConstraintRejectsAreNamed(t *testing.T) {
	const rebuilt = "CREATE TABLE users_new(id INTEGER PRIMARY KEY, email TEXT, status TEXT NOT NULL CHECK (status IN ('ok', 'lead')));\n"
	tests := []struct {
		name, sql string
		total     int64
		first     rehearse.RejectedRow
	}{
		{
			"by a copy into a stricter table", rebuilt + "INSERT INTO users_new SELECT id, email, status FROM users;", 6,
			rehearse.RejectedRow{Table: "users_new", Code: "SQLITE_CONSTRAINT_NOTNULL", Message: "NOT NULL constraint failed: users_new.status",
				Columns: []string{"id", "email", "status"}, Values: []string{"50", "'user50@example.com'", "NULL"}},
		},
		{
			"by a copy with columns and a condition", rebuilt + "INSERT INTO users_new(status, id) SELECT status, id FROM users WHERE id > 99 ORDER BY id -- all\n;", 5,
			rehearse.RejectedRow{Table: "users_new", Code: "SQLITE_CONSTRAINT_CHECK", Message: "CHECK constraint failed: status IN ('ok', 'lead')",
				Columns: []string{"status", "id"}, Values: []string{"'odd'", "100"}},
		},
		{
			"by an update", "CREATE TABLE t(id INTEGER PRIMARY KEY, n CHECK (n < 295));\nINSERT INTO t SELECT id, 0 FROM users;\nUPDATE t SET n = id WHERE id > 1 OR id = 1;", 6,
			rehearse.RejectedRow{Table: "t", Code: "SQLITE_CONSTRAINT_CHECK", Message: "CHECK constraint failed: n < 295",
				Columns: []string{"id", "n"}, Values: []string{"295", "0"}},
		},
		{
			"by a unique index", "CREATE UNIQUE INDEX one_email ON users(email COLLATE NOCASE DESC, \"status\") WHERE id > 0;", 9,
			rehearse.RejectedRow{Table: "users", Code: "SQLITE_CONSTRAINT_UNIQUE", Message: "UNIQUE constraint failed: users.email, users.status",
				Columns: []string{"email COLLATE NOCASE", `"status"`, "rows"}, Values: []string{"'user1@example.com'", "'ok'", "2"}},
		},
	}
	for _, tt := range some(tests) {
		t.Run(tt.name, func(t *testing.T) {
			report := onData(t, tt.sql)
			if report.Failed == nil || report.Failed.Line == 0 || report.Failure != nil || len(report.Rejected) == 0 {
				t.Fatalf("%+v", report.Effects)
			}
			got := report.Rejected[0]
			if got.Line != report.Failed.Line {
				t.Errorf("line %d", got.Line)
			}
			got.Place = rehearse.Place{}
			if d := cmp.Diff(tt.first, got); d != "" || report.RejectedTotal != tt.total {
				t.Errorf("%d in all, want %d: %s", report.RejectedTotal, tt.total, d)
			}
		})
	}
}

func TestOfManyRejectedRowsAHundredAreKeptAndAllCounted(t *testing.T) {
	report := onData(t, "CREATE TABLE t(id INTEGER CHECK (id < 0), long TEXT);\nINSERT INTO t SELECT id, printf('%.1000c', 'é') FROM users;")
	if len(report.Rejected) != rehearse.MaxRowsShown || report.RejectedTotal != 300 {
		t.Fatalf("%d of %d", len(report.Rejected), report.RejectedTotal)
	}
	if v := report.Rejected[0].Values[1]; len(v) > rehearse.MaxValueShown+len("…") || !strings.HasSuffix(v, "é…") {
		t.Errorf("%d bytes: %q", len(v), v)
	}
}

func TestACopyThatLeavesRowsBehindIsNamedWithThem(t *testing.T) {
	report := onData(t, `CREATE TABLE users_new(id INTEGER PRIMARY KEY, email TEXT UNIQUE, status TEXT);
INSERT OR IGNORE INTO users_new SELECT id, email, status FROM users;
DROP TABLE users;
ALTER TABLE users_new RENAME TO users;`)
	if len(report.Cut) != 1 {
		t.Fatalf("%+v", report.Effects)
	}
	cut := report.Cut[0]
	if cut.From != "users" || cut.To != "users_new" || cut.Rows != 300 || cut.Copied != 290 || cut.Line != 2 || len(cut.Left) != 10 {
		t.Errorf("%+v", cut)
	}
	if d := cmp.Diff([]string{"291", "'user1@example.com'", "'ok'", "NULL"}, cut.Left[0]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"users_email"}, report.LostIndexes); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"users_ad"}, report.LostTriggers); d != "" {
		t.Error(d)
	}
	// The children went with the table: the canaries say so, and the data shows how many.
	if len(report.Losses) != 1 || report.Tables[0].Name != "orders" || report.Tables[0].After != 0 {
		t.Errorf("%+v %+v", report.Losses, report.Tables)
	}
}

func TestAWholeCopyAndIndexesMadeAgainAreNothingToTell(t *testing.T) {
	report := onData(t, `PRAGMA defer_foreign_keys = ON;
CREATE TABLE "__before" AS SELECT (SELECT count(*) FROM users) AS n;
CREATE TRIGGER "__guard" BEFORE DELETE ON orders BEGIN SELECT RAISE(IGNORE); END;
CREATE TABLE "__copy" AS SELECT id, email, status FROM users;
DROP TABLE users;
CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, status TEXT);
INSERT INTO users SELECT * FROM "__copy";
DROP TABLE "__copy";
DROP TABLE "__before";
DROP TRIGGER "__guard";
CREATE INDEX users_email_again ON users ( email );
CREATE TRIGGER users_ad AFTER DELETE ON users BEGIN DELETE FROM found WHERE rowid = old.id; END;`)
	if report.Failed != nil || len(report.Cut) > 0 || len(report.LostIndexes) > 0 || len(report.LostTriggers) > 0 || len(report.Orphans) > 0 || len(report.Losses) > 0 {
		t.Errorf("%+v", report)
	}
}

func TestOrphansAreTold(t *testing.T) {
	const parent = "CREATE TABLE users2(id INTEGER PRIMARY KEY);\nINSERT INTO users2 SELECT id FROM users WHERE id < 296;\n"
	report := onData(t, parent+"PRAGMA defer_foreign_keys = ON;\nCREATE TABLE o(u REFERENCES users2(id));\nINSERT INTO o SELECT user_id FROM orders;")
	if report.Failed == nil || !report.Failed.AtCommit {
		t.Errorf("%+v", report.Failed)
	}
	want := []rehearse.Orphan{{Table: "o", Parent: "users2", Rows: 15}}
	if d := cmp.Diff(want, report.Orphans); d != "" {
		t.Error(d)
	}
	report = onData(t, parent+"PRAGMA defer_foreign_keys = ON;\nCREATE TABLE o(u REFERENCES users2(id));\nINSERT INTO o SELECT user_id FROM orders;\nPRAGMA defer_foreign_keys = OFF;")
	if d := cmp.Diff(want, report.Orphans); d != "" || report.Failed != nil {
		t.Errorf("forgotten: %+v %s", report.Failed, d)
	}
}

func TestACopyOfAnotherSchemaIsNotUsed(t *testing.T) {
	path, target := withData(t, shop()...)
	target.Objects = append(target.Objects, migrations.Object{Type: "table", Name: "later", Table: "later", SQL: "CREATE TABLE later(a)"})
	report, err := rehearse.Run(t.Context(), target, bare(t, "DROP TABLE later;"), rehearse.Data(path))
	if err != nil || report.Data || report.NoData == "" || report.Failure != nil {
		t.Errorf("%+v %v", report.Effects, err)
	}
	if _, err := rehearse.Run(t.Context(), target, bare(t, "DROP TABLE later;"), rehearse.Data(path+"x")); err == nil {
		t.Error("a copy that is not there")
	}
}

func TestTheLedgerOfTheCopyIsThatOfTheDatabase(t *testing.T) {
	path, target := withData(t, "CREATE TABLE d1_migrations(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TEXT)",
		"INSERT INTO d1_migrations(name) VALUES ('0001_f.sql')", "CREATE TABLE t(a)", "INSERT INTO t VALUES (1)")
	report, err := rehearse.Run(t.Context(), target, applied(t, "UPDATE t SET a = 2;"), rehearse.Data(path))
	if err != nil || report.Failed != nil || !report.Data {
		t.Errorf("%+v %v", report.Effects, err)
	}
}

func TestTheTimeOnTheDataIsMeasuredAndD1sGuessedAbove(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	report := onData(t, "UPDATE users SET status = 'x';", rehearse.Clock(func() time.Time { now = now.Add(time.Second); return now }))
	if report.Local < time.Second || report.Estimated != rehearse.SlowerOnD1*report.Local {
		t.Errorf("%v %v", report.Local, report.Estimated)
	}
}

func TestPlansThatGetWorseAreNamed(t *testing.T) {
	queries := []rehearse.Query{
		{Name: "by email", SQL: "SELECT * FROM users u WHERE email = ?1 ORDER BY email"},
		{Name: "orders", SQL: "SELECT id FROM orders WHERE user_id = :user"},
		{Name: "total", SQL: "SELECT total FROM orders WHERE id = 1"},
		{Name: "never", SQL: "SELECT * FROM nowhere"},
		{Name: "soon", SQL: "SELECT age FROM users WHERE id = 1"},
	}
	want := []rehearse.PlanChange{
		{Query: queries[0], Before: []string{"SEARCH u USING INDEX users_email (email=?)"}, After: []string{"SCAN u"}, Worse: true,
			What: "SEARCH u USING INDEX users_email (email=?) becomes SCAN u"},
		{Query: queries[2], Before: []string{"SEARCH orders USING INTEGER PRIMARY KEY (rowid=?)"}, Worse: true, What: "breaks: no such column: total"},
		{Query: queries[3], What: "fails before and after: no such table: nowhere"},
		{Query: queries[4], After: []string{"SEARCH users USING INTEGER PRIMARY KEY (rowid=?)"}, What: "fails before (no such column: age) and works afterwards"},
	}
	sql := "DROP INDEX users_email;\nALTER TABLE orders DROP COLUMN total;\nALTER TABLE users ADD COLUMN age INTEGER;"
	if d := cmp.Diff(want, onData(t, sql, rehearse.Queries(queries)).Plans); d != "" {
		t.Error(d)
	}
	_, target := withData(t, shop()...)
	report, err := rehearse.Run(t.Context(), target, bare(t, sql), rehearse.Queries(queries))
	if d := cmp.Diff(want, report.Plans); d != "" || err != nil {
		t.Error(err, d)
	}
}

func TestWithoutDataTheCostIsWorkedOutFromTheRows(t *testing.T) {
	_, target := withData(t, shop()...)
	rows := map[string]int64{"users": 300, "orders": 900}
	sql := "CREATE INDEX o_t ON orders(total);\nUPDATE users SET status = 'x';\nCREATE TABLE c(a);\nINSERT INTO c SELECT id FROM orders;\nALTER TABLE c RENAME TO d;\nDELETE FROM d;"
	report, err := rehearse.Run(t.Context(), target, bare(t, sql), rehearse.Rows(rows))
	if err != nil || !report.Known || report.RowsRead < 1800+300+900+900 || report.RowsRead > 4200 || report.RowsWritten < 900+300+900+900 || report.RowsWritten > 3300 {
		t.Errorf("%+v %v", report.Effects, err)
	}
	delete(rows, "orders")
	if report, err = rehearse.Run(t.Context(), target, bare(t, sql), rehearse.Rows(rows)); err != nil || report.Known || report.RowsRead != 0 {
		t.Errorf("%+v %v", report.Effects, err)
	}
}
