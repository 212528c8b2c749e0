package telegram_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"towline/sandbox/telegram"
)

// member asks getChatMember.
func (w *world) member(group, user int64) anyJSON {
	w.t.Helper()
	m := anyJSON{}
	w.ok("getChatMember", fmt.Sprintf(`{"chat_id": %d, "user_id": %d}`, group, user), &m)
	return m
}

func (w *world) set(group int64, m telegram.Member) {
	w.t.Helper()
	w.must(w.SetMember(group, m, lead))
}

// interfaces reads the interfaces of a .d.ts file: name to fields, which end with a question mark where they may be left out.
func interfaces(source string) map[string]map[string]string {
	all := map[string]map[string]string{}
	field := regexp.MustCompile(`(?m)^    (\w+\??): (.+);$`)
	for _, m := range regexp.MustCompile(`(?s)export interface (\w+) \{\n(.*?)\n\}`).FindAllStringSubmatch(source, -1) {
		fields := map[string]string{}
		for _, f := range field.FindAllStringSubmatch(m[2], -1) {
			fields[f[1]] = f[2]
		}
		all[m[1]] = fields
	}
	return all
}

func TestAMemberHasTheFieldsThatTheBotAPIGivesTheirStatus(t *testing.T) {
	source, err := os.ReadFile("../../tools/node_modules/@grammyjs/types/manage.d.ts")
	if errors.Is(err, os.ErrNotExist) && os.Getenv("CI") == "" {
		t.Skip("the Bot API's types are not installed: tools/setup.sh does it")
	}
	w := newWorld(t)
	w.must(err)
	types := interfaces(string(source))
	w.set(chat, telegram.Member{User: stranger, Status: telegram.Ordinary})
	for status, want := range map[telegram.Status]string{
		telegram.Creator: "ChatMemberOwner", telegram.Administrator: "ChatMemberAdministrator", telegram.Ordinary: "ChatMemberMember",
		telegram.Restricted: "ChatMemberRestricted", telegram.Left: "ChatMemberLeft", telegram.Kicked: "ChatMemberBanned",
	} {
		w.set(chat, telegram.Member{User: stranger, Status: status})
		got, fields := w.member(chat, stranger), types[want]
		if len(fields) < 2 || got["status"] != strings.Trim(fields["status"], `"`) {
			t.Fatalf("%s: %v, of the type %v", status, got, fields)
		}
		for name, typ := range fields {
			value, there := got[strings.TrimSuffix(name, "?")]
			if !there && !strings.HasSuffix(name, "?") {
				t.Errorf("%s: it lacks %q", status, name)
			}
			if _, isBool := value.(bool); there && typ == "boolean" && !isBool {
				t.Errorf("%s: %q is %v", status, name, value)
			}
		}
		for name := range got {
			_, required := fields[name]
			if _, optional := fields[name+"?"]; !required && !optional {
				t.Errorf("%s: it has %q, which is not in the type", status, name)
			}
		}
	}
}

func TestAnonymityAbsenceAndTheEndOfABanAreTold(t *testing.T) {
	w := newWorld(t)
	until := w.clock.Now().Add(time.Hour)
	for _, c := range []struct {
		member telegram.Member
		want   anyJSON
	}{
		{telegram.Member{Status: telegram.Administrator}, anyJSON{"is_anonymous": false}},
		{telegram.Member{Status: telegram.Administrator, Anonymous: true, Title: "boss"}, anyJSON{"is_anonymous": true, "custom_title": "boss"}},
		{telegram.Member{Status: telegram.Creator, Anonymous: true}, anyJSON{"is_anonymous": true}},
		{telegram.Member{Status: telegram.Restricted}, anyJSON{"is_member": true, "until_date": 0.0, "can_send_messages": false}},
		{telegram.Member{Status: telegram.Restricted, Absent: true, Until: until}, anyJSON{"is_member": false, "until_date": float64(until.Unix())}},
		{telegram.Member{Status: telegram.Kicked, Until: until}, anyJSON{"until_date": float64(until.Unix())}},
	} {
		c.member.User = stranger
		w.set(chat, c.member)
		got := w.member(chat, stranger)
		for name, want := range c.want {
			if got[name] != want {
				t.Errorf("%+v: %s is %v", c.member, name, got[name])
			}
		}
	}
	for _, m := range []telegram.Member{
		{User: 5, Status: telegram.Ordinary}, {User: stranger, Status: "owner"},
		{User: stranger, Status: telegram.Ordinary, Anonymous: true}, {User: stranger, Status: telegram.Ordinary, Absent: true},
	} {
		if err := w.SetMember(chat, m, lead); err == nil {
			t.Errorf("there is a member %+v", m)
		}
	}
}

