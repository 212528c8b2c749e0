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

// history is what a folder makes from nothing.
type history struct {
	pictured schema // where Drizzle's last snapshot was taken
	before   schema // without the new migration
	after    schema // with it
	failed   int    // statements that did not run
}

// follow runs the files, of which the first ones are in the last snapshot, and then the new migration, which has to run.
func follow(ctx context.Context, files []migrations.File, pictured int, m migrations.File) (h history, err error) {
	list, err := migrations.Split(m.Name, m.SQL)
	if err != nil {
		return history{}, err
	}
	c, err := sqlite.Open(ctx, ":memory:")
	if err != nil {
		return history{}, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	h.failed, err = replay(ctx, c, files[:pictured])
	if err != nil {
		return history{}, err
	}
	if h.pictured, err = readSchema(ctx, c); err != nil {
		return history{}, err
	}
	failed, err := replay(ctx, c, files[pictured:])
	if err != nil {
		return history{}, err
	}
	h.failed += failed
	if h.before, err = readSchema(ctx, c); err != nil {
		return history{}, err
	}
	if err := runNew(ctx, c, m.Name, list); err != nil {
		if h.failed > 0 {
			err = fmt.Errorf("%w (%d statements of the migrations before it did not run on an empty database)", err, h.failed)
		}
		return history{}, err
	}
	h.after, err = readSchema(ctx, c)
	return h, err
}

func runNew(ctx context.Context, c *sqlite.Conn, name string, list []migrations.Statement) error {
	return c.Transaction(ctx, func() error {
		for _, s := range list {
			if _, err := c.Exec(ctx, s.SQL); err != nil {
				return fmt.Errorf("%s:%d: %w", name, s.Line, err)
			}
		}
		return nil
	})
}
