package bot_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"towline/bot"
	"towline/sandbox/telegram"
)

// forge sends callback data that the message need not have.
func (r *rig) forge(from, chat int64, message int, data string) telegram.Answer {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	a, err := r.server.Press(ctx, telegram.PressOptions{Chat: chat, Message: message, From: from, Data: data, Forged: true})
	must(r.t, err)
	return a
}

// reached is how many presses the handler has got.
func (r *rig) reached() int {
	_, presses, _ := r.handler.seen()
	return len(presses)
}

// calendar is a bot's clock that can be set forward without its polls in between.
type calendar struct{ ahead atomic.Int64 }

func (c *calendar) now() time.Time        { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *calendar) pass(d time.Duration)  { c.ahead.Add(int64(d)) }
func (c *calendar) adjust(o *bot.Options) { o.Now = c.now }

func TestAButtonIsDeadWhenItsTimeIsOver(t *testing.T) {
	for _, c := range []struct {
		name  string
		until time.Duration // of the frame, from now; 0 for none
		alive time.Duration
		dead  time.Duration
	}{
		{"a button with a time of its own", 30 * time.Minute, 29 * time.Minute, 31 * time.Minute},
		{"a button without one lives 30 days", 0, 29 * 24 * time.Hour, 31 * 24 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := &calendar{}
				r := newRig(t, func(o *bot.Options) {
					clock.adjust(o)
					o.ExpiredPress = bot.Toast{Text: "Too late.", Alert: true}
				})
				r.start()
				f := bot.Frame{Place: bot.Place{Chat: group}, HTML: "approve?", Buttons: buttons("yes")}
				f.Buttons[0] = append(f.Buttons[0], bot.Button{Text: "Compare", URL: "https://example.com"})
				began := time.Now()
				if c.until > 0 {
					f.Until = began.Add(c.until)
				}
				r.want("run/1", bot.Frame{Place: f.Place, HTML: "planning"})
				r.settle()
				r.want("run/1", f)
				r.settle()
				m := r.posts(group)[0]
				token := m.Buttons[0][0].Data
				clock.pass(c.alive)
				if r.press(lead, group, m.ID, "yes"); r.reached() != 1 {
					t.Fatal("a press in time did not reach the handler")
				}
				clock.pass(c.dead - c.alive)
				if a := r.press(lead, group, m.ID, "yes"); a.Text != "Too late." || !a.Alert {
					t.Errorf("answered %+v", a)
				}
				r.settle()
				m = r.posts(group)[0]
				if len(m.Buttons) != 1 || len(m.Buttons[0]) != 1 || m.Buttons[0][0].URL == "" {
					t.Errorf("the dead button is still there, or the link is not: %+v", m.Buttons)
				}
				if a := r.forge(lead, group, m.ID, token); a.Text != "Too late." || r.reached() != 1 {
					t.Errorf("answered %+v, %d presses reached the handler", a, r.reached())
				}
				f.Until = clock.now().Add(time.Hour)
				r.want("run/1", f)
				r.settle()
				if m = r.posts(group)[0]; m.Buttons[0][0].Data == token {
					t.Error("a token that was over came back to life")
				}
				if r.press(lead, group, m.ID, "yes"); r.reached() != 2 {
					t.Error("the button that was wanted again does not work")
				}
			})
		})
	}
}

func TestTokensThatAreOverAreSwept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &calendar{}
		r := newRig(t, clock.adjust)
		r.start()
		f := bot.Frame{Place: bot.Place{Chat: group}, HTML: "approve?", Buttons: buttons("yes"), Until: time.Now().Add(time.Hour), Final: true}
		f.Buttons[0] = append(f.Buttons[0], bot.Button{Text: "Compare", URL: "https://example.com"})
		r.want("run/1", f)
		r.settle()
		m := r.posts(group)[0]
		token := m.Buttons[0][0].Data
		known := func() bool {
			_, _, found, err := r.store.Bot().CardByToken(t.Context(), token)
			must(t, err)
			return found
		}
		sweep := func(d time.Duration) {
			clock.pass(d)
			elapse(61 * time.Minute) // of fake time: sweeping is hourly
		}
		sweep(7*24*time.Hour - 30*time.Minute)
		if !known() {
			t.Error("forgotten before a late press could be told why it does not count")
		}
		sweep(0)
		if known() {
			t.Error("a token that has long been over is still there")
		}
		if a := r.press(lead, group, m.ID, "yes"); a.Text != "This button is no longer in use." {
			t.Errorf("answered %+v", a)
		}
		r.settle()
		if left := r.posts(group)[0].Buttons; len(left) != 1 || len(left[0]) != 1 || left[0][0].URL == "" || r.reached() != 0 {
			t.Errorf("left: %v; %d presses reached the handler", left, r.reached())
		}
		sweep(31 * 24 * time.Hour)
		if _, found, err := r.store.Bot().Card(t.Context(), "run/1"); found || err != nil {
			t.Errorf("a final card without a working button is still there: %v", err)
		}
	})
}

func TestAButtonIsForThoseItIsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		f := bot.Frame{Place: bot.Place{Chat: group}, HTML: "approve?", Buttons: buttons("yes", "all")}
		f.Buttons[0][0].For = []int64{second}
		r.want("run/1", f)
		r.settle()
		m := r.posts(group)[0]
		if a := r.press(lead, group, m.ID, "yes"); a.Text != "This button is for somebody else." || r.reached() != 0 {
			t.Errorf("answered %+v, %d presses reached the handler", a, r.reached())
		}
		r.press(second, group, m.ID, "yes")
		r.press(lead, group, m.ID, "all")
		if r.reached() != 2 || len(r.live(group)) != 1 {
			t.Errorf("%d presses reached the handler; live: %v", r.reached(), r.live(group))
		}
		// Other people, without a change that anybody sees.
		f.Buttons = [][]bot.Button{{f.Buttons[0][0], f.Buttons[0][1]}}
		f.Buttons[0][0].For = []int64{lead}
		calls := len(r.server.Calls())
		r.want("run/1", f)
		r.settle()
		synctest.Wait()
		for _, c := range r.server.Calls()[calls:] {
			if strings.HasPrefix(c.Method, "edit") {
				t.Errorf("%s was called", c.Method)
			}
		}
		r.press(second, group, m.ID, "yes")
		r.press(lead, group, m.ID, "yes")
		if _, presses, _ := r.handler.seen(); len(presses) != 3 || presses[2].From.ID != lead {
			t.Errorf("presses: %+v", presses)
		}
	})
}

func TestAStolenTokenIsGoodNowhereElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		for key, chat := range map[string]int64{"run/1": group, "run/2": group, "run/3": other} {
			r.want(key, bot.Frame{Place: bot.Place{Chat: chat}, HTML: key, Buttons: buttons("yes " + key)})
		}
		r.settle()
		posts := r.posts(group)
		token := posts[0].Buttons[0][0].Data
		for name, a := range map[string]telegram.Answer{
			"another message of the chat": r.forge(lead, group, posts[1].ID, token),
			"a message of a person":       r.forge(lead, group, r.say(lead, group, "hello"), token),
			"another chat":                r.forge(lead, other, r.posts(other)[0].ID, token),
		} {
			if a.Text != "This button is no longer in use." {
				t.Errorf("on %s: answered %q", name, a.Text)
			}
		}
		r.settle()
		synctest.Wait()
		if r.reached() != 0 || len(r.live(group)) != 2 || len(r.live(other)) != 1 {
			t.Errorf("%d presses reached the handler; live: %v %v", r.reached(), r.live(group), r.live(other))
		}
	})
}

func TestAnOlderCopyIsToldSoAndLosesItsButtons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *bot.Options) { o.OlderPress = bot.Toast{Text: "Look further down."} })
		r.start()
		f := bot.Frame{Place: bot.Place{Chat: group}, HTML: "approve?", Buttons: buttons("yes")}
		r.want("run/1", f)
		r.settle()
		old := r.posts(group)[0]
		// The older copy keeps its buttons for as long as Telegram refuses to take them.
		r.server.Fault(telegram.Fault{Kind: telegram.WasKicked, Method: "editMessageReplyMarkup"})
		f.Repost++
		r.want("run/1", f)
		r.settle()
		if len(r.live(group)) != 2 {
			t.Fatalf("live: %v", r.live(group))
		}
		if a := r.press(lead, group, old.ID, "yes"); a.Text != "Look further down." || r.reached() != 0 {
			t.Errorf("answered %+v, %d presses reached the handler", a, r.reached())
		}
		r.settle()
		if live := r.live(group); len(live) != 1 || live[0] == old.ID {
			t.Errorf("live: %v", live)
		}
	})
}

