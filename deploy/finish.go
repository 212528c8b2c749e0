package deploy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"towline/deploy/audit"
	"towline/deploy/release"
)

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
	return e.held(ctx, run, func(tx Tx) error {
		e.finish(tx, run, how)
		return nil
	})
}

// finish is the part of a transaction that ends a run.
func (e *Engine) finish(tx Tx, run *release.Run, how ending) {
	now := e.now()
	run.Phase, run.Refusal, run.Failure, run.EndedAt = how.phase, how.refusal, how.failure, now
	s := tx.State(run.Project, run.Environment)
	switch {
	case run.Kind == release.Delete:
		e.dropped(tx, &s, run, how)
	case run.Kind == release.Backfill: // its release stays live, however it ends
	case how.phase == release.Unresolved:
		s.Unresolved = true
	case how.phase == release.Done && run.Kind == release.Baseline:
		e.adopted(tx, &s, run)
	case how.phase == release.Done:
		e.live(tx, &s, run, now)
	case how.phase == release.Broken:
		e.broke(tx, &s, run)
	case how.phase == release.Cancelled:
		if run.Touched() {
			e.broke(tx, &s, run)
		} else {
			tx.PutStanding(run.Project, run.Environment, run.Release, standing(tx, *run))
		}
	case how.phase == release.Refused:
		tx.PutStanding(run.Project, run.Environment, run.Release, afterRefusal(standing(tx, *run), how.refusal))
	}
	if how.phase != release.Unresolved {
		s.Lease, s.Unresolved = nil, false // ours: nothing else comes here
	}
	if run.Backup != nil {
		s.Backup = run.Backup
	}
	if run.Kind == release.Backfill {
		s.Seen = nil // it wrote a row of the ledger, perhaps
		e.backfilled(tx, &s, run, how)
	} else if how.phase == release.Done && run.Kind != release.Baseline && run.Kind != release.Delete {
		e.follow(tx, &s, run)
		e.beginWatch(tx, &s, run)
	}
	tx.PutState(s)
	if how.phase == release.Done || run.Touched() {
		e.usedBy(tx, *run, now)
	}
	if run.Environment == release.Production {
		e.showAgain(tx, *run, tx.State(run.Project, release.Preview).Last)
	}
	detail, who := string(how.phase), release.Person{}
	if how.refusal != nil {
		detail += " " + string(how.refusal.Code)
	}
	if how.failure != nil {
		detail += " " + how.failure.Code
	}
	if how.phase == release.Cancelled && run.Cancel != nil {
		who = run.Cancel.By
	}
	e.record(tx, *run, RunEnded, "ended", who, detail)
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
	before, adds := run.Point, run.Plan.Adds
	if s.Unfinished != nil {
		before, adds, s.Unfinished = s.Unfinished, false, nil // an earlier run left the database half way
	}
	tx.AddChange(run.Project, run.Environment, release.Change{
		Release: run.Release, Run: run.ID, Kind: run.Kind, At: now, Before: before, Ledger: run.Plan.After(), Schema: run.Seen.Kept(),
		Adds: adds,
	})
	if before != nil {
		s.Reached(*before, was)
	}
	e.settled(tx, s, run)
	e.remember(tx, run, run.Plan.Names())
	if run.Environment == release.Preview {
		e.overtake(tx, *run, now)
	}
	if run.Kind == release.Rollback {
		s.Hold = &release.Hold{Reason: fmt.Sprintf("rollback to #%d", run.Release), By: run.Requester, Run: run.ID, At: now, Reminded: now}
		tx.Audit(audit.Entry{At: now, Project: run.Project, Environment: run.Environment, Who: run.Requester, What: "hold", Run: run.ID, Release: run.Release})
		tx.Append(Event{Run: run.ID, Project: run.Project, Environment: run.Environment, Kind: HoldChanged, At: now})
	}
}

// overtake ends production's open request where a newer release took preview from the one that it is for: it could not be
// carried out any more, and whoever asked should hear that now and not after somebody's approval.
func (e *Engine) overtake(tx Tx, by release.Run, now time.Time) {
	open := findRun(tx, tx.State(by.Project, release.Production).Request)
	if open == nil || open.Phase != release.Asking || open.Kind != release.Promote || open.Release >= by.Release || open.Breaking != nil {
		return
	}
	open.OvertakenBy = by.Release
	e.close(tx, open, release.Overtaken, now)
	e.record(tx, *open, RunEnded, "superseded", by.Requester, fmt.Sprintf("by #%d on preview", by.Release))
}

// broke stores what is left of a run that failed after it had begun.
func (e *Engine) broke(tx Tx, s *release.State, run *release.Run) {
	if run.Kind == release.Delete {
		return // it is about no release, and changed nothing or took everything
	}
	if run.Touched() {
		s.Seen = nil // whatever is there now is no change from outside
		if s.Unfinished == nil {
			s.Unfinished = run.Point
		}
	}
	if run.Kind == release.Rollback || run.Kind == release.Baseline {
		tx.PutStanding(run.Project, run.Environment, run.Release, standing(tx, *run)) // what failed is the way back, or the ledger alone
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

// afterRefusal is how a release stands that a gate refused: as before, but one that its own content kept from ever being
// there has failed.
func afterRefusal(before release.Standing, why *release.Refusal) release.Standing {
	content := slices.Contains([]release.Code{release.CodeRehearsalFailed, release.CodeWouldLoseRows, release.CodeLint}, why.Code)
	if before == "" && content {
		return release.Failed
	}
	return before
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
