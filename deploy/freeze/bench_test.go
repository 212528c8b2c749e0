package freeze_test

import (
	"testing"
	"time"

	"towline/deploy/freeze"
)

func usual(t testing.TB) freeze.Calendar {
	return freeze.Calendar{
		Zone: zone(t, "Europe/Berlin"),
		Deny: []freeze.Window{
			{Schedule: schedule(t, "0 16 * * FRI"), For: 64 * time.Hour},
			{From: time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 5, 0, 0, 0, 0, time.UTC)},
		},
		Allow: []freeze.Window{{Schedule: schedule(t, "0 9 * * MON-FRI"), For: 8 * time.Hour}},
	}
}

// hostile are calendars that make a search by beginnings go on for a year of minutes.
func hostile(t testing.TB) map[string]freeze.Calendar {
	w := func(text string, length time.Duration) freeze.Window {
		return freeze.Window{Schedule: schedule(t, text), For: length}
	}
	return map[string]freeze.Calendar{
		"every minute for 31 days": {Deny: []freeze.Window{w("* * * * *", 31*24*time.Hour)}},
		"every minute for one":     {Deny: []freeze.Window{w("* * * * *", time.Minute)}},
		"even and odd minutes":     {Deny: []freeze.Window{w("*/2 * * * *", time.Minute), w("1-59/2 * * * *", time.Minute)}},
		"allowed when denied":      {Deny: []freeze.Window{w("*/2 * * * *", time.Minute)}, Allow: []freeze.Window{w("*/2 * * * *", time.Minute)}},
		"never allowed":            {Allow: []freeze.Window{w("0 0 30 2 *", time.Hour)}},
	}
}

func TestNoCalendarMakesTheSearchRunAway(t *testing.T) {
	at := time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC)
	for name, c := range hostile(t) {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			if v := c.At(at); !v.Frozen || !v.Until.IsZero() || !v.Since.IsZero() {
				t.Errorf("%+v", v)
			}
			if _, _, ok := c.Next(at); ok {
				t.Error("it is frozen all the time")
			}
			if took := time.Since(began); took > 3*time.Minute { // of a search that runs away it is hours, and of one that does not a second
				t.Errorf("took %s", took)
			}
		})
	}
}

func BenchmarkAt(b *testing.B) {
	c := usual(b)
	for name, at := range map[string]time.Time{"frozen": time.Date(2026, 6, 6, 12, 0, 0, 0, time.UTC), "free": time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				c.At(at)
			}
		})
	}
	for name, c := range hostile(b) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				c.At(time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC))
			}
		})
	}
}
