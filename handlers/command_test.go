package handlers_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/bot"
	"towline/deploy"
	"towline/deploy/release"
	"towline/handlers"
)

// said is a command as the bot hands it over.
type said struct {
	chat  int64
	topic int
	by    int64
	text  string
	how   bot.Irregular
	age   time.Duration
	alone bool // in the person's own chat with the bot
}

func (d *desk) say(t *testing.T, s said) (reply bot.Frame, answered bool) {
	t.Helper()
	d.update++
	words := strings.Fields(s.text)
	name, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(words[0], "/")), "@")
	err := d.Command(t.Context(), bot.Command{
		UpdateID: d.update, Place: bot.Place{Chat: s.chat, Topic: s.topic}, Message: 55, From: bot.Person{ID: s.by, Name: "Somebody"},
		Name: name, Args: words[1:], Text: s.text, Sent: d.now.Add(-s.age), Received: d.now, Irregular: s.how, Private: s.alone,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d.box.frame(d.replyKey(d.update))
}

// replyKey is the card under which an update is answered.
func (d *desk) replyKey(update int64) string {
	return fmt.Sprintf("reply/update/%d/%d", update, d.now.Unix())
}

// spoken is a chat text and what comes of it.
type spoken struct {
	name  string
	said  said
	asked string // of the engine
	reply string // a part of it; "" for none
}

func texts() []spoken {
	return []spoken{
		{"deploy what the source holds", said{team, 0, 2, "/deploy", "", 0, false}, `deploy shop "" reset=false by 2 reply -100/0/55`, ""},
		{"deploy a ref", said{team, 0, 2, "/deploy feature/x", "", 0, false}, `deploy shop "feature/x" reset=false`, ""},
		{"deploy a project and a ref", said{team, 0, 2, "/deploy SHOP main", "", 0, false}, `deploy shop "main"`, ""},
		{"addressed to this bot", said{team, 0, 2, "/deploy@towline_bot main", "", 0, false}, `deploy shop "main"`, ""},
		{"in capitals", said{team, 0, 2, "/DEPLOY main", "", 0, false}, `deploy shop "main"`, ""},
		{"too many words", said{team, 0, 2, "/deploy main now please", "", 0, false}, "", "usage"},
		{"a viewer deploys", said{team, 0, 1, "/deploy", "", 0, false}, "", "not_allowed"},
		{"promote what is on preview", said{team, 0, 2, "/promote", "", 0, false}, "promote shop 0", ""},
		{"promote a number", said{team, 0, 2, "/promote #42", "", 0, false}, "promote shop 42", ""},
		{"promote a number without its sign", said{team, 0, 2, "/promote shop 42", "", 0, false}, "promote shop 42", ""},
		{"promote no number", said{team, 0, 2, "/promote v42", "", 0, false}, "", "usage"},
		{"promote nothing", said{team, 0, 2, "/promote #0", "", 0, false}, "", "usage"},
		{"promote two", said{team, 0, 2, "/promote #1 #2", "", 0, false}, "", "usage"},
		{"go back", said{team, 0, 2, "/rollback #41", "", 0, false}, "rollback shop 41", ""},
		{"go back to the one before", said{team, 0, 4, "/rollback", "", 0, false}, "rollback shop 0", ""},
		{"rebuild preview", said{team, 0, 2, "/preview reset main", "", 0, false}, `deploy shop "main" reset=true`, ""},
		{"preview and nothing", said{team, 0, 2, "/preview", "", 0, false}, "", "/preview reset [project] [ref]"},
		{"lift a hold", said{team, 0, 2, "/unhold fixed by #43", "", 0, false}, `unhold shop production "fixed by #43"`, "no longer held"},
		{"lift a hold of a named project", said{team, 0, 2, "/unhold shop fixed", "", 0, false}, `unhold shop production "fixed"`, "no longer held"},
		{"status", said{team, 0, 1, "/status", "", 0, false}, "status shop", "shop"},
		{"baseline", said{team, 0, 2, "/baseline", "", 0, false}, `baseline shop ""`, ""},
		{"baseline of production", said{team, 0, 2, "/baseline production", "", 0, false}, `baseline shop ""`, ""},
		{"baseline up to a file", said{team, 0, 4, "/baseline shop production 0007_x.sql", "", 0, false}, `baseline shop "0007_x.sql"`, ""},
		{"baseline up to a file, shorter", said{team, 0, 4, "/baseline 0007_x/migration.sql", "", 0, false}, `baseline shop "0007_x/migration.sql"`, ""},
		{"baseline of preview", said{team, 0, 2, "/baseline preview", "", 0, false}, "", "usage"},
		{"baseline of too much", said{team, 0, 2, "/baseline a.sql b.sql", "", 0, false}, "", "usage"},
		{"baseline, several projects", said{shared, 0, 2, "/baseline", "", 0, false}, "", "Which project?"},
		{"a viewer adopts", said{team, 0, 1, "/baseline", "", 0, false}, "", "not_allowed"},
		{"drill", said{team, 0, 2, "/drill", "", 0, false}, "drill shop reply -100/0/55", "being restored here"},
		{"a viewer drills", said{team, 0, 1, "/drill", "", 0, false}, "", "not_allowed"},
		{"drill, several projects", said{shared, 0, 2, "/drill", "", 0, false}, "", "Which project?"},
		{"releases", said{team, 0, 1, "/releases", "", 0, false}, "releases shop below 0", "None yet"},
		{"the status of no project", said{team, 0, 1, "/status shpo", "", 0, false}, "", "No project is called shpo here"},
		{"the status of no project, several here", said{shared, 0, 2, "/status wep", "", 0, false}, "", "No project is called wep here"},
		{"the releases of no project", said{team, 0, 1, "/releases shpo", "", 0, false}, "", "No project is called shpo here"},
		{"in its topic", said{forum, 7, 2, "/deploy", "", 0, false}, "deploy forum-shop", ""},
		{"in its topic, addressed to where it came from", said{forum, 8, 2, "/deploy", "", 0, false}, "reply -200/8/55", ""},
		{"in another topic", said{forum, 7, 2, "/deploy forum-blog", "", 0, false}, "", "wrong_chat"},
		{"in a topic without a project", said{forum, 9, 2, "/deploy", "", 0, false}, "", "wrong_chat"},
		{"another chat's project", said{team, 0, 2, "/deploy api", "", 0, false}, "", "api is talked about in another chat"},
		{"alone with the bot", said{2, 0, 2, "/deploy", "", 0, true}, "", "wrong_chat"},
		{"several projects, one named", said{shared, 0, 2, "/promote web #3", "", 0, false}, "promote web 3", ""},
		{"several projects, none named", said{shared, 0, 2, "/promote #3", "", 0, false}, "", "Which project?"},
		{"several projects, a wrong one named", said{shared, 0, 2, "/deploy wep main", "", 0, false}, "", "unknown_project"},
		{"several projects, unhold", said{shared, 0, 2, "/unhold because", "", 0, false}, "", "api"},
		{"a mistyped command", said{team, 0, 2, "/stauts", "", 0, false}, "", "Did you mean /status?"},
		{"another bot's command", said{team, 0, 2, "/weather", "", 0, false}, "", ""},
		{"an unknown command, addressed", said{team, 0, 2, "/weather@towline_bot", "", 0, false}, "", "/help lists them"},
		{"help", said{team, 0, 1, "/help", "", 0, false}, "", "your role is viewer"},
		{"start is help", said{2, 0, 2, "/start", "", 0, true}, "", "your role is deployer"},
		{"help on a command", said{team, 0, 1, "/help /ROLLBACK", "", 0, false}, "", "/rollback [project] [#release]"},
		{"help on no command", said{team, 0, 1, "/help rolback", "", 0, false}, "", "Did you mean /rollback?"},
		{"whoami", said{forum, 7, 3, "/whoami", "", 0, false}, "", "-200/7"},
		{"whoami from a chat that is not in the config", said{unknown, 0, 4, "/whoami", "", 0, false}, "", "-900"},
	}
}

func TestACommandBecomesADecision(t *testing.T) {
	for _, c := range texts() {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk()
			reply, answered := d.say(t, c.said)
			if got := strings.Join(d.engine.asked, "; "); !strings.Contains(got, c.asked) || (c.asked == "") != (got == "") {
				t.Errorf("the engine was asked %q, want %q", got, c.asked)
			}
			if answered != (c.reply != "") || !strings.Contains(reply.HTML, c.reply) {
				t.Errorf("the reply is %q, want %q", reply.HTML, c.reply)
			}
			if answered && (reply.Place != bot.Place{Chat: c.said.chat, Topic: c.said.topic} || reply.ReplyTo != 55) {
				t.Errorf("it was answered at %v, to message %d", reply.Place, reply.ReplyTo)
			}
			if answered && !reply.Final || reply.Notify {
				t.Error("an answer is final and makes no sound")
			}
		})
	}
}

