package deploy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/release"
	sandbox "towline/sandbox/cloudflare"
	"towline/sandbox/cloudflare/wrangler"
)

var (
	orders     = counting.and(files{"0002_orders.sql": "CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT);\nALTER TABLE count ADD COLUMN extra TEXT;\n"})
	ordersDown = orders.and(files{"down/0002_orders.sql": "ALTER TABLE count DROP COLUMN extra;\nDROP TABLE orders;\n"})
)

// twoShipped is a shop with two releases on production.
func twoShipped(s *shop, one, two files) {
	s.t.Helper()
	s.version("v1", one)
	s.ship("v1")
	s.version("v2", two)
	s.ship("v2")
}

func TestARollbackByDownFilesSaysWhatItDropsAndHoldsProduction(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		twoShipped(s, counting, ordersDown)
		s.exec(release.Production, "INSERT INTO orders (note) VALUES ('a'), ('b'), ('c')")
		ask := s.rollbackBy(0, release.WayDown)
		b := ask.Plan.Back
		if ask.Release != 1 || ask.Was != 2 || b.Way != release.WayDown || !slices.Equal(b.Tables, []string{"orders"}) || !slices.Equal(b.Columns, []string{"count.extra"}) {
			t.Errorf("to #%d from #%d: %+v", ask.Release, ask.Was, b)
		}
		if !b.Price.Counted || b.Price.AtLeast != 3 || b.Price.Tables["orders"] != 3 {
			t.Errorf("price %+v", b.Price)
		}
		run := s.ended(s.approve(ask, robin))
		s.wants(run, release.Done)
		s.holds(release.Production, ledger, "0001_count.sql")
		s.holds(release.Production, tables, "count", "d1_migrations")
		if len(run.Notes) != 0 || run.Point == nil {
			t.Errorf("notes %q, point %v", run.Notes, run.Point)
		}
		state := s.state(release.Production)
		if state.Live != 1 || state.Hold == nil || state.Hold.By != dana.Person || state.Hold.Run != run.ID {
			t.Errorf("state %+v", state)
		}
		all, _ := s.engine.Releases(t.Context(), "shop", 0, 10)
		if all[0].Production != release.RolledBack || all[1].Production != release.Live {
			t.Errorf("#2 is %s, #1 is %s", all[0].Production, all[1].Production)
		}
		// The restore point leads to before the rollback.
		if _, err := s.direct.Restore(t.Context(), run.Point.DatabaseID, run.Point.Bookmark); err != nil {
			t.Fatal(err)
		}
		s.holds(release.Production, "SELECT note FROM orders", "a", "b", "c")
	})
}

func TestAHoldStopsEverythingButTheWayBackUntilItIsLifted(t *testing.T) {
	s := newShop(t)
	twoShipped(s, counting, ordersDown)
	s.version("v3", ordersDown.and(files{"0003_a.sql": "CREATE TABLE a (id INTEGER);\n"}))
	s.deploy("v3")
	waiting := s.promote(3)
	back := s.rollback(0)
	if old, _, _ := s.engine.FindRun(t.Context(), waiting.ID); old.Phase != release.Overtaken {
		t.Errorf("the promote that waited is %s", old.Phase)
	}
	s.wants(s.ended(s.approve(back, robin)), release.Done)
	r := refused(t, second2(s.engine.Promote(t.Context(), s.request(dana), 3)), release.CodeHold)
	if r.Facts["by"] != "Dana" || !strings.Contains(r.Facts["reason"], "#1") || r.Facts["since"] == "" {
		t.Errorf("facts %v", r.Facts)
	}
	refused(t, s.engine.Unhold(t.Context(), s.request(dana), release.Production, ""), release.CodeNeedsReason)
	refused(t, s.engine.Unhold(t.Context(), deploy.Request{Project: "shop", By: sam}, release.Production, "x"), release.CodeUnknownPerson)
	forward := s.ended(s.approve(s.rollback(2), robin)) // what one does while holding
	s.wants(forward, release.Done)
	s.holds(release.Production, ledger, "0001_count.sql", "0002_orders.sql")
	s.unhold()
	refused(t, s.engine.Unhold(t.Context(), s.request(dana), release.Production, "again"), release.CodeNoHold)
	s.wants(s.ended(s.approve(s.promote(3), robin)), release.Done)
	if log := s.audited(); !slices.Contains(log, "unhold the cause is found") {
		t.Errorf("the log lacks the reason: %q", log)
	}
}

