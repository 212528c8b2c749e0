package handlers_test

import (
	"strings"
	"testing"
	"time"

	"towline/cards"
	"towline/deploy"
	"towline/deploy/release"
)

func TestTheReportOfARehearsalIsPostedOnceAsADocument(t *testing.T) {
	d := newDesk()
	d.engine.runs["R"] = release.Run{ID: "R", Project: "shop", Release: 42, Environment: release.Production, Phase: release.Asking, Plan: &release.Plan{Report: "orders loses 12 rows"}}
	for range 2 {
		if toast := d.press(t, 1, on(team, cards.Do(cards.Rehearsal, "R"), true)); toast.Alert || toast.Text != cards.ReportPosted {
			t.Fatalf("%+v", toast)
		}
	}
	if len(d.box.frames) != 1 {
		t.Fatalf("posted %v", d.box.order)
	}
	f, _ := d.box.frame(d.box.order[0])
	if f.Document == nil || f.Document.Name != "shop-42-production-rehearsal.txt" || string(f.Document.Content) != "orders loses 12 rows" || f.Place.Chat != team {
		t.Errorf("%+v", f)
	}
}

func TestTheReportBehindARefusalIsPosted(t *testing.T) {
	d := newDesk()
	button := cards.Do(cards.RefusedReport, "shop", "42", "three rows are in the way")
	if toast := d.press(t, 1, on(team, button, true)); toast.Alert || toast.Text != cards.ReportPosted || len(d.box.order) != 1 {
		t.Fatalf("%+v, posted %v", toast, d.box.order)
	}
	f, _ := d.box.frame(d.box.order[0])
	if f.Document == nil || f.Document.Name != "shop-42-production-rehearsal.txt" || string(f.Document.Content) != "three rows are in the way" {
		t.Errorf("%+v", f)
	}
	if toast := d.press(t, 1, on(shared, button, true)); !strings.Contains(toast.Text, "wrong_chat") || len(d.box.frames) != 1 {
		t.Errorf("%+v, posted %v", toast, d.box.order)
	}
}

func TestAReportThatIsNotThereIsSaidToBeGone(t *testing.T) {
	d := newDesk()
	d.engine.runs["R"] = release.Run{ID: "R", Project: "shop", Plan: &release.Plan{}}
	if toast := d.press(t, 1, on(team, cards.Do(cards.Rehearsal, "R"), true)); !strings.Contains(toast.Text, "stale_button") {
		t.Errorf("%+v", toast)
	}
	if toast := d.press(t, 1, on(shared, cards.Do(cards.Rehearsal, "R"), true)); !strings.Contains(toast.Text, "wrong_chat") || len(d.box.frames) > 0 {
		t.Errorf("%+v, posted %v", toast, d.box.order)
	}
}

func TestContractAnswersWhatMayBeDropped(t *testing.T) {
	d := newDesk()
	d.engine.contract = deploy.Contract{Known: true, Used: 9, After: 24 * time.Hour, Unused: []deploy.Contractable{
		{Lifetime: release.Lifetime{Table: "users", Column: "fax", Added: 12, Unused: 15, Since: noon}, May: noon.Add(24 * time.Hour)},
	}}
	f, answered := d.say(t, said{by: 1, chat: team, text: "/contract shop"})
	if !answered {
		t.Fatal("no answer")
	}
	for _, want := range []string{"users.fax", "added in #12", "unused since #15", "may go after"} {
		if !strings.Contains(f.HTML, want) {
			t.Errorf("%q is not in %s", want, f.HTML)
		}
	}
}
