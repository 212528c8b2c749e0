package main

import (
	"slices"
	"strings"
	"testing"

	"towline/sandbox/telegram"
)

func TestTheTourIsTrueFromItsFirstStepToItsLast(t *testing.T) {
	if testing.Short() && raced() {
		t.Skip("a long story, and many times as long under the race detector")
	}
	answers := [][]string{
		{"shop → preview · live", "#1"}, {"waiting for approval", "#1", "May approve: Robin and Alex"}, {"shop → production · live", "#1"},
		{"Usage", "rows read"}, {"WHERE name = ?", "CREATE INDEX"}, {"index"},
		{"shop → preview · live", "#2"}, {"waiting for approval", "#2"}, {"shop → production · live", "#2"},
		{"refused", "0003_totals.sql line 4", "Neither preview nor production was touched"},
		{"shop → preview · live", "#4"}, {"waiting for approval", "#4"}, {"shop → production · live", "#4"},
		{"From #4 to #2", "stays applied", "The other ways", "Time Travel"}, {"went back to #2", "Production is held"}, {"no longer held", "the cause is found"},
		{"would_lose_rows", "orders"},
		{"shop → preview · live", "#6"}, {"waiting for approval", "#6", "Rehearsed on a copy of the data", "A backup is taken first"},
		{"shop → production · live", "#6", "As rehearsed"}, {"shop · backups", "restored here"}, {"shop → preview · live", "#7"},
		{"shop → production is locked by Robin"}, {"Production is locked by Robin", "looking into the orders", "until"}, {"Dana took over your lock, Robin"},
		{"break-glass, to be confirmed", "lock_conflict", "approvals_missing"}, {"shop → production · live", "#7", "Break-glass by Alex"},
		{"production is free again"}, {"orders_tax"}, {"Audit log of shop", "Alex went past the gates", "Head: "},
	}
	tour := demoTour()
	if len(tour) != len(answers) {
		t.Fatalf("the tour has %d steps, and %d are known here", len(tour), len(answers))
	}
	d := startDemo(t)
	for i, step := range tour {
		t.Logf("%d. %s %s", i+1, step.Text, step.Say+step.Press)
		if step.Say != "" {
			d.say(step.As, step.Say)
		} else {
			d.press(step.As, d.newest(step.Press), step.Press)
		}
		d.card(answers[i]...)
	}
	d.end()
}

// newest waits for a message with a button, and returns the last of them: the one that the tour points at.
func (g *guest) newest(label string) (found telegram.Message) {
	g.t.Helper()
	begins := func(b telegram.Button) bool { return strings.HasPrefix(b.Text, label) }
	has := func(row []telegram.Button) bool { return slices.ContainsFunc(row, begins) }
	if err := g.watch(func(all []telegram.Message) bool {
		for _, m := range slices.Backward(all) {
			if !m.Deleted && slices.ContainsFunc(m.Buttons, has) {
				found = m
				return true
			}
		}
		return false
	}); err != nil {
		g.t.Fatalf("no button %q: %v", label, err)
	}
	return found
}
