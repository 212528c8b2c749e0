package layout_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations/layout"
	"towline/sandbox/cloudflare"
	"towline/sandbox/cloudflare/wrangler"
	"towline/sandbox/parts"
)

// configCases are wrangler configs, good and bad, with one database each.
func configCases() []struct{ name, file, text string } {
	return []struct{ name, file, text string }{
		{"plain JSON", "wrangler.json", `{"name":"shop","d1_databases":[{"binding":"DB","database_name":"shop","database_id":"x","migrations_dir":"db"}]}`},
		{"comments in JSON", "wrangler.json", "{\n// one\n/* two , ] */\"name\":\"shop\",\n\"d1_databases\":[{\"binding\":\"DB\",\"migrations_dir\":\"a//b/../c/\",\"migrations_table\":\"t\",},],}"},
		{"what looks like a comment in a string", "wrangler.jsonc", `{"name":"shop","vars":{"a":"//"},"d1_databases":[{"binding":"DB","migrations_dir":"a/*b*/c,]"}]}`},
		{"escapes", "wrangler.jsonc", `{"d1_databases":[{"binding":"DB","migrations_dir":"\u0064b\/m","migrations_table":"\"q\""}]}`},
		{"an empty table's name", "wrangler.jsonc", `{"d1_databases":[{"binding":"DB","migrations_table":""}]}`},
		{"a key twice", "wrangler.jsonc", `{"d1_databases":[{"binding":"DB","migrations_dir":"a","migrations_dir":"b"}]}`},
		{"a comment at the very end", "wrangler.jsonc", "{\"d1_databases\":[{\"binding\":\"DB\",\"migrations_dir\":\"a\"}]} // the last line"},
		{"an unclosed comment", "wrangler.jsonc", `{"d1_databases":[{"binding":"DB"}]} /* `},
		{"a comma with nothing before it", "wrangler.jsonc", `{"d1_databases":[,{"binding":"DB"}]}`},
		{"two commas at the end", "wrangler.jsonc", `{"d1_databases":[{"binding":"DB"},,]}`},
		{"an unclosed brace", "wrangler.jsonc", `{"d1_databases":[{"binding":"DB"}]`},
		{"more behind the object", "wrangler.jsonc", `{"d1_databases":[{"binding":"DB"}]} x`},
		{"a number for the folder", "wrangler.jsonc", `{"d1_databases":[{"binding":"DB","migrations_dir":1}]}`},
		{"plain TOML", "wrangler.toml", "name = \"shop\"\n[[d1_databases]]\nbinding = \"DB\"\nmigrations_dir = \"db/m\"\nmigrations_table = 'led'\n"},
		{"CRLF and a byte order mark", "wrangler.toml", "\ufeffname = \"shop\"\r\n[[d1_databases]] # the one\r\nbinding = \"DB\"\r\nmigrations_dir = \"db\"\r\n"},
		{"an inline table", "wrangler.toml", "d1_databases = [\n  { binding = \"DB\", migrations_dir = 'db' }, # one\n]\n"},
		{"an inline table on several lines", "wrangler.toml", "d1_databases = [{ binding = \"DB\",\n migrations_dir = \"db\",\n}]\n"},
		{"dotted keys, dates and numbers around", "wrangler.toml", "vars.a.b = 1_000\nvars.c = -inf\nvars.d = [1.5e3, 0xff, true]\n[[d1_databases]]\n\"binding\" = \"DB\"\n'migrations_dir' = \"\"\"\ndb\\\n   /m\"\"\"\n[observability]\nenabled = true\n"},
		{"escapes in TOML", "wrangler.toml", `d1_databases = [{ binding = "DB", migrations_dir = "\u0064\x62", migrations_table = "a\tb" }]`},
		{"back slashes", "wrangler.toml", "[[d1_databases]]\nbinding = \"DB\"\nmigrations_dir = 'db\\m\\'\n"},
		{"what TOML 1.1 allows", "wrangler.toml", "other = { a = \"\\e\\x41\", # one\n b = 2026-11-21 10:30, c = 07:32,\n}\nd1_databases = [{ binding = \"DB\", migrations_dir = \"db\" }]"},
		{"a whole number that is too large", "wrangler.toml", "other.a = 9223372036854775808\n[[d1_databases]]\nbinding = \"DB\"\n"},
		{"a line's end that is a carriage return alone", "wrangler.toml", "other.a = 1\r[[d1_databases]]\nbinding = \"DB\"\n"},
		{"a control character in a comment", "wrangler.toml", "# \a\n[[d1_databases]]\nbinding = \"DB\"\n"},
		{"a value without quotes", "wrangler.toml", "[[d1_databases]]\nbinding = DB\n"},
		{"a key twice in TOML", "wrangler.toml", "[[d1_databases]]\nbinding = \"DB\"\nbinding = \"DB\"\n"},
		{"a table twice", "wrangler.toml", "[vars]\n[vars]\n[[d1_databases]]\nbinding = \"DB\"\n"},
		{"a string over the line's end", "wrangler.toml", "[[d1_databases]]\nbinding = \"DB\n\"\n"},
		{"two keys on a line", "wrangler.toml", "a = 1 b = 2\n"},
		{"a leading zero", "wrangler.toml", "[vars]\na = 01\n"},
		{"a table over a list of tables", "wrangler.toml", "[[d1_databases]]\nbinding = \"DB\"\n[d1_databases]\n"},
		{"an inline table made longer", "wrangler.toml", "vars = {a = 1}\nvars.b = 2\n[[d1_databases]]\nbinding = \"DB\"\n"},
		{"a table below one of a list", "wrangler.toml", "[[d1_databases]]\nbinding = \"DB\"\n[[env.x.d1_databases]]\nbinding = \"DB\"\n[env.x.vars]\na = 1\n"},
	}
}

