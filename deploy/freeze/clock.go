package freeze

import (
	"time"

	"github.com/robfig/cron/v3"
)

const day = 24 * time.Hour

// onClock is what the clock of t's zone shows, written as if it were UTC.
func onClock(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// spans are the real stretches of time between from and to in which production is frozen. Between two changes of the
// zone's clock, what the clock shows and the time are apart by a constant.
func (c Calendar) spans(from, to time.Time) feed {
	part := feed(empty)
	return joined(func() (span, bool) {
		for {
			if s, ok := part(); ok {
				return s, true
			}
			if !from.Before(to) {
				return span{}, false
			}
			begin, end := from.In(c.zone()), to
			if _, change := begin.ZoneBounds(); change.After(begin) && change.Before(to) {
				end = change
			}
			part, from = c.steady(begin, end), end
		}
	})
}

// steady are the frozen spans between two instants, between which the zone's clock is not changed.
func (c Calendar) steady(begin, end time.Time) feed {
	from := onClock(begin)
	ahead := from.Sub(begin.UTC())
	to := end.UTC().Add(ahead)
	frozen := c.union(c.Deny, from, to)
	if len(c.Allow) > 0 {
		frozen = both(frozen, gaps(c.union(c.Allow, from, to), from, to))
	}
	frozen = cut(frozen, from, to)
	return func() (span, bool) {
		s, ok := frozen()
		return span{s.from.Add(-ahead), s.to.Add(-ahead)}, ok
	}
}

// union is when any of the windows is open on the clock. What is open between from and to is complete; more may be in it.
func (c Calendar) union(windows []Window, from, to time.Time) feed {
	feeds := make([]feed, len(windows))
	for i, w := range windows {
		feeds[i] = w.feed(c.zone(), from, to)
	}
	return all(feeds)
}

// feed is when the window is open on the clock, complete between from and to.
func (w Window) feed(zone *time.Location, from, to time.Time) feed {
	if w.Schedule == nil {
		s := span{onClock(w.From.In(zone)), onClock(w.To.In(zone))}
		given := !s.from.Before(s.to)
		return func() (span, bool) {
			if given {
				return span{}, false
			}
			given = true
			return s, true
		}
	}
	daily := w.daily()
	if len(daily) == 0 {
		return empty
	}
	today, i := from.Add(-w.For).Truncate(day).Add(-day), len(daily)
	return joined(func() (span, bool) {
		for i == len(daily) {
			if today = today.Add(day); !today.Before(to) {
				return span{}, false
			}
			if comes(w.Schedule, today) {
				i = 0
			}
		}
		s := daily[i]
		i++
		return span{today.Add(s.from), today.Add(s.to)}, true
	})
}

// stretch is a span of a day, from its midnight on. It may end on a later day.
type stretch struct{ from, to time.Duration }

// daily is when the window is open if it begins on a day, in order, with what touches made one.
func (w Window) daily() []stretch {
	var list []stretch
	if w.For <= 0 {
		return nil
	}
	for minute := range 24 * 60 {
		if w.Schedule.Hour&(1<<(minute/60)) == 0 || w.Schedule.Minute&(1<<(minute%60)) == 0 {
			continue
		}
		begins := time.Duration(minute) * time.Minute
		if last := len(list) - 1; last >= 0 && begins <= list[last].to {
			list[last].to = begins + w.For
			continue
		}
		list = append(list, stretch{begins, begins + w.For})
	}
	return list
}

// star is how cron.SpecSchedule marks a field that was given as *.
const star = 1 << 63

// comes reports whether a schedule has a day. Where both the day of the month and the day of the week are given, either
// is enough (crontab(5)).
func comes(s *cron.SpecSchedule, at time.Time) bool {
	if s.Month&(1<<at.Month()) == 0 {
		return false
	}
	byDate, byName := s.Dom&(1<<at.Day()) != 0, s.Dow&(1<<at.Weekday()) != 0
	if s.Dom&star != 0 || s.Dow&star != 0 {
		return byDate && byName
	}
	return byDate || byName
}
