package deploy_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
)

func TestABackfillIsPausedResumedStoppedAndTakenUpAgain(t *testing.T) {
	s := newShop(t)
	hold := s.holdWindow(2)
	run := s.toBackfill()
	s.until(run, func(r release.Run) bool { return r.Backfill.Windows > 0 })
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
	s.until(run, func(r release.Run) bool { return r.Backfill.Windows > 0 })
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
	s.until(run, func(r release.Run) bool { return r.Backfill.Windows > 0 })
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
	s.until(run, func(r release.Run) bool { return r.Backfill.Windows > 0 })
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
		"0003_lower.sql": strings.Replace(lowering, "batch=100", "batch=25", 1),
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
	s.until(run, func(r release.Run) bool { return r.Backfill.Windows > 0 })
	s.exec(release.Preview, "UPDATE people SET lower = lower(email), times = times + 1 WHERE lower IS NULL", "INSERT INTO d1_migrations (name) VALUES ('0003_lower.sql')")
	close(hold)
	done := s.ended(run)
	s.onceFilled(release.Preview, done, loweredNames...)
	if !slices.Contains(done.Notes, "backfilled_elsewhere") {
		t.Errorf("notes %v", done.Notes)
	}
}

func TestAReleaseWithADoneBackfillGoesBackByTheDownOfWhatMadeRoomForIt(t *testing.T) {
	for name, content := range map[string]files{"that runs alone": lowered, "that does not": alone} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.version("v1", peopled)
			s.ship("v1")
			s.version("v2", content.and(files{"down/0002_index.sql": "DROP INDEX people_email;\n"}))
			s.wants(s.ended(s.backfillOf(s.deploy("v2"))), release.Done)
			s.wants(s.ended(s.backfillOf(s.ended(s.approve(s.promote(2), robin)))), release.Done)
			ask := s.rollbackBy(1, release.WayDown)
			if !slices.Equal(ask.Plan.Names(), []string{"0003_lower.sql", "0002_index.sql"}) {
				t.Errorf("takes back %q", ask.Plan.Names())
			}
			s.wants(s.ended(s.approve(ask, robin)), release.Done)
			s.holds(release.Production, ledger, loweredNames[:1]...)
		})
	}
}

func TestARollbackToAReleaseThatHasTheSameBackfillToDoLetsItGoOn(t *testing.T) {
	s := newShop(t)
	s.version("v1", peopled)
	s.ship("v1")
	s.version("v2", lowered)
	s.wants(s.ended(s.backfillOf(s.deploy("v2"))), release.Done)
	s.configure(func(p *deploy.Project) { p.Backfill.RowsPerDay = 50 }) // so that it rests
	run := s.backfillOf(s.ended(s.approve(s.promote(2), robin)))
	s.until(run, func(r release.Run) bool { return r.Phase == release.Paused && r.Backfill.Why == release.RestBudget })
	s.version("v3", lowered.and(files{"down/0002_index.sql": "DROP INDEX people_email;\n"})) // another release, the same to do
	s.ship("v3")
	s.until(run, func(r release.Run) bool { return r.Phase == release.Paused && r.Release == 3 })
	s.wants(s.back(2), release.Done)
	s.until(run, func(r release.Run) bool {
		return r.Phase == release.Paused && r.Release == 2 && r.Backfill.Why == release.RestKept
	})
	s.unhold()
	s.configure(func(p *deploy.Project) { p.Backfill.RowsPerDay = 0 })
	s.later(2 * time.Minute)
	s.restart()
	s.onceFilled(release.Production, s.ended(run), loweredNames...)
}
