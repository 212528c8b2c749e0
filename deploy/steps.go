package deploy

import (
	"context"
	"errors"
	"time"

	"towline/deploy/audit"
	"towline/deploy/release"
	"towline/migrations"
)

// execution is a run while its steps are carried out.
type execution struct {
	e      *Engine
	p      Project
	run    *release.Run
	script []migrations.Transaction
	hard   context.Context // ends when a stop must not wait any longer
}

func (e *Engine) execution(ctx, hard context.Context, p Project, run *release.Run) (*execution, error) {
	script, err := e.Script(ctx, *run.Plan)
	if err != nil {
		return nil, err
	}
	p.LedgerTable = run.Plan.Ledger
	return &execution{e: e, p: p, run: run, script: script, hard: hard}, nil
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
		if end, err := x.intend(ctx, s); end != nil || err != nil {
			return end, err
		}
	}
	timeout := callTimeout
	if s.Name == release.StepBackup || s.Name == release.StepDelete {
		timeout = backupTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if interrupted {
		if end, settled, err := x.settle(s, fx, nil); settled || err != nil {
			return end, err
		}
	}
	result, doErr := fx.do(ctx)
	if doErr == nil {
		return nil, x.done(context.WithoutCancel(ctx), s, result, false)
	}
	if x.stopped() {
		return nil, errStopped
	}
	// Whatever went wrong, what counts is what Cloudflare holds now.
	end, _, err = x.settle(s, fx, doErr)
	return end, err
}

// intend stores a step's intent, unless somebody wants the run stopped: between two steps is where that is safe.
func (x *execution) intend(ctx context.Context, s *release.Step) (end *ending, err error) {
	was := *s
	err = x.e.held(ctx, x.run, func(tx Tx) error {
		end = nil
		if lease := tx.State(x.run.Project, x.run.Environment).Lease; lease.Cancel != nil {
			x.run.Cancel = lease.Cancel
			if s.Name != release.StepVerify {
				end = x.cancelled()
				return nil
			}
		}
		*s = was
		s.State, s.Begun = release.StepIntent, x.e.now()
		if s.Name == release.StepRestore {
			state := tx.State(x.run.Project, x.run.Environment)
			state.Restored(s.Begun)
			tx.PutState(state)
		}
		tx.PutRun(*x.run)
		tx.Append(Event{Run: x.run.ID, Project: x.run.Project, Environment: x.run.Environment, Kind: RunChanged, At: x.e.now()})
		tx.Audit(audit.Entry{
			At: x.e.now(), Project: x.run.Project, Environment: x.run.Environment, What: "intent", Run: x.run.ID, Release: x.run.Release,
			Digest: x.run.Approved, Detail: s.Name,
		})
		return nil
	})
	return end, wrap(err, "store the intent of %s", s.Name)
}

// errStopped says that the bot had no time left for a step that had begun. What became of it is found out by the next start.
var errStopped = errors.New("stopped in the middle of a step")

// stopped reports whether the time that a stop allows is over.
func (x *execution) stopped() bool { return x.hard.Err() != nil }

// settle looks what became of an attempt. settled=false: nothing of it is there, and it may be made again.
func (x *execution) settle(s *release.Step, fx effect, cause error) (end *ending, settled bool, err error) {
	ctx, cancel := context.WithTimeout(x.hard, callTimeout)
	defer cancel()
	found, result, lookErr := x.look(ctx, fx, cause)
	if x.stopped() && (lookErr != nil || found != present) {
		return nil, true, errStopped
	}
	switch {
	case lookErr == nil && found == present:
		return nil, true, x.done(context.WithoutCancel(ctx), s, result, true)
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

// looks is how often an attempt is looked for whose answer is missing. With the patience in between that is half a minute,
// within which D1 must have ended a call ("Limits": a REST call must finish in 30 s): what was cut off early may be committed
// until then. A call that is known to be over is looked for twice.
const (
	looks      = 7
	looksEnded = 2
)

// look observes an attempt's effect: once, and again where a call without an answer has left no trace.
func (x *execution) look(ctx context.Context, fx effect, cause error) (found outcome, result string, err error) {
	most := 1
	if lost, unanswered := errors.AsType[*UnansweredError](cause); unanswered && !lost.Ended {
		most = looks
	} else if unanswered || cause == nil {
		most = looksEnded
	}
	for n := 1; ; n++ {
		found, result, err = fx.observe(ctx)
		again := n < most && (cause != nil || found == unclear)
		if found == present || !again || !x.rest(ctx) {
			return found, result, err
		}
	}
}

// rest waits for the engine's patience; false: ctx ended before.
func (x *execution) rest(ctx context.Context) bool {
	timer := time.NewTimer(x.e.patience)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
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
	err := x.e.held(ctx, x.run, func(tx Tx) error {
		x.e.madeBy(tx, *x.run, *s)
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
	case release.StepBackup:
		return backup{x}
	case release.StepPoint:
		return point{x}
	case release.StepReset:
		return rebuild{apply{x, s.Index}}
	case release.StepRestore:
		return restore{x}
	case release.StepDelete:
		return removal{x}
	case release.StepVerify:
		return verify{x}
	default:
		return apply{x, s.Index}
	}
}
