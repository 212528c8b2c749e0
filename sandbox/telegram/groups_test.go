package telegram_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"towline/sandbox/telegram"
)

// addGroups adds the groups that some tests need: a basic one, and a forum with topic 7, in both of which the bot is a plain member.
func (w *world) addGroups() {
	w.t.Helper()
	members := []telegram.Member{{User: lead, Status: telegram.Creator}, {User: reviewer, Status: telegram.Ordinary}}
	w.must(w.AddGroup(telegram.Group{ID: basic, Title: "Old", Basic: true, Members: members}))
	w.must(w.AddGroup(telegram.Group{ID: forum, Title: "Forum", Forum: true, Topics: []telegram.Topic{{ID: 7, Name: "Deploys"}}, Members: members}))
}

func TestPrivacyModeHidesWhatIsNotMeantForTheBot(t *testing.T) {
	w := newWorld(t)
	w.addGroups()
	const other = 2001
	w.must(w.AddUser(telegram.User{ID: other, FirstName: "Other", Username: "other_bot", IsBot: true}))
	w.must(w.SetMember(forum, telegram.Member{User: other, Status: telegram.Ordinary}, lead))
	w.ok("getUpdates", `{"offset": -1}`, nil)
	w.updates(w.updates(0)[0].ID + 1)
	say := func(from int64, text string, reply int) int {
		return w.say(telegram.SayOptions{Chat: forum, From: from, Text: text, ReplyTo: reply})
	}
	say(lead, "hello", 0)
	say(lead, "/deploy first", 0)
	say(other, "I am here", 0)
	say(lead, "/deploy unseen", 0)
	say(lead, "/deploy@other_bot", 0)
	say(lead, "/deploy@Towline_Bot", 0)
	say(lead, "ask @towline_bot", 0)
	card := w.send(fmt.Sprintf(`{"chat_id": %d, "text": "card"}`, forum))
	say(lead, "thanks", card)
	say(lead, "/deploy again", 0)
	w.clock.pass(time.Minute)
	wantTexts(t, w.updates(0), "/deploy first, /deploy@Towline_Bot, thanks, /deploy again")
}

func TestWithoutPrivacyModeTheBotSeesEverythingThatPeopleSay(t *testing.T) {
	w := newWorld(t, func(o *telegram.Options) { o.ReadsAll = true })
	w.addGroups()
	w.say(telegram.SayOptions{Chat: forum, From: lead, Text: "hello"})
	wantTexts(t, w.updates(0), "hello")
	var me struct {
		Reads bool `json:"can_read_all_group_messages"`
	}
	w.ok("getMe", "", &me)
	if !me.Reads {
		t.Error("getMe does not say so")
	}
}

func TestTheOriginOfAMessageIsTold(t *testing.T) {
	w := newWorld(t)
	w.must(w.SetMember(chat, telegram.Member{User: reviewer, Status: telegram.Administrator, Anonymous: true}, lead))
	w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "plain"})
	w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "forwarded", Forwarded: true})
	w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "scheduled", Scheduled: true})
	w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "inline", ViaBot: true})
	w.say(telegram.SayOptions{Chat: chat, From: reviewer, Text: "anonymous"})
	list := w.updates(0)
	wantTexts(t, list, "plain, forwarded, scheduled, inline, anonymous")
	plain, anonymous := list[0].Message, list[4].Message
	if plain.Forward != nil || plain.Offline || plain.ViaBot != nil || plain.SenderChat != nil || plain.From.ID != lead {
		t.Errorf("plain: %+v", plain)
	}
	if list[1].Message.Forward == nil || !list[2].Message.Offline || list[3].Message.ViaBot == nil {
		t.Errorf("origins: %+v", list)
	}
	if anonymous.From.ID != telegram.AnonymousAdminID || !anonymous.From.IsBot || (*anonymous.SenderChat)["id"] != float64(chat) {
		t.Errorf("anonymous: %+v", anonymous)
	}
	if m, _ := w.Message(chat, anonymous.ID); m.Sender != "Shop" || m.SenderChat != chat {
		t.Errorf("people see %+v", m)
	}
}

func TestAnAnonymousAdministratorsPressCarriesTheRealPerson(t *testing.T) {
	w := newWorld(t)
	w.must(w.SetMember(chat, telegram.Member{User: reviewer, Status: telegram.Administrator, Anonymous: true}, lead))
	id := w.send(card(`[[{"text": "Go", "callback_data": "go"}]]`))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Press(ctx, telegram.PressOptions{Chat: chat, Message: id, From: reviewer, Data: "go"}); err == nil {
		t.Error("the press was answered")
	}
	if q := w.updates(0)[0].Query; q == nil || q.From.ID != reviewer || q.Message.ID != id || q.Message.Text != "card" {
		t.Errorf("query %+v", q)
	}
}

