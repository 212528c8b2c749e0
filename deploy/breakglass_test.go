package deploy_test

import (
	"slices"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/freeze"
	"towline/deploy/gate"
	"towline/deploy/release"
)

func (s *shop) breakGlass(by gate.Actor, kind release.Kind, number uint64, reason string) (release.Run, error) {
	return s.engine.BreakGlass(s.t.Context(), s.request(by), kind, number, reason)
}

// closed is a shop whose production refuses everything: a hold, a lock of somebody else's, a freeze, and a ref that is
// not allowed; and the release on preview.
func closed(t *testing.T) (*shop, release.Run) {
	t.Helper()
	s := newShop(t)
	s.version("v1", counting)
	s.ship("v1")
	s.version("v2", counted)
	live := s.deploy("v2")
	s.configure(func(p *deploy.Project) {
		p.AllowedRefs, p.ProductionApprovals.Required = []string{"main"}, 2
		p.Freeze = freeze.Calendar{Deny: []freeze.Window{{From: s.now().Add(-time.Hour), To: s.now().Add(time.Hour), Reason: "launch", Text: "today"}}}
	})
	if err := s.engine.Hold(t.Context(), s.request(dana), release.Production, "looking at orders"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.engine.LockFor(t.Context(), s.request(dana), release.Production, time.Hour, "import"); err != nil {
		t.Fatal(err)
	}
	return s, live
}

func TestAnAdminGoesPastGatesWithAReasonAndEachOfThemIsNamedForEver(t *testing.T) {
	s, live := closed(t)
	_, err := s.engine.Promote(t.Context(), s.request(robin), live.Release)
	refused(t, err, release.CodeHold)
	ask, err := s.breakGlass(lead, release.Promote, 0, "checkout is down")
	if err != nil {
		t.Fatal(err)
	}
	want := []release.Code{release.CodeHold, release.CodeLock, release.CodeFreeze, release.CodeRefNotAllowed, release.CodeApprovals}
	if got := ask.Breaking.Codes(); !slices.Equal(got, want) || ask.Required != 1 || ask.Phase != release.Asking {
		t.Fatalf("skips %v, %d approvals, %s", got, ask.Required, ask.Phase)
	}
	_, err = s.vote(ask, robin, true)
	refused(t, err, release.CodeNotYours)
	run := s.ended(s.approve(ask, lead))
	s.wants(run, release.Done)
	if run.Point == nil {
		t.Error("no restore point: that is never skipped")
	}
	s.holds(release.Production, "SELECT n FROM count", "11")
	list, err := s.engine.Releases(t.Context(), "shop", 0, 1)
	if err != nil || len(list[0].BreakGlass) != 1 || list[0].BreakGlass[0].Reason != "checkout is down" || !slices.Equal(list[0].BreakGlass[0].Codes(), want) {
		t.Errorf("the release says %+v, %v", list, err)
	}
	told := false
	events, err := s.engine.Events(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		told = told || e.Kind == deploy.GlassBroken && e.Run == run.ID
	}
	if !told {
		t.Error("nobody is told")
	}
	s.logged("break-glass", lead)
}

// logged checks that the project's log has an entry of somebody's.
func (s *shop) logged(what string, by gate.Actor) audit.Entry {
	s.t.Helper()
	entries, err := s.engine.Log(s.t.Context(), "shop", 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		if e.What == what && e.Who.ID == by.ID {
			return e
		}
	}
	s.t.Errorf("the log has no %q by %s", what, by.Name)
	return audit.Entry{}
}

func TestBreakingGlassTakesAnAdminAndAReason(t *testing.T) {
	s, _ := closed(t)
	_, err := s.breakGlass(robin, release.Promote, 0, "now")
	refused(t, err, release.CodeNotAllowed)
	_, err = s.breakGlass(lead, release.Promote, 0, "")
	refused(t, err, release.CodeNeedsReason)
	s.logged("refused", robin)
}

func TestWhatTheLedgerSaysIsNeverSkipped(t *testing.T) {
	s, _ := closed(t)
	s.exec(release.Production, "INSERT INTO d1_migrations (name) VALUES ('0009_elsewhere.sql')")
	_, err := s.breakGlass(lead, release.Promote, 0, "checkout is down")
	refused(t, err, release.CodeMissing)
}

func TestAGateThatRefusesOnlyAfterTheGlassWasBrokenStillRefuses(t *testing.T) {
	s := newShop(t)
	s.version("v1", counting)
	live := s.deploy("v1")
	ask, err := s.breakGlass(lead, release.Promote, live.Release, "nobody else is awake")
	if err != nil || !slices.Equal(ask.Breaking.Codes(), []release.Code{release.CodeApprovals}) {
		t.Fatalf("%v, %v", ask.Breaking, err)
	}
	if err := s.engine.Hold(t.Context(), s.request(robin), release.Production, "wait"); err != nil {
		t.Fatal(err)
	}
	run := s.ended(s.approve(ask, lead))
	s.wants(run, release.Refused)
	if run.Refusal.Code != release.CodeHold {
		t.Errorf("refused with %s", run.Refusal.Code)
	}
	if n := s.broken(); n != 0 {
		t.Errorf("%d times it was told that gates were passed", n)
	}
}

// broken is how often everybody was told that gates were skipped, in the log and in events.
func (s *shop) broken() (n int) {
	s.t.Helper()
	entries, err := s.engine.Log(s.t.Context(), "shop", 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		if e.What == "break-glass" {
			n++
		}
	}
	events, err := s.engine.Events(s.t.Context(), 0, 10_000)
	if err != nil {
		s.t.Fatal(err)
	}
	told := 0
	for _, e := range events {
		if e.Kind == deploy.GlassBroken {
			told++
		}
	}
	if told != n {
		s.t.Errorf("the log says it %d times, and people were told %d times", n, told)
	}
	return n
}

func TestARollbackWithoutAnotherPersonsYesIsNamedAsThat(t *testing.T) {
	s := newShop(t)
	s.version("v1", counting)
	s.ship("v1")
	s.version("v2", countDown)
	s.ship("v2")
	ask, err := s.breakGlass(lead, release.Rollback, 0, "orders are lost")
	if err != nil {
		t.Fatal(err)
	}
	run := s.ended(s.approve(ask, lead))
	s.wants(run, release.Done)
	s.holds(release.Production, "SELECT n FROM count", "0")
	if s.state(release.Production).Hold == nil {
		t.Error("no hold")
	}
}

func TestAPlanThatChangedUnderBrokenGlassAsksAgain(t *testing.T) {
	s, _ := closed(t)
	ask, err := s.breakGlass(lead, release.Promote, 0, "checkout is down")
	if err != nil {
		t.Fatal(err)
	}
	s.exec(release.Production, "CREATE TABLE elsewhere (id INTEGER)")
	s.approve(ask, lead)
	again := s.until(ask, func(r release.Run) bool { return r.Phase == release.Asking && r.Asked == 2 })
	if again.Approved == ask.Approved || len(again.Changes) == 0 {
		t.Errorf("asked again for %s: %v", again.Approved, again.Changes)
	}
	s.wants(s.ended(s.approve(again, lead)), release.Done)
	if n := s.broken(); n != 1 {
		t.Errorf("%d times it was told that gates were passed", n)
	}
}

func TestBreakingGlassMustBeConfirmedSoon(t *testing.T) {
	s, _ := closed(t)
	ask, err := s.breakGlass(lead, release.Promote, 0, "checkout is down")
	if err != nil {
		t.Fatal(err)
	}
	s.later(11 * time.Minute)
	_, err = s.vote(ask, lead, true)
	refused(t, err, release.CodeExpired)
}
