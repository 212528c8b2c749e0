package alert

import (
	"time"

	"towline/usage"
	"towline/usage/tariff"
)

// Rules are what an account wants to hear of. The zero Rules want nothing.
type Rules struct {
	Table tariff.Table
	// Percents are those of a limit at which to warn, ascending; none: never, also not by date.
	Percents []int
	// Zone is the team's, whose clock Quiet is on; nil: UTC.
	Zone  *time.Location
	Quiet Quiet
	// BillingDay is the day of the month on which monthly volumes begin anew, 1 to 31; in a month that is shorter it is the last.
	BillingDay int
}

// Quiet are hours of every day without new messages, since midnight; they may go over midnight. Equal: there are none.
type Quiet struct{ From, To time.Duration }

// At reports whether a moment is within them, by the clock of its zone: on a day on which the clock is changed they are an hour longer
// or shorter.
func (q Quiet) At(t time.Time) bool {
	clock := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
	if q.From <= q.To {
		return clock >= q.From && clock < q.To
	}
	return clock >= q.From || clock < q.To
}

// quiet reports whether the rules want no new message at a moment.
func (r Rules) quiet(now time.Time) bool {
	zone := r.Zone
	if zone == nil {
		zone = time.UTC
	}
	return r.Quiet.At(now.In(zone))
}

// Subjects tells which subjects there are, for alerts about one that went. nil: that is not known, and none is taken to have gone.
type Subjects map[usage.Subject]bool
