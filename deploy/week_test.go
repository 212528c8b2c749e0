package deploy_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/deploy"
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

func TestAWeekIsReadFromTheStore(t *testing.T) {
	s := newShop(t)
	end := s.now()
	s.happened(end,
		past{kind: release.Promote, number: 1, hours: 400}, past{kind: release.Promote, number: 2, hours: 300, commit: 9}, // before the week
		past{kind: release.Rollback, number: 1, hours: 100},
		past{kind: release.Promote, number: 3, hours: 90, commit: 2},
		past{kind: release.Backfill, number: 3, hours: 80},
		past{kind: release.Promote, number: 4, hours: 60, commit: 6},
		past{kind: release.Promote, number: 5, hours: 50, failed: true, halfWay: true},
		past{kind: release.Promote, number: 5, hours: 46}, // whose commit's time is the release's
		past{kind: release.Promote, number: 6, hours: -1, commit: 1},
	)
	at := func(hours float64) time.Time { return end.Add(-time.Duration(hours * float64(time.Hour))) }
	err := s.store.Update(t.Context(), func(tx deploy.Tx) error {
		tx.PutRelease(release.Release{Project: "shop", Number: 5, Digest: "five", Origin: release.Origin{Time: at(56)}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.engine.Week(t.Context(), "shop", end.Add(-7*24*time.Hour), end)
	if err != nil {
		t.Fatal(err)
	}
	want := delivery.Measures{
		Shipped: []delivery.Shipped{
			{Release: 1, Kind: release.Rollback, At: at(100)}, {Release: 3, Kind: release.Promote, At: at(90), Lead: 2 * time.Hour},
			{Release: 4, Kind: release.Promote, At: at(60), Lead: 6 * time.Hour}, {Release: 5, Kind: release.Promote, At: at(46), Lead: 10 * time.Hour},
		},
		Attempts: 4, Bad: 1, Lead: 6 * time.Hour, LeadOf: 3, Restore: 102 * time.Hour, RestoreOf: 2, // 200 hours and 4
	}
	if diff := cmp.Diff(want, w.Delivery); diff != "" || w.Promotes != 3 || w.Rollbacks != 1 || w.Failed != 1 || w.Deploys != 0 {
		t.Errorf("%d promotes, %d rollbacks, %d failed, %d deploys\n%s", w.Promotes, w.Rollbacks, w.Failed, w.Deploys, diff)
	}
	alone, err := s.engine.Shipped(t.Context(), "shop", end.Add(-7*24*time.Hour), end)
	if diff := cmp.Diff(w.Delivery.Shipped, alone); err != nil || diff != "" {
		t.Errorf("what was shipped, alone: %v\n%s", err, diff)
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
