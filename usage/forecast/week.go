package forecast

import "math"

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
// The median of seven days is the same whatever weekday it is for, and no single spike moves it.
func rhythm(values []float64) weekdays {
	w := even()
	shares := [7][]float64{}
	for i, v := range values {
		around := values[max(0, min(i-3, len(values)-7)):min(len(values), max(i+4, 7))]
		level := median(around)
		if !known(v) || !known(level) {
			continue
		}
		if level > 0 {
			shares[i%7] = append(shares[i%7], v/level)
		} else if v == 0 {
			shares[i%7] = append(shares[i%7], 0)
		}
	}
	for d := range shares {
		if len(shares[d]) == 0 {
			continue
		}
		recent := tail(shares[d], 8)
		w.factor[d] = middle(append([]float64(nil), recent...))
		w.dead[d] = w.factor[d] < 0.02
	}
	return w
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
		by, noise := step(before, after)
		if math.Abs(by) < max(leastJump, 3.5*noise) {
			continue
		}
		if clear := math.Abs(by) / (noise + 0.05); clear > best {
			at, jump, best = s, by, clear
		}
	}
	return at, jump
}

// step is by how much the level changes between two stretches that share a trend, and how noisy they are.
func step(before, after []float64) (jump, noise float64) {
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
	return mb - ma, spread(rest)
}
