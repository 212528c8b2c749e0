package freeze_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/robfig/cron/v3"

	"towline/deploy/freeze"
)

// schedule is read as config reads it: five fields or @daily and the like.
func schedule(t interface {
	Helper()
	Fatalf(string, ...any)
}, text string,
) *cron.SpecSchedule {
	t.Helper()
	parsed, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor).Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return parsed.(*cron.SpecSchedule)
}

func every(t *testing.T, text string, length time.Duration) freeze.Window {
	t.Helper()
	return freeze.Window{Schedule: schedule(t, text), For: length, Text: text}
}

func zone(t interface {
	Helper()
	Fatalf(string, ...any)
}, name string,
) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return z
}

const layout = "2006-01-02 15:04 MST"

// at reads "2026-03-29 01:30 CET" in a zone; the name decides which of two equal times is meant.
func at(t *testing.T, z *time.Location, text string) time.Time {
	t.Helper()
	base, err := time.Parse("2006-01-02 15:04", text[:16])
	if err != nil {
		t.Fatal(err)
	}
	for offset := -14; offset <= 14; offset++ {
		if moment := base.Add(time.Duration(offset) * time.Hour).In(z); moment.Format(layout) == text {
			return moment
		}
	}
	t.Fatalf("%s is not a time of %s", text, z)
	return time.Time{}
}

func shown(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(layout)
}

// deny and allow are calendars of one window.
func deny(text string, length time.Duration) func(*testing.T) freeze.Calendar {
	return func(t *testing.T) freeze.Calendar {
		return freeze.Calendar{Deny: []freeze.Window{every(t, text, length)}}
	}
}

func allow(text string, length time.Duration) func(*testing.T) freeze.Calendar {
	return func(t *testing.T) freeze.Calendar {
		return freeze.Calendar{Allow: []freeze.Window{every(t, text, length)}}
	}
}

