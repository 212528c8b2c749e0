package rebuild_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations/rebuild"
	"towline/sandbox/cloudflare/wrangler"
	"towline/sandbox/parts"
)

// TestAnUnmodifiedWranglerAppliesARebuild has wrangler send the files of the cases with the most to lose, all in one go.
func TestAnUnmodifiedWranglerAppliesARebuild(t *testing.T) {
	parts.Wrangler(t)
	d := openD1(t)
	server := wrangler.Server{URL: d.at.URL, AccountID: d.at.AccountID, Token: d.at.Token}
	project := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(project, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("wrangler.jsonc", fmt.Sprintf(`{"d1_databases": [{"binding": "DB", "database_name": %q, "database_id": %q}]}`, d.Name, d.ID))
	i := slices.IndexFunc(shapeCases(), func(c keepCase) bool { return c.name == "names that need quotes" })
	quoted, family := shapeCases()[i], keepCases()[7]                                                    // triggers that write and that refuse
	setUp(t, d, quoted.setup+family.setup+"CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT);") // the ledger counts so too
	before := state(d, quoted.table, quoted.kept()...)
	for n, c := range []keepCase{quoted, family} {
		r, err := rebuild.Generate(t.Context(), schema(d), c.table, c.create, c.options)
		if err != nil {
			t.Fatal(err)
		}
		write(fmt.Sprintf("migrations/000%d_rebuild.sql", n+1), r.SQL)
	}
	stdout, stderr, exit := wrangler.Run(t, server.Env(t), project, "d1", "migrations", "apply", d.Name, "--remote")
	if exit != 0 {
		t.Fatalf("wrangler ended with %d: %s%s", exit, stdout, stderr)
	}
	if n := d.query("SELECT count(*) AS n FROM d1_migrations"); n[0] != "2" {
		t.Errorf("the ledger has %s rows", n[0])
	}
	if err := d.all("DROP TABLE d1_migrations"); err != nil {
		t.Fatal(err)
	}
	plain := func(s string) []string {
		return strings.Split(strings.ReplaceAll(s, strings.ReplaceAll(family.create, `"`, ""), "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT)"), "\n")
	}
	if diff := cmp.Diff(plain(before), plain(state(d, quoted.table, quoted.kept()...))); diff != "" {
		t.Error(diff)
	}
}
