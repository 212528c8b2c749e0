package bot_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"towline/bot"
	"towline/sandbox/telegram"
)

func TestACardIsPostedOnceAndThenEdited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		at := bot.Place{Chat: group}
		for i := range 5 {
			r.want("run/1", bot.Frame{Place: at, HTML: fmt.Sprintf("<b>step</b> %d", i), Buttons: [][]bot.Button{{{Text: "Cancel", Data: "cancel"}}}})
			synctest.Wait() // the first one is delivered before the second is wanted
		}
		r.settle()
		posts := r.posts(group)
		if len(posts) != 1 || posts[0].Text != "step 4" {
			t.Fatalf("want one message saying step 4, got %+v", posts)
		}
		if n := r.calls("editMessageText"); n != 1 {
			t.Errorf("four quick changes took %d edits, want one", n)
		}
		if b := posts[0].Buttons; len(b) != 1 || b[0][0].Text != "Cancel" {
			t.Errorf("the edit lost the button: %+v", b)
		}
		place, id, ok, err := r.bot.Outbox().Sent(context.Background(), "run/1")
		if err != nil || !ok || place != at || id != posts[0].ID {
			t.Errorf("Sent = %v %d %v %v", place, id, ok, err)
		}
	})
}

func TestEditsKeepThePaceButAFinalFrameGoesOutAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		began := time.Now()
		frame := bot.Frame{Place: bot.Place{Chat: group}, HTML: "one"}
		r.want("run/1", frame)
		r.settle()
		frame.HTML = "two"
		r.want("run/1", frame)
		r.settle()
		if d := time.Since(began); d < 3*time.Second {
			t.Errorf("an edit followed after %s, want at least 3s", d)
		}
		frame.HTML, frame.Final = "three", true
		began = time.Now()
		r.want("run/1", frame)
		r.settle()
		if d := time.Since(began); d > 100*time.Millisecond {
			t.Errorf("the final frame took %s", d)
		}
	})
}

func TestWantingTheSameFrameAgainSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		frame := bot.Frame{Place: bot.Place{Chat: group}, HTML: "one", Buttons: [][]bot.Button{{{Text: "Go", Data: "go"}}}}
		r.want("run/1", frame)
		r.settle()
		before := len(r.server.Calls())
		r.want("run/1", frame)
		r.settle()
		r.restart()
		r.want("run/1", frame)
		r.settle()
		for _, c := range r.server.Calls()[before:] {
			if strings.HasPrefix(c.Method, "send") || strings.HasPrefix(c.Method, "edit") {
				t.Errorf("%s was called", c.Method)
			}
		}
	})
}

func TestARepostMovesTheButtonsToANewMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		frame := bot.Frame{Place: bot.Place{Chat: group}, HTML: "please approve", Buttons: [][]bot.Button{{{Text: "Approve", Data: "yes"}}}}
		r.want("run/1", frame)
		r.settle()
		old := r.posts(group)[0].ID
		frame.Repost++
		r.want("run/1", frame)
		r.settle()
		posts := r.posts(group)
		if len(posts) != 2 || len(posts[0].Buttons) != 0 || len(posts[1].Buttons) != 1 {
			t.Fatalf("want an old message without and a new one with buttons, got %+v", posts)
		}
		if live := r.live(group); len(live) != 1 || live[0] == old {
			t.Errorf("live messages: %v", live)
		}
		frame.Repost++
		frame.Left = "asked <b>again</b> below"
		r.want("run/1", frame)
		r.restart()
		r.settle()
		posts = r.posts(group)
		if len(posts) != 3 || posts[1].Text != "asked again below" || len(posts[1].Buttons) != 0 || posts[0].Text != "please approve" {
			t.Errorf("the copy left behind should say so, got %+v", posts)
		}
	})
}

