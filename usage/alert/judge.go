package alert

import (
	"time"

	"towline/usage"
	"towline/usage/forecast"
	"towline/usage/tariff"
)

// Measure is how much of one limit is used, and how that goes on.
type Measure struct {
	Limit   tariff.Entry
	Subject usage.Subject
	Name    string // a database's; empty for the account
	Used    float64
	// Counted is up to when it is known. From is when Used began at 0, and Resets when it does again; both zero for a level.
	Counted, From, Resets time.Time
	// Reach is when the limit is reached at this pace; zero: not within what can be foreseen.
	Reach forecast.Reach
}

// Share is how much of the limit is used: 1 is all of it.
func (m Measure) Share() float64 {
	if m.Limit.Value <= 0 {
		return 0
	}
	return m.Used / m.Limit.Value
}

// Quiet are hours of every day without new messages, since midnight on the clock of Options.Zone; they may go over midnight. Equal: there are none.
type Quiet struct{ From, To time.Duration }

// Options are how to judge.
type Options struct {
	Now time.Time
	// Percents are those of a limit at which to warn, ascending; none: never, also not by date.
	Percents []int
	// Zone is the team's; nil: UTC.
	Zone  *time.Location
	Quiet Quiet
}
