package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"towline/sandbox/telegram"
	"towline/store"
)

// journey is a demo world with its bot at work, and people to play.
type journey struct {
	t    *testing.T
	tg   *telegram.Server
	ctx  context.Context
	w    *world
	stop func()
}

func startJourney(t *testing.T, dir string) *journey {
	t.Helper()
	ctx, cancel := patient(t.Context(), t)
	t.Cleanup(cancel)
	s, err := store.Open(dir+"/towline.db", store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	w, err := newWorld(demoOptions{dir: dir, listen: "127.0.0.1:0"}, log)
	if err != nil {
		t.Fatal(err)
	}
	service, err := w.service(s, dir, log)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	running, stop := context.WithCancel(ctx)
	go func() { done <- service.run(running) }()
	j := &journey{t: t, tg: w.telegram, ctx: ctx, w: w}
	j.stop = func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the service ended with %v", err)
		}
		if err := w.close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() {
		j.stop()
		for _, v := range w.telegram.Violations() {
			t.Errorf("Telegram would have refused: %s", v)
		}
	})
	return j
}

func (j *journey) say(who int64, text string) {
	j.t.Helper()
	if _, err := j.tg.Say(j.ctx, telegram.SayOptions{Chat: demoGroup, From: who, Text: text}); err != nil {
		j.t.Fatal(err)
	}
}

// card waits for the newest message of the bot that has all the words, and returns it.
func (j *journey) card(words ...string) telegram.Message {
	j.t.Helper()
	var found telegram.Message
	err := j.tg.WaitFor(j.ctx, demoGroup, func(all []telegram.Message) bool {
		for i := len(all) - 1; i >= 0; i-- {
			if all[i].FromBot && hasAll(all[i].Text, words) {
				found = all[i]
				return true
			}
		}
		return false
	})
	if err != nil {
		j.t.Fatalf("no card with %q: %v", words, err)
	}
	return found
}

func hasAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// press presses the button whose label begins with a text, and returns the toast.
func (j *journey) press(who int64, m telegram.Message, label string) string {
	j.t.Helper()
	for _, row := range m.Buttons {
		for _, b := range row {
			if strings.HasPrefix(b.Text, label) {
				a, err := j.tg.Press(j.ctx, telegram.PressOptions{Chat: demoGroup, Message: m.ID, From: who, Data: b.Data})
				if err != nil {
					j.t.Fatal(err)
				}
				return a.Text
			}
		}
	}
	j.t.Fatalf("no button %q below %q", label, m.Text)
	return ""
}

func TestTheDemoLeadsFromTheFirstDeployToTheWayBack(t *testing.T) {
	if testing.Short() && raced() {
		t.Skip("a long story, and many times as long under the race detector")
	}
	j := startJourney(t, t.TempDir())
	j.say(demoDeployer, "/deploy")
	pick := j.card("Deploy which version")
	j.press(demoDeployer, pick, "v1")
	live := j.card("shop → preview · live", "#1")
	j.press(demoDeployer, live, "Promote #1")
	ask := j.card("shop → production", "waiting for approval", "#1")
	if toast := j.press(demoDeployer, ask, "Approve"); !strings.Contains(toast, "own_approval") && !strings.Contains(toast, "not_allowed") {
		t.Errorf("the requester's own approval was answered %q", toast)
	}
	if toast := j.press(demoStranger, ask, "Approve"); !strings.Contains(toast, "unknown_person") {
		t.Errorf("the stranger's press was answered %q", toast)
	}
	j.press(demoApprover, ask, "Approve")
	t.Log(j.card("shop → production · live", "#1", "Dana", "Robin").Text)

	j.say(demoDeployer, "/deploy v2")
	live = j.card("shop → preview · live", "#2")
	j.press(demoDeployer, live, "Promote #2")
	j.press(demoApprover, j.card("shop → production", "waiting for approval", "#2"), "Approve")
	j.card("shop → production · live", "#2")

	j.say(demoDeployer, "/deploy v3-broken")
	t.Log(j.card("refused", "0003_totals.sql line 4", "quantiti", "rehearsal_failed").Text)

	j.say(demoDeployer, "/deploy v3")
	live = j.card("shop → preview · live", "#4")
	j.press(demoDeployer, live, "Promote #4")
	j.press(demoApprover, j.card("shop → production", "waiting for approval", "#4"), "Approve")
	j.card("shop → production · live", "#4")

	j.say(demoDeployer, "/rollback")
	back := j.card("waiting for approval", "From #4 to #2", "0003_totals.sql stays applied", "by Time Travel")
	t.Log(back.Text)
	j.press(demoApprover, back, "Approve going back to #2")
	t.Log(j.card("went back to #2", "held").Text)

	j.say(demoDeployer, "/promote")
	j.card("hold_active")
	j.say(demoDeployer, "/unhold the cause is found")
	j.card("no longer held")

	j.say(demoDeployer, "/deploy v4-rebuild")
	t.Log(j.card("would_lose_rows", "orders").Text)
	j.say(demoDeployer, "/status")
	t.Log(j.card("preview", "production", "#4 live", "#2 live").Text)
	j.say(demoDeployer, "/releases")
	t.Log(j.card("Releases of shop").Text)
	j.say(demoApprover, "/help")
	j.card("your role is approver")
	j.say(demoDeployer, "/whoami")
	j.card("person 1001")
}
