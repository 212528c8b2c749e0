package forecast_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"towline/usage/forecast"
)

func daily(t *testing.T, d []forecast.Day, ahead int, kind forecast.Kind) forecast.Forecast {
	t.Helper()
	f, err := forecast.Daily(d, ahead, kind)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// off is by which share a forecast misses what is expected, at its worst.
func off(f forecast.Forecast, want func(d int) float64, first int) float64 {
	worst := 0.0
	for i, p := range f.Points {
		worst = max(worst, math.Abs(p.Value-want(first+i))/want(first+i))
	}
	return worst
}

func seeded(n uint64) *rand.Rand { return rand.New(rand.NewPCG(n, n)) } //nolint:gosec // made-up traffic

func TestLessThanTwoWeeksIsTooLittle(t *testing.T) {
	thirteen := days(series(13, func(int) float64 { return 5 }), nil)
	for name, d := range map[string][]forecast.Day{"nothing": nil, "thirteen days": thirteen, "one of them twice": append(thirteen, thirteen[3]),
		"one that is no number": append(slices.Clone(thirteen), forecast.Day{At: monday.AddDate(0, 0, 13), Value: math.NaN()}),
		"one that is too old":   append(slices.Clone(thirteen), forecast.Day{At: monday.AddDate(-1, 0, 0), Value: 5})} {
		if _, err := forecast.Daily(d, 7, forecast.Count); !errors.Is(err, forecast.ErrTooLittle) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f := daily(t, days(series(14, func(int) float64 { return 5 }), nil), 7, forecast.Count)
	if f.History != 14 || f.Tested != 0 || len(f.Points) != 7 || !f.Points[0].At.Equal(monday.AddDate(0, 0, 14)) {
		t.Errorf("%+v", f)
	}
}

func TestTheOrderOfDaysDoesNotMatterAndTheyAreNotChanged(t *testing.T) {
	r := seeded(1)
	d := days(series(40, func(d int) float64 { return 1000 * office(d) * noise(r, 0.1) }), nil)
	want := daily(t, d, 30, forecast.Count)
	shuffled := slices.Clone(d)
	r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	before := slices.Clone(shuffled)
	got := daily(t, shuffled, 30, forecast.Count)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(forecast.Forecast{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, shuffled); diff != "" {
		t.Error(diff)
	}
}

func TestWeekdaysAreKept(t *testing.T) {
	r := seeded(2)
	usual := func(d int) float64 { return 1e6 * office(d) }
	f := daily(t, days(series(42, func(d int) float64 { return usual(d) * noise(r, 0.05) }), nil), 14, forecast.Count)
	if worst := off(f, usual, 42); worst > 0.12 {
		t.Errorf("off by %.2f: %+v", worst, f)
	}
	if f.Error >= f.Naive || f.Error > 0.1 || f.Tested < 50 {
		t.Errorf("tried: %+v", f)
	}
}

func TestADayOnWhichNothingEverHappensStaysAtNothing(t *testing.T) {
	r := seeded(3)
	f := daily(t, days(series(35, func(d int) float64 {
		if d%7 >= 5 {
			return 0
		}
		return 900 * noise(r, 0.1)
	}), nil), 7, forecast.Count)
	for i, p := range f.Points {
		if weekend := i >= 5; weekend != (p.Value == 0) {
			t.Errorf("day %d: %+v", i, p)
		}
	}
}

func TestNothingGoesOnAsNothing(t *testing.T) {
	for _, kind := range []forecast.Kind{forecast.Count, forecast.Level} {
		f := daily(t, days(make([]float64, 30), nil), 10, kind)
		for _, p := range f.Points {
			if p.Value != 0 || p.Low != 0 || p.High > 1e-9 {
				t.Errorf("%s: %+v", kind, p)
			}
		}
		if r, ok := f.Reaches(1); ok || !r.Earliest.IsZero() {
			t.Errorf("%s reaches something: %+v", kind, r)
		}
	}
}

func TestSpikesAndGapsDoNotMoveIt(t *testing.T) {
	r := seeded(4)
	usual := func(d int) float64 { return 1e6 * (1 + 0.005*float64(d)) * office(d) }
	values := series(56, func(d int) float64 { return usual(d) * noise(r, 0.03) })
	for _, d := range []int{9, 23, 40, 54} {
		values[d] *= 12
	}
	f := daily(t, days(values, func(d int) bool { return d%11 == 3 || d >= 28 && d < 34 }), 14, forecast.Count)
	if worst := off(f, usual, 56); worst > 0.25 {
		t.Errorf("off by %.2f, %s: %+v", worst, f.Method, f)
	}
}

func TestGrowthGoesOn(t *testing.T) {
	r := seeded(5)
	for name, usual := range map[string]func(d int) float64{
		"by the same every day":  func(d int) float64 { return 1e6 * (1 + 0.02*float64(d)) * office(d) },
		"by a share":             func(d int) float64 { return 1e6 * math.Exp(0.01*float64(d)) * office(d) },
		"downwards, and above 0": func(d int) float64 { return 9e6 * math.Exp(-0.02*float64(d)) * office(d) },
	} {
		f := daily(t, days(series(56, func(d int) float64 { return usual(d) * noise(r, 0.03) }), nil), 28, forecast.Count)
		if worst := off(f, usual, 56); worst > 0.25 {
			t.Errorf("%s: off by %.2f, %s", name, worst, f.Method)
		}
	}
}

func TestWhatHasLevelledOffDoesNotGoOn(t *testing.T) {
	r := seeded(14)
	for name, middle := range map[string]float64{"four weeks ago": 14, "three weeks ago": 22, "two weeks ago": 28} {
		usual := func(d int) float64 { return 4e6 / (1 + math.Exp(-(float64(d)-middle)/5)) * office(d) }
		f := daily(t, days(series(56, func(d int) float64 { return usual(d) * noise(r, 0.05) }), nil), 28, forecast.Count)
		if worst := off(f, usual, 56); worst > 0.3 {
			t.Errorf("%s: off by %.2f, %s", name, worst, f.Method)
		}
	}
}

func TestWhatDoublesEachWeekIsNotTakenToDoSoForEver(t *testing.T) {
	f := daily(t, days(series(56, func(d int) float64 { return 100 * math.Exp2(float64(d)/7) }), nil), 28, forecast.Count)
	if last := 100 * math.Exp2(55.0/7); f.Points[27].Value < last || f.Points[27].Value > 5*last {
		t.Errorf("%s: from %.0f to %.0f in four weeks", f.Method, last, f.Points[27].Value)
	}
}

func TestTheBandAfterTwoWeeksHasTheirChangeOnceMoreForEachWeek(t *testing.T) {
	grows := func(d int) float64 { return 1e6 * math.Exp(0.03*float64(d)) }
	f := daily(t, days(series(14, grows), nil), 28, forecast.Count)
	is := 0.0
	for d := range 28 {
		is += grows(14 + d)
	}
	if sum := f.Total(28); is < sum.Low || is > sum.High {
		t.Errorf("four weeks have %.0f, and should be between %.0f and %.0f", is, sum.Low, sum.High)
	}
	even := daily(t, days(series(14, func(int) float64 { return 1e6 }), nil), 28, forecast.Count)
	if p := even.Points[27]; p.High > 1.6*p.Value {
		t.Errorf("nothing changed: %+v", p)
	}
}

func TestWhatCameAfterAShiftCounts(t *testing.T) {
	for _, c := range []struct {
		name string
		by   float64
		ago  int
	}{{"three times as much, ten days ago", 3, 10}, {"less than half, a week ago", 0.4, 7}, {"twice as much, four weeks ago", 2, 28}} {
		t.Run(c.name, func(t *testing.T) {
			r := seeded(6)
			usual := func(d int) float64 {
				if v := 1e6 * office(d); d < 50-c.ago {
					return v
				} else {
					return v * c.by
				}
			}
			f := daily(t, days(series(50, func(d int) float64 { return usual(d) * noise(r, 0.06) }), nil), 14, forecast.Count)
			if worst := off(f, usual, 50); worst > 0.2 {
				t.Errorf("off by %.2f: %+v", worst, f)
			}
			if !f.Shift.Equal(monday.AddDate(0, 0, 50-c.ago)) {
				t.Errorf("the shift was on %s", f.Shift)
			}
		})
	}
	r := seeded(7)
	if f := daily(t, days(series(60, func(d int) float64 { return 1e6 * (1 + 0.02*float64(d)) * office(d) * noise(r, 0.08) }), nil), 7, forecast.Count); !f.Shift.IsZero() {
		t.Errorf("growth is no shift: %s", f.Shift)
	}
}

func TestStorageGoesOnFromWhereItIs(t *testing.T) {
	r := seeded(8)
	for name, s := range map[string]struct {
		values []float64
		want   func(i int) float64 // on day i of the forecast
	}{
		"steady": {series(50, func(d int) float64 { return 1e8 + 1e6*float64(d) }), func(i int) float64 { return 1.5e8 + 1e6*float64(i) }},
		"deleted a week ago": {series(50, func(d int) float64 {
			v := 1e8 + 1e6*float64(d)
			if d >= 43 {
				v -= 9e7
			}
			return v
		}), func(i int) float64 { return 6e7 + 1e6*float64(i) }},
		"never changed": {series(50, func(int) float64 { return 7e7 }), func(int) float64 { return 7e7 }},
		"in weekly steps": {series(49, func(d int) float64 { return 1e8 + 7e6*math.Floor(float64(d)/7) }), func(i int) float64 {
			return 1e8 + 7e6*math.Floor(float64(49+i)/7)
		}},
	} {
		f := daily(t, days(s.values, nil), 28, forecast.Level)
		if worst := off(f, s.want, 0); worst > 0.1 {
			t.Errorf("%s: off by %.2f, %s: %+v", name, worst, f.Method, f.Points)
		}
	}
	falls := daily(t, days(series(30, func(d int) float64 { return max(0, 1e8-3.3e6*float64(d)) * noise(r, 0.001) }), nil), 60, forecast.Level)
	if last := falls.Points[59]; last.Value != 0 || last.Low != 0 {
		t.Errorf("less than nothing is stored: %+v", last)
	}
}

func TestWhatWasStoredOnceAndCleanedUpDoesNotComeAgainEachWeek(t *testing.T) {
	for cleaned := 1; cleaned <= 11; cleaned++ {
		f := daily(t, days(series(31+cleaned, func(d int) float64 {
			if d >= 28 && d < 31 {
				return 505e6
			}
			return 40960
		}), nil), 60, forecast.Level)
		if r, ok := f.Reaches(500e6); ok || !r.Latest.IsZero() {
			t.Errorf("%d days after it was cleaned up, %s: 500 MB on %v, at the latest %v", cleaned, f.Method, r.Likely, r.Latest)
		}
	}
}

func TestAForecastIsInOrderWhateverItIsMadeOf(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.OneOf(rapid.Float64Range(0, 1e12), rapid.SampledFrom([]float64{0, 0, 1, math.NaN(), math.Inf(1), -5, math.MaxFloat64 / 1e200, 1e-300}))
		d := days(rapid.SliceOfN(value, 14, 60).Draw(rt, "values"), nil)
		kind := rapid.SampledFrom([]forecast.Kind{forecast.Count, forecast.Level}).Draw(rt, "kind")
		f, err := forecast.Daily(d, 20, kind)
		if errors.Is(err, forecast.ErrTooLittle) {
			return
		}
		if err != nil || len(f.Points) != 20 {
			rt.Fatalf("%v, %d points", err, len(f.Points))
		}
		for i, p := range append(f.Points, f.Total(20)) {
			if !(p.Low >= 0 && p.Low <= p.Value && p.Value <= p.High) || math.IsInf(p.High, 0) {
				rt.Fatalf("point %d: %+v", i, p)
			}
		}
		if math.IsNaN(f.Error) || math.IsNaN(f.Naive) {
			rt.Fatalf("%+v", f)
		}
	})
}

func TestTheBandIsNeverNarrowerFurtherOut(t *testing.T) {
	r := seeded(9)
	for _, kind := range []forecast.Kind{forecast.Count, forecast.Level} {
		f := daily(t, days(series(40, func(d int) float64 { return 1e6 * (50 + float64(d)) * noise(r, 0.02) }), nil), 60, kind)
		was := 0.0
		for i, p := range f.Points {
			if wide := (p.High - p.Value) / p.Value; wide < was-1e-9 {
				t.Errorf("%s, day %d: %v after %v", kind, i, wide, was)
			} else {
				was = wide
			}
		}
	}
}

func TestReachesAndAddsNameTheDay(t *testing.T) {
	steady := daily(t, days(series(40, func(d int) float64 { return 100 + 10*float64(d) }), nil), 30, forecast.Level)
	at := func(d int) time.Time { return monday.AddDate(0, 0, d) }
	r, ok := steady.Reaches(600)
	if !ok || !r.Likely.Equal(at(50)) || r.Earliest.After(r.Likely) || r.Latest.Before(r.Likely) {
		t.Errorf("%+v", r)
	}
	if r, ok = steady.Reaches(1e6); ok || !r.Likely.IsZero() {
		t.Errorf("far beyond: %+v", r)
	}
	if r, ok = steady.Reaches(1); !ok || !r.Likely.Equal(at(40)) {
		t.Errorf("reached already: %+v", r)
	}
	even := daily(t, days(series(40, func(int) float64 { return 10 }), nil), 30, forecast.Count)
	if r, ok = even.Adds(55, 100); !ok || !r.Likely.Equal(at(44)) { // the fifth day brings 105
		t.Errorf("%+v", r)
	}
	if whole := even.Total(7); math.Abs(whole.Value-70) > 1e-6 || !whole.At.Equal(at(46)) {
		t.Errorf("%+v", whole)
	}
	if whole := even.Total(99); math.Abs(whole.Value-300) > 1e-6 {
		t.Errorf("%+v", whole)
	}
	if none := even.Total(0); none.Value != 0 || !none.At.IsZero() {
		t.Errorf("%+v", none)
	}
	if cut := even.From(at(42)).Until(at(45)); len(cut.Points) != 3 || !cut.Points[0].At.Equal(at(42)) {
		t.Errorf("%+v", cut)
	}
}
