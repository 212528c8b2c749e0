package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"towline/deploy/audit"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// Request is what a person asks for. The same Key asked twice is one run: whoever delivers requests at least once may
// deliver them again.
type Request struct {
	Project string
	By      gate.Actor
	Key     string
	ReplyTo string // kept with the run, opaque to the engine
}

// Deploy asks for a ref to be put on preview. It returns at once; the run fetches, plans and applies by itself.
// With reset, preview is rebuilt from production's schema first.
func (e *Engine) Deploy(ctx context.Context, r Request, ref string, reset bool) (release.Run, error) {
	kind := release.Deploy
	if reset {
		kind = release.Reset
	}
	p, err := e.may(ctx, r, gate.Deployer, string(kind))
	if err != nil {
		return release.Run{}, err
	}
	run, err := e.enqueue(ctx, p, r, release.Run{Kind: kind, Environment: release.Preview, Ref: ref})
	return run, e.told(ctx, r, string(kind), err)
}

// Promote asks for a release to be put on production; 0 is the one that is live on preview. It plans, checks the gates
// and leaves a run that waits for approval. A refusal is a *release.Refusal.
func (e *Engine) Promote(ctx context.Context, r Request, number uint64) (release.Run, error) {
	p, err := e.may(ctx, r, gate.Deployer, "promote")
	if err != nil {
		return release.Run{}, err
	}
	var run release.Run
	if number, err = e.onPreview(ctx, p, number); err == nil {
		run, err = e.ask(ctx, p, r, release.Run{Kind: release.Promote, Environment: release.Production, Release: number})
	}
	return run, e.told(ctx, r, "promote", err)
}

// onPreview is the release that is meant where none is named: the one that is live on preview.
func (e *Engine) onPreview(ctx context.Context, p Project, number uint64) (uint64, error) {
	if number != 0 {
		return number, nil
	}
	preview, err := e.State(ctx, p.Name, release.Preview)
	if err == nil && preview.Live == 0 {
		err = release.Refuse(release.CodeNotOnPreview, "release", "0", "preview", "0")
	}
	return preview.Live, err
}

// Rollback asks for production to go back to a release; 0 is the one that was live before. It says what that costs and
// leaves a run that waits for approval.
func (e *Engine) Rollback(ctx context.Context, r Request, number uint64) (release.Run, error) {
	p, err := e.may(ctx, r, gate.Deployer, "rollback")
	if err != nil {
		return release.Run{}, err
	}
	var run release.Run
	if number, err = e.backTo(ctx, p, number); err == nil {
		run, err = e.ask(ctx, p, r, release.Run{Kind: release.Rollback, Environment: release.Production, Release: number})
	}
	return run, e.told(ctx, r, "rollback", err)
}

// backTo is where a rollback goes; 0 is the release that was live before.
func (e *Engine) backTo(ctx context.Context, p Project, number uint64) (uint64, error) {
	var refusal *release.Refusal
	var dest destination
	if err := e.store.View(ctx, func(tx Tx) error {
		dest, refusal = findDestination(tx.Changes(p.Name, release.Production, 0, historyLimit), number)
		return nil
	}); err != nil {
		return 0, err
	}
	if refusal != nil {
		return 0, refusal
	}
	return dest.change.Release, nil
}

// may finds the project, and refuses an actor whose role is too low for the act.
func (e *Engine) may(ctx context.Context, r Request, role gate.Role, act string) (Project, error) {
	var by gate.Actor
	if err := e.store.View(ctx, func(tx Tx) error {
		by = e.actor(tx, r.By)
		return nil
	}); err != nil {
		return Project{}, err
	}
	if refusal := gate.Needs(by, role, act); refusal != nil {
		return Project{}, e.told(ctx, r, act, refusal)
	}
	return e.project(r.Project)
}

