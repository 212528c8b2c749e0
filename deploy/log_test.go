package deploy_test

import (
	"strings"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/delivery"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// entries are the newest of a project's log, newest first; "" is the team's own.
func (s *shop) entries(project string) []audit.Entry {
	s.t.Helper()
	all, err := s.engine.Log(s.t.Context(), project, 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// count is how many entries are of a kind.
func count(entries []audit.Entry, what string) int {
	n := 0
	for _, e := range entries {
		if e.What == what {
			n++
		}
	}
	return n
}

func TestACommandIsWrittenDownOnceThoughItIsHandledTwice(t *testing.T) {
	s := newShop(t)
	r := s.request(dana)
	for range 2 {
		if err := s.engine.Heard(t.Context(), r, "/promote #1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.engine.Heard(t.Context(), s.request(dana), "/promote #1"); err != nil { // typed again
		t.Fatal(err)
	}
	log := s.entries("shop")
	if len(log) != 2 || log[0].What != "command" || log[0].Detail != "/promote #1" || log[0].Who != dana.Person || log[0].Project != "shop" {
		t.Errorf("%+v", log)
	}
	elsewhere := s.request(dana)
	elsewhere.Project = "blog"
	if err := s.engine.Heard(t.Context(), elsewhere, "/whoami "+strings.Repeat("ä", 4000)); err != nil {
		t.Fatal(err)
	}
	if team := s.entries(""); len(team) != 1 || len([]rune(team[0].Detail)) != 501 {
		t.Errorf("about no project of the config: %+v", team)
	}
}

func TestARefusalIsWrittenDown(t *testing.T) {
	s := newShop(t)
	s.staff(dana, robin)
	s.restart()
	_, err := s.engine.Promote(t.Context(), s.request(sam), 1)
	refused(t, err, release.CodeUnknownPerson)
	_, err = s.engine.Promote(t.Context(), s.request(dana), 9)
	refused(t, err, release.CodeUnknownRelease)
	refused(t, s.engine.Unhold(t.Context(), s.request(dana), release.Production, "why not"), release.CodeNoHold)
	log := s.entries("shop")
	if len(log) != 3 || count(log, "refused") != 3 {
		t.Fatalf("%+v", log)
	}
	for i, want := range []string{"unhold: no_hold", "promote: unknown_release", "promote: unknown_person"} {
		if log[i].Detail != want {
			t.Errorf("entry %d is %q, want %q", i, log[i].Detail, want)
		}
	}
	if log[2].Who != sam.Person {
		t.Errorf("refused was %v", log[2].Who)
	}
}

func TestAConfigThatWasReadIsWrittenDownWhereItIsAnother(t *testing.T) {
	s := newShop(t)
	read := func(who release.Person, digest string, changes ...string) {
		t.Helper()
		if err := s.engine.ConfigRead(t.Context(), who, digest, changes); err != nil {
			t.Fatal(err)
		}
	}
	read(release.Person{}, "one")
	read(release.Person{}, "one") // started again
	read(robin.Person, "two", "people: Kim is new", "project shop: approvals 1 → 2")
	read(robin.Person, "two")
	s.restart()
	read(release.Person{}, "three")
	log := s.entries("")
	if len(log) != 3 {
		t.Fatalf("%+v", log)
	}
	for i, want := range []audit.Entry{
		{Digest: "three", Detail: "changed while the bot was down"},
		{Digest: "two", Detail: "people: Kim is new; project shop: approvals 1 → 2", Who: robin.Person},
		{Digest: "one"},
	} {
		if e := log[i]; e.What != "config" || e.Digest != want.Digest || e.Detail != want.Detail || e.Who != want.Who {
			t.Errorf("entry %d is %+v", i, e)
		}
	}
}

func TestANoteStaysOnTheReleaseAndIsAskedForUntilThen(t *testing.T) {
	s := newShop(t)
	twoShipped(s, counting, ordersDown)
	s.wants(s.back(0), release.Done)
	listed := func() deploy.Listed {
		t.Helper()
		all, err := s.engine.Releases(t.Context(), "shop", 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		return all[0]
	}
	week := func() delivery.Week {
		t.Helper()
		w, err := s.engine.Week(t.Context(), "shop", s.now().Add(-time.Hour), s.now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	if l := listed(); l.Number != 2 || !l.WantsNote {
		t.Fatalf("%+v", l)
	}
	if w := week(); len(w.MissingNotes) != 1 || w.MissingNotes[0] != 2 {
		t.Errorf("missing %v", w.MissingNotes)
	}
	for range 2 { // handled twice
		r, err := s.engine.AddNote(t.Context(), s.request(dana), 2, "the totals were wrong")
		if err != nil || len(r.Notes) != 1 {
			t.Fatalf("%v, %+v", err, r.Notes)
		}
	}
	if r, err := s.engine.AddNote(t.Context(), s.request(robin), 2, "the totals were wrong"); err != nil || len(r.Notes) != 2 {
		t.Errorf("somebody else's: %v, %+v", err, r.Notes)
	}
	if l := listed(); l.WantsNote || l.Notes[0].Text != "the totals were wrong" || l.Notes[0].By != dana.Person {
		t.Errorf("%+v", l)
	}
	if w := week(); len(w.MissingNotes) != 0 {
		t.Errorf("missing %v", w.MissingNotes)
	}
	log := s.entries("shop")
	if log[0].What != "note" || log[0].Release != 2 || count(log, "note") != 2 {
		t.Errorf("%d notes, the last entry is %+v", count(log, "note"), log[0])
	}
	refused(t, noted(s.engine.AddNote(t.Context(), s.request(dana), 9, "x")), release.CodeUnknownRelease)
	refused(t, noted(s.engine.AddNote(t.Context(), s.request(dana), 2, "")), release.CodeNeedsReason)
	viewer := person(1005, "Val", gate.Viewer)
	refused(t, noted(s.engine.AddNote(t.Context(), s.request(viewer), 2, "x")), release.CodeNotAllowed)
}

func noted(_ release.Release, err error) error { return err }

func TestTheWeekIsWhatHappenedInItAndWhatIsStillOpen(t *testing.T) {
	s := newShop(t)
	twoShipped(s, counting, ordersDown)
	s.later(10 * 24 * time.Hour)
	began := s.now()
	s.wants(s.back(0), release.Done)
	s.version("v3", ordersDown.and(files{"0003_b.sql": "CREATE TABLE b (id INTEGER);\n"}))
	s.wants(s.deploy("v3"), release.Done)
	ask, err := s.engine.BreakGlass(t.Context(), s.request(lead), release.Promote, 0, "checkout is down")
	if err != nil {
		t.Fatal(err)
	}
	s.wants(s.ended(s.approve(ask, lead)), release.Done)
	if _, err := s.engine.LockFor(t.Context(), s.request(robin), release.Preview, time.Hour, "import"); err != nil {
		t.Fatal(err)
	}
	w, err := s.engine.Week(t.Context(), "shop", began, s.now().Add(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if w.Deploys != 1 || w.Promotes != 1 || w.Rollbacks != 1 || w.Failed != 0 {
		t.Errorf("%d deploys, %d promotes, %d rollbacks, %d failed", w.Deploys, w.Promotes, w.Rollbacks, w.Failed)
	}
	if len(w.Broken) != 1 || w.Broken[0].Release != 3 || w.Broken[0].Reason != "checkout is down" || w.Broken[0].Environment != release.Production || len(w.Broken[0].Skips) == 0 {
		t.Errorf("past the gates: %+v", w.Broken)
	}
	if len(w.Kept) != 2 || w.Kept[0].Lock == nil && w.Kept[1].Lock == nil || w.Kept[0].Hold == nil && w.Kept[1].Hold == nil {
		t.Errorf("still there: %+v", w.Kept)
	}
	log := s.entries("shop")
	if w.Seq != log[0].Seq || w.Head != log[0].Hash || len(w.Head) != 64 {
		t.Errorf("the head is %d:%s, the last entry %d:%s", w.Seq, w.Head, log[0].Seq, log[0].Hash)
	}
	before, err := s.engine.Week(t.Context(), "shop", began.Add(-11*24*time.Hour), began)
	if err != nil || before.Deploys != 2 || before.Promotes != 2 || before.Rollbacks != 0 || len(before.Broken) != 0 {
		t.Errorf("the time before: %v, %+v", err, before)
	}
	if _, err := s.engine.Week(t.Context(), "blog", began, s.now()); err == nil {
		t.Error("a project that is not there")
	}
}
