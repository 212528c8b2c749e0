package deploy_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/release"
	sandbox "towline/sandbox/cloudflare"
)

// children are a parent with rows that go with it.
var children = files{
	"0001_users.sql": "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, fax TEXT);\n" +
		"CREATE TABLE sessions (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE);\n" +
		"CREATE INDEX sessions_user ON sessions(user_id);\n",
}

func TestAnErrorOfLintKeepsAReleaseFromProductionAndNotFromPreview(t *testing.T) {
	s := newShop(t)
	s.version("v1", children)
	s.ship("v1")
	s.version("v2", children.and(files{"0002_nofax.sql": "ALTER TABLE users DROP COLUMN fax;\n"}))
	run := s.deploy("v2")
	s.wants(run, release.Done)
	if len(run.Plan.Findings) == 0 || run.Plan.Findings[0].Code != "D1-DS02" || run.Plan.Findings[0].Severity != "error" {
		t.Fatalf("findings on preview %+v", run.Plan.Findings)
	}
	_, err := s.engine.Promote(t.Context(), s.request(dana), 0)
	r := refused(t, err, release.CodeLint)
	if r.Facts["rule"] != "D1-DS02" || r.Facts["file"] != "0002_nofax.sql" {
		t.Errorf("%+v", r)
	}
	if text, err := s.engine.Report(t.Context(), release.Plan{Report: r.Facts["report"]}); err != nil || !strings.Contains(string(text), "D1-DS02") || r.Facts["release"] != "2" {
		t.Errorf("the report behind it: %q, %v", text, err)
	}

	s.version("v3", children.and(files{"0002_nofax.sql": "-- towline:allow D1-DS02 reason=\"nobody has sent a fax since 2009\"\nALTER TABLE users DROP COLUMN fax;\n"}))
	s.reset("v3")
	asked := s.promote(0)
	if f := asked.Plan.Findings[0]; f.Allowed != "nobody has sent a fax since 2009" {
		t.Errorf("findings %+v", asked.Plan.Findings)
	}
	s.wants(s.ended(s.approve(asked, robin)), release.Done)
}

func TestTheConfigChangesARulesSeverity(t *testing.T) {
	s := newShop(t)
	s.configure(func(p *deploy.Project) { p.Lint.Severity = map[string]string{"D1-DS02": "warning"} })
	s.version("v1", children)
	s.ship("v1")
	s.version("v2", children.and(files{"0002_nofax.sql": "ALTER TABLE users DROP COLUMN fax;\n"}))
	s.ship("v2")
	s.holds(release.Production, ledger, "0001_users.sql", "0002_nofax.sql")
}

func TestRowsThatADirectiveAllowsToGoDoNotKeepAReleaseBack(t *testing.T) {
	s := newShop(t)
	s.version("v1", children)
	s.ship("v1")
	const drop = "DROP TABLE users;\n"
	s.version("v2", children.and(files{"0002_drop.sql": drop}))
	s.wants(s.deploy("v2"), release.Refused)
	s.version("v3", children.and(files{"0002_drop.sql": "-- towline:allow-file D1-FK01 reason=\"the shop has no users any more\"\n-- towline:allow-file D1-DS01 reason=\"the same\"\n" + drop}))
	s.wants(s.deploy("v3"), release.Done)
}

func TestADropWaitsUntilTheReleaseThatStoppedUsingItHasBeenLiveLongEnough(t *testing.T) {
	s := newShop(t)
	s.configure(func(p *deploy.Project) { p.Lint.ContractAfter = 24 * time.Hour })
	s.version("v1", children.and(files{"../src/users.ts": "db.prepare('SELECT id, name, fax FROM users');\nsessions(user_id, id)\n"}))
	s.ship("v1")
	contract := func() deploy.Contract {
		t.Helper()
		c, err := s.engine.Contract(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := contract(); !c.Known || len(c.Unused) > 0 || c.Used == 0 {
		t.Fatalf("with everything in use: %+v", c)
	}
	unused := files{"../src/users.ts": "db.prepare('SELECT id, name FROM users');\nsessions(user_id, id)\n"}
	s.version("v2", children.and(unused).and(files{"0002_note.sql": "ALTER TABLE users ADD COLUMN note TEXT;\n"}))
	s.ship("v2")
	c := contract()
	if len(c.Unused) != 2 || c.Unused[0].Column != "fax" || c.Unused[0].Unused != 2 || c.Unused[1].Column != "note" || c.Unused[1].Added != 2 {
		t.Fatalf("unused %+v", c.Unused)
	}
	drop := children.and(unused).and(files{"0002_note.sql": "ALTER TABLE users ADD COLUMN note TEXT;\n", "0003_nofax.sql": "-- towline:contract of=0001\nALTER TABLE users DROP COLUMN fax;\n"})
	s.version("v3", drop)
	s.wants(s.deploy("v3"), release.Done)
	if _, err := s.engine.Promote(t.Context(), s.request(dana), 0); err == nil {
		t.Fatal("a column was dropped an hour after its last use")
	}
	s.later(25 * time.Hour)
	s.wants(s.ended(s.approve(s.promote(0), robin)), release.Done)
	if c := contract(); len(c.Unused) != 1 || c.Unused[0].Column != "note" {
		t.Errorf("after the drop %+v", c.Unused)
	}
}

func TestTheLedgersTableIsTheOneThatWranglersConfigNames(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.configure(func(p *deploy.Project) { p.Migrations = "" })
		config := `{"d1_databases": [{"binding": "DB", "database_name": "` + s.projects()[0].Production + `", "database_id": "x", "migrations_dir": "sql", "migrations_table": "applied"}]}`
		s.version("v1", files{"../wrangler.json": config, "../sql/0001_a.sql": "CREATE TABLE a (id INTEGER);\n"})
		s.ship("v1")
		s.holds(release.Production, "SELECT name FROM applied", "0001_a.sql")
		status, err := s.engine.Status(t.Context(), "shop")
		if err != nil || status.Environments[1].Applied != 1 || len(status.Environments[1].Behind) > 0 {
			t.Errorf("status %+v, %v", status, err)
		}
	})
}

