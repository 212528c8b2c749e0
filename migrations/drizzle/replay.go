package drizzle

import (
	"context"
	"errors"
	"fmt"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// replay runs the files on an empty database, as far as they run: a folder that has lived long seldom runs whole. It returns how many
// statements did not.
func replay(ctx context.Context, c *sqlite.Conn, files []migrations.File) (failed int, err error) {
	for _, f := range files {
		list, _ := migrations.SplitLoose(f.Name, f.SQL) // what cannot be read is what does not run
		n, err := replayFile(ctx, c, list)
		if err != nil {
			return failed, err
		}
		failed += n
	}
	return failed, nil
}

// replayFile runs the statements as one transaction, and where that is refused at its end one by one.
func replayFile(ctx context.Context, c *sqlite.Conn, list []migrations.Statement) (failed int, err error) {
	run := func() error {
		for _, s := range list {
			if _, err := c.Exec(ctx, s.SQL); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				failed++
			}
		}
		return nil
	}
	err = c.Transaction(ctx, run)
	if _, refused := errors.AsType[*sqlite.Error](err); refused {
		failed = 0
		err = run()
	}
	return failed, err
}

// schemas are what the folder makes from nothing, without and with the new migration.
func schemas(ctx context.Context, files []migrations.File, m migrations.File) (before, after schema, failed int, err error) {
	c, err := sqlite.Open(ctx, ":memory:")
	if err != nil {
		return schema{}, schema{}, 0, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if failed, err = replay(ctx, c, files); err != nil {
		return schema{}, schema{}, failed, err
	}
	if before, err = readSchema(ctx, c); err != nil {
		return schema{}, schema{}, failed, err
	}
	list, err := migrations.Split(m.Name, m.SQL)
	if err != nil {
		return schema{}, schema{}, failed, err
	}
	err = c.Transaction(ctx, func() error {
		for _, s := range list {
			if _, err := c.Exec(ctx, s.SQL); err != nil {
				return fmt.Errorf("%s:%d: %w", m.Name, s.Line, err)
			}
		}
		return nil
	})
	if err != nil && failed > 0 {
		err = fmt.Errorf("%w (%d statements of the migrations before it did not run on an empty database)", err, failed)
	}
	if err != nil {
		return schema{}, schema{}, failed, err
	}
	after, err = readSchema(ctx, c)
	return before, after, failed, err
}
