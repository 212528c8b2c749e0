package deploy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"towline/deploy/audit"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// Ballot is one press on Approve or Reject.
type Ballot struct {
	Run    string
	Digest string // of the plan that the button was shown with
	By     gate.Actor
	Yes    bool
	Reason string          // of a no
	Here   gate.Fact[bool] // whether they are in the project's chat
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
		b.By = e.actor(tx, b.By)
		refusal = e.ballot(tx, run, b).Check(now)
		if refusal == nil {
			e.countVote(tx, &run, b, now)
			return nil
		}
		if refusal.Code == release.CodeExpired && run.Phase == release.Asking {
			e.close(tx, &run, release.Expired, now)
			e.record(tx, run, RunEnded, "expired", release.Person{}, "")
			return nil
		}
		if refusal.Code == release.CodeNeedsReason {
			return nil // a question, rather
		}
		tx.Audit(audit.Entry{
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

// ballot is what decides whether a vote counts.
func (e *Engine) ballot(tx Tx, run release.Run, b Ballot) gate.Vote {
	v := gate.Vote{
		Run: run, Digest: b.Digest, By: b.By, Yes: b.Yes, Reason: b.Reason, Here: b.Here, State: tx.State(run.Project, run.Environment),
	}
	if p, ok := e.Project(run.Project); ok {
		v.Calendar = p.Freeze.At(e.now())
	}
	if e.people != nil && b.By.ID != 0 {
		need := gate.Approver
		if run.Plan != nil {
			need = gate.Voter(run.Plan.Policy)
		}
		v.Lent = b.By.Role >= need && e.role(tx, b.By.ID, run.Requester.ID) < need
	}
	return v
}

// countVote adds one vote that counts.
func (e *Engine) countVote(tx Tx, run *release.Run, b Ballot, now time.Time) {
	run.Votes = append(run.Votes, release.Vote{By: b.By.Person, Yes: b.Yes, Digest: b.Digest, At: now, Reason: b.Reason})
	run.Changes = append(slices.Clone(run.Changes), noLonger(e.voidVotes(tx, run))...)
	switch {
	case !b.Yes:
		e.close(tx, run, release.Rejected, now)
		e.record(tx, *run, RunEnded, "rejected", b.By.Person, b.Reason)
	case len(run.Approvers()) < run.Required:
		e.record(tx, *run, RunChanged, "approved", b.By.Person, "")
	default:
		s := tx.State(run.Project, run.Environment)
		s.Request = ""
		e.line(&s, run)
		tx.PutState(s)
		run.Phase = release.Queued
		e.record(tx, *run, RunChanged, "approved", b.By.Person, "")
	}
}

// endedVotes are the places of every yes whose voter's role has ended since.
func (e *Engine) endedVotes(tx Tx, run release.Run) (at []int) {
	if e.people == nil || run.Plan == nil {
		return nil
	}
	need := gate.Voter(run.Plan.Policy)
	for i, v := range run.Votes {
		if v.Yes && v.Digest == run.Approved && v.Void == "" && v.By.ID != 0 && e.role(tx, v.By.ID, 0) < need {
			at = append(at, i)
		}
	}
	return at
}

// voidVotes strikes out every yes whose voter's role has ended since, and returns those people.
func (e *Engine) voidVotes(tx Tx, run *release.Run) []release.Person {
	var ended []release.Person
	run.Votes = slices.Clone(run.Votes)
	for _, i := range e.endedVotes(tx, *run) {
		v := run.Votes[i]
		run.Votes[i].Void = "role ended"
		ended = append(ended, v.By)
		tx.Audit(audit.Entry{
			At: e.now(), Project: run.Project, Environment: run.Environment, Who: v.By, What: "vote void", Run: run.ID, Release: run.Release,
			Digest: v.Digest, Detail: "role ended",
		})
	}
	return ended
}

// noLonger says of people that their votes were struck out, as a card tells what changed since they approved.
func noLonger(ended []release.Person) (out []release.Difference) {
	for _, who := range ended {
		out = append(out, release.Difference{What: "approver", Removed: []string{who.Shown()}})
	}
	return out
}
