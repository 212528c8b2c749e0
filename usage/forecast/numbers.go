package forecast

import (
	"math"
	"slices"
)

// unknown is the value of a day that was not counted.
func unknown() float64 { return math.NaN() }

func known(v float64) bool { return !math.IsNaN(v) }

// kept are the known ones of some values.
func kept(values []float64) []float64 {
	out := make([]float64, 0, len(values))
	for _, v := range values {
		if known(v) {
			out = append(out, v)
		}
	}
	return out
}

// median is that of the known values; unknown if there is none.
func median(values []float64) float64 { return middle(kept(values)) }

// middle is the median of values that are all known, and sorts them.
func middle(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return unknown()
	}
	slices.Sort(values)
	if n%2 == 1 {
		return values[n/2]
	}
	return (values[n/2-1] + values[n/2]) / 2
}

// quantile is the smallest value that a share of as many more values would not exceed, one more than there are: few values say less.
func quantile(values []float64, share float64) float64 {
	n := len(values)
	if n == 0 {
		return unknown()
	}
	slices.Sort(values)
	return values[min(n-1, int(math.Ceil(float64(n+1)*share))-1)]
}

// spread is how far values lie around their median, as a standard deviation that a few outliers do not change.
func spread(values []float64) float64 {
	m := median(values)
	off := make([]float64, 0, len(values))
	for _, v := range values {
		if known(v) {
			off = append(off, math.Abs(v-m))
		}
	}
	return 1.4826 * middle(off)
}

// slope is the median of the slopes between all pairs of known values (Theil and Sen): almost a third of them may be wild. With fewer
// than three values it is 0.
func slope(values []float64) float64 {
	all := make([]float64, 0, len(values)*(len(values)-1)/2)
	for i, a := range values {
		if !known(a) {
			continue
		}
		for j := i + 1; j < len(values); j++ {
			if known(values[j]) {
				all = append(all, (values[j]-a)/float64(j-i))
			}
		}
	}
	if len(all) < 3 {
		return 0
	}
	return middle(all)
}

// tail is the last n of some values.
func tail(values []float64, n int) []float64 { return values[max(0, len(values)-n):] }
