package forecast_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"towline/usage/forecast"
)

// held is what the forecast of a shape came to on days that it had not seen.
type held struct {
	near, naive       float64 // MAPE one to seven days ahead
	far, farNaive     float64 // 8 to 28
	inside, sumInside float64 // shares within the bands, 1 to 28 days ahead
	told              float64 // the error that the forecasts stated of themselves
}

// backtest forecasts many series of a shape from some days of history, and looks at the 28 days that follow.
func backtest(t *testing.T, s shape, history, rounds int) held {
	t.Helper()
	var h held
	var near, naive, far, farNaive, told []float64
	in, all, sumIn, sums := 0.0, 0.0, 0.0, 0.0
	for round := range rounds {
		r := rand.New(rand.NewPCG(uint64(round), uint64(history))) //nolint:gosec // made-up traffic
		const ahead = 28
		start := r.IntN(7)
		values := s.make(r, 7+history+ahead)[start:]
		f, err := forecast.Daily(days(values[:history], func(d int) bool { return history > 14 && d > 0 && d < history-1 && r.Float64() < 0.03 }), ahead, s.kind)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if f.Tested > 0 {
			told = append(told, f.Error)
		}
		usual, is, was := mean(values[max(0, history-28):history]), 0.0, 0.0
		for i, p := range f.Points {
			actual, last := values[history+i], values[history+i%7-7]
			if actual >= p.Low && actual <= p.High {
				in++
			}
			all++
			is, was = is+actual, was+p.Value
			if i == 6 || i == 27 {
				if total := f.Total(i + 1); is >= total.Low && is <= total.High {
					sumIn++
				}
				sums++
			}
			if actual < 0.05*usual {
				continue
			}
			if i < 7 {
				near, naive = append(near, math.Abs(p.Value-actual)/actual), append(naive, math.Abs(last-actual)/actual)
			} else {
				far, farNaive = append(far, math.Abs(p.Value-actual)/actual), append(farNaive, math.Abs(last-actual)/actual)
			}
		}
	}
	h.near, h.naive, h.far, h.farNaive = mean(near), mean(naive), mean(far), mean(farNaive)
	h.inside, h.sumInside, h.told = in/all, sumIn/sums, mean(told)
	return h
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(1, len(values)))
}

// histories are how many days the backtest's forecasts are made from.
func histories() []int { return []int{14, 21, 31, 56, 84} }

func TestAForecastIsNearerThanLastWeeksSameDayOnDaysThatItHasNotSeen(t *testing.T) {
	for _, history := range histories() {
		var near, naive, far, farNaive, inside, sums []float64
		for _, s := range shapes() {
			h := backtest(t, s, history, 40)
			t.Logf("%2d days %-34s near %5.2f%% naive %5.2f%% far %6.2f%% naive %6.2f%% told %5.2f%% in %3.0f%% sums %3.0f%%", history, s.name, 100*h.near, 100*h.naive, 100*h.far,
				100*h.farNaive, 100*h.told, 100*h.inside, 100*h.sumInside)
			near, naive, far, farNaive = append(near, h.near), append(naive, h.naive), append(far, h.far), append(farNaive, h.farNaive)
			inside, sums = append(inside, h.inside), append(sums, h.sumInside)
		}
		t.Logf("%2d days ALL near %.2f%% naive %.2f%% far %.2f%% naive %.2f%% in %.0f%% (least %.0f%%) sums %.0f%%", history, 100*mean(near), 100*mean(naive), 100*mean(far), 100*mean(farNaive),
			100*mean(inside), 100*slices.Min(inside), 100*mean(sums))
	}
}
