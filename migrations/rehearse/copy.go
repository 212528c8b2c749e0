package rehearse

import (
	"context"
	"errors"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// rebuild opens a database in memory that has t's tables, indexes and ledger rows. Views and triggers follow in
// rebuildRest, after canary rows are in: a trigger must not act on those.
func rebuild(ctx context.Context, t Target) (*sqlite.Conn, error) {
	c, err := sqlite.Open(ctx, ":memory:")
	if err != nil {
		return nil, err
	}
	err = create(ctx, c, append(ofType(t.Objects, "table"), ofType(t.Objects, "index")...))
	if err == nil {
		err = fillLedger(ctx, c, t)
	}
	if err == nil {
		err = bound(ctx, c, memoryPages)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func rebuildRest(ctx context.Context, c *sqlite.Conn, t Target) error {
	return create(ctx, c, append(ofType(t.Objects, "view"), ofType(t.Objects, "trigger")...))
}

func ofType(objects []migrations.Object, kind string) []migrations.Object {
	var list []migrations.Object
	for _, o := range objects {
		if o.Type == kind {
			list = append(list, o)
		}
	}
	return list
}

// create makes all of the objects, or says which cannot be made.
func create(ctx context.Context, c *sqlite.Conn, objects []migrations.Object) error {
	left, err := c.Restore(ctx, objects)
	if err != nil || len(left) == 0 {
		return err
	}
	return &SchemaError{Object: left[0].Object, Err: left[0].Err}
}

// reopen opens another database in memory like one that was serialized.
func reopen(ctx context.Context, data []byte) (*sqlite.Conn, error) {
	c, err := sqlite.Open(ctx, ":memory:")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(c.Deserialize(data), bound(ctx, c, memoryPages)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func fillLedger(ctx context.Context, c *sqlite.Conn, t Target) error {
	table := ledgerName(t.LedgerTable)
	return c.Without(func() error {
		for _, row := range t.Ledger {
			_, err := c.Exec(ctx, "INSERT INTO "+quoteName(table)+" (id, name, applied_at) VALUES (?1, ?2, ?3)",
				row.ID, row.Name, row.AppliedAt)
			if err != nil && ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				return &SchemaError{Object: migrations.Object{Type: "table", Name: table, Table: table}, Err: err}
			}
		}
		return nil
	})
}
