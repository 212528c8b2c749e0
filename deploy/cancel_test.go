package deploy_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
	sandbox "towline/sandbox/cloudflare"
)

func (s *shop) cancelRun(run release.Run, by gate.Actor) (release.Run, error) {
	return s.engine.Cancel(s.t.Context(), s.request(by), run.ID)
}

func TestARunInTheQueueIsCancelledAtOnceAndTheOthersMoveUp(t *testing.T) {
	s := newShop(t)
	s.version("v1", counting)
	s.version("v2", counted)
	hold := make(chan struct{})
	s.api.Inject(sandbox.Fault{Writes: true, Path: "/query", Before: wait(hold)})
	one := s.deployNow("v1")
	s.until(one, func(r release.Run) bool { return r.Phase == release.Executing })
	two, three := s.deployNow("v2"), s.deployNow("v2")
	cancelled, err := s.cancelRun(two, dana)
	if err != nil || cancelled.Phase != release.Cancelled || cancelled.Cancel.By.ID != dana.ID {
		t.Fatalf("%+v, %v", cancelled, err)
	}
	s.until(three, func(r release.Run) bool { return r.Place == 1 })
	close(hold)
	s.wants(s.ended(one), release.Done)
	s.wants(s.ended(three), release.Done)
	s.wants(s.ended(two), release.Cancelled)
	_, err = s.cancelRun(two, dana)
	refused(t, err, release.CodeAlreadyDone)
}

func TestARequestIsCancelledByItsRequesterOrAnApproverAndByNobodyElse(t *testing.T) {
	s, ask := asking(t)
	_, err := s.cancelRun(ask, person(1005, "Kim", gate.Deployer))
	refused(t, err, release.CodeNotAllowed)
	cancelled, err := s.cancelRun(ask, alex)
	if err != nil || cancelled.Phase != release.Cancelled || s.state(release.Production).Request != "" {
		t.Fatalf("%+v, %v", cancelled, err)
	}
	_, err = s.vote(ask, robin, true)
	refused(t, err, release.CodeAlreadyDone)
}

func TestARunThatIsPreparedStopsAndNothingIsChanged(t *testing.T) {
	s := newShop(t)
	s.version("v1", counting)
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	reached := make(chan struct{})
	hear := onceOnly(func() { close(reached) })
	s.api.Inject(sandbox.Fault{Path: "/d1/database", Before: func(ctx context.Context) { hear(ctx); wait(hold)(ctx) }})
	run := s.deployNow("v1")
	<-reached
	if _, err := s.cancelRun(run, dana); err != nil {
		t.Fatal(err)
	}
	run = s.ended(run)
	s.wants(run, release.Cancelled)
	if s.state(release.Preview).Lease != nil || len(s.api.Writes()) != 0 {
		t.Errorf("lease %v, %d writes", s.state(release.Preview).Lease, len(s.api.Writes()))
	}
}

func TestARunThatIsAtWorkStopsBeforeItsNextStepAndSaysWhatIsDone(t *testing.T) {
	s := newShop(t)
	s.version("v1", counted)
	hold := make(chan struct{})
	s.api.Inject(sandbox.Fault{Path: "/time_travel/bookmark", Before: wait(hold)})
	run := s.deployNow("v1")
	s.until(run, func(r release.Run) bool { return r.Phase == release.Executing })
	asked, err := s.cancelRun(run, dana)
	if err != nil || asked.Phase != release.Executing || asked.Cancel == nil {
		t.Fatalf("%+v, %v", asked, err)
	}
	_, err = s.cancelRun(run, robin)
	refused(t, err, release.CodeAlreadyDone)
	close(hold)
	run = s.ended(run)
	s.wants(run, release.Cancelled)
	if !slices.Equal(run.Failure.Left, []string{"0001_count.sql", "0002_up.sql", "0003_up.sql"}) || len(run.Failure.Applied) != 0 {
		t.Errorf("applied %v, left %v", run.Failure.Applied, run.Failure.Left)
	}
	s.wants(s.deploy("v1"), release.Done)
	s.holds(release.Preview, "SELECT n FROM count", "11")
}

