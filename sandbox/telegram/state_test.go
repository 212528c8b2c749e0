package telegram_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"towline/sandbox/telegram"
)

// lives are the lives of one Telegram on one file.
type lives struct {
	t     testing.TB
	path  string
	clock *clock
	hooks bool
}

func newLives(t testing.TB) *lives {
	return &lives{t: t, path: filepath.Join(t.TempDir(), "telegram.state"), clock: newClock()}
}

func (l *lives) options(path string) telegram.Options {
	return telegram.Options{
		Token: token, Bot: telegram.User{ID: botID, FirstName: "Towline", Username: "towline_bot"}, Now: l.clock.Now,
		PollCap: 20 * time.Millisecond, Unlimited: true, LocalWebhooks: l.hooks, State: path,
	}
}

// start opens the file at path; end closes what it started.
func (l *lives) start(path string) (w *world, end func()) {
	l.t.Helper()
	s, err := telegram.Open(l.options(path))
	if err != nil {
		l.t.Fatal(err)
	}
	web := httptest.NewServer(s)
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	end = sync.OnceFunc(func() {
		cancel()
		if err := s.Close(); err != nil {
			l.t.Error(err)
		}
		web.Close()
	})
	l.t.Cleanup(end)
	return &world{Server: s, t: l.t, ctx: ctx, url: web.URL, clock: l.clock}, end
}

// first is the first life, with a cast.
func (l *lives) first() (w *world, end func()) {
	l.t.Helper()
	w, end = l.start(l.path)
	for id, name := range map[int64]string{lead: "Lead", reviewer: "Reviewer", stranger: "Stranger"} {
		w.must(w.AddUser(telegram.User{ID: id, FirstName: name, LanguageCode: "en"}))
	}
	w.must(w.AddGroup(telegram.Group{ID: chat, Title: "Shop", Members: []telegram.Member{
		{User: lead, Status: telegram.Creator}, {User: reviewer, Status: telegram.Ordinary}, {User: botID, Status: telegram.Administrator},
	}}))
	return w, end
}

// seen is everything that the people's side shows of a server.
func seen(w *world) map[string]any {
	all := map[string]any{"users": w.Users(), "groups": w.Groups()}
	chats := []int64{lead, reviewer, stranger, basic}
	for _, g := range w.Groups() {
		chats = append(chats, g.ID)
	}
	for _, id := range chats {
		messages := w.Messages(id)
		all[fmt.Sprint("messages of ", id)] = messages
		all[fmt.Sprint("menu in ", id)] = w.Commands(id, lead)
		for _, m := range messages {
			if f := cmp.Or(m.Document, m.Photo); f != nil {
				name, content, ok := w.Document(f.ID)
				all["file "+f.ID] = []any{name, string(content), ok}
			}
		}
	}
	return all
}

func same(t testing.TB, before, after map[string]any) {
	t.Helper()
	if diff := gocmp.Diff(before, after); diff != "" {
		t.Errorf("after the restart (-before +after):\n%s", diff)
	}
}

// busyLife makes one of everything that is kept, and returns the card with the button.
func busyLife(w *world) int {
	w.must(w.AddUser(telegram.User{ID: 1004, FirstName: "Forum", LastName: "Owner", Username: "owner"}))
	w.must(w.AddGroup(telegram.Group{ID: basic, Title: "Small", Basic: true, Members: []telegram.Member{{User: lead, Status: telegram.Creator}}}))
	w.must(w.AddGroup(telegram.Group{ID: forum, Title: "Forum", Forum: true, Topics: []telegram.Topic{{ID: 7, Name: "shop"}}, Reactions: []string{},
		Members: []telegram.Member{{User: 1004, Status: telegram.Creator, Anonymous: true, Title: "boss"}, {User: botID, Status: telegram.Administrator}}}))
	id := w.send(`{"chat_id": -1001234567890, "text": "<b>shop</b> → preview", "parse_mode": "HTML", "reply_markup": {"inline_keyboard":
		[[{"text": "Promote", "callback_data": "p1"}, {"text": "Log", "url": "https://example.com/log"}]]}}`)
	edited := w.send(`{"chat_id": -1001234567890, "text": "one"}`)
	w.ok("editMessageText", fmt.Sprintf(`{"chat_id": %d, "message_id": %d, "text": "two"}`, int64(chat), edited), nil)
	w.ok("pinChatMessage", fmt.Sprintf(`{"chat_id": %d, "message_id": %d}`, int64(chat), edited), nil)
	w.ok("setMessageReaction", fmt.Sprintf(`{"chat_id": %d, "message_id": %d, "reaction": [{"type": "emoji", "emoji": "👀"}]}`, int64(chat), edited), nil)
	w.ok("deleteMessage", fmt.Sprintf(`{"chat_id": %d, "message_id": %d}`, int64(chat), w.send(`{"chat_id": -1001234567890, "text": "gone"}`)), nil)
	w.ok("setMyCommands", `{"commands": [{"command": "deploy", "description": "Deploy to preview"}]}`, nil)
	w.ok("createForumTopic", fmt.Sprintf(`{"chat_id": %d, "name": "news"}`, int64(forum)), nil)
	w.say(telegram.SayOptions{Chat: lead, From: lead, Text: "/start"})
	w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "here it is", Document: &telegram.Upload{Name: "0001.sql", Content: []byte("SELECT 1;\n")}})
	w.say(telegram.SayOptions{Chat: forum, From: 1004, Text: "as the group", Topic: 7})
	w.say(telegram.SayOptions{Chat: basic, From: lead, Text: "before", Forwarded: true})
	changeOld(w)
	w.must(w.React(w.ctx, chat, id, reviewer, "👍"))
	w.must(w.SetMember(chat, telegram.Member{User: stranger, Status: telegram.Ordinary}, lead))
	_, err := w.MigrateGroup(basic)
	w.must(err)
	w.say(telegram.SayOptions{Chat: reviewer, From: reviewer, Text: "hello"})
	w.must(w.Block(reviewer, true))
	return id
}

