package handlers_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"towline/handlers"
	"towline/usage"
)

func TestAfterADowntimeWhatWasCountedBeforeItRaisesNoAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t)
		g.meter.counts("shop-live", 490e6)
		g.meter.passed = time.Now().Add(-8 * time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- g.Alerts(ctx) }()
		synctest.Wait()
		if got := g.shown(); len(got) > 0 {
			t.Errorf("by figures that are eight hours old: %v", got)
		}
		g.meter.counts("shop-live", 100e6) // somebody made room meanwhile
		synctest.Wait()
		if got := g.shown(); len(got) > 0 {
			t.Errorf("at 20 %%: %v", got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAfterADowntimeACloudflareThatDoesNotAnswerHoldsNoAlertUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t)
		g.meter.counts("shop-live", 490e6)
		g.meter.passed = time.Now().Add(-8 * time.Hour)
		g.works(t, 2*time.Minute)
		if _, f := g.only(t, team); !strings.Contains(f.HTML, "490 MB") {
			t.Errorf("%+v", f)
		}
		g.starts(g.desk)
		g.meter.passed = time.Now().Add(-10 * time.Minute) // a restart
		g.meter.counts("shop-live", 499e6)
		g.works(t, time.Second)
		if _, f := g.only(t, team); !strings.Contains(f.HTML, "499 MB") {
			t.Errorf("after a mere restart: %+v", f)
		}
	})
}

func TestAReportThatWasMissedWaitsUntilWhatWasMissedIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNewsroom(t, "0 9 * * MON")
		n.works(t, time.Hour)
		m := &meter{stored: map[usage.Subject]float64{}, names: map[string]usage.Subject{}, changed: make(chan struct{}), now: time.Now, passed: time.Now()}
		<-time.After(time.Until(monday.Add(2 * time.Hour))) // down meanwhile
		n.desk = arranged(func(_ *desk, o *handlers.Options) {
			o.Now, o.Usage = time.Now, m
			o.Team = func(context.Context) handlers.Team {
				team := people()
				team.Report = n.schedule
				return team
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- n.Report(ctx, n.cursor) }()
		for range 3 { // what is new first, and then what was missed
			<-time.After(2 * time.Second)
			if got := n.posted(); len(got) > 0 {
				t.Fatalf("before it is counted: %q", got)
			}
			m.counts("", 2e9)
		}
		<-time.After(6 * time.Second)
		if got := n.posted(); len(got) != places {
			t.Errorf("posted %q", got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
