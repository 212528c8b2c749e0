package deploy_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/release"
	"towline/migrations"
	sandbox "towline/sandbox/cloudflare"
)

// inspect looks at production's database, as the hour does.
func (s *shop) inspect() (done bool) {
	s.t.Helper()
	done, err := s.engine.Inspect(s.t.Context(), "shop")
	if err != nil {
		s.t.Fatal(err)
	}
	return done
}

// toldOf counts the events of a kind.
func (s *shop) toldOf(kind deploy.EventKind) int {
	s.t.Helper()
	all, err := s.engine.Events(s.t.Context(), 0, 10_000)
	if err != nil {
		s.t.Fatal(err)
	}
	return len(slices.DeleteFunc(all, func(e deploy.Event) bool { return e.Kind != kind }))
}

func TestAChangeFromOutsideIsToldOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.version("v1", counting)
		s.ship("v1")
		if !s.inspect() || s.state(release.Production).Drift != nil {
			t.Fatalf("state %+v", s.state(release.Production))
		}
		s.exec(release.Production, "CREATE TABLE hand (id INTEGER)", "ALTER TABLE count ADD COLUMN made TEXT", "CREATE INDEX count_n ON count(n)")
		s.inspect()
		d := s.state(release.Production).Drift
		if d == nil || !slices.Equal(d.Changes, []string{"table hand added", "column count.made added", "index count_n added"}) {
			t.Fatalf("drift %+v", d)
		}
		s.inspect()
		if n := s.toldOf(deploy.DriftFound); n != 1 {
			t.Errorf("told %d times", n)
		}
		s.exec(release.Production, "DROP INDEX count_n")
		s.inspect()
		if n := s.toldOf(deploy.DriftFound); n != 2 || s.state(release.Production).Drift.Key() == d.Key() {
			t.Errorf("another change was told %d times: %+v", n, s.state(release.Production).Drift)
		}
		s.exec(release.Production, "DROP TABLE hand", "ALTER TABLE count DROP COLUMN made")
		s.inspect()
		if s.state(release.Production).Drift != nil {
			t.Error("what was taken back is still told")
		}
		if log := s.audited(); !slices.Contains(log, "drift over") {
			t.Errorf("log %q", log)
		}
	})
}

func TestADatabaseThatIsGoneOrReplacedIsAChangeFromOutsideAndToldOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.version("v1", counting)
		s.ship("v1")
		s.inspect()
		told := func(times int, change string) *release.Drift {
			t.Helper()
			s.inspect()
			s.inspect()
			d := s.state(release.Production).Drift
			if d == nil || d.Changes[0] != change || s.toldOf(deploy.DriftFound) != times {
				t.Fatalf("told %d times, drift %+v", s.toldOf(deploy.DriftFound), d)
			}
			return d
		}
		status, err := s.engine.Status(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.direct.Delete(t.Context(), s.id(release.Production)); err != nil {
			t.Fatal(err)
		}
		told(1, "the database is not there any more")
		if _, err := s.direct.Create(t.Context(), status.Environments[1].Database); err != nil {
			t.Fatal(err)
		}
		d := told(2, "it is another database than the one before")
		if _, err := s.engine.Adopt(t.Context(), s.request(dana), d.Key()); err != nil {
			t.Fatal(err)
		}
		s.inspect()
		if s.state(release.Production).Drift != nil || s.toldOf(deploy.DriftFound) != 2 {
			t.Errorf("told %d times, %+v", s.toldOf(deploy.DriftFound), s.state(release.Production).Drift)
		}
	})
}

func TestWhatWranglerAppliedIsAChangeFromOutsideWithItsRelease(t *testing.T) {
	s := newShop(t)
	s.version("v1", counting)
	s.ship("v1")
	s.version("v2", more)
	s.deploy("v2")
	s.exec(release.Production, "INSERT INTO d1_migrations (name) VALUES ('0002_more.sql'), ('0003_hot.sql')", "CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT)")
	s.inspect()
	d := s.state(release.Production).Drift
	if d == nil || !slices.Equal(d.Applied, []string{"0002_more.sql"}) || !slices.Contains(d.Changes, "ledger: + 0003_hot.sql") || !slices.Contains(d.Changes, "table orders added") {
		t.Fatalf("drift %+v", d)
	}
}

func TestAnAdoptedChangeIsTheKnownState(t *testing.T) {
	s := newShop(t)
	s.version("v1", counting)
	s.ship("v1")
	s.exec(release.Production, "CREATE TABLE hand (id INTEGER)")
	s.version("v2", more)
	s.deploy("v2")
	if ask := s.promote(2); !slices.Equal(ask.Plan.Drift, []string{"table hand added"}) { // though nobody has looked since
		t.Errorf("the plan says %q", ask.Plan.Drift)
	}
	s.inspect()
	d := *s.state(release.Production).Drift
	adopt := func(by deploy.Request, key string) error {
		_, err := s.engine.Adopt(t.Context(), by, key)
		return err
	}
	refused(t, adopt(s.request(sam), d.Key()), release.CodeUnknownPerson)
	refused(t, adopt(s.request(dana), "another"), release.CodeDigestMismatch)
	if err := adopt(s.request(dana), d.Key()); err != nil {
		t.Fatal(err)
	}
	refused(t, adopt(s.request(dana), d.Key()), release.CodeNoDrift)
	s.inspect()
	ask := s.promote(2)
	if s.state(release.Production).Drift != nil || len(ask.Plan.Drift) != 0 {
		t.Errorf("drift %+v, plan %q", s.state(release.Production).Drift, ask.Plan.Drift)
	}
	s.wants(s.ended(s.approve(ask, robin)), release.Done)
	s.inspect()
	if s.state(release.Production).Drift != nil {
		t.Errorf("what a run did is taken for a change from outside: %+v", s.state(release.Production).Drift)
	}
}

