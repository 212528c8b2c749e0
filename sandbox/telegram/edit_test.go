package telegram_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"towline/sandbox/telegram"
)

const notModified = "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message"

func editText(id int, rest string) string {
	return fmt.Sprintf(`{"chat_id": %d, "message_id": %d, %s}`, chat, id, rest)
}

func TestAnEditThatChangesNothingIsRefused(t *testing.T) {
	w := newWorld(t)
	const kb = `"reply_markup": {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}`
	id := w.send(fmt.Sprintf(`{"chat_id": %d, "text": "<b>a</b>", "parse_mode": "HTML", %s}`, chat, kb))
	same := `"text": " <strong>a</strong>", "parse_mode": "HTML"`
	w.fails("editMessageText", editText(id, same+", "+kb), http.StatusBadRequest, notModified)
	// Fields in another order are the same button.
	w.fails("editMessageText", editText(id, same+`, "reply_markup": {"inline_keyboard": [[{"callback_data": "go", "text": "Go"}]]}`), http.StatusBadRequest, notModified)
	w.ok("editMessageText", editText(id, `"text": "a", `+kb), nil) // no longer bold
	w.ok("editMessageText", editText(id, `"text": "a"`), nil)      // no buttons any more
	w.fails("editMessageText", editText(id, `"text": "a"`), http.StatusBadRequest, notModified)
	if m, _ := w.Message(chat, id); m.Buttons != nil || m.Edits != 2 {
		t.Errorf("message %+v", m)
	}
	w.clean()
}

func TestOnlyTheBotsOwnMessagesCanBeEdited(t *testing.T) {
	w := newWorld(t)
	theirs := w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "mine"})
	w.fails("editMessageText", editText(theirs, `"text": "a"`), http.StatusBadRequest, "Bad Request: message can't be edited")
	w.fails("editMessageText", editText(9999, `"text": "a"`), http.StatusBadRequest, "Bad Request: message to edit not found")
	gone := w.send(card(`[]`))
	w.must(w.Delete(t.Context(), chat, gone, lead))
	w.fails("editMessageText", editText(gone, `"text": "a"`), http.StatusBadRequest, "Bad Request: message to edit not found")
}

func TestAReplyNeedsItsMessageUnlessItSaysOtherwise(t *testing.T) {
	w := newWorld(t)
	to := func(p string) string {
		return fmt.Sprintf(`{"chat_id": %d, "text": "x", "reply_parameters": %s}`, chat, p)
	}
	w.fails("sendMessage", to(`{"message_id": 9999}`), http.StatusBadRequest, "Bad Request: message to be replied not found")
	m, _ := w.Message(chat, w.send(to(`{"message_id": 9999, "allow_sending_without_reply": true}`)))
	if m.ReplyTo != 0 {
		t.Errorf("reply to %d", m.ReplyTo)
	}
}

func TestDeletingFollowsTelegramsRules(t *testing.T) {
	w := newWorld(t)
	w.addGroups()
	del := func(group int64, id int) string { return fmt.Sprintf(`{"chat_id": %d, "message_id": %d}`, group, id) }
	w.fails("deleteMessage", del(chat, 9999), http.StatusBadRequest, "Bad Request: message to delete not found")
	theirs := w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "x"})
	w.ok("deleteMessage", del(chat, theirs), nil) // an administrator may
	theirs = w.say(telegram.SayOptions{Chat: forum, From: lead, Text: "x"})
	w.fails("deleteMessage", del(forum, theirs), http.StatusBadRequest, "Bad Request: message can't be deleted")
	mine := w.send(fmt.Sprintf(`{"chat_id": %d, "text": "x"}`, forum))
	w.clock.pass(48*time.Hour + time.Second)
	w.fails("deleteMessage", del(forum, mine), http.StatusBadRequest, "Bad Request: message can't be deleted for everyone")
	a := w.send(card(`[]`))
	w.ok("deleteMessages", fmt.Sprintf(`{"chat_id": %d, "message_ids": [%d, 9999]}`, chat, a), nil)
	if m, _ := w.Message(chat, a); !m.Deleted {
		t.Error("the message is still there")
	}
}

