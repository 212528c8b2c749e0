package cards_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/cards"
	"towline/deploy"
	"towline/deploy/release"
	"towline/migrations"
)

// fromOutside is a change from outside.
func fromOutside() release.Drift {
	return release.Drift{
		Fingerprint: "f", Ledger: []string{"0001_init.sql", "0002_more.sql"}, At: noon,
		Changes: []string{"ledger: + 0002_more.sql", "table orders added", "column customers.country removed"}, Applied: []string{"0002_more.sql"},
	}
}

func TestAChangeFromOutside(t *testing.T) {
	looked := fromOutside()
	looked.Looking, looked.Applied = &robin, nil
	two := fromOutside()
	two.Applied = []string{"0002_more.sql", "0003_even_more.sql"}
	golden(t, "drift", map[string]cards.Card{
		"noticed":                          cards.Drifted("shop", looked, noon.Add(-time.Hour)),
		"noticed, wrangler applied a file": cards.Drifted("shop", fromOutside(), noon.Add(-time.Hour)),
		"noticed, wrangler applied two":    cards.Drifted("shop", two, noon.Add(-time.Hour)),
		"adopted":                          cards.DriftAdopted("shop", fromOutside(), robin),
		"looked into":                      cards.DriftLooked("shop", looked),
	})
}

func TestTheDocumentOfAChangeFromOutsideShowsEveryObjectThatDiffers(t *testing.T) {
	object := func(kind, name, sql string) migrations.Object {
		return migrations.Object{Type: kind, Name: name, Table: name, SQL: sql}
	}
	goldenText(t, "drift-document", cards.DriftDocument("shop", deploy.DriftView{
		Drift: fromOutside(), SeenAt: noon.Add(-time.Hour),
		Was: []migrations.Object{object("table", "customers", "CREATE TABLE customers (id INTEGER, country TEXT)"), object("table", "same", "CREATE TABLE same (id)"), object("index", "gone", "CREATE INDEX gone ON same(id)")},
		Now: []migrations.Object{object("table", "customers", "CREATE TABLE customers (id INTEGER)"), object("table", "same", "CREATE TABLE same (id)"), object("table", "orders", "CREATE TABLE orders (id INTEGER)")},
	}))
	if text := cards.DriftDocument("shop", deploy.DriftView{Drift: fromOutside()}); !strings.Contains(text, "cannot be shown any more") {
		t.Error(text)
	}
}

func TestADrill(t *testing.T) {
	passed := release.Drill{At: noon, Taken: noon.Add(-24 * time.Hour), Passed: true, Rows: 12034, Millis: 2300, By: robin}
	failed := release.Drill{At: noon, Taken: noon.Add(-24 * time.Hour), Words: errors.New("orders: 12,034 rows then, 11,998 now").Error()}
	golden(t, "drill", map[string]cards.Card{
		"begun": cards.DrillBegun("shop"), "passed": cards.DrillResult("shop", passed), "failed": cards.DrillResult("shop", failed),
		"could not be tried": cards.DrillResult("shop", release.Drill{At: noon, Taken: noon.Add(-24 * time.Hour), Untried: true, Words: "no space left on device", By: robin}),
	})
}

