package release

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Plan is what a run would do to one environment now. It is kept whole, so that a change can be shown.
type Plan struct {
	Kind        Kind        `json:"kind"`
	Project     string      `json:"project"`
	Environment Environment `json:"environment"`
	Release     uint64      `json:"release"`
	Live        uint64      `json:"live,omitempty"` // the release that it replaces
	Bundle      string      `json:"bundle"`         // the release's digest
	Target      Target      `json:"target"`
	Ledger      string      `json:"ledger_table"`
	Fingerprint string      `json:"fingerprint"` // of the target's schema now
	Applied     []string    `json:"applied,omitempty"`
	Pending     []Pending   `json:"pending,omitempty"`
	Findings    []Finding   `json:"findings,omitempty"`
	Policy      Policy      `json:"policy"`
	Back        *Back       `json:"back,omitempty"`   // of a rollback
	Script      string      `json:"script,omitempty"` // blob of the transactions as they will be sent

	// From here on: shown to people, outside the digest.
	Transactions int  `json:"transactions"`
	Reset        bool `json:"reset,omitempty"` // the first transaction rebuilds preview
	// Tables are those of the target whose rows are counted at the restore point; none where it is too large for that.
	Tables      []string `json:"tables,omitempty"`
	Large       bool     `json:"large,omitempty"`
	Statements  int      `json:"statements"`
	Expected    string   `json:"expected,omitempty"` // fingerprint that the rehearsal ended with
	Rebuilt     string   `json:"rebuilt,omitempty"`  // of a reset: fingerprint between the rebuilding and the release
	RehearsedMS int64    `json:"rehearsed_ms,omitempty"`

	Rehearsal *Rehearsal  `json:"rehearsal,omitempty"`
	Report    string      `json:"report,omitempty"` // blob of the whole report, a text
	Judged    string      `json:"judged,omitempty"` // blob of the rehearsal's report as a value
	Before    string      `json:"before,omitempty"` // blob of the target's schema as it is
	Size      int64       `json:"size,omitempty"`   // of the target in bytes, 0 where it was not told
	Backup    *BackupPlan `json:"backup,omitempty"`
	Adds      bool        `json:"adds,omitempty"` // the code that was live before works on with the database afterwards
	// Backfill begins when the release is live.
	Backfill *BackfillPlan `json:"backfill,omitempty"`
	// Drift is what somebody else changed in the database since Towline last knew it, in words. The fingerprint binds it.
	Drift []string `json:"drift,omitempty"`
	// Baseline says why a baseline records what it does, and what it does not.
	Baseline *BaselinePlan `json:"baseline,omitempty"`
	// Ways are all ways back that a rollback weighed, the one that it takes first.
	Ways []Back `json:"ways,omitempty"`
}

// Target is a database that a plan is about. One that does not exist yet has no id and is bound as "create NAME".
type Target struct {
	Database string `json:"database"`
	ID       string `json:"id,omitempty"`
}

// Pending is a migration that the plan would apply, or, in a rollback, take back.
type Pending struct {
	Name       string   `json:"name"`
	Checksum   string   `json:"checksum"`
	Statements []string `json:"statements,omitempty"` // one line for each
}

// Finding is something that linting or rehearsing the plan found out. One of Severity error refuses a promote.
type Finding struct {
	Code     string `json:"code"`
	Name     string `json:"name,omitempty"`
	Severity string `json:"severity,omitempty"` // error, warning or info, as package lint has it; empty: warning
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Table    string `json:"table,omitempty"`
	Text     string `json:"text"`
	Advice   string `json:"advice,omitempty"`
	Rewrite  string `json:"rewrite,omitempty"` // the safe way, ready to copy
	Allowed  string `json:"allowed,omitempty"` // the reason of a directive that allows it
}

// Policy is what has to be true for the plan to run.
type Policy struct {
	Approvals int    `json:"approvals"`
	Role      string `json:"role,omitempty"` // the lowest role whose yes counts; empty: approver
}

// String is how a change of policy is shown.
func (p Policy) String() string {
	role := p.Role
	if role == "" {
		role = "approver"
	}
	return fmt.Sprintf("%d by %s", p.Approvals, role)
}

// Way is how a rollback goes back.
type Way string

// The ways back, cheapest first.
const (
	WayNothing    Way = "nothing"     // the schema is the same, or only has more: only the pointer moves
	WayDown       Way = "down"        // DOWN files, newest first
	WayTimeTravel Way = "time travel" // the whole database, to the restore point
)

// Back says how a rollback goes back and what that costs.
type Back struct {
	Way     Way           `json:"way"`
	To      *RestorePoint `json:"to,omitempty"`
	Ledger  []string      `json:"ledger"`            // names that the ledger holds there
	Missing []string      `json:"missing,omitempty"` // migrations without a DOWN file, or with one that does not do
	Tables  []string      `json:"tables,omitempty"`  // dropped
	Columns []string      `json:"columns,omitempty"` // dropped, as table.column
	Price   Price         `json:"price"`

	// Not is why this way cannot be taken; nil: it can.
	Not *Refusal `json:"not,omitempty"`
	// Left are migrations that stay applied though the release lacks them, Adds what they added, in words, and Careful what
	// the older code has to know of it.
	Left    []string `json:"left,omitempty"`
	Adds    []string `json:"adds,omitempty"`
	Careful []string `json:"careful,omitempty"`
	// Restores is how many of Time Travel's ten in ten minutes are left, as far as Towline counted, and Until when the
	// restore point is gone.
	Restores int       `json:"restores,omitempty"`
	Until    time.Time `json:"until,omitzero"`
}

