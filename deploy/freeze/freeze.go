// Package freeze is the calendar of a project: the windows in which production does not change. It is pure: a Calendar
// is a value, and what it says of an instant depends on nothing else.
//
// A Window is a cron expression with a length, or a range of dates. Deny windows win over Allow windows, and where
// there is any Allow window, production changes only inside one. At says how things stand at an instant, and Next when
// the calendar freezes the next time. What passes a freeze all the same (a rollback, break-glass, a promote that has
// begun) is not decided here.
//
// # The clock on the wall
//
// All windows are read on one clock, that of the calendar's zone: whoever looks at that clock can tell whether
// production is frozen, without knowing whether it was put forward or back in between. This settles what would be
// surprising otherwise:
//
//   - "0 16 * * FRI" for 64h ends on Monday at 08:00, also on the two weekends a year that have 63 or 65 hours.
//   - A window that begins at a time which a clock put forward leaves out (02:30) begins when the clock was put
//     forward, if it is longer than what is left out. It is not skipped, as cron would skip it. A window that lies
//     wholly within the hour that is left out does not take place.
//   - A time that a clock put back shows twice is inside of a window both times. From 02:00 for 1h is two hours then;
//     from 02:00 for 15m is a quarter of an hour, twice.
//
// # The edges
//
// The first instant of a window belongs to it, the last does not: what is frozen until 08:00 may change at 08:00.
// Windows that overlap or touch are one, so that Until is when a change is really allowed, whatever windows follow on
// each other until then. A cron expression may come back before its window is over; that, too, is one window. A day
// that a month does not have (30 February) never comes, and a window on it never opens.
//
// The calendar looks one year ahead and back. However the windows were chosen, its work is at most one step for each
// minute of that time, and a few hundred for a usual calendar.
package freeze

import (
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// horizon is how far the calendar looks, in both directions: a year, with the day that some have more.
const horizon = 366 * 24 * time.Hour

// outside is the Reason of a freeze that no Deny window explains.
const outside = "outside of the times in which production may change"

// Window is one stretch of time, or one that comes back: either Schedule and For are set, or From and To. One that has
// neither, or no length, is never open.
type Window struct {
	// Schedule is when the window begins. Its seconds and its own time zone mean nothing: it begins on a full minute of
	// the calendar's clock.
	Schedule *cron.SpecSchedule
	// For is how long it is on that clock.
	For time.Duration
	// From and To are a single window, the end not included, as the calendar's clock shows them.
	From, To time.Time
	// Reason is what people are told, and Text the window as it was written.
	Reason, Text string
}

// Calendar is when production may change. The zero Calendar never freezes.
type Calendar struct {
	// Zone is where the clock hangs that all windows are read on; nil is UTC.
	Zone *time.Location
	// Deny are windows in which production does not change; they win over Allow.
	Deny []Window
	// Allow are windows outside of which production does not change; none means that it may at any time.
	Allow []Window
}

// Verdict is what a calendar says of an instant. Where Frozen is false, all else is zero.
type Verdict struct {
	// Frozen is whether production must not change.
	Frozen bool
	// Outside is whether that is because no Allow window is open, and not because of a Deny window.
	Outside bool
	// Reason and Window are the Reason and the Text of the first Deny window that is open. Where Outside is set, Reason
	// is a fixed sentence and Window the texts of all Allow windows, with "; " between them.
	Reason, Window string
	// Since is when it became frozen, and Until the next instant at which a change is allowed, both in the calendar's
	// zone. Each is zero where it is more than a year away.
	Since, Until time.Time
}

// At is the verdict on an instant.
func (c Calendar) At(t time.Time) Verdict {
	t = t.Round(0).In(c.zone())
	if _, frozen := c.spans(t, t.Add(1))(); !frozen {
		return Verdict{}
	}
	v := c.why(t)
	from, to := t.Add(-horizon), t.Add(horizon)
	for next := c.spans(from, to); ; {
		s, ok := next()
		if !ok {
			return v
		}
		if !s.to.After(t) {
			continue
		}
		if s.from.After(from) {
			v.Since = s.from.In(c.zone())
		}
		if s.to.Before(to) {
			v.Until = s.to.In(c.zone())
		}
		return v
	}
}

// Next is the first instant after t at which production becomes frozen, and the verdict then. Where it is frozen at t
// already, that is the freeze after the present one. ok is false where there is none within a year.
func (c Calendar) Next(t time.Time) (begins time.Time, v Verdict, ok bool) {
	t = t.Round(0).In(c.zone())
	for next := c.spans(t, t.Add(horizon)); ; {
		s, more := next()
		if !more {
			return time.Time{}, Verdict{}, false
		}
		if s.from.After(t) {
			begins = s.from.In(c.zone())
			return begins, c.At(begins), true
		}
	}
}

// why names the window that freezes t, which is known to be frozen.
func (c Calendar) why(t time.Time) Verdict {
	clock := onClock(t)
	for _, w := range c.Deny {
		if _, open := cut(w.feed(c.zone(), clock, clock.Add(1)), clock, clock.Add(1))(); open {
			return Verdict{Frozen: true, Reason: w.Reason, Window: w.Text}
		}
	}
	texts := make([]string, len(c.Allow))
	for i, w := range c.Allow {
		texts[i] = w.Text
	}
	return Verdict{Frozen: true, Outside: true, Reason: outside, Window: strings.Join(texts, "; ")}
}

func (c Calendar) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}
