package tariff_test

import (
	"testing"
	"time"

	"towline/usage/tariff"
)

func TestABillingMonthBeginsOnItsDayOrOnTheMonthsLast(t *testing.T) {
	at := func(text string) time.Time {
		t.Helper()
		moment, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	for _, c := range []struct {
		now, from, until string
		day              int
	}{
		{"2026-11-16 08:00", "2026-11-01 00:00", "2026-12-01 00:00", 1},
		{"2026-11-16 08:00", "2026-10-28 00:00", "2026-11-28 00:00", 28},
		{"2026-11-28 00:00", "2026-11-28 00:00", "2026-12-28 00:00", 28},
		{"2026-11-29 23:59", "2026-10-31 00:00", "2026-11-30 00:00", 31},
		{"2026-11-30 00:00", "2026-11-30 00:00", "2026-12-31 00:00", 31},
		{"2026-02-27 12:00", "2026-01-31 00:00", "2026-02-28 00:00", 31},
		{"2026-02-28 12:00", "2026-02-28 00:00", "2026-03-30 00:00", 30},
		{"2028-02-28 12:00", "2028-01-29 00:00", "2028-02-29 00:00", 29},
		{"2028-03-01 00:00", "2028-02-29 00:00", "2028-03-31 00:00", 31},
		{"2026-01-01 00:00", "2025-12-31 00:00", "2026-01-31 00:00", 31},
		{"2026-12-31 10:00", "2026-12-31 00:00", "2027-01-31 00:00", 31},
		{"2026-11-16 08:00", "2026-11-01 00:00", "2026-12-01 00:00", 0},
		{"2026-11-16 08:00", "2026-11-01 00:00", "2026-12-01 00:00", 32},
	} {
		from, until := tariff.BillingMonth(at(c.now), c.day)
		if !from.Equal(at(c.from)) || !until.Equal(at(c.until)) {
			t.Errorf("%s, day %d: %s to %s, want %s to %s", c.now, c.day, from, until, c.from, c.until)
		}
	}
}

func TestABillingMonthIsOneOfUTC(t *testing.T) {
	east := time.FixedZone("", 2*3600)
	if from, until := tariff.BillingMonth(time.Date(2026, 11, 1, 1, 30, 0, 0, east), 1); from.Month() != time.October || until.Month() != time.November || from.Location() != time.UTC {
		t.Errorf("%s to %s", from, until)
	}
}

func TestBillingMonthsFollowEachOtherWithoutAGap(t *testing.T) {
	for day := 1; day <= 31; day++ {
		from, until := tariff.BillingMonth(time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC), day)
		for range 60 {
			next, end := tariff.BillingMonth(until, day)
			if !next.Equal(until) || !end.After(next) || end.Sub(next) > 31*24*time.Hour || end.Sub(next) < 28*24*time.Hour {
				t.Fatalf("day %d: %s to %s, then %s to %s", day, from, until, next, end)
			}
			if last, _ := tariff.BillingMonth(until.Add(-time.Nanosecond), day); !last.Equal(from) {
				t.Fatalf("day %d: the last moment before %s is in the month of %s", day, until, last)
			}
			from, until = next, end
		}
	}
}
