package bot_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"towline/bot"
	"towline/sandbox/telegram"
)

func buttons(data ...string) [][]bot.Button {
	var row []bot.Button
	for _, d := range data {
		row = append(row, bot.Button{Text: d, Data: d})
	}
	return [][]bot.Button{row}
}

func TestAPressMeansWhatTheButtonMeant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		long := strings.Repeat("what the button means can be long ", 20)
		frame := bot.Frame{Place: bot.Place{Chat: group}, HTML: "approve?", Buttons: [][]bot.Button{{
			{Text: "Approve", Data: long, Style: "success"}, {Text: "Compare", URL: "https://example.com"}, {Text: "Copy", Copy: "wrangler"},
		}}}
		r.want("run/1", frame)
		r.settle()
		m := r.posts(group)[0]
		first := m.Buttons[0][0].Data
		if len(first) < 16 || len(first) > 64 || strings.Contains(first, "what") {
			t.Errorf("the callback data is %q", first)
		}
		if a := r.press(second, group, m.ID, "Approve"); a.Text != "noted "+long[:193]+"…" {
			t.Errorf("the toast is %q", a.Text)
		}
		_, presses, _ := r.handler.seen()
		p := presses[0]
		if p.Data != long || p.Card != "run/1" || !p.Current || p.From.ID != second || p.Message != m.ID || p.Place.Chat != group {
			t.Errorf("got %+v", p)
		}
		frame.HTML = "approve? (1 of 2)"
		r.want("run/1", frame)
		r.settle()
		r.restart()
		if again := r.posts(group)[0].Buttons[0][0].Data; again != first {
			t.Errorf("the token changed from %s to %s with an edit", first, again)
		}
		r.press(lead, group, m.ID, "Approve")
		if _, presses, _ = r.handler.seen(); len(presses) != 2 || !presses[1].Current {
			t.Errorf("after an edit and a restart: %+v", presses)
		}
	})
}

func TestAButtonOfAnOlderFrameIsNotCurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		frame := bot.Frame{Place: bot.Place{Chat: group}, HTML: "one", Buttons: buttons("approve")}
		r.want("run/1", frame)
		r.settle()
		m := r.posts(group)[0]
		old := m.Buttons[0][0].Data
		frame.HTML, frame.Buttons = "two", buttons("undo")
		r.want("run/1", frame)
		r.settle()
		forge := func(chat int64, message int, data string) telegram.Answer {
			a, err := r.server.Press(t.Context(), telegram.PressOptions{Chat: chat, Message: message, From: second, Data: data, Forged: true})
			must(t, err)
			return a
		}
		forge(group, m.ID, old)
		_, presses, _ := r.handler.seen()
		if len(presses) != 1 || presses[0].Current || presses[0].Data != "approve" {
			t.Errorf("got %+v", presses)
		}
		r.settle()
		if live := r.live(group); len(live) != 1 {
			t.Error("a forged press took the buttons from a live card")
		}
		// Data that nobody gave out, and a token carried to another chat.
		r.want("run/2", bot.Frame{Place: bot.Place{Chat: other}, HTML: "elsewhere", Buttons: buttons("x")})
		r.settle()
		elsewhere := r.posts(other)[0]
		for _, a := range []telegram.Answer{forge(group, m.ID, "made up"), forge(other, elsewhere.ID, m.Buttons[0][0].Data)} {
			if a.Text != "This button is no longer in use." {
				t.Errorf("answered %q", a.Text)
			}
		}
		if _, presses, _ = r.handler.seen(); len(presses) != 1 {
			t.Errorf("delivered: %+v", presses[1:])
		}
		r.want("run/3", bot.Frame{Place: bot.Place{Chat: group}, HTML: "another card", Buttons: buttons("y")})
		r.settle()
		forge(group, newest(r.posts(group), "another card"), m.Buttons[0][0].Data)
		r.settle()
		synctest.Wait()
		if len(r.live(group)) != 2 || len(r.live(other)) != 1 {
			t.Error("a forged press took the buttons from a live card")
		}
	})
}

func TestAForgottenCardsButtonsAreAnsweredAndTakenAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *bot.Options) { o.UnknownPress = bot.Toast{Text: "Gone.", Alert: true} })
		r.start()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "one", Buttons: buttons("x")})
		r.settle()
		m := r.posts(group)[0]
		must(t, r.bot.Outbox().Forget(t.Context(), "run/1"))
		if a := r.press(lead, group, m.ID, "x"); a.Text != "Gone." || !a.Alert {
			t.Errorf("answered %+v", a)
		}
		synctest.Wait()
		if _, presses, _ := r.handler.seen(); len(presses) != 0 {
			t.Errorf("delivered: %+v", presses)
		}
		if live := r.live(group); len(live) != 0 {
			t.Errorf("messages with buttons: %v", live)
		}
	})
}

func TestAPressIsAnsweredBeforeTelegramRefusesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.handler.onPress = func(context.Context, bot.Press) (bot.Toast, error) {
			elapse(time.Minute)
			return bot.Toast{Text: "too late"}, nil
		}
		r.start()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "one", Buttons: buttons("x")})
		r.settle()
		began := time.Now()
		a := r.press(lead, group, r.posts(group)[0].ID, "x")
		if d := time.Since(began); d > 11*time.Second || !strings.HasPrefix(a.Text, "Still working") {
			t.Errorf("answered %q after %s", a.Text, d)
		}
		elapse(2 * time.Minute)
		if n := r.calls("answerCallbackQuery"); n != 1 {
			t.Errorf("answered %d times", n)
		}
	})
}

func TestAFailedPressIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.handler.onPress = func(_ context.Context, p bot.Press) (bot.Toast, error) {
			if p.Data == "panic" {
				panic("in a handler")
			}
			return bot.Toast{Text: "own words"}, errors.New("no luck")
		}
		r.start()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "one", Buttons: buttons("panic", "fail")})
		r.settle()
		id := r.posts(group)[0].ID
		if a := r.press(lead, group, id, "panic"); !strings.HasPrefix(a.Text, "That did not work") || !a.Alert {
			t.Errorf("answered %+v", a)
		}
		if a := r.press(lead, group, id, "fail"); a.Text != "own words" {
			t.Errorf("answered %+v", a)
		}
	})
}

func TestAPressThatWaitedForARestartIsHandled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "one", Buttons: buttons("x")})
		r.settle()
		must(t, r.stop())
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
		defer cancel()
		pressed := make(chan error, 1)
		go func() {
			_, err := r.server.Press(ctx, telegram.PressOptions{Chat: group, Message: r.posts(group)[0].ID, From: lead, Text: "x"})
			pressed <- err
		}()
		elapse(60 * time.Second)
		r.restart()
		if err := <-pressed; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a press that old cannot be answered any more: %v", err)
		}
		if _, presses, _ := r.handler.seen(); len(presses) != 1 || !presses[0].Current {
			t.Errorf("got %+v", presses)
		}
	})
}