// changeOld changes messages in every way that there is, each one some lines after the message was written.
func changeOld(w *world) {
	var ids []int
	for i := range 8 {
		ids = append(ids, w.send(fmt.Sprintf(`{"chat_id": %d, "text": "message %d"}`, int64(chat), i)))
	}
	said := w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "mine"})
	gone := w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "mistaken"})
	in := func(format string, args ...any) string {
		return fmt.Sprintf(`{"chat_id": %d, `, int64(chat)) + fmt.Sprintf(format, args...) + "}"
	}
	for _, id := range ids[:4] {
		w.ok("pinChatMessage", in(`"message_id": %d`, id), nil)
	}
	w.ok("unpinAllChatMessages", fmt.Sprintf(`{"chat_id": %d}`, int64(chat)), nil)
	w.ok("pinChatMessage", in(`"message_id": %d`, ids[0]), nil)
	w.ok("pinChatMessage", in(`"message_id": %d`, ids[1]), nil)
	w.ok("unpinChatMessage", in(`"message_id": %d`, ids[0]), nil)
	w.ok("deleteMessages", in(`"message_ids": [%d, %d]`, ids[2], ids[3]), nil)
	w.ok("deleteMessage", in(`"message_id": %d`, ids[4]), nil)
	w.ok("editMessageReplyMarkup", in(`"message_id": %d, "reply_markup": {"inline_keyboard": [[{"text": "A", "callback_data": "a"}]]}`, ids[5]), nil)
	w.ok("setMessageReaction", in(`"message_id": %d, "reaction": [{"type": "emoji", "emoji": "👍"}]`, ids[6]), nil)
	w.must(w.React(w.ctx, chat, ids[7], lead, "🔥"))
	w.must(w.Edit(w.ctx, chat, said, lead, "mine, mended"))
	w.must(w.Delete(w.ctx, chat, gone, lead))
}

func TestAfterARestartEverythingIsAsItWas(t *testing.T) {
	l := newLives(t)
	w, end := l.first()
	busyLife(w)
	before, pending := seen(w), texts(w.updates(0))
	end()
	w, _ = l.start(l.path)
	same(t, before, seen(w))
	if again := texts(w.updates(0)); again != pending || !strings.Contains(again, "/start, ") {
		t.Errorf("updates %q, before the restart %q", again, pending)
	}
	w.fails("sendMessage", fmt.Sprintf(`{"chat_id": %d, "text": "x"}`, reviewer), 403, "Forbidden: bot was blocked by the user")
	if a := w.call("sendMessage", fmt.Sprintf(`{"chat_id": %d, "text": "x"}`, basic)); a.Parameters.MigrateTo == 0 {
		t.Errorf("the migrated group answers %+v", a)
	}
	w.clean()
}

