package bot_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"towline/bot"
	"towline/sandbox/telegram"
)

func TestWhatWasSentAndWhatWaitsIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.open()
		if s := r.bot.Stats(); len(s.Calls) != 0 || s.Waiting != 0 || !s.Oldest.IsZero() || s.Paused != 0 {
			t.Errorf("before anything: %+v", s)
		}
		begun := time.Now()
		for i := range 3 {
			r.want(fmt.Sprint(i), bot.Frame{Place: bot.Place{Chat: group}, HTML: fmt.Sprint(i)})
			elapse(time.Second)
		}
		if s := r.bot.Stats(); s.Waiting != 3 || !s.Oldest.Equal(begun) {
			t.Errorf("three wait since %v: %+v", begun, s)
		}
		r.server.Fault(telegram.Fault{Kind: telegram.TooManyRequests, Method: "sendMessage", RetryAfter: time.Minute})
		r.start()
		synctest.Wait()
		if s := r.bot.Stats(); s.Paused != 1 || s.Waiting != 3 {
			t.Errorf("while Telegram wants a pause: %+v", s)
		}
		r.settle()
		s := r.bot.Stats()
		if s.Paused != 0 || s.Waiting != 0 {
			t.Errorf("at the end: %+v", s)
		}
		for _, want := range []bot.CallCount{{Method: "sendMessage", Status: "429", Calls: 1}, {Method: "sendMessage", Status: "ok", Calls: 3}} {
			if !slices.Contains(s.Calls, want) {
				t.Errorf("%+v is not among %+v", want, s.Calls)
			}
		}
	})
}

func TestCallsAreCountedByHowTheyEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		for _, kind := range []telegram.FaultKind{telegram.ServerError, telegram.LostBefore} {
			r.server.Fault(telegram.Fault{Kind: kind, Method: "sendMessage"})
		}
		r.want("1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "one"})
		r.want("2", bot.Frame{Place: bot.Place{Chat: -4}, HTML: "nobody's"})
		r.settle()
		count := map[string]int64{}
		for _, c := range r.bot.Stats().Calls {
			if c.Method == "sendMessage" {
				count[c.Status] = c.Calls
			}
		}
		if count["5xx"] != 1 || count["none"] != 1 || count["ok"] != 1 || count["4xx"] != 1 {
			t.Errorf("counted %v", count)
		}
	})
}
