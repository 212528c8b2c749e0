package deploy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	steps "towline/deploy/backfill"
	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/backfill"
	"towline/migrations/rehearse"
)

// turn is one turn of a backfill: from its being claimed to its end, its rest, or its giving way.
type turn struct {
	*execution
	job  *backfill.Job
	soft context.Context // ends when the bot is asked to stop
	rest release.Rest    // why an order says so
	by   *release.Person
	till time.Time
}

// backfill takes a backfill on: it finds out whether there is still something to do, and works until it is done or has to rest. Whatever
// happens to it, the database knows how far it is.
func (e *Engine) backfill(ctx context.Context, p Project, run *release.Run) error {
	t := turn{execution: &execution{e: e, p: p, run: run, hard: e.runners.outlasting()}, soft: ctx}
	void, err := t.begin(ctx)
	switch {
	case ctx.Err() != nil:
		return nil // the next start takes it up
	case err != nil && refusalIn(err) != nil:
		return e.end(ctx, run, refused(err))
	case err != nil:
		return t.park(ctx, release.RestErrors, nil, time.Time{}, words(err))
	case void:
		return t.forget(ctx)
	case run.Phase != release.Executing:
		return nil
	}
	return t.work()
}

// begin plans the turn anew: other runs may have had theirs since the last.
func (t *turn) begin(ctx context.Context) (void bool, err error) {
	e, run := t.e, t.run
	var s release.State
	var r release.Release
	var kept *release.Refusal
	var sums map[string]release.Applied
	err = e.store.View(ctx, func(tx Tx) error {
		s, kept = tx.State(run.Project, run.Environment), e.barred(tx, t.p, *run)
		sums = tx.Checksums(run.Project, run.Environment)
		if b := s.Backfill; b != nil && b.Run == run.ID {
			run.Release = b.Release
		}
		r, _ = tx.Release(run.Project, run.Release)
		return nil
	})
	if err != nil {
		return false, err
	}
	b := s.Backfill
	void = b == nil || b.Run != run.ID || b.Void
	if !void && kept != nil {
		return false, t.park(ctx, release.RestKept, nil, e.now().Add(keptAgain), string(kept.Code))
	}
	t.p = t.p.of(r)
	on, err := e.look(ctx, t.p, run.Environment, release.Target{})
	if err != nil || on.Database.ID == "" {
		return void, errors.Join(err, missing(on))
	}
	run.Plan = t.plan(r, s, on)
	if void {
		return true, nil
	}
	files, err := e.files(ctx, r)
	if err != nil {
		return false, err
	}
	for _, f := range migrations.Compare(files, on.Ledger, checksums(sums)).Pending {
		if f.Name != run.Backfill.File {
			return false, release.Refuse(release.CodeBackfillPlace, "last", f.Name).Listing(run.Backfill.File)
		}
	}
	for _, f := range files {
		if f.Name != run.Backfill.File {
			continue
		}
		if t.job, err = backfill.Parse(f); err != nil {
			return false, release.BadMigration(err)
		}
	}
	if t.job == nil {
		return false, release.Refuse(release.CodeBackfillPlace, "last", "").Listing(run.Backfill.File)
	}
	return false, t.executing(ctx)
}

func missing(t target) error {
	if t.Database.ID == "" {
		return fmt.Errorf("database %s: %w", t.Database.Database, ErrNoDatabase)
	}
	return nil
}

func checksums(applied map[string]release.Applied) map[string]migrations.Checksum {
	out := make(map[string]migrations.Checksum, len(applied))
	for name, a := range applied {
		out[name] = a.Checksum
	}
	return out
}

