package dump_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations/dump"
	"towline/migrations/sqlite"
)

// rich is a database with everything that an export cannot take or has lost.
func rich() []string {
	random := rand.New(rand.NewPCG(1, 2))
	list := []string{
		`CREATE TABLE notes(id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT, body TEXT, upper_title TEXT GENERATED ALWAYS AS (upper(title)) VIRTUAL)`,
		`CREATE TABLE "od""d; name"(rowid TEXT, "a b" REAL, raw BLOB)`,
		`CREATE TABLE pairs(a TEXT, b INTEGER, c TEXT, PRIMARY KEY (b DESC, a)) WITHOUT ROWID`,
		`CREATE TABLE users(id INTEGER PRIMARY KEY, boss INTEGER REFERENCES users(id), big INTEGER)`,
		`CREATE VIEW shouting AS SELECT id, upper(title) AS title FROM notes`,
		`CREATE VIRTUAL TABLE own USING fts5(title, body)`,
		`CREATE VIRTUAL TABLE over USING fts5(title, body, content='notes', content_rowid=id)`,
		`CREATE VIRTUAL TABLE viewed USING fts5(title, content = "shouting", content_rowid = id)`,
		`CREATE VIRTUAL TABLE bare USING fts5(title, content='')`,
		`CREATE VIRTUAL TABLE words USING fts5vocab(own, row)`,
		`CREATE VIRTUAL TABLE area USING rtree(id, x0, x1)`,
		`CREATE INDEX notes_title ON notes(title) WHERE title IS NOT NULL`,
		`INSERT INTO notes(title, body) VALUES ('First', 'one` + "\n\r" + `two; ''three'''), ('Second', NULL), (x'ff', 'not utf-8: ' || CAST(x'c328' AS TEXT)), ('nul', 'a' || char(0) || 'b')`,
		`INSERT INTO notes(title, body) SELECT 'long', replace(hex(zeroblob(150000)), '00', 'é;''')`,
		`INSERT INTO notes(title) VALUES ('gone')`, `DELETE FROM notes WHERE title = 'gone'`,
		`INSERT INTO pairs VALUES ('x', 9007199254740993, 'y'), ('x', -9223372036854775808, NULL), ('y', 9007199254740993, 'z'), ('''', 9223372036854775807, '')`,
		`INSERT INTO users VALUES (1, 2, 9007199254740993), (2, 1, -1), (9223372036854775807, NULL, 0)`,
		`INSERT INTO own(rowid, title, body) VALUES (7, 'tow', 'line'), (70000000000, 'over', 'sea')`,
		`INSERT INTO own(own, rank) VALUES ('automerge', 8)`,
		`INSERT INTO over(over) VALUES ('rebuild')`, `INSERT INTO viewed(viewed) VALUES ('rebuild')`,
		`INSERT INTO bare(rowid, title) VALUES (1, 'hidden words'), (2, 'words')`,
		`INSERT INTO area VALUES (1, 0.5, 1.5), (2, -3, 4)`,
		`INSERT INTO "od""d; name" VALUES ('r', 9e999, zeroblob(0)), (NULL, -9e999, randomblob(40000)), ('s', 1.0, x'27')`,
		`CREATE TRIGGER notes_ai AFTER INSERT ON notes BEGIN INSERT INTO over(rowid, title, body) VALUES (new.id, new.title, new.body); END`,
		`CREATE TRIGGER shout INSTEAD OF DELETE ON shouting BEGIN DELETE FROM notes WHERE id = old.id; END`,
	}
	numbers := 300
	if testing.Short() { // under the race detector a statement takes twenty times as long
		numbers = 20
	}
	for range numbers {
		f := math.Float64frombits(random.Uint64())
		if !math.IsNaN(f) && !math.IsInf(f, 0) {
			list = append(list, fmt.Sprintf(`INSERT INTO "od""d; name"("a b") VALUES (%.17g)`, f))
		}
	}
	return list
}