func TestAHoldThatComesBetweenTheRequestAndTheApprovalIsHeard(t *testing.T) {
	s := newShop(t)
	twoShipped(s, counting, ordersDown)
	back := s.approve(s.rollback(0), robin)
	s.wants(s.ended(back), release.Done)
	s.unhold()
	ask := s.promote(2)
	err := s.records.Deploy().Update(t.Context(), func(tx deploy.Tx) error {
		state := tx.State("shop", release.Production)
		state.Hold = &release.Hold{Reason: "the till is down", By: alex.Person, At: s.now()}
		tx.PutState(state)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, second2(s.vote(ask, robin, true)), release.CodeHold)
}

func TestARollbackByTimeTravelSaysItsPriceAndItsUndoWorks(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		twoShipped(s, counting, orders)
		s.exec(release.Production, "INSERT INTO orders (note) VALUES ('a'), ('b')", "INSERT INTO count (n) VALUES (5)", "UPDATE count SET n = 42 WHERE n = 0")
		ask := s.rollbackBy(1, release.WayTimeTravel)
		b := ask.Plan.Back
		if b.Way != release.WayTimeTravel || b.To == nil || b.Restores != 10 || !b.Until.Equal(b.To.At.Add(release.Retention)) {
			t.Fatalf("back %+v", b)
		}
		if down := ask.Plan.Ways[2]; down.Way != release.WayDown || down.Not == nil || !slices.Equal(down.Not.Items, []string{"0002_orders.sql"}) {
			t.Errorf("the way by DOWN files: %+v", down)
		}
		if !b.Price.Counted || b.Price.AtLeast != 3 || b.Price.Tables["orders"] != 2 || b.Price.Tables["count"] != 1 {
			t.Errorf("price %+v", b.Price)
		}
		run := s.ended(s.approve(ask, robin))
		s.wants(run, release.Done)
		s.holds(release.Production, "SELECT n FROM count", "0")
		s.holds(release.Production, tables, "count", "d1_migrations")
		if run.Undo == nil || run.Undo.Command() != fmt.Sprintf("wrangler d1 time-travel restore %s --bookmark=%s", s.project.Production, run.Undo.Bookmark) {
			t.Fatalf("undo %+v", run.Undo)
		}
		if _, err := s.direct.Restore(t.Context(), run.Undo.DatabaseID, run.Undo.Bookmark); err != nil {
			t.Fatal(err)
		}
		s.holds(release.Production, "SELECT n FROM count ORDER BY n", "5", "42")
		s.holds(release.Production, "SELECT note FROM orders", "a", "b")
	})
}

func TestForwardAgainAfterARollback(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		twoShipped(s, counting, counted)
		s.wants(s.back(0), release.Done)
		s.unhold()
		ask := s.promote(2)
		if names := ask.Plan.Names(); !slices.Equal(names, []string{"0002_up.sql", "0003_up.sql"}) {
			t.Errorf("pending %q", names)
		}
		s.wants(s.ended(s.approve(ask, robin)), release.Done)
		s.holds(release.Production, "SELECT n FROM count", "11")
		// And back once more, to the same place.
		s.wants(s.back(0), release.Done)
		s.holds(release.Production, "SELECT n FROM count", "0")
	})
}

func TestWhereTheSchemaIsTheSameOnlyThePointerMoves(t *testing.T) {
	s := newShop(t)
	twoShipped(s, orders, ordersDown) // a DOWN file is content, and no migration
	ask := s.rollback(0)
	if b := ask.Plan.Back; b.Way != release.WayNothing || b.Price.AtLeast != 0 || !b.Price.Counted {
		t.Errorf("back %+v", b)
	}
	s.api.Forget()
	s.wants(s.ended(s.approve(ask, robin)), release.Done)
	if len(s.api.Writes()) != 0 || s.state(release.Production).Live != 1 || s.state(release.Production).Hold == nil {
		t.Errorf("writes %v, state %+v", s.api.Writes(), s.state(release.Production))
	}
}

