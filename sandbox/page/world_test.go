package page_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"towline/sandbox/page"
	"towline/sandbox/parts"
	"towline/sandbox/telegram"
)

func TestMain(m *testing.M) { parts.Main(m) }

// patience is how long a test waits for something that it expects. It only ends what hangs, so it is long beside any machine's
// slowness.
const patience = 90 * time.Second

const (
	group = int64(-1001234567890)
	dana  = int64(1001)
	robin = int64(1002)
	sam   = int64(1003)
	botID = int64(5001)
	token = "5001:local"
)

// world is a sandbox Telegram with a bot on it, and the page that shows its group.
type world struct {
	t      *testing.T
	chat   *telegram.Server
	page   *page.Page
	url    string // of the page
	api    string // of the bot's methods, with a slash behind
	client *http.Client

	mu      sync.Mutex
	presses map[string]func(press) // what the bot does on a press, by callback data
}

// press is what the bot is told of a press.
type press struct {
	ID   string             `json:"id"`
	From struct{ ID int64 } `json:"from"`
	Data string             `json:"data"`
}

// newWorld starts everything; change may alter the page's options.
func newWorld(t *testing.T, change func(*page.Options)) *world {
	t.Helper()
	w := &world{t: t, client: &http.Client{Transport: &http.Transport{}}, presses: map[string]func(press){}}
	began := time.Now()
	w.chat = telegram.New(telegram.Options{
		// The chat's clock stands still: what lasts for seconds in it, as a press that waits for its answer, lasts as long as a test needs.
		Now:   func() time.Time { return began },
		Token: token, Bot: telegram.User{ID: botID, FirstName: "Towline", Username: "towline_test_bot"}, ReadsAll: true, Unlimited: true,
	})
	w.people()
	o := page.Options{
		Chat: w.chat, Group: group, Title: "shop team", AnswerWithin: patience,
		Members: []page.Member{
			{ID: dana, Name: "Dana", Role: "deployer", About: "May deploy and ask for production."},
			{ID: robin, Name: "Robin", Role: "approver", About: "May approve what others ask for."},
			{ID: sam, Name: "Sam", Role: "stranger", About: "May do nothing here."},
		},
	}
	if change != nil {
		change(&o)
	}
	w.page = page.New(o)
	pages, bots := httptest.NewServer(w.page), httptest.NewServer(w.chat)
	w.url, w.api = pages.URL, bots.URL+"/bot"+token+"/"
	ctx, stop := context.WithCancel(context.Background())
	var polling sync.WaitGroup
	polling.Go(func() { w.poll(ctx) })
	t.Cleanup(func() {
		stop()
		must(t, w.page.Close())
		must(t, w.chat.Close())
		polling.Wait()
		w.client.CloseIdleConnections()
		pages.CloseClientConnections()
		pages.Close()
		bots.Close()
		if v := w.chat.Violations(); len(v) > 0 {
			t.Errorf("the bot of the test broke the Bot API: %q", v)
		}
	})
	return w
}

func (w *world) people() {
	w.t.Helper()
	for id, name := range map[int64]string{dana: "Dana", robin: "Robin", sam: "Sam"} {
		must(w.t, w.chat.AddUser(telegram.User{ID: id, FirstName: name}))
	}
	must(w.t, w.chat.AddGroup(telegram.Group{ID: group, Title: "shop team", Members: []telegram.Member{
		{User: dana, Status: telegram.Creator}, {User: robin, Status: telegram.Ordinary},
		{User: sam, Status: telegram.Ordinary}, {User: botID, Status: telegram.Administrator},
	}}))
}

// poll is the bot: it takes presses and does what the test said it does.
func (w *world) poll(ctx context.Context) {
	offset := 0
	for ctx.Err() == nil {
		var updates []struct {
			UpdateID int    `json:"update_id"`
			Callback *press `json:"callback_query"`
		}
		if err := w.method(ctx, "getUpdates", map[string]any{"offset": offset, "timeout": 30}, &updates); err != nil {
			if ctx.Err() == nil {
				w.t.Errorf("getUpdates: %v", err)
			}
			return
		}
		for _, u := range updates {
			offset = u.UpdateID + 1
			if u.Callback == nil {
				continue
			}
			w.mu.Lock()
			f := w.presses[u.Callback.Data]
			w.mu.Unlock()
			if f != nil {
				f(*u.Callback)
			}
		}
	}
}

