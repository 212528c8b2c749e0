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
)

// The exit codes, which are an interface.
const (
	exitFine    = 0
	exitRefused = 1 // refused, or found something wrong
	exitUsage   = 2
	exitUnknown = 3 // could not find out
)

// program is everything outside of a run.
type program struct {
	getenv func(string) string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

// subcommand is one of towline's commands.
type subcommand struct {
	name  string
	args  string
	does  string
	flags func(*flag.FlagSet) func(ctx context.Context, p program, args []string) error
}

func subcommands() []subcommand {
	return []subcommand{demoCommand(), serveCommand(), checkCommand()}
}

// exitError is an error with the exit code that it means. An empty text prints nothing more.
type exitError struct {
	code int
	text string
}

// onlyFlags refuses arguments where a command takes none.
func onlyFlags(args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &exitError{code: exitUsage, text: fmt.Sprintf("%q is too much: -config names the file, and nothing else is taken", args[0])}
}

func (e *exitError) Error() string { return e.text }

// run is the whole program as a value: tests call it like any function.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, release := untilInterrupted(ctx)
	defer release()
	p := program{getenv: getenv, stdin: stdin, stdout: stdout, stderr: stderr}
	if len(args) == 0 {
		usage(stderr)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		usage(stdout)
		return exitFine
	}
	for _, c := range subcommands() {
		if c.name == args[0] {
			return p.call(ctx, c, args[1:])
		}
	}
	fmt.Fprintf(stderr, "towline: there is no command %q\n\n", args[0])
	usage(stderr)
	return exitUsage
}

// untilInterrupted returns a context that ends with the first ctrl-C or SIGTERM. Before it ends, the signals are given
// back: whoever sees it ended may say that a second ctrl-C ends the program at once, however long the stopping takes.
func untilInterrupted(ctx context.Context) (_ context.Context, release func()) {
	told, giveBack := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	running, end := context.WithCancelCause(context.WithoutCancel(told))
	forget := context.AfterFunc(told, func() {
		giveBack()
		end(context.Cause(told))
	})
	return running, func() {
		forget()
		giveBack()
		end(nil)
	}
}

func (p program) call(ctx context.Context, c subcommand, args []string) int {
	flags := flag.NewFlagSet("towline "+c.name, flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	flags.Usage = func() {
		fmt.Fprintf(p.stderr, "usage: towline %s %s\n%s\n", c.name, c.args, c.does)
		flags.PrintDefaults()
	}
	do := c.flags(flags)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitFine
	case err != nil:
		return exitUsage
	}
	err := do(ctx, p, flags.Args())
	if err == nil {
		return exitFine
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		if e.text != "" {
			fmt.Fprintf(p.stderr, "towline: %s\n", e.text)
		}
		return e.code
	}
	fmt.Fprintf(p.stderr, "towline: %v\n", err)
	return exitUnknown
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Towline ships an app on Cloudflare D1 from a Telegram chat.\n\nusage: towline COMMAND [flags]\n\n")
	for _, c := range subcommands() {
		fmt.Fprintf(w, "  %-6s %s\n", c.name, c.does)
	}
	fmt.Fprint(w, "\n`towline COMMAND -h` lists a command's flags.\n")
}
