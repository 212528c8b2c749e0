package handlers_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/release"
)

// keeping are chat texts about locks, holds and freezes, and what comes of them.
func keeping() []spoken {
	const d, v, a = 2, 1, 3 // a deployer, a viewer, an approver
	on := func(name string, by int64, text, asked, reply string) spoken {
		return spoken{name, said{chat: team, by: by, text: text}, asked, reply}
	}
	among := func(name string, by int64, text, asked, reply string) spoken {
		return spoken{name, said{chat: shared, by: by, text: text}, asked, reply}
	}
	return []spoken{
		on("lock", d, "/lock checking the import", `lock shop production 0s "checking the import"`, "is locked by Somebody"),
		on("lock a project", d, "/lock shop checking", `lock shop production 0s "checking"`, "is locked"),
		on("lock preview", d, "/lock preview checking", `lock shop preview 0s "checking"`, "shop → preview"),
		on("lock prod", d, "/lock PROD: checking", `lock shop production 0s "checking"`, "shop → production"),
		on("lock for a while", d, "/lock for 2h checking", `lock shop production 2h0m0s "checking"`, "is locked"),
		on("lock with everything", d, "/lock Shop preview for 90m the new totals", `lock shop preview 1h30m0s "the new totals"`, "is locked"),
		on("the time before the environment", d, "/lock for 1.5h production checking", `lock shop production 1h30m0s "checking"`, "is locked"),
		on("a time in two parts", d, "/lock for 2h30m checking", `2h30m0s "checking"`, "is locked"),
		on("a time in words", d, "/lock for 1 day 12 hours checking", `36h0m0s "checking"`, "is locked"),
		on("days", d, "/lock for 3d checking", `72h0m0s "checking"`, "is locked"),
		on("no time at all", d, "/lock for 0m checking", `lock shop production 1ns "checking"`, "is locked"),
		on("seconds, which the engine finds too short", d, "/lock for 30 seconds checking", `lock shop production 30s "checking"`, "is locked"),
		on("the time at the end", d, "/lock checking the import for 2h", `2h0m0s "checking the import for 2h"`, "is locked"),
		on("an environment within the reason", d, "/lock checking the production import", `lock shop production 0s "checking the production import"`, "is locked"),
		on("preview within the reason", d, "/lock checking what preview does", `production 0s "checking what preview does"`, "is locked"),
		on("a beginning of an environment's name is a word", d, "/lock pro users complain", `production 0s "pro users complain"`, "is locked"),
		on("the second environment is a word", d, "/lock preview production data in it", `preview 0s "production data in it"`, "is locked"),
		on("for within the reason", d, "/lock for the import", `production 0s "for the import"`, "is locked"),
		on("for and a number within the reason", d, "/lock for 2 people the totals differ", `production 0s "for 2 people the totals differ"`, "is locked"),
		on("a number that is no time", d, "/lock 5m rows to import", `production 0s "5m rows to import"`, "is locked"),
		on("lock by a viewer", v, "/lock checking", "", "not_allowed"),
		on("lock of another chat's project", d, "/lock web checking", "", "wrong_chat"),
		among("lock among several projects", d, "/lock checking the import", "", "Which project is meant"),
		among("lock a named one of several", d, "/lock web preview for 1w checking", `lock web preview 168h0m0s "checking"`, "is locked"),

		on("unlock", d, "/unlock", "unlock shop production", "is free again"),
		on("unlock preview", d, "/unlock shop preview", "unlock shop preview", "shop → preview"),
		on("a mistyped environment is not production", d, "/unlock prevew", "", "/unlock [project] [env]"),
		on("unlock with words", d, "/unlock production it is done", "", "/unlock [project] [env]"),
		among("unlock among several projects", d, "/unlock", "", "Which project?"),

		on("hold", d, "/hold totals are wrong", `hold shop production "totals are wrong"`, "shop → production</b> is held"),
		on("hold preview", d, "/hold preview the seed is broken", `hold shop preview "the seed is broken"`, "shop → preview</b> is held"),
		on("a hold has no time", d, "/hold for 2h people cannot pay", `hold shop production "for 2h people cannot pay"`, "is held"),
		among("hold among several projects", d, "/hold totals are wrong", "", "Which project is meant"),
		on("unhold preview", d, "/unhold preview the seed is repaired", `unhold shop preview "the seed is repaired"`, "shop → preview</b> is no longer held"),

		on("freeze shows", v, "/freeze", "", "is not frozen now"),
		on("freeze now", a, "/freeze now for 4h launch", `freeze shop 4h0m0s "launch"`, "is frozen until"),
		on("freeze now, the time at the end", a, "/freeze shop NOW launch for 1 day", `freeze shop 24h0m0s "launch for 1 day"`, "is frozen until"),
		on("freeze now without a time", a, "/freeze now launch", `freeze shop 0s "launch"`, "is frozen"),
		on("freeze off", a, "/freeze off", "unfreeze shop", "is not frozen any more"),
		on("freeze off and words", a, "/freeze off please", "", "/freeze [project]"),
		on("freeze something else", a, "/freeze tomorrow", "", "/freeze [project]"),
		among("freeze among several projects", v, "/freeze", "", "Which project?"),
		among("freeze now among several projects", a, "/freeze now for 4h launch", "", "Which project is meant"),
		among("freeze a named one", a, "/freeze api now for 2h launch", `freeze api 2h0m0s "launch"`, "is frozen until"),
	}
}