// plan is what the turn does: one file more in the ledger, and a schema as it is.
func (t *turn) plan(r release.Release, s release.State, on target) *release.Plan {
	fingerprint := rehearse.Fingerprint(on.Objects, t.p.ledger())
	plan := &release.Plan{
		Kind: release.Backfill, Project: t.p.Name, Environment: t.run.Environment, Release: r.Number, Live: s.Live, Bundle: r.Digest, Target: on.Database,
		Ledger: t.p.ledger(), Fingerprint: fingerprint, Expected: fingerprint, Applied: names(on.Ledger), Size: on.Size,
		Tables: countable(on.Objects, t.p.ledger()), Large: on.Size > countLimit,
	}
	if !applied(on, t.run.Backfill.File) {
		for _, m := range r.Migrations {
			if m.Name == t.run.Backfill.File {
				plan.Pending = []release.Pending{{Name: m.Name, Checksum: m.Checksum.Raw}}
			}
		}
	}
	return plan
}

// executing stores that the turn has begun.
func (t *turn) executing(ctx context.Context) error {
	run := t.run
	if len(run.Steps) == 0 {
		for _, name := range []string{release.StepPoint, release.StepBackfill, release.StepVerify} {
			run.Steps = append(run.Steps, release.Step{Name: name, State: release.StepPlanned})
		}
	}
	run.Phase = release.Executing
	p := *run.Backfill
	p.Why, p.By, p.Until, p.Words = "", nil, time.Time{}, ""
	run.Backfill = &p
	return t.e.progress(ctx, run)
}

// work takes the restore point, goes through the windows and reads the result back.
func (t *turn) work() error {
	e, run := t.e, t.run
	for i := range run.Steps {
		s := &run.Steps[i]
		if s.State == release.StepDone {
			continue
		}
		if t.soft.Err() != nil {
			return nil
		}
		if s.Name == release.StepBackfill {
			over, err := t.windows(s)
			if err != nil || over {
				return err
			}
			continue
		}
		end, err := t.step(t.hard, i)
		if err != nil {
			return err
		}
		if end != nil {
			return e.end(context.WithoutCancel(t.hard), run, *end)
		}
	}
	return e.end(context.WithoutCancel(t.hard), run, ending{phase: release.Done})
}

// windows is the step between the others. over: the turn ends with it.
func (t *turn) windows(s *release.Step) (over bool, err error) {
	begun := s.State == release.StepIntent
	if !begun {
		if end, err := t.intend(t.hard, s); end != nil || err != nil {
			if end != nil {
				err = t.e.end(t.hard, t.run, ending{phase: release.Cancelled, failure: end.failure})
			}
			return true, err
		}
	}
	result, err := t.runner(begun).Run(t.hard)
	if t.hard.Err() != nil {
		return true, errStopped
	}
	if err != nil {
		return true, err
	}
	switch result.Outcome {
	case steps.Done, steps.Elsewhere:
		found := ""
		if result.Outcome == steps.Elsewhere {
			found = "elsewhere"
			t.run.Notes = append(t.run.Notes, "backfilled_elsewhere")
		}
		return false, t.done(t.hard, s, found, false)
	case steps.Ordered:
		return true, t.ordered(result.Order)
	case steps.Exhausted:
		return true, t.park(t.hard, release.RestBudget, nil, tomorrow(t.e.now()), "")
	case steps.Today:
		return true, t.park(t.hard, release.RestLimit, nil, tomorrow(t.e.now()), result.Words)
	default:
		t.run.Backfill.Code = result.Code
		return true, t.park(t.hard, release.RestErrors, nil, time.Time{}, result.Words)
	}
}

// tomorrow is when D1's day begins ("Pricing": limits reset at 00:00 UTC).
func tomorrow(now time.Time) time.Time { return now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour) }

// ordered ends a turn as somebody, or something, wanted.
func (t *turn) ordered(o steps.Order) error {
	switch o {
	case steps.Halt:
		return nil // parked with its lease: the next start takes it up
	case steps.GiveWay:
		return t.e.held(t.hard, t.run, func(tx Tx) error {
			s := tx.State(t.run.Project, t.run.Environment)
			s.Lease = nil
			t.e.requeue(tx, &s, t.run, "backfill gave way")
			tx.PutState(s)
			return nil
		})
	}
	if t.run.Cancel != nil {
		return t.e.end(t.hard, t.run, ending{phase: release.Cancelled, failure: &release.Failure{Code: "cancelled", Step: release.StepBackfill}})
	}
	return t.park(t.hard, t.rest, t.by, t.till, "")
}

