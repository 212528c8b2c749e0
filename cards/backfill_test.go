package cards_test

import (
	"testing"
	"time"

	"towline/cards"
	"towline/deploy"
	"towline/deploy/release"
)

// fill is a backfill of production that has come to 43 per cent.
func fill(phase release.Phase, change func(*release.Run, *release.Progress)) cards.View {
	r := run(release.Backfill, phase)
	r.Plan = &release.Plan{Kind: release.Backfill, Project: "shop", Environment: release.Production, Release: 42, Target: release.Target{Database: "shop", ID: "1"}}
	p := release.Progress{
		BackfillPlan: release.BackfillPlan{File: "0009_email_lower.sql", Name: "users_email_lower", Table: "users"},
		Total:        400_000, Rows: 172_000, Passed: 180_000, Pass: 1, Windows: 412, Batch: 550, PerSecond: 9_800, Left: 23 * time.Second,
		Day: "2026-11-20", Written: 172_500, At: noon,
	}
	if change != nil {
		change(&r, &p)
	}
	r.Environment, r.Backfill = release.Production, &p
	return cards.View{Run: r}
}

func TestTheCardOfABackfill(t *testing.T) {
	until := noon.Add(9 * time.Hour)
	rest := func(why release.Rest, words, code string) cards.View {
		return fill(release.Paused, func(_ *release.Run, p *release.Progress) { p.Why, p.Words, p.Code, p.Until = why, words, code, until })
	}
	golden(t, "backfill", rendered(map[string]cards.View{
		"waits for its turn": {Run: fill(release.Queued, nil).Run, Queued: "promoting #43, asked for by Kim"},
		"begins": fill(release.Executing, func(r *release.Run, p *release.Progress) {
			*p = release.Progress{BackfillPlan: p.BackfillPlan}
			r.Steps = steps(release.StepIntent, release.StepPoint)
		}),
		"at work":              fill(release.Executing, nil),
		"second pass":          fill(release.Executing, func(_ *release.Run, p *release.Progress) { p.Pass, p.Rows = 2, 400_000 }),
		"D1 is too busy":       fill(release.Executing, func(_ *release.Run, p *release.Progress) { p.Words = "D1 DB is overloaded. Too many requests queued." }),
		"told to stop":         fill(release.Executing, func(r *release.Run, _ *release.Progress) { r.Cancel = &release.Cancel{By: kim, At: noon} }),
		"days of work":         fill(release.Executing, func(_ *release.Run, p *release.Progress) { p.Left, p.Total = 100*time.Hour, 4_000_000_000 }),
		"paused":               fill(release.Paused, func(_ *release.Run, p *release.Progress) { p.Why, p.By = release.RestPerson, &kim }),
		"out of hours":         rest(release.RestHours, "", ""),
		"rows of today":        rest(release.RestBudget, "", ""),
		"limit of today":       rest(release.RestLimit, "Your account has exceeded D1's free tier daily row write limit.", ""),
		"locked":               rest(release.RestKept, "", ""),
		"stuck":                rest(release.RestErrors, "CHECK constraint failed: n < 200: SQLITE_CONSTRAINT", "refused"),
		"stuck, rows are left": rest(release.RestErrors, "NOT NULL constraint failed", "left"),
		"stuck, plan":          rest(release.RestErrors, "A window would not be found by both of its bounds: SCAN users.", "plan"),
		"stopped":              fill(release.Cancelled, func(r *release.Run, _ *release.Progress) { r.Cancel = &release.Cancel{By: kim, At: noon} }),
		"over":                 fill(release.Overtaken, nil),
		"done":                 fill(release.Done, func(r *release.Run, p *release.Progress) { p.Rows = 400_000 }),
		"done elsewhere":       fill(release.Done, func(r *release.Run, _ *release.Progress) { r.Notes = []string{"backfilled_elsewhere"} }),
		"refused": fill(release.Refused, func(r *release.Run, _ *release.Progress) {
			r.Refusal = release.Refuse(release.CodeBackfillPlace, "last", "0010_more.sql").Listing("0009_email_lower.sql")
		}),
	}))
}

func TestAnswersAboutBackfills(t *testing.T) {
	preview := fill(release.Paused, func(_ *release.Run, p *release.Progress) { p.Why, p.By = release.RestPerson, &kim }).Run
	preview.Environment = release.Preview
	both := []deploy.BackfillStatus{
		{Environment: release.Preview, Run: preview, Backfilling: release.Backfilling{Run: preview.ID, BackfillPlan: preview.Backfill.BackfillPlan}},
		{Environment: release.Production, Run: fill(release.Executing, nil).Run, Backfilling: release.Backfilling{BackfillPlan: preview.Backfill.BackfillPlan}},
	}
	stuck := fill(release.Paused, func(_ *release.Run, p *release.Progress) {
		p.Why, p.Words = release.RestErrors, "CHECK constraint failed: n < 200"
	}).Run
	golden(t, "backfill-answers", map[string]cards.Card{
		"none": cards.Backfilled("shop", nil), "one": cards.Backfilled("shop", both[1:]), "both": cards.Backfilled("shop", both),
		"which": cards.WhichBackfill("shop", cards.Stop, both), "stuck": cards.BackfillStuck(stuck),
		"pause": cards.BackfillOrdered(preview, cards.Pause), "resume": cards.BackfillOrdered(preview, cards.Resume), "stop": cards.BackfillOrdered(preview, cards.Stop),
		"status": cards.StatusOf(deploy.Status{Project: "shop", Environments: []deploy.EnvironmentStatus{
			{Environment: release.Production, Database: "shop", Exists: true, Applied: 8, Backfill: &both[1].Run, Running: &both[1].Run},
		}}),
	})
	plan := release.BackfillPlan{File: "0009_email_lower.sql", Name: "users_email_lower", Table: "users"}
	golden(t, "backfill-begins", rendered(map[string]cards.View{
		"asked":  with(run(release.Promote, release.Asking), func(r *release.Run) { r.Plan.Backfill = &plan }),
		"begins": with(run(release.Promote, release.Done), func(r *release.Run) { r.Plan.Backfill = &plan }),
	}))
}
