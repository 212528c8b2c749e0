package deploy

import (
	"context"
	"time"

	"towline/deploy/gate"
	"towline/deploy/release"
)

// BackfillStatus is how a backfill of an environment stands.
type BackfillStatus struct {
	Environment release.Environment
	Backfilling release.Backfilling
	Run         release.Run
}

// Backfills lists what a project's environments have still to backfill, preview first.
func (e *Engine) Backfills(ctx context.Context, project string) ([]BackfillStatus, error) {
	if _, err := e.project(project); err != nil {
		return nil, err
	}
	var out []BackfillStatus
	err := e.store.View(ctx, func(tx Tx) error {
		out = nil
		for _, env := range []release.Environment{release.Preview, release.Production} {
			b := tx.State(project, env).Backfill
			if b == nil || b.Void {
				continue
			}
			run, _ := tx.Run(b.Run)
			out = append(out, BackfillStatus{Environment: env, Backfilling: *b, Run: run})
		}
		return nil
	})
	return out, wrap(err, "read the backfills of %s", project)
}

// PauseBackfill lets a backfill rest, after the window that is under way, until somebody resumes it.
func (e *Engine) PauseBackfill(ctx context.Context, r Request, id string) (release.Run, error) {
	return e.backfillOrder(ctx, r, id, "backfill paused", func(tx Tx, s *release.State, run *release.Run) *release.Refusal {
		pause := &release.Cancel{By: r.By.Person, At: e.now()}
		switch {
		case run.Phase == release.Paused && run.Backfill.Why != release.RestPerson, run.Phase == release.Queued && (s.Lease == nil || s.Lease.Run != run.ID):
			e.takeOut(s, run)
			p := *run.Backfill
			p.Why, p.By, p.Until = release.RestPerson, &r.By.Person, time.Time{}
			run.Backfill, run.Phase, run.Place = &p, release.Paused, 0
		case s.Lease != nil && s.Lease.Run == run.ID && s.Lease.Pause == nil:
			lease := *s.Lease
			lease.Pause, s.Lease = pause, &lease
		default:
			return release.Refuse(release.CodeAlreadyDone, "phase", string(run.Phase))
		}
		return nil
	})
}

// ResumeBackfill has a backfill go on that rests or was stopped.
func (e *Engine) ResumeBackfill(ctx context.Context, r Request, id string) (release.Run, error) {
	return e.backfillOrder(ctx, r, id, "backfill resumed", func(tx Tx, s *release.State, run *release.Run) *release.Refusal {
		b := s.Backfill
		switch {
		case b == nil || b.Run != run.ID || b.Void:
			return release.Refuse(release.CodeNoBackfill, "project", run.Project)
		case run.Phase == release.Paused:
			e.requeue(tx, s, run, "backfill resumed")
		case s.Lease != nil && s.Lease.Run == run.ID && s.Lease.Pause != nil:
			lease := *s.Lease
			lease.Pause, s.Lease = nil, &lease
		case !run.Phase.Open() && b.Stopped:
			again := *run
			again.Requester, again.ReplyTo, again.ID = r.By.Person, r.ReplyTo, run.ID
			e.begin(tx, s, &again, b.BackfillPlan)
			*run, _ = tx.Run(s.Backfill.Run)
		default:
			return release.Refuse(release.CodeAlreadyDone, "phase", string(run.Phase))
		}
		return nil
	})
}

// StopBackfill ends a backfill after the window that is under way. What it did stays, and its place is kept: ResumeBackfill, or the same
// release deployed again, goes on from there.
func (e *Engine) StopBackfill(ctx context.Context, r Request, id string) (release.Run, error) {
	return e.backfillOrder(ctx, r, id, "backfill stopped", func(tx Tx, s *release.State, run *release.Run) *release.Refusal {
		cancel := &release.Cancel{By: r.By.Person, At: e.now()}
		working := s.Lease != nil && s.Lease.Run == run.ID
		switch {
		case !run.Phase.Open(), working && s.Lease.Cancel != nil:
			return release.Refuse(release.CodeAlreadyDone, "phase", string(run.Phase))
		case working:
			lease := *s.Lease
			lease.Cancel, s.Lease = cancel, &lease
			run.Cancel = cancel
		default:
			e.takeOut(s, run)
			run.Cancel = cancel
			run.Phase, run.EndedAt = release.Cancelled, e.now()
			e.stopped(s, *run)
		}
		return nil
	})
}

