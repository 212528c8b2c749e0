package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"towline/bot"
	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/delivery"
	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/deploy/slow"
	"towline/handlers"
	"towline/migrations"
	"towline/sandbox/parts"
)

func TestMain(m *testing.M) { parts.Main(m) }

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
	heard   []string
	people  []deploy.Standing
	log     []audit.Entry
	week    delivery.Week
	lonely  map[release.Environment][]deploy.Lonely
	open    []release.Run
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

	slow      slow.Report
	slowErr   error
	migration slow.Migration

	contract deploy.Contract
	backups  []deploy.Backup
	previews previews
	reported reported
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

func (e *engine) BreakGlass(_ context.Context, r deploy.Request, kind release.Kind, number uint64, reason string) (release.Run, error) {
	return release.Run{}, e.note(r.Key, "break glass %s %s %d %q", r.Project, kind, number, reason)
}

func (e *engine) Cancel(_ context.Context, r deploy.Request, id string) (release.Run, error) {
	return release.Run{ID: id, Project: r.Project}, e.note(r.Key, "cancel %s %s", r.Project, id)
}

func (e *engine) Drill(_ context.Context, r deploy.Request) (release.Drill, bool, error) {
	return release.Drill{}, true, e.note(r.Key, "drill %s reply %s", r.Project, r.ReplyTo)
}

func (e *engine) Adopt(_ context.Context, r deploy.Request, key string) (release.Drift, error) {
	return release.Drift{Changes: []string{"table a added"}}, e.note(r.Key, "adopt %s %s by %d", r.Project, key, r.By.ID)
}

func (e *engine) Investigate(_ context.Context, r deploy.Request, key string) (deploy.DriftView, error) {
	d := release.Drift{At: noon, Changes: []string{"table a added"}, Looking: &r.By.Person}
	return deploy.DriftView{Drift: d, SeenAt: noon, Now: []migrations.Object{{Type: "table", Name: "a", SQL: "CREATE TABLE a (id INTEGER)"}}},
		e.note(r.Key, "investigate %s %s by %d", r.Project, key, r.By.ID)
}

func (e *engine) Baseline(_ context.Context, r deploy.Request, upTo string) (release.Run, error) {
	return release.Run{}, e.note(r.Key, "baseline %s %q", r.Project, upTo)
}

func (e *engine) ChooseWay(_ context.Context, r deploy.Request, id, digest string, way release.Way) (release.Run, error) {
	return release.Run{ID: id}, e.note(r.Key, "way %s %s %s by %d", id, digest, way, r.By.ID)
}

func (e *engine) LockFor(_ context.Context, r deploy.Request, env release.Environment, span time.Duration, reason string) (release.Lock, error) {
	return release.Lock{By: r.By.Person, Reason: reason, At: noon, Until: noon.Add(span)}, e.note(r.Key, "lock %s %s %s %q", r.Project, env, span, reason)
}

func (e *engine) Unlock(_ context.Context, r deploy.Request, env release.Environment) (release.Lock, error) {
	return release.Lock{By: r.By.Person, Reason: "import"}, e.note(r.Key, "unlock %s %s", r.Project, env)
}

func (e *engine) TakeOver(_ context.Context, r deploy.Request, env release.Environment) (release.Lock, error) {
	return release.Lock{By: r.By.Person, Reason: "import"}, e.note(r.Key, "take over %s %s", r.Project, env)
}

func (e *engine) Hold(_ context.Context, r deploy.Request, env release.Environment, reason string) error {
	return e.note(r.Key, "hold %s %s %q", r.Project, env, reason)
}

func (e *engine) Unhold(_ context.Context, r deploy.Request, env release.Environment, reason string) error {
	return e.note(r.Key, "unhold %s %s %q", r.Project, env, reason)
}

func (e *engine) FreezeNow(_ context.Context, r deploy.Request, span time.Duration, reason string) (release.Freeze, error) {
	return release.Freeze{By: r.By.Person, Reason: reason, At: noon, Until: noon.Add(span)}, e.note(r.Key, "freeze %s %s %q", r.Project, span, reason)
}

func (e *engine) Unfreeze(_ context.Context, r deploy.Request) error {
	return e.note(r.Key, "unfreeze %s", r.Project)
}

