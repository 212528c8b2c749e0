package deploy

import (
	"context"
	"slices"
	"time"

	"towline/deploy/audit"
	"towline/deploy/delivery"
	"towline/deploy/release"
)

// weekPage is how many entries of the log are read in one transaction.
const weekPage = 1000

// Week looks back at a project's time from since until until.
func (e *Engine) Week(ctx context.Context, project string, since, until time.Time) (delivery.Week, error) {
	w := delivery.Week{Project: project, Since: since, Until: until}
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
	slices.SortStableFunc(w.Broken, func(a, b delivery.Broken) int { return a.At.Compare(b.At) })
	w.Delivery, err = e.delivered(ctx, project, since, until, failed)
	return w, err
}

// tally counts a page of entries; further is false where the page goes back behind the stretch of time. failed are the runs on production that
// did not end well.
func (e *Engine) tally(ctx context.Context, w *delivery.Week, page []audit.Entry) (further bool, failed []release.Run) {
	further = len(page) > 0
	for _, entry := range page {
		if entry.At.Before(w.Since) {
			further = false
		}
		if !w.Counts(entry) {
			continue
		}
		if run, ok, err := e.FindRun(ctx, entry.Run); err == nil && ok && w.Count(entry, run) {
			failed = append(failed, run)
		}
	}
	return further, failed
}

// deliveryLimit is how many changes of production one look back reads: a busy team makes some hundred a month.
const deliveryLimit = 2000

// deliveryPage is how many of them are read in one transaction.
const deliveryPage = 100

// delivered reads the history of production, and works out the measures. failed are the runs on production that failed within the stretch.
func (e *Engine) delivered(ctx context.Context, project string, since, until time.Time, failed []release.Run) (delivery.Measures, error) {
	var history []delivery.Change // newest first, without what does not change what is live
	below, past := uint64(0), 0
	for read := 0; read < deliveryLimit && past < historyLimit; read += deliveryPage {
		var some []release.Change
		err := e.store.View(ctx, func(tx Tx) error {
			some = tx.Changes(project, release.Production, below, deliveryPage)
			return nil
		})
		if err != nil {
			return delivery.Measures{}, wrap(err, "look back at what %s shipped", project)
		}
		for _, c := range some {
			below = c.Seq
			if c.At.Before(since) {
				past++ // what a rollback took back may have been live before
			}
			if c.At.Before(until) && c.Kind != release.Backfill { // a backfill's release is live already
				history = append(history, delivery.Change{Change: c})
			}
		}
		if len(some) < deliveryPage || past > 0 && !delivery.NeedsOlder(history, since) {
			break
		}
	}
	slices.Reverse(history)
	for i, c := range history {
		if c.Kind != release.Promote || c.At.Before(since) {
			continue
		}
		var err error
		if history[i].Committed, err = e.committed(ctx, project, c.Change); err != nil {
			return delivery.Measures{}, err
		}
	}
	return delivery.Measure(since, history, failed), nil
}

// committed is when a release was written that a run made live; zero where that is not known.
func (e *Engine) committed(ctx context.Context, project string, c release.Change) (at time.Time, err error) {
	err = e.store.View(ctx, func(tx Tx) error {
		at = time.Time{}
		if run, ok := tx.Run(c.Run); ok {
			at = run.Origin.Time
		}
		if at.IsZero() {
			r, _ := tx.Release(project, c.Release)
			at = r.Origin.Time
		}
		return nil
	})
	return at, wrap(err, "read when #%d was written", c.Release)
}

// Shipped lists what became live on a project's production in a stretch of time, oldest first.
func (e *Engine) Shipped(ctx context.Context, project string, since, until time.Time) ([]delivery.Shipped, error) {
	if _, err := e.project(project); err != nil {
		return nil, err
	}
	m, err := e.delivered(ctx, project, since, until, nil)
	return m.Shipped, err
}