// keptAgain is how often a backfill looks whether its environment is free again.
const keptAgain = time.Minute

// park lets a backfill rest and gives the environment back.
func (t *turn) park(ctx context.Context, why release.Rest, by *release.Person, until time.Time, words string) error {
	e := t.e
	return e.held(context.WithoutCancel(ctx), t.run, func(tx Tx) error {
		s := tx.State(t.run.Project, t.run.Environment)
		s.Lease = nil
		tx.PutState(s)
		p := *t.run.Backfill
		p.Why, p.By, p.Until, p.Words, p.At = why, by, until, words, e.now()
		t.run.Backfill, t.run.Phase, t.run.Place = &p, release.Paused, 0
		who := release.Person{}
		if by != nil {
			who = *by
		}
		kind := RunChanged
		if why == release.RestErrors {
			kind = RunStuck
		}
		e.record(tx, *t.run, kind, "backfill rests", who, strings.TrimSpace(string(why)+" "+words))
		return nil
	})
}

// forget takes away what a backfill left whose release is not live any more.
func (t *turn) forget(ctx context.Context) error {
	if _, err := t.e.d1.Apply(ctx, t.run.Plan.Target.ID, backfill.Forget()); err != nil {
		return t.park(ctx, release.RestKept, nil, t.e.now().Add(keptAgain), words(err))
	}
	return t.e.end(ctx, t.run, ending{phase: release.Overtaken})
}

// runner puts together what carries the windows out.
func (t *turn) runner(begun bool) *steps.Runner {
	e := t.e
	return &steps.Runner{
		Job: t.job, Ledger: t.p.ledger(), Begun: begun, Database: onDatabase{t}, Orders: orders{t}, Judge: JudgeBackfill, Keep: t.keep,
		RowsToday: func() (int64, bool) {
			limit := t.limits().RowsPerDay
			if p := t.run.Backfill; p.Day == day(e.now()) {
				return limit - p.Written, limit > 0
			}
			return limit, limit > 0
		},
		Written: func(rows int64) {
			now := *t.run.Backfill
			if today := day(e.now()); now.Day != today {
				now.Day, now.Written = today, 0
			}
			now.Written += rows
			t.run.Backfill = &now
		},
		Spacing: e.spacing, First: min(backfill.FirstRest, e.patience), Now: e.now, Jitter: rand.Float64,
	}
}

func day(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// limits are what the project lets a backfill do, as the config says in this moment.
func (t *turn) limits() Backfill {
	if p, ok := t.e.Project(t.p.Name); ok {
		return p.Backfill
	}
	return t.p.Backfill
}

// keep stores progress.
func (t *turn) keep(ctx context.Context, is steps.Progress) error {
	now := *t.run.Backfill
	now.Total, now.Rows, now.Passed, now.Pass, now.Windows = is.Estimate, is.Rows, is.Passed, is.Pass, is.Batches
	now.Batch, now.PerSecond, now.Words, now.At = is.Batch, int64(is.PerSecond), is.Words, t.e.now()
	now.Left = 0
	if is.PerSecond > 0 && is.Rows < is.Estimate {
		now.Left = time.Duration(float64(is.Estimate-is.Rows) / is.PerSecond * float64(time.Second)).Round(time.Second)
	}
	t.run.Backfill = &now
	return t.e.held(ctx, t.run, func(tx Tx) error {
		tx.PutRun(*t.run)
		s := tx.State(t.run.Project, t.run.Environment)
		if b := s.Backfill; b != nil && b.Run == t.run.ID {
			with := *b
			with.Day, with.Written = now.Day, now.Written
			s.Backfill = &with
			tx.PutState(s)
		}
		tx.Append(Event{Run: t.run.ID, Project: t.run.Project, Environment: t.run.Environment, Kind: RunChanged, At: t.e.now()})
		return nil
	})
}
