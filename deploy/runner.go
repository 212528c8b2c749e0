package deploy

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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
	hard    context.Context // of steps: outlasts ctx by the time that a stop allows
	working map[place]bool  // true: look again when done
	tokens  map[place]string
	prepare map[place]context.CancelFunc // of the preparing of a run, which can be interrupted at any moment
	group   sync.WaitGroup
}

// Run works until ctx ends: it resumes what was interrupted, executes what waits, and does what is due with time. Steps that
// are under way when ctx ends are carried through, within the time that a stop allows; what is left, and what became of a
// step that was cut off, is taken up by the next Run.
func (e *Engine) Run(ctx context.Context) error {
	hard, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	e.runners.begin(ctx, hard)
	defer func() {
		timer := time.AfterFunc(e.stopping, cut)
		defer timer.Stop()
		e.runners.end()
	}()
	if err := e.getToKnow(ctx); err != nil && ctx.Err() == nil {
		e.log.ErrorContext(ctx, "the config's databases were not noted", "error", err)
	}
	if err := e.resume(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if e.exports != nil && e.scratch != "" {
		e.runners.group.Go(func() {
			e.sweepCopies(ctx, true)
			e.resumeCopies(ctx)
			e.keepCopies(ctx)
		})
	}
	e.runners.group.Go(func() { e.watch(ctx) })
	e.runners.group.Go(func() { e.keepWatches(ctx) })
	e.keepTime(ctx)
	return nil
}

func (r *runners) begin(ctx, hard context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ctx, r.hard = ctx, hard
	r.working, r.tokens, r.prepare = map[place]bool{}, map[place]string{}, map[place]context.CancelFunc{}
}

// end waits until every runner has come to a safe point.
func (r *runners) end() {
	r.mu.Lock()
	r.ctx = nil
	r.mu.Unlock()
	r.group.Wait()
}

// interrupt makes a run that is being prepared stop and look whether it was cancelled.
func (r *runners) interrupt(p place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if stop, ok := r.prepare[p]; ok {
		stop()
	}
}

// preparing returns a context for the preparing of a run, which interrupt ends.
func (r *runners) preparing(ctx context.Context, p place) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.prepare[p] = cancel
	return ctx, func() {
		cancel()
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.prepare, p)
	}
}

// outlasting is the context of steps.
func (r *runners) outlasting() context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hard
}

// errLeaseLost says that the run's lease is not this runner's any more: whatever it was about to store is another's now.
var errLeaseLost = errors.New("the lease of the run was taken")

// held runs a store transaction of a run under its lease. The lease is compared in the transaction itself, so that a
// runner that was taken for dead can change nothing any more.
func (e *Engine) held(ctx context.Context, run *release.Run, fn func(Tx) error) error {
	p := place{run.Project, run.Environment}
	e.runners.mu.Lock()
	token := e.runners.tokens[p]
	e.runners.mu.Unlock()
	return e.update(ctx, func(tx Tx) error {
		l := tx.State(p.project, p.env).Lease
		if l == nil || l.Run != run.ID || l.Token != token {
			return errLeaseLost
		}
		return fn(tx)
	})
}

