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
//   - report.go prints.
//
// Every call to Cloudflare waits for the injected latency, whoever makes it. Telegram has none: what is measured ends at
// Cloudflare. D1 is the workerd binary where it is installed, else the embedded server; with files in memory, so that
// neither side is charged for this machine's disk there. Towline's own store is on the disk, with every fsync.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
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
	flags.BoolVar(&s.calls, "calls", false, "list the calls of each promotion with their times")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if s.runs < 1 || s.migrations < 1 || s.latency < 0 || flags.NArg() > 0 {
		fmt.Fprintln(stderr, "bench: -runs and -migrations start at 1, -latency at 0, and there are no arguments")
		return s, errors.New("wrong flags")
	}
	s.starts, s.releases = 3*s.runs, 1000
	if s.quick {
		s.runs, s.starts, s.releases = 1, 1, 20
	}
	return s, nil
}

// measure makes every measurement, in a folder of its own that is gone afterwards. progress gets a line for each part,
// since the whole takes a minute.
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
	peer, missing := findWrangler(s)
	r.skipped = missing
	if peer != nil {
		fmt.Fprintln(progress, "bench: starting wrangler alone")
		if err := peer.warm(ctx, dir); err != nil {
			return nil, err
		}
		if r.peerStart, err = peer.starts(ctx, dir, s.runs); err != nil {
			return nil, err
		}
	}
	for i := range s.runs {
		fmt.Fprintf(progress, "bench: shipping %d migrations, %d of %d\n", s.migrations, i+1, s.runs)
		if err := r.ship(ctx, binary, peer, i, dir); err != nil {
			return nil, err
		}
	}
	for _, releases := range []int{0, s.releases} {
		fmt.Fprintf(progress, "bench: starting towline on a store with %d releases\n", releases)
		if err := r.start(ctx, binary, releases, dir); err != nil {
			return nil, err
		}
	}
	return r, nil
}
