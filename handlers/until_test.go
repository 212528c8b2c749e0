package handlers_test

import (
	"strings"
	"testing"
	"time"

	"towline/handlers"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// A Friday afternoon in Berlin, when it is winter there.
func friday(t testing.TB) time.Time {
	t.Helper()
	return time.Date(2026, 11, 20, 15, 30, 0, 0, zone(t, "Europe/Berlin"))
}

func TestADayIsItsEndInTheTeamsZone(t *testing.T) {
	now := friday(t)
	for typed, want := range map[string]string{
		"2026-12-24":           "2026-12-24T23:59:59+01:00",
		"2026-12-24 18:00":     "2026-12-24T18:00:00+01:00",
		"2026-11-20":           "2026-11-20T23:59:59+01:00",
		"2026-01-01":           "2026-01-01T23:59:59+01:00", // over, which is said by whoever asked
		"24.12.":               "2026-12-24T23:59:59+01:00",
		"24.12":                "2026-12-24T23:59:59+01:00",
		"24.12.2027":           "2027-12-24T23:59:59+01:00",
		"1.6.":                 "2027-06-01T23:59:59+02:00",
		"20.11.":               "2026-11-20T23:59:59+01:00",
		"19.11.":               "2027-11-19T23:59:59+01:00",
		"29.2.":                "2028-02-29T23:59:59+01:00",
		"today":                "2026-11-20T23:59:59+01:00",
		"Tomorrow":             "2026-11-21T23:59:59+01:00",
		"saturday":             "2026-11-21T23:59:59+01:00",
		"thu":                  "2026-11-26T23:59:59+01:00",
		"friday":               "2026-11-27T23:59:59+01:00", // not today
		"FRI":                  "2026-11-27T23:59:59+01:00",
		"24 december":          "2026-12-24T23:59:59+01:00",
		"24. December":         "2026-12-24T23:59:59+01:00",
		"december 24":          "2026-12-24T23:59:59+01:00",
		"dec 24th, 2026":       "2026-12-24T23:59:59+01:00",
		"dec 24th 2026":        "2026-12-24T23:59:59+01:00",
		"1st mar":              "2027-03-01T23:59:59+01:00",
		"mar 28 2027":          "2027-03-28T23:59:59+02:00", // the night in which the clock is put forward
		"3d":                   "2026-11-23T15:30:00+01:00",
		"2 weeks":              "2026-12-04T15:30:00+01:00",
		"1d 12h":               "2026-11-22T03:30:00+01:00",
		"90m":                  "2026-11-20T17:00:00+01:00",
		"":                     "",
		"   ":                  "",
		"soon":                 "",
		"fr":                   "",
		"fridays":              "",
		"24":                   "",
		"2026-02-30":           "",
		"2026-12-24 25:00":     "",
		"2026-12-24 18:00 UTC": "",
		"1999-12-24":           "",
		"2300-01-01":           "",
		"30.2.":                "",
		"1.13.":                "",
		"0.12.":                "",
		"24.12.26":             "",
		"24..12":               "",
		"24 32":                "",
		"december":             "",
		"december december":    "",
		"24 december 26":       "",
		"3d please":            "",
		"-3d":                  "",
		"3":                    "",
		"tomorrow evening":     "",
		"9999999999999999999d": "",
		"until friday":         "",
	} {
		got, ok := handlers.Until(typed, now)
		if ok != (want != "") || ok && got.Format(time.RFC3339) != want {
			t.Errorf("%q is %s (%v), want %q", typed, got.Format(time.RFC3339), ok, want)
		}
	}
}

func TestADayEndsWhereTheMidnightAfterItIsLeftOut(t *testing.T) {
	// In Chile the clock jumps over the midnight with which 6 September 2026 would begin.
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, zone(t, "America/Santiago"))
	got, ok := handlers.Until("2026-09-05", now)
	if !ok || got.Day() != 5 && got.Hour() != 0 || got.Sub(now) < 4*24*time.Hour || got.Sub(now) > 5*24*time.Hour {
		t.Errorf("%s, %v", got, ok)
	}
}

func FuzzADateIsReadOrRefused(f *testing.F) {
	for _, seed := range []string{"2026-12-24", "24.12.", "friday", "tomorrow", "2h", "3d", "24 december", "dec 24th 2026", "1.5h", "29.2.", "2026-12-24 18:00", "\x00", "２４.12."} {
		f.Add(seed)
	}
	now := friday(f)
	f.Fuzz(func(t *testing.T, typed string) {
		got, ok := handlers.Until(typed, now)
		if !ok {
			return
		}
		if got.Year() < 2000 || got.Year() > now.Year()+300 {
			t.Errorf("%q is %s", typed, got)
		}
		fields := strings.Fields(typed)
		if again, ok := handlers.Until(strings.ToUpper(strings.Join(fields, "  ")), now); !ok || !again.Equal(got) {
			t.Errorf("%q is %s, and in capitals %s (%v)", typed, got, again, ok)
		}
		// The day that it names, written out, is the same day.
		if got.Hour() == 23 && got.Minute() == 59 && got.Second() == 59 && got.Nanosecond() == 0 {
			if day, ok := handlers.Until(got.Format(time.DateOnly), now); !ok || !day.Equal(got) {
				t.Errorf("%q is %s, and that day %s (%v)", typed, got, day, ok)
			}
		}
	})
}
