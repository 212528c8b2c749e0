package forecast

import (
	"math"
)

const (
	// origins is how many moments of a series its forecast is tried at, and horizon how far ahead each time.
	origins = 16
	horizon = 28
	// near is how far ahead Error is about.
	near = 7
	// band is the share of days that should lie within it.
	band = 0.8
	// leastOff is the least that a band leaves to chance, for a count; a level is known better.
	leastOff      = 0.02
	leastOffLevel = 0.0005
	// guessed is how far off a forecast is taken to be at least that less than untried days could be tried of.
	guessed = 0.25
	untried = 21
)

// trial is what came of forecasting days of a series that are known.
type trial struct {
	kind   Kind
	best   int // the method
	tested int
	mape   float64
	naive  float64
	// off and sum hold, for each day ahead, by which shares the best method was off: on that day, and in the sum up to it.
	off, sum [horizon][]float64 // those of sums have a sign
	level    float64            // what is usual in the series
	guess    float64            // by which share it may be off for all that is known, where little could be tried
	change   float64            // by which share its last week was another than the one before
}

// one is a method's errors at one origin.
type one struct {
	origin   int
	forecast []float64
}

// try forecasts from moments of the past. A method is judged by days up to horizon, without those after a shift that nobody could
// know of at its origin; Error is judged by all.
func try(values []float64, methods []method, kind Kind, shift int) trial {
	t := trial{kind: kind, level: max(median(tail(values, 28)), mean(tail(values, 28))/4)}
	made := make([][]one, len(methods))
	for _, o := range moments(len(values), kind) {
		if len(kept(values[:o])) < least(kind) {
			continue
		}
		p := view(values[:o], kind)
		n := min(horizon, len(values)-o)
		for m := range methods {
			made[m] = append(made[m], one{o, methods[m].ahead(p, n)})
		}
	}
	t.guess, t.change = guess(values, kind), changed(values)
	best := math.Inf(1)
	for m := range methods {
		loss, n := t.loss(values, made[m], shift)
		// What was tried on few days has to be clearly better.
		if loss *= 1 + methods[m].handicap*(1+60/max(1, n)); loss < best {
			t.best, best = m, loss
		}
	}
	for _, a := range made[t.best] {
		t.note(values, a, shift)
	}
	if t.tested > 0 {
		t.mape /= float64(t.tested)
		t.naive /= float64(t.tested)
	}
	return t
}

// guess is by which share a count's days may be off for how they differ from their weekdays, and guessed at least. A level is known from
// its first week on.
func guess(values []float64, kind Kind) float64 {
	if kind == Level {
		return guessed / 10
	}
	p := look(values)
	noise := spread(p.level) / median(p.level)
	if !known(noise) {
		noise = 0
	}
	return max(guessed, 2*noise)
}

// changed is by which share the middle of the last week lies apart from that of the week before, all of it at most. With two weeks to go by, the same may
// come again each week.
func changed(values []float64) float64 {
	n := len(values)
	was, is := median(values[max(0, n-14):max(0, n-7)]), median(tail(values, 7))
	if !known(was) || !known(is) || min(was, is) <= 0 {
		return 0
	}
	return min(1, math.Abs(is-was)/min(was, is))
}

// least is how many known days a forecast is tried on.
func least(kind Kind) int {
	if kind == Level {
		return 7
	}
	return enough
}

// moments are the days at which forecasts begin, up to origins of them, the latest the day before the last.
func moments(n int, kind Kind) []int {
	first := max(least(kind), n-70)
	step := max(1, (n-first+origins-1)/origins)
	if step == 7 {
		step = 6 // every weekday should be forecast from
	}
	var all []int
	for o := n - 1; o >= first; o -= step {
		all = append(all, o)
	}
	return all
}

// loss is how far off a method was, as a share of what is usual. No single day counts for more than all of it: spikes are nobody's fault.
func (t *trial) loss(values []float64, made []one, shift int) (share, tried float64) {
	sum, n := 0.0, 0.0
	for _, a := range made {
		for h, v := range a.forecast {
			i := a.origin + h
			if !known(values[i]) || a.origin < shift && i >= shift {
				continue
			}
			limit := 1.0
			if t.kind == Level {
				limit = math.Inf(1)
			}
			sum += min(limit, math.Abs(values[i]-v)/(t.level+math.SmallestNonzeroFloat64))
			n++
		}
	}
	return sum / max(1, n), n
}

