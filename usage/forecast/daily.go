package forecast

import (
	"slices"
	"time"
)

const oneDay = 24 * time.Hour

// Daily continues a series for some days from the last known one on. Days need not be in order, and may be missing. It returns
// ErrTooLittle for less than two weeks of them.
func Daily(days []Day, ahead int, kind Kind) (Forecast, error) {
	days = slices.Clone(days)
	slices.SortFunc(days, func(a, b Day) int { return a.At.Compare(b.At) })
	if len(days) < enough {
		return Forecast{History: len(days)}, ErrTooLittle
	}
	f := Forecast{History: len(days)}
	last := days[len(days)-1].At
	week := days[len(days)-7:]
	for i := range ahead {
		d := week[i%7]
		f.Points = append(f.Points, Point{At: last.Add(time.Duration(i+1) * oneDay), Value: d.Value, Low: d.Value, High: d.Value})
	}
	return f, nil
}
