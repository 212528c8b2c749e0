package migrations_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
)

// family is a schema with a child of each kind, and rows.
const family = `
CREATE TABLE parent(id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE child(id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parent(id));
INSERT INTO parent VALUES (1, 'a'), (2, 'b');
INSERT INTO child VALUES (1, 1), (2, 2);
`

// rebuild is the rebuild of a parent that is right but for the deferral, which it needs until the new rows are in.
const rebuild = `
CREATE TABLE copy AS SELECT * FROM parent;
DROP TABLE parent;
CREATE TABLE parent(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO parent SELECT * FROM copy;
DROP TABLE copy;
`

func TestTheLedgerComesFirstAndInWranglersForm(t *testing.T) {
	plan, err := migrations.Apply([]migrations.File{file("1.sql", "SELECT 1; SELECT 2;"), file("2_it's.sql", "-- nothing")}, migrations.Options{Ledger: `my "ledger`})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range plan[0].Statements {
		got = append(got, fmt.Sprintf("%s:%d %s", p.Origin.File, p.Origin.Index, p.SQL))
	}
	want := []string{
		":0 CREATE TABLE IF NOT EXISTS \"my \"\"ledger\"(\n\t\tid         INTEGER PRIMARY KEY AUTOINCREMENT,\n\t\tname       TEXT UNIQUE,\n" +
			"\t\tapplied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL\n)",
		`:0 INSERT INTO "my ""ledger" (name) VALUES ('1.sql')`,
		`:0 INSERT INTO "my ""ledger" (name) VALUES ('2_it''s.sql')`,
		"1.sql:1 SELECT 1", "1.sql:2 SELECT 2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1.sql", "2_it's.sql"}, plan[0].Names); len(plan) != 1 || diff != "" {
		t.Errorf("%d transactions, names %s", len(plan), diff)
	}
}

func TestNothingPendingNeedsNoTransaction(t *testing.T) {
	if plan, err := migrations.Apply(nil, migrations.Options{}); len(plan) != 0 || err != nil {
		t.Errorf("got %v, %v", plan, err)
	}
}

func TestASecondSendingChangesNothing(t *testing.T) {
	d := openDatabase(t)
	files := []migrations.File{file("1.sql", "CREATE TABLE IF NOT EXISTS t(a);"), file("2.sql", "INSERT INTO t VALUES (1);")}
	if err := d.apply(migrations.Options{}, files...); err != nil {
		t.Fatal(err)
	}
	before := d.state()
	if err := d.apply(migrations.Options{}, files...); err == nil || !strings.Contains(err.Error(), "UNIQUE constraint failed: d1_migrations.name") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(before, d.state()); diff != "" {
		t.Error(diff)
	}
}

