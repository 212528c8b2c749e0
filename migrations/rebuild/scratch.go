package rebuild

import (
	"context"
	"errors"
	"fmt"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// openScratch makes the schema again in memory.
func openScratch(ctx context.Context, objects []migrations.Object) (*sqlite.Conn, error) {
	c, err := sqlite.Open(ctx, ":memory:")
	if err != nil {
		return nil, err
	}
	left, err := c.Restore(ctx, objects)
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("the schema cannot be made again: %s %q: %w", left[0].Type, left[0].Name, left[0].Err)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}
