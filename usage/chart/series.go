package chart

import (
	"fmt"
	"math"
	"slices"
)

// mostDays is how many days a panel has at most: three years.
const mostDays = 1100

// series is a panel's figures by the number of their day.
type series struct {
	first, last int         // the days that are shown, forecast included
	known       int         // the last of them that has a value; first where none has
	days        map[int]Day // those that are Known
	ahead       map[int]Ahead
	// most is the greatest value, likely the greatest likely one of the forecast, high the greatest of its band.
	most, likely, high float64
}

// seriesOf puts a panel's figures in order. Values that are no numbers are not known.
func seriesOf(p Panel) (series, error) {
	s := series{first: math.MaxInt, last: math.MinInt, days: map[int]Day{}, ahead: map[int]Ahead{}}
	reach := func(day int) { s.first, s.last = min(s.first, day), max(s.last, day) }
	for _, d := range p.Days {
		day := dayOf(d.At)
		reach(day)
		if !d.Known || !finite(d.Value) {
			continue
		}
		d.Value = max(d.Value, 0)
		s.days[day], s.most = d, max(s.most, d.Value)
	}
	for _, a := range p.Forecast {
		if !finite(a.Value, a.Low, a.High) {
			continue
		}
		day := dayOf(a.At)
		reach(day)
		a.Value, a.Low, a.High = max(a.Value, 0), max(min(a.Low, a.Value), 0), max(a.High, a.Value, 0)
		s.ahead[day], s.likely, s.high = a, max(s.likely, a.Value), max(s.high, a.High)
	}
	if s.last < s.first {
		return series{}, nil
	}
	if s.last-s.first >= mostDays {
		return series{}, fmt.Errorf("chart: panel %q spans %d days, and %d are the most", p.Title, s.last-s.first+1, mostDays)
	}
	s.known = s.first
	for day := range s.days {
		s.known = max(s.known, day)
	}
	return s, nil
}

func finite(values ...float64) bool {
	return !slices.ContainsFunc(values, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
}

// empty reports whether there is nothing to draw.
func (s series) empty() bool { return len(s.days) == 0 && len(s.ahead) == 0 }

// turn is the first day of the forecast, or the one after the last.
func (s series) turn() int {
	turn := s.last + 1
	for day := range s.ahead {
		turn = min(turn, day)
	}
	return turn
}

// gap is a stretch of days on which nothing was counted, from the first of them to the one after the last.
type gap struct{ from, to int }

// gaps are the stretches without values before the forecast.
func (s series) gaps() []gap {
	var list []gap
	for day := s.first; day < s.turn(); day++ {
		_, known := s.days[day]
		switch {
		case known:
		case len(list) > 0 && list[len(list)-1].to == day:
			list[len(list)-1].to++
		default:
			list = append(list, gap{day, day + 1})
		}
	}
	return list
}

// newest is the last day that is over, or for a level the last of all; ok is false where there is none.
func (s series) newest(shape Shape) (d Day, ok bool) {
	for day := s.known; day >= s.first; day-- {
		d, ok := s.days[day]
		if ok && (shape == Line || !d.Partial) {
			return d, true
		}
	}
	return Day{}, false
}

// crossing is the first day of the forecast whose likely value reaches a limit.
func (s series) crossing(limit float64) (day int, ok bool) {
	for day := s.turn(); day <= s.last; day++ {
		if a, known := s.ahead[day]; known && a.Value >= limit {
			return day, true
		}
	}
	return 0, false
}
