package telegram_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"towline/sandbox/telegram"
)

func TestInAnOutageNothingWorksUntilItIsOver(t *testing.T) {
	for kind, want := range map[telegram.FaultKind]string{
		telegram.LostBefore: "EOF", telegram.BadGateway: "502 <html>", telegram.ServerError: "",
	} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t, func(o *telegram.Options) { o.PollCap = time.Minute })
			polled := make(chan error, 1)
			go func() {
				a, err := w.try(w.ctx, "getUpdates", `{"timeout": 50}`)
				if err == nil && !a.OK {
					err = fmt.Errorf("%d", a.Code)
				}
				polled <- err
			}()
			w.must(waitFor(w, func() bool { return telegram.Polls(w.Server) }))
			up := w.Down(kind)
			if err := <-polled; err == nil {
				t.Error("the long poll went on")
			}
			for _, method := range []string{"sendMessage", "getUpdates", "getMe", "sendMessage"} {
				a, err := w.try(w.ctx, method, card(`[]`))
				if want == "" && (err != nil || a.Code != http.StatusInternalServerError) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
					t.Errorf("%s: %+v, %v", method, a, err)
				}
			}
			w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "meanwhile"})
			w.clock.pass(10 * time.Minute)
			up()
			up()
			wantTexts(t, w.updates(0), "meanwhile")
			w.send(card(`[]`))
			if n := len(w.Messages(chat)); n != 2 {
				t.Errorf("%d messages", n)
			}
			w.clean()
		})
	}
}

// waitFor waits for something that the server's changes tell of, or that comes at once.
func waitFor(w *world, ok func() bool) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-w.ctx.Done():
			return w.ctx.Err()
		}
	}
	return nil
}

// next is what the webhook gets next.
func (h *hook) next(w *world) string {
	w.t.Helper()
	select {
	case got := <-h.got:
		return got
	case <-w.ctx.Done():
		w.t.Fatal("the webhook gets nothing more")
		return ""
	}
}

func TestInAnOutageNoWebhookIsCalled(t *testing.T) {
	w, h, _ := hookWorld(t)
	w.ok("setWebhook", fmt.Sprintf(`{"url": %q}`, h.URL), nil)
	up := w.Down(telegram.BadGateway)
	w.sayAll("one", "two")
	if n := telegram.Lanes(w.Server); n != 0 || len(h.got) != 0 {
		t.Errorf("%d lanes are on their way to the webhook", n)
	}
	up()
	w.settled()
	if got := h.next(w) + h.next(w); got != "onetwo" || len(h.got) != 0 {
		t.Errorf("the webhook got %q", got)
	}
}

func TestAWebhookMayGetAnUpdateTwice(t *testing.T) {
	w, h, _ := hookWorld(t)
	w.ok("setWebhook", fmt.Sprintf(`{"url": %q}`, h.URL), nil)
	w.Fault(telegram.Fault{Kind: telegram.Again, Method: telegram.Webhook, Skip: 1})
	w.sayAll("one", "two")
	w.settled()
	if got := h.next(w) + h.next(w) + h.next(w); got != "onetwotwo" || len(h.got) != 0 {
		t.Errorf("the webhook got %q", got)
	}
}

func TestAFloodWaitRefusesAChatUntilItIsOver(t *testing.T) {
	w := newWorld(t)
	w.addGroups()
	w.Fault(telegram.Fault{Kind: telegram.TooManyRequests, Chat: chat, For: 4 * time.Minute})
	for _, left := range []int{240, 140, 40} {
		a := w.fails("sendMessage", card(`[]`), http.StatusTooManyRequests, fmt.Sprintf("Too Many Requests: retry after %d", left))
		if a.Parameters.RetryAfter != left {
			t.Errorf("parameters %+v", a.Parameters)
		}
		w.send(fmt.Sprintf(`{"chat_id": %d, "text": "x"}`, forum))
		w.clock.pass(100 * time.Second)
	}
	w.send(card(`[]`))
}

func TestAFaultMayBeForEveryMethod(t *testing.T) {
	w := newWorld(t)
	w.Fault(telegram.Fault{Kind: telegram.ServerError, Method: telegram.AnyMethod, For: time.Minute, Times: 2})
	w.fails("getUpdates", "", http.StatusInternalServerError, "Internal Server Error")
	w.fails("getMe", "", http.StatusInternalServerError, "Internal Server Error")
	w.ok("getUpdates", "", nil)
	w.Fault(telegram.Fault{Kind: telegram.ServerError, Method: telegram.AnyMethod, For: time.Minute, Times: 2})
	w.clock.pass(time.Minute)
	w.ok("getMe", "", nil)
}

func TestAnAnswerMayBreakInItsMiddle(t *testing.T) {
	w := newWorld(t)
	w.Fault(telegram.Fault{Kind: telegram.HalfAnswer, Method: "sendMessage"})
	_, err := w.try(w.ctx, "sendMessage", card(`[]`))
	if err == nil || !strings.Contains(err.Error(), "EOF") {
		t.Errorf("the answer came: %v", err)
	}
	if n := len(w.Messages(chat)); n != 1 {
		t.Errorf("%d messages: it was not carried out once", n)
	}
	c := w.Calls()[0]
	if c.Status != http.StatusOK || json.Valid(c.Answer) || len(c.Answer) < 20 {
		t.Errorf("call %d %q", c.Status, c.Answer)
	}
}

func TestAnyUpdateCanBeInjected(t *testing.T) {
	w := newWorld(t)
	w.ok("getUpdates", `{"allowed_updates": ["message"]}`, nil)
	w.clock.pass(time.Minute)
	w.sayAll("before")
	raw := `{"message_id":"not a number","chat":null}`
	id, err := w.Inject("message", json.RawMessage(raw))
	w.must(err)
	_, err = w.Inject("chat_of_the_future", json.RawMessage(`[1]`))
	w.must(err)
	w.sayAll("after")
	var list []map[string]json.RawMessage
	w.ok("getUpdates", "", &list)
	if len(list) != 4 || string(list[1]["message"]) != raw || string(list[1]["update_id"]) != fmt.Sprint(id) || string(list[2]["chat_of_the_future"]) != "[1]" {
		t.Errorf("updates %s", list)
	}
	if _, err := w.Inject("message", json.RawMessage(`{`)); err == nil {
		t.Error("what is no JSON was injected")
	}
}

func TestUpdateIDsMayRestartAnywhere(t *testing.T) {
	w := newWorld(t)
	w.sayAll("one")
	last := w.updates(0)[0].ID
	if err := w.RestartUpdateIDs(5); err == nil {
		t.Error("they restarted while an update waited")
	}
	w.updates(last + 1)
	w.clock.pass(8 * 24 * time.Hour)
	w.must(w.RestartUpdateIDs(5))
	w.sayAll("two")
	list := w.updates(last + 1)
	wantTexts(t, list, "two")
	if list[0].ID != 5 {
		t.Errorf("the id is %d", list[0].ID)
	}
}
