package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"towline/backups"
	"towline/cloudflare"
	"towline/deploy"
	"towline/deploy/release"
	sandboxcloudflare "towline/sandbox/cloudflare"
	"towline/store"
)

// copied is an outside with a shop in production, a backup of it, and rows that were written since.
type copied struct {
	*outside
	d1     *cloudflare.D1
	backup deploy.Backup
	kept   *backups.Folder
}

var shopSchema = []string{
	"CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
	"INSERT INTO d1_migrations (name) VALUES ('0001_shop.sql')",
	"CREATE TABLE customers (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL)",
	"CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers(id) ON DELETE CASCADE, note TEXT, weight REAL, blob BLOB)",
	"CREATE INDEX by_customer ON orders (customer)",
	"CREATE VIEW busy AS SELECT customer, count(*) AS n FROM orders GROUP BY customer",
	"CREATE TRIGGER by_view INSTEAD OF INSERT ON busy BEGIN INSERT INTO customers (name) VALUES ('view'); END",
	"INSERT INTO customers (name) VALUES ('Ann'), ('it''s Bo')",
	"INSERT INTO orders VALUES (1, 1, 'two' || char(10) || 'lines', 1.5, x'00ff'), (2, 2, NULL, 2.0, NULL)",
}

func newCopied(t *testing.T) *copied {
	t.Helper()
	c := &copied{outside: newOutside(t, true)}
	var err error
	if c.d1, err = cloudflare.New(cloudflare.Options{AccountID: demoAccount, Token: apiToken, APIURL: c.url + "/client/v4"}); err != nil {
		t.Fatal(err)
	}
	c.kept, err = backups.Open(backups.Options{Dir: filepath.Join(c.dir, "backups"), Now: func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	id := c.make("shop", shopSchema...)
	c.backup, err = c.kept.Keep(t.Context(), deploy.Backup{Project: "shop", Environment: release.Production, Database: "shop", DatabaseID: id, Release: 2},
		func(w io.Writer, _ *deploy.Backup) error { return c.d1.Export(t.Context(), id, w) })
	if err != nil {
		t.Fatal(err)
	}
	c.apply(id, "INSERT INTO customers (name) VALUES ('since')", "DELETE FROM orders", "CREATE TABLE made_since (x)")
	c.faults.Forget()
	return c
}

// make makes a database with that content.
func (c *copied) make(name string, statements ...string) string {
	c.t.Helper()
	db, err := c.d1.Create(context.Background(), name)
	if err != nil {
		c.t.Fatal(err)
	}
	c.apply(db.ID, statements...)
	return db.ID
}

func (c *copied) apply(id string, statements ...string) {
	c.t.Helper()
	if len(statements) == 0 {
		return
	}
	if _, err := c.d1.Apply(context.Background(), id, statements); err != nil {
		c.t.Fatal(err)
	}
}

// holds says what the tables of a database have, in one line.
func (c *copied) holds(name, want string) {
	c.t.Helper()
	db, err := c.d1.Find(context.Background(), name)
	if err != nil {
		c.t.Fatal(err)
	}
	rows, err := c.d1.Read(context.Background(), db.ID, []string{"SELECT group_concat(name, ' ') AS names FROM (SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite%' ORDER BY name)"})
	if err != nil {
		c.t.Fatal(err)
	}
	got, _ := rows[0].Values[0][0].(string)
	if strings.Contains(got, "orders") {
		rows, err = c.d1.Read(context.Background(), db.ID, []string{
			"SELECT (SELECT count(*) FROM customers) || ' customers ' || (SELECT count(*) FROM orders) || ' orders ' || coalesce((SELECT group_concat(quote(note) || typeof(weight) || quote(blob)) FROM orders), '') AS s",
		})
		if err != nil {
			c.t.Fatal(err)
		}
		got += ": " + rows[0].Values[0][0].(string)
	}
	if got != want {
		c.t.Errorf("%s holds %q, want %q", name, got, want)
	}
}

const (
	asInTheBackup = "busy by_customer by_view customers d1_migrations orders: 2 customers 2 orders 'two\nlines'realX'00FF',NULLrealNULL"
	asBefore      = "busy by_customer by_view customers d1_migrations made_since orders: 3 customers 0 orders "
)

// line runs a command with flags for the config, and checks its exit code.
func (c *copied) line(want int, args ...string) (stdout, stderr string) {
	c.t.Helper()
	words := strings.Fields(args[0])
	code, stdout, stderr := c.run(context.Background(), append(append(words, "-config", c.path()), args[1:]...)...)
	if code != want {
		c.t.Errorf("towline %v: exit code %d, want %d\n%s%s", args, code, want, stdout, stderr)
	}
	return stdout, stderr
}

func (c *copied) wants(text string, parts ...string) {
	c.t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			c.t.Errorf("%q is not in:\n%s", part, text)
		}
	}
}

