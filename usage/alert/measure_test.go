package alert_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"towline/usage"
	"towline/usage/alert"
	"towline/usage/tariff"
)

// history is a subject that did value(t) in each hour up to now; the hour that is running and the one before it are not whole yet.
func history(s usage.Subject, name string, now time.Time, days int, value func(t time.Time) map[usage.Figure]float64) alert.Known {
	k := alert.Known{Subject: s, Name: name}
	from := usage.Day(now).Add(-time.Duration(days) * oneDay)
	for at := from; !at.After(now); at = at.Add(time.Hour) {
		hour := usage.Sample{At: at, Hours: 1}
		if at.Add(2 * time.Hour).After(now) {
			hour.Hours = 0
		}
		for f, v := range value(at) {
			hour.Set(f, v)
		}
		if len(k.Days) == 0 || !k.Days[len(k.Days)-1].At.Equal(usage.Day(at)) {
			k.Days = append(k.Days, usage.Sample{At: usage.Day(at)})
		}
		d := &k.Days[len(k.Days)-1]
		for _, f := range usage.Figures() {
			v, ok := hour.Get(f)
			if !ok {
				continue
			}
			was, _ := d.Get(f)
			if f.Counts() {
				v += was
			} else {
				v = max(v, was)
			}
			d.Cover(f, v, d.Covers(f)+hour.Hours)
		}
		if now.Sub(at) <= alert.HoursBack {
			k.Hours = append(k.Hours, hour)
		}
	}
	return k
}

// rows is a subject that reads so many rows a day, most of them in the afternoon.
func rows(perDay float64) func(time.Time) map[usage.Figure]float64 {
	return func(t time.Time) map[usage.Figure]float64 {
		return map[usage.Figure]float64{usage.RowsRead: perDay / 24 * (1 + 0.8*math.Sin(float64(t.Hour()-9)/12*math.Pi))}
	}
}

func find(t *testing.T, all []alert.Measure, key string) alert.Measure {
	t.Helper()
	for _, m := range all {
		if m.Limit.Key == key {
			return m
		}
	}
	t.Fatalf("no measure of %s among %+v", key, all)
	return alert.Measure{}
}

func TestALimitByTheDayCountsTheUTCDay(t *testing.T) {
	k := history(usage.Whole(), "", noon, 30, rows(2.4e6))
	m := find(t, alert.Measures(rules(t, tariff.Free), noon, k, nil), tariff.RowsReadPerDay)
	if !m.From.Equal(usage.Day(noon)) || !m.Resets.Equal(usage.Day(noon).Add(oneDay)) || m.Used < 0.5e6 || m.Used > 1.5e6 || math.Abs(m.Last-2.4e6) > 1 {
		t.Errorf("%+v", m)
	}
	if !m.Reach.Likely.IsZero() || !m.Counted.Equal(noon.Add(-time.Hour)) {
		t.Errorf("half of the limit is not reached: %+v", m)
	}
	// Just after midnight, with yesterday not counted to its end yet.
	night := usage.Day(noon).Add(10 * time.Minute)
	k = history(usage.Whole(), "", night, 30, rows(4e6))
	m = find(t, alert.Measures(rules(t, tariff.Free), night, k, nil), tariff.RowsReadPerDay)
	if m.Used > 1e5 || m.Last < 3.5e6 || m.Counted.After(night) {
		t.Errorf("after midnight: %+v", m)
	}
}

func TestADayThatIsWorseThanOthersIsForeseenByItsPace(t *testing.T) {
	usual := rows(2.4e6)
	k := history(usage.Whole(), "", noon, 30, func(at time.Time) map[usage.Figure]float64 {
		v := usual(at)
		if !at.Before(usage.Day(noon).Add(4 * time.Hour)) {
			v[usage.RowsRead] *= 4
		}
		return v
	})
	m := find(t, alert.Measures(rules(t, tariff.Free), noon, k, nil), tariff.RowsReadPerDay)
	if m.Reach.Likely.Before(noon.Add(time.Hour)) || m.Reach.Likely.After(noon.Add(8*time.Hour)) || m.Reach.Latest.IsZero() {
		t.Errorf("%+v", m)
	}
	a := alert.Judge(nil, []alert.Measure{m}, nil, rules(t, tariff.Free), noon)
	if len(a) != 1 || !a[0].Urgent {
		t.Errorf("%+v", a)
	}
}

