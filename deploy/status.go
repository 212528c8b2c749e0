package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"towline/deploy/freeze"
	"towline/deploy/release"
	"towline/migrations"
)

// State is an environment as the store knows it.
func (e *Engine) State(ctx context.Context, project string, env release.Environment) (release.State, error) {
	var s release.State
	err := e.store.View(ctx, func(tx Tx) error {
		s = tx.State(project, env)
		return nil
	})
	return s, wrap(err, "read the state of %s", env)
}

// FindRun is a run by its id, as it stands now.
func (e *Engine) FindRun(ctx context.Context, id string) (run release.Run, ok bool, err error) {
	err = e.store.View(ctx, func(tx Tx) error {
		run, ok = tx.Run(id)
		return nil
	})
	return run, ok, wrap(err, "read run %s", id)
}

// Status is how a project stands.
type Status struct {
	Project      string
	Environments []EnvironmentStatus
}

// EnvironmentStatus is how one environment stands: what the store says, and what D1 says if it could be asked.
type EnvironmentStatus struct {
	Environment release.Environment
	Database    string
	State       release.State
	Live        *release.Release // nil: none that Towline knows
	Running     *release.Run
	Request     *release.Run
	Backfill    *release.Run // the run of the backfill that is not done
	Watch       *release.Run // the run that watches, or watched, the live release
	Waiting     int          // runs in the queue

	Calendar freeze.Verdict // production's, now
	Freezes  time.Time      // when the calendar freezes it next; zero: not within a year
	Lonely   []Lonely       // who would find nobody, or too few, to approve
	Light    *Light         // production's way back; nil where nothing is live

	Exists  bool
	Lost    bool     // the database that the live release went to is gone, or another one has its name
	Applied int      // names in the ledger
	Behind  []string // migrations of the live release that the ledger lacks
	Foreign []string // names in the ledger that the live release lacks, but for State.Left
	Problem string   // why D1 could not be asked
}

// statusTimeout bounds how long /status waits for D1: what the store knows is worth saying at once.
const statusTimeout = 5 * time.Second

// Status reads how a project stands: a few records, and one look at each database.
func (e *Engine) Status(ctx context.Context, project string) (Status, error) {
	p, err := e.project(project)
	if err != nil {
		return Status{}, err
	}
	out := Status{Project: project}
	err = e.store.View(ctx, func(tx Tx) error {
		out.Environments = nil
		for _, env := range []release.Environment{release.Preview, release.Production} {
			out.Environments = append(out.Environments, e.stored(tx, p, env))
		}
		return nil
	})
	if err != nil {
		return out, fmt.Errorf("read the state of %s: %w", project, err)
	}
	var looks sync.WaitGroup
	for i := range out.Environments {
		looks.Go(func() { e.compare(ctx, p, &out.Environments[i]) })
	}
	looks.Wait()
	return out, nil
}

// stored is what the store and the config say of an environment.
func (e *Engine) stored(tx Tx, p Project, env release.Environment) EnvironmentStatus {
	s := EnvironmentStatus{Environment: env, Database: p.Database(env), State: tx.State(p.Name, env)}
	if r, ok := tx.Release(p.Name, s.State.Live); ok {
		s.Live = &r
	}
	if s.State.Lease != nil {
		s.Running = findRun(tx, s.State.Lease.Run)
	}
	s.Request = findRun(tx, s.State.Request)
	if b := s.State.Backfill; b != nil && !b.Void {
		s.Backfill = findRun(tx, b.Run)
	}
	if w := findRun(tx, s.State.Watch); w != nil && w.Watch != nil && w.Watch.Of == s.State.LiveRun {
		s.Watch = w
	}
	s.Waiting = len(s.State.Queue)
	s.Lonely = e.lonely(tx, p, env)
	if env == release.Production {
		s.Calendar = p.Freeze.At(e.now())
		s.Freezes, _, _ = p.Freeze.Next(e.now())
		s.Light = e.light(tx, p, s.State)
	}
	return s
}

func findRun(tx Tx, id string) *release.Run {
	if run, ok := tx.Run(id); ok && id != "" {
		return &run
	}
	return nil
}

// compare holds the live release against the database's own ledger.
func (e *Engine) compare(ctx context.Context, p Project, s *EnvironmentStatus) {
	ctx, cancel := e.within(ctx, statusTimeout)
	defer cancel()
	if s.Live != nil {
		p = p.of(*s.Live)
	}
	t, err := e.lookBy(ctx, p, s.Environment, release.Target{}, e.readNames)
	if err != nil {
		s.Problem = err.Error()
		return
	}
	s.Exists, s.Applied = t.Database.ID != "", len(t.Ledger)
	if s.Live == nil {
		return
	}
	if s.Lost = s.State.DatabaseID != "" && s.State.DatabaseID != t.Database.ID; s.Lost && s.Light != nil {
		s.Light.lose()
	}
	var own []string
	for _, m := range s.Live.Migrations {
		own = append(own, m.Name)
	}
	if s.Backfill != nil { // it is recorded with its last window
		own = slices.DeleteFunc(own, func(n string) bool { return n == s.State.Backfill.File && !slices.Contains(names(t.Ledger), n) })
	}
	migrations.Sort(own)
	s.Behind, s.Foreign = without(own, names(t.Ledger)), without(without(names(t.Ledger), own), s.State.Left)
}

// Listed is a release with how it stands in both environments.
type Listed struct {
	release.Release
	Preview    release.Standing
	Production release.Standing
	WantsNote  bool // it failed or was rolled back, and nobody has said why
}

// Releases lists a project's releases, newest first, below a number (0: from the newest).
func (e *Engine) Releases(ctx context.Context, project string, below uint64, limit int) ([]Listed, error) {
	if _, err := e.project(project); err != nil {
		return nil, err
	}
	var out []Listed
	err := e.store.View(ctx, func(tx Tx) error {
		out = nil
		for _, r := range tx.Releases(project, below, limit) {
			out = append(out, listed(tx, r))
		}
		return nil
	})
	return out, wrap(err, "list the releases of %s", project)
}

func listed(tx Tx, r release.Release) Listed {
	l := Listed{
		Release:    r,
		Preview:    tx.Standing(r.Project, release.Preview, r.Number),
		Production: tx.Standing(r.Project, release.Production, r.Number),
	}
	bad := l.Preview == release.RolledBack || l.Production == release.RolledBack || l.Production == release.Failed
	l.WantsNote = bad && len(r.Notes) == 0
	return l
}

// Choices lists the refs of which a person has to choose one to deploy; empty where the source has a default.
func (e *Engine) Choices(ctx context.Context, project string) ([]string, error) {
	p, err := e.project(project)
	if err != nil {
		return nil, err
	}
	refs, err := p.Source.Choices(ctx)
	if err != nil {
		return nil, &OutsideError{Refusal: release.Refuse(release.CodeSource, "problem", err.Error()), Err: err}
	}
	return refs, nil
}

// IsRefusal gives the refusal in an error, if that is what it is.
func IsRefusal(err error) (*release.Refusal, bool) {
	return errors.AsType[*release.Refusal](err)
}

func refusalIn(err error) *release.Refusal {
	r, _ := IsRefusal(err)
	return r
}
