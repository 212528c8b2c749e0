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

func TestAnApprovalWhoseRoleEndedDoesNotCountAndTheRequestAsksAgain(t *testing.T) {
	s, _ := asking(t)
	s.staff(dana, robin, alex)
	s.configure(func(p *deploy.Project) { p.ProductionApprovals.Required = 2 })
	s.restart()
	ask := s.promote(0)
	s.approve(ask, robin)
	s.staff(dana, person(robin.ID, robin.Name, gate.Viewer), alex, lead)
	still := s.approve(ask, alex)
	if still.Phase != release.Asking || len(still.Approvers()) != 1 {
		t.Fatalf("%s with the yes of %v", still.Phase, still.Approvers())
	}
	s.tells(still, "Robin")
	s.wants(s.ended(s.approve(still, lead)), release.Done)
}

func TestAnApprovalWhoseRoleEndedWhileTheRunWaitedForItsTurnAsksAgain(t *testing.T) {
	s, _ := asking(t)
	s.staff(dana, robin, alex)
	s.restart()
	ask := s.promote(0)
	s.stop() // nobody takes it up
	s.approve(ask, robin)
	s.staff(dana, person(robin.ID, robin.Name, gate.Deployer), alex)
	s.restart()
	again := s.until(ask, func(r release.Run) bool { return r.Phase == release.Asking && len(r.Changes) > 0 })
	i := slices.IndexFunc(again.Changes, func(d release.Difference) bool { return d.What == "approver" })
	if again.Phase != release.Asking || i < 0 || !slices.Equal(again.Changes[i].Removed, []string{"Robin"}) {
		t.Fatalf("%s: %v", again.Phase, again.Changes)
	}
	s.wants(s.ended(s.approve(again, alex)), release.Done)
	s.logged("vote void", robin)
}

// tells fails the test unless the request says whose yes does not count any more.
func (s *shop) tells(run release.Run, who string) {
	s.t.Helper()
	if !slices.ContainsFunc(run.Changes, func(d release.Difference) bool { return d.What == "approver" && slices.Equal(d.Removed, []string{who}) }) {
		s.t.Errorf("nothing says that %s's yes was struck out: %v", who, run.Changes)
	}
}

