package handlers_test

import (
	"context"
	"strings"
	"testing"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/release"
)

// filling is the run of a backfill.
func filling(id string, env release.Environment, phase release.Phase) release.Run {
	return release.Run{
		ID: id, Project: "shop", Environment: env, Kind: release.Backfill, Phase: phase, Release: 2, ReplyTo: "-100/0/9",
		Requester: release.Person{ID: 2, Name: "Dana"}, RequestedAt: noon,
		Backfill: &release.Progress{BackfillPlan: release.BackfillPlan{File: "3.sql", Name: "lower", Table: "users"}, Total: 100, Rows: 43, Pass: 1, At: noon},
	}
}

func (e *engine) Backfills(_ context.Context, project string) ([]deploy.BackfillStatus, error) {
	var out []deploy.BackfillStatus
	for _, id := range []string{"F", "G"} {
		if run, ok := e.runs[id]; ok && run.Project == project {
			out = append(out, deploy.BackfillStatus{Environment: run.Environment, Run: run, Backfilling: release.Backfilling{Run: id, BackfillPlan: run.Backfill.BackfillPlan}})
		}
	}
	return out, nil
}

func (e *engine) ordered(what string, r deploy.Request, id string) (release.Run, error) {
	return e.runs[id], e.note(r.Key, "%s %s %s by %d", what, r.Project, id, r.By.ID)
}

func (e *engine) PauseBackfill(_ context.Context, r deploy.Request, id string) (release.Run, error) {
	return e.ordered("pause", r, id)
}

func (e *engine) ResumeBackfill(_ context.Context, r deploy.Request, id string) (release.Run, error) {
	return e.ordered("resume", r, id)
}

func (e *engine) StopBackfill(_ context.Context, r deploy.Request, id string) (release.Run, error) {
	return e.ordered("stop", r, id)
}

func TestABackfillIsOrderedInWords(t *testing.T) {
	for _, c := range []struct {
		name, text, asked, reply string
		two                      bool
	}{
		{"it is shown", "/backfill", "", "backfilling, 43 %", false},
		{"both are shown", "/backfill shop", "", "preview", true},
		{"paused", "/backfill pause", "pause shop F by 2", "rests after its window", false},
		{"resumed", "/backfill shop RESUME", "resume shop F by 2", "goes on", false},
		{"stopped where it is meant", "/backfill shop stop preview", "stop shop G by 2", "Its place is kept", true},
		{"which of two", "/backfill stop", "", "Which backfill?", true},
		{"none there", "/backfill pause preview", "", "no_backfill", false},
		{"another word", "/backfill faster", "", "/backfill [project]", false},
		{"a mistyped environment is not both", "/backfill pause prod1", "", "/backfill [project]", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk()
			d.engine.runs["F"] = filling("F", release.Production, release.Executing)
			if c.two {
				d.engine.runs["G"] = filling("G", release.Preview, release.Executing)
			}
			reply, answered := d.say(t, said{chat: team, by: 2, text: c.text})
			if got := strings.Join(d.engine.asked, "; "); got != c.asked {
				t.Errorf("the engine was asked %q, want %q", got, c.asked)
			}
			if !answered || !strings.Contains(reply.HTML, c.reply) {
				t.Errorf("the reply is %q, want %q", reply.HTML, c.reply)
			}
		})
	}
}

func TestNoBackfillIsSaid(t *testing.T) {
	d := newDesk()
	if reply, _ := d.say(t, said{chat: team, by: 1, text: "/backfill"}); !strings.Contains(reply.HTML, "None is under way") {
		t.Errorf("the reply is %q", reply.HTML)
	}
}

func TestButtonsOfABackfillDoWhatTheySay(t *testing.T) {
	for _, c := range []struct {
		verb  cards.Verb
		asked string
	}{{cards.Pause, "pause shop F by 2"}, {cards.Resume, "resume shop F by 2"}, {cards.Stop, "stop shop F by 2"}} {
		d := newDesk()
		d.engine.runs["F"] = filling("F", release.Production, release.Executing)
		toast := d.press(t, 2, on(team, cards.Do(c.verb, "shop", "F"), true))
		if got := strings.Join(d.engine.asked, "; "); got != c.asked || toast.Alert || toast.Text != cards.BackfillToast(c.verb) {
			t.Errorf("%s: asked %q, toast %+v", c.verb, got, toast)
		}
		if len(d.box.order) != 0 {
			t.Errorf("%s: its card is the projector's, and %v were posted", c.verb, d.box.order)
		}
		answer := on(team, cards.Do(c.verb, "shop", "F"), true)
		answer.Card = "reply/1"
		d.press(t, 2, answer)
		if f, ok := d.box.frame("reply/1"); !ok || len(f.Buttons) != 0 {
			t.Errorf("%s: the answer keeps its buttons: %+v", c.verb, f)
		}
	}
	d := newDesk()
	d.engine.runs["F"] = filling("F", release.Production, release.Executing)
	if toast := d.press(t, 2, on(shared, cards.Do(cards.Stop, "shop", "F"), true)); !toast.Alert || len(d.engine.asked) > 0 {
		t.Errorf("from another chat: %+v, %v", toast, d.engine.asked)
	}
}

func TestACardOfABackfillKeepsItsButtonsWhileItCanGoOn(t *testing.T) {
	for _, c := range []struct {
		name    string
		phase   release.Phase
		stopped bool
		buttons int
	}{
		{"at work", release.Executing, false, 2},
		{"at rest", release.Paused, false, 2},
		{"stopped", release.Cancelled, true, 1},
		{"stopped, and taken up by another run", release.Cancelled, false, 0},
		{"done", release.Done, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk()
			state := release.State{Last: "another"}
			if c.stopped {
				state.Backfill = &release.Backfilling{Run: "F", Stopped: true}
			}
			d.engine.states[release.Production] = state
			run := filling("F", release.Production, c.phase)
			d.engine.tell(run)
			d.projected(t, newCursor())
			f, ok := d.box.frame("run/F")
			n := 0
			for _, row := range f.Buttons {
				n += len(row)
			}
			if !ok || n != c.buttons {
				t.Errorf("%d buttons on %q", n, f.HTML)
			}
		})
	}
}

func TestPeopleAreCalledToABackfillThatIsStuck(t *testing.T) {
	d := newDesk()
	run := filling("F", release.Production, release.Paused)
	run.Backfill.Why, run.Backfill.Words = release.RestErrors, "CHECK constraint failed: n < 10"
	d.engine.tell(run)
	d.engine.events = append(d.engine.events, deploy.Event{Seq: 2, Run: "F", Project: "shop", Environment: release.Production, Kind: deploy.RunStuck, At: noon})
	d.projected(t, newCursor())
	f, ok := d.box.frame("event/2")
	if !ok || !f.Notify || f.Kind != bot.KindAlert || !strings.Contains(f.HTML, "stuck at 43 %") || !strings.Contains(f.HTML, "CHECK constraint") {
		t.Errorf("told %t: %+v of %v", ok, f, d.box.order)
	}
}
