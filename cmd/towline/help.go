package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"strings"
)

// group is where a command stands in the list of all.
type group string

// The groups, in their order.
const (
	theService group = "The service"
	inTheChat  group = "What the chat does, for when Telegram is down: by the bot that runs, or without one"
	itsRecords group = "Its records"

	// theMigrations need neither a config nor a store: they work on the files of a project.
	theMigrations group = "Migrations, as files: on a laptop and in CI"
)

func groups() []group { return []group{theService, theMigrations, inTheChat, itsRecords} }

// help is `towline help` and `towline help COMMAND`.
func (p program) help(args []string) int {
	if len(args) == 0 {
		printUsage(p.stdout)
		return exitFine
	}
	c, rest, ok := lookUp(args)
	if !ok || len(rest) > 0 {
		return p.noCommand(strings.Join(args, " "))
	}
	flags := flag.NewFlagSet("towline "+c.name, flag.ContinueOnError)
	c.flags(flags)
	explain(p.stdout, c, flags)
	return exitFine
}

// noCommand says so in one line, which a list of all that there are would push out of sight.
func (p program) noCommand(name string) int {
	fmt.Fprintf(p.stderr, "towline: there is no command %q. `towline help` lists them.\n", name)
	return exitUsage
}

// widest is how far the column of commands goes; a longer one gets a line of its own.
const widest = 36

func printUsage(w io.Writer) {
	fmt.Fprint(w, "Towline ships an app on Cloudflare D1 from a Telegram chat.\n\nusage: towline COMMAND [flags] [words]\n")
	all := subcommands()
	width := 0
	for _, c := range all {
		if n := len([]rune(c.line())); n <= widest {
			width = max(width, n)
		}
	}
	for _, g := range groups() {
		fmt.Fprintf(w, "\n%s\n", g)
		for _, c := range all {
			if cmp.Or(c.group, theService) != g {
				continue
			}
			line := c.line()
			if len([]rune(line)) > width {
				fmt.Fprintf(w, "  %s\n", line)
				line = ""
			}
			fmt.Fprintf(w, "  %-*s  %s\n", width, line, c.does)
		}
	}
	fmt.Fprint(w, "\n`towline help COMMAND` says more of each. Exit codes: 0 fine, 1 refused or found something, 2 usage, 3 could not find out.\n")
}

// line is a command as the list of all has it.
func (c subcommand) line() string { return strings.TrimSpace(c.name + " " + c.args) }

// explain is the help of one command.
func explain(w io.Writer, c subcommand, flags *flag.FlagSet) {
	as := ""
	if c.asks {
		as = " -as ID"
	}
	fmt.Fprintf(w, "usage: %s\n%s\n", strings.TrimSpace("towline "+c.name+as+" "+c.args), c.does)
	if c.role != "" {
		fmt.Fprintf(w, "Takes the role %s.\n", c.role)
	}
	for _, e := range c.examples {
		fmt.Fprintf(w, "  %s\n", e)
	}
	fmt.Fprint(w, "flags:\n")
	flags.SetOutput(w)
	flags.PrintDefaults()
}
