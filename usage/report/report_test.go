package report_test

import (
	"math"
	"testing"
	"time"

	"towline/usage"
	"towline/usage/report"
	"towline/usage/tariff"
)

// berlin is the zone of the team.
func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// history makes samples of a subject: what an hour has is told by shape; ok=false is an hour that was not counted.
type history struct {
	subject       usage.Subject
	name, project string
	production    bool
	shape         func(at time.Time) (map[usage.Figure]float64, bool)
}

// series makes hours and days from one moment to another, as the store keeps them.
func (h history) series(from, to time.Time) report.Series {
	s := report.Series{Subject: h.subject, Name: h.name, Project: h.project, Production: h.production}
	var day []usage.Sample
	flush := func() {
		if len(day) > 0 {
			s.Days, day = append(s.Days, usage.RollUp(day[0].At, day)), nil
		}
	}
	for at := usage.Day(from); at.Before(to); at = at.Add(time.Hour) {
		if len(day) > 0 && !usage.Day(day[0].At).Equal(usage.Day(at)) {
			flush()
		}
		values, ok := h.shape(at)
		if !ok {
			continue
		}
		sample := usage.Sample{At: at, Hours: 1}
		for f, v := range values {
			sample.Set(f, v)
		}
		day = append(day, sample)
		if to.Sub(at) <= usage.HoursKept {
			s.Hours = append(s.Hours, sample)
		}
	}
	flush()
	return s
}

// steady uses the same in every hour, half of it on Saturdays and Sundays, and grows by storage.
func steady(read, written float64) func(time.Time) (map[usage.Figure]float64, bool) {
	return func(at time.Time) (map[usage.Figure]float64, bool) {
		share := 1.0
		if day := at.Weekday(); day == time.Saturday || day == time.Sunday {
			share = 0.5
		}
		return map[usage.Figure]float64{usage.RowsRead: read * share, usage.RowsWritten: written * share, usage.Storage: 200e6}, true
	}
}

func account(shape func(time.Time) (map[usage.Figure]float64, bool)) history {
	return history{subject: usage.Whole(), shape: shape}
}

func production(shape func(time.Time) (map[usage.Figure]float64, bool)) history {
	return history{subject: usage.Subject{Kind: usage.Database, ID: "id-shop"}, name: "shop", project: "shop", production: true, shape: shape}
}

func table(t *testing.T, p tariff.Plan, limits map[string]string) tariff.Table {
	t.Helper()
	out, err := tariff.Of(p, limits, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// near compares with a relative error.
func near(got, want float64) bool { return math.Abs(got-want) <= 1e-6*max(1, math.Abs(want)) }

func TestAWeekIsAddedUpByTheTeamsHoursAndComparedWithTheOneBefore(t *testing.T) {
	to := time.Date(2026, 11, 16, 9, 0, 0, 0, berlin(t))
	twice := func(at time.Time) (map[usage.Figure]float64, bool) {
		v, _ := steady(1000, 10)(at)
		if !at.Before(to.AddDate(0, 0, -7)) {
			v[usage.RowsRead] *= 2
		}
		return v, true
	}
	r := report.Build(report.Input{
		From: to.AddDate(0, 0, -7), To: to, Whole: true, Tariff: table(t, tariff.Free, nil), Account: account(twice).series(to.AddDate(0, 0, -60), to),
	})
	hours := 168.0 - 48/2 // a weekend day counts half, by UTC
	if !near(r.Read.Sum, 2000*hours) || r.Read.Hours != 168 || r.Read.Of != 168 {
		t.Errorf("%.0f rows in %d of %d hours, want %.0f", r.Read.Sum, r.Read.Hours, r.Read.Of, 2000*hours)
	}
	if !r.Read.Compared || !near(r.Read.Same, 2*r.Read.Before) || !near(r.Written.Same, r.Written.Before) {
		t.Errorf("compared %.0f with %.0f, and %.0f with %.0f", r.Read.Same, r.Read.Before, r.Written.Same, r.Written.Before)
	}
	if r.Read.Peak.Value != 48000 || r.Read.Limit.Value != 5e6 || !near(r.Read.Share(), 48000.0/5e6) {
		t.Errorf("peak %+v of %+v", r.Read.Peak, r.Read.Limit)
	}
	if len(r.Read.Days) != 28 || !r.Read.Days[27].Partial || r.Read.Days[26].Partial || !r.Read.Days[0].Known {
		t.Errorf("%d days, the last ones %+v", len(r.Read.Days), r.Read.Days[26:])
	}
	if r.Stored.Sum != 200e6 || r.Stored.Before != 200e6 || r.Stored.Limit.Key != tariff.AccountStorage {
		t.Errorf("stored %+v", r.Stored)
	}
	if r.Requests.Known() {
		t.Errorf("nobody counted requests: %+v", r.Requests)
	}
}

func TestTheWeekInWhichSummerTimeBeginsHasAnHourLess(t *testing.T) {
	for _, c := range []struct {
		name  string
		to    time.Time
		hours int
	}{
		{"an hour less", time.Date(2027, 3, 29, 9, 0, 0, 0, berlin(t)), 167},
		{"an hour more", time.Date(2026, 10, 26, 9, 0, 0, 0, berlin(t)), 169},
		{"a zone of half hours", time.Date(2026, 10, 26, 9, 0, 0, 0, time.FixedZone("half", 5*3600+1800)), 168},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := report.Build(report.Input{
				From: c.to.AddDate(0, 0, -7), To: c.to, Whole: true, Tariff: table(t, tariff.Free, nil),
				Account: account(func(time.Time) (map[usage.Figure]float64, bool) {
					return map[usage.Figure]float64{usage.RowsRead: 1}, true
				}).series(c.to.AddDate(0, 0, -30), c.to),
			})
			if r.Read.Hours-c.hours > 1 || r.Read.Hours < c.hours || !r.Read.Compared || r.Read.Same != r.Read.Before {
				t.Errorf("%d hours, want %d; compared %v: %.0f with %.0f", r.Read.Hours, c.hours, r.Read.Compared, r.Read.Same, r.Read.Before)
			}
		})
	}
}

