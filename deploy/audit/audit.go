// Package audit is the log of what was done and by whom: a chain of entries for each project and one for the team, so that
// what was changed, taken out or put in later is found, and named by its entry.
//
// Bottom up: audit.go has the Entry; seal.go its canonical bytes, which never change, and the hash of them; chain.go proves a log
// from its first entry on and names the first that is wrong; export.go writes logs for programs and for spreadsheets, and proves a
// file by itself; walk.go reads and proves a log in a store, page by page, while others add to it.
//
// The room stores nothing and decides about no run: what is worth an entry is the engine's to say.
package audit

import (
	"time"

	"towline/deploy/release"
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

	// Prev and Hash chain the log (seal.go). The store sets them, and Seq.
	Prev string `json:"prev,omitempty"` // Hash of the entry before, empty in the first
	Hash string `json:"hash,omitempty"` // sha256 in hex of the rest of the entry
}
