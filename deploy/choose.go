package deploy

import (
	"context"
	"errors"

	"towline/deploy/gate"
	"towline/deploy/release"
)

// ChooseWay makes an open rollback go back another way than the cheapest. Only the one who asked for it may, and only while
// nobody has approved: what is asked about then is another plan, under another digest, and what was approved is what ships.
// digest is that of the plan that the choice was offered with.
func (e *Engine) ChooseWay(ctx context.Context, r Request, id, digest string, way release.Way) (release.Run, error) {
	run, ok, err := e.FindRun(ctx, id)
	if err != nil {
		return run, err
	}
	if !ok {
		return run, release.Refuse(release.CodeStaleButton)
	}
	r.Project = run.Project
	run, err = e.choose(ctx, r, run, digest, way)
	return run, e.told(ctx, r, "way", err)
}

func (e *Engine) choose(ctx context.Context, r Request, run release.Run, digest string, way release.Way) (release.Run, error) {
	p, err := e.project(run.Project)
	if err != nil {
		return run, err
	}
	if refusal := choosable(run, r.By, digest); refusal != nil {
		return run, refusal
	}
	if run.Plan.Back.Way == way {
		return run, nil
	}
	run.Way = way
	plan, err := e.plan(ctx, p, run)
	if err != nil {
		return run, factsMissing(err)
	}
	err = e.update(ctx, func(tx Tx) error {
		now, ok := tx.Run(run.ID)
		if !ok {
			return release.Refuse(release.CodeStaleButton)
		}
		if refusal := choosable(now, r.By, digest); refusal != nil {
			return refusal
		}
		if refusal := e.gates(tx, p, &now, plan); refusal != nil {
			return refusal
		}
		now.Way, now.Plan, now.Approved, now.Changes = way, &plan.plan, plan.plan.Digest(), nil
		e.record(tx, now, RunChanged, "way chosen", r.By.Person, string(way))
		run = now
		return nil
	})
	if refusal, ok := errors.AsType[*release.Refusal](err); ok {
		return run, refusal
	}
	return run, wrap(err, "store the way that was chosen")
}

// choosable refuses a choice that comes from somebody else, or too late.
func choosable(run release.Run, by gate.Actor, digest string) *release.Refusal {
	switch {
	case run.Kind != release.Rollback || run.Plan == nil || run.Plan.Back == nil:
		return release.Refuse(release.CodeStaleButton)
	case run.Phase != release.Asking:
		return release.Refuse(release.CodeAlreadyDone, "phase", string(run.Phase))
	case run.Requester.ID != by.ID:
		return release.Refuse(release.CodeNotYours, "what", "way", "by", run.Requester.Shown())
	case len(run.Approvers()) > 0:
		return release.Refuse(release.CodeWayFixed, "by", run.Approvers()[0].Shown())
	case run.Approved != digest:
		return release.Refuse(release.CodeDigestMismatch)
	}
	return nil
}
