package deploy

import (
	"context"
	"slices"
	"time"

	"towline/deploy/release"
)

// Delivery is how a project's releases reached production in a stretch of time, by the four measures of "Accelerate" and the DORA reports:
// how often, how long after the commit, how many went wrong, and how long until that was put right.
type Delivery struct {
	// Shipped is what became live on production, oldest first: promotes and rollbacks.
	Shipped []Shipped
	// Attempts are the promotes that ended well or failed, and Bad are those of them that failed, or were rolled back before the end of the
	// stretch. What was refused, or ended before it began, is none.
	Attempts, Bad int
	// Lead is the median time from a release's commit until it was live, of LeadOf promotes whose commit's time is known.
	Lead   time.Duration
	LeadOf int
	// Restore is the median time from when something bad was live, or a promote had failed half way, until production was as it should be, of
	// RestoreOf times that it was put right within the stretch.
	Restore   time.Duration
	RestoreOf int
	// Hurt is since when production is half way through a release that failed, at the end of the stretch; zero: it is not.
	Hurt time.Time
}

// Shipped is a change of what is live on production.
type Shipped struct {
	Release uint64
	Kind    release.Kind // release.Promote or release.Rollback
	At      time.Time
	Lead    time.Duration // from the commit; 0: not known
	// Undone is when a rollback took it back, within the stretch; zero: none did.
	Undone time.Time
}

// deliveryLimit is how many changes of production one look back reads: a busy team makes some hundred a month.
const deliveryLimit = 2000

// deliveryPage is how many of them are read in one transaction.
const deliveryPage = 100

// delivered reads the history of production, and works out the measures. failed are the runs on production that failed within the stretch.
func (e *Engine) delivered(ctx context.Context, w *Week, failed []release.Run) error {
	var history []release.Change // newest first, without what does not change what is live
	below, past := uint64(0), 0
	for read := 0; read < deliveryLimit && past < historyLimit; read += deliveryPage {
		var some []release.Change
		err := e.store.View(ctx, func(tx Tx) error {
			some = tx.Changes(w.Project, release.Production, below, deliveryPage)
			return nil
		})
		if err != nil {
			return wrap(err, "look back at what %s shipped", w.Project)
		}
		for _, c := range some {
			below = c.Seq
			if c.At.Before(w.Since) {
				past++ // what a rollback took back may have been live before
			}
			if c.At.Before(w.Until) && c.Kind != release.Backfill { // a backfill's release is live already
				history = append(history, c)
			}
		}
		if len(some) < deliveryPage || past > 0 && !needsOlder(history, w.Since) {
			break
		}
	}
	slices.Reverse(history)
	d, err := e.measured(ctx, history, *w, failed)
	w.Delivery = d
	return err
}

// needsOlder tells whether a rollback of the stretch went back to a release that none of the changes read so far made live.
func needsOlder(newestFirst []release.Change, since time.Time) bool {
	for i, c := range newestFirst {
		if c.Kind == release.Rollback && !c.At.Before(since) && madeLive(newestFirst[i+1:], c.Release) < 0 {
			return true
		}
	}
	return false
}

// madeLive is the first of some changes, newest first, that made a release live; -1: none did.
func madeLive(newestFirst []release.Change, number uint64) int {
	return slices.IndexFunc(newestFirst, func(c release.Change) bool { return c.Release == number })
}

// measured works the measures out of a history, oldest first, which begins before the stretch where it can.
func (e *Engine) measured(ctx context.Context, history []release.Change, w Week, failed []release.Run) (Delivery, error) {
	var d Delivery
	undone, restores := takenBack(history, w.Since)
	var leads []time.Duration
	for i, c := range history {
		if c.At.Before(w.Since) || c.Kind == release.Baseline {
			continue
		}
		s := Shipped{Release: c.Release, Kind: c.Kind, At: c.At, Undone: undone[i]}
		if c.Kind == release.Promote {
			d.Attempts++
			if !s.Undone.IsZero() {
				d.Bad++
			}
			lead, err := e.lead(ctx, w.Project, c)
			if err != nil {
				return d, err
			}
			if s.Lead = lead; lead > 0 {
				leads = append(leads, lead)
			}
		}
		d.Shipped = append(d.Shipped, s)
	}
	halfWay, hurt := mended(failed, history)
	d.Hurt = hurt
	for _, run := range failed {
		if run.Kind == release.Promote {
			d.Attempts, d.Bad = d.Attempts+1, d.Bad+1
		}
	}
	restores = append(restores, halfWay...)
	d.Lead, d.LeadOf = median(leads), len(leads)
	d.Restore, d.RestoreOf = median(restores), len(restores)
	return d, nil
}

// takenBack says of every change of a history, oldest first, when a rollback took it back, and of the rollbacks since a moment how long what
// they took back had been live.
func takenBack(history []release.Change, since time.Time) (undone []time.Time, took []time.Duration) {
	undone = make([]time.Time, len(history))
	for i, c := range history {
		if c.Kind != release.Rollback {
			continue
		}
		first := i // the first change that this one took back
		for first > 0 && history[first-1].Release != c.Release {
			first--
		}
		if first == 0 {
			continue // it went back to before what is known
		}
		for j := first; j < i; j++ {
			if undone[j].IsZero() {
				undone[j] = c.At
			}
		}
		if first < i && !c.At.Before(since) {
			took = append(took, c.At.Sub(history[first].At))
		}
	}
	return undone, took
}

// mended is how long production stayed half way through releases that failed, until the next change that ended well; hurt is since when it
// still is. What failed before it changed anything hurt nobody.
func mended(failed []release.Run, history []release.Change) (took []time.Duration, hurt time.Time) {
	failed = slices.Clone(failed)
	slices.SortFunc(failed, func(a, b release.Run) int { return a.EndedAt.Compare(b.EndedAt) })
	var until time.Time // production was put right then: a second failure before it is the same trouble
	for _, run := range failed {
		if !touched(run) || !run.EndedAt.After(until) {
			continue
		}
		i := slices.IndexFunc(history, func(c release.Change) bool { return c.At.After(run.EndedAt) })
		if i < 0 {
			return took, run.EndedAt
		}
		until = history[i].At
		took = append(took, until.Sub(run.EndedAt))
	}
	return took, time.Time{}
}

// lead is the time from the commit of a release until a run made it live, 0 where the commit's time is not known.
func (e *Engine) lead(ctx context.Context, project string, c release.Change) (time.Duration, error) {
	var committed time.Time
	err := e.store.View(ctx, func(tx Tx) error {
		if run, ok := tx.Run(c.Run); ok {
			committed = run.Origin.Time
		}
		if committed.IsZero() {
			r, _ := tx.Release(project, c.Release)
			committed = r.Origin.Time
		}
		return nil
	})
	if err != nil || committed.IsZero() {
		return 0, wrap(err, "read when #%d was written", c.Release)
	}
	return max(0, c.At.Sub(committed)), nil
}

// median is the middle one, or between the two in the middle; 0 of none.
func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Shipped lists what became live on a project's production in a stretch of time, oldest first.
func (e *Engine) Shipped(ctx context.Context, project string, since, until time.Time) ([]Shipped, error) {
	if _, err := e.project(project); err != nil {
		return nil, err
	}
	w := Week{Project: project, Since: since, Until: until}
	err := e.delivered(ctx, &w, nil)
	return w.Delivery.Shipped, err
}
