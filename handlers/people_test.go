package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"towline/bot"
	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/handlers"
)

// arranged is a desk whose options are changed before it is set up.
func arranged(change func(d *desk, o *handlers.Options)) *desk {
	d := newDesk()
	o := handlers.Options{Engine: d.engine, Outbox: d.box, Members: d.chats, Now: func() time.Time { return d.now },
		Team: func(context.Context) handlers.Team { return people() }}
	change(d, &o)
	d.Handlers = handlers.New(o)
	return d
}

// withTeam is a desk with another team.
func withTeam(change func(*handlers.Team)) *desk {
	return arranged(func(_ *desk, o *handlers.Options) {
		o.Team = func(context.Context) handlers.Team {
			team := people()
			change(&team)
			return team
		}
	})
}

// pointing gives a command that names people in ways that a text cannot show.
func (d *desk) pointing(t *testing.T, by int64, text string, mentions []bot.Person, repliesTo *bot.Person) string {
	t.Helper()
	d.update++
	words := strings.Fields(text)
	err := d.Command(t.Context(), bot.Command{
		UpdateID: d.update, Place: bot.Place{Chat: team}, Message: 55, From: bot.Person{ID: by, Name: "Somebody"},
		Name: strings.TrimPrefix(words[0], "/"), Args: words[1:], Text: text, Sent: d.now, Received: d.now, Mentions: mentions, RepliesTo: repliesTo,
	})
	if err != nil {
		t.Fatal(err)
	}
	f, _ := d.box.frame(d.replyKey(d.update))
	return f.HTML
}

func TestARoleIsLentToWhomeverTheCommandNames(t *testing.T) {
	byUsername := func(name string) []bot.Person { return []bot.Person{{Name: name, Username: name}} }
	for _, c := range []struct {
		name      string
		text      string
		mentions  []bot.Person
		repliesTo *bot.Person
		asked     string
		reply     string
	}{
		{name: "picked from Telegram's list", text: "/delegate Dana D until tomorrow", mentions: []bot.Person{{ID: 2, Name: "Dana D"}}, asked: "delegate to 2", reply: "lent"},
		{name: "picked, though the words are somebody else's name", text: "/delegate Val until tomorrow", mentions: []bot.Person{{ID: 2, Name: "Dana"}}, asked: "delegate to 2"},
		{name: "by username", text: "/delegate @DanaD until tomorrow", mentions: byUsername("DanaD"), asked: "delegate to 2"},
		{name: "by a username that is somebody else's name", text: "/delegate @val until tomorrow", mentions: byUsername("val"), asked: "delegate to 4"},
		{name: "by the name in the config, with an @", text: "/delegate @dana until tomorrow", mentions: byUsername("dana"), asked: "delegate to 2"},
		{name: "by a name of two words", text: "/delegate mary ann until tomorrow", asked: "delegate to 5"},
		{name: "by id", text: "/delegate 2 until tomorrow", asked: "delegate to 2"},
		{name: "by answering", text: "/delegate until tomorrow", repliesTo: &bot.Person{ID: 2, Name: "Dana D"}, asked: "delegate to 2"},
		{name: "by words before the one who is answered", text: "/delegate 1 until tomorrow", repliesTo: &bot.Person{ID: 2}, asked: "delegate to 1"},
		{name: "taken back", text: "/delegate dana OFF", asked: "delegate to 2 until 0001-01-01T00:00:00Z", reply: "taken back"},
		{name: "taken back by answering", text: "/delegate off", repliesTo: &bot.Person{ID: 2}, asked: "delegate to 2 until 0001-01-01T00:00:00Z"},

		{name: "somebody whom the config does not name", text: "/delegate @sam until tomorrow", mentions: byUsername("sam"), reply: "unknown_who"},
		{name: "a stranger who is picked", text: "/delegate Sam until tomorrow", mentions: []bot.Person{{ID: 99, Name: "Sam"}}, reply: "unknown_who"},
		{name: "a stranger who is answered", text: "/delegate until tomorrow", repliesTo: &bot.Person{ID: 99, Name: "Sam"}, reply: "Val (1)"},
		{name: "two of one name", text: "/delegate kim until tomorrow", reply: "More than one person is called kim"},
		{name: "two who are picked", text: "/delegate Dana Val until tomorrow", mentions: []bot.Person{{ID: 1}, {ID: 2}}, reply: "usage"},
		{name: "nobody", text: "/delegate until tomorrow", reply: "usage"},
		{name: "no time", text: "/delegate dana", reply: "usage"},
		{name: "no time after until", text: "/delegate dana until", reply: "usage"},
		{name: "no time that anybody understands", text: "/delegate dana until soon", reply: "bad_time"},
		{name: "a day that is over", text: "/delegate dana until 2026-11-19", reply: "2026-11-19 is over"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := withTeam(func(team *handlers.Team) {
				team.Usernames = map[string]int64{"danad": 2, "val": 4}
				for id, name := range map[int64]string{5: "Mary  Ann", 6: "Kim", 7: "KIM"} {
					team.People = append(team.People, gate.Actor{Person: release.Person{ID: id, Name: strings.ReplaceAll(name, "  ", " ")}, Role: gate.Deployer})
				}
			})
			reply := d.pointing(t, 3, c.text, c.mentions, c.repliesTo)
			if got := strings.Join(d.engine.asked, "; "); !strings.Contains(got, c.asked) || (c.asked == "") != (got == "") {
				t.Errorf("the engine was asked %q, want %q", got, c.asked)
			}
			if !strings.Contains(reply, c.reply) || reply == "" {
				t.Errorf("the reply is %q, want %q", reply, c.reply)
			}
		})
	}
}

