package forecast

import (
	"math"
	"slices"
)

const (
	// fewestNews and mostNews are how many days in a row make news: one alone is taken for a spike, and more are a shift that counts.
	fewestNews, mostNews = 2, 4
	// leastBefore is how many known days have to lie before them.
	leastBefore = 7
)

// news is what the last days of a count were beside what was to be expected of them, where all of them were far from it to the same side. Whether that
// stays cannot be told yet.
type news struct {
	days  int
	ahead []float64 // the days to come, if it stays
	off   float64   // by which share these may be off
}

// latestNews looks for it: the longest stretch of last days that nothing before them foretold, by the way in which the series is forecast.
func latestNews(values []float64, m method, ahead int) (n news, ok bool) {
	for k := mostNews; k >= fewestNews; k-- {
		until := len(values) - k
		if until < 0 || len(kept(values[:until])) < leastBefore || len(kept(values[until:])) < k {
			continue
		}
		p := view(values[:until], Count)
		noise := unrest(p.level)
		expected := m.ahead(p, k+ahead)
		jumps := apart(values[until:], expected, median(tail(p.level, 28)), max(leastJump, 2*noise))
		if len(jumps) < fewestNews {
			continue
		}
		jump := median(jumps)
		n = news{days: k, off: max(guessed, 2*noise, 2*spread(jumps))}
		for _, v := range expected[k:] {
			n.ahead = append(n.ahead, v*math.Exp(jump))
		}
		return n, true
	}
	return n, false
}

// apart is how far some days lie from what was expected of them, as logarithms; nil if one is nearer than least, or on another side than the rest. Days of
// which next to nothing was expected say nothing.
func apart(days, expected []float64, level, least float64) []float64 {
	var jumps []float64
	for i, v := range days {
		want := expected[i]
		if want <= 0.05*level || want <= 0 {
			continue
		}
		jump := math.Log(max(v, 0.01*want) / want)
		if math.Abs(jump) < least || len(jumps) > 0 && jump*jumps[0] < 0 {
			return nil
		}
		jumps = append(jumps, jump)
	}
	return jumps
}

// unrest is how much the days of a level differ by nature, as a share.
func unrest(level []float64) float64 {
	recent := tail(level, 28)
	noise := spread(recent) / median(recent)
	if !known(noise) {
		return 0
	}
	return min(noise, 1)
}

// hold widens the bands so that they hold what comes if the news stays, beside what comes if it passes.
func (f *Forecast) hold(n news) {
	var sum, low, high float64
	for i := range f.Points {
		p := &f.Points[i]
		p.Low = min(p.Low, max(0, n.ahead[i]*(1-n.off)))
		p.High = max(p.High, n.ahead[i]*(1+n.off))
		sum, low, high = sum+p.Value, low+n.ahead[i]*(1-n.off), high+n.ahead[i]*(1+n.off)
		if sum <= 0 || i >= len(f.sums) {
			continue
		}
		whole := sum * (1 + f.more[i])
		f.sums[i] = slices.Max([]float64{f.sums[i], (whole - low) / whole, (high - whole) / whole})
	}
}
