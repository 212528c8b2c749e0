package bot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"towline/bot"
	"towline/store"
)

// granting is a Telegram that does whatever it is asked.
type granting struct{}

func (granting) RoundTrip(r *http.Request) (*http.Response, error) {
	body := `{"ok":true,"result":true}`
	switch method := path.Base(r.URL.Path); {
	case method == "getMe":
		body = fmt.Sprintf(`{"ok":true,"result":{"id":%d,"username":"towline_bot"}}`, botID)
	case strings.HasPrefix(method, "send"):
		body = fmt.Sprintf(`{"ok":true,"result":{"message_id":77,"date":1,"chat":{"id":%d,"type":"supergroup"}}}`, group)
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// fuzzed is a bot with one live card, without a Run.
type fuzzed struct {
	bot     *bot.Bot
	handler *recorder
	store   *outcomes
	card    bot.Card
	live    string // the callback token of its button
	private string // of its button for Second alone
}

func newFuzzed(f *testing.F) *fuzzed {
	f.Helper()
	s, err := store.Open(filepath.Join(f.TempDir(), "towline.db"), store.Options{NoSync: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	z := &fuzzed{handler: &recorder{}, store: &outcomes{Store: s.Bot(), ended: map[int64]bot.Outcome{}}}
	o := bot.Options{Token: token, APIURL: "http://telegram.test", Transport: granting{}, Pace: bot.Pace{Edit: -1, Group: -1, Private: -1, All: -1, Retry: time.Millisecond}}
	hooked(&o)
	if z.bot, err = bot.New(o, z.store, z.handler); err != nil {
		f.Fatal(err)
	}
	frame := bot.Frame{Place: bot.Place{Chat: group}, HTML: "approve?", Buttons: buttons("yes", "mine"), OnReply: "reason"}
	frame.Buttons[0][1].For = []int64{second}
	if err := z.bot.Outbox().Want(context.Background(), "run/1", frame); err != nil {
		f.Fatal(err)
	}
	z.bot.Post(context.Background())
	if z.card, _, err = s.Bot().Card(context.Background(), "run/1"); err != nil || z.card.Message != 77 {
		f.Fatalf("the card is not posted: %+v %v", z.card, err)
	}
	for _, t := range z.card.Tokens {
		if t.Data == "yes" {
			z.live = t.ID
		} else {
			z.private = t.ID
		}
	}
	return z
}

// handle handles one update, the first since the last call.
func (z *fuzzed) handle(raw []byte) (how bot.Outcome, finished bool) {
	clear(z.store.ended)
	z.handler.commands, z.handler.presses, z.handler.replies, z.handler.events = nil, nil, nil, nil
	z.bot.Handle(context.Background(), bot.Update{ID: 1, Raw: raw, Received: time.Now()})
	how, finished = z.store.ended[1]
	return how, finished
}

// check looks at what reached the handler of an update.
func (z *fuzzed) check(t *testing.T, raw []byte) {
	t.Helper()
	how, finished := z.handle(raw)
	if !finished {
		t.Errorf("%q has no outcome in the journal", raw)
	}
	if json.Valid(raw) && how == bot.Failed { // nothing here fails: it was a panic before the handler
		t.Errorf("%q made the bot panic", raw)
	}
	for _, c := range z.handler.commands {
		checkCommand(t, c.Text, c.Name, "towline_bot")
	}
	for _, p := range z.handler.presses {
		if p.Card != "run/1" || p.Place.Chat != group || p.Message != 77 || p.Data == "mine" && p.From.ID != second {
			t.Errorf("%q reached the handler as %+v", raw, p)
		}
	}
	for _, p := range z.handler.replies {
		if p.Card != "run/1" || p.Data != "reason" || p.Place.Chat != group || strings.HasPrefix(p.Text, "/") || p.Text == "" {
			t.Errorf("%q reached the handler as %+v", raw, p)
		}
	}
	for _, p := range slices.Concat(z.handler.commands) {
		if utf8.RuneCountInString(p.From.Name) > 64 || p.From.Name == "" || strings.ContainsAny(p.From.Name, "\u202e\n\x00") {
			t.Errorf("the name %q", p.From.Name)
		}
	}
}

// checkCommand says what must be true of a text that was taken for a command.
func checkCommand(t *testing.T, text, name, self string) {
	t.Helper()
	if name == "" || len(name) > 32 || name != strings.ToLower(name) || len(text) <= len(name) || text[0] != '/' ||
		!strings.EqualFold(text[1:1+len(name)], name) {
		t.Fatalf("%q was taken for the command %q", text, name)
	}
	rest := text[1+len(name):]
	if strings.HasPrefix(rest, "@") {
		word := strings.FieldsFunc(rest[1:]+" ", func(r rune) bool {
			return !(r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
		})
		if self == "" || len(word) == 0 || !strings.EqualFold(word[0], self) || !strings.HasPrefix(rest[1:], word[0]) {
			t.Fatalf("%q is for another bot than %q", text, self)
		}
	}
}

func FuzzUpdate(f *testing.F) {
	z := newFuzzed(f)
	const from = `"from":{"id":1002,"first_name":"Second"},"date":1,"chat":{"id":-1001234567890,"type":"supergroup"}`
	for _, raw := range []string{
		hookBody, `{}`, `[]`, `null`, `{"update_id":1,"message":null}`, `{"update_id":1,"message":{}}`, `{"update_id":1,"callback_query":{}}`,
		`{"update_id":1,"message":{` + from + `,"message_id":9,"text":"/deploy@towline_bot shop","entities":[{"type":"bot_command","offset":0,"length":19}]}}`,
		`{"update_id":1,"message":{` + from + `,"message_id":9,"text":"because","reply_to_message":{"message_id":77,"from":{"id":7000000001,"is_bot":true}}}}`,
		`{"update_id":1,"edited_message":{` + from + `,"message_id":9,"text":"/x","forward_origin":{}}}`,
		`{"update_id":1,"message":{` + from + `,"migrate_to_chat_id":0,"migrate_from_chat_id":-1}}`,
		`{"update_id":1,"my_chat_member":{` + from + `,"old_chat_member":{"status":"left"},"new_chat_member":{"status":"member"}}}`,
		`{"update_id":1,"callback_query":{"id":"1","from":{"id":1001},"data":"` + z.live + `","message":{` + from + `,"message_id":77,"reply_markup":{"inline_keyboard":[[{"callback_data":"` + z.live + `"}]]}}}}`,
		`{"update_id":1,"callback_query":{"id":"1","from":{"id":1001},"data":"x","message":{"chat":{"id":-1},"message_id":1,"date":0}}}`,
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var u struct {
			Message struct {
				To   int64 `json:"migrate_to_chat_id"`
				From int64 `json:"migrate_from_chat_id"`
			} `json:"message"`
		}
		if _ = json.Unmarshal(raw, &u); u.Message.To != 0 || u.Message.From != 0 {
			t.Skip("the card would move for good")
		}
		z.check(t, raw)
	})
}

func FuzzCommand(f *testing.F) {
	for _, c := range []struct{ text, entities, self string }{
		{"/deploy shop", `[{"type":"bot_command","offset":0,"length":7}]`, "towline_bot"},
		{"/deploy@towline_bot shop", `[]`, "towline_bot"}, {"/deploy@other_bot", `[]`, "towline_bot"}, {"/deploy@", `[]`, ""},
		{"🚀 @second", `[{"type":"mention","offset":3,"length":7}]`, "towline_bot"}, {"/x @\xff", `[{"type":"mention","offset":3,"length":2}]`, "x"},
		{"/d", `[{"type":"bot_command","offset":0,"length":-3},{"type":"mention","offset":9223372036854775807,"length":9223372036854775807}]`, "b"},
		{"/d", `[{"type":"text_mention","offset":0,"length":1,"user":{"id":1}}]`, "b"},
	} {
		f.Add(c.text, c.entities, c.self)
	}
	f.Fuzz(func(t *testing.T, text, entities, self string) {
		name, args, mentioned, ok := bot.ParseCommand(text, entities, self)
		if ok {
			checkCommand(t, text, name, self)
		} else if name != "" || args != nil {
			t.Errorf("%q is no command, and yet %q %q", text, name, args)
		}
		if mentioned > strings.Count(entities, "{") {
			t.Errorf("%d people in %s", mentioned, entities)
		}
		for _, a := range args {
			if a == "" || !strings.Contains(text, a) {
				t.Errorf("the argument %q is not in %q", a, text)
			}
		}
	})
}

func FuzzCallbackData(f *testing.F) {
	z := newFuzzed(f)
	f.Add(z.live, group, 77, lead, true)
	f.Add(z.live, other, 77, lead, true)
	f.Add(z.live, group, 76, lead, false)
	f.Add(z.private, group, 77, lead, true)
	f.Add(z.private, group, 77, second, false)
	f.Add("", group, 77, second, true)
	f.Add("\x00/"+z.live, group, 77, second, true)
	f.Fuzz(func(t *testing.T, data string, chat int64, message int, by int64, shown bool) {
		markup := []map[string]string{}
		if shown {
			markup = append(markup, map[string]string{"callback_data": data})
		}
		raw, err := json.Marshal(map[string]any{"update_id": 1, "callback_query": map[string]any{
			"id": "1", "from": map[string]any{"id": by}, "data": data, "message": map[string]any{
				"message_id": message, "date": 1, "chat": map[string]any{"id": chat}, "reply_markup": map[string]any{"inline_keyboard": [][]map[string]string{markup}},
			},
		}})
		must(t, err)
		z.check(t, raw)
		good := chat == group && message == 77 && (data == z.live || data == z.private && by == second)
		if good != (len(z.handler.presses) == 1) {
			t.Errorf("%s: %d presses reached the handler", raw, len(z.handler.presses))
		}
	})
}

func FuzzWebhookBody(f *testing.F) {
	z := newFuzzed(f)
	var mu sync.Mutex
	for _, body := range []string{hookBody, `{"update_id":-1}`, `{"update_id":"7"}`, `{"update_id":1e3}`, `{"update_id":9223372036854775808}`, "", "\xff", `{"update_id":5,"update_id":6}`, `{"UPDATE_ID":8}`} {
		f.Add(http.MethodPost, hookSecret, []byte(body))
	}
	f.Add(http.MethodGet, hookSecret, []byte(hookBody))
	f.Add(http.MethodPost, "", []byte(hookBody))
	f.Fuzz(func(t *testing.T, method, secret string, body []byte) {
		mu.Lock()
		defer mu.Unlock()
		req := httptest.NewRequest(http.MethodPost, "/telegram", bytes.NewReader(body))
		req.Method = method
		req.Header.Set("X-Telegram-Bot-Api-Secret-Token", secret)
		rec := httptest.NewRecorder()
		z.bot.WebhookHandler().ServeHTTP(rec, req)
		if welcome := method == http.MethodPost && secret == hookSecret && len(body) <= 1<<20; welcome != (rec.Code == 200) {
			t.Fatalf("%s with the secret %q and %d bytes was answered %d", method, secret, len(body), rec.Code)
		}
		var u struct {
			ID *int64 `json:"update_id"`
		}
		if rec.Code != 200 || json.Unmarshal(body, &u) != nil || u.ID == nil {
			return
		}
		added, err := z.store.Journal(t.Context(), []bot.Update{{ID: *u.ID, Raw: body, Received: time.Now()}})
		if err != nil || len(added) != 0 {
			t.Errorf("%q was acknowledged and is not in the journal: %v", body, err)
		}
	})
}