func TestSomebodyRestrictedWhoIsAbsentIsNotInTheGroup(t *testing.T) {
	w := newWorld(t)
	w.set(chat, telegram.Member{User: reviewer, Status: telegram.Restricted, Absent: true})
	card := w.send(card(`[[{"text": "Go", "callback_data": "go"}]]`))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Press(ctx, telegram.PressOptions{Chat: chat, Message: card, From: reviewer, Data: "go"}); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("they could press: %v", err)
	}
	var n int
	w.ok("getChatMemberCount", fmt.Sprintf(`{"chat_id": %d}`, chat), &n)
	if n != 2 {
		t.Errorf("%d members", n)
	}
}

func TestABotThatIsNoAdministratorIsToldOfItselfAlone(t *testing.T) {
	w := newWorld(t)
	w.addGroups()
	for _, c := range []struct {
		group, user int64
		want        string
	}{{chat, reviewer, "member"}, {chat, stranger, "left"}, {forum, botID, "member"}} {
		if got := w.member(c.group, c.user)["status"]; got != c.want {
			t.Errorf("%d in %d is %v", c.user, c.group, got)
		}
	}
	ask := func(user int64) string { return fmt.Sprintf(`{"chat_id": %d, "user_id": %d}`, forum, user) }
	w.say(telegram.SayOptions{Chat: forum, From: reviewer, Text: "hello"})
	for _, user := range []int64{lead, reviewer, stranger} {
		w.fails("getChatMember", ask(user), http.StatusBadRequest, "Bad Request: CHAT_ADMIN_REQUIRED")
	}
	var admins []struct{ User telegram.User }
	w.ok("getChatAdministrators", fmt.Sprintf(`{"chat_id": %d}`, forum), &admins)
	if len(admins) != 1 || admins[0].User.ID != lead {
		t.Errorf("administrators %+v", admins)
	}
	w.must(w.ShowMembers(forum, true))
	if got := w.member(forum, reviewer)["status"]; got != "member" {
		t.Errorf("somebody who was seen: %v", got)
	}
	w.fails("getChatMember", ask(lead), http.StatusBadRequest, "Bad Request: PARTICIPANT_ID_INVALID")
	w.must(w.ShowMembers(forum, false))
	w.set(forum, telegram.Member{User: botID, Status: telegram.Administrator})
	if got := w.member(forum, lead)["status"]; got != "creator" {
		t.Errorf("asked by an administrator: %v", got)
	}
	if got := w.member(basic, lead)["status"]; got != "creator" {
		t.Errorf("in a basic group: %v", got)
	}
	w.clean()
}

func TestTheMembersOfAGroupThatHasBecomeASupergroupAreAskedForThere(t *testing.T) {
	w := newWorld(t)
	w.addGroups()
	id, err := w.MigrateGroup(basic)
	w.must(err)
	const upgraded = "Bad Request: group chat was upgraded to a supergroup chat"
	a := w.fails("getChatMember", fmt.Sprintf(`{"chat_id": %d, "user_id": %d}`, basic, lead), http.StatusBadRequest, upgraded)
	if a.Parameters.MigrateTo != id {
		t.Errorf("parameters %+v", a.Parameters)
	}
	w.fails("getChatAdministrators", fmt.Sprintf(`{"chat_id": %d}`, basic), http.StatusBadRequest, upgraded)
	if err := w.SetMember(basic, telegram.Member{User: stranger, Status: telegram.Ordinary}, lead); err == nil {
		t.Error("somebody joined the old group")
	}
	if _, ok := w.Group(basic); ok {
		t.Error("the old group is still there")
	}
	if g, ok := w.Group(id); !ok || g.Title != "Old" || len(g.Members) != 3 {
		t.Errorf("the new group is %+v", g)
	}
}

