package handlers_test

import (
	"strings"
	"testing"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/release"
)

// happen stores an event, and lets the projector tell it.
func (d *desk) happen(t *testing.T, c *cursor, e deploy.Event, key string) (bot.Frame, bool) {
	t.Helper()
	d.engine.mu.Lock()
	e.Seq = uint64(len(d.engine.events) + 1)
	d.engine.events = append(d.engine.events, e)
	close(d.engine.changed)
	d.engine.changed = make(chan struct{})
	d.engine.mu.Unlock()
	d.projected(t, c)
	return d.box.frame(key)
}

func TestAChangeFromOutsideIsToldWithASoundWhileItIsThere(t *testing.T) {
	d, c := newDesk(), newCursor()
	drift := release.Drift{Fingerprint: "f", At: noon, Changes: []string{"table hand added"}}
	d.engine.states[release.Production] = release.State{Drift: &drift, Seen: &release.Seen{At: noon}}
	event := deploy.Event{Project: "shop", Environment: release.Production, Kind: deploy.DriftFound, Text: drift.Key()}
	f, ok := d.happen(t, c, event, "event/1")
	if !ok || !f.Notify || f.Place.Chat != team || !strings.Contains(f.HTML, "table hand added") || len(f.Buttons) != 1 {
		t.Fatalf("%v %+v", ok, f)
	}
	event.Text = "of another change"
	if f, ok := d.happen(t, c, event, "event/2"); ok {
		t.Errorf("what is not there any more is told: %+v", f)
	}
	// Its buttons: the message is replaced, and the differences follow.
	p := on(team, cards.Do(cards.Investigate, "shop", drift.Key()), true)
	p.Card = "event/1"
	d.press(t, 2, p)
	if f, _ := d.box.frame("event/1"); !strings.Contains(f.HTML, "looks into it") || f.Notify {
		t.Errorf("%+v", f)
	}
	var documents int
	for _, f := range d.box.frames {
		if f.Document != nil && f.Document.Name == "shop-drift.sql" && strings.Contains(string(f.Document.Content), "-- added: table a") {
			documents++
		}
	}
	if documents != 1 {
		t.Errorf("%d documents in %q", documents, d.box.order)
	}
	p = on(team, cards.Do(cards.Adopt, "shop", drift.Key()), true)
	p.Card = "reply/update/7"
	d.press(t, 2, p)
	if f, ok := d.box.frame("reply/update/7/drift"); !ok || !strings.Contains(f.HTML, "adopted the change") {
		t.Errorf("below /status: %v %+v", ok, f)
	}
}

func TestADrillsResultAnswersWhoeverAskedAndAFailedOneIsLoud(t *testing.T) {
	d, c := newDesk(), newCursor()
	d.engine.states[release.Production] = release.State{Drill: &release.Drill{At: noon, Taken: noon, Passed: true}}
	event := deploy.Event{Project: "forum-shop", Environment: release.Production, Kind: deploy.DrillEnded, From: "-200/8/31", Over: true}
	if f, ok := d.happen(t, c, event, "event/1"); !ok || f.Notify || f.Place != (bot.Place{Chat: forum, Topic: 8}) || f.ReplyTo != 31 || !strings.Contains(f.HTML, "the drill passed") {
		t.Errorf("%v %+v", ok, f)
	}
	d.engine.states[release.Production] = release.State{Drill: &release.Drill{At: noon, Taken: noon, Words: "unreadable"}}
	event.From = ""
	if f, ok := d.happen(t, c, event, "event/2"); !ok || !f.Notify || f.Place.Topic != 7 || !strings.Contains(f.HTML, "unreadable") {
		t.Errorf("%v %+v", ok, f)
	}
}
