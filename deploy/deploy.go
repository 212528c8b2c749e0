// Package deploy is the engine: it makes releases, plans what a run would do to an environment, lets people decide, and
// carries runs out so that each happens once or is openly unknown.
//
// Bottom up: package release holds the words as values, package gate the decisions as pure functions, package audit the log. On them stand
// ports.go (what the engine needs from outside: D1, a source, a store, blobs), target.go (facts about a database) and
// planning.go, reset.go and back.go (a plan from facts), requests.go and votes.go (what people ask for and decide, each
// one store transaction), runner.go (one runner for each environment, holding its lease), prepare.go, steps.go with
// effects.go (intent, effect, result) and finish.go (how a run begins, goes on and ends), resolve.go (what a person settles) and
// status.go (what there is to say).
//
// Beside the runs, queries.go says what the app's queries on production cost, on the figures of package queries, and slow.go answers /slow: it gives
// package slow the database's figures, copies of its schema and what the source holds.
//
// The engine knows no Telegram and no Cloudflare. Whoever tells people what happened follows its events and reads the
// runs they name.
package deploy

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"towline/deploy/freeze"
	"towline/deploy/gate"
	"towline/deploy/queries"
	"towline/deploy/release"
	"towline/deploy/slow"
	"towline/migrations/backfill"
)

// Project is one app as the engine knows it.
type Project struct {
	Name        string
	Source      Source
	Migrations  string   // folder below the source's
	LedgerTable string   // empty: d1_migrations
	AllowedRefs []string // what may be promoted; empty: any
	Preview     string   // name of the database
	Production  string
	Seed        string // file below the source's folder, for a rebuilt preview; empty: none
	// What a change of each environment needs. Production's is at least one yes, whatever it says.
	PreviewApprovals    Approvals
	ProductionApprovals Approvals

	Freeze freeze.Calendar // when production does not change

	Lint     Lint
	Renames  map[string]string // migrations that were renamed on purpose after they were applied: old name to new
	Queries  string            // folder of the project's own queries, below the source's; empty: none
	Rehearse Rehearse
	NoBackup string // the reason for which no backup is taken before a destructive change; empty: one is
	Backfill Backfill

	Watch   time.Duration  // how long production is watched after a promote; 0: not at all
	Workers []string       // script names of the app's Workers, whose errors and times are watched with the database
	Zone    *time.Location // the team's, in which "the same hour of the weekday" is meant; nil: UTC
}

// Lint is how a project wants its migrations judged.
type Lint struct {
	Severity      map[string]string // of a rule's findings, by code: error, warning, info, off
	ContractAfter time.Duration     // how long a release must have been live that stopped using what a migration drops
}

// Rehearse is on what a project lets its releases be rehearsed, besides the schema.
type Rehearse struct {
	Data    bool          // on a copy of the data
	MaxSize int64         // bytes; a larger database is not copied
	Hours   Hours         // when it may be copied: an export blocks the database
	MaxAge  time.Duration // an older copy is taken anew
}

// Backfill is how much a project lets a backfill do.
type Backfill struct {
	RowsPerDay int64 // rows written; 0: as many as it takes
	Hours      Hours // when it works
}

// Approvals are what a change of an environment needs.
type Approvals struct {
	Required int           // people who say yes, the requester not counted
	Role     gate.Role     // the lowest whose yes counts; below approver: approver
	Expire   time.Duration // how long a request waits; 0: a day
}

// approvals are those of an environment.
func (p Project) approvals(env release.Environment) Approvals {
	a := p.PreviewApprovals
	if env == release.Production {
		a = p.ProductionApprovals
		a.Required = max(1, a.Required)
	}
	a.Role = max(a.Role, gate.Approver)
	if a.Expire <= 0 {
		a.Expire = 24 * time.Hour
	}
	return a
}

// policy is what a plan for the environment binds of it.
func (p Project) policy(env release.Environment) release.Policy {
	a := p.approvals(env)
	return release.Policy{Approvals: a.Required, Role: a.Role.String()}
}

// Database is the name of the environment's database.
func (p Project) Database(env release.Environment) string {
	if env == release.Production {
		return p.Production
	}
	return p.Preview
}