func TestACommandThatNobodyTypedHereIsRefused(t *testing.T) {
	for _, how := range []bot.Irregular{bot.Forwarded, bot.Edited, bot.Scheduled, bot.Anonymous, bot.ViaBot, bot.Channel, bot.FromBot,
		bot.AutomaticForward, bot.Business, bot.Guest} {
		for _, text := range []string{"/promote", "/status", "/whoami", "/unhold x"} {
			d := newDesk()
			reply, answered := d.say(t, said{chat: team, by: 4, text: text, how: how})
			if !answered || !strings.Contains(reply.HTML, "irregular_command") || len(d.engine.asked) > 0 {
				t.Errorf("%s, %s: answered %v %q, asked %q", how, text, answered, reply.HTML, d.engine.asked)
			}
			if reply, answered := d.say(t, said{chat: unknown, by: 4, text: text, how: how}); answered {
				t.Errorf("%s, %s in an unknown chat: %q", how, text, reply.HTML)
			}
		}
	}
}

func TestAStrangerIsAnsweredOnceAnHourAndAnUnknownChatNever(t *testing.T) {
	d := newDesk()
	hear := func(want bool, s said) {
		t.Helper()
		if reply, answered := d.say(t, s); answered != want {
			t.Errorf("%+v: answered %v: %s", s, answered, reply.HTML)
		}
	}
	hear(true, said{chat: team, by: 99, text: "/deploy"})
	hear(false, said{chat: team, by: 99, text: "/status"})
	hear(false, said{chat: team, by: 99, text: "/promote", how: bot.Forwarded})
	hear(true, said{chat: team, by: 98, text: "/help"}) // somebody else
	hear(true, said{chat: forum, by: 99, text: "/help"})
	d.now = d.now.Add(59 * time.Minute)
	hear(false, said{chat: team, by: 99, text: "/deploy"})
	d.now = d.now.Add(2 * time.Minute)
	hear(true, said{chat: team, by: 99, text: "/whoami"})
	hear(false, said{chat: 99, by: 99, text: "/start", alone: true})
	for _, text := range []string{"/deploy", "/help", "/status"} {
		hear(false, said{chat: unknown, by: 4, text: text})
		hear(false, said{chat: unknown, by: 99, text: text})
	}
	hear(false, said{chat: unknown, by: 99, text: "/whoami"})
	hear(false, said{chat: team, by: 97, text: "/weather"})
	if len(d.engine.asked) > 0 {
		t.Errorf("the engine was asked %q", d.engine.asked)
	}
}

