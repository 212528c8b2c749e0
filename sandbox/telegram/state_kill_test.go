package telegram_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"towline/sandbox/telegram"
)

func TestWhatPeopleDoIsInTheFileWhenTheyAreToldOfIt(t *testing.T) {
	l := newLives(t)
	w, _ := l.first()
	w.must(w.AddGroup(telegram.Group{ID: basic, Title: "Small", Basic: true, Members: []telegram.Member{{User: lead, Status: telegram.Creator}}}))
	id := w.send(card(`[[{"text": "A", "callback_data": "a"}]]`))
	said := 0
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	for _, do := range []struct {
		what string
		do   func() error
	}{
		{"say", func() (err error) {
			said, err = w.Say(w.ctx, telegram.SayOptions{Chat: chat, From: lead, Text: "one"})
			return err
		}},
		{"edit", func() error { return w.Edit(w.ctx, chat, said, lead, "two") }},
		{"react", func() error { return w.React(w.ctx, chat, said, reviewer, "👍") }},
		{"delete", func() error { return w.Delete(w.ctx, chat, said, lead) }},
		{"add a person", func() error { return w.AddUser(telegram.User{ID: 1009, FirstName: "New"}) }},
		{"add a group", func() error { return w.AddGroup(telegram.Group{ID: chat - 1, Title: "New"}) }},
		{"change a member", func() error {
			return w.SetMember(chat, telegram.Member{User: stranger, Status: telegram.Ordinary}, lead)
		}},
		{"block", func() error { return w.Block(lead, true) }},
		{"migrate", func() error { _, err := w.MigrateGroup(basic); return err }},
		{"press", func() error {
			if _, err := w.Press(ctx, telegram.PressOptions{Chat: chat, Message: id, From: lead, Data: "a"}); !errors.Is(err, context.Canceled) {
				return fmt.Errorf("pressed with %w", err)
			}
			return nil
		}},
		{"confirm", func() error { list := w.updates(0); w.updates(list[len(list)-1].ID); return nil }},
	} {
		w.must(do.do())
		again, end := l.start(l.copied())
		same(t, seen(w), seen(again))
		if got, want := again.pending(), w.pending(); got != want {
			t.Errorf("%s: in the copy %d updates wait, and not %d", do.what, got, want)
		}
		end()
	}
}

// pending counts the updates that wait.
func (w *world) pending() int {
	w.t.Helper()
	var info struct {
		Count int `json:"pending_update_count"`
	}
	w.ok("getWebhookInfo", `{}`, &info)
	return info.Count
}

// copied copies the file as it is at this moment.
func (l *lives) copied() string {
	l.t.Helper()
	data, err := os.ReadFile(l.path)
	if err != nil {
		l.t.Fatal(err)
	}
	path := filepath.Join(l.t.TempDir(), "copy")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		l.t.Fatal(err)
	}
	return path
}

