package deploy_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/deploy"
	"towline/deploy/audit"
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

// happened writes a past into the store, as the engine would have.
func (s *shop) happened(end time.Time, all ...past) {
	s.t.Helper()
	for i, p := range all {
		err := s.store.Update(s.t.Context(), func(tx deploy.Tx) error {
			at := end.Add(-time.Duration(p.hours * float64(time.Hour)))
			run := release.Run{
				ID: fmt.Sprintf("run-%02d", i), Project: "shop", Environment: release.Production, Kind: p.kind, Release: p.number, Phase: release.Done, EndedAt: at, Key: fmt.Sprint("key", i),
			}
			if p.commit > 0 {
				run.Origin.Time = at.Add(-time.Duration(p.commit * float64(time.Hour)))
			}
			if p.failed {
				run.Phase = release.Broken
			}
			if p.halfWay {
				run.Steps = []release.Step{{Name: release.StepApply, State: release.StepDone}}
			}
			tx.PutRun(run)
			if !p.failed {
				tx.AddChange("shop", release.Production, release.Change{Release: p.number, Run: run.ID, Kind: p.kind, At: at, Ledger: []string{}})
			}
			tx.Audit(audit.Entry{At: at, Project: "shop", Environment: release.Production, What: "ended", Run: run.ID, Release: p.number, Detail: string(run.Phase)})
			return nil
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

func TestAWeekTellsHowReleasesReachedProduction(t *testing.T) {
	promote := func(n uint64, hours, commit float64) past {
		return past{kind: release.Promote, number: n, hours: hours, commit: commit}
	}
	back := func(n uint64, hours float64) past { return past{kind: release.Rollback, number: n, hours: hours} }
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
			s := newShop(t)
			end := s.now()
			s.happened(end, c.past...)
			w, err := s.engine.Week(t.Context(), "shop", end.Add(-7*24*time.Hour), end)
			if err != nil {
				t.Fatal(err)
			}
			alone, err := s.engine.Shipped(t.Context(), "shop", end.Add(-7*24*time.Hour), end)
			if diff := cmp.Diff(w.Delivery.Shipped, alone); err != nil || diff != "" {
				t.Errorf("what was shipped, alone: %v\n%s", err, diff)
			}
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

func TestALongHistoryOfProductionIsReadAsFarBackAsARollbackWent(t *testing.T) {
	s := newShop(t)
	end := s.now()
	var all []past
	for i := range uint64(240) { // two pages and more, all of them before the week
		all = append(all, past{kind: release.Promote, number: i + 1, hours: 600 - float64(i)})
	}
	all = append(all, past{kind: release.Rollback, number: 100, hours: 10})
	s.happened(end, all...)
	w, err := s.engine.Week(t.Context(), "shop", end.Add(-7*24*time.Hour), end)
	if err != nil {
		t.Fatal(err)
	}
	if d := w.Delivery; d.RestoreOf != 1 || d.Restore != 490*time.Hour || len(d.Shipped) != 1 {
		t.Errorf("%+v", d)
	}
}

func TestOfAProjectThatIsNotThereNothingWasShipped(t *testing.T) {
	s := newShop(t)
	_, err := s.engine.Shipped(t.Context(), "blog", s.now().Add(-time.Hour), s.now())
	refused(t, err, release.CodeUnknownProject)
}
