package deploy

import (
	"context"
	"fmt"
	"slices"
	"time"

	steps "towline/deploy/backfill"
	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/backfill"
	"towline/migrations/rehearse"
)

// backfillIn takes the backfill off the end of what is pending: it is not sent with the rest, but begins when the release is
// live. On a database without rows a backfill is a statement like any other, wherever its file stands.
func (e *Engine) backfillIn(ctx context.Context, d draft, pending []migrations.File, empty bool) (send []migrations.File, job *backfill.Job, err error) {
	var found []string
	for _, f := range pending {
		if backfill.Is(f.SQL) {
			found = append(found, f.Name)
		}
	}
	if empty {
		send, err = whole(pending)
		return send, nil, err
	}
	if err := e.overUnfinished(ctx, d, pending, found); err != nil || len(found) == 0 {
		return pending, nil, err
	}
	last := pending[len(pending)-1]
	if len(found) > 1 || found[0] != last.Name {
		return nil, nil, release.Refuse(release.CodeBackfillPlace, "last", last.Name).Listing(found...)
	}
	if job, err = backfill.Parse(last); err != nil {
		return nil, nil, release.BadMigration(err)
	}
	return pending[:len(pending)-1], job, nil
}

// overUnfinished refuses a release that would go over a backfill that is not done. One that has it still to do, as its last file, goes
// on with it; one that has it no more is for after a person's stop.
func (e *Engine) overUnfinished(ctx context.Context, d draft, pending []migrations.File, found []string) error {
	s, err := e.State(ctx, d.project.Name, d.run.Environment)
	if err != nil || s.Backfill == nil || s.Backfill.Void || d.run.Kind == release.Reset || d.run.Breaking != nil {
		return err
	}
	b := s.Backfill
	last := len(pending) > 0 && pending[len(pending)-1].Name == b.File
	gone := !slices.Contains(found, b.File) && d.release.Number != b.Release && !applied(d.target, b.File)
	if gone && b.Stopped || last && len(found) == 1 || !gone && len(found) == 0 {
		return nil
	}
	return release.Refuse(release.CodeBackfillUnfinished, "file", b.File, "name", b.Name, "release", fmt.Sprint(b.Release),
		"environment", string(d.run.Environment), "gone", fmt.Sprint(gone))
}

func applied(t target, name string) bool { return slices.Contains(names(t.Ledger), name) }

// whole are the files with the statement over all rows in place of each backfill, and with a DOWN file for it that does nothing: what
// takes a backfill back is the DOWN of the file that made room for it.
func whole(files []migrations.File) ([]migrations.File, error) {
	out := slices.Clone(files)
	for i, f := range out {
		if !backfill.Is(f.SQL) {
			continue
		}
		job, err := backfill.Parse(f)
		if err != nil {
			return nil, release.BadMigration(err)
		}
		out[i].SQL = []byte(job.Whole() + ";\n")
		if f.Down == nil {
			out[i].Down = []byte{}
		}
	}
	return out, nil
}

// fitting rehearses a backfill on what the release will have made of the schema, and refuses one whose windows would be wrong or slow there.
func (e *Engine) fitting(ctx context.Context, plan *release.Plan, j *judgement, ledger []migrations.LedgerRow, job *backfill.Job) error {
	if job == nil {
		return nil
	}
	plan.Backfill = &release.BackfillPlan{File: job.File, Name: job.Name, Table: job.Table, Checksum: job.Checksum}
	if j.report.Failure != nil {
		return nil
	}
	after := j.report.After
	problems, err := steps.Problems(ctx, after, job)
	if err != nil {
		return fmt.Errorf("check the backfill %s: %w", job.Name, err)
	}
	if len(problems) > 0 {
		p := problems[0]
		return release.Refuse(release.CodeBackfillUnfit, "file", job.File, "line", fmt.Sprint(p.Line), "why", p.Code, "problem", p.Text, "advice", p.Advice)
	}
	origin := migrations.Statement{File: job.File, Index: 1, Line: job.Line, Col: 1, Offset: job.Offset, SQL: job.Whole()}
	report, err := rehearse.Run(ctx, rehearse.Target{Objects: after, Ledger: ledger, LedgerTable: plan.Ledger}, []migrations.Transaction{
		{Names: []string{job.File}, Statements: []migrations.Planned{{SQL: job.Whole(), Origin: origin}}},
	})
	if err != nil {
		return fmt.Errorf("rehearse the backfill %s: %w", job.Name, err)
	}
	j.report.Failure = report.Failure
	j.report.Losses = append(j.report.Losses, report.Losses...)
	j.report.Destroys = append(j.report.Destroys, report.Destroys...)
	return nil
}

