package migrations_test

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
)

func TestNamesSortAsWranglerSortsThem(t *testing.T) {
	for _, c := range []struct {
		name string
		want []string // in wrangler's order
	}{
		{"the number counts, not its digits", []string{"1_a.sql", "2_a.sql", "0009_c.sql", "0010.sql", "0011_it's.sql", "zzz.sql"}},
		{"a letter behind the number does not count", []string{"0003_b.sql", "0003b_a.sql", "4_x.sql"}},
		{"a hyphen does not end the number", []string{"0018_z.sql", "0019-x.sql", "0019_a.sql", "0020.sql"}},
		{"equal numbers sort as strings", []string{"0001_A.sql", "0001_a.sql", "001_a.sql", "1_a.sql"}},
		{"names without a number come last, as strings", []string{"7_x.sql", "!x.sql", "B.sql", "_1.sql", "a1.sql", "b.sql", "é.sql"}},
		{"signs and leading blanks as parseInt reads them", []string{"-5_x.sql", "+2_x.sql", " 3_x.sql", "\u00a04_x.sql"}},
		{"times as numbers", []string{"0002_x.sql", "20250101000000_a.sql", "20261121071452_b.sql"}},
		{"hexadecimal counts as 0", []string{"0x1A_a.sql", "1_a.sql"}},
		{"folders by segment", []string{"1_a/migration.sql", "2_a/migration.sql", "2_b/1.sql", "2_b/10.sql", "x/1.sql"}},
		{"the shorter path first", []string{"1_a", "1_a/x.sql"}},
		{"beyond the numbers of JavaScript", []string{"5_a.sql", strings.Repeat("9", 400) + "_a.sql", "a.sql"}},
		{"UTF-16 order above the basic plane", []string{"\U00010000.sql", "\uff5e.sql"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := make([]string, 0, len(c.want))
			for i := range c.want {
				got = append(got, c.want[len(c.want)-1-i])
			}
			migrations.Sort(got)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			for i := 1; i < len(c.want); i++ {
				if !migrations.Less(c.want[i-1], c.want[i]) || migrations.Less(c.want[i], c.want[i-1]) {
					t.Errorf("%q is not less than %q", c.want[i-1], c.want[i])
				}
			}
		})
	}
}

func text(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

func TestAFolderIsReadInOrderWithItsDownFiles(t *testing.T) {
	got, err := migrations.Read(fstest.MapFS{
		"db/m/0010_b.sql":           text("b"),
		"db/m/9_a.sql":              text("a"),
		"db/m/later.sql":            text(""),
		"db/m/.hidden.sql":          text("no"),
		"db/m/README.md":            text("no"),
		"db/m/meta/_journal.json":   text("no"),
		"db/m/old/0001_x.sql":       text("no"),
		"db/m/folder.sql/x":         text("no"),
		"db/m/down/0010_b.sql":      text("undo b"),
		"db/m/down/later.sql":       text(""),
		"db/m/down/.0011.sql":       text("no"),
		"db/m/down/notes.txt":       text("no"),
		"db/m/down/deeper/0001.sql": text("no"),
	}, "db/m/")
	if err != nil {
		t.Fatal(err)
	}
	want := []migrations.File{
		{Name: "9_a.sql", SQL: []byte("a")},
		{Name: "0010_b.sql", SQL: []byte("b"), Down: []byte("undo b")},
		{Name: "later.sql", SQL: []byte{}, Down: []byte{}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnEmptyFolderHasNoMigrations(t *testing.T) {
	files, err := migrations.Read(fstest.MapFS{"m/README": text("")}, "m")
	if err != nil || len(files) != 0 {
		t.Errorf("got %v, %v", files, err)
	}
}

func TestAFolderThatWouldBeMisreadIsRefused(t *testing.T) {
	link := &fstest.MapFile{Mode: fs.ModeSymlink | 0o777, Data: []byte("elsewhere")}
	for _, c := range []struct {
		name string
		fsys fstest.MapFS
		want []string
	}{
		{"a missing folder", fstest.MapFS{"other/x": text("")}, []string{"there is no db"}},
		{"a missing folder below one that exists", fstest.MapFS{"db/x": text("")}, []string{"there is no db/m"}},
		{"a file in place of the folder", fstest.MapFS{"db/m": text("")}, []string{"db/m is not a folder"}},
		{"DOWN files beside the others", fstest.MapFS{"db/m/1_a.sql": text(""), "db/m/1_a.down.sql": text(""), "db/m/2_b.DOWN.sql": text("")},
			[]string{"db/m/1_a.down.sql: wrangler would apply this as a migration; a DOWN file belongs at db/m/down/1_a.sql", "db/m/2_b.DOWN.sql"}},
		{"a DOWN file without its migration", fstest.MapFS{"db/m/1_a.sql": text(""), "db/m/down/1_b.sql": text("")},
			[]string{"db/m/down/1_b.sql: there is no migration db/m/1_b.sql"}},
		{"a symbolic link to a migration", fstest.MapFS{"db/m/1_a.sql": link}, []string{"db/m/1_a.sql: a symbolic link"}},
		{"a symbolic link to a DOWN file", fstest.MapFS{"db/m/1_a.sql": text(""), "db/m/down/1_a.sql": link}, []string{"db/m/down/1_a.sql: a symbolic link"}},
		{"a link in place of the down folder", fstest.MapFS{"db/m/1_a.sql": text(""), "db/m/down": link}, []string{"db/m/down: a symbolic link"}},
		{"a file in place of the down folder", fstest.MapFS{"db/m/1_a.sql": text(""), "db/m/down": text("")}, []string{"db/m/down: not a folder"}},
		{"a device", fstest.MapFS{"db/m/1_a.sql": {Mode: fs.ModeNamedPipe}}, []string{"db/m/1_a.sql: not an ordinary file"}},
		{"a name with a line break", fstest.MapFS{"db/m/1_a\n.sql": text("")}, []string{"control characters"}},
		{"a folder per migration", fstest.MapFS{"db/m/20260101_a/migration.sql": text("")}, []string{"one folder per migration is not read"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			files, err := migrations.Read(c.fsys, "db/m")
			if err == nil {
				t.Fatalf("read %v", files)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
	if _, err := migrations.Read(fstest.MapFS{}, "../m"); err == nil {
		t.Error("a path out of the project was read")
	}
	if _, err := migrations.Read(fstest.MapFS{}, "m"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}

func TestALinkOnARealDiskLeadsNowhere(t *testing.T) {
	root := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside.sql")
	if err := errors.Join(os.WriteFile(outside, []byte("SELECT 'outside';"), 0o600), os.Mkdir(filepath.Join(root, "m"), 0o700),
		os.Symlink(outside, filepath.Join(root, "m", "0001_x.sql")), os.Symlink("m", filepath.Join(root, "n"))); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"m", "n"} {
		if _, err := migrations.Read(os.DirFS(root), dir); err == nil || !strings.Contains(err.Error(), "symbolic link") {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if _, err := migrations.Read(os.DirFS(root), "."); err != nil {
		t.Errorf("the root itself: %v", err)
	}
}