// onPress says what the bot does when a button with this data is pressed.
func (w *world) onPress(data string, f func(press)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.presses[data] = f
}

func (w *world) answer(p press, text string, alert bool) {
	w.bot("answerCallbackQuery", map[string]any{"callback_query_id": p.ID, "text": text, "show_alert": alert}, nil)
}

func (w *world) method(ctx context.Context, name string, params, result any) error {
	body, err := json.Marshal(params)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.api+name, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	return w.roundTrip(req, result)
}

func (w *world) roundTrip(req *http.Request, result any) error {
	res, err := w.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var reply struct {
		OK          bool            `json:"ok"`
		Description string          `json:"description"`
		Result      json.RawMessage `json:"result"`
	}
	if err := json.NewDecoder(res.Body).Decode(&reply); err != nil {
		return err
	}
	if !reply.OK {
		return errors.New(reply.Description)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(reply.Result, result)
}

// bot calls a method that has to succeed. It may be called from the bot's own goroutine.
func (w *world) bot(name string, params map[string]any, result any) {
	if err := w.method(context.Background(), name, params, result); err != nil {
		w.t.Errorf("%s: %v", name, err)
	}
}

// send sends an HTML message to the group and returns its id.
func (w *world) send(html string, rows ...[]map[string]any) int {
	w.t.Helper()
	params := map[string]any{"chat_id": group, "text": html, "parse_mode": "HTML"}
	if len(rows) > 0 {
		params["reply_markup"] = map[string]any{"inline_keyboard": rows}
	}
	var m struct {
		MessageID int `json:"message_id"`
	}
	w.bot("sendMessage", params, &m)
	return m.MessageID
}

// edit changes a message, which loses its buttons.
func (w *world) edit(id int, html string) {
	w.bot("editMessageText", map[string]any{"chat_id": group, "message_id": id, "text": html, "parse_mode": "HTML"}, nil)
}

// upload sends a document to the group.
func (w *world) upload(name, content, caption string) {
	w.t.Helper()
	var body bytes.Buffer
	form := newForm(w.t, &body)
	form.field("chat_id", fmt.Sprint(group))
	form.field("caption", caption)
	form.file("document", name, content)
	kind := form.done()
	req, err := http.NewRequest(http.MethodPost, w.api+"sendDocument", &body)
	must(w.t, err)
	req.Header.Set("Content-Type", kind)
	must(w.t, w.roundTrip(req, nil))
}

func (w *world) say(from int64, text string) int {
	w.t.Helper()
	id, err := w.chat.Say(w.t.Context(), telegram.SayOptions{Chat: group, From: from, Text: text})
	must(w.t, err)
	return id
}

// heard waits until somebody has said exactly this in the group.
func (w *world) heard(from int64, text string) telegram.Message {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	var found telegram.Message
	err := w.chat.WaitFor(ctx, group, func(ms []telegram.Message) bool {
		for _, m := range ms {
			if m.From == from && m.Text == text {
				found = m
				return true
			}
		}
		return false
	})
	must(w.t, err)
	return found
}

// request asks the page for something, as a program that is no browser.
func (w *world) request(method, path, body string, header map[string]string) (*http.Response, string) {
	w.t.Helper()
	req, err := http.NewRequest(method, w.url+path, strings.NewReader(body))
	must(w.t, err)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		if k == "Host" {
			req.Host = v
		} else {
			req.Header.Set(k, v)
		}
	}
	res, err := w.client.Do(req)
	must(w.t, err)
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	must(w.t, err)
	return res, string(content)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func button(text, style, data string) map[string]any {
	b := map[string]any{"text": text, "callback_data": data}
	if style != "" {
		b["style"] = style
	}
	return b
}