func TestAFailureInTheLastFileLeavesNothingOfTheFirst(t *testing.T) {
	d := openDatabase(t)
	if err := d.apply(migrations.Options{}, file("1.sql", "CREATE TABLE t(a);"), file("2.sql", "INSERT INTO missing VALUES (1);")); err == nil {
		t.Fatal("it worked")
	}
	if got := d.objects(); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

func TestWhatCannotBePlannedIsRefused(t *testing.T) {
	var syntax *migrations.SyntaxError
	if _, err := migrations.Apply([]migrations.File{file("1.sql", "SELECT 1;"), file("2.sql", "SELECT 2")}, migrations.Options{}); !errors.As(err, &syntax) || syntax.File != "2.sql" {
		t.Errorf("a file without a semicolon: %v", err)
	}
	down := file("1.sql", "SELECT 1;")
	down.Down = []byte("SELECT")
	if _, err := migrations.Undo([]migrations.File{down}, migrations.Options{}); !errors.As(err, &syntax) || syntax.File != "down/1.sql" {
		t.Errorf("a DOWN file without a semicolon: %v", err)
	}
	if _, err := migrations.Undo([]migrations.File{file("1.sql", "")}, migrations.Options{}); err == nil {
		t.Error("a migration without a DOWN file was undone")
	}
	if _, err := migrations.Apply([]migrations.File{file("1.sql", ""), file("1.sql", "")}, migrations.Options{}); err == nil {
		t.Error("a name was taken twice")
	}
	if _, err := migrations.Apply([]migrations.File{file("", "")}, migrations.Options{}); err == nil {
		t.Error("a file without a name was taken")
	}
}

func TestDeferralEndsWithTheFileInWhateverFormItIsWritten(t *testing.T) {
	for _, pragma := range []string{
		"PRAGMA defer_foreign_keys=ON;", "pragma defer_foreign_keys(1);", "PRAGMA main.defer_foreign_keys = yes;", "PRAGMA \"defer_foreign_keys\" = 'on';",
		"PRAGMA/**/[defer_foreign_keys]=true;", "PRAGMA `main`.'Defer_Foreign_Keys' (ON);", "SELECT 1; PRAGMA -- now\n DEFER_FOREIGN_KEYS=1;",
	} {
		t.Run(pragma, func(t *testing.T) {
			d := openDatabase(t).must(family)
			first := file("0007_rebuild.sql", pragma+rebuild)
			later := file("0008_orphan.sql", "INSERT INTO child VALUES (3, 99); INSERT INTO parent VALUES (99, 'late');")
			if err := d.apply(migrations.Options{}, first, later); err == nil || !strings.Contains(err.Error(), "FOREIGN KEY constraint failed") {
				t.Fatalf("the later file ran under the deferral of the first: %v", err)
			}
			if err := d.apply(migrations.Options{}, first); err != nil {
				t.Fatal(err)
			}
			if got := d.rows("SELECT count(*) FROM child JOIN parent ON parent.id = child.parent"); got[0] != "2" {
				t.Errorf("%s rows are left", got[0])
			}
		})
	}
}

func TestForeignKeysAreAssertedAfterAFileThatDefersThem(t *testing.T) {
	for _, c := range []struct{ name, sql string }{
		{"an orphan", "PRAGMA defer_foreign_keys=ON; INSERT INTO child VALUES (3, 99);"},
		{"an orphan that a later file would adopt", "PRAGMA defer_foreign_keys=ON; INSERT INTO child VALUES (3, 77);"},
		{"an orphan forgotten by switching off", "PRAGMA defer_foreign_keys=ON; INSERT INTO child VALUES (3, 99); PRAGMA defer_foreign_keys=OFF;"},
		{"an orphan while CHECK is ignored", "PRAGMA ignore_check_constraints=ON; PRAGMA defer_foreign_keys=ON; INSERT INTO child VALUES (3, 99);"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := openDatabase(t).must(family)
			before := d.state()
			err := d.apply(migrations.Options{}, file("0007_it's.sql", c.sql), file("0008.sql", "INSERT INTO parent VALUES (77, 'late');"))
			if err == nil {
				t.Fatal("an orphan was committed")
			}
			if name, ok := migrations.ForeignKeysAfter(err.Error()); !ok || name != "0007_it's.sql" {
				t.Errorf("%v names %q", err, name)
			}
			if diff := cmp.Diff(before, d.state()); diff != "" {
				t.Error(diff)
			}
		})
	}
	if name, ok := migrations.ForeignKeysAfter("NOT NULL constraint failed: users.ok"); ok {
		t.Errorf("an ordinary failure is taken for an assertion of %q", name)
	}
}

func TestNoTraceOfAnAssertionIsLeft(t *testing.T) {
	d := openDatabase(t).must(family)
	if err := d.apply(migrations.Options{Deferred: true}, file("1.sql", "PRAGMA defer_foreign_keys=ON; UPDATE parent SET name = 'x';")); err != nil {
		t.Fatal(err)
	}
	if got := d.rows("SELECT name FROM sqlite_master WHERE name NOT IN ('parent', 'child') AND name NOT LIKE 'sqlite%'"); cmp.Diff(got, []string{"d1_migrations"}) != "" {
		t.Errorf("left behind: %v", got)
	}
}

func TestADatabaseWithViolationsKeepsSuchAFileApart(t *testing.T) {
	d := openDatabase(t).must(family).must("PRAGMA foreign_keys=OFF; INSERT INTO child VALUES (9, 1000); PRAGMA foreign_keys=ON;")
	files := []migrations.File{
		file("1.sql", "CREATE TABLE a(x);"), file("2.sql", "CREATE TABLE b(x);"),
		file("3.sql", "PRAGMA defer_foreign_keys=ON; INSERT INTO child VALUES (3, 3); INSERT INTO parent VALUES (3, 'c');"),
		file("4.sql", "CREATE TABLE c(x);"), file("5.sql", "CREATE TABLE d(x);"),
	}
	if err := d.apply(migrations.Options{}, files...); err == nil {
		t.Error("the assertion overlooked the violation that was there before")
	}
	plan, err := migrations.Apply(files, migrations.Options{Violations: true})
	if err != nil {
		t.Fatal(err)
	}
	var names [][]string
	for _, tx := range plan {
		names = append(names, tx.Names)
	}
	if diff := cmp.Diff([][]string{{"1.sql", "2.sql"}, {"3.sql"}, {"4.sql", "5.sql"}}, names); diff != "" {
		t.Error(diff)
	}
	if err := d.carryOutAll(plan); err != nil {
		t.Error(err)
	}
}

