package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"towline/migrations/layout"
)

// inProject runs a command that needs nothing from outside but a project's folder.
func inProject(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, func(string) string { return "" }, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// projectFolder makes a folder with files.
func projectFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestNewWritesTheNextPairIntoTheLayoutThatIsThere(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		args  []string
		want  string // what is printed
	}{
		{"an empty project", nil, nil, "migrations/0001_add_email.sql\nmigrations/down/0001_add_email.sql\n"},
		{"numbered files", map[string]string{"migrations/009_a.sql": "", "migrations/010_b.sql": ""}, nil, "migrations/011_add_email.sql\nmigrations/down/011_add_email.sql\n"},
		{"wrangler's folder", map[string]string{"wrangler.toml": "[[d1_databases]]\nbinding = \"DB\"\nmigrations_dir = \"db/m\"\n", "db/m/1_a.sql": ""}, nil,
			"db/m/2_add_email.sql\ndb/m/down/2_add_email.sql\n"},
		{"a folder that was named", map[string]string{"sql/0000_a.sql": ""}, []string{"-migrations", "sql"}, "sql/0001_add_email.sql\nsql/down/0001_add_email.sql\n"},
		{"the database that was named", map[string]string{"wrangler.json": `{"d1_databases": [{"binding": "A", "database_name": "a", "migrations_dir": "a"}, {"binding": "B", "database_name": "b", "migrations_dir": "b"}]}`},
			[]string{"-database", "b"}, "b/0001_add_email.sql\nb/down/0001_add_email.sql\n"},
		{"one folder per migration", map[string]string{"wrangler.json": `{"d1_databases": [{"binding": "A", "migrations_dir": "m", "migrations_pattern": "m/*/migration.sql"}]}`, "m/0001_a/migration.sql": ""}, nil,
			"m/0002_add_email/migration.sql\nm/0002_add_email/down.sql\n"},
		{"everything below a folder", map[string]string{"wrangler.json": `{"d1_databases": [{"binding": "A", "migrations_dir": "m", "migrations_pattern": "m/**/*.sql"}]}`, "m/x/0001_a.sql": ""}, nil,
			"m/x/0002_add_email.sql\nm-down/x/0002_add_email.sql\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := projectFolder(t, c.files)
			want := c.want
			folder, _, _ := strings.Cut(want, "/")
			if _, err := os.Stat(filepath.Join(dir, folder)); err != nil {
				want += "\nThe folder " + folder + " is new. If the project keeps its migrations elsewhere, remove it and name theirs with -migrations.\n"
			}
			code, stdout, stderr := inProject(t, "", append(append([]string{"new", "-dir", dir}, c.args...), "add email")...)
			if code != exitFine || stdout != want || stderr != "" {
				t.Fatalf("exit code %d, printed %q, %q", code, stdout, stderr)
			}
			var o layout.Options
			for i, a := range c.args {
				switch a {
				case "-migrations":
					o.Dir = c.args[i+1]
				case "-database":
					o.Databases = c.args[i+1 : i+2]
				}
			}
			l, err := layout.Find(os.DirFS(dir), o)
			if err != nil {
				t.Fatal(err)
			}
			content, err := layout.Read(os.DirFS(dir), l)
			if err != nil || len(content.Problems) > 0 || content.Files[len(content.Files)-1].Down == nil {
				t.Errorf("what was written is not a migration with its DOWN file: %v, %+v", err, content)
			}
		})
	}
}

func TestNewInADrizzleProjectSaysWhatTheSchemaFileNeeds(t *testing.T) {
	dir := projectFolder(t, map[string]string{"drizzle.config.ts": "export default {\n  schema: './schema.ts',\n  out: './drizzle',\n};\n", "schema.ts": ""})
	code, stdout, stderr := inProject(t, "CREATE TABLE shops(id INTEGER PRIMARY KEY, name TEXT NOT NULL);\nCREATE INDEX shops_name ON shops(name);\n", "new", "-dir", dir, "-sql", "-", "shops")
	if code != exitFine || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{"drizzle/0000_shops.sql\n", "drizzle/down/0000_shops.sql\n", "drizzle/meta/0000_snapshot.json\n", "drizzle/meta/_journal.json\n",
		"In schema.ts:", `export const shops = sqliteTable("shops", {`, `index("shops_name").on(t.name)`} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	if code, stdout, _ = inProject(t, "", "new", "-dir", dir, "fill"); code != exitFine || !strings.Contains(stdout, "0001_fill.sql") || !strings.Contains(stdout, "changes no table") {
		t.Errorf("exit code %d: %s", code, stdout)
	}
	if code, _, stderr = inProject(t, "ALTER TABLE nowhere ADD COLUMN x;", "new", "-dir", dir, "-sql", "-", "bad"); code != exitRefused || !strings.Contains(stderr, "no such table: nowhere") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "drizzle", "meta")); err != nil || len(entries) != 3 {
		t.Errorf("a refused migration left something behind: %v, %v", entries, err)
	}
}

func TestNewRefusesWhatWouldOverwriteOrCannotBeRead(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		args  []string
		code  int
		want  string
	}{
		{"no name", nil, nil, exitUsage, "a name is needed"},
		{"a name of nothing", nil, []string{"///"}, exitRefused, "letters and digits"},
		{"a DOWN file that is there", map[string]string{"migrations/down/0001_x.sql": ""}, []string{"x"}, exitRefused, "migrations/down/0001_x.sql is there already"},
		{"a config that cannot be read", map[string]string{"wrangler.toml": "a = = 1\n"}, []string{"x"}, exitRefused, "wrangler.toml:1:5"},
		{"a folder that is not there", nil, []string{"-dir", "/nonexistent", "x"}, exitUnknown, "there is no folder /nonexistent. Name the project's with -dir"},
		{"migrations that are not where they were said to be", map[string]string{"migrations/0000_a.sql": ""}, []string{"-migrations", "db/m", "x"}, exitUnknown, "/db/m is not there. Name another with -migrations, or make it"},
		{"a file of SQL that is not there", nil, []string{"-sql", "/nonexistent", "x"}, exitUnknown, "/nonexistent"},
		{"SQL that does not end", nil, []string{"-sql", "-", "x"}, exitRefused, "0001_x.sql:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := projectFolder(t, c.files)
			code, stdout, stderr := inProject(t, "SELECT 'x", append([]string{"new", "-dir", dir}, c.args...)...)
			if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) {
				t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
			}
			if _, err := os.Stat(filepath.Join(dir, "migrations", "0001_x.sql")); err == nil {
				t.Error("half of it was written")
			}
		})
	}
}