func TestWhatARunThatWasStoppedHalfWayDidIsKeptAndTheRestIsDoneByTheNext(t *testing.T) {
	s := newShop(t)
	one := counting.and(files{"0001_links.sql": "CREATE TABLE parent (id INTEGER PRIMARY KEY);\nCREATE TABLE child (parent INTEGER REFERENCES parent);\n"})
	s.version("v1", one)
	s.ship("v1")
	s.exec(release.Production, "PRAGMA defer_foreign_keys=ON", "INSERT INTO child VALUES (99)", "PRAGMA defer_foreign_keys=OFF") // an orphan
	s.version("v2", one.and(files{"0002_deferred.sql": "PRAGMA defer_foreign_keys=ON;\nUPDATE count SET n = n + 1;\n", "0004_up.sql": "UPDATE count SET n = n + 10;\n"}))
	s.deploy("v2")
	ask := s.promote(0)
	if ask.Plan.Transactions != 2 {
		t.Fatalf("%d transactions", ask.Plan.Transactions)
	}
	hold, reached := make(chan struct{}), make(chan struct{})
	hear := onceOnly(func() { close(reached) })
	s.api.Inject(sandbox.Fault{Writes: true, Path: "/query", Before: func(ctx context.Context) { hear(ctx); wait(hold)(ctx) }})
	s.approve(ask, robin)
	<-reached
	if _, err := s.cancelRun(ask, dana); err != nil {
		t.Fatal(err)
	}
	close(hold)
	run := s.ended(ask)
	s.wants(run, release.Cancelled)
	if !slices.Equal(run.Failure.Applied, []string{"0002_deferred.sql"}) || !slices.Equal(run.Failure.Left, []string{"0004_up.sql"}) || s.state(release.Production).Unfinished == nil {
		t.Errorf("applied %v, left %v, way back %v", run.Failure.Applied, run.Failure.Left, s.state(release.Production).Unfinished)
	}
	s.wants(s.ended(s.approve(s.promote(0), robin)), release.Done)
	s.holds(release.Production, "SELECT n FROM count", "11")
}

func TestARunOfWhichOnlyTheReadingBackIsLeftIsNotCancelled(t *testing.T) {
	s := newShop(t)
	s.version("v1", counting)
	hold, reached := make(chan struct{}), make(chan struct{})
	hear := onceOnly(func() { close(reached) })
	run := s.deployNow("v1")
	s.wants(s.ended(run), release.Done)
	s.version("v2", counted)
	s.api.Inject(sandbox.Fault{Writes: true, Path: "/query", Before: func(ctx context.Context) { hear(ctx); wait(hold)(ctx) }})
	run = s.deployNow("v2")
	<-reached
	_, err := s.cancelRun(run, dana)
	refused(t, err, release.CodeTooLate)
	close(hold)
	s.wants(s.ended(run), release.Done)
}

func TestACancellingIsObeyedAfterARestartAsWell(t *testing.T) {
	s := newShop(t)
	s.version("v1", counted)
	s.api.Inject(sandbox.Fault{Path: "/time_travel/bookmark", Before: onceOnly(func() { s.cancel() })})
	run := s.deployNow("v1")
	s.until(run, func(r release.Run) bool { return r.Point != nil })
	s.stop()
	if _, err := s.cancelRun(run, dana); err != nil {
		t.Fatal(err)
	}
	s.restart()
	s.wants(s.ended(run), release.Cancelled)
}

// stuck is a database whose writes hang until their context ends.
type stuck struct {
	deploy.Databases
	reached chan struct{}
}

func (d stuck) Apply(ctx context.Context, _ string, _ []string) (deploy.Cost, error) {
	close(d.reached)
	<-ctx.Done()
	return deploy.Cost{}, &deploy.UnansweredError{Err: ctx.Err()}
}

func TestAStopWaitsForAStepNoLongerThanItMayAndTheNextStartFindsOutWhatBecameOfIt(t *testing.T) {
	s := newShop(t)
	s.version("v1", counted)
	s.stop()
	reached := make(chan struct{})
	s.databases, s.stopTimeout = stuck{s.remote, reached}, 10*time.Millisecond
	s.start()
	run := s.deployNow("v1")
	<-reached
	s.stop() // comes back, though the write does not
	s.wants(must(s.engine.FindRun(t.Context(), run.ID)), release.Executing)
	s.stopTimeout = 0
	s.restart()
	s.wants(s.ended(run), release.Done)
	s.holds(release.Preview, "SELECT n FROM count", "11")
}

func must(run release.Run, _ bool, err error) release.Run {
	if err != nil {
		panic(err)
	}
	return run
}

func TestARunnerWhoseLeaseWasTakenStoresNothingAnyMore(t *testing.T) {
	s := newShop(t)
	s.version("v1", counted)
	hold, reached := make(chan struct{}), make(chan struct{})
	hear := onceOnly(func() { close(reached) })
	s.api.Inject(sandbox.Fault{Writes: true, Path: "/query", Before: func(ctx context.Context) { hear(ctx); wait(hold)(ctx) }})
	run := s.deployNow("v1")
	<-reached
	err := s.store.Update(t.Context(), func(tx deploy.Tx) error {
		state := tx.State("shop", release.Preview)
		state.Lease.Token = "another's"
		tx.PutState(state)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.cancel()
	close(hold)
	s.stop()
	s.wants(must(s.engine.FindRun(context.Background(), run.ID)), release.Executing)
	s.restart() // under a token of its own it finds what became of the step
	s.wants(s.ended(run), release.Done)
	s.holds(release.Preview, "SELECT n FROM count", "11")
}
