package delivery_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/deploy/audit"
	"towline/deploy/delivery"
	"towline/deploy/release"
)

// past is something that happened on production, so many hours before the end of the week that is looked at.
type past struct {
	kind    release.Kind
	number  uint64
	hours   float64 // before the end
	commit  float64 // hours from the commit to live; 0: the commit has no time
	failed  bool
	halfWay bool // of one that failed
}

func until() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }

// remembered is a past as an engine would read it: changes, and runs with the entries that tell of their ends.
func remembered(all []past) (history []delivery.Change, runs []release.Run, log []audit.Entry) {
	for i, p := range all {
		at := until().Add(-time.Duration(p.hours * float64(time.Hour)))
		run := release.Run{ID: fmt.Sprintf("run-%02d", i), Environment: release.Production, Kind: p.kind, Release: p.number, Phase: release.Done, EndedAt: at}
		if p.failed {
			run.Phase = release.Broken
		}
		if p.halfWay {
			run.Steps = []release.Step{{Name: release.StepApply, State: release.StepDone}}
		}
		c := delivery.Change{Change: release.Change{Release: p.number, Run: run.ID, Kind: p.kind, At: at}}
		if p.commit > 0 {
			c.Committed = at.Add(-time.Duration(p.commit * float64(time.Hour)))
		}
		if !p.failed && p.kind != release.Backfill && at.Before(until()) {
			history = append(history, c)
		}
		runs = append(runs, run)
		log = append(log, audit.Entry{At: at, What: "ended", Run: run.ID, Detail: string(run.Phase)})
	}
	return history, runs, log
}

// lookedAt is the week of a past.
func lookedAt(all []past) delivery.Week {
	w := delivery.Week{Since: until().Add(-7 * 24 * time.Hour), Until: until()}
	history, runs, log := remembered(all)
	var failed []release.Run
	for i, entry := range slices.Backward(log) { // pages of a log come newest first
		if w.Count(entry, runs[i]) {
			failed = append(failed, runs[i])
		}
	}
	w.Delivery = delivery.Measure(w.Since, history, failed)
	return w
}

func promote(n uint64, hours, commit float64) past {
	return past{kind: release.Promote, number: n, hours: hours, commit: commit}
}

func back(n uint64, hours float64) past {
	return past{kind: release.Rollback, number: n, hours: hours}
}

func TestTheMeasuresTellHowReleasesReachedProduction(t *testing.T) {
	for _, c := range []struct {
		name                      string
		past                      []past
		shipped, attempts, bad    int
		lead, restore             time.Duration
		leads, restores, promotes int
		hurt                      bool
	}{
		{name: "nothing happened"},
		{name: "one release, whose commit has no time", past: []past{promote(1, 30, 0)}, shipped: 1, attempts: 1, promotes: 1},
		{name: "the lead time is the middle one", past: []past{promote(1, 90, 2), promote(2, 60, 5), promote(3, 30, 50)},
			shipped: 3, attempts: 3, promotes: 3, lead: 5 * time.Hour, leads: 3},
		{name: "of two it lies between them", past: []past{promote(1, 90, 2), promote(2, 60, 6)}, shipped: 2, attempts: 2, promotes: 2, lead: 4 * time.Hour, leads: 2},
		{name: "what was live before the week is not of it", past: []past{promote(1, 200, 2), promote(2, 60, 6)}, shipped: 1, attempts: 1, promotes: 1, lead: 6 * time.Hour, leads: 1},
		{name: "a release that was rolled back went wrong, and was put right when the way back ended",
			past: []past{promote(1, 100, 1), promote(2, 60, 1), back(1, 57)}, shipped: 3, attempts: 2, bad: 1, promotes: 2, lead: time.Hour, leads: 2, restore: 3 * time.Hour, restores: 1},
		{name: "two releases that were rolled back at once were bad since the first of them",
			past: []past{promote(1, 100, 0), promote(2, 60, 0), promote(3, 58, 0), back(1, 57)}, shipped: 4, attempts: 3, bad: 2, promotes: 3, restore: 3 * time.Hour, restores: 1},
		{name: "a release of an earlier week that was rolled back in this one counts for how long that took alone",
			past: []past{promote(1, 400, 0), promote(2, 300, 0), back(1, 60)}, shipped: 1, restore: 240 * time.Hour, restores: 1},
		{name: "a release that was rolled back after the week did not go wrong in it", past: []past{promote(1, 100, 0), promote(2, 60, 0), back(1, -3)}, shipped: 2, attempts: 2, promotes: 2},
		{name: "one that failed before it changed anything went wrong, and hurt nobody",
			past: []past{promote(1, 100, 0), {kind: release.Promote, number: 2, hours: 60, failed: true}}, shipped: 1, attempts: 2, bad: 1, promotes: 1},
		{name: "one that failed half way hurt until the next change ended well",
			past:    []past{promote(1, 100, 0), {kind: release.Promote, number: 2, hours: 60, failed: true, halfWay: true}, {kind: release.Promote, number: 2, hours: 59, failed: true, halfWay: true}, promote(2, 58, 0)},
			shipped: 2, attempts: 4, bad: 2, promotes: 2, restore: 2 * time.Hour, restores: 1},
		{name: "one that failed half way still hurts", past: []past{promote(1, 100, 0), {kind: release.Promote, number: 2, hours: 60, failed: true, halfWay: true}}, shipped: 1, attempts: 2, bad: 1, promotes: 1, hurt: true},
		{name: "a backfill and a baseline ship nothing", past: []past{{kind: release.Baseline, number: 1, hours: 100}, promote(2, 60, 0), {kind: release.Backfill, number: 2, hours: 50}, back(1, 40)},
			shipped: 2, attempts: 1, bad: 1, promotes: 1, restore: 20 * time.Hour, restores: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := lookedAt(c.past)
			d := w.Delivery
			if len(d.Shipped) != c.shipped || d.Attempts != c.attempts || d.Bad != c.bad || w.Promotes != c.promotes || w.Deploys != 0 {
				t.Errorf("%d shipped, %d of %d bad, %d promotes, %d deploys: %+v", len(d.Shipped), d.Bad, d.Attempts, w.Promotes, w.Deploys, d.Shipped)
			}
			if d.Lead != c.lead || d.LeadOf != c.leads || d.Restore != c.restore || d.RestoreOf != c.restores {
				t.Errorf("lead %s of %d, restored in %s of %d", d.Lead, d.LeadOf, d.Restore, d.RestoreOf)
			}
			if d.Hurt.IsZero() == c.hurt {
				t.Errorf("hurt since %s", d.Hurt)
			}
		})
	}
}

