package page_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"towline/sandbox/page"
	"towline/sandbox/telegram"
)

// event is one server-sent event.
type event struct{ name, id, data string }

type change struct {
	Reset    bool               `json:"reset"`
	Messages []telegram.Message `json:"messages"`
	Typing   string             `json:"typing"`
}

// listen opens the stream as a client that has seen everything up to last.
func (w *world) listen(last string) (next func() event, stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/api/events", nil)
	must(w.t, err)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := w.client.Do(req)
	must(w.t, err)
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 4<<20)
	w.t.Cleanup(func() { cancel(); res.Body.Close() })
	return func() event {
		w.t.Helper()
		var e event
		for lines.Scan() {
			field, value, _ := strings.Cut(lines.Text(), ": ")
			switch field {
			case "event":
				e.name = value
			case "id":
				e.id = value
			case "data":
				e.data = value
			case "":
				if e.name != "" {
					return e
				}
			}
		}
		return event{}
	}, func() { cancel(); res.Body.Close() }
}

func (e event) change(t *testing.T) change {
	t.Helper()
	if e.name != "change" {
		t.Fatalf("got the event %q, want a change: %s", e.name, e.data)
	}
	var c change
	must(t, json.Unmarshal([]byte(e.data), &c))
	return c
}

func TestAClientThatComesNewIsToldTheRoomAndAllMessages(t *testing.T) {
	w := newWorld(t, nil)
	w.bot("setMyCommands", map[string]any{"commands": []map[string]string{{"command": "deploy", "description": "ship to preview"}}}, nil)
	w.say(dana, "one")
	w.send("<b>two</b>")
	next, _ := w.listen("")
	room := next()
	for _, want := range []string{`"title":"shop team"`, `"name":"Robin","role":"approver"`, `"1002":"Robin"`, `"5001":"towline_test_bot"`, `"command":"deploy"`} {
		if room.name != "room" || !strings.Contains(room.data, want) {
			t.Errorf("the room lacks %s: %s %s", want, room.name, room.data)
		}
	}
	c := next().change(t)
	if !c.Reset || len(c.Messages) != 2 || c.Messages[0].Text != "one" || c.Messages[1].Entities[0].Type != "bold" {
		t.Errorf("got %+v", c)
	}
}

func TestAnEditArrivesAsTheWholeMessageAndOnlyThat(t *testing.T) {
	w := newWorld(t, nil)
	w.say(dana, "one")
	id := w.send("waiting")
	next, _ := w.listen("")
	next()
	next()
	w.edit(id, "live")
	c := next().change(t)
	if c.Reset || len(c.Messages) != 1 || c.Messages[0].ID != id || c.Messages[0].Text != "live" || c.Messages[0].Sender != "Towline" {
		t.Errorf("got %+v", c)
	}
}

func TestADeletedMessageLosesItsWords(t *testing.T) {
	w := newWorld(t, nil)
	id := w.say(dana, "a secret")
	must(t, w.chat.Delete(t.Context(), group, id, dana))
	next, _ := w.listen("")
	next()
	e := next()
	if c := e.change(t); strings.Contains(e.data, "secret") || !c.Messages[0].Deleted {
		t.Errorf("got %s", e.data)
	}
}

func TestAClientThatComesBackIsToldWhatItMissed(t *testing.T) {
	w := newWorld(t, nil)
	w.say(dana, "one")
	next, stop := w.listen("")
	next()
	last := next().id
	stop()
	w.say(robin, "two")
	w.say(dana, "three")
	next, _ = w.listen(last)
	next()
	c := next().change(t)
	if c.Reset || len(c.Messages) != 2 || c.Messages[0].Text != "two" || c.Messages[1].Text != "three" {
		t.Errorf("got %+v", c)
	}
}

func TestAClientOfAnEarlierServerStartsOver(t *testing.T) {
	w := newWorld(t, nil)
	w.say(dana, "one")
	for _, last := range []string{"0123456789abcdef.1", "nonsense", ".", "0123456789abcdef.-1"} {
		next, stop := w.listen(last)
		next()
		if c := next().change(t); !c.Reset || len(c.Messages) != 1 {
			t.Errorf("after %q: %+v", last, c)
		}
		stop()
	}
}

func TestEveryListenerIsToldEveryChange(t *testing.T) {
	w := newWorld(t, nil)
	var streams []func() event
	for range 4 {
		next, _ := w.listen("")
		next()
		next()
		streams = append(streams, next)
	}
	const said = 30
	go func() {
		for range said {
			if _, err := w.chat.Say(w.t.Context(), telegram.SayOptions{Chat: group, From: dana, Text: "x"}); err != nil {
				w.t.Error(err)
			}
		}
	}()
	for i, next := range streams {
		seen := map[int]bool{}
		for len(seen) < said {
			e := next()
			if e.name == "" {
				t.Fatalf("stream %d ended after %d messages", i, len(seen))
			}
			for _, m := range e.change(t).Messages {
				seen[m.ID] = true
			}
		}
	}
}

func TestTheBotsTypingIsShown(t *testing.T) {
	w := newWorld(t, nil)
	next, _ := w.listen("")
	next()
	next()
	w.bot("sendChatAction", map[string]any{"chat_id": group, "action": "typing"}, nil)
	if c := next().change(t); c.Typing != "typing" {
		t.Errorf("got %+v", c)
	}
}

func TestAClosedPageEndsItsStreamsAndTakesNoNewOnes(t *testing.T) {
	w := newWorld(t, nil)
	next, _ := w.listen("")
	next()
	next()
	must(t, w.page.Close())
	if e := next(); e.name != "" {
		t.Errorf("got another event: %+v", e)
	}
	if res, _ := w.request("GET", "/api/events", "", nil); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a new stream: %d", res.StatusCode)
	}
	must(t, w.page.Close())
}

func TestAPageWithoutChatOrMembersIsAMistakeOfTheProgram(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("New took it")
		}
	}()
	page.New(page.Options{})
}
