package handlers_test

import (
	"strings"
	"testing"
	"time"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/release"
)

// watched is a promote that is live, and the watch that looks at it.
func watched(phase release.Phase, verdict release.WatchVerdict) (promote, watch release.Run) {
	promote = promoting(release.Done)
	promote.Watched = "W"
	watch = release.Run{
		ID: "W", Project: "shop", Environment: release.Production, Kind: release.Watch, Phase: phase, Release: 2, Was: 1, ReplyTo: promote.ReplyTo,
		Requester: promote.Requester,
		Watch: &release.Watching{
			Of: "P", From: noon, To: noon.Add(30 * time.Minute), Verdict: verdict, Queries: 3, Weeks: 4, Against: release.AgainstWeeks,
			Worse: []release.WatchFigure{{What: "errors", Now: 0.2, Usual: 0.001}},
		},
	}
	return promote, watch
}

func TestAWatchIsPartOfItsPromotesCard(t *testing.T) {
	d, c := newDesk(), newCursor()
	d.engine.states[release.Production] = release.State{Last: "P"}
	promote, watch := watched(release.Executing, "")
	d.engine.runs["P"] = promote
	d.engine.tell(watch)
	d.projected(t, c)
	f, ok := d.box.frame("run/P")
	if !ok || f.Final || !strings.Contains(f.HTML, "is watched for its first 30 min") || len(f.Buttons) != 1 {
		t.Errorf("%v %+v", ok, f)
	}
	_, watch = watched(release.Done, release.WatchLittle)
	d.engine.tell(watch)
	d.projected(t, c)
	if f, _ := d.box.frame("run/P"); !f.Final || !strings.Contains(f.HTML, "3 queries, which is too little") {
		t.Errorf("%+v", f)
	}
	if f, ok := d.box.frame("run/W"); ok {
		t.Errorf("it has a card of its own: %+v", f)
	}
}

func TestPeopleAreCalledOnceWhenProductionDoesWorseWithTheWayBackInReach(t *testing.T) {
	d, c := newDesk(), newCursor()
	promote, watch := watched(release.Done, release.WatchWorse)
	d.engine.runs["P"], d.engine.runs["W"] = promote, watch
	d.engine.states[release.Production] = release.State{Last: "P", LiveRun: "P"}
	event := deploy.Event{Run: "W", Project: "shop", Environment: release.Production, Kind: deploy.WatchAlarm}
	f, ok := d.happen(t, c, event, "event/1")
	if !ok || !f.Notify || f.Place.Chat != team || f.ReplyTo != 9 || f.Kind != bot.KindAlert || !strings.Contains(f.HTML, "20 % of all queries fail") {
		t.Fatalf("%v %+v", ok, f)
	}
	if card, _ := d.box.frame("run/P"); card.Notify || !strings.Contains(card.HTML, "live, and doing worse") {
		t.Errorf("%+v", card)
	}
	p := on(team, cards.Do(cards.Rollback, "shop", "1"), true)
	if f.Buttons[0][0].Data != p.Data {
		t.Errorf("the button means %q", f.Buttons[0][0].Data)
	}
	p.Card = "event/1"
	d.press(t, 2, p)
	if got := d.engine.asked; len(got) != 1 || got[0] != "rollback shop 1" {
		t.Errorf("asked %q", got)
	}
	d.engine.states[release.Production] = release.State{Last: "Q", LiveRun: "Q"}
	if f, ok := d.happen(t, c, event, "event/2"); !ok || len(f.Buttons) > 0 || !strings.Contains(f.HTML, "not live any more") {
		t.Errorf("a way back from what is not live: %v %+v", ok, f)
	}
}
