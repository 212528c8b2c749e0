package handlers_test

import (
	"errors"
	"strings"
	"testing"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/release"
)

func (d *desk) press(t *testing.T, by int64, p bot.Press) bot.Toast {
	t.Helper()
	d.update++
	p.UpdateID, p.From, p.Received = d.update, bot.Person{ID: by, Name: "Somebody"}, d.now
	toast, err := d.Press(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return toast
}

func on(chat int64, action cards.Action, current bool) bot.Press {
	return bot.Press{Place: bot.Place{Chat: chat}, Message: 77, Data: action.String(), Card: "run/R", Current: current}
}

func TestAPressBecomesADecision(t *testing.T) {
	for _, c := range []struct {
		name  string
		by    int64
		press bot.Press
		asked string
		toast string
	}{
		{"approve", 3, on(team, cards.Do(cards.Approve, "R", "d1"), true), "vote R d1 true by 3 as approver", "Approved. It is checked once more and starts."},
		{"approve on a card that was edited meanwhile", 3, on(team, cards.Do(cards.Approve, "R", "d1"), false), "vote R d1 true", "Approved"},
		{"reject", 3, on(team, cards.Do(cards.Reject, "R", "d1"), true), "vote R d1 false", "Rejected"},
		{"a stranger approves", 99, on(team, cards.Do(cards.Approve, "R", "d1"), true), "", "unknown_person"},
		{"a stranger refreshes", 99, on(team, cards.Do(cards.Status, "shop"), true), "", "unknown_person"},
		{"approve from another project's chat", 3, on(shared, cards.Do(cards.Approve, "R", "d1"), false), "", "wrong_chat"},
		{"approve from an unknown chat", 3, on(unknown, cards.Do(cards.Approve, "R", "d1"), false), "", "wrong_chat"},
		{"approve a run that is not there", 3, on(team, cards.Do(cards.Approve, "X", "d1"), true), "", "stale_button"},
		{"settle from another chat", 3, on(shared, cards.Do(cards.Settle, "R"), true), "", "wrong_chat"},
		{"go back another way", 2, on(team, cards.Do(cards.Way, "R", "d1", "time travel"), true), "way R d1 time travel by 2", "another plan"},
		{"go back another way, from another chat", 2, on(shared, cards.Do(cards.Way, "R", "d1", "down"), true), "", "wrong_chat"},
		{"adopt a change from outside", 2, on(team, cards.Do(cards.Adopt, "shop", "k"), false), "adopt shop k by 2", "known state"},
		{"adopt another chat's", 2, on(team, cards.Do(cards.Adopt, "web", "k"), false), "", "wrong_chat"},
		{"look into a change from outside", 2, on(team, cards.Do(cards.Investigate, "shop", "k"), false), "investigate shop k by 2", "Noted"},
		{"adopt a database again", 2, on(team, cards.Do(cards.Baseline, "shop", "0002.sql"), true), `baseline shop "0002.sql"`, "Asked for"},
		{"adopt a database by an old button", 2, on(team, cards.Do(cards.Baseline, "shop", ""), false), "", "stale_button"},
		{"adopt another chat's database", 2, on(team, cards.Do(cards.Baseline, "web", ""), true), "", "wrong_chat"},
		{"drill, picked", 2, on(team, cards.Do(cards.Drill, "shop"), true), "drill shop reply -100/0/77", "Up to date"},
		{"look again", 3, on(team, cards.Do(cards.Look, "R"), true), "resolve R look=true by 3", "Looking"},
		{"settle", 3, on(team, cards.Do(cards.Settle, "R"), true), "resolve R look=false by 3", "Closed"},
		{"promote", 2, on(team, cards.Do(cards.Promote, "shop", "42"), true), "promote shop 42", "Asked for"},
		{"promote, picked without a number", 2, on(team, cards.Do(cards.Promote, "shop"), true), "promote shop 0", "Asked for"},
		{"promote, picked with one", 2, on(team, cards.Do(cards.Promote, "shop", "#42"), true), "promote shop 42", "Asked for"},
		{"go back", 2, on(team, cards.Do(cards.Rollback, "shop", "41"), true), "rollback shop 41", "Asked for"},
		{"an old promote button", 2, on(team, cards.Do(cards.Promote, "shop", "42"), false), "", "stale_button"},
		{"another chat's project", 2, on(team, cards.Do(cards.Promote, "web", "42"), true), "", "wrong_chat"},
		{"rebuild", 2, on(team, cards.Do(cards.Reset, "shop", "main"), true), `deploy shop "main" reset=true`, "Started"},
		{"try again without a ref", 2, on(team, cards.Do(cards.Deploy, "shop", ""), true), `deploy shop "" reset=false`, "Started"},
		{"refresh", 1, on(team, cards.Do(cards.Status, "shop"), false), "status shop", "Up to date"},
		{"older releases", 1, on(team, cards.Do(cards.Releases, "shop", "34"), true), "releases shop below 34", "Up to date"},
		{"run now of nothing", 2, on(team, cards.Do(cards.RunNow, "2", ""), true), "", "stale_button"},
		{"a verb of a later version", 2, on(team, cards.Do("dance", "shop"), true), "", "stale_button"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk()
			d.engine.runs["R"] = release.Run{ID: "R", Project: "shop", Phase: release.Asking}
			toast := d.press(t, c.by, c.press)
			if got := strings.Join(d.engine.asked, "; "); !strings.Contains(got, c.asked) || (c.asked == "") != (got == "") {
				t.Errorf("the engine was asked %q, want %q", got, c.asked)
			}
			if !strings.Contains(toast.Text, c.toast) || toast.Alert != strings.Contains(toast.Text, "_") {
				t.Errorf("the toast is %+v, want %q; refusals alone are dialogs", toast, c.toast)
			}
			if c.asked == "" && len(d.box.frames) > 0 {
				t.Errorf("a refusal is private, and the group was told %v", d.box.order)
			}
		})
	}
}

