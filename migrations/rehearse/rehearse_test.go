package rehearse_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
	"towline/migrations/rehearse"
	"towline/migrations/sqlite"
)

// target is a database that has carried out the SQL.
func target(t testing.TB, schema string) rehearse.Target {
	t.Helper()
	c, err := sqlite.Open(context.Background(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	statements, err := migrations.Split("schema.sql", []byte(schema))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := c.Exec(context.Background(), s.SQL); err != nil {
			t.Fatalf("%s: %v", s.SQL, err)
		}
	}
	objects, err := c.Objects(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return rehearse.Target{Objects: objects}
}

// some is a third of the cases where time is short: the race detector makes SQLite twenty times slower, and nothing here runs at the same
// time as anything else.
func some[T any](cases []T) []T {
	if !testing.Short() {
		return cases
	}
	var list []T
	for i := 0; i < len(cases); i += 3 {
		list = append(list, cases[i])
	}
	return list
}

// bare plans a file without anything of Towline's around it, as wrangler sends it.
func bare(t testing.TB, files ...string) []migrations.Transaction {
	t.Helper()
	var txs []migrations.Transaction
	for i, sql := range files {
		name := fmt.Sprintf("%04d.sql", i+1)
		statements, err := migrations.Split(name, []byte(sql))
		if err != nil {
			t.Fatal(err)
		}
		tx := migrations.Transaction{Names: []string{name}}
		for _, s := range statements {
			tx.Statements = append(tx.Statements, migrations.Planned{SQL: migrations.Canonical(s), Origin: s})
		}
		txs = append(txs, tx)
	}
	return txs
}

// applied plans files as Towline does.
func applied(t testing.TB, files ...string) []migrations.Transaction {
	t.Helper()
	var pending []migrations.File
	for i, sql := range files {
		pending = append(pending, migrations.File{Name: fmt.Sprintf("%04d.sql", i+1), SQL: []byte(sql)})
	}
	txs, err := migrations.Apply(pending, migrations.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return txs
}

func run(t testing.TB, target rehearse.Target, txs []migrations.Transaction) rehearse.Report {
	t.Helper()
	report, err := rehearse.Run(context.Background(), target, txs)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// lines writes losses as "child.column by parent: kind".
func lines(losses []rehearse.Loss) []string {
	list := []string{}
	for _, l := range losses {
		s := fmt.Sprintf("%s.%s by %s: %s", l.Table, l.Column, l.By, l.Kind)
		if l.Hidden {
			s += ", hidden"
		}
		if !l.Seen {
			s += ", not seen"
		}
		list = append(list, s)
	}
	return list
}

func TestTheFirstRefusalIsFoundWithFileAndLine(t *testing.T) {
	schema := "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE pets(id INTEGER PRIMARY KEY, owner REFERENCES users(id));"
	tests := []struct {
		name      string
		files     []string
		place     string
		statement string
		message   string
		code      string
		atCommit  bool
	}{
		{
			name: "a misspelt word", files: []string{"-- first\nCREATE TABLE a(x);\n\nALTER TABLE users\n  AD COLUMN y;\n"},
			place: "0001.sql:5:3", statement: "ALTER TABLE users\n  AD COLUMN y", message: `near "AD": syntax error`, code: "SQLITE_ERROR",
		},
		{
			name: "a table that is not there, in the second file", files: []string{"CREATE TABLE a(x);", "CREATE TABLE b(x);\r\n\r\nINSERT INTO c VALUES (1);"},
			place: "0002.sql:3:1", statement: "INSERT INTO c VALUES (1)", message: "no such table: c", code: "SQLITE_ERROR",
		},
		{
			name: "a pragma that D1 has not", files: []string{"CREATE TABLE a(x);\nPRAGMA user_version = 3;\n"},
			place: "0001.sql:2:1", statement: "PRAGMA user_version = 3", message: "not authorized", code: "SQLITE_AUTH",
		},
		{
			name: "a function that D1 has not", files: []string{"UPDATE users SET name = soundex(name);"},
			place: "0001.sql:1:25", statement: "UPDATE users SET name = soundex(name)", message: "soundex", code: "SQLITE_ERROR",
		},
		{
			name: "a rename to a reserved name", files: []string{"ALTER TABLE users RENAME TO _cf_users;"},
			place: "0001.sql:1:1", statement: "ALTER TABLE users RENAME TO _cf_users", message: "not authorized", code: "SQLITE_AUTH",
		},
		{
			name: "a duplicate key among the file's own rows", files: []string{"INSERT INTO users VALUES (1, 'a');\nINSERT INTO users VALUES (1, 'b');"},
			place: "0001.sql:2:1", statement: "INSERT INTO users VALUES (1, 'b')", message: "UNIQUE constraint failed: users.id", code: "SQLITE_CONSTRAINT_PRIMARYKEY",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := run(t, target(t, schema), bare(t, tt.files...)).Failure
			if f == nil {
				t.Fatal("no failure")
			}
			if f.Place.String() != tt.place || f.Statement != tt.statement || f.Code != tt.code || f.AtCommit != tt.atCommit || !strings.Contains(f.Message, tt.message) {
				t.Errorf("got %v %q %s %q at commit %t", f.Place, f.Statement, f.Code, f.Message, f.AtCommit)
			}
		})
	}
}

func TestAForeignKeyThatLeadsNowhereIsAFailureWhereNoRowsCanBeMissing(t *testing.T) {
	tables := "CREATE TABLE users(id INTEGER PRIMARY KEY); CREATE TABLE pets(id INTEGER PRIMARY KEY, owner REFERENCES users(id));\n"
	f := run(t, target(t, ""), bare(t, tables+"PRAGMA defer_foreign_keys = ON;\nINSERT INTO pets VALUES (1, 7);")).Failure
	if f == nil || f.Place.String() != "0001.sql" || f.Code != "SQLITE_CONSTRAINT_FOREIGNKEY" || !f.AtCommit {
		t.Errorf("at the commit: got %+v", f)
	}
	f = run(t, target(t, ""), applied(t, tables+"PRAGMA defer_foreign_keys = ON;\nINSERT INTO pets VALUES (1, 7);", "CREATE TABLE a(x);")).Failure
	if f == nil || f.File != "0001.sql" || !f.AtCommit {
		t.Errorf("behind the file: got %+v", f)
	}
}

func TestWhatDependsOnRowsThatOnlyTheDatabaseHasIsANoteAndNoFailure(t *testing.T) {
	schema := "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE pets(id INTEGER PRIMARY KEY, owner INTEGER NOT NULL REFERENCES users(id));"
	for name, sql := range map[string]string{
		"a row of a child whose parent is there already": "INSERT INTO pets VALUES (1, 7);",
		"the same, checked at the end of the file":       "PRAGMA defer_foreign_keys = ON;\nINSERT INTO pets VALUES (1, 7);",
		"a parent looked up by name":                     "INSERT INTO pets(owner) SELECT (SELECT id FROM users WHERE name = 'Ada');",
		"an assertion on rows":                           "CREATE TABLE a(ok CHECK (ok = 1)); INSERT INTO a SELECT count(*) = 3 FROM users; DROP TABLE a;",
		"an assertion by a broken JSON":                  "SELECT CASE WHEN (SELECT count(*) FROM users) = 3 THEN 1 ELSE json('x') END;",
	} {
		t.Run(name, func(t *testing.T) {
			for kind, txs := range map[string][]migrations.Transaction{"alone": bare(t, sql), "with the ledger": applied(t, sql, "CREATE TABLE z(x);")} {
				report := run(t, target(t, schema), txs)
				if report.Failure != nil || len(report.Unrehearsed) == 0 {
					t.Errorf("%s: failure %+v, notes %v", kind, report.Failure, report.Unrehearsed)
				}
			}
		})
	}
}

func TestStatementsThatOnlyD1KnowsAreNoFailure(t *testing.T) {
	report := run(t, target(t, "CREATE TABLE users(id INTEGER PRIMARY KEY);"),
		bare(t, "CREATE TABLE a(x);\nUPDATE users SET id = a.x FROM a ORDER BY a.x LIMIT 5;\nUPDATE users SET id = a.x FROM a LIMIT 1;"))
	if report.Failure != nil || len(report.Unrehearsed) != 2 || report.Unrehearsed[0].Line != 2 {
		t.Errorf("got %+v", report)
	}
	report = run(t, target(t, "CREATE TABLE users(id INTEGER PRIMARY KEY);"), bare(t, "DELETE FROM users ORDER BY id LIMT 5;"))
	if report.Failure == nil {
		t.Error("a misspelt LIMIT passed")
	}
}

func TestWhatFailsOnlyWithRowsIsAWarning(t *testing.T) {
	schema := "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, kind TEXT CHECK (kind = 'x'), n INT);"
	tests := []struct{ name, sql, message string }{
		{"NOT NULL without a default", "CREATE TABLE z(a);\nALTER TABLE users ADD COLUMN age INT NOT NULL;", "NOT NULL"},
		{"a default that is no constant", "CREATE TABLE z(a);\nALTER TABLE users ADD COLUMN at TEXT DEFAULT CURRENT_TIMESTAMP;", "non-constant default"},
		{"a CHECK that rows fail", "CREATE TABLE n(id, name TEXT CHECK (name = 'y'));\nINSERT INTO n SELECT id, name FROM users;", "CHECK constraint failed"},
		{"a unique index on equal values", "UPDATE users SET n = 1;\nCREATE UNIQUE INDEX u ON users(n);", "UNIQUE constraint failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			report := run(t, target(t, schema), bare(t, tt.sql))
			if report.Failure != nil {
				t.Fatalf("failure: %+v", report.Failure)
			}
			if len(report.Warnings) != 1 || report.Warnings[0].Place.Line != 2 || !strings.Contains(report.Warnings[0].Message, tt.message) {
				t.Errorf("got %+v", report.Warnings)
			}
		})
	}
}

func TestASchemaThatCannotBeRebuiltIsAnErrorOfItsOwn(t *testing.T) {
	_, err := rehearse.Run(t.Context(), rehearse.Target{Objects: []migrations.Object{
		{Type: "table", Name: "t", Table: "t", SQL: "CREATE TABLE t(a)"},
		{Type: "index", Name: "i", Table: "gone", SQL: "CREATE INDEX i ON gone(a)"},
	}}, nil)
	var s *rehearse.SchemaError
	if !errors.As(err, &s) || s.Object.Name != "i" {
		t.Errorf("got %v", err)
	}
}

func TestTheSchemaIsRebuiltInAnyOrder(t *testing.T) {
	was := target(t, `CREATE TABLE posts(id INTEGER PRIMARY KEY, body TEXT, author INTEGER REFERENCES authors(id));
		CREATE VIRTUAL TABLE search USING fts5(body, content='posts', content_rowid='id');
		CREATE TABLE authors(id INTEGER PRIMARY KEY AUTOINCREMENT);
		CREATE VIRTUAL TABLE places USING rtree(id, x1, x2);
		CREATE VIEW v AS SELECT * FROM posts;
		CREATE TRIGGER posts_ai AFTER INSERT ON posts BEGIN INSERT INTO search(rowid, body) VALUES (new.id, new.body); END;
		CREATE TRIGGER v_ii INSTEAD OF INSERT ON v BEGIN INSERT INTO posts(body) VALUES (new.body); END;
		CREATE UNIQUE INDEX posts_body ON posts(body);`)
	for range 2 {
		report := run(t, was, bare(t, "INSERT INTO posts(body) VALUES ('x'); INSERT INTO v(body) VALUES ('y');"))
		if report.Failure != nil || !report.Diff.Empty() || len(report.Warnings) != 0 {
			t.Errorf("got failure %+v, diff %+v, warnings %+v", report.Failure, report.Diff, report.Warnings)
		}
		if got, want := rehearse.Fingerprint(report.After, ""), rehearse.Fingerprint(was.Objects, ""); got != want {
			t.Errorf("another schema: %v", report.After)
		}
		for i, j := 0, len(was.Objects)-1; i < j; i, j = i+1, j-1 {
			was.Objects[i], was.Objects[j] = was.Objects[j], was.Objects[i]
		}
	}
}

func TestTheLedgerIsThere(t *testing.T) {
	was := target(t, "CREATE TABLE d1_migrations(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL);")
	was.Ledger = []migrations.LedgerRow{{ID: 1, Name: "0001.sql", AppliedAt: "2026-11-01 10:00:00"}}
	report := run(t, was, applied(t, "CREATE TABLE a(x);"))
	if report.Failure == nil || report.Failure.Message != "UNIQUE constraint failed: d1_migrations.name" {
		t.Errorf("got %+v", report.Failure)
	}
}

func TestDiffNamesWhatARollbackTakesAway(t *testing.T) {
	schema := `CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, age INT); CREATE TABLE pets(id INTEGER PRIMARY KEY);
		CREATE INDEX users_name ON users(name); CREATE VIEW grown AS SELECT * FROM users;`
	report := run(t, target(t, schema), bare(t, `DROP TABLE pets; ALTER TABLE users DROP COLUMN age; ALTER TABLE users ADD COLUMN email TEXT;
		DROP INDEX users_name; CREATE TABLE toys(id); DROP VIEW grown; CREATE VIEW grown AS SELECT id FROM users;`))
	want := rehearse.Diff{
		TablesAdded: []string{"toys"}, TablesRemoved: []string{"pets"},
		ColumnsAdded:   []rehearse.Column{{Table: "users", Name: "email"}},
		ColumnsRemoved: []rehearse.Column{{Table: "users", Name: "age"}},
		Other:          []string{"index users_name removed", "view grown changed"},
	}
	if d := cmp.Diff(want, report.Diff); d != "" || report.Diff.Empty() {
		t.Error(d)
	}
}

func TestAWayBackIsRehearsedAsWell(t *testing.T) {
	was := target(t, `CREATE TABLE d1_migrations(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL);
		CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT); CREATE TABLE toys(id INTEGER PRIMARY KEY);`)
	was.Ledger = []migrations.LedgerRow{{ID: 1, Name: "0001.sql", AppliedAt: "2026-11-01 10:00:00"}, {ID: 2, Name: "0002.sql", AppliedAt: "2026-11-02 10:00:00"}}
	txs, err := migrations.Undo([]migrations.File{
		{Name: "0002.sql", Down: []byte("DROP TABLE toys;")}, {Name: "0001.sql", Down: []byte("ALTER TABLE users DROP COLUMN email;")},
	}, migrations.Options{})
	if err != nil {
		t.Fatal(err)
	}
	report := run(t, was, txs)
	want := rehearse.Diff{TablesRemoved: []string{"toys"}, ColumnsRemoved: []rehearse.Column{{Table: "users", Name: "email"}}}
	if d := cmp.Diff(want, report.Diff); d != "" || report.Failure != nil || len(report.Losses)+len(report.Warnings) > 0 {
		t.Errorf("%s\n%+v", d, report)
	}
	was.Ledger = was.Ledger[:1]
	if f := run(t, was, txs).Failure; f == nil || !strings.Contains(f.Message, migrations.LedgerGuard) {
		t.Errorf("got %+v", f)
	}
}
