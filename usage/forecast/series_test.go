package forecast_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"towline/usage/forecast"
)

// monday is where the generated series begin.
var monday = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

const oneDay = 24 * time.Hour

// shape is a kind of series: what a team's traffic or storage looks like.
type shape struct {
	name string
	kind forecast.Kind
	make func(r *rand.Rand, n int) []float64
}

// office is a week of people at work, evening one of people at home.
func office(d int) float64  { return []float64{1.1, 1.15, 1.15, 1.1, 1, 0.45, 0.4}[d%7] }
func evening(d int) float64 { return []float64{0.9, 0.9, 0.95, 0.95, 1.1, 1.25, 1.15}[d%7] }

// noise is around 1, and never below 0.
func noise(r *rand.Rand, s float64) float64 { return math.Exp(r.NormFloat64()*s - s*s/2) }

// series fills n days by a function of the day.
func series(n int, at func(d int) float64) []float64 {
	out := make([]float64, n)
	for d := range out {
		out[d] = at(d)
	}
	return out
}

// drifting is a slow random walk around 1, as the popularity of an app is.
func drifting(r *rand.Rand, n int, s float64) []float64 {
	level := 0.0
	return series(n, func(int) float64 {
		level = 0.97*level + r.NormFloat64()*s
		return math.Exp(level)
	})
}

// shapes are the series of the backtest.
func shapes() []shape {
	return slices.Concat(formulas(), events(), lively(), storage())
}

// formulas are counts that follow one.
func formulas() []shape {
	c := forecast.Count
	return []shape{
		{"even, quiet", c, func(r *rand.Rand, n int) []float64 {
			return series(n, func(int) float64 { return 2e6 * noise(r, 0.08) })
		}},
		{"office week", c, func(r *rand.Rand, n int) []float64 {
			return series(n, func(d int) float64 { return 2e6 * office(d) * noise(r, 0.08) })
		}},
		{"growth by 1 % of the start a day", c, func(r *rand.Rand, n int) []float64 {
			return series(n, func(d int) float64 { return 5e5 * (1 + 0.01*float64(d)) * office(d) * noise(r, 0.08) })
		}},
		{"growth by a share", c, func(r *rand.Rand, n int) []float64 {
			return series(n, func(d int) float64 { return 3e5 * math.Exp(0.012*float64(d)) * evening(d) * noise(r, 0.1) })
		}},
		{"decline", c, func(r *rand.Rand, n int) []float64 {
			return series(n, func(d int) float64 { return 8e6 * math.Exp(-0.01*float64(d)) * office(d) * noise(r, 0.08) })
		}},
	}
}

// events are counts to which something happens.
func events() []shape {
	c := forecast.Count
	return []shape{
		{"spikes", c, func(r *rand.Rand, n int) []float64 {
			return series(n, func(d int) float64 {
				v := 2e6 * (1 + 0.005*float64(d)) * office(d) * noise(r, 0.08)
				if r.Float64() < 0.05 {
					v *= 3 + 7*r.Float64()
				}
				return v
			})
		}},
		{"dead weekends", c, func(r *rand.Rand, n int) []float64 {
			return series(n, func(d int) float64 {
				if d%7 >= 5 {
					return 0
				}
				return 4e5 * (1 + 0.004*float64(d)) * noise(r, 0.12)
			})
		}},
		{"a release that bent the curve", c, func(r *rand.Rand, n int) []float64 {
			at, by := n-28-7-6-r.IntN(max(1, (n-41)/2)), []float64{0.4, 1.8, 3}[r.IntN(3)] // at least six days ago
			return series(n, func(d int) float64 {
				v := 2e6 * office(d) * noise(r, 0.08)
				if d >= at {
					v *= by
				}
				return v
			})
		}},
		{"a launch that levels off", c, launched},
	}
}

// launched is a launch that levels off: tenfold and more in some weeks, and then no more.
func launched(r *rand.Rand, n int) []float64 {
	middle := float64(n) * (0.2 + 0.4*r.Float64())
	return series(n, func(d int) float64 {
		return 4e6 / (1 + math.Exp(-(float64(d)-middle)/6)) * office(d) * noise(r, 0.1)
	})
}

// lively are counts that have what real ones have: holidays, campaigns, jobs by the month, a slow drift, few users.
func lively() []shape {
	c := forecast.Count
	return []shape{
		{"app with drift and holidays", c, func(r *rand.Rand, n int) []float64 {
			w, off := drifting(r, n, 0.05), 10+r.IntN(n)
			return series(n, func(d int) float64 {
				v := 6e6 * (1 + 0.003*float64(d)) * office(d) * w[d] * noise(r, 0.06)
				if d >= off && d < off+3 {
					v *= 0.4
				}
				return v
			})
		}},
		{"shop with campaigns", c, func(r *rand.Rand, n int) []float64 {
			w, boost := drifting(r, n, 0.04), 0.0
			return series(n, func(d int) float64 {
				if boost *= 0.55; r.Float64() < 0.04 {
					boost += 1 + 2*r.Float64()
				}
				return 9e5 * evening(d) * w[d] * (1 + boost) * noise(r, 0.1)
			})
		}},
		{"traffic and a job on the first", c, func(r *rand.Rand, n int) []float64 {
			w := drifting(r, n, 0.03)
			return series(n, func(d int) float64 {
				v := 1.5e6 * office(d) * w[d] * noise(r, 0.08)
				if monday.AddDate(0, 0, d).Day() == 1 {
					v += 1.2e7
				}
				return v
			})
		}},
		{"a few users", c, func(r *rand.Rand, n int) []float64 {
			return series(n, func(d int) float64 { return math.Floor(300 * office(d) * noise(r, 0.5)) })
		}},
	}
}

// storage are levels.
func storage() []shape {
	l := forecast.Level
	return []shape{
		{"storage, steady", l, func(r *rand.Rand, n int) []float64 {
			v := 120e6
			return series(n, func(int) float64 { v += 9e5 * noise(r, 0.3); return v })
		}},
		{"storage by office days", l, func(r *rand.Rand, n int) []float64 {
			v := 60e6
			return series(n, func(d int) float64 { v += 6e5 * office(d) * noise(r, 0.4) * (1 + 0.01*float64(d)); return v })
		}},
		{"storage in weekly steps", l, func(r *rand.Rand, n int) []float64 {
			v := 200e6
			return series(n, func(d int) float64 {
				if d%7 == 1 {
					v += 12e6 * noise(r, 0.2)
				}
				return v
			})
		}},
		{"storage with clean-ups", l, func(r *rand.Rand, n int) []float64 {
			v := 150e6
			return series(n, func(d int) float64 {
				if v += 3e6 * noise(r, 0.2); d%7 == 6 {
					v -= 15e6
				}
				return v
			})
		}},
		{"storage with an import", l, func(r *rand.Rand, n int) []float64 {
			v, at := 80e6, r.IntN(n-28-7)
			return series(n, func(d int) float64 {
				if v += 5e5 * noise(r, 0.3); d == at {
					v += 90e6
				}
				return v
			})
		}},
	}
}

// days dates the first n values, leaving some out.
func days(values []float64, missing func(d int) bool) []forecast.Day {
	var out []forecast.Day
	for d, v := range values {
		if missing == nil || !missing(d) {
			out = append(out, forecast.Day{At: monday.AddDate(0, 0, d), Value: v})
		}
	}
	return out
}
