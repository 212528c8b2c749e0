package deploy

import (
	"context"
	"fmt"
	"slices"

	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/migrations/rehearse"
)

// DropRequest is somebody's wish to empty or delete a preview database.
type DropRequest struct {
	Request         // its Project is found by the database
	Database string // its name
	Seen     string // Digest of the Preview that they were shown
	Twice    bool   // they named it twice, knowing that Towline did not make it
}

// DeletePreview takes a preview database away, with all that it holds: a copy of it is kept first, and restored here to
// prove it. It returns at once; the run's card tells how it goes. Never production, and never one that Towline did not make
// unless it was named twice. A refusal is a *release.Refusal.
func (e *Engine) DeletePreview(ctx context.Context, r DropRequest) (release.Run, error) {
	return e.drop(ctx, r, release.Run{Kind: release.Delete, Environment: release.Preview})
}

// EmptyPreview rebuilds a preview database from production's schema, ledger and the seed, for the release that is live
// there, after a copy of it was kept. What DeletePreview says of who may, and when not, is true of it as well.
func (e *Engine) EmptyPreview(ctx context.Context, r DropRequest) (release.Run, error) {
	return e.drop(ctx, r, release.Run{Kind: release.Reset, Environment: release.Preview})
}

func (e *Engine) drop(ctx context.Context, r DropRequest, run release.Run) (release.Run, error) {
	act := string(run.Kind) + " " + r.Database
	var by gate.Actor
	err := e.store.View(ctx, func(tx Tx) error {
		by = e.actor(tx, r.By)
		return nil
	})
	if err != nil {
		return release.Run{}, err
	}
	if refusal := gate.Needs(by, gate.Deployer, act); refusal != nil {
		return release.Run{}, e.told(ctx, r.Request, act, refusal)
	}
	if known, ok, err := e.asked(ctx, r.Key); ok || err != nil {
		return known, err
	}
	p, err := e.Preview(ctx, r.Database)
	if err == nil {
		r.Project = p.Project
		err = e.droppable(ctx, p, r, &run)
	}
	if err == nil {
		run, err = e.enqueue(ctx, Project{Name: p.Project}, r.Request, run, func(tx Tx) *release.Refusal {
			return e.dropStarts(tx, run)
		})
	}
	return run, e.told(ctx, r.Request, act, err)
}

// dropAsked is what the audit log says of the request.
func dropAsked(run release.Run) (what, detail string) {
	what = "empty asked"
	if run.Kind == release.Delete {
		what = "delete asked"
	}
	return what, fmt.Sprintf("%s (%s), as it was shown: %s", run.Drop.Database, run.Drop.ID, release.Short(run.Drop.Digest()))
}

// droppable fills the run in, or refuses what is known already to be refused.
func (e *Engine) droppable(ctx context.Context, p Preview, r DropRequest, run *release.Run) error {
	switch {
	case e.backups == nil || e.exports == nil:
		return release.Refuse(release.CodeNoBackups, "database", p.Database)
	case r.Seen != p.Digest():
		return release.Refuse(release.CodePreviewChanged, "database", p.Database)
	}
	p.Foreign = p.Foreign && r.Twice
	run.Drop, run.Project = &p.Drop, p.Project
	if run.Kind != release.Reset {
		return nil
	}
	return e.store.View(ctx, func(tx Tx) error {
		if run.Release = p.rebuiltFor(tx); run.Release == 0 || p.LeftOver {
			return release.Refuse(release.CodeNothingToReset, "database", p.Database, "project", p.Project)
		}
		e.describe(tx, run)
		run.Ref = run.Origin.Ref
		return nil
	})
}

// dropStarts refuses a run that empties or deletes what may not be, or that another one is about already.
func (e *Engine) dropStarts(tx Tx, run release.Run) *release.Refusal {
	if refusal := e.mayDrop(tx, *run.Drop); refusal != nil {
		return refusal
	}
	s := tx.State(run.Project, release.Preview)
	if s.Unresolved && s.Lease != nil {
		return release.Refuse(release.CodeUnsettled, "run", s.Lease.Run)
	}
	if b := s.Backfill; b != nil && !b.Void && s.Database == run.Drop.Database {
		return release.Refuse(release.CodeBackfillUnfinished, "project", run.Project, "environment", string(release.Preview), "file", b.File, "release", number64(b.Release))
	}
	ids := slices.Clone(s.Queue)
	if s.Lease != nil {
		ids = append(ids, s.Lease.Run)
	}
	for _, id := range ids {
		if other, ok := tx.Run(id); ok && id != run.ID && other.Phase.Open() && other.Drop != nil && other.Drop.ID == run.Drop.ID {
			return release.Refuse(release.CodeAlreadyDone, "phase", string(other.Phase))
		}
	}
	return nil
}

// delete takes a claimed deletion to its end, or to a place where it can be taken up again. Its project need not be in the
// config any more.
func (e *Engine) delete(ctx context.Context, run *release.Run) error {
	p, err := e.project(run.Project)
	if err != nil {
		p = Project{Name: run.Project}
	}
	p.Preview = run.Drop.Database
	if run.Phase == release.Preparing {
		preparing, done := e.runners.preparing(ctx, place{run.Project, run.Environment})
		ready, err := e.prepareDelete(preparing, p, run)
		done()
		if err != nil || !ready {
			return err
		}
		e.log.InfoContext(ctx, "run starts", "project", run.Project, "run", run.ID, "kind", run.Kind, "database", run.Drop.Database)
	}
	return e.carry(ctx, p, run)
}

