package config

import (
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	"go.yaml.in/yaml/v4"
)

// maxWindows is how many windows a list of a freeze may have; nobody could follow more.
const maxWindows = 100

// freeze reads a project's windows; zone is the clock they are read on where the section names no other.
func (d *decoder) freeze(s *section, zone *time.Location) *Freeze {
	f := &Freeze{Timezone: zone}
	if s == nil {
		return f
	}
	if v, ok := s.scalar("timezone", ""); ok {
		f.Timezone = v.zone()
	}
	f.Deny = d.windows(s, "deny", f.Timezone)
	f.Allow = d.windows(s, "allow", f.Timezone)
	if !s.has("deny") && !s.has("allow") {
		d.failf(s.node, s.path, "no window in it; expected deny: or allow:, or neither it nor them")
	}
	return f
}

func (d *decoder) windows(s *section, key string, zone *time.Location) []Window {
	const expected = `a list of {cron: "0 16 * * FRI", for: 64h} and {from: 2026-12-20, to: 2027-01-04}`
	nodes, paths := s.list(key, expected)
	if s.has(key) && len(nodes) == 0 && resolve(s.values[key]).Kind == yaml.SequenceNode {
		d.failf(s.values[key], s.at(key), "empty; leave the key out, or give %s", expected)
	}
	if len(nodes) > maxWindows {
		d.failf(nodes[maxWindows], s.at(key), "more than %d windows", maxWindows)
		return nil
	}
	var windows []Window
	for i, node := range nodes {
		windows = append(windows, d.window(d.section(node, paths[i], Window{}), zone))
	}
	return windows
}

// window reads a cron expression with its length, or a range.
func (d *decoder) window(s *section, zone *time.Location) Window {
	w := Window{}
	if s == nil {
		return w
	}
	if v, ok := s.scalar("reason", ""); ok {
		w.Reason = v.matching(reasonText, "1 to 200 printable characters")
	}
	comesBack, once := s.first("cron", "for"), s.first("from", "to")
	switch {
	case comesBack == "" && once == "":
		d.failf(s.node, s.path, "expected cron: and for:, or from: and to:")
		return w
	case comesBack != "" && once != "":
		d.failf(s.keys[once], s.at(once), "given beside %s in line %d; a window is either cron: and for:, or from: and to:", comesBack, s.keys[comesBack].Line)
		return w
	case once != "":
		d.dates(s, zone, &w)
		return w
	}
	if v, ok := s.scalar("cron", "when the window begins, as in \"0 16 * * FRI\""); ok {
		w.Cron = oneLine(v.text)
		w.Schedule = v.calendarSchedule()
	}
	if v, ok := s.scalar("for", "how long the window is, such as 64h"); ok {
		w.For, _ = v.span(time.Minute, 31*24*time.Hour)
	}
	return w
}

// dates reads a range from one day or minute to another.
func (d *decoder) dates(s *section, zone *time.Location, w *Window) {
	if v, ok := s.scalar("from", "the first day, such as 2026-12-20"); ok {
		w.From = oneLine(v.text)
		w.Begins = v.day(zone, 0)
	}
	v, ok := s.scalar("to", "the last day, such as 2027-01-04")
	if !ok {
		return
	}
	w.To = oneLine(v.text)
	w.Ends = v.day(zone, 1)
	if !w.Begins.IsZero() && !w.Ends.IsZero() && !w.Ends.After(w.Begins) {
		v.failf("not after from: in line %d", s.keys["from"].Line)
	}
}

// calendarSchedule is a schedule that comes on minutes of the clock. "@every 1h" does not: it counts from nowhere.
func (v value) calendarSchedule() *cron.SpecSchedule {
	schedule := v.schedule("freeze.timezone")
	if schedule == nil {
		return nil
	}
	spec, ok := schedule.(*cron.SpecSchedule)
	if !ok {
		v.failf("%s, found %s, which has no beginning", expectedCron, v.shown())
		return nil
	}
	return spec
}

// day is a date or a minute, on the clock of a zone: "2026-12-20" is the midnight that begins it, or that which begins
// the day so many days later.
func (v value) day(zone *time.Location, later int) time.Time {
	clock, err := time.Parse("2006-01-02", v.text)
	if err == nil {
		clock = clock.AddDate(0, 0, later)
	} else if clock, err = time.Parse("2006-01-02 15:04", v.text); err != nil {
		v.failf("expected a date such as 2026-12-20 or a time such as \"2026-12-24 12:00\", found %s", v.shown())
		return time.Time{}
	}
	if y := clock.Year(); y < 2000 || y > 2200 {
		v.failf("expected a year from 2000 to 2200, found %s", v.shown())
		return time.Time{}
	}
	return instant(clock, zone)
}

// oneLine has one space wherever the file has any, which the readers of times and cron expressions pass over.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// instant is when the clock of a zone shows what clock shows in UTC; where the zone's clock is put forward over it, when
// that is done.
func instant(clock time.Time, zone *time.Location) time.Time {
	t := time.Date(clock.Year(), clock.Month(), clock.Day(), clock.Hour(), clock.Minute(), 0, 0, zone)
	_, offset := t.Zone()
	shows := t.UTC().Add(time.Duration(offset) * time.Second)
	begins, ends := t.ZoneBounds()
	switch {
	case shows.After(clock):
		return begins
	case shows.Before(clock):
		return ends
	}
	return t
}

// zone is a time zone of the tz database.
func (v value) zone() *time.Location {
	zone, err := time.LoadLocation(v.text)
	if err != nil || v.text == "Local" {
		v.failf("expected a time zone such as UTC or Europe/Berlin, found %s", v.shown())
		return time.UTC
	}
	return zone
}

const expectedCron = `expected a cron expression such as "0 9 * * MON" (minute, hour, day, month, weekday)`

// schedule is a cron expression of five fields, or @daily and the like; zoneKey is where its time zone is set.
func (v value) schedule(zoneKey string) cron.Schedule {
	if strings.Contains(v.text, "TZ=") {
		v.failf("the time zone of the schedule is set with %s", zoneKey)
		return nil
	}
	fields := cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor
	schedule, err := cron.NewParser(fields).Parse(v.text)
	if err != nil {
		v.failf("%s, found %s", expectedCron, v.shown())
		return nil
	}
	if schedule.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		v.failf("%s names a day that never comes", v.shown())
		return nil
	}
	return schedule
}
