package rehearse

import (
	"context"
	"errors"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// RoundTrip is what carrying a release out, taking it back and carrying it out again found.
type RoundTrip struct {
	Leg     Leg      // on which it failed; empty if it did not
	Failure *Failure // what D1 would refuse on that leg
	// Undone is how the schema after the DOWN files differs from that before the release, and Redone how the one after the
	// second time up differs from that after the first. Both are empty if all is well.
	Undone, Redone Diff
	// Down is the rehearsal of the DOWN files alone, on the schema that the release leads to: what they would lose or
	// destroy.
	Down Report
	// Tables are, with a copy of the data, the tables that do not have as many rows or values after up and down as before.
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

// Equal reports whether the way down can be taken: nothing fails, and the schema is each time what it was. Rows are
// another matter (see Down and Tables).
func (r RoundTrip) Equal() bool { return r.Failure == nil && r.Undone.Empty() && r.Redone.Empty() }

// UpDownUp carries ups out on a copy of t, then downs (of migrations.Undo), then ups again, and compares the schemas. With
// [Data] it goes up and down on a copy of the data as well. Its errors are those of [Run].
func UpDownUp(ctx context.Context, t Target, ups, downs []migrations.Transaction, options ...Option) (RoundTrip, error) {
	s := newSettings(options)
	var r RoundTrip
	between, err := r.schemas(ctx, t, ups, downs)
	if err != nil || r.Failure != nil {
		return r, err
	}
	if r.Down, err = Run(ctx, between, downs, Clock(s.now)); err != nil || s.data == "" {
		return r, err
	}
	both, err := runDry(ctx, t, append(append([]migrations.Transaction{}, ups...), downs...))
	if err != nil || both.failure != nil {
		return r, err
	}
	e := Effects{Touched: both.touched()}
	if _, err := runData(ctx, s, t, both, &e); err != nil {
		return r, err
	}
	if r.Failure = e.Failed; r.Failure != nil {
		r.Leg = legOf(r.Failure, ups)
	}
	for _, table := range e.Tables {
		if table.Before != table.After || len(table.Columns) > 0 {
			r.Tables = append(r.Tables, table)
		}
	}
	return r, nil
}

// legOf says whether a failure on the copy of the data is of the way up.
func legOf(f *Failure, ups []migrations.Transaction) Leg {
	for _, tx := range ups {
		for _, p := range tx.Statements {
			if p.Origin.File != "" && p.Origin.File == f.File {
				return Up
			}
		}
	}
	return Down
}

// schemas goes up, down and up on a copy of the schema. between is the database after the first time up.
func (r *RoundTrip) schemas(ctx context.Context, t Target, ups, downs []migrations.Transaction) (between Target, err error) {
	c, err := rebuild(ctx, t)
	if err != nil {
		return Target{}, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := rebuildRest(ctx, c, t); err != nil {
		return Target{}, err
	}
	shapes := make([]*shape, 0, 4)
	look := func() error {
		s, err := readShape(ctx, c)
		shapes = append(shapes, s)
		return err
	}
	if err := look(); err != nil {
		return Target{}, err
	}
	between = Target{LedgerTable: t.LedgerTable}
	for _, leg := range []Leg{Up, Down, UpAgain} {
		txs := ups
		if leg == Down {
			txs = downs
		}
		d := &dryRun{ledger: ledgerName(t.LedgerTable), shapeBefore: shapes[len(shapes)-1], settings: newSettings(nil)}
		if err := d.all(ctx, c, txs); err != nil {
			return Target{}, err
		}
		if d.failure != nil {
			r.Leg, r.Failure = leg, d.failure
			return between, nil
		}
		if err := look(); err != nil {
			return Target{}, err
		}
		if leg == Up {
			between.Objects = shapes[1].objects
			if between.Ledger, err = readLedger(ctx, c, t.LedgerTable); err != nil {
				return Target{}, err
			}
		}
	}
	ledger := ledgerName(t.LedgerTable)
	r.Undone, r.Redone = diff(shapes[0], shapes[2], ledger), diff(shapes[1], shapes[3], ledger)
	return between, nil
}

// readLedger reads the ledger's rows; none where it is not there.
func readLedger(ctx context.Context, c *sqlite.Conn, table string) ([]migrations.LedgerRow, error) {
	res, err := c.Exec(ctx, migrations.LedgerQuery(table))
	if err != nil {
		return nil, ctx.Err()
	}
	var list []migrations.LedgerRow
	for _, row := range res.Rows {
		list = append(list, migrations.LedgerRow{ID: number(row[0]), Name: text(row[1]), AppliedAt: text(row[2])})
	}
	return list, nil
}