// follow begins what a release has left to do when it is live: its backfill, or the end of one that is over with it. It is part of the
// transaction that makes the release live.
func (e *Engine) follow(tx Tx, s *release.State, run *release.Run) {
	plan := run.Plan.Backfill
	b := s.Backfill
	if b != nil && plan == nil && stillHas(tx, run, b.File) {
		plan = &b.BackfillPlan
	}
	switch {
	case plan == nil && b == nil, plan != nil && b != nil && b.Stopped && run.Kind == release.Rollback:
		return
	case plan == nil:
		e.abandon(tx, s, run)
		return
	}
	open := (*release.Run)(nil)
	if b != nil {
		open = findRun(tx, b.Run)
	}
	switch {
	case open == nil || !open.Phase.Open():
		e.begin(tx, s, run, *plan)
	case b.File != plan.File: // what is left of it the next one takes away
		e.takeOut(s, open)
		open.Phase, open.EndedAt, open.Place = release.Overtaken, e.now(), 0
		e.record(tx, *open, RunEnded, "backfill superseded", release.Person{}, fmt.Sprintf("by #%d", run.Release))
		e.begin(tx, s, run, *plan)
	default:
		e.goOn(tx, s, run, open, *plan)
	}
}

// stillHas: a rollback that undid nothing went to a release that has the same backfill still to do.
func stillHas(tx Tx, run *release.Run, file string) bool {
	if run.Kind != release.Rollback || run.Plan.Back == nil || run.Plan.Back.Way != release.WayNothing {
		return false
	}
	r, _ := tx.Release(run.Project, run.Release)
	return slices.ContainsFunc(r.Migrations, func(m release.Migration) bool { return m.Name == file })
}

// goOn has a backfill go on as the next release has it.
func (e *Engine) goOn(tx Tx, s *release.State, run, open *release.Run, plan release.BackfillPlan) {
	with, p := *s.Backfill, *open.Backfill
	with.Release, with.BackfillPlan, with.Void, p.BackfillPlan = run.Release, plan, false, plan
	s.Backfill, open.Backfill, open.Release, open.Was = &with, &p, run.Release, run.Release
	if open.Phase == release.Paused {
		e.requeue(tx, s, open, "backfill resumed")
		return
	}
	tx.PutRun(*open)
	tx.Append(Event{Run: open.ID, Project: open.Project, Environment: open.Environment, Kind: RunChanged, At: e.now()})
}

// begin makes the run of a backfill.
func (e *Engine) begin(tx Tx, s *release.State, by *release.Run, plan release.BackfillPlan) {
	at := e.now()
	next := release.Run{
		ID: e.newID(at), Project: by.Project, Environment: by.Environment, Kind: release.Backfill, Phase: release.Queued, Release: by.Release, Was: by.Release,
		Origin: by.Origin, Requester: by.Requester, RequestedAt: at, Key: by.ID + "/backfill/" + plan.File, ReplyTo: by.ReplyTo,
		Backfill: &release.Progress{BackfillPlan: plan, At: at},
	}
	if b := s.Backfill; b != nil {
		next.Backfill.Day, next.Backfill.Written = b.Day, b.Written
	}
	s.Backfill = &release.Backfilling{Run: next.ID, Release: by.Release, BackfillPlan: plan, Day: next.Backfill.Day, Written: next.Backfill.Written}
	e.line(s, &next)
	next.Waited = false
	e.record(tx, next, RunChanged, "backfill", by.Requester, plan.File)
}

// abandon has what a backfill left in the database taken away: its release is not live any more.
func (e *Engine) abandon(tx Tx, s *release.State, by *release.Run) {
	b := *s.Backfill
	b.Void = true
	s.Backfill = &b
	run := findRun(tx, b.Run)
	switch {
	case run == nil || !run.Phase.Open():
		e.begin(tx, s, by, b.BackfillPlan)
		s.Backfill.Void, s.Backfill.Release = true, b.Release
	case run.Phase == release.Paused:
		e.requeue(tx, s, run, "backfill over")
	}
}

// requeue puts a backfill that rests back into the queue.
func (e *Engine) requeue(tx Tx, s *release.State, run *release.Run, what string) {
	run.Phase = release.Queued
	p := *run.Backfill
	p.Why, p.By, p.Until = "", nil, time.Time{}
	run.Backfill = &p
	if !slices.Contains(s.Queue, run.ID) {
		e.line(s, run)
		run.Waited = false
	}
	e.record(tx, *run, RunChanged, what, release.Person{}, run.Backfill.File)
}

// barred is why an environment must not be worked on now, and until when that is known to last.
func (e *Engine) barred(tx Tx, p Project, run release.Run) *release.Refusal {
	now := e.now()
	if current, ok := e.Project(p.Name); ok {
		p.Freeze = current.Freeze
	}
	s := tx.State(run.Project, run.Environment)
	start := gate.Start{Kind: release.Backfill, Environment: run.Environment, By: run.Requester, State: s, Calendar: p.Freeze.At(now)}
	return start.Kept(now)
}