func TestTheLightUnderStatus(t *testing.T) {
	all := map[string]cards.Card{}
	until := noon.Add(20 * 24 * time.Hour)
	for name, light := range map[string]deploy.Light{
		"green": {Color: deploy.Green, To: 41, Until: until, Oldest: noon.Add(-25 * 24 * time.Hour), Before: 37, Tested: noon.Add(-72 * time.Hour), Drill: &release.Drill{At: noon.Add(-72 * time.Hour), Passed: true}},
		"green, by a backup that was checked when it was taken": {Color: deploy.Green, To: 41, Tested: noon, Backup: noon},
		"yellow, first release, nothing tested":                 {Color: deploy.Yellow, Oldest: noon, Why: []deploy.LightReason{deploy.LightFirst, deploy.LightUntested}},
		"yellow, ends soon, used up, changed from outside": {Color: deploy.Yellow, To: 41, Until: noon.Add(30 * time.Hour), Backup: noon.Add(-50 * 24 * time.Hour),
			Why: []deploy.LightReason{deploy.LightExpires, deploy.LightNoRestores, deploy.LightUntested, deploy.LightDrift}},
		"green, only added since":          {Color: deploy.Green, To: 41, Until: noon.Add(-time.Hour), Adds: true, Tested: noon, Backup: noon},
		"red, no way back":                 {Color: deploy.Red, To: 41, Until: noon.Add(-time.Hour), Why: []deploy.LightReason{deploy.LightNoWay}},
		"red, the database is gone":        {Color: deploy.Red, To: 41, Tested: noon, Backup: noon, Why: []deploy.LightReason{deploy.LightLost}},
		"red, the database is another one": {Color: deploy.Red, To: 41, Before: 1, Tested: noon, Backup: noon, Why: []deploy.LightReason{deploy.LightLost}},
		"red, the drill failed": {Color: deploy.Red, To: 41, Until: until, Backup: noon, Drill: &release.Drill{At: noon, Words: "orders: 12,034 rows then, 11,998 now"},
			Why: []deploy.LightReason{deploy.LightDrillFailed}},
	} {
		all[name] = cards.StatusOf(environments(func(_, production *deploy.EnvironmentStatus) {
			production.Light = &light
			if slices.Contains(light.Why, deploy.LightLost) {
				production.Lost, production.Exists = true, light.Before > 0
			}
			if len(light.Why) == 4 {
				d := fromOutside()
				production.State.Drift, production.State.Left = &d, []string{"0005_left.sql"}
			}
		}))
	}
	golden(t, "light", all)
}

func TestABaseline(t *testing.T) {
	adopting := func(phase release.Phase, change func(*release.Run)) cards.View {
		return with(run(release.Promote, phase), func(r *release.Run) {
			r.Kind, r.Was, r.WasFrom = release.Baseline, 0, nil
			r.Plan.Kind, r.Plan.Transactions, r.Plan.Statements = release.Baseline, 1, 0
			r.Plan.Baseline = &release.BaselinePlan{From: release.BaselineSchema}
			change(r)
		})
	}
	golden(t, "baseline", rendered(map[string]cards.View{
		"asked": adopting(release.Asking, func(r *release.Run) { r.Plan.Baseline.Left = []string{"0009_next.sql"} }),
		"asked, a seed cannot be seen": adopting(release.Asking, func(r *release.Run) {
			r.Plan.Baseline.Unsure = []string{"0008_totals.sql"}
		}),
		"asked, by Drizzle's ledger": adopting(release.Asking, func(r *release.Run) {
			r.Plan.Baseline = &release.BaselinePlan{From: release.BaselineDrizzle, Differs: []string{"Drizzle's ledger has a row without a file: 0f0f0f0f "}}
		}),
		"asked, named by an admin": adopting(release.Asking, func(r *release.Run) {
			r.UpTo, r.Forced = "0008_totals.sql", true
			r.Plan.Baseline = &release.BaselinePlan{From: release.BaselineNamed, Differs: []string{"table extra added", "index orders_user removed"}, Left: []string{"0009_next.sql", "0010_last.sql"}}
		}),
		"under way": adopting(release.Executing, func(r *release.Run) { r.Steps = steps(release.StepIntent, "restore point", "apply") }),
		"adopted": adopting(release.Done, func(r *release.Run) {
			r.Point, r.Steps = point(), steps(release.StepDone, "restore point", "apply", "verify")
		}),
		"expired": adopting(release.Expired, func(r *release.Run) { r.UpTo = "0008_totals.sql" }),
	}))
	refusals := map[string]cards.Card{}
	for name, r := range map[string]*release.Refusal{
		"empty":    release.Refuse(release.CodeNothingToAdopt, "why", "empty", "database", "shop"),
		"complete": release.Refuse(release.CodeNothingToAdopt, "why", "complete", "database", "shop"),
		"agrees":   release.Refuse(release.CodeNothingToAdopt, "why", "agrees", "database", "shop"),
		"nearest":  release.Refuse(release.CodeNoBaseline, "nearest", "0007_orders.sql").Listing("table extra added"),
		"no history": release.Refuse(release.CodeNoBaseline, "failed", "0001_fix.sql", "words", "no such table: made_by_hand").
			Listing("table made_by_hand added"),
		"unknown file": release.Refuse(release.CodeUnknownFile, "release", "42", "file", "0099_no.sql"),
	} {
		refusals[name] = cards.Refusal(r, "shop")
	}
	golden(t, "baseline-refused", refusals)
}
