package release

import (
	"slices"
	"time"
)

// Kind is what a run does.
type Kind string

// The kinds of run.
const (
	Deploy   Kind = "deploy"
	Promote  Kind = "promote"
	Rollback Kind = "rollback"
	Reset    Kind = "reset"    // preview rebuilt from production's schema, then the release
	Baseline Kind = "baseline" // a database that others migrated is adopted: ledger rows alone are written
)

// Phase is how far a run has come.
type Phase string

// The phases of a run. The first four are open, the others final.
const (
	Preparing  Phase = "preparing" // its content is fetched and its plan made
	Asking     Phase = "waiting"   // for people to approve
	Queued     Phase = "queued"    // for its turn
	Executing  Phase = "running"
	Done       Phase = "done"
	Unchanged  Phase = "unchanged" // there was nothing to do
	Broken     Phase = "failed"
	Refused    Phase = "refused" // by a gate
	Rejected   Phase = "rejected"
	Expired    Phase = "expired"
	Overtaken  Phase = "superseded"
	Cancelled  Phase = "cancelled"
	Unresolved Phase = "unknown" // what happened cannot be found out; a person must look
)

// Open reports whether the run can still change something.
func (p Phase) Open() bool {
	return slices.Contains([]Phase{Preparing, Asking, Queued, Executing, Paused}, p)
}

// Run is one execution of a plan on one environment, from its request to its end. It is the whole state from which the
// run's card can be rendered again at any time.
type Run struct {
	ID          string      `json:"id"`
	Project     string      `json:"project"`
	Environment Environment `json:"environment"`
	Kind        Kind        `json:"kind"`
	Phase       Phase       `json:"phase"`

	Ref     string  `json:"ref,omitempty"` // as it was asked for
	Release uint64  `json:"release,omitempty"`
	Was     uint64  `json:"was,omitempty"` // the release that was live when the run was planned
	Origin  Origin  `json:"origin,omitzero"`
	WasFrom *Origin `json:"was_from,omitempty"`

	Requester   Person    `json:"requester"`
	RequestedAt time.Time `json:"requested_at"`
	Key         string    `json:"key"`                // the same request, delivered twice, is one run
	ReplyTo     string    `json:"reply_to,omitempty"` // opaque to the engine: where the request came from

	Required  int          `json:"required,omitempty"` // approvals
	Votes     []Vote       `json:"votes,omitempty"`
	ExpiresAt time.Time    `json:"expires_at,omitzero"`
	Plan      *Plan        `json:"plan,omitempty"`
	Approved  string       `json:"approved,omitempty"` // the plan digest that the votes are for
	Changes   []Difference `json:"changes,omitempty"`  // what changed since somebody approved
	Asked     uint64       `json:"asked,omitempty"`    // how often people were asked; grows when the plan changed under them

	Place int `json:"place,omitempty"` // in the queue, 1 is next
	// OvertakenBy is the newer release that took preview from the one that this request is for.
	OvertakenBy uint64 `json:"overtaken_by,omitempty"`

	Waited    bool          `json:"waited,omitempty"` // in the queue, so that its turn is worth a word
	Cancel    *Cancel       `json:"cancel,omitempty"` // who wanted it stopped
	Breaking  *BreakGlass   `json:"breaking,omitempty"`
	Steps     []Step        `json:"steps,omitempty"`
	Point     *RestorePoint `json:"point,omitempty"`  // taken before the change
	Undo      *RestorePoint `json:"undo,omitempty"`   // what a restore said leads back
	Way       Way           `json:"way,omitempty"`    // of a rollback, where the requester chose it; empty: the cheapest that works
	UpTo      string        `json:"up_to,omitempty"`  // of a baseline: the last file to record, where somebody named it
	Forced    bool          `json:"forced,omitempty"` // by an admin, whatever the schema says
	Seen      *Seen         `json:"seen,omitempty"`   // what was read back of production at the end
	Backup    *BackupTaken  `json:"backup,omitempty"`
	Before    string        `json:"before,omitempty"`   // blob of the database's fingerprint before the change
	Compared  *Compared     `json:"compared,omitempty"` // with the rehearsal, after it
	Backfill  *Progress     `json:"backfill,omitempty"`
	Drop      *Drop         `json:"drop,omitempty"`    // of a preview database that is emptied or deleted, as it was confirmed
	Watch     *Watching     `json:"watch,omitempty"`   // of a watch
	Watched   string        `json:"watched,omitempty"` // of a promote: the run that watches it
	Refusal   *Refusal      `json:"refusal,omitempty"`
	Failure   *Failure      `json:"failure,omitempty"`
	Notes     []string      `json:"notes,omitempty"` // codes of what is worth saying at the end
	StartedAt time.Time     `json:"started_at,omitzero"`
	EndedAt   time.Time     `json:"ended_at,omitzero"`
}

