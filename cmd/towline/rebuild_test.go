package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"towline/config"
	"towline/migrations"
)

// family are migrations with a table that has children of every kind.
var family = map[string]string{
	"migrations/0001_family.sql": `CREATE TABLE customers(id INTEGER PRIMARY KEY AUTOINCREMENT, nm TEXT, fax TEXT);
CREATE INDEX customers_nm ON customers(nm);
CREATE TABLE invoices(id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id) ON DELETE CASCADE);
CREATE INDEX invoices_customer ON invoices(customer_id);
CREATE TABLE tickets(id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(id) ON DELETE SET NULL);
CREATE INDEX tickets_customer ON tickets(customer_id);
`,
	"migrations/0002_log.sql": `CREATE TABLE log(id INTEGER);
CREATE TRIGGER customers_u AFTER UPDATE ON customers BEGIN INSERT INTO log VALUES (new.id); END;
`,
}

const betterCustomers = "CREATE TABLE customers(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT CHECK (name <> ''), status TEXT NOT NULL DEFAULT 'lead')"

func TestRebuildWritesAGuardedPairOfFiles(t *testing.T) {
	dir := projectFolder(t, family)
	code, stdout, stderr := inProject(t, betterCustomers, "rebuild", "-dir", dir, "-rename", "nm=name", "customers")
	if code != exitFine || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	want := `migrations/0003_rebuild-customers.sql
migrations/down/0003_rebuild-customers.sql

schema: 2 migrations of migrations, run from nothing. Production may have more: -config and -project read it
guarded: invoices, tickets
note: Column nm becomes name: code that uses the old name fails from then on.
note: Column fax goes, with its values.
`
	if !strings.HasPrefix(stdout, want) || !strings.Contains(stdout, "on the way back: Column fax comes back without its values.\n") ||
		!strings.Contains(stdout, "none is lost, and no other index or trigger\n") {
		t.Errorf("printed %s", stdout)
	}
	up, err := os.ReadFile(filepath.Join(dir, "migrations", "0003_rebuild-customers.sql"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"PRAGMA defer_foreign_keys = ON;", "RAISE(IGNORE)", "CREATE INDEX customers_nm", "CREATE TRIGGER customers_u"} {
		if !strings.Contains(string(up), want) {
			t.Errorf("%q is not in %s", want, up)
		}
	}
	// What was written counts from then on, and the way back leads back.
	code, stdout, stderr = inProject(t, "", "rebuild", "-dir", dir, "-show", "customers")
	if code != exitFine || stdout != betterCustomers+";\n" {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}

func TestRebuildTakesTheSchemaFromAFile(t *testing.T) {
	dir := projectFolder(t, map[string]string{"migrations/0001_broken.sql": "ALTER TABLE customers ADD COLUMN x;\n",
		// as an export has it: indexes and triggers before views, and what is no schema between
		"live.sql": "PRAGMA defer_foreign_keys=TRUE;\nCREATE INDEX i ON customers(nm);\nCREATE TABLE customers(id INTEGER PRIMARY KEY, nm);\nDELETE FROM sqlite_sequence;\n"})
	code, _, stderr := inProject(t, "CREATE TABLE customers(id INTEGER PRIMARY KEY, nm TEXT)", "rebuild", "-dir", dir, "customers")
	if code != exitRefused || !strings.Contains(stderr, "0001_broken.sql:1") || !strings.Contains(stderr, "Give the live schema with -schema") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	code, stdout, stderr := inProject(t, "CREATE TABLE customers(id INTEGER PRIMARY KEY, nm TEXT)", "rebuild", "-dir", dir, "-schema", filepath.Join(dir, "live.sql"), "-name", "types", "customers")
	if code != exitFine || !strings.Contains(stdout, "migrations/0002_types.sql\n") || !strings.Contains(stdout, "affinity BLOB to TEXT") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}

func TestRebuildOfATableWhoseCheckMadeUpRowsDoNotMeet(t *testing.T) {
	dir := projectFolder(t, map[string]string{"migrations/0001_tags.sql": "CREATE TABLE tags(id INTEGER PRIMARY KEY, color TEXT CHECK (color GLOB '#*'));\n" +
		"CREATE TABLE uses(id INTEGER PRIMARY KEY, tag INTEGER NOT NULL REFERENCES tags(id) ON DELETE CASCADE);\nCREATE INDEX uses_tag ON uses(tag);\n"})
	code, stdout, stderr := inProject(t, "CREATE TABLE tags(id INTEGER PRIMARY KEY, color TEXT NOT NULL CHECK (color GLOB '#*'))", "rebuild", "-dir", dir, "tags")
	if code != exitFine || !strings.Contains(stdout, "none is lost") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}

func TestRebuildWithoutAWayBackWritesNoDownFile(t *testing.T) {
	dir := projectFolder(t, map[string]string{"migrations/0001_a.sql": "CREATE TABLE t(id INTEGER PRIMARY KEY, fax TEXT NOT NULL);\n"})
	code, stdout, stderr := inProject(t, "CREATE TABLE t(id INTEGER PRIMARY KEY)", "rebuild", "-dir", dir, "t")
	if code != exitFine || !strings.Contains(stdout, "no DOWN file: no rebuild of t: column fax is new, NOT NULL") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "migrations", "down")); err == nil {
		t.Error("there is a DOWN file")
	}
}

