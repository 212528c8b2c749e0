package sqlite

import (
	"context"
	"errors"

	"github.com/ncruces/go-sqlite3"
)

// Transaction runs fn between a BEGIN and a COMMIT of our own. When fn fails or panics, everything is rolled back and
// the error returned, or the panic goes on. A COMMIT that SQLite refuses, because foreign keys are violated, is rolled
// back as well and returned as an *[Error] like any other. Transactions do not nest.
func (c *Conn) Transaction(ctx context.Context, fn func() error) (err error) {
	if c.inTx {
		return refusal(sqlite3.MISUSE, "a transaction is already open")
	}
	if err := c.control(ctx, "BEGIN"); err != nil {
		return err
	}
	c.inTx = true
	committed := false
	defer func() {
		c.inTx = false
		if !committed && !c.db.GetAutocommit() {
			err = errors.Join(err, c.control(context.WithoutCancel(ctx), "ROLLBACK"))
		}
	}()
	if err := fn(); err != nil {
		return err
	}
	if c.db.GetAutocommit() {
		return refusal(sqlite3.ABORT, "the transaction was rolled back by an earlier statement")
	}
	if err := c.control(ctx, "COMMIT"); err != nil {
		return err
	}
	committed = true
	return nil
}

// control runs a statement that the profile denies to others.
func (c *Conn) control(ctx context.Context, sql string) error {
	defer c.interruptible(ctx)()
	return c.Without(func() error {
		return orContext(ctx, asError(c.db.Exec(sql), ""))
	})
}

// UnresolvedForeignKeys reports whether rows violate foreign keys whose check is put off until the commit, so that a
// COMMIT now would be refused. Outside a transaction there are none.
func (c *Conn) UnresolvedForeignKeys() bool {
	unresolved, _, err := c.db.Status(sqlite3.DBSTATUS_DEFERRED_FKS, false)
	return err == nil && unresolved != 0
}
