package telegram_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"towline/sandbox/telegram"
)

func (w *world) sayAll(all ...string) {
	w.t.Helper()
	for _, text := range all {
		w.say(telegram.SayOptions{Chat: chat, From: lead, Text: text})
	}
}

func wantTexts(t *testing.T, list []updateOf, want string) {
	t.Helper()
	if got := texts(list); got != want {
		t.Errorf("updates %q, want %q", got, want)
	}
}

func TestUpdatesComeAgainUntilAnOffsetConfirmsThem(t *testing.T) {
	w := newWorld(t)
	w.sayAll("one", "two", "three")
	first := w.updates(0)
	wantTexts(t, first, "one, two, three")
	w.clock.pass(time.Second)
	wantTexts(t, w.updates(0), "one, two, three")
	wantTexts(t, w.updates(first[0].ID+1), "two, three")
	w.clock.pass(time.Second)
	wantTexts(t, w.updates(first[0].ID), "two, three") // what was confirmed is gone
	wantTexts(t, w.updates(first[2].ID+1), "")
	wantTexts(t, w.updates(0), "")
}

func TestUpdateIDsFollowEachOther(t *testing.T) {
	w := newWorld(t)
	w.sayAll("one", "two")
	list := w.updates(0)
	if list[0].ID <= 0 || list[1].ID != list[0].ID+1 {
		t.Errorf("ids %d, %d", list[0].ID, list[1].ID)
	}
}

func TestANegativeOffsetKeepsTheLastUpdates(t *testing.T) {
	w := newWorld(t)
	w.sayAll("one", "two", "three")
	wantTexts(t, w.updates(-2), "two, three")
	wantTexts(t, w.updates(0), "two, three")
}

func TestAnOffsetInTheFutureStartsFromTheHead(t *testing.T) {
	w := newWorld(t)
	w.sayAll("one")
	id := w.updates(0)[0].ID
	wantTexts(t, w.updates(id+1000), "one")
}

func TestALimitIsKept(t *testing.T) {
	w := newWorld(t)
	w.sayAll("one", "two", "three")
	var list []updateOf
	w.ok("getUpdates", `{"limit": 2}`, &list)
	wantTexts(t, list, "one, two")
}

func TestAPollerThatDoesNotMoveOnIsSlowedDown(t *testing.T) {
	w := newWorld(t)
	w.sayAll("one", "two")
	wantTexts(t, w.updates(0), "one, two")
	wantTexts(t, w.updates(0), "one") // the same offset within half a second
	w.clock.pass(500 * time.Millisecond)
	wantTexts(t, w.updates(0), "one, two")
}

func TestALongPollWaitsForAnUpdate(t *testing.T) {
	w := newWorld(t, func(o *telegram.Options) { o.PollCap = time.Minute })
	got := make(chan []updateOf, 1)
	go func() {
		var list []updateOf
		w.ok("getUpdates", `{"timeout": 50}`, &list)
		got <- list
	}()
	w.sayAll("one") // before or after the poll has begun: it gets it either way
	wantTexts(t, <-got, "one")
}

func TestALongPollEndsEmptyAfterItsTime(t *testing.T) {
	w := newWorld(t)
	var list []updateOf
	w.ok("getUpdates", `{"timeout": 50}`, &list) // PollCap is 20 ms here
	if list == nil || len(list) != 0 {
		t.Errorf("updates %v, want an empty list", list)
	}
}

func TestTheOlderPollerGetsAConflict(t *testing.T) {
	w := newWorld(t, func(o *telegram.Options) { o.PollCap = time.Minute })
	answers := make(chan answer, 2)
	poll := func() {
		a, err := w.try(w.ctx, "getUpdates", `{"timeout": 50, "offset": 1}`)
		if err != nil {
			t.Error(err)
		}
		answers <- a
	}
	go poll()
	go poll()
	older := <-answers
	if older.Code != http.StatusConflict ||
		older.Description != "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running" {
		t.Errorf("older poller: %+v", older)
	}
	w.sayAll("one")
	if newer := <-answers; !newer.OK {
		t.Errorf("newer poller: %+v", newer)
	}
}

func TestTheSecondConflictComesThreeSecondsLate(t *testing.T) {
	waits := make(chan time.Duration, 1)
	w := newWorld(t, func(o *telegram.Options) {
		o.LocalWebhooks = true
		o.Wait = func(_ context.Context, d time.Duration) error { waits <- d; return nil }
	})
	w.ok("setWebhook", `{"url": "http://127.0.0.1:1/hook"}`, nil)
	const want = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
	w.fails("getUpdates", `{}`, http.StatusConflict, want)
	if len(waits) != 0 {
		t.Error("the first conflict was late")
	}
	w.fails("getUpdates", `{}`, http.StatusConflict, want)
	if d := <-waits; d != 3*time.Second {
		t.Errorf("late by %v", d)
	}
}

func TestAllowedUpdatesStayUntilTheyAreChanged(t *testing.T) {
	w := newWorld(t)
	w.ok("getUpdates", `{"allowed_updates": ["callback_query"]}`, nil)
	w.sayAll("unseen")
	wantTexts(t, w.updates(0), "")
	w.sayAll("unseen, too")
	w.clock.pass(time.Minute)
	w.ok("getUpdates", `{"allowed_updates": []}`, nil)
	w.sayAll("seen")
	w.clock.pass(time.Minute)
	wantTexts(t, w.updates(0), "seen")
}

func TestAMessageIsKeptForADay(t *testing.T) {
	w := newWorld(t)
	w.sayAll("one")
	w.clock.pass(24*time.Hour - time.Second)
	wantTexts(t, w.updates(0), "one")
	w.clock.pass(time.Second)
	wantTexts(t, w.updates(0), "")
}

func TestAnOldMessageIsKeptForADayFromItsDate(t *testing.T) {
	w := newWorld(t)
	w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "late", Date: w.clock.Now().Add(-23 * time.Hour)})
	wantTexts(t, w.updates(0), "late")
	w.clock.pass(time.Hour)
	wantTexts(t, w.updates(0), "")
}

func TestAPressIsKeptFor150Seconds(t *testing.T) {
	w := newWorld(t)
	id := w.send(card(`[[{"text": "Go", "callback_data": "go"}]]`))
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nobody answers
	if _, err := w.Press(ctx, telegram.PressOptions{Chat: chat, Message: id, From: lead, Data: "go"}); err == nil {
		t.Error("the press was answered")
	}
	w.clock.pass(149 * time.Second)
	wantTexts(t, w.updates(0), "pressed go")
	w.clock.pass(time.Second)
	wantTexts(t, w.updates(0), "")
}

func TestClosingEndsALongPoll(t *testing.T) {
	w := newWorld(t, func(o *telegram.Options) { o.PollCap = time.Minute })
	done := make(chan answer, 1)
	go func() {
		a, err := w.try(w.ctx, "getUpdates", `{"timeout": 50}`)
		if err != nil {
			t.Error(err)
		}
		done <- a
	}()
	w.must(w.Close())
	if a := <-done; a.Code != http.StatusInternalServerError || a.Description != "Internal Server Error: restart" {
		t.Errorf("poll: %+v", a)
	}
	w.must(w.Close())
	if _, err := w.Say(t.Context(), telegram.SayOptions{Chat: chat, From: lead, Text: "x"}); err == nil {
		t.Error("a closed server takes messages")
	}
}

// card is a message with a keyboard.
func card(keyboard string) string {
	return fmt.Sprintf(`{"chat_id": %d, "text": "card", "reply_markup": {"inline_keyboard": %s}}`, chat, keyboard)
}
