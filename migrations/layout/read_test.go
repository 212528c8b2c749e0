package layout_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
	"towline/migrations/layout"
)

func in(dir, pattern string) layout.Layout {
	return layout.Layout{Kind: layout.Plain, Dir: dir, Pattern: pattern, Table: "d1_migrations"}
}

func TestDownFilesLieWhereThePatternDoesNotLook(t *testing.T) {
	for _, c := range []struct{ name, pattern, up, down string }{
		{"plain files", "*.sql", "1_a.sql", "m/down/1_a.sql"},
		{"one folder per migration", "*/migration.sql", "1_a/migration.sql", "m/1_a/down.sql"},
		{"every file of one folder per migration", "*/*.sql", "1_a/migration.sql", "m-down/1_a/migration.sql"},
		{"everything", "**/*.sql", "x/1_a.sql", "m-down/x/1_a.sql"},
		{"folders of files", "{a,b}/*.sql", "a/1_a.sql", "m/down/a/1_a.sql"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := in("m", c.pattern)
			if got := l.DownPath(c.up); got != c.down {
				t.Fatalf("DownPath is %q", got)
			}
			content, err := layout.Read(project(map[string]string{"m/" + c.up: "up", c.down: "down"}), l)
			want := []migrations.File{{Name: c.up, SQL: []byte("up"), Down: []byte("down")}}
			if diff := cmp.Diff(want, content.Files); diff != "" || err != nil || len(content.Problems) > 0 {
				t.Error(diff, err, content.Problems)
			}
		})
	}
	if got := in(".", "**/*.sql").DownPath("1_a.sql"); got != "" {
		t.Errorf("a DOWN file of a project that is all migrations belongs at %q", got)
	}
}

