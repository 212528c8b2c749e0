package telegram_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"towline/sandbox/telegram"
)

func TestAReplyCarriesTheBotsMessageInFullAlsoUnderPrivacyMode(t *testing.T) {
	w := newWorld(t)
	w.addGroups()
	id := w.send(fmt.Sprintf(`{"chat_id": %d, "text": "<b>shop</b> → production", "parse_mode": "HTML", "reply_markup": {"inline_keyboard": [[{"text": "Reject", "callback_data": "r1"}]]}}`, forum))
	w.say(telegram.SayOptions{Chat: forum, From: lead, Text: "not before Monday", ReplyTo: id})
	var list []struct {
		Message struct {
			Text    string
			ReplyTo struct {
				ID       int                            `json:"message_id"`
				From     telegram.User                  `json:"from"`
				Chat     telegram.Group                 `json:"chat"`
				Text     string                         `json:"text"`
				Entities []telegram.Entity              `json:"entities"`
				Markup   map[string][][]telegram.Button `json:"reply_markup"`
			} `json:"reply_to_message"`
		}
	}
	w.ok("getUpdates", "", &list)
	if len(list) != 1 || list[0].Message.Text != "not before Monday" {
		t.Fatalf("updates %+v", list)
	}
	to := list[0].Message.ReplyTo
	if to.ID != id || to.From.ID != botID || to.Chat.ID != forum || to.Text != "shop → production" || len(to.Entities) != 1 ||
		to.Markup["inline_keyboard"][0][0].Data != "r1" {
		t.Errorf("it replies to %+v", to)
	}
}

func TestPeopleAreMentionedByNameAndByUsername(t *testing.T) {
	w := newWorld(t)
	w.must(w.AddUser(telegram.User{ID: stranger, FirstName: "Äm😀", LastName: "Last"}))
	w.say(telegram.SayOptions{Chat: chat, From: lead, Text: " 🟡 /delegate Äm😀 until friday, not @reviewer_1", Mentions: []int64{stranger}})
	m := w.updates(0)[0].Message
	var kinds []string
	for _, e := range m.Entities {
		kinds = append(kinds, e["type"].(string))
	}
	if fmt.Sprint(kinds) != "[bot_command text_mention mention]" {
		t.Fatalf("entities %v", m.Entities)
	}
	named := m.Entities[1]
	if named["user"].(anyJSON)["id"] != float64(stranger) || named["offset"] != 13.0 || named["length"] != 4.0 || named["user"].(anyJSON)["first_name"] != "Äm😀" {
		t.Errorf("mention %v in %q", named, m.Text)
	}
	for _, o := range []telegram.SayOptions{{Text: "nobody here", Mentions: []int64{stranger}}, {Text: "Lead", Mentions: []int64{77}}} {
		o.Chat, o.From = chat, lead
		if _, err := w.Say(w.ctx, o); err == nil {
			t.Errorf("%q mentioned somebody", o.Text)
		}
	}
}

func TestAForcedReplyIsKeptAndCanNotBeEdited(t *testing.T) {
	w := newWorld(t)
	id := w.send(fmt.Sprintf(`{"chat_id": %d, "text": "Why?", "reply_markup": {"force_reply": true, "selective": true, "input_field_placeholder": "A reason"}}`, chat))
	m, _ := w.Message(chat, id)
	if m.ForceReply == nil || *m.ForceReply != (telegram.ForceReply{Placeholder: "A reason", Selective: true}) {
		t.Errorf("forced %+v", m.ForceReply)
	}
	w.fails("editMessageText", editText(id, `"text": "x"`), http.StatusBadRequest, "Bad Request: message can't be edited")
	w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "because", ReplyTo: id})
	if to := w.updates(0)[0].Message.ReplyTo; to == nil || to.ID != id {
		t.Errorf("the answer replies to %+v", to)
	}
	w.clean()
}

func TestAStrangerCanPressInAPublicGroupAndForgeWhatTheyPress(t *testing.T) {
	w := newWorld(t)
	const public = -1005550000001
	w.must(w.AddGroup(telegram.Group{ID: public, Title: "Open", Username: "open_shop", Members: []telegram.Member{{User: lead, Status: telegram.Creator}, {User: botID, Status: telegram.Administrator}}}))
	card := w.send(fmt.Sprintf(`{"chat_id": %d, "text": "card", "reply_markup": {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}}`, public))
	said := w.say(telegram.SayOptions{Chat: public, From: lead, Text: "hello"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, o := range []telegram.PressOptions{
		{Message: card, Data: "go"}, {Message: card, Data: "anything", Forged: true}, {Message: said, Data: "on a person's message", Forged: true},
	} {
		o.Chat, o.From = public, stranger
		if _, err := w.Press(ctx, o); !errors.Is(err, context.Canceled) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	list := w.updates(0)
	wantTexts(t, list, "hello, pressed go, pressed anything, pressed on a person's message")
	if q := list[3].Query; q.From.ID != stranger || q.Message.ID != said || q.Message.From.ID != lead {
		t.Errorf("query %+v", q)
	}
	if got := w.member(public, stranger)["status"]; got != "left" {
		t.Errorf("the stranger is %v", got)
	}
}

func TestATopicThatIsDeletedIsNotFound(t *testing.T) {
	w := newWorld(t)
	w.addGroups()
	to := fmt.Sprintf(`{"chat_id": %d, "text": "x", "message_thread_id": 7}`, forum)
	id := w.send(to)
	w.must(w.DeleteTopic(forum, 7))
	w.fails("sendMessage", to, http.StatusBadRequest, "Bad Request: message thread not found")
	w.fails("editMessageText", fmt.Sprintf(`{"chat_id": %d, "message_id": %d, "text": "y"}`, forum, id), http.StatusBadRequest, "Bad Request: message to edit not found")
	if err := w.DeleteTopic(forum, 7); err == nil {
		t.Error("it was deleted twice")
	}
}
