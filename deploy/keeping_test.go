package deploy_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"towline/cloudflare"
	"towline/deploy"
	"towline/deploy/release"
	sandbox "towline/sandbox/cloudflare"
)

// inFakeTime runs a test with an engine at work for which hours pass at once.
func inFakeTime(t *testing.T, test func(t *testing.T, s *shop), before ...func(*world)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		server, err := sandbox.New(sandbox.Options{AccountID: account, Token: token})
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		const url = "http://127.0.0.1/client/v4"
		d, err := cloudflare.New(cloudflare.Options{AccountID: account, Token: token, APIURL: url, HTTP: &http.Client{Transport: inProcess{server}}})
		if err != nil {
			t.Fatal(err)
		}
		w := inWorld(t, server, url, account, token)
		w.inside = d
		for _, change := range before {
			change(w)
		}
		s := w.openAt(t, filepath.Join(dir, "towline.db"))
		test(t, s)
		s.stop()
	})
}

// heard waits for so many events of some kinds, and says of each when it came after began.
func (s *shop) heard(began time.Time, n int, kinds ...deploy.EventKind) []string {
	s.t.Helper()
	for {
		changed := s.engine.Changed()
		events, err := s.engine.Events(context.Background(), 0, 10_000)
		if err != nil {
			s.t.Fatal(err)
		}
		var out []string
		for _, e := range events {
			if slices.Contains(kinds, e.Kind) {
				out = append(out, fmt.Sprintf("%s %s to %s", e.At.Sub(began).Round(time.Minute), e.Kind, e.To.Name))
			}
		}
		if len(out) >= n {
			return out
		}
		<-changed
	}
}

func TestTheOwnerOfALockIsRemindedAndAtItsEndItIsFree(t *testing.T) {
	for _, c := range []struct {
		span time.Duration
		want []string
	}{
		{10 * time.Hour, []string{"3h0m0s lock reminder to Kim", "6h0m0s lock reminder to Kim", "9h0m0s lock reminder to Kim", "9h50m0s lock reminder to Kim", "10h0m0s lock expired to Kim"}},
		{0, []string{"3h0m0s lock reminder to Kim", "3h50m0s lock reminder to Kim", "4h0m0s lock expired to Kim"}},
		{time.Hour, []string{"50m0s lock reminder to Kim", "1h0m0s lock expired to Kim"}},
		{15 * time.Minute, []string{"15m0s lock expired to Kim"}},
	} {
		t.Run(c.span.String(), func(t *testing.T) {
			inFakeTime(t, func(t *testing.T, s *shop) {
				began := s.now()
				s.lock(kim, release.Production, c.span)
				if got := s.heard(began, len(c.want), deploy.LockReminder, deploy.LockExpired); !slices.Equal(got, c.want) {
					t.Errorf("got  %q\nwant %q", got, c.want)
				}
				if s.state(release.Production).Lock != nil {
					t.Error("it is still there")
				}
			})
		})
	}
}

func TestTheOwnerOfAHoldIsRemindedEveryDayUntilItIsLifted(t *testing.T) {
	inFakeTime(t, func(t *testing.T, s *shop) {
		began := s.now()
		if err := s.engine.Hold(t.Context(), s.request(kim), release.Preview, "totals are wrong"); err != nil {
			t.Fatal(err)
		}
		want := []string{"24h0m0s hold reminder to Kim", "48h0m0s hold reminder to Kim", "72h0m0s hold reminder to Kim"}
		if got := s.heard(began, 3, deploy.HoldReminder); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		if err := s.engine.Unhold(t.Context(), s.request(dana), release.Preview, "fixed"); err != nil {
			t.Fatal(err)
		}
		s.lock(kim, release.Production, 7*24*time.Hour) // something else that time passes for
		s.heard(began, 1, deploy.LockExpired)
		if got := s.heard(began, 0, deploy.HoldReminder); len(got) != 3 {
			t.Errorf("reminded of what is lifted: %q", got)
		}
	})
}

func TestAFreezeEndsByItselfAndTheRequestCanBeApprovedThen(t *testing.T) {
	inFakeTime(t, func(t *testing.T, s *shop) {
		s.version("v1", counted)
		s.wants(s.endedAtLast(s.deployNow("v1")), release.Done)
		ask := s.promote(0)
		began := s.now()
		if _, err := s.engine.FreezeNow(t.Context(), s.request(robin), 30*time.Minute, "launch"); err != nil {
			t.Fatal(err)
		}
		refused(t, second2(s.vote(ask, alex, true)), release.CodeFreeze)
		if got := s.heard(began, 1, deploy.FreezeExpired); !slices.Equal(got, []string{"30m0s freeze over to Robin"}) {
			t.Errorf("%q", got)
		}
		s.wants(s.endedAtLast(s.approve(ask, alex)), release.Done)
	})
}

func TestWhatTimeEndedWhileNobodyWorkedIsToldAtTheNextStart(t *testing.T) {
	s := newShop(t)
	s.stop()
	s.lock(kim, release.Production, time.Hour)
	s.later(3 * time.Hour)
	s.start()
	s.waitFor(func(tx deploy.Tx) bool { return tx.State("shop", release.Production).Lock == nil })
	if told := s.told(deploy.LockReminder, deploy.LockExpired); !slices.Equal(told, []string{"lock expired production Kim"}) {
		t.Errorf("told %q", told)
	}
}