func TestTheBotIsToldOfItsOwnPlaceInAGroup(t *testing.T) {
	w := newWorld(t)
	w.addGroups()
	w.must(w.SetMember(forum, telegram.Member{User: lead, Status: telegram.Creator, Anonymous: true}, lead))
	for _, status := range []telegram.Status{telegram.Administrator, telegram.Ordinary, telegram.Kicked, telegram.Ordinary, telegram.Left} {
		w.set(forum, telegram.Member{User: botID, Status: status})
	}
	w.send(card(`[]`)) // other groups stay as they are
	w.fails("sendMessage", fmt.Sprintf(`{"chat_id": %d, "text": "x"}`, forum), http.StatusForbidden, "Forbidden: bot is not a member of the supergroup chat")
	w.set(forum, telegram.Member{User: botID, Status: telegram.Ordinary})
	w.send(fmt.Sprintf(`{"chat_id": %d, "text": "x"}`, forum))
	status := func(m any) string { return m.(anyJSON)["status"].(string) }
	var told []string
	for _, u := range w.updates(0) {
		if m := u.MyChatMember; m != nil {
			told = append(told, status((*m)["old_chat_member"])+" → "+status((*m)["new_chat_member"]))
			if from := (*m)["from"].(anyJSON)["id"]; from != float64(telegram.AnonymousAdminID) {
				t.Errorf("done by %v, not by the group", from)
			}
		}
	}
	want := []string{"member → administrator", "administrator → member", "member → kicked", "kicked → member", "member → left", "left → member"}
	if diff := gocmp.Diff(want, told); diff != "" {
		t.Errorf("my_chat_member (-want +got):\n%s", diff)
	}
}

func TestAnAnonymousAdministratorIsTheGroupInWordsAndReactions(t *testing.T) {
	w := newWorld(t)
	w.ok("getUpdates", `{"allowed_updates": ["message", "edited_message", "message_reaction"]}`, nil)
	w.clock.pass(time.Minute)
	w.set(chat, telegram.Member{User: reviewer, Status: telegram.Administrator, Anonymous: true})
	id := w.say(telegram.SayOptions{Chat: chat, From: reviewer, Text: "/lock shop"})
	w.must(w.Edit(w.ctx, chat, id, reviewer, "/unlock shop"))
	w.must(w.React(w.ctx, chat, id, reviewer, "👍"))
	list := w.updates(0)
	if m := list[1].EditedMessage; m == nil || m.From.ID != telegram.AnonymousAdminID || (*m.SenderChat)["id"] != float64(chat) {
		t.Errorf("edited %+v", list[1])
	}
	if r := *list[2].Reaction; r["user"] != nil || r["actor_chat"].(anyJSON)["id"] != float64(chat) {
		t.Errorf("reaction %v", r)
	}
	if m, _ := w.Message(chat, id); m.Author != reviewer || m.From != telegram.AnonymousAdminID {
		t.Errorf("people see %+v", m)
	}
	w.set(chat, telegram.Member{User: lead, Status: telegram.Creator, Anonymous: true})
	if err := w.Edit(w.ctx, chat, id, lead, "mine"); err == nil {
		t.Error("another anonymous administrator edited it")
	}
	if strings.Contains(fmt.Sprint(list[0].Message, list[1].EditedMessage), "Reviewer") {
		t.Error("the bot is told who it was")
	}
}

func TestAStateOfAnEarlierVersionIsReadAndTheNewFieldsAreKept(t *testing.T) {
	old, err := os.ReadFile("testdata/before-statuses.state")
	l := newLives(t)
	if err == nil {
		err = os.WriteFile(l.path, old, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	w, end := l.start(l.path)
	if g, ok := w.Group(forum); !ok || g.ShowsMembers || len(g.Members) != 2 || len(w.Messages(chat)) < 15 {
		t.Fatalf("the old file gives %+v and %d messages", g, len(w.Messages(chat)))
	}
	anonymous := slices.IndexFunc(w.Messages(forum), func(m telegram.Message) bool { return m.From == telegram.AnonymousAdminID })
	w.must(w.Edit(w.ctx, forum, w.Messages(forum)[anonymous].ID, 1004, "mended"))
	w.must(w.ShowMembers(forum, true))
	w.must(w.SetMember(forum, telegram.Member{User: reviewer, Status: telegram.Restricted, Absent: true, Until: l.clock.Now().Add(time.Hour)}, 1004))
	w.say(telegram.SayOptions{Chat: forum, From: 1004, Text: "as the group again", Topic: 7})
	w.send(fmt.Sprintf(`{"chat_id": %d, "text": "Why?", "reply_markup": {"force_reply": true, "selective": true, "input_field_placeholder": "A reason"}}`, chat))
	before := seen(w)
	pending := w.pending()
	end()
	w, end = l.start(l.path)
	defer end()
	same(t, before, seen(w))
	if w.pending() != pending {
		t.Errorf("%d updates wait, and %d before", w.pending(), pending)
	}
}
