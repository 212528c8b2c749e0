package rehearse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// copyData makes a copy of the data in a file of its own and opens it under D1's profile. done closes and removes it.
func copyData(ctx context.Context, s settings) (c *sqlite.Conn, done func() error, err error) {
	path, err := copyFile(s.data, s.temp)
	if err != nil {
		return nil, nil, fmt.Errorf("the copy of the data: %w", err)
	}
	remove := func() error {
		if err := os.Remove(path + "-journal"); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return os.Remove(path)
	}
	if c, err = sqlite.Open(ctx, path); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	done = func() error { return errors.Join(c.Close(), remove()) }
	// A journal on the disk keeps memory flat; that it is never synced is no matter for a file that nobody else needs.
	err = c.Without(func() error {
		for _, setting := range []string{"journal_mode = TRUNCATE", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -8000", "temp_store = FILE"} {
			if _, err := c.Exec(ctx, "PRAGMA "+setting); err != nil {
				return fmt.Errorf("the copy of the data: %w", err)
			}
		}
		return nil
	})
	if err == nil {
		err = boundData(ctx, c)
	}
	if err != nil {
		return nil, nil, errors.Join(err, done())
	}
	return c, done, nil
}

func copyFile(path, dir string) (name string, err error) {
	from, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer from.Close()
	to, err := os.CreateTemp(dir, "towline-rehearsal-*.db")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(to, from)
	if err = errors.Join(err, to.Close()); err != nil {
		return "", errors.Join(err, os.Remove(to.Name()))
	}
	return to.Name(), nil
}

// openUntouched opens the file with the data itself, to be read only.
func openUntouched(ctx context.Context, path string) (*sqlite.Conn, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	u := url.URL{Scheme: "file", Path: whole, RawQuery: "mode=ro&immutable=1"}
	return sqlite.Open(ctx, u.String())
}

// adopt gives the copy the ledger of the target, whose rows the release's own statements look at. It returns why the copy
// is of no use, if it is of another schema.
func adopt(ctx context.Context, c *sqlite.Conn, t Target) (why string, err error) {
	objects, err := c.Objects(ctx)
	if err != nil {
		return "", err
	}
	ledger := ledgerName(t.LedgerTable)
	if Fingerprint(objects, ledger) != Fingerprint(t.Objects, ledger) {
		return "the copy has another schema than the database: it was taken before a change", nil
	}
	isLedger := func(o migrations.Object) bool { return o.Type == "table" && sameName(o.Name, ledger) }
	wanted := slices.IndexFunc(t.Objects, isLedger)
	return "", c.Without(func() error {
		if slices.ContainsFunc(objects, isLedger) {
			if _, err := c.Exec(ctx, "DROP TABLE "+quoteName(ledger)); err != nil {
				return err
			}
		}
		if wanted < 0 {
			return nil
		}
		if _, err := c.Exec(ctx, t.Objects[wanted].SQL); err != nil {
			return err
		}
		return fillLedger(ctx, c, t)
	})
}