func TestA429FreezesTheChatAndTheNewestFrameIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "one"})
		r.settle()
		r.server.Fault(telegram.Fault{Kind: telegram.TooManyRequests, Method: "editMessageText", RetryAfter: 90 * time.Second})
		began := time.Now()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "two", Final: true})
		synctest.Wait()
		sends := len(r.server.Calls())
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "three", Final: true})
		r.want("run/2", bot.Frame{Place: bot.Place{Chat: group}, HTML: "another card of that chat"})
		r.want("run/3", bot.Frame{Place: bot.Place{Chat: other}, HTML: "another chat"})
		synctest.Wait()
		if got := r.posts(other); len(got) != 1 {
			t.Errorf("another chat had to wait too: %+v", got)
		}
		if got := r.posts(group); len(got) != 1 || got[0].Text != "one" {
			t.Errorf("the frozen chat was posted to: %+v", got)
		}
		r.settle()
		if d := time.Since(began); d < 90*time.Second {
			t.Errorf("the chat was frozen for %s, want 90s", d)
		}
		posts := r.posts(group)
		if len(posts) != 2 || posts[0].Text != "three" {
			t.Errorf("after the pause: %+v", posts)
		}
		edits := 0
		for _, c := range r.server.Calls()[sends:] {
			if c.Method == "editMessageText" {
				edits++
			}
		}
		if edits != 1 {
			t.Errorf("%d edits after the pause, want one", edits)
		}
	})
}

func TestADeliveryIsRepeatedUntilTelegramTakesIt(t *testing.T) {
	for _, kind := range []telegram.FaultKind{telegram.ServerError, telegram.BadGateway, telegram.LostBefore} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				r.start()
				r.server.Fault(telegram.Fault{Kind: kind, Method: "sendMessage", Times: 7})
				r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "one"})
				r.settle()
				if posts := r.posts(group); len(posts) != 1 {
					t.Errorf("got %+v", posts)
				}
				if n := r.calls("sendMessage"); n != 8 {
					t.Errorf("%d calls of sendMessage, want 8", n)
				}
			})
		})
	}
}

func TestAfterALostReplyOnlyTheLastCopyHasLiveButtons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		r.server.Fault(telegram.Fault{Kind: telegram.LostAfter, Method: "sendMessage"})
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "approve?", Buttons: [][]bot.Button{{{Text: "Approve", Data: "yes"}}}})
		r.settle()
		posts := r.posts(group)
		if len(posts) != 2 {
			t.Fatalf("want two copies, got %+v", posts)
		}
		if a := r.press(lead, group, posts[0].ID, "Approve"); !strings.Contains(a.Text, "newest message") {
			t.Errorf("the older copy answered %q", a.Text)
		}
		r.press(lead, group, posts[1].ID, "Approve")
		_, presses, _ := r.handler.seen()
		if len(presses) != 1 || !presses[0].Current || presses[0].Data != "yes" || presses[0].Message != posts[1].ID {
			t.Errorf("presses: %+v", presses)
		}
		r.settle()
		if live := r.live(group); len(live) != 1 || live[0] != posts[1].ID {
			t.Errorf("messages with buttons: %v, want only %d", live, posts[1].ID)
		}
	})
}

func TestAPressOnAMessageInDoubtMakesItTheCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *bot.Options) { o.Pace.Retry = 10 * time.Minute })
		r.start()
		r.server.Fault(telegram.Fault{Kind: telegram.LostAfter, Method: "sendMessage"})
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "approve?", Buttons: [][]bot.Button{{{Text: "Approve", Data: "yes"}}}})
		synctest.Wait()
		posts := r.posts(group)
		if len(posts) != 1 {
			t.Fatalf("want the copy whose reply was lost, got %+v", posts)
		}
		r.press(lead, group, posts[0].ID, "Approve")
		r.settle()
		_, presses, _ := r.handler.seen()
		if len(presses) != 1 || !presses[0].Current {
			t.Errorf("presses: %+v", presses)
		}
		if posts := r.posts(group); len(posts) != 1 {
			t.Errorf("a second copy was sent although the first was known: %+v", posts)
		}
	})
}

func TestAMessageThatWasDeletedIsPostedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "one"})
		r.settle()
		must(t, r.server.Delete(context.Background(), group, r.posts(group)[0].ID, lead))
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "two"})
		r.settle()
		if posts := r.posts(group); len(posts) != 1 || posts[0].Text != "two" {
			t.Errorf("got %+v", posts)
		}
	})
}

func TestADocumentIsSentOnceAndItsCaptionEdited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		sql := []byte("CREATE TABLE t (a);\n")
		frame := bot.Frame{Place: bot.Place{Chat: group}, HTML: "the plan", Document: &bot.Document{Name: "plan.sql", Content: sql}}
		r.want("plan/1", frame)
		r.settle()
		frame.HTML = "the plan, approved"
		r.want("plan/1", frame)
		r.settle()
		posts := r.posts(group)
		if len(posts) != 1 || posts[0].Text != "the plan, approved" || posts[0].Document == nil {
			t.Fatalf("got %+v", posts)
		}
		if _, content, ok := r.server.Document(posts[0].Document.ID); !ok || string(content) != string(sql) {
			t.Errorf("the file holds %q", content)
		}
		if n := r.calls("sendDocument"); n != 1 {
			t.Errorf("sent %d times", n)
		}
		var refused *bot.FrameError
		err := r.bot.Outbox().Want(context.Background(), "plan/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "text now"})
		if !errors.As(err, &refused) {
			t.Errorf("a card changed its kind: %v", err)
		}
	})
}

func TestAGroupThatBecameASupergroupKeepsItsCards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const small = int64(-4711)
		r := newRig(t, nil)
		must(t, r.server.AddGroup(telegram.Group{ID: small, Title: "Small", Basic: true, Members: []telegram.Member{{User: lead, Status: telegram.Creator}}}))
		r.start()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: small}, HTML: "one"})
		r.settle()
		big, err := r.server.MigrateGroup(small)
		must(t, err)
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: small}, HTML: "two"})
		r.want("run/2", bot.Frame{Place: bot.Place{Chat: small}, HTML: "new"})
		r.settle()
		if posts := r.posts(big); len(posts) != 2 {
			t.Errorf("in the supergroup: %+v", posts)
		}
		r.say(lead, big, "/status@towline_bot")
		r.until(big, "the command", func([]telegram.Message) bool { c, _, _ := r.handler.seen(); return len(c) == 1 })
		_, _, events := r.handler.seen()
		if len(events) == 0 || events[0].Kind != bot.ChatMigrated || events[0].NewChat != big {
			t.Errorf("events: %+v", events)
		}
		r.restart()
		r.want("run/3", bot.Frame{Place: bot.Place{Chat: small}, HTML: "after a restart"})
		r.settle()
		if posts := r.posts(big); len(posts) != 3 {
			t.Errorf("in the supergroup: %+v", posts)
		}
		before := len(r.server.Calls())
		r.want("run/3", bot.Frame{Place: bot.Place{Chat: big}, HTML: "after a restart"})
		r.settle()
		for _, c := range r.server.Calls()[before:] {
			if c.Method != "getUpdates" {
				t.Errorf("the same frame under the new id led to %s", c.Method)
			}
		}
	})
}

func TestATopicThatIsGoneDoesNotSwallowTheMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const forum = int64(-1001234567899)
		r := newRig(t, nil)
		must(t, r.server.AddGroup(telegram.Group{ID: forum, Title: "Forum", Forum: true, Members: []telegram.Member{{User: lead, Status: telegram.Creator}}}))
		r.start()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: forum, Topic: 1}, HTML: "in General", Final: true})
		r.settle()
		if n := r.calls("sendMessage"); n != 1 {
			t.Errorf("posting in General took %d calls", n)
		}
		gone := bot.Frame{Place: bot.Place{Chat: forum, Topic: 99}, HTML: "one"}
		r.want("run/2", gone)
		r.settle()
		gone.HTML = "two"
		r.want("run/2", gone)
		r.settle()
		if posts := r.posts(forum); len(posts) != 2 || posts[1].Text != "two" || posts[1].Topic != 0 {
			t.Errorf("got %+v", posts)
		}
	})
}