// work is a poller that answers every message, edits its answers and knows what it was told.
func work(ctx context.Context, w *world, told func(id int, update int64)) error {
	offset := int64(0)
	for ctx.Err() == nil {
		a, err := w.try(ctx, "getUpdates", fmt.Sprintf(`{"offset": %d, "timeout": 1}`, offset))
		if err != nil {
			return err
		}
		var list []updateOf
		if err := json.Unmarshal(a.Result, &list); err != nil {
			return err
		}
		for _, u := range list {
			offset = u.ID + 1
			if u.Message == nil {
				continue
			}
			a, err := w.try(ctx, "sendMessage", card(`[[{"text": "Promote", "callback_data": "p1"}]]`))
			var m msg
			if err != nil || json.Unmarshal(a.Result, &m) != nil {
				return fmt.Errorf("sendMessage: %s %w", a.Description, err)
			}
			told(m.ID, u.ID)
			if _, err := w.try(ctx, "editMessageText", fmt.Sprintf(`{"chat_id": %d, "message_id": %d, "text": "done"}`, int64(chat), m.ID)); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestACopyOfTheFileTakenAtAnyMomentKnowsEverythingTheBotWasTold(t *testing.T) {
	l := newLives(t)
	w, end := l.first()
	var mu sync.Mutex
	var message int
	var update int64
	grown := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan error, 1)
	go func() {
		done <- work(ctx, w, func(id int, u int64) {
			mu.Lock()
			defer mu.Unlock()
			message, update = id, u
			select {
			case grown <- struct{}{}:
			default:
			}
		})
	}()
	for i := range 40 {
		w.sayAll(fmt.Sprintf("/deploy %d", i))
		if i%2 == 1 {
			<-grown // every other time the copy is taken somewhere between, not after an answer
		}
		mu.Lock()
		toldMessage, toldUpdate := message, update
		mu.Unlock()
		again, stop := l.start(l.copied())
		if _, ok := again.Message(chat, toldMessage); toldMessage > 0 && !ok {
			t.Errorf("copy %d does not have message %d, of which the bot was told", i, toldMessage)
		}
		if id := again.send(card(`[]`)); id <= toldMessage {
			t.Errorf("copy %d gives the id %d again", i, id)
		}
		list := again.updates(toldUpdate + 1)
		for _, u := range list {
			if u.ID <= toldUpdate {
				t.Errorf("copy %d gives the update %d again", i, u.ID)
			}
		}
		stop()
	}
	cancel()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	w.clean()
	end()
}

func TestAFileThatIsCutAnywhereAfterItsFirstLineIsTheStateBeforeTheCut(t *testing.T) {
	l := newLives(t)
	w, end := l.first()
	busyLife(w)
	end()
	data, err := os.ReadFile(l.path)
	w.must(err)
	start := bytes.IndexByte(data, '\n') + 1
	copied := filepath.Join(t.TempDir(), "copy")
	lines, most := 0, 0
	for cut := start; cut <= len(data); cut++ {
		// Around the ends of lines every byte, in between some.
		near := data[cut-1] == '\n' || cut < len(data) && data[cut] == '\n' || cut > start && data[cut-2] == '\n'
		if !near && cut%101 != 0 {
			continue
		}
		w.must(os.WriteFile(copied, data[:cut], 0o600))
		s, err := telegram.Open(l.options(copied))
		if err != nil {
			t.Fatalf("cut after byte %d of %d: %v", cut, len(data), err)
		}
		n := len(s.Messages(chat))
		if n < most {
			t.Errorf("cut after byte %d there are %d messages, and %d before", cut, n, most)
		}
		lines, most = lines+1, n
		w.must(s.Close())
	}
	if lines < 50 || most != len(w.Messages(chat)) {
		t.Errorf("%d cuts ended with %d messages", lines, most)
	}
}

func TestADamagedFileIsAnErrorThatNamesItAndTheLine(t *testing.T) {
	l := newLives(t)
	w, end := l.first()
	w.sayAll("one", "two")
	end()
	good, err := os.ReadFile(l.path)
	w.must(err)
	second := bytes.IndexByte(good, '\n') + 20
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"a changed byte":     {append(append(bytes.Clone(good[:second]), good[second]^1), good[second+1:]...), "line 2 is damaged: its checksum does not fit"},
		"an empty file":      {nil, "line 1 is damaged: it has no end"},
		"something else":     {[]byte("hello\n"), "line 1 is damaged: its checksum does not fit"},
		"a missing start":    {good[bytes.IndexByte(good, '\n')+1:], "line 1 is damaged: its format is 0"},
		"a file of zeros":    {make([]byte, 4096), "line 1 is damaged: it has no end"},
		"a half first line":  {good[:30], "line 1 is damaged: it has no end"},
		"another bot's file": {bytes.Clone(good), "it belongs to the bot 42, not to 43"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state")
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			o := l.options(path)
			if strings.HasPrefix(name, "another") {
				o.Bot.ID = 43
			}
			s, err := telegram.Open(o)
			if s != nil || err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Fatalf("error %v, want %q", err, c.want)
			}
			if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, c.data) {
				t.Errorf("the damaged file was changed, %v", err)
			}
		})
	}
}

func TestWhatCannotBeWrittenIsNotAnsweredAsDone(t *testing.T) {
	l := newLives(t)
	s, err := telegram.Open(l.options(l.path))
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	defer web.Close()
	w := &world{Server: s, t: t, ctx: t.Context(), url: web.URL, clock: l.clock}
	w.must(w.AddUser(telegram.User{ID: lead, FirstName: "Lead"}))
	w.say(telegram.SayOptions{Chat: lead, From: lead, Text: "/start"})
	telegram.BreakState(s)
	send := fmt.Sprintf(`{"chat_id": %d, "text": "x"}`, lead)
	w.fails("sendMessage", send, 500, "Internal Server Error: restart")
	w.fails("sendMessage", send, 500, "Internal Server Error: restart")
	if _, err := w.Say(w.ctx, telegram.SayOptions{Chat: lead, From: lead, Text: "?"}); err == nil {
		t.Error("a server that keeps nothing more takes messages")
	}
	if err := s.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Close says %v", err)
	}
	again, _ := l.start(l.path)
	if all := again.Messages(lead); len(all) != 1 || all[0].Text != "/start" {
		t.Errorf("the next life has %+v", all)
	}
}

func TestWithoutAFolderForTheStateThereIsAnError(t *testing.T) {
	l := newLives(t)
	if _, err := telegram.Open(l.options(filepath.Join(t.TempDir(), "none", "state"))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if _, err := telegram.Open(telegram.Options{}); err == nil {
		t.Error("options without a bot were taken")
	}
}
