package report_test

import (
	"testing"
	"time"

	"towline/usage"
	"towline/usage/report"
	"towline/usage/tariff"
)

// stepping reads 150 k rows an hour, with small differences from day to day, and times as much from a moment on.
func stepping(since time.Time, times float64) func(time.Time) (map[usage.Figure]float64, bool) {
	return func(at time.Time) (map[usage.Figure]float64, bool) {
		v := 150e3 * (1 + 0.02*float64(at.YearDay()%5))
		if !at.Before(since) {
			v *= times
		}
		return map[usage.Figure]float64{usage.RowsRead: v, usage.RowsWritten: 100, usage.Storage: 1e9}, true
	}
}

func TestAChangeThatIsTooNewToBelieveIsNews(t *testing.T) {
	to := time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name        string
		days        int // whole days since the change, of which there is also today
		news, shift bool
	}{
		{"none", 0, false, false},
		{"one day may be a spike", 1, false, false},
		{"two days are news", 2, true, false},
		{"four days still are", 4, true, false},
		{"six days are another level", 6, false, true},
		{"ten days as well", 10, false, true},
		{"a month ago is long ago", 30, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			since := date(2026, 11, 16-c.days)
			if c.days == 0 {
				since = to
			}
			r := report.Build(report.Input{
				From: to.AddDate(0, 0, -7), To: to, Whole: true, Tariff: table(t, tariff.Free, nil), Account: account(stepping(since, 3)).series(to.AddDate(0, 0, -60), to),
			})
			if r.Read.News.IsZero() == c.news || c.news && !r.Read.News.Equal(since) {
				t.Errorf("news since %v", r.Read.News)
			}
			if r.Read.Shift.IsZero() == c.shift || c.shift && !r.Read.Shift.Equal(since) {
				t.Errorf("another level since %v", r.Read.Shift)
			}
			if w := r.Read.Next; w.Value <= 0 || w.Low > w.Value || w.High < w.Value || c.days == 2 && w.High < 2*w.Value {
				t.Errorf("next week %+v", w)
			}
			if !r.Written.News.IsZero() || !r.Stored.News.IsZero() {
				t.Errorf("news of what is as ever: %v, %v", r.Written.News, r.Stored.News)
			}
		})
	}
}

func TestDaysOnWhichALimitWasReachedAreCounted(t *testing.T) {
	to := time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)
	build := func(p tariff.Plan, since time.Time) report.Report {
		return report.Build(report.Input{
			From: to.AddDate(0, 0, -7), To: to, Whole: true, Tariff: table(t, p, nil), Account: account(stepping(since, 3)).series(to.AddDate(0, 0, -60), to),
		})
	}
	if r := build(tariff.Free, date(2026, 11, 12)); r.Read.Over != 4 || !r.Read.LastOver.Equal(date(2026, 11, 15)) || r.Written.Over != 0 {
		t.Errorf("on %d days, the last %v; written %d", r.Read.Over, r.Read.LastOver, r.Written.Over)
	}
	if r := build(tariff.Free, to); r.Read.Over != 0 || !r.Read.LastOver.IsZero() {
		t.Errorf("below the limit on %d days", r.Read.Over)
	}
	if r := build(tariff.Paid, date(2026, 11, 12)); r.Read.Over != 0 {
		t.Errorf("a volume by the month was reached on %d days", r.Read.Over)
	}
}
