package rehearse_test

import (
	"slices"
	"strings"
	"testing"

	"towline/migrations"
	"towline/migrations/rehearse"
)

// after carries a file out on a schema and returns what is there then.
func after(t *testing.T, on []migrations.Object, name, sql string) (now []migrations.Object, txs []migrations.Transaction) {
	t.Helper()
	txs, err := migrations.Apply([]migrations.File{{Name: name, SQL: []byte(sql)}}, migrations.Options{})
	if err != nil {
		t.Fatal(err)
	}
	report, err := rehearse.Run(t.Context(), rehearse.Target{Objects: on}, txs)
	if err != nil {
		t.Fatal(err)
	}
	if report.Failure != nil {
		t.Fatalf("%s: %s", name, report.Failure.Message)
	}
	return report.After, txs
}

const userTable = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, email TEXT);\nCREATE TABLE log (line TEXT);\nCREATE INDEX users_name ON users(name);\n"

func TestCodeWorksOnWhereTheSchemaIsOnlyExpanded(t *testing.T) {
	cases := []struct {
		name    string
		sql     string
		adds    []string // empty: the code does not work on
		why     string   // a part of a reason
		careful string
	}{
		{name: "a table", sql: "CREATE TABLE orders (id INTEGER PRIMARY KEY);", adds: []string{"table orders"}},
		{name: "a table with rows of its own", sql: "CREATE TABLE kinds (k TEXT);\nINSERT INTO kinds VALUES ('a');", adds: []string{"table kinds"}},
		{name: "a table that refers to an older one", sql: "CREATE TABLE orders (user_id INTEGER REFERENCES users);", adds: []string{"table orders"},
			careful: "rows of users cannot be deleted while orders refers to them"},
		{name: "a table that goes with an older one's rows", sql: "CREATE TABLE orders (user_id INTEGER REFERENCES users ON DELETE CASCADE);", adds: []string{"table orders"}},
		{name: "a column that takes NULL", sql: "ALTER TABLE users ADD COLUMN age INTEGER;", adds: []string{"column users.age"}},
		{name: "a column with a default", sql: "ALTER TABLE users ADD COLUMN state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'old'));", adds: []string{"column users.state"}},
		{name: "an index", sql: "CREATE INDEX users_email ON users(email);", adds: []string{"index users_email"}},
		{name: "a view", sql: "CREATE VIEW names AS SELECT name FROM users;", adds: []string{"view names"}},
		{name: "a new column is filled", sql: "ALTER TABLE users ADD COLUMN lower_email TEXT;\nUPDATE users SET lower_email = lower(email);", adds: []string{"column users.lower_email"}},
		{name: "a trigger keeps a new column", adds: []string{"column users.lower_email", "trigger users_lower"},
			sql: "ALTER TABLE users ADD COLUMN lower_email TEXT;\nCREATE TRIGGER users_lower AFTER INSERT ON users BEGIN UPDATE users SET lower_email = lower(new.email) WHERE id = new.id; END;"},
		{name: "full text beside it", sql: "CREATE VIRTUAL TABLE words USING fts5(body);", adds: []string{"table words"}},

		{name: "a unique index", why: "index users_email refuses rows of users", sql: "CREATE UNIQUE INDEX users_email ON users(email);"},
		{name: "a CHECK on an older column", why: "a CHECK of users that is new looks at name", sql: "ALTER TABLE users ADD COLUMN nick TEXT CHECK (nick <> name);"},
		{name: "a column goes", why: "column users.email is gone", sql: "ALTER TABLE users DROP COLUMN email;"},
		{name: "a column gets another name", why: "column users.email is gone", sql: "ALTER TABLE users RENAME COLUMN email TO mail;"},
		{name: "a table goes", why: "table log is gone", sql: "DROP TABLE log;"},
		{name: "an index goes", why: "index users_name removed", sql: "DROP INDEX users_name;"},
		{name: "a table is rebuilt with more", why: "table log was rebuilt",
			sql: "CREATE TABLE log2 (at TEXT, line TEXT NOT NULL CHECK (line <> ''));\nINSERT INTO log2 (line) SELECT line FROM log;\nDROP TABLE log;\nALTER TABLE log2 RENAME TO log;"},
		{name: "rows are changed", why: "0002.sql line 1 changes rows of users", sql: "UPDATE users SET name = upper(name);"},
		{name: "rows are deleted", why: "0002.sql line 1 deletes rows of log", sql: "DELETE FROM log;"},
		{name: "rows are written", why: "0002.sql line 1 writes rows into log", sql: "INSERT INTO log VALUES ('x');"},
		{name: "a trigger refuses", why: "trigger users_kept may refuse", sql: "CREATE TRIGGER users_kept BEFORE DELETE ON users BEGIN SELECT RAISE(ABORT, 'kept'); END;"},
		{name: "a trigger writes what the older code reads", why: "trigger users_log writes rows into log",
			sql: "CREATE TRIGGER users_log AFTER UPDATE OF name ON users BEGIN INSERT INTO log VALUES (new.name); END;"},
	}
	for _, c := range some(cases) {
		t.Run(c.name, func(t *testing.T) {
			base, _ := after(t, nil, "0001.sql", userTable)
			now, txs := after(t, base, "0002.sql", c.sql)
			e, err := rehearse.Expands(t.Context(), rehearse.Target{Objects: base, Ledger: []migrations.LedgerRow{{ID: 1, Name: "0001.sql"}}}, now, txs)
			if err != nil {
				t.Fatal(err)
			}
			if e.Works() != (c.why == "") || !strings.Contains(strings.Join(e.Why, "; "), c.why) {
				t.Errorf("why not: %q, want %q", e.Why, c.why)
			}
			if c.adds != nil && !slices.Equal(e.Adds, c.adds) {
				t.Errorf("adds %q, want %q", e.Adds, c.adds)
			}
			if !strings.Contains(strings.Join(e.Careful, "; "), c.careful) || (c.careful == "") != (len(e.Careful) == 0) {
				t.Errorf("careful %q, want %q", e.Careful, c.careful)
			}
		})
	}
}

