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

// vast is a D1 whose databases are said to be so large that they are copied beside whoever waits.
type vast struct {
	deploy.Databases
	deploy.Exports
}

func (v vast) Read(ctx context.Context, id string, statements []string) ([]deploy.Rows, error) {
	rows, err := v.Databases.Read(ctx, id, statements)
	for i := range rows {
		rows[i].Size += 21e6
	}
	return rows, err
}

// inVastWorld starts the engine anew on such a D1.
func inVastWorld(s *shop) {
	s.remote = vast{s.remote, s.remote.(deploy.Exports)}
	s.databases = s.remote
	s.start()
}

// copied brings v1 to production and v2, which only adds, to preview of a project that rehearses on its data.
func copied(s *shop, first files) {
	s.copies = true
	s.start()
	s.version("v1", first)
	s.ship("v1")
	s.configure(func(p *deploy.Project) { p.Rehearse = deploy.Rehearse{Data: true, MaxAge: time.Minute} })
	s.version("v2", first.and(files{"0002_a.sql": "CREATE TABLE a (id INTEGER PRIMARY KEY);\n"}))
	s.wants(s.deploy("v2"), release.Done)
}

func (s *shop) exports() (n int) {
	for _, c := range s.api.Calls() {
		if strings.HasSuffix(c.Path, "/export") {
			n++
		}
	}
	return n
}

func TestACopyThatFailsIsSaidOnTheRequestThatWaitsForItAndNotTriedAgainAtOnce(t *testing.T) {
	s := newShop(t)
	inVastWorld(s)
	copied(s, full)
	s.api.Inject(sandbox.Fault{Path: "/export", Times: sandbox.Always, Reply: sandbox.APIError(400, 7500, "no export today: SQLITE_ERROR")})
	run := s.promote(0)
	if r := run.Plan.Rehearsal; r.NoCopy != deploy.NoCopyComing {
		t.Fatalf("rehearsed on %+v", r)
	}
	s.until(run, func(r release.Run) bool { return r.Plan.Rehearsal.NoCopy == deploy.NoCopyFailed })
	tried := s.exports()
	if r := s.promote(0).Plan.Rehearsal; r.NoCopy != deploy.NoCopyFailed || s.exports() != tried {
		t.Errorf("rehearsed on %+v after %d exports, before %d", r, s.exports(), tried)
	}
	s.api.Heal()
	s.later(11 * time.Minute)
	run = s.promote(0)
	s.until(run, func(r release.Run) bool { return r.Plan.Rehearsal.Data })
}

func TestACopyThatTakesLongerThanItMayBeOldIsUsedAndNotTakenAgain(t *testing.T) {
	s := newShop(t)
	inVastWorld(s)
	copied(s, full)
	asked := make(chan struct{}) // as below
	s.api.Inject(sandbox.Fault{Path: "/export", Times: sandbox.Always, Before: func(context.Context) { <-asked; s.later(5 * time.Minute) }})
	before := s.exports()
	run := s.promote(0)
	close(asked)
	s.until(run, func(r release.Run) bool { return r.Plan.Rehearsal.Data })
	taken := s.exports() - before
	if r := s.promote(0).Plan.Rehearsal; !r.Data || s.exports()-before != taken {
		t.Errorf("rehearsed on %+v after %d calls of export, and %d", r, taken, s.exports()-before)
	}
}

func TestACopyThatFailsAfterALongTimeIsNotTriedAgainAtOnce(t *testing.T) {
	s := newShop(t)
	inVastWorld(s)
	copied(s, full)
	asked := make(chan struct{}) // the copy is made beside the request, whose facts would be old if the clock moved meanwhile
	s.api.Inject(sandbox.Fault{
		Path: "/export", Times: sandbox.Always, Before: func(context.Context) { <-asked; s.later(15 * time.Minute) },
		Reply: sandbox.APIError(400, 7500, "no export today: SQLITE_ERROR"),
	})
	run := s.promote(0)
	close(asked)
	s.until(run, func(r release.Run) bool { return r.Plan.Rehearsal.NoCopy == deploy.NoCopyFailed })
	tried := s.exports()
	if r := s.promote(0).Plan.Rehearsal; r.NoCopy != deploy.NoCopyFailed || s.exports() != tried {
		t.Errorf("rehearsed on %+v after %d exports, before %d", r, s.exports(), tried)
	}
}

func TestACopyFromTheFutureIsTakenAnew(t *testing.T) {
	s := newShop(t)
	copied(s, full)
	taken := s.promote(0).Plan.Rehearsal
	s.later(-24 * time.Hour)
	if again := s.promote(0).Plan.Rehearsal; !again.Data || !again.CopyAt.Before(taken.CopyAt) {
		t.Errorf("rehearsed on %+v, after %+v", again, taken)
	}
}

