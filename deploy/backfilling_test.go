package deploy_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/release"
	sandbox "towline/sandbox/cloudflare"
)

// people is a table with rows, and lowered what a release does to it: a column, then a backfill that fills it.
var (
	peopled = files{"0001_people.sql": `CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, lower TEXT, times INTEGER NOT NULL DEFAULT 0);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) INSERT INTO people (id, email) SELECT i * 2, 'P' || i FROM n;
`}
	lowered = peopled.and(files{"0002_index.sql": "CREATE INDEX people_email ON people(email);\n", "0003_lower.sql": lowering})
)

const lowering = `-- towline:backfill name=people_lower table=people key=id batch=100 nice=0
--   count: SELECT count(*) FROM people WHERE lower IS NULL
--   done:  SELECT NOT EXISTS (SELECT 1 FROM people WHERE lower IS NULL)
UPDATE people SET lower = lower(email), times = times + 1 WHERE lower IS NULL /* :window */;
-- towline:end
`

const (
	backfilled = "SELECT count(*) || ' ' || sum(times) || ' ' || max(times) FROM people WHERE lower = lower(email)"
	leftovers  = `SELECT name FROM sqlite_master WHERE name LIKE '\_\_towline%' ESCAPE '\'`
)

// slow makes a fault that holds every window from the nth on until the channel is closed.
func (s *shop) holdWindow(n int) chan struct{} {
	gate := make(chan struct{})
	s.api.Inject(sandbox.Fault{Writes: true, Path: "/query", Body: "times + 1", Skip: n - 1, Before: wait(gate)})
	return gate
}

// toBackfill puts the people on preview, then the release that lowers them, and returns its backfill.
func (s *shop) toBackfill() release.Run {
	s.t.Helper()
	s.version("v1", peopled)
	s.wants(s.deploy("v1"), release.Done)
	s.version("v2", lowered)
	return s.backfillOf(s.deploy("v2"))
}

// backfillOf is the run of the backfill that a release began.
func (s *shop) backfillOf(run release.Run) release.Run {
	s.t.Helper()
	s.wants(run, release.Done)
	b := s.state(run.Environment).Backfill
	if b == nil {
		s.t.Fatal("no backfill began")
	}
	found, ok, err := s.engine.FindRun(s.t.Context(), b.Run)
	if err != nil || !ok {
		s.t.Fatalf("the backfill's run: %t, %v", ok, err)
	}
	return found
}

// onceFilled checks that a backfill is done, that it touched each row once, and that nothing of it is left.
func (s *shop) onceFilled(env release.Environment, run release.Run, names ...string) {
	s.t.Helper()
	s.wants(run, release.Done)
	s.holds(env, backfilled, "400 400 1")
	s.holds(env, leftovers)
	s.holds(env, ledger, names...)
	state := s.state(env)
	if state.Backfill != nil || state.Lease != nil || len(state.Queue) != 0 || state.Live != run.Release {
		s.t.Errorf("state %+v", state)
	}
}

var loweredNames = []string{"0001_people.sql", "0002_index.sql", "0003_lower.sql"}

func TestABackfillBeginsWhenItsReleaseIsLiveAndIsRecordedWithItsLastWindow(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		hold := s.holdWindow(3)
		run := s.toBackfill()
		s.holds(release.Preview, ledger, loweredNames[:2]...)
		if state := s.state(release.Preview); state.Live != 2 || run.Kind != release.Backfill || run.Release != 2 {
			t.Errorf("live #%d, run %+v", state.Live, run)
		}
		working := s.until(run, func(r release.Run) bool { return r.Backfill.Windows > 0 })
		if p := working.Backfill; p.Total != 400 || p.Rows == 0 || p.Rows > 300 || p.Part() <= 0 || p.File != "0003_lower.sql" {
			t.Errorf("progress %+v", p)
		}
		status, err := s.engine.Backfills(t.Context(), "shop")
		if err != nil || len(status) != 1 || status[0].Run.ID != run.ID {
			t.Errorf("status %+v, %v", status, err)
		}
		close(hold)
		done := s.ended(run)
		s.onceFilled(release.Preview, done, loweredNames...)
		if p := done.Backfill; p.Rows != 400 || done.Point == nil || p.Written < 400 {
			t.Errorf("progress %+v, point %v", p, done.Point)
		}
		shipped := s.ended(s.approve(s.promote(2), robin)) // production is new: the backfill is one statement of many
		s.wants(shipped, release.Done)
		s.onceFilled(release.Production, shipped, loweredNames...)
	})
}