func TestACommandIsMarkedByAnEntity(t *testing.T) {
	w := newWorld(t)
	w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "🟡 /deploy@towline_bot shop"})
	e := w.updates(0)[0].Message.Entities
	if len(e) != 1 || e[0]["type"] != "bot_command" || e[0]["offset"] != float64(3) || e[0]["length"] != float64(19) {
		t.Errorf("entities %v", e)
	}
}

func TestAnEditIsTold(t *testing.T) {
	w := newWorld(t)
	id := w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "/deploy shop"})
	w.clock.pass(time.Minute)
	w.must(w.Edit(t.Context(), chat, id, lead, "/deploy other"))
	list := w.updates(0)
	wantTexts(t, list, "/deploy shop, edited /deploy other")
	if m := list[1].EditedMessage; m.EditDate != m.Date+60 || m.ID != id {
		t.Errorf("edited %+v", m)
	}
	if err := w.Edit(t.Context(), chat, id, reviewer, "mine"); err == nil {
		t.Error("somebody else edited it")
	}
}

func TestTopicsAreKept(t *testing.T) {
	w := newWorld(t)
	w.addGroups()
	to := func(thread int) string {
		return fmt.Sprintf(`{"chat_id": %d, "text": "x", "message_thread_id": %d}`, forum, thread)
	}
	asked := w.say(telegram.SayOptions{Chat: forum, Topic: 7, From: lead, Text: "/deploy"})
	if m := w.updates(0)[0].Message; m.Thread != 7 || !m.IsTopic || m.ReplyTo == nil || m.ReplyTo.ID != 7 {
		t.Errorf("message %+v", m)
	}
	m, _ := w.Message(forum, w.send(to(7)))
	if m.Topic != 7 {
		t.Errorf("sent to topic %d", m.Topic)
	}
	m, _ = w.Message(forum, w.send(fmt.Sprintf(`{"chat_id": %d, "text": "x", "reply_parameters": {"message_id": %d}}`, forum, asked)))
	if m.Topic != 7 || m.ReplyTo != asked {
		t.Errorf("the reply went to %d, %d", m.Topic, m.ReplyTo)
	}
	w.fails("sendMessage", to(1), http.StatusBadRequest, "Bad Request: message thread not found")
	w.fails("sendMessage", to(8), http.StatusBadRequest, "Bad Request: message thread not found")
	w.ok("sendChatAction", fmt.Sprintf(`{"chat_id": %d, "action": "typing", "message_thread_id": 1}`, forum), nil)
	if w.Typing(forum) != "typing" {
		t.Error("nobody sees it typing")
	}
	w.fails("createForumTopic", fmt.Sprintf(`{"chat_id": %d, "name": "Alerts"}`, forum), http.StatusBadRequest, "Bad Request: not enough rights to create a topic")
	w.must(w.SetMember(forum, telegram.Member{User: botID, Status: telegram.Administrator}, lead))
	var topic struct {
		ID int `json:"message_thread_id"`
	}
	w.ok("createForumTopic", fmt.Sprintf(`{"chat_id": %d, "name": "Alerts"}`, forum), &topic)
	w.send(to(topic.ID))
	w.clean()
}

func TestOutsideForumsAReplyCarriesAThreadThatIsNoTopic(t *testing.T) {
	w := newWorld(t)
	root := w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "root"})
	reply := w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "reply", ReplyTo: root})
	w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "more", ReplyTo: reply})
	list := w.updates(0)
	last := list[2].Message
	if last.Thread != root || last.IsTopic || last.ReplyTo == nil || last.ReplyTo.ID != reply || last.ReplyTo.ReplyTo != nil {
		t.Errorf("reply %+v", last)
	}
	w.fails("sendMessage", fmt.Sprintf(`{"chat_id": %d, "text": "x", "message_thread_id": %d}`, chat, last.Thread), http.StatusBadRequest, "Bad Request: message thread not found")
}

func TestAGroupThatBecameASupergroupHasANewID(t *testing.T) {
	w := newWorld(t)
	w.addGroups()
	var old int
	for range 5 {
		old = w.send(fmt.Sprintf(`{"chat_id": %d, "text": "before"}`, basic))
	}
	id, err := w.MigrateGroup(basic)
	w.must(err)
	a := w.fails("sendMessage", fmt.Sprintf(`{"chat_id": %d, "text": "x"}`, basic), http.StatusBadRequest, "Bad Request: group chat was upgraded to a supergroup chat")
	if a.Parameters.MigrateTo != id || id >= -1_000_000_000_000 {
		t.Errorf("migrated to %d, answer %+v", id, a)
	}
	w.fails("editMessageText", fmt.Sprintf(`{"chat_id": %d, "message_id": %d, "text": "after"}`, id, old), http.StatusBadRequest, "Bad Request: message to edit not found")
	edit := fmt.Sprintf(`{"chat_id": %d, "message_id": %d, "text": "after"}`, basic, old)
	w.fails("editMessageText", edit, http.StatusBadRequest, "Bad Request: message to edit not found")
	w.Fault(telegram.Fault{Kind: telegram.WasMigrated, Method: "editMessageText", Chat: basic, MigrateTo: id, For: time.Hour})
	a = w.fails("editMessageText", edit, http.StatusBadRequest, "Bad Request: group chat was upgraded to a supergroup chat")
	if a.Parameters.MigrateTo != id {
		t.Errorf("answer %+v", a)
	}
	w.send(fmt.Sprintf(`{"chat_id": %d, "text": "after"}`, id))
	if list := w.updates(0); len(list) != 2 || list[0].Message.MigrateTo != id {
		t.Errorf("updates %+v", list)
	}
	if _, err := w.MigrateGroup(basic); err == nil {
		t.Error("it migrated twice")
	}
	if _, err := w.Say(t.Context(), telegram.SayOptions{Chat: basic, From: lead, Text: "x"}); err == nil {
		t.Error("somebody wrote in the old group")
	}
	w.clean()
}

