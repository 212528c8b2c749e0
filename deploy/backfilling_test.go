package deploy_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/gate"
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

const lowering = `-- towline:backfill name=people_lower table=people key=id batch=25 nice=0
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
		if p := working.Backfill; p.Total != 400 || p.Rows == 0 || p.Rows > 100 || p.Part() <= 0 || p.File != "0003_lower.sql" {
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
	for n, died := 12, true; died; n++ { // before that the release itself is under way
		if n > 80 {
			t.Fatal("the journey does not end")
		}
		if testing.Short() && n%shortStep != 1 {
			continue
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
		s.until(run, func(r release.Run) bool { return r.Backfill.Total > 0 })
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
	s.until(run, func(r release.Run) bool { return r.Backfill.Total > 0 })
	again := s.deployNow("v2")
	close(hold)
	s.wants(s.ended(again), release.Unchanged)
	s.onceFilled(release.Preview, s.ended(run), loweredNames...)
}

func TestABackfillIsPausedResumedStoppedAndTakenUpAgain(t *testing.T) {
	s := newShop(t)
	hold := s.holdWindow(2)
	run := s.toBackfill()
	s.until(run, func(r release.Run) bool { return r.Backfill.Total > 0 })
	if _, err := s.engine.PauseBackfill(t.Context(), s.request(person(9, "Vic", gate.Viewer)), run.ID); err == nil {
		t.Error("a viewer paused it")
	}
	order := func(do func(context.Context, deploy.Request, string) (release.Run, error), id string) release.Run {
		t.Helper()
		run, err := do(t.Context(), s.request(dana), id)
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	order(s.engine.PauseBackfill, run.ID)
	close(hold)
	paused := s.until(run, func(r release.Run) bool { return r.Phase == release.Paused })
	if p := paused.Backfill; p.Why != release.RestPerson || p.By == nil || p.By.Name != "Dana" || p.Rows == 0 {
		t.Errorf("progress %+v", p)
	}
	if state := s.state(release.Preview); state.Lease != nil || len(state.Queue) != 0 {
		t.Errorf("it keeps its environment: %+v", state)
	}
	s.holds(release.Preview, `SELECT state FROM "__towline_backfill"`, "paused")
	s.restart() // which is no reason to go on
	refused(t, second2(s.engine.PauseBackfill(t.Context(), s.request(dana), run.ID)), release.CodeAlreadyDone)
	hold = s.holdWindow(2)
	order(s.engine.ResumeBackfill, run.ID)
	s.until(run, func(r release.Run) bool {
		return r.Phase == release.Executing && r.Backfill.Why == "" && r.Backfill.Windows > paused.Backfill.Windows
	})
	order(s.engine.StopBackfill, run.ID)
	close(hold)
	stopped := s.ended(run)
	s.wants(stopped, release.Cancelled)
	if b := s.state(release.Preview).Backfill; b == nil || !b.Stopped {
		t.Errorf("state %+v", b)
	}
	refused(t, second2(s.engine.StopBackfill(t.Context(), s.request(dana), run.ID)), release.CodeAlreadyDone)
	s.wants(s.deploy("v2"), release.Unchanged)
	next := s.state(release.Preview).Backfill
	if next == nil || next.Run == run.ID {
		t.Fatalf("the same release did not go on: %+v", next)
	}
	after, _, _ := s.engine.FindRun(t.Context(), next.Run)
	s.onceFilled(release.Preview, s.ended(after), loweredNames...)
}

func TestABackfillThatWasStoppedIsResumedAsANewRun(t *testing.T) {
	s := newShop(t)
	hold := s.holdWindow(2)
	run := s.toBackfill()
	s.until(run, func(r release.Run) bool { return r.Backfill.Total > 0 })
	if _, err := s.engine.Cancel(t.Context(), s.request(dana), run.ID); err != nil {
		t.Fatal(err)
	}
	close(hold)
	s.wants(s.ended(run), release.Cancelled)
	next, err := s.engine.ResumeBackfill(t.Context(), s.request(dana), run.ID)
	if err != nil || next.ID == run.ID {
		t.Fatalf("resumed as %s: %v", next.ID, err)
	}
	s.onceFilled(release.Preview, s.ended(next), loweredNames...)
	refused(t, second2(s.engine.ResumeBackfill(t.Context(), s.request(dana), run.ID)), release.CodeNoBackfill)
}

func TestANextReleaseDoesNotGoOverABackfillThatIsNotDone(t *testing.T) {
	s := newShop(t)
	hold := s.holdWindow(2)
	run := s.toBackfill()
	s.until(run, func(r release.Run) bool { return r.Backfill.Total > 0 })
	s.version("after", lowered.and(files{"0004_more.sql": "CREATE TABLE more (id INTEGER);\n"}))
	s.version("without", lowered.and(files{"0003_lower.sql": "", "0004_more.sql": "CREATE TABLE more (id INTEGER);\n"}))
	s.version("pending", lowered.and(files{"0003_lower.sql": lowering, "0002_index.sql": lowered["0002_index.sql"] + "-- the same\n"}))
	after, without, pending := s.deployNow("after"), s.deployNow("without"), s.deployNow("pending")
	close(hold)
	s.wantsRefusal(s.ended(after), release.CodeBackfillUnfinished)
	s.wantsRefusal(s.ended(without), release.CodeBackfillUnfinished)
	s.wants(s.ended(pending), release.Done)
	done := s.ended(run)
	if done.Release != pending.Release && done.Release != s.state(release.Preview).Live {
		t.Errorf("it is #%d's", done.Release)
	}
	s.onceFilled(release.Preview, done, loweredNames...)
	s.wants(s.deploy("after"), release.Done)
}

func TestAStoppedBackfillIsGivenUpByAReleaseWithoutIt(t *testing.T) {
	s := newShop(t)
	hold := s.holdWindow(2)
	run := s.toBackfill()
	s.until(run, func(r release.Run) bool { return r.Backfill.Total > 0 })
	if _, err := s.engine.StopBackfill(t.Context(), s.request(dana), run.ID); err != nil {
		t.Fatal(err)
	}
	close(hold)
	s.wants(s.ended(run), release.Cancelled)
	s.version("without", lowered.and(files{"0003_lower.sql": "", "0004_more.sql": "CREATE TABLE more (id INTEGER);\n"}))
	s.wants(s.deploy("without"), release.Done)
	s.waitFor(func(tx deploy.Tx) bool { return tx.State("shop", release.Preview).Backfill == nil })
	s.holds(release.Preview, leftovers)
}

func TestABackfillThatIsNotTheLastFileIsRefused(t *testing.T) {
	s := newShop(t)
	s.version("v1", peopled)
	s.deploy("v1")
	s.version("middle", peopled.and(files{"0002_lower.sql": lowering, "0003_index.sql": "CREATE INDEX people_email ON people(email);\n"}))
	r := s.wantsRefusal(s.deploy("middle"), release.CodeBackfillPlace)
	if !slices.Equal(r.Items, []string{"0002_lower.sql"}) || r.Facts["last"] != "0003_index.sql" {
		t.Errorf("refusal %+v", r)
	}
	s.version("two", peopled.and(files{"0002_lower.sql": lowering, "0003_lower.sql": lowering}))
	s.wantsRefusal(s.deploy("two"), release.CodeBackfillPlace)
	s.version("unfit", peopled.and(files{"0002_lower.sql": strings.Replace(lowering, "key=id", "key=email", 1)}))
	if r := s.wantsRefusal(s.deploy("unfit"), release.CodeBackfillUnfit); r.Facts["problem"] == "" || r.Facts["file"] != "0002_lower.sql" {
		t.Errorf("refusal %+v", r)
	}
	s.version("unread", peopled.and(files{"0002_lower.sql": strings.Replace(lowering, "/* :window */", "", 1)}))
	s.wantsRefusal(s.deploy("unread"), release.CodeBadMigration)
}

func TestABackfillThatStaysWrongRestsAndSaysSo(t *testing.T) {
	s := newShop(t)
	s.version("v1", peopled.and(files{"0002_check.sql": "CREATE TABLE audit (id INTEGER PRIMARY KEY, n INTEGER CHECK (n < 200));\nCREATE TRIGGER counted AFTER UPDATE ON people BEGIN INSERT INTO audit VALUES (new.id, new.id); END;\n"}))
	s.wants(s.deploy("v1"), release.Done)
	s.version("v2", peopled.and(files{
		"0002_check.sql": "CREATE TABLE audit (id INTEGER PRIMARY KEY, n INTEGER CHECK (n < 200));\nCREATE TRIGGER counted AFTER UPDATE ON people BEGIN INSERT INTO audit VALUES (new.id, new.id); END;\n",
		"0003_lower.sql": lowering,
	}))
	run := s.backfillOf(s.deploy("v2"))
	stuck := s.until(run, func(r release.Run) bool { return r.Phase == release.Paused })
	if p := stuck.Backfill; p.Why != release.RestErrors || !strings.Contains(p.Words, "CHECK constraint failed") || p.Rows == 0 {
		t.Errorf("progress %+v", p)
	}
	s.exec(release.Preview, "DROP TRIGGER counted")
	if _, err := s.engine.ResumeBackfill(t.Context(), s.request(dana), run.ID); err != nil {
		t.Fatal(err)
	}
	done := s.ended(run)
	s.wants(done, release.Done)
	s.holds(release.Preview, backfilled, "400 400 1")
}

func TestABackfillKeepsToItsRowsForTheDayAndToItsHours(t *testing.T) {
	s := newShop(t)
	s.configure(func(p *deploy.Project) { p.Backfill.RowsPerDay = 200 })
	run := s.toBackfill()
	for range 10 {
		rests := s.until(run, func(r release.Run) bool { return r.Phase == release.Paused || !r.Phase.Open() })
		if rests.Phase == release.Done {
			break
		}
		p := rests.Backfill
		if p.Why != release.RestBudget || p.Until.Before(s.now()) || p.Written > 300 {
			t.Fatalf("progress %+v", p)
		}
		s.later(p.Until.Sub(s.now()) + time.Second)
		s.restart()
		s.until(run, func(r release.Run) bool { return r.Backfill.Day != p.Day || !r.Phase.Open() })
	}
	s.onceFilled(release.Preview, s.ended(run), loweredNames...)
}

func TestABackfillRestsOutsideItsHoursAndWhileItsEnvironmentIsLocked(t *testing.T) {
	s := newShop(t)
	now := s.now().UTC()
	clock := time.Duration(now.Hour())*time.Hour + time.Duration(now.Minute())*time.Minute
	s.configure(func(p *deploy.Project) {
		p.Backfill.Hours = deploy.Hours{From: (clock + 2*time.Hour) % (24 * time.Hour), To: (clock + 8*time.Hour) % (24 * time.Hour)}
	})
	run := s.toBackfill()
	rests := s.until(run, func(r release.Run) bool { return r.Phase == release.Paused })
	if p := rests.Backfill; p.Why != release.RestHours || p.Until.Sub(now) < time.Hour || p.Until.Sub(now) > 3*time.Hour {
		t.Errorf("progress %+v", p)
	}
	if _, err := s.engine.LockFor(t.Context(), s.request(robin), release.Preview, 8*time.Hour, "a demo"); err != nil {
		t.Fatal(err)
	}
	s.later(3 * time.Hour)
	s.restart()
	s.until(run, func(r release.Run) bool { return r.Phase == release.Paused && r.Backfill.Why == release.RestKept })
	if _, err := s.engine.Unlock(t.Context(), s.request(robin), release.Preview); err != nil {
		t.Fatal(err)
	}
	s.later(2 * time.Minute)
	s.restart()
	s.onceFilled(release.Preview, s.ended(run), loweredNames...)
}

func TestWhatWranglerCarriedOutMeanwhileIsNotDoneTwice(t *testing.T) {
	s := newShop(t)
	hold := s.holdWindow(2)
	run := s.toBackfill()
	s.until(run, func(r release.Run) bool { return r.Backfill.Total > 0 })
	s.exec(release.Preview, "UPDATE people SET lower = lower(email), times = times + 1 WHERE lower IS NULL", "INSERT INTO d1_migrations (name) VALUES ('0003_lower.sql')")
	close(hold)
	done := s.ended(run)
	s.onceFilled(release.Preview, done, loweredNames...)
	if !slices.Contains(done.Notes, "backfilled_elsewhere") {
		t.Errorf("notes %v", done.Notes)
	}
}