func TestADayOfNextWeekIsForeseen(t *testing.T) {
	for _, c := range []struct {
		monday float64
		seen   bool
	}{{4.4e6, false}, {5.4e6, true}} {
		k := history(usage.Whole(), "", noon, 60, func(at time.Time) map[usage.Figure]float64 {
			perDay := 2e6
			if at.Weekday() == time.Monday {
				perDay = c.monday
			}
			return rows(perDay)(at)
		})
		m := find(t, alert.Measures(rules(t, tariff.Free), noon, k, nil), tariff.RowsReadPerDay)
		monday := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
		if c.seen && !m.Reach.Likely.Equal(monday) || !c.seen && !m.Reach.Likely.IsZero() {
			t.Errorf("Mondays of %v: %+v", c.monday, m)
		}
	}
}

func TestAMonthlyVolumeAddsUpFromTheBillingDay(t *testing.T) {
	r := rules(t, tariff.Paid)
	r.BillingDay = 10
	// 4 M rows written a day: 41.5 M from the 10th to the 20th at noon, 50 M on the 22nd.
	k := history(usage.Whole(), "", noon, 60, func(time.Time) map[usage.Figure]float64 {
		return map[usage.Figure]float64{usage.RowsWritten: 4e6 / 24}
	})
	m := find(t, alert.Measures(r, noon, k, nil), tariff.RowsWrittenPerMonth)
	if !m.From.Equal(time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)) || !m.Resets.Equal(time.Date(2026, 12, 10, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", m)
	}
	if m.Used < 42e6 || m.Used > 43e6 || m.Reach.Likely.Day() != 22 || m.Reach.Likely.Month() != 11 {
		t.Errorf("%+v", m)
	}
	// Half as much does not reach it before the month ends.
	k = history(usage.Whole(), "", noon, 60, func(time.Time) map[usage.Figure]float64 {
		return map[usage.Figure]float64{usage.RowsWritten: 1.5e6 / 24}
	})
	if m = find(t, alert.Measures(r, noon, k, nil), tariff.RowsWrittenPerMonth); !m.Reach.Likely.IsZero() {
		t.Errorf("%+v", m)
	}
}

func TestWhatWasNotCountedOfAMonthIsNoZeroForItsDate(t *testing.T) {
	r := rules(t, tariff.Paid)
	r.BillingDay = 1
	now := time.Date(2026, 11, 16, 12, 0, 0, 0, time.UTC)
	writes := func(time.Time) map[usage.Figure]float64 { return map[usage.Figure]float64{usage.RowsWritten: 90e3} }
	whole := history(usage.Whole(), "", now, 60, writes)
	want := find(t, alert.Measures(r, now, whole, nil), tariff.RowsWrittenPerMonth)
	gap := whole
	gap.Days = slices.DeleteFunc(slices.Clone(whole.Days), func(s usage.Sample) bool { return s.At.Day() >= 3 && s.At.Day() <= 8 && s.At.Month() == 11 })
	m := find(t, alert.Measures(r, now, gap, nil), tariff.RowsWrittenPerMonth)
	if want.Reach.Likely.Day() != 24 || !m.Reach.Likely.Equal(want.Reach.Likely) || math.Abs(m.Used-(want.Used-6*24*90e3)) > 1 {
		t.Errorf("without six days it is %+v, and with them %+v", m, want)
	}
}

func TestTheDateOfALimitIsTheSameAtAnyHourOfTheDay(t *testing.T) {
	shop := usage.Subject{Kind: usage.Database, ID: "1"}
	day := usage.Day(noon)
	grows := func(at time.Time) map[usage.Figure]float64 { // 500 MB on the 20th day from now, at 13:11
		return map[usage.Figure]float64{usage.Storage: 350e6 + 7.3e6*at.Add(time.Hour).Sub(day).Hours()/24}
	}
	for _, hour := range []int{1, 6, 12, 23} {
		now := day.Add(time.Duration(hour) * time.Hour)
		m := find(t, alert.Measures(rules(t, tariff.Free), now, alert.Known{}, []alert.Known{history(shop, "shop", now, 60, grows)}), tariff.DatabaseSize)
		if want := day.AddDate(0, 0, 20); !m.Reach.Likely.Equal(want) {
			t.Errorf("at %d o'clock it is on %s, and not on %s", hour, m.Reach.Likely, want)
		}
	}
}