func (e *engine) Delegate(_ context.Context, r deploy.Request, to release.Person, until time.Time) (release.Delegation, error) {
	return release.Delegation{To: to, By: r.By.Person, Role: "approver", Until: until}, e.note(r.Key, "delegate to %d until %s", to.ID, until.Format(time.RFC3339))
}

func (e *engine) AddNote(_ context.Context, r deploy.Request, number uint64, text string) (release.Release, error) {
	return release.Release{Project: r.Project, Number: number}, e.note(r.Key, "note %s #%d %q", r.Project, number, text)
}

// Heard is not among what was asked: every command is heard.
func (e *engine) Heard(_ context.Context, r deploy.Request, text string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, fmt.Sprintf("%s by %d: %s", r.Project, r.By.ID, text))
	return nil
}

// TurnedAway is not among what was asked either.
func (e *engine) TurnedAway(_ context.Context, r deploy.Request, act string, why *release.Refusal) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, fmt.Sprintf("%s by %d: %s refused with %s", r.Project, r.By.ID, act, why.Code))
}

func (e *engine) Project(name string) (deploy.Project, bool) {
	return deploy.Project{Name: name, Production: "prod"}, true
}

func (e *engine) People(context.Context) ([]deploy.Standing, error) { return e.people, nil }

func (e *engine) Log(_ context.Context, project string, limit int) ([]audit.Entry, error) {
	return e.log[:min(limit, len(e.log))], e.note("", "log %s", project)
}

func (e *engine) Week(_ context.Context, project string, since, until time.Time) (delivery.Week, error) {
	w := e.week
	w.Project, w.Since, w.Until = project, since, until
	return w, e.note("", "week %s from %s to %s", project, since.Format(time.RFC3339), until.Format(time.RFC3339))
}

func (e *engine) Lonely(context.Context, string) (map[release.Environment][]deploy.Lonely, error) {
	return e.lonely, nil
}

func (e *engine) OpenRuns(context.Context, string) ([]release.Run, error) { return e.open, nil }

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

// Report is the text that the test wrote where the digest stands; nil where it wrote none.
func (e *engine) Report(_ context.Context, plan release.Plan) ([]byte, error) {
	if plan.Report == "" {
		return nil, nil
	}
	return []byte(plan.Report), e.broken
}

func (e *engine) BackupsOf(_ context.Context, project string, limit int) ([]deploy.Backup, error) {
	return e.backups[:min(limit, len(e.backups))], e.note("", "backups %s", project)
}

func (e *engine) Contract(_ context.Context, project string) (deploy.Contract, error) {
	return e.contract, e.note("", "contract %s", project)
}

func (e *engine) Slow(_ context.Context, project string) (slow.Report, error) {
	return e.slow, errors.Join(e.note("", "slow %s", project), e.slowErr)
}

func (e *engine) IndexMigration(_ context.Context, project string, i slow.Proposal) (slow.Migration, error) {
	return e.migration, e.note("", "index %s %q", project, i.SQL)
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
	mu      sync.Mutex
	frames  map[string]bot.Frame
	order   []string
	renewed []string
	refuse  string // the key of a card that Telegram would refuse
	err     error
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

func (b *box) Renew(_ context.Context, key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.renewed = append(b.renewed, key)
	return b.err
}

// chats tells who is where: everybody is everywhere, but for those who left.
type chats struct {
	mu        sync.Mutex
	left      map[int64]bool
	anonymous map[int64]bool
	err       error
}

func (c *chats) Member(_ context.Context, _, user int64) (bot.Membership, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bot.Membership{Status: "member", In: !c.left[user], Anonymous: c.anonymous[user]}, c.err
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
	chats  *chats
	now    time.Time
	update int64
}

func newDesk() *desk {
	d := &desk{engine: newEngine(), box: &box{frames: map[string]bot.Frame{}}, now: noon,
		chats: &chats{left: map[int64]bool{}, anonymous: map[int64]bool{}}}
	d.Handlers = handlers.New(handlers.Options{Engine: d.engine, Outbox: d.box, Members: d.chats, Team: func(context.Context) handlers.Team { return people() }, Now: func() time.Time { return d.now },
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
