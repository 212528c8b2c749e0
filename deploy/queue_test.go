package deploy_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"towline/cloudflare"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
	sandbox "towline/sandbox/cloudflare"
)

func TestRunsOnOneEnvironmentGoOneAfterTheOtherAndKnowTheirPlaces(t *testing.T) {
	s := newShop(t)
	s.version("v1", counting)
	s.version("v2", counted)
	s.version("v3", counted.and(files{"0004_a.sql": "CREATE TABLE a (id INTEGER);\n"}))
	hold := make(chan struct{})
	s.api.Inject(sandbox.Fault{Writes: true, Path: "/query", Before: wait(hold)})
	one := s.deployNow("v1")
	s.until(one, func(r release.Run) bool { return r.Phase == release.Executing })
	two, three := s.deployNow("v2"), s.deployNow("v3")
	if one.Place != 0 || two.Place != 1 || three.Place != 2 || two.Phase != release.Queued {
		t.Errorf("places %d, %d, %d", one.Place, two.Place, three.Place)
	}
	status, err := s.engine.Status(t.Context(), "shop")
	if err != nil || status.Environments[0].Waiting != 2 || status.Environments[0].Running == nil || status.Environments[0].Running.ID != one.ID {
		t.Errorf("status %+v, %v", status.Environments[0], err)
	}
	close(hold)
	one, two, three = s.ended(one), s.ended(two), s.ended(three)
	for i, r := range []release.Run{one, two, three} {
		s.wants(r, release.Done)
		if r.Was != uint64(i) || r.Place != 0 {
			t.Errorf("run %d replaced #%d, place %d", i+1, r.Was, r.Place)
		}
	}
	if two.StartedAt.Before(one.EndedAt) || three.StartedAt.Before(two.EndedAt) {
		t.Error("two ran at the same time")
	}
	s.holds(release.Preview, "SELECT n FROM count", "11")
}

func TestRunsOfBothEnvironmentsGoSideBySide(t *testing.T) {
	s, ask := asking(t)
	hold := make(chan struct{})
	s.api.Inject(sandbox.Fault{Method: "POST", Path: "/d1/database", Body: `"name":"shop"`, Before: wait(hold)})
	s.approve(ask, robin)
	s.until(ask, func(r release.Run) bool { return r.Phase == release.Executing })
	s.version("v2", counted.and(files{"0004_a.sql": "CREATE TABLE a (id INTEGER);\n"}))
	s.wants(s.deploy("v2"), release.Done)
	close(hold)
	s.wants(s.ended(ask), release.Done)
}

func TestWhatWasAskedForWhileNobodyWorkedIsDoneInOrder(t *testing.T) {
	s := newShop(t)
	s.version("v1", counting)
	s.version("v2", counted)
	s.stop()
	one, two := s.deployNow("v1"), s.deployNow("v2")
	if one.Place != 0 || two.Place != 1 {
		t.Errorf("places %d, %d", one.Place, two.Place)
	}
	s.restart()
	s.wants(s.ended(two), release.Done)
	s.wants(s.ended(one), release.Done)
	if s.state(release.Preview).Live != 2 {
		t.Error("the second came first")
	}
}

