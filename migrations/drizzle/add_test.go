package drizzle_test

import (
	"encoding/json"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
	"towline/migrations/drizzle"
	"towline/migrations/layout"
	"towline/migrations/sqlite"
)

func noon() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

// add makes a migration in a project of files, with the same time and id every time.
func add(t testing.TB, files map[string]string, m drizzle.Migration) (drizzle.Written, error) {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	l, err := layout.Find(fsys, layout.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := layout.Read(fsys, l)
	if err != nil && len(files) > 1 {
		t.Fatal(err)
	}
	return drizzle.Add(t.Context(), drizzle.Project{FS: fsys, Layout: l, Files: c.Files}, m, drizzle.Options{Now: noon, Random: strings.NewReader(strings.Repeat("0123456789abcdef", 2))})
}

const (
	config = "export default {\n  schema: './schema.ts',\n  out: './drizzle',\n};\n"
	id     = "30313233-3435-4637-b839-616263646566"
)

func TestTheFirstMigrationBeginsJournalAndSnapshots(t *testing.T) {
	w, err := add(t, map[string]string{"drizzle.config.ts": config}, drizzle.Migration{Name: "first", SQL: []byte("CREATE TABLE t(id INTEGER PRIMARY KEY);\nCREATE INDEX i ON t(id); -- last\n"), Down: []byte("DROP TABLE t;")})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range w.Files {
		got[f.Path] = string(f.Data)
		if f.Replace {
			t.Errorf("%s cannot be there yet", f.Path)
		}
	}
	want := map[string]string{
		"drizzle/0000_first.sql":      "CREATE TABLE t(id INTEGER PRIMARY KEY);\n--> statement-breakpoint\nCREATE INDEX i ON t(id); -- last\n",
		"drizzle/down/0000_first.sql": "DROP TABLE t;",
		"drizzle/meta/_journal.json": `{
  "version": "7",
  "dialect": "sqlite",
  "entries": [
    {
      "idx": 0,
      "version": "6",
      "when": 1795262400000,
      "tag": "0000_first",
      "breakpoints": true
    }
  ]
}`,
	}
	var snapshot struct{ ID, PrevID, Version string }
	if err := json.Unmarshal([]byte(got["drizzle/meta/0000_snapshot.json"]), &snapshot); err != nil || snapshot.ID != id || snapshot.PrevID != "00000000-0000-0000-0000-000000000000" || snapshot.Version != "6" {
		t.Errorf("%v: %+v", err, snapshot)
	}
	delete(got, "drizzle/meta/0000_snapshot.json")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// journaled is a project with one migration in its journal.
func journaled() map[string]string {
	return map[string]string{
		"drizzle.config.ts": config, "drizzle/0000_a.sql": "CREATE TABLE a(id INTEGER PRIMARY KEY, n TEXT);\nCREATE TABLE hidden(x);\n",
		"drizzle/meta/_journal.json":      `{"version":"7","dialect":"sqlite","entries":[{"idx":0,"version":"6","when":9000000000000,"tag":"0000_a","breakpoints":true}]}`,
		"drizzle/meta/0000_snapshot.json": `{"version":"6","dialect":"sqlite","id":"one","prevId":"zero","tables":{"a":{"name":"a","columns":{"id":{"name":"id","type":"integer","primaryKey":true,"notNull":true,"autoincrement":false},"n":{"name":"n","type":"text","primaryKey":false,"notNull":false,"autoincrement":false}},"indexes":{},"foreignKeys":{},"compositePrimaryKeys":{},"uniqueConstraints":{},"checkConstraints":{}}},"views":{},"enums":{},"_meta":{"schemas":{},"tables":{"x":"y"},"columns":{}},"internal":{"indexes":{}},"later":1}`,
		"schema.ts":                       "export const things = sqliteTable(\"a\", {\n  id: integer().primaryKey(),\n  label: text(\"n\", { enum: [\"x\"] }).unique(),\n});\n",
	}
}

func TestTheSchemaFilesOwnWordsAreKept(t *testing.T) {
	w, err := add(t, journaled(), drizzle.Migration{Name: "b", SQL: []byte(`
CREATE TABLE copy AS SELECT * FROM a;
DROP TABLE a;
CREATE TABLE a(id INTEGER PRIMARY KEY, n TEXT NOT NULL DEFAULT 'x');
INSERT INTO a SELECT * FROM copy;
DROP TABLE copy;
CREATE TABLE b(id INTEGER PRIMARY KEY, a INTEGER REFERENCES a, at TEXT DEFAULT (datetime('now')));
ALTER TABLE hidden ADD COLUMN y;
CREATE VIRTUAL TABLE f USING fts5(n);
`)})
	if err != nil {
		t.Fatal(err)
	}
	const want = `In schema.ts:

// imports, where they are not there yet
import { sql } from "drizzle-orm";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

// a: change column n
  label: text("n", { enum: ["x"] }).notNull().default("x").unique(),

// new table b
export const b = sqliteTable("b", {
  id: integer("id").primaryKey(),
  a: integer("a").references(() => things.id),
  at: text("at").default(sql` + "`(datetime('now'))`" + `),
});

// hidden is not in Drizzle's snapshot; it stays outside of schema and snapshot.

// f is a virtual table, which Drizzle's schema language cannot describe; it stays outside of schema and snapshot.
`
	if diff := cmp.Diff(want, w.Change.String()); diff != "" {
		t.Error(diff)
	}
	files := map[string]string{}
	for _, f := range w.Files {
		files[path.Base(f.Path)] = string(f.Data)
	}
	if strings.Contains(files["0001_snapshot.json"], `"x": "y"`) {
		t.Error("what was renamed on the way to the last snapshot is said of this one")
	}
	for _, keep := range []string{`"prevId": "one"`, `"later": 1`} {
		if !strings.Contains(files["0001_snapshot.json"], keep) {
			t.Errorf("the snapshot lacks %s:\n%s", keep, files["0001_snapshot.json"])
		}
	}
	if strings.Contains(files["0001_snapshot.json"], "hidden") {
		t.Error("a table that Drizzle does not know got into its snapshot")
	}
	if !strings.Contains(files["_journal.json"], `"when": 9000000000001`) {
		t.Errorf("the entry is not dated behind the one before it:\n%s", files["_journal.json"])
	}
}

func TestAFolderThatDoesNotRunWholeIsFollowedAsFarAsItRuns(t *testing.T) {
	files := journaled()
	files["drizzle/0000_a.sql"] = "ALTER TABLE gone ADD COLUMN x;\n" + files["drizzle/0000_a.sql"] + "PRAGMA defer_foreign_keys = ON;\nCREATE TABLE c(a REFERENCES a);\nINSERT INTO c VALUES (7);\n"
	w, err := add(t, files, drizzle.Migration{Name: "b", SQL: []byte("ALTER TABLE a ADD COLUMN z INTEGER;\n")})
	if err != nil || w.Skipped != 2 || len(w.Change.Edits) != 1 || w.Change.Edits[0].Code != `  z: integer("z"),` {
		t.Errorf("%v, %d skipped, %+v", err, w.Skipped, w.Change.Edits)
	}
	_, err = add(t, files, drizzle.Migration{Name: "b", SQL: []byte("SELECT 1;\nALTER TABLE gone ADD COLUMN z;\n")})
	if refused, ok := errors.AsType[*sqlite.Error](err); !ok || !strings.Contains(err.Error(), "0001_b.sql:2: ") || !strings.Contains(err.Error(), "2 statements of the migrations before it") {
		t.Errorf("%v, %v", err, refused)
	}
}

// People write migrations by hand, and leave journal and snapshots as they are.
func TestASnapshotCatchesUpWithMigrationsThatHaveNone(t *testing.T) {
	files := journaled()
	files["drizzle/0001_by_hand.sql"] = "CREATE TABLE late(id INTEGER PRIMARY KEY);\nALTER TABLE a ADD COLUMN m TEXT;\n"
	for _, c := range []struct {
		name, without string
		note          string
		tables        []string
	}{
		{"without an entry", "", "no snapshot of what 0001_by_hand.sql did", []string{"a", "late", "z"}},
		{"without the last snapshot", "drizzle/meta/0000_snapshot.json", "no snapshot of what 0000_a.sql and 0001_by_hand.sql did", []string{"a", "hidden", "late", "z"}},
		{"without a journal", "drizzle/meta/_journal.json", "no snapshot of what 0000_a.sql and 0001_by_hand.sql did", []string{"a", "hidden", "late", "z"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := maps.Clone(files)
			delete(files, c.without)
			fsys := fstest.MapFS{}
			for name, text := range files {
				fsys[name] = &fstest.MapFile{Data: []byte(text)}
			}
			l := layout.Layout{Kind: layout.DrizzleJournal, Dir: "drizzle", Pattern: "*.sql", DrizzleConfig: "drizzle.config.ts"}
			content, err := layout.Read(fsys, l)
			if err != nil {
				t.Fatal(err)
			}
			w, err := drizzle.Add(t.Context(), drizzle.Project{FS: fsys, Layout: l, Files: content.Files}, drizzle.Migration{Name: "z", SQL: []byte("CREATE TABLE z(id INTEGER PRIMARY KEY);")},
				drizzle.Options{Now: noon, Random: strings.NewReader("0123456789abcdef")})
			if err != nil || len(w.Change.Edits) != 1 || w.Change.Edits[0].Table != "z" || len(w.Change.Notes) != 1 || !strings.Contains(w.Change.Notes[0], c.note) {
				t.Fatalf("%v: %+v", err, w.Change)
			}
			var snapshot struct{ Tables map[string]any }
			for _, f := range w.Files {
				if strings.HasSuffix(f.Path, "_snapshot.json") {
					if err := json.Unmarshal(f.Data, &snapshot); err != nil {
						t.Fatal(err)
					}
				}
			}
			if diff := cmp.Diff(c.tables, slices.Sorted(maps.Keys(snapshot.Tables))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// drizzle-kit's migrations.prefix names files and snapshots by the time, and it takes the last snapshot by name for the newest.
func TestSnapshotsNamedByTheTimeAreFollowed(t *testing.T) {
	files := map[string]string{}
	for name, text := range journaled() {
		files[strings.NewReplacer("0000_", "20260101000000_").Replace(name)] = strings.ReplaceAll(text, "0000_a", "20260101000000_a")
	}
	w, err := add(t, files, drizzle.Migration{Name: "b", SQL: []byte("CREATE TABLE b(id INTEGER PRIMARY KEY);\n")})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range w.Files {
		paths = append(paths, f.Path)
	}
	if diff := cmp.Diff([]string{"drizzle/20261121120000_b.sql", "drizzle/meta/20261121120000_snapshot.json", "drizzle/meta/_journal.json"}, paths); diff != "" {
		t.Error(diff)
	}
	if len(w.Change.Edits) != 1 || w.Change.Edits[0].Table != "b" || len(w.Change.Notes) > 0 {
		t.Errorf("%+v", w.Change)
	}
}

func TestWhatCannotBeFollowedIsRefused(t *testing.T) {
	folders := map[string]string{
		"drizzle.config.ts": config, "drizzle/20260101000000_a/migration.sql": "", "drizzle/20260101000000_a/snapshot.json": `{"version":"7","dialect":"sqlite","id":"a","prevIds":["0"],"ddl":[],"renames":[]}`,
	}
	with := func(files map[string]string, more ...string) map[string]string {
		files = maps.Clone(files)
		for i := 0; i < len(more); i += 2 {
			if more[i+1] == "-" {
				delete(files, more[i])
				continue
			}
			files[more[i]] = more[i+1]
		}
		return files
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		sql   string
		want  string
	}{
		{"a folder that is not Drizzle's", map[string]string{"migrations/0001_a.sql": "", "x": ""}, "SELECT 1;", "no folder of Drizzle's"},
		{"SQL that does not end", journaled(), "SELECT 1", "0001_b.sql:1"},
		{"a journal that cannot be read", with(journaled(), "drizzle/meta/_journal.json", "{"), "SELECT 1;", "_journal.json:1:"},
		{"an old snapshot", with(journaled(), "drizzle/meta/0000_snapshot.json", `{"version":"5","dialect":"sqlite"}`), "SELECT 1;", "drizzle-kit up"},
		{"a snapshot of another database", with(journaled(), "drizzle/meta/0000_snapshot.json", `{"version":"7","dialect":"postgresql"}`), "SELECT 1;", "is not sqlite"},
		{"a snapshot that cannot be read", with(journaled(), "drizzle/meta/0000_snapshot.json", `[`), "SELECT 1;", "0000_snapshot.json: "},
		{"an old snapshot of a folder", with(folders, "drizzle/20260101000000_a/snapshot.json", `{"version":"6","dialect":"sqlite","id":"a"}`), "SELECT 1;", "drizzle-kit up"},
		{"two last snapshots", with(folders, "drizzle/20260102000000_b/migration.sql", "", "drizzle/20260102000000_b/snapshot.json", `{"version":"7","dialect":"sqlite","id":"b","prevIds":["0"],"ddl":[]}`), "SELECT 1;", "stand side by side"},
		{"snapshots in a circle", with(folders, "drizzle/20260101000000_a/snapshot.json", `{"version":"7","dialect":"sqlite","id":"a","prevIds":["a"],"ddl":[]}`), "SELECT 1;", "in a circle"},
		{"folders that wrangler does not find", with(folders, "drizzle/0001_old.sql", "SELECT 1;", "wrangler.json", `{"d1_databases":[{"binding":"DB","migrations_dir":"drizzle"}]}`), "SELECT 1;", "set migrations_pattern to drizzle/*/migration.sql"},
		{"a newest snapshot of no migration", with(journaled(), "drizzle/meta/0009_snapshot.json", "{}"), "SELECT 1;", "belongs to no entry"},
		{"a snapshot by the time before one by its number", with(journaled(), "drizzle/meta/_journal.json", strings.ReplaceAll(journaled()["drizzle/meta/_journal.json"], "0000_a", "9_a"), "drizzle/9_a.sql", journaled()["drizzle/0000_a.sql"], "drizzle/0000_a.sql", "-",
			"drizzle/meta/9_snapshot.json", journaled()["drizzle/meta/0000_snapshot.json"], "drizzle/meta/0000_snapshot.json", "-"), "SELECT 1;", "for newer than"},
		{"a name of nothing", journaled(), "", "letters and digits"},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := "b"
			if c.sql == "" {
				name = "?"
			}
			w, err := add(t, c.files, drizzle.Migration{Name: name, SQL: []byte(c.sql)})
			if err == nil || !strings.Contains(err.Error(), c.want) || len(w.Files) > 0 {
				t.Errorf("%v does not say %q; wrote %+v", err, c.want, w.Files)
			}
		})
	}
}

func TestAForeignKeyThatLeadsNowhereIsLeftOut(t *testing.T) {
	w, err := add(t, journaled(), drizzle.Migration{Name: "b", SQL: []byte("CREATE TABLE b(x REFERENCES nowhere, y REFERENCES hidden, FOREIGN KEY (x, y) REFERENCES a);\n")})
	if err != nil || len(w.Change.Edits) != 1 || strings.Contains(w.Change.Edits[0].Code, "eference") {
		t.Errorf("%v: %+v", err, w.Change.Edits)
	}
}

// FuzzAdd lets a project have anything in place of what drizzle-kit writes, and in its schema file.
func FuzzAdd(f *testing.F) {
	files := journaled()
	f.Add(files["drizzle/meta/_journal.json"], files["drizzle/meta/0000_snapshot.json"], files["schema.ts"], "ALTER TABLE a ADD COLUMN z INTEGER;")
	f.Add(files["drizzle/meta/_journal.json"], files["drizzle/meta/0000_snapshot.json"], files["schema.ts"], "DROP TABLE a; CREATE TABLE a(n CHECK (n > 1), g AS (n || ')') STORED, UNIQUE(n, g)); CREATE INDEX i ON a(lower(n) DESC) WHERE n IN (1, 2); CREATE VIEW v AS SELECT 1 AS x;")
	f.Add(`{"entries":[{"idx":0,"tag":"0000_a"}]}`, `{"version":"6","dialect":"sqlite","tables":[],"views":null}`, "const a = sqliteTable('a', { n: text('n').default('", "ALTER TABLE a RENAME COLUMN n TO m;")
	f.Fuzz(func(t *testing.T, journal, snapshot, source, sql string) {
		files := journaled()
		files["drizzle/meta/_journal.json"], files["drizzle/meta/0000_snapshot.json"], files["schema.ts"] = journal, snapshot, source
		w, err := add(t, files, drizzle.Migration{Name: "b", SQL: []byte(sql)})
		if err != nil {
			return
		}
		for _, file := range w.Files {
			if strings.HasSuffix(file.Path, ".json") && !json.Valid(file.Data) {
				t.Errorf("%s is no JSON: %s", file.Path, file.Data)
			}
		}
	})
}

// Breakpoints stand between statements and nowhere else, so that both Drizzle and SQLite see the same ones.
func FuzzBreakpoints(f *testing.F) {
	for _, s := range []string{"SELECT 1; SELECT 2;", "SELECT 1 /* ; */ ; SELECT ';';", "CREATE TRIGGER g AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END;\nSELECT 3;", "-- x\n;;SELECT 1;;\n-- towline:allow X\nSELECT 2;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		before, err := migrations.Split("x", []byte(sql))
		if err != nil || strings.Contains(sql, "--> statement-breakpoint") {
			return
		}
		text := string(drizzle.WithBreakpoints("x", []byte(sql)))
		after, err := migrations.Split("x", []byte(text))
		if err != nil || len(after) != len(before) {
			t.Fatalf("%v: %d statements became %d in %q", err, len(before), len(after), text)
		}
		for i := range after {
			if after[i].SQL != before[i].SQL {
				t.Errorf("%q became %q", before[i].SQL, after[i].SQL)
			}
		}
		pieces := strings.Split(text, "--> statement-breakpoint")
		for i, piece := range pieces {
			if list, err := migrations.Split("x", []byte(piece)); len(before) > 1 && (err != nil || len(list) != 1) {
				t.Errorf("piece %d of %q has %d statements, %v", i, text, len(list), err)
			}
		}
	})
}
