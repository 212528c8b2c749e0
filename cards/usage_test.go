package cards_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"towline/cards"
	"towline/deploy"
	"towline/deploy/delivery"
	"towline/deploy/queries"
	"towline/deploy/release"
	"towline/usage"
	"towline/usage/alert"
	"towline/usage/chart"
	"towline/usage/report"
	"towline/usage/tariff"
)

// until is when the reports of these tests are due.
var until = time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)

// hours makes a subject's samples: so many rows read an hour, which grow by a share each day, and times as many since a moment.
func hours(s usage.Subject, name string, days int, read, growth, factor float64, since time.Time) report.Series {
	out := report.Series{Subject: s, Name: name, Project: "shop", Production: name == "shop"}
	var day []usage.Sample
	for at := usage.Day(until.AddDate(0, 0, -days)); at.Before(until); at = at.Add(time.Hour) {
		v := read * (1 + growth*at.Sub(until).Hours()/24)
		if at.Weekday() == time.Sunday {
			v /= 2
		}
		if !at.Before(since) {
			v *= factor
		}
		one := usage.Sample{At: at, Hours: 1}
		if s.Kind == usage.Worker {
			one.Set(usage.Requests, v/100)
			one.Set(usage.Errors, v/50_000)
			one.Set(usage.CPUP99, 8400)
		} else {
			one.Set(usage.RowsRead, v)
			one.Set(usage.RowsWritten, v/40)
			stored := 4.6e9 + 12e6*at.Sub(until).Hours()/24
			if s.Kind == usage.Database {
				stored /= 12
			}
			one.Set(usage.Storage, stored)
			one.Set(usage.BatchP90, 23.4)
			one.Set(usage.Errors, 0)
		}
		if len(day) > 0 && !usage.Day(day[0].At).Equal(usage.Day(at)) {
			out.Days, day = append(out.Days, usage.RollUp(day[0].At, day)), nil
		}
		day = append(day, one)
		out.Hours = append(out.Hours, one)
	}
	out.Days = append(out.Days, usage.RollUp(day[0].At, day))
	return out
}

func counting() usage.State {
	s := usage.State{Datasets: map[usage.Dataset]usage.Standing{}}
	for _, d := range usage.AllDatasets() {
		s.Datasets[d] = usage.Standing{Available: true, CountedTo: until}
	}
	return s
}

