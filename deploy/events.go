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
