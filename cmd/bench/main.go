// Command bench measures what the README claims about speed: `make bench` runs it. It measures the real program, not its
// parts: it builds towline, starts `towline serve` with a config that points at a Telegram and a Cloudflare on this
// machine, and plays the people.
//
// The files, bottom up:
//
//   - app.go makes the app: its migrations, always the same ones.
//   - world.go runs the two servers and notes every call; process.go runs towline.
//   - ship.go presses Approve and waits; wrangler.go has an unmodified wrangler do the same on an identical database, and
//     compares the two databases afterwards.
//   - history.go writes a store of a few years; start.go starts towline on it and weighs it.
//   - hook.go posts to towline's webhook and reads its audit log; presses.go has a crowd approve at once, answers.go asks on a
//     long history, flow.go sends a steady stream.
//   - sweep.go runs the test that kills the service everywhere.
//   - lint.go lints and rehearses the files of many projects, dump.go loads and rehearses on a large dump, against the sqlite3
//     shell; each in a process of its own (child.go). profile.go asks D1's engine and ours the same. local.go prints.
//   - backfill.go backfills a table of D1, against one in small batches, beside a prober.
//   - usage.go writes years of samples and asks for the report, in a process of its own.
//   - report.go and loads.go print.
//
// Every call to Cloudflare waits for the injected latency, whoever makes it. Telegram has none: what is measured ends at
// Cloudflare. D1 is the workerd binary where it is installed, else the embedded server; with files in memory, so that
// neither side is charged for this machine's disk there. Towline's own store is on the disk, with every fsync. Where nothing of
// D1 is measured, with a crowd or a stream, there is no latency and always the embedded server.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// settings are the flags.
type settings struct {
	runs       int           // of shipping, on both sides
	starts     int           // of towline, for each of the two stores
	migrations int           // pending
	releases   int           // in the store with a history
	latency    time.Duration // of every call to Cloudflare
	tools      string        // the folder in which `make setup` installs wrangler and workerd
	quick      bool
	calls      bool
	only       string // parts, separated by commas; empty: all

	history int           // releases, in the store on which the answers are measured
	samples int           // of each answer, at least
	stream  time.Duration // how long updates come

	child, folder string // this process is one measurement of another bench, on files in a folder
}

// part is one measurement that can be made by itself.
type part struct {
	name string
	make func(ctx context.Context, binary, dir string) error
}

// parts are all measurements, in their order.
func (r *report) parts(progress io.Writer) []part {
	return []part{
		{"ship", func(ctx context.Context, binary, dir string) error { return r.ships(ctx, binary, dir, progress) }},
		{"start", func(ctx context.Context, binary, dir string) error {
			for _, releases := range []int{0, r.settings.releases} {
				if err := r.start(ctx, binary, releases, dir); err != nil {
					return err
				}
			}
			return nil
		}},
		{"presses", func(ctx context.Context, binary, dir string) error {
			for i := range r.settings.runs {
				if err := r.crowd(ctx, binary, i, dir); err != nil {
					return err
				}
			}
			return nil
		}},
		{"answers", r.answers},
		{"stream", r.stream},
		{"sweep", func(ctx context.Context, _, _ string) error {
			if r.settings.quick {
				return nil
			}
			return r.sweep(ctx)
		}},
		{"lint", func(ctx context.Context, _, dir string) error { return r.lints(ctx, dir) }},
		{"dump", func(ctx context.Context, _, dir string) error { return r.dumps(ctx, dir) }},
		{"profile", func(ctx context.Context, _, dir string) error { return r.profile(ctx, dir) }},
		{"backfill", func(ctx context.Context, _, _ string) error { return r.backfills(ctx, progress) }},
		{"usage", func(ctx context.Context, _, dir string) error { return r.usages(ctx, dir) }},
	}
}

// wants tells whether a part was asked for.
func (s settings) wants(name string) bool {
	return s.only == "" || slices.Contains(strings.Split(s.only, ","), name)
}

// run is the whole program as a value. It returns 0 when it could measure, whatever it measured; 2 for wrong flags, and 3
// when it could not.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case s.child != "":
		if err := runChild(ctx, s.child, s.folder, stdout); err != nil {
			fmt.Fprintf(stderr, "bench: %v\n", err)
			return 3
		}
		return 0
	}
	r, err := measure(ctx, s, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "bench: could not measure: %v\n", err)
		return 3
	}
	if err := r.print(stdout); err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 3
	}
	return 0
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&s.runs, "runs", 3, "how often to ship, on each side; starts are measured three times as often")
	flags.IntVar(&s.migrations, "migrations", 40, "how many migrations are pending")
	flags.DurationVar(&s.latency, "latency", 80*time.Millisecond, "how long every call to Cloudflare waits")
	flags.StringVar(&s.tools, "tools", "tools", "the folder in which `make setup` installed wrangler and workerd")
	flags.BoolVar(&s.quick, "quick", false, "see that it works: little of everything, the embedded server, no wrangler")
	flags.StringVar(&s.only, "only", "", "only some of ship, start, presses, answers, stream, sweep, lint, dump, profile, backfill and usage, separated by commas")
	flags.StringVar(&s.child, "child", "", "for bench itself: be one measurement, in a process of its own")
	flags.StringVar(&s.folder, "dir", "", "for bench itself: the folder of that measurement")
	flags.BoolVar(&s.calls, "calls", false, "list the calls of each promotion with their times")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if s.runs < 1 || s.migrations < 1 || s.latency < 0 || flags.NArg() > 0 {
		fmt.Fprintln(stderr, "bench: -runs and -migrations start at 1, -latency at 0, and there are no arguments")
		return s, errors.New("wrong flags")
	}
	if unknown := s.unknown(); unknown != "" {
		fmt.Fprintf(stderr, "bench: -only does not know %q\n", unknown)
		return s, errors.New("wrong flags")
	}
	s.starts, s.releases = 3*s.runs, 1000
	s.history, s.samples, s.stream = 10_000, 200, 20*time.Second
	if s.quick {
		s.runs, s.starts, s.releases = 1, 1, 20
		s.history, s.samples, s.stream = 200, 4, 2*time.Second
	}
	return s, nil
}

// unknown is the first of the parts in only that there is not.
func (s settings) unknown() string {
	known := (&report{}).parts(io.Discard)
	for name := range strings.SplitSeq(s.only, ",") {
		if name != "" && !slices.ContainsFunc(known, func(p part) bool { return p.name == name }) {
			return name
		}
	}
	return ""
}

// measure makes every measurement, in a folder of its own that is gone afterwards. progress gets a line for each part,
// since the whole takes minutes.
func measure(ctx context.Context, s settings, progress io.Writer) (r *report, err error) {
	dir, err := os.MkdirTemp("", "towline-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r = &report{settings: s, machine: describeMachine(dir)}
	fmt.Fprintln(progress, "bench: building towline")
	binary, err := build(ctx, dir)
	if err != nil {
		return nil, err
	}
	for _, p := range r.parts(progress) {
		if !s.wants(p.name) {
			continue
		}
		fmt.Fprintf(progress, "bench: %s\n", p.name)
		if err := p.make(ctx, binary, dir); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return r, nil
}