func TestWordsAboutLocksHoldsAndFreezesAreReadAsTheyAreMeant(t *testing.T) {
	for _, c := range keeping() {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk()
			reply, answered := d.say(t, c.said)
			if got := strings.Join(d.engine.asked, "; "); !strings.Contains(got, c.asked) || (c.asked == "") != (got == "") {
				t.Errorf("the engine was asked %q, want %q", got, c.asked)
			}
			if !answered || !strings.Contains(reply.HTML, c.reply) {
				t.Errorf("the reply is %q, want %q", reply.HTML, c.reply)
			}
		})
	}
}

// locked is production with Dana's lock of an hour ago.
func (d *desk) locked(by int64) release.Lock {
	l := release.Lock{By: release.Person{ID: by, Name: "Dana"}, Reason: "import", At: noon.Add(-time.Hour), Until: noon.Add(2 * time.Hour)}
	d.engine.states[release.Production] = release.State{Project: "shop", Environment: release.Production, Lock: &l}
	return l
}

func TestALocksButtonsAreAboutThatVeryLock(t *testing.T) {
	since := noon.Add(-time.Hour).Format(time.RFC3339)
	for _, c := range []struct {
		name  string
		on    string // the card
		do    cards.Action
		free  bool // nobody has a lock
		from  int64
		asked string
		toast string
		card  string // what stands in its place; "" for what stood there
	}{
		{"unlock", "reply/x", cards.Do(cards.Unlock, "shop", "production", since), false, team, "unlock shop production", "Given back", "is free again"},
		{"unlock, asked for by the picker", "reply/x", cards.Do(cards.Unlock, "shop"), false, team, "unlock shop production", "Given back", "is free again"},
		{"unlock from a reminder", "event/7", cards.Do(cards.Unlock, "shop", "production", since), false, team, "unlock shop production", "Given back", "is free again"},
		{"unlock another lock", "reply/x", cards.Do(cards.Unlock, "shop", "production", "2026-11-19T00:00:00Z"), false, team, "", "stale_button", ""},
		{"take over", "reply/x", cards.Do(cards.TakeOver, "shop", "production", since), false, team, "take over shop production", "yours now", "is locked by"},
		{"take over from a run's card", "run/R", cards.Do(cards.TakeOver, "shop", "production", since), false, team, "take over shop production", "yours now", ""},
		{"take over another lock", "reply/x", cards.Do(cards.TakeOver, "shop", "production", "2026-11-19T00:00:00Z"), false, team, "", "stale_button", ""},
		{"take over in another chat", "reply/x", cards.Do(cards.TakeOver, "shop", "production", since), false, shared, "", "wrong_chat", ""},
		{"keep it, for four hours more than it has", "event/7", cards.Do(cards.Extend, "shop", "production", since), false, team, `lock shop production 6h0m0s "import"`, "longer", "is locked by"},
		{"keep what is over", "event/7", cards.Do(cards.Extend, "shop", "production", since), true, team, "", "no_lock", ""},
		{"a button of an environment that is none", "reply/x", cards.Do(cards.Unlock, "shop", "prevew"), false, team, "", "usage", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk()
			holder := int64(2) // who presses
			if c.do.Verb == cards.TakeOver {
				holder = 9
			}
			if !c.free {
				d.locked(holder)
			}
			p := on(c.from, c.do, true)
			p.Card = c.on
			toast := d.press(t, 2, p)
			if got := strings.Join(d.engine.asked, "; "); got != c.asked {
				t.Errorf("the engine was asked %q, want %q", got, c.asked)
			}
			if !strings.Contains(toast.Text, c.toast) {
				t.Errorf("the toast is %q, want %q", toast.Text, c.toast)
			}
			if f, changed := d.box.frame(c.on); changed != (c.card != "") || !strings.Contains(f.HTML, c.card) {
				t.Errorf("the card is %q, want %q", f.HTML, c.card)
			}
		})
	}
}

