// Package usage keeps what an account's databases and Workers used, for longer than Cloudflare does, and tells what it
// means: what the week was like, what it costs, and when a limit will be reached.
//
// At the bottom is a Sample: the figures of one Subject (the account, a database, a Worker) in one hour or one day. A
// Source counts them (Cloudflare's analytics), a Store keeps them: hours for HoursKept, days for DaysKept. The Sampler
// carries them from one to the other, each hour, and fills what was missed. A sample replaces the one before it and is
// never added to it, so that nothing is counted twice however often it is read. What was not counted is missing from a
// sample; it is never 0.
//
// The rooms below are pure: tariff has Cloudflare's limits and prices, forecast continues a series, alert compares use
// with limits, report puts a week together, and chart draws it.
package usage

import (
	"strconv"
	"time"
)

// How long samples are kept. Cloudflare keeps its own for 31 days ("Metrics and analytics", D1 docs).
const (
	HoursKept = 35 * 24 * time.Hour
	DaysKept  = 2 * 366 * 24 * time.Hour
)

// Kind is what a Subject is.
type Kind string

// The kinds of subject.
const (
	Account  Kind = "account"
	Database Kind = "database"
	Worker   Kind = "worker"
)

// Subject is what figures are about. ID is a database's UUID or a Worker's script name, and empty for the account.
type Subject struct {
	Kind Kind   `json:"kind"`
	ID   string `json:"id,omitempty"`
}

// Whole is the account itself: everything in it, also what Towline has nothing to do with, since limits count that too.
func Whole() Subject { return Subject{Kind: Account} }

// Figure is one thing that is counted.
type Figure uint8

// The figures. Which of them a subject has depends on its kind; times are UTC.
const (
	RowsRead     Figure = iota // account, database: rows
	RowsWritten                // account, database: rows, an index's entries included
	ReadQueries                // account, database
	WriteQueries               // account, database
	Errors                     // database: queries that failed; account, worker: requests that did not end well
	Storage                    // account, database: bytes, the most of the stretch
	BatchP90                   // database: milliseconds that nine of ten batches did not exceed; a day's is its worst hour's
	Requests                   // account, worker
	CPUP50                     // worker: microseconds of CPU time; a day's is its worst hour's
	CPUP99                     // worker
	Databases                  // account: how many there are, the most of the stretch
	APICalls                   // account: calls of ours to Cloudflare's API, the most in any five minutes of the stretch
	figures
)

// Figures are all figures, in their order.
func Figures() []Figure {
	all := make([]Figure, figures)
	for i := range all {
		all[i] = Figure(i) //nolint:gosec // there are a dozen
	}
	return all
}

// String is the figure's name where people and programs read it: "rows_read".
func (f Figure) String() string {
	names := [...]string{
		"rows_read", "rows_written", "read_queries", "write_queries", "errors", "storage_bytes", "batch_p90_ms", "requests", "cpu_p50_us", "cpu_p99_us", "databases", "api_calls",
	}
	if int(f) < len(names) {
		return names[f]
	}
	return "figure " + strconv.Itoa(int(f))
}

// Counts reports whether the figure adds up over time (rows, queries); a level (storage, times, how many there are) has a most.
func (f Figure) Counts() bool {
	switch f {
	case RowsRead, RowsWritten, ReadQueries, WriteQueries, Errors, Requests:
		return true
	case Storage, BatchP90, CPUP50, CPUP99, Databases, APICalls, figures:
	}
	return false
}

// Hour is the hour that t is in, and Day the UTC day: D1's limits begin anew at 00:00 UTC ("Pricing", D1 docs).
func Hour(t time.Time) time.Time { return t.UTC().Truncate(time.Hour) }

// Day is where the UTC day of t begins.
func Day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