func TestAPressIsAnsweredOnceAndInTime(t *testing.T) {
	w := newWorld(t)
	id := w.send(card(`[[{"text": "Approve", "callback_data": "t1"}, {"text": "Log", "url": "https://example.com/"}]]`))
	type result struct {
		a   telegram.Answer
		err error
	}
	press := func(o telegram.PressOptions) chan result {
		o.Chat, o.Message = chat, id
		done := make(chan result, 1)
		go func() { a, err := w.Press(w.ctx, o); done <- result{a, err} }()
		return done
	}
	queryID := func() string {
		for {
			version, _ := w.Changes(-1)
			if list := w.updates(-1); len(list) > 0 && list[0].Query != nil {
				w.updates(list[0].ID + 1)
				return list[0].Query.ID
			}
			_, changed := w.Changes(version + 1) // the request itself was one change
			select {
			case <-changed:
			case <-w.ctx.Done():
				t.Fatal("no press arrived")
			}
		}
	}
	const tooOld = "Bad Request: query is too old and response timeout expired or query ID is invalid"
	done := press(telegram.PressOptions{From: reviewer, Text: "Approve"})
	q := fmt.Sprintf(`{"callback_query_id": %q, "text": "Recorded"}`, queryID())
	w.ok("answerCallbackQuery", q, nil)
	if r := <-done; r.err != nil || r.a.Text != "Recorded" || r.a.Alert {
		t.Errorf("answer %+v", r)
	}
	w.fails("answerCallbackQuery", q, http.StatusBadRequest, tooOld)
	w.fails("answerCallbackQuery", `{"callback_query_id": "1"}`, http.StatusBadRequest, tooOld)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.Press(ctx, telegram.PressOptions{Chat: chat, Message: id, From: reviewer, Data: "t1"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a press that nobody answers: %v", err)
	}
	late := queryID()
	w.clock.pass(16 * time.Second)
	w.fails("answerCallbackQuery", fmt.Sprintf(`{"callback_query_id": %q}`, late), http.StatusBadRequest, tooOld)
	w.clean()
}

func TestOnlyAButtonThatIsThereCanBePressedUnlessItIsForged(t *testing.T) {
	w := newWorld(t)
	id := w.send(card(`[[{"text": "Approve", "callback_data": "t1"}]]`))
	w.ok("editMessageText", editText(id, `"text": "done"`), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	press := telegram.PressOptions{Chat: chat, Message: id, From: reviewer, Data: "t1"}
	if _, err := w.Press(ctx, press); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("a button that is gone: %v", err)
	}
	press.Forged = true
	if _, err := w.Press(ctx, press); !errors.Is(err, context.Canceled) {
		t.Errorf("a forged press: %v", err)
	}
	wantTexts(t, w.updates(0), "pressed t1")
	press.From = stranger
	if _, err := w.Press(ctx, press); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("a stranger in a private group: %v", err)
	}
}

func TestReactionsAreOneForABotAndOnlyWhatTheGroupAllows(t *testing.T) {
	w := newWorld(t)
	w.must(w.AddGroup(telegram.Group{ID: -1000000000555, Title: "Strict", Reactions: []string{"👍"}, Members: []telegram.Member{{User: lead, Status: telegram.Creator}}}))
	react := func(id int64, m int, list string) string {
		return fmt.Sprintf(`{"chat_id": %d, "message_id": %d, "reaction": %s}`, id, m, list)
	}
	const eyes = `{"type": "emoji", "emoji": "👀"}`
	m := w.say(telegram.SayOptions{Chat: -1000000000555, From: lead, Text: "x"})
	w.fails("setMessageReaction", react(-1000000000555, m, "["+eyes+"]"), http.StatusBadRequest, "Bad Request: REACTION_INVALID")
	w.fails("setMessageReaction", react(chat, 9999, "["+eyes+"]"), http.StatusBadRequest, "Bad Request: message to react not found")
	w.clean()
	m = w.say(telegram.SayOptions{Chat: chat, From: lead, Text: "x"})
	w.ok("setMessageReaction", react(chat, m, "["+eyes+"]"), nil)
	w.must(w.React(t.Context(), chat, m, reviewer, "👍"))
	w.ok("setMessageReaction", react(chat, m, "[]"), nil)
	if got, _ := w.Message(chat, m); len(got.Reactions) != 1 || got.Reactions[0].From != reviewer {
		t.Errorf("reactions %+v", got.Reactions)
	}
	w.fails("setMessageReaction", react(chat, m, "["+eyes+","+eyes+"]"), http.StatusBadRequest, "Bad Request: REACTIONS_TOO_MANY")
}

