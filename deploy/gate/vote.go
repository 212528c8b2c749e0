package gate

import (
	"strings"
	"time"

	"towline/deploy/freeze"
	"towline/deploy/release"
)

// Vote is everything that decides whether a press on Approve or Reject counts.
type Vote struct {
	Run    release.Run
	Digest string // that the button stood for
	By     Actor
	Yes    bool
	Reason string     // of a no; withdrawing takes none
	Here   Fact[bool] // whether they are a member of the project's chat, at the moment of the press
	// Lent: their right to approve is lent to them by the requester.
	Lent bool

	// Read in the same store transaction, and the calendar of the config.
	State    release.State
	Calendar freeze.Verdict
}

// Check refuses a vote that does not count.
func (v Vote) Check(now time.Time) *release.Refusal {
	if r := v.open(now); r != nil {
		return r
	}
	if r := v.here(now); r != nil {
		return r
	}
	if b := v.Run.Breaking; b != nil {
		return v.breaking(b)
	}
	if !v.Yes && v.By.ID == v.Run.Requester.ID {
		return nil // withdrawing one's own request needs no right
	}
	if v.Yes && v.By.ID == v.Run.Requester.ID {
		return release.Refuse(release.CodeOwnApproval)
	}
	if r := Needs(v.By, v.role(), "approve"); r != nil {
		return r
	}
	if !v.Yes && v.Reason == "" {
		return release.Refuse(release.CodeNeedsReason, "command", "reject")
	}
	if v.Yes && v.Lent {
		return release.Refuse(release.CodeOwnDelegate, "by", v.Run.Requester.Shown())
	}
	if v.Yes && v.Run.Voted(v.By.ID) { // a No is heard after one's own Yes as well
		return release.Refuse(release.CodeAlreadyVoted)
	}
	if v.Digest != v.Run.Approved {
		return release.Refuse(release.CodeDigestMismatch, "shown", release.Short(v.Digest), "now", release.Short(v.Run.Approved))
	}
	if v.Yes {
		return v.kept(now)
	}
	return nil
}

// breaking: going past gates is confirmed by the administrator who asked for it, and by nobody else. Anybody who may approve
// can stop it.
func (v Vote) breaking(b *release.BreakGlass) *release.Refusal {
	if !v.Yes && v.By.ID != b.By.ID {
		if r := Needs(v.By, Approver, "reject"); r != nil || v.Reason != "" {
			return r
		}
		return release.Refuse(release.CodeNeedsReason, "command", "reject")
	}
	if v.By.ID != b.By.ID {
		return release.Refuse(release.CodeNotYours, "by", b.By.Shown())
	}
	if r := Needs(v.By, Admin, "breakglass"); r != nil && v.Yes {
		return r
	}
	if v.Yes && v.Digest != v.Run.Approved {
		return release.Refuse(release.CodeDigestMismatch, "shown", release.Short(v.Digest), "now", release.Short(v.Run.Approved))
	}
	return nil
}

// here: a person who left the chat, or whose membership nobody can tell, does not decide about it.
func (v Vote) here(now time.Time) *release.Refusal {
	if r := v.Here.check("membership", now); r != nil {
		if !v.Yes {
			return nil // a no from somebody of whom nobody knows that they left does no harm
		}
		return r
	}
	if !v.Here.Value {
		return release.Refuse(release.CodeNotMember)
	}
	return nil
}

// kept: a yes while the environment is held, locked by somebody else or frozen would only end the request.
func (v Vote) kept(now time.Time) *release.Refusal {
	return Start{
		Kind: v.Run.Kind, Environment: v.Run.Environment, By: v.Run.Requester, State: v.State, Calendar: v.Calendar,
	}.Kept(now)
}

// role is the lowest whose yes counts.
func (v Vote) role() Role {
	if v.Run.Plan == nil {
		return Approver
	}
	return Voter(v.Run.Plan.Policy)
}

// Voter is the lowest role whose yes counts under a policy; never lower than an approver's.
func Voter(p release.Policy) Role {
	if p.Role == Admin.String() {
		return Admin
	}
	return Approver
}

func (v Vote) open(now time.Time) *release.Refusal {
	switch v.Run.Phase {
	case release.Asking:
		if !now.Before(v.Run.ExpiresAt) {
			return release.Refuse(release.CodeExpired)
		}
		return nil
	case release.Expired:
		return release.Refuse(release.CodeExpired)
	case release.Overtaken:
		return release.Refuse(release.CodeSuperseded)
	default:
		return release.Refuse(release.CodeAlreadyDone, "phase", string(v.Run.Phase), "by", names(v.Run.Approvers()))
	}
}

func names(people []release.Person) string {
	out := make([]string, len(people))
	for i, p := range people {
		out[i] = p.Shown()
	}
	return strings.Join(out, ", ")
}
