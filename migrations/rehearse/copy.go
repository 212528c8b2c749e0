package rehearse

import (
	"context"
	"errors"
	"slices"

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
	tables := ofType(t.Objects, "table")
	// A virtual table makes its shadow tables itself, so that these then exist already.
	slices.SortStableFunc(tables, func(a, b migrations.Object) int { return rank(a) - rank(b) })
	err = create(ctx, c, append(tables, ofType(t.Objects, "index")...))
	if err == nil {
		err = fillLedger(ctx, c, t)
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
		if o.Type == kind && o.SQL != "" && !reserved(o.Name) {
			list = append(list, o)
		}
	}
	return list
}

func rank(o migrations.Object) int {
	if isVirtual(o) {
		return 0
	}
	return 1
}

func isVirtual(o migrations.Object) bool {
	const start = "create virtual table "
	n := normalize(o.SQL)
	return len(n) > len(start) && n[:len(start)] == start
}

// create makes the objects with D1's profile off, since they exist there already, whatever it would say today. What
// fails is tried again after the others, so that any order works.
func create(ctx context.Context, c *sqlite.Conn, objects []migrations.Object) error {
	if len(objects) == 0 {
		return nil
	}
	return c.Without(func() error {
		return c.Transaction(ctx, func() error { return createAll(ctx, c, objects) })
	})
}

func createAll(ctx context.Context, c *sqlite.Conn, objects []migrations.Object) error {
	for len(objects) > 0 {
		var failed []migrations.Object
		var first error
		for _, o := range objects {
			if err := createOne(ctx, c, o); err != nil {
				failed = append(failed, o)
				first = errors.Join(first, &SchemaError{Object: o, Err: err})
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(failed) == len(objects) {
			return firstSchemaError(first)
		}
		objects = failed
	}
	return nil
}

// createOne makes an object, unless it is there.
func createOne(ctx context.Context, c *sqlite.Conn, o migrations.Object) error {
	_, refused := c.Exec(ctx, o.SQL)
	if refused == nil {
		return nil
	}
	res, err := c.Exec(ctx, "SELECT 1 FROM sqlite_master WHERE type = ?1 AND lower(name) = lower(?2)", o.Type, o.Name)
	if err == nil && len(res.Rows) > 0 {
		return nil
	}
	return refused
}

// reopen opens another database in memory like one that was serialized.
func reopen(ctx context.Context, data []byte) (*sqlite.Conn, error) {
	c, err := sqlite.Open(ctx, ":memory:")
	if err != nil {
		return nil, err
	}
	if err := c.Deserialize(data); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func firstSchemaError(err error) error {
	var s *SchemaError
	if errors.As(err, &s) {
		return s
	}
	return err
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
