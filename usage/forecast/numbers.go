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

// middle is the median of values that are all known, and changes their order.
func middle(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return unknown()
	}
	high := nth(values, n/2)
	if n%2 == 1 {
		return high
	}
	return (slices.Max(values[:n/2]) + high) / 2
}

// nth is the value that would be at k if they were in order; none that comes before it is greater afterwards. It is Hoare's selection: all pairs
// of 56 days are too many to be sorted each time.
func nth(values []float64, k int) float64 {
	low, high := 0, len(values)-1
	for low < high {
		pivot := values[(low+high)/2]
		i, j := low, high
		for i <= j {
			for values[i] < pivot {
				i++
			}
			for pivot < values[j] {
				j--
			}
			if i <= j {
				values[i], values[j] = values[j], values[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			high = j
		case k >= i:
			low = i
		default:
			return values[k]
		}
	}
	return values[k]
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
