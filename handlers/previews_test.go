package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/release"
	"towline/handlers"
)

// previews are what the engine of a test knows of preview databases.
type previews struct {
	all   []deploy.Preview
	stale []deploy.Preview
	err   error
}

func (e *engine) Previews(context.Context) ([]deploy.Preview, error) {
	return e.previews.all, e.previews.err
}

func (e *engine) StalePreviews(context.Context) ([]deploy.Preview, error) {
	return e.previews.stale, e.previews.err
}

func (e *engine) StaleAfter() time.Duration { return 14 * 24 * time.Hour }

func (e *engine) Preview(_ context.Context, name string) (deploy.Preview, error) {
	for _, p := range e.previews.all {
		if p.Database == name {
			return p, nil
		}
	}
	return deploy.Preview{}, release.Refuse(release.CodeNoPreview, "database", name)
}

func (e *engine) DeletePreview(_ context.Context, r deploy.DropRequest) (release.Run, error) {
	return release.Run{}, e.note(r.Key, "delete %s of %s as %s twice=%t by %d reply %s", r.Database, r.Project, release.Short(r.Seen), r.Twice, r.By.ID, r.ReplyTo)
}

func (e *engine) EmptyPreview(_ context.Context, r deploy.DropRequest) (release.Run, error) {
	return release.Run{}, e.note(r.Key, "empty %s of %s as %s twice=%t by %d reply %s", r.Database, r.Project, release.Short(r.Seen), r.Twice, r.By.ID, r.ReplyTo)
}

// aPreview is a preview of a project.
func aPreview(database, project string, change ...func(*deploy.Preview)) deploy.Preview {
	p := deploy.Preview{
		Drop:   release.Drop{Database: database, ID: "id of " + database, Size: 4096, Deployed: noon.AddDate(0, 0, -20)},
		Exists: true, Project: project, Made: true, Stale: true, Release: 3, Since: noon.AddDate(0, -1, 0),
	}
	for _, c := range change {
		c(&p)
	}
	return p
}

func byHand(p *deploy.Preview) { p.Made, p.Foreign = false, true }

// gone is a preview whose project has left the config, and was last asked for in a chat.
func gone(place string) func(*deploy.Preview) {
	return func(p *deploy.Preview) {
		p.LeftOver, p.NoRelease, p.LeftAt, p.Place = true, true, noon.AddDate(0, 0, -3), place
	}
}

func known() []deploy.Preview {
	return []deploy.Preview{
		aPreview("shop-preview", "shop"), aPreview("by-hand", "shop", byHand), aPreview("api-preview", "api"),
		aPreview("old-preview", "old", gone("-300/0/12")), aPreview("lost-preview", "lost", gone("")),
	}
}

func TestPreviewsAreListedWhereTheyAreTalkedAbout(t *testing.T) {
	for chat, want := range map[int64][]string{
		team:   {"shop-preview", "by-hand", "lost-preview"}, // what nobody knows a chat of is the first project's
		shared: {"api-preview", "old-preview"},
		forum:  nil,
	} {
		d := newDesk()
		d.engine.previews.all = known()
		f, answered := d.say(t, said{chat: chat, topic: map[int64]int{forum: 7}[chat], by: 2, text: "/preview list"})
		for _, p := range known() {
			if listed := strings.Contains(f.HTML, p.Database); !answered || listed != slices.Contains(want, p.Database) {
				t.Errorf("in %d: %s is listed: %t\n%s", chat, p.Database, listed, f.HTML)
			}
		}
	}
}

func TestADeletionIsTypedShownAndThenPressed(t *testing.T) {
	d := newDesk()
	d.engine.previews.all = known()
	f, _ := d.say(t, said{chat: team, by: 2, text: "/preview delete shop-preview"})
	if len(d.engine.asked) != 0 || !strings.Contains(f.HTML, "Delete <code>shop-preview</code>") || !strings.Contains(f.HTML, "4.1 kB") || len(f.Buttons) != 1 || f.Until.IsZero() {
		t.Fatalf("%q\n%s\n%+v", d.engine.asked, f.HTML, f.Buttons)
	}
	yes := bot.Press{Place: bot.Place{Chat: team}, Message: 78, Data: f.Buttons[0][0].Data, Card: d.replyKey(d.update), Current: true}
	if toast := d.press(t, 2, yes); toast.Text != cards.Started {
		t.Errorf("%+v", toast)
	}
	want := fmt.Sprintf("delete shop-preview of shop as %s twice=false by 2 reply -100/0/78", release.Short(known()[0].Digest()))
	if !slices.Equal(d.engine.asked, []string{want}) {
		t.Errorf("%q, want %q", d.engine.asked, want)
	}
	if after, _ := d.box.frame(yes.Card); !strings.Contains(after.HTML, "A card follows") || len(after.Buttons) != 0 {
		t.Errorf("%+v", after)
	}
	d.press(t, 2, yes)
	if d.engine.keys[0] != d.engine.keys[1] {
		t.Errorf("a second tap is another request: %q", d.engine.keys)
	}
}