func TestProblemsAreFoundByReading(t *testing.T) {
	entry := func(idx, when, tag string) string {
		return `{"idx":` + idx + `,"version":"6","when":` + when + `,"tag":"` + tag + `","breakpoints":true}`
	}
	listed := func(entries ...string) string {
		return `{"version":"7","dialect":"sqlite","entries":[` + strings.Join(entries, ",") + `]}`
	}
	drizzle := layout.Layout{Kind: layout.DrizzleJournal, Dir: "m", Pattern: "*.sql"}
	folders := layout.Layout{Kind: layout.DrizzleFolders, Dir: "m", Pattern: "*/migration.sql"}
	for _, c := range []struct {
		name  string
		l     layout.Layout
		files map[string]string
		want  []string // code, file and what the text has to say
	}{
		{"none", in("m", "*.sql"), map[string]string{"m/0001_a.sql": "", "m/0002_countdown.sql": "", "m/0003_drop_down.sql": "", "m/0004_rollback.sql": "", "m/x.sql": ""}, nil},
		{"a DOWN file by its ending", in("m", "*.sql"), map[string]string{"m/0001_a.sql": "", "m/0001_a.down.sql": ""},
			[]string{"F-DOWN m/0001_a.down.sql belongs at m/down/0001_a.sql"}},
		{"a DOWN file by its ending in capitals, without its migration", in("m", "*.sql"), map[string]string{"m/0001_a.DOWN.sql": ""}, []string{"F-DOWN m/0001_a.DOWN.sql wrangler would apply it"}},
		{"a DOWN file by its number", in("m", "*.sql"), map[string]string{"m/0001_a.sql": "", "m/0001_rollback.sql": ""},
			[]string{"F-DOWN m/0001_rollback.sql wrangler would apply", "F-DUP m/0001_rollback.sql 0001_a.sql has the same number"}},
		{"DOWN files that the pattern finds", in("m", "**/*.sql"), map[string]string{"m/0001_a.sql": "", "m/down/0001_a.sql": ""}, []string{"F-DOWN m/down/0001_a.sql belongs at m-down/0001_a.sql"}},
		{"a DOWN file in a folder per migration", in("m", "*/*.sql"), map[string]string{"m/1_a/migration.sql": "", "m/1_a/down.sql": ""}, []string{"F-DOWN m/1_a/down.sql m-down/1_a/migration.sql"}},
		{"a DOWN file without its migration", in("m", "*.sql"), map[string]string{"m/0001_a.sql": "", "m/down/0001_b.sql": ""}, []string{"F-STRAY m/down/0001_b.sql no migration"}},
		{"a number twice", in("m", "*.sql"), map[string]string{"m/0001_a.sql": "", "m/1-b.sql": "", "m/01.sql": ""},
			[]string{"F-DUP m/01.sql 0001_a.sql has the same", "F-DUP m/1-b.sql 0001_a.sql has the same"}},
		{"days that files share", in("m", "*.sql"), map[string]string{"m/2026-01-02-a.sql": "", "m/2026-01-02-b.sql": "", "m/2026-03-04_c.sql": ""}, nil},
		{"a year that files share", in("m", "*.sql"), map[string]string{"m/2026-a.sql": "", "m/2026-01-021.sql": ""}, []string{"F-DUP m/2026-a.sql the same number"}},
		{"an ending that wrangler does not take", in("m", "*.sql"), map[string]string{"m/0001_a.sql": "", "m/0002_b.SQL": "", "m/.0003_c.SQL": "", "m/notes.md": "", "m/old/0000_z.SQL": ""},
			[]string{"F-CFG m/0002_b.SQL this name ends in .SQL"}},
		{"a file that was left beside folders", folders, map[string]string{"m/1_a/migration.sql": "", "m/1_a/snapshot.json": "", "m/0023_old.sql": "", "m/seed.sql": ""},
			[]string{"F-CFG m/0023_old.sql one folder each"}},
		{"folders that wrangler does not find for a file beside them", layout.Layout{Kind: layout.DrizzleFolders, Dir: "m", Pattern: "*.sql"},
			map[string]string{"m/1_a/migration.sql": "", "m/2_b/migration.sql": "", "m/3_c/migration.sql": "", "m/0023_old.sql": "", "m/archived/0001_a.sql": ""},
			[]string{`F-CFG m/3_c/migration.sql (1_a to 3_c, 3 folders): wrangler takes the .sql files beside them alone. Set "migrations_dir": "m" and "migrations_pattern": "m/*/migration.sql" in wrangler's config, and give those files`}},
		{"folders that wrangler does not find, and nothing beside them", in("m", "*.sql"), map[string]string{"m/20260102030405_a/migration.sql": "", "m/migration_lock.toml": ""},
			[]string{`F-CFG m/20260102030405_a/migration.sql "migrations_pattern": "m/*/migration.sql" in wrangler's config.`}},
		{"a number in two folders", in("m", "*/*.sql"), map[string]string{"m/a/1_x.sql": "", "m/b/1_x.sql": ""}, nil},
		{"a number of folders twice", in("m", "*/migration.sql"), map[string]string{"m/1_x/migration.sql": "", "m/1_y/migration.sql": ""}, []string{"F-DUP m/1_y/migration.sql 1_x/migration.sql"}},
		{"a journal that agrees", drizzle, map[string]string{"m/0000_a.sql": "", "m/0001_b.sql": "", "m/meta/_journal.json": listed(entry("0", "5", "0000_a"), entry("1", "6", "0001_b")), "m/meta/0001_snapshot.json": ""}, nil},
		{"a journal by the time", drizzle, map[string]string{"m/20260102030405_a.sql": "", "m/meta/_journal.json": listed(entry("0", "5", "20260102030405_a")), "m/meta/20260102030405_snapshot.json": ""}, nil},
		{"a snapshot under a name of the team's", drizzle, map[string]string{"m/0000_a.sql": "", "m/meta/_journal.json": listed(entry("0", "5", "0000_a")), "m/meta/0000_a_snapshot.json": ""}, nil},
		{"a journal by the time without the last snapshot", drizzle, map[string]string{"m/20260102030405_a.sql": "", "m/20260202030405_b.sql": "", "m/meta/_journal.json": listed(entry("0", "5", "20260102030405_a"), entry("1", "6", "20260202030405_b")),
			"m/meta/20260102030405_snapshot.json": ""}, []string{"F-JRN m/meta/20260202030405_snapshot.json is not there"}},
		{"a file without an entry", drizzle, map[string]string{"m/0000_a.sql": "", "m/0001_b.sql": "", "m/meta/_journal.json": listed(entry("0", "5", "0000_a")), "m/meta/0000_snapshot.json": ""},
			[]string{"F-JRN m/0001_b.sql no entry"}},
		{"an entry without a file", drizzle, map[string]string{"m/0000_a.sql": "", "m/meta/_journal.json": listed(entry("0", "5", "0000_a"), entry("1", "6", "0001_b")), "m/meta/0001_snapshot.json": ""},
			[]string{"F-JRN m/meta/_journal.json there is no m/0001_b.sql"}},
		{"entries out of order and twice", drizzle, map[string]string{"m/0000_a.sql": "", "m/0001_b.sql": "", "m/meta/_journal.json": listed(entry("0", "5", "0000_a"), entry("1", "4", "0001_b"), entry("2", "9", "0001_b")), "m/meta/0002_snapshot.json": ""},
			[]string{"F-JRN m/meta/_journal.json 0001_b is not dated after 0000_a", "F-JRN m/meta/_journal.json listed twice"}},
		{"a journal without the last snapshot", drizzle, map[string]string{"m/0000_a.sql": "", "m/meta/_journal.json": listed(entry("0", "5", "0000_a"))}, []string{"F-JRN m/meta/0000_snapshot.json is not there"}},
		{"an entry that was taken out, with its file and snapshot left", drizzle, map[string]string{"m/0000_a.sql": "", "m/0001_b.sql": "", "m/meta/_journal.json": listed(entry("0", "5", "0000_a")), "m/meta/0000_snapshot.json": "", "m/meta/0001_snapshot.json": ""},
			[]string{"F-JRN m/0001_b.sql no entry", "F-JRN m/meta/0001_snapshot.json m/meta/_journal.json ends with 0000_a"}},
		{"an entry twice", drizzle, map[string]string{"m/0000_a.sql": "", "m/meta/_journal.json": listed(entry("0", "5", "0000_a"), entry("0", "5", "0000_a")), "m/meta/0000_snapshot.json": ""},
			[]string{"F-JRN m/meta/_journal.json 0000_a is listed twice"}},
		{"a journal that cannot be read", drizzle, map[string]string{"m/0000_a.sql": "", "m/meta/_journal.json": "{\n\"entries\": 1}"}, []string{"F-JRN m/meta/_journal.json cannot be read"}},
		{"a folder without a snapshot", folders, map[string]string{"m/1_a/migration.sql": "", "m/1_a/snapshot.json": "", "m/2_b/migration.sql": ""}, []string{"F-JRN m/2_b/migration.sql no snapshot.json"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			content, err := layout.Read(project(c.files), c.l)
			if err != nil || len(content.Problems) != len(c.want) {
				t.Fatalf("%v, %d problems: %+v", err, len(content.Problems), content.Problems)
			}
			for i, want := range c.want {
				p := content.Problems[i]
				words := strings.SplitN(want, " ", 3)
				if p.Code != words[0] || p.File != words[1] || !strings.Contains(p.Text, words[2]) {
					t.Errorf("%+v is not %q", p, want)
				}
			}
		})
	}
}