func TestWhatWasShippedSaysWhenItWasTakenBack(t *testing.T) {
	got := lookedAt([]past{promote(1, 100, 1), promote(2, 60, 5), back(1, 57)}).Delivery.Shipped
	at := func(hours int) time.Time { return until().Add(-time.Duration(hours) * time.Hour) }
	want := []delivery.Shipped{
		{Release: 1, Kind: release.Promote, At: at(100), Lead: time.Hour},
		{Release: 2, Kind: release.Promote, At: at(60), Lead: 5 * time.Hour, Undone: at(57)},
		{Release: 1, Kind: release.Rollback, At: at(57)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestACommitFromTheFutureTookNoTime(t *testing.T) {
	if d := lookedAt([]past{promote(1, 100, 0), {kind: release.Promote, number: 2, hours: 60, commit: 1}}).Delivery; d.LeadOf != 1 || d.Lead != time.Hour {
		t.Fatalf("%+v", d)
	}
	history, _, _ := remembered([]past{promote(1, 60, 1)})
	history[0].Committed = history[0].At.Add(time.Minute) // of a clock that is ahead
	if d := delivery.Measure(until().Add(-7*24*time.Hour), history, nil); d.LeadOf != 0 || d.Lead != 0 || len(d.Shipped) != 1 || d.Shipped[0].Lead != 0 {
		t.Errorf("%+v", d)
	}
}

func TestOlderChangesAreNeededUntilWhatARollbackWentBackToIsKnown(t *testing.T) {
	since := until().Add(-7 * 24 * time.Hour)
	for _, c := range []struct {
		name string
		past []past // oldest first
		want bool
	}{
		{name: "nothing is known"},
		{name: "promotes alone", past: []past{promote(2, 60, 0), promote(3, 50, 0)}},
		{name: "a rollback to what is not among them", past: []past{promote(2, 60, 0), back(1, 57)}, want: true},
		{name: "a rollback to what is", past: []past{promote(1, 300, 0), promote(2, 60, 0), back(1, 57)}},
		{name: "a rollback before the stretch", past: []past{back(1, 300), promote(3, 60, 0)}},
		{name: "two rollbacks, one of them to what is not", past: []past{promote(2, 90, 0), promote(3, 80, 0), back(2, 70), back(1, 57)}, want: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			history, _, _ := remembered(c.past)
			slices.Reverse(history)
			if got := delivery.NeedsOlder(history, since); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
}
