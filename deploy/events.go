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
}

// EventKind says what changed.
type EventKind string

// The kinds of event.
const (
	RunChanged  EventKind = "run changed"  // a step further, a vote, a place in the queue
	RunAsked    EventKind = "run asked"    // people must act: approve, or approve again
	RunEnded    EventKind = "run ended"    // in whatever way
	HoldChanged EventKind = "hold changed" // taken or lifted
)

// Entry is one line of a project's audit log. It holds no secret and no content, only digests. What is one of: requested,
// asked again, superseded, approved, rejected, refused, expired, started, released, plan changed, running, step, ended,
// looked again, closed, hold, unhold.
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

	// Prev and Hash chain the log (audit.go). The store sets them, and Seq.
	Prev string `json:"prev,omitempty"` // Hash of the entry before, empty in the first
	Hash string `json:"hash,omitempty"` // sha256 in hex of the rest of the entry
}