// enqueue stores a run that is planned when its turn comes, and wakes its runner. An environment that must not change now
// refuses it at once, and so does every check.
func (e *Engine) enqueue(ctx context.Context, p Project, r Request, run release.Run, checks ...func(Tx) *release.Refusal) (release.Run, error) {
	at := e.now()
	run.ID, run.Project, run.Phase = e.newID(at), p.Name, release.Queued
	run.Requester, run.RequestedAt, run.Key, run.ReplyTo = r.By.Person, at, r.Key, r.ReplyTo
	err := e.update(ctx, func(tx Tx) error {
		if id, ok := tx.RunOf(r.Key); ok {
			run, _ = tx.Run(id)
			return nil
		}
		s := tx.State(p.Name, run.Environment)
		start := gate.Start{Kind: run.Kind, Environment: run.Environment, By: run.Requester, State: s}
		if refusal := start.Kept(at); refusal != nil {
			return refusal
		}
		for _, check := range checks {
			if refusal := check(tx); refusal != nil {
				return refusal
			}
		}
		e.line(&s, &run)
		e.newest(tx, &s, run)
		tx.PutState(s)
		what, detail := "requested", run.Ref
		if run.Drop != nil {
			what, detail = dropAsked(run)
		}
		e.record(tx, run, RunChanged, what, r.By.Person, detail)
		return nil
	})
	if refusal := refusalIn(err); refusal != nil {
		return release.Run{}, refusal
	}
	if err != nil {
		return release.Run{}, fmt.Errorf("store the request: %w", err)
	}
	e.wake(run.Project, run.Environment)
	return run, nil
}

// line puts a run at the end of its environment's queue.
func (e *Engine) line(s *release.State, run *release.Run) {
	s.Queue = append(s.Queue, run.ID)
	run.Place = len(s.Queue)
	if s.Lease == nil {
		run.Place--
	}
	run.Waited = run.Place > 0
}

// ask plans a run, checks the gates, and stores it as a request that waits for people. An older request of the same
// environment is superseded by it; the same plan asked for again is the request that is open already, shown anew.
func (e *Engine) ask(ctx context.Context, p Project, r Request, run release.Run) (release.Run, error) {
	if known, ok, err := e.asked(ctx, r.Key); ok || err != nil {
		return known, err
	}
	for range askTries {
		asked, err := e.askOnce(ctx, p, r, run)
		if err == nil {
			e.followCopy(asked)
		}
		if !errors.Is(err, errMoved) {
			return asked, err
		}
	}
	return release.Run{}, release.Refuse(release.CodeFactsOld, "what", "the environment")
}

// errMoved says that the environment changed between the making of a plan and the transaction that would store it.
var errMoved = errors.New("the environment changed meanwhile")

// askTries is how often a request is planned anew because a run ended, or another request came, while it was planned.
const askTries = 3

func (e *Engine) askOnce(ctx context.Context, p Project, r Request, run release.Run) (release.Run, error) {
	before, err := e.State(ctx, p.Name, run.Environment)
	if err != nil {
		return release.Run{}, err
	}
	plan, err := e.plan(ctx, p, run)
	if err != nil {
		return release.Run{}, factsMissing(err)
	}
	at := e.now()
	run = e.asRequest(p, r, run, plan.plan, at)
	err = e.update(ctx, func(tx Tx) error {
		if id, ok := tx.RunOf(r.Key); ok {
			run, _ = tx.Run(id)
			return nil
		}
		if refusal := e.gates(tx, p, &run, plan); refusal != nil {
			return withReport(refusal, plan.plan)
		}
		s := tx.State(p.Name, run.Environment)
		if s.Revision != before.Revision {
			return errMoved
		}
		if refusal := alreadyLive(s, run); refusal != nil {
			return refusal
		}
		run.Was = s.Live
		e.describe(tx, &run)
		if open, ok := tx.Run(s.Request); ok && open.Phase == release.Asking {
			if open.Approved == run.Approved && open.Requester.ID == run.Requester.ID && open.Breaking == nil && run.Breaking == nil && at.Before(open.ExpiresAt) {
				open.Plan = &plan.plan // the same plan, with what is outside its digest as it is now: the price, above all
				run = e.askAgain(tx, open)
				return nil
			}
			e.close(tx, &open, release.Overtaken, at)
			e.record(tx, open, RunEnded, "superseded", r.By.Person, "by "+run.ID)
			s = tx.State(p.Name, run.Environment)
		}
		s.Request = run.ID
		e.newest(tx, &s, run)
		tx.PutState(s)
		if run.Kind == release.Promote {
			tx.PutStanding(p.Name, run.Environment, run.Release, release.Waiting)
		}
		e.record(tx, run, RunAsked, "requested", r.By.Person, gatesPassed(run))
		return nil
	})
	if err != nil {
		if refusal, ok := errors.AsType[*release.Refusal](err); ok {
			if refusal.Code == release.CodeAlreadyLive { // what its code names may have changed since, and is live as well
				e.learn(ctx, p, &run, plan.objects)
			}
			return release.Run{}, refusal
		}
		return release.Run{}, wrap(err, "store the request")
	}
	return run, nil
}

