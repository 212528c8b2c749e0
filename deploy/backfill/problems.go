package backfill

import (
	"context"
	"errors"

	"towline/migrations"
	"towline/migrations/backfill"
	"towline/migrations/sqlite"
)

// Problems holds a job against a schema, on a copy in memory.
func Problems(ctx context.Context, schema []migrations.Object, job *backfill.Job) (found []backfill.Problem, err error) {
	c, err := sqlite.Open(ctx, ":memory:")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	err = c.Without(func() error {
		for {
			again := false
			for _, o := range schema {
				res, err := c.Exec(ctx, "SELECT 1 FROM sqlite_master WHERE name = ?1", o.Name)
				if err != nil {
					return err
				}
				if len(res.Rows) > 0 || o.SQL == "" {
					continue
				}
				// What fails may only come too early; what always does is not the job's business.
				if _, err := c.Exec(ctx, o.SQL); err == nil {
					again = true
				}
			}
			if !again {
				return ctx.Err()
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return backfill.Check(ctx, c, job)
}