func TestOnlyWhatWouldBeAppliedWronglyStopsARelease(t *testing.T) {
	c := layout.Content{Problems: []layout.Problem{{Code: layout.CodeDuplicate, File: "a", Text: "x"}, {Code: layout.CodeJournal, File: "b", Text: "x"}, {Code: layout.CodeConfig, File: "b", Text: "x"}}}
	if err := c.Err(); err != nil {
		t.Error(err)
	}
	c.Problems = append(c.Problems, layout.Problem{Code: layout.CodeDownAsUp, File: "c", Text: "x."}, layout.Problem{Code: layout.CodeStrayDown, File: "d", Text: "y."})
	if err := c.Err(); err == nil || err.Error() != "c: x.\nd: y." {
		t.Error(err)
	}
}

func TestAFolderThatWouldBeMisreadIsRefused(t *testing.T) {
	link := &fstest.MapFile{Mode: fs.ModeSymlink | 0o777, Data: []byte("elsewhere")}
	for _, c := range []struct {
		name    string
		pattern string
		fsys    fstest.MapFS
		want    string
	}{
		{"a missing folder", "*.sql", fstest.MapFS{"db/x": {}}, "there is no db/m"},
		{"a file in place of the folder", "*.sql", fstest.MapFS{"db/m": {}}, "db/m is not a folder"},
		{"a symbolic link to a migration", "*.sql", fstest.MapFS{"db/m/1_a.sql": link}, "db/m/1_a.sql: a symbolic link"},
		{"a symbolic link to a migration in a folder", "*/migration.sql", fstest.MapFS{"db/m/1_a/migration.sql": link}, "a symbolic link"},
		{"a symbolic link to a DOWN file", "*.sql", fstest.MapFS{"db/m/1_a.sql": {}, "db/m/down/1_a.sql": link}, "db/m/down/1_a.sql: a symbolic link"},
		{"a symbolic link to a stray DOWN file", "*.sql", fstest.MapFS{"db/m/1_a.sql": {}, "db/m/down/2_a.sql": link}, "db/m/down/2_a.sql: a symbolic link"},
		{"a link in place of the down folder", "*.sql", fstest.MapFS{"db/m/1_a.sql": {}, "db/m/down": link}, "db/m/down is a symbolic link"},
		{"a device", "*.sql", fstest.MapFS{"db/m/1_a.sql": {Mode: fs.ModeNamedPipe}}, "not an ordinary file"},
		{"a name with a line break", "*.sql", fstest.MapFS{"db/m/1_a\n.sql": {}}, "control characters"},
		{"a folder with a line break", "*/*.sql", fstest.MapFS{"db/m/1\n/a.sql": {}}, "control characters"},
		{"a pattern that is none", "[", fstest.MapFS{"db/m/1_a.sql": {}}, "it is no pattern"},
	} {
		t.Run(c.name, func(t *testing.T) {
			content, err := layout.Read(c.fsys, in("db/m", c.pattern))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v does not say %q; read %+v", err, c.want, content.Files)
			}
		})
	}
	if _, err := layout.Read(fstest.MapFS{}, in("m", "*.sql")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}