func TestInitiallyDeferredForeignKeysAreJudgedFileByFile(t *testing.T) {
	schema := "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p DEFERRABLE INITIALLY DEFERRED);"
	orphan, late := file("2.sql", "INSERT INTO c VALUES (1);"), file("3.sql", "INSERT INTO p VALUES (1);")
	d := openDatabase(t).must(schema)
	err := d.apply(migrations.Options{Deferred: true}, orphan, late)
	if err == nil {
		t.Fatal("a file that would fail alone passed in company")
	}
	if name, _ := migrations.ForeignKeysAfter(err.Error()); name != "2.sql" {
		t.Errorf("%v names %q", err, name)
	}
	if err := openDatabase(t).apply(migrations.Options{}, file("1.sql", schema), orphan, late); err == nil {
		t.Error("the same passed where the release itself makes the foreign key")
	}
}

func TestSettingsThatOutliveATransactionAreBackAtTheNextFile(t *testing.T) {
	for _, c := range []struct {
		pragma, first, second string
		works                 bool // the second file after the first
	}{
		{"ignore_check_constraints", "INSERT INTO t VALUES (5);", "INSERT INTO t VALUES (6);", false},
		{"legacy_alter_table", "SELECT 1;", "ALTER TABLE t RENAME TO t2; SELECT x FROM v;", true},
		{"recursive_triggers", "SELECT 1;", "INSERT INTO r VALUES (1);", true},
		{"reverse_unordered_selects", "SELECT 1;", "SELECT 1;", true},
		{"case_sensitive_like", "SELECT 1;", "SELECT 1;", true},
	} {
		t.Run(c.pragma, func(t *testing.T) {
			d := openDatabase(t).must(`CREATE TABLE t(x CHECK (x < 5)); CREATE VIEW v AS SELECT x FROM t; CREATE TABLE r(n);
				CREATE TRIGGER again AFTER INSERT ON r WHEN new.n < 50 BEGIN INSERT INTO r VALUES (new.n + 1); END;`)
			before := d.rows("PRAGMA " + c.pragma)
			err := d.apply(migrations.Options{}, file("1.sql", "PRAGMA main."+c.pragma+"(yes);"+c.first), file("2.sql", c.second))
			if (err == nil) != c.works {
				t.Fatalf("the second file: %v", err)
			}
			if diff := cmp.Diff(before, d.rows("PRAGMA "+c.pragma)); err == nil && diff != "" {
				t.Error(diff)
			}
			if got := d.rows("SELECT 'a' LIKE 'A'"); got[0] != "1" {
				t.Error("LIKE still tells case apart")
			}
			if got := d.rows("SELECT count(*) FROM r"); c.pragma == "recursive_triggers" && got[0] != "2" {
				t.Errorf("the trigger ran %s times", got[0])
			}
		})
	}
}

func TestCleanupUndoesWhatARollbackDoesNot(t *testing.T) {
	d := openDatabase(t).must("CREATE TABLE t(x CHECK (x < 5));")
	plan, err := migrations.Apply([]migrations.File{file("1.sql", "PRAGMA ignore_check_constraints=1; INSERT INTO missing VALUES (1);")}, migrations.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.carryOutAll(plan); err == nil {
		t.Fatal("it worked")
	}
	if got := d.rows("PRAGMA ignore_check_constraints"); got[0] != "1" {
		t.Fatal("a rollback undoes the pragma, so there is nothing to clean up")
	}
	if err := d.carryOut(migrations.Transaction{Statements: plan[0].Cleanup()}); err != nil {
		t.Fatal(err)
	}
	if err := d.c.Exec("INSERT INTO t VALUES (9)"); err == nil {
		t.Error("CHECK is still ignored")
	}
}

func TestCeilingsSplitBetweenFilesOnly(t *testing.T) {
	var files []migrations.File
	for i := range 7 {
		files = append(files, file(fmt.Sprintf("%d.sql", i), strings.Repeat("SELECT 1;", 4)))
	}
	files[3].SQL = []byte(strings.Repeat("SELECT 1;", 40))
	for _, o := range []migrations.Options{{MaxStatements: 12}, {MaxBytes: 250}} {
		plan, err := migrations.Apply(files, o)
		if err != nil {
			t.Fatal(err)
		}
		var names [][]string
		for _, tx := range plan {
			names = append(names, tx.Names)
		}
		if diff := cmp.Diff([][]string{{"0.sql", "1.sql"}, {"2.sql"}, {"3.sql"}, {"4.sql", "5.sql"}, {"6.sql"}}, names); diff != "" {
			t.Errorf("%+v: %s", o, diff)
		}
		if err := openDatabase(t).carryOutAll(plan); err != nil {
			t.Error(err)
		}
	}
}