func TestADownThatDoesNotWorkIsNoWayBack(t *testing.T) {
	for name, down := range map[string]string{
		"it fails":                "DROP TABLE nowhere;\n",
		"it cannot be read":       "DROP TABLE orders\n",
		"it would empty a table":  "DROP TABLE parents;\n",
		"a part of it is missing": "",
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			one := counting.and(files{"0001_count.sql": "CREATE TABLE count (n INTEGER);\nCREATE TABLE parents (id INTEGER PRIMARY KEY);\n" +
				"CREATE TABLE children (parent INTEGER REFERENCES parents ON DELETE CASCADE);\nINSERT INTO count VALUES (0);\n"})
			two := one.and(files{"0002_orders.sql": orders["0002_orders.sql"], "down/0002_orders.sql": down, "0003_up.sql": counted["0003_up.sql"], "down/0003_up.sql": countDown["down/0003_up.sql"]})
			s.version("v1", one)
			s.ship("v1")
			s.version("v2", two)
			if name == "it cannot be read" {
				s.wantsRefusal(s.deploy("v2"), release.CodeBadMigration) // a release is not made of what cannot be read
				return
			}
			s.ship("v2")
			ask := s.rollback(0)
			if b := ask.Plan.Back; b.Way != release.WayTimeTravel {
				t.Fatalf("back %+v", b)
			}
			if down := ask.Plan.Ways[2]; down.Way != release.WayDown || down.Not == nil || !slices.Contains(down.Not.Items, "0002_orders.sql") {
				t.Errorf("the way by DOWN files: %+v", down)
			}
			s.wants(s.ended(s.approve(ask, robin)), release.Done)
			s.holds(release.Production, ledger, "0001_count.sql")
		})
	}
}

func TestThereIsNoWayBackFromTheFirstReleaseButTheCommand(t *testing.T) {
	s := newShop(t)
	refused(t, second2(s.engine.Rollback(t.Context(), s.request(dana), 0)), release.CodeNothingBefore)
	s.version("v1", counting)
	run := s.ship("v1")
	r := refused(t, second2(s.engine.Rollback(t.Context(), s.request(dana), 0)), release.CodeNothingBefore)
	if r.Facts["command"] != run.Point.Command() {
		t.Errorf("facts %v", r.Facts)
	}
	refused(t, second2(s.engine.Rollback(t.Context(), s.request(dana), 1)), release.CodeAlreadyLive)
	refused(t, second2(s.engine.Rollback(t.Context(), s.request(dana), 7)), release.CodeUnknownRelease)
}

func TestARestorePointThatIsGoneIsSaid(t *testing.T) {
	t.Run("older than Time Travel goes", func(t *testing.T) {
		s := newShop(t)
		twoShipped(s, counting, counted)
		s.later(31 * 24 * time.Hour)
		r := refused(t, second2(s.engine.Rollback(t.Context(), s.request(dana), 0)), release.CodePointExpired)
		if !strings.HasPrefix(r.Facts["command"], "wrangler d1 time-travel restore shop --bookmark=") || r.Facts["at"] == "" {
			t.Errorf("facts %v", r.Facts)
		}
	})
	t.Run("of another database", func(t *testing.T) {
		s := newShop(t)
		twoShipped(s, counting, counted)
		s.configure(func(p *deploy.Project) { p.Production = "shop-2" })
		s.exec(release.Production, "CREATE TABLE d1_migrations(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
			"INSERT INTO d1_migrations (name) VALUES ('0001_count.sql'), ('0002_up.sql'), ('0003_up.sql')")
		r := refused(t, second2(s.engine.Rollback(t.Context(), s.request(dana), 0)), release.CodePointMissing)
		if r.Facts["problem"] != "another_database" {
			t.Errorf("facts %v", r.Facts)
		}
	})
	t.Run("of a database that is gone", func(t *testing.T) {
		s := newShop(t)
		twoShipped(s, counting, counted)
		s.configure(func(p *deploy.Project) { p.Production = "shop-9" })
		r := refused(t, second2(s.engine.Rollback(t.Context(), s.request(dana), 0)), release.CodePointMissing)
		if r.Facts["problem"] != "database_gone" || r.Facts["database"] != "shop-9" || r.Facts["project"] != "shop" {
			t.Errorf("facts %v", r.Facts)
		}
		s.later(40 * 24 * time.Hour)
		if r := refused(t, second2(s.engine.Rollback(t.Context(), s.request(dana), 0)), release.CodePointMissing); r.Facts["problem"] != "database_gone" {
			t.Errorf("after the restore points' time: %v", r.Facts)
		}
	})
	t.Run("never taken, since wrangler made the change", func(t *testing.T) {
		s := newShop(t)
		s.version("v1", counting)
		s.ship("v1")
		s.exec(release.Production, "INSERT INTO d1_migrations (name) VALUES ('0002_up.sql')", "INSERT INTO d1_migrations (name) VALUES ('0003_up.sql')")
		s.version("v2", counted)
		s.ship("v2")
		if ask := s.rollback(0); ask.Plan.Back.Way != release.WayNothing {
			t.Errorf("back %+v", ask.Plan.Back)
		}
		s.exec(release.Production, "INSERT INTO d1_migrations (name) VALUES ('0004_more.sql')")
		refused(t, second2(s.engine.Rollback(t.Context(), s.request(dana), 0)), release.CodePointMissing)
	})
}