func TestALinkOnARealDiskLeadsNowhere(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "migration.sql"), "SELECT 'outside';")
	write(t, filepath.Join(root, "m", "1_a", "migration.sql"), "")
	if err := errors.Join(os.Symlink(outside, filepath.Join(root, "m", "2_b")), os.Symlink("m", filepath.Join(root, "n"))); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"m", "n"} {
		if c, err := layout.Read(os.DirFS(root), in(dir, "*/migration.sql")); err == nil || !strings.Contains(err.Error(), "symbolic link") {
			t.Errorf("%s: %v, %+v", dir, err, c.Files)
		}
	}
	if c, err := layout.Read(os.DirFS(root), in("m", "*.sql")); err != nil || len(c.Files) != 0 {
		t.Errorf("a link where the pattern does not look: %v, %+v", err, c.Files)
	}
}

func TestPatternsThatAreNotReadAreRefusedByName(t *testing.T) {
	for pattern, want := range map[string]string{
		"": "empty", "!a.sql": "begins with !", "!(a).sql": "begins with !", "#a": "begins with #", "../a.sql": "out of", "a/../b.sql": "out of", "/a": "out of", "a//b": "empty name",
		"{a}.sql": "without a comma", "{1..3}.sql": "without a comma", "{a,b.sql": "without }", "a}.sql": "without {", "[[:digit:]]*.sql": "[[:digit:]]", ".hidden/*.sql": "hidden",
		"*(a|b).sql": "not read here", "a!(b)@(c).sql": "more than one group", "*!(b).sql": "behind a wildcard", "@(a,b).sql": "comma", "**/a/**/b/**/c/**/d/**": "more than 4 **",
		strings.Repeat("a", 1001): "too long", strings.Repeat("{a,b}", 12): "too many braces",
	} {
		if _, err := layout.Read(project(map[string]string{"m/a.sql": ""}), in("m", pattern)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v does not say %q", pattern, err, want)
		}
	}
}
