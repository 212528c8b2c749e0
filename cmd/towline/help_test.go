package main

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/handlers"
)

const helpGolden = "testdata/help.golden"

func TestTheHelpOfEveryCommand(t *testing.T) {
	o := newOutside(t, true)
	var b strings.Builder
	_, stdout, _ := o.run(t.Context(), "help")
	b.WriteString("$ towline help\n" + stdout)
	for _, c := range subcommands() {
		code, stdout, stderr := o.run(t.Context(), append([]string{"help"}, strings.Fields(c.name)...)...)
		if code != exitFine || stderr != "" {
			t.Errorf("help %s: exit code %d: %s", c.name, code, stderr)
		}
		b.WriteString("\n$ towline help " + c.name + "\n" + stdout)
	}
	if *update {
		if err := os.WriteFile(helpGolden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(helpGolden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("the help is another (go test ./cmd/towline -update writes it anew):\n%s", diff)
	}
}

func TestEveryCommandOfTheChatIsOnTheCommandLineOnceWithItsUsage(t *testing.T) {
	all := subcommands()
	for _, h := range handlers.Helps() {
		if h.Name == "help" || h.Name == "usage" || h.Name == "whoami" { // the command line's own, and about a chat
			continue
		}
		i := slices.IndexFunc(all, func(c subcommand) bool { return c.name == h.Name })
		if i < 0 || all[i].args != h.Args || all[i].role != h.Role || all[i].group != inTheChat {
			t.Errorf("/%s is not there as the chat has it", h.Name)
		}
	}
	var names []string
	for _, c := range all {
		names = append(names, c.name)
		c.flags(flag.NewFlagSet(c.name, flag.ContinueOnError)) // two flags of a name would panic
	}
	if slices.Sort(names); len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("a name is there twice: %q", names)
	}
}

func TestTheListOfCommandsIsAligned(t *testing.T) {
	o := newOutside(t, true)
	_, stdout, _ := o.run(t.Context(), "help")
	columns := map[int]bool{}
	for _, c := range subcommands() {
		for _, l := range strings.Split(stdout, "\n") {
			if before, found := strings.CutSuffix(l, "  "+c.does); found {
				columns[len([]rune(before))] = true
			}
		}
		if !strings.Contains(stdout, c.does) {
			t.Errorf("%s is not in the list", c.name)
		}
	}
	if len(columns) != 1 {
		t.Errorf("what they do stands in %d columns:\n%s", len(columns), stdout)
	}
}

func TestAnExampleOfTheChatCanBePastedIntoAShell(t *testing.T) {
	for _, c := range []struct {
		example string
		asks    bool
		want    string
	}{
		{"/status", false, "towline status"},
		{"/promote shop #42", true, "towline promote -as 1001 shop '#42'"},
		{"/unhold it's fixed by #43", false, `towline unhold 'it'\''s' fixed by '#43'`},
	} {
		if got := onTheShell(c.example, c.asks); got != c.want {
			t.Errorf("%s: %s", c.example, got)
		}
	}
}
