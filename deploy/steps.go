package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/rehearse"
)

// execution is a run while its steps are carried out.
type execution struct {
	e      *Engine
	p      Project
	run    *release.Run
	script []migrations.Transaction
}

func (e *Engine) execution(ctx context.Context, p Project, run *release.Run) (*execution, error) {
	script, err := e.Script(ctx, *run.Plan)
	if err != nil {
		return nil, err
	}
	return &execution{e: e, p: p, run: run, script: script}, nil
}

// effect is what a step does outside.
type effect interface {
	// do changes something, and says what it gave. Its errors are those of the port.
	do(ctx context.Context) (result string, err error)
	// observe finds out what an attempt did of which no reply is known.
	observe(ctx context.Context) (outcome, string, error)
	// failed says what a step that did not work means for the run.
	failed(err error) release.Failure
}

// outcome is what became of an attempt.
type outcome int

const (
	absent  outcome = iota // nothing of it is there
	present                // it happened
	unclear                // it cannot be found out now
)

// callTimeout bounds one step's call and what it takes to find out what became of it. D1 ends a call after 30 s.
const callTimeout = 60 * time.Second

// step carries out step i: the intent is stored before the effect, the result after it. end is not nil when the run ends
// with it. An error means that nothing could be stored; the step is taken up again by the next start.
func (x *execution) step(ctx context.Context, i int) (end *ending, err error) {
	s := &x.run.Steps[i]
	fx := x.effect(*s)
	interrupted := s.State == release.StepIntent
	if !interrupted {
		s.State, s.Begun = release.StepIntent, x.e.now()
		if err := x.e.progress(ctx, x.run); err != nil {
			return nil, fmt.Errorf("store the intent of %s: %w", s.Name, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if interrupted {
		if end, settled, err := x.settle(ctx, s, fx, nil); settled || err != nil {
			return end, err
		}
	}
	result, doErr := fx.do(ctx)
	if doErr == nil {
		return nil, x.done(ctx, s, result, false)
	}
	// Whatever went wrong, what counts is what Cloudflare holds now.
	end, _, err = x.settle(ctx, s, fx, doErr)
	return end, err
}

// settle looks what became of an attempt. settled=false: nothing of it is there, and it may be made again.
func (x *execution) settle(ctx context.Context, s *release.Step, fx effect, cause error) (end *ending, settled bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	found, result, lookErr := x.look(ctx, fx, cause)
	switch {
	case lookErr == nil && found == present:
		return nil, true, x.done(ctx, s, result, true)
	case lookErr == nil && found == absent && cause == nil:
		return nil, false, nil
	case lookErr == nil && found == absent:
		failure := fx.failed(cause)
		return x.fail(s, failure, release.StepFailed, release.Broken), true, nil
	}
	if _, rejected := errors.AsType[*RejectedError](cause); rejected && lookErr != nil {
		failure := fx.failed(cause)
		return x.fail(s, failure, release.StepFailed, release.Broken), true, nil
	}
	failure := release.Failure{Code: "unknown_outcome", Step: s.Name, Words: firstOf(cause, lookErr)}
	return x.fail(s, failure, release.StepUnknown, release.Unresolved), true, nil
}

// look observes an attempt's effect, and a second time where a call without an answer has left no trace: D1 may still be
// working on it.
func (x *execution) look(ctx context.Context, fx effect, cause error) (outcome, string, error) {
	found, result, err := fx.observe(ctx)
	_, unanswered := errors.AsType[*UnansweredError](cause)
	if found == present || !unanswered && (cause != nil || found == absent) {
		return found, result, err
	}
	timer := time.NewTimer(x.e.patience)
	defer timer.Stop()
	select {
	case <-timer.C:
		return fx.observe(ctx)
	case <-ctx.Done():
		return found, result, err
	}
}

func firstOf(errs ...error) string {
	for _, err := range errs {
		if err != nil {
			return err.Error()
		}
	}
	return ""
}

// done stores a step's result.
func (x *execution) done(ctx context.Context, s *release.Step, result string, found bool) error {
	s.State, s.Ended, s.Result, s.Found = release.StepDone, x.e.now(), result, found
	detail := s.Name
	if found {
		detail += ", found"
	}
	err := x.e.update(ctx, func(tx Tx) error {
		x.e.record(tx, *x.run, RunChanged, "step", release.Person{}, detail)
		return nil
	})
	return wrap(err, "store the result of %s", s.Name)
}

func (x *execution) fail(s *release.Step, f release.Failure, state release.StepState, phase release.Phase) *ending {
	s.State, s.Ended = state, x.e.now()
	f.Step = s.Name
	for _, done := range x.run.Steps {
		if done.State == release.StepDone && (done.Name == release.StepApply || done.Name == release.StepUndo) {
			f.Applied = append(f.Applied, x.script[done.Index].Names...)
		}
	}
	return &ending{phase: phase, failure: &f}
}

func (x *execution) effect(s release.Step) effect {
	switch s.Name {
	case release.StepProvision:
		return provision{x}
	case release.StepPoint:
		return point{x}
	case release.StepReset:
		return rebuild{apply{x, s.Index}}
	case release.StepRestore:
		return restore{x}
	case release.StepVerify:
		return verify{x}
	default:
		return apply{x, s.Index}
	}
}

func words(err error) string {
	if r, ok := errors.AsType[*RejectedError](err); ok {
		return r.Words
	}
	return err.Error()
}

// provision makes the database that the plan bound as "create NAME", and adopts it where it was made already.
type provision struct{ *execution }

func (p provision) do(ctx context.Context) (string, error) {
	db, err := p.e.d1.Create(ctx, p.run.Plan.Target.Database)
	if err != nil {
		return "", err
	}
	return db.ID, p.adopt(db.ID)
}

func (p provision) observe(ctx context.Context) (outcome, string, error) {
	db, err := p.e.d1.Find(ctx, p.run.Plan.Target.Database)
	if errors.Is(err, ErrNoDatabase) {
		return absent, "", nil
	}
	if err != nil {
		return unclear, "", err
	}
	var t target
	if err := p.e.read(ctx, p.p, db.ID, &t); err != nil {
		return unclear, "", fmt.Errorf("read the database that was found: %w", err)
	}
	if len(t.Objects) > 0 {
		return absent, "", nil // somebody else's: the plan was made for an empty one
	}
	return present, db.ID, p.adopt(db.ID)
}

func (p provision) adopt(id string) error {
	p.run.Plan.Target.ID = id
	return nil
}

func (p provision) failed(err error) release.Failure {
	return release.Failure{Code: "not_created", Words: words(err)}
}

// point takes the restore point and reads it back: the bookmark is asked for again, and must not be older than the first.
type point struct{ *execution }

func (p point) do(ctx context.Context) (string, error) {
	id := p.run.Plan.Target.ID
	bookmark, err := p.e.d1.Bookmark(ctx, id)
	if err != nil {
		return "", err
	}
	rp := release.RestorePoint{Database: p.run.Plan.Target.Database, DatabaseID: id, Bookmark: bookmark, At: p.e.now()}
	rp.Rows = p.rows(ctx, id)
	if !p.run.Plan.Reset {
		rp.Ledger = p.run.Plan.Applied
	}
	p.run.Point = &rp
	if err := p.e.progress(ctx, p.run); err != nil {
		return "", err
	}
	return bookmark, p.readBack(ctx, bookmark)
}

// rows counts what a return would lose later. It is worth a few seconds and never the run.
func (p point) rows(ctx context.Context, id string) map[string]int64 {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	shape, err := p.e.d1.Read(ctx, id, []string{schemaQuery})
	if err != nil || shape[0].Size > countLimit {
		return nil
	}
	rows, err := p.e.count(ctx, id, countable(objects(shape[0]), p.p.ledger()))
	if err != nil {
		p.e.log.WarnContext(ctx, "rows were not counted at the restore point", "run", p.run.ID, "error", err)
		return nil
	}
	return rows
}

func (p point) readBack(ctx context.Context, bookmark string) error {
	var stored release.Run
	err := p.e.store.View(ctx, func(tx Tx) error {
		stored, _ = tx.Run(p.run.ID)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the restore point back from the store: %w", err)
	}
	if stored.Point == nil || stored.Point.Bookmark != bookmark {
		return errors.New("the restore point that was stored is not the one that was taken")
	}
	again, err := p.e.d1.Bookmark(ctx, p.run.Plan.Target.ID)
	if err != nil {
		return fmt.Errorf("read the restore point back: %w", err)
	}
	if again < bookmark {
		return fmt.Errorf("the restore point cannot be trusted: Time Travel answered %s after %s", again, bookmark)
	}
	return nil
}

// observe: taking a restore point changes nothing, so an interrupted one is taken anew.
func (p point) observe(context.Context) (outcome, string, error) { return absent, "", nil }

func (p point) failed(err error) release.Failure {
	return release.Failure{Code: string(release.CodePointMissing), Words: words(err)}
}

// apply sends one transaction of the script. Its names in the ledger tell whether it was committed.
type apply struct {
	*execution
	index int
}

func (a apply) transaction() migrations.Transaction { return a.script[a.index] }

func (a apply) do(ctx context.Context) (string, error) {
	tx, id := a.transaction(), a.run.Plan.Target.ID
	err := a.e.d1.Apply(ctx, id, texts(tx.Statements))
	if cleanup := tx.Cleanup(); err != nil && len(cleanup) > 0 {
		// A rollback does not undo pragmas, and the next transaction may get the same connection.
		if cleanErr := a.e.d1.Apply(ctx, id, texts(cleanup)); cleanErr != nil {
			a.e.log.WarnContext(ctx, "pragmas of a failed transaction were not put back", "run", a.run.ID, "error", cleanErr)
		}
	}
	return "", err
}

func texts(planned []migrations.Planned) []string {
	out := make([]string, len(planned))
	for i, p := range planned {
		out[i] = p.SQL
	}
	return out
}

func (a apply) observe(ctx context.Context) (outcome, string, error) {
	var t target
	if err := a.e.read(ctx, a.p, a.run.Plan.Target.ID, &t); err != nil {
		return unclear, "", fmt.Errorf("read the ledger: %w", err)
	}
	ledger := names(t.Ledger)
	in := 0
	for _, name := range a.transaction().Names {
		if slices.Contains(ledger, name) {
			in++
		}
	}
	wanted, unwanted := len(a.transaction().Names), 0
	if a.run.Plan.Back != nil {
		wanted, unwanted = unwanted, wanted
	}
	switch in {
	case wanted:
		return present, "", nil
	case unwanted:
		return absent, "", nil
	default:
		return unclear, "", fmt.Errorf("%d of %d names are in the ledger, though they were sent as one transaction", in, len(a.transaction().Names))
	}
}

func (a apply) failed(err error) release.Failure {
	f := release.Failure{Code: "not_applied", Words: words(err), OneOf: own([]migrations.Transaction{a.transaction()})}
	if _, rejected := errors.AsType[*RejectedError](err); !rejected {
		return f
	}
	f.Code = "refused_by_d1"
	if name, ok := migrations.ForeignKeysAfter(f.Words); ok {
		f.Code, f.File = "foreign_keys_broken", name
	}
	return f
}

// rebuild is the first transaction of a preview reset. It can be sent twice: it makes the same of whatever it finds.
type rebuild struct{ apply }

// observe: it happened if the database was written to since the restore point and is what the rebuilding makes of it.
func (r rebuild) observe(ctx context.Context) (outcome, string, error) {
	var t target
	if err := r.e.read(ctx, r.p, r.run.Plan.Target.ID, &t); err != nil {
		return unclear, "", fmt.Errorf("read the rebuilt database: %w", err)
	}
	now, err := r.e.d1.Bookmark(ctx, r.run.Plan.Target.ID)
	if err != nil {
		return unclear, "", fmt.Errorf("see whether the database was written to: %w", err)
	}
	if now == r.run.Point.Bookmark || !slices.Equal(names(t.Ledger), r.run.Plan.Applied) ||
		rehearse.Fingerprint(t.Objects, r.p.ledger()) != r.run.Plan.Rebuilt {
		return absent, "", nil
	}
	return present, "", nil
}

// restore returns the database to the plan's restore point. It is never sent twice: a second one would undo what people
// wrote after the first.
type restore struct{ *execution }

func (r restore) do(ctx context.Context) (string, error) {
	previous, err := r.e.d1.Restore(ctx, r.run.Plan.Target.ID, r.run.Plan.Back.To.Bookmark)
	if err == nil && previous != "" {
		undo := *r.run.Point
		undo.Bookmark = previous
		r.run.Undo = &undo
	}
	return previous, err
}

func (r restore) observe(ctx context.Context) (outcome, string, error) {
	var t target
	if err := r.e.read(ctx, r.p, r.run.Plan.Target.ID, &t); err != nil {
		return unclear, "", fmt.Errorf("read the ledger: %w", err)
	}
	if slices.Equal(names(t.Ledger), r.run.Plan.Back.Ledger) {
		// Which bookmark leads back was in the reply that is lost. The one that was taken just before does as well.
		r.run.Undo = r.run.Point
		return present, "", nil
	}
	return unclear, "", errors.New("the ledger is still as before: the restore did not happen, or not yet")
}

func (r restore) failed(err error) release.Failure {
	return release.Failure{Code: "not_restored", Words: words(err)}
}

// verify reads back what the database is now.
type verify struct{ *execution }

func (v verify) do(ctx context.Context) (string, error) {
	var t target
	if err := v.e.read(ctx, v.p, v.run.Plan.Target.ID, &t); err != nil {
		return "", fmt.Errorf("read the result back: %w", err)
	}
	if got, want := names(t.Ledger), v.run.Plan.After(); !slices.Equal(got, want) {
		return "", fmt.Errorf("the ledger holds %d names where %d were expected: %v", len(got), len(want), symmetric(got, want))
	}
	fingerprint := rehearse.Fingerprint(t.Objects, v.p.ledger())
	if v.run.Plan.Expected != "" && fingerprint != v.run.Plan.Expected {
		v.run.Notes = append(v.run.Notes, "schema_differs")
	}
	return fingerprint, nil
}

func symmetric(a, b []string) []string { return append(without(a, b), without(b, a)...) }

func (v verify) observe(context.Context) (outcome, string, error) { return absent, "", nil }

func (v verify) failed(err error) release.Failure {
	return release.Failure{Code: "not_verified", Words: words(err)}
}