func TestAFreezeOnTheClockOfItsZone(t *testing.T) {
	const h = time.Hour
	weekend := deny("0 16 * * FRI", 64*h)
	for _, c := range []struct {
		name, zone   string
		calendar     func(*testing.T) freeze.Calendar
		at           string
		since, until string // both empty: not frozen
	}{
		{"a weekend begins with its first minute", "Europe/Berlin", weekend, "2026-06-05 16:00 CEST", "2026-06-05 16:00 CEST", "2026-06-08 08:00 CEST"},
		{"the minute before a weekend is free", "Europe/Berlin", weekend, "2026-06-05 15:59 CEST", "", ""},
		{"the end of a weekend is free", "Europe/Berlin", weekend, "2026-06-08 08:00 CEST", "", ""},
		{"a weekend of 63 hours ends at the same hour", "Europe/Berlin", weekend, "2026-03-28 12:00 CET", "2026-03-27 16:00 CET", "2026-03-30 08:00 CEST"},
		{"a weekend of 65 hours ends at the same hour", "Europe/Berlin", weekend, "2026-10-25 12:00 CET", "2026-10-23 16:00 CEST", "2026-10-26 08:00 CET"},
		{"New York puts its clock forward on another weekend", "America/New_York", weekend, "2026-03-08 03:00 EDT", "2026-03-06 16:00 EST", "2026-03-09 08:00 EDT"},
		{"New York puts its clock back on another weekend", "America/New_York", weekend, "2026-11-01 01:30 EST", "2026-10-30 16:00 EDT", "2026-11-02 08:00 EST"},
		{"a beginning that is left out is when the clock goes forward", "Europe/Berlin", deny("30 2 * * SUN", 3*h), "2026-03-29 03:00 CEST", "2026-03-29 03:00 CEST", "2026-03-29 05:30 CEST"},
		{"the minute before the clock goes forward is free", "Europe/Berlin", deny("30 2 * * SUN", 3*h), "2026-03-29 01:59 CET", "", ""},
		{"an end that is left out is when the clock goes forward", "America/New_York", deny("0 1 * * SUN", 90*time.Minute), "2026-03-08 01:30 EST", "2026-03-08 01:00 EST", "2026-03-08 03:00 EDT"},
		{"a window within what is left out does not take place", "Europe/Berlin", deny("15 2 * * SUN", h/2), "2026-03-29 03:00 CEST", "", ""},
		{"an hour that comes twice is frozen twice", "Europe/Berlin", deny("0 2 * * SUN", h), "2026-10-25 02:30 CEST", "2026-10-25 02:00 CEST", "2026-10-25 03:00 CET"},
		{"a quarter that comes twice is frozen the first time", "Europe/Berlin", deny("0 2 * * SUN", h/4), "2026-10-25 02:10 CEST", "2026-10-25 02:00 CEST", "2026-10-25 02:15 CEST"},
		{"and free between", "Europe/Berlin", deny("0 2 * * SUN", h/4), "2026-10-25 02:20 CEST", "", ""},
		{"and frozen the second time", "Europe/Berlin", deny("0 2 * * SUN", h/4), "2026-10-25 02:10 CET", "2026-10-25 02:00 CET", "2026-10-25 02:15 CET"},
		{"a window of all half hours has no hole where the clock goes back", "Europe/Berlin", deny("*/30 0-5 * * SUN", h/2), "2026-10-25 02:45 CEST", "2026-10-25 00:00 CEST", "2026-10-25 06:00 CET"},
		{"working hours are the same in summer", "Europe/Berlin", allow("0 9 * * MON-FRI", 8*h), "2026-03-30 08:59 CEST", "2026-03-27 17:00 CET", "2026-03-30 09:00 CEST"},
		{"within working hours it is free", "Europe/Berlin", allow("0 9 * * MON-FRI", 8*h), "2026-03-30 09:00 CEST", "", ""},
		{"the last day of a month", "UTC", deny("0 0 31 * *", 24*h), "2026-08-31 23:59 UTC", "2026-08-31 00:00 UTC", "2026-09-01 00:00 UTC"},
		{"a month without a 31st is left out", "UTC", deny("0 0 31 * *", 24*h), "2026-10-01 00:00 UTC", "", ""},
		{"a leap day", "UTC", deny("0 0 29 2 *", 24*h), "2028-02-29 12:00 UTC", "2028-02-29 00:00 UTC", "2028-03-01 00:00 UTC"},
		{"no leap day in other years", "UTC", deny("0 0 29 2 *", 24*h), "2027-03-01 00:00 UTC", "", ""},
		{"a window over the year's end", "UTC", deny("0 12 31 12 *", 31*24*h), "2027-01-15 00:00 UTC", "2026-12-31 12:00 UTC", "2027-01-31 12:00 UTC"},
		{"a day of the month or of the week, as in crontab(5)", "UTC", deny("0 0 1 * MON", 24*h), "2026-06-08 00:00 UTC", "2026-06-08 00:00 UTC", "2026-06-09 00:00 UTC"},
		{"longer than the time between two beginnings is one window", "UTC", deny("0 8-17 * * MON", 90*time.Minute), "2026-06-08 12:00 UTC", "2026-06-08 08:00 UTC", "2026-06-08 18:30 UTC"},
		{"what never ends has no end", "UTC", deny("* * * * *", 31*24*h), "2026-06-08 12:00 UTC", "frozen", ""},
		{"what never comes never freezes", "UTC", deny("0 0 30 2 *", 31*24*h), "2026-03-01 12:00 UTC", "", ""},
		{"what is allowed never is frozen for ever", "UTC", allow("0 0 30 2 *", 31*24*h), "2026-03-01 12:00 UTC", "frozen", ""},
		{"a midnight that does not exist begins its day an hour later", "Africa/Cairo", deny("0 0 * * FRI", 24*h), "2026-04-24 01:00 EEST", "2026-04-24 01:00 EEST", "2026-04-25 00:00 EEST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			calendar := c.calendar(t)
			calendar.Zone = zone(t, c.zone)
			v := calendar.At(at(t, calendar.Zone, c.at).UTC())
			if v.Frozen != (c.since != "") {
				t.Fatalf("%+v", v)
			}
			if c.since == "frozen" {
				c.since = ""
			}
			if diff := cmp.Diff([]string{c.since, c.until}, []string{shown(v.Since), shown(v.Until)}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAVerdictNamesTheFirstOpenDenyWindowAndMergesWhatFollows(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	weekend := every(t, "0 16 * * FRI", 64*time.Hour)
	weekend.Reason = "weekend"
	c := freeze.Calendar{
		Zone: berlin,
		Deny: []freeze.Window{
			weekend,
			{From: time.Date(2026, 12, 20, 0, 0, 0, 0, berlin), To: time.Date(2027, 1, 5, 0, 0, 0, 0, berlin), Reason: "holidays", Text: "2026-12-20 to 2027-01-04"},
		},
		Allow: []freeze.Window{every(t, "0 9 * * MON-FRI", 8*time.Hour)},
	}
	noon := time.Date(2026, 12, 20, 12, 0, 0, 0, berlin) // a Sunday
	want := freeze.Verdict{
		Frozen: true, Reason: "weekend", Window: "0 16 * * FRI",
		Since: time.Date(2026, 12, 18, 16, 0, 0, 0, berlin), Until: time.Date(2027, 1, 5, 9, 0, 0, 0, berlin),
	}
	if diff := cmp.Diff(want, c.At(noon)); diff != "" {
		t.Error(diff)
	}
	want.Reason, want.Window = "holidays", "2026-12-20 to 2027-01-04"
	if diff := cmp.Diff(want, c.At(noon.AddDate(0, 0, 1))); diff != "" {
		t.Error(diff)
	}
	night := c.At(time.Date(2027, 1, 5, 8, 0, 0, 0, berlin))
	want.Outside, want.Reason, want.Window = true, "outside of the times in which production may change", "0 9 * * MON-FRI"
	if diff := cmp.Diff(want, night); diff != "" {
		t.Error(diff)
	}
	if v := c.At(time.Date(2027, 1, 5, 9, 0, 0, 0, berlin)); v != (freeze.Verdict{}) {
		t.Errorf("inside an allowed window: %+v", v)
	}
}

func TestNextIsWhenItBecomesFrozenAgain(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	c := freeze.Calendar{Zone: berlin, Deny: []freeze.Window{every(t, "0 16 * * FRI", 64*time.Hour)}}
	friday := time.Date(2026, 10, 23, 16, 0, 0, 0, berlin)
	for name, from := range map[string]time.Time{
		"from a free time":          friday.Add(-time.Nanosecond),
		"from the end of the last":  time.Date(2026, 10, 19, 8, 0, 0, 0, berlin),
		"from within the last":      time.Date(2026, 10, 18, 8, 0, 0, 0, berlin),
		"from the last's beginning": time.Date(2026, 10, 16, 16, 0, 0, 0, berlin),
	} {
		begins, v, ok := c.Next(from)
		if !ok || !begins.Equal(friday) || !v.Frozen || !v.Since.Equal(friday) || shown(v.Until) != "2026-10-26 08:00 CET" {
			t.Errorf("%s: %s, %+v, %t", name, begins, v, ok)
		}
	}
	for name, c := range map[string]freeze.Calendar{
		"no window":             {},
		"a window that is over": {Deny: []freeze.Window{{From: friday.AddDate(-1, 0, 0), To: friday}}},
		"always frozen":         {Deny: []freeze.Window{every(t, "* * * * *", time.Minute)}},
		"more than a year off":  {Deny: []freeze.Window{{From: friday.AddDate(1, 1, 0), To: friday.AddDate(1, 2, 0)}}},
		"no length":             {Deny: []freeze.Window{every(t, "* * * * *", 0), {From: friday.AddDate(0, 1, 0), To: friday.AddDate(0, 1, 0)}, {}}},
	} {
		if begins, v, ok := c.Next(friday); ok || !begins.IsZero() || v.Frozen {
			t.Errorf("%s: %s, %+v", name, begins, v)
		}
	}
}