func TestATakeoverThatIsHandledTwiceIsNotStale(t *testing.T) {
	d := newDesk()
	d.locked(2) // taken over a moment ago, by the same press
	p := on(team, cards.Do(cards.TakeOver, "shop", "production", "2026-11-19T00:00:00Z"), true)
	if toast := d.press(t, 2, p); toast.Text != cards.NowYours {
		t.Errorf("%q", toast.Text)
	}
}

func TestAnOldLockButtonDoesNothing(t *testing.T) {
	d := newDesk()
	d.locked(2)
	if toast := d.press(t, 2, on(team, cards.Do(cards.Unlock, "shop", "production"), false)); !strings.Contains(toast.Text, "stale_button") || len(d.engine.asked) > 0 {
		t.Errorf("%q, asked %q", toast.Text, d.engine.asked)
	}
}

func TestTheFreezeIsShownAnewInItsPlace(t *testing.T) {
	d := newDesk()
	reply, _ := d.say(t, said{chat: team, by: 1, text: "/freeze"})
	d.engine.states[release.Production] = release.State{Freeze: &release.Freeze{Reason: "launch", At: noon, Until: noon.Add(time.Hour)}}
	d.press(t, 1, bot.Press{Place: bot.Place{Chat: team}, Card: d.replyKey(1), Current: true, Data: reply.Buttons[0][0].Data})
	if f, _ := d.box.frame(d.replyKey(1)); !strings.Contains(f.HTML, "is frozen") || !strings.Contains(f.HTML, "launch") {
		t.Errorf("%+v", f)
	}
	d.now = noon.Add(time.Hour)
	d.press(t, 1, bot.Press{Place: bot.Place{Chat: team}, Card: d.replyKey(1), Current: true, Data: reply.Buttons[0][0].Data})
	if f, _ := d.box.frame(d.replyKey(1)); !strings.Contains(f.HTML, "is not frozen now") {
		t.Errorf("a freeze that is over: %+v", f)
	}
}

// happened stores an event that belongs to no run, or to one that is told already.
func (d *desk) happened(e deploy.Event) {
	d.engine.mu.Lock()
	defer d.engine.mu.Unlock()
	e.Seq, e.At = uint64(len(d.engine.events)+1), d.now
	d.engine.events = append(d.engine.events, e)
}