func TestACardWhoseTopicIsGoneIsDecidedWhereItStandsNow(t *testing.T) {
	d := newDesk()
	d.engine.runs["R"] = release.Run{ID: "R", Project: "forum-blog", Phase: release.Asking}
	if toast := d.press(t, 3, on(forum, cards.Do(cards.Approve, "R", "d1"), true)); toast.Alert {
		t.Errorf("%+v", toast)
	}
	if toast := d.press(t, 2, on(forum, cards.Do(cards.Promote, "forum-blog", "42"), true)); toast.Alert {
		t.Errorf("%+v", toast)
	}
	if toast := d.press(t, 3, on(team, cards.Do(cards.Approve, "R", "d1"), true)); !strings.Contains(toast.Text, "wrong_chat") {
		t.Errorf("%+v", toast)
	}
}

func TestAYesThatDidNotCountBecauseTelegramWasSilentIsToldInTheChatOnce(t *testing.T) {
	d := newDesk()
	d.engine.runs["R"] = release.Run{ID: "R", Project: "shop", Phase: release.Asking}
	d.engine.err = release.Refuse(release.CodeFactsMissing, "what", "membership")
	press := on(team, cards.Do(cards.Approve, "R", "d1"), true)
	d.chats.err = bot.ErrNotAdmin // Telegram can be reached, so that the toast is enough
	if toast := d.press(t, 3, press); !strings.Contains(toast.Text, "facts_unavailable") || len(d.box.frames) > 0 {
		t.Errorf("%+v, and the chat was told %v", toast, d.box.order)
	}
	d.chats.err = bot.ErrUnavailable
	d.press(t, 3, press)
	d.update-- // handled again after a crash
	if toast := d.press(t, 3, press); !strings.Contains(toast.Text, "facts_unavailable") || len(d.box.frames) != 1 {
		t.Errorf("%+v, and the chat was told %v", toast, d.box.order)
	}
	if f, _ := d.box.frame(d.box.order[0]); !strings.Contains(f.HTML, "did not count") || f.ReplyTo != 77 {
		t.Errorf("%+v", f)
	}
}

func TestAQuestionIsAnsweredOnceAndLosesItsButtons(t *testing.T) {
	d := newDesk()
	d.engine.choices = []string{"v1", "v2"}
	ask, _ := d.say(t, said{chat: shared, by: 2, text: "/deploy"})
	if ask.Buttons[0][0].Text != "api" || ask.Buttons[0][1].Text != "web" {
		t.Fatalf("%+v", ask)
	}
	at := bot.Press{Place: bot.Place{Chat: shared}, Message: 56, Card: d.replyKey(1), Current: true, Data: ask.Buttons[0][1].Data}
	d.press(t, 2, at)
	ask, _ = d.box.frame(d.replyKey(1)) // the next question stands in its place
	if len(d.engine.asked) > 0 || !strings.Contains(ask.HTML, "Deploy which version") || ask.Buttons[0][1].Text != "v2" {
		t.Fatalf("asked %q: %+v", d.engine.asked, ask)
	}
	at.Data = ask.Buttons[0][1].Data
	d.press(t, 2, at)
	d.press(t, 2, at)
	if len(d.engine.asked) != 2 || d.engine.keys[0] != d.engine.keys[1] || !strings.HasPrefix(d.engine.asked[0], `deploy web "v2"`) {
		t.Errorf("asked %q under %q", d.engine.asked, d.engine.keys)
	}
	if f, _ := d.box.frame(d.replyKey(1)); len(f.Buttons) > 0 || !strings.Contains(f.HTML, "chose") {
		t.Errorf("%+v", f)
	}
}

func TestReleasesArePaged(t *testing.T) {
	d := newDesk()
	for n := uint64(20); n > 0; n-- {
		d.engine.list = append(d.engine.list, deploy.Listed{Release: release.Release{Number: n}})
	}
	reply, _ := d.say(t, said{chat: team, by: 1, text: "/releases"})
	last := func(f bot.Frame) bot.Button { row := f.Buttons[len(f.Buttons)-1]; return row[len(row)-1] }
	if last(reply).Text != "Older" || !strings.Contains(reply.HTML, "#13<") || strings.Contains(reply.HTML, "#12<") {
		t.Fatalf("%+v", reply)
	}
	for range 2 {
		d.press(t, 1, bot.Press{Place: bot.Place{Chat: team}, Card: d.replyKey(1), Current: true, Data: last(reply).Data})
		reply, _ = d.box.frame(d.replyKey(1))
	}
	if last(reply).Text == "Older" || !strings.Contains(reply.HTML, "#1<") || !strings.Contains(reply.HTML, "#4<") || strings.Contains(reply.HTML, "#5<") {
		t.Errorf("the last page: %+v", reply)
	}
}

func TestAFaultWhilePressedIsNoToastOfOurs(t *testing.T) {
	d := newDesk()
	d.engine.runs["R"] = release.Run{ID: "R", Project: "shop"}
	d.engine.err = errors.New("the store is gone")
	for _, data := range []string{cards.Do(cards.Approve, "R", "d").String(), "deploy %zz"} {
		if toast, err := d.Press(t.Context(), bot.Press{Place: bot.Place{Chat: team}, From: bot.Person{ID: 3}, Data: data}); err == nil || toast.Text != "" {
			t.Errorf("%q: %+v, %v", data, toast, err)
		}
	}
}
