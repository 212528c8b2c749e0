package slow

import (
	"time"

	"towline/deploy/queries"
)

// aMonth is what a month is taken for.
const aMonth = 30 * 24 * time.Hour

// stretch decides what is looked at, and what it is compared with: since the release, a week at most, and as long before it.
func (r *Report) stretch(now time.Time) {
	r.To, r.From = now, now.Add(-queries.Longest)
	if r.LiveSince.IsZero() || r.Release == 0 {
		return
	}
	if now.Sub(r.LiveSince) < queries.Shortest { // too little since: the day, whatever was live
		r.From = now.Add(-24 * time.Hour)
		return
	}
	if r.LiveSince.After(r.From) {
		r.From = r.LiveSince
	}
	r.BeforeTo = r.LiveSince
	r.BeforeFrom = r.LiveSince.Add(-r.To.Sub(r.From))
	if oldest := now.Add(-queries.Kept); r.BeforeFrom.Before(oldest) {
		r.BeforeFrom = oldest
	}
	if !r.BeforeFrom.Before(r.BeforeTo) {
		r.BeforeFrom, r.BeforeTo = time.Time{}, time.Time{}
	}
}

// monthly is what a figure of the stretch comes to in a month.
func (r *Report) monthly(v float64) int64 {
	span := r.To.Sub(r.From)
	if span <= 0 {
		return 0
	}
	return int64(v * float64(aMonth) / float64(span))
}
