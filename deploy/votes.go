package deploy

import (
	"context"
	"fmt"
	"time"

	"towline/deploy/gate"
	"towline/deploy/release"
)

// Ballot is one press on Approve or Reject.
type Ballot struct {
	Run    string
	Digest string // of the plan that the button was shown with
	By     gate.Actor
	Yes    bool
}

// Vote counts a press. It returns the run as it stands afterwards; a press that does not count is a *release.Refusal.
// The last approval that was needed puts the run into its environment's queue; whether it may start is decided there,
// on fresh facts.
func (e *Engine) Vote(ctx context.Context, b Ballot) (release.Run, error) {
	var (
		run     release.Run
		refusal *release.Refusal
	)
	err := e.update(ctx, func(tx Tx) error {
		var ok bool
		if run, ok = tx.Run(b.Run); !ok {
			refusal = release.Refuse(release.CodeStaleButton)
			return nil
		}
		now := e.now()
		hold := tx.State(run.Project, run.Environment).Hold
		refusal = gate.Vote{Run: run, Digest: b.Digest, By: b.By, Yes: b.Yes, Hold: hold}.Check(now)
		if refusal == nil {
			e.countVote(tx, &run, b, now)
			return nil
		}
		if refusal.Code == release.CodeExpired && run.Phase == release.Asking {
			e.close(tx, &run, release.Expired, now)
			e.record(tx, run, RunEnded, "expired", release.Person{}, "")
			return nil
		}
		tx.Audit(Entry{
			At: now, Project: run.Project, Environment: run.Environment, Who: b.By.Person, What: "refused", Run: run.ID,
			Release: run.Release, Digest: b.Digest, Detail: string(refusal.Code),
		})
		return nil
	})
	if err != nil {
		return release.Run{}, fmt.Errorf("store the vote: %w", err)
	}
	if refusal != nil {
		return run, refusal
	}
	e.wake(run.Project, run.Environment)
	return run, nil
}

// countVote adds one vote that counts.
func (e *Engine) countVote(tx Tx, run *release.Run, b Ballot, now time.Time) {
	run.Votes = append(run.Votes, release.Vote{By: b.By.Person, Yes: b.Yes, Digest: b.Digest, At: now})
	switch {
	case !b.Yes:
		e.close(tx, run, release.Rejected, now)
		e.record(tx, *run, RunEnded, "rejected", b.By.Person, "")
	case len(run.Approvers()) < run.Required:
		e.record(tx, *run, RunChanged, "approved", b.By.Person, "")
	default:
		s := tx.State(run.Project, run.Environment)
		s.Request = ""
		s.Queue = append(s.Queue, run.ID)
		tx.PutState(s)
		run.Phase, run.Place = release.Queued, len(s.Queue)
		if s.Lease == nil {
			run.Place--
		}
		e.record(tx, *run, RunChanged, "approved", b.By.Person, "")
	}
}

// nextExpiry is when the next request's time is over; zero: none waits.
func (e *Engine) nextExpiry(ctx context.Context) (next time.Time, err error) {
	err = e.store.View(ctx, func(tx Tx) error {
		for _, id := range tx.Open() {
			run, ok := tx.Run(id)
			if ok && run.Phase == release.Asking && (next.IsZero() || run.ExpiresAt.Before(next)) {
				next = run.ExpiresAt
			}
		}
		return nil
	})
	return next, err
}

// expire ends the requests whose time is over.
func (e *Engine) expire(ctx context.Context) error {
	return e.update(ctx, func(tx Tx) error {
		now := e.now()
		for _, id := range tx.Open() {
			run, ok := tx.Run(id)
			if !ok || run.Phase != release.Asking || now.Before(run.ExpiresAt) {
				continue
			}
			e.close(tx, &run, release.Expired, now)
			e.record(tx, run, RunEnded, "expired", release.Person{}, "")
		}
		return nil
	})
}
