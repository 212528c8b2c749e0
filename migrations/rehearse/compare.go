package rehearse

import (
	"context"
	"errors"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// Compare says how two schemas differ, as Report.Diff does for a release. An empty ledgerTable is wrangler's
// d1_migrations. A *[SchemaError] says that one of them cannot be rebuilt here.
func Compare(ctx context.Context, before, after []migrations.Object, ledgerTable string) (Diff, error) {
	was, err := shapeOf(ctx, before)
	if err != nil {
		return Diff{}, err
	}
	is, err := shapeOf(ctx, after)
	if err != nil {
		return Diff{}, err
	}
	return diff(was, is, ledgerName(ledgerTable)), nil
}

func shapeOf(ctx context.Context, objects []migrations.Object) (s *shape, err error) {
	err = onSchema(ctx, objects, func(c *sqlite.Conn) error {
		s, err = readShape(ctx, c)
		return err
	})
	return s, err
}

// onSchema gives fn a database in memory that has the schema and no rows.
func onSchema(ctx context.Context, objects []migrations.Object, fn func(*sqlite.Conn) error) (err error) {
	t := Target{Objects: objects}
	c, err := rebuild(ctx, t)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := rebuildRest(ctx, c, t); err != nil {
		return err
	}
	return fn(c)
}
