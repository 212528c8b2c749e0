package main

import (
	"strings"
	"testing"
)

func TestTheReportOfALongPastIsMeasuredInAProcessOfItsOwn(t *testing.T) {
	if testing.Short() {
		t.Skip("it draws many pictures, in a program of its own")
	}
	s, err := parse([]string{"-quick", "-only", "usage"}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	r := &report{settings: s}
	if err := r.usages(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if len(r.reported) != 1 {
		t.Fatalf("%+v", r.reported)
	}
	u := r.reported[0]
	if u.Databases != 4 || u.Days != 60 || u.First <= 0 || len(u.Week) != reportsAsked-1 || len(u.Month) != reportsAsked || u.Idle <= 0 || u.Peak < u.Idle || u.hours <= 0 || u.days <= 0 {
		t.Errorf("%+v", u)
	}
	lines := r.reporting()
	if len(lines) != 4 || !strings.Contains(lines[0].name, "4 databases, 60 days") {
		t.Errorf("%+v", lines)
	}
}