func TestABackupBecomesADatabaseFileOrItsText(t *testing.T) {
	c := newCopied(t)
	file, sql := filepath.Join(t.TempDir(), "out.db"), filepath.Join(t.TempDir(), "out.sql")
	out, _ := c.line(0, "backups restore", "-file", file, c.backup.ID)
	c.wants(out, "holds shop production as of 2026-11-21 12:00:00 UTC", "customers: 2 rows", "orders: 2 rows")
	if shell, err := exec.LookPath("sqlite3"); err == nil {
		said, err := exec.Command(shell, file, "SELECT note, hex(blob) FROM orders ORDER BY id; PRAGMA integrity_check").CombinedOutput()
		if want := "two\nlines|00FF\n|\nok\n"; err != nil || string(said) != want {
			t.Errorf("%v: %s", err, said)
		}
	}
	_, errs := c.line(1, "backups restore", "-file", file, c.backup.ID)
	c.wants(errs, "is there already")
	out, _ = c.line(0, "backups restore", "-sql", sql, c.backup.ID)
	c.wants(out, "holds the SQL text", "not encrypted")
	text, err := os.ReadFile(sql)
	if err != nil || !strings.HasPrefix(string(text), "PRAGMA defer_foreign_keys=TRUE;\n") {
		t.Errorf("%v: %s", err, text)
	}
	for _, name := range []string{file, sql} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
	for _, args := range [][]string{{"-file", "a", "-to", "b", c.backup.ID}, {c.backup.ID}} {
		_, errs := c.line(2, append([]string{"backups restore"}, args...)...)
		c.wants(errs, "one of -file, -sql and -to")
	}
}

func TestARestoreIntoADatabaseFirstSaysWhatItOverwrites(t *testing.T) {
	c := newCopied(t)
	c.make("shop-copy", "CREATE TABLE customers (id INTEGER)", "INSERT INTO customers VALUES (1), (2), (3)", "CREATE TABLE other (x)")
	c.faults.Forget()
	out, errs := c.line(1, "backups restore", "-to", "shop-copy", c.backup.ID)
	c.wants(out, "It takes the place of everything in shop-copy", "NOW", "IN THE BACKUP", "Used by: no project of the config", "rows written in the last hour")
	for table, line := range map[string]string{"customers": `customers +3 rows +2 rows`, "orders": `orders +not there +2 rows`, "other": `other +0 rows +not there`} {
		if !regexp.MustCompile(line).MatchString(out) {
			t.Errorf("%s: %s", table, out)
		}
	}
	c.wants(errs, "nothing was changed. With -yes it is done")
	if writes := c.faults.Writes(); len(writes) != 0 {
		t.Errorf("D1 was written to: %+v", writes)
	}
	out, _ = c.line(0, "backups restore", "-to", "shop-copy", "-yes", c.backup.ID)
	c.wants(out, "Undo: wrangler d1 time-travel restore shop-copy --bookmark=", "shop-copy is as the backup has it: 5 rows in 3 tables")
	c.holds("shop-copy", asInTheBackup)
	c.holds("shop", asBefore)
}

func TestARestoreMakesADatabaseThatIsNotThere(t *testing.T) {
	c := newCopied(t)
	out, _ := c.line(1, "backups restore", "-to", "fresh", c.backup.ID)
	c.wants(out, "There is no database of that name; it is made")
	c.line(0, "backups restore", "-to", "fresh", "-yes", c.backup.ID)
	c.holds("fresh", asInTheBackup)
}

