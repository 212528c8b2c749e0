package chart

import (
	"math"
	"strconv"
	"strings"
)

// suffixes are what stands behind a number of each thousand's power.
func (u Unit) suffixes() []string {
	switch u {
	case Bytes:
		return []string{" B", " kB", " MB", " GB", " TB", " PB"}
	case Rows, Requests:
	}
	return []string{"", " k", " M", " bn", " tn"}
}

// power is the thousand's power in which a value is written.
func (u Unit) power(v float64) int {
	n := 0
	for v >= 999.5 && n < len(u.suffixes())-1 {
		v, n = v/1000, n+1
	}
	return n
}

// in writes a value with three digits that count, in a thousand's power.
func (u Unit) in(v float64, power int) string {
	if v <= 0 {
		return "0"
	}
	v /= math.Pow(1000, float64(power))
	digits := 2 - int(math.Floor(math.Log10(v)))
	if v >= 99.95 || power == 0 && v >= 1 {
		digits = 0
	}
	text := strconv.FormatFloat(v, 'f', min(max(digits, 0), 3), 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + u.suffixes()[power]
}

// text writes a value for people: 3.42 M, 487 MB.
func (u Unit) text(v float64) string { return u.in(v, u.power(v)) }

// scale is the range of values of a panel, from 0 to top, and the values that are written.
type scale struct {
	top   float64
	ticks []float64
	unit  Unit
}

// newScale makes a scale that reaches to most, with at most so many values above 0, and room for a share above.
func newScale(most float64, values int, room float64, unit Unit) scale {
	if most <= 0 {
		return scale{top: 1, ticks: []float64{0}, unit: unit}
	}
	s := scale{top: most * (1 + room), unit: unit}
	step := step(s.top, values)
	for i := 0; float64(i)*step <= s.top*1.0001; i++ {
		s.ticks = append(s.ticks, float64(i)*step)
	}
	return s
}

// step is the smallest round step of which at most so many fit below top.
func step(top float64, values int) float64 {
	power := math.Pow(10, math.Floor(math.Log10(top/float64(values))))
	for _, round := range []float64{1, 2, 2.5, 5, 10, 20} {
		s := round * power
		if s < 1 {
			continue // there is no half row, and no half byte
		}
		if top/s < float64(values)+1 {
			return s
		}
	}
	return max(20*power, 1)
}

// label writes one of the ticks. All are in the power of the greatest, so that they are told apart at a glance.
func (s scale) label(v float64) string {
	return s.unit.in(v, s.unit.power(s.ticks[len(s.ticks)-1]))
}