func TestTheChangeIsByTheTeamsClockAlsoOverAChangeToSummerTime(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []time.Time{
		time.Date(2027, 3, 29, 9, 0, 0, 0, berlin(t)), time.Date(2027, 4, 5, 9, 0, 0, 0, berlin(t)), time.Date(2026, 10, 26, 9, 0, 0, 0, berlin(t)),
		time.Date(2026, 11, 2, 9, 0, 0, 0, berlin(t)), time.Date(2026, 11, 2, 9, 0, 0, 0, newYork), time.Date(2027, 3, 15, 9, 0, 0, 0, newYork),
	} {
		from := to.AddDate(0, 0, -7)
		busy := func(at time.Time) (map[usage.Figure]float64, bool) { // from nine to five, and a tenth more this week
			v := 0.0
			if h := at.In(to.Location()).Hour(); h >= 9 && h < 17 {
				v = 1000
			}
			if !at.Before(from) {
				v *= 1.1
			}
			return map[usage.Figure]float64{usage.RowsRead: v}, true
		}
		r := report.Build(report.Input{From: from, To: to, Whole: true, Tariff: table(t, tariff.Free, nil), Account: account(busy).series(to.AddDate(0, 0, -30), to)})
		if !r.Read.Compared || !near(r.Read.Same, 1.1*r.Read.Before) || !near(r.Read.Sum, 7*8*1100) {
			t.Errorf("the week to %s has %.0f; compared are %.0f with %.0f", to, r.Read.Sum, r.Read.Same, r.Read.Before)
		}
	}
}

func TestAStretchThatBeginsWithinAnHourOrADayHasNoMoreThanItsLength(t *testing.T) {
	to := time.Date(2026, 11, 16, 15, 20, 0, 0, time.UTC)
	s := account(steady(1, 1)).series(to.AddDate(0, 0, -90), to)
	s.Hours[len(s.Hours)-1].Cover(usage.RowsRead, 0.3, 0)
	for _, days := range []int{1, 7, 14, 30} {
		from, want := to.AddDate(0, 0, -days), 0.0
		for _, h := range s.Hours {
			if v, _ := h.Get(usage.RowsRead); !h.At.Before(from) && h.At.Before(to) {
				want += v
			}
		}
		if days >= 15 {
			want += 0.7 // the days have the running hour whole
		}
		r := report.Build(report.Input{From: from, To: to, Whole: true, Tariff: table(t, tariff.Free, nil), Account: s})
		if !near(r.Read.Sum, want) || r.Read.Hours > 24*days {
			t.Errorf("%d days have %.1f in %d hours, want %.1f", days, r.Read.Sum, r.Read.Hours, want)
		}
	}
}

func TestWhatWasNotCountedIsNoZero(t *testing.T) {
	to := time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC)
	lost := func(from, until time.Time) func(time.Time) (map[usage.Figure]float64, bool) {
		return func(at time.Time) (map[usage.Figure]float64, bool) {
			if !at.Before(from) && at.Before(until) {
				return nil, false
			}
			return map[usage.Figure]float64{usage.RowsRead: 10}, true
		}
	}
	build := func(shape func(time.Time) (map[usage.Figure]float64, bool), back int) report.Report {
		return report.Build(report.Input{From: to.AddDate(0, 0, -7), To: to, Whole: true, Tariff: table(t, tariff.Free, nil), Account: account(shape).series(to.AddDate(0, 0, -back), to)})
	}
	day := time.Date(2026, 11, 12, 0, 0, 0, 0, time.UTC)
	r := build(lost(day, day.AddDate(0, 0, 1)), 40)
	if r.Read.Hours != 144 || r.Read.Of != 168 || r.Read.Sum != 1440 {
		t.Errorf("%.0f rows in %d of %d hours", r.Read.Sum, r.Read.Hours, r.Read.Of)
	}
	if !r.Read.Compared || r.Read.Same != 1440 || r.Read.Before != 1440 {
		t.Errorf("the hours that were counted in both weeks: %.0f with %.0f", r.Read.Same, r.Read.Before)
	}
	for _, d := range r.Read.Days {
		if d.Known == d.At.Equal(day) {
			t.Errorf("%s known: %v", d.At, d.Known)
		}
	}
	if r := build(lost(day.AddDate(0, 0, -3), day), 40); r.Read.Compared {
		t.Errorf("almost half of the week is not there, and it was compared: %+v", r.Read)
	}
	if r := build(lost(time.Time{}, to), 40); r.Read.Known() || r.Cost.Known() || !r.Since.IsZero() || !r.Read.TooLittle {
		t.Errorf("nothing was counted: %+v", r.Read)
	}
	if r := build(lost(to, to), 9); !r.Read.TooLittle || r.Read.Compared || r.Read.Reach != nil || r.Since.IsZero() {
		t.Errorf("nine days are too little for a forecast or a comparison: %+v", r.Read)
	}
}