// backfillOrder is the transaction of what a person wants of a backfill.
func (e *Engine) backfillOrder(ctx context.Context, r Request, id, what string, fn func(Tx, *release.State, *release.Run) *release.Refusal) (run release.Run, err error) {
	err = e.decide(ctx, r, "backfill", func(tx Tx) error {
		if refusal := gate.Needs(e.actor(tx, r.By), gate.Deployer, "backfill"); refusal != nil {
			return refusal
		}
		var ok bool
		if run, ok = tx.Run(id); !ok || run.Kind != release.Backfill || run.Project != r.Project {
			return release.Refuse(release.CodeNoBackfill, "project", r.Project)
		}
		s := tx.State(run.Project, run.Environment)
		if refusal := fn(tx, &s, &run); refusal != nil {
			return refusal
		}
		tx.PutState(s)
		kind := RunChanged
		if !run.Phase.Open() {
			kind = RunEnded
		}
		e.record(tx, run, kind, what, r.By.Person, run.Backfill.File)
		return nil
	})
	if err == nil {
		e.wake(run.Project, run.Environment)
	}
	return run, err
}

// takeOut takes a run out of the queue.
func (e *Engine) takeOut(s *release.State, run *release.Run) {
	for i, id := range s.Queue {
		if id == run.ID {
			s.Queue = append(s.Queue[:i:i], s.Queue[i+1:]...)
			return
		}
	}
}

// stopped remembers that a person stopped the environment's backfill.
func (e *Engine) stopped(s *release.State, run release.Run) {
	if b := s.Backfill; b != nil && b.Run == run.ID {
		with := *b
		with.Stopped = true
		s.Backfill = &with
	}
}

// backfilled stores what the end of a backfill's run means for its environment. The release stays what it is: live.
func (e *Engine) backfilled(tx Tx, s *release.State, run *release.Run, how ending) {
	b := s.Backfill
	if b == nil || b.Run != run.ID {
		return
	}
	switch how.phase {
	case release.Done:
		s.Backfill = nil
		e.settled(tx, s, run)
		e.remember(tx, run, []string{run.Backfill.File})
		ships := tx.Changes(run.Project, run.Environment, 0, 1)
		tx.AddChange(run.Project, run.Environment, release.Change{
			Release: run.Release, Run: run.ID, Kind: run.Kind, At: e.now(), Before: run.Point, Ledger: run.Plan.After(), Schema: run.Seen.Kept(),
			Adds: len(ships) > 0 && ships[0].Release == run.Release && ships[0].Adds, // its statements were judged with its release's
		})
	case release.Overtaken:
		s.Backfill = nil
	default:
		e.stopped(s, *run)
	}
}

// restless are the backfills whose rest is over by now.
func (e *Engine) restless(ctx context.Context) error {
	var awake []place
	err := e.update(ctx, func(tx Tx) error {
		awake = nil
		now := e.now()
		for _, id := range tx.Open() {
			run, ok := tx.Run(id)
			if !ok || run.Phase != release.Paused || run.Backfill == nil || run.Backfill.Until.IsZero() || now.Before(run.Backfill.Until) {
				continue
			}
			s := tx.State(run.Project, run.Environment)
			if p, known := e.Project(run.Project); known && run.Backfill.Why == release.RestKept && e.barred(tx, p, run) != nil && !s.Backfill.Void {
				again := *run.Backfill
				again.Until, run.Backfill = now.Add(keptAgain), &again
				tx.PutRun(run)
				continue
			}
			e.requeue(tx, &s, &run, "backfill goes on")
			tx.PutState(s)
			awake = append(awake, place{run.Project, run.Environment})
		}
		return nil
	})
	for _, p := range awake {
		e.wake(p.project, p.env)
	}
	return err
}