func TestAFullPassOnProductionAfterAPromote(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.version("v1", peopled)
		s.ship("v1")
		s.version("v2", lowered)
		s.wants(s.ended(s.backfillOf(s.deploy("v2"))), release.Done)
		ask := s.promote(2)
		if ask.Plan.Backfill == nil || ask.Plan.Backfill.File != "0003_lower.sql" || slices.Contains(ask.Plan.Names(), "0003_lower.sql") {
			t.Errorf("plan %+v", ask.Plan)
		}
		run := s.backfillOf(s.ended(s.approve(ask, robin)))
		s.onceFilled(release.Production, s.ended(run), loweredNames...)
		err := s.records.Deploy().View(t.Context(), func(tx deploy.Tx) error {
			changes := tx.Changes("shop", release.Production, 0, 9)
			if len(changes) != 3 || changes[0].Kind != release.Backfill || !slices.Equal(changes[0].Ledger, loweredNames) {
				t.Errorf("changes %+v", changes)
			}
			if _, known := tx.Checksums("shop", release.Production)["0003_lower.sql"]; !known {
				t.Error("the checksum of the backfill is not kept")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestABackfillThatDiesAnywhereTouchesEveryRowOnce(t *testing.T) {
	everywhere(t, journey{
		before: func(s *shop) {
			s.version("v1", peopled)
			s.deploy("v1")
			s.version("v2", lowered)
		},
		ask: func(s *shop) (release.Run, error) {
			run, err := s.engine.Deploy(s.t.Context(), deploy.Request{Project: "shop", By: dana, Key: "deploy"}, "v2", false)
			if err != nil {
				return run, err
			}
			return s.backfillBegun(run)
		},
		check: func(s *shop, run release.Run) { s.onceFilled(release.Preview, run, loweredNames...) },
	})
}

// backfillBegun waits for the backfill of a release, or for the death of the process.
func (s *shop) backfillBegun(run release.Run) (release.Run, error) {
	for {
		changed := s.engine.Changed()
		var found release.Run
		now, _, err := s.engine.FindRun(s.t.Context(), run.ID)
		if err == nil && !now.Phase.Open() {
			err = s.records.Deploy().View(s.t.Context(), func(tx deploy.Tx) error {
				if id, ok := tx.RunOf(run.ID + "/backfill/0003_lower.sql"); ok {
					found, _ = tx.Run(id)
				}
				return nil
			})
			if found.ID != "" || err != nil {
				return found, err
			}
			return found, fmt.Errorf("run %s ended as %s without a backfill", run.ID, now.Phase)
		}
		if err != nil {
			return found, err
		}
		select {
		case <-changed:
		case <-time.After(20 * time.Millisecond): // the dead raise nothing
		}
	}
}

func TestAnswersThatAreLostInABackfillDoNoHarm(t *testing.T) {
	for _, c := range []struct {
		name    string
		execute bool
		reply   sandbox.Reply
	}{
		{"lost after it happened", true, sandbox.Drop()},
		{"lost before it happened", false, sandbox.Drop()},
		{"an internal error after it happened", true, sandbox.APIError(500, 7500, "internal error; reference = e_1")},
		{"a gateway's page", false, sandbox.HTML(504)},
		{"overloaded", false, sandbox.APIError(429, 7500, "D1 DB is overloaded. Requests queued for too long.")},
	} {
		try := func(t *testing.T, s *shop) {
			s.version("v1", peopled)
			s.deploy("v1")
			s.version("v2", lowered)
			// Every third write of the backfill, with its tables and its last window.
			for _, body := range []string{"CREATE TABLE IF NOT EXISTS \\\"__towline_backfill", "times + 1", "DROP TABLE \\\"__towline_assert"} {
				for skip := range 3 {
					s.api.Inject(sandbox.Fault{Writes: true, Path: "/query", Body: body, Skip: skip * 3, Execute: c.execute, Reply: c.reply})
				}
			}
			run := s.backfillOf(s.deploy("v2"))
			s.onceFilled(release.Preview, s.ended(run), loweredNames...)
		}
		t.Run(c.name, func(t *testing.T) { try(t, newShop(t)) })
		t.Run(c.name+", real engine", func(t *testing.T) { try(t, realPlace(t).open(t)) })
	}
}

// realPlace is a realWorld whose databases have names of their own, however long the test's is.
func realPlace(t *testing.T) *world {
	t.Helper()
	w := realWorld(t)
	w.project.Preview, w.project.Production = "p-"+strings.ToLower(rand.Text()), "x-"+strings.ToLower(rand.Text())
	return w
}

// TestABackfillOnTheRealEngineThatDiesAnywhereTouchesEveryRowOnce is everywhere's journey on D1's own engine.
func TestABackfillOnTheRealEngineThatDiesAnywhereTouchesEveryRowOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for another program")
	}
	step := 3 // the local Cloudflare has every instant
	if os.Getenv("TOWLINE_SWEEP") == "full" {
		step = 1
	}
	for n, died := 12, true; died; n += step { // before that the release itself is under way
		if n > 400 { // a slow engine makes more and smaller windows
			t.Fatal("the journey does not end")
		}
		t.Run(fmt.Sprintf("after act %d", n), func(t *testing.T) { died = diesOnReal(t, n) })
	}
}

func diesOnReal(t *testing.T, last int) (died bool) {
	s := realPlace(t).open(t)
	s.version("v1", peopled)
	s.wants(s.deploy("v1"), release.Done)
	s.version("v2", lowered)
	l := &life{last: last, over: make(chan struct{})}
	s.store, s.databases = mortalStore{s.records.Deploy(), l}, mortalDatabases{s.remote, l}
	s.start()
	ask := func() (release.Run, error) {
		run, err := s.engine.Deploy(t.Context(), deploy.Request{Project: "shop", By: dana, Key: "deploy"}, "v2", false)
		if err != nil {
			return run, err
		}
		return s.backfillBegun(run)
	}
	run, err := ask()
	if err == nil {
		died = s.endedOrDead(run, l)
	} else if died = l.dead(); !died {
		t.Fatal(err)
	}
	s.restart()
	if died {
		if run, err = ask(); err != nil {
			t.Fatalf("asked again: %v", err)
		}
	}
	s.onceFilled(release.Preview, s.ended(run), loweredNames...)
	return died
}

func TestARollbackGoesBeforeTheRestOfABackfillAndEndsIt(t *testing.T) {
	onBoth(t, func(t *testing.T, s *shop) {
		s.version("v1", peopled)
		s.ship("v1")
		s.version("v2", lowered.and(files{"down/0002_index.sql": "DROP INDEX people_email;\n"}))
		s.wants(s.ended(s.backfillOf(s.deploy("v2"))), release.Done)
		hold := s.holdWindow(2)
		run := s.backfillOf(s.ended(s.approve(s.promote(2), robin)))
		s.until(run, func(r release.Run) bool { return r.Backfill.Windows > 0 })
		back := s.approve(s.rollback(0), robin)
		close(hold)
		s.wants(s.ended(back), release.Done)
		s.wants(s.ended(run), release.Overtaken)
		s.holds(release.Production, leftovers)
		if state := s.state(release.Production); state.Live != 1 || state.Backfill != nil || state.Lease != nil || len(state.Queue) != 0 {
			t.Errorf("state %+v", state)
		}
	})
}

func TestABackfillGivesWayBetweenTwoWindowsAndGoesOn(t *testing.T) {
	s := newShop(t)
	hold := s.holdWindow(2)
	run := s.toBackfill()
	s.until(run, func(r release.Run) bool { return r.Backfill.Windows > 0 })
	again := s.deployNow("v2")
	close(hold)
	s.wants(s.ended(again), release.Unchanged)
	s.onceFilled(release.Preview, s.ended(run), loweredNames...)
}
