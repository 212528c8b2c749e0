package deploy_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"towline/deploy"
	"towline/deploy/release"
	sandbox "towline/sandbox/cloudflare"
)

// losses are the ways in which an answer gets lost.
func losses() map[string]sandbox.Reply {
	return map[string]sandbox.Reply{
		"a dropped connection":        sandbox.Drop(),
		"a 500":                       sandbox.APIError(500, 7500, "internal error; reference = e_1"),
		"a gateway's 504":             sandbox.HTML(504),
		"an answer that breaks off":   sandbox.Truncated(10),
		"a 200 that is no success":    sandbox.Unsuccessful(7500, "internal error; reference = e_2"),
		"a 200 with a gateway's page": sandbox.HTML(200),
	}
}

// write is one of the four writes: how its request is known, and a journey on which it is made.
type write struct {
	name, path, body string
	before           func(s *shop)
	run              func(s *shop) release.Run
	step             string
	there, notThere  func(s *shop)
}

func writes() []write {
	forward := func(s *shop) release.Run { return s.deploy("v1") }
	back := func(s *shop) release.Run { return s.back(0) }
	shipped := func(second files) func(s *shop) {
		return func(s *shop) {
			s.version("v1", counting)
			s.ship("v1")
			s.version("v2", second)
			s.ship("v2")
		}
	}
	isBack := func(s *shop) { s.holds(release.Production, "SELECT n FROM count", "0") }
	isNotBack := func(s *shop) { s.holds(release.Production, "SELECT n FROM count", "11") }
	return []write{
		{
			name: "create", path: "/d1/database", body: `"name"`, step: release.StepProvision,
			before: func(s *shop) { s.version("v1", counted) }, run: forward,
			there: func(s *shop) { s.holds(release.Preview, "SELECT n FROM count", "11") },
			notThere: func(s *shop) {
				if s.id(release.Preview) != "" {
					s.t.Error("there is a database")
				}
			},
		},
		{
			name: "apply", path: "/query", body: "0003_up.sql", step: release.StepApply,
			before: func(s *shop) { s.version("v1", counted) }, run: forward,
			there:    func(s *shop) { s.holds(release.Preview, "SELECT n FROM count", "11") },
			notThere: func(s *shop) { s.holds(release.Preview, tables) },
		},
		{
			name: "undo", path: "/query", body: "not_in_the_ledger", step: release.StepUndo,
			before: shipped(countDown), run: back, there: isBack, notThere: isNotBack,
		},
		{
			name: "restore", path: "/restore", step: release.StepRestore,
			before: shipped(counted), run: back, there: isBack, notThere: isNotBack,
		},
	}
}

// sent counts the requests of a write.
func (w write) sent(s *shop) (n int) {
	for _, c := range s.api.Writes() {
		if strings.Contains(c.Path, w.path) && strings.Contains(c.Body, w.body) {
			n++
		}
	}
	return n
}

func TestALostAnswerToAWriteIsReadFromTheLedgerAndTheWriteIsNotSentAgain(t *testing.T) {
	for _, w := range writes() {
		for name, reply := range losses() {
			t.Run(w.name+", "+name, func(t *testing.T) {
				s := newShop(t)
				w.before(s)
				s.api.Forget()
				s.api.Inject(sandbox.Fault{Writes: true, Path: w.path, Body: w.body, Times: sandbox.Always, Execute: true, Reply: reply})
				run := w.run(s)
				s.wants(run, release.Done)
				i := slices.IndexFunc(run.Steps, func(step release.Step) bool { return step.Name == w.step })
				if i < 0 || !run.Steps[i].Found {
					t.Errorf("steps\n%s", describe(run))
				}
				if n := w.sent(s); n != 1 {
					t.Errorf("sent %d times", n)
				}
				w.there(s)
			})
		}
	}
}

func TestAWriteThatNeverArrivedIsSaidToHaveFailedOrToBeUnknownAndIsNotSentAgain(t *testing.T) {
	for _, w := range writes() {
		t.Run(w.name, func(t *testing.T) {
			s := newShop(t)
			w.before(s)
			s.api.Forget()
			s.api.Inject(sandbox.Fault{Writes: true, Path: w.path, Body: w.body, Times: sandbox.Always, Reply: sandbox.Drop()})
			run := w.run(s)
			if w.step == release.StepRestore {
				s.wants(run, release.Unresolved)
			} else {
				s.wants(run, release.Broken)
			}
			if run.Failure.Step != w.step || run.Failure.Words == "" || w.sent(s) != 1 {
				t.Errorf("failure %+v, sent %d times", *run.Failure, w.sent(s))
			}
			w.notThere(s)
		})
	}
}

func TestAWriteThatIsRefusedOnTheWayHasFailed(t *testing.T) {
	for _, w := range writes() {
		t.Run(w.name, func(t *testing.T) {
			s := newShop(t)
			w.before(s)
			s.api.Inject(sandbox.Fault{Writes: true, Path: w.path, Body: w.body, Times: sandbox.Always, Reply: sandbox.APIError(403, 7403, "The given account is not valid")})
			run := w.run(s)
			s.wants(run, release.Broken)
			w.notThere(s)
			if s.state(run.Environment).Lease != nil {
				t.Error("a lease is left")
			}
		})
	}
}