func TestWhatCouldNotBePostedIsParkedUntilTheBotIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		must(t, r.server.SetMember(group, telegram.Member{User: botID, Status: telegram.Kicked}, lead))
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "one"})
		r.settle()
		if posts := r.posts(group); len(posts) != 0 {
			t.Fatalf("posted while excluded: %+v", posts)
		}
		sends := r.calls("sendMessage")
		r.restart()
		r.want("run/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "one"})
		r.settle()
		if n := r.calls("sendMessage"); n != sends {
			t.Errorf("tried again %d times without a reason", n-sends)
		}
		must(t, r.server.SetMember(group, telegram.Member{User: botID, Status: telegram.Ordinary}, lead))
		r.until(group, "the parked card", func(m []telegram.Message) bool { return len(own(m)) == 1 })
		synctest.Wait()
		_, _, events := r.handler.seen()
		if len(events) != 2 || events[0].Kind != bot.BotRemoved || events[1].Kind != bot.BotAdded {
			t.Errorf("events: %+v", events)
		}
	})
}

func TestAFrameThatTelegramWouldRefuseIsRefusedAtOnce(t *testing.T) {
	r := newRig(t, nil)
	r.open()
	at := bot.Place{Chat: group}
	button := func(b bot.Button) [][]bot.Button { return [][]bot.Button{{b}} }
	for name, f := range map[string]bot.Frame{
		"no text":                        {Place: at},
		"no chat":                        {HTML: "x"},
		"too long":                       {Place: at, HTML: strings.Repeat("é", 4097)},
		"too long in UTF-16":             {Place: at, HTML: strings.Repeat("🚀", 2049)},
		"too long a caption":             {Place: at, HTML: strings.Repeat("x", 1025), Document: &bot.Document{Name: "a", Content: []byte("a")}},
		"an empty file":                  {Place: at, HTML: "x", Document: &bot.Document{Name: "a"}},
		"a button without text":          {Place: at, HTML: "x", Buttons: button(bot.Button{Data: "d"})},
		"a button without an action":     {Place: at, HTML: "x", Buttons: button(bot.Button{Text: "t"})},
		"a button with two actions":      {Place: at, HTML: "x", Buttons: button(bot.Button{Text: "t", Data: "d", URL: "https://example.com"})},
		"a button with another style":    {Place: at, HTML: "x", Buttons: button(bot.Button{Text: "t", Data: "d", Style: "pink"})},
		"a button with too much to copy": {Place: at, HTML: "x", Buttons: button(bot.Button{Text: "t", Copy: strings.Repeat("x", 257)})},
	} {
		var refused *bot.FrameError
		if err := r.bot.Outbox().Want(context.Background(), "k", f); !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := strings.Repeat("<b>&amp;</b>", 4096)
	if err := r.bot.Outbox().Want(context.Background(), "k", bot.Frame{Place: at, HTML: long}); err != nil {
		t.Errorf("4096 units after parsing were refused: %v", err)
	}
}

func TestNewMessagesOfAChatKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.open()
		for i := range 30 {
			r.want(fmt.Sprintf("reply/%d", i), bot.Frame{Place: bot.Place{Chat: group}, HTML: fmt.Sprint(i), Final: true})
		}
		r.start()
		r.settle()
		for i, m := range r.posts(group) {
			if m.Text != fmt.Sprint(i) {
				t.Errorf("message %d says %s", i, m.Text)
			}
		}
		for _, c := range r.server.Calls() {
			if c.Status == 429 {
				t.Errorf("%s was answered 429: the pace does not keep Telegram's limits", c.Method)
			}
		}
	})
}
