package report_test

import (
	"testing"
	"time"

	"towline/usage"
	"towline/usage/report"
	"towline/usage/tariff"
)

func flat(values map[usage.Figure]float64) func(time.Time) (map[usage.Figure]float64, bool) {
	return func(time.Time) (map[usage.Figure]float64, bool) { return values, true }
}

func TestABillingMonthIsPricedSoFarAndAtItsEnd(t *testing.T) {
	// 2 M rows read and 100 k written an hour, 25 GB, on the paid plan: of 720 hours 72 M are written, 22 M beyond what is included.
	use := map[usage.Figure]float64{usage.RowsRead: 50e6, usage.RowsWritten: 100e3, usage.Storage: 25e9, usage.Requests: 30e3}
	for _, c := range []struct {
		name        string
		now         time.Time
		billing     int
		from, until time.Time
		written     float64
		dollars     float64 // so far
		end         float64
	}{
		{"the middle of the month", time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC), 1, date(2026, 11, 1), date(2026, 12, 1), 360 * 100e3, 5.625 + 0.24, 22 + 15 + 11 + 3.48},
		{"on the day that it ends, in the evening", time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC), 1, date(2026, 11, 1), date(2026, 12, 1), 719 * 100e3, 21.9 + 10.95 + 15 + 3.471, 22 + 15 + 11 + 3.48},
		{"at midnight, when the next one begins", date(2026, 12, 1), 1, date(2026, 11, 1), date(2026, 12, 1), 720 * 100e3, 22 + 15 + 11 + 3.48, 22 + 15 + 11 + 3.48},
		{"a billing month from the 20th, over the end of one", time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC), 20, date(2026, 10, 20), date(2026, 11, 20), 504 * 100e3, 0.4 + 0.2 + 8.9516 + 1.536, 24.4 + 15 + 12.2 + 3.696},
		{"the day before it begins", time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), 20, date(2026, 10, 20), date(2026, 11, 20), 744 * 100e3, 24.4 + 15 + 12.2 + 3.696, 24.4 + 15 + 12.2 + 3.696},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := report.Build(report.Input{
				From: c.now.AddDate(0, 0, -7), To: c.now, Whole: true, Tariff: table(t, tariff.Paid, nil), BillingDay: c.billing, Account: account(flat(use)).series(c.now.AddDate(0, 0, -60), c.now),
			})
			got := r.Cost
			if !got.From.Equal(c.from) || !got.Until.Equal(c.until) || !near(got.Used.RowsWritten, c.written) || got.Hours != got.Of {
				t.Errorf("from %s to %s: %.0f rows written in %d of %d hours", got.From, got.Until, got.Used.RowsWritten, got.Hours, got.Of)
			}
			if off := got.SoFar.Total() - c.dollars; off < -0.02 || off > 0.02 {
				t.Errorf("so far %.3f dollars, want %.3f: %+v", got.SoFar.Total(), c.dollars, got.SoFar)
			}
			if off := got.End.Total() - c.end; !got.Likely || off < -0.05*c.end || off > 0.05*c.end {
				t.Errorf("at the end %.3f dollars, want %.3f: %+v", got.End.Total(), c.end, got.End)
			}
		})
	}
}

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func TestWhatWasNotCountedOfTheMonthIsInItsEndAndNotInWhatItCostSoFar(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	for name, lost := range map[string]func(time.Time) bool{
		"six days in the middle": func(at time.Time) bool { return at.After(date(2026, 11, 5)) && at.Before(date(2026, 11, 11)) },
		"the last four days":     func(at time.Time) bool { return at.After(date(2026, 11, 17)) },
		"half of each day": func(at time.Time) bool {
			return at.Hour() >= 12 && at.Before(date(2026, 11, 10)) && at.After(date(2026, 11, 1))
		},
		"all before the 4th": func(at time.Time) bool { return at.Before(date(2026, 11, 4)) },
	} {
		s := account(func(at time.Time) (map[usage.Figure]float64, bool) {
			return map[usage.Figure]float64{usage.RowsRead: 60e6, usage.RowsWritten: 150e3, usage.Storage: 22e9}, !lost(at)
		}).series(now.AddDate(0, 0, -60), now)
		r := report.Build(report.Input{From: now.AddDate(0, 0, -7), To: now, Whole: true, Tariff: table(t, tariff.Paid, nil), Account: s})
		const end = 0.001*(60e6*720-25e9)/1e6 + (150e3*720-50e6)/1e6 + 0.75*17
		if got := r.Cost.End.Total(); !r.Cost.Likely || got < 0.99*end || got > 1.01*end {
			t.Errorf("%s: %.2f dollars at the end, want %.2f: %+v", name, got, end, r.Cost.End)
		}
		if today := date(2026, 11, 21); r.Read.Reach == nil || !r.Read.Reach.At.Equal(today) || r.Read.Ahead[0].At.Before(today) {
			t.Errorf("%s: the month's volume was used up on the 18th by what is usual: %+v, ahead from %s", name, r.Read.Reach, r.Read.Ahead[0].At)
		}
		if r.Cost.Hours == r.Cost.Of || r.Cost.Used.RowsWritten != 150e3*float64(r.Cost.Hours) {
			t.Errorf("%s: %.0f written in %d of %d hours", name, r.Cost.Used.RowsWritten, r.Cost.Hours, r.Cost.Of)
		}
	}
}