// note keeps how far off the best method was from one origin.
func (t *trial) note(values []float64, a one, shift int) {
	was, is := 0.0, 0.0
	whole := true
	for h, v := range a.forecast {
		i := a.origin + h
		if !known(values[i]) {
			whole = false
			continue
		}
		if h < near && values[i] > 0.05*t.level {
			t.tested++
			t.mape += math.Abs(values[i]-v) / values[i]
			t.naive += math.Abs(values[i]-lastWeek(values, a.origin, i)) / values[i]
		}
		if a.origin < shift && i >= shift {
			whole = false
			continue
		}
		t.off[h] = append(t.off[h], math.Abs(values[i]-v)/t.floor(v))
		was, is = was+v, is+values[i]
		if whole {
			t.sum[h] = append(t.sum[h], (is-was)/t.floor(was))
		}
	}
}

// floor keeps a share of next to nothing from being beyond all bounds.
func (t *trial) floor(v float64) float64 { return max(v, 0.1*t.level, math.SmallestNonzeroFloat64) }

// lastWeek is the naive forecast: the same weekday's last known value before the origin.
func lastWeek(values []float64, origin, i int) float64 {
	for j := i - 7; j >= 0; j -= 7 {
		if j < origin && known(values[j]) {
			return values[j]
		}
	}
	for j := origin - 1; j >= 0; j-- {
		if known(values[j]) {
			return values[j]
		}
	}
	return 0
}

// days is by which share each of the days ahead may be off.
func (t *trial) days(ahead int) []float64 { return t.widen(t.off, ahead) }

// sums is what the sums of the days up to each have beyond those of the forecast, as a share, since spikes add to them that no day
// is expected to have; and by which share they may be off then.
func (t *trial) sums(ahead int) (more, off []float64) {
	more = make([]float64, ahead)
	var rest [horizon][]float64
	for h := range ahead {
		if h >= horizon || len(t.sum[h]) == 0 {
			more[h] = more[max(0, h-1)]
			continue
		}
		var around []float64
		for j := max(0, h-3); j <= min(horizon-1, h+3); j++ {
			around = append(around, t.sum[j]...)
		}
		more[h] = mean(around) / 2
		for _, v := range t.sum[h] {
			rest[h] = append(rest[h], math.Abs(v-more[h]))
		}
	}
	return more, t.widen(rest, ahead)
}

// widen makes a band of the errors that were seen: those of the days around each day ahead, never narrower further out. Beyond
// what could be tried it grows with the distance.
func (t *trial) widen(off [horizon][]float64, ahead int) []float64 {
	out := make([]float64, ahead)
	tried, width := 0, t.least()
	if t.tested < untried && t.kind == Count {
		width = t.guess
	}
	for h := range ahead {
		if h < horizon && len(off[h]) > 0 {
			var around []float64
			reach := 3
			if t.kind == Level {
				reach = min(3, h/2)
			}
			for j := max(0, h-reach); j <= min(horizon-1, h+reach); j++ {
				around = append(around, off[j]...)
			}
			// Errors from one origin go together, so they are worth less than their number.
			width = max(width, quantile(around, min(0.95, band+0.5/float64(len(off[h])))))
			tried = h + 1
			out[h] = width
			continue
		}
		out[h] = t.beyond(width, tried, h+1)
	}
	return out
}

func (t *trial) least() float64 {
	if t.kind == Level {
		return leastOffLevel
	}
	return leastOff
}

// beyond is the width at a distance that was not tried.
func (t *trial) beyond(width float64, tried, distance int) float64 {
	if tried == 0 {
		width, tried = t.guess, near
	}
	more := float64(distance) / float64(tried)
	if t.kind == Level {
		return width * max(1, more)
	}
	width *= math.Sqrt(max(1, more))
	if t.tested < untried {
		width = max(width, t.change*float64(distance)/near)
	}
	return width
}

func mean(values []float64) float64 {
	sum, n := 0.0, 0
	for _, v := range values {
		if known(v) {
			sum, n = sum+v, n+1
		}
	}
	return sum / float64(max(1, n))
}
