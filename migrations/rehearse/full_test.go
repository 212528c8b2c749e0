package rehearse_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations/rehearse"
	"towline/migrations/sqlite"
	"towline/sandbox/cloudflare/workerd"
)

// fingerprinted is a database with one of everything that a fingerprint tells.
func fingerprinted() []string {
	list := []string{
		"CREATE TABLE d1_migrations(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
		"CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT)",
		"CREATE INDEX users_name ON users(lower(name), email) WHERE name IS NOT NULL",
		`CREATE TABLE "or""ders"(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id))`,
		"CREATE VIEW names AS SELECT name FROM users",
		"CREATE VIRTUAL TABLE found USING fts5(name)",
		"INSERT INTO users VALUES (1, 'a', 'A'), (2, 'b', NULL)",
		`INSERT INTO "or""ders" VALUES (7, 1), (8, 1), (9, 2)`,
		"INSERT INTO found VALUES ('x')",
	}
	for i := range 60 { // more than one query counts
		list = append(list, fmt.Sprintf("CREATE TABLE t%d(a)", i), fmt.Sprintf("INSERT INTO t%d VALUES (1)", i))
	}
	return list
}

// local takes a fingerprint of a database under the profile.
func local(t *testing.T, c *sqlite.Conn) rehearse.FullFingerprint {
	t.Helper()
	objects, err := c.Objects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var answers [][][]any
	for _, sql := range rehearse.FingerprintQueries(objects, "") {
		res, err := c.Exec(t.Context(), sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		answers = append(answers, res.Rows)
	}
	f, err := rehearse.ReadFingerprint(objects, "", answers)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func localDatabase(t *testing.T, statements ...string) *sqlite.Conn {
	t.Helper()
	c, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	for _, sql := range statements {
		if _, err := c.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	return c
}

func TestAFingerprintTellsRowsIndexesViolationsAndDamage(t *testing.T) {
	c := localDatabase(t, fingerprinted()...)
	if err := c.Without(func() error {
		for _, sql := range []string{"PRAGMA foreign_keys = OFF", `INSERT INTO "or""ders" VALUES (10, 99)`, "PRAGMA foreign_keys = ON",
			"PRAGMA ignore_check_constraints = ON", "CREATE TABLE checked(a CHECK (a > 1))", "INSERT INTO checked VALUES (0)", "PRAGMA ignore_check_constraints = OFF"} {
			if _, err := c.Exec(t.Context(), sql); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	f := local(t, c)
	if len(f.Rows) != 63 || f.Rows["users"] != 2 || f.Rows[`or"ders`] != 4 || f.Rows["t59"] != 1 {
		t.Errorf("%v", f.Rows)
	}
	if d := cmp.Diff([]rehearse.Orphan{{Table: `or"ders`, Parent: "users", Rows: 1}}, f.Violations); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"CHECK constraint failed in checked"}, f.Damage); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"d1_migrations.sqlite_autoindex_d1_migrations_1 unique (name)", "users.sqlite_autoindex_users_1 unique (email)",
		"users.users_name partial ((expression), email)"}, f.Indexes); d != "" {
		t.Error(d)
	}
}

func TestComparingFingerprintsNamesWhatDiffers(t *testing.T) {
	c := localDatabase(t, fingerprinted()...)
	before := local(t, c)
	if d := rehearse.CompareFingerprints(before, local(t, c), ""); len(d) > 0 {
		t.Errorf("the same database: %+v", d)
	}
	for _, sql := range []string{"DROP INDEX users_name", "DROP VIEW names", "CREATE VIEW names AS SELECT email FROM users", "CREATE TABLE extra(a UNIQUE)",
		"INSERT INTO t0 VALUES (2)", "DROP TABLE t1", "INSERT INTO d1_migrations(name) VALUES ('0001_a.sql')"} {
		if _, err := c.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	want := []rehearse.Difference{
		{What: rehearse.SchemaDiffers, Name: "index users_name", Expected: "there", Got: "none"},
		{What: rehearse.SchemaDiffers, Name: "table t1", Expected: "there", Got: "none"},
		{What: rehearse.SchemaDiffers, Name: "view names", Expected: "CREATE VIEW names AS SELECT name FROM users", Got: "CREATE VIEW names AS SELECT email FROM users"},
		{What: rehearse.SchemaDiffers, Name: "table extra", Expected: "none", Got: "there"},
		{What: rehearse.IndexDiffers, Name: "users.users_name partial ((expression), email)", Expected: "there", Got: "none"},
		{What: rehearse.IndexDiffers, Name: "extra.sqlite_autoindex_extra_1 unique (a)", Expected: "none", Got: "there"},
		{What: rehearse.RowsDiffer, Name: "t0", Expected: "1", Got: "2"},
	}
	if d := cmp.Diff(want, rehearse.CompareFingerprints(before, local(t, c), "")); d != "" {
		t.Error(d)
	}
}

func TestAnExpectedFingerprintKeepsTheRowsOfWhatIsNotTouched(t *testing.T) {
	c := localDatabase(t, fingerprinted()...)
	before := local(t, c)
	sql := "CREATE TABLE new(a);\nINSERT INTO t0 VALUES (2);\nALTER TABLE users ADD COLUMN age INTEGER;\nCREATE UNIQUE INDEX users_email ON users(email);"
	objects, err := c.Objects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	expected := run(t, rehearse.Target{Objects: objects}, bare(t, sql)).Expect(before, "")
	if _, known := expected.Rows["t0"]; known || expected.Rows["users"] != 2 || expected.Rows["new"] != 0 || len(expected.Rows) != 62 {
		t.Errorf("%v", expected.Rows)
	}
	for _, s := range split(t, sql) {
		if _, err := c.Exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if d := rehearse.CompareFingerprints(expected, local(t, c), ""); len(d) > 0 {
		t.Errorf("%+v", d)
	}
	if _, err := rehearse.ReadFingerprint(objects, "", nil); err == nil {
		t.Error("a fingerprint of nothing")
	}
}

// TestCloudflaresRuntimeAnswersTheFingerprint sends the queries as one batch, as the engine does.
func TestCloudflaresRuntimeAnswersTheFingerprint(t *testing.T) {
	instance := workerd.Start(t, workerd.Options{})
	d := &d1{instance.Database(t, "fingerprint")}
	if message := d.Run(t, fingerprinted()...); message != "" {
		t.Fatal(message)
	}
	objects := d.objects(t)
	got, err := rehearse.ReadFingerprint(objects, "", d.raw(t, rehearse.FingerprintQueries(objects, "")))
	if err != nil {
		t.Fatal(err)
	}
	want := local(t, localDatabase(t, fingerprinted()...))
	if d := rehearse.CompareFingerprints(want, got, ""); len(d) > 0 {
		t.Errorf("%+v", d)
	}
	if d := rehearse.CompareFingerprints(got, want, ""); len(d) > 0 {
		t.Errorf("%+v", d)
	}
}
