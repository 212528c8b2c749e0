package deploy_test

import (
	"slices"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// lend lends somebody the role of another.
func (s *shop) lend(by, to gate.Actor, until time.Time) error {
	s.t.Helper()
	_, err := s.engine.Delegate(s.t.Context(), s.request(by), to.Person, until)
	return err
}

// role is what somebody may do now.
func (s *shop) role(of gate.Actor) gate.Role {
	s.t.Helper()
	all, err := s.engine.People(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(p deploy.Standing) bool { return p.ID == of.ID })
	if i < 0 {
		return gate.Stranger
	}
	return all[i].Role
}

var pat = person(1017, "Pat", gate.Deployer)

// lending is a shop with a request of Dana's, and people whom the config names.
func lending(t *testing.T) (*shop, release.Run) {
	t.Helper()
	s, _ := asking(t)
	s.staff(dana, robin, alex, pat)
	s.restart()
	return s, s.promote(0)
}

func TestWhomARoleIsLentToMayApprove(t *testing.T) {
	s, ask := lending(t)
	_, err := s.vote(ask, pat, true)
	refused(t, err, release.CodeNotAllowed)
	tomorrow := s.now().Add(24 * time.Hour)
	if err := s.lend(robin, pat, tomorrow); err != nil {
		t.Fatal(err)
	}
	all, err := s.engine.People(t.Context())
	if err != nil || len(all) != 4 {
		t.Fatalf("%v, %v", all, err)
	}
	if p := all[3]; p.Own != gate.Deployer || p.Role != gate.Approver || len(p.Lent) != 1 || p.Lent[0].By != robin.Person || !p.Lent[0].Until.Equal(tomorrow) {
		t.Errorf("standing %+v", p)
	}
	s.wants(s.ended(s.approve(ask, pat)), release.Done)
}

func TestARoleThatIsLentNeverCountsForTheRequestsOfItsLender(t *testing.T) {
	s, ask := lending(t)
	if err := s.lend(robin, pat, s.now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.vote(ask, robin, false); err != nil { // Dana's request is out of the way
		t.Fatal(err)
	}
	own, err := s.engine.Promote(t.Context(), s.request(robin), 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.vote(own, pat, true)
	refused(t, err, release.CodeOwnDelegate)
	// Lent by somebody else as well, it does count.
	if err := s.lend(alex, pat, s.now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	s.wants(s.ended(s.approve(own, pat)), release.Done)
}

func TestWhatWasLentEndsWithItsDayAndWithItsLendersRole(t *testing.T) {
	s, ask := lending(t)
	if err := s.lend(robin, pat, s.now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	s.staff(dana, person(robin.ID, robin.Name, gate.Viewer), alex, pat)
	if got := s.role(pat); got != gate.Deployer {
		t.Errorf("whose lender is a viewer now is %s", got)
	}
	_, err := s.vote(ask, pat, true)
	refused(t, err, release.CodeNotAllowed)
	s.staff(dana, alex, pat) // the lender has left
	_, err = s.vote(ask, pat, true)
	refused(t, err, release.CodeNotAllowed)
	s.staff(dana, robin, alex, pat)
	if got := s.role(pat); got != gate.Approver {
		t.Errorf("whose lender is back is %s", got)
	}
	s.later(time.Hour + time.Second)
	if got := s.role(pat); got != gate.Deployer {
		t.Errorf("after its time it is %s", got)
	}
	s.later(-time.Minute)
	s.staff(dana, robin, alex)
	if got := s.role(pat); got != gate.Stranger {
		t.Errorf("who left the config is %s", got)
	}
}

func TestWhatIsLentCanNeitherBeLentOnNorLendMoreThanOneHas(t *testing.T) {
	s, _ := lending(t)
	s.staff(dana, robin, alex, pat, lead)
	hour := s.now().Add(time.Hour)
	if err := s.lend(robin, pat, hour); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		err  error
		code release.Code
	}{
		"lent on":               {s.lend(pat, dana, hour), release.CodeNotAllowed},
		"by a deployer":         {s.lend(dana, pat, hour), release.CodeNotAllowed},
		"by a stranger":         {s.lend(sam, pat, hour), release.CodeUnknownPerson},
		"to a stranger":         {s.lend(robin, sam, hour), release.CodeUnknownWho},
		"to oneself":            {s.lend(robin, robin, hour), release.CodeNothingToLend},
		"to an equal":           {s.lend(robin, alex, hour), release.CodeNothingToLend},
		"to somebody higher":    {s.lend(robin, lead, hour), release.CodeNothingToLend},
		"for more than a while": {s.lend(robin, pat, s.now().Add(61*24*time.Hour)), release.CodeBadTime},
	} {
		if r, ok := deploy.IsRefusal(c.err); !ok || r.Code != c.code {
			t.Errorf("%s: %v, want %s", name, c.err, c.code)
		}
	}
	if err := s.lend(lead, alex, hour); err != nil || s.role(alex) != gate.Admin {
		t.Errorf("an admin's role, lent: %v, %s", err, s.role(alex))
	}
}

func TestWhatWasLentIsTakenBackByItsLenderOrAnAdmin(t *testing.T) {
	s, _ := lending(t)
	s.staff(dana, robin, alex, pat, lead)
	hour := s.now().Add(time.Hour)
	refused(t, s.lend(robin, pat, time.Time{}), release.CodeNothingToLend)
	for _, who := range []gate.Actor{robin, lead} {
		if err := s.lend(robin, pat, hour); err != nil {
			t.Fatal(err)
		}
		if s.role(pat) != gate.Approver {
			t.Fatal("it is not lent")
		}
		refused(t, s.lend(alex, pat, time.Time{}), release.CodeNothingToLend)
		if err := s.lend(who, pat, time.Time{}); err != nil || s.role(pat) != gate.Deployer {
			t.Errorf("taken back by %s: %v, and the role is %s", who.Name, err, s.role(pat))
		}
	}
	// What somebody else lent, and is over, is nothing that was taken back.
	if err := s.lend(alex, dana, hour); err != nil {
		t.Fatal(err)
	}
	s.later(2 * time.Hour)
	refused(t, s.lend(robin, pat, time.Time{}), release.CodeNothingToLend)
	log := s.entries("")
	if n := count(log, "delegated"); n != 3 {
		t.Errorf("%d entries that something was lent", n)
	}
	if n := count(log, "undelegated"); n != 2 {
		t.Errorf("%d entries that something was taken back", n)
	}
}

func TestTheSameLendingTwiceIsOne(t *testing.T) {
	s, _ := lending(t)
	hour := s.now().Add(time.Hour)
	for range 2 {
		if err := s.lend(robin, pat, hour); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.lend(robin, pat, hour.Add(time.Hour)); err != nil { // for longer
		t.Fatal(err)
	}
	all, err := s.engine.People(t.Context())
	if err != nil || len(all[3].Lent) != 1 || !all[3].Lent[0].Until.Equal(hour.Add(time.Hour)) {
		t.Errorf("%v, %+v", err, all[3])
	}
	if n := count(s.entries(""), "delegated"); n != 2 {
		t.Errorf("%d entries", n)
	}
}

func TestWhoWouldFindNobodyToApproveIsNamed(t *testing.T) {
	s := newShop(t)
	s.staff(dana, robin)
	s.restart()
	alone := func() map[release.Environment][]deploy.Lonely {
		t.Helper()
		all, err := s.engine.Lonely(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got := alone(); len(got[release.Preview]) != 0 || len(got[release.Production]) != 1 || got[release.Production][0] != (deploy.Lonely{Who: robin.Person, Need: 1}) {
		t.Errorf("%+v", got)
	}
	s.staff(dana, robin, alex)
	if got := alone(); len(got[release.Production]) != 0 {
		t.Errorf("with a second approver: %+v", got)
	}
	s.configure(func(p *deploy.Project) { p.ProductionApprovals.Required = 2 })
	if got := alone()[release.Production]; len(got) != 2 || got[0].Have != 1 || got[0].Need != 2 {
		t.Errorf("two are needed: %+v", got)
	}
	// Robin's own role, lent to Dana, does not count for what Robin asks for; Alex's does.
	s.configure(func(p *deploy.Project) { p.ProductionApprovals.Required = 1 })
	s.staff(dana, robin)
	if err := s.lend(robin, dana, s.now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := alone()[release.Production]; len(got) != 1 || got[0].Who != robin.Person {
		t.Errorf("lent by the requester: %+v", got)
	}
	if _, err := s.engine.Lonely(t.Context(), "blog"); err == nil {
		t.Error("a project that is not there")
	}
}
