package handlers_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"towline/bot"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/handlers"
	"towline/migrations"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const (
	team    = -100
	forum   = -200 // shop in topic 7, blog in topic 8
	shared  = -300 // two projects
	unknown = -900
)

// engine writes down what it is asked, and answers what the test told it to.
type engine struct {
	mu      sync.Mutex
	asked   []string
	keys    []string
	err     error
	runs    map[string]release.Run
	states  map[release.Environment]release.State
	events  []deploy.Event
	changed chan struct{}
	choices []string
	script  []migrations.Transaction
	broken  error // of Script
	list    []deploy.Listed
}

func newEngine() *engine {
	return &engine{runs: map[string]release.Run{}, states: map[release.Environment]release.State{}, changed: make(chan struct{})}
}

func (e *engine) note(key, format string, args ...any) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked, e.keys = append(e.asked, fmt.Sprintf(format, args...)), append(e.keys, key)
	return e.err
}

func (e *engine) Deploy(_ context.Context, r deploy.Request, ref string, reset bool) (release.Run, error) {
	return release.Run{}, e.note(r.Key, "deploy %s %q reset=%v by %d reply %s", r.Project, ref, reset, r.By.ID, r.ReplyTo)
}

func (e *engine) Promote(_ context.Context, r deploy.Request, number uint64) (release.Run, error) {
	return release.Run{}, e.note(r.Key, "promote %s %d", r.Project, number)
}

func (e *engine) Rollback(_ context.Context, r deploy.Request, number uint64) (release.Run, error) {
	return release.Run{}, e.note(r.Key, "rollback %s %d", r.Project, number)
}

func (e *engine) Unhold(_ context.Context, r deploy.Request, reason string) error {
	return e.note(r.Key, "unhold %s %q", r.Project, reason)
}

func (e *engine) Vote(_ context.Context, b deploy.Ballot) (release.Run, error) {
	return release.Run{Phase: release.Queued}, e.note("", "vote %s %s %v by %d as %s", b.Run, b.Digest, b.Yes, b.By.ID, b.By.Role)
}

func (e *engine) Resolve(_ context.Context, id string, by gate.Actor, look bool) (release.Run, error) {
	return release.Run{}, e.note("", "resolve %s look=%v by %d", id, look, by.ID)
}

func (e *engine) Status(_ context.Context, project string) (deploy.Status, error) {
	return deploy.Status{Project: project}, e.note("", "status %s", project)
}

func (e *engine) Releases(_ context.Context, project string, below uint64, limit int) ([]deploy.Listed, error) {
	var out []deploy.Listed
	for _, l := range e.list {
		if (below == 0 || l.Number < below) && len(out) < limit {
			out = append(out, l)
		}
	}
	return out, e.note("", "releases %s below %d", project, below)
}

func (e *engine) Choices(context.Context, string) ([]string, error) { return e.choices, nil }

func (e *engine) State(_ context.Context, _ string, env release.Environment) (release.State, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.states[env], nil
}

func (e *engine) FindRun(_ context.Context, id string) (release.Run, bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	run, ok := e.runs[id]
	return run, ok, nil
}

func (e *engine) Script(context.Context, release.Plan) ([]migrations.Transaction, error) {
	return e.script, e.broken
}

func (e *engine) Events(_ context.Context, after uint64, limit int) ([]deploy.Event, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []deploy.Event
	for _, event := range e.events {
		if event.Seq > after && len(out) < limit {
			out = append(out, event)
		}
	}
	return out, nil
}

func (e *engine) Changed() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.changed
}

// tell stores a run and the event that tells of it.
func (e *engine) tell(run release.Run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.runs[run.ID] = run
	e.events = append(e.events, deploy.Event{Seq: uint64(len(e.events) + 1), Run: run.ID, Project: run.Project})
	close(e.changed)
	e.changed = make(chan struct{})
}

// box keeps the frames that were wanted.
type box struct {
	mu     sync.Mutex
	frames map[string]bot.Frame
	order  []string
	refuse string // the key of a card that Telegram would refuse
	err    error
}

func (b *box) Want(_ context.Context, key string, f bot.Frame) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if key == b.refuse {
		return &bot.FrameError{Key: key, Reason: "too many buttons"}
	}
	if b.err != nil {
		return b.err
	}
	b.frames[key], b.order = f, append(b.order, key)
	return nil
}

func (b *box) frame(key string) (bot.Frame, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, ok := b.frames[key]
	return f, ok
}

// desk is the handlers with a fake on either side.
type desk struct {
	*handlers.Handlers
	engine *engine
	box    *box
	now    time.Time
	update int64
}

func newDesk() *desk {
	d := &desk{engine: newEngine(), box: &box{frames: map[string]bot.Frame{}}, now: noon}
	d.Handlers = handlers.New(handlers.Options{Engine: d.engine, Outbox: d.box, Team: people, Now: func() time.Time { return d.now },
		Compare: func(web, from, to string) string {
			if web == "" {
				return ""
			}
			return web + "/compare/" + from + "..." + to
		}})
	return d
}

func people() handlers.Team {
	person := func(id int64, name string, role gate.Role) gate.Actor {
		return gate.Actor{Person: release.Person{ID: id, Name: name}, Role: role}
	}
	return handlers.Team{
		People: []gate.Actor{person(1, "Val", gate.Viewer), person(2, "Dana", gate.Deployer), person(3, "Robin", gate.Approver), person(4, "Lead", gate.Admin)},
		Projects: []handlers.Home{
			{Project: "shop", Place: bot.Place{Chat: team}},
			{Project: "forum-shop", Place: bot.Place{Chat: forum, Topic: 7}}, {Project: "forum-blog", Place: bot.Place{Chat: forum, Topic: 8}},
			{Project: "api", Place: bot.Place{Chat: shared}}, {Project: "web", Place: bot.Place{Chat: shared}},
		},
	}
}