func TestTheFreePlanCostsNothingAndAShortPastHasNoEnd(t *testing.T) {
	now := time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC)
	use := map[usage.Figure]float64{usage.RowsRead: 50e6, usage.RowsWritten: 100e3, usage.Storage: 25e9}
	r := report.Build(report.Input{From: now.AddDate(0, 0, -7), To: now, Whole: true, Tariff: table(t, tariff.Free, nil), Account: account(flat(use)).series(now.AddDate(0, 0, -60), now)})
	if r.Cost.SoFar.Total() != 0 || r.Cost.End.Total() != 0 || r.Plan != tariff.Free {
		t.Errorf("%+v", r.Cost)
	}
	r = report.Build(report.Input{From: now.AddDate(0, 0, -7), To: now, Whole: true, Tariff: table(t, tariff.Paid, nil), Account: account(flat(use)).series(now.AddDate(0, 0, -9), now)})
	if r.Cost.Likely || !r.Cost.Known() || r.Cost.Hours == r.Cost.Of {
		t.Errorf("nine days of sixteen: %+v", r.Cost)
	}
}

func TestALimitIsReachedOnADayOfTheForecast(t *testing.T) {
	now := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	grows := func(at time.Time) (map[usage.Figure]float64, bool) {
		days := at.Sub(now).Hours() / 24
		return map[usage.Figure]float64{usage.Storage: 4.5e9 + 20e6*days, usage.RowsRead: 150e3 + 1000*days, usage.RowsWritten: 100}, true
	}
	build := func(p tariff.Plan, limits map[string]string) report.Report {
		return report.Build(report.Input{From: now.AddDate(0, 0, -7), To: now, Whole: true, Tariff: table(t, p, limits), Account: account(grows).series(now.AddDate(0, 0, -60), now)})
	}
	r := build(tariff.Free, nil)
	if r.Stored.Reach == nil || r.Stored.Reach.At.Sub(now) < 22*24*time.Hour || r.Stored.Reach.At.Sub(now) > 29*24*time.Hour {
		t.Errorf("storage reaches 5 GB on day 25: %+v", r.Stored.Reach)
	}
	if r.Read.Reach == nil || r.Read.Reach.At.Sub(now) > 60*24*time.Hour {
		t.Errorf("5 M a day are reached in the eighth week: %+v", r.Read.Reach)
	}
	if r.Written.Reach != nil {
		t.Errorf("100 rows an hour reach nothing: %+v", r.Written.Reach)
	}
	r = build(tariff.Paid, map[string]string{"rows_read_per_month": "60M"})
	if r.Read.Reach == nil || !r.Read.Reach.At.Before(date(2026, 12, 1)) || r.Read.Reach.At.Before(now) {
		t.Errorf("60 M are used up on the 17th or 18th: %+v", r.Read.Reach)
	}
	if r = build(tariff.Paid, map[string]string{"rows_read_per_month": "200M"}); r.Read.Reach != nil {
		t.Errorf("the next month begins anew: %+v", r.Read.Reach)
	}
	if r.Stored.Limit.Key != tariff.StorageIncluded {
		t.Errorf("%+v", r.Stored.Limit)
	}
	if r = build(tariff.Paid, map[string]string{"storage_included": "1GB"}); r.Stored.Limit.Key != tariff.StorageIncluded {
		t.Errorf("beyond what is included, and far from 1 TB: %+v", r.Stored.Limit)
	}
	if r = build(tariff.Paid, map[string]string{"storage_included": "1GB", "account_storage": "10GB"}); r.Stored.Limit.Key != tariff.AccountStorage {
		t.Errorf("almost half of 10 GB: %+v", r.Stored.Limit)
	}
}
