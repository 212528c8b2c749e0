package handlers_test

import (
	"slices"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"towline/handlers"
)

func TestASlotIsDueOnceAlsoWhereTheClockIsChanged(t *testing.T) {
	for _, c := range []struct {
		name, zone, spec, from string
		want                   []string
	}{
		{"an hour that is left out", "Europe/Berlin", "30 2 * * SUN", "2026-03-24", []string{"2026-03-29 03:30 CEST", "2026-04-05 02:30 CEST"}},
		{"an hour that is there twice", "Europe/Berlin", "30 2 * * SUN", "2026-10-23", []string{"2026-10-25 02:30 CEST", "2026-11-01 02:30 CET"}},
		{"each day at a time that is left out", "Europe/Berlin", "15 2 * * *", "2026-03-28", []string{"2026-03-28 02:15 CET", "2026-03-29 03:15 CEST", "2026-03-30 02:15 CEST"}},
		{"each day at a time that is there twice", "Europe/Berlin", "15 2 * * *", "2026-10-25", []string{"2026-10-25 02:15 CEST", "2026-10-26 02:15 CET"}},
		{"a midnight that is left out", "America/Santiago", "0 0 * * SUN", "2026-09-01", []string{"2026-09-06 01:00 -03", "2026-09-13 00:00 -03"}},
		{"in the morning of the change", "Europe/Berlin", "0 9 * * SUN", "2026-03-24", []string{"2026-03-29 09:00 CEST", "2026-04-05 09:00 CEST"}},
		{"over the change back", "Europe/Berlin", "0 9 * * MON", "2026-10-23", []string{"2026-10-26 09:00 CET", "2026-11-02 09:00 CET"}},
		{"half an hour of Lord Howe", "Australia/Lord_Howe", "45 1 * * *", "2026-04-05", []string{"2026-04-05 01:45 +11", "2026-04-06 01:45 +1030"}},
		{"a clock that is never changed", "UTC", "30 2 * * SUN", "2026-03-24", []string{"2026-03-29 02:30 UTC", "2026-04-05 02:30 UTC"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			schedule, err := cron.ParseStandard(c.spec)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.ParseInLocation(time.DateOnly, c.from, zone(t, c.zone))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for range c.want {
				at = handlers.SlotAfter(schedule, at)
				got = append(got, at.Format("2006-01-02 15:04 MST"))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestAScheduleWithoutATimeToComeHasNoSlot(t *testing.T) {
	never, err := cron.ParseStandard("0 0 30 2 *")
	if err != nil {
		t.Fatal(err)
	}
	if at := handlers.SlotAfter(never, time.Date(2026, 3, 24, 0, 0, 0, 0, zone(t, "Europe/Berlin"))); !at.IsZero() {
		t.Errorf("due at %s", at)
	}
}
