package deploy_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/release"
	sandbox "towline/sandbox/cloudflare"
)

// more only adds to what counting has.
var more = counting.and(files{"0002_more.sql": "CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT);\nALTER TABLE count ADD COLUMN extra TEXT;\nCREATE INDEX orders_note ON orders(note);\n"})

func TestWhereTheNewerReleaseOnlyAddedNothingIsUndone(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		twoShipped(s, counting, more)
		s.exec(release.Production, "INSERT INTO orders (note) VALUES ('a')")
		ask := s.rollback(0)
		b := ask.Plan.Back
		if b.Way != release.WayNothing || !slices.Equal(b.Left, []string{"0002_more.sql"}) || !slices.Equal(b.Adds, []string{"column count.extra", "index orders_note", "table orders"}) {
			t.Fatalf("back %+v", b)
		}
		if len(ask.Plan.Ways) != 3 || ask.Plan.Ways[1].Not == nil || ask.Plan.Ways[2].Not != nil || ask.Plan.Ways[2].Price.AtLeast != 1 {
			t.Errorf("ways %+v", ask.Plan.Ways)
		}
		s.api.Forget()
		s.wants(s.ended(s.approve(ask, robin)), release.Done)
		if len(s.api.Writes()) != 0 {
			t.Errorf("D1 was written to: %v", s.api.Writes())
		}
		s.holds(release.Production, ledger, "0001_count.sql", "0002_more.sql")
		s.holds(release.Production, "SELECT note FROM orders", "a")
		if state := s.state(release.Production); state.Live != 1 || !slices.Equal(state.Left, []string{"0002_more.sql"}) {
			t.Errorf("state %+v", state)
		}
		status, err := s.engine.Status(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		if production := status.Environments[1]; len(production.Foreign) != 0 || len(production.Behind) != 0 {
			t.Errorf("status %+v", production)
		}

		// The newer release again: it finds its migrations applied.
		s.unhold()
		again := s.promote(2)
		if len(again.Plan.Pending) != 0 || len(again.Plan.Drift) != 0 {
			t.Errorf("plan %+v", again.Plan)
		}
		s.wants(s.ended(s.approve(again, robin)), release.Done)
		if state := s.state(release.Production); state.Live != 2 || state.Left != nil {
			t.Errorf("state %+v", state)
		}
	})
}

func TestAFixWithoutWhatARollbackLeftIsShipped(t *testing.T) {
	s := newShop(t)
	twoShipped(s, counting, more)
	s.wants(s.back(0), release.Done)
	s.unhold()
	// The bad release was taken back in the repository as well: the fix does not have its migration.
	s.version("v3", counting.and(files{"0003_fix.sql": "CREATE INDEX count_n ON count(n);\n"}))
	fix := s.deploy("v3")
	s.wants(fix, release.Done)
	ask := s.promote(fix.Release)
	if !slices.ContainsFunc(ask.Plan.Findings, func(f release.Finding) bool {
		return f.Code == "left_by_rollback" && f.File == "0002_more.sql"
	}) {
		t.Errorf("findings %+v", ask.Plan.Findings)
	}
	s.wants(s.ended(s.approve(ask, robin)), release.Done)
	s.holds(release.Production, ledger, "0001_count.sql", "0002_more.sql", "0003_fix.sql")
	if state := s.state(release.Production); !slices.Equal(state.Left, []string{"0002_more.sql"}) {
		t.Errorf("left %q", state.Left)
	}
	// A rebuilt preview has it as production has.
	s.wants(s.reset("v3"), release.Done)
	// What nobody left there is still refused.
	s.exec(release.Production, "INSERT INTO d1_migrations (name) VALUES ('0009_other.sql')")
	s.version("v4", counting.and(files{"0003_fix.sql": "CREATE INDEX count_n ON count(n);\n", "0004_a.sql": "CREATE TABLE a (id INTEGER);\n"}))
	s.wants(s.deploy("v4"), release.Done)
	refused(t, second2(s.engine.Promote(t.Context(), s.request(dana), 0)), release.CodeMissing)
	// And back: to what was live before the fix, with what was left there.
	s.exec(release.Production, "DELETE FROM d1_migrations WHERE name = '0009_other.sql'")
	if b := s.rollback(0).Plan.Back; b.Way != release.WayNothing || !slices.Equal(b.Left, []string{"0003_fix.sql"}) {
		t.Errorf("back %+v", b)
	}
}

