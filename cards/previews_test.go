package cards_test

import (
	"strings"
	"testing"
	"time"

	"towline/cards"
	"towline/deploy"
	"towline/deploy/release"
)

// aPreview is a preview database that nobody has touched for three weeks.
func aPreview(change ...func(*deploy.Preview)) deploy.Preview {
	p := deploy.Preview{
		Drop: release.Drop{
			Database: "shop-preview", ID: "3f8b3c1e-0000-4000-8000-000000000001", Size: 1_300_000, Deployed: noon.AddDate(0, 0, -21), Used: noon.AddDate(0, 0, -20),
		},
		Exists: true, Project: "shop", Since: noon.AddDate(0, -3, 0), Counted: noon.AddDate(0, 0, -31), Made: true, Stale: true, Release: 41,
	}
	for _, c := range change {
		c(&p)
	}
	return p
}

func leftOver(p *deploy.Preview) {
	p.Database, p.Project, p.LeftOver, p.LeftAt, p.Release, p.Used = "blog-preview", "blog", true, noon.AddDate(0, 0, -9), 0, time.Time{}
	p.Deployed = noon.AddDate(0, 0, -40)
}

func foreign(p *deploy.Preview) { p.Made, p.Foreign = false, true }

func TestPreviewsAreListedWithWhatOneHasToKnow(t *testing.T) {
	all := []deploy.Preview{
		aPreview(), aPreview(leftOver),
		aPreview(foreign, func(p *deploy.Preview) {
			p.Database, p.Size, p.Counted, p.Used = "by-hand", 0, time.Time{}, time.Time{}
		}),
		aPreview(func(p *deploy.Preview) { p.Database, p.Shared = "both", []string{"api", "web"} }),
		aPreview(func(p *deploy.Preview) {
			p.Database, p.Problem, p.Size = "unread", "no usable answer from Cloudflare: HTTP 502", 0
		}),
		aPreview(func(p *deploy.Preview) { p.Database, p.Stale, p.Deployed = "fresh", false, time.Time{} }),
		aPreview(func(p *deploy.Preview) {
			p.Database, p.Stale, p.Used, p.Deployed = "deployed", false, time.Time{}, noon.Add(-time.Minute)
		}),
		aPreview(func(p *deploy.Preview) {
			p.Database, p.Stale, p.Deployed = "just-now", false, p.Used.Add(41*time.Minute)
		}),
	}
	var many []deploy.Preview
	for _, n := range strings.Split("a b c d e f g h i j", " ") {
		many = append(many, aPreview(func(p *deploy.Preview) { p.Database = n }))
	}
	golden(t, "previews", map[string]cards.Card{
		"weekly":    cards.PreviewsOf(all[:3], true, 14*24*time.Hour),
		"asked for": cards.PreviewsOf(all, false, 14*24*time.Hour),
		"none":      cards.PreviewsOf(nil, false, 0),
		"nothing is live": cards.PreviewsOf([]deploy.Preview{
			aPreview(func(p *deploy.Preview) { p.Release, p.NoRelease = 0, true }),
			aPreview(foreign, func(p *deploy.Preview) { p.Database, p.Release, p.NoRelease = "by-hand", 0, true }),
		}, false, 0),
		"more than fit":        cards.PreviewsOf(many, true, 24*time.Hour),
		"no backups":           cards.PreviewsOf([]deploy.Preview{aPreview(func(p *deploy.Preview) { p.NoBackup = true })}, true, 14*24*time.Hour),
		"delete it":            cards.ConfirmDrop(aPreview(), cards.DeleteNow, noon.Add(time.Hour), ""),
		"delete one by hand":   cards.ConfirmDrop(aPreview(foreign), cards.DeleteNow, noon.Add(time.Hour), ""),
		"empty it":             cards.ConfirmDrop(aPreview(), cards.EmptyNow, noon.Add(time.Hour), ""),
		"on the command line":  cards.ConfirmDrop(aPreview(), cards.DeleteNow, noon.Add(time.Hour), "towline preview delete shop-preview 3f9a1c2e"),
		"deleted is asked for": cards.DropAsked("shop-preview", cards.DeleteNow, release.Person{ID: 1, Name: "Lead"}),
		"emptied is asked for": cards.DropAsked("shop-preview", cards.EmptyNow, release.Person{ID: 1, Name: "Lead"}),
		"kept":                 cards.Kept("shop-preview", release.Person{ID: 1, Name: "Lead"}),
	})
}

func TestADeletionHasOneCardFromItsRequestToItsEnd(t *testing.T) {
	run := func(change func(*release.Run)) cards.Card {
		d := aPreview().Drop
		r := release.Run{
			ID: "01M7YZMHG0ZBRA1ZEDXNDB39QC", Project: "shop", Environment: release.Preview, Kind: release.Delete, Phase: release.Executing, Drop: &d,
			Requester: release.Person{ID: 1001, Name: "Lead"}, RequestedAt: noon, StartedAt: noon,
			Plan: &release.Plan{Kind: release.Delete, Target: release.Target{Database: d.Database, ID: d.ID}},
			Steps: []release.Step{
				{Name: release.StepBackup, State: release.StepDone, Begun: noon, Ended: noon.Add(1200 * time.Millisecond)},
				{Name: release.StepDelete, State: release.StepPlanned},
			},
			Backup: &release.BackupTaken{ID: "20261120T120000Z-shop-preview-01", At: noon, Bytes: 48_000, Rows: 120, Restored: true},
		}
		change(&r)
		return cards.Run(cards.View{Run: r})
	}
	failed := func(code, words string) func(*release.Run) {
		return func(r *release.Run) {
			r.Phase, r.Failure, r.Steps[1].State = release.Broken, &release.Failure{Code: code, Step: release.StepDelete, Words: words}, release.StepFailed
		}
	}
	golden(t, "deletion", map[string]cards.Card{
		"1 waiting":   run(func(r *release.Run) { r.Phase, r.Place, r.Steps, r.Backup = release.Queued, 2, nil, nil }),
		"2 under way": run(func(r *release.Run) { r.Steps[1].State = release.StepIntent }),
		"3 stopping":  run(func(r *release.Run) { r.Cancel = &release.Cancel{By: release.Person{ID: 2, Name: "Reviewer"}} }),
		"4 done":      run(func(r *release.Run) { r.Phase, r.Steps[1].State = release.Done, release.StepDone }),
		"5 done, of a project that is gone": run(func(r *release.Run) {
			r.Phase, r.Steps[1].State, r.Steps[1].Found, r.Drop.LeftOver, r.Drop.Foreign = release.Done, release.StepDone, true, true, true
		}),
		"6 refused": run(func(r *release.Run) {
			r.Phase, r.Refusal, r.Steps, r.Backup = release.Refused, release.Refuse(release.CodePreviewChanged, "database", "shop-preview"), nil, nil
		}),
		"7 no copy": run(func(r *release.Run) {
			failed("no_backup", "export shop-preview: no usable answer")(r)
			r.Steps[0].State, r.Steps[1].State, r.Backup = release.StepFailed, release.StepPlanned, nil
		}),
		"8 written to":  run(failed(string(release.CodePreviewBusy), "its rows changed while it was copied")),
		"9 not deleted": run(failed("not_deleted", "HTTP 500")),
		"a unknown": run(func(r *release.Run) {
			failed("unknown_outcome", "no usable answer from Cloudflare")(r)
			r.Phase, r.Steps[1].State = release.Unresolved, release.StepUnknown
		}),
		"b cancelled": run(func(r *release.Run) { r.Phase, r.Failure = release.Cancelled, &release.Failure{Code: "cancelled"} }),
	})
}
