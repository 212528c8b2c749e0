package d1test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"towline/deploy"
)

// Cloud is databases that can be exported and imported.
type Cloud interface {
	deploy.Databases
	deploy.Exports
}

// TestExports runs the suite of deploy.Exports. open is called once for each case, as [Test] does.
func TestExports(t *testing.T, open func(t *testing.T) Cloud) {
	t.Helper()
	for _, c := range exporting {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			cloud := open(t)
			c.run(t, &user{Databases: cloud, ctx: ctx}, cloud)
		})
	}
}

type exportCase struct {
	name string
	run  func(t *testing.T, u *user, e deploy.Exports)
}

// export exports into memory.
func export(t *testing.T, u *user, e deploy.Exports, id string) string {
	t.Helper()
	var text bytes.Buffer
	if err := e.Export(u.ctx, id, &text); err != nil {
		t.Fatalf("export: %v", err)
	}
	return text.String()
}

func (u *user) imports(e deploy.Exports, id, sql string) error {
	return e.Import(u.ctx, id, strings.NewReader(sql), int64(len(sql)))
}

var exporting = []exportCase{
	{"what is exported can be imported elsewhere", func(t *testing.T, u *user, e deploy.Exports) {
		from := u.database(t, "CREATE TABLE item (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)", "CREATE INDEX by_name ON item (name) WHERE id > 0",
			"INSERT INTO item (name) VALUES ('it''s'), ('a' || char(10) || 'b'), (NULL)", "DELETE FROM item WHERE id = 2")
		to := u.database(t)
		if err := u.imports(e, to, export(t, u, e, from)); err != nil {
			t.Fatal(err)
		}
		u.expect(t, to, "SELECT id, name FROM item ORDER BY id", []any{int64(1), "it's"}, []any{int64(3), nil})
		u.expect(t, to, "SELECT count(*) FROM sqlite_master WHERE name = 'by_name'", []any{int64(1)})
		u.apply(t, to, "INSERT INTO item (name) VALUES ('next')")
		u.expect(t, to, "SELECT max(id) FROM item", []any{int64(4)})
		u.expect(t, from, "SELECT count(*) FROM item", []any{int64(2)})
	}},
	{"a database of some megabytes comes whole, and says that it is being prepared", func(t *testing.T, u *user, e deploy.Exports) {
		id := u.database(t, "CREATE TABLE large (x TEXT)", "INSERT INTO large VALUES (hex(zeroblob(700000))), (hex(zeroblob(700000)))")
		text := &listening{}
		if err := e.Export(u.ctx, id, text); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(text.String(), strings.Repeat("0", 1_400_000)); n != 2 || text.heard == 0 {
			t.Errorf("%d of 2 rows in %d bytes; heard of the preparation %d times", n, text.Len(), text.heard)
		}
	}},
	{"an import of some megabytes is carried out", func(t *testing.T, u *user, e deploy.Exports) {
		id := u.database(t, "CREATE TABLE large (x TEXT)")
		if err := u.imports(e, id, strings.Repeat("INSERT INTO large VALUES ('"+strings.Repeat("x", 50_000)+"');\n", 30)); err != nil {
			t.Fatal(err)
		}
		u.expect(t, id, "SELECT count(*), sum(length(x)) FROM large", []any{int64(30), int64(1_500_000)})
	}},
	{"a database with virtual tables is not exported, and stays usable", func(t *testing.T, u *user, e deploy.Exports) {
		id := u.database(t, "CREATE VIRTUAL TABLE note USING fts5(body)", "INSERT INTO note VALUES ('the tow line')")
		var text bytes.Buffer
		if err := e.Export(u.ctx, id, &text); !errors.Is(err, deploy.ErrVirtualTables) || text.Len() > 0 {
			t.Errorf("%v, with %d bytes", err, text.Len())
		}
		u.expect(t, id, "SELECT count(*) FROM note WHERE note MATCH 'tow'", []any{int64(1)})
	}},
	{"an import that fails half way leaves nothing, and says why", func(t *testing.T, u *user, e deploy.Exports) {
		id := u.database(t, "CREATE TABLE item (id INTEGER PRIMARY KEY)")
		err := u.imports(e, id, "INSERT INTO item VALUES (1);\nCREATE TABLE made (id INTEGER);\nINSERT INTO nowhere VALUES (1);\n")
		var rejected *deploy.RejectedError
		if !errors.As(err, &rejected) || !strings.Contains(rejected.Words, "no such table: nowhere") {
			t.Errorf("got %v", err)
		}
		u.expect(t, id, "SELECT count(*) FROM item", []any{int64(0)})
		u.expect(t, id, tables, []any{"item"})
	}},
	{"the same text imported twice is carried out twice", func(t *testing.T, u *user, e deploy.Exports) {
		id := u.database(t, "CREATE TABLE item (id INTEGER)")
		for range 2 {
			if err := u.imports(e, id, "INSERT INTO item VALUES (1);\n"); err != nil {
				t.Fatal(err)
			}
		}
		u.expect(t, id, "SELECT count(*) FROM item", []any{int64(2)})
	}},
	{"a text of another length than was said is not imported", func(t *testing.T, u *user, e deploy.Exports) {
		id := u.database(t)
		if err := e.Import(u.ctx, id, strings.NewReader("CREATE TABLE a (x);"), 5); err == nil {
			t.Error("it was imported")
		}
		u.expect(t, id, tables)
	}},
	{"a writer that fails ends the export with its error", func(t *testing.T, u *user, e deploy.Exports) {
		id := u.database(t, "CREATE TABLE item (id INTEGER)")
		if err := e.Export(u.ctx, id, full{}); !errors.Is(err, errFull) {
			t.Errorf("got %v", err)
		}
	}},
	{"an id that nobody has is said to be none", func(t *testing.T, u *user, e deploy.Exports) {
		for _, id := range []string{"", "00000000-0000-4000-8000-000000000000"} {
			if err := e.Export(u.ctx, id, &bytes.Buffer{}); !errors.Is(err, deploy.ErrNoDatabase) {
				t.Errorf("export: %v", err)
			}
			var rejected *deploy.RejectedError
			if err := u.imports(e, id, "SELECT 1;"); !errors.Is(err, deploy.ErrNoDatabase) || !errors.As(err, &rejected) {
				t.Errorf("import: %v", err)
			}
		}
	}},
	{"a call whose context has ended does nothing", func(t *testing.T, u *user, e deploy.Exports) {
		id := u.database(t, "CREATE TABLE item (id INTEGER)")
		ended, cancel := context.WithCancel(u.ctx)
		cancel()
		for call, err := range map[string]error{
			"Export": e.Export(ended, id, &bytes.Buffer{}),
			"Import": e.Import(ended, id, strings.NewReader("DROP TABLE item;"), 16),
		} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v; want context.Canceled", call, err)
			}
		}
		u.expect(t, id, tables, []any{"item"})
	}},
}

// listening counts how often it heard of the preparation.
type listening struct {
	bytes.Buffer
	heard int
}

// Preparing implements deploy.ExportProgress.
func (l *listening) Preparing(string) { l.heard++ }

var errFull = errors.New("the disk is full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