// withReport names the report of the rehearsal in a refusal that the content is to blame for, since there is no run that has it.
func withReport(r *release.Refusal, plan release.Plan) *release.Refusal {
	if r.OfContent() && plan.Report != "" {
		r.Facts["report"], r.Facts["release"] = plan.Report, fmt.Sprint(plan.Release)
	}
	return r
}

// asRequest is a run as people are asked about it.
func (e *Engine) asRequest(p Project, r Request, run release.Run, plan release.Plan, at time.Time) release.Run {
	run.ID, run.Project, run.Phase = e.newID(at), p.Name, release.Asking
	run.Requester, run.RequestedAt, run.Key, run.ReplyTo = r.By.Person, at, r.Key, r.ReplyTo
	run.Plan, run.Approved = &plan, plan.Digest()
	run.Required, run.ExpiresAt, run.Asked = plan.Policy.Approvals, at.Add(p.approvals(run.Environment).Expire), 1
	if run.Breaking != nil {
		run.ExpiresAt = at.Add(breakTime)
	}
	return run
}

// askAgain shows an open request once more.
func (e *Engine) askAgain(tx Tx, open release.Run) release.Run {
	open.Asked++
	e.record(tx, open, RunAsked, "asked again", open.Requester, "")
	return open
}

func (e *Engine) asked(ctx context.Context, key string) (run release.Run, ok bool, err error) {
	err = e.store.View(ctx, func(tx Tx) error {
		var id string
		if id, ok = tx.RunOf(key); ok {
			run, ok = tx.Run(id)
		}
		return nil
	})
	return run, ok, err
}

// newest makes a run the one whose card has the buttons, and has the cards shown again that lose theirs to it: the one
// before it here, and preview's, which offers what production is about to get.
func (e *Engine) newest(tx Tx, s *release.State, run release.Run) {
	before := s.Last
	s.Last = run.ID
	e.showAgain(tx, run, before)
	if run.Environment == release.Production {
		e.showAgain(tx, run, tx.State(run.Project, release.Preview).Last)
	}
}

func (e *Engine) showAgain(tx Tx, because release.Run, id string) {
	if id != "" && id != because.ID {
		tx.Append(Event{Run: id, Project: because.Project, Environment: because.Environment, Kind: RunChanged, At: e.now()})
	}
}

func alreadyLive(s release.State, run release.Run) *release.Refusal {
	if run.Kind == release.Promote && s.Live == run.Release && len(run.Plan.Pending) == 0 {
		return release.Refuse(release.CodeAlreadyLive, "release", fmt.Sprint(run.Release))
	}
	return nil
}

// describe gives the run what its card says about where it came from and what it replaces.
func (e *Engine) describe(tx Tx, run *release.Run) {
	if r, ok := tx.Release(run.Project, run.Release); ok {
		run.Origin = r.Origin
	}
	if was, ok := tx.Release(run.Project, run.Was); ok && run.Was != run.Release {
		run.WasFrom = &was.Origin
	}
}