func TestARoleIsLentUntilTheEndOfADayWhereTheTeamIs(t *testing.T) {
	d := withTeam(func(team *handlers.Team) { team.Zone = zone(t, "Pacific/Auckland") }) // where it is 01:00 of the 21st
	d.say(t, said{chat: team, by: 3, text: "/delegate dana until tomorrow"})
	if want := "delegate to 2 until 2026-11-22T23:59:59+13:00"; len(d.engine.asked) != 1 || d.engine.asked[0] != want {
		t.Errorf("asked %q, want %q", d.engine.asked, want)
	}
	if reply, _ := d.say(t, said{chat: team, by: 2, text: "/delegate val until tomorrow"}); !strings.Contains(reply.HTML, "not_allowed") {
		t.Errorf("a deployer: %q", reply.HTML)
	}
}

// counted counts how many people are asked about, and how many at once.
type counted struct {
	mu        sync.Mutex
	asked     map[int64]bool
	now, most int
	gone      int64
	err       error
	slow      bool // an answer takes a second
}

func (c *counted) Member(ctx context.Context, _, user int64) (bot.Membership, error) {
	c.mu.Lock()
	c.asked[user] = true
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.now--
		c.mu.Unlock()
	}()
	if c.slow {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return bot.Membership{}, ctx.Err()
		}
	}
	if user == 7 {
		return bot.Membership{}, bot.ErrTooMany
	}
	return bot.Membership{In: user != c.gone}, c.err
}

func standings(n int) []deploy.Standing {
	var all []deploy.Standing
	for i := range n {
		all = append(all, deploy.Standing{Own: gate.Deployer, Actor: gate.Actor{Role: gate.Deployer, Person: release.Person{ID: int64(i + 1), Name: fmt.Sprintf("Person %d", i+1)}}})
	}
	return all
}

func TestPeopleSaysWhoIsHereWhereTelegramTells(t *testing.T) {
	c := &counted{asked: map[int64]bool{}, gone: 2}
	d := arranged(func(_ *desk, o *handlers.Options) { o.Members = c })
	d.engine.people = standings(8)
	d.engine.lonely = map[release.Environment][]deploy.Lonely{release.Production: {{Who: release.Person{ID: 1, Name: "Person 1"}, Need: 1}}}
	reply, _ := d.say(t, said{chat: team, by: 1, text: "/people"})
	for _, want := range []string{"Person 1 · here", "Person 2 · not in this chat", "• Person 7\n", "<b>shop</b> production: Person 1 would find nobody to approve"} {
		if !strings.Contains(reply.HTML, want) {
			t.Errorf("%q is not in %q", want, reply.HTML)
		}
	}
	if strings.Contains(reply.HTML, "administrators") {
		t.Errorf("%q", reply.HTML)
	}
	for _, bad := range []string{"/people blog", "/people api"} {
		if reply, _ := d.say(t, said{chat: team, by: 1, text: bad}); !strings.Contains(reply.HTML, "code:") {
			t.Errorf("%s: %q", bad, reply.HTML)
		}
	}
}

