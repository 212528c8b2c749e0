package deploy

import (
	"context"
	"time"

	"towline/deploy/queries"
)

// Analytics tells what Cloudflare counted of single databases and Workers, beside what package usage samples of all of them. It lags behind by
// minutes, sometimes more; figures are sampled where there is much to count ("Sampling", GraphQL Analytics API) and kept for 31 days
// ("Metrics and analytics", D1). Implementations are safe for concurrent use. Errors are those of a read; an answer with data and errors both
// is an error.
type Analytics interface {
	// RowsWritten is how many rows were written to a database since a moment, entries of indexes included, and up to when
	// that was counted at least: asOf is the last minute in which anything of the database was counted, a read too, and
	// zero where nothing was; rows says nothing then.
	RowsWritten(ctx context.Context, id string, since time.Time) (rows int64, asOf time.Time, err error)
}

// QueryCounts tells which queries cost what. What Analytics says of lag, sampling, retention and errors is true of it as well.
type QueryCounts interface {
	// Queries lists what was asked of a database from one moment to another, grouped by text, the costliest first in the order that is
	// asked for. Texts come without the values of their parameters.
	Queries(ctx context.Context, id string, from, to time.Time, by queries.Order, limit int) ([]queries.Count, error)
}

// TrafficCounts tells how an app is doing, for the watch after a promote. What Analytics says of lag, sampling, retention and errors is true of
// it as well.
type TrafficCounts interface {
	// Traffic is what a database and some Workers did from one moment to another. asOf is up to when anything was counted; zero: nothing was.
	Traffic(ctx context.Context, id string, workers []string, from, to time.Time) (t Traffic, asOf time.Time, err error)
	// Others is how many queries the account's other databases were asked from one moment to another: where a database's own figures are
	// missing, they tell whether Cloudflare has counted that time at all. Of very many databases it may be a part.
	Others(ctx context.Context, id string, from, to time.Time) (queries int64, err error)
}

// Traffic is what happened to a database and to Workers in a stretch of time. A figure that was not counted is nil.
type Traffic struct {
	Queries, Failed       *int64         // of the database
	RowsRead, RowsWritten *int64         // of the database
	BatchP90              *time.Duration // of the database
	Requests, Errors      *int64         // of the Workers
	CPUP99                *time.Duration // of the Workers
}
