package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/rehearse"
)

// MaxAge is how old a fact may be when a run starts on it.
const MaxAge = 10 * time.Second

// Fact is something read outside, with the time at which it was true.
type Fact[T any] struct {
	Value   T
	At      time.Time
	Problem string // why it could not be read; empty: it was
}

// Known is a fact that was read.
func Known[T any](v T, at time.Time) Fact[T] { return Fact[T]{Value: v, At: at} }

// Unknown is a fact that could not be read.
func Unknown[T any](problem string) Fact[T] { return Fact[T]{Problem: problem} }

func (f Fact[T]) check(what string, now time.Time) *release.Refusal {
	if f.Problem != "" || f.At.IsZero() {
		return release.Refuse(release.CodeFactsMissing, "what", what, "problem", f.Problem)
	}
	if age := now.Sub(f.At); age > MaxAge || age < -MaxAge {
		return release.Refuse(release.CodeFactsOld, "what", what, "age", age.Round(time.Second).String())
	}
	return nil
}

// Start is everything that decides whether a run may start, or be asked for.
type Start struct {
	Kind        release.Kind
	Environment release.Environment
	Release     uint64
	Refs        []string // under which the release was deployed
	AllowedRefs []string // what may be promoted; empty: any

	// Read in the same store transaction.
	State       release.State
	PreviewLive uint64
	Self        string // the run itself, which may hold the lease

	// Read outside.
	Target    Fact[migrations.Difference] // D1's ledger against the release
	Rehearsal Fact[rehearse.Report]
}

// Check returns the first gate that refuses, nil if none does.
func (s Start) Check(now time.Time) *release.Refusal {
	for _, gate := range []func(Start, time.Time) *release.Refusal{
		unsettled, hold, refs, onPreview, facts, ledger, losses, failure,
	} {
		if r := gate(s, now); r != nil {
			return r
		}
	}
	return nil
}

// unsettled: an earlier run of which nobody knows how it ended keeps the environment until a person has looked.
func unsettled(s Start, _ time.Time) *release.Refusal {
	if l := s.State.Lease; l != nil && l.Run != s.Self && s.State.Unresolved {
		return release.Refuse(release.CodeUnsettled, "run", l.Run)
	}
	return nil
}

// hold: a rollback goes through a hold, since it is what one does while holding; everything else waits for /unhold.
func hold(s Start, _ time.Time) *release.Refusal {
	h := s.State.Hold
	if h == nil || s.Kind == release.Rollback {
		return nil
	}
	return release.Refuse(release.CodeHold, "by", h.By.Name, "reason", h.Reason, "since", h.At.UTC().Format(time.RFC3339))
}

func refs(s Start, _ time.Time) *release.Refusal {
	if s.Kind != release.Promote || len(s.AllowedRefs) == 0 {
		return nil
	}
	for _, ref := range s.Refs {
		if slices.ContainsFunc(s.AllowedRefs, func(pattern string) bool { return RefMatches(pattern, ref) }) {
			return nil
		}
	}
	return release.Refuse(release.CodeRefNotAllowed, "ref", strings.Join(s.Refs, ", "), "allowed", strings.Join(s.AllowedRefs, ", "))
}

// RefMatches reports whether a ref is what a pattern of production_refs names: the ref itself, or with "release/*" every
// name that begins with "release/".
func RefMatches(pattern, ref string) bool {
	folder, isFolder := strings.CutSuffix(pattern, "*")
	return ref == pattern || isFolder && strings.HasPrefix(ref, folder) && ref != folder
}

// onPreview: promise 4, nothing reaches production that is not live on preview.
func onPreview(s Start, _ time.Time) *release.Refusal {
	if s.Kind != release.Promote || s.PreviewLive == s.Release {
		return nil
	}
	return release.Refuse(release.CodeNotOnPreview, "release", fmt.Sprint(s.Release), "preview", fmt.Sprint(s.PreviewLive))
}

func facts(s Start, now time.Time) *release.Refusal {
	if r := s.Target.check("the database", now); r != nil {
		return r
	}
	return s.Rehearsal.check("the rehearsal", now)
}

// ledger: what was applied must be in the release, as it was applied. Going back is the one act that lacks it on purpose.
func ledger(s Start, _ time.Time) *release.Refusal {
	if s.Kind == release.Rollback {
		return nil
	}
	d := s.Target.Value
	if len(d.Edited) > 0 {
		return release.Refuse(release.CodeEdited, "environment", string(s.Environment)).Listing(d.Edited...)
	}
	if len(d.Unknown) == 0 {
		return nil
	}
	names := make([]string, len(d.Unknown))
	for i, name := range d.Unknown {
		names[i] = name
		if now := d.Renamed[name]; now != "" {
			names[i] = name + " → " + now
		}
	}
	if s.Environment == release.Production && s.State.Live > s.Release {
		return release.Refuse(release.CodeWouldUndo, "release", fmt.Sprint(s.Release), "live", fmt.Sprint(s.State.Live)).Listing(names...)
	}
	return release.Refuse(release.CodeMissing, "environment", string(s.Environment)).Listing(names...)
}

// losses: what D1 does silently. A rollback by DOWN files says what it drops and is planned around losses elsewhere.
func losses(s Start, _ time.Time) *release.Refusal {
	found := s.Rehearsal.Value.Losses
	if len(found) == 0 {
		return nil
	}
	var items []string
	for _, l := range found {
		items = append(items, fmt.Sprintf("%s:%d %s: %s (%s)", l.File, l.Line, l.By, l.Table, l.Kind))
	}
	return release.Refuse(release.CodeWouldLoseRows, "file", found[0].File, "line", fmt.Sprint(found[0].Line),
		"table", found[0].Table, "by", found[0].By, "kind", string(found[0].Kind), "statement", found[0].Statement).Listing(items...)
}

func failure(s Start, _ time.Time) *release.Refusal {
	f := s.Rehearsal.Value.Failure
	if f == nil {
		return nil
	}
	return release.Refuse(release.CodeRehearsalFailed, "file", f.File, "line", fmt.Sprint(f.Line),
		"statement", f.Statement, "words", f.Message)
}

// Vote is everything that decides whether a press on Approve or Reject counts.
type Vote struct {
	Run    release.Run
	Digest string // that the button stood for
	By     Actor
	Yes    bool
	Hold   *release.Hold
}

// Check refuses a vote that does not count.
func (v Vote) Check(now time.Time) *release.Refusal {
	if r := v.open(now); r != nil {
		return r
	}
	if !v.Yes && v.By.ID == v.Run.Requester.ID {
		return nil // withdrawing one's own request needs no right
	}
	if v.Yes && v.By.ID == v.Run.Requester.ID {
		return release.Refuse(release.CodeOwnApproval)
	}
	if r := Needs(v.By, Approver, "approve"); r != nil {
		return r
	}
	if v.Yes && v.Run.Voted(v.By.ID) { // a No is heard after one's own Yes as well
		return release.Refuse(release.CodeAlreadyVoted)
	}
	if v.Digest != v.Run.Approved {
		return release.Refuse(release.CodeDigestMismatch, "shown", release.Short(v.Digest), "now", release.Short(v.Run.Approved))
	}
	if v.Yes {
		return hold(Start{Kind: v.Run.Kind, State: release.State{Hold: v.Hold}}, now)
	}
	return nil
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
		out[i] = p.Name
	}
	return strings.Join(out, ", ")
}