func TestAWeekThatIsUnderWayIsComparedWithTheSameHoursOfTheOneBefore(t *testing.T) {
	to := time.Date(2026, 11, 12, 13, 20, 0, 0, time.UTC) // Thursday
	from := time.Date(2026, 11, 9, 8, 0, 0, 0, time.UTC)
	s := account(steady(100, 1)).series(to.AddDate(0, 0, -30), to)
	last := &s.Hours[len(s.Hours)-1]
	last.Cover(usage.RowsRead, 40, 0) // the running hour
	r := report.Build(report.Input{From: from, To: to, Whole: true, Tariff: table(t, tariff.Free, nil), Account: s})
	if r.Read.Sum != 77*100+40 || r.Read.Hours != 77 || r.Read.Of != 77 || r.Read.Same != 7700 || r.Read.Before != 7700 {
		t.Errorf("%+v", r.Read)
	}
}

func TestAProjectsReportIsOfItsDatabasesTogether(t *testing.T) {
	to := time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC)
	preview := history{subject: usage.Subject{Kind: usage.Database, ID: "id-preview"}, name: "shop-preview", project: "shop", shape: func(at time.Time) (map[usage.Figure]float64, bool) {
		return map[usage.Figure]float64{usage.RowsRead: 5, usage.Storage: 1e6}, at.After(to.AddDate(0, 0, -3)) // it is new
	}}
	worker := history{subject: usage.Subject{Kind: usage.Worker, ID: "shop-api"}, name: "shop-api", project: "shop", shape: func(time.Time) (map[usage.Figure]float64, bool) {
		return map[usage.Figure]float64{usage.Requests: 3, usage.Errors: 1, usage.CPUP99: 8000}, true
	}}
	old := to.AddDate(0, 0, -40)
	r := report.Build(report.Input{
		From: to.AddDate(0, 0, -7), To: to, Tariff: table(t, tariff.Free, nil), Account: account(steady(100, 1)).series(old, to),
		Series: []report.Series{production(steady(10, 1)).series(old, to), preview.series(old, to), worker.series(old, to)},
	})
	hours := 168.0 - 24
	if !near(r.Read.Sum, 10*hours+5*71) || r.Read.Hours != 168 || r.Stored.Sum != 201e6 || r.Stored.Limit != nil {
		t.Errorf("%.0f rows read in %d hours, %.0f stored", r.Read.Sum, r.Read.Hours, r.Stored.Sum)
	}
	if r.Read.Limit == nil || r.Read.Reach != nil {
		t.Errorf("the account's limit is shown, and not reached by a part of it: %+v", r.Read)
	}
	if len(r.Parts) != 3 || r.Parts[0].Read.Value != 10*hours || !r.Parts[1].Read.Is || r.Parts[1].Before != 0 || r.Parts[2].Read.Is {
		t.Errorf("%+v", r.Parts)
	}
	if w := r.Parts[2]; w.Requests.Value != 3*168 || w.Errors.Value != 168 || w.CPUP99.Value != 8000 || w.Stored.Is || w.Before != w.Same {
		t.Errorf("%+v", w)
	}
	if r.Requests.Sum != 3*168 {
		t.Errorf("%+v", r.Requests)
	}
}

func TestAMonthIsAddedUpFromDaysSinceHoursAreKeptForFiveWeeks(t *testing.T) {
	to := time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC)
	r := report.Build(report.Input{
		From: to.AddDate(0, 0, -30), To: to, Whole: true, Tariff: table(t, tariff.Paid, nil), Account: account(func(time.Time) (map[usage.Figure]float64, bool) {
			return map[usage.Figure]float64{usage.RowsRead: 1}, true
		}).series(to.AddDate(0, 0, -90), to),
	})
	if r.Read.Sum != 30*24 || r.Read.Hours != 30*24 || !r.Read.Compared || r.Read.Same != 29*24 || r.Read.Before != 29*24 || len(r.Read.Days) != 60 {
		t.Errorf("%.0f, compared %.0f with %.0f, %d days", r.Read.Sum, r.Read.Same, r.Read.Before, len(r.Read.Days))
	}
	if r.Read.Limit.Key != tariff.RowsReadPerMonth || !near(r.Read.PerDay, 25e9/30) {
		t.Errorf("%+v, %f a day", r.Read.Limit, r.Read.PerDay)
	}
}
