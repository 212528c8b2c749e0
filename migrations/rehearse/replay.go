package rehearse

import (
	"context"
	"errors"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// Replayed is the schema after one file of a history that was carried out from nothing.
type Replayed struct {
	Name    string
	Objects []migrations.Object
	Failed  string // SQLite's words, where the file could not be carried out; the schema is then as before it
}

// Replay carries the files out one after the other, on an empty database, and gives the schema after each. A file that
// fails is left out, and the next is tried all the same: histories that do not run from nothing are common, and what is
// there in the end is what counts. ledgerTable may be empty: wrangler's d1_migrations.
func Replay(ctx context.Context, files []migrations.File, ledgerTable string) (states []Replayed, err error) {
	c, err := sqlite.Open(ctx, ":memory:")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	for _, f := range files {
		state := Replayed{Name: f.Name}
		if err := replayOne(ctx, c, f, ledgerTable); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			state.Failed = err.Error()
		}
		if state.Objects, err = c.Objects(ctx); err != nil {
			return nil, err
		}
		states = append(states, state)
	}
	return states, nil
}

// replayOne carries out one file, with its row in the ledger.
func replayOne(ctx context.Context, c *sqlite.Conn, f migrations.File, ledgerTable string) error {
	txs, err := migrations.Apply([]migrations.File{f}, migrations.Options{Ledger: ledgerTable, Unasserted: true})
	if err != nil {
		return err
	}
	for _, tx := range txs {
		err := c.Transaction(ctx, func() error {
			for _, s := range tx.Statements {
				if _, err := c.Exec(ctx, s.SQL); err != nil && !c.LimitedWrite(ctx, s.SQL, err) {
					return err
				}
			}
			return nil
		})
		if err == nil {
			continue
		}
		for _, s := range tx.Cleanup() {
			_, cleanErr := c.Exec(ctx, s.SQL)
			err = errors.Join(err, cleanErr)
		}
		return err
	}
	return nil
}
