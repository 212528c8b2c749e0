package telegram_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"towline/sandbox/parts"
	"towline/sandbox/telegram"
)

func TestMain(m *testing.M) { parts.Main(m) }

const (
	token    = "42:sandbox"
	botID    = 42
	lead     = 1001
	reviewer = 1002
	stranger = 1003
	chat     = -1001234567890
	basic    = -777
	forum    = -1009876543210
)

// patience is how long a test may wait for what never comes. It only ends what hangs, so it is long beside any machine's slowness.
const patience = 4 * time.Minute

// clock is a time that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a server with its people, reachable over HTTP.
type world struct {
	*telegram.Server
	t     testing.TB
	ctx   context.Context // long enough for any wait, so that a wait for nothing is told by its place
	url   string
	clock *clock
}

// newWorld starts a server in which the bot is an administrator of the group; change may alter the options first.
func newWorld(t testing.TB, change ...func(*telegram.Options)) *world {
	t.Helper()
	c := newClock()
	o := telegram.Options{
		Token: token, Bot: telegram.User{ID: botID, FirstName: "Towline", Username: "towline_bot"},
		Now: c.Now, PollCap: 20 * time.Millisecond, Unlimited: true,
	}
	for _, f := range change {
		f(&o)
	}
	s := telegram.New(o)
	web := httptest.NewServer(s)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	w := &world{Server: s, t: t, ctx: ctx, url: web.URL, clock: c}
	for id, name := range map[int64]string{lead: "Lead", reviewer: "Reviewer", stranger: "Stranger"} {
		w.must(s.AddUser(telegram.User{ID: id, FirstName: name, LanguageCode: "en"}))
	}
	w.must(s.AddGroup(telegram.Group{ID: chat, Title: "Shop", Members: []telegram.Member{
		{User: lead, Status: telegram.Creator}, {User: reviewer, Status: telegram.Ordinary}, {User: botID, Status: telegram.Administrator},
	}}))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// answer is what a method said.
type answer struct {
	Status      int
	OK          bool            `json:"ok"`
	Code        int             `json:"error_code"`
	Description string          `json:"description"`
	Result      json.RawMessage `json:"result"`
	Parameters  struct {
		RetryAfter int   `json:"retry_after"`
		MigrateTo  int64 `json:"migrate_to_chat_id"`
	} `json:"parameters"`
}

// try calls a method with a JSON body.
func (w *world) try(ctx context.Context, method, params string) (answer, error) {
	hr, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/bot"+token+"/"+method, strings.NewReader(params))
	if err != nil {
		return answer{}, err
	}
	hr.Header.Set("Content-Type", "application/json")
	return do(hr)
}

func do(hr *http.Request) (answer, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(hr)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{Status: resp.StatusCode}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("%d %s: %w", resp.StatusCode, bytes.TrimSpace(body), err)
	}
	return a, nil
}

// call is try for requests that get an answer.
func (w *world) call(method, params string) answer {
	w.t.Helper()
	a, err := w.try(w.ctx, method, params)
	w.must(err)
	if a.OK != (a.Status == http.StatusOK) || !a.OK && a.Code != a.Status {
		w.t.Fatalf("%s: status %d and body %+v don't agree", method, a.Status, a)
	}
	return a
}

// ok is call for requests that succeed; it reads the result into v, if that isn't nil.
func (w *world) ok(method, params string, v any) {
	w.t.Helper()
	a := w.call(method, params)
	if !a.OK {
		w.t.Fatalf("%s %s: %s", method, params, a.Description)
	}
	if v != nil {
		w.must(json.Unmarshal(a.Result, v))
	}
}

// fails is call for requests that don't; it wants the code and the description.
func (w *world) fails(method, params string, code int, description string) answer {
	w.t.Helper()
	a := w.call(method, params)
	if a.Code != code || a.Description != description {
		w.t.Errorf("%s %s\n got %d %s\nwant %d %s", method, params, a.Code, a.Description, code, description)
	}
	return a
}

// send posts a message of the bot and returns its id.
func (w *world) send(params string) int {
	w.t.Helper()
	var m struct {
		ID int `json:"message_id"`
	}
	w.ok("sendMessage", params, &m)
	return m.ID
}

// say writes as a person.
func (w *world) say(o telegram.SayOptions) int {
	w.t.Helper()
	id, err := w.Say(w.ctx, o)
	w.must(err)
	return id
}

// clean wants no violations.
func (w *world) clean() {
	w.t.Helper()
	if v := w.Violations(); len(v) > 0 {
		w.t.Errorf("violations: %s", strings.Join(v, "\n"))
	}
}

// updateOf is the part of an update that tests look at.
type updateOf struct {
	ID            int64    `json:"update_id"`
	Message       *msg     `json:"message"`
	EditedMessage *msg     `json:"edited_message"`
	MyChatMember  *anyJSON `json:"my_chat_member"`
	ChatMember    *anyJSON `json:"chat_member"`
	Reaction      *anyJSON `json:"message_reaction"`
	Query         *struct {
		ID      string        `json:"id"`
		From    telegram.User `json:"from"`
		Data    string        `json:"data"`
		Message msg           `json:"message"`
	} `json:"callback_query"`
}

type anyJSON = map[string]any

type msg struct {
	ID         int           `json:"message_id"`
	Thread     int           `json:"message_thread_id"`
	IsTopic    bool          `json:"is_topic_message"`
	Date       int64         `json:"date"`
	EditDate   int64         `json:"edit_date"`
	From       telegram.User `json:"from"`
	SenderChat *anyJSON      `json:"sender_chat"`
	Text       string        `json:"text"`
	Caption    string        `json:"caption"`
	Entities   []anyJSON     `json:"entities"`
	ReplyTo    *msg          `json:"reply_to_message"`
	Forward    *anyJSON      `json:"forward_origin"`
	Offline    bool          `json:"is_from_offline"`
	ViaBot     *anyJSON      `json:"via_bot"`
	MigrateTo  int64         `json:"migrate_to_chat_id"`
	Document   *anyJSON      `json:"document"`
}

// updates fetches what is there from an offset on.
func (w *world) updates(offset int64) []updateOf {
	w.t.Helper()
	var list []updateOf
	w.ok("getUpdates", fmt.Sprintf(`{"offset": %d}`, offset), &list)
	return list
}

// texts shows updates as "kind text" for comparison.
func texts(list []updateOf) string {
	var all []string
	for _, u := range list {
		switch {
		case u.Message != nil:
			all = append(all, u.Message.Text)
		case u.EditedMessage != nil:
			all = append(all, "edited "+u.EditedMessage.Text)
		case u.Query != nil:
			all = append(all, "pressed "+u.Query.Data)
		default:
			all = append(all, "other")
		}
	}
	return strings.Join(all, ", ")
}
