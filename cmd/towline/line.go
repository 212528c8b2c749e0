package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strings"

	"towline/cards"
	"towline/control"
	"towline/handlers"
)

// chatCommands are the chat's commands on the command line: those that handlers declares, in its order. Help and usage are the command
// line's own, and whoami is about a chat.
func chatCommands() []subcommand {
	var all []subcommand
	for _, h := range handlers.Helps() {
		switch h.Name {
		case "help", "whoami", "usage":
		default:
			all = append(all, chatCommand(h))
		}
	}
	return all
}

func chatCommand(h cards.Help) subcommand {
	c := subcommand{
		name: h.Name, args: h.Args, does: h.Does + ".", group: inTheChat, role: h.Role, asks: kindOf(h.Name) == asks,
		flags: func(f *flag.FlagSet) func(context.Context, program, []string) error {
			l := lineFlags(f, kindOf(h.Name) == asks)
			return func(ctx context.Context, p program, args []string) error { return l.send(ctx, p, h.Name, args) }
		},
	}
	for _, e := range h.Examples {
		c.examples = append(c.examples, onTheShell(e, c.asks))
	}
	return c
}

// onTheShell is an example of the chat as one types it in a shell, where # begins a comment.
func onTheShell(example string, asks bool) string {
	name, rest, _ := strings.Cut(strings.TrimPrefix(example, "/"), " ")
	if asks {
		name += " -as 1001"
	}
	words := strings.Fields(rest)
	for i, w := range words {
		if strings.ContainsAny(w, `#'"!*?&;<>()$`) {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.TrimSpace("towline " + name + " " + strings.Join(words, " "))
}

// line are the flags of a command of the chat.
type line struct {
	place  place
	as     int64
	asJSON bool
}

func lineFlags(f *flag.FlagSet, asks bool) *line {
	l := &line{}
	l.place.flags(f)
	use := "the id of somebody of the config, whose rights count; left out, you are the one who owns the store"
	if asks {
		use = "the id of somebody of the config: it is they who ask, and their rights that count"
	}
	f.Int64Var(&l.as, "as", 0, use)
	f.BoolVar(&l.asJSON, "json", false, `print {"text": …, "code": …}`)
	return l
}

// send orders a command and prints its answer.
func (l *line) send(ctx context.Context, p program, name string, words []string) error {
	if err := l.flagsFirst(name, words); err != nil {
		return err
	}
	return l.place.atDesk(ctx, p, true, func(d control.Desk) error {
		a, err := d.Line(ctx, control.Order{Words: append([]string{name}, words...), As: l.as, User: me()})
		if err != nil {
			return &exitError{code: exitUnknown, text: err.Error()}
		}
		return p.print(a, l.asJSON)
	})
}

// flagsFirst refuses a flag that stands among the words, where it would be taken for one of them.
func (l *line) flagsFirst(name string, words []string) error {
	for _, w := range words {
		flag, _, _ := strings.Cut(strings.TrimPrefix(w, "-"), "=")
		if w != flag && slices.Contains([]string{"as", "config", "store", "json"}, strings.TrimPrefix(flag, "-")) {
			return &exitError{code: exitUsage, text: fmt.Sprintf("flags come before the words: towline %s %s …", name, w)}
		}
	}
	return nil
}

// print shows an answer: what was done on stdout, a refusal with its code on stderr. The error has the exit code.
func (p program) print(a control.Answer, asJSON bool) error {
	text := strings.TrimRight(a.Text, "\n")
	code := "code: " + a.Code
	switch {
	case asJSON:
		out, err := json.Marshal(struct {
			Text string `json:"text"`
			Code string `json:"code"`
		}{text, a.Code})
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%s\n", out)
	case a.Exit == exitFine:
		fmt.Fprintln(p.stdout, text)
	case a.Code == "" || slices.Contains(strings.Split(text, "\n"), code): // a card has it already
		fmt.Fprintln(p.stderr, text)
	default:
		fmt.Fprintf(p.stderr, "%s\n%s\n", text, code)
	}
	if a.Exit == exitFine {
		return nil
	}
	return &exitError{code: a.Exit}
}