// Options are what an Engine is made of.
type Options struct {
	Store     Store
	Blobs     Blobs
	Databases Databases
	// Exports reads whole databases, for backups and for copies to rehearse on; nil: there are neither.
	Exports Exports
	// Analytics is what Cloudflare counted; nil: it is not asked.
	Analytics Analytics
	// Traffic is what Cloudflare counted of an app's traffic, and Queries of single queries; without Traffic a promote is not watched.
	Traffic TrafficCounts
	Queries QueryCounts
	// Backups keeps backups; nil: none are taken.
	Backups Backups
	// Uses is when databases were last used; nil: nobody counts that.
	Uses Uses
	// StalePreviews is how long nobody may have touched a preview database that is not listed yet; 0: none are listed. It is
	// asked each time, so that a reloaded config counts at once. nil: two weeks.
	StalePreviews func() time.Duration
	// Drills is when the last backups are restored here for practice; nil: when somebody asks.
	Drills Schedule
	// Scratch is a folder for local copies of databases.
	Scratch string
	// Free says that the account is on Cloudflare's free plan, where Time Travel keeps less, Paid that it is on the paid one. With neither
	// nobody told, and it is taken for paid.
	Free, Paid bool
	Projects   func() []Project // asked at every decision, so that a reloaded config counts at once
	// People are those whom the config names, with their roles; asked at every decision. nil: whoever delivers a request is
	// trusted with the role that it says.
	People func() []gate.Actor
	Now    func() time.Time
	Random io.Reader // for ids and lease tokens

	// Refused is told of every refusal of a person's decision, with no store transaction open; nil: nobody counts them.
	Refused func(release.Code)

	// Patience is how long the engine waits before it looks again for a write without an answer, of which there is no
	// trace. It looks seven times before it says that nothing happened. 0: five seconds.
	Patience time.Duration
	// Spacing is the least time between the starts of two windows of a backfill. 0: half a second, since Cloudflare allows
	// 1,200 requests in five minutes ("Rate limits", Cloudflare API docs), of which a backfill takes half.
	Spacing time.Duration
	// StopTimeout is how long a stop waits for steps that have begun; what is not over by then is looked for by the next
	// start. 0: a minute.
	StopTimeout time.Duration
	// Within bounds a look that is worth some seconds and no more: what D1 or analytics say beside what the store knows. nil:
	// context.WithTimeout. What changes something is bounded by D1's own limits, and not by this.
	Within func(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc)

	Logger *slog.Logger
}

// Engine carries releases. It is safe for concurrent use.
type Engine struct {
	store    Store
	blobs    Blobs
	d1       Databases
	projects func() []Project
	now      func() time.Time
	log      *slog.Logger
	people   func() []gate.Actor
	patience time.Duration
	stopping time.Duration
	spacing  time.Duration
	within   func(context.Context, time.Duration) (context.Context, context.CancelFunc)

	exports    Exports
	analytics  Analytics
	traffic    TrafficCounts
	queried    QueryCounts
	backups    Backups
	uses       Uses
	stale      func() time.Duration
	drills     Schedule
	scratch    string
	free, paid bool // the account's plan, where it is known
	refused    func(release.Code)
	copying    copying
	top        queries.Top
	drafts     *slow.Drafts

	ids     sync.Mutex // guards entropy
	entropy io.Reader

	drilling sync.Mutex // held during a drill that somebody asked for

	runners runners
	changed *signal // an event was stored
}

// New makes an engine. Run makes it work.
func New(o Options) *Engine {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Patience <= 0 {
		o.Patience = 5 * time.Second
	}
	if o.Spacing <= 0 {
		o.Spacing = backfill.Spacing
	}
	if o.StopTimeout <= 0 {
		o.StopTimeout = time.Minute
	}
	if o.Within == nil {
		o.Within = context.WithTimeout
	}
	if o.StalePreviews == nil {
		o.StalePreviews = func() time.Duration { return staleAfter }
	}
	e := &Engine{
		uses: o.Uses, stale: o.StalePreviews, refused: o.Refused,
		patience: o.Patience, spacing: o.Spacing, stopping: o.StopTimeout, within: o.Within, people: o.People,
		exports: o.Exports, analytics: o.Analytics, traffic: o.Traffic, queried: o.Queries, backups: o.Backups, drills: o.Drills, scratch: o.Scratch, free: o.Free, paid: o.Paid,
		store: o.Store, blobs: o.Blobs, d1: o.Databases, projects: o.Projects, now: o.Now, log: o.Logger,
		entropy: ulid.Monotonic(o.Random, 0), changed: newSignal(),
	}
	e.drafts = slow.NewDrafts(o.Now, entropyOf{e})
	return e
}

// Project finds a project by name.
func (e *Engine) Project(name string) (Project, bool) {
	for _, p := range e.projects() {
		if p.Name == name {
			return p, true
		}
	}
	return Project{}, false
}

func (e *Engine) project(name string) (Project, error) {
	if p, ok := e.Project(name); ok {
		return p, nil
	}
	return Project{}, release.Refuse(release.CodeUnknownProject, "project", name)
}

// newID makes an id that sorts by the time it was made.
func (e *Engine) newID(at time.Time) string {
	e.ids.Lock()
	defer e.ids.Unlock()
	return ulid.MustNew(ulid.Timestamp(at), e.entropy).String()
}

// update runs a store transaction and wakes those who follow events.
func (e *Engine) update(ctx context.Context, fn func(Tx) error) error {
	if err := e.store.Update(ctx, fn); err != nil {
		return err
	}
	e.changed.raise()
	return nil
}

// Changed is closed when something was stored after the call. A follower takes it before it reads Events.
func (e *Engine) Changed() <-chan struct{} { return e.changed.wait() }

// Events lists events after a sequence number, oldest first.
func (e *Engine) Events(ctx context.Context, after uint64, limit int) ([]Event, error) {
	var out []Event
	err := e.store.View(ctx, func(tx Tx) error {
		out = tx.Events(after, limit)
		return nil
	})
	return out, err
}

// signal is a broadcast: everybody who waits is released when it is raised.
type signal struct {
	mu sync.Mutex
	ch chan struct{}
}

func newSignal() *signal { return &signal{ch: make(chan struct{})} }

func (s *signal) wait() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ch
}

func (s *signal) raise() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.ch)
	s.ch = make(chan struct{})
}
