package sqlite

import (
	"context"
	"errors"

	"github.com/ncruces/go-sqlite3"
)

// Beside opens another database under a name beside the connection's own while fn runs, with the profile off, so that one
// statement of ours can read both: the tables of the other are name.TABLE. path may be a file: URI. It returns fn's error,
// or that of opening the other. It must not be called inside a transaction.
func (c *Conn) Beside(ctx context.Context, path, name string, fn func() error) error {
	before := c.db.Limit(sqlite3.LIMIT_ATTACHED, 1)
	defer c.db.Limit(sqlite3.LIMIT_ATTACHED, before)
	return c.Without(func() (err error) {
		if _, err := c.Exec(ctx, "ATTACH ?1 AS "+name, path); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.control(context.WithoutCancel(ctx), "DETACH "+name)) }()
		return fn()
	})
}
