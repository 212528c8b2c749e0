package deploy

import (
	"context"
	"slices"

	"towline/deploy/release"
)

// prepare brings a claimed run to the point where its steps can begin. ready=false: it has ended, or asks again.
// Everything here can be done twice without harm.
func (e *Engine) prepare(ctx context.Context, p Project, run *release.Run) (ready bool, err error) {
	if run.Release == 0 {
		if err := e.fetch(ctx, p, run); err != nil {
			if ctx.Err() != nil {
				return false, e.giveUp(ctx, run) // or fetched again by the next start
			}
			return false, e.end(ctx, run, refused(err))
		}
	}
	if err := e.uncopied(ctx, *run); err != nil {
		return false, e.giveUp(ctx, run)
	}
	for range 2 {
		if p, err = e.project(run.Project); err != nil { // the config may be another one by now
			return false, e.end(ctx, run, refused(err))
		}
		plan, err := e.plan(ctx, p, *run)
		if err != nil {
			if ctx.Err() != nil {
				return false, e.giveUp(ctx, run)
			}
			return false, e.end(ctx, run, refused(err))
		}
		ready, refusal, err := e.start(ctx, p, run, plan)
		if refusal != nil && refusal.Code == release.CodeFactsOld {
			continue // a slow rehearsal outlived its facts: look once more
		}
		if refusal != nil {
			return false, e.end(ctx, run, ending{phase: release.Refused, refusal: refusal})
		}
		return ready, err
	}
	return false, e.end(ctx, run, ending{phase: release.Refused, refusal: release.Refuse(release.CodeFactsOld, "what", "the database")})
}

// fetch takes the ref's content and makes a numbered release of it, or finds the one that it is already.
func (e *Engine) fetch(ctx context.Context, p Project, run *release.Run) error {
	run.Steps = []release.Step{{Name: release.StepFetch, State: release.StepIntent, Begun: e.now()}}
	if err := e.progress(ctx, run); err != nil {
		return err
	}
	snapshot, err := p.Source.Fetch(ctx, run.Ref)
	if err != nil {
		return &OutsideError{Refusal: release.Refuse(release.CodeSource, "ref", run.Ref, "problem", err.Error()), Err: err}
	}
	r, err := e.bundle(ctx, p, snapshot)
	if err != nil {
		return err
	}
	ref := snapshot.Origin.Ref // as the source understood it: what was typed may be a commit, or a tag that looks like a branch
	return e.held(ctx, run, func(tx Tx) error {
		if number, ok := tx.ReleaseOf(p.Name, r.Digest); ok {
			known, _ := tx.Release(p.Name, number)
			if ref != "" && !slices.Contains(known.Refs, ref) {
				known.Refs = append(known.Refs, ref)
			}
			seenAgain(&known, r)
			tx.PutRelease(known)
			run.Release = number
		} else {
			made := r
			made.Number, made.CreatedBy, made.CreatedAt = tx.NextRelease(p.Name), run.Requester, e.now()
			if ref != "" {
				made.Refs = []string{ref}
			}
			tx.PutRelease(made)
			run.Release = made.Number
		}
		run.Origin, run.Was = snapshot.Origin, tx.State(p.Name, run.Environment).Live
		if was, ok := tx.Release(p.Name, run.Was); ok && run.Was != run.Release {
			run.WasFrom = &was.Origin
		}
		run.Steps[0].State, run.Steps[0].Ended = release.StepDone, e.now()
		e.record(tx, *run, RunChanged, "released", release.Person{}, release.Short(r.Digest))
		return nil
	})
}

// start is the transaction that begins a run: the gates once more, on fresh facts and on the store as it is in this very
// moment. ready=false without a refusal: the plan is another than the one that was approved, or an approval ended, so
// people are asked again; or there is nothing to do; or somebody cancelled it.
func (e *Engine) start(ctx context.Context, p Project, run *release.Run, plan planned) (ready bool, refusal *release.Refusal, err error) {
	was := *run
	err = e.held(ctx, run, func(tx Tx) error {
		*run = was // the transaction may be run again
		s := tx.State(p.Name, run.Environment)
		if run.Cancel = s.Lease.Cancel; run.Cancel != nil {
			e.finish(tx, run, ending{phase: release.Cancelled})
			return nil
		}
		ready, refusal = false, e.sameConfig(p, *run)
		if refusal == nil && run.Drop != nil {
			refusal = e.dropStarts(tx, *run)
		}
		if refusal == nil {
			refusal = e.gates(tx, p, run, plan)
		}
		if refusal != nil {
			run.Plan = &plan.plan // for the card: what it would have done
			return nil
		}
		digest := plan.plan.Digest()
		if plan.plan.Policy.Approvals > 0 {
			changed, ended := digest != run.Approved, e.voidVotes(tx, run)
			if changed || len(run.Approvers()) < plan.plan.Policy.Approvals {
				e.askAnew(tx, p, run, plan.plan, ended)
				return nil
			}
		}
		run.Plan, run.Was, run.WasFrom = &plan.plan, s.Live, nil
		if before, ok := tx.Release(p.Name, s.Live); ok && s.Live != run.Release {
			run.WasFrom = &before.Origin
		}
		if nothingToDo(*run, s) {
			e.unchanged(tx, run, s)
			return nil
		}
		run.Phase, ready = release.Executing, true
		run.Steps = append(slices.Clone(run.Steps), stepsOf(plan.plan)...)
		tx.PutStanding(p.Name, run.Environment, run.Release, release.Running)
		e.endWatch(tx, s.Watch, run)
		e.record(tx, *run, RunChanged, "running", release.Person{}, gatesPassed(*run))
		if run.Breaking != nil { // not before: what another gate refuses after all has gone past none
			e.broken(tx, *run, e.now())
		}
		return nil
	})
	return ready, refusal, wrap(err, "start the run")
}

