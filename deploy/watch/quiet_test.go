package watch_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"towline/deploy/watch"
)

// traffic makes stretches of an app: how much there is, how noisy its times and rows are from week to week, and how many queries fail.
type traffic struct {
	random  *rand.Rand
	queries float64
	noise   float64 // standard deviation of the logarithm, from one stretch to another
	failing float64
}

// around is a figure as it varies from stretch to stretch.
func (g traffic) around(v float64) float64 { return v * math.Exp(g.random.NormFloat64()*g.noise) }

// binomial counts how many of n happen, near enough.
func (g traffic) binomial(n int64, p float64) int64 {
	if p <= 0 {
		return 0
	}
	mean := float64(n) * p
	if mean > 50 {
		return min(n, max(0, int64(math.Round(mean+g.random.NormFloat64()*math.Sqrt(mean*(1-p))))))
	}
	k, limit := int64(0), math.Exp(-mean)
	for product := g.random.Float64(); product > limit; product *= g.random.Float64() {
		k++
	}
	return min(n, k)
}

// stretch is one, of which some figures are so many times the usual.
func (g traffic) stretch(part, errors, latency, rows float64) watch.Stretch {
	s := watch.Stretch{Listed: true}
	count := int64(g.around(g.queries) * part)
	var failed, read int64
	for i, each := range []float64{1, 8, 40, 300} {
		q := watch.Query{SQL: fmt.Sprintf("SELECT %d", i), Runs: count * int64(4-i) / 10}
		q.Failed = g.binomial(q.Runs, min(1, g.around(g.failing)*errors))
		q.RowsRead = int64(float64(q.Runs) * g.around(each) * rows)
		q.P95 = time.Duration(g.around(4+each/4) * latency * float64(time.Millisecond))
		failed, read = failed+q.Failed, read+q.RowsRead
		s.Top = append(s.Top, q)
	}
	if g.random.IntN(5) == 0 { // somebody looks at everything
		q := watch.Query{SQL: "SELECT everything", Runs: 1 + g.random.Int64N(3), P95: 2 * time.Second}
		q.RowsRead = q.Runs * 200_000
		read += q.RowsRead
		s.Top = append(s.Top, q)
	}
	p90 := time.Duration(g.around(25) * latency * float64(time.Millisecond))
	s.Queries, s.Failed, s.RowsRead, s.BatchP90 = &count, &failed, &read, &p90
	return s
}

// alarms counts how often a promote is told to be worse of so many.
func (g traffic) alarms(of, weeks int, errors, latency, rows float64) (n int) {
	for range of {
		c := watch.Case{After: g.stretch(0.5, errors, latency, rows)}
		for range weeks {
			c.Weeks = append(c.Weeks, g.stretch(1, 1, 1, 1))
		}
		if watch.Judge(c).Verdict == watch.Worse {
			n++
		}
	}
	return n
}

// seeds are how many a share of alarms is counted over: one alone has luck or bad luck.
const seeds = 10

// seeded counts alarms over all seeds, so many promotes of each.
func (g traffic) seeded(of, weeks int, errors, latency, rows float64) (n int) {
	for seed := range uint64(seeds) {
		g.random = rand.New(rand.NewPCG(seed, 2))
		n += g.alarms(of, weeks, errors, latency, rows)
	}
	return n
}

