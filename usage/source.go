package usage

import (
	"context"
	"errors"
	"time"
)

// Source is Cloudflare as far as it counts. Implementations are safe for concurrent use. Every method only reads, and may be retried by
// the implementation. Figures lag behind by minutes and are sampled where there is much to count. Errors are those below, or any other for an
// answer that did not come or is none; then nothing at all is known, never a part.
type Source interface {
	// Datasets asks what the account may query, and how far back. A dataset that is missing from the map does not exist for the account.
	Datasets(ctx context.Context) (map[Dataset]Bounds, error)
	// Inventory lists every database of the account, and how large each is now.
	Inventory(ctx context.Context) ([]Stored, error)
	// Hours counts what a dataset has from one full hour (inclusive) to another (exclusive), for the subjects, in order of time. A
	// subject of another kind than the dataset's gets nothing. An hour in which a subject did nothing has no sample: it is 0 wherever the
	// source is known to have counted that hour. The stretch may be longer than the dataset's Bounds let one query ask; the implementation
	// asks more than once.
	Hours(ctx context.Context, d Dataset, subjects []Subject, from, to time.Time) ([]Counted, error)
}

// Dataset is a set of figures that Cloudflare keeps together, by the name that the GraphQL Analytics API has for it.
type Dataset string

// The datasets.
const (
	// Activity has rows and queries, and the times of batches, of databases and of the account.
	Activity Dataset = "d1AnalyticsAdaptiveGroups"
	// Sizes has storage, of databases and of the account.
	Sizes Dataset = "d1StorageAdaptiveGroups"
	// Queries has every query's text and cost; Hours counts those of them that failed, of databases.
	Queries Dataset = "d1QueriesAdaptiveGroups"
	// Invocations has requests, errors and CPU times, of Workers and of the account.
	Invocations Dataset = "workersInvocationsAdaptive"
)

// AllDatasets are the datasets, in the order in which they are asked for.
func AllDatasets() []Dataset { return []Dataset{Activity, Sizes, Queries, Invocations} }

// Bounds are what one query may ask of a dataset ("Discovering settings", GraphQL Analytics API).
type Bounds struct {
	Enabled bool
	// Back is how far back there is anything, Longest how much time one query may span; 0: not told.
	Back, Longest time.Duration
	// Page is how many groups an answer has at most; 0: not told.
	Page int
}

// Stored is a database as the account's list has it.
type Stored struct {
	ID, Name string
	// Size is in bytes; less than 0: not told. Created may be zero.
	Size    int64
	Created time.Time
}

// Counted is one subject's sample.
type Counted struct {
	Subject Subject
	Sample  Sample
}

// The errors of a Source that have a meaning of their own.
var (
	// ErrNotAllowed: the token may not read analytics ("Account Analytics: Read").
	ErrNotAllowed = errors.New("the API token may not read the account's analytics")
	// ErrBusy: Cloudflare wants fewer questions for a while (HTTP 429; 300 GraphQL queries in 5 minutes).
	ErrBusy = errors.New("fewer questions are wanted for a while")
	// ErrMissing: the account does not have the dataset, or may not query it, whatever the token may.
	ErrMissing = errors.New("the account's analytics do not have this")
)