// sameConfig refuses a plan that was made under a config of which something that matters has changed since.
func (e *Engine) sameConfig(p Project, run release.Run) *release.Refusal {
	now, ok := e.Project(p.Name)
	switch {
	case !ok:
		return release.Refuse(release.CodeUnknownProject, "project", p.Name)
	case run.Breaking == nil && now.policy(run.Environment) != p.policy(run.Environment), now.Database(run.Environment) != p.Database(run.Environment):
		return release.Refuse(release.CodeFactsOld, "what", "the config")
	}
	return nil
}

// unchanged ends a run that has nothing to do.
func (e *Engine) unchanged(tx Tx, run *release.Run, s release.State) {
	run.Phase, run.EndedAt, s.Lease = release.Unchanged, e.now(), nil
	e.follow(tx, &s, run)
	tx.PutState(s)
	e.usedBy(tx, *run, run.EndedAt)
	tx.PutStanding(run.Project, run.Environment, run.Release, release.Live)
	e.record(tx, *run, RunEnded, "ended", release.Person{}, string(release.Unchanged))
}

// nothingToDo: the release is live, on a database that is there and lacks none of its migrations. A reset and a rollback
// are asked for in spite of what is there.
func nothingToDo(run release.Run, s release.State) bool {
	return s.Live == run.Release && len(run.Plan.Pending) == 0 && run.Plan.Target.ID != "" &&
		run.Kind != release.Reset && run.Kind != release.Rollback
}

// askAnew turns a run into a request: people have to say yes to a plan of which nobody has said so yet, because it is
// another one now, or because those who did may not any more. It is asked again with what changed since.
func (e *Engine) askAnew(tx Tx, p Project, run *release.Run, now release.Plan, ended []release.Person) {
	run.Changes = nil
	if run.Plan != nil {
		run.Changes = release.Differences(*run.Plan, now)
	}
	run.Changes = append(run.Changes, noLonger(ended)...)
	what := "plan changed"
	if run.Plan == nil {
		what = "asked"
	}
	run.Plan, run.Approved, run.Required = &now, now.Digest(), now.Policy.Approvals
	run.Phase, run.ExpiresAt, run.Asked = release.Asking, e.now().Add(p.approvals(run.Environment).Expire), run.Asked+1
	s := tx.State(run.Project, run.Environment)
	if s.Lease != nil && s.Lease.Run == run.ID {
		s.Lease = nil
		tx.PutState(s)
	}
	if other, ok := tx.Run(s.Request); ok && other.ID != run.ID && other.Phase == release.Asking {
		if other.RequestedAt.After(run.RequestedAt) { // it came while this one waited for its turn; the newer one stands
			e.close(tx, run, release.Overtaken, e.now())
			e.record(tx, *run, RunEnded, "superseded", release.Person{}, "by "+other.ID)
			return
		}
		e.close(tx, &other, release.Overtaken, e.now())
		e.record(tx, other, RunEnded, "superseded", run.Requester, "by "+run.ID)
		s = tx.State(run.Project, run.Environment)
	}
	s.Request = run.ID
	tx.PutState(s)
	e.record(tx, *run, RunAsked, what, release.Person{}, gatesPassed(*run))
}

// stepsOf lists what carries a plan out.
func stepsOf(plan release.Plan) []release.Step {
	var steps []release.Step
	add := func(name string, index int) {
		steps = append(steps, release.Step{Name: name, State: release.StepPlanned, Index: index})
	}
	travel := plan.Back != nil && plan.Back.Way == release.WayTimeTravel
	changes := plan.Transactions
	if plan.Reset {
		changes++
	}
	if plan.Target.ID == "" {
		add(release.StepProvision, 0)
	}
	if (changes > 0 || plan.Backfill != nil) && plan.Backup.Wanted() { // a backfill that destroys begins after this run
		add(release.StepBackup, 0)
	}
	if changes > 0 || travel {
		add(release.StepPoint, 0) // as late as can be: what is written before it survives the way back
	}
	name := release.StepApply
	if plan.Back != nil {
		name = release.StepUndo
	}
	for i := range changes {
		if i == 0 && plan.Reset {
			add(release.StepReset, 0)
			continue
		}
		add(name, i)
	}
	if travel {
		add(release.StepRestore, 0)
	}
	add(release.StepVerify, 0)
	return steps
}

// progress stores how far a run has come.
func (e *Engine) progress(ctx context.Context, run *release.Run) error {
	return e.held(ctx, run, func(tx Tx) error {
		tx.PutRun(*run)
		tx.Append(Event{Run: run.ID, Project: run.Project, Environment: run.Environment, Kind: RunChanged, At: e.now()})
		return nil
	})
}

// giveUp ends a run whose preparing was interrupted, if somebody cancelled it; otherwise the next start takes it up again.
func (e *Engine) giveUp(ctx context.Context, run *release.Run) error {
	return e.held(context.WithoutCancel(ctx), run, func(tx Tx) error {
		if s := tx.State(run.Project, run.Environment); s.Lease.Cancel != nil {
			run.Cancel = s.Lease.Cancel
			e.finish(tx, run, ending{phase: release.Cancelled})
		}
		return nil
	})
}