// silent is a D1 that says nothing to the first Apply and carries it out after so many looks that follow.
type silent struct {
	deploy.Databases
	mu    sync.Mutex
	after int
	late  func()
	used  bool
}

func (d *silent) Apply(ctx context.Context, id string, statements []string) (deploy.Cost, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.used {
		return d.Databases.Apply(ctx, id, statements)
	}
	d.used = true
	d.late = func() { _, _ = d.Databases.Apply(context.WithoutCancel(ctx), id, statements) }
	return deploy.Cost{}, &deploy.UnansweredError{Err: context.DeadlineExceeded}
}

func (d *silent) Read(ctx context.Context, id string, statements []string) ([]deploy.Rows, error) {
	rows, err := d.Databases.Read(ctx, id, statements)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.late != nil {
		if d.after--; d.after == 0 {
			d.late()
			d.late = nil
		}
	}
	return rows, err
}

// TestAWriteThatD1StillWorksOnIsFoundAtALaterLook: a connection that breaks early leaves D1 up to half a minute to commit.
func TestAWriteThatD1StillWorksOnIsFoundAtALaterLook(t *testing.T) {
	for _, after := range []int{1, 2, 6} {
		s := newWorld(t).open(t, func(s *shop) { s.databases = &silent{Databases: s.databases, after: after} })
		s.version("v1", counted)
		s.wants(s.deploy("v1"), release.Done)
		s.holds(release.Preview, "SELECT n FROM count", "11")
	}
}

func TestALostResetIsFound(t *testing.T) {
	s := newShop(t)
	s.version("v1", counting)
	s.ship("v1")
	s.version("branch", counting.and(files{"0002_other.sql": "CREATE TABLE other (id INTEGER);\n"}))
	s.deploy("branch")
	s.api.Forget()
	s.api.Inject(sandbox.Fault{Writes: true, Path: "/query", Execute: true, Reply: sandbox.HTML(504)})
	run := s.reset("v1")
	s.wants(run, release.Done)
	if n := len(s.api.Writes()); n != 1 {
		t.Errorf("%d writes", n)
	}
	s.holds(release.Preview, tables, "count", "d1_migrations")
}

// unresolved is a shop whose rollback by Time Travel has lost its answer.
func unresolved(t *testing.T, executed bool) (*shop, release.Run) {
	t.Helper()
	s := newShop(t)
	s.version("v1", counting)
	s.ship("v1")
	s.version("v2", counted)
	s.ship("v2")
	restore := sandbox.Fault{Writes: true, Path: "/restore", Execute: executed, Reply: sandbox.Drop()}
	if executed {
		// Nor can the database be read afterwards, until it heals.
		restore.Before = onceOnly(func() {
			s.api.Inject(sandbox.Fault{Body: "FROM sqlite_master", Times: sandbox.Always, Reply: sandbox.APIError(500, 7500, "internal error")})
		})
	}
	s.api.Inject(restore)
	run := s.back(0)
	s.wants(run, release.Unresolved)
	if state := s.state(release.Production); !state.Unresolved || state.Lease == nil || state.Lease.Run != run.ID || state.Live != 2 {
		t.Fatalf("state %+v", state)
	}
	s.api.Heal()
	return s, run
}

func TestAnUnknownOutcomeBlocksItsEnvironmentAndNoOther(t *testing.T) {
	s, run := unresolved(t, false)
	if r := refused(t, second2(s.engine.Promote(t.Context(), s.request(dana), 0)), release.CodeUnsettled); r.Facts["run"] != run.ID {
		t.Errorf("facts %v", r.Facts)
	}
	refused(t, second2(s.engine.Rollback(t.Context(), s.request(dana), 1)), release.CodeUnsettled)
	s.restart()
	if got, _, _ := s.engine.FindRun(t.Context(), run.ID); got.Phase != release.Unresolved {
		t.Errorf("after a restart the run is %s", got.Phase)
	}
	s.version("v3", counted.and(files{"0004_more.sql": "CREATE TABLE more (id INTEGER);\n"}))
	s.wants(s.deploy("v3"), release.Done)
	if n := s.restores(); n != 1 {
		t.Errorf("%d restores were sent", n)
	}
}

// second2 is the error of a call that gives a run.
func second2(_ release.Run, err error) error { return err }

