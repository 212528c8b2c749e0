package cards_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"towline/cards"
	"towline/sandbox/telegram"
)

var update = flag.Bool("update", false, "write the golden files anew")

const group = -1001234567890

// reader is a Telegram that every card is sent through: what it refuses, people would never see.
type reader struct {
	t  *testing.T
	tg *telegram.Server
}

func newReader(t *testing.T) *reader {
	t.Helper()
	tg := telegram.New(telegram.Options{Token: "1:card-test", Unlimited: true, Bot: telegram.User{ID: 1, FirstName: "Towline", Username: "towline_bot"}})
	lead := telegram.User{ID: 1001, FirstName: "Lead"}
	if err := tg.AddUser(lead); err != nil {
		t.Fatal(err)
	}
	if err := tg.AddGroup(telegram.Group{ID: group, Title: "Team", Members: []telegram.Member{{User: lead.ID, Status: telegram.Creator}}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, v := range tg.Violations() {
			t.Errorf("Telegram would refuse: %s", v)
		}
		if err := tg.Close(); err != nil {
			t.Error(err)
		}
	})
	return &reader{t: t, tg: tg}
}

// read sends a card and returns it as a client shows it.
func (r *reader) read(c cards.Card) telegram.Message {
	r.t.Helper()
	request := map[string]any{"chat_id": group, "text": c.HTML, "parse_mode": "HTML"}
	if len(c.Buttons) > 0 {
		request["reply_markup"] = map[string]any{"inline_keyboard": keyboard(c)}
	}
	body, err := json.Marshal(request)
	if err != nil {
		r.t.Fatal(err)
	}
	w := httptest.NewRecorder()
	q := httptest.NewRequest(http.MethodPost, "/bot1:card-test/sendMessage", bytes.NewReader(body))
	q.Header.Set("Content-Type", "application/json")
	r.tg.ServeHTTP(w, q)
	if w.Code != http.StatusOK {
		r.t.Fatalf("Telegram refused the card: %s\n%s", w.Body, c.HTML)
	}
	all := r.tg.Messages(group)
	m := all[len(all)-1]
	if n := len(utf16.Encode([]rune(m.Text))); n > 4096 {
		r.t.Fatalf("the card has %d UTF-16 units", n)
	}
	return m
}

func keyboard(c cards.Card) [][]map[string]any {
	var rows [][]map[string]any
	for i, row := range c.Buttons {
		rows = append(rows, nil)
		for _, b := range row {
			button := map[string]any{"text": b.Text}
			switch {
			case b.Action.Verb != "":
				button["callback_data"] = "data"
			case b.URL != "":
				button["url"] = b.URL
			}
			if b.Style != "" {
				button["style"] = string(b.Style)
			}
			rows[i] = append(rows[i], button)
		}
	}
	return rows
}

// golden compares cards with the file of that name: what people read, and below it the HTML.
func golden(t *testing.T, file string, all map[string]cards.Card) {
	t.Helper()
	r := newReader(t)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c := all[name]
		fmt.Fprintf(&b, "=== %s\n%s\n", name, r.read(c).Text)
		for _, row := range c.Buttons {
			for _, button := range row {
				fmt.Fprintf(&b, "[%s] %s%s\n", button.Text, button.Action, styled(button))
			}
		}
		if c.Notify {
			b.WriteString("(with a sound)\n")
		}
		fmt.Fprintf(&b, "--- html\n%s\n\n", c.HTML)
	}
	goldenText(t, file, b.String())
}

func styled(b cards.Button) string {
	if b.Style == "" {
		return ""
	}
	return " (" + string(b.Style) + ")"
}

// goldenText compares a text with the file of that name.
func goldenText(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (run with -update when this is meant):\n%s", path, diff)
	}
}
