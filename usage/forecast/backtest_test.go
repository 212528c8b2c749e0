package forecast_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"towline/usage/forecast"
)

var update = flag.Bool("update", false, "write the README's table anew")

// held is what the forecast of a shape came to on days that it had not seen.
type held struct {
	near, naive       float64 // MAPE one to seven days ahead
	far, farNaive     float64 // 8 to 28
	inside, sumInside float64 // shares within the bands, 1 to 28 days ahead
}

// total is the mean over shapes.
func total(all []held) (t held) {
	n := float64(len(all))
	for _, h := range all {
		t.near, t.naive, t.far, t.farNaive = t.near+h.near/n, t.naive+h.naive/n, t.far+h.far/n, t.farNaive+h.farNaive/n
		t.inside, t.sumInside = t.inside+h.inside/n, t.sumInside+h.sumInside/n
	}
	return t
}

// tally adds up shares.
type tally struct{ sum, n float64 }

func (t *tally) add(v float64) { t.sum, t.n = t.sum+v, t.n+1 }
func (t *tally) is(ok bool) {
	if t.n++; ok {
		t.sum++
	}
}
func (t *tally) mean() float64 { return t.sum / max(1, t.n) }

// backtest forecasts many series of a shape from some days of history, and looks at the 28 days that follow. One day of 33 is missing
// from histories that can spare it.
func backtest(t *testing.T, s shape, history, rounds int) held {
	t.Helper()
	const ahead = 28
	var near, naive, far, farNaive, inside, sums tally
	for round := range rounds {
		r := rand.New(rand.NewPCG(uint64(round+1000), uint64(history))) //nolint:gosec // made-up traffic
		values := s.make(r, 7+history+ahead)[r.IntN(7):]
		f, err := forecast.Daily(days(values[:history], func(d int) bool { return history > 14 && d > 0 && d < history-1 && r.Float64() < 0.03 }), ahead, s.kind)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		usual, is := 0.0, 0.0
		for _, v := range values[max(0, history-28):history] {
			usual += v / float64(min(28, history))
		}
		for i, p := range f.Points {
			actual, last := values[history+i], values[history+i%7-7]
			inside.is(actual >= p.Low && actual <= p.High)
			if is += actual; i == 6 || i == 27 {
				whole := f.Total(i + 1)
				sums.is(is >= whole.Low && is <= whole.High)
			}
			switch {
			case actual < 0.05*usual:
			case i < 7:
				near.add(math.Abs(p.Value-actual) / actual)
				naive.add(math.Abs(last-actual) / actual)
			default:
				far.add(math.Abs(p.Value-actual) / actual)
				farNaive.add(math.Abs(last-actual) / actual)
			}
		}
	}
	return held{near.mean(), naive.mean(), far.mean(), farNaive.mean(), inside.mean(), sums.mean()}
}

// row is a line of the README's tables.
func row(name string, h held) string {
	return fmt.Sprintf("| %s | %.1f %% | %.1f %% | %.1f %% | %.1f %% | %.0f %% | %.0f %% |\n", name, 100*h.near, 100*h.naive, 100*h.far, 100*h.farNaive, 100*h.inside, 100*h.sumInside)
}

const head = "| 1–7 days ahead | last week's same day | 8–28 days ahead | last week's same day | days in the band | sums in theirs |\n|---|---|---|---|---|---|---|\n"

func TestAForecastIsNearerThanLastWeeksSameDayOnDaysThatItHasNotSeen(t *testing.T) {
	rounds, from := 20, []int{14, 21, 31, 56, 84}
	if testing.Short() {
		rounds, from = 6, []int{31}
	}
	text := "| history " + head
	shaped := ""
	for _, history := range from {
		var all []held
		for _, s := range shapes() {
			h := backtest(t, s, history, rounds)
			if all = append(all, h); history == 31 {
				shaped += row(s.name, h)
			}
		}
		sum := total(all)
		text += row(fmt.Sprintf("%d days", history), sum)
		if sum.near > 0.95*sum.naive || sum.far > 0.9*sum.farNaive {
			t.Errorf("from %d days: %+v", history, sum)
		}
		if sum.inside < 0.78 || sum.inside > 0.95 || sum.sumInside < 0.78 {
			t.Errorf("from %d days the bands hold %+v", history, sum)
		}
		if i := slices.IndexFunc(all, func(h held) bool { return h.inside < 0.5 || h.sumInside < 0.4 }); i >= 0 {
			t.Errorf("from %d days the band of %q holds %+v", history, shapes()[i].name, all[i])
		}
	}
	if !testing.Short() {
		readme(t, "backtest", text+"\n| 31 days of "+head+shaped)
	}
}

// readme compares tables with those that the README has behind a mark.
func readme(t *testing.T, mark, tables string) {
	t.Helper()
	begin, end := "<!-- "+mark+" -->\n", "<!-- end -->\n"
	raw, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	before, rest, ok := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatal("the README has no place for the backtest's tables")
	}
	want := before + begin + tables + end + after
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text != want {
		t.Errorf("the README's tables are not what the backtest finds (run with -update when this is meant):\n%s", tables)
	}
}
