package cloudflare_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"towline/sandbox/cloudflare"
	"towline/sandbox/cloudflare/wrangler"
)

// shell runs wrangler in one project folder against one server.
type shell struct {
	server wrangler.Server
	dir    string
	env    []string
}

func newShell(t *testing.T, s wrangler.Server) *shell {
	t.Helper()
	return &shell{s, t.TempDir(), s.Env(t)}
}

// run runs a command that must succeed and returns what it printed.
func (s *shell) run(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, exit := wrangler.Run(t, s.env, s.dir, args...)
	if exit != 0 {
		t.Fatalf("wrangler %s ended with %d:\n%s\n%s", strings.Join(args, " "), exit, stdout, stderr)
	}
	return stdout
}

// json runs a command whose output is JSON.
func (s *shell) json(t *testing.T, into any, args ...string) {
	t.Helper()
	decode(t, into, s.run(t, args...))
}

// decode reads JSON, after whatever wrangler prints before it.
func decode(t *testing.T, into any, out string) {
	t.Helper()
	from := strings.IndexAny(out, "[{")
	if from < 0 {
		t.Fatalf("wrangler printed no JSON: %s", out)
	}
	if err := json.Unmarshal([]byte(out[from:]), into); err != nil {
		t.Fatalf("wrangler: %v in %s", err, out)
	}
}

// migrations writes migration files into the project.
func (s *shell) migrations(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(s.dir, "migrations")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, sql := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(sql), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func onBothServers(t *testing.T, test func(*testing.T, wrangler.Server)) {
	t.Run("local Cloudflare", func(t *testing.T) {
		t.Parallel()
		test(t, wrangler.Server{URL: serve(t, cloudflare.Options{Dir: t.TempDir()}).url(), AccountID: account(), Token: token})
	})
	t.Run("real engine", func(t *testing.T) {
		t.Parallel()
		i := engine.Get(t)
		test(t, wrangler.Server{URL: i.URL, AccountID: i.AccountID, Token: i.Token})
	})
}

// all runs commands that must succeed, in one process, and returns what each printed.
func (s *shell) all(t *testing.T, commands ...string) []string {
	t.Helper()
	var split [][]string
	for _, c := range commands {
		split = append(split, strings.Fields(c))
	}
	return wrangler.RunAll(t, s.env, s.dir, split...)
}

func TestAnUnmodifiedWranglerWorksOnIt(t *testing.T) {
	onBothServers(t, func(t *testing.T, server wrangler.Server) {
		s := newShell(t, server)
		out := s.all(t, "d1 create wrangler-shop", "d1 list --json")
		var databases []struct{ UUID, Name string }
		decode(t, &databases, out[1])
		at := slices.IndexFunc(databases, func(d struct{ UUID, Name string }) bool { return d.Name == "wrangler-shop" })
		if at < 0 {
			t.Fatalf("the new database is not in %v", databases)
		}
		id := databases[at].UUID
		dir := s.migrations(t, map[string]string{
			"0001_init.sql":   "CREATE TABLE items(id INTEGER PRIMARY KEY, name TEXT);\nINSERT INTO items(name) VALUES ('rope');\n",
			"0002_it's.sql":   "create trigger tr after insert on items begin update items set name = case when 1 then upper(new.name) end where id = new.id; end;\n",
			"0010_column.sql": "ALTER TABLE items ADD COLUMN weight REAL;\r\nINSERT INTO items(name) VALUES ('anchor');\r\n",
		})
		wrangler.Configure(t, s.dir, "wrangler-shop", id, dir)
		out = s.all(t, "d1 migrations list wrangler-shop --remote", "d1 migrations apply wrangler-shop --remote", "d1 migrations list wrangler-shop --remote",
			"d1 info wrangler-shop --json", "d1 time-travel info wrangler-shop --json")
		if before, after := wrangler.Listed(out[0]), wrangler.Listed(out[2]); len(before) != 3 || len(after) != 0 {
			t.Errorf("unapplied before %v, and after %v", before, after)
		}
		var info struct {
			UUID   string
			Tables int `json:"num_tables"`
		}
		if decode(t, &info, out[3]); info.UUID != id || info.Tables != 2 {
			t.Errorf("info: %+v", info)
		}
		var point struct{ Bookmark string }
		decode(t, &point, out[4])
		testTimeTravelByWrangler(t, s, point.Bookmark)
	})
}

// testTimeTravelByWrangler goes forward with execute and back with time-travel restore, and deletes the database.
func testTimeTravelByWrangler(t *testing.T, s *shell, point string) {
	out := wrangler.RunAll(t, s.env, s.dir,
		[]string{"d1", "execute", "wrangler-shop", "--remote", "--json", "--command", "DELETE FROM items WHERE id = 1; SELECT name FROM items"},
		[]string{"d1", "time-travel", "restore", "wrangler-shop", "--bookmark", point, "--json"},
		[]string{"d1", "delete", "wrangler-shop", "--skip-confirmation"})
	var results []struct{ Results []map[string]any }
	decode(t, &results, out[0])
	if got := fmt.Sprint(results[1].Results); got != "[map[name:ANCHOR]]" {
		t.Errorf("execute selected %s", got)
	}
	var back struct {
		Bookmark         string
		PreviousBookmark string `json:"previous_bookmark"`
	}
	decode(t, &back, out[1])
	if back.PreviousBookmark <= point || back.Bookmark <= back.PreviousBookmark {
		t.Errorf("%+v after %s", back, point)
	}
}

func TestWranglerReportsWhatTheDatabaseRefuses(t *testing.T) {
	onBothServers(t, func(t *testing.T, server wrangler.Server) {
		s := newShell(t, server)
		create(t, server, "wrangler-broken")
		id := databaseID(t, server, "wrangler-broken")
		dir := s.migrations(t, map[string]string{
			"0001_good.sql": "CREATE TABLE a(x);\n",
			"0002_it's.sql": "CREATE TABLE b(x);\nINSERT INTO nowhere VALUES (1);\n",
			"0003_next.sql": "CREATE TABLE c(x);\n",
		})
		wrangler.Configure(t, s.dir, "wrangler-broken", id, dir)
		stdout, stderr, exit := wrangler.Run(t, s.env, s.dir, "d1", "migrations", "apply", "wrangler-broken", "--remote")
		if exit == 0 || !strings.Contains(stdout+stderr, "no such table: nowhere: SQLITE_ERROR") {
			t.Errorf("exit %d, %s\n%s", exit, stdout, stderr)
		}
		if got := wrangler.MigrationsList(t, server, "wrangler-broken", id, dir); fmt.Sprint(got) != "[0002_it's.sql 0003_next.sql]" {
			t.Errorf("still unapplied: %v", got)
		}
	})
}
