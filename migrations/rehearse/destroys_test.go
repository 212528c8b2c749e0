package rehearse_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
	"towline/migrations/rehearse"
)

func TestWhatAReleaseDestroysIsListed(t *testing.T) {
	base := "CREATE TABLE users (id INTEGER PRIMARY KEY, fax TEXT);\nCREATE TABLE posts (id INTEGER PRIMARY KEY, user INTEGER REFERENCES users(id) ON DELETE CASCADE, body TEXT);\n"
	tests := []struct {
		name, sql string
		want      []rehearse.Destruction
	}{
		{"a new table, a new column and new rows destroy nothing",
			"CREATE TABLE x (a); ALTER TABLE users ADD COLUMN b TEXT; INSERT INTO users VALUES (1, '', ''); INSERT INTO x VALUES (1); DELETE FROM x; DROP TABLE x;", nil},
		{"an index destroys nothing", "CREATE INDEX i ON users(fax); DROP INDEX i;", nil},
		{"values of a new column destroy nothing", "ALTER TABLE posts ADD COLUMN len INTEGER; UPDATE posts SET len = length(body);", nil},
		{"a dropped column is named", "ALTER TABLE users DROP COLUMN fax;", []rehearse.Destruction{{Kind: rehearse.DropsColumn, Table: "users", Name: "fax"}}},
		{"a dropped table is named, not its rows", "DROP TABLE posts;", []rehearse.Destruction{{Kind: rehearse.DropsTable, Table: "posts"}}},
		{"deleting takes the children's rows along", "DELETE FROM users WHERE id = 1;",
			[]rehearse.Destruction{{Kind: rehearse.DeletesRows, Table: "users"}, {Kind: rehearse.DeletesRows, Table: "posts"}}},
		{"an update is named once", "UPDATE posts SET body = ''; UPDATE posts SET body = 'x';", []rehearse.Destruction{{Kind: rehearse.UpdatesRows, Table: "posts"}}},
		{"a table that is made again counts as dropped",
			"CREATE TABLE c AS SELECT * FROM posts; DROP TABLE posts; CREATE TABLE posts (id INTEGER PRIMARY KEY, user INTEGER REFERENCES users(id), body TEXT); INSERT INTO posts SELECT * FROM c; UPDATE posts SET body = ''; DROP TABLE c;",
			[]rehearse.Destruction{{Kind: rehearse.DropsTable, Table: "posts"}}},
		{"a column under another name keeps its values", "ALTER TABLE users RENAME COLUMN fax TO phone;", nil},
		{"where a column is dropped, one that is called otherwise cannot be told from it", "ALTER TABLE posts RENAME COLUMN body TO text; ALTER TABLE users DROP COLUMN fax;",
			[]rehearse.Destruction{{Kind: rehearse.DropsColumn, Table: "users", Name: "fax"}, {Kind: rehearse.DropsColumn, Table: "posts", Name: "body"}}},
		{"a table under another name is the same table", "ALTER TABLE posts RENAME TO notes; DELETE FROM notes;", []rehearse.Destruction{{Kind: rehearse.DeletesRows, Table: "posts"}}},
		{"a column of a table under another name is named", "ALTER TABLE posts RENAME TO \"all notes\"; ALTER TABLE \"all notes\" DROP COLUMN body;",
			[]rehearse.Destruction{{Kind: rehearse.DropsColumn, Table: "posts", Name: "body"}}},
		{"a table that is put aside and dropped counts as dropped",
			"ALTER TABLE posts RENAME TO old; CREATE TABLE posts (id INTEGER PRIMARY KEY, body TEXT); INSERT INTO posts SELECT id, body FROM old; UPDATE posts SET body = ''; DROP TABLE old;",
			[]rehearse.Destruction{{Kind: rehearse.DropsTable, Table: "posts"}}},
		{"a table that takes the name of a dropped one is not the dropped one",
			"CREATE TABLE p2 (id INTEGER PRIMARY KEY, body TEXT); DROP TABLE posts; ALTER TABLE p2 RENAME TO posts; UPDATE posts SET body = '';",
			[]rehearse.Destruction{{Kind: rehearse.DropsTable, Table: "posts"}}},
	}
	for _, test := range some(tests) {
		t.Run(test.name, func(t *testing.T) {
			first, err := rehearse.Run(t.Context(), rehearse.Target{}, plan(t, migrations.File{Name: "0001.sql", SQL: []byte(base)}))
			if err != nil {
				t.Fatal(err)
			}
			report, err := rehearse.Run(t.Context(), rehearse.Target{Objects: first.After}, plan(t, migrations.File{Name: "0002.sql", SQL: []byte(test.sql)}))
			if err != nil || report.Failure != nil {
				t.Fatal(err, report.Failure)
			}
			if diff := cmp.Diff(test.want, report.Destroys); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func plan(t *testing.T, files ...migrations.File) []migrations.Transaction {
	t.Helper()
	txs, err := migrations.Apply(files, migrations.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return txs
}
