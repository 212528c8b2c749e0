package usage

import (
	"math"
	"time"
)

// Sample is what was counted of one subject in one stretch of time, an hour or a UTC day. It shares no memory with its copies.
type Sample struct {
	// At is where the stretch begins, in UTC.
	At time.Time
	// Hours says how many hours of the stretch its counts cover at least: 1 for an hour, up to 24 for a day. Less is a stretch that is
	// not over, that Cloudflare has not counted to its end, or with a gap that nothing filled in time; the figures are what is known of
	// it. Covers tells of a single figure.
	Hours  int
	has    uint16         // a bit for each figure
	more   [figures]int16 // hours that it covers beyond Hours; less than 0 for a level that covers fewer
	values [figures]float64
}

// Get returns a figure; ok is false where it was not counted.
func (s *Sample) Get(f Figure) (v float64, ok bool) {
	if f >= figures || s.has&(1<<f) == 0 {
		return 0, false
	}
	return s.values[f], true
}

// Set notes a figure, which covers as many hours as Hours says. Values beyond 2^53 lose precision, which no figure of D1's comes near.
func (s *Sample) Set(f Figure, v float64) {
	if f < figures {
		s.has |= 1 << f
		s.values[f] = v
		s.more[f] = 0
	}
}

// Covers is how many hours of the stretch a figure covers: 0 where it was not counted. Datasets are counted apart, and each may have gaps of its
// own.
func (s *Sample) Covers(f Figure) int {
	if f >= figures || s.has&(1<<f) == 0 {
		return 0
	}
	return s.Hours + int(s.more[f])
}

// Cover notes a figure with the hours that it covers, and takes Hours anew from all figures: the least that a count covers.
func (s *Sample) Cover(f Figure, v float64, hours int) {
	if f >= figures {
		return
	}
	c := s.covered()
	s.has |= 1 << f
	s.values[f] = v
	c[f] = max(hours, 0)
	s.cover(c)
}

func (s *Sample) covered() (c [figures]int) {
	for f := range figures {
		c[f] = s.Covers(f)
	}
	return c
}

// cover sets Hours, and what single figures have more than that.
func (s *Sample) cover(c [figures]int) {
	s.Hours = -1
	for f := range figures {
		if s.has&(1<<f) != 0 && f.Counts() && (s.Hours < 0 || c[f] < s.Hours) {
			s.Hours = c[f]
		}
	}
	s.Hours = max(s.Hours, 0)
	for f := range figures {
		if s.has&(1<<f) == 0 {
			continue
		}
		s.more[f] = int16(min(max(c[f]-s.Hours, math.MinInt16), math.MaxInt16)) //nolint:gosec // bounded
	}
}

// Empty reports whether nothing was counted.
func (s *Sample) Empty() bool { return s.has == 0 }

// Add merges another sample into this one: counts are added, and of levels the greater stays. Figures that only one of them has are kept. The
// hours that they cover are added too: a week's sample made of seven days covers 168.
func (s *Sample) Add(other Sample) {
	c, more := s.covered(), other.covered()
	for f := range figures {
		v, ok := other.Get(f)
		if !ok {
			continue
		}
		was, had := s.Get(f)
		switch {
		case had && f.Counts():
			v += was
		case had:
			v = max(v, was)
		}
		s.has |= 1 << f
		s.values[f] = v
		c[f] += more[f]
	}
	s.cover(c)
}

// RollUp makes a UTC day's sample of its hours.
func RollUp(day time.Time, hours []Sample) Sample {
	out := Sample{At: Day(day)}
	for _, h := range hours {
		out.Add(h)
	}
	return out
}
