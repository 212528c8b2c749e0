package bot_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"towline/bot"
	"towline/sandbox/telegram"
)

// replied waits until everything is handled and returns the replies so far.
func (r *rig) replied() []bot.Reply {
	elapse(time.Second)
	synctest.Wait()
	r.handler.mu.Lock()
	defer r.handler.mu.Unlock()
	return slices.Clone(r.handler.replies)
}

func (r *rig) answer(from int64, to int, text string) int {
	r.t.Helper()
	id, err := r.server.Say(context.Background(), telegram.SayOptions{Chat: group, From: from, Text: text, ReplyTo: to})
	must(r.t, err)
	return id
}

func TestAnAnswerInWordsToACardThatAsksReachesTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		// In privacy mode Telegram hands on replies to the bot's own messages.
		r.server = telegram.New(telegram.Options{Token: token, Bot: telegram.User{ID: botID, FirstName: "Towline", Username: "towline_bot"}})
		t.Cleanup(func() { _ = r.server.Close() })
		for _, u := range []int64{lead, second} {
			must(t, r.server.AddUser(telegram.User{ID: u, FirstName: fmt.Sprint("Person ", u)}))
		}
		must(t, r.server.AddGroup(telegram.Group{ID: group, Title: "Shop", Members: []telegram.Member{
			{User: lead, Status: telegram.Creator}, {User: second, Status: telegram.Ordinary},
		}}))
		r.start()
		f := bot.Frame{Place: bot.Place{Chat: group}, HTML: "why?", OnReply: "reason of run 1"}
		r.want("ask/1", f)
		r.want("other/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "nothing asked"})
		r.settle()
		asked, silent := newest(r.posts(group), "why?"), newest(r.posts(group), "nothing asked")
		id := r.answer(second, asked, "  the index is missing ")
		r.answer(second, silent, "a remark")
		r.answer(second, asked, "/status")
		r.answer(second, asked, "/x@other_bot")
		r.answer(second, id, "a remark on the answer")
		r.say(second, group, "no answer at all")
		got := r.replied()
		if len(got) != 1 {
			t.Fatalf("replies: %+v", got)
		}
		g := got[0]
		if g.UpdateID == 0 || g.Sent.IsZero() || g.Received.Before(g.Sent) {
			t.Errorf("got %+v", g)
		}
		g.UpdateID, g.Sent, g.Received = 0, time.Time{}, time.Time{}
		want := bot.Reply{
			Place: f.Place, Message: id, From: bot.Person{ID: second, Name: "Person 1002"}, Data: "reason of run 1", Card: "ask/1", Text: "the index is missing",
		}
		if g != want {
			t.Errorf("got  %+v\nwant %+v", g, want)
		}
		f.OnReply = "" // it no longer asks, which nobody sees
		r.want("ask/1", f)
		r.answer(second, asked, "too late")
		r.replied()
		f.OnReply, f.Until = "again", time.Now().Add(time.Minute)
		r.want("ask/1", f)
		r.answer(lead, asked, "in time")
		elapse(2 * time.Minute)
		r.answer(lead, asked, "after its time")
		if got = r.replied(); len(got) != 2 || got[1].Data != "again" || got[1].Text != "in time" {
			t.Errorf("replies: %+v", got)
		}
		f.Repost, f.Until = 1, time.Time{}
		r.want("ask/1", f)
		r.settle()
		r.answer(lead, asked, "to the older copy")
		if got = r.replied(); len(got) != 2 {
			t.Errorf("an answer to an older copy arrived: %+v", got[2:])
		}
	})
}

func TestAnAnswerThatNobodyTypedHereAndNowIsMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start()
		r.want("ask/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "why?", OnReply: "reason"})
		r.settle()
		asked := r.posts(group)[0].ID
		for _, o := range []telegram.SayOptions{{Text: "forwarded", Forwarded: true}, {Text: "scheduled", Scheduled: true}, {Text: "anonymous", Anonymous: true}} {
			o.Chat, o.From, o.ReplyTo = group, lead, asked
			_, err := r.server.Say(t.Context(), o)
			must(t, err)
		}
		id := r.answer(lead, asked, "before")
		must(t, r.server.Edit(t.Context(), group, id, lead, "edited"))
		got := r.replied()
		if len(got) != 5 {
			t.Fatalf("replies: %+v", got)
		}
		for _, g := range got {
			if want := bot.Irregular(strings.TrimSuffix(g.Text, "before")); g.Irregular != want {
				t.Errorf("%q is marked %q", g.Text, g.Irregular)
			}
		}
	})
}

