package deploy

import (
	"context"
	"fmt"
	"time"

	"towline/deploy/gate"
	"towline/deploy/release"
)

// Resolve takes up a run of which nobody knows how it ended. With look, Towline reads Cloudflare once more and goes on
// from what it finds. Without, a person has looked and says that the step did not happen: the run ends as failed, and
// the environment is free again. Nothing is ever sent twice by this.
func (e *Engine) Resolve(ctx context.Context, id string, by gate.Actor, look bool) (release.Run, error) {
	var run release.Run
	err := e.update(ctx, func(tx Tx) error {
		var ok bool
		if run, ok = tx.Run(id); !ok {
			return release.Refuse(release.CodeStaleButton)
		}
		if refusal := gate.Needs(e.actor(tx, by), gate.Approver, "resolve"); refusal != nil {
			return refusal
		}
		s := tx.State(run.Project, run.Environment)
		if run.Phase != release.Unresolved || s.Lease == nil || s.Lease.Run != id {
			return release.Refuse(release.CodeAlreadyDone, "phase", string(run.Phase))
		}
		s.Unresolved = false
		what := "looked again"
		if look {
			run.Phase, run.Failure, run.EndedAt = release.Executing, nil, time.Time{}
			for i := range run.Steps {
				if run.Steps[i].State == release.StepUnknown {
					run.Steps[i].State = release.StepIntent
				}
			}
		} else {
			what = "closed"
			run.Phase, run.EndedAt, s.Lease = release.Broken, e.now(), nil
			run.Failure.Code = "closed_by_person"
			e.broke(tx, &s, &run)
		}
		tx.PutState(s)
		kind := RunChanged
		if !look {
			kind = RunEnded
		}
		e.record(tx, run, kind, what, by.Person, "")
		return nil
	})
	if err != nil {
		if r := refusalIn(err); r != nil {
			return run, r
		}
		return run, fmt.Errorf("store the decision: %w", err)
	}
	e.wake(run.Project, run.Environment)
	return run, nil
}
