package deploy_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/freeze"
	"towline/deploy/gate"
	"towline/deploy/release"
	sandbox "towline/sandbox/cloudflare"
)

var (
	kim  = person(1005, "Kim", gate.Deployer)
	lead = person(1006, "Lead", gate.Admin)
)

// lock locks an environment. It may be called in the middle of a request, where a test cannot be ended.
func (s *shop) lock(by gate.Actor, env release.Environment, span time.Duration) release.Lock {
	s.t.Helper()
	l, err := s.engine.LockFor(context.Background(), s.request(by), env, span, "checking the import")
	if err != nil {
		s.t.Errorf("lock %s: %v", env, err)
	}
	return l
}

// only drops what came beside an error.
func only[T any](_ T, err error) error { return err }

// told lists what the events say to or about people, in order: the kind, who did it, whom it concerns.
func (s *shop) told(kinds ...deploy.EventKind) []string {
	s.t.Helper()
	events, err := s.engine.Events(context.Background(), 0, 10_000)
	if err != nil {
		s.t.Fatal(err)
	}
	var out []string
	for _, e := range events {
		if slices.Contains(kinds, e.Kind) {
			out = append(out, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s", e.Kind, e.Environment, e.By.Name, e.To.Name)), " "))
		}
	}
	return out
}

// two is a shop with #1 live on production, #2 on preview.
func two(t *testing.T) *shop {
	t.Helper()
	s := newShop(t)
	s.version("v1", counting)
	s.ship("v1")
	s.version("v2", countDown)
	s.wants(s.deploy("v2"), release.Done)
	return s
}

func TestALockStopsOthersAndNotTheOneWhoHasIt(t *testing.T) {
	s := two(t)
	s.lock(kim, release.Preview, time.Hour)
	r := refused(t, second2(s.engine.Deploy(t.Context(), s.request(dana), "v1", false)), release.CodeLock)
	for fact, want := range map[string]string{"project": "shop", "environment": "preview", "by": "Kim", "reason": "checking the import"} {
		if r.Facts[fact] != want {
			t.Errorf("fact %s is %q", fact, r.Facts[fact])
		}
	}
	refused(t, second2(s.engine.Deploy(t.Context(), s.request(dana), "v1", true)), release.CodeLock)
	own, err := s.engine.Deploy(t.Context(), s.request(kim), "v2", false)
	if err != nil {
		t.Fatalf("one's own lock: %v", err)
	}
	s.wants(s.ended(own), release.Unchanged)

	s.lock(kim, release.Production, time.Hour)
	refused(t, second2(s.engine.Promote(t.Context(), s.request(dana), 0)), release.CodeLock)
	ask, err := s.engine.Promote(t.Context(), s.request(kim), 0)
	if err != nil {
		t.Fatalf("one's own lock: %v", err)
	}
	s.wants(s.ended(s.approve(ask, robin)), release.Done)
	refused(t, second2(s.engine.Rollback(t.Context(), s.request(dana), 0)), release.CodeLock)
	if _, err = s.engine.Rollback(t.Context(), s.request(kim), 0); err != nil {
		t.Errorf("one's own lock: %v", err)
	}
}

func TestALockIsGivenBackByItsOwnerOrAnAdmin(t *testing.T) {
	s := newShop(t)
	unlock := func(by gate.Actor) error {
		_, err := s.engine.Unlock(t.Context(), s.request(by), release.Production)
		return err
	}
	refused(t, unlock(dana), release.CodeNoLock)
	s.lock(kim, release.Production, time.Hour)
	refused(t, unlock(dana), release.CodeLock)
	refused(t, unlock(robin), release.CodeLock)
	if err := unlock(kim); err != nil || s.state(release.Production).Lock != nil {
		t.Fatalf("its owner: %v", err)
	}
	s.lock(kim, release.Production, time.Hour)
	was, err := s.engine.Unlock(t.Context(), s.request(lead), release.Production)
	if err != nil || was.By.ID != kim.ID {
		t.Fatalf("an admin: %+v, %v", was, err)
	}
	if told := s.told(deploy.LockLifted, deploy.LockTaken); !slices.Equal(told, []string{"lock lifted production Lead Kim"}) {
		t.Errorf("told %q", told)
	}
}

func TestALockThatIsOverIsNobodysBeforeAnybodySweptIt(t *testing.T) {
	s := newShop(t)
	s.stop()
	s.lock(kim, release.Production, time.Hour)
	s.later(time.Hour)
	refused(t, only(s.engine.Unlock(t.Context(), s.request(dana), release.Production)), release.CodeNoLock)
	refused(t, only(s.engine.Unlock(t.Context(), s.request(lead), release.Production)), release.CodeNoLock)
	refused(t, only(s.engine.TakeOver(t.Context(), s.request(dana), release.Production)), release.CodeNoLock)
	if l := s.lock(dana, release.Production, time.Hour); l.By.ID != dana.ID {
		t.Errorf("%+v", l)
	}
	if told := s.told(deploy.LockTaken, deploy.LockLifted); len(told) > 0 {
		t.Errorf("told %q", told)
	}
}

func TestALockIsTakenOverWithItsReasonAndItsEndAndTheHolderIsTold(t *testing.T) {
	s := newShop(t)
	was := s.lock(kim, release.Preview, time.Hour)
	for range 2 { // a second tap
		got, err := s.engine.TakeOver(t.Context(), s.request(dana), release.Preview)
		if err != nil || got.By.ID != dana.ID || !got.Until.Equal(was.Until) || got.Reason != was.Reason {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if told := s.told(deploy.LockLifted, deploy.LockTaken); !slices.Equal(told, []string{"lock taken over preview Dana Kim"}) {
		t.Errorf("told %q", told)
	}
	refused(t, second2(s.engine.Deploy(t.Context(), s.request(kim), "v1", false)), release.CodeLock)
	refused(t, only(s.engine.TakeOver(t.Context(), s.request(person(9, "Vic", gate.Viewer)), release.Preview)), release.CodeNotAllowed)
}

func TestALockThatGoesOnKeepsItsBeginningAndOneWithAnotherReasonIsNew(t *testing.T) {
	s := newShop(t)
	first := s.lock(kim, release.Preview, time.Hour)
	s.later(30 * time.Minute)
	longer := s.lock(kim, release.Preview, 2*time.Hour)
	if !longer.At.Equal(first.At) || !longer.Until.After(first.Until.Add(time.Hour)) {
		t.Errorf("%v to %v, it was %v to %v", longer.At, longer.Until, first.At, first.Until)
	}
	other, err := s.engine.LockFor(t.Context(), s.request(kim), release.Preview, time.Hour, "something else")
	if err != nil || !other.At.After(first.At) {
		t.Errorf("%+v, %v", other, err)
	}
}

func TestWhatAKeepLacksOrMayNotIsRefused(t *testing.T) {
	s := newShop(t)
	vic := person(9, "Vic", gate.Viewer)
	lock := func(by gate.Actor, span time.Duration, why string) error {
		return only(s.engine.LockFor(t.Context(), s.request(by), release.Preview, span, why))
	}
	freezeFor := func(by gate.Actor, span time.Duration, why string) error {
		return only(s.engine.FreezeNow(t.Context(), s.request(by), span, why))
	}
	for _, c := range []struct {
		name string
		err  error
		code release.Code
	}{
		{"a lock without a reason", lock(kim, time.Hour, ""), release.CodeNeedsReason},
		{"a lock for seconds", lock(kim, time.Second, "x"), release.CodeBadTime},
		{"a lock for a month", lock(kim, 30*24*time.Hour, "x"), release.CodeBadTime},
		{"a lock of a viewer", lock(vic, time.Hour, "x"), release.CodeNotAllowed},
		{"a hold without a reason", s.engine.Hold(t.Context(), s.request(kim), release.Preview, ""), release.CodeNeedsReason},
		{"a hold of a viewer", s.engine.Hold(t.Context(), s.request(vic), release.Preview, "x"), release.CodeNotAllowed},
		{"lifting what is not held", s.engine.Unhold(t.Context(), s.request(kim), release.Preview, "x"), release.CodeNoHold},
		{"lifting without a reason", s.engine.Unhold(t.Context(), s.request(kim), release.Preview, ""), release.CodeNeedsReason},
		{"a freeze without a reason", freezeFor(robin, time.Hour, ""), release.CodeNeedsReason},
		{"a freeze without a time", freezeFor(robin, 0, "x"), release.CodeBadTime},
		{"a freeze for ever", freezeFor(robin, 365*24*time.Hour, "x"), release.CodeBadTime},
		{"a freeze of a deployer", freezeFor(kim, time.Hour, "x"), release.CodeNotAllowed},
		{"ending no freeze", s.engine.Unfreeze(t.Context(), s.request(robin)), release.CodeNoFreeze},
	} {
		t.Run(c.name, func(t *testing.T) { refused(t, c.err, c.code) })
	}
	if k := s.state(release.Preview); k.Lock != nil || k.Hold != nil {
		t.Errorf("something was kept: %+v", k)
	}
}

func TestWhatIsHeldAndLockedIsToldAsTheLockThatIsInTheWay(t *testing.T) {
	s := newShop(t)
	s.lock(kim, release.Production, time.Hour)
	if err := s.engine.Hold(t.Context(), s.request(kim), release.Production, "totals are wrong"); err != nil {
		t.Fatal(err)
	}
	refused(t, only(s.engine.LockFor(t.Context(), s.request(dana), release.Production, time.Hour, "x")), release.CodeLock)
	refused(t, only(s.engine.Unlock(t.Context(), s.request(dana), release.Production)), release.CodeLock)
	refused(t, s.engine.Hold(t.Context(), s.request(dana), release.Production, "me too"), release.CodeHold)
}

func TestTheSameRequestAboutAKeepIsOneThoughItIsHandledTwice(t *testing.T) {
	s := newShop(t)
	ctx := t.Context()
	for _, c := range []struct {
		name string
		act  func(deploy.Request) error
	}{
		{"lock", func(r deploy.Request) error {
			return only(s.engine.LockFor(ctx, r, release.Production, 2*time.Hour, "x"))
		}},
		{"unlock", func(r deploy.Request) error { return only(s.engine.Unlock(ctx, r, release.Production)) }},
		{"hold", func(r deploy.Request) error { return s.engine.Hold(ctx, r, release.Production, "x") }},
		{"unhold", func(r deploy.Request) error { return s.engine.Unhold(ctx, r, release.Production, "x") }},
		{"freeze", func(r deploy.Request) error { return only(s.engine.FreezeNow(ctx, r, time.Hour, "x")) }},
		{"unfreeze", func(r deploy.Request) error { return s.engine.Unfreeze(ctx, r) }},
	} {
		request := s.request(robin)
		if err := s.engine.Heard(ctx, request, "/"+c.name); err != nil {
			t.Fatal(err)
		}
		if err := c.act(request); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		before, entries := s.state(release.Production), len(s.audited())
		s.later(time.Minute)
		if err := c.act(request); err != nil {
			t.Errorf("%s, handled again: %v", c.name, err)
		}
		if after := s.state(release.Production); after.Revision != before.Revision || len(s.audited()) != entries {
			t.Errorf("%s, handled again, changed something", c.name)
		}
	}
}

func TestAHoldStopsEverythingButARollback(t *testing.T) {
	s := two(t)
	s.wants(s.ended(s.approve(s.promote(0), robin)), release.Done)
	for _, env := range []release.Environment{release.Preview, release.Production} {
		if err := s.engine.Hold(t.Context(), s.request(kim), env, "totals are wrong"); err != nil {
			t.Fatal(err)
		}
	}
	r := refused(t, second2(s.engine.Deploy(t.Context(), s.request(kim), "v1", false)), release.CodeHold)
	if r.Facts["environment"] != "preview" || r.Facts["by"] != "Kim" {
		t.Errorf("facts %v", r.Facts)
	}
	refused(t, second2(s.engine.Deploy(t.Context(), s.request(kim), "v1", true)), release.CodeHold)
	refused(t, second2(s.engine.Promote(t.Context(), s.request(kim), 2)), release.CodeHold)
	s.wants(s.back(0), release.Done)
	if h := s.state(release.Production).Hold; h == nil {
		t.Error("no hold after a rollback")
	}
}

// frost is a way in which production is frozen, and thawed.
type frost struct {
	name         string
	freeze, thaw func(*shop)
}

func frosts() []frost {
	return []frost{
		{"by hand", func(s *shop) {
			if _, err := s.engine.FreezeNow(context.Background(), s.request(robin), 4*time.Hour, "launch"); err != nil {
				s.t.Error(err)
			}
		}, func(s *shop) {
			if err := s.engine.Unfreeze(context.Background(), s.request(alex)); err != nil {
				s.t.Error(err)
			}
		}},
		{"by the calendar", func(s *shop) {
			from, to := s.now().Add(-time.Hour).UTC(), s.now().Add(time.Hour).UTC()
			s.configure(func(p *deploy.Project) {
				p.Freeze = freeze.Calendar{Deny: []freeze.Window{{From: from, To: to, Reason: "launch", Text: "the launch"}}}
			})
		}, func(s *shop) { s.configure(func(p *deploy.Project) { p.Freeze = freeze.Calendar{} }) }},
	}
}

func TestAFreezeStopsAPromoteAtTheRequestAtTheVoteAndAtTheStart(t *testing.T) {
	for _, f := range frosts() {
		t.Run(f.name, func(t *testing.T) {
			s := two(t)
			f.freeze(s)
			r := refused(t, second2(s.engine.Promote(t.Context(), s.request(dana), 0)), release.CodeFreeze)
			if r.Facts["reason"] != "launch" || r.Facts["until"] == "" {
				t.Errorf("facts %v", r.Facts)
			}
			s.version("v3", countDown.and(files{"0004_a.sql": "CREATE TABLE a (id INTEGER);\n"}))
			s.wants(s.deploy("v3"), release.Done) // preview is not frozen
			f.thaw(s)

			ask := s.promote(0)
			f.freeze(s)
			refused(t, second2(s.vote(ask, robin, true)), release.CodeFreeze)
			if now, _, _ := s.engine.FindRun(t.Context(), ask.ID); now.Phase != release.Asking {
				t.Errorf("a yes that was refused left the request %s", now.Phase)
			}
			f.thaw(s)

			// The freeze comes between the vote and the start, while the database is looked at once more.
			s.api.Inject(sandbox.Fault{Path: "/query", Before: onceOnly(func() { f.freeze(s) })})
			s.wantsRefusal(s.ended(s.approve(ask, robin)), release.CodeFreeze)
			f.thaw(s)
			s.holds(release.Production, "SELECT n FROM count", "0")
		})
	}
}

func TestAPromoteThatHasBegunIsCarriedToItsEndThroughAFreezeAHoldAndALock(t *testing.T) {
	all := append(frosts(),
		frost{"a hold", func(s *shop) {
			if err := s.engine.Hold(context.Background(), s.request(robin), release.Production, "stop"); err != nil {
				s.t.Error(err)
			}
		}, nil},
		frost{"a lock", func(s *shop) { s.lock(robin, release.Production, time.Hour) }, nil})
	for _, f := range all {
		t.Run(f.name, func(t *testing.T) {
			s := two(t)
			ask := s.promote(0)
			s.api.Inject(sandbox.Fault{Writes: true, Path: "/query", Before: onceOnly(func() { f.freeze(s) })})
			s.wants(s.ended(s.approve(ask, robin)), release.Done)
			s.holds(release.Production, "SELECT n FROM count", "11")
		})
	}
}

func TestARollbackAndBreakGlassPassAFreeze(t *testing.T) {
	for _, f := range frosts() {
		t.Run(f.name, func(t *testing.T) {
			s := two(t)
			f.freeze(s)
			run, err := s.engine.BreakGlass(t.Context(), s.request(lead), release.Promote, 0, "checkout is down")
			if err != nil {
				t.Fatal(err)
			}
			s.wants(s.ended(s.approve(run, lead)), release.Done)
			s.wants(s.back(0), release.Done)
		})
	}
}

func TestALockAndAHoldStopARequestAtTheVoteAndAtTheStart(t *testing.T) {
	for _, c := range []struct {
		name       string
		keep, lift func(*shop)
		code       release.Code
	}{
		{"a lock", func(s *shop) { s.lock(kim, release.Production, time.Hour) }, func(s *shop) {
			if _, err := s.engine.Unlock(context.Background(), s.request(kim), release.Production); err != nil {
				s.t.Error(err)
			}
		}, release.CodeLock},
		{"a hold", func(s *shop) {
			if err := s.engine.Hold(context.Background(), s.request(kim), release.Production, "stop"); err != nil {
				s.t.Error(err)
			}
		}, func(s *shop) { s.unhold() }, release.CodeHold},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := two(t)
			ask := s.promote(0)
			c.keep(s)
			refused(t, second2(s.vote(ask, robin, true)), c.code)
			c.lift(s)
			s.api.Inject(sandbox.Fault{Path: "/query", Before: onceOnly(func() { c.keep(s) })})
			s.wantsRefusal(s.ended(s.approve(ask, robin)), c.code)
		})
	}
}

func TestTheCardsThatDependOnAKeepAreShownAgain(t *testing.T) {
	s := two(t)
	ask := s.promote(0)
	shown := func() int {
		events, err := s.engine.Events(t.Context(), 0, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, e := range events {
			if e.Run == ask.ID {
				n++
			}
		}
		return n
	}
	for _, act := range []func(){
		func() { s.lock(kim, release.Production, time.Hour) },
		func() { _, _ = s.engine.Unlock(t.Context(), s.request(kim), release.Production) },
		func() { frosts()[0].freeze(s) },
		func() { frosts()[0].thaw(s) },
	} {
		before := shown()
		if act(); shown() <= before {
			t.Error("the request is not shown again")
		}
	}
}