// Price is what going back costs in rows: the best figure there is, with where it comes from, never a bare number.
type Price struct {
	Counted bool             `json:"counted"`
	AtLeast int64            `json:"at_least"`
	Tables  map[string]int64 `json:"tables,omitempty"`
	Reason  string           `json:"reason,omitempty"` // why it was not counted

	// Written is how many rows Cloudflare counted as written since the restore point, and WrittenAt up to when; the zero
	// time: it was not asked, or did not say.
	Written   int64     `json:"written,omitempty"`
	WrittenAt time.Time `json:"written_at,omitzero"`
}

// Why rows were not counted.
const (
	NotCountedThen = "not_counted_then" // at the restore point
	NotCountedNow  = "not_counted_now"
)

// Digest binds an approval: target, pending names and checksums, schema, findings and policy, never durations or rows.
func (p Plan) Digest() string {
	bound := struct {
		V           int
		Kind        Kind
		Project     string
		Environment Environment
		Release     uint64
		Live        uint64
		Bundle      string
		Target      string
		Ledger      string
		Fingerprint string
		Applied     []string
		Pending     [][2]string
		Findings    []string
		Policy      Policy
		Back        string
		Script      string
		Backfill    string `json:",omitempty"`
	}{
		V: 2, Kind: p.Kind, Project: p.Project, Environment: p.Environment, Release: p.Release, Live: p.Live, Bundle: p.Bundle,
		Target: p.Target.bound(), Ledger: p.Ledger, Fingerprint: p.Fingerprint, Applied: p.Applied, Findings: p.findings(), Policy: p.Policy, Back: p.Back.bound(), Script: p.Script,
	}
	if bound.Applied == nil {
		bound.Applied = []string{} // as it was before it lay in a store
	}
	if p.Backfill != nil {
		bound.Backfill = p.Backfill.File + " " + p.Backfill.Checksum
	}
	for _, m := range p.Pending {
		bound.Pending = append(bound.Pending, [2]string{m.Name, m.Checksum})
	}
	text, err := json.Marshal(bound)
	if err != nil {
		panic("release: a plan that cannot be marshalled: " + err.Error()) // strings and numbers only
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func (t Target) bound() string {
	if t.ID == "" {
		return "create " + t.Database
	}
	return t.ID
}

// Names are the pending migrations' names, in order.
func (p Plan) Names() []string {
	names := make([]string, len(p.Pending))
	for i, m := range p.Pending {
		names[i] = m.Name
	}
	return names
}

// After are the names that the ledger holds when the plan has been carried out.
func (p Plan) After() []string {
	if p.Back != nil {
		return p.Back.Ledger
	}
	return append(slices.Clone(p.Applied), p.Names()...)
}

// Difference is one thing that is not the same in two plans.
type Difference struct {
	What    string   `json:"what"` // release, live, target, applied, pending, schema, findings, policy, way, content; approver for one whose yes ended
	Before  string   `json:"before,omitempty"`
	After   string   `json:"after,omitempty"`
	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
}

// Differences lists what differs between the plan that was approved and the one that would run now. It is empty exactly
// if both have the same digest.
func Differences(approved, now Plan) []Difference {
	if approved.Digest() == now.Digest() {
		return nil
	}
	var out []Difference
	values := func(what, before, after string) {
		if before != after {
			out = append(out, Difference{What: what, Before: before, After: after})
		}
	}
	names := func(what string, before, after []string) {
		if !slices.Equal(before, after) {
			out = append(out, Difference{What: what, Added: without(after, before), Removed: without(before, after)})
		}
	}
	values("release", fmt.Sprintf("#%d %s", approved.Release, Short(approved.Bundle)), fmt.Sprintf("#%d %s", now.Release, Short(now.Bundle)))
	values("live", fmt.Sprintf("#%d", approved.Live), fmt.Sprintf("#%d", now.Live))
	values("target", approved.Target.bound(), now.Target.bound())
	names("applied", approved.Applied, now.Applied)
	names("pending", approved.Names(), now.Names())
	values("schema", Short(approved.Fingerprint), Short(now.Fingerprint))
	names("findings", approved.findings(), now.findings())
	values("policy", approved.Policy.String(), now.Policy.String())
	values("way", approved.Back.bound(), now.Back.bound())
	values("backfill", approved.Backfill.file(), now.Backfill.file())
	if len(out) == 0 {
		out = append(out, Difference{What: "content"})
	}
	return out
}

func (p Plan) findings() []string {
	out := make([]string, len(p.Findings))
	for i, f := range p.Findings {
		out[i] = fmt.Sprintf("%s %s:%d", f.Code, f.File, f.Line)
	}
	return out
}

func (b *Back) bound() string {
	if b == nil {
		return ""
	}
	if b.To == nil {
		return string(b.Way)
	}
	return string(b.Way) + " " + b.To.Bookmark
}

// without returns the names of a that b lacks.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(n string) bool { return slices.Contains(b, n) })
}
