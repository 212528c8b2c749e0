package deploy

import (
	"context"
	"slices"

	"towline/deploy/gate"
	"towline/deploy/release"
)

// Cancel stops a run: a request and a run in the queue at once, one that has begun at its next safe step, that is between
// two steps. What it has done by then stays, and its card says so. Whoever asked for a run may cancel it; so may an
// approver.
func (e *Engine) Cancel(ctx context.Context, r Request, id string) (run release.Run, err error) {
	err = e.decide(ctx, r, "cancel", func(tx Tx) error {
		var ok bool
		if run, ok = tx.Run(id); !ok {
			return release.Refuse(release.CodeStaleButton)
		}
		if by := e.actor(tx, r.By); by.ID != run.Requester.ID || by.ID == 0 {
			if refusal := gate.Needs(by, gate.Approver, "cancel"); refusal != nil {
				return refusal
			}
		}
		now := e.now()
		cancel := &release.Cancel{By: r.By.Person, At: now}
		s := tx.State(run.Project, run.Environment)
		begun := s.Lease != nil && s.Lease.Run == id && !s.Unresolved
		switch {
		case run.Phase == release.Asking || (run.Phase == release.Queued || run.Phase == release.Paused) && !begun:
			run.Cancel = cancel
			if run.Kind == release.Backfill {
				e.stopped(&s, run)
				tx.PutState(s)
			}
			e.close(tx, &run, release.Cancelled, now)
			e.record(tx, run, RunEnded, "cancelled", r.By.Person, "before it began")
			e.movedUp(tx, tx.State(run.Project, run.Environment))
		case !begun:
			return release.Refuse(release.CodeAlreadyDone, "phase", string(run.Phase))
		case s.Lease.Cancel != nil:
			return release.Refuse(release.CodeAlreadyDone, "phase", string(release.Cancelled))
		case !stoppable(run):
			return release.Refuse(release.CodeTooLate)
		default:
			s.Lease.Cancel, run.Cancel = cancel, cancel
			tx.PutState(s)
			e.record(tx, run, RunChanged, "cancel asked", r.By.Person, "")
		}
		return nil
	})
	if err == nil && run.Phase.Open() {
		e.runners.interrupt(place{run.Project, run.Environment})
	}
	return run, err
}

// stoppable reports whether there is a step left that could be left out.
func stoppable(run release.Run) bool {
	if run.Phase == release.Preparing || run.Kind == release.Backfill {
		return true
	}
	return slices.ContainsFunc(run.Steps, func(s release.Step) bool {
		return s.State == release.StepPlanned && s.Name != release.StepVerify
	})
}

// OpenRuns lists a project's runs that can still change something, oldest first.
func (e *Engine) OpenRuns(ctx context.Context, project string) ([]release.Run, error) {
	var out []release.Run
	err := e.store.View(ctx, func(tx Tx) error {
		out = nil
		for _, env := range []release.Environment{release.Preview, release.Production} {
			s := tx.State(project, env)
			ids := append([]string{s.Request}, s.Queue...)
			if s.Lease != nil && !s.Unresolved {
				ids = append([]string{s.Lease.Run}, ids...)
			}
			if b := s.Backfill; b != nil && !slices.Contains(ids, b.Run) {
				ids = append(ids, b.Run)
			}
			for _, id := range ids {
				if run := findRun(tx, id); run != nil && run.Phase.Open() {
					out = append(out, *run)
				}
			}
		}
		return nil
	})
	return out, wrap(err, "list the open runs of %s", project)
}

// cancelled is the end of a run that somebody stopped, with what it had done by then.
func (x *execution) cancelled() *ending {
	failure := release.Failure{Code: "cancelled"}
	for i := range x.run.Steps {
		s := x.run.Steps[i]
		if s.Index >= len(x.script) || s.Name != release.StepApply && s.Name != release.StepUndo {
			continue
		}
		if s.State == release.StepDone {
			failure.Applied = append(failure.Applied, x.script[s.Index].Names...)
		} else {
			failure.Left = append(failure.Left, x.script[s.Index].Names...)
		}
	}
	return &ending{phase: release.Cancelled, failure: &failure}
}