func TestRenewedButtonsWorkAndTheOldOnesDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		f := bot.Frame{Place: bot.Place{Chat: group}, HTML: "approve?", Buttons: buttons("yes", "no")}
		r.want("run/1", f)
		r.settle()
		m := r.posts(group)[0]
		old := m.Buttons[0][0].Data
		renew := func() {
			t.Helper()
			must(t, r.bot.Outbox().Renew(t.Context(), "run/1"))
		}
		renew()
		r.settle()
		// A client may show the old buttons for a while.
		if a := r.forge(second, group, m.ID, old); a.Text != "This button was replaced. Use the newest message about it." || r.reached() != 0 {
			t.Errorf("answered %+v, %d presses reached the handler", a, r.reached())
		}
		now := r.posts(group)
		if len(now) != 1 || now[0].ID != m.ID || len(now[0].Buttons[0]) != 2 || now[0].Buttons[0][0].Data == old {
			t.Fatalf("after the renewal: %+v", now)
		}
		r.press(second, group, m.ID, "yes")
		if _, presses, _ := r.handler.seen(); len(presses) != 1 || !presses[0].Current || presses[0].Data != "yes" {
			t.Errorf("presses: %+v", presses)
		}
		must(t, r.server.Delete(t.Context(), group, m.ID, lead))
		renew()
		renew() // as after a crash in between
		r.settle()
		if now = r.posts(group); len(now) != 1 || now[0].ID == m.ID {
			t.Fatalf("a message that was deleted was not posted anew: %+v", now)
		}
		if r.press(second, group, now[0].ID, "no"); r.reached() != 2 {
			t.Error("the new message's button does not work")
		}
		calls := r.calls("editMessageText")
		r.want("run/1", f)
		r.settle()
		if r.calls("editMessageText") != calls {
			t.Error("wanting the same frame after a renewal was taken for a change")
		}
		if err := r.bot.Outbox().Renew(t.Context(), "run/nothing"); err == nil || !strings.Contains(err.Error(), "no such card") {
			t.Errorf("got %v", err)
		}
	})
}

func TestARenewalThatACrashCutShortIsDeliveredAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "approve?", Buttons: buttons("yes")})
		r.settle()
		m := r.posts(group)[0]
		must(t, r.stop())
		must(t, r.bot.Outbox().Renew(t.Context(), "run/1")) // nothing is delivered any more
		must(t, r.store.Close())
		r.store = nil
		r.open()
		must(t, r.bot.Outbox().Renew(t.Context(), "run/1"))
		r.start()
		r.until(group, "the renewal", func(all []telegram.Message) bool {
			return own(all)[0].Buttons[0][0].Data != m.Buttons[0][0].Data
		})
		r.settle()
		if r.press(lead, group, m.ID, "yes"); r.reached() != 1 || r.calls("editMessageText") != 1 {
			t.Errorf("%d presses reached the handler, %d edits", r.reached(), r.calls("editMessageText"))
		}
	})
}

func TestAPressThatWasMadeWhileTheBotWasAwayCountsThoughItsButtonsWereRenewedSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "approve?", Buttons: buttons("yes")})
		r.settle()
		must(t, r.stop())
		must(t, r.store.Close())
		r.store = nil
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		go func() {
			_, _ = r.server.Press(ctx, telegram.PressOptions{Chat: group, Message: r.posts(group)[0].ID, From: second, Text: "yes"})
		}()
		synctest.Wait()
		r.open()
		must(t, r.bot.Outbox().Renew(t.Context(), "run/1"))
		r.start()
		r.settle()
		synctest.Wait()
		if _, presses, _ := r.handler.seen(); len(presses) != 1 || !presses[0].Current {
			t.Errorf("presses: %+v", presses)
		}
	})
}