func TestWhatChangedWhatTheOlderCodeKnowsIsNotLeft(t *testing.T) {
	for name, c := range map[string]struct{ sql, why string }{
		"rows":            {"UPDATE count SET n = n + 1;\n", "0002_x.sql line 1 changes rows of count"},
		"a column":        {"-- towline:allow D1-BC01 reason=\"nobody reads it\"\nALTER TABLE count RENAME COLUMN n TO m;\n", "column count.n is gone"},
		"a unique index":  {"CREATE UNIQUE INDEX one ON count(n);\n", "index one refuses rows of count that were allowed"},
		"another's table": {"-- towline:allow D1-DS01 reason=\"nobody reads it\"\nDROP TABLE count;\n", "table count is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.configure(func(p *deploy.Project) {
				p.Lint.Severity = map[string]string{"D1-BC01": "warning", "D1-DS01": "warning"}
			})
			twoShipped(s, counting, counting.and(files{"0002_x.sql": c.sql}))
			ask := s.rollback(0)
			if ask.Plan.Back.Way != release.WayTimeTravel {
				t.Fatalf("back %+v", ask.Plan.Back)
			}
			nothing := ask.Plan.Ways[1]
			if nothing.Way != release.WayNothing || nothing.Not == nil || nothing.Not.Code != release.CodeNotOnlyMore || !slices.Contains(nothing.Not.Items, c.why) {
				t.Errorf("nothing: %+v", nothing.Not)
			}
			refused(t, second2(s.engine.ChooseWay(t.Context(), s.request(dana), ask.ID, ask.Approved, release.WayNothing)), release.CodeNotOnlyMore)
		})
	}
}

func TestADownThatForgetsSomethingIsFoundByGoingUpAgain(t *testing.T) {
	s := newShop(t)
	twoShipped(s, counting, more.and(files{"down/0002_more.sql": "ALTER TABLE count DROP COLUMN extra;\nDROP INDEX orders_note;\n"})) // the table stays
	down := s.rollbackBy(0, release.WayTimeTravel).Plan.Ways[2]
	if down.Not == nil || down.Not.Code != release.CodeDownFails || down.Not.Facts["again"] != "failed" || !strings.Contains(down.Not.Facts["words"], "orders already exists") {
		t.Errorf("down %+v", down.Not)
	}
	s.version("v3", more.and(files{"0003_y.sql": "CREATE TABLE IF NOT EXISTS y (id INTEGER);\nCREATE INDEX IF NOT EXISTS y_id ON y(id);\n", "down/0003_y.sql": "DROP INDEX y_id;\n",
		"down/0002_more.sql": "SELECT 1;\n"}))
	s.ship("v3")
	down = s.rollbackBy(2, release.WayDown).Plan.Ways[0]
	if down.Not != nil || len(down.Tables) != 0 {
		t.Errorf("down %+v", down) // up again is the same as before: the table was there all the time
	}
}

func TestTheWayIsChosenByTheOneWhoAsksAndBeforeAnybodyApproved(t *testing.T) {
	s := newShop(t)
	s.configure(func(p *deploy.Project) { p.ProductionApprovals.Required = 2 })
	s.version("v1", counting)
	first := s.deploy("v1")
	first = s.promote(first.Release)
	s.approve(first, robin)
	s.ended(s.approve(first, alex))
	s.version("v2", more)
	second := s.promote(s.deploy("v2").Release)
	s.approve(second, robin)
	s.wants(s.ended(s.approve(second, alex)), release.Done)

	ask := s.rollback(0)
	choose := func(by deploy.Request, digest string, way release.Way) error {
		_, err := s.engine.ChooseWay(t.Context(), by, ask.ID, digest, way)
		return err
	}
	refused(t, choose(s.request(robin), ask.Approved, release.WayTimeTravel), release.CodeNotYours)
	refused(t, choose(s.request(dana), "another", release.WayTimeTravel), release.CodeDigestMismatch)
	refused(t, choose(s.request(dana), ask.Approved, release.WayDown), release.CodeNoDown)
	refused(t, choose(s.request(dana), ask.Approved, "by foot"), release.CodeNoSuchWay)
	if err := choose(s.request(dana), ask.Approved, release.WayNothing); err != nil {
		t.Errorf("the same way: %v", err)
	}
	if err := choose(s.request(dana), ask.Approved, release.WayTimeTravel); err != nil {
		t.Fatal(err)
	}
	chosen, _, _ := s.engine.FindRun(t.Context(), ask.ID)
	if chosen.Approved == ask.Approved || chosen.Plan.Back.Way != release.WayTimeTravel || chosen.Plan.Ways[0].Way != release.WayTimeTravel || chosen.Approved != chosen.Plan.Digest() {
		t.Errorf("chosen %+v", chosen.Plan.Back)
	}
	_, err := s.vote(ask, robin, true) // the button of the way before
	refused(t, err, release.CodeDigestMismatch)
	s.approve(chosen, robin)
	refused(t, choose(s.request(dana), chosen.Approved, release.WayNothing), release.CodeWayFixed)
	run := s.ended(s.approve(chosen, alex))
	s.wants(run, release.Done)
	if run.Undo == nil {
		t.Error("no undo")
	}
	refused(t, choose(s.request(dana), chosen.Approved, release.WayNothing), release.CodeAlreadyDone)
	s.holds(release.Production, ledger, "0001_count.sql")
	if log := s.audited(); !slices.Contains(log, "way chosen time travel") {
		t.Errorf("the log lacks the choice: %q", log)
	}
}

