package cloudflare_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"towline/sandbox/cloudflare/wrangler"
)

func TestAnUnmodifiedWranglerExportsAndImports(t *testing.T) {
	onBothServers(t, func(t *testing.T, server wrangler.Server) {
		s := newShell(t, server)
		path := create(t, server, "wrangler-from")
		create(t, server, "wrangler-to")
		query(t, server, path, "CREATE TABLE a(id INTEGER PRIMARY KEY, x); CREATE INDEX i ON a(x) WHERE id > 1; INSERT INTO a(x) VALUES ('it''s'), (hex(zeroblob(600000))), (2.5)")
		config := func(name string) {
			wrangler.Configure(t, s.dir, name, databaseID(t, server, name), s.dir)
		}
		config("wrangler-from")
		file := filepath.Join(s.dir, "dump.sql")
		s.run(t, "d1", "export", "wrangler-from", "--remote", "--output", file)
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), `INSERT INTO "a" ("id","x") VALUES(1,'it''s');`) || !strings.HasSuffix(string(text), "CREATE INDEX i ON a(x) WHERE id > 1;\n") {
			t.Fatalf("%v, %d bytes", err, len(text))
		}
		small := strings.Replace(string(text), strings.Repeat("0", 1_200_000), strings.Repeat("0", 90_000), 1) // D1 takes no statement over 100 KB
		if err := os.WriteFile(file, []byte(small), 0o600); err != nil {
			t.Fatal(err)
		}
		config("wrangler-to")
		out := s.run(t, "d1", "execute", "wrangler-to", "--remote", "--file", file, "--yes")
		if !strings.Contains(out, "queries in") && !strings.Contains(out, "Total queries executed") {
			t.Errorf("wrangler said %s", out)
		}
		if g := query(t, server, databases(server)+"/"+databaseID(t, server, "wrangler-to"), "SELECT sum(id) AS s, count(*) AS n FROM a"); !strings.Contains(g.text, `{"s":6,"n":3}`) {
			t.Error(g.text)
		}
		stdout, stderr, exit := wrangler.Run(t, s.env, s.dir, "d1", "execute", "wrangler-to", "--remote", "--file", file, "--yes")
		if exit == 0 || !strings.Contains(stdout+stderr, "already exists") {
			t.Errorf("a second time: exit %d, %s%s", exit, stdout, stderr)
		}
		var info struct {
			Written float64 `json:"rows_written_24h"`
		}
		if s.json(t, &info, "d1", "info", "wrangler-to", "--json"); info.Written < 3 {
			t.Errorf("wrangler reads %v rows written from analytics", info.Written)
		}
	})
}

func TestWranglerSaysWhyADatabaseIsNotExported(t *testing.T) {
	onBothServers(t, func(t *testing.T, server wrangler.Server) {
		s := newShell(t, server)
		path := create(t, server, "wrangler-fts")
		query(t, server, path, "CREATE VIRTUAL TABLE f USING fts5(body)")
		wrangler.Configure(t, s.dir, "wrangler-fts", databaseID(t, server, "wrangler-fts"), s.dir)
		stdout, stderr, exit := wrangler.Run(t, s.env, s.dir, "d1", "export", "wrangler-fts", "--remote", "--output", filepath.Join(s.dir, "dump.sql"))
		if exit == 0 || !strings.Contains(stdout+stderr, "D1 Export error: cannot export databases with Virtual Tables (fts5)") {
			t.Errorf("exit %d, %s%s", exit, stdout, stderr)
		}
	})
}