func TestARunIsParkedBetweenTwoStepsAndGoesOn(t *testing.T) {
	s := newShop(t)
	s.version("v1", counted)
	s.api.Inject(sandbox.Fault{Path: "/time_travel/bookmark", Before: onceOnly(func() { s.cancel() })})
	run := s.deployNow("v1")
	s.until(run, func(r release.Run) bool { return r.Point != nil })
	s.stop()
	parked, _, err := s.engine.FindRun(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	s.wants(parked, release.Executing)
	last := parked.Steps[len(parked.Steps)-1]
	if last.State != release.StepPlanned || s.state(release.Preview).Lease == nil {
		t.Errorf("%s is %s", last.Name, last.State)
	}
	s.restart()
	s.wants(s.ended(run), release.Done)
	s.holds(release.Preview, "SELECT n FROM count", "11")
}

func TestAStepThatIsUnderWayIsFinishedThoughTheBotIsAskedToStop(t *testing.T) {
	s := newShop(t)
	s.version("v1", counted)
	s.api.Inject(sandbox.Fault{Writes: true, Path: "/query", Before: onceOnly(func() { s.cancel() })})
	run := s.deployNow("v1")
	s.until(run, func(r release.Run) bool {
		return slices.ContainsFunc(r.Steps, func(step release.Step) bool { return step.Name == release.StepApply && step.State == release.StepDone })
	})
	s.stop()
	s.restart()
	s.wants(s.ended(run), release.Done)
	if n := len(s.api.Writes()); n != 2 { // create and apply
		t.Errorf("%d writes", n)
	}
}

func TestALeaseThatOutlivedItsRunIsSweptAndItsRunIsNotRunAgain(t *testing.T) {
	s := newShop(t)
	s.configure(func(p *deploy.Project) { p.ProductionApprovals.Required = 2 })
	s.version("v1", counted)
	done := s.deploy("v1")
	ask := s.promote(0)
	s.approve(ask, robin)
	shipped := s.ended(s.approve(ask, alex))
	s.wants(shipped, release.Done)
	left := func(env release.Environment, run string) {
		err := s.records.Deploy().Update(t.Context(), func(tx deploy.Tx) error {
			state := tx.State("shop", env)
			state.Lease = &release.Lease{Run: run, Token: "t", Since: s.now()}
			tx.PutState(state)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	left(release.Preview, done.ID)
	left(release.Production, shipped.ID)
	s.version("v2", counted.and(files{"0004_a.sql": "CREATE TABLE a (id INTEGER);\n"}))
	s.wants(s.deploy("v2"), release.Done) // past the lease
	s.approve(s.promote(0), robin)        // one of two: the runner looks, and finds nothing to do
	s.waitFor(func(tx deploy.Tx) bool { return tx.State("shop", release.Production).Lease == nil })
	s.stop() // waits for what the runner does next
	err := s.records.Deploy().View(t.Context(), func(tx deploy.Tx) error {
		if history := tx.Changes("shop", release.Production, 0, 10); len(history) != 1 {
			t.Errorf("%d changes of production", len(history))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// waitFor waits until something is true of the store.
func (s *shop) waitFor(true func(tx deploy.Tx) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for {
		changed, ok := s.engine.Changed(), false
		err := s.records.Deploy().View(ctx, func(tx deploy.Tx) error { ok = true(tx); return nil })
		if err != nil {
			s.t.Fatal(err)
		}
		if ok {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			s.t.Fatal("waited in vain")
		}
	}
}

// inProcess carries requests to a handler without a socket, so that time can be fake.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r = r.Clone(r.Context()); r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
}

func TestARequestExpiresByItselfWhenItsTimeIsOver(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		server, err := sandbox.New(sandbox.Options{AccountID: account, Token: token})
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		d, err := cloudflare.New(cloudflare.Options{
			AccountID: account, Token: token, APIURL: "http://127.0.0.1/client/v4", HTTP: &http.Client{Transport: inProcess{server}},
		})
		if err != nil {
			t.Fatal(err)
		}
		w := inWorld(t, server, "http://127.0.0.1/client/v4", account, token)
		w.inside = d
		s := w.openAt(t, filepath.Join(dir, "towline.db"))
		s.version("v1", counted)
		began := time.Now()
		s.wants(s.endedAtLast(s.deployNow("v1")), release.Done)
		ask := s.promote(0)
		s.wants(s.endedAtLast(ask), release.Expired)
		if passed := time.Since(began); passed < time.Hour || passed > time.Hour+time.Minute {
			t.Errorf("after %s", passed)
		}
		s.stop()
	})
}

// endedAtLast is ended without a limit of its own.
func (s *shop) endedAtLast(run release.Run) release.Run {
	s.t.Helper()
	for {
		changed := s.engine.Changed()
		now, _, err := s.engine.FindRun(context.Background(), run.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		if !now.Phase.Open() {
			return now
		}
		<-changed
	}
}

// conflicting is a store that finds a conflict in every transaction the first time.
type conflicting struct{ deploy.Store }

var errConflict = errors.New("conflict")

func (c conflicting) Update(ctx context.Context, fn func(deploy.Tx) error) error {
	err := c.Store.Update(ctx, func(tx deploy.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errConflict
	})
	if !errors.Is(err, errConflict) {
		return err
	}
	return c.Store.Update(ctx, fn)
}

func TestATransactionThatIsRunAgainAfterAConflictHasOneEffect(t *testing.T) {
	s := newWorld(t).open(t, func(s *shop) { s.store = conflicting{s.store} })
	s.version("v1", counting)
	first := s.deploy("v1")
	s.wants(first, release.Done)
	if len(first.Steps) != 5 || first.Release != 1 {
		t.Errorf("#%d\n%s", first.Release, describe(first))
	}
	s.wants(s.ended(s.approve(s.promote(0), robin)), release.Done)
	s.version("v2", counted)
	s.deploy("v2")
	ask := s.promote(0)
	if again := s.promote(0); again.ID != ask.ID || again.Asked != 2 {
		t.Errorf("asked again: %d", again.Asked)
	}
	s.exec(release.Production, "CREATE TABLE surprise (id INTEGER)")
	if voted := s.approve(ask, robin); len(voted.Votes) != 1 {
		t.Errorf("votes %v", voted.Votes)
	}
	again := s.until(ask, func(r release.Run) bool { return r.Asked > 2 || !r.Phase.Open() })
	s.wants(again, release.Asking)
	if again.Asked != 3 || len(again.Changes) != 1 || again.Changes[0].What != "schema" {
		t.Errorf("asked %d times, changed %+v", again.Asked, again.Changes)
	}
	s.wants(s.ended(s.approve(again, robin)), release.Done)
	s.wants(s.back(0), release.Done)
	s.holds(release.Production, "SELECT n FROM count", "0")
}

func TestAProjectThatLeavesTheConfigLeavesNoRunBehind(t *testing.T) {
	s := newShop(t)
	s.version("v1", counted)
	s.stop()
	run := s.deployNow("v1")
	s.configure(func(p *deploy.Project) { p.Name = "other" })
	s.start()
	s.wantsRefusal(s.ended(run), release.CodeUnknownProject)
	if s.state(release.Preview).Lease != nil {
		t.Error("a lease is left")
	}
	if _, err := s.engine.Deploy(t.Context(), s.request(dana), "v1", false); err == nil {
		t.Error("an unknown project was deployed")
	}
}

func TestASourceThatCannotBeReadIsARefusalWithItsReason(t *testing.T) {
	s := newShop(t)
	s.version("v1", counted)
	r := s.wantsRefusal(s.deploy("nowhere"), release.CodeSource)
	if r.Facts["ref"] != "nowhere" || r.Facts["problem"] == "" {
		t.Errorf("facts %v", r.Facts)
	}
}

func TestCloudflareThatCannotBeReachedIsARefusalAndLeavesNoLease(t *testing.T) {
	s, ask := asking(t)
	s.api.Inject(sandbox.Fault{Times: sandbox.Always, Reply: sandbox.HTML(502)})
	refused(t, second2(s.engine.Rollback(t.Context(), s.request(dana), 0)), release.CodeNothingBefore) // no call needed
	s.version("v2", counting)
	run := s.deploy("v2")
	s.wantsRefusal(run, release.CodeFactsMissing)
	s.wantsRefusal(s.ended(s.approve(ask, robin)), release.CodeFactsMissing)
	_, err := s.engine.Promote(t.Context(), s.request(dana), 1)
	refused(t, err, release.CodeFactsMissing)
	if strings.Contains(err.Error(), s.token) {
		t.Error("the token is in the error")
	}
	status, err := s.engine.Status(t.Context(), "shop")
	if err != nil || status.Environments[0].Problem == "" || status.Environments[0].Live == nil {
		t.Errorf("status %+v, %v", status.Environments[0], err)
	}
	for _, env := range []release.Environment{release.Preview, release.Production} {
		if state := s.state(env); state.Lease != nil || len(state.Queue) != 0 {
			t.Errorf("%s: %+v", env, state)
		}
	}
}

func TestStatusHoldsTheLedgerAgainstTheLiveRelease(t *testing.T) {
	s := newShop(t)
	s.version("v1", counted)
	s.ship("v1")
	s.exec(release.Production, "DELETE FROM d1_migrations WHERE name = '0003_up.sql'", "INSERT INTO d1_migrations (name) VALUES ('0009_theirs.sql')")
	status, err := s.engine.Status(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	p := status.Environments[1]
	if !p.Exists || p.Applied != 3 || !slices.Equal(p.Behind, []string{"0003_up.sql"}) || !slices.Equal(p.Foreign, []string{"0009_theirs.sql"}) {
		t.Errorf("%+v", p)
	}
	if _, err := s.engine.Status(t.Context(), "nothing"); err == nil {
		t.Error("an unknown project has a status")
	}
}

func TestTheEngineStopsWhetherOrNotItWasStarted(t *testing.T) {
	s := newShop(t)
	s.stop()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.engine.Run(ctx); err != nil {
		t.Errorf("with a context that is over: %v", err)
	}
	if _, err := s.engine.Deploy(t.Context(), deploy.Request{Project: "shop", By: person(1, "Vic", gate.Viewer)}, "v1", false); err == nil {
		t.Error("a viewer deployed")
	}
}

func TestARunThatHasBegunIsNotRefusedWhenItsProjectLeavesTheConfig(t *testing.T) {
	s, ask := asking(t)
	s.api.Inject(sandbox.Fault{Path: "/time_travel/bookmark", Before: onceOnly(func() { s.cancel() })})
	s.approve(ask, robin)
	s.until(ask, func(r release.Run) bool { return r.Point != nil })
	s.stop()
	s.configure(func(p *deploy.Project) { p.Name = "other" })
	s.start()
	run := s.ended(ask)
	s.wants(run, release.Broken)
	if run.Failure.Code != "cannot_go_on" || run.Refusal != nil || s.state(release.Production).Lease != nil {
		t.Errorf("failure %+v, refusal %v", *run.Failure, run.Refusal)
	}
	s.holds(release.Production, tables)
}
