package admin

import (
	"context"
	"time"
)

// Source is the bot as far as programs read it. Implementations are safe for concurrent use, answer within a second or so, and each method stands
// for itself: an error leaves out what that method tells. What they return belongs to the caller. No two rows of a list have the same words.
type Source interface {
	// Alive is nil while the process can do anything at all, which is to say read its store.
	Alive(ctx context.Context) error
	// Ready is nil while updates arrive from Telegram, else why they do not. Its text is shown to whoever asks.
	Ready() error
	// Runs are those that ended since the process began, and Refusals what gates and roles said no to.
	Runs() []Runs
	Refusals() []Refusals
	// Verdicts are those of the watches that ended since the process began, with a row of 0 for what there could be.
	Verdicts() []Verdicts
	// Open are the runs that are not over, with a row of 0 for what there could be.
	Open(ctx context.Context) ([]Open, error)
	// Cloudflare is what was asked of Cloudflare's API, Telegram of the Bot API.
	Cloudflare() Cloudflare
	Telegram() Telegram
	// Limits are those of Cloudflare's of whose use something is known.
	Limits(ctx context.Context) ([]Limit, error)
	// Counting is how far Cloudflare's analytics were read.
	Counting(ctx context.Context) (Counting, error)
}

// Runs is how many runs of a kind ended in one way: "promote" on "production", "done".
type Runs struct {
	Kind, Environment, Outcome string
	Ended                      uint64
}

// Verdicts is how many watches of a project came to a verdict: "well", "worse". A watch that found something worse has ended as "done": it did
// what it was for.
type Verdicts struct {
	Project, Verdict string
	Watches          uint64
}

// Refusals is how often something was refused with a code: "not_rehearsed".
type Refusals struct {
	Code  string
	Times uint64
}

// Open is how many runs of an environment are in a phase: "queued" behind another one, "waiting" for approval.
type Open struct {
	Project, Environment, Phase string
	Runs                        int
}

// Cloudflare is what was asked of its API.
type Cloudflare struct {
	Calls []Calls
	// Busiest is the most calls in any five minutes of the last hour.
	Busiest int
}

// Calls is how many requests of one kind ended in one way. Of Cloudflare the kind is "d1", "analytics" and so on; of Telegram it is the method.
type Calls struct {
	Kind, Status string
	Calls        int64
}

// Telegram is what was asked of it, and what waits to be posted.
type Telegram struct {
	Calls []Calls
	// Waiting is how many messages wait to be posted or edited, Oldest since when the first of them does; zero: none does.
	Waiting int
	Oldest  time.Time
	// Paused is how many chats Telegram wants nothing sent to for a while.
	Paused int
}

// Limit is one limit and how much of it is used.
type Limit struct {
	// Key names the limit ("rows_read_per_day"), Unit what it counts.
	Key, Unit string
	// Database is whose it is; empty: the account's.
	Database    string
	Used, Limit float64
	// Reached is when it will be reached at this pace; zero: that is not in sight.
	Reached time.Time
}

// Counting is how far Cloudflare's analytics were read.
type Counting struct {
	// Read is when they were last asked for; zero: not yet.
	Read     time.Time
	Datasets []Dataset
}

// Dataset is one of Cloudflare's sets of figures.
type Dataset struct {
	Name      string
	Available bool
	// To is up to when it was counted as a whole; zero: nothing was ever counted.
	To time.Time
}