// used is a week of a shop: days of history, and a change of what it reads since its release on Wednesday.
func used(t *testing.T, plan tariff.Plan, days int, factor float64, change func(*report.Input)) cards.Usage {
	t.Helper()
	table, err := tariff.Of(plan, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	wednesday := time.Date(2026, 11, 11, 10, 0, 0, 0, time.UTC)
	in := report.Input{
		From: until.AddDate(0, 0, -7), To: until, Whole: true, Tariff: table, BillingDay: 1, Changes: []report.Change{{Project: "shop", Release: 42, At: wednesday}},
		Account: hours(usage.Whole(), "", days, 90_000, 0.01, factor, wednesday),
		Series: []report.Series{
			hours(usage.Subject{Kind: usage.Database, ID: "1"}, "shop", days, 80_000, 0.01, factor, wednesday),
			hours(usage.Subject{Kind: usage.Database, ID: "2"}, "shop-preview", days, 100, 0, 1, wednesday),
			hours(usage.Subject{Kind: usage.Worker, ID: "shop-api"}, "shop-api", days, 80_000, 0, 1, wednesday),
		},
	}
	if change != nil {
		change(&in)
	}
	u := cards.Usage{Span: cards.WeekOver, Counting: true, State: counting(), Changes: in.Changes, Report: report.Build(in)}
	if !in.Whole {
		u.Project = "shop"
	}
	return u
}

// everything adds all that a report may say.
func everything(u cards.Usage) cards.Usage {
	w := busy("shop")
	w.Delivery = delivery.Measures{
		Shipped: []delivery.Shipped{
			{Release: 42, Kind: release.Promote, At: until.Add(-100 * time.Hour), Lead: 5*time.Hour + 20*time.Minute, Undone: until.Add(-99 * time.Hour)},
			{Release: 41, Kind: release.Rollback, At: until.Add(-99 * time.Hour)}, {Release: 43, Kind: release.Promote, At: until.Add(-50 * time.Hour), Lead: 26 * time.Minute},
		},
		Attempts: 3, Bad: 1, Lead: 5*time.Hour + 20*time.Minute, LeadOf: 2, Restore: 61 * time.Minute, RestoreOf: 1,
	}
	u.Weeks = []delivery.Week{w}
	u.Top = []cards.Asked{
		{Project: "shop", Count: queries.Count{SQL: "SELECT id, total_cents\n  FROM orders WHERE customer_id = ? AND created_at > ? ORDER BY created_at DESC", Runs: 5211, RowsRead: 14_200_000}},
		{Project: "shop", Count: queries.Count{SQL: "SELECT count(*) FROM orders", Runs: 1, RowsRead: 120_000}},
	}
	u.Alerts = []alert.Alert{
		{ID: "1", Limit: tariff.RowsReadPerDay, Used: 4.66e6, Most: 5e6, Unit: tariff.Rows, Hard: true, Percent: 80},
		{ID: "2", Limit: tariff.DatabaseSize, Name: "shop", Used: 470e6, Most: 500e6, Unit: tariff.Bytes, Hard: true, Percent: 80, Muted: until.AddDate(0, 0, 2), MutedBy: "Dana"},
	}
	u.Previews = []deploy.Preview{{Drop: release.Drop{Database: "shop-pr-7"}}, {Drop: release.Drop{Database: "blog-preview"}}}
	return u
}

// captioned is what stands below the picture, with its buttons.
func captioned(u cards.Usage) cards.Card {
	caption, _ := cards.UsageCaption(u)
	return cards.Card{HTML: caption, Buttons: cards.UsageButtons(u, cards.ShowAll, chart.Light, "caption")}
}

func TestAReportSaysInFewWordsWhatMatters(t *testing.T) {
	month := used(t, tariff.Paid, 80, 1, func(in *report.Input) { in.From = until.AddDate(0, 0, -30) })
	month.Span = cards.Month
	denied := used(t, tariff.Free, 30, 1, func(in *report.Input) { in.Account, in.Series = report.Series{Subject: usage.Whole()}, nil })
	for _, d := range usage.AllDatasets() {
		denied.State.Datasets[d] = usage.Standing{Why: usage.NotAllowed}
	}
	partly := used(t, tariff.Free, 30, 1, nil)
	partly.State.Datasets[usage.Queries] = usage.Standing{Why: usage.Missing}
	partly.State.Datasets[usage.Invocations] = usage.Standing{Why: usage.Busy}
	partly.NoTop = map[string]error{"shop": errors.New("connection reset"), "till": fmt.Errorf("what queries cost: %w", usage.ErrMissing)}
	lag := used(t, tariff.Free, 30, 1, func(in *report.Input) {
		in.Account.Hours = in.Account.Hours[:len(in.Account.Hours)-9]
	})
	lag.Alerts = []alert.Alert{
		{ID: "3", Limit: tariff.DatabaseSize, Name: "till", Used: 210e6, Most: 500e6, Unit: tariff.Bytes, Hard: true, Reaches: until.AddDate(0, 0, 38)},
		{ID: "4", Limit: tariff.Databases, Used: 4, Most: 10, Unit: tariff.Stores, Hard: true, Urgent: true, Clear: until, Settle: time.Hour},
	}
	lag.State.Datasets[usage.Activity] = usage.Standing{Available: true, CountedTo: until.Add(-9 * time.Hour)}
	nothing := used(t, tariff.Free, 30, 1, func(in *report.Input) { in.Account, in.Series = report.Series{Subject: usage.Whole()}, nil })
	nothing.Project, nothing.Weeks, nothing.Top = "shop", []delivery.Week{{Project: "shop"}}, nil
	unborn, fresh := nothing, nothing
	unborn.NoProduction = []string{"shop"}
	preview := used(t, tariff.Free, 30, 1, func(in *report.Input) { in.Whole = false })
	preview.Project, preview.NoProduction, preview.Top = "shop", []string{"shop"}, nil
	golden(t, "usage", map[string]cards.Card{
		"beyond the limits of a day":     captioned(used(t, tariff.Free, 60, 6, nil)),
		"beyond what a month includes":   captioned(beyondIncluded(t)),
		"days that nothing foretold":     captioned(foretold(t)),
		"in words, nothing foretold":     cards.UsageWords(foretold(t))[0],
		"a week with everything":         captioned(everything(used(t, tariff.Free, 60, 2.2, nil))),
		"a quiet week":                   captioned(used(t, tariff.Free, 60, 1, nil)),
		"on the paid plan":               captioned(used(t, tariff.Paid, 60, 1, nil)),
		"a month":                        captioned(month),
		"one project":                    captioned(used(t, tariff.Free, 60, 0.4, func(in *report.Input) { in.Whole = false })),
		"ten days after the start":       captioned(used(t, tariff.Free, 10, 1, nil)),
		"partly counted":                 captioned(partly),
		"Cloudflare lags behind":         captioned(lag),
		"nothing may be counted":         cards.UsageWithout(everything(denied)),
		"the weekly one, not counted":    cards.ReportsWithout(everything(denied))[0],
		"no production yet":              cards.UsageWithout(unborn),
		"no production, but a preview":   captioned(preview),
		"a new production":               cards.UsageWithout(fresh),
		"right after the last report":    cards.UsageWithout(sinceJustNow(denied.Report)),
		"nothing was counted yet":        cards.UsageWithout(cards.Usage{Span: cards.Week, Counting: true, Report: denied.Report}),
		"nobody counts":                  cards.UsageWithout(cards.Usage{Span: cards.Week, Report: denied.Report, Weeks: []delivery.Week{weekOf("shop")}}),
		"the weekly one, nobody counts":  cards.ReportsWithout(cards.Usage{Span: cards.WeekOver, Report: denied.Report, Weeks: []delivery.Week{weekOf("shop")}})[0],
		"in words, everything":           cards.Joined(cards.UsageWords(everything(used(t, tariff.Free, 60, 2.2, nil)))...),
		"in words, on the paid plan":     cards.UsageWords(used(t, tariff.Paid, 60, 1, nil))[0],
		"in words, ten days after start": cards.UsageWords(used(t, tariff.Free, 10, 1, nil))[0],
	})
}

// beyondIncluded is a paid account that used up what its month includes, and stores more than that.
func beyondIncluded(t *testing.T) cards.Usage {
	table, err := tariff.Of(tariff.Paid, map[string]string{"rows_read_per_month": "20M", "storage_included": "4GB"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return used(t, tariff.Paid, 60, 1, func(in *report.Input) { in.Tariff = table })
}

// sinceJustNow is a report so far some minutes after the last one.
func sinceJustNow(r report.Report) cards.Usage {
	r.From = r.To.Add(-20 * time.Minute)
	return cards.Usage{Span: cards.WeekSoFar, Counting: true, Report: r, State: counting(), Weeks: []delivery.Week{{Project: "shop"}}}
}

// foretold is an account that takes five times as much since Saturday, and no release is to blame.
func foretold(t *testing.T) cards.Usage {
	saturday := time.Date(2026, 11, 14, 0, 0, 0, 0, time.UTC)
	return used(t, tariff.Free, 60, 1, func(in *report.Input) {
		in.Account, in.Changes = hours(usage.Whole(), "", 60, 30_000, 0.002, 5, saturday), nil
	})
}

func TestWhatFoundNoRoomInACaptionIsSaidToBeInWords(t *testing.T) {
	u := everything(used(t, tariff.Free, 60, 2.2, nil))
	const more = "There is more: <i>In words</i>"
	if caption, _ := cards.UsageCaption(u); strings.Contains(caption, more) {
		t.Errorf("everything is there:\n%s", caption)
	}
	u.Weeks = append(u.Weeks, busy("blog"), busy("till"))
	caption, heads := cards.UsageCaption(u)
	if !heads || strings.Count(caption, more) != 1 || strings.Index(caption, more) > strings.Index(caption, "Audit head") {
		t.Errorf("three projects:\n%s", caption)
	}
}

func TestALimitThatStopsTodayIsInTheReportOfTheDaysBefore(t *testing.T) {
	u := used(t, tariff.Free, 60, 1, nil)
	now := alert.Alert{ID: "1", Limit: tariff.RowsReadPerDay, Used: 5.1e6, Most: 5e6, Unit: tariff.Rows, Hard: true, Percent: 95, Resets: usage.Day(until).AddDate(0, 0, 1)}
	for urgent, want := range map[bool]int{true: 1, false: 0} {
		now.Urgent = urgent
		u.Alerts = []alert.Alert{now}
		if caption, _ := cards.UsageCaption(u); strings.Count(caption, "the limit is reached: 5.1 M of 5 M") != want {
			t.Errorf("urgent %v:\n%s", urgent, caption)
		}
	}
}

func TestACaptionIsNeverTooLongAndKeepsTheHeads(t *testing.T) {
	u := everything(used(t, tariff.Free, 60, 2.2, nil))
	for _, c := range []struct {
		projects int
		heads    bool
	}{{1, true}, {2, true}, {3, true}, {4, false}, {20, false}} {
		u.Weeks = nil
		for i := range c.projects {
			u.Weeks = append(u.Weeks, busy(fmt.Sprintf("a-project-with-a-name-of-some-length-%d", i)))
		}
		caption, heads := cards.UsageCaption(u)
		if heads != c.heads || heads && strings.Count(caption, digest[:32]) != c.projects {
			t.Errorf("%d projects: heads %v\n%s", c.projects, heads, caption)
		}
		if n := len(utf16.Encode([]rune(newReader(t).read(cards.Card{HTML: caption}).Text))); n > 1024 {
			t.Errorf("%d projects: %d units\n%s", c.projects, n, caption)
		}
		if !strings.Contains(caption, "Rows read: <b>") {
			t.Errorf("what matters most is not there:\n%s", caption)
		}
		words := cards.UsageWords(u)
		all := cards.Joined(words...).HTML
		if strings.Count(all, "128:"+digest) != c.projects || len(words) != 1+(c.projects+7)/8 {
			t.Errorf("%d projects: %d messages in words without every head", c.projects, len(words))
		}
		for _, w := range words {
			newReader(t).read(w)
		}
	}
}

func TestNoNameFromOutsideBreaksAReport(t *testing.T) {
	for what, text := range nasty() {
		t.Run(what, func(t *testing.T) {
			r := newReader(t)
			u := everything(used(t, tariff.Paid, 60, 2.2, nil))
			spoil(reflect.ValueOf(&u.Weeks).Elem(), text, map[string]bool{"Head": true, "TeamHead": true})
			spoil(reflect.ValueOf(&u.Top).Elem(), text, nil)
			u.Project, u.Previews[0].Database, u.NoTop = text, text, map[string]error{text: errors.New(text)}
			for i := range u.Report.Parts {
				u.Report.Parts[i].Name, u.Report.Parts[i].Project = text, text
			}
			for i := range u.Report.Bends {
				u.Report.Bends[i].Project = text
			}
			caption, _ := cards.UsageCaption(u)
			for name, card := range map[string]cards.Card{"caption": {HTML: caption}, "words": cards.UsageWords(u)[0], "projects": cards.UsageWords(u)[1], "without": cards.UsageWithout(u)} {
				harmless(t, name, r.read(card).Text, card)
			}
			for _, p := range cards.UsagePicture(u, cards.ShowAll).Panels {
				if len(p.Marks) > 6 {
					t.Errorf("%d marks", len(p.Marks))
				}
			}
		})
	}
}

func TestAPictureHasWhatIsAskedFor(t *testing.T) {
	u := everything(used(t, tariff.Free, 60, 2.2, nil))
	all := cards.UsagePicture(u, cards.ShowAll)
	if len(all.Panels) != 3 || all.Title != "The account" || all.Subtitle != "9 Nov to 16 Nov 2026, days in UTC" {
		t.Fatalf("%d panels, %q, %q", len(all.Panels), all.Title, all.Subtitle)
	}
	read := all.Panels[0]
	if len(read.Days) != 28 || !read.Days[27].Partial || len(read.Forecast) != 14 || !read.Forecast[0].At.After(read.Days[27].At) || read.Limit.Value != 5e6 || read.Limit.Label != "5 M a day" {
		t.Errorf("%d days, %d ahead from %v, limit %+v", len(read.Days), len(read.Forecast), read.Forecast[0].At, read.Limit)
	}
	if len(read.Marks) != 1 || read.Marks[0].Label != "#42" {
		t.Errorf("%+v", read.Marks)
	}
	if p := cards.UsagePicture(u, cards.ShowStorage); len(p.Panels) != 1 || p.Panels[0].Unit != chart.Bytes || p.Panels[0].Shape != chart.Line {
		t.Errorf("%+v", p.Panels)
	}
	short := cards.UsagePicture(used(t, tariff.Paid, 10, 1, nil), cards.ShowRead).Panels[0]
	if short.Note != "not counted before 6 November" || len(short.Forecast) != 0 || short.Limit.Label != "25 bn a month, per day" {
		t.Errorf("%q, %+v", short.Note, short.Limit)
	}
	for _, theme := range []chart.Theme{chart.Light, chart.Dark} {
		if png, err := chart.PNG(all, theme); err != nil || len(png) < 1000 {
			t.Errorf("%d bytes, %v", len(png), err)
		}
	}
}

func TestStorageBeyondWhatThePlanIncludesIsInAFewWordsToo(t *testing.T) {
	u := used(t, tariff.Paid, 30, 1, nil)
	included := alert.Alert{ID: "1", Limit: tariff.StorageIncluded, Used: 6e9, Most: 5e9, Unit: tariff.Bytes, Percent: 95}
	u.Alerts = []alert.Alert{included}
	for key, want := range map[string]int{tariff.AccountStorage: 1, tariff.StorageIncluded: 0} {
		u.Report.Stored.Limit.Key = key
		if text, _ := cards.UsageCaption(u); strings.Count(text, "what the plan includes is used up") != want {
			t.Errorf("with %s in the chart: %s", key, text)
		}
	}
}

func TestWhatWasCountedOnceIsNotCountedAnyMore(t *testing.T) {
	u := used(t, tariff.Free, 30, 1, nil)
	for _, d := range usage.AllDatasets() {
		u.State.Datasets[d] = usage.Standing{Why: usage.NotAllowed, CountedTo: until}
	}
	if text, _ := cards.UsageCaption(u); !strings.Contains(text, "Nothing is counted any more: the API token lacks") {
		t.Errorf("%s", text)
	}
}
