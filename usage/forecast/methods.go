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
		p.level = p.week.without(even)
	}
	return p
}

// method is one way to go on. ahead returns n days; weight above 1 says by how much worse than a simpler one it may not look before it is taken.
type method struct {
	name   string
	weight float64
	ahead  func(p past, n int) []float64
}

// counting are the ways of a count, the simplest first. The first is taken where nothing tells them apart.
func counting() []method {
	return []method{
		{"weekdays, level of two weeks", 1, func(p past, n int) []float64 { return p.straight(n, 14, 0) }},
		{"weekdays, level of a week", 1.02, func(p past, n int) []float64 { return p.straight(n, 7, 0) }},
		{"weekdays, level of four weeks", 1, func(p past, n int) []float64 { return p.straight(n, 28, 0) }},
		{"weekdays, trend of eight weeks", 1.01, func(p past, n int) []float64 { return p.straight(n, 14, slope(tail(p.level, 56))) }},
		{"weekdays, trend of four weeks", 1.03, func(p past, n int) []float64 { return p.straight(n, 14, slope(tail(p.level, 28))) }},
		{"weekdays, growth by a share", 1.03, func(p past, n int) []float64 { return p.growth(n) }},
		{"level of two weeks, no weekdays", 1, func(p past, n int) []float64 {
			return past{values: p.values, week: even(), level: p.flat()}.straight(n, 14, 0)
		}},
		{"trend of eight weeks, no weekdays", 1.02, func(p past, n int) []float64 {
			plain := past{values: p.values, week: even(), level: p.flat()}
			return plain.straight(n, 14, slope(tail(plain.level, 56)))
		}},
	}
}

// flat is the past at its last level, weekdays left in.
func (p past) flat() []float64 {
	out := append([]float64(nil), p.values...)
	for i := range out {
		if f := p.week.factor[i%7]; known(p.level[i]) && f > 0 {
			out[i] = p.level[i] * f
		}
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
	rate := max(-0.1, min(0.1, slope(logs)))
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
		{"trend of eight weeks", 1, by(func(v []float64) float64 { return slope(tail(v, 56)) })},
		{"trend of four weeks", 1.01, by(func(v []float64) float64 { return slope(tail(v, 28)) })},
		{"trend of two weeks", 1.02, by(func(v []float64) float64 { return slope(tail(v, 14)) })},
		{"as much as in four weeks", 1.02, by(func(v []float64) float64 { return drift(tail(v, 29)) })},
		{"as much as in eight weeks", 1.02, by(func(v []float64) float64 { return drift(tail(v, 57)) })},
		{"as it is", 1, by(func([]float64) float64 { return 0 })},
		{"as week after week", 1.03, func(p past, n int) []float64 { return p.weekly(n) }},
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

// weekly repeats the steps of the last week, brought to the weeks' median gain: what is imported on Mondays and cleaned on Sundays.
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
		was := unknown()
		for back := 7; back <= len(v) && !known(was); back += 7 {
			if j := len(v) + i%7 - back; j >= 0 {
				was = v[j] + gain*float64(back/7-1)
			}
		}
		if !known(was) {
			was = p.last()
		}
		out[i] = max(0, was+gain*float64(1+i/7))
	}
	return out
}
