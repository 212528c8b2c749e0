package forecast

import (
	"math"
	"slices"
	"time"
)

// daysOfHours is how many days the pattern of a day is taken from, and leastDays how many it takes.
const (
	daysOfHours = 14
	leastDays   = 3
)

// Today continues a count through the UTC day that is under way. hours are full hours, of that day and of the days before it; up to until
// they are counted. The points are hours, the first from until on, and the last ends with the day: Adds says when they, with what
// was counted today, come to a limit. It returns ErrTooLittle where less than three of the days before are known, each with most
// of its hours.
//
// The day is taken to go on as the median of the same hours of two weeks, as much more or less of it as its own hours were, the
// last ones above all: a query that runs wild at noon is seen at two.
func Today(hours []Day, until time.Time) (Forecast, error) {
	midnight := until.UTC().Truncate(oneDay)
	today, before := split(hours, midnight, until)
	if len(before) < leastDays {
		return Forecast{History: len(before)}, ErrTooLittle
	}
	usual := profile(before)
	first := int(until.Sub(midnight) / time.Hour)
	pace := paceOf(today[:first], usual)
	off := offBy(before, usual, first)
	f := Forecast{History: len(before), Method: "the usual hours, at today's pace", hourly: true}
	for h := first; h < 24; h++ {
		at := midnight.Add(time.Duration(h) * time.Hour)
		v := usual[h] * pace
		if begun := until.Sub(at); begun > 0 {
			at, v = until, v*(1-begun.Hours())
		}
		f.Points = append(f.Points, Point{At: at, Value: v, Low: max(0, v*(1-off)), High: v * (1 + off)})
		f.more, f.sums = append(f.more, 0), append(f.sums, off)
	}
	return f, nil
}

// hoursOf is a day by hours, unknown ones among them.
type hoursOf [24]float64

func split(hours []Day, midnight, until time.Time) (today hoursOf, before []hoursOf) {
	days := map[int]*hoursOf{}
	for _, h := range hours {
		ago := int(math.Floor(midnight.Sub(h.At.UTC().Truncate(oneDay)).Hours() / 24))
		if ago < 0 || ago > daysOfHours || h.At.Add(time.Hour).After(until) || math.IsNaN(h.Value) {
			continue
		}
		if days[ago] == nil {
			days[ago] = &hoursOf{}
			for i := range days[ago] {
				days[ago][i] = unknown()
			}
		}
		days[ago][h.At.UTC().Hour()] = max(0, h.Value)
	}
	for i := range today {
		today[i] = unknown()
	}
	for ago := daysOfHours; ago > 0; ago-- {
		if d := days[ago]; d != nil && len(kept(d[:])) >= 20 {
			before = append(before, *d)
		}
	}
	if d := days[0]; d != nil {
		today = *d
	}
	return today, before
}

// profile is the median of each hour of the day.
func profile(days []hoursOf) (usual hoursOf) {
	for h := range usual {
		var same []float64
		for _, d := range days {
			same = append(same, d[h])
		}
		if usual[h] = median(same); !known(usual[h]) {
			usual[h] = 0
		}
	}
	return usual
}

// paceOf is how much more, or less, than usual happens: each hour counts for a quarter more than the one before it, and as usual the day
// begins.
func paceOf(today []float64, usual hoursOf) float64 {
	level := mean(usual[:])
	is, was := 2*level, 2*level // two usual hours
	for h, v := range today {
		is, was = is*0.8, was*0.8
		if known(v) {
			is, was = is+v, was+usual[h]
		}
	}
	if was <= 0 {
		return 1
	}
	return is / was
}

// offBy is by which share the rest of the days before would have been misjudged at the same hour.
func offBy(days []hoursOf, usual hoursOf, first int) float64 {
	var off []float64
	for _, d := range days {
		pace, is, was := paceOf(d[:first], usual), 0.0, 0.0
		for h := first; h < 24; h++ {
			if known(d[h]) {
				is, was = is+d[h], was+usual[h]*pace
			}
		}
		if was > 0 {
			off = append(off, math.Abs(is-was)/was)
		}
	}
	slices.Sort(off)
	if len(off) < 5 {
		return 2 * guessed
	}
	return max(leastOff, quantile(off, band))
}