// prepareDelete looks at the database and begins the run, unless it is another one by now.
func (e *Engine) prepareDelete(ctx context.Context, p Project, run *release.Run) (ready bool, err error) {
	t, err := e.deletable(ctx, p, run)
	if err != nil {
		if ctx.Err() != nil {
			return false, e.giveUp(ctx, run)
		}
		return false, e.end(ctx, run, refused(err))
	}
	plan := e.planDelete(ctx, p, *run, t)
	was := *run
	err = e.held(ctx, run, func(tx Tx) error {
		*run, ready = was, false
		s := tx.State(run.Project, run.Environment)
		if run.Cancel = s.Lease.Cancel; run.Cancel != nil {
			e.finish(tx, run, ending{phase: release.Cancelled})
			return nil
		}
		refusal := gate.Start{Kind: run.Kind, Environment: run.Environment, By: run.Requester, State: s}.Kept(e.now())
		if refusal == nil {
			refusal = e.dropStarts(tx, *run)
		}
		if refusal != nil {
			e.finish(tx, run, ending{phase: release.Refused, refusal: refusal})
			return nil
		}
		run.Plan, run.Approved = plan, plan.Digest()
		run.Phase, ready = release.Executing, true
		for _, name := range []string{release.StepBackup, release.StepDelete} {
			run.Steps = append(run.Steps, release.Step{Name: name, State: release.StepPlanned})
		}
		e.record(tx, *run, RunChanged, "running", release.Person{}, fmt.Sprintf("deletes %s (%s)", run.Drop.Database, run.Drop.ID))
		return nil
	})
	return ready, wrap(err, "start the deletion")
}

// deletable reads the database, and refuses one that is not what was confirmed.
func (e *Engine) deletable(ctx context.Context, p Project, run *release.Run) (target, error) {
	e.ofLive(ctx, &p)
	t, err := e.look(ctx, p, run.Environment, release.Target{Database: run.Drop.Database, ID: run.Drop.ID})
	switch {
	case err != nil:
		return t, factsMissing(err)
	case t.Database.ID == "":
		return t, release.Refuse(release.CodeNoPreview, "database", run.Drop.Database)
	}
	return t, e.asConfirmed(ctx, *run, t.Database.ID)
}

// asConfirmed refuses a database that is another one than somebody confirmed, or was touched since.
func (e *Engine) asConfirmed(ctx context.Context, run release.Run, id string) error {
	now, err := e.Preview(ctx, run.Drop.Database)
	if err == nil && (id != run.Drop.ID || now.Digest() != run.Drop.Digest()) {
		err = release.Refuse(release.CodePreviewChanged, "database", run.Drop.Database)
	}
	return err
}

// stillMay is mayDrop at the last moment, before the one thing that cannot be taken back.
func (e *Engine) stillMay(ctx context.Context, d release.Drop) error {
	return e.store.View(ctx, func(tx Tx) error {
		if refusal := e.mayDrop(tx, d); refusal != nil {
			return fmt.Errorf("it may not be any more: %w", refusal)
		}
		return nil
	})
}

// ofLive gives a project the ledger that the release has which is live on preview.
func (e *Engine) ofLive(ctx context.Context, p *Project) {
	_ = e.store.View(ctx, func(tx Tx) error { // without it the ledger's usual name is tried
		if r, ok := tx.Release(p.Name, tx.State(p.Name, release.Preview).Live); ok {
			*p = p.of(r)
		}
		return nil
	})
}

// planDelete is what a deletion does, with what the database is now.
func (e *Engine) planDelete(ctx context.Context, p Project, run release.Run, t target) *release.Plan {
	e.ofLive(ctx, &p)
	plan := release.Plan{
		Kind: release.Delete, Project: run.Project, Environment: run.Environment, Target: t.Database, Ledger: p.ledger(),
		Fingerprint: rehearse.Fingerprint(t.Objects, p.ledger()), Applied: names(t.Ledger), Size: t.Size,
		Backup: e.planCopy(ctx, run, t, "deletes "+run.Drop.Database),
	}
	return &plan
}

// planCopy is the copy that is kept before a preview database is emptied or deleted, whatever the project says of backups.
func (e *Engine) planCopy(ctx context.Context, run release.Run, t target, why string) *release.BackupPlan {
	b := release.BackupPlan{Why: []string{why}, Tables: slices.ContainsFunc(t.Objects, isVirtual)}
	if e.unexported(ctx, run.Project, run.Environment, t) != "" {
		b.Tables = true
		return &b
	}
	b.Seconds, b.Guessed = e.expected(ctx, run.Project, run.Environment, t.Size)
	return &b
}

// dropped is the part of a transaction that ends a deletion: whatever was on the database is nowhere now.
func (e *Engine) dropped(tx Tx, s *release.State, run *release.Run, how ending) {
	if how.phase == release.Unresolved {
		s.Unresolved = true
		return
	}
	if !deleted(*run) || s.DatabaseID != run.Drop.ID {
		return
	}
	if s.Live != 0 {
		tx.PutStanding(run.Project, run.Environment, s.Live, release.Superseded)
	}
	s.Database, s.DatabaseID, s.Live, s.LiveRun, s.Seen, s.Unfinished, s.Points, s.Left = "", "", 0, "", nil, nil, nil, nil
}
