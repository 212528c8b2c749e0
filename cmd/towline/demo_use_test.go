package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"towline/store"
)

func TestTheDemosWeeklyReportIsDueShortlyAfterItsBeginningAndEachWeekAfterwards(t *testing.T) {
	began := time.Date(2026, 11, 20, 23, 59, 50, 0, time.UTC)
	first := began.Add(demoReportAfter)
	for name, c := range map[string]struct{ after, next time.Time }{
		"weeks before":          {began.AddDate(0, 0, -20), first.AddDate(0, 0, -14)},
		"at the beginning":      {began, first},
		"just before it is due": {first.Add(-1), first},
		"when it is due":        {first, first.AddDate(0, 0, 7)},
		"days later":            {first.AddDate(0, 0, 3), first.AddDate(0, 0, 7)},
		"weeks later":           {first.AddDate(0, 0, 14).Add(1), first.AddDate(0, 0, 21)},
	} {
		if next := (demoReports{began}).Next(c.after); !next.Equal(c.next) {
			t.Errorf("%s: %s; want %s", name, next, c.next)
		}
	}
}

// The demo here was begun a week ago and is started again a minute after its second report was due.
func TestTheDemoPostsItsWeeklyReportByItself(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	began := now.AddDate(0, 0, -7).Add(-demoReportAfter - time.Minute)
	if err := os.WriteFile(filepath.Join(dir, "began"), []byte(began.UTC().Format(time.RFC3339)), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(filepath.Join(dir, "towline.db"), store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Deploy().SetCursor(t.Context(), "reports", uint64(now.Add(-time.Hour).Unix())); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	report := startJourney(t, dir).card("Report", "Rows read")
	if report.Photo == nil {
		t.Errorf("the report has no picture: %+v", report)
	}
}
