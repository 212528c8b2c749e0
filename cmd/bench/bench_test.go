package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"towline/sandbox/parts"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-child" { // a measurement of a test, in a process of its own
		os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	parts.Main(m)
}

// quick measures with as little as possible: times mean nothing then, and none is asserted.
func quick(t *testing.T, migrations int) *report {
	t.Helper()
	s, err := parse([]string{"-quick", "-calls", "-latency", "1ms"}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	s.migrations = migrations
	r, err := measure(t.Context(), s, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPromotingFortyMigrationsTakesAtMostEightCallsAndNothingIsLostUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("a small bench of the whole program, which the other tests try where a race is looked for")
	}
	r := quick(t, 40)
	if len(r.shipped) != 1 {
		t.Fatalf("%d promotions", len(r.shipped))
	}
	s := r.shipped[0]
	if n := len(s.calls); n == 0 || n > aimCalls {
		t.Errorf("%d calls: %v", n, s.calls)
	}
	for _, c := range s.calls {
		if c.ended.Sub(c.begun) < r.settings.latency {
			t.Errorf("%s was answered after %v", c.what, c.ended.Sub(c.begun))
		}
	}
	if s.readBack <= 0 || s.readBack > s.card {
		t.Errorf("read back after %v, the card after %v", s.readBack, s.card)
	}
	if len(r.started) != 2 || r.started[0].releases != 0 || r.started[1].releases != r.settings.releases {
		t.Fatalf("started on %+v", r.started)
	}
	for _, s := range r.started {
		if len(s.answers) != 1 || s.answers[0] <= 0 || s.store == 0 {
			t.Errorf("%+v", s)
		}
	}
	var out strings.Builder
	if err := r.print(&out); err != nil {
		t.Fatal(err)
	}
	proveLoads(t, r)
	proveLocals(t, r)
	for _, line := range []string{
		"400 presses at once, one run", "/status, 200 releases, 2000 audit entries", "/releases, 200 releases, 2000 audit entries, handler",
		"lint, 24 files of 3 projects", "dump of 2 MB, loaded and rehearsed", "D1 profile against workerd",
		"400 in ", "0 lost, 0 out of order", "kill sweep", "not measured",
		"Promoting 40 pending migrations", "SKIPPED: wrangler, and so the ratios: -quick leaves it out.", "towline, calls",
		"cold start, empty store", "cold start, 20 releases", "idle memory, 20 releases", "the card says live",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("the report lacks %q:\n%s", line, out.String())
		}
	}
}

// proveLoads looks at what came of the crowd, the questions and the stream. That the crowd made one quorum and one run is
// proven by the measurement itself, which fails otherwise.
func proveLoads(t *testing.T, r *report) {
	t.Helper()
	if len(r.crowds) != 1 || r.crowds[0].posts != 400 || r.crowds[0].taken <= 0 || r.crowds[0].begun <= 0 || r.crowds[0].replied <= 0 {
		t.Errorf("the crowd: %+v", r.crowds)
	}
	if len(r.answered) != 1 || r.answered[0].entries != 10*r.settings.history {
		t.Fatalf("the answers: %+v", r.answered)
	}
	for _, command := range asked() {
		if a := r.answered[0]; len(a.chat[command]) < r.settings.samples || len(a.handler[command]) != r.settings.samples {
			t.Errorf("%s: %v in the chat, %v of the handler", command, a.chat[command], a.handler[command])
		}
	}
	if len(r.flowed) != 1 || r.flowed[0].posts != 2*flowRate || r.flowed[0].lost != 0 || r.flowed[0].outOfOrder != 0 || len(r.flowed[0].waits) != 2*flowRate {
		t.Errorf("the stream: %+v", r.flowed)
	}
}

// proveLocals looks at what was measured on files alone.
func proveLocals(t *testing.T, r *report) {
	t.Helper()
	if len(r.linted) != 1 || r.linted[0].Statements < 24 || r.linted[0].whole.peak <= 0 || r.linted[0].whole.busy <= 0 {
		t.Errorf("linted: %+v", r.linted)
	}
	if len(r.dumped) != 1 || r.dumped[0].Rows < 1000 || r.dumped[0].Bytes < 2_000_000 || r.dumped[0].rehearse.wall <= 0 || r.noShell == "" && r.dumped[0].shellBoth.wall <= 0 {
		t.Errorf("dumped: %+v", r.dumped)
	}
}

func TestWrongFlagsAreExitCode2AndHelpIsNone(t *testing.T) {
	for args, code := range map[string]int{"-runs 0": 2, "-migrations 0": 2, "-latency -1s": 2, "more": 2, "-nonsense": 2, "-only ship,everything": 2, "-h": 0} {
		if got := run(t.Context(), strings.Fields(args), t.Output(), t.Output()); got != code {
			t.Errorf("%s ends with %d", args, got)
		}
	}
}

func TestWhatCannotBeMeasuredIsExitCode3(t *testing.T) {
	for _, name := range []string{"nonsense", "lint", "load", "rehearse"} {
		if got := run(t.Context(), []string{"-child", name, "-dir", t.TempDir() + "/none"}, t.Output(), t.Output()); got != 3 {
			t.Errorf("the measurement %s ends with %d", name, got)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var said strings.Builder
	if got := run(ctx, []string{"-quick", "-only", "start"}, t.Output(), &said); got != 3 || !strings.Contains(said.String(), "could not measure") {
		t.Errorf("ends with %d, says %s", got, said.String())
	}
}

func TestAMissingWranglerIsNamed(t *testing.T) {
	if w, missing := findWrangler(settings{tools: t.TempDir()}); w != nil || missing != "Node 22 is not installed: run `make setup`" {
		t.Error(missing)
	}
	tools := t.TempDir()
	if err := os.MkdirAll(parts.NodeIn(tools), 0o700); err != nil {
		t.Fatal(err)
	}
	if w, missing := findWrangler(settings{tools: tools}); w != nil || missing != "wrangler is not installed: run `make setup`" {
		t.Error(missing)
	}
}

func TestTheMigrationsAreTheSameEveryTimeAndSortAsTheyWereMade(t *testing.T) {
	one, other := pending(40), pending(40)
	names := map[string]bool{first: true}
	last := first
	for i, m := range one {
		if m != other[i] {
			t.Errorf("%s differs", m.name)
		}
		if m.name <= last || names[m.name] {
			t.Errorf("%s comes after %s", m.name, last)
		}
		names[m.name], last = true, m.name
	}
	if pending(41)[39] != one[39] {
		t.Error("another number of migrations makes other migrations")
	}
}

func TestASeriesSaysItsMedianAndItsEnds(t *testing.T) {
	for want, s := range map[string]samples{"2.0 s (1.0–9.0)": {9, 1, 2}, "2.5 s (1.0–9.0)": {9, 1, 2, 3}, "4.0 s": {4}, "not measured": nil} {
		if got := s.say("%.1f", 1, "s"); got != want {
			t.Errorf("%v: %s, not %s", s, got, want)
		}
	}
}

func TestCallsSideBySideCountOnce(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	calls := []call{{begun: at(0), ended: at(80)}, {begun: at(100), ended: at(190)}, {begun: at(110), ended: at(180)}, {begun: at(150), ended: at(200)}}
	if got := covered(calls); got != 180*time.Millisecond {
		t.Errorf("%v", got)
	}
}
