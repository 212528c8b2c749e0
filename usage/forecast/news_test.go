package forecast_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"towline/usage/forecast"
)

// stepped is a series that takes another level, by a factor, so many days before the end of its history.
func stepped(r *rand.Rand, history, ago int, by float64, week bool) []float64 {
	from := r.IntN(7)
	return series(history+28, func(d int) float64 {
		v := 2e6 * noise(r, 0.08)
		if week {
			v *= office(d + from)
		}
		if d >= history-ago {
			v *= by
		}
		return v
	})
}

// afterStep tells how often the bands hold what comes, when a forecast is made so many days after a step.
func afterStep(t *testing.T, history, ago, rounds int) (inside, sums tally) {
	t.Helper()
	for _, by := range []float64{0.4, 1.8, 3} {
		for round := range rounds {
			values := stepped(rand.New(rand.NewPCG(uint64(round), uint64(history*100+ago))), history, ago, by, round%2 == 0) //nolint:gosec // made-up traffic
			f, err := forecast.Daily(days(values[:history], nil), 28, forecast.Count)
			if err != nil {
				t.Fatal(err)
			}
			is := 0.0
			for i, p := range f.Points {
				actual := values[history+i]
				inside.is(actual >= p.Low && actual <= p.High)
				if is += actual; i == 6 || i == 27 {
					whole := f.Total(i + 1)
					sums.is(is >= whole.Low && is <= whole.High)
				}
			}
		}
	}
	return inside, sums
}

func TestTheBandHoldsANewLevelFromItsSecondDayOn(t *testing.T) {
	histories, rounds := []int{14, 31, 56}, 20
	if testing.Short() {
		histories, rounds = []int{31}, 4
	}
	text := "| days since the step | from 14 days | sums | from 31 days | sums | from 56 days | sums |\n|---|---|---|---|---|---|---|\n"
	for _, ago := range []int{1, 2, 3, 4, 5, 7, 10} {
		text += fmt.Sprintf("| %d |", ago)
		for _, history := range histories {
			inside, sums := afterStep(t, history, ago, rounds)
			text += fmt.Sprintf(" %.0f %% | %.0f %% |", 100*inside.mean(), 100*sums.mean())
			if ago > 1 && (inside.mean() < 0.8 || sums.mean() < 0.8) {
				t.Errorf("%d days after a step, from %d days: the bands hold %.0f %%, those of sums %.0f %%", ago, history, 100*inside.mean(), 100*sums.mean())
			}
		}
		text += "\n"
	}
	if !testing.Short() {
		readme(t, "steps", text)
	}
}

func TestNewsAreSaidFromTheSecondDayOnAndNotOfASpike(t *testing.T) {
	made := func(last ...float64) forecast.Forecast {
		t.Helper()
		r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // made-up traffic
		values := series(35, func(d int) float64 { return 1e6 * office(d) * noise(r, 0.05) })
		for i, by := range last {
			values[35-len(last)+i] *= by
		}
		f, err := forecast.Daily(days(values, nil), 7, forecast.Count)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for _, c := range []struct {
		name string
		last []float64
		want int // days back; 0: none
	}{
		{"as ever", nil, 0},
		{"a spike yesterday", []float64{4}, 0},
		{"a spike and the other way", []float64{4, 0.2}, 0},
		{"two days of three times as much", []float64{3, 3}, 2},
		{"two days of half", []float64{0.5, 0.5}, 2},
		{"a quarter more", []float64{1.2, 1.2}, 0},
		{"nothing for three days", []float64{0, 0, 0}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := time.Time{}
			if c.want > 0 {
				want = monday.AddDate(0, 0, 35-c.want)
			}
			if f := made(c.last...); !f.News.Equal(want) {
				t.Errorf("news since %v, want %v", f.News, want)
			}
		})
	}
}
