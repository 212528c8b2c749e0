package handlers

import "time"

// slotAfter is the first time after t at which something is due, on a clock that is changed twice a year: an hour that the clock leaves out is due when it
// goes on, and one that it has twice is due the first time.
func slotAfter(s Schedule, t time.Time) time.Time {
	next := s.Next(t)
	for !next.IsZero() && repeated(next) {
		next = s.Next(next)
	}
	// By the clock as it is at t the slot may come sooner: within an hour that is left out, which a schedule passes over.
	_, offset := t.Zone()
	old := s.Next(t.In(time.FixedZone("", offset)))
	if old.IsZero() || !next.IsZero() && !old.Before(next) || onTheClock(old, t.Location()) {
		return next
	}
	return old.In(t.Location())
}

// repeated tells whether the clock has shown a moment's time already on that day.
func repeated(t time.Time) bool {
	_, is := t.Zone()
	_, was := t.Add(-3 * time.Hour).Zone()
	back := time.Duration(was-is) * time.Second
	return back > 0 && sameClock(t.Add(-back), t)
}

// onTheClock tells whether the clock of a zone ever shows what t has on its own.
func onTheClock(t time.Time, zone *time.Location) bool {
	return sameClock(time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, zone), t)
}

func sameClock(a, b time.Time) bool {
	return a.Day() == b.Day() && a.Hour() == b.Hour() && a.Minute() == b.Minute()
}
