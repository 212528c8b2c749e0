package handlers_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"towline/bot"
	"towline/deploy/release"
	"towline/migrations"
)

// cursor remembers in memory, and tells when it was set.
type cursor struct {
	mu  sync.Mutex
	seq uint64
	set chan uint64
}

func (c *cursor) Cursor(context.Context, string) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seq, nil
}

func (c *cursor) SetCursor(_ context.Context, _ string, seq uint64) error {
	c.mu.Lock()
	c.seq = seq
	c.mu.Unlock()
	c.set <- seq
	return nil
}

// projected runs the projector until it has come to the last event.
func (d *desk) projected(t *testing.T, c *cursor) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- d.Project(ctx, c) }()
	last := uint64(len(d.engine.events))
	for {
		if at, _ := c.Cursor(ctx, ""); at == last {
			break
		}
		select {
		case <-c.set:
		case err := <-ended:
			t.Fatalf("the projector ended with %v", err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func newCursor() *cursor { return &cursor{set: make(chan uint64, 100)} }

// promoting is a promote of #2 that was asked for in the team's chat.
func promoting(phase release.Phase) release.Run {
	return release.Run{
		ID: "P", Project: "shop", Environment: release.Production, Kind: release.Promote, Phase: phase, Release: 2, Was: 1, ReplyTo: "-100/0/9",
		Requester: release.Person{ID: 2, Name: "Dana"}, RequestedAt: noon, EndedAt: noon.Add(time.Second), Required: 1, Approved: "0123456789", Asked: 1,
		Origin: release.Origin{Commit: "bbb", Web: "https://example.com/shop"}, WasFrom: &release.Origin{Commit: "aaa"},
		Plan: &release.Plan{Target: release.Target{Database: "shop", ID: "1"}, Transactions: 1, Pending: []release.Pending{{Name: "2.sql"}}},
	}
}

func deployed(id string) release.Run {
	r := promoting(release.Done)
	r.ID, r.Environment, r.Kind, r.Required, r.Asked = id, release.Preview, release.Deploy, 0, 0
	return r
}

func TestARunHasOneCardThatIsTheRunAsItIsNow(t *testing.T) {
	d, c := newDesk(), newCursor()
	d.engine.states[release.Production] = release.State{Last: "P"}
	d.engine.tell(promoting(release.Asking))
	d.engine.tell(promoting(release.Executing))
	d.projected(t, c)
	if len(d.box.order) != 1 {
		t.Errorf("two events at once were shown as %q", d.box.order)
	}
	f, _ := d.box.frame("run/P")
	if f.Final || f.Repost != 1 || f.ReplyTo != 9 || f.Place != (bot.Place{Chat: team}) || !strings.Contains(f.HTML, "promoting") {
		t.Errorf("%+v", f)
	}
	d.engine.tell(promoting(release.Done))
	d.projected(t, c) // a second life begins where the first one ended
	if f, _ = d.box.frame("run/P"); !f.Final || !strings.Contains(f.HTML, "· live") || len(f.Buttons) != 1 || len(d.box.order) != 2 {
		t.Errorf("%+v, shown as %q", f, d.box.order)
	}
}

func TestARequestMentionsThoseWhoMayApproveAndComparesTheCommits(t *testing.T) {
	d := newDesk()
	run := promoting(release.Asking)
	run.Requester.ID = 3 // an approver asks
	d.engine.tell(run)
	d.projected(t, newCursor())
	f, _ := d.box.frame("run/P")
	for _, want := range []string{`<a href="tg://user?id=4">Lead</a>`, `<a href="https://example.com/shop/compare/aaa...bbb">`} {
		if !strings.Contains(f.HTML, want) {
			t.Errorf("%q is not in %s", want, f.HTML)
		}
	}
	if strings.Contains(f.HTML, "user?id=3") || strings.Contains(f.HTML, "user?id=2") || !f.Notify || len(f.Buttons[0]) != 2 {
		t.Errorf("%+v", f)
	}
}

func TestShortSQLStandsOnTheCardAndLongSQLIsADocumentOnceForEachPlan(t *testing.T) {
	d, c := newDesk(), newCursor()
	file := migrations.Statement{File: "2.sql"}
	d.engine.script = []migrations.Transaction{{Statements: []migrations.Planned{{SQL: "CREATE TABLE a (id)", Origin: file}}}}
	d.engine.tell(promoting(release.Asking))
	d.projected(t, c)
	if f, _ := d.box.frame("run/P"); !strings.Contains(f.HTML, "CREATE TABLE a (id);") || len(d.box.frames) != 1 {
		t.Errorf("%+v", d.box.frames)
	}
	d.engine.script[0].Statements[0].SQL = "SELECT '" + strings.Repeat("long", 400) + "'"
	d.engine.tell(promoting(release.Asking))
	again := promoting(release.Asking)
	again.Approved, again.Asked = "9876543210", 2
	d.projected(t, c)
	d.engine.tell(again)
	d.projected(t, c)
	for _, key := range []string{"run/P/sql/01234567", "run/P/sql/98765432"} {
		f, ok := d.box.frame(key)
		if !ok || f.Document == nil || f.Document.Name != "shop-2-production.sql" || !strings.Contains(string(f.Document.Content), "longlong") {
			t.Errorf("%s: %+v", key, f)
		}
	}
}

func TestSQLThatCannotBeReadDoesNotHoldUpTheOtherCards(t *testing.T) {
	d := newDesk()
	d.engine.broken = errors.New("the blob is damaged")
	d.engine.tell(promoting(release.Asking))
	d.engine.tell(deployed("D"))
	d.projected(t, newCursor())
	if f, _ := d.box.frame("run/P"); !strings.Contains(f.HTML, "cannot be read any more") {
		t.Errorf("%+v", f)
	}
	if _, ok := d.box.frame("run/D"); !ok {
		t.Error("the other card is not shown")
	}
}

func TestACardThatTelegramWouldRefuseDoesNotHoldUpTheOthers(t *testing.T) {
	d := newDesk()
	d.box.refuse = "run/P"
	d.engine.tell(promoting(release.Done))
	d.engine.tell(deployed("D"))
	d.projected(t, newCursor())
	if _, ok := d.box.frame("run/D"); !ok {
		t.Error("the other card is not shown")
	}
}

func TestAStoreThatFailsEndsTheProjectorBeforeItsCursorMoves(t *testing.T) {
	d, c := newDesk(), newCursor()
	d.box.err = errors.New("the disk is full")
	d.engine.tell(promoting(release.Done))
	if err := d.Project(t.Context(), c); !errors.Is(err, d.box.err) || c.seq != 0 {
		t.Errorf("%v, the cursor is at %d", err, c.seq)
	}
}

func TestButtonsMoveToTheNewestCard(t *testing.T) {
	for _, c := range []struct {
		name                string
		run                 release.Run
		preview, production release.State
		others              []release.Run
		buttons             int
	}{
		{name: "the newest on preview", run: deployed("D"), preview: release.State{Last: "D"}, buttons: 1},
		{name: "an older one on preview", run: deployed("D"), preview: release.State{Last: "E"}},
		{name: "live on production already", run: deployed("D"), preview: release.State{Last: "D"}, production: release.State{Live: 2}},
		{name: "asked for on production", run: deployed("D"), preview: release.State{Last: "D"}, production: release.State{Request: "P"},
			others: []release.Run{promoting(release.Asking)}},
		{name: "on its way to production", run: deployed("D"), preview: release.State{Last: "D"}, production: release.State{Lease: &release.Lease{Run: "P"}},
			others: []release.Run{promoting(release.Executing)}},
		{name: "the newest on production", run: promoting(release.Done), production: release.State{Last: "P"}, buttons: 1},
		{name: "an older one on production", run: promoting(release.Done), production: release.State{Last: "Q"}},
		{name: "a request keeps its own", run: promoting(release.Asking), production: release.State{Last: "Q"}, buttons: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk()
			d.engine.states[release.Preview], d.engine.states[release.Production] = c.preview, c.production
			for _, other := range c.others {
				d.engine.runs[other.ID] = other
			}
			d.engine.tell(c.run)
			d.projected(t, newCursor())
			if f, _ := d.box.frame("run/" + c.run.ID); len(f.Buttons) != c.buttons {
				t.Errorf("%d rows of buttons, want %d", len(f.Buttons), c.buttons)
			}
		})
	}
}

func TestOnlyTroubleThatSomebodyMayHaveMissedMakesANewSound(t *testing.T) {
	failed := func(r release.Run, phase release.Phase, after time.Duration) release.Run {
		r.Phase, r.EndedAt = phase, r.RequestedAt.Add(after)
		if phase == release.Broken || phase == release.Unresolved {
			r.Failure = &release.Failure{Code: "not_applied", Words: strings.Repeat("long words ", 50)}
		}
		if phase == release.Refused {
			r.Refusal = release.Refuse(release.CodeRehearsalFailed, "words", strings.Repeat("long words ", 50))
		}
		return r
	}
	by := func(id int64, r release.Run) release.Run {
		who := release.Person{ID: id, Name: "Somebody"}
		r.Votes, r.Cancel = []release.Vote{{By: who}}, &release.Cancel{By: who}
		return r
	}
	for _, c := range []struct {
		name  string
		run   release.Run
		alert bool
		long  bool // the error goes out as a document
	}{
		{name: "live", run: promoting(release.Done)},
		{name: "failed at once on preview", run: failed(deployed("P"), release.Broken, time.Second), long: true},
		{name: "refused at once on preview", run: failed(deployed("P"), release.Refused, time.Second), long: true},
		{name: "failed late on preview", run: failed(deployed("P"), release.Broken, 16*time.Second), alert: true, long: true},
		{name: "failed on production", run: failed(promoting(""), release.Broken, time.Second), alert: true, long: true},
		{name: "unknown", run: failed(promoting(""), release.Unresolved, time.Second), alert: true, long: true},
		{name: "superseded", run: failed(promoting(""), release.Overtaken, time.Hour), alert: true},
		{name: "rejected", run: by(3, failed(promoting(""), release.Rejected, time.Hour)), alert: true},
		{name: "withdrawn", run: by(2, failed(promoting(""), release.Rejected, time.Hour))},
		{name: "cancelled by another", run: by(3, failed(promoting(""), release.Cancelled, time.Hour)), alert: true},
		{name: "cancelled by whoever asked", run: by(2, failed(promoting(""), release.Cancelled, time.Hour))},
		{name: "expired", run: failed(promoting(""), release.Expired, 24*time.Hour)},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk()
			d.engine.tell(c.run)
			d.projected(t, newCursor())
			alert, alerted := d.box.frame("run/P/alert/" + string(c.run.Phase))
			if card, _ := d.box.frame("run/P"); alerted && (alert.Kind != bot.KindAlert || !card.Final && card.Kind != bot.KindApproval) {
				t.Errorf("what calls people to the card, %q, may come before it, %q", alert.Kind, card.Kind)
			}
			if alerted != c.alert || alerted && (!alert.Notify || !strings.Contains(alert.HTML, "user?id=2")) {
				t.Errorf("alerted %v: %+v", alerted, alert)
			}
			doc, long := d.box.frame("run/P/error")
			if long != c.long || long && (doc.Document.Name != "error.txt" || !strings.Contains(string(doc.Document.Content), "long words")) {
				t.Errorf("a document %v: %+v", long, doc)
			}
		})
	}
}