// gates judges a run by facts read outside and by the state as this transaction sees it. A request past the gates learns
// here which they are; later, another gate that refuses is a refusal.
func (e *Engine) gates(tx Tx, p Project, run *release.Run, plan planned) *release.Refusal {
	if run.Breaking != nil && len(run.Breaking.Skips) == 0 {
		return e.breaks(tx, p, run, plan)
	}
	start := e.startGates(tx, p, *run, plan)
	start.Skip = run.Breaking.Codes()
	return start.Check(e.now())
}

func (e *Engine) startGates(tx Tx, p Project, run release.Run, plan planned) gate.Start {
	if now, ok := e.Project(p.Name); ok {
		p.AllowedRefs, p.Freeze = now.AllowedRefs, now.Freeze // as they are in this moment
	}
	r, _ := tx.Release(p.Name, run.Release)
	s := tx.State(p.Name, run.Environment)
	live, _ := tx.Release(p.Name, s.Live)
	start := gate.Start{
		Kind: run.Kind, Environment: run.Environment, Release: run.Release, By: run.Requester,
		Refs: r.Refs, AllowedRefs: p.AllowedRefs,
		State: s, PreviewLive: tx.State(p.Name, release.Preview).Live, Self: run.ID, Calendar: p.Freeze.At(e.now()),
		Target: plan.difference, Rehearsal: plan.rehearsal, Findings: plan.plan.Findings, Left: tx.State(p.Name, release.Production).Left,
	}
	for _, m := range live.Migrations {
		start.LiveNames = append(start.LiveNames, m.Name)
	}
	return start
}

// gatesPassed is what the audit log says of the gates of a run that they let through.
func gatesPassed(run release.Run) string {
	if run.Breaking == nil {
		return "gates passed: " + strings.Join(gate.Names(), " ")
	}
	var codes []string
	for _, c := range run.Breaking.Codes() {
		codes = append(codes, string(c))
	}
	return "past the gates: " + strings.Join(codes, " ")
}

// record stores a run with the event that tells of it and the line of the audit log.
func (e *Engine) record(tx Tx, run release.Run, kind EventKind, what string, who release.Person, detail string) {
	tx.PutRun(run)
	at := e.now()
	tx.Append(Event{Run: run.ID, Project: run.Project, Environment: run.Environment, Kind: kind, At: at})
	tx.Audit(audit.Entry{
		At: at, Project: run.Project, Environment: run.Environment, Who: who, What: what, Run: run.ID, Release: run.Release,
		Digest: run.Approved, Detail: detail,
	})
}

// factsMissing turns what could not be read outside into a refusal, and leaves refusals as they are.
func factsMissing(err error) error {
	if refusal, ok := errors.AsType[*release.Refusal](err); ok {
		return refusal
	}
	return &OutsideError{Refusal: release.Refuse(release.CodeFactsMissing, "problem", err.Error()), Err: err}
}

// OutsideError is a refusal because something outside could not be read, with the reason for those who operate.
type OutsideError struct {
	Refusal *release.Refusal
	Err     error
}

// Error is the reason.
func (e *OutsideError) Error() string { return e.Err.Error() }

// Unwrap gives the refusal and the reason.
func (e *OutsideError) Unwrap() []error { return []error{e.Refusal, e.Err} }

// close ends a run that has not begun, in whatever way, and takes it out of its environment's records.
func (e *Engine) close(tx Tx, run *release.Run, phase release.Phase, at time.Time) {
	run.Phase, run.EndedAt = phase, at
	s := tx.State(run.Project, run.Environment)
	e.showAgain(tx, *run, tx.State(run.Project, release.Preview).Last)
	if s.Request == run.ID {
		s.Request = ""
	}
	s.Queue = slices.DeleteFunc(s.Queue, func(id string) bool { return id == run.ID })
	tx.PutState(s)
	if run.Kind == release.Promote && tx.Standing(run.Project, run.Environment, run.Release) == release.Waiting {
		as := standing(tx, *run)
		if as == "" && phase == release.Overtaken {
			as = release.Superseded
		}
		tx.PutStanding(run.Project, run.Environment, run.Release, as)
	}
}

func number64(n uint64) string { return strconv.FormatUint(n, 10) }