// answers are what wrangler makes of things.
type answers struct {
	// configs are the databases of each config, nil for a refusal.
	configs []*[]struct {
		Dir   *string `json:"migrations_dir"`
		Table string  `json:"migrations_table"`
	}
	// lists are the migrations that are pending in each project.
	lists [][]string
}

// asking is a program for Node. It loads wrangler as it is, lets it read configs, and then runs `wrangler d1 migrations list` in one folder after
// another. All of it is one process, since each start takes a second and more: the command is the function main of wrangler's, which is
// called here as wrangler itself would call it.
const asking = `
	const { Module } = require("node:module"), fs = require("node:fs"), path = require("node:path");
	const [, library, asked] = process.argv, { configs, projects } = JSON.parse(asked);
	const cli = new Module(library);
	cli.filename = library;
	cli.paths = Module._nodeModulePaths(path.dirname(library));
	cli._compile(fs.readFileSync(library, "utf8") + "\nexports.main = main;", library);
	const read = configs.map((config) => {
		try { return cli.exports.unstable_readConfig({ config }, { hideWarnings: true }).d1_databases } catch { return null }
	});
	console.log("\nresult:" + JSON.stringify(read));
	(async () => {
		for (const project of projects) {
			process.chdir(project);
			console.log("\nresult:");
			await cli.exports.main(["d1", "migrations", "list", "shop", "--remote"]);
		}
		process.exit(0);
	})().catch((e) => { console.error(e); process.exit(1) });`

// ask lets wrangler itself read configs, and say what it would apply in projects.
func (s server) ask(t *testing.T, configs, projects []string) answers {
	t.Helper()
	library := filepath.Join(filepath.Dir(parts.Wrangler(t)[1]), "..", "wrangler-dist", "cli.js")
	asked, err := json.Marshal(map[string][]string{"configs": configs, "projects": projects})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), parts.Node(t), "-e", asking, library, string(asked))
	cmd.Env, cmd.Dir = s.Env(t), t.TempDir()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s%s", err, out, &stderr)
	}
	results := strings.Split(string(out), "\nresult:")[1:]
	var a answers
	if len(results) != 1+len(projects) {
		t.Fatalf("%d results: %s", len(results), out)
	}
	if err := json.Unmarshal([]byte(results[0]), &a.configs); err != nil || len(a.configs) != len(configs) {
		t.Fatalf("%v in %s", err, results[0])
	}
	name := regexp.MustCompile(`(?m)^[│|]\s*(\S.*?\.sql)\s*[│|]\s*$`)
	for _, table := range results[1:] {
		var all []string
		for _, row := range name.FindAllStringSubmatch(table, -1) {
			all = append(all, row[1])
		}
		a.lists = append(a.lists, all)
	}
	return a
}