func TestRebuildInADrizzleProjectAddsTheSnapshotAndSaysTheChange(t *testing.T) {
	dir := projectFolder(t, map[string]string{"drizzle.config.ts": "export default {\n  schema: './schema.ts',\n  out: './drizzle',\n};\n", "schema.ts": ""})
	if code, _, stderr := inProject(t, family["migrations/0001_family.sql"], "new", "-dir", dir, "-sql", "-", "family"); code != exitFine {
		t.Fatal(stderr)
	}
	code, stdout, stderr := inProject(t, strings.Replace(betterCustomers, "name", "nm", 2), "rebuild", "-dir", dir, "customers")
	if code != exitFine || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{"drizzle/0001_rebuild-customers.sql\n", "drizzle/meta/0001_snapshot.json\n", "In schema.ts:", "status", "guarded: invoices, tickets"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
}

func TestRebuildRefusesAndThenWritesNothing(t *testing.T) {
	unindexed := map[string]string{"migrations/0001_a.sql": "CREATE TABLE p(id INTEGER PRIMARY KEY, a);\nCREATE TABLE c(p REFERENCES p ON DELETE CASCADE);\n"}
	for _, c := range []struct {
		name  string
		files map[string]string
		sql   string
		args  []string
		code  int
		want  string
	}{
		{"no table", family, "", nil, exitUsage, "one table is needed"},
		{"a flag behind the table", family, "", []string{"customers", "-show"}, exitUsage, "after the flags"},
		{"a table that is not there", family, "CREATE TABLE x(id)", []string{"x"}, exitRefused, "there is no such table"},
		{"no folder of migrations", map[string]string{"db/0001_a.sql": ""}, "CREATE TABLE x(id)", []string{"x"}, exitUnknown, "/migrations is not there, so the schema is not known. Name the folder with -migrations, or give the live schema with -schema, or with -config and -project"},
		{"no folder of migrations, to be shown", nil, "", []string{"-show", "x"}, exitUnknown, "/migrations is not there"},
		{"no migration in the folder", map[string]string{"migrations/README": ""}, "CREATE TABLE x(id)", []string{"x"}, exitUnknown, "there is no migration in "},
		{"a folder of migrations that was named and is not there", family, "CREATE TABLE x(id)", []string{"-migrations", "db", "x"}, exitUnknown, "/db is not there. Name another with -migrations"},
		{"a table that is not there, to be shown", family, "", []string{"-show", "x"}, exitRefused, "there is no table x"},
		{"another table's CREATE TABLE", family, "CREATE TABLE custmers(id INTEGER PRIMARY KEY)", []string{"customers"}, exitRefused, "Give it the name customers"},
		{"a child without an index", unindexed, "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT)", []string{"p"}, exitRefused, `CREATE INDEX "c_p" ON "c"("p")`},
		{"an index over a column that goes", family, "CREATE TABLE customers(id INTEGER PRIMARY KEY)", []string{"customers"}, exitRefused, "index customers_nm is over column nm, which goes"},
		{"a rename that is none", family, "", []string{"-rename", "a", "customers"}, exitUsage, "it is written old=new"},
		{"half a config", family, "", []string{"-config", "x", "customers"}, exitUsage, "-config and -project go together"},
		{"a config that is not there", family, "", []string{"-config", "/nonexistent", "-project", "shop", "customers"}, exitRefused, "/nonexistent"},
		{"a schema that is not there", family, "", []string{"-schema", "/nonexistent", "customers"}, exitUnknown, "/nonexistent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := projectFolder(t, c.files)
			code, stdout, stderr := inProject(t, c.sql, append([]string{"rebuild", "-dir", dir}, c.args...)...)
			if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) {
				t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
			}
			before := 0
			for name := range c.files {
				if strings.HasPrefix(name, "migrations/") {
					before++
				}
			}
			if entries, _ := os.ReadDir(filepath.Join(dir, "migrations")); len(entries) != before {
				t.Errorf("something was written: %v", entries)
			}
		})
	}
	dir := projectFolder(t, unindexed)
	if code, _, stderr := inProject(t, "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT)", "rebuild", "-dir", dir, "-unindexed", "p"); code != exitFine {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	dir = projectFolder(t, family)
	if code, _, stderr := inProject(t, "CREATE TABLE customers(id INTEGER PRIMARY KEY)", "rebuild", "-dir", dir, "-leave", "customers_nm", "customers"); code != exitFine {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// TestRebuildReadsProduction: what production has not had yet is carried out on the copy first, and nothing is written there.
func TestRebuildReadsProduction(t *testing.T) {
	o := newOutside(t, true)
	o.write("app/db/migrations/0002_email.sql", "ALTER TABLE customers ADD COLUMN email TEXT;\n")
	c, _, err := config.Load(o.path(), func(key string) string { return o.env[key] })
	if err != nil {
		t.Fatal(err)
	}
	d1, err := databasesOf(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	db, err := d1.Create(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	txs, err := migrations.Apply([]migrations.File{{Name: "0001_customers.sql", SQL: []byte("CREATE TABLE customers (id INTEGER PRIMARY KEY);\n" +
		"CREATE TABLE made_by_hand (customer INTEGER PRIMARY KEY REFERENCES customers(id) ON DELETE CASCADE);\n")}}, migrations.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var statements []string
	for _, s := range txs[0].Statements {
		statements = append(statements, s.SQL)
	}
	if _, err := d1.Apply(t.Context(), db.ID, statements); err != nil {
		t.Fatal(err)
	}
	o.env["API"] = "reads-only-token"
	o.write("wanted.sql", "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT UNIQUE);\n")
	code, stdout, stderr := o.run(t.Context(), "rebuild", "-config", o.path(), "-project", "shop", "-sql", filepath.Join(o.dir, "wanted.sql"), "customers")
	if code != exitFine {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{"db/migrations/0003_rebuild-customers.sql\n", "schema: production database shop, after 1 migration that it has not had yet\n", "guarded: made_by_hand\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	if _, err := os.Stat(filepath.Join(o.dir, "app", "db", "migrations", "0003_rebuild-customers.sql")); err != nil {
		t.Error(err)
	}
	if code, _, stderr = o.run(t.Context(), "rebuild", "-config", o.path(), "-project", "blog", "customers"); code != exitRefused || !strings.Contains(stderr, "no project blog") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
