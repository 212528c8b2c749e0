package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"towline/deploy/freeze"
	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/rehearse"
)

// Start is everything that decides whether a run may start, or be asked for.
type Start struct {
	Kind        release.Kind
	Environment release.Environment
	Release     uint64
	By          release.Person // who asked for it
	Refs        []string       // under which the release was deployed
	AllowedRefs []string       // what may be promoted; empty: any

	// Read in the same store transaction.
	State       release.State
	PreviewLive uint64
	LiveNames   []string // migrations of the release that is live in the environment
	Left        []string // migrations that a rollback of production left applied: a release may lack them
	Self        string   // the run itself, which may hold the lease

	// Calendar is what the config's freeze windows say of this moment.
	Calendar freeze.Verdict

	// Findings are those of linting what the run would apply.
	Findings []release.Finding

	// Skip are the gates that break-glass goes past, by the code of their refusal.
	Skip []release.Code

	// Read outside.
	Target    Fact[migrations.Difference] // D1's ledger against the release
	Rehearsal Fact[rehearse.Report]
}

// startGate is one of the gates of a start.
type startGate struct {
	name  string
	check func(Start, time.Time) *release.Refusal
	never bool // not even break-glass goes past it
}

// startGates in the order in which they are asked. The first that refuses is the one that is told.
func startGates() []startGate {
	return []startGate{
		{"settled", unsettled, true}, {"hold", hold, false}, {"lock", lock, false}, {"freeze", frozen, false}, {"refs", refs, false},
		{"order", older, false}, {"preview", onPreview, false}, {"facts", facts, true}, {"ledger", ledger, true}, {"losses", losses, false},
		{"rehearsal", failure, false}, {"lint", errorsFound, false},
	}
}

// Names lists the gates of a start, as the audit log calls them.
func Names() []string {
	var out []string
	for _, g := range startGates() {
		out = append(out, g.name)
	}
	return out
}

// Refused is what one gate says against a run.
type Refused struct {
	*release.Refusal
	Gate  string
	Never bool // break-glass does not go past it
}

// Check returns the first gate that refuses, nil if none does.
func (s Start) Check(now time.Time) *release.Refusal {
	if all := s.Refusals(now); len(all) > 0 {
		return all[0].Refusal
	}
	return nil
}

// Refusals are those of all gates that refuse and are not skipped, in order.
func (s Start) Refusals(now time.Time) []Refused {
	var all []Refused
	for _, g := range startGates() {
		r := g.check(s, now)
		if r == nil || !g.never && slices.Contains(s.Skip, r.Code) {
			continue
		}
		all = append(all, Refused{Refusal: r, Gate: g.name, Never: g.never})
	}
	return all
}

// Kept judges what is known without asking anybody outside: whether the environment may change now at all.
func (s Start) Kept(now time.Time) *release.Refusal {
	for _, gate := range []func(Start, time.Time) *release.Refusal{hold, lock, frozen} {
		if r := gate(s, now); r != nil {
			return r
		}
	}
	return nil
}

// Locked judges the lock alone: whether somebody else has it.
func (s Start) Locked(now time.Time) *release.Refusal { return lock(s, now) }

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
	return release.Refuse(release.CodeHold, "project", s.State.Project, "environment", string(s.Environment), "by", h.By.Shown(),
		"reason", h.Reason, "since", h.At.UTC().Format(time.RFC3339))
}

// lock: a person's lock stops everybody else, a rollback as well; taking it over is one tap.
func lock(s Start, now time.Time) *release.Refusal {
	l := s.State.Lock
	if !l.Active(now) || l.By.ID == s.By.ID {
		return nil
	}
	return release.Refuse(release.CodeLock, "project", s.State.Project, "environment", string(s.Environment), "by", l.By.Shown(), "reason", l.Reason,
		"since", l.At.UTC().Format(time.RFC3339), "until", l.Until.UTC().Format(time.RFC3339))
}

// frozen: production does not change within a freeze, but for a rollback: the way back is never closed.
func frozen(s Start, now time.Time) *release.Refusal {
	if s.Environment != release.Production || s.Kind == release.Rollback {
		return nil
	}
	if f := s.State.Freeze; f.Active(now) {
		return release.Refuse(release.CodeFreeze, "reason", f.Reason, "by", f.By.Shown(), "until", f.Until.UTC().Format(time.RFC3339))
	}
	if !s.Calendar.Frozen {
		return nil
	}
	r := release.Refuse(release.CodeFreeze, "reason", s.Calendar.Reason, "window", s.Calendar.Window)
	if s.Calendar.Outside {
		r.Facts["outside"] = "true" // so that the reason is nobody's words
	}
	if !s.Calendar.Until.IsZero() {
		r.Facts["until"] = s.Calendar.Until.UTC().Format(time.RFC3339)
	}
	return r
}

// older: putting an older release over a newer one is a rollback, and is asked for as one.
func older(s Start, _ time.Time) *release.Refusal {
	if s.Kind != release.Promote || s.State.Live <= s.Release {
		return nil
	}
	if len(s.unknown()) > 0 || len(s.Target.Value.Edited) > 0 {
		return nil // the ledger's gate says which, and is never skipped
	}
	return release.Refuse(release.CodeWouldUndo, "release", fmt.Sprint(s.Release), "live", fmt.Sprint(s.State.Live))
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
	unknown := s.unknown()
	if len(unknown) == 0 {
		return nil
	}
	names := make([]string, len(unknown))
	for i, name := range unknown {
		names[i] = name
		if now := d.Renamed[name]; now != "" {
			names[i] = name + " → " + now
		}
	}
	undone := slices.ContainsFunc(unknown, func(name string) bool {
		return slices.Contains(s.LiveNames, name) && d.Renamed[name] == ""
	})
	if s.Environment == release.Production && s.State.Live != 0 && (s.State.Live > s.Release || undone) {
		return release.Refuse(release.CodeWouldUndo, "release", fmt.Sprint(s.Release), "live", fmt.Sprint(s.State.Live)).Listing(names...)
	}
	return release.Refuse(release.CodeMissing, "environment", string(s.Environment)).Listing(names...)
}

// unknown are the names that the ledger holds and the release lacks, but for those that a rollback left on purpose.
func (s Start) unknown() []string {
	return slices.DeleteFunc(slices.Clone(s.Target.Value.Unknown), func(name string) bool { return slices.Contains(s.Left, name) })
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

// errorsFound: a finding of severity error keeps a release from production. On preview it is shown, so that it can be tried.
func errorsFound(s Start, _ time.Time) *release.Refusal {
	if s.Kind != release.Promote {
		return nil
	}
	var items []string
	var first release.Finding
	for _, f := range s.Findings {
		if f.Severity != "error" {
			continue
		}
		if items = append(items, fmt.Sprintf("%s:%d %s: %s", f.File, f.Line, f.Code, f.Text)); len(items) == 1 {
			first = f
		}
	}
	if len(items) == 0 {
		return nil
	}
	return release.Refuse(release.CodeLint, "file", first.File, "line", fmt.Sprint(first.Line), "rule", first.Code, "name", first.Name, "text", first.Text,
		"advice", first.Advice, "rewrite", first.Rewrite).Listing(items...)
}
