package deploy

import (
	"context"

	"towline/deploy/release"
)

// refresh plans an open request anew when another release went live underneath it: people should not be asked about what
// would not happen any more, and those who have approved are asked again with what changed.
func (e *Engine) refresh(ctx context.Context, at place) error {
	var run release.Run
	stale := false
	err := e.store.View(ctx, func(tx Tx) error {
		s := tx.State(at.project, at.env)
		open := findRun(tx, s.Request)
		if stale = open != nil && open.Phase == release.Asking && open.Plan != nil && open.Plan.Live != s.Live; stale {
			run = *open
		}
		return nil
	})
	if err != nil || !stale {
		return err
	}
	p, err := e.project(at.project)
	if err != nil {
		return nil //nolint:nilerr // it left the config; the request expires
	}
	plan, err := e.plan(ctx, p, run)
	if err != nil {
		e.log.WarnContext(ctx, "an open request could not be planned anew", "run", run.ID, "error", err)
		return nil // it is judged again when it is approved
	}
	return e.update(ctx, func(tx Tx) error {
		now, ok := tx.Run(run.ID)
		if !ok || now.Phase != release.Asking || now.Approved == plan.plan.Digest() {
			return nil
		}
		if now.Breaking == nil && e.gates(tx, p, &now, plan) != nil {
			return nil // the card says so when somebody approves; what it asks for may come true again
		}
		e.askAnew(tx, p, &now, plan.plan, nil)
		return nil
	})
}