func TestTrafficThatOnlyComesAndGoesIsHardlyEverCalledWorse(t *testing.T) {
	of, all, alarms := 200, 0, 0
	if testing.Short() {
		of = 100
	}
	for _, queries := range []float64{200, 1000, 2000, 50_000} {
		for _, noise := range []float64{0.1, 0.25} {
			for _, failing := range []float64{0, 0.002, 0.03} {
				for _, weeks := range []int{1, 2, 4} {
					if testing.Short() && (noise < 0.25 || weeks > 1) {
						continue // the hardest alone
					}
					t.Run(fmt.Sprintf("%.0f queries, noise %.2f, %.3f failing, %d weeks", queries, noise, failing, weeks), func(t *testing.T) {
						n := traffic{queries: queries, noise: noise, failing: failing}.seeded(of, weeks, 1, 1, 1)
						all, alarms = all+of*seeds, alarms+n
						t.Logf("%d of %d", n, of*seeds)
						if n > of*seeds/100 {
							t.Errorf("%d of %d promotes are called worse though nothing is", n, of*seeds)
						}
					})
				}
			}
		}
	}
	if t.Logf("together %d of %d", alarms, all); alarms > all/200 {
		t.Errorf("%d of %d promotes are called worse though nothing is", alarms, all)
	}
}

func TestOneStretchWithoutAFailureIsNoProofThatAQueryNeverFails(t *testing.T) {
	// Two queries of a busy database, of which a few runs always fail: the week before none of the second one's eighty did, now five of forty.
	stretch := func(queries, failed int64, top ...watch.Query) watch.Stretch {
		return watch.Stretch{Queries: &queries, Failed: &failed, Top: top, Listed: true}
	}
	often := watch.Query{SQL: "SELECT 1", Runs: 4000, Failed: 120}
	before := stretch(4080, 120, often, watch.Query{SQL: "SELECT 2", Runs: 80})
	for failed, want := range map[int64]watch.Verdict{5: watch.Well, 10: watch.Worse} {
		c := watch.Case{After: stretch(4040, 120+failed, often, watch.Query{SQL: "SELECT 2", Runs: 40, Failed: failed}), Weeks: []watch.Stretch{before}}
		if r := watch.Judge(c); r.Verdict != want {
			t.Errorf("%d of 40 failing: %s, %+v", failed, r.Verdict, r.Worse)
		}
	}
}

func TestTrafficThatWavesIsNeverCalledGone(t *testing.T) {
	g := traffic{random: rand.New(rand.NewPCG(5, 6)), noise: 0.5} // a week has half or twice what the one before had, now and then a quarter
	for _, queries := range []float64{400, 2000, 50_000} {
		g.queries = queries
		for range 5000 {
			c := watch.Case{After: g.stretch(0.5, 1, 1, 1), Course: &watch.Course{Before: g.stretch(1, 1, 1, 1)}}
			for range 4 {
				c.Course.Weeks = append(c.Course.Weeks, watch.Around{Same: g.stretch(0.5, 1, 1, 1), Before: g.stretch(1, 1, 1, 1)})
			}
			if r := watch.Judge(c); len(r.Worse) > 0 {
				t.Fatalf("of %.0f queries: %+v", queries, r.Worse)
			}
			c.After.Queries = new(int64)
			if r := watch.Judge(c); queries >= 20_000 && !slices.ContainsFunc(r.Worse, func(f watch.Figure) bool { return f.What == watch.Gone }) {
				t.Fatalf("%.0f queries are gone, and it is %s", queries, r.Verdict)
			}
		}
	}
}

func TestWhatIsWorseIsNearlyAlwaysFound(t *testing.T) {
	for _, c := range []struct {
		name                  string
		errors, latency, rows float64
		weeks                 int
	}{
		{"ten times the failures", 10, 1, 1, 4},
		{"ten times the failures, one week to compare with", 10, 1, 1, 1},
		{"four times the latency", 1, 4, 1, 4},
		{"four times the rows", 1, 1, 4, 4},
	} {
		for _, queries := range []float64{2000, 50_000} {
			t.Run(fmt.Sprintf("%s, %.0f queries", c.name, queries), func(t *testing.T) {
				const of = 50
				n := traffic{queries: queries, noise: 0.15, failing: 0.003}.seeded(of, c.weeks, c.errors, c.latency, c.rows)
				t.Logf("%d of %d", n, of*seeds)
				if n < of*seeds*99/100 {
					t.Errorf("%d of %d are found", n, of*seeds)
				}
			})
		}
	}
}
