package usage

import (
	"context"
	"time"
)

// Store keeps samples, how far they were read, and what was last known of Cloudflare. Implementations are safe for concurrent use. What is
// returned belongs to the caller. An error means that nothing was changed, or that nothing is known.
type Store interface {
	// Change gives fn the hours that are kept of a subject from one UTC day (inclusive) to another (exclusive), in order of time, and
	// keeps what it returns instead: in the same order, no hour twice, all of them in these days. Each day whose hours are there before or
	// after is made anew of them by RollUp, and is gone with the last of them; a day whose hours were pruned before stays. Marks that are
	// given are set, and others stay. All of this is done or none of it. fn may be called more than once, and does nothing else. At most
	// ChangeDays days can be changed at once.
	Change(ctx context.Context, s Subject, from, to time.Time, m Marks, fn func(hours []Sample) []Sample) error
	// Hours are the hours of a subject that begin from one moment (inclusive) to another (exclusive), in order. Those that were not
	// counted are missing.
	Hours(ctx context.Context, s Subject, from, to time.Time) ([]Sample, error)
	// Days are the UTC days of a subject that begin from one moment (inclusive) to another (exclusive), in order.
	Days(ctx context.Context, s Subject, from, to time.Time) ([]Sample, error)
	// Marks are the marks of every subject of which there is anything.
	Marks(ctx context.Context) (map[Subject]Marks, error)
	// Prune removes the hours of UTC days that were over before one moment, and the days of months that were over before another, and the
	// marks of a subject that has no samples left, if they are all older than hours. It may be interrupted, and called again.
	Prune(ctx context.Context, hours, days time.Time) error
	// State is what PutState stored last; of a new store, an empty one.
	State(ctx context.Context) (State, error)
	PutState(ctx context.Context, s State) error
}

// ChangeDays is how many days one change of a Store may span: what one etcd transaction holds, with room.
const ChangeDays = 31

// Marks say for each dataset up to when (exclusive) the hours of one subject are final: what comes before is not asked for again.
type Marks map[Dataset]time.Time

// Reader is how samples are read by whoever does not count them. A Sampler is one. It is safe for concurrent use, and what it
// returns belongs to the caller.
type Reader interface {
	// Hours are the hours of a subject that begin from one moment (inclusive) to another (exclusive), in order. What was not counted is
	// missing. The hour that is running, and others that Cloudflare may still add to, have figures that cover 0 hours.
	Hours(ctx context.Context, s Subject, from, to time.Time) ([]Sample, error)
	// Days are the UTC days of a subject that begin from one moment (inclusive) to another (exclusive), in order; today's is what it has
	// used so far.
	Days(ctx context.Context, s Subject, from, to time.Time) ([]Sample, error)
	// State is what is known of the counting itself.
	State(ctx context.Context) (State, error)
	// Subject is what a database's name means today. It is false for a name that Cloudflare did not list when it was last asked.
	Subject(name string) (Subject, bool)
	// Changed is closed once a later pass has stored something; then there is another one.
	Changed() <-chan struct{}
}

// State is what is known of the counting itself: what may be counted, how far it has come, and what there is.
type State struct {
	// Datasets has an entry for each of AllDatasets once they were asked for.
	Datasets map[Dataset]Standing
	// LastPass is when the last pass began, whatever came of it; zero: there was none yet.
	LastPass time.Time
	// Trouble is why the last pass did not get all it asked for; empty: it did. What a dataset does not have for this account, and
	// says so, is no trouble.
	Trouble Why
	// Listed is when the account's databases were last listed; Count and Size (in bytes) are of all of them, but for Unsized of them
	// whose size Cloudflare did not tell.
	Listed  time.Time
	Count   int
	Size    int64
	Unsized int
	// Databases are those that are watched, or were once and are still there, by name.
	Databases map[string]Stored
}

// Standing is what is known of one dataset.
type Standing struct {
	// Available: it was counted when it was last asked for. Otherwise Why says what was in the way.
	Available bool
	Why       Why
	// CountedTo is up to when (exclusive) what was counted is whole: Cloudflare lags behind. Zero: nothing was ever counted.
	CountedTo time.Time
	// Back is how far back Cloudflare keeps it; 0: not told.
	Back time.Duration
}

// Why is a reason why something was not counted.
type Why string

// The reasons.
const (
	NotAllowed Why = "not allowed"    // the token lacks "Account Analytics: Read"
	Busy       Why = "busy"           // Cloudflare wants fewer questions for a while
	Missing    Why = "does not exist" // the account has no such dataset
	Disabled   Why = "disabled"       // it has it, and may not query it
	NoAnswer   Why = "no answer"      // anything else; the log says more
)