func TestWhoeverLooksIntoAChangeKeepsTheOthersFromBeingToldAgain(t *testing.T) {
	s := newShop(t)
	s.version("v1", counting)
	s.ship("v1")
	s.exec(release.Production, "CREATE TABLE hand (id INTEGER)", "DROP TABLE count")
	s.inspect()
	v, err := s.engine.Investigate(t.Context(), s.request(dana), s.state(release.Production).Drift.Key())
	if err != nil {
		t.Fatal(err)
	}
	has := func(name string) func(o migrations.Object) bool {
		return func(o migrations.Object) bool { return o.Name == name }
	}
	if v.Drift.Looking == nil || v.Drift.Looking.Name != "Dana" || !slices.ContainsFunc(v.Was, has("count")) || !slices.ContainsFunc(v.Now, has("hand")) || slices.ContainsFunc(v.Now, has("count")) {
		t.Errorf("view %+v", v)
	}
	s.exec(release.Production, "CREATE TABLE hand2 (id INTEGER)")
	s.inspect()
	d := s.state(release.Production).Drift
	if n := s.toldOf(deploy.DriftFound); n != 1 || d.Looking == nil || len(d.Changes) != 3 {
		t.Errorf("told %d times, drift %+v", n, d)
	}
}

func TestNothingIsComparedWhileARunIsAtWorkOrCameBetween(t *testing.T) {
	s := newShop(t)
	s.version("v1", counting)
	s.ship("v1")
	s.version("v2", more)
	s.deploy("v2")
	reached, let := make(chan struct{}), make(chan struct{})
	hold := wait(let)
	s.api.Inject(sandbox.Fault{Writes: true, Body: "CREATE TABLE orders", Before: func(ctx context.Context) { close(reached); hold(ctx) }})
	ask := s.approve(s.promote(2), robin)
	<-reached
	if s.inspect() {
		t.Error("compared in the middle of a run")
	}
	close(let)
	s.wants(s.ended(ask), release.Done)
	s.api.Inject(sandbox.Fault{Body: "sqlite_master", Before: onceOnly(func() {
		if err := s.engine.Hold(t.Context(), s.request(dana), release.Production, "between"); err != nil {
			t.Error(err)
		}
	})})
	if s.inspect() {
		t.Error("stored over what came between")
	}
	if !s.inspect() || s.state(release.Production).Drift != nil {
		t.Error("not compared afterwards")
	}
}

func TestADatabaseIsLookedAtEveryHour(t *testing.T) {
	w, b := newWorld(t), &shelf{pruned: make(chan struct{}, 10)}
	w.backups = b
	s := w.open(t)
	<-b.pruned // by then it is known when each is looked at: within ten minutes of the start
	s.version("v1", counting)
	s.ship("v1")
	s.exec(release.Production, "CREATE TABLE hand (id INTEGER)")
	s.later(11 * time.Minute)
	s.poke()
	s.eventually(func() bool { return s.state(release.Production).Drift != nil })
	s.exec(release.Production, "DROP TABLE hand")
	s.later(61 * time.Minute)
	s.poke()
	s.eventually(func() bool { return s.state(release.Production).Drift == nil })
}

// poke wakes whoever waits for a time, since the test's clock moves no timer.
func (s *shop) poke() {
	s.t.Helper()
	if err := s.engine.Heard(s.t.Context(), s.request(dana), "/status"); err != nil {
		s.t.Fatal(err)
	}
}

func TestADatabaseThatNobodyKnowsIsKnownAtFirstSight(t *testing.T) {
	s := newShop(t)
	s.exec(release.Production, "CREATE TABLE theirs (id INTEGER)")
	s.inspect()
	state := s.state(release.Production)
	if state.Seen == nil || state.Drift != nil || s.toldOf(deploy.DriftFound) != 0 {
		t.Errorf("state %+v", state)
	}
	s.exec(release.Production, "CREATE TABLE more (id INTEGER)")
	s.inspect()
	if d := s.state(release.Production).Drift; d == nil || !strings.Contains(strings.Join(d.Changes, " "), "table more added") {
		t.Errorf("drift %+v", d)
	}
}

// eventually waits for something to be true after what the engine stores.
func (s *shop) eventually(true func() bool) {
	s.t.Helper()
	timeout := time.After(patience)
	for {
		changed := s.engine.Changed()
		if true() {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			s.t.Fatal("waited in vain")
		}
	}
}