func TestAnExpansionThatCannotBeCarriedOutAgainIsNone(t *testing.T) {
	base, _ := after(t, nil, "0001.sql", userTable)
	now, txs := after(t, base, "0002.sql", "CREATE TABLE orders (id INTEGER);")
	e, err := rehearse.Expands(t.Context(), rehearse.Target{Objects: now}, now, txs)
	if err != nil {
		t.Fatal(err)
	}
	if e.Works() || !strings.Contains(e.Why[0], "cannot be carried out again here: 0002.sql") {
		t.Errorf("why not: %q", e.Why)
	}
}

func TestCompareSaysHowTwoSchemasDiffer(t *testing.T) {
	base, _ := after(t, nil, "0001.sql", userTable)
	now, _ := after(t, base, "0002.sql", "CREATE TABLE orders (id INTEGER);\nALTER TABLE users ADD COLUMN age INTEGER;\nDROP INDEX users_name;")
	d, err := rehearse.Compare(t.Context(), base, now, "")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.TablesAdded, []string{"orders"}) || len(d.ColumnsAdded) != 1 || !slices.Equal(d.Other, []string{"index users_name removed"}) {
		t.Errorf("%+v", d)
	}
	if same, err := rehearse.Compare(t.Context(), now, now, ""); err != nil || !same.Empty() {
		t.Errorf("%+v %v", same, err)
	}
}

func TestAChangedColumnIsSaidInSQLsWords(t *testing.T) {
	schema := func(sql string) []migrations.Object {
		report, err := rehearse.Run(t.Context(), rehearse.Target{}, plan(t, migrations.File{Name: "0001.sql", SQL: []byte(sql)}))
		if err != nil {
			t.Fatal(err)
		}
		return report.After
	}
	d, err := rehearse.Compare(t.Context(), schema("CREATE TABLE t (a TEXT NOT NULL DEFAULT 'x', b, c INTEGER PRIMARY KEY);"), schema("CREATE TABLE t (a TEXT, b, c INTEGER, PRIMARY KEY (b, c));"), "")
	want := []string{
		"column t.a changed: TEXT; before: TEXT NOT NULL DEFAULT 'x'",
		"column t.b changed: no type PRIMARY KEY; before: no type",
		"column t.c changed: INTEGER PRIMARY KEY (column 2 of it); before: INTEGER PRIMARY KEY",
	}
	if err != nil || !slices.Equal(d.Other, want) {
		t.Errorf("%q %v", d.Other, err)
	}
}
