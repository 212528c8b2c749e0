package delivery_test

import (
	"fmt"
	"testing"
	"time"

	"towline/deploy/audit"
	"towline/deploy/delivery"
	"towline/deploy/release"
)

func TestAWeekCountsWhatEndedByItsKind(t *testing.T) {
	type counts struct{ deploys, promotes, rollbacks, failed int }
	for _, c := range []struct {
		kind   release.Kind
		where  release.Environment
		detail string
		want   counts
		failed bool
	}{
		{release.Deploy, release.Preview, "done", counts{deploys: 1}, false},
		{release.Deploy, release.Preview, "failed rejected", counts{}, false},
		{release.Reset, release.Preview, "done", counts{deploys: 1}, false},
		{release.Promote, release.Production, "done", counts{promotes: 1}, false},
		{release.Promote, release.Production, "failed rejected", counts{failed: 1}, true},
		{release.Promote, release.Production, "refused hold", counts{}, false},
		{release.Promote, release.Production, "cancelled", counts{}, false},
		{release.Rollback, release.Production, "done", counts{rollbacks: 1}, false},
		{release.Rollback, release.Production, "failed rejected", counts{failed: 1}, true},
		{release.Rollback, release.Preview, "failed rejected", counts{}, false},
		{release.Baseline, release.Production, "done", counts{}, false},
		{release.Baseline, release.Production, "failed rejected", counts{failed: 1}, true},
		{release.Backfill, release.Production, "done", counts{}, false},
		{release.Backfill, release.Production, "failed rejected", counts{failed: 1}, true},
		{release.Watch, release.Production, "failed", counts{}, false},
	} {
		t.Run(fmt.Sprintf("%s on %s: %s", c.kind, c.where, c.detail), func(t *testing.T) {
			w := delivery.Week{Since: until().Add(-time.Hour), Until: until()}
			failed := w.Count(audit.Entry{At: w.Since, What: "ended", Detail: c.detail}, release.Run{Kind: c.kind, Environment: c.where})
			if got := (counts{w.Deploys, w.Promotes, w.Rollbacks, w.Failed}); got != c.want || failed != c.failed {
				t.Errorf("%+v, failed on production: %v", got, failed)
			}
		})
	}
}

func TestAWeekCountsWhatFallsIntoIt(t *testing.T) {
	since, end := until().Add(-time.Hour), until()
	for _, c := range []struct {
		at   time.Time
		what string
		want bool
	}{
		{since, "ended", true}, {end.Add(-1), "ended", true}, {since, "break-glass", true},
		{since.Add(-1), "ended", false}, {end, "ended", false}, {end, "break-glass", false}, {since, "started", false}, {since, "command", false},
	} {
		w := delivery.Week{Since: since, Until: end}
		entry := audit.Entry{At: c.at, What: c.what, Detail: "done"}
		w.Count(entry, release.Run{Kind: release.Promote, Environment: release.Production, Breaking: &release.BreakGlass{}})
		if counted := w.Promotes+len(w.Broken) > 0; counted != c.want || w.Counts(entry) != c.want {
			t.Errorf("%s at %s: counted %v, counts %v", c.what, c.at, counted, w.Counts(entry))
		}
	}
}

func TestAWeekNamesWhatWentPastTheGates(t *testing.T) {
	w := delivery.Week{Since: until().Add(-time.Hour), Until: until()}
	run := release.Run{Kind: release.Promote, Environment: release.Production, Release: 42, Breaking: &release.BreakGlass{Reason: "checkout is down"}}
	entry := audit.Entry{At: w.Since, What: "break-glass"}
	if failed := w.Count(entry, run); failed || len(w.Broken) != 1 || w.Broken[0].Release != 42 || w.Broken[0].Reason != "checkout is down" || w.Promotes != 0 {
		t.Errorf("%+v", w)
	}
	run.Breaking = nil
	if w.Count(entry, run); len(w.Broken) != 1 {
		t.Errorf("a run that broke nothing is among them: %+v", w.Broken)
	}
}