func TestAnOldCommandIsOfferedToTheOneWhoSentIt(t *testing.T) {
	d := newDesk()
	if _, answered := d.say(t, said{chat: team, by: 2, text: "/deploy main", age: 90 * time.Second}); answered || len(d.engine.asked) != 1 {
		t.Fatalf("90 s are not too old: %q", d.engine.asked)
	}
	d = newDesk()
	reply, _ := d.say(t, said{chat: team, by: 2, text: "/deploy@towline_bot  feature/a+b", age: 91 * time.Second})
	if !strings.Contains(reply.HTML, "command_expired") || !strings.Contains(reply.HTML, "1 min old") || len(d.engine.asked) > 0 {
		t.Fatalf("%q, asked %q", reply.HTML, d.engine.asked)
	}
	on := bot.Press{Place: bot.Place{Chat: team}, Message: 56, Data: reply.Buttons[0][0].Data, Card: d.replyKey(1), Current: true}
	if toast := d.press(t, 3, on); !strings.Contains(toast.Text, "Only the one who sent") || len(d.engine.asked) > 0 {
		t.Errorf("another person: %q, asked %q", toast.Text, d.engine.asked)
	}
	d.press(t, 2, on)
	if want := `deploy shop "feature/a+b" reset=false by 2 reply -100/0/56`; len(d.engine.asked) != 1 || d.engine.asked[0] != want {
		t.Errorf("asked %q, want %q", d.engine.asked, want)
	}
	if f, _ := d.box.frame(d.replyKey(1)); len(f.Buttons) > 0 || !strings.Contains(f.HTML, "was run by") {
		t.Errorf("the offer still stands: %+v", f)
	}
	d.press(t, 2, on) // a second tap, before the first one's edit arrived
	if d.engine.keys[0] != d.engine.keys[1] {
		t.Errorf("a second tap is another request: %q", d.engine.keys)
	}
	on.Current = false
	if toast := d.press(t, 2, on); !strings.Contains(toast.Text, "stale_button") {
		t.Errorf("an old button: %q", toast.Text)
	}
}

