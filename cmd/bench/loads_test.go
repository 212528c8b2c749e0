package main

import (
	"strings"
	"testing"

	"towline/deploy/audit"
	"towline/deploy/release"
)

func TestAPercentileIsASampleThatSoManyAreNotAbove(t *testing.T) {
	var s samples
	for i := range 200 {
		s = append(s, float64(200-i))
	}
	if p99, p50, one := s.percentile(99), s.percentile(50), (samples{7}).percentile(99); p99 != 198 || p50 != 100 || one != 7 {
		t.Errorf("%v, %v, %v", p99, p50, one)
	}
}

// spoken are the lines of a log in which somebody says one serial number after the other.
func spoken(who int64, serials ...string) []audit.Entry {
	var out []audit.Entry
	for _, n := range serials {
		out = append(out, audit.Entry{What: "command", Who: release.Person{ID: who}, Detail: "/whoami " + n})
	}
	return out
}

func TestACommandThatIsMissingOrNotInItsPlaceIsCounted(t *testing.T) {
	for name, c := range map[string]struct {
		entries          []audit.Entry
		lost, outOfOrder int
	}{
		"all there":               {append(spoken(1, "0", "1", "2"), spoken(2, "0")...), 0, 0},
		"the last one lost":       {append(spoken(1, "0", "1"), spoken(2, "0")...), 1, 0},
		"one in the middle lost":  {append(spoken(1, "0", "2"), spoken(2, "0")...), 1, 1},
		"two have changed places": {append(spoken(1, "1", "0", "2"), spoken(2, "0")...), 0, 3},
		"one is there twice":      {append(spoken(1, "0", "0", "1", "2"), spoken(2, "0")...), 0, 1},
		"a whole chat lost":       {spoken(1, "0", "1", "2"), 1, 0},
	} {
		if lost, outOfOrder := missing(c.entries, 4); lost != c.lost || outOfOrder != c.outOfOrder {
			t.Errorf("%s: %d lost, %d out of order", name, lost, outOfOrder)
		}
	}
}

// decided is the log of a promote that the first so many of the crowd approved.
func decided(voters int) []audit.Entry {
	line := func(what string, who int64) audit.Entry {
		return audit.Entry{What: what, Environment: release.Production, Who: release.Person{ID: who}}
	}
	out := []audit.Entry{line("requested", deployer)}
	for i := range voters {
		out = append(out, line("approved", int64(2001+i)))
	}
	return append(out, line("started", 0), line("ended", 0))
}

func TestOnlyOneQuorumAndOneRunPass(t *testing.T) {
	good := decided(quorum)
	if err := oneQuorum(good); err != nil {
		t.Error(err)
	}
	for words, entries := range map[string][]audit.Entry{
		"counted twice":         append(decided(quorum), good[1]),
		"not one quorum of 20 ": decided(quorum + 1),
		"started:2":             append(decided(quorum), good[len(good)-2]),
		"approved:19":           decided(quorum - 1),
	} {
		if err := oneQuorum(entries); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
}

func TestSweepsAreAddedUp(t *testing.T) {
	s, err := tally([]byte("    sweep_test.go:225: sweep: journey=rollback kind=kill instants=132 inconsistencies=0 repeated=0 doubles=2\n" +
		"=== NAME x\n    a.go:1: sweep: journey=promote instants=8 inconsistencies=3\nPASS\n"))
	if err != nil || s != (swept{journeys: 2, instants: 140, inconsistencies: 3}) {
		t.Errorf("%+v: %v", s, err)
	}
	r := &report{}
	if f := r.sweeping(); f.value != "not measured" || f.aim != "" {
		t.Errorf("without a sweep: %+v", f)
	}
	r.swept = []swept{{journeys: 1, instants: 4, passed: false}}
	if r.sweeping().met {
		t.Error("a sweep that failed met the aim")
	}
	r.swept[0].passed = true
	if f := r.sweeping(); !f.met || f.value != "4 instants, 0 inconsistencies" {
		t.Errorf("a clean sweep: %+v", f)
	}
}