func TestAnAnswerIsHandledOnceHoweverItGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *bot.Options) { o.Failure = "That failed: update %d." })
		r.handler.onReply = func(_ context.Context, p bot.Reply) error {
			if p.Text == "panic" {
				panic("in a handler")
			}
			return errors.New("no luck")
		}
		r.start()
		r.want("ask/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "why?", OnReply: "reason"})
		r.settle()
		asked := r.posts(group)[0].ID
		ids := []int{r.answer(lead, asked, "panic"), r.answer(lead, asked, "fail")}
		r.replied()
		r.settle()
		posts := r.posts(group)
		if len(posts) != 3 || posts[1].ReplyTo != ids[0] || posts[2].ReplyTo != ids[1] {
			t.Errorf("told of the failures: %+v", posts)
		}
		r.restart()
		if got := r.replied(); len(got) != 2 {
			t.Errorf("handled again: %+v", got)
		}
	})
}

func TestACardCanBeAnsweredBeforeItsMessageIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.adjust = func(o *bot.Options) { o.Transport = lateReply{wire{r.server}, "sendMessage", time.Second} }
		r.start()
		r.want("ask/1", bot.Frame{Place: bot.Place{Chat: group}, HTML: "why?", OnReply: "reason"})
		r.until(group, "the card", func(m []telegram.Message) bool { return len(own(m)) == 1 })
		r.answer(lead, r.posts(group)[0].ID, "because")
		r.settle()
		if got := r.replied(); len(got) != 1 || got[0].Text != "because" {
			t.Errorf("replies: %+v", got)
		}
	})
}

func TestACommandTellsWhomItNamesAndWhomItAnswers(t *testing.T) {
	const plain = `"message_id":9,"date":1,"chat":{"id":-1001234567890,"type":"supergroup"},"from":{"id":1001,"first_name":"Lead"}`
	entity := func(kind string, offset, length int, more string) string {
		return fmt.Sprintf(`{"type":%q,"offset":%d,"length":%d%s}`, kind, offset, length, more)
	}
	quote := func(fields string) string { return `,"reply_to_message":{"message_id":8,"date":1,` + fields + `}` }
	cases := []struct {
		name, text, entities, more string
		mentions                   string
		answers                    string
	}{
		{
			"a username after an emoji and one picked from a list", "/delegate 🚀 @second and Third until Friday",
			entity("mention", 13, 7, "") + "," + entity("text_mention", 25, 5, `,"user":{"id":1003,"first_name":"Third","is_bot":false}`),
			"", "0:second:second 1003:Third:", "",
		},
		{"the bot itself and another bot", "/delegate @towline_bot Bot", entity("mention", 10, 12, "") + "," +
			entity("text_mention", 23, 3, `,"user":{"id":5,"first_name":"Bot","is_bot":true}`), "", "", ""},
		{"entities that do not fit the text", "/delegate @x", entity("mention", 10, 99, "") + "," + entity("mention", -1, 2, "") + "," +
			entity("mention", 0, 4, "") + "," + entity("text_mention", 3, 1, `,"user":"nobody"`), "", "", ""},
		{"an answer to a person", "/delegate", "", quote(`"from":{"id":1002,"first_name":"Second","username":"second"}`), "", "1002:Second:second"},
		{"an answer to a bot", "/delegate", "", quote(`"from":{"id":7,"first_name":"B","is_bot":true}`), "", ""},
		{"an answer to an anonymous administrator", "/delegate", "", quote(`"from":{"id":1087968824,"first_name":"G"},"sender_chat":{"id":-1001234567890}`), "", ""},
		{"the beginning of a topic", "/delegate", "", `,"is_topic_message":true,"message_thread_id":8` + quote(`"from":{"id":1002,"first_name":"Second"}`), "", ""},
		{"an answer to something from the future", "/delegate", "", `,"reply_to_message":{"message_id":"eight"}`, "", ""},
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, hooked)
		r.start()
		synctest.Wait()
		post := r.poster(hookSecret)
		for i, c := range cases {
			if code := post(fmt.Sprintf(`{"update_id":%d,"message":{%s,"text":%q,"entities":[%s]%s}}`, i+1, plain, c.text, c.entities, c.more)); code != 200 {
				t.Fatalf("%s: %d", c.name, code)
			}
		}
		for i, c := range r.heard(len(cases)) {
			var named []string
			for _, p := range c.Mentions {
				named = append(named, fmt.Sprintf("%d:%s:%s", p.ID, p.Name, p.Username))
			}
			if got := strings.Join(named, " "); got != cases[i].mentions {
				t.Errorf("%s: names %q, want %q", cases[i].name, got, cases[i].mentions)
			}
			answers := ""
			if p := c.RepliesTo; p != nil {
				answers = fmt.Sprintf("%d:%s:%s", p.ID, p.Name, p.Username)
			}
			if answers != cases[i].answers {
				t.Errorf("%s: answers %q, want %q", cases[i].name, answers, cases[i].answers)
			}
		}
	})
}
