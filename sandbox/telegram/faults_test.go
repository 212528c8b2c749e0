package telegram_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"towline/sandbox/telegram"
)

func TestAFaultSpoilsAsManyRequestsAsItSaysAndNoMore(t *testing.T) {
	const migrated = -1001
	for _, c := range []struct {
		fault       telegram.Fault
		code        int
		description string
		sent        int // how many messages are there after it
	}{
		{telegram.Fault{Kind: telegram.TooManyRequests, RetryAfter: 30 * time.Second}, http.StatusTooManyRequests, "Too Many Requests: retry after 30", 0},
		{telegram.Fault{Kind: telegram.ServerError}, http.StatusInternalServerError, "Internal Server Error", 0},
		{telegram.Fault{Kind: telegram.ConflictError}, http.StatusConflict, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running", 0},
		{telegram.Fault{Kind: telegram.WasKicked}, http.StatusForbidden, "Forbidden: bot was kicked from the supergroup chat", 0},
		{telegram.Fault{Kind: telegram.WasMigrated, MigrateTo: migrated}, http.StatusBadRequest, "Bad Request: group chat was upgraded to a supergroup chat", 0},
		{telegram.Fault{Kind: telegram.BadGateway}, 0, "502 <html>", 0},
		{telegram.Fault{Kind: telegram.ErrorAfter}, 0, "502 <html>", 1},
		{telegram.Fault{Kind: telegram.LostBefore}, 0, "EOF", 0},
		{telegram.Fault{Kind: telegram.LostAfter}, 0, "EOF", 1},
		{telegram.Fault{Kind: telegram.LostAfter, Reset: true}, 0, "reset", 1},
	} {
		t.Run(string(c.fault.Kind), func(t *testing.T) {
			w := newWorld(t)
			c.fault.Times = 2
			c.fault.Method = "sendMessage"
			w.Fault(c.fault)
			w.ok("getMe", "", nil)
			for range 2 {
				a, err := w.try(t.Context(), "sendMessage", card(`[]`))
				if c.code != 0 && (err != nil || a.Code != c.code || a.Description != c.description) {
					t.Errorf("answer %+v, %v", a, err)
				}
				if c.code == 0 && (err == nil || !strings.Contains(err.Error(), c.description)) {
					t.Errorf("answer %+v, %v, want %q", a, err, c.description)
				}
				if c.fault.Kind == telegram.TooManyRequests && a.Parameters.RetryAfter != 30 || c.fault.MigrateTo != a.Parameters.MigrateTo {
					t.Errorf("parameters %+v", a.Parameters)
				}
			}
			if n := len(w.Messages(chat)); n != 2*c.sent {
				t.Errorf("%d messages after two faults", n)
			}
			w.send(card(`[]`))
			w.clean()
		})
	}
}

func TestAFaultMaySkipRequestsAndKeepToAChat(t *testing.T) {
	w := newWorld(t)
	w.addGroups()
	w.Fault(telegram.Fault{Kind: telegram.ServerError, Skip: 1, Chat: forum})
	inForum := fmt.Sprintf(`{"chat_id": %d, "text": "x"}`, forum)
	w.send(card(`[]`))
	w.send(inForum)
	w.send(card(`[]`))
	w.fails("sendMessage", inForum, http.StatusInternalServerError, "Internal Server Error")
	w.send(inForum)
}

func TestASlowRequestIsHeldUntilTheTestLetsItGo(t *testing.T) {
	w := newWorld(t)
	until := make(chan struct{})
	w.Fault(telegram.Fault{Kind: telegram.Slow, Method: "sendMessage", Until: until})
	done := make(chan answer, 1)
	go func() {
		a, err := w.try(w.ctx, "sendMessage", card(`[]`))
		if err != nil {
			t.Error(err)
		}
		done <- a
	}()
	w.ok("getMe", "", nil)
	if n := len(w.Messages(chat)); n != 0 {
		t.Errorf("%d messages before it was let go", n)
	}
	close(until)
	if a := <-done; !a.OK {
		t.Errorf("answer %+v", a)
	}
}

func TestASlowRequestMayBeGivenUp(t *testing.T) {
	w := newWorld(t)
	w.Fault(telegram.Fault{Kind: telegram.Slow, Method: "sendMessage", Until: make(chan struct{})})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := w.try(ctx, "sendMessage", card(`[]`)); done <- err }()
	cancel()
	if err := <-done; err == nil {
		t.Error("it was answered")
	}
}

func TestConfirmedUpdatesMayComeAgain(t *testing.T) {
	w := newWorld(t)
	w.sayAll("one", "two")
	last := w.updates(0)[1].ID
	w.Fault(telegram.Fault{Kind: telegram.Again, Method: "getUpdates"})
	wantTexts(t, w.updates(last+1), "one, two")
	w.clock.pass(time.Minute)
	wantTexts(t, w.updates(last+1), "")
}

func TestEveryRequestIsKeptWithItsAnswer(t *testing.T) {
	w := newWorld(t)
	w.Fault(telegram.Fault{Kind: telegram.LostBefore, Method: "getMe"})
	if _, err := w.try(t.Context(), "getMe", ""); err == nil {
		t.Error("getMe was answered")
	}
	w.send(card(`[]`))
	calls := w.Calls()
	if len(calls) != 2 || calls[0].Status != 0 || calls[0].Answer != nil || calls[1].Params["text"] != "card" ||
		calls[1].Status != http.StatusOK || !strings.Contains(string(calls[1].Answer), `"ok":true`) || !calls[1].At.Equal(w.clock.Now()) {
		t.Errorf("calls %+v", calls)
	}
}

func limited(o *telegram.Options) { o.Unlimited = false }

func TestAGroupTakesTwentyMessagesAMinute(t *testing.T) {
	w := newWorld(t, limited)
	for range 20 {
		w.send(card(`[]`))
	}
	a := w.fails("sendMessage", card(`[]`), http.StatusTooManyRequests, "Too Many Requests: retry after 3")
	if a.Parameters.RetryAfter != 3 {
		t.Errorf("parameters %+v", a.Parameters)
	}
	w.clock.pass(3 * time.Second)
	w.send(card(`[]`))
	w.fails("sendMessage", card(`[]`), http.StatusTooManyRequests, "Too Many Requests: retry after 3")
	w.clean()
}

func TestEditsAreLimitedApartFromMessages(t *testing.T) {
	w := newWorld(t, limited)
	id := w.send(card(`[]`))
	edit := func(i int) string { return editText(id, fmt.Sprintf(`"text": "step %d"`, i)) }
	for i := range 20 {
		w.ok("editMessageText", edit(i), nil)
	}
	w.fails("editMessageText", edit(20), http.StatusTooManyRequests, "Too Many Requests: retry after 3")
	w.send(card(`[]`))
}

func TestAPrivateChatTakesABurstAndThenOneMessageASecond(t *testing.T) {
	w := newWorld(t, limited)
	w.say(telegram.SayOptions{Chat: lead, From: lead, Text: "/start"})
	to := fmt.Sprintf(`{"chat_id": %d, "text": "x"}`, lead)
	for range 20 {
		w.send(to)
	}
	w.fails("sendMessage", to, http.StatusTooManyRequests, "Too Many Requests: retry after 1")
	w.clock.pass(time.Second)
	w.send(to)
}