func TestPeopleAsksTelegramAboutAFewAtATimeAndNotAboutAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counted{asked: map[int64]bool{}, slow: true}
		d := arranged(func(_ *desk, o *handlers.Options) { o.Members = c })
		d.engine.people = standings(100)
		reply, _ := d.say(t, said{chat: shared, by: 1, text: "/people"})
		if len(c.asked) != 30 || c.most != 4 || !strings.Contains(reply.HTML, "Whether 70 others are here was not asked") {
			t.Errorf("%d were asked about, %d at once: %q", len(c.asked), c.most, reply.HTML)
		}
	})
}

func TestPeopleDoesNotWaitForATelegramThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := arranged(func(_ *desk, o *handlers.Options) { o.Members = silent{} })
		d.engine.people = standings(30)
		began := time.Now()
		reply, answered := d.say(t, said{chat: team, by: 1, text: "/people"})
		if took := time.Since(began); !answered || took > 10*time.Second || !strings.Contains(reply.HTML, "• Person 30\n") {
			t.Errorf("answered %v after %s: %q", answered, took, reply.HTML)
		}
	})
}

// silent never answers.
type silent struct{}

func (silent) Member(ctx context.Context, _, _ int64) (bot.Membership, error) {
	<-ctx.Done()
	return bot.Membership{}, ctx.Err()
}

func TestPeopleSaysOnceThatTheBotHasToBeAdministrator(t *testing.T) {
	c := &counted{asked: map[int64]bool{}, err: fmt.Errorf("%w: chat", bot.ErrNotAdmin)}
	d := arranged(func(_ *desk, o *handlers.Options) { o.Members = c })
	d.engine.people = standings(30)
	reply, _ := d.say(t, said{chat: team, by: 1, text: "/people"})
	if strings.Count(reply.HTML, "administrators") != 1 || strings.Contains(reply.HTML, "here\n") || len(c.asked) > 8 {
		t.Errorf("%d were asked about: %q", len(c.asked), reply.HTML)
	}
}

func TestANoteGoesToTheReleaseThatItNames(t *testing.T) {
	for text, want := range map[string]string{
		"/note #42 the totals  were wrong": `note shop #42 "the totals were wrong"`,
		"/note shop 42 <b>x</b>":           `note shop #42 "<b>x</b>"`,
		"/note":                            "", "/note #42": "", "/note shop #42": "", "/note the totals": "", "/note #0 x": "",
	} {
		d := newDesk()
		reply, _ := d.say(t, said{chat: team, by: 2, text: text})
		if got := strings.Join(d.engine.asked, ";"); got != want {
			t.Errorf("%s: asked %q, want %q", text, got, want)
		}
		if strings.Contains(reply.HTML, "code: <code>usage</code>") != (want == "") {
			t.Errorf("%s: %q", text, reply.HTML)
		}
	}
	d := newDesk()
	if reply, _ := d.say(t, said{chat: shared, by: 2, text: "/note #42 x"}); !strings.Contains(reply.HTML, "Which project is meant?") || len(d.engine.asked) > 0 {
		t.Errorf("%q", reply.HTML)
	}
	if reply, _ := d.say(t, said{chat: team, by: 1, text: "/note #42 x"}); !strings.Contains(reply.HTML, "not_allowed") {
		t.Errorf("a viewer: %q", reply.HTML)
	}
}

