// Package delivery works out how a project's releases went in a stretch of time: values in, values out. The weekly report and the
// charts tell of it.
//
// A Week counts runs, one by one, as the audit log tells of their ends, and carries what is open at its end. Measures are the four of
// "Accelerate" and the DORA reports; Measure works them out of the history of production and the runs that failed on it (measures.go).
// What was live before the stretch matters where a rollback went back to it, and NeedsOlder says whether more of the history has to be read.
//
// The reading is the engine's, which knows how much of a store one transaction may look at.
package delivery

import (
	"strings"
	"time"

	"towline/deploy/audit"
	"towline/deploy/release"
)

// Week is what happened to a project in a stretch of time, and what is still open at its end.
type Week struct {
	Project      string
	Since, Until time.Time

	Deploys, Promotes, Rollbacks int // that ended well
	Failed                       int // runs on production that did not
	Broken                       []Broken
	MissingNotes                 []uint64 // releases that failed or were rolled back without a word why
	Kept                         []release.State
	Seq                          uint64 // of the last entry of the audit log
	Head                         string // and its hash
	TeamSeq                      uint64 // the same of the team's own log
	TeamHead                     string

	Delivery Measures // how production was changed
}

// Broken is a run that went past gates.
type Broken struct {
	release.BreakGlass
	Kind        release.Kind
	Environment release.Environment
	Release     uint64
}

// The entries of the log that a week counts.
const (
	ended      = "ended"
	brokeGlass = "break-glass"
)

// Counts reports whether an entry is one that the week counts, so that its run is worth reading.
func (w *Week) Counts(e audit.Entry) bool {
	return !e.At.Before(w.Since) && e.At.Before(w.Until) && (e.What == ended || e.What == brokeGlass)
}

// Count counts what an entry says of its run, if it is one that the week counts. failed: the entry is the end of a run that failed on
// production, which Measure should hear of.
func (w *Week) Count(e audit.Entry, run release.Run) (failed bool) {
	switch {
	case !w.Counts(e):
		return false
	case e.What == ended:
		return w.ended(e, run)
	case run.Breaking != nil:
		w.Broken = append(w.Broken, Broken{BreakGlass: *run.Breaking, Kind: run.Kind, Environment: run.Environment, Release: run.Release})
	}
	return false
}

// ended counts the end of a run, and tells whether it failed on production.
func (w *Week) ended(e audit.Entry, run release.Run) (failed bool) {
	done, broken := strings.HasPrefix(e.Detail, string(release.Done)), strings.HasPrefix(e.Detail, string(release.Broken))
	switch run.Kind {
	case release.Promote:
		w.Promotes += one(done)
	case release.Rollback:
		w.Rollbacks += one(done)
	case release.Deploy, release.Reset:
		w.Deploys += one(done)
		return false
	case release.Baseline, release.Backfill:
	default: // a watch changes nothing
		return false
	}
	failed = broken && run.Environment == release.Production
	w.Failed += one(failed)
	return failed
}

// one counts what is true.
func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
