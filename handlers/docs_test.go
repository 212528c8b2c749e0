package handlers_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/handlers"
)

var updateDocs = flag.Bool("update-docs", false, "write docs/commands.md anew")

// commandsPage is docs/commands.md as the commands themselves say it.
func commandsPage() string {
	var b strings.Builder
	b.WriteString("# Commands\n\nMade from what each command says of itself; `/help` in the chat shows the same.\n\n")
	b.WriteString("In square brackets: may be left out. A project may be left out where the chat has one; where it has several, buttons ask.\n")
	topic := ""
	for _, h := range handlers.Helps() {
		if h.Topic != topic {
			topic = h.Topic
			fmt.Fprintf(&b, "\n## %s\n", topic)
		}
		fmt.Fprintf(&b, "\n### `%s`\n\n%s. Takes the role %s.\n\n", h.Usage(), h.Does, h.Role)
		for _, e := range h.Examples {
			fmt.Fprintf(&b, "    %s\n", e)
		}
	}
	return b.String()
}

func TestTheDocsOfTheCommandsAreWhatTheCommandsSay(t *testing.T) {
	const path = "../docs/commands.md"
	if *updateDocs {
		if err := os.WriteFile(path, []byte(commandsPage()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(commandsPage(), string(page)); diff != "" {
		t.Errorf("docs/commands.md is behind (run go test ./handlers -update-docs):\n%s", diff)
	}
}
