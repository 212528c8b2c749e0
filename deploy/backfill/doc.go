// Package backfill carries a job of many rows out on a live database, one window after the other, until it is done or has to rest.
//
// What a window is stands in package migrations/backfill; here is what drives it. Database is the database as it is needed here, Orders
// what the engine says between two windows, Keep where progress goes. Runner puts them together: it finds out how far the job has come,
// which the database knows best, and goes on from there. So it may be cut off at any instant, and begun again by anybody: a window whose
// answer was lost is looked for, and one that is sent again changes nothing.
package backfill

import (
	"context"
	"time"
)

// Database is the one that the job works on. Its errors are those of [Judge].
type Database interface {
	// Read answers queries on one state, rows for each.
	Read(ctx context.Context, queries ...string) ([][][]any, error)
	// Apply carries statements out as one transaction and says what that cost. It is sent once.
	Apply(ctx context.Context, statements []string) (Cost, error)
}

// Cost is what D1 says that a transaction took.
type Cost struct {
	Duration    time.Duration // inside D1; 0: it does not say
	RowsWritten int64         // as they are billed; 0: it does not say
}

// Order is what is wanted of a job at a moment between two windows.
type Order int

// The orders.
const (
	GoOn    Order = iota
	GiveWay       // something else waits for the environment
	Rest          // for the reason that stands beside it
	Halt          // the process ends; somebody takes the job up again
)

// Orders tells what is wanted now. Wait sleeps for a time, or until the order is another than GoOn.
type Orders interface {
	Now(ctx context.Context) (Order, error)
	Wait(ctx context.Context, d time.Duration) error
}

// Trouble is what an error of the database means for a job.
type Trouble int

// The troubles.
const (
	Lost       Trouble = iota // no answer: it may have happened
	Overloaded                // no, since there is too much to do
	Limited                   // no, until the next day in UTC: a limit of Cloudflare's
	Refused                   // no, and it will not be a yes by itself
)

// Judge says what an error means, and in which words of D1.
type Judge func(error) (Trouble, string)
