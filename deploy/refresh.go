package deploy

import (
	"context"
	"slices"

	"towline/deploy/release"
)

// Reconsider looks at every open request again after it changed who may what, or what a request takes. A vote whose role
// ended is struck out and the request is asked again, saying so; one that takes other approvals now is planned anew. Else a
// card would go on saying, until somebody presses, what is not true any more.
func (e *Engine) Reconsider(ctx context.Context) error {
	if err := e.getToKnow(ctx); err != nil {
		return err
	}
	var open []string
	err := e.store.View(ctx, func(tx Tx) error {
		open = asking(tx, func(release.Run) bool { return true })
		return nil
	})
	for _, id := range open {
		if err == nil {
			err = e.reconsider(ctx, id)
		}
	}
	return wrap(err, "look at the open requests again")
}

// asking lists the open requests that are wanted.
func asking(tx Tx, want func(release.Run) bool) (ids []string) {
	for _, id := range tx.Open() {
		if run, ok := tx.Run(id); ok && run.Phase == release.Asking && want(run) {
			ids = append(ids, id)
		}
	}
	return ids
}

// reconsider strikes out one request's votes that do not count any more, has its card shown again, and has its runner look
// whether it has to be planned anew.
func (e *Engine) reconsider(ctx context.Context, id string) error {
	var (
		run  release.Run
		open bool
	)
	err := e.update(ctx, func(tx Tx) error {
		if run, open = tx.Run(id); !open || run.Phase != release.Asking {
			open = false
			return nil
		}
		kind := RunChanged
		if ended := e.voidVotes(tx, &run); len(ended) > 0 {
			run.Changes = append(slices.Clone(run.Changes), noLonger(ended)...)
			run.Asked, kind = run.Asked+1, RunAsked
		}
		tx.PutRun(run)
		tx.Append(Event{Run: run.ID, Project: run.Project, Environment: run.Environment, Kind: kind, At: e.now()})
		return nil
	})
	if err == nil && open {
		e.wake(run.Project, run.Environment)
	}
	return err
}

// outdated reports whether an open request was asked under another config than the one that counts, as after a start.
func (e *Engine) outdated(tx Tx, run release.Run) bool {
	return len(e.endedVotes(tx, run)) > 0 || e.overtaken(run, tx.State(run.Project, run.Environment))
}

// overtaken: another release went live under an open request, or it takes other approvals now.
func (e *Engine) overtaken(run release.Run, s release.State) bool {
	if run.Plan == nil || run.Plan.Live != s.Live {
		return run.Plan != nil
	}
	p, ok := e.Project(run.Project)
	return ok && run.Breaking == nil && run.Plan.Policy != p.policy(run.Environment)
}

// refresh plans an open request anew when another release went live underneath it, or when it takes other approvals now:
// people should not be asked about what would not happen any more, and those who have approved are asked again with what
// changed.
func (e *Engine) refresh(ctx context.Context, at place) error {
	var run release.Run
	stale := false
	err := e.store.View(ctx, func(tx Tx) error {
		s := tx.State(at.project, at.env)
		open := findRun(tx, s.Request)
		if stale = open != nil && open.Phase == release.Asking && e.overtaken(*open, s); stale {
			run = *open
		}
		return nil
	})
	if err != nil || !stale {
		return err
	}
	return e.replan(ctx, run)
}

// replan plans an open request anew. Where that gives another plan, people are asked again; where it gives the same one,
// what stands outside its digest is brought up to date.
func (e *Engine) replan(ctx context.Context, run release.Run) error {
	p, err := e.project(run.Project)
	if err != nil {
		return nil //nolint:nilerr // it left the config; the request expires
	}
	plan, err := e.plan(ctx, p, run)
	if err != nil {
		e.log.WarnContext(ctx, "an open request could not be planned anew", "run", run.ID, "error", err)
		return nil // it is judged again when it is approved
	}
	var stored release.Run
	err = e.update(ctx, func(tx Tx) error {
		now, ok := tx.Run(run.ID)
		if !ok || now.Phase != release.Asking {
			return nil
		}
		if now.Breaking == nil && e.gates(tx, p, &now, plan) != nil {
			return nil // the card says so when somebody approves; what it asks for may come true again
		}
		if now.Approved == plan.plan.Digest() {
			now.Plan = &plan.plan
			stored = now
			tx.PutRun(now)
			tx.Append(Event{Run: now.ID, Project: now.Project, Environment: now.Environment, Kind: RunChanged, At: e.now()})
			return nil
		}
		e.askAnew(tx, p, &now, plan.plan, nil)
		stored = now
		return nil
	})
	if err == nil {
		e.followCopy(stored)
	}
	return err
}
