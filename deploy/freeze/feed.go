package freeze

import "time"

// span is a stretch of time, the end not included. It is either on the clock, written as if that were UTC, or real.
type span struct{ from, to time.Time }

// feed gives spans one after the other, in the order of their beginnings, until ok is false. It may only be used once.
type feed func() (s span, ok bool)

// empty has nothing.
func empty() (span, bool) { return span{}, false }

// joined makes one of spans that overlap or touch.
func joined(next feed) feed {
	held, holding := next()
	return func() (span, bool) {
		if !holding {
			return span{}, false
		}
		for {
			s, ok := next()
			if ok && !s.from.After(held.to) {
				held.to = later(held.to, s.to)
				continue
			}
			done := held
			held, holding = s, ok
			return done, true
		}
	}
}

// both has what either feed has.
func both(a, b feed) feed {
	x, hasX := a()
	y, hasY := b()
	return joined(func() (s span, ok bool) {
		switch {
		case hasX && (!hasY || !y.from.Before(x.from)):
			s, ok = x, true
			x, hasX = a()
		case hasY:
			s, ok = y, true
			y, hasY = b()
		}
		return s, ok
	})
}

// all has what any of the feeds has.
func all(feeds []feed) feed {
	switch len(feeds) {
	case 0:
		return empty
	case 1:
		return feeds[0]
	}
	half := len(feeds) / 2
	return both(all(feeds[:half]), all(feeds[half:]))
}

// cut keeps what lies between from and to.
func cut(next feed, from, to time.Time) feed {
	return func() (span, bool) {
		for {
			s, ok := next()
			if !ok || !s.from.Before(to) {
				return span{}, false
			}
			if s = (span{later(s.from, from), earlier(s.to, to)}); s.from.Before(s.to) {
				return s, true
			}
		}
	}
}

// gaps is what a joined feed leaves out between from and to.
func gaps(next feed, from, to time.Time) feed {
	next = cut(next, from, to)
	at := from
	return func() (span, bool) {
		for at.Before(to) {
			s, ok := next()
			if !ok {
				s = span{to, to}
			}
			gap := span{at, s.from}
			at = s.to
			if gap.from.Before(gap.to) {
				return gap, true
			}
		}
		return span{}, false
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
