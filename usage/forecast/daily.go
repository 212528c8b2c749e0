package forecast

import (
	"math"
	"slices"
	"time"
)

// Daily continues a series for some days from the last known one on. Days need not be in order, and may be missing. It returns
// ErrTooLittle for less than two weeks of known ones in the last 16; a day that is there twice counts once, the later one.
func Daily(days []Day, ahead int, kind Kind) (Forecast, error) {
	values, last := dense(days)
	f := Forecast{History: len(kept(values))}
	if f.History < enough {
		return f, ErrTooLittle
	}
	methods := counting()
	if kind == Level {
		methods = levelling()
	}
	now := view(values, kind)
	t := try(values, methods, kind, now.shift)
	best := methods[t.best]
	f.Error, f.Naive, f.Tested, f.Method = t.mape, t.naive, t.tested, best.name
	f.more, f.sums = t.sums(ahead)
	if now.shift >= 0 {
		f.Shift = last.Add(-time.Duration(len(values)-1-now.shift) * oneDay)
	}
	off := t.days(ahead)
	for i, v := range best.ahead(now, ahead) {
		wide := off[i] * t.floor(v)
		f.Points = append(f.Points, Point{At: last.Add(time.Duration(i+1) * oneDay), Value: v, Low: max(0, v-wide), High: v + wide})
	}
	if n, ok := latestNews(values, best, ahead); ok && kind == Count {
		f.hold(n)
		f.News = last.Add(-time.Duration(n.days-1) * oneDay)
	}
	return f, nil
}

// view is the past as a kind of series needs it.
func view(values []float64, kind Kind) past {
	if kind == Level {
		return past{values: values, week: even(), level: values, shift: -1}
	}
	return look(values)
}

// countable is a value as it may be counted: rows and bytes are whole, and there are never 10^18 of them.
func countable(v float64) float64 {
	if v < 0.001 {
		return 0
	}
	return min(v, 1e18)
}

// dense lays days out one after another, up to the last, with gaps as unknown.
func dense(days []Day) (values []float64, last time.Time) {
	usable := slices.DeleteFunc(slices.Clone(days), func(d Day) bool { return math.IsNaN(d.Value) || math.IsInf(d.Value, 0) })
	if len(usable) == 0 {
		return nil, last
	}
	slices.SortStableFunc(usable, func(a, b Day) int { return a.At.Compare(b.At) })
	midnight := func(t time.Time) time.Time { return t.UTC().Truncate(oneDay) }
	last = midnight(usable[len(usable)-1].At)
	at := func(t time.Time) int { return window - 1 - int(last.Sub(midnight(t))/oneDay) }
	values = make([]float64, window)
	for i := range values {
		values[i] = unknown()
	}
	first := window - 1
	for _, d := range usable {
		if i := at(d.At); i >= 0 {
			values[i], first = countable(d.Value), min(first, i)
		}
	}
	return values[first:], last
}