func TestProductionIsNamedTwiceAndTheBotMustNotRun(t *testing.T) {
	c := newCopied(t)
	for _, args := range [][]string{{"-to", "shop", "-yes"}, {"-to", "shop", "-yes", "-production", "blog"}} {
		out, errs := c.line(1, append(append([]string{"backups restore"}, args...), c.backup.ID)...)
		c.wants(out, "It takes the place of everything in shop", "TABLE", "NOW", "IN THE BACKUP", "orders", "Used by: production of shop")
		c.wants(errs, "shop is production (production of shop)", "-production shop", "Nothing was changed")
	}
	c.holds("shop", asBefore)

	s, err := store.Open(filepath.Join(c.dir, "towline.db"), store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	stop, err := (&service{}).answerLines(s, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	_, errs := c.line(1, "backups restore", "-to", "shop", "-production", "shop", "-yes", c.backup.ID)
	c.wants(errs, "serves", "Stop it first; nothing was changed")
	stop()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c.holds("shop", asBefore)

	out, _ := c.line(0, "backups restore", "-to", "shop", "-production", "shop", "-yes", c.backup.ID)
	c.wants(out, "Used by: production of shop", "look at `towline status`")
	c.holds("shop", asInTheBackup)
}

func TestARestoreThatIsRefusedTakesTheDatabaseBack(t *testing.T) {
	refuse := sandboxcloudflare.APIError(400, 7500, "statement too long: SQLITE_TOOBIG")
	for name, fault := range map[string]sandboxcloudflare.Fault{
		"the import is refused":       {Path: "/import", Body: `"ingest"`, Times: sandboxcloudflare.Always, Reply: refuse},
		"the storage does not answer": {Path: "/r2/", Method: "PUT", Times: sandboxcloudflare.Always, Reply: sandboxcloudflare.HTML(403)},
		"the emptying is refused":     {Path: "/query", Body: "towline_restore", Times: sandboxcloudflare.Always, Reply: refuse},
	} {
		c := newCopied(t)
		c.faults.Inject(fault)
		out, errs := c.line(1, "backups restore", "-to", "shop", "-production", "shop", "-yes", c.backup.ID)
		c.faults.Heal()
		c.wants(out, "Undo: wrangler d1 time-travel restore shop")
		if !strings.Contains(errs, "was taken back to what it was") && !strings.Contains(errs, "Nothing was changed") {
			t.Errorf("%s: %s", name, errs)
		}
		c.holds("shop", asBefore)
	}
}

func TestARestoreThatD1WouldRefuseEmptiesNothing(t *testing.T) {
	c := newCopied(t)
	db, err := c.d1.Find(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	c.apply(db.ID, "INSERT INTO orders VALUES (3, 1, NULL, NULL, zeroblob(60000))")
	long, err := c.kept.Keep(t.Context(), deploy.Backup{Project: "shop", Environment: release.Production, Database: "shop", DatabaseID: db.ID, Bookmark: "b-1"},
		func(w io.Writer, _ *deploy.Backup) error { return c.d1.Export(t.Context(), db.ID, w) })
	if err != nil {
		t.Fatal(err)
	}
	c.apply(db.ID, "DELETE FROM orders")
	c.faults.Forget()
	for _, flags := range [][]string{{}, {"-yes"}} {
		_, errs := c.line(1, append(append([]string{"backups restore", "-to", "shop", "-production", "shop"}, flags...), long.ID)...)
		c.wants(errs, "a row of orders takes more", "Nothing was changed", "-file out.db "+long.ID, "wrangler d1 time-travel restore shop --bookmark=b-1")
	}
	for _, call := range c.faults.Calls() {
		if call.Write {
			t.Errorf("it was changed by %s %s", call.Path, call.Body)
		}
	}
	c.holds("shop", asBefore)
}

func TestARestoreThatIsInDoubtSaysHowToUndoIt(t *testing.T) {
	c := newCopied(t)
	c.faults.Inject(sandboxcloudflare.Fault{Path: "/import", Body: `"ingest"`, Execute: true, Reply: sandboxcloudflare.Drop()})
	_, errs := c.line(3, "backups restore", "-to", "shop", "-production", "shop", "-yes", c.backup.ID)
	c.wants(errs, "whether the backup was put in place is unknown", "To have it as it was: wrangler d1 time-travel restore shop --bookmark=")
	if n := strings.Count(errs, "Amz"); n > 0 {
		t.Error("the address of the storage is in the error")
	}
	c.holds("shop", asInTheBackup)
}

func TestBackupsCheckSaysWhichCannotBeRestored(t *testing.T) {
	c := newCopied(t)
	out, _ := c.line(0, "backups check")
	c.wants(out, c.backup.ID, "restored here, 5 rows in 3 tables, as it was")
	found, err := filepath.Glob(filepath.Join(c.dir, "backups", "shop", "production", "*.gz"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if err := os.Truncate(found[0], 100); err != nil {
		t.Fatal(err)
	}
	_, errs := c.line(1, "backups check", c.backup.ID)
	c.wants(errs, "content is not what was written")
	out, _ = c.line(0, "backups list")
	c.wants(out, "cannot be used: its file has 100 bytes")
	_, errs = c.line(1, "backups restore", "-to", "shop", "-production", "shop", "-yes", c.backup.ID)
	c.wants(errs, "Nothing was changed")
	c.holds("shop", asBefore)
}

func TestWithoutBackupsThereIsNothingToListOrCheck(t *testing.T) {
	c := &copied{outside: newOutside(t, true)}
	out, _ := c.line(0, "backups list")
	c.wants(out, "There are no backups in")
	_, errs := c.line(1, "backups check")
	c.wants(errs, "there is no backup to check")
}
