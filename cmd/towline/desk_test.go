package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/control"
	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/handlers"
)

func TestWhoACommandLineIsFrom(t *testing.T) {
	dana := actor(1001, "Dana", gate.Deployer)
	for _, c := range []struct {
		name  string
		order control.Order
		bot   bool
		by    gate.Actor // zero: handlers are not asked
		exit  int
		words []string
	}{
		{name: "the owner of the store", order: control.Order{Words: []string{"unhold", "shop"}, User: "ops"}, bot: true,
			by: actor(0, "ops on the command line", gate.Admin)},
		{name: "somebody of the config", order: control.Order{Words: []string{"unhold", "shop"}, As: 1001, User: "ops"}, bot: true,
			by: actor(1001, "Dana (by ops on the command line)", gate.Deployer)},
		{name: "somebody who is not in the config", order: control.Order{Words: []string{"unhold", "shop"}, As: 7, User: "ops"}, bot: true,
			exit: exitRefused, words: []string{"unknown_person", "1001 is Dana, deployer"}},
		{name: "a request in nobody's name", order: control.Order{Words: []string{"/Promote", "shop"}, User: "ops"}, bot: true,
			exit: exitUsage, words: []string{"towline promote -as ID", "1001 is Dana, deployer"}},
		{name: "a command that is made one day, in nobody's name", order: control.Order{Words: []string{"dance"}, User: "ops"}, bot: true,
			exit: exitUsage, words: []string{"towline dance -as ID"}},
		{name: "a change without a bot", order: control.Order{Words: []string{"hold", "shop", "careful"}, User: "ops"},
			by: actor(0, "ops on the command line", gate.Admin), words: []string{"done", "No bot runs"}},
		{name: "a request without a bot", order: control.Order{Words: []string{"deploy", "shop"}, As: 1001, User: "ops"},
			by: actor(1001, "Dana (by ops on the command line)", gate.Deployer), words: []string{"done", "No bot runs", "A run begins then"}},
		{name: "a question without a bot", order: control.Order{Words: []string{"status"}, User: "ops"},
			by: actor(0, "ops on the command line", gate.Admin), words: []string{"done"}},
		{name: "a reload without a bot", order: control.Order{Words: []string{"reload"}, User: "ops"}, words: []string{"when it starts"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got gate.Actor
			d := &desk{
				bot: c.bot, people: func(context.Context) []gate.Actor { return []gate.Actor{dana} },
				line: func(_ context.Context, l handlers.Line) (handlers.Answer, error) {
					got = l.By
					return handlers.Answer{Text: "done"}, nil
				},
			}
			a, err := d.Line(t.Context(), c.order)
			if err != nil || a.Exit != c.exit || !hasAll(a.Text+" "+a.Code, c.words) {
				t.Errorf("%+v, %v", a, err)
			}
			if kindOf(c.order.Words[0]) == reads && strings.Contains(a.Text, "No bot runs") {
				t.Errorf("it only asked: %s", a.Text)
			}
			if kindOf(c.order.Words[0]) != asks && strings.Contains(a.Text, "A run begins") {
				t.Errorf("it starts no run: %s", a.Text)
			}
			if diff := cmp.Diff(c.by, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryOrderHasAKeyOfItsOwn(t *testing.T) {
	var keys []string
	d := &desk{bot: true, line: func(_ context.Context, l handlers.Line) (handlers.Answer, error) {
		keys = append(keys, l.Key)
		return handlers.Answer{}, nil
	}}
	for range 3 {
		if _, err := d.Line(t.Context(), control.Order{Words: []string{"status"}, User: "ops"}); err != nil {
			t.Fatal(err)
		}
	}
	if slices.Sort(keys); len(slices.Compact(keys)) != 3 {
		t.Errorf("%q", keys)
	}
}

func TestARefusalsCodeDecidesTheExitCode(t *testing.T) {
	for code, want := range map[release.Code]int{
		"": exitFine, release.CodeUsage: exitUsage, release.CodeHold: exitRefused, release.CodeNotAllowed: exitRefused,
		release.CodeFactsMissing: exitUnknown, release.CodeFactsOld: exitUnknown, release.CodeSource: exitUnknown,
	} {
		if got := exitOf(code); got != want {
			t.Errorf("%q: exit code %d, want %d", code, got, want)
		}
	}
}