func TestReloadTellsWhatChangedOrWhatIsWrong(t *testing.T) {
	var by []release.Person
	var got handlers.Reloaded
	var fault error
	d := arranged(func(_ *desk, o *handlers.Options) {
		o.Reload = func(_ context.Context, who release.Person) (handlers.Reloaded, error) {
			by = append(by, who)
			return got, fault
		}
	})
	got = handlers.Reloaded{Changes: []string{"people: Kim <b> is new"}, Warnings: []string{"config.yaml:5: too few"}, Restart: []string{"store"}}
	reply, _ := d.say(t, said{chat: team, by: 4, text: "/reload"})
	for _, want := range []string{"people: Kim &lt;b&gt; is new", "<code>store</code>", "config.yaml:5: too few"} {
		if !strings.Contains(reply.HTML, want) {
			t.Errorf("%q is not in %q", want, reply.HTML)
		}
	}
	got = handlers.Reloaded{Problems: []string{"config.yaml:5:34: role: expected a role"}}
	if reply, _ = d.say(t, said{chat: team, by: 4, text: "/reload"}); !strings.Contains(reply.HTML, "config.yaml:5:34") || !strings.Contains(reply.HTML, "config_refused") {
		t.Errorf("%q", reply.HTML)
	}
	if len(by) != 2 || by[0].ID != 4 {
		t.Errorf("reloaded by %v", by)
	}
	if reply, _ = d.say(t, said{chat: team, by: 3, text: "/reload"}); !strings.Contains(reply.HTML, "not_allowed") || len(by) != 2 {
		t.Errorf("an approver: %q", reply.HTML)
	}
	fault = errors.New("the store is gone")
	err := d.Command(t.Context(), bot.Command{UpdateID: 99, Place: bot.Place{Chat: team}, From: bot.Person{ID: 4}, Name: "reload", Sent: d.now, Received: d.now})
	if !errors.Is(err, fault) {
		t.Errorf("a fault became %v", err)
	}
	if reply, _ := newDesk().say(t, said{chat: team, by: 4, text: "/reload"}); !strings.Contains(reply.HTML, "without a config file") {
		t.Errorf("the demo: %q", reply.HTML)
	}
}

func TestTheAuditLogIsAProjectsOrForAnAdminTheTeams(t *testing.T) {
	for _, c := range []struct {
		name  string
		chat  int64
		by    int64
		text  string
		asked string
		reply string
	}{
		{"the chat's only project", team, 1, "/audit", "log shop", "Audit log"},
		{"a named one", shared, 1, "/audit WEB", "log web", "of <b>web</b>"},
		{"several", shared, 1, "/audit", "", "Which project?"},
		{"another chat's", team, 1, "/audit api", "", "wrong_chat"},
		{"none of that name", team, 1, "/audit blog", "", "unknown_project"},
		{"too much", team, 1, "/audit shop 5", "", "usage"},
		{"the team's", team, 4, "/audit team", "log ", "of <b>the team</b>"},
		{"the team's, for who is no admin", team, 3, "/audit team", "", "not_allowed"},
		{"of a project that is called team", forum, 1, "/audit team", "log team", "of <b>team</b>"},
		{"the team's, where a project is called team", forum, 4, "/audit _team", "log ", "of <b>the team</b>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := withTeam(func(team *handlers.Team) {
				team.Projects = append(team.Projects, handlers.Home{Project: "team", Place: bot.Place{Chat: forum}})
			})
			d.engine.log = []audit.Entry{{Seq: 7, Hash: strings.Repeat("ab", 32), At: noon, What: "command", Detail: "/audit"}}
			reply, _ := d.say(t, said{chat: c.chat, by: c.by, text: c.text})
			if got := strings.Join(d.engine.asked, ";"); got != c.asked {
				t.Errorf("asked %q, want %q", got, c.asked)
			}
			if !strings.Contains(reply.HTML, c.reply) {
				t.Errorf("%q, want %q", reply.HTML, c.reply)
			}
		})
	}
	d := newDesk()
	reply, _ := d.say(t, said{chat: shared, by: 1, text: "/audit"})
	on := bot.Press{Place: bot.Place{Chat: shared}, Message: 56, Data: reply.Buttons[0][1].Data, Card: d.replyKey(1), Current: true}
	d.press(t, 1, on)
	if f, _ := d.box.frame(d.replyKey(1)); !strings.Contains(f.HTML, "of <b>web</b>") {
		t.Errorf("the button shows %q", f.HTML)
	}
}
