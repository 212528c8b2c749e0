package forecast

import (
	"math"
	"slices"
)

// weekdays is what the days of a week are like, beside the level of the days around them. Day i of a series has factor i%7.
type weekdays struct {
	factor [7]float64
	dead   [7]bool // next to nothing ever happens on that day
}

// even is a week whose days are all alike.
func even() weekdays {
	var w weekdays
	for i := range w.factor {
		w.factor[i] = 1
	}
	return w
}

// rhythm finds the weekday pattern: for each weekday the median share that its days had of the median of the seven days around.
// The median of seven days is the same whatever weekday it is for, and no single spike moves it. A pattern that is no clearer than
// the noise is drawn towards none.
func rhythm(values []float64) weekdays {
	w, g := even(), weeklyGrowth(values)
	shares := [7][]float64{}
	var around []float64
	for i, v := range values {
		from, to := max(0, min(i-3, len(values)-7)), min(len(values), max(i+4, 7))
		around = around[:0]
		for j := from; j < to; j++ {
			if known(values[j]) {
				around = append(around, values[j]*math.Exp(g*float64(i-j)))
			}
		}
		if level := middle(around); known(v) && level > 0 {
			shares[i%7] = append(shares[i%7], v/level)
		} else if v == 0 && level == 0 {
			shares[i%7] = append(shares[i%7], 0)
		}
	}
	var rest []float64
	fewest := len(values)
	for d := range shares {
		if len(shares[d]) == 0 {
			continue
		}
		shares[d] = tail(shares[d], 8)
		fewest = min(fewest, len(shares[d]))
		w.factor[d] = median(shares[d])
		w.dead[d] = w.factor[d] < 0.02
		for _, v := range shares[d] {
			rest = append(rest, v-w.factor[d])
		}
	}
	w.calm(spread(rest), float64(fewest))
	return w
}

// calm draws the factors towards 1 by the share of their differences that noise would make as well (James and Stein); n is how many days
// each of them is made from.
func (w *weekdays) calm(noise, n float64) {
	if slices.Contains(w.dead[:], true) {
		return
	}
	m, differ := mean(w.factor[:]), 0.0
	for _, f := range w.factor {
		differ += (f - m) * (f - m) / 6
	}
	if n > 1 {
		noise *= math.Sqrt(n / (n - 1))
	}
	keep := 0.0
	if differ > 0 {
		keep = max(0, 1-noise*noise/n/differ)
	}
	for d, f := range w.factor {
		w.factor[d] = 1 + (f-1)*keep
	}
}

// weeklyGrowth is by how much a series grows a day, as a logarithm, by what days differ from those a week earlier. It is the rate of the
// last weeks, and never so fast that it would be a shift.
func weeklyGrowth(values []float64) float64 {
	var rates []float64
	for i := max(7, len(values)-42); i < len(values); i++ {
		if a, b := values[i-7], values[i]; a > 0 && b > 0 {
			rates = append(rates, math.Log(b/a)/7)
		}
	}
	if len(rates) < 4 {
		return 0
	}
	return max(-0.03, min(0.03, middle(rates)))
}

// without takes the weekdays out of a series. What stands on a dead day says nothing of the level.
func (w weekdays) without(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		switch {
		case w.dead[i%7]:
			out[i] = unknown()
		default:
			out[i] = v / w.factor[i%7]
		}
	}
	return out
}

// shifts finds where the level changed at once and stayed, and returns the series as if it had always been at its last level,
// with the day of the last shift; -1: there is none. The values are without weekdays.
func shifts(values []float64) (level []float64, last int) {
	level, last = append([]float64(nil), values...), -1
	for range 3 {
		at, jump := shift(level)
		if at < 0 {
			break
		}
		for i := range level[:at] {
			level[i] *= math.Exp(jump)
		}
		last = max(last, at)
	}
	return level, last
}

const (
	// leastJump is a change by a third: less is left to the trend.
	leastJump = 0.28
	// leastAfter is how many days a new level must have lasted.
	leastAfter = 5
)

// shift is the clearest shift of the level, as a logarithm.
func shift(values []float64) (at int, jump float64) {
	logs := make([]float64, len(values))
	for i, v := range values {
		if logs[i] = unknown(); v > 0 {
			logs[i] = math.Log(v)
		}
	}
	at, best := -1, 0.0
	for s := 7; s+leastAfter <= len(logs); s++ {
		before, after := logs[max(0, s-14):s], logs[s:min(len(logs), s+14)]
		if math.Abs(median(tail(before, 7))-median(after[:min(7, len(after))])) < leastJump*0.8 || len(kept(after)) < leastAfter || len(kept(before)) < leastAfter {
			continue
		}
		by, noise, rest := step(before, after)
		if math.Abs(by) < max(leastJump, 3.5*noise) {
			continue
		}
		if clear := math.Abs(by) / (rest + 0.05); clear > best {
			at, jump, best = s, by, clear
		}
	}
	return at, jump
}

// step is by how much the level changes between two stretches that share a trend, and how noisy they are: without the outliers, and with them,
// since a day on the wrong side is one.
func step(before, after []float64) (jump, noise, all float64) {
	trend := 0.0
	if len(kept(after)) >= 7 {
		trend = (slope(before) + slope(after)) / 2
	} else {
		trend = slope(before)
	}
	flat := func(values []float64, from int) []float64 {
		out := make([]float64, len(values))
		for i, v := range values {
			out[i] = v - trend*float64(from+i)
		}
		return out
	}
	a, b := flat(before, -len(before)), flat(after, 0)
	ma, mb := median(a), median(b)
	rest := make([]float64, 0, len(a)+len(b))
	for _, v := range a {
		rest = append(rest, v-ma)
	}
	for _, v := range b {
		rest = append(rest, v-mb)
	}
	for i := range rest {
		rest[i] = math.Abs(rest[i])
	}
	return mb - ma, 1.4826 * median(rest), mean(rest)
}