func TestTheMenuIsThatOfTheMostSpecificScope(t *testing.T) {
	w := newWorld(t)
	set := func(name, rest string) {
		w.ok("setMyCommands", fmt.Sprintf(`{"commands": [{"command": %q, "description": "x"}]%s}`, name, rest), nil)
	}
	menu := func(group, user int64) string {
		if m := w.Commands(group, user); len(m) == 1 {
			return m[0].Command
		}
		return ""
	}
	w.must(w.AddUser(telegram.User{ID: 1004, FirstName: "Neue", LanguageCode: "de"}))
	w.must(w.SetMember(chat, telegram.Member{User: 1004, Status: telegram.Ordinary}, lead))
	set("everyone", "")
	set("groups", `, "scope": {"type": "all_group_chats"}`)
	set("gruppen", `, "scope": {"type": "all_group_chats"}, "language_code": "de"`)
	set("admins", `, "scope": {"type": "all_chat_administrators"}`)
	set("me", fmt.Sprintf(`, "scope": {"type": "chat_member", "chat_id": %d, "user_id": %d}`, chat, reviewer))
	w.say(telegram.SayOptions{Chat: stranger, From: stranger, Text: "/start"})
	for _, c := range []struct {
		group, user int64
		want        string
	}{{chat, lead, "admins"}, {chat, reviewer, "me"}, {chat, 1004, "gruppen"}, {stranger, stranger, "everyone"}} {
		if got := menu(c.group, c.user); got != c.want {
			t.Errorf("menu of %d in %d is %q, want %q", c.user, c.group, got, c.want)
		}
	}
	w.ok("deleteMyCommands", fmt.Sprintf(`{"scope": {"type": "chat_member", "chat_id": %d, "user_id": %d}}`, chat, reviewer), nil)
	if got := menu(chat, reviewer); got != "groups" {
		t.Errorf("menu %q", got)
	}
	w.clean()
}

func TestPinningNeedsAnAdministratorAndLeavesAMessage(t *testing.T) {
	w := newWorld(t)
	w.addGroups()
	id := w.send(fmt.Sprintf(`{"chat_id": %d, "text": "x"}`, forum))
	pin := fmt.Sprintf(`{"chat_id": %d, "message_id": %d}`, forum, id)
	w.fails("pinChatMessage", pin, http.StatusBadRequest, "Bad Request: not enough rights to manage pinned messages in the chat")
	w.must(w.SetMember(forum, telegram.Member{User: botID, Status: telegram.Administrator}, lead))
	w.ok("pinChatMessage", pin, nil)
	if m, _ := w.Message(forum, id); !m.Pinned {
		t.Error("it is not pinned")
	}
	all := w.Messages(forum)
	if last := all[len(all)-1]; last.Service == "" || last.From != botID {
		t.Errorf("last message %+v", last)
	}
	w.ok("unpinAllChatMessages", fmt.Sprintf(`{"chat_id": %d}`, forum), nil)
	w.fails("unpinChatMessage", fmt.Sprintf(`{"chat_id": %d}`, forum), http.StatusBadRequest, "Bad Request: message to unpin not found")
}

func TestWaitForEndsWhenTheMessagesAreAsWanted(t *testing.T) {
	w := newWorld(t)
	done := make(chan error, 1)
	go func() {
		done <- w.WaitFor(w.ctx, chat, func(all []telegram.Message) bool { return len(all) == 1 && all[0].Edits == 1 })
	}()
	id := w.send(card(`[]`))
	w.ok("editMessageText", editText(id, `"text": "b"`), nil)
	w.must(<-done)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := w.WaitFor(ctx, chat, func([]telegram.Message) bool { return false })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