func TestAQueryThatAMigrationMakesSlowIsNamed(t *testing.T) {
	s := newShop(t)
	s.version("v1", children.and(files{"../queries/by_user.sql": "SELECT * FROM sessions WHERE user_id = ?\n"}))
	s.ship("v1")
	s.version("v2", children.and(files{"../queries/by_user.sql": "SELECT * FROM sessions WHERE user_id = ?\n", "0002_x.sql": "DROP INDEX sessions_user;\n"}))
	run := s.deploy("v2")
	s.wants(run, release.Done)
	if r := run.Plan.Rehearsal; len(r.Slower) != 1 || !strings.Contains(r.Slower[0], "by_user") || !strings.Contains(r.Slower[0], "SCAN") {
		t.Errorf("slower %+v", r.Slower)
	}
	text, err := s.engine.Report(t.Context(), *run.Plan)
	if err != nil || !strings.Contains(string(text), "by_user") {
		t.Errorf("report %s, %v", text, err)
	}
}

// full is a table that some rows of production do not fit into.
var full = files{"0001_orders.sql": "CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT);\nINSERT INTO orders (state) VALUES ('new'), ('paid'), ('lost');\n"}

func TestAReleaseIsRehearsedOnACopyOfProductionsDataWhereTheProjectAllowsIt(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.copies = true
		s.start()
		s.configure(func(p *deploy.Project) { p.Rehearse = deploy.Rehearse{Data: true, MaxSize: 1e9, MaxAge: time.Hour} })
		s.version("v1", full)
		s.ship("v1")
		s.version("v2", full.and(files{"0002_state.sql": "CREATE TABLE o2 (id INTEGER PRIMARY KEY, state TEXT CHECK (state IN ('new', 'paid')));\n" +
			"INSERT INTO o2 (id, state) SELECT id, state FROM orders;\nDROP TABLE orders;\nALTER TABLE o2 RENAME TO orders;\n"}))
		s.deploy("v2")
		_, err := s.engine.Promote(t.Context(), s.request(dana), 0)
		if err == nil {
			t.Fatal("rows that the new table refuses were not found")
		}
		s.version("v3", full.and(files{"0002_state.sql": "ALTER TABLE orders ADD COLUMN note TEXT DEFAULT '';\n"}))
		s.reset("v3")
		run := s.promote(0)
		if r := run.Plan.Rehearsal; !r.Data || r.CopyAt.IsZero() || r.NoCopy != "" {
			t.Errorf("rehearsed on %+v", r)
		}
		s.wants(s.ended(s.approve(run, robin)), release.Done)
		if entries, err := os.ReadDir(s.path + ".copies"); err != nil || len(entries) != 2 {
			t.Errorf("in the folder of copies: %v, %v", entries, err)
		}
	})
}

func TestWhatTheDataRefusesStandsInThePlan(t *testing.T) {
	s := newShop(t)
	s.copies = true
	s.start()
	s.configure(func(p *deploy.Project) { p.Rehearse = deploy.Rehearse{Data: true, MaxAge: time.Hour} })
	s.version("v1", full)
	s.ship("v1")
	s.version("v2", full.and(files{"0002_city.sql": "ALTER TABLE orders ADD COLUMN city TEXT;\nUPDATE orders SET city = json_extract(state, '$.city') WHERE state = 'lost';\n"}))
	s.reset("v2")
	r := s.promote(0).Plan.Rehearsal
	if !r.Data || !strings.Contains(r.Fails, "0002_city.sql line 2: malformed JSON") {
		t.Errorf("rehearsal %+v", r)
	}
	if r.RowsRead+r.RowsWritten != 0 {
		t.Errorf("what the statements before the refused one cost is no figure of the release: %+v", r)
	}
}

