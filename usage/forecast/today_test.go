package forecast_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"towline/usage/forecast"
)

// hourly are the hours of some days up to a moment, with most of each day's 24,000 in the afternoon.
func hourly(n int, until time.Time, change func(at time.Time, v float64) float64) []forecast.Day {
	var all []forecast.Day
	r := seeded(11)
	for at := until.Truncate(oneDay).AddDate(0, 0, -n); !at.Add(time.Hour).After(until); at = at.Add(time.Hour) {
		v := 1000 * (1 + 0.9*math.Sin(float64(at.Hour()-9)/12*math.Pi)) * noise(r, 0.05)
		if change != nil {
			v = change(at, v)
		}
		all = append(all, forecast.Day{At: at, Value: v})
	}
	return all
}

func TestADayGoesOnAsItsHoursUsuallyDo(t *testing.T) {
	until := monday.AddDate(0, 0, 30).Add(10*time.Hour + 30*time.Minute)
	f, err := forecast.Today(hourly(14, until, nil), until)
	if err != nil {
		t.Fatal(err)
	}
	rest := f.Total(len(f.Points))
	used := 0.0
	for _, h := range hourly(0, until, nil) {
		used += h.Value
	}
	// The half of an hour that is not over is in neither.
	if whole := used + rest.Value + f.Points[0].Value; math.Abs(whole-24000) > 1500 || rest.Low > rest.Value || rest.High < rest.Value {
		t.Errorf("%v in all, of which to come %+v", whole, rest)
	}
	if len(f.Points) != 14 || !f.Points[0].At.Equal(until) || f.Points[13].At.Hour() != 23 {
		t.Errorf("%+v", f.Points)
	}
}

func TestAQueryThatRunsWildIsSeenWithinHours(t *testing.T) {
	noon := monday.AddDate(0, 0, 30).Add(12 * time.Hour)
	wild := func(at time.Time, v float64) float64 {
		if !at.Before(noon) {
			return v * 10
		}
		return v
	}
	for hours, reached := range map[int]bool{0: false, 3: true} {
		until := noon.Add(time.Duration(hours) * time.Hour)
		f, err := forecast.Today(hourly(14, until, wild), until)
		if err != nil {
			t.Fatal(err)
		}
		if r, ok := f.Adds(30000, 80000); ok != reached {
			t.Errorf("after %d hours: %+v", hours, r)
		}
	}
}

func TestTheFirstHourOfADayIsTakenForAUsualOne(t *testing.T) {
	midnight := monday.AddDate(0, 0, 30)
	f, err := forecast.Today(hourly(14, midnight, nil), midnight)
	if err != nil {
		t.Fatal(err)
	}
	if whole := f.Total(24); math.Abs(whole.Value-24000) > 1000 {
		t.Errorf("%+v", whole)
	}
}

func TestADayNeedsThreeBeforeIt(t *testing.T) {
	until := monday.AddDate(0, 0, 30).Add(5 * time.Hour)
	if _, err := forecast.Today(hourly(2, until, nil), until); !errors.Is(err, forecast.ErrTooLittle) {
		t.Errorf("%v", err)
	}
	f, err := forecast.Today(hourly(3, until, nil), until)
	if err != nil {
		t.Fatal(err)
	}
	if whole := f.Total(24); whole.High < 1.4*whole.Value {
		t.Errorf("three days are not much to go by: %+v", whole)
	}
	if f, err = forecast.Today(hourly(14, until, func(time.Time, float64) float64 { return 0 }), until); err != nil || f.Total(24).High != 0 {
		t.Errorf("nothing goes on as nothing: %v, %+v", err, f)
	}
}

func TestTheMomentOfTheDayIsToldNotItsHour(t *testing.T) {
	midnight := monday.AddDate(0, 0, 30)
	until := midnight.Add(10 * time.Hour)
	var all []forecast.Day
	for at := midnight.AddDate(0, 0, -14); at.Before(until); at = at.Add(time.Hour) {
		all = append(all, forecast.Day{At: at, Value: 1000})
	}
	f, err := forecast.Today(all, until)
	if err != nil {
		t.Fatal(err)
	}
	want := midnight.Add(16*time.Hour + 40*time.Minute)
	r, ok := f.Adds(10_000, 16_700)
	if off := r.Likely.Sub(want); !ok || off < -10*time.Minute || off > 10*time.Minute || r.Earliest.After(r.Likely) || r.Latest.Before(r.Likely) || r.Latest.After(want.Add(time.Hour)) {
		t.Errorf("%+v, want %s", r, want)
	}
}
