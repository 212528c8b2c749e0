package delivery

import (
	"slices"
	"time"

	"towline/deploy/release"
)

// Measures are how a project's releases reached production in a stretch of time, by the four measures of "Accelerate" and the DORA reports:
// how often, how long after the commit, how many went wrong, and how long until that was put right.
type Measures struct {
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

// Change is one of what became live on production.
type Change struct {
	release.Change
	// Committed is when the release was written. Only of a promote within the stretch does it matter; zero: it is not known.
	Committed time.Time
}

// lead is the time from the commit until the release was live; 0: not known.
func (c Change) lead() time.Duration {
	if c.Committed.IsZero() {
		return 0
	}
	return max(0, c.At.Sub(c.Committed))
}

// NeedsOlder tells whether a rollback since a moment went back to a release that none of some changes, newest first, made live.
func NeedsOlder(newestFirst []Change, since time.Time) bool {
	for i, c := range newestFirst {
		if c.Kind == release.Rollback && !c.At.Before(since) && madeLive(newestFirst[i+1:], c.Release) < 0 {
			return true
		}
	}
	return false
}

// madeLive is the first of some changes, newest first, that made a release live; -1: none did.
func madeLive(newestFirst []Change, number uint64) int {
	return slices.IndexFunc(newestFirst, func(c Change) bool { return c.Release == number })
}

// Measure works the measures out of a history, oldest first, which begins before the stretch where it can, ends with the stretch, and leaves out
// what does not change what is live. failed are the runs on production that failed within the stretch, in any order.
func Measure(since time.Time, history []Change, failed []release.Run) Measures {
	var m Measures
	undone, restores := takenBack(history, since)
	var leads []time.Duration
	for i, c := range history {
		if c.At.Before(since) || c.Kind == release.Baseline {
			continue
		}
		s := Shipped{Release: c.Release, Kind: c.Kind, At: c.At, Undone: undone[i]}
		if c.Kind == release.Promote {
			m.Attempts++
			m.Bad += one(!s.Undone.IsZero())
			if s.Lead = c.lead(); s.Lead > 0 {
				leads = append(leads, s.Lead)
			}
		}
		m.Shipped = append(m.Shipped, s)
	}
	halfWay, hurt := mended(failed, history)
	m.Hurt = hurt
	for _, run := range failed {
		if run.Kind == release.Promote {
			m.Attempts, m.Bad = m.Attempts+1, m.Bad+1
		}
	}
	restores = append(restores, halfWay...)
	m.Lead, m.LeadOf = median(leads), len(leads)
	m.Restore, m.RestoreOf = median(restores), len(restores)
	return m
}

// takenBack says of every change of a history, oldest first, when a rollback took it back, and of the rollbacks since a moment how long what
// they took back had been live.
func takenBack(history []Change, since time.Time) (undone []time.Time, took []time.Duration) {
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
func mended(failed []release.Run, history []Change) (took []time.Duration, hurt time.Time) {
	failed = slices.Clone(failed)
	slices.SortFunc(failed, func(a, b release.Run) int { return a.EndedAt.Compare(b.EndedAt) })
	var until time.Time // production was put right then: a second failure before it is the same trouble
	for _, run := range failed {
		if !run.Touched() || !run.EndedAt.After(until) {
			continue
		}
		i := slices.IndexFunc(history, func(c Change) bool { return c.At.After(run.EndedAt) })
		if i < 0 {
			return took, run.EndedAt
		}
		until = history[i].At
		took = append(took, until.Sub(run.EndedAt))
	}
	return took, time.Time{}
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
