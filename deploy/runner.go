package deploy

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"towline/deploy/release"
)

// place names an environment of a project: what one runner is for.
type place struct {
	project string
	env     release.Environment
}

// runners holds the goroutine of each environment that has something to do. It starts with Run and is asked to wake.
type runners struct {
	mu      sync.Mutex
	ctx     context.Context // of Run; nil while it does not run
	working map[place]bool  // true: look again when done
	group   sync.WaitGroup
}

// Run works until ctx ends: it resumes what was interrupted, executes what waits, and expires requests. It returns when
// the steps that were under way have come to a safe point; what is left resumes with the next Run.
func (e *Engine) Run(ctx context.Context) error {
	e.runners.mu.Lock()
	e.runners.ctx, e.runners.working = ctx, map[place]bool{}
	e.runners.mu.Unlock()
	defer func() {
		e.runners.mu.Lock()
		e.runners.ctx = nil
		e.runners.mu.Unlock()
		e.runners.group.Wait()
	}()
	if err := e.resume(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	e.expireForever(ctx)
	return nil
}

// resume wakes every environment that a run is open in.
func (e *Engine) resume(ctx context.Context) error {
	places := map[place]bool{}
	err := e.store.View(ctx, func(tx Tx) error {
		for _, id := range tx.Open() {
			if run, ok := tx.Run(id); ok && run.Phase != release.Asking {
				places[place{run.Project, run.Environment}] = true
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for interrupted runs: %w", err)
	}
	for p := range places {
		e.wake(p.project, p.env)
	}
	return nil
}

// expireForever ends requests when their time is over.
func (e *Engine) expireForever(ctx context.Context) {
	for {
		changed := e.Changed()
		next, err := e.nextExpiry(ctx)
		if err == nil && !next.IsZero() && !next.After(e.now()) {
			if err = e.expire(ctx); err == nil {
				continue
			}
		}
		if err != nil && ctx.Err() == nil {
			e.log.ErrorContext(ctx, "expire requests", "error", err)
		}
		if !await(ctx, changed, next, e.now()) {
			return
		}
	}
}

// await waits for a change or for a time, if there is one to wait for. It is false when ctx is over.
func await(ctx context.Context, changed <-chan struct{}, next, now time.Time) bool {
	var due <-chan time.Time
	if !next.IsZero() {
		t := time.NewTimer(max(next.Sub(now), time.Second))
		defer t.Stop()
		due = t.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-changed:
		return true
	case <-due:
		return true
	}
}

// wake makes the environment's runner look for work.
func (e *Engine) wake(project string, env release.Environment) {
	r, p := &e.runners, place{project, env}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx == nil || r.ctx.Err() != nil {
		return // the next Run resumes it
	}
	if _, ok := r.working[p]; ok {
		r.working[p] = true
		return
	}
	r.working[p] = false
	ctx := r.ctx
	r.group.Go(func() { e.work(ctx, p) })
}

// idle ends a runner, unless it was woken meanwhile.
func (r *runners) idle(p place) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.working[p] {
		r.working[p] = false
		return false
	}
	delete(r.working, p)
	return true
}

// work executes the environment's runs, one after the other, until there is none.
func (e *Engine) work(ctx context.Context, p place) {
	for {
		run, ok, err := e.claim(ctx, p)
		if err == nil && ok {
			err = e.execute(ctx, run)
		}
		if err != nil && ctx.Err() == nil {
			e.log.ErrorContext(ctx, "run stopped; it resumes with the next start", "project", p.project, "environment", p.env, "run", run.ID, "error", err)
		}
		if (err != nil || !ok) && e.runners.idle(p) || ctx.Err() != nil {
			return
		}
	}
}

// claim gives the runner its next run under the environment's lease: the one that was interrupted, or the first of the
// queue. A lease that outlived its run is swept.
func (e *Engine) claim(ctx context.Context, p place) (run release.Run, ok bool, err error) {
	token, err := e.token()
	if err != nil {
		return run, false, err
	}
	err = e.update(ctx, func(tx Tx) error {
		ok = false
		s := tx.State(p.project, p.env)
		if s.Lease != nil {
			if s.Unresolved {
				return nil
			}
			if run, ok = tx.Run(s.Lease.Run); ok && run.Phase.Open() {
				return nil
			}
			ok, s.Lease = false, nil
			tx.PutState(s)
		}
		if len(s.Queue) == 0 {
			return nil
		}
		id := s.Queue[0]
		s.Queue = s.Queue[1:]
		if run, ok = tx.Run(id); !ok {
			tx.PutState(s)
			return nil
		}
		now := e.now()
		s.Lease = &release.Lease{Run: id, Token: token, Since: now}
		tx.PutState(s)
		run.Phase, run.Place, run.StartedAt = release.Preparing, 0, now
		e.record(tx, run, RunChanged, "started", release.Person{}, "")
		e.movedUp(tx, s)
		return nil
	})
	return run, ok, err
}

// movedUp tells the runs that wait their new place.
func (e *Engine) movedUp(tx Tx, s release.State) {
	for i, id := range s.Queue {
		if run, ok := tx.Run(id); ok && run.Place != i+1 {
			run.Place = i + 1
			tx.PutRun(run)
			tx.Append(Event{Run: id, Project: s.Project, Environment: s.Environment, Kind: RunChanged, At: e.now()})
		}
	}
}

func (e *Engine) token() (string, error) {
	e.ids.Lock()
	defer e.ids.Unlock()
	raw := make([]byte, 16)
	if _, err := io.ReadFull(e.entropy, raw); err != nil {
		return "", fmt.Errorf("make a lease token: %w", err)
	}
	return hex.EncodeToString(raw), nil
}

// execute takes a claimed run to its end, or to a place where it can be taken up again.
func (e *Engine) execute(ctx context.Context, run release.Run) error {
	p, err := e.project(run.Project)
	if err != nil && run.Phase == release.Executing {
		return e.end(ctx, &run, stopped(run, err)) // it has begun, so that it cannot be refused any more
	}
	if err != nil {
		return e.end(ctx, &run, refused(err))
	}
	log := e.log.With("project", run.Project, "environment", run.Environment, "run", run.ID)
	if run.Phase == release.Preparing {
		ready, err := e.prepare(ctx, p, &run)
		if err != nil || !ready {
			return err
		}
		log.InfoContext(ctx, "run starts", "kind", run.Kind, "release", run.Release, "plan", release.Short(run.Plan.Digest()))
	}
	x, err := e.execution(ctx, p, &run)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return e.end(ctx, &run, stopped(run, err))
	}
	for i := range run.Steps {
		if run.Steps[i].State == release.StepDone {
			continue
		}
		if ctx.Err() != nil {
			return nil // parked between two steps
		}
		// A step that has begun is carried through though the bot is asked to stop: it has deadlines of its own.
		end, err := x.step(context.WithoutCancel(ctx), i)
		if err != nil {
			return err
		}
		log.InfoContext(ctx, "step", "step", run.Steps[i].Name, "state", run.Steps[i].State, "found", run.Steps[i].Found)
		if end != nil {
			return e.end(context.WithoutCancel(ctx), &run, *end)
		}
	}
	return e.end(context.WithoutCancel(ctx), &run, ending{phase: release.Done})
}

// ending is how a run ends.
type ending struct {
	phase   release.Phase
	refusal *release.Refusal
	failure *release.Failure
}

func refused(err error) ending {
	if r := refusalIn(err); r != nil {
		return ending{phase: release.Refused, refusal: r}
	}
	return ending{phase: release.Refused, refusal: release.Refuse(release.CodeFactsMissing, "problem", err.Error())}
}

// stopped is the end of a run that has begun and cannot go on, for a reason that lies here and not at Cloudflare. What a
// step did that has an intent and no result is unknown then.
func stopped(run release.Run, err error) ending {
	failure := release.Failure{Code: "cannot_go_on", Words: err.Error()}
	for i := range run.Steps {
		s := &run.Steps[i]
		if s.State == release.StepIntent {
			s.State, failure.Step = release.StepUnknown, s.Name
			return ending{phase: release.Unresolved, failure: &failure}
		}
	}
	return ending{phase: release.Broken, failure: &failure}
}

// end stores a run's end with everything that follows from it, in one transaction, and gives the lease back.
func (e *Engine) end(ctx context.Context, run *release.Run, how ending) error {
	return e.update(ctx, func(tx Tx) error {
		now := e.now()
		run.Phase, run.Refusal, run.Failure, run.EndedAt = how.phase, how.refusal, how.failure, now
		s := tx.State(run.Project, run.Environment)
		switch how.phase {
		case release.Unresolved:
			s.Unresolved = true
		case release.Done:
			e.live(tx, &s, run, now)
		case release.Broken:
			e.broke(tx, &s, run)
		case release.Refused:
			tx.PutStanding(run.Project, run.Environment, run.Release, standing(tx, *run))
		}
		if s.Lease != nil && s.Lease.Run == run.ID && how.phase != release.Unresolved {
			s.Lease, s.Unresolved = nil, false
		}
		tx.PutState(s)
		if run.Environment == release.Production {
			e.showAgain(tx, *run, tx.State(run.Project, release.Preview).Last)
		}
		detail := string(how.phase)
		if how.refusal != nil {
			detail += " " + string(how.refusal.Code)
		}
		if how.failure != nil {
			detail += " " + how.failure.Code
		}
		e.record(tx, *run, RunEnded, "ended", release.Person{}, detail)
		return nil
	})
}

// live makes the run's release the live one of its environment.
func (e *Engine) live(tx Tx, s *release.State, run *release.Run, now time.Time) {
	was := s.Live
	if was != 0 && was != run.Release {
		standing := release.Superseded
		if run.Kind == release.Rollback {
			standing = release.RolledBack
		}
		tx.PutStanding(run.Project, run.Environment, was, standing)
	}
	tx.PutStanding(run.Project, run.Environment, run.Release, release.Live)
	s.Live, s.LiveRun, s.LiveSince = run.Release, run.ID, now
	if target := run.Plan.Target; target.ID != "" {
		s.Database, s.DatabaseID = target.Database, target.ID
	}
	before := run.Point
	if s.Unfinished != nil {
		before, s.Unfinished = s.Unfinished, nil // an earlier run left the database half way
	}
	tx.AddChange(run.Project, run.Environment, release.Change{
		Release: run.Release, Run: run.ID, Kind: run.Kind, At: now, Before: before, Ledger: run.Plan.After(),
	})
	e.remember(tx, run, run.Plan.Names())
	if run.Kind == release.Rollback {
		s.Hold = &release.Hold{Reason: fmt.Sprintf("rollback to #%d", run.Release), By: run.Requester, Run: run.ID, At: now}
		tx.Audit(Entry{At: now, Project: run.Project, Environment: run.Environment, Who: run.Requester, What: "hold", Run: run.ID, Release: run.Release})
		tx.Append(Event{Run: run.ID, Project: run.Project, Environment: run.Environment, Kind: HoldChanged, At: now})
	}
}

// broke stores what is left of a run that failed after it had begun.
func (e *Engine) broke(tx Tx, s *release.State, run *release.Run) {
	changed := false
	for _, step := range run.Steps {
		effect := slices.Contains([]string{release.StepReset, release.StepApply, release.StepUndo, release.StepRestore}, step.Name)
		changed = changed || effect && (step.State == release.StepDone || step.State == release.StepUnknown)
	}
	if changed && s.Unfinished == nil {
		s.Unfinished = run.Point
	}
	if run.Kind == release.Rollback {
		tx.PutStanding(run.Project, run.Environment, run.Release, standing(tx, *run)) // what failed is the way back
	} else {
		tx.PutStanding(run.Project, run.Environment, run.Release, release.Failed)
	}
	e.remember(tx, run, run.Failure.Applied)
}

// standing is how the release of a run that did not happen stands: as before it was asked for.
func standing(tx Tx, run release.Run) release.Standing {
	current := tx.Standing(run.Project, run.Environment, run.Release)
	if current != release.Waiting && current != release.Running {
		return current
	}
	ended := release.Superseded // by the change after the one that is looked at
	for i, c := range tx.Changes(run.Project, run.Environment, 0, historyLimit) {
		if c.Release == run.Release {
			if i == 0 {
				return release.Live
			}
			return ended
		}
		if ended = release.Superseded; c.Kind == release.Rollback {
			ended = release.RolledBack
		}
	}
	return ""
}

// remember keeps the checksums of what was applied, so that an edited file is found later. What wrangler applied before
// Towline came is not known, and stays unknown. Names that a rollback took out of the ledger are kept: what counts is
// what the ledger holds, and a rollback may be undone.
func (e *Engine) remember(tx Tx, run *release.Run, applied []string) {
	rebuilt := slices.ContainsFunc(run.Steps, func(s release.Step) bool {
		return s.Name == release.StepReset && s.State == release.StepDone
	})
	if run.Kind == release.Rollback || (len(applied) == 0 && !rebuilt) {
		return
	}
	from := run.Environment
	if rebuilt {
		from = release.Production
	}
	sums := tx.Checksums(run.Project, from)
	if sums == nil {
		sums = map[string]release.Applied{}
	}
	r, _ := tx.Release(run.Project, run.Release)
	for _, m := range r.Migrations {
		if slices.Contains(applied, m.Name) {
			sums[m.Name] = release.Applied{Checksum: m.Checksum, Release: run.Release}
		}
	}
	tx.PutChecksums(run.Project, run.Environment, sums)
}
