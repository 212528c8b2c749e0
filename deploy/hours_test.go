package deploy_test

import (
	"testing"
	"time"

	"towline/deploy"
)

func TestHoursAreReadOnTheClockOfTheirZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	night := deploy.Hours{From: 22 * time.Hour, To: 6 * time.Hour, Zone: berlin}
	early := deploy.Hours{From: time.Hour, To: 5 * time.Hour, Zone: berlin}
	for _, c := range []struct {
		name  string
		hours deploy.Hours
		at    string // UTC
		open  bool
		next  string
	}{
		{"no hours are the whole day", deploy.Hours{}, "2026-11-21T12:00:00Z", true, "2026-11-21T12:00:00Z"},
		{"before them", early, "2026-11-20T23:30:00Z", false, "2026-11-21T00:00:00Z"},
		{"their first second", early, "2026-11-21T00:00:00Z", true, "2026-11-21T00:00:00Z"},
		{"their end is not in them", early, "2026-11-21T04:00:00Z", false, "2026-11-22T00:00:00Z"},
		{"over midnight, before it", night, "2026-11-21T21:30:00Z", true, "2026-11-21T21:30:00Z"},
		{"over midnight, after it", night, "2026-11-22T04:30:00Z", true, "2026-11-22T04:30:00Z"},
		{"by day", night, "2026-11-21T12:00:00Z", false, "2026-11-21T21:00:00Z"},
		{"in summer an hour sooner", early, "2026-07-01T22:30:00Z", false, "2026-07-01T23:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, c.at)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.hours.Open(at); got != c.open {
				t.Errorf("open %t", got)
			}
			if got := c.hours.Next(at).UTC().Format(time.RFC3339); got != c.next {
				t.Errorf("next %s, want %s", got, c.next)
			}
		})
	}
}
