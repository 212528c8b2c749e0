package deploy

import (
	"context"
	"slices"
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

	Delivery Delivery // how production was changed
}

// Broken is a run that went past gates.
type Broken struct {
	release.BreakGlass
	Kind        release.Kind
	Environment release.Environment
	Release     uint64
}

// weekPage is how many entries of the log are read in one transaction.
const weekPage = 1000

// Week looks back at a project's time from since until until.
func (e *Engine) Week(ctx context.Context, project string, since, until time.Time) (Week, error) {
	w := Week{Project: project, Since: since, Until: until}
	if _, err := e.project(project); err != nil {
		return w, err
	}
	err := e.store.View(ctx, func(tx Tx) error {
		w.Seq, w.Head = tx.Head(project)
		w.TeamSeq, w.TeamHead = tx.Head("")
		w.MissingNotes = missingNotes(tx, project)
		w.Kept = nil
		for _, s := range tx.Kept() {
			if s.Project == project {
				w.Kept = append(w.Kept, s)
			}
		}
		return nil
	})
	if err != nil {
		return w, wrap(err, "look back at %s", project)
	}
	var failed []release.Run // on production
	for before := w.Seq; before > 0; {
		var page []audit.Entry
		from := before - min(before, weekPage)
		err := e.store.View(ctx, func(tx Tx) error {
			page = tx.EntriesAfter(project, from, weekPage)
			return nil
		})
		if err != nil {
			return w, wrap(err, "look back at %s", project)
		}
		further, broken := e.tally(ctx, &w, page)
		failed = append(failed, broken...)
		if !further {
			break
		}
		before = from
	}
	slices.SortStableFunc(w.Broken, func(a, b Broken) int { return a.At.Compare(b.At) })
	return w, e.delivered(ctx, &w, failed)
}

// tally counts a page of entries; further is false where the page goes back behind the stretch of time. failed are the runs on production that
// did not end well.
func (e *Engine) tally(ctx context.Context, w *Week, page []audit.Entry) (further bool, failed []release.Run) {
	further = len(page) > 0
	for _, entry := range page {
		if entry.At.Before(w.Since) {
			further = false
			continue
		}
		if !entry.At.Before(w.Until) || entry.What != "ended" && entry.What != "break-glass" {
			continue
		}
		run, ok, err := e.FindRun(ctx, entry.Run)
		if err != nil || !ok {
			continue
		}
		if entry.What == "break-glass" {
			if run.Breaking != nil {
				w.Broken = append(w.Broken, Broken{BreakGlass: *run.Breaking, Kind: run.Kind, Environment: run.Environment, Release: run.Release})
			}
			continue
		}
		if w.ended(run, entry) {
			failed = append(failed, run)
		}
	}
	return further, failed
}

// ended counts the end of a run, and tells whether it failed on production.
func (w *Week) ended(run release.Run, entry audit.Entry) (failed bool) {
	done, broken := strings.HasPrefix(entry.Detail, string(release.Done)), strings.HasPrefix(entry.Detail, string(release.Broken))
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