// resume wakes every environment that a run is open in, and looks again at requests that were asked under another config.
func (e *Engine) resume(ctx context.Context) error {
	places := map[place]bool{}
	var outdated []string
	err := e.store.View(ctx, func(tx Tx) error {
		outdated = asking(tx, func(run release.Run) bool { return e.outdated(tx, run) })
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
	for _, id := range outdated {
		if err := e.reconsider(ctx, id); err != nil {
			return fmt.Errorf("look at an open request again: %w", err)
		}
	}
	return nil
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

// takeUpAgain is how long a run rests that could not be stored, because the disk is full for example. It keeps its lease:
// nobody else may touch the environment before it is known how the run stands.
const takeUpAgain = 30 * time.Second

// work executes the environment's runs, one after the other, until there is none.
func (e *Engine) work(ctx context.Context, p place) {
	for {
		run, ok, err := e.claim(ctx, p)
		if err == nil && ok {
			err = e.execute(ctx, run)
		} else if err == nil {
			err = e.refresh(ctx, p)
		}
		if errors.Is(err, errStopped) {
			e.log.WarnContext(ctx, "stopped in the middle of a step; the next start finds out what became of it", "project", p.project, "environment", p.env, "run", run.ID)
			return
		}
		if err != nil && ctx.Err() == nil {
			e.log.ErrorContext(ctx, "run stopped; it is taken up again", "project", p.project, "environment", p.env, "run", run.ID, "error", err)
			if !await(ctx, nil, e.now().Add(takeUpAgain), e.now()) {
				return
			}
			continue
		}
		if !ok && e.runners.idle(p) || ctx.Err() != nil {
			return
		}
	}
}

// claim gives the runner its next run under the environment's lease: the one that was interrupted, which it takes over under
// a token of its own, or the first of the queue. A lease that outlived its run is swept.
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
				lease := *s.Lease
				lease.Token, s.Lease = token, &lease
				tx.PutState(s)
				return nil
			}
			ok, s.Lease = false, nil
			tx.PutState(s)
		}
		if len(s.Queue) > 0 {
			run, ok = e.takeFirst(tx, s, token)
		}
		return nil
	})
	if err == nil && ok {
		e.runners.mu.Lock()
		e.runners.tokens[p] = token
		e.runners.mu.Unlock()
	}
	return run, ok, err
}

// takeFirst gives the first of the queue its turn.
func (e *Engine) takeFirst(tx Tx, s release.State, token string) (run release.Run, ok bool) {
	id := s.Queue[0]
	s.Queue = s.Queue[1:]
	if run, ok = tx.Run(id); !ok {
		tx.PutState(s)
		return run, false
	}
	now := e.now()
	s.Lease = &release.Lease{Run: id, Token: token, Since: now}
	tx.PutState(s)
	run.Phase, run.Place = release.Preparing, 0
	if run.StartedAt.IsZero() || run.Kind != release.Backfill { // which has many turns
		run.StartedAt = now
	}
	e.record(tx, run, RunChanged, "started", release.Person{}, "")
	if run.Waited {
		tx.Append(Event{Run: id, Project: s.Project, Environment: s.Environment, Kind: RunTurn, At: now, To: run.Requester})
	}
	e.movedUp(tx, s)
	return run, true
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
	if run.Kind == release.Delete {
		return e.delete(ctx, &run)
	}
	p, err := e.project(run.Project)
	if err != nil && run.Phase == release.Executing {
		return e.end(ctx, &run, stopped(run, err)) // it has begun, so that it cannot be refused any more
	}
	if err != nil {
		return e.end(ctx, &run, refused(err))
	}
	if run.Kind == release.Backfill {
		return e.backfill(ctx, p, &run)
	}
	log := e.log.With("project", run.Project, "environment", run.Environment, "run", run.ID)
	if run.Phase == release.Preparing {
		preparing, done := e.runners.preparing(ctx, place{run.Project, run.Environment})
		ready, err := e.prepare(preparing, p, &run)
		done()
		if err != nil || !ready {
			return err
		}
		log.InfoContext(ctx, "run starts", "kind", run.Kind, "release", run.Release, "plan", release.Short(run.Plan.Digest()))
	}
	return e.carry(ctx, p, &run)
}

// carry carries out the steps of a run that has begun, from the first that is not done.
func (e *Engine) carry(ctx context.Context, p Project, run *release.Run) error {
	log := e.log.With("project", run.Project, "environment", run.Environment, "run", run.ID)
	hard := e.runners.outlasting()
	x, err := e.execution(ctx, hard, p, run)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return e.end(ctx, run, stopped(*run, err))
	}
	for i := range run.Steps {
		if run.Steps[i].State == release.StepDone {
			continue
		}
		if ctx.Err() != nil {
			return nil // parked between two steps
		}
		// A step that has begun is carried through though the bot is asked to stop, for as long as a stop may wait.
		end, err := x.step(hard, i)
		if err != nil {
			return err
		}
		log.InfoContext(ctx, "step", "step", run.Steps[i].Name, "state", run.Steps[i].State, "found", run.Steps[i].Found)
		if end != nil {
			return e.end(context.WithoutCancel(ctx), run, *end)
		}
	}
	return e.end(context.WithoutCancel(ctx), run, ending{phase: release.Done})
}
