package deploy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"towline/deploy/release"
	sandbox "towline/sandbox/cloudflare"
)

// checkout writes a version into a folder, as a developer has it.
func (s *shop) checkout(name string, content files) string {
	s.t.Helper()
	dir := filepath.Join(s.t.TempDir(), name)
	for file, text := range content {
		path := filepath.Join(dir, "db", file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	return dir
}

// branched is a shop whose preview holds a migration of a branch, and rows, that production lacks.
func branched(s *shop) {
	s.t.Helper()
	s.version("v1", files{"0001_a.sql": parents})
	s.ship("v1")
	s.version("branch", files{"0001_a.sql": parents, "0002_branch.sql": "CREATE TABLE branch (id INTEGER);\n"})
	s.deploy("branch")
	s.exec(release.Preview, "INSERT INTO parent VALUES (7, 'left over')", "CREATE VIEW seen AS SELECT * FROM branch")
	s.exec(release.Production, "INSERT INTO parent VALUES (9, 'a customer')")
}

func TestAResetRebuildsPreviewFromProductionsSchemaAndTheSeed(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		branched(s)
		next := files{"0001_a.sql": parents, "0002_more.sql": "ALTER TABLE child ADD COLUMN note TEXT;\n", "seed.sql": "INSERT INTO parent VALUES (1, 'seed');\nINSERT INTO child (id, parent) VALUES (1, 1);\n"}
		s.version("main", next)
		r := s.wantsRefusal(s.deploy("main"), release.CodeMissing)
		if r.Facts["environment"] != "preview" || len(r.Items) != 1 || !strings.HasPrefix(r.Items[0], "0002_branch.sql") {
			t.Errorf("%v %v", r.Items, r.Facts)
		}
		run := s.reset("main")
		s.wants(run, release.Done)
		s.holds(release.Preview, tables, "child", "d1_migrations", "parent")
		s.holds(release.Preview, "SELECT name FROM sqlite_master WHERE type = 'view'")
		s.holds(release.Preview, ledger, "0001_a.sql", "0002_more.sql")
		s.holds(release.Preview, "SELECT name FROM parent", "seed") // and nobody's data
		s.holds(release.Preview, "SELECT name FROM pragma_table_info('child')", "id", "parent", "note")
		if len(run.Notes) != 0 {
			t.Errorf("notes %q", run.Notes)
		}
		s.wants(s.ended(s.approve(s.promote(0), robin)), release.Done)
		s.holds(release.Production, "SELECT name FROM parent ORDER BY id", "p", "a customer")
		// What production's files were is known on preview now.
		s.version("edited", files{"0001_a.sql": parents + "SELECT 1;\n", "0002_more.sql": next["0002_more.sql"]})
		s.wantsRefusal(s.deploy("edited"), release.CodeEdited)
	})
}

func TestAResetOfANewProjectMakesPreview(t *testing.T) {
	s := newShop(t)
	s.version("v1", counted)
	run := s.reset("v1")
	s.wants(run, release.Done)
	s.holds(release.Preview, "SELECT n FROM count", "11")
	// Asked for again it is done again, though nothing is pending.
	s.exec(release.Preview, "UPDATE count SET n = 5")
	s.wants(s.reset("v1"), release.Done)
	s.holds(release.Preview, "SELECT n FROM count", "11")
}

func TestASeedThatFailsLeavesPreviewAsItWas(t *testing.T) {
	for name, c := range map[string]struct {
		seed string
		code release.Code
	}{
		"found by the rehearsal": {"INSERT INTO parent VALUES (1, 'x');\nINSERT INTO nowhere VALUES (1);\n", release.CodeRehearsalFailed},
		"cannot be read":         {"INSERT INTO parent VALUES (1, 'x')\n", release.CodeBadMigration},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			branched(s)
			s.version("main", files{"0001_a.sql": parents, "seed.sql": c.seed})
			s.api.Forget()
			r := s.wantsRefusal(s.reset("main"), c.code)
			if r.Facts["file"] != "seed.sql" || r.Facts["line"] == "" {
				t.Errorf("facts %v", r.Facts)
			}
			if len(s.api.Writes()) != 0 {
				t.Errorf("writes %v", s.api.Writes())
			}
			s.holds(release.Preview, tables, "branch", "child", "d1_migrations", "parent")
		})
	}
}

func TestAResetThatIsRefusedOnTheWayForgetsNothingOfPreview(t *testing.T) {
	s := newShop(t)
	branched(s)
	s.version("main", files{"0001_a.sql": parents})
	s.api.Inject(sandbox.Fault{Writes: true, Path: "/query", Reply: sandbox.APIError(400, 7500, "no such table: x: SQLITE_ERROR")})
	s.wants(s.reset("main"), release.Broken)
	s.version("branch", files{"0001_a.sql": parents, "0002_branch.sql": "CREATE TABLE branch (id TEXT);\n"})
	s.wantsRefusal(s.deploy("branch"), release.CodeEdited)
}