func TestAnOpenRequestIsAskedAgainAsSoonAsARoleOrWhatItTakesChanges(t *testing.T) {
	s, _ := asking(t)
	s.staff(dana, robin, alex)
	s.configure(func(p *deploy.Project) { p.ProductionApprovals.Required = 2 })
	s.restart()
	ask := s.approve(s.promote(0), robin)
	s.staff(dana, person(robin.ID, robin.Name, gate.Viewer), alex)
	if err := s.engine.Reconsider(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := s.until(ask, func(r release.Run) bool { return r.Asked > ask.Asked })
	if s.tells(again, "Robin"); len(again.Approvers()) != 0 {
		t.Errorf("approved by %v", again.Approvers())
	}
	again = s.approve(again, alex)
	s.configure(func(p *deploy.Project) { p.ProductionApprovals.Required = 1 })
	if err := s.engine.Reconsider(t.Context()); err != nil {
		t.Fatal(err)
	}
	anew := s.until(ask, func(r release.Run) bool { return r.Asked > again.Asked })
	if anew.Required != 1 || len(anew.Approvers()) != 0 || !slices.ContainsFunc(anew.Changes, func(d release.Difference) bool { return d.What == "policy" }) {
		t.Errorf("needs %d, approved by %v, changes %v", anew.Required, anew.Approvers(), anew.Changes)
	}
	s.wants(s.ended(s.approve(anew, alex)), release.Done)
}

func TestWhatAConfigChangedWhileTheBotWasDownIsToldOfAnOpenRequestAtTheStart(t *testing.T) {
	s, _ := asking(t)
	s.staff(dana, robin, alex)
	s.configure(func(p *deploy.Project) { p.ProductionApprovals.Required = 2 })
	s.restart()
	ask := s.approve(s.promote(0), robin)
	s.stop()
	s.staff(dana, person(robin.ID, robin.Name, gate.Viewer), alex)
	s.restart()
	s.tells(s.until(ask, func(r release.Run) bool { return r.Asked > ask.Asked }), "Robin")
}

func TestAReleaseThatWentLiveUnderAnOpenRequestAsksAgainAtOnce(t *testing.T) {
	s := newShop(t)
	s.version("v1", counting)
	s.ship("v1")
	s.version("v2", counted)
	s.deploy("v2")
	hold, reached := make(chan struct{}), make(chan struct{})
	hear := onceOnly(func() { close(reached) })
	s.api.Inject(sandbox.Fault{Writes: true, Path: "/query", Body: "0002_up", Before: func(ctx context.Context) { hear(ctx); wait(hold)(ctx) }})
	two := s.approve(s.promote(0), robin)
	<-reached
	s.api.Heal()
	s.configure(func(p *deploy.Project) { p.ProductionApprovals.Required = 2 })
	s.version("v3", counted.and(files{"0004_a.sql": "CREATE TABLE a (id INTEGER);\n"}))
	s.wants(s.deploy("v3"), release.Done)
	three := s.approve(s.promote(0), robin) // one of two, for a plan on what was there before #2
	close(hold)
	s.wants(s.ended(two), release.Done)
	again := s.until(three, func(r release.Run) bool { return r.Asked == 2 })
	if again.Phase != release.Asking || len(again.Approvers()) != 0 || again.Plan.Live != 2 || len(again.Plan.Pending) != 1 {
		t.Fatalf("%s, approved by %v, on #%d, %d pending", again.Phase, again.Approvers(), again.Plan.Live, len(again.Plan.Pending))
	}
	if !slices.ContainsFunc(again.Changes, func(d release.Difference) bool { return d.What == "live" && d.Before == "#1" && d.After == "#2" }) {
		t.Errorf("changes %v", again.Changes)
	}
	again = s.approve(again, robin)
	s.wants(s.ended(s.approve(again, alex)), release.Done)
}

func TestADeployWaitsForApprovalWherePreviewAsksForOne(t *testing.T) {
	s := newShop(t)
	s.configure(func(p *deploy.Project) { p.PreviewApprovals = deploy.Approvals{Required: 1, Expire: time.Hour} })
	s.version("v1", counting)
	s.version("v2", counted)
	ask := s.until(s.deployNow("v1"), func(r release.Run) bool { return r.Phase == release.Asking })
	_, err := s.vote(ask, dana, true)
	refused(t, err, release.CodeOwnApproval)
	newer := s.until(s.deployNow("v2"), func(r release.Run) bool { return r.Phase == release.Asking })
	s.wants(must(s.engine.FindRun(t.Context(), ask.ID)), release.Overtaken)
	s.wants(s.ended(s.approve(newer, robin)), release.Done)
	s.holds(release.Preview, "SELECT n FROM count", "11")
}

func TestOnlyTheRoleThatThePolicyNamesApproves(t *testing.T) {
	s := newShop(t)
	s.configure(func(p *deploy.Project) { p.ProductionApprovals.Role = gate.Admin })
	s.version("v1", counting)
	s.deploy("v1")
	ask := s.promote(0)
	_, err := s.vote(ask, robin, true)
	refused(t, err, release.CodeNotAllowed)
	s.wants(s.ended(s.approve(ask, lead)), release.Done)
}

func TestWhoIsNotInTheChatOrNobodyKnowsDoesNotApprove(t *testing.T) {
	s, ask := asking(t)
	for _, c := range []struct {
		here gate.Fact[bool]
		code release.Code
	}{
		{gate.Known(false, s.now()), release.CodeNotMember},
		{gate.Unknown[bool]("no administrator"), release.CodeFactsMissing},
		{gate.Fact[bool]{}, release.CodeFactsMissing},
		{gate.Known(true, s.now().Add(-time.Minute)), release.CodeFactsOld},
	} {
		_, err := s.engine.Vote(t.Context(), deploy.Ballot{Run: ask.ID, Digest: ask.Approved, By: robin, Yes: true, Here: c.here})
		refused(t, err, c.code)
	}
	if now := must(s.engine.FindRun(t.Context(), ask.ID)); len(now.Votes) != 0 {
		t.Errorf("votes %v", now.Votes)
	}
}

func TestTheRoleThatCountsIsTheOneAtTheMomentOfThePress(t *testing.T) {
	s, _ := asking(t)
	s.staff(dana, robin, alex)
	s.restart()
	ask := s.promote(0)
	s.staff(dana, person(robin.ID, robin.Name, gate.Viewer), alex)
	_, err := s.vote(ask, robin, true) // whatever role the handler believed in
	refused(t, err, release.CodeNotAllowed)
}

func TestAnAnonymousAdminIsCountedAsWhoTheyAreAndNotNamed(t *testing.T) {
	s, ask := asking(t)
	hidden := robin
	hidden.Anonymous = true
	run := s.ended(s.approve(ask, hidden))
	s.wants(run, release.Done)
	who := run.Approvers()[0]
	if who.ID != robin.ID || who.Name != "Robin" || who.Shown() == "Robin" {
		t.Errorf("%+v is shown as %q", who, who.Shown())
	}
	if e := s.logged("approved", robin); e.Who.Name != "Robin" {
		t.Errorf("the log has %q", e.Who.Name)
	}
}
