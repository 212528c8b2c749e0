package bot_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"towline/bot"
	"towline/sandbox/telegram"
)

func TestAStopTakesNoLongerThanItMayWhileTelegramHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.handler.onCommand = func(ctx context.Context, c bot.Command) error {
			if c.Name == "hang" {
				<-ctx.Done()
			}
			return ctx.Err()
		}
		r.start()
		r.say(lead, group, "/one")
		r.heard(1) // so that nothing of the start is left to do
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "one", Buttons: buttons("x")})
		r.settle()
		never := make(chan struct{})
		defer close(never)
		r.server.Fault(telegram.Fault{Kind: telegram.Slow, Times: 100, Until: never}) // all but the polls
		pressed, forget := context.WithTimeout(t.Context(), time.Second)
		defer forget()
		if _, err := r.server.Press(pressed, telegram.PressOptions{Chat: group, Message: r.posts(group)[0].ID, From: lead, Text: "x"}); err == nil {
			t.Error("the press was answered, so Telegram does not hang")
		}
		r.say(lead, group, "/hang")
		r.heard(2)
		r.want("run/2", bot.Frame{Place: bot.Place{Chat: group}, HTML: "two"})
		began := time.Now()
		must(t, r.stop())
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("the stop took %s, want at most the 5s of StopTimeout", d)
		}
	})
}