func TestARefusalOfTheEngineIsAReplyAndAFaultIsNot(t *testing.T) {
	d := newDesk()
	d.engine.err = release.Refuse(release.CodeHold, "by", "Robin", "reason", "bad totals")
	if reply, _ := d.say(t, said{chat: team, by: 2, text: "/promote"}); !strings.Contains(reply.HTML, "hold_active") {
		t.Errorf("%q", reply.HTML)
	}
	d.engine.err = &deploy.OutsideError{Refusal: release.Refuse(release.CodeFactsMissing, "problem", "timeout"), Err: errors.New("the chain, for operators")}
	if reply, _ := d.say(t, said{chat: team, by: 2, text: "/promote"}); !strings.Contains(reply.HTML, "facts_unavailable") || strings.Contains(reply.HTML, "operators") {
		t.Errorf("%q", reply.HTML)
	}
	d.engine.err = errors.New("the store is gone")
	err := d.Command(t.Context(), bot.Command{UpdateID: 9, Place: bot.Place{Chat: team}, From: bot.Person{ID: 2}, Name: "promote", Sent: d.now, Received: d.now})
	if !errors.Is(err, d.engine.err) {
		t.Errorf("a fault became %v", err)
	}
}

func TestTheSameUpdateTwiceIsTheSameRequestAndTheSameAnswer(t *testing.T) {
	d := newDesk()
	for range 2 {
		d.update = 6
		d.say(t, said{chat: team, by: 2, text: "/unhold because"})
	}
	if d.engine.keys[0] != d.engine.keys[1] || len(d.box.frames) != 1 {
		t.Errorf("keys %q, %d answers", d.engine.keys, len(d.box.frames))
	}
}

func TestEveryCommandHelpsAndIsInTheMenu(t *testing.T) {
	helps, menu := handlers.Helps(), handlers.Menu()
	if len(helps) != len(menu) {
		t.Fatalf("%d helps, %d entries in the menu", len(helps), len(menu))
	}
	for i, h := range helps {
		if h.Does == "" || len(h.Examples) == 0 || menu[i].Name != h.Name || menu[i].Description != h.Does || len(h.Does) > 256 {
			t.Errorf("%+v", h)
		}
		if !slices.ContainsFunc(h.Examples, func(e string) bool { return strings.HasPrefix(e, "/"+h.Name) }) {
			t.Errorf("%s has no example of itself", h.Name)
		}
	}
}

func TestEveryCommandIsWrittenDownAndSoIsThatARoleDidNotAllowIt(t *testing.T) {
	d := newDesk()
	d.say(t, said{team, 0, 2, "/deploy main", "", 0, false})
	d.say(t, said{team, 0, 2, "/breakglass it burns", "", 0, false})
	want := []string{"shop by 2: /deploy main", "shop by 2: /breakglass it burns", "shop by 2: breakglass refused with not_allowed"}
	if got := d.engine.heard; !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
}