func TestTheWayBackKnowsWhatWranglerAppliedMeanwhile(t *testing.T) {
	s := newShop(t)
	s.version("v1", counting)
	s.ship("v1")
	s.exec(release.Production, "INSERT INTO d1_migrations (name) VALUES ('0002_up.sql')", "UPDATE count SET n = n + 1")
	s.version("v2", counted)
	s.ship("v2")
	run := s.back(0)
	s.wants(run, release.Done)
	s.holds(release.Production, ledger, "0001_count.sql", "0002_up.sql") // as it was while #1 was live
	s.holds(release.Production, "SELECT n FROM count", "1")
}

func TestTheWayBackGoesPastReleasesThatChangedNothing(t *testing.T) {
	s := newShop(t)
	s.version("v1", counting)
	s.ship("v1")
	s.version("v2", counting.and(files{"down/0001_count.sql": "DROP TABLE count;\n"}))
	s.ship("v2")
	s.version("v3", counted.and(files{"down/0001_count.sql": "DROP TABLE count;\n"}))
	s.ship("v3")
	for _, number := range []uint64{1, 2} {
		ask := s.rollback(number)
		if b := ask.Plan.Back; b.Way != release.WayTimeTravel || b.To == nil {
			t.Errorf("to #%d: %+v", number, b)
		}
	}
	s.wants(s.back(1), release.Done)
	s.holds(release.Production, "SELECT n FROM count", "0")
}

func TestAPriceIsNeverABareNumberWhereRowsWereNotCounted(t *testing.T) {
	s := newShop(t)
	twoShipped(s, files{}, counting) // no table at the restore point is a count as well
	if p := s.rollbackBy(0, release.WayTimeTravel).Plan.Back.Price; !p.Counted || p.AtLeast != 1 {
		t.Errorf("price %+v", p)
	}
	uncountable := sandbox.Fault{Body: "SELECT count(*)", Times: sandbox.Always, Reply: sandbox.APIError(500, 7500, "internal error")}
	s.api.Inject(uncountable)
	if p := s.rollbackBy(0, release.WayTimeTravel).Plan.Back.Price; p.Counted || p.Reason != release.NotCountedNow || p.AtLeast != 0 {
		t.Errorf("price %+v", p)
	}
	s.version("v3", counted)
	s.ship("v3")
	s.api.Heal()
	if p := s.rollback(0).Plan.Back.Price; p.Counted || p.Reason != release.NotCountedThen || p.AtLeast != 0 {
		t.Errorf("price %+v", p)
	}
}

// TestWranglerAgrees is promise 6: a database that wrangler has migrated so far is carried on, and wrangler agrees after
// each run.
func TestWranglerAgrees(t *testing.T) {
	s := realWorld(t).open(t)
	server := wrangler.Server{URL: s.url, AccountID: s.account, Token: s.token}
	s.exec(release.Production, "CREATE TABLE unrelated (id INTEGER)")
	id := s.id(release.Production)
	dir := s.checkout("v1", counting)
	wrangler.Configure(t, dir, s.project.Production, id, dir+"/db")
	if out, errs, exit := wrangler.Run(t, server.Env(t), dir, "d1", "migrations", "apply", s.project.Production, "--remote"); exit != 0 {
		t.Fatalf("wrangler: %s %s", out, errs)
	}
	s.version("v1", counting)
	if run := s.ship("v1"); len(run.Plan.Pending) != 0 {
		t.Errorf("carried out again: %q", run.Plan.Names())
	}
	s.holds(release.Production, "SELECT n FROM count", "0")
	s.version("v2", countDown)
	s.ship("v2")
	dir = s.checkout("v2", countDown)
	left := wrangler.MigrationsList(t, server, s.project.Production, id, dir+"/db")
	if onPreview := wrangler.MigrationsList(t, server, s.project.Preview, s.id(release.Preview), dir+"/db"); len(left)+len(onPreview) != 0 {
		t.Errorf("after the promote wrangler would apply %q and, on preview, %q", left, onPreview)
	}
	s.wants(s.back(0), release.Done)
	if left := wrangler.MigrationsList(t, server, s.project.Production, id, dir+"/db"); !slices.Equal(left, []string{"0002_up.sql", "0003_up.sql"}) {
		t.Errorf("after the rollback wrangler would apply %q", left)
	}
}