func TestARunIsShownWhereItWasAskedForElseWhereItsProjectLives(t *testing.T) {
	for _, c := range []struct {
		replyTo, project string
		want             bot.Place
		shown            bool
	}{
		{"-200/7/5", "shop", bot.Place{Chat: forum, Topic: 7}, true},
		{"", "forum-blog", bot.Place{Chat: forum, Topic: 8}, true},
		{"from the command line", "shop", bot.Place{Chat: team}, true},
		{"", "a project that is gone", bot.Place{}, false},
	} {
		d := newDesk()
		run := deployed("D")
		run.ReplyTo, run.Project = c.replyTo, c.project
		d.engine.tell(run)
		d.projected(t, newCursor())
		if f, shown := d.box.frame("run/D"); shown != c.shown || f.Place != c.want {
			t.Errorf("%q of %s is shown at %v (%v)", c.replyTo, c.project, f.Place, shown)
		}
	}
}

func TestAQueuedRunSaysWhatRuns(t *testing.T) {
	d := newDesk()
	d.engine.runs["P"] = promoting(release.Executing)
	d.engine.states[release.Production] = release.State{Lease: &release.Lease{Run: "P"}, Queue: []string{"Q"}}
	run := promoting(release.Queued)
	run.ID, run.Place = "Q", 2
	d.engine.tell(run)
	d.projected(t, newCursor())
	if f, _ := d.box.frame("run/Q"); !strings.Contains(f.HTML, "Place 2 in the queue") || !strings.Contains(f.HTML, "promoting #2, asked for by Dana") {
		t.Errorf("%s", f.HTML)
	}
}
