package freeze_test

import (
	"sort"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
	"pgregory.net/rapid"

	"towline/deploy/freeze"
)

// oracle answers the same questions by looking at every minute, with the cron library's own idea of when a schedule
// comes.
type oracle struct {
	calendar freeze.Calendar
	// begins are the minutes of the clock at which each schedule comes, in order.
	begins map[*cron.SpecSchedule][]time.Time
}

func onClock(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// newOracle knows the calendar between two instants.
func newOracle(c freeze.Calendar, from, to time.Time) oracle {
	o := oracle{c, map[*cron.SpecSchedule][]time.Time{}}
	for _, w := range append(append([]freeze.Window{}, c.Deny...), c.Allow...) {
		if w.Schedule == nil {
			continue
		}
		last := onClock(to.In(c.Zone)).Add(48 * time.Hour)
		for at := onClock(from.In(c.Zone)).Add(-w.For - 48*time.Hour); ; {
			at = w.Schedule.Next(at) // the parser's time.Local means: in the zone of the time given, which is UTC
			if at.IsZero() || at.After(last) {
				break
			}
			o.begins[w.Schedule] = append(o.begins[w.Schedule], at)
		}
	}
	return o
}

func (o oracle) open(w freeze.Window, clock time.Time) bool {
	if w.Schedule == nil {
		return !clock.Before(onClock(w.From.In(o.calendar.Zone))) && clock.Before(onClock(w.To.In(o.calendar.Zone)))
	}
	begins := o.begins[w.Schedule]
	past := sort.Search(len(begins), func(i int) bool { return begins[i].After(clock) })
	return past > 0 && clock.Sub(begins[past-1]) < w.For
}

func (o oracle) frozen(at time.Time) bool {
	clock := onClock(at.In(o.calendar.Zone))
	for _, w := range o.calendar.Deny {
		if o.open(w, clock) {
			return true
		}
	}
	for _, w := range o.calendar.Allow {
		if o.open(w, clock) {
			return false
		}
	}
	return len(o.calendar.Allow) > 0
}

// TestTheCalendarAgreesWithAWatchOnEveryMinute draws calendars and looks at each minute of three days around a change of
// the clock, or at a month's end, from which Since and Until may lie outside.
func TestTheCalendarAgreesWithAWatchOnEveryMinute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := calendar(t)
		days := []time.Time{
			time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 24, 0, 0, 0, 0, time.UTC), // Berlin
			time.Date(2026, 3, 7, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC), // New York
			time.Date(2026, 4, 4, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 3, 0, 0, 0, 0, time.UTC), // Lord Howe: half an hour
			time.Date(2026, 2, 27, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 30, 0, 0, 0, 0, time.UTC),
		}
		from := rapid.SampledFrom(days).Draw(t, "from")
		to := from.Add(72 * time.Hour)
		o := newOracle(c, from, to)
		var minutes []bool
		for at := from; at.Before(to); at = at.Add(time.Minute) {
			minutes = append(minutes, o.frozen(at))
		}
		// Every minute would repeat the same search: the changes and a few others are all there is to see, and of many
		// changes those after the first fifty are like them.
		looked := 0
		for i, frozen := range minutes {
			if i > 0 && i < len(minutes)-1 && minutes[i-1] == frozen && minutes[i+1] == frozen && i%499 != 0 {
				continue
			}
			if looked++; looked > 50 && i%101 != 0 {
				continue
			}
			at := from.Add(time.Duration(i) * time.Minute)
			v := c.At(at)
			if v.Frozen != frozen {
				t.Fatalf("%s: %+v, and a watch says %t", at.In(c.Zone), v, frozen)
			}
			if frozen {
				compare(t, "until", v.Until, change(minutes, i, 1), from)
				compare(t, "since", v.Since, change(minutes, i, -1), from)
			}
			begins, _, ok := c.Next(at)
			if next := change(minutes, i, 1); next >= 0 && frozen {
				if next = change(minutes, next, 1); next >= 0 && (!ok || !begins.Equal(from.Add(time.Duration(next)*time.Minute))) {
					t.Fatalf("%s: next %s, and a watch says minute %d", at.In(c.Zone), begins, next)
				}
			} else if next >= 0 && (!ok || !begins.Equal(from.Add(time.Duration(next)*time.Minute))) {
				t.Fatalf("%s: next %s, and a watch says minute %d", at.In(c.Zone), begins, next)
			}
		}
	})
}

// change is the first minute on the way from i that is the other way round; going back, the minute after it; -1 where
// it was not seen.
func change(minutes []bool, i, step int) int {
	for j := i; j >= 0 && j < len(minutes); j += step {
		if minutes[j] != minutes[i] {
			if step < 0 {
				return j + 1
			}
			return j
		}
	}
	return -1
}

func compare(t *rapid.T, what string, got time.Time, minute int, from time.Time) {
	if minute >= 0 && !got.Equal(from.Add(time.Duration(minute)*time.Minute)) {
		t.Fatalf("%s %s, and a watch says minute %d", what, got, minute)
	}
	if minute < 0 && !got.IsZero() && got.After(from) && got.Before(from.Add(72*time.Hour)) {
		t.Fatalf("%s %s, and a watch saw no change", what, got)
	}
}

func calendar(t *rapid.T) freeze.Calendar {
	names := []string{"Europe/Berlin", "America/New_York", "UTC", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo"}
	c := freeze.Calendar{Zone: zone(t, rapid.SampledFrom(names).Draw(t, "zone"))}
	window := rapid.Custom(func(t *rapid.T) freeze.Window {
		if rapid.IntRange(0, 4).Draw(t, "kind") == 0 {
			from := time.Date(2026, time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(1, 31).Draw(t, "day"), rapid.IntRange(0, 23).Draw(t, "hour"), 0, 0, 0, c.Zone)
			return freeze.Window{From: from, To: from.Add(time.Duration(rapid.IntRange(1, 3000).Draw(t, "hours")) * time.Hour)}
		}
		text := rapid.SampledFrom([]string{"0", "30", "*", "*/7", "59", "1-40"}).Draw(t, "minute") + " " +
			rapid.SampledFrom([]string{"*", "0", "1", "2", "23", "1-3", "*/5"}).Draw(t, "hour") + " " +
			rapid.SampledFrom([]string{"*", "1", "28-31", "30", "*/2"}).Draw(t, "date") + " " +
			rapid.SampledFrom([]string{"*", "2", "3,10,11", "*/4"}).Draw(t, "month") + " " +
			rapid.SampledFrom([]string{"*", "SUN", "MON-FRI", "SAT"}).Draw(t, "weekday")
		lengths := []time.Duration{time.Minute, 7 * time.Minute, 30 * time.Minute, time.Hour, 90 * time.Minute, 24 * time.Hour, 64 * time.Hour, 31 * 24 * time.Hour}
		return freeze.Window{Schedule: schedule(t, text), For: rapid.SampledFrom(lengths).Draw(t, "for"), Text: text}
	})
	c.Deny = rapid.SliceOfN(window, 0, 3).Draw(t, "deny")
	c.Allow = rapid.SliceOfN(window, 0, 2).Draw(t, "allow")
	return c
}