func TestAnOldCardIsEditedAndPressedAfterARestart(t *testing.T) {
	l := newLives(t)
	w, end := l.first()
	id := busyLife(w)
	first := w.updates(0)
	w.updates(first[len(first)-1].ID + 1)
	end()
	w, _ = l.start(l.path)
	answered := make(chan error, 1)
	go func() {
		a, err := w.Press(w.ctx, telegram.PressOptions{Chat: chat, Message: id, From: lead, Text: "Promote"})
		answered <- errors.Join(err, unequal(a, telegram.Answer{Text: "Asked"}))
	}()
	q := w.query(first[len(first)-1].ID + 1)
	if q.Query.Data != "p1" || q.Query.Message.ID != id || q.ID != first[len(first)-1].ID+1 {
		t.Errorf("the press came as %+v", q)
	}
	w.ok("answerCallbackQuery", fmt.Sprintf(`{"callback_query_id": %q, "text": "Asked"}`, q.Query.ID), nil)
	w.must(<-answered)
	w.ok("editMessageText", fmt.Sprintf(`{"chat_id": %d, "message_id": %d, "text": "shop → production"}`, int64(chat), id), nil)
	if next := w.send(`{"chat_id": -1001234567890, "text": "new"}`); next <= last(w, chat)-1 || len(w.Messages(chat)) == 0 {
		t.Errorf("the new message has id %d", next)
	}
	w.clean()
}

// query waits for a press.
func (w *world) query(offset int64) updateOf {
	w.t.Helper()
	for {
		var list []updateOf
		w.ok("getUpdates", fmt.Sprintf(`{"offset": %d, "timeout": 1}`, offset), &list)
		for _, u := range list {
			if u.Query != nil {
				return u
			}
		}
	}
}

func unequal[T comparable](got, want T) error {
	if got != want {
		return fmt.Errorf("got %+v, want %+v", got, want)
	}
	return nil
}

// last is the highest message id of a chat.
func last(w *world, chat int64) int {
	most := 0
	for _, m := range w.Messages(chat) {
		most = max(most, m.ID)
	}
	return most
}

func TestConfirmedUpdatesDoNotComeAgainAndTheirIdsGoOn(t *testing.T) {
	l := newLives(t)
	w, end := l.first()
	w.sayAll("one", "two", "three")
	list := w.updates(0)
	w.updates(list[1].ID)
	end()
	w, end = l.start(l.path)
	if got := texts(w.updates(0)); got != "two, three" {
		t.Errorf("after the restart came %q", got)
	}
	w.updates(list[2].ID + 1)
	end()
	w, _ = l.start(l.path)
	w.sayAll("four")
	if got := w.updates(0); texts(got) != "four" || got[0].ID != list[2].ID+1 {
		t.Errorf("then came %+v, and not the id %d", got, list[2].ID+1)
	}
}

func TestAPressThatWasFetchedBeforeARestartCanStillBeAnswered(t *testing.T) {
	l := newLives(t)
	w, end := l.first()
	id := w.send(card(`[[{"text": "Approve", "callback_data": "a1"}]]`))
	ctx, cancel := context.WithCancel(w.ctx)
	pressed := make(chan error, 1)
	go func() {
		_, err := w.Press(ctx, telegram.PressOptions{Chat: chat, Message: id, From: lead, Text: "Approve"})
		pressed <- err
	}()
	q := w.query(0)
	cancel()
	if err := <-pressed; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	end()
	w, _ = l.start(l.path)
	params := fmt.Sprintf(`{"callback_query_id": %q}`, q.Query.ID)
	w.ok("answerCallbackQuery", params, nil)
	w.fails("answerCallbackQuery", params, 400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
}

func TestAWebhookIsKeptAndGetsWhatWaited(t *testing.T) {
	l := newLives(t)
	l.hooks = true
	w, end := l.first()
	var mu sync.Mutex
	up, got := false, make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if !up {
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		body, _ := io.ReadAll(r.Body)
		var u updateOf
		if err := json.Unmarshal(body, &u); err != nil || r.Header.Get("X-Telegram-Bot-Api-Secret-Token") != "quiet" {
			t.Errorf("the webhook got %s", body)
			return
		}
		got <- u.Message.Text
	}))
	defer hook.Close()
	w.ok("setWebhook", fmt.Sprintf(`{"url": %q, "secret_token": "quiet"}`, hook.URL), nil)
	w.sayAll("while it was down")
	end()
	mu.Lock()
	up = true
	mu.Unlock()
	w, end = l.start(l.path)
	if text := <-got; text != "while it was down" {
		t.Errorf("the webhook got %q", text)
	}
	for version, changed := w.Changes(0); w.pending() > 0; version, changed = w.Changes(version) {
		<-changed // what it has taken is counted a moment later
	}
	again, stop := l.start(l.copied())
	if n := again.pending(); n != 0 {
		t.Errorf("after a kill the webhook would get %d updates again", n)
	}
	stop()
	w.clean()
	end()
}
