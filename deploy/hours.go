package deploy

import "time"

// Hours are the hours of every day in which something may happen, on the clock of a zone: from 22:00 to 06:00 they go
// over midnight. The zero Hours are the whole day.
type Hours struct {
	From, To time.Duration // since midnight, as the clock shows it
	Zone     *time.Location
}

// Always reports whether the hours are the whole day.
func (h Hours) Always() bool { return h.From == h.To }

// Open reports whether the moment is within the hours.
func (h Hours) Open(at time.Time) bool {
	if h.Always() {
		return true
	}
	clock := h.clock(at)
	if h.From < h.To {
		return clock >= h.From && clock < h.To
	}
	return clock >= h.From || clock < h.To
}

// Next is the first moment from at on that is within the hours.
func (h Hours) Next(at time.Time) time.Time {
	if h.Open(at) {
		return at
	}
	local := at.In(h.zone())
	next := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, int(h.From.Seconds()), 0, h.zone())
	if !next.After(at) {
		next = time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, int(h.From.Seconds()), 0, h.zone())
	}
	return next
}

func (h Hours) clock(at time.Time) time.Duration {
	t := at.In(h.zone())
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
}

func (h Hours) zone() *time.Location {
	if h.Zone == nil {
		return time.UTC
	}
	return h.Zone
}
