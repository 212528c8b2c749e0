package forecast

import "math"

// past is what is known at one moment of a series: the values up to then, and what they are without weekdays and shifts.
type past struct {
	values []float64 // by day; unknown ones are missing
	week   weekdays
	level  []float64 // without weekdays, at the last level
	shift  int       // the day of the last shift, -1
}

// look takes a count's past apart.
func look(values []float64) past {
	p := past{values: values, week: rhythm(values), shift: -1}
	p.level, p.shift = shifts(p.week.without(values))
	if p.shift >= 0 {
		// The shift bent the weekdays around it. Once more, without it.
		even := make([]float64, len(values))
		for i, v := range values {
			even[i] = v
			if f := p.week.factor[i%7]; !p.week.dead[i%7] && known(p.level[i]) && f > 0 {
				even[i] = p.level[i] * f
			}
		}
		p.week = rhythm(even)
		p.level, p.shift = shifts(p.week.without(values))
	}
	return p
}

// method is one way to go on: ahead returns n days. By its handicap, a share, it has to have been better than others before it is taken.
type method struct {
	name     string
	handicap float64
	ahead    func(p past, n int) []float64
}

// counting are the ways of a count, the simplest first. The first is taken where nothing tells them apart.
func counting() []method {
	return []method{
		{"the middle of three", 0.01, func(p past, n int) []float64 { return p.between(n) }},
		{"weekdays, trend as far as it is clear", 0, func(p past, n int) []float64 { return p.straight(n, 14, p.trend(56)) }},
		{"weekdays, level of two weeks", 0.01, func(p past, n int) []float64 { return p.straight(n, 14, 0) }},
		{"weekdays, level of four weeks", 0.01, func(p past, n int) []float64 { return p.straight(n, 28, 0) }},
		{"weekdays, latest level", 0.02, func(p past, n int) []float64 { return p.latest(n) }},
		{"weekdays, trend of four weeks", 0.02, func(p past, n int) []float64 { return p.straight(n, 14, p.trend(28)) }},
		{"weekdays, growth by a share", 0.02, func(p past, n int) []float64 { return p.growth(n) }},
	}
}

// between takes, for each day, the middle one of the trend, the last week's level, and the last week's same day: with little to go by, no one
// of them is to be trusted alone.
func (p past) between(n int) []float64 {
	trend, level := p.straight(n, 14, p.trend(56)), p.straight(n, 7, 0)
	out := make([]float64, n)
	for i := range out {
		out[i] = middle([]float64{trend[i], level[i], lastWeek(p.values, len(p.values), len(p.values)+i)})
	}
	return out
}

// trend is what the level gains a day, as far as it is clear of the noise.
func (p past) trend(days int) float64 {
	v := tail(p.level, days)
	return lately(p.level, clear(v, slope(v)))
}

// lately keeps a slope no steeper than that of the last two weeks may be, one standard error allowed: what has flattened out
// does not go on, a launch above all.
func lately(values []float64, t float64) float64 {
	recent := tail(values, 14)
	if len(kept(recent)) < 7 {
		return t
	}
	s := slope(recent)
	least, most := s-doubt(recent, s), s+doubt(recent, s)
	return max(min(t, max(0, most)), min(0, least))
}

// clear draws a slope towards 0 by the share of it that noise alone would make.
func clear(values []float64, t float64) float64 {
	usual := doubt(values, t)
	if !known(usual) || t == 0 {
		return t
	}
	return t * max(0, 1-2*usual*usual/(t*t))
}

// doubt is the standard error of a slope through some days: what noise alone would make of it.
func doubt(values []float64, t float64) float64 {
	rest, n := make([]float64, len(values)), 0.0
	for i, v := range values {
		if rest[i] = v - t*float64(i); known(v) {
			n++
		}
	}
	return spread(rest) * math.Sqrt(12/(n*n*n))
}

// latest goes on from the level of the last days, in which each day counts for a third of what the days before it do. A day counts
// as no more than half again as much as was expected, and no less than half of it.
func (p past) latest(n int) []float64 {
	level := unknown()
	for _, v := range tail(p.level, 56) {
		switch {
		case !known(v):
		case !known(level):
			level = median(p.level[max(0, len(p.level)-56):max(7, len(p.level)-49)])
			if !known(level) {
				level = v
			}
		default:
			level += 0.35 * (max(level*0.5, min(level*1.5, v)) - level)
		}
	}
	if !known(level) {
		level = 0
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = p.day(len(p.level)+i, level)
	}
	return out
}

