package cards_test

import (
	"strings"
	"testing"
	"time"

	"towline/cards"
	"towline/usage"
	"towline/usage/alert"
	"towline/usage/tariff"
)

// warned is an alert of the free plan's rows read, counted half an hour ago, changed as a test wants it.
func warned(change func(*alert.Alert)) alert.Alert {
	midnight := usage.Day(noon).Add(24 * time.Hour)
	a := alert.Alert{
		ID: "rows_read_per_day/account/1795176000", Limit: tariff.RowsReadPerDay, Subject: usage.Whole(), Since: noon.Add(-3 * time.Hour), Counted: noon.Add(-30 * time.Minute),
		Used: 4.12e6, Last: 3.9e6, Most: 5e6, Unit: tariff.Rows, Hard: true, Percent: 80, Resets: midnight, Shown: true,
	}
	if change != nil {
		change(&a)
	}
	return a
}

// stored is one of a database's size.
func stored(change func(*alert.Alert)) alert.Alert {
	return warned(func(a *alert.Alert) {
		a.ID, a.Limit, a.Subject, a.Name = "database_size/database/1/1795176000", tariff.DatabaseSize, usage.Subject{Kind: usage.Database, ID: "1"}, "shop"
		a.Used, a.Last, a.Most, a.Unit, a.Percent, a.Resets = 310e6, 0, 500e6, tariff.Bytes, 50, time.Time{}
		if change != nil {
			change(a)
		}
	})
}

func TestAlerts(t *testing.T) {
	in := func(d int) time.Time { return usage.Day(noon).Add(time.Duration(d) * 24 * time.Hour) }
	of := func(limit string, used, most float64, unit tariff.Unit, hard bool) alert.Alert {
		return warned(func(a *alert.Alert) {
			a.Limit, a.Used, a.Most, a.Unit, a.Hard, a.Last, a.Resets = limit, used, most, unit, hard, 0, in(10)
		})
	}
	over := func(a alert.Alert, why alert.Ending) alert.Alert {
		a.Over, a.Why = noon, why
		return a
	}
	month := of(tariff.RowsWrittenPerMonth, 41e6, 50e6, tariff.Rows, false)
	month.Resets, month.Reaches, month.Earliest, month.Latest = in(10), in(4), in(3), in(6)
	all := map[string]alert.Alert{
		"by percentage": warned(nil),
		"reached today": warned(func(a *alert.Alert) { a.Reaches, a.Earliest = noon.Add(5*time.Hour), noon.Add(4*time.Hour) }),
		"reached today, surely": warned(func(a *alert.Alert) {
			a.Urgent, a.Loud, a.Reaches, a.Earliest, a.Latest = true, true, noon.Add(5*time.Hour), noon.Add(4*time.Hour), noon.Add(7*time.Hour)
		}),
		"reached on Monday": warned(func(a *alert.Alert) { a.Percent, a.Used, a.Reaches = 0, 1e6, in(3) }),
		"reached":           warned(func(a *alert.Alert) { a.Urgent, a.Loud, a.Percent, a.Used = true, true, 95, 5.02e6 }),
		"reached, and below again": stored(func(a *alert.Alert) {
			a.Urgent, a.Loud, a.Percent, a.Used, a.Clear, a.Settle = true, true, 0, 150e6, noon.Add(-20*time.Minute), time.Hour
		}),
		"almost":              warned(func(a *alert.Alert) { a.Percent, a.Used, a.Loud = 95, 4.999999e6, true }),
		"not counted of late": warned(func(a *alert.Alert) { a.Counted = noon.Add(-9 * time.Hour) }),
		"muted":               warned(func(a *alert.Alert) { a.Muted, a.MutedBy = noon.Add(24*time.Hour), "Dana" }),
		"a mute that is over": warned(func(a *alert.Alert) { a.Muted, a.MutedBy = noon.Add(-time.Hour), "Dana" }),
		"by date": stored(func(a *alert.Alert) {
			a.Percent, a.Used, a.Reaches, a.Earliest, a.Latest = 0, 210e6, in(41), in(33), in(58)
		}),
		"by date, without a latest": stored(func(a *alert.Alert) { a.Reaches, a.Earliest = in(41), in(33) }),
		"full":                      stored(func(a *alert.Alert) { a.Used, a.Percent, a.Urgent = 500e6, 95, true }),
		"a month's volume":          month,
		"a month's volume, used":    warned(func(a *alert.Alert) { *a = month; a.Used, a.Percent = 51.3e6, 95 }),
		"rows written":              of(tariff.RowsWrittenPerDay, 81e3, 100e3, tariff.Rows, true),
		"rows read in a month":      of(tariff.RowsReadPerMonth, 13e9, 25e9, tariff.Rows, false),
		"requests":                  of(tariff.WorkerRequestsPerDay, 80e3, 100e3, tariff.Requests, true),
		"requests in a month":       of(tariff.WorkerRequestsPerMonth, 9e6, 10e6, tariff.Requests, false),
		"storage of the account":    of(tariff.AccountStorage, 4.2e9, 5e9, tariff.Bytes, true),
		"storage that is included":  of(tariff.StorageIncluded, 4.2e9, 5e9, tariff.Bytes, false),
		"databases":                 of(tariff.Databases, 9, 10, tariff.Stores, true),
		"calls":                     of(tariff.APICallsPer5m, 980, 1200, tariff.Calls, true),
		"over, recovered":           over(stored(func(a *alert.Alert) { a.Used = 190e6 }), alert.Recovered),
		"over, a new month":         over(month, alert.Reset),
		"over, gone":                over(stored(nil), alert.Gone),
		"hostile": stored(func(a *alert.Alert) {
			a.Name, a.MutedBy, a.Muted = "<b>shop</b>\u202e\n🟢 fine", "<i>Eve", noon.Add(time.Hour)
		}),
	}
	shown := map[string]cards.Card{}
	for name, a := range all {
		shown[name] = cards.AlertOf(a, noon)
	}
	shown["left behind"] = cards.Card{HTML: cards.AlertLeft(all["reached"])}
	golden(t, "limits", shown)
}

func TestAnAlertsPercentageIsNeverRoundedUpToTheLimit(t *testing.T) {
	a := warned(func(a *alert.Alert) { a.Used = 4.9999e6 })
	if text := cards.AlertLine(a); !strings.Contains(text, "99 %") || strings.Contains(text, "100 %") {
		t.Errorf("%s", text)
	}
}

func TestAMuteSaysItsEndOnTheTeamsClock(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	if got := cards.Silenced(time.Date(2027, 3, 28, 10, 0, 0, 0, time.UTC).In(berlin)); got != "Silent until Sun 28 Mar 12:00 CEST." {
		t.Errorf("%q", got)
	}
}
