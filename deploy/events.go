package deploy

import (
	"time"

	"towline/deploy/release"
)

// Event says that something about a run changed. It carries no more than where to look: whoever tells the story reads
// the run as it is now, so that a late reader tells the truth.
type Event struct {
	Seq         uint64              `json:"seq"`
	Run         string              `json:"run,omitempty"`
	Project     string              `json:"project"`
	Environment release.Environment `json:"environment,omitempty"`
	Kind        EventKind           `json:"kind"`
	At          time.Time           `json:"at"`

	// What happened to a lock, a hold or a freeze is told at once and not read anew: by the time of a reader it may be gone.
	By   release.Person `json:"by,omitzero"`
	To   release.Person `json:"to,omitzero"` // whom it concerns
	Text string         `json:"text,omitempty"`
	From string         `json:"from,omitempty"` // the request's ReplyTo: empty where no chat has an answer to it
	Over bool           `json:"over,omitempty"` // of a lock, a hold or a freeze that changed: it was ended, not begun
}

// EventKind says what changed.
type EventKind string

// The kinds of event.
const (
	RunChanged  EventKind = "run changed" // a step further, a vote, a place in the queue
	RunAsked    EventKind = "run asked"   // people must act: approve, or approve again
	RunEnded    EventKind = "run ended"   // in whatever way
	RunTurn     EventKind = "run's turn"  // it had waited in the queue
	RunStuck    EventKind = "run stuck"   // a backfill rests until a person has looked
	GlassBroken EventKind = "break-glass" // gates were skipped, which everybody is told

	HoldChanged   EventKind = "hold changed" // taken or lifted
	HoldReminder  EventKind = "hold reminder"
	LockChanged   EventKind = "lock changed" // taken or given back
	LockTaken     EventKind = "lock taken over"
	LockLifted    EventKind = "lock lifted" // by an admin, not by its owner
	LockExpired   EventKind = "lock expired"
	LockReminder  EventKind = "lock reminder"
	FreezeChanged EventKind = "freeze changed"
	FreezeExpired EventKind = "freeze over"

	WatchAlarm EventKind = "watch alarm" // production does clearly worse since a promote

	DriftFound EventKind = "drift found" // somebody else changed production's database
	DrillEnded EventKind = "drill ended" // somebody asked for it, or it failed
)

// Entry is one line of a project's audit log, or of the team's own where it names no project. It holds no secret and no
// content, only digests. What is one of:
//
//   - command, refused: somebody gave a command; it was not allowed, or a gate said no
//   - requested, asked again, superseded, approved, rejected, expired, plan changed, vote void, way chosen: of a request
//   - empty asked, delete asked: of a preview database
//   - started, released, running, step, ended, cancel asked, cancelled, looked again, closed: of a run
//   - hold, unhold, lock, unlock, lock taken over, lock expired, freeze, unfreeze, freeze over, reminded of the hold,
//     reminded of the lock: of an environment
//   - backfill, backfill gave way, backfill rests, backfill goes on, backfill paused, backfill resumed, backfill stopped, backfill over,
//     backfill superseded: of a backfill
//   - watch, watched, watch superseded: of what looks at production after a promote
//   - drift, drift over, drift adopted, drift looked into, drill: of production's database
//   - break-glass, note: of a release
//   - config, delegated, undelegated, backup: of the team
type Entry struct {
	Seq         uint64              `json:"seq"`
	At          time.Time           `json:"at"`
	Project     string              `json:"project"`
	Environment release.Environment `json:"environment,omitempty"`
	Who         release.Person      `json:"who,omitzero"` // zero: Towline itself
	What        string              `json:"what"`         // stable
	Run         string              `json:"run,omitempty"`
	Release     uint64              `json:"release,omitempty"`
	Digest      string              `json:"digest,omitempty"`
	Detail      string              `json:"detail,omitempty"`
	Key         string              `json:"key,omitempty"` // of the update that a command came with

	// Prev and Hash chain the log (audit.go). The store sets them, and Seq.
	Prev string `json:"prev,omitempty"` // Hash of the entry before, empty in the first
	Hash string `json:"hash,omitempty"` // sha256 in hex of the rest of the entry
}
