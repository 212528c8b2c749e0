package layout_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"towline/migrations/layout"
)

// d1 is an entry of d1_databases in JSON, from pairs of keys and values.
func d1(pairs ...string) string {
	fields := []string{`"binding": "DB"`}
	for i := 0; i < len(pairs); i += 2 {
		fields = append(fields, `"`+pairs[i]+`": "`+pairs[i+1]+`"`)
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

const journal = `{"version":"7","dialect":"sqlite","entries":[]}`

func TestTheConfigsSayWhereTheMigrationsAre(t *testing.T) {
	kit := "import { defineConfig } from 'drizzle-kit'\nexport default defineConfig({\n  // out: './old',\n  out: './db/drizzle',\n})\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		o     layout.Options
		want  layout.Layout
	}{
		{"the JSON counts before the JSONC and the TOML", map[string]string{
			"wrangler.json": `{"d1_databases": [` + d1("migrations_dir", "a") + `]}`, "wrangler.jsonc": `{"d1_databases": [` + d1("migrations_dir", "b") + `]}`, "wrangler.toml": "",
		}, layout.Options{}, layout.Layout{Kind: layout.Plain, Dir: "a", Pattern: "*.sql", Table: "d1_migrations", Config: "wrangler.json"}},
		{"a config without D1", map[string]string{"wrangler.toml": "name = 'x'\n"}, layout.Options{},
			layout.Layout{Kind: layout.Plain, Dir: "migrations", Pattern: "*.sql", Table: "d1_migrations", Config: "wrangler.toml"}},
		{"a table and a pattern", map[string]string{
			"wrangler.jsonc": `{"d1_databases": [` + d1("migrations_dir", "./db/", "migrations_pattern", "db/*/up.sql", "migrations_table", "ledger") + `]}`,
		}, layout.Options{}, layout.Layout{Kind: layout.Plain, Dir: "db", Pattern: "*/up.sql", Table: "ledger", Config: "wrangler.jsonc"}},
		{"the database by its name", map[string]string{
			"wrangler.jsonc": `{"d1_databases": [` + d1("database_name", "logs", "migrations_dir", "logs") + "," + d1("database_name", "shop", "migrations_dir", "shop") + `]}`,
		}, layout.Options{Databases: []string{"shop-preview", "shop"}}, layout.Layout{Kind: layout.Plain, Dir: "shop", Pattern: "*.sql", Table: "d1_migrations", Config: "wrangler.jsonc"}},
		{"the database by its id, in an environment", map[string]string{
			"wrangler.jsonc": `{"d1_databases": [` + d1("migrations_dir", "a") + `], "env": {"preview": {"d1_databases": [` + d1("database_id", "1234", "migrations_dir", "b", "migrations_table", "m") + `]}}}`,
		}, layout.Options{Databases: []string{"1234"}}, layout.Layout{Kind: layout.Plain, Dir: "b", Pattern: "*.sql", Table: "m", Config: "wrangler.jsonc"}},
		{"the name that wrangler makes up where none is given", map[string]string{
			"wrangler.toml": "name = 'shop'\n[[d1_databases]]\nbinding = 'MAIN_DB'\nmigrations_dir = 'a'\n[[d1_databases]]\nbinding = 'LOGS'\nmigrations_dir = 'b'\n",
		}, layout.Options{Databases: []string{"shop-main-db"}}, layout.Layout{Kind: layout.Plain, Dir: "a", Pattern: "*.sql", Table: "d1_migrations", Config: "wrangler.toml"}},
		{"environments that agree", map[string]string{
			"wrangler.toml": "[[d1_databases]]\nbinding = 'DB'\nmigrations_dir = 'db'\n[[env.production.d1_databases]]\nbinding = 'DB'\nmigrations_dir = 'db'\n",
		}, layout.Options{}, layout.Layout{Kind: layout.Plain, Dir: "db", Pattern: "*.sql", Table: "d1_migrations", Config: "wrangler.toml"}},
		{"Towline's folder wins, and has wrangler's pattern and table if it is wrangler's too", map[string]string{
			"wrangler.jsonc": `{"d1_databases": [` + d1("migrations_dir", "a", "migrations_table", "ta") + "," + d1("migrations_dir", "b", "migrations_pattern", "b/*/*.sql", "migrations_table", "tb") + `]}`,
		}, layout.Options{Dir: "b/"}, layout.Layout{Kind: layout.Plain, Dir: "b", Pattern: "*/*.sql", Table: "tb", Config: "wrangler.jsonc"}},
		{"Towline's folder wins over wrangler's other one", map[string]string{"wrangler.jsonc": `{"d1_databases": [` + d1("migrations_dir", "a", "migrations_table", "ta") + `]}`},
			layout.Options{Dir: "b"}, layout.Layout{Kind: layout.Plain, Dir: "b", Pattern: "*.sql", Table: "d1_migrations", Config: "wrangler.jsonc"}},
		{"a Worker in a folder of its own", map[string]string{"apps/api/wrangler.toml": "[[d1_databases]]\nbinding = 'DB'\nmigrations_dir = '../../db'\nmigrations_table = 'x'\n[[d1_databases]]\nbinding = 'E'\nmigrations_dir = 'sql'\nmigrations_table = 'y'\n"},
			layout.Options{Dir: "apps/api/sql"}, layout.Layout{Kind: layout.Plain, Dir: "apps/api/sql", Pattern: "*.sql", Table: "y", Config: "apps/api/wrangler.toml"}},
		{"a config that was named", map[string]string{"wrangler.toml": "name = 'other'\n", "apps/api/my.toml": "[[d1_databases]]\nbinding = 'DB'\nmigrations_dir = '../../db'\nmigrations_table = 'x'\n"},
			layout.Options{Config: "apps/api/my.toml"}, layout.Layout{Kind: layout.Plain, Dir: "db", Pattern: "*.sql", Table: "x", Config: "apps/api/my.toml"}},
		{"Drizzle's journal in wrangler's folder", map[string]string{
			"wrangler.jsonc": `{"d1_databases": [` + d1("migrations_dir", "drizzle") + `]}`, "drizzle/meta/_journal.json": journal,
		}, layout.Options{}, layout.Layout{Kind: layout.DrizzleJournal, Dir: "drizzle", Pattern: "*.sql", Table: "d1_migrations", Config: "wrangler.jsonc"}},
		{"drizzle-kit's folder where wrangler has none", map[string]string{"drizzle.config.ts": kit, "db/drizzle/meta/_journal.json": journal},
			layout.Options{}, layout.Layout{Kind: layout.DrizzleJournal, Dir: "db/drizzle", Pattern: "*.sql", Table: "d1_migrations", DrizzleConfig: "drizzle.config.ts"}},
		{"a folder per migration", map[string]string{"drizzle.config.ts": "export default {}", "drizzle/20260101000000_a/migration.sql": "", "drizzle/20260101000000_a/snapshot.json": ""},
			layout.Options{}, layout.Layout{Kind: layout.DrizzleFolders, Dir: "drizzle", Pattern: "*/migration.sql", Table: "d1_migrations", DrizzleConfig: "drizzle.config.ts"}},
		{"a folder per migration, and a file that was left there", map[string]string{"drizzle.config.ts": "export default {}", "drizzle/20260101000000_a/migration.sql": "", "drizzle/20260101000000_a/snapshot.json": "", "drizzle/0023_old.sql": ""},
			layout.Options{}, layout.Layout{Kind: layout.DrizzleFolders, Dir: "drizzle", Pattern: "*/migration.sql", Table: "d1_migrations", DrizzleConfig: "drizzle.config.ts"}},
		{"the same under wrangler, which finds the file", map[string]string{"wrangler.jsonc": `{"d1_databases": [` + d1("migrations_dir", "drizzle") + `]}`, "drizzle/20260101000000_a/migration.sql": "", "drizzle/20260101000000_a/snapshot.json": "", "drizzle/0023_old.sql": ""},
			layout.Options{}, layout.Layout{Kind: layout.DrizzleFolders, Dir: "drizzle", Pattern: "*.sql", Table: "d1_migrations", Config: "wrangler.jsonc"}},
		{"a new project with drizzle-kit before 1.0", map[string]string{"drizzle.config.ts": "export default {}", "package.json": `{"devDependencies": {"drizzle-kit": "^0.31.0"}}`},
			layout.Options{}, layout.Layout{Kind: layout.DrizzleJournal, Dir: "drizzle", Pattern: "*.sql", Table: "d1_migrations", DrizzleConfig: "drizzle.config.ts"}},
		{"a new project with drizzle-kit 1.0", map[string]string{"drizzle.config.ts": "export default {}", "package.json": `{"devDependencies": {"drizzle-kit": "^1.0.0-rc.5"}}`},
			layout.Options{}, layout.Layout{Kind: layout.DrizzleFolders, Dir: "drizzle", Pattern: "*/migration.sql", Table: "d1_migrations", DrizzleConfig: "drizzle.config.ts"}},
		{"plain files in drizzle-kit's folder", map[string]string{"drizzle.config.ts": "export default {}", "drizzle/0001_a.sql": ""},
			layout.Options{}, layout.Layout{Kind: layout.Plain, Dir: "drizzle", Pattern: "*.sql", Table: "d1_migrations", DrizzleConfig: "drizzle.config.ts"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := layout.Find(project(c.files), c.o)
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
}

func TestAConfigThatMeansSomethingElseThanItSaysIsAProblem(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		o     layout.Options
		dir   string
		want  string
	}{
		{"folders that wrangler's default pattern does not find", map[string]string{
			"wrangler.jsonc": `{"d1_databases": [` + d1("migrations_dir", "drizzle") + `]}`, "drizzle/20260101000000_a/migration.sql": "", "drizzle/20260101000000_a/snapshot.json": "",
		}, layout.Options{}, "drizzle", `Set "migrations_pattern": "drizzle/*/migration.sql" for DB`},
		{"a folder that is drizzle-kit's and not wrangler's", map[string]string{
			"wrangler.jsonc": `{"d1_databases": [` + d1() + `]}`, "drizzle.config.ts": "export default {}", "drizzle/meta/_journal.json": journal,
		}, layout.Options{}, "drizzle", `Set "migrations_dir": "drizzle" for DB`},
		{"two ledgers", map[string]string{"wrangler.jsonc": `{"d1_databases": [` + d1("migrations_table", "theirs") + `]}`}, layout.Options{Table: "ours"}, "migrations", "Both must name the same table"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := layout.Find(project(c.files), c.o)
			if err != nil || l.Dir != c.dir || len(l.Problems) != 1 || l.Problems[0].Code != layout.CodeConfig || !strings.Contains(l.Problems[0].Text, c.want) {
				t.Errorf("%v, %+v", err, l)
			}
		})
	}
}

func TestAConfigThatCannotBeFollowedIsRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		files fstest.MapFS
		o     layout.Options
		want  string
	}{
		{"JSON that does not parse", project(map[string]string{"wrangler.jsonc": "{\n  \"a\": 1,,\n}"}), layout.Options{}, "wrangler.jsonc:2:10"},
		{"TOML that does not parse", project(map[string]string{"wrangler.toml": "a = 1\nb = \n"}), layout.Options{}, "wrangler.toml:2:5"},
		{"JSON that ends too early", project(map[string]string{"wrangler.jsonc": "{\n  \"a\": [1"}), layout.Options{}, "wrangler.jsonc:3:1: parsing array"},
		{"JSON that is no object", project(map[string]string{"wrangler.json": "\n[]"}), layout.Options{}, "wrangler.json:2:1"},
		{"JSON that is nothing", project(map[string]string{"wrangler.json": "null"}), layout.Options{}, "wrangler.json:1:1: an object is expected"},
		{"a line separator in a comment, which wrangler reads over", project(map[string]string{"wrangler.jsonc": "{ //\u2028\n}"}), layout.Options{}, "wrangler.jsonc:1:5"},
		{"a config of nothing but brackets", project(map[string]string{"wrangler.json": strings.Repeat("[", 1<<20)}), layout.Options{}, "wrangler.json:1:1: more than 10000 brackets"},
		{"TOML of nothing but brackets", project(map[string]string{"wrangler.toml": "a = " + strings.Repeat("[", 1<<20-4)}), layout.Options{}, "wrangler.toml:1:"},
		{"a day that is not in the calendar, which wrangler reads over", project(map[string]string{"wrangler.toml": "a = 2026-02-30"}), layout.Options{}, "wrangler.toml:1:"},
		{"TOML that is not UTF-8", project(map[string]string{"wrangler.toml": "a = '\xff'"}), layout.Options{}, "wrangler.toml:1:"},
		{"databases that are no list", project(map[string]string{"wrangler.json": `{"d1_databases": {}}`}), layout.Options{}, "d1_databases is no list"},
		{"a database that is no table", project(map[string]string{"wrangler.json": `{"env": {"x": {"d1_databases": [1]}}}`}), layout.Options{}, "env.x.d1_databases[0] is no table"},
		{"an environment that is no table", project(map[string]string{"wrangler.json": `{"env": {"x": 1}}`}), layout.Options{}, "env.x is no table"},
		{"two folders", project(map[string]string{"wrangler.json": `{"d1_databases": [` + d1("database_name", "a", "migrations_dir", "x") + "," + d1("database_name", "b", "migrations_dir", "y") + `]}`}),
			layout.Options{}, "a has its migrations in x, and b in y"},
		{"two tables", project(map[string]string{"wrangler.json": `{"d1_databases": [` + d1("migrations_table", "x") + "," + d1("migrations_table", "y") + `]}`}), layout.Options{}, "different migrations_table"},
		{"two patterns", project(map[string]string{"wrangler.json": `{"d1_databases": [` + d1("migrations_dir", "m", "migrations_pattern", "m/*.sql") + "," + d1("migrations_dir", "m") + `]}`}), layout.Options{}, "different migrations_pattern"},
		{"a pattern without a folder", project(map[string]string{"wrangler.json": `{"d1_databases": [` + d1("migrations_pattern", "m/*.sql") + `]}`}), layout.Options{}, "which wrangler refuses"},
		{"a pattern of another folder", project(map[string]string{"wrangler.json": `{"d1_databases": [` + d1("migrations_dir", "m", "migrations_pattern", "n/*.sql") + `]}`}), layout.Options{}, "which wrangler refuses"},
		{"a pattern that is not read here", project(map[string]string{"wrangler.json": `{"d1_databases": [` + d1("migrations_dir", "m", "migrations_pattern", "m/+(a|b).sql") + `]}`}), layout.Options{}, "+( ) and *( ) are not read here"},
		{"a folder above the project", project(map[string]string{"wrangler.json": `{"d1_databases": [` + d1("migrations_dir", "../m") + `]}`}), layout.Options{}, "leads out of the project"},
		{"an absolute folder", project(map[string]string{"wrangler.json": `{"d1_databases": [` + d1("migrations_dir", "/m") + `]}`}), layout.Options{}, "leads out of the project"},
		{"Towline's folder above the project", fstest.MapFS{}, layout.Options{Dir: "../m"}, "not a path below the project"},
		{"a config that was named and is not there", fstest.MapFS{}, layout.Options{Config: "x.toml"}, "x.toml"},
		{"a config that was named above the project", fstest.MapFS{}, layout.Options{Config: "../x.toml"}, "not a path below the project"},
		{"a link in place of the config", fstest.MapFS{"wrangler.toml": {Mode: fs.ModeSymlink | 0o777, Data: []byte("/etc/passwd")}}, layout.Options{}, "a symbolic link"},
		{"a folder in place of the config", project(map[string]string{"wrangler.toml/x": ""}), layout.Options{}, "not an ordinary file"},
		{"a config that is far too large", project(map[string]string{"wrangler.toml": strings.Repeat("#", 1<<20+1)}), layout.Options{}, "larger than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := layout.Find(c.files, c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v does not say %q; read %+v", err, c.want, l)
			}
		})
	}
}

// A config may hold what nobody else is to read, and the error goes into a chat.
func TestAnErrorDoesNotSayWhatTheConfigHolds(t *testing.T) {
	for name, text := range map[string]string{
		"wrangler.jsonc": "{\"vars\": {\"PASSWORD\": \"hidden\\x\"}}", "wrangler.json": "{\"vars\": hidden}", "wrangler.toml": "PASSWORD = \"hidden\n",
	} {
		_, err := layout.Find(project(map[string]string{name: text}), layout.Options{})
		if err == nil || !strings.HasPrefix(err.Error(), name+":1:") || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%v", err)
		}
	}
}