func TestWranglerReadsConfigsAndFoldersTheSameWay(t *testing.T) {
	server := serve(t)
	root := t.TempDir()
	var configs, projects []string
	for i, c := range configCases() {
		file := filepath.Join(root, "configs", fmt.Sprint(i), c.file)
		write(t, file, c.text)
		configs = append(configs, file)
	}
	for i, pattern := range patterns() {
		project := filepath.Join(root, "projects", fmt.Sprint(i))
		text := fmt.Sprintf(`{"d1_databases": [{"binding": "DB", "database_name": "shop", "database_id": %q, "migrations_dir": "./db"`, server.database)
		if pattern != "" {
			text += fmt.Sprintf(`, "migrations_pattern": %q`, "db/"+pattern)
		}
		write(t, filepath.Join(project, "wrangler.json"), text+"}]}")
		for _, f := range manyFiles() {
			write(t, filepath.Join(project, "db", filepath.FromSlash(f)), "")
		}
		projects = append(projects, project)
	}
	theirs := server.ask(t, configs, projects)
	for i, c := range configCases() {
		t.Run("the config: "+c.name, func(t *testing.T) {
			l, err := layout.Find(os.DirFS(filepath.Dir(configs[i])), layout.Options{})
			want := theirs.configs[i]
			if want == nil || len(*want) == 0 {
				if err == nil {
					t.Errorf("wrangler refuses it, and here it was read as %+v", l)
				}
				return
			}
			dir, table := "migrations", (*want)[0].Table
			if given := (*want)[0].Dir; given != nil {
				dir = path.Clean(strings.ReplaceAll(*given, `\`, "/"))
			}
			if table == "" {
				table = "d1_migrations"
			}
			if err != nil || l.Dir != dir || l.Table != table {
				t.Errorf("read %q and %q, %v; wrangler reads %q and %q", l.Dir, l.Table, err, dir, table)
			}
		})
	}
	refused := 0
	for _, config := range theirs.configs {
		if config == nil || len(*config) == 0 {
			refused++
		}
	}
	if refused < 8 || refused > len(configs)*2/3 {
		t.Errorf("wrangler refused %d of %d: the comparison says little", refused, len(configs))
	}
	for i, pattern := range patterns() {
		t.Run(strings.ReplaceAll("the pattern "+pattern, "/", "|"), func(t *testing.T) { sameFiles(t, projects[i], theirs.lists[i]) })
	}
}

// sameFiles compares the migrations of a project with those that wrangler finds.
func sameFiles(t *testing.T, project string, want []string) {
	t.Helper()
	if len(want) < 2 {
		t.Fatalf("wrangler lists %q, which says little", want)
	}
	l, err := layout.Find(os.DirFS(project), layout.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, names(t, project, l)); diff != "" {
		t.Error(diff)
	}
	for _, name := range want {
		if down := l.DownPath(name); down != "" && strings.HasPrefix(down, "db/") && l.Matches(strings.TrimPrefix(down, "db/")) {
			t.Errorf("wrangler would apply the DOWN file %s", down)
		}
	}
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// manyFiles are the files of a folder in which every pattern finds something.
func manyFiles() []string {
	return []string{
		"0001_a.sql", "0002_b.sql", "0002_b.down.sql", "10_c.sql", "9-d.sql", "x.sql", "X.SQL", ".hidden.sql", "0003_e.txt", "note",
		"down/0001_a.sql", "down/deep/0002_b.sql", "up/0004_f.sql", "up/0005_g.up.sql", "up/.0006.sql", ".git/0007.sql",
		"20260101000000_h/migration.sql", "20260101000000_h/snapshot.json", "20260101000000_h/down.sql", "20251201000000_i/migration.sql",
		"node/deeper/still/0008_j.sql", "meta/_journal.json", "a{b}/1.sql", "[c]/1.sql", "folder.sql/1.sql",
	}
}

// patterns are some of the kinds that are read.
func patterns() []string {
	return []string{
		"", "*/migration.sql", "**/*.sql", "*/!(down|0004_*).sql", "{,*/}00[!1-3]?_*.sql", "{[0-9]*.sql,{up,down}/**/*.sql,**/0*_@(a|f|j).sql,**/0*_[g-z]?(.up).sql}",
	}
}

// names are the ledger's names of a project's migrations.
func names(t *testing.T, project string, l layout.Layout) []string {
	t.Helper()
	c, err := layout.Read(os.DirFS(project), l)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range c.Files {
		all = append(all, f.Name)
	}
	return all
}

// server is a local Cloudflare with one database, shop, for wrangler to ask.
type server struct {
	wrangler.Server
	database string
}

func serve(t *testing.T) server {
	t.Helper()
	s := wrangler.Server{AccountID: strings.Repeat("0a", 16), Token: "local"}
	parts.Wrangler(t)
	c, err := cloudflare.New(cloudflare.Options{AccountID: s.AccountID, Token: s.Token})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(c)
	t.Cleanup(func() {
		h.Close()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	s.URL = h.URL + "/client/v4"
	return server{s, created(t, s)}
}

func created(t *testing.T, s wrangler.Server) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/accounts/"+s.AccountID+"/d1/database", strings.NewReader(`{"name": "shop"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	req.Header.Set("Authorization", "Bearer "+s.Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct{ Result struct{ UUID string } }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.Result.UUID == "" {
		t.Fatalf("no database was made: %v", err)
	}
	return answer.Result.UUID
}
