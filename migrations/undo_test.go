package migrations_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"towline/migrations"
)

// withDown makes a migration that can be undone.
func withDown(name, up, down string) migrations.File {
	return migrations.File{Name: name, SQL: []byte(up), Down: []byte(down)}
}

func (d *database) undo(o migrations.Options, newestFirst ...migrations.File) error {
	d.t.Helper()
	plan, err := migrations.Undo(newestFirst, o)
	if err != nil {
		d.t.Fatal(err)
	}
	return d.carryOutAll(plan)
}

var (
	firstOfThree = withDown("1.sql", "CREATE TABLE a(x); CREATE INDEX ai ON a(x);", "DROP TABLE a;")
	second       = withDown("2_it's.sql", "ALTER TABLE a ADD COLUMN y; CREATE VIEW v AS SELECT y FROM a;", "DROP VIEW v; ALTER TABLE a DROP COLUMN y;")
	third        = withDown("3.sql", "-- nothing", "")
)

func TestUndoBringsTheSchemaAndTheLedgerBack(t *testing.T) {
	d := openDatabase(t)
	if err := d.apply(migrations.Options{}, firstOfThree); err != nil {
		t.Fatal(err)
	}
	before := d.state()
	if err := d.apply(migrations.Options{}, second, third); err != nil {
		t.Fatal(err)
	}
	if err := d.undo(migrations.Options{}, third, second); err != nil {
		t.Fatal(err)
	}
	var after []string
	for _, row := range d.state() {
		if !strings.HasPrefix(row, "sqlite_sequence: ") {
			after = append(after, row)
		} else {
			before = remove(before, "sqlite_sequence: ")
		}
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
}

// remove leaves out what begins with the prefix: the ledger's next id does not go back.
func remove(rows []string, prefix string) []string {
	var kept []string
	for _, r := range rows {
		if !strings.HasPrefix(r, prefix) {
			kept = append(kept, r)
		}
	}
	return kept
}

func TestAnUndoThatIsSentAgainFailsAndChangesNothing(t *testing.T) {
	d := openDatabase(t).must("CREATE TABLE n(x); INSERT INTO n VALUES (0);")
	step := withDown("2.sql", "UPDATE n SET x = x + 1;", "UPDATE n SET x = x - 1;")
	if err := d.apply(migrations.Options{}, firstOfThree, step); err != nil {
		t.Fatal(err)
	}
	if err := d.undo(migrations.Options{}, step); err != nil {
		t.Fatal(err)
	}
	before := d.state()
	for name, files := range map[string][]migrations.File{"the same again": {step}, "one gone, one still there": {firstOfThree, step}} {
		if err := d.undo(migrations.Options{}, files...); err == nil || !strings.Contains(err.Error(), migrations.LedgerGuard+".ok") {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(before, d.state()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestUndoOnADatabaseWithoutALedgerFails(t *testing.T) {
	if err := openDatabase(t).undo(migrations.Options{}, third); err == nil {
		t.Error("it worked")
	}
}

func TestForeignKeysAreAssertedOnTheWayBackToo(t *testing.T) {
	d := openDatabase(t).must(family)
	bad := withDown("1.sql", "SELECT 1;", "PRAGMA defer_foreign_keys=ON; DELETE FROM parent WHERE id = 1;")
	if err := d.apply(migrations.Options{}, bad); err != nil {
		t.Fatal(err)
	}
	err := d.undo(migrations.Options{}, bad)
	if err == nil {
		t.Fatal("orphans were committed")
	}
	if name, ok := migrations.ForeignKeysAfter(err.Error()); !ok || name != "1.sql" {
		t.Errorf("%v names %q", err, name)
	}
}

// alone carries one file out as it would run by itself: on a fresh connection's settings, in its own transaction, with
// foreign keys judged at its end.
func (d *database) alone(f migrations.File) error {
	d.t.Helper()
	list, err := migrations.Split(f.Name, f.SQL)
	if err != nil {
		d.t.Fatal(err)
	}
	d.must(`CREATE TABLE IF NOT EXISTS "d1_migrations"(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE,
		applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`)
	d.must("BEGIN")
	for _, s := range list {
		if err = d.c.Exec(s.SQL); err != nil {
			break
		}
	}
	if err == nil && len(d.rows("PRAGMA foreign_key_check")) > 0 {
		err = fmt.Errorf("%s leaves orphans", f.Name)
	}
	if err != nil {
		if !d.c.GetAutocommit() {
			d.must("ROLLBACK")
		}
	} else {
		d.must("INSERT INTO d1_migrations(name) VALUES ('" + f.Name + "'); PRAGMA defer_foreign_keys=OFF; COMMIT")
	}
	for _, p := range []string{"ignore_check_constraints", "legacy_alter_table", "recursive_triggers", "reverse_unordered_selects"} {
		d.must("PRAGMA " + p + "=OFF")
	}
	return err
}

var snippets = []string{
	"PRAGMA defer_foreign_keys=ON;", "PRAGMA defer_foreign_keys=OFF;", "PRAGMA ignore_check_constraints=ON;", "PRAGMA recursive_triggers=1;",
	"INSERT INTO parent VALUES (%d, 'new');", "INSERT INTO child(parent) VALUES (%d);", "INSERT OR IGNORE INTO parent VALUES (%d, 'again');",
	"DELETE FROM parent WHERE id = %d;", "DELETE FROM child WHERE parent = %d;", "UPDATE child SET parent = %d WHERE id = 1;",
	"CREATE TABLE t%d(x CHECK (x < 3));", "DROP TABLE IF EXISTS t%d;", "CREATE TABLE IF NOT EXISTS t1(x CHECK (x < 3)); INSERT INTO t1 VALUES (%d);",
	"create trigger if not exists tr after insert on parent when new.id < 5 begin insert into parent values (new.id + 1, 'tr'); end;",
	"SELECT %d; -- nothing\r\n", rebuild,
}

func TestARunInCompanyEqualsARunFileByFile(t *testing.T) {
	worked, failed := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		files := rapid.Custom(func(t *rapid.T) []migrations.File {
			var list []migrations.File
			for i := range rapid.IntRange(1, 4).Draw(t, "files") {
				var sql strings.Builder
				for range rapid.IntRange(0, 4).Draw(t, "statements") {
					s := rapid.SampledFrom(snippets).Draw(t, "statement")
					if strings.Contains(s, "%d") {
						s = fmt.Sprintf(s, rapid.IntRange(1, 6).Draw(t, "n"))
					}
					sql.WriteString(s + "\n")
				}
				list = append(list, file(fmt.Sprintf("%d.sql", i), sql.String()))
			}
			return list
		}).Draw(t, "release")
		one, other := openDatabase(t).must(family), openDatabase(t).must(family)
		untouched := other.state()
		var want error
		for _, f := range files {
			if want = one.alone(f); want != nil {
				break
			}
		}
		got := other.apply(migrations.Options{}, files...)
		if (want == nil) != (got == nil) {
			t.Fatalf("file by file: %v; in company: %v", want, got)
		}
		expected := untouched
		if want == nil {
			expected = ledgerText(one.state())
			worked++
		} else {
			failed++
		}
		if diff := cmp.Diff(expected, ledgerText(other.state())); diff != "" {
			t.Fatal(diff)
		}
	})
	if worked == 0 || failed == 0 {
		t.Errorf("%d runs worked and %d failed, so one side was not tried", worked, failed)
	}
}

// ledgerText evens out what differs without meaning: the text of the ledger's own statement, and CR in stored text.
func ledgerText(state []string) []string {
	var out []string
	for _, row := range state {
		if strings.HasPrefix(row, "table|d1_migrations|") {
			row = "table|d1_migrations"
		}
		out = append(out, strings.NewReplacer("\r", "", "BEGIN", "begin", "END", "end").Replace(row))
	}
	return out
}

func TestADownFileWithoutAStatementIsNoWayBack(t *testing.T) {
	for _, c := range []struct {
		name string
		file migrations.File
		want bool
	}{
		{"no DOWN file", migrations.File{Name: "1.sql", SQL: []byte("CREATE TABLE a(x);")}, false},
		{"one", withDown("1.sql", "CREATE TABLE a(x);", "DROP TABLE a;"), true},
		{"a frame to fill", withDown("1.sql", "CREATE TABLE a(x);", "-- Takes it back.\n\n"), false},
		{"nothing on both sides", withDown("1.sql", "-- nothing", ""), true},
		{"one that cannot be split, which is said elsewhere", withDown("1.sql", "CREATE TABLE a(x);", "DROP TABLE 'a"), true},
	} {
		if got := c.file.WayBack(); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}