func TestWhereTheBotMayNotWriteItIsToldWhy(t *testing.T) {
	w := newWorld(t)
	w.addGroups()
	to := func(id int64) string { return fmt.Sprintf(`{"chat_id": %d, "text": "x"}`, id) }
	fails := func(id int64, code int, want string) { t.Helper(); w.fails("sendMessage", to(id), code, want) }
	fails(-100999, http.StatusBadRequest, "Bad Request: chat not found")
	fails(stranger, http.StatusBadRequest, "Bad Request: chat not found")
	fails(reviewer, http.StatusForbidden, "Forbidden: bot can't initiate conversation with a user")
	w.fails("sendMessage", `{"chat_id": "shop", "text": "x"}`, http.StatusBadRequest, "Bad Request: chat not found")
	w.say(telegram.SayOptions{Chat: stranger, From: stranger, Text: "/start"})
	w.send(to(stranger))
	w.must(w.Block(stranger, true))
	fails(stranger, http.StatusForbidden, "Forbidden: bot was blocked by the user")
	w.must(w.Block(stranger, false))
	w.send(to(stranger))
	for _, c := range []struct {
		status telegram.Status
		id     int64
		code   int
		want   string
	}{
		{telegram.Kicked, chat, http.StatusForbidden, "Forbidden: bot was kicked from the supergroup chat"},
		{telegram.Left, chat, http.StatusForbidden, "Forbidden: bot is not a member of the supergroup chat"},
		{telegram.Kicked, basic, http.StatusForbidden, "Forbidden: bot was kicked from the group chat"},
		{telegram.Restricted, chat, http.StatusBadRequest, "Bad Request: not enough rights to send text messages to the chat"},
	} {
		w.must(w.SetMember(c.id, telegram.Member{User: botID, Status: c.status}, lead))
		fails(c.id, c.code, c.want)
	}
	w.clean() // none of this is malformed
}

func TestMembershipsAreTold(t *testing.T) {
	w := newWorld(t)
	w.ok("getUpdates", `{"allowed_updates": ["my_chat_member", "chat_member"]}`, nil)
	w.must(w.SetMember(chat, telegram.Member{User: stranger, Status: telegram.Ordinary}, lead))
	w.must(w.SetMember(chat, telegram.Member{User: botID, Status: telegram.Kicked}, lead))
	w.clock.pass(time.Minute)
	list := w.updates(0)
	if len(list) != 2 || list[0].ChatMember == nil || list[1].MyChatMember == nil {
		t.Fatalf("updates %+v", list)
	}
	after := (*list[1].MyChatMember)["new_chat_member"].(anyJSON)
	if after["status"] != "kicked" {
		t.Errorf("my_chat_member %v", *list[1].MyChatMember)
	}
}

func TestPeopleCanNotDoWhatAClientWouldNotLetThem(t *testing.T) {
	w := newWorld(t)
	w.addGroups()
	w.must(w.SetMember(chat, telegram.Member{User: reviewer, Status: telegram.Restricted}, lead))
	for _, c := range []struct {
		name string
		o    telegram.SayOptions
	}{
		{"nobody", telegram.SayOptions{Chat: chat, From: 5, Text: "x"}},
		{"the bot", telegram.SayOptions{Chat: chat, From: botID, Text: "x"}},
		{"a stranger in a private group", telegram.SayOptions{Chat: chat, From: stranger, Text: "x"}},
		{"a restricted member", telegram.SayOptions{Chat: chat, From: reviewer, Text: "x"}},
		{"an empty text", telegram.SayOptions{Chat: chat, From: lead, Text: " "}},
		{"an unknown topic", telegram.SayOptions{Chat: forum, From: lead, Text: "x", Topic: 9}},
		{"a reply to nothing", telegram.SayOptions{Chat: chat, From: lead, Text: "x", ReplyTo: 9}},
		{"an anonymous member", telegram.SayOptions{Chat: forum, From: reviewer, Text: "x", Anonymous: true}},
		{"an unknown group", telegram.SayOptions{Chat: -5, From: lead, Text: "x"}},
	} {
		if _, err := w.Say(t.Context(), c.o); err == nil {
			t.Errorf("%s could write", c.name)
		}
	}
}