func TestWhatIsTypedAboutAPreview(t *testing.T) {
	digest := release.Short(known()[0].Digest())
	hand := release.Short(known()[1].Digest())
	for _, c := range []spoken{
		{"empty asks", said{chat: team, by: 2, text: "/preview empty shop-preview"}, "", "Empty <code>shop-preview</code>"},
		{"as it was shown", said{chat: team, by: 2, text: "/preview delete shop-preview " + digest}, "delete shop-preview of shop as " + digest + " twice=false by 2 reply -100/0/55", ""},
		{"empty as it was shown", said{chat: team, by: 2, text: "/preview empty shop-preview " + digest}, "empty shop-preview of shop as " + digest, ""},
		{"not as it was shown", said{chat: team, by: 2, text: "/preview delete shop-preview 00000000"}, "", "preview_changed"},
		{"a word too many", said{chat: team, by: 2, text: "/preview delete shop-preview now"}, "", "usage"},
		{"no name", said{chat: team, by: 2, text: "/preview delete"}, "", "usage"},
		{"by hand, named once", said{chat: team, by: 2, text: "/preview delete by-hand"}, "", "not_made_here"},
		{"by hand, named once, to be emptied", said{chat: team, by: 2, text: "/preview empty by-hand"}, "", "<code>/preview empty by-hand by-hand</code>"},
		{"left over, to be emptied", said{chat: shared, by: 2, text: "/preview empty old-preview"}, "", "nothing_to_rebuild"},
		{"by hand, named twice", said{chat: team, by: 2, text: "/preview delete by-hand by-hand"}, "", "You named it twice"},
		{"by hand, named twice, as it was shown", said{chat: team, by: 2, text: "/preview delete by-hand by-hand " + hand}, "delete by-hand of shop as " + hand + " twice=true", ""},
		{"by hand, named once, as it was shown", said{chat: team, by: 2, text: "/preview delete by-hand " + hand}, "", "not_made_here"},
		{"unknown", said{chat: team, by: 2, text: "/preview delete shop"}, "", "no_such_preview"},
		{"another chat's", said{chat: team, by: 2, text: "/preview delete api-preview"}, "", "wrong_chat"},
		{"a viewer's", said{chat: team, by: 1, text: "/preview delete shop-preview"}, "", "not_allowed"},
		{"list with a word", said{chat: team, by: 2, text: "/preview list shop"}, "", "usage"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk()
			d.engine.previews.all = known()
			f, _ := d.say(t, c.said)
			asked := strings.Join(d.engine.asked, "; ")
			if !strings.Contains(asked, c.asked) || (c.asked == "") != (asked == "") || !strings.Contains(f.HTML, c.reply) || (c.reply == "") != (f.HTML == "") {
				t.Errorf("asked %q, answered %s", asked, f.HTML)
			}
		})
	}
}