func TestAPressThatWasJournaledBeforeARenewalCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		release := make(chan struct{})
		r.handler.onCommand = func(context.Context, bot.Command) error { <-release; return nil }
		r.start()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "approve?", Buttons: buttons("yes")})
		r.settle()
		r.say(lead, group, "/slow")
		r.heard(1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		go func() {
			_, _ = r.server.Press(ctx, telegram.PressOptions{Chat: group, Message: r.posts(group)[0].ID, From: second, Text: "yes"})
		}()
		elapse(time.Second) // of fake time: journaled, and waiting for the command before it
		must(t, r.bot.Outbox().Renew(t.Context(), "run/1"))
		r.settle()
		close(release)
		synctest.Wait()
		if _, presses, _ := r.handler.seen(); len(presses) != 1 || !presses[0].Current {
			t.Errorf("presses: %+v", presses)
		}
	})
}

func TestAPendingCardFollowsItsGroupWithWorkingButtons(t *testing.T) {
	for _, c := range []struct {
		name  string
		tells func(r *rig) // makes the bot learn of it
	}{
		{"told by a message", func(*rig) {}},
		{"told by a refused request", func(r *rig) {
			r.want("note/1", bot.Frame{Place: bot.Place{Chat: -4711}, HTML: "note", Final: true})
		}},
		{"told before a crash", func(r *rig) {
			must(r.t, r.stop())
			must(r.t, r.store.Bot().SetAlias(context.Background(), -4711, r.server.Groups()[2].ID))
			must(r.t, r.store.Close())
			r.store = nil
			r.start()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const small = int64(-4711)
				r := newRig(t, nil)
				must(t, r.server.AddGroup(telegram.Group{ID: small, Title: "Small", Basic: true, Members: []telegram.Member{{User: lead, Status: telegram.Creator}}}))
				r.start()
				r.want("run/1", bot.Frame{Place: bot.Place{Chat: small}, HTML: "approve?", Buttons: buttons("yes")})
				r.want("old/1", bot.Frame{Place: bot.Place{Chat: small}, HTML: "done", Buttons: buttons("again"), Final: true})
				r.settle()
				big, err := r.server.MigrateGroup(small)
				must(t, err)
				c.tells(r)
				r.until(big, "the pending card", func(m []telegram.Message) bool { return newest(own(m), "approve?") != 0 })
				r.settle()
				if newest(r.posts(big), "done") != 0 {
					t.Error("what nobody has to act on was posted again")
				}
				if a := r.press(lead, big, newest(r.posts(big), "approve?"), "yes"); a.Text != "noted yes" {
					t.Errorf("answered %+v", a)
				}
				_, presses, _ := r.handler.seen()
				if len(presses) != 1 || !presses[0].Current || presses[0].Place.Chat != big || presses[0].Card != "run/1" {
					t.Errorf("presses: %+v", presses)
				}
				posts := len(r.posts(big))
				r.restart()
				elapse(time.Minute)
				if len(r.posts(big)) != posts {
					t.Errorf("posted again after a restart: %+v", r.posts(big))
				}
			})
		})
	}
}

func TestWhatAMigrationLeftUndoneIsDoneAtTheNextStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const small = int64(-4711)
		r := newRig(t, hooked) // which hears of nothing here
		must(t, r.server.AddGroup(telegram.Group{ID: small, Title: "Small", Basic: true, Members: []telegram.Member{{User: lead, Status: telegram.Creator}}}))
		r.start()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: small}, HTML: "approve?", Buttons: buttons("yes")})
		r.settle()
		must(t, r.server.SetMember(small, telegram.Member{User: botID, Status: telegram.Kicked}, lead))
		r.want("run/2", bot.Frame{Place: bot.Place{Chat: small}, HTML: "parked"})
		r.settle()
		must(t, r.stop())
		must(t, r.server.SetMember(small, telegram.Member{User: botID, Status: telegram.Ordinary}, lead))
		big, err := r.server.MigrateGroup(small)
		must(t, err)
		must(t, r.store.Bot().SetAlias(t.Context(), small, big)) // and then the process died
		r.restart()
		r.until(big, "the pending card", func(m []telegram.Message) bool { return newest(own(m), "approve?") != 0 })
		synctest.Wait()
		r.poster(hookSecret)(fmt.Sprintf(`{"update_id":1,"my_chat_member":{"chat":{"id":%d,"type":"supergroup"},"from":{"id":1001},
			"old_chat_member":{"status":"left"},"new_chat_member":{"status":"member"}}}`, big))
		r.until(big, "what was parked in the old group", func(m []telegram.Message) bool { return newest(own(m), "parked") != 0 })
	})
}