func TestADatabaseIsMeasuredByWhatItHasNow(t *testing.T) {
	shop := usage.Subject{Kind: usage.Database, ID: "1"}
	grows := func(at time.Time) map[usage.Figure]float64 {
		return map[usage.Figure]float64{usage.Storage: 300e6 + 5e6*at.Sub(noon).Hours()/24}
	}
	m := find(t, alert.Measures(rules(t, tariff.Free), noon, alert.Known{}, []alert.Known{history(shop, "shop", noon, 60, grows)}), tariff.DatabaseSize)
	if m.Subject != shop || m.Name != "shop" || math.Abs(m.Used-300e6) > 1 || !m.Counted.Equal(noon) {
		t.Fatalf("%+v", m)
	}
	days := m.Reach.Likely.Sub(noon).Hours() / 24
	if days < 38 || days > 42 || m.Reach.Earliest.After(m.Reach.Likely) || m.Reach.Latest.Before(m.Reach.Likely) {
		t.Errorf("200 MB more at 5 MB a day, in %v days: %+v", days, m.Reach)
	}
	// Emptied an hour ago: the day's most is not what it has.
	k := history(shop, "shop", noon, 60, func(at time.Time) map[usage.Figure]float64 {
		if at.After(noon.Add(-2 * time.Hour)) {
			return map[usage.Figure]float64{usage.Storage: 20e6}
		}
		return grows(at)
	})
	if m = find(t, alert.Measures(rules(t, tariff.Free), noon, alert.Known{}, []alert.Known{k}), tariff.DatabaseSize); m.Used != 20e6 {
		t.Errorf("%+v", m)
	}
}

func TestTheMostCallsOfTheLastHoursCount(t *testing.T) {
	k := history(usage.Whole(), "", noon, 2, func(at time.Time) map[usage.Figure]float64 {
		return map[usage.Figure]float64{usage.APICalls: map[bool]float64{true: 1000, false: 20}[at.Equal(noon.Add(-2*time.Hour))]}
	})
	for after, want := range map[time.Duration]float64{0: 1000, 30 * time.Minute: 1000, time.Hour: 20} {
		if m := find(t, alert.Measures(rules(t, tariff.Paid), noon.Add(after), k, nil), tariff.APICallsPer5m); m.Used != want {
			t.Errorf("after %s: %+v", after, m)
		}
	}
	if all := alert.Measures(rules(t, tariff.Paid), noon.Add(oneDay), k, nil); len(all) != 0 {
		t.Errorf("a day later: %+v", all)
	}
}

func TestWhatWasNotCountedIsNotJudgedButListed(t *testing.T) {
	r := rules(t, tariff.Free)
	k := history(usage.Whole(), "", noon, 3, rows(1e6))
	all := alert.Measures(r, noon, k, nil)
	if len(all) != 1 || all[0].Limit.Key != tariff.RowsReadPerDay || !all[0].Reach.Likely.IsZero() {
		t.Errorf("%+v", all)
	}
	listed := map[string]bool{}
	for _, e := range alert.Unmeasured(r, all) {
		listed[e.Key] = true
	}
	for key, want := range map[string]bool{
		tariff.RowsReadPerDay: false, tariff.RowsWrittenPerDay: true, tariff.AccountStorage: true, tariff.DatabaseSize: true, tariff.Databases: true, tariff.APICallsPer5m: true,
		tariff.RowsReadPerMonth: false, tariff.CallSeconds: false, tariff.RestoresPer10m: false,
	} {
		if listed[key] != want {
			t.Errorf("%s is listed: %v", key, listed[key])
		}
	}
	if got := alert.Measures(alert.Rules{}, noon, k, nil); len(got) != 0 {
		t.Errorf("without limits: %+v", got)
	}
}