func TestWhyThereIsNoCopyOfTheDataIsSaid(t *testing.T) {
	s := newShop(t)
	s.copies = true
	s.start()
	s.version("v1", full)
	s.ship("v1")
	s.version("v2", full.and(files{"0002_a.sql": "ALTER TABLE orders ADD COLUMN a TEXT;\n"}))
	s.wants(s.deploy("v2"), release.Done)
	closed := deploy.Hours{From: time.Duration((s.now().UTC().Hour()+2)%24) * time.Hour, To: time.Duration((s.now().UTC().Hour()+3)%24) * time.Hour}
	for _, c := range []struct {
		name     string
		rehearse deploy.Rehearse
		why      string
	}{
		{"nobody asked for one", deploy.Rehearse{}, ""},
		{"too large", deploy.Rehearse{Data: true, MaxSize: 1}, deploy.NoCopyTooLarge},
		{"not in these hours", deploy.Rehearse{Data: true, Hours: closed}, deploy.NoCopyHours},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.configure(func(p *deploy.Project) { p.Rehearse = c.rehearse })
			if r := s.promote(0).Plan.Rehearsal; r.Data || r.NoCopy != c.why {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestTheDatabaseIsComparedWithTheRehearsalAfterwards(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.version("v1", full)
		s.ship("v1")
		s.version("v2", full.and(files{"0002_a.sql": "ALTER TABLE orders ADD COLUMN a TEXT;\nCREATE INDEX orders_state ON orders(state);\n"}))
		run := s.ship("v2")
		if c := run.Compared; c == nil || c.Problem != "" || len(c.Differences) > 0 || c.Tables != 1 || c.Rows != 3 {
			t.Errorf("compared %+v", run.Compared)
		}
		if run.Point.Rows["orders"] != 3 {
			t.Errorf("rows at the restore point %v", run.Point.Rows)
		}
	})
}

func TestRowsThatATriggerTakesAreCounted(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.version("v1", full.and(files{"0001_t.sql": "CREATE TABLE users (id INTEGER PRIMARY KEY, seen TEXT);\nINSERT INTO users (id) VALUES (1);\n"}))
		s.ship("v1")
		s.version("v2", full.and(files{"0001_t.sql": "CREATE TABLE users (id INTEGER PRIMARY KEY, seen TEXT);\nINSERT INTO users (id) VALUES (1);\n",
			"0002_t.sql": "CREATE TRIGGER users_seen AFTER UPDATE ON users BEGIN DELETE FROM orders WHERE state = 'paid'; END;\nUPDATE users SET seen = 'x' WHERE id = 1;\n"}))
		run := s.ship("v2")
		want := []release.Rows{{Table: "orders", Before: 3, After: 2}}
		if c := run.Compared; c == nil || len(c.Differences) > 0 || !slices.Equal(c.Changed, want) {
			t.Errorf("compared %+v", c)
		}
	})
}

func TestRowsThatOthersAddMeanwhileAreNoMismatchAndRowsThatAreGoneAreOne(t *testing.T) {
	for _, c := range []struct {
		name, sql          string
		differences, grown int
	}{
		{"somebody inserts", "INSERT INTO orders (state) VALUES ('new')", 0, 1},
		{"rows are gone", "DELETE FROM orders WHERE id = 1", 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t)
			s.version("v1", full)
			s.ship("v1")
			s.version("v2", full.and(files{"0002_a.sql": "ALTER TABLE orders ADD COLUMN a TEXT;\n"}))
			s.wants(s.deploy("v2"), release.Done)
			run := s.promote(0)
			s.api.Inject(sandbox.Fault{Writes: true, Path: "/query", Body: "ADD COLUMN a", Before: func(context.Context) { s.exec(release.Production, c.sql) }})
			run = s.ended(s.approve(run, robin))
			s.wants(run, release.Done)
			if got := run.Compared; got == nil || len(got.Differences) != c.differences || len(got.Grown) != c.grown {
				t.Errorf("compared %+v", got)
			}
		})
	}
}

func TestACopyIsTakenInTheHoursThatAProjectNamesAndServesOutsideOfThem(t *testing.T) {
	s := newShop(t)
	s.version("v1", full)
	s.ship("v1")
	s.version("v2", full.and(files{"0002_a.sql": "ALTER TABLE orders ADD COLUMN a TEXT;\n"}))
	s.wants(s.deploy("v2"), release.Done)
	hour := time.Duration(s.now().UTC().Hour()) * time.Hour
	s.copies = true
	s.configure(func(p *deploy.Project) {
		p.Rehearse = deploy.Rehearse{Data: true, MaxAge: time.Hour, Hours: deploy.Hours{From: hour, To: (hour + 2*time.Hour) % (24 * time.Hour)}}
	})
	s.start()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for range look.C {
		if _, err := os.Stat(s.path + ".copies/shop.db.json"); err == nil {
			break
		}
	}
	s.later(12 * time.Hour)
	if r := s.promote(0).Plan.Rehearsal; !r.Data || s.now().Sub(r.CopyAt) < 11*time.Hour {
		t.Errorf("%+v", r)
	}
}
