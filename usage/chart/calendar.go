package chart

import (
	"math"
	"time"
)

// dayOf numbers the day that a moment's date names, where it is: neighbours differ by one, also when clocks change.
func dayOf(t time.Time) int {
	y, m, d := t.Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// momentOf is dayOf with the part of the day that has gone by.
func momentOf(t time.Time) float64 {
	h, m, s := t.Clock()
	return float64(dayOf(t)) + float64(h*3600+m*60+s)/86400
}

func dateOf(day int) time.Time { return time.Unix(int64(day)*86400, 0).UTC() }

// dateTick is a day whose date is written, with its middle at x.
type dateTick struct {
	day  int
	x    float64
	text string
}

// rhythm is a way of choosing the days whose dates are written; "" for a day that is not.
type rhythm func(day int) string

// rhythms are the ways, from each day to each tenth year. Where every second day is named, the last known one is.
func rhythms(first, last, known int) []rhythm {
	var list []rhythm
	if last-first < 14 {
		list = append(list, func(day int) string { return dateOf(day).Format("Mon 2") })
	}
	for _, apart := range []int{1, 2} {
		list = append(list, func(day int) string { return when((known-day)%apart == 0, dateOf(day).Format("2 Jan")) })
	}
	const aMonday = 4 // 5 January 1970
	for _, weeks := range []int{1, 2, 4} {
		start := first + (aMonday-first%7+7)%7
		list = append(list, func(day int) string {
			return when(day >= start && (day-start)%(7*weeks) == 0, dateOf(day).Format("2 Jan"))
		})
	}
	for _, months := range []int{1, 2, 3, 6, 12, 24, 60, 120} {
		list = append(list, func(day int) string {
			d := dateOf(day)
			n := d.Year()*12 + int(d.Month()) - 1
			if d.Month() == time.January {
				return when(d.Day() == 1 && n%months == 0, d.Format("2006"))
			}
			return when(d.Day() == 1 && n%months == 0, d.Format("Jan"))
		})
	}
	return list
}

func when(ok bool, text string) string {
	if !ok {
		return ""
	}
	return text
}

// row is where dates are written: from left to right, with a least room between two of them.
type row struct {
	left, right, gap float64
	width            func(text string) float64
}

// dates chooses the dates that are written: the most that fit beside each other. At gives the middle of a day; a date at an edge is moved inwards.
// Known is the last day that has a value.
func (r row) dates(first, last, known int, at func(day int) float64) []dateTick {
	for _, choose := range rhythms(first, last, known) {
		var list []dateTick
		edge, fits := math.Inf(-1), true
		for day := first; day <= last && fits; day++ {
			text := choose(day)
			if text == "" {
				continue
			}
			half := r.width(text) / 2
			x := min(max(at(day), r.left+half), r.right-half)
			fits = x-half >= edge
			edge = x + half + r.gap
			list = append(list, dateTick{day, x, text})
		}
		if fits && len(list) > 0 {
			return list
		}
	}
	text := dateOf(known).Format("2 Jan")
	half := r.width(text) / 2
	return []dateTick{{known, min(max(at(known), r.left+half), r.right-half), text}}
}