func TestLookingAgainGoesOnFromWhatIsFound(t *testing.T) {
	s, run := unresolved(t, true)
	refused(t, second2(s.engine.Resolve(t.Context(), run.ID, dana, true)), release.CodeNotAllowed)
	looked, err := s.engine.Resolve(t.Context(), run.ID, robin, true)
	if err != nil || !looked.EndedAt.IsZero() {
		t.Fatalf("%+v, %v", looked.EndedAt, err)
	}
	run = s.ended(run)
	s.wants(run, release.Done)
	s.holds(release.Production, "SELECT n FROM count", "0")
	if s.restores() != 1 || run.Undo == nil || run.Failure != nil {
		t.Errorf("%d restores, undo %v, failure %v", s.restores(), run.Undo, run.Failure)
	}
	state := s.state(release.Production)
	if state.Unresolved || state.Lease != nil || state.Live != 1 || state.Hold == nil {
		t.Errorf("state %+v", state)
	}
	// The undo that it names is real.
	if _, err := s.direct.Restore(t.Context(), run.Undo.DatabaseID, run.Undo.Bookmark); err != nil {
		t.Fatal(err)
	}
	s.holds(release.Production, "SELECT n FROM count", "11")
	refused(t, second2(s.engine.Resolve(t.Context(), run.ID, robin, true)), release.CodeAlreadyDone)
}

func TestLookingAgainSendsNothingWhereNothingHappened(t *testing.T) {
	s, run := unresolved(t, false)
	if _, err := s.engine.Resolve(t.Context(), run.ID, robin, true); err != nil {
		t.Fatal(err)
	}
	s.wants(s.ended(run), release.Unresolved)
	if n := s.restores(); n != 1 {
		t.Errorf("%d restores were sent", n)
	}
}

func TestAPersonWhoHasLookedFreesTheEnvironment(t *testing.T) {
	s, run := unresolved(t, false)
	closed, err := s.engine.Resolve(t.Context(), run.ID, robin, false)
	if err != nil {
		t.Fatal(err)
	}
	s.wants(closed, release.Broken)
	if closed.Failure.Code != "closed_by_person" {
		t.Errorf("failure %+v", *closed.Failure)
	}
	state := s.state(release.Production)
	if state.Unresolved || state.Lease != nil || state.Live != 2 {
		t.Errorf("state %+v", state)
	}
	all, _ := s.engine.Releases(t.Context(), "shop", 0, 10)
	if all[0].Production != release.Live || all[1].Production != release.Superseded {
		t.Errorf("#2 is %s, #1 is %s", all[0].Production, all[1].Production)
	}
	s.wants(s.back(0), release.Done)
	s.holds(release.Production, "SELECT n FROM count", "0")
}

func TestARunThatCannotReadTheResultBackSaysWhatIsAppliedAndKeepsTheWayBack(t *testing.T) {
	s := newShop(t)
	s.version("v1", counting)
	s.ship("v1")
	s.version("v2", counted)
	s.wants(s.deploy("v2"), release.Done)
	ask := s.promote(2)
	s.api.Inject(sandbox.Fault{Writes: true, Path: "/query", Before: onceOnly(func() {
		s.api.Inject(sandbox.Fault{Body: "FROM sqlite_master", Times: sandbox.Always, Reply: sandbox.APIError(500, 7500, "internal error")})
	})})
	run := s.ended(s.approve(ask, robin))
	s.wants(run, release.Broken)
	if f := run.Failure; f.Code != "not_read_back" || !slices.Equal(f.Applied, []string{"0002_up.sql", "0003_up.sql"}) {
		t.Errorf("failure %+v", *f)
	}
	s.api.Heal()
	s.wants(s.ended(s.approve(s.promote(2), robin)), release.Done)
	s.holds(release.Production, "SELECT n FROM count", "11")
	back := s.back(0)
	s.wants(back, release.Done)
	s.holds(release.Production, "SELECT n FROM count", "0")
	s.holds(release.Production, ledger, "0001_count.sql")
}

func TestNothingIsChangedWithoutARestorePointThatWasReadBack(t *testing.T) {
	older := sandbox.Reply{
		Status: 200, Header: map[string][]string{"Content-Type": {"application/json"}},
		Body: `{"success":true,"errors":[],"messages":[],"result":{"bookmark":"00000000-00000000-00000000-0"}}`,
	}
	for name, fault := range map[string]sandbox.Fault{
		"none can be taken":          {Path: "/time_travel/bookmark", Times: sandbox.Always, Reply: sandbox.APIError(500, 7500, "internal error")},
		"it cannot be read back":     {Path: "/time_travel/bookmark", Skip: 1, Times: sandbox.Always, Reply: sandbox.HTML(502)},
		"what is read back is older": {Path: "/time_travel/bookmark", Skip: 1, Times: sandbox.Always, Reply: older},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.version("v1", counting)
			s.ship("v1")
			s.version("v2", counted)
			s.deploy("v2")
			ask := s.promote(0)
			s.api.Forget()
			s.api.Inject(fault)
			run := s.ended(s.approve(ask, robin))
			s.wants(run, release.Broken)
			if run.Failure.Code != "restore_point_missing" || run.Failure.Step != release.StepPoint || len(s.api.Writes()) != 0 {
				t.Errorf("failure %+v, writes %v", *run.Failure, s.api.Writes())
			}
			if state := s.state(release.Production); state.Live != 1 || state.Lease != nil || state.Unfinished != nil {
				t.Errorf("state %+v", state)
			}
			s.holds(release.Production, "SELECT n FROM count", "0")
		})
	}
}
