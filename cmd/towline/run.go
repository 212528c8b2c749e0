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

// subcommand is one of towline's commands, and what it says of itself.
type subcommand struct {
	name     string // may be of two words
	args     string
	does     string
	group    group
	role     string // the least that may, of a command of the chat
	asks     bool   // it needs -as
	examples []string
	flags    func(*flag.FlagSet) func(ctx context.Context, p program, args []string) error
}

// subcommands are all of them, in the order of their groups.
func subcommands() []subcommand {
	all := []subcommand{demoCommand(), serveCommand(), checkCommand(), pingCommand(), lintCommand(), newCommand(), rebuildCommand(), backupCommand(), restoreCommand(), backupsListCommand(), backupsCheckCommand(), backupsRestoreCommand(), auditVerifyCommand(), auditExportCommand(), usageCommand()}
	return append(all, chatCommands()...)
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
		printUsage(stderr)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		return p.help(args[1:])
	}
	if c, rest, ok := lookUp(args); ok {
		return p.call(ctx, c, rest)
	}
	return p.noCommand(args[0])
}

// lookUp finds the command that the arguments begin with, the longest name first: "audit verify" is not "audit".
func lookUp(args []string) (c subcommand, rest []string, ok bool) {
	words := 0
	for _, candidate := range subcommands() {
		name := strings.Fields(candidate.name)
		if len(name) > words && len(args) >= len(name) && slices.Equal(args[:len(name)], name) {
			c, words = candidate, len(name)
		}
	}
	return c, args[words:], words > 0
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
		explain(p.stderr, c, flags)
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