func TestWhatHappensToALockIsToldOnceToWhomItConcerns(t *testing.T) {
	dana, robin := release.Person{ID: 2, Name: "Dana"}, release.Person{ID: 3, Name: "Robin"}
	held := release.State{Hold: &release.Hold{By: dana, Reason: "totals", At: noon.Add(-24 * time.Hour)}}
	for _, c := range []struct {
		name   string
		event  deploy.Event
		state  *release.State // nil: locked by Dana
		words  string
		sound  bool
		rows   int
		silent bool // nothing is told
	}{
		{name: "taken over", event: deploy.Event{Kind: deploy.LockTaken, By: robin, To: dana, Text: "import"}, words: `Robin took over your lock, <a href="tg://user?id=2">Dana`, sound: true},
		{name: "lifted", event: deploy.Event{Kind: deploy.LockLifted, By: robin, To: dana, Text: "import"}, words: `Robin lifted your lock`, sound: true},
		{name: "over", event: deploy.Event{Kind: deploy.LockExpired, To: dana, Text: "import"}, words: "is free again"},
		{name: "reminded", event: deploy.Event{Kind: deploy.LockReminder, To: dana, Text: "import"}, words: `<a href="tg://user?id=2">Dana</a>, do you still need`, sound: true, rows: 1},
		{name: "reminded of a lock that is gone", event: deploy.Event{Kind: deploy.LockReminder, To: dana}, state: &release.State{}, silent: true},
		{name: "reminded of a lock that is another's", event: deploy.Event{Kind: deploy.LockReminder, To: robin}, silent: true},
		{name: "reminded of a hold", event: deploy.Event{Kind: deploy.HoldReminder, To: dana}, state: &held, words: "is still held", sound: true},
		{name: "reminded of a hold that is lifted", event: deploy.Event{Kind: deploy.HoldReminder, To: dana}, silent: true},
		{name: "a freeze is over", event: deploy.Event{Kind: deploy.FreezeExpired, To: robin, Text: "launch"}, words: "is not frozen any more"},
		{name: "locked, which the answer tells", event: deploy.Event{Kind: deploy.LockChanged, By: dana, From: "-100/0/5"}, silent: true},
		{name: "locked on the command line", event: deploy.Event{Kind: deploy.LockChanged, By: dana}, words: "is locked by Dana", rows: 1},
		{name: "unlocked on the command line", event: deploy.Event{Kind: deploy.LockChanged, By: dana, Text: "import", Over: true}, state: &release.State{}, words: "Dana gave it back"},
		{name: "locked on the command line, and given back before it could be told", event: deploy.Event{Kind: deploy.LockChanged, By: dana, Text: "import"}, state: &release.State{}, silent: true},
		{name: "held on the command line", event: deploy.Event{Kind: deploy.HoldChanged, By: dana}, state: &held, words: "is held by Dana"},
		{name: "held by a rollback, which its card tells", event: deploy.Event{Kind: deploy.HoldChanged, Run: "gone"}, state: &held, silent: true},
		{name: "lifted on the command line", event: deploy.Event{Kind: deploy.HoldChanged, By: dana, Text: "fixed", Over: true}, words: "is no longer held, says Dana"},
		{name: "held on the command line, and lifted before it could be told", event: deploy.Event{Kind: deploy.HoldChanged, By: dana, Text: "totals"}, silent: true},
		{name: "lifted on the command line, and held again before it could be told", event: deploy.Event{Kind: deploy.HoldChanged, By: dana, Text: "fixed", Over: true}, state: &held, silent: true},
		{name: "frozen on the command line", event: deploy.Event{Kind: deploy.FreezeChanged, By: dana},
			state: &release.State{Freeze: &release.Freeze{By: dana, Reason: "launch", Until: noon.Add(time.Hour)}}, words: "is frozen until"},
		{name: "thawed on the command line", event: deploy.Event{Kind: deploy.FreezeChanged, By: dana, Over: true}, words: "is not frozen any more"},
		{name: "frozen on the command line, and thawed before it could be told", event: deploy.Event{Kind: deploy.FreezeChanged, By: dana}, silent: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk()
			d.locked(2)
			if c.state != nil {
				d.engine.states[release.Production] = *c.state
			}
			c.event.Project, c.event.Environment = "forum-blog", release.Production
			d.happened(c.event)
			for range 2 { // as after a crash before the cursor was stored
				d.projected(t, newCursor())
			}
			f, told := d.box.frame("event/1")
			if told == c.silent || len(d.box.frames) > 1 {
				t.Fatalf("told %v: %+v", told, d.box.frames)
			}
			if c.silent {
				return
			}
			if !strings.Contains(f.HTML, c.words) || f.Notify != c.sound || len(f.Buttons) != c.rows || !f.Final {
				t.Errorf("%+v, want %q", f, c.words)
			}
			if want := (bot.Place{Chat: forum, Topic: 8}); f.Place != want {
				t.Errorf("told at %v, want the project's home", f.Place)
			}
		})
	}
}

func TestARunsTurnAndBrokenGlassAreToldBesideItsCard(t *testing.T) {
	d := newDesk()
	run := promoting(release.Executing)
	run.ReplyTo = "-100/0/5"
	run.Breaking = &release.BreakGlass{By: release.Person{ID: 4, Name: "Lead"}, Reason: "checkout is down", Skips: []release.Refusal{*release.Refuse(release.CodeFreeze)}}
	d.engine.tell(run)
	d.happened(deploy.Event{Kind: deploy.RunTurn, Run: run.ID, Project: "shop", Environment: release.Production, To: run.Requester})
	d.happened(deploy.Event{Kind: deploy.GlassBroken, Run: run.ID, Project: "shop", Environment: release.Production})
	d.happened(deploy.Event{Kind: deploy.GlassBroken, Run: "gone", Project: "shop", Environment: release.Production})
	d.projected(t, newCursor())
	if f, _ := d.box.frame("event/2"); !f.Notify || f.ReplyTo != 5 || !strings.Contains(f.HTML, `<a href="tg://user?id=2">`) || !strings.Contains(f.HTML, "your turn") {
		t.Errorf("%+v", f)
	}
	if f, _ := d.box.frame("event/3"); !f.Notify || f.ReplyTo != 0 || !strings.Contains(f.HTML, "Lead promotes #2") || !strings.Contains(f.HTML, "checkout is down") || !strings.Contains(f.HTML, "freeze_active") {
		t.Errorf("%+v", f)
	}
	if _, shown := d.box.frame("run/" + run.ID); !shown || len(d.box.frames) != 3 {
		t.Errorf("%d messages", len(d.box.frames))
	}
}

