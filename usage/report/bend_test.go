package report_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"towline/usage"
	"towline/usage/report"
	"towline/usage/tariff"
)

// noisy is a shop with weekdays, whose days vary by so much, and which reads times as much from a moment on.
func noisy(seed uint64, noise float64, since time.Time, times float64) func(time.Time) (map[usage.Figure]float64, bool) {
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test's noise
	off, day := 1.0, time.Time{}
	return func(at time.Time) (map[usage.Figure]float64, bool) {
		if usage.Day(at) != day {
			day, off = usage.Day(at), 1+noise*(2*r.Float64()-1)
		}
		v := 10_000 * []float64{0.4, 1, 1.1, 1.2, 1, 0.9, 0.5}[at.Weekday()] * off
		if !at.Before(since) {
			v *= times
		}
		return map[usage.Figure]float64{usage.RowsRead: v, usage.RowsWritten: v / 50}, true
	}
}

func TestTheReleaseThatBentTheCurveIsNamedAndNoOther(t *testing.T) {
	to := time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC)
	on := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC) }
	change := func(n uint64, at time.Time) report.Change {
		return report.Change{Project: "shop", Release: n, At: at}
	}
	never := to.AddDate(1, 0, 0)
	for _, c := range []struct {
		name    string
		shape   func(time.Time) (map[usage.Figure]float64, bool)
		back    int // days of history
		changes []report.Change
		want    []uint64
		times   float64
	}{
		{name: "twice as much since Wednesday's release", shape: noisy(1, 0.1, on(11, 10), 2), back: 60, changes: []report.Change{change(41, on(3, 9)), change(42, on(11, 10))}, want: []uint64{42}, times: 2},
		{name: "a third since", shape: noisy(2, 0.1, on(11, 10), 1.0/3), back: 60, changes: []report.Change{change(42, on(11, 10))}, want: []uint64{42}, times: 1.0 / 3},
		{name: "two weeks of history and a half", shape: noisy(3, 0.1, on(11, 10), 2), back: 26, changes: []report.Change{change(42, on(11, 10))}, want: []uint64{42}, times: 2},
		{name: "too little history", shape: noisy(3, 0.1, on(11, 10), 2), back: 14, changes: []report.Change{change(42, on(11, 10))}},
		{name: "nothing changed, and the weekend is no bend", shape: noisy(4, 0.1, never, 1), back: 60, changes: []report.Change{change(42, on(13, 10))}},
		{name: "nothing changed after the weekend either", shape: noisy(5, 0.1, never, 1), back: 60, changes: []report.Change{change(42, on(9, 10))}},
		{name: "a quarter more is not worth a word", shape: noisy(6, 0.05, on(11, 10), 1.25), back: 60, changes: []report.Change{change(42, on(11, 10))}},
		{name: "days that vary by that much anyhow", shape: noisy(7, 0.8, on(11, 10), 1.6), back: 60, changes: []report.Change{change(42, on(11, 10))}},
		{name: "a change on another day is not the release's", shape: noisy(8, 0.1, on(14, 0), 3), back: 60, changes: []report.Change{change(42, on(9, 10))}},
		{name: "two on one day cannot be told apart", shape: noisy(9, 0.1, on(11, 10), 2), back: 60, changes: []report.Change{change(41, on(11, 9)), change(42, on(11, 15))}, want: []uint64{41, 42}, times: 2},
		{name: "of two some days apart it is the second", shape: noisy(10, 0.1, on(12, 10), 2), back: 60, changes: []report.Change{change(41, on(5, 9)), change(42, on(12, 9))}, want: []uint64{42}, times: 2},
		{name: "yesterday's cannot be judged yet", shape: noisy(11, 0.1, on(15, 10), 5), back: 60, changes: []report.Change{change(42, on(15, 10))}},
		{name: "one of the week before was in the report of that week", shape: noisy(12, 0.1, on(4, 10), 2), back: 60, changes: []report.Change{change(42, on(4, 10))}},
		{name: "Sunday's of the week before could not be judged then", shape: noisy(14, 0.1, on(8, 10), 2), back: 60, changes: []report.Change{change(42, on(8, 10))}, want: []uint64{42}, times: 2},
		{name: "Friday's of the week before could", shape: noisy(15, 0.1, on(6, 10), 2), back: 60, changes: []report.Change{change(42, on(6, 10))}},
		{name: "another project's", shape: noisy(13, 0.1, on(11, 10), 2), back: 60, changes: []report.Change{{Project: "blog", Release: 7, At: on(11, 10)}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := production(c.shape).series(to.AddDate(0, 0, -c.back), to)
			r := report.Build(report.Input{
				From: to.AddDate(0, 0, -7), To: to, Whole: true, Tariff: table(t, tariff.Free, nil), Series: []report.Series{s}, Changes: c.changes,
			})
			if c.want == nil {
				if len(r.Bends) > 0 {
					t.Errorf("%+v", r.Bends)
				}
				return
			}
			if len(r.Bends) == 0 || !slices.Equal(r.Bends[0].Releases, c.want) || r.Bends[0].Times/c.times > 1.15 || r.Bends[0].Times/c.times < 0.87 {
				t.Fatalf("%+v", r.Bends)
			}
			if b := r.Bends[0]; b.Project != "shop" || b.Days < 2 || (b.PerDay > 0) != (c.times > 1) {
				t.Errorf("%+v", b)
			}
		})
	}
}

func TestAReleaseIsBlamedForNothingOnDaysThatVary(t *testing.T) {
	to := time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC)
	wrong := 0
	for seed := range uint64(400) {
		s := production(noisy(seed, 0.4, to, 1)).series(to.AddDate(0, 0, -60), to)
		r := report.Build(report.Input{
			From: to.AddDate(0, 0, -7), To: to, Whole: true, Tariff: table(t, tariff.Free, nil), Series: []report.Series{s},
			Changes: []report.Change{{Project: "shop", Release: 42, At: time.Date(2026, 11, 13, 9, 0, 0, 0, time.UTC)}},
		})
		if len(r.Bends) > 0 {
			wrong++
		}
	}
	if wrong > 4 {
		t.Errorf("%d of 400 weeks without a change blame a release", wrong)
	}
}