func TestACopyThatCannotBeReadGivesWayToTheNext(t *testing.T) {
	for name, damage := range map[string]func(copied []byte){
		"no database":       func(copied []byte) { clear(copied) },
		"a damaged page":    func(copied []byte) { clear(copied[100:4096]) },
		"a page of a table": func(copied []byte) { clear(copied[4096:]) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			copied(s, full)
			run := s.promote(0)
			if _, err := s.vote(run, robin, false); err != nil {
				t.Fatal(err)
			}
			path := s.path + ".copies/shop.db"
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			damage(content)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			run = s.promote(0)
			if r := run.Plan.Rehearsal; !r.Data {
				t.Errorf("rehearsed on %+v", r)
			}
			s.wants(s.ended(s.approve(run, robin)), release.Done)
		})
	}
}

func TestACopyThatWasOnItsWayWhenTheProcessEndedIsTakenByTheNext(t *testing.T) {
	s := newShop(t)
	inVastWorld(s)
	copied(s, full)
	arrived := make(chan struct{}, 1)
	s.api.Inject(sandbox.Fault{Path: "/export", Before: func(ctx context.Context) { arrived <- struct{}{}; <-ctx.Done() }})
	run := s.promote(0)
	<-arrived
	s.restart()
	s.until(run, func(r release.Run) bool { return r.Plan.Rehearsal.Data })
}

func TestAReleaseThatIsApprovedWhileTheDataIsCopiedWaitsForTheCopy(t *testing.T) {
	s := newShop(t)
	inVastWorld(s)
	copied(s, full)
	arrived, gate := make(chan struct{}, 1), make(chan struct{})
	s.api.Inject(sandbox.Fault{Path: "/export", Before: func(ctx context.Context) { arrived <- struct{}{}; wait(gate)(ctx) }})
	run := s.promote(0)
	<-arrived
	s.approve(run, robin)
	s.until(run, func(r release.Run) bool { return r.Phase == release.Preparing })
	close(gate)
	run = s.ended(run)
	s.wants(run, release.Done)
	if r := run.Plan.Rehearsal; !r.Data {
		t.Errorf("rehearsed on %+v", r)
	}
}

func TestAWayBackDoesNotWaitForACopy(t *testing.T) {
	s := newShop(t)
	inVastWorld(s)
	copied(s, full)
	s.wants(s.ended(s.approve(s.promote(0), robin)), release.Done)
	s.version("v3", full.and(files{"0002_a.sql": "CREATE TABLE a (id INTEGER PRIMARY KEY);\n", "0003_b.sql": "CREATE TABLE b (id INTEGER PRIMARY KEY);\n"}))
	s.wants(s.deploy("v3"), release.Done)
	arrived := make(chan struct{}, 1)
	s.api.Inject(sandbox.Fault{Path: "/export", Before: func(ctx context.Context) { arrived <- struct{}{}; <-ctx.Done() }})
	s.promote(0)
	<-arrived
	s.wants(s.back(0), release.Done)
}

func TestNoCopyIsTakenWhenAReleaseIsAboutToRun(t *testing.T) {
	s := newShop(t)
	copied(s, full)
	run := s.promote(0)
	if !run.Plan.Rehearsal.Data {
		t.Fatalf("rehearsed on %+v", run.Plan.Rehearsal)
	}
	s.later(5 * time.Minute)
	taken := s.exports()
	run = s.ended(s.approve(run, robin))
	s.wants(run, release.Done)
	if r := run.Plan.Rehearsal; !r.Data || s.exports() != taken {
		t.Errorf("rehearsed on %+v, with %d exports more", r, s.exports()-taken)
	}
}

func TestCopiesThatNobodyWantsAnyMoreAreRemoved(t *testing.T) {
	s := newShop(t)
	copied(s, full)
	if !s.promote(0).Plan.Rehearsal.Data {
		t.Fatal("there is no copy")
	}
	dir := s.path + ".copies"
	there := func() (names []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	gone := func(names ...string) {
		t.Helper()
		look := time.NewTicker(time.Millisecond)
		defer look.Stop()
		for slices.ContainsFunc(there(), func(name string) bool { return slices.Contains(names, name) }) {
			select {
			case <-look.C:
			case <-t.Context().Done():
				t.Fatalf("still there: %v", there())
			}
		}
	}
	left := []string{"towline-rehearsal-1.db", "towline-rehearsal-1.db-journal", "shop.db.new", "elsewhere.db", "elsewhere.db.json"}
	for _, name := range left {
		if err := os.WriteFile(dir+"/"+name, []byte("rows"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.restart()
	gone(left...)
	if got := there(); !slices.Equal(got, []string{"shop.db", "shop.db.json"}) {
		t.Errorf("there is %v", got)
	}
	s.configure(func(p *deploy.Project) { p.Rehearse = deploy.Rehearse{} })
	s.restart()
	gone("shop.db", "shop.db.json")
}