// Vote is one person's yes or no to one digest.
type Vote struct {
	By     Person    `json:"by"`
	Yes    bool      `json:"yes"`
	Digest string    `json:"digest"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"` // of a no
	// Void says why it no longer counts, though its digest is the one that is asked about; empty: it does.
	Void string `json:"void,omitempty"`
}

// Approvers are those whose yes counts for the digest that the run stands for at present.
func (r Run) Approvers() []Person {
	var people []Person
	for _, v := range r.Votes {
		if v.Yes && v.Digest == r.Approved && v.Void == "" {
			people = append(people, v.By)
		}
	}
	return people
}

// Voted reports whether that person has already voted on the digest that the run stands for at present.
func (r Run) Voted(id int64) bool {
	return slices.ContainsFunc(r.Votes, func(v Vote) bool { return v.By.ID == id && v.Digest == r.Approved && v.Void == "" })
}

// Touched reports whether the run changed the database, or may have.
func (r Run) Touched() bool {
	return slices.ContainsFunc(r.Steps, func(step Step) bool {
		effect := slices.Contains([]string{StepReset, StepApply, StepUndo, StepRestore}, step.Name)
		return effect && (step.State == StepDone || step.State == StepUnknown)
	})
}

// Step is the unit of crash safety: the intent is stored before the effect, the result after it. A step that has an intent
// and no result is observed at Cloudflare before anything else happens.
type Step struct {
	Name   string    `json:"name"`
	State  StepState `json:"state"`
	Begun  time.Time `json:"begun,omitzero"`
	Ended  time.Time `json:"ended,omitzero"`
	Result string    `json:"result,omitempty"` // what the effect gave: an id, a bookmark
	Index  int       `json:"index,omitempty"`  // of the script's transaction that it sends
	Found  bool      `json:"found,omitempty"`  // the reply was lost, and the result was read at Cloudflare
}

// StepState is how far a step has come.
type StepState string

// The states of a step.
const (
	StepPlanned StepState = "planned"
	StepIntent  StepState = "intent"
	StepDone    StepState = "done"
	StepFailed  StepState = "failed"
	StepUnknown StepState = "unknown"
)

// The names of the steps.
const (
	StepFetch     = "fetch"
	StepPlan      = "plan"
	StepProvision = "provision"
	StepPoint     = "restore point"
	StepBackup    = "backup"
	StepReset     = "reset"
	StepApply     = "apply"   // one per transaction
	StepUndo      = "undo"    // one per transaction of DOWN files
	StepRestore   = "restore" // Time Travel
	StepVerify    = "verify"
)

// Failure is why a run failed, with what was done and what was not.
type Failure struct {
	Code      string   `json:"code"` // stable
	Step      string   `json:"step,omitempty"`
	File      string   `json:"file,omitempty"`
	Line      int      `json:"line,omitempty"`
	Statement string   `json:"statement,omitempty"`
	Words     string   `json:"words,omitempty"`   // SQLite's, D1's or the source's own
	OneOf     int      `json:"one_of,omitempty"`  // the statement is one of so many, where only D1 refused
	Applied   []string `json:"applied,omitempty"` // migrations of this run that are in the ledger all the same
	Left      []string `json:"left,omitempty"`    // of a run that was stopped: migrations that it did not come to
}