func TestTimeTravelIsRefusedWhereItsTenRestoresAreUsedUp(t *testing.T) {
	s := newShop(t)
	twoShipped(s, counting, counted)
	at := s.now()
	err := s.records.Deploy().Update(t.Context(), func(tx deploy.Tx) error {
		state := tx.State("shop", release.Production)
		for i := range 10 {
			state.Restored(at.Add(time.Duration(i) * time.Second))
		}
		tx.PutState(state)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r := refused(t, second2(s.engine.Rollback(t.Context(), s.request(dana), 0)), release.CodeRestoresUsed)
	if r.Facts["until"] != at.Add(10*time.Minute).UTC().Format(time.RFC3339) {
		t.Errorf("facts %v, restores since %s", r.Facts, at)
	}
	s.later(10*time.Minute + time.Second)
	ask := s.rollback(0)
	if ask.Plan.Back.Restores != 2 { // the first two do not count any more
		t.Errorf("back %+v", ask.Plan.Back)
	}
	s.wants(s.ended(s.approve(ask, robin)), release.Done)
	if state := s.state(release.Production); len(state.Restores) != 9 {
		t.Errorf("restores %v", state.Restores)
	}
}

func TestOnTheFreePlanTimeTravelLeadsBackSevenDays(t *testing.T) {
	w := newWorld(t)
	w.free = true
	s := w.open(t)
	twoShipped(s, counting, counted)
	if b := s.rollback(0).Plan.Back; !b.Until.Equal(b.To.At.Add(7*24*time.Hour)) || b.To.Kept != 7*24*time.Hour {
		t.Errorf("until %s, kept %s", b.Until, b.To.Kept)
	}
	s.later(8 * 24 * time.Hour)
	r := refused(t, second2(s.engine.Rollback(t.Context(), s.request(dana), 0)), release.CodePointExpired)
	if r.Facts["days"] != "7" {
		t.Errorf("facts %v", r.Facts)
	}
}

func TestARestorePointIsKeptForAsLongAsThePlanSaysWhereSomebodyToldIt(t *testing.T) {
	for paid, want := range map[bool]time.Duration{true: 30 * 24 * time.Hour, false: 0} {
		w := newWorld(t)
		w.paid = paid
		s := w.open(t)
		twoShipped(s, counting, counted)
		if b := s.rollback(0).Plan.Back; b.To.Kept != want || !b.Until.Equal(b.To.At.Add(30*24*time.Hour)) {
			t.Errorf("paid %t: until %s, kept %s", paid, b.Until, b.To.Kept)
		}
	}
}

// meter is what Cloudflare counted.
type meter struct {
	since time.Time
	asOf  time.Time
	err   error
}

func (m *meter) RowsWritten(_ context.Context, _ string, since time.Time) (int64, time.Time, error) {
	m.since = since
	return 1234, m.asOf, m.err
}

func TestCloudflaresFigureStandsBesideThePrice(t *testing.T) {
	w := newWorld(t)
	m := &meter{asOf: w.now()}
	w.analytics = m
	s := w.open(t)
	twoShipped(s, counting, counted)
	b := s.rollback(0).Plan.Back
	if b.Price.Written != 1234 || !b.Price.WrittenAt.Equal(m.asOf) || !m.since.Equal(b.To.At) {
		t.Errorf("price %+v, asked since %s", b.Price, m.since)
	}
	m.err = errors.New("analytics is down")
	if p := s.rollback(0).Plan.Back.Price; p.Written != 0 || !p.WrittenAt.IsZero() || !p.Counted {
		t.Errorf("price %+v", p)
	}
}

func TestTheSchemaOfAnEarlierReleaseIsMadeAnewWhereItWasNotKept(t *testing.T) {
	s := newShop(t)
	s.version("v1", counting)
	s.ship("v1")
	s.exec(release.Production, "INSERT INTO d1_migrations (name) VALUES ('0002_more.sql')", "CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT)",
		"ALTER TABLE count ADD COLUMN extra TEXT", "CREATE INDEX orders_note ON orders(note)") // wrangler
	s.version("v3", more.and(files{"0003_z.sql": "CREATE TABLE z (id INTEGER);\n"}))
	s.ship("v3")
	if b := s.rollback(0).Plan.Back; b.Way != release.WayNothing || !slices.Equal(b.Left, []string{"0003_z.sql"}) || !slices.Equal(b.Adds, []string{"table z"}) {
		t.Errorf("back %+v", b)
	}
}

func TestARestoreWhoseReplyIsLostCountsAsWell(t *testing.T) {
	s := newShop(t)
	twoShipped(s, counting, counted)
	ask := s.rollback(0)
	s.api.Inject(sandbox.Fault{Writes: true, Path: "/restore", Execute: true, Reply: sandbox.Drop()})
	s.ended(s.approve(ask, robin))
	if state := s.state(release.Production); len(state.Restores) != 1 {
		t.Errorf("restores %v", state.Restores)
	}
}