func TestAMessageThatTelegramWouldRefuseDoesNotHoldUpTheOthers(t *testing.T) {
	d := newDesk()
	d.box.refuse = "event/1"
	for range 2 {
		d.happened(deploy.Event{Kind: deploy.LockExpired, Project: "shop", Environment: release.Production})
	}
	d.happened(deploy.Event{Kind: deploy.LockExpired, Project: "a project that is gone", Environment: release.Production})
	d.projected(t, newCursor())
	if _, told := d.box.frame("event/2"); !told || len(d.box.frames) != 1 {
		t.Errorf("%+v", d.box.frames)
	}
}

func TestARequestTellsWhatKeepsTheEnvironment(t *testing.T) {
	hold := &release.Hold{By: release.Person{ID: 4, Name: "Lead"}, Reason: "totals are wrong"}
	theirs, own := &release.Lock{By: release.Person{ID: 9, Name: "Kim"}, Until: noon.Add(time.Hour)}, &release.Lock{By: release.Person{ID: 2}, Until: noon.Add(time.Hour)}
	for _, c := range []struct {
		name  string
		state release.State
		run   func(*release.Run)
		words string
	}{
		{name: "nothing"},
		{name: "a hold", state: release.State{Hold: hold}, words: "Production is held by Lead"},
		{name: "somebody's lock", state: release.State{Lock: theirs}, words: "Production is locked by Kim"},
		{name: "the requester's own lock", state: release.State{Lock: own}},
		{name: "a freeze", state: release.State{Freeze: &release.Freeze{Reason: "launch", Until: noon.Add(time.Hour)}}, words: "Production is frozen"},
		{name: "a hold that is gone past", state: release.State{Hold: hold}, run: func(r *release.Run) { r.Breaking = &release.BreakGlass{By: r.Requester, Reason: "x"} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk()
			run := promoting(release.Asking)
			if c.run != nil {
				c.run(&run)
			}
			d.engine.states[release.Production] = c.state
			d.engine.tell(run)
			d.projected(t, newCursor())
			f, _ := d.box.frame("run/" + run.ID)
			if strings.Contains(f.HTML, "A yes would be refused now") != (c.words != "") || !strings.Contains(f.HTML, c.words) {
				t.Errorf("%q, want %q", f.HTML, c.words)
			}
		})
	}
}

// mayBeEaten are the words that can be something else than a reason's: a project, an environment, a time.
var mayBeEaten = regexp.MustCompile(`(?i)^(shop|prod|production|preview|for|s|secs?|seconds?|m|min|mins|minutes?|h|hrs?|hours?|d|days?|w|weeks?|\.?[0-9].*|[a-z]*[0-9.]+[a-z]*)[:,]*$`)

// FuzzCommandLineOfAKeep types anything behind the commands that take an environment, a time and free words: whatever it
// is, the engine is asked about an environment that there is, for a time that is none or some, and the reason is what was
// typed, from some word to the end.
func FuzzCommandLineOfAKeep(f *testing.F) {
	for _, c := range keeping() {
		f.Add(c.said.text)
	}
	f.Add("/lock for 999999w 999999w 1.999m 1.m x")
	f.Add("/freeze now for 1 h 1 h 1 h 1 h")
	f.Fuzz(func(t *testing.T, text string) {
		words := strings.Fields(text)
		if len(words) == 0 || !strings.HasPrefix(words[0], "/") {
			t.Skip()
		}
		d := newDesk()
		d.say(t, said{chat: team, by: 4, text: text})
		for _, asked := range d.engine.asked {
			var verb, project, env, why string
			var span time.Duration
			switch first, _, _ := strings.Cut(asked, " "); first {
			case "lock":
				var s string
				if _, err := fmt.Sscanf(asked, "%s %s %s %s %q", &verb, &project, &env, &s, &why); err != nil {
					t.Fatalf("%q: %v", asked, err)
				}
				span, _ = time.ParseDuration(s)
			case "hold", "unhold":
				if _, err := fmt.Sscanf(asked, "%s %s %s %q", &verb, &project, &env, &why); err != nil {
					t.Fatalf("%q: %v", asked, err)
				}
			default:
				continue
			}
			if env != "production" && env != "preview" || project != "shop" || span < 0 {
				t.Errorf("%q became %q", text, asked)
			}
			if why = strings.TrimSuffix(why, "…"); !strings.Contains(strings.Join(words, " "), why) {
				t.Errorf("the reason of %q became %q", text, why)
			}
			for _, eaten := range words[1 : len(words)-min(len(words)-1, len(strings.Fields(why)))] {
				if !strings.HasSuffix(why, "…") && len(why) < 300 && !mayBeEaten.MatchString(eaten) {
					t.Errorf("%q lost the word %q of its reason", text, eaten)
				}
			}
		}
	})
}