// straight goes on from the level of the last few days by a trend a day.
func (p past) straight(n, recent int, trend float64) []float64 {
	last := len(p.level) - 1
	from := make([]float64, 0, recent)
	for i, v := range tail(p.level, recent) {
		from = append(from, v-trend*float64(i-len(tail(p.level, recent))+1))
	}
	level := median(from)
	if !known(level) {
		level = 0
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = p.day(last+1+i, max(0, level+trend*float64(i+1)))
	}
	return out
}

// growth goes on by the share that the last eight weeks grew by a day, which wears off: nothing doubles for ever.
func (p past) growth(n int) []float64 {
	logs := make([]float64, 0, 56)
	for _, v := range tail(p.level, 56) {
		if v > 0 {
			logs = append(logs, math.Log(v))
		} else {
			logs = append(logs, unknown())
		}
	}
	rate := max(-0.05, min(0.05, lately(logs, clear(logs, slope(logs)))))
	recent := tail(logs, 14)
	from := make([]float64, 0, len(recent))
	for i, v := range recent {
		from = append(from, v-rate*float64(i-len(recent)+1))
	}
	level := median(from)
	if !known(level) {
		return p.straight(n, 14, 0)
	}
	const wears = 60.0 // days
	out := make([]float64, n)
	for i := range out {
		days := wears * (1 - math.Exp(-float64(i+1)/wears))
		out[i] = p.day(len(p.level)+i, math.Exp(level+rate*days))
	}
	return out
}

// day is what day i comes to on a level. A dead day is what such days were.
func (p past) day(i int, level float64) float64 {
	if !p.week.dead[i%7] {
		return level * p.week.factor[i%7]
	}
	var same []float64
	for j := i % 7; j < len(p.values); j += 7 {
		same = append(same, p.values[j])
	}
	if v := median(tail(same, 8)); known(v) {
		return v
	}
	return 0
}

// levelling are the ways of a level.
func levelling() []method {
	by := func(trend func(values []float64) float64) func(past, int) []float64 {
		return func(p past, n int) []float64 {
			last, out := p.last(), make([]float64, n)
			t := trend(p.values)
			for i := range out {
				out[i] = max(0, last+t*float64(i+1))
			}
			return out
		}
	}
	return []method{
		{"trend of eight weeks", 0, by(func(v []float64) float64 { return slope(tail(v, 56)) })},
		{"trend of four weeks", 0.01, by(func(v []float64) float64 { return slope(tail(v, 28)) })},
		{"trend of two weeks", 0.02, by(func(v []float64) float64 { return slope(tail(v, 14)) })},
		{"as much as in four weeks", 0.02, by(func(v []float64) float64 { return drift(tail(v, 29)) })},
		{"as much as in eight weeks", 0.02, by(func(v []float64) float64 { return drift(tail(v, 57)) })},
		{"as it is", 0, by(func([]float64) float64 { return 0 })},
		{"as week after week", 0.03, func(p past, n int) []float64 { return p.weekly(n) }},
	}
}

// last is the last known value.
func (p past) last() float64 {
	for i := len(p.values) - 1; i >= 0; i-- {
		if known(p.values[i]) {
			return p.values[i]
		}
	}
	return 0
}

// drift is how much a level gained a day, from the first known value to the last.
func drift(values []float64) float64 {
	first, last := -1, -1
	for i, v := range values {
		if known(v) {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if last <= first {
		return 0
	}
	return (values[last] - values[first]) / float64(last-first)
}

// weeksAlike is of how many weeks weekly takes the middle one.
const weeksAlike = 3

// weekly repeats the middle one of the last three weeks' same days, brought to the weeks' median gain: what is imported on Mondays and cleaned on
// Sundays. What was there once, in one week, is no rhythm.
func (p past) weekly(n int) []float64 {
	v := p.values
	var gains []float64
	for i := max(7, len(v)-56); i < len(v); i++ {
		gains = append(gains, v[i]-v[i-7])
	}
	gain := median(gains)
	if !known(gain) {
		gain = 0
	}
	out := make([]float64, n)
	for i := range out {
		var same []float64
		for back := 7; back <= len(v)+i%7 && len(same) < weeksAlike; back += 7 {
			if was := v[len(v)+i%7-back]; known(was) {
				same = append(same, was+gain*float64(back/7-1))
			}
		}
		was := median(same)
		if !known(was) {
			was = p.last()
		}
		out[i] = max(0, was+gain*float64(1+i/7))
	}
	return out
}
