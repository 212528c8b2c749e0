package freeze

import (
	"time"

	"github.com/robfig/cron/v3"
)

// Window is one stretch of time, or one that comes back: either Schedule and For are set, or From and To.
type Window struct {
	// Schedule is when the window begins. Its seconds and its own time zone mean nothing.
	Schedule *cron.SpecSchedule
	// For is how long it is on the clock of the calendar's zone.
	For time.Duration
	// From and To are a single window, the end not included.
	From, To time.Time
	// Reason is what people are told, and Text the window as it was written.
	Reason, Text string
}

// Calendar is when production may change.
type Calendar struct {
	// Zone is where the clock hangs that all windows are read on; nil is UTC.
	Zone *time.Location
	// Deny are windows in which production does not change; they win over Allow.
	Deny []Window
	// Allow are windows outside of which production does not change; none means that it may at any time.
	Allow []Window
}

// Verdict is what a calendar says of an instant.
type Verdict struct {
	// Frozen is whether production must not change.
	Frozen bool
	// Outside is whether that is because no Allow window is open, and not because of a Deny window.
	Outside bool
	// Reason and Window are the Reason and the Text of the first Deny window that is open. Where Outside is set, Reason
	// is a fixed sentence and Window the texts of all Allow windows.
	Reason, Window string
	// Since is when it became frozen, and Until the next instant at which a change is allowed; each is zero where it is
	// more than a year away.
	Since, Until time.Time
}

// At is the verdict on an instant.
func (c Calendar) At(t time.Time) Verdict { return Verdict{} }

// Next is the next instant after t at which it becomes frozen, within a year, and the verdict then.
func (c Calendar) Next(t time.Time) (begins time.Time, v Verdict, ok bool) {
	return time.Time{}, Verdict{}, false
}