// source is a database under D1's profile, in a file at path.
func source(t *testing.T, path string, statements ...string) dump.Source {
	t.Helper()
	c, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Transaction(t.Context(), func() error { // one write to the disk
		for _, sql := range statements {
			if _, err := c.Exec(t.Context(), sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	objects, err := c.Objects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dump.Source{Objects: objects, Query: func(ctx context.Context, sql string) ([][]any, error) {
		res, err := c.Exec(ctx, sql)
		return res.Rows, err
	}}
}

func TestWhatWasWrittenLoadsAsItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "source.db")
	from := source(t, path, rich()...)
	var text bytes.Buffer
	written, err := dump.Write(t.Context(), &text, from)
	if err != nil {
		t.Fatal(err)
	}
	if written.Bytes != int64(text.Len()) || len(written.Moving) > 0 || !cmp.Equal(written.Raw, []string{"bare"}) || !cmp.Equal(written.Long, []string{"notes"}) {
		t.Errorf("%+v", written)
	}
	loadedPath, loaded, err := load(t, text.String())
	if err != nil {
		t.Fatalf("%v\n%.3000s", err, text.String())
	}
	if loaded.Late != 0 {
		t.Errorf("%d objects came too early", loaded.Late)
	}
	sameContents(t, path, loadedPath)
	contents, err := dump.Verify(t.Context(), loadedPath)
	if err != nil || !contents.Sound() {
		t.Errorf("%v %v %v", err, contents.Damage, contents.Orphans)
	}
	if len(contents.Objects) != len(from.Objects) {
		t.Errorf("%d objects of %d", len(contents.Objects), len(from.Objects))
	}
	for sql, want := range map[string][]any{
		"SELECT rowid FROM own WHERE own MATCH 'sea'":                      {int64(70000000000)},
		"SELECT rowid FROM over WHERE over MATCH 'first'":                  {int64(1)},
		"SELECT rowid FROM viewed WHERE viewed MATCH 'second'":             {int64(2)},
		"SELECT rowid FROM bare WHERE bare MATCH 'words' ORDER BY 1":       {int64(1), int64(2)},
		"SELECT v FROM own_config WHERE k = 'automerge'":                   {int64(8)},
		"SELECT id FROM area WHERE x0 < 0":                                 {int64(2)},
		"SELECT seq FROM sqlite_sequence":                                  {int64(6)},
		"SELECT hex(title), hex(substr(body, 12)) FROM notes WHERE id = 3": {"FF", "C328"},
		"SELECT hex(body) FROM notes WHERE id = 4":                         {"610062"},
		"SELECT count(*) FROM words":                                       {int64(4)},
	} {
		if d := cmp.Diff(want, ask(t, loadedPath, sql)); d != "" {
			t.Errorf("%s: %s", sql, d)
		}
	}
}

func TestTheShellLoadsWhatWasWritten(t *testing.T) {
	if testing.Short() {
		t.Skip("the sqlite3 shell is another program: its tests run without -short")
	}
	path := filepath.Join(t.TempDir(), "source.db")
	from := source(t, path, rich()...)
	from.Skip = []string{"bare"} // older shells are defensive about shadow tables
	var text bytes.Buffer
	if _, err := dump.Write(t.Context(), &text, from); err != nil {
		t.Fatal(err)
	}
	loadedPath, _, err := load(t, text.String())
	if err != nil {
		t.Fatal(err)
	}
	got, err := dump.Verify(t.Context(), shell(t, text.String()))
	if err != nil {
		t.Fatal(err)
	}
	want, err := dump.Verify(t.Context(), loadedPath)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want.Tables {
		// SQLite's own reading of 17 digits may be off by the last bit; ours is not.
		if want.Tables[i] != got.Tables[i] && want.Tables[i].Name != `od"d; name` {
			t.Errorf("%+v, want %+v", got.Tables[i], want.Tables[i])
		}
	}
}

func TestRowsAreAskedForInWindowsAlongTheKey(t *testing.T) {
	n := 3000
	if testing.Short() {
		n = 600
	}
	from := source(t, ":memory:", "CREATE TABLE t(a, b)", "CREATE TABLE k(a TEXT PRIMARY KEY, b) WITHOUT ROWID",
		fmt.Sprintf("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < %d) INSERT INTO t SELECT x, printf('%%200d', x) FROM n", n),
		"INSERT INTO k SELECT 'k' || a, b FROM t")
	ask, longest, windows := from.Query, 0, 0
	from.Query = func(ctx context.Context, sql string) ([][]any, error) {
		rows, err := ask(ctx, sql)
		size := 0
		for _, row := range rows {
			s, _ := row[0].(string)
			size += len(s)
		}
		longest, windows = max(longest, size), windows+1
		if strings.Contains(sql, "json_array") {
			plan, err := ask(ctx, "EXPLAIN QUERY PLAN "+sql)
			if err != nil || strings.Contains(fmt.Sprint(plan), "TEMP B-TREE") || strings.Contains(sql, ">") && !strings.Contains(fmt.Sprint(plan), "SEARCH") && strings.Contains(sql, "WHERE (") {
				t.Errorf("%s: %v %v", sql, plan, err)
			}
		}
		return rows, err
	}
	var text bytes.Buffer
	written, err := dump.Write(t.Context(), &text, from)
	if err != nil || written.Rows != int64(2*n) {
		t.Fatal(written, err)
	}
	if longest > 1<<20 || windows > 60 {
		t.Errorf("%d bytes in one answer, %d questions", longest, windows)
	}
}

func TestATableThatChangesWhileItIsCopiedIsNamed(t *testing.T) {
	from := source(t, ":memory:", "CREATE TABLE t(a)", "CREATE TABLE u(a)", "INSERT INTO t VALUES (1), (2)")
	ask := from.Query
	from.Query = func(ctx context.Context, sql string) ([][]any, error) {
		rows, err := ask(ctx, sql)
		if strings.Contains(sql, `json_array`) && strings.Contains(sql, `"t"`) {
			_, err = ask(ctx, "INSERT INTO t VALUES (3)")
		}
		return rows, err
	}
	var text bytes.Buffer
	written, err := dump.Write(t.Context(), &text, from)
	if err != nil || !cmp.Equal(written.Moving, []string{"t"}) {
		t.Errorf("%+v %v", written, err)
	}
}

func TestAQuestionThatFailsEndsTheCopy(t *testing.T) {
	from := source(t, ":memory:", "CREATE TABLE t(a)", "INSERT INTO t VALUES (1)")
	ask, broken := from.Query, errors.New("broken")
	for k := range 6 {
		n := 0
		from.Query = func(ctx context.Context, sql string) ([][]any, error) {
			if n++; n > k {
				return nil, broken
			}
			return ask(ctx, sql)
		}
		if _, err := dump.Write(t.Context(), &bytes.Buffer{}, from); (err == nil) != (k > 4) || err != nil && !errors.Is(err, broken) {
			t.Errorf("failing after %d: %v (%d asked)", k, err, n)
		}
	}
}