func TestAPressAboutAPreviewAsksFirst(t *testing.T) {
	for _, c := range []struct {
		name   string
		from   int64
		by     int64
		do     cards.Action
		stale  bool
		reply  string // a part of the question
		toast  string
		begins bool
	}{
		{name: "delete asks", from: team, by: 2, do: cards.Do(cards.AskDelete, "shop-preview"), reply: "Delete <code>shop-preview</code>"},
		{name: "empty asks", from: team, by: 2, do: cards.Do(cards.AskEmpty, "shop-preview"), reply: "Empty <code>shop-preview</code>"},
		{name: "also on an older card", from: team, by: 2, stale: true, do: cards.Do(cards.AskDelete, "shop-preview"), reply: "Delete <code>shop-preview</code>"},
		{name: "a left over one", from: shared, by: 2, do: cards.Do(cards.AskDelete, "old-preview"), reply: "Delete <code>old-preview</code>"},
		{name: "one that nothing is live for is not emptied", from: shared, by: 2, do: cards.Do(cards.AskEmpty, "old-preview"), toast: "nothing_to_rebuild"},
		{name: "a viewer", from: team, by: 1, do: cards.Do(cards.AskDelete, "shop-preview"), toast: "not_allowed"},
		{name: "a viewer says yes", from: team, by: 1, do: cards.Do(cards.DeleteNow, "shop-preview", known()[0].Digest()), toast: "not_allowed"},
		{name: "from another chat", from: team, by: 2, do: cards.Do(cards.AskDelete, "api-preview"), toast: "wrong_chat"},
		{name: "a yes from another chat", from: team, by: 2, do: cards.Do(cards.DeleteNow, "api-preview", known()[2].Digest()), toast: "wrong_chat"},
		{name: "a yes of an older question", from: team, by: 2, stale: true, do: cards.Do(cards.DeleteNow, "shop-preview", known()[0].Digest()), toast: "stale_button"},
		{name: "one that was replaced by hand since", from: team, by: 2, do: cards.Do(cards.AskDelete, "by-hand"), toast: "not_made_here"},
		{name: "one that is gone", from: team, by: 2, do: cards.Do(cards.AskDelete, "nothing"), toast: "no_such_preview"},
		{name: "a yes", from: team, by: 2, do: cards.Do(cards.EmptyNow, "shop-preview", known()[0].Digest()), begins: true, toast: cards.Started},
		{name: "a no", from: team, by: 2, do: cards.Do(cards.KeepIt, "shop-preview"), toast: cards.KeptToast},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk()
			d.engine.previews.all = known()
			toast := d.press(t, c.by, on(c.from, c.do, !c.stale))
			if !strings.Contains(toast.Text, c.toast) {
				t.Errorf("toast %q", toast.Text)
			}
			f, asked := d.box.frame(d.replyKey(d.update))
			if asked != (c.reply != "") || !strings.Contains(f.HTML, c.reply) || (len(d.engine.asked) > 0) != c.begins {
				t.Errorf("asked the engine %q, answered %s", d.engine.asked, f.HTML)
			}
		})
	}
}

// line types words on the command line, as a deployer.
func (d *desk) line(t *testing.T, words ...string) handlers.Answer {
	t.Helper()
	a, err := d.Line(t.Context(), handlers.Line{Key: strings.Join(words, " "), By: people().People[1], Words: words})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestOnTheCommandLineTheQuestionNamesWhatToType(t *testing.T) {
	d := newDesk()
	d.engine.previews.all = known()
	digest := release.Short(known()[2].Digest())
	a := d.line(t, "preview", "delete", "api-preview")
	if !strings.Contains(a.Text, "towline preview delete api-preview "+digest) || a.Code != release.CodeUsage || len(d.engine.asked) > 0 {
		t.Errorf("%+v", a)
	}
	a = d.line(t, "preview", "delete", "api-preview", digest)
	if a.Code != "" || !strings.Contains(strings.Join(d.engine.asked, ""), "delete api-preview of api as "+digest+" twice=false by 2 reply -300/0/0") {
		t.Errorf("%+v %q", a, d.engine.asked)
	}
	if a = d.line(t, "preview", "delete", "by-hand", "by-hand"); !strings.Contains(a.Text, "towline preview delete by-hand by-hand "+release.Short(known()[1].Digest())) {
		t.Errorf("%+v", a)
	}
	if a = d.line(t, "preview", "list"); strings.Count(a.Text, "-preview") < 4 || a.Code != "" {
		t.Errorf("%+v", a)
	}
}

func TestEveryWeekThePreviewsThatNobodyUsesAreListedOnce(t *testing.T) {
	d := newDesk()
	slot := noon
	if err := d.PostStalePreviews(t.Context(), people(), slot); err != nil || len(d.box.order) != 0 {
		t.Errorf("where there is none: %q, %v", d.box.order, err)
	}
	d.engine.previews.stale = known()
	for range 2 { // a crash between the two
		if err := d.PostStalePreviews(t.Context(), people(), slot); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{fmt.Sprintf("previews/%d/-100/0", slot.Unix()), fmt.Sprintf("previews/%d/-300/0", slot.Unix())}
	if !slices.Equal(d.box.order, append(want, want...)) {
		t.Fatalf("%q", d.box.order)
	}
	f := d.box.frames[want[1]]
	if !strings.Contains(f.HTML, "api-preview") || !strings.Contains(f.HTML, "old-preview") || strings.Contains(f.HTML, "shop-preview") || f.Notify || !f.Final || f.Kind != bot.KindReport || len(f.Buttons) != 2 {
		t.Errorf("%+v", f)
	}
	d.box.refuse = want[0]
	if err := d.PostStalePreviews(t.Context(), people(), slot.Add(time.Hour)); err != nil {
		t.Errorf("one card that Telegram would refuse holds up the others: %v", err)
	}
	d.engine.previews.err = errors.New("the disk is full")
	if err := d.PostStalePreviews(t.Context(), people(), slot); err == nil {
		t.Error("what could not be read was not said")
	}
}
