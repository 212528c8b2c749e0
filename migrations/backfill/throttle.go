package backfill

import (
	"slices"
	"time"
)

// Throttle decides how many rows the next window has and how long to rest before it: a tenth more while D1 is quicker than the job
// allows, half as many when it was slower or said that it has too much to do. It is a value, and knows no clock.
type Throttle struct {
	limit time.Duration
	nice  float64
	every time.Duration
	first time.Duration
	rows  int
	fails int
}

// Spacing is the least time from one window's start to the next one's. Cloudflare allows a user 1,200 requests in five minutes,
// dashboard and all tokens together, then none for five minutes ("Rate limits", Cloudflare API docs): a backfill takes half of them.
const Spacing = 500 * time.Millisecond

// FirstRest is how long to rest after something went wrong; doubled each time it does so again, up to longRest times as long.
const (
	FirstRest = 2 * time.Second
	longRest  = 60
)

// NewThrottle begins with the job's batch. spacing is the least time between two windows, and first the rest after a failure: [Spacing]
// and [FirstRest] where Cloudflare's limits hold.
func NewThrottle(j *Job, spacing, first time.Duration) Throttle {
	return Throttle{limit: j.MaxBatch, nice: j.Nice, every: spacing, first: first, rows: min(max(j.Batch, MinBatch), MaxBatch)}
}

// Rows are those of the next window.
func (t Throttle) Rows() int { return t.rows }

// Done notes a window that went well. duration is what D1 says it took, 0 where it does not tell; wall is what it took with the way
// there and back. The rest is counted from the window's end.
func (t *Throttle) Done(duration, wall time.Duration) (rest time.Duration) {
	if duration <= 0 {
		duration = wall
	}
	t.fails = 0
	if duration > t.limit {
		t.rows = max(t.rows/2, MinBatch)
	} else {
		t.rows = min(t.rows+max(t.rows/10, 1), MaxBatch)
	}
	return max(time.Duration(t.nice*float64(duration)), t.every-wall)
}

// Failed notes a window that did not get through, and how often in a row that is now. jitter is from 0 to 1.
func (t *Throttle) Failed(overloaded bool, jitter float64) (rest time.Duration, inARow int) {
	if overloaded {
		t.rows = max(t.rows/2, MinBatch)
	}
	t.fails++
	rest = t.first * time.Duration(min(1<<min(t.fails-1, 10), longRest))
	return rest/2 + time.Duration(jitter*float64(rest/2)), t.fails
}

// Probes judges by small reads whether others have to wait because of the job. The first ones say how long a read takes without it.
type Probes struct {
	baseline []time.Duration
	recent   []time.Duration
}

const (
	probesBaseline = 5
	probesRecent   = 20
	// probesSlower is how much slower the 95th percentile may be than without the job, and probesFloor what is never too slow: below it a
	// difference is the network's.
	probesSlower = 1.5
	probesFloor  = 50 * time.Millisecond
)

// Add notes how long a small read took.
func (p *Probes) Add(took time.Duration) {
	if len(p.baseline) < probesBaseline {
		p.baseline = append(p.baseline, took)
		return
	}
	p.recent = append(p.recent, took)
	if len(p.recent) > probesRecent {
		p.recent = slices.Clone(p.recent[1:])
	}
}

// Ready reports whether the baseline is complete.
func (p *Probes) Ready() bool { return len(p.baseline) == probesBaseline }

// Slow reports whether reads take too long now. Once it was said, the reads so far count no more: what follows has to show it anew.
func (p *Probes) Slow() bool {
	if len(p.recent) < probesRecent {
		return false // of fewer, one slow read would be the 95th percentile
	}
	limit := max(time.Duration(probesSlower*float64(percentile(p.baseline, 95))), probesFloor)
	if percentile(p.recent, 95) <= limit {
		return false
	}
	p.recent = nil
	return true
}

// percentile is the smallest value that n per cent of the list are not above.
func percentile(list []time.Duration, n int) time.Duration {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[max((len(sorted)*n+99)/100-1, 0)]
}
