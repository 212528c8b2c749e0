package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	"github.com/ncruces/go-sqlite3/ext/rtree"
)

// Conn is one connection to one database under D1's profile. It is not safe for concurrent use.
type Conn struct {
	db      *sqlite3.Conn
	profile *profile

	bypass       bool     // our own statements: everything is allowed
	recording    bool     // a statement is being prepared: its actions are kept
	actions      []Action // of the statement being prepared
	missingTable string   // a table that D1's SQLite lacks, named by the statement being prepared
	inTx         bool     // inside Transaction
	sizeless     bool     // the size of the database is not asked for, see LeaveSize
}

// Open opens the database at path, a file or ":memory:" for one that lives as long as the connection. A file is created
// if there is none. Foreign keys are on, as they always are on D1; the limits, the flags and the modules fts5 and rtree
// are D1's.
func Open(ctx context.Context, path string) (*Conn, error) {
	db, err := sqlite3.OpenContext(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open SQLite database: %w", asError(err, ""))
	}
	c := &Conn{db: db, profile: newProfile()}
	if err := c.setUp(); err != nil {
		return nil, errors.Join(fmt.Errorf("set up SQLite: %w", asError(err, "")), db.Close())
	}
	return c, nil
}

func (c *Conn) setUp() error {
	if err := fts5.Register(c.db); err != nil {
		return err
	}
	if err := rtree.Register(c.db); err != nil {
		return err
	}
	for flag, on := range d1Flags() {
		if _, err := c.db.Config(flag, on); err != nil {
			return err
		}
	}
	for limit, value := range d1Limits() {
		c.db.Limit(limit, value)
	}
	return c.db.SetAuthorizer(c.authorize)
}

// Close closes the connection and, for ":memory:", forgets the database. Closing twice is fine.
func (c *Conn) Close() error {
	if err := c.db.Close(); err != nil {
		return asError(err, "")
	}
	return nil
}

// Without runs fn with the profile off, for bookkeeping of our own: everything that SQLite can do is allowed. The limits
// stay. It returns fn's error.
func (c *Conn) Without(fn func() error) error {
	before := c.bypass
	c.bypass = true
	defer func() { c.bypass = before }()
	return fn()
}

// LeaveSize makes Exec faster by a third for small statements: Result.Changed then says nothing of statements that change the size of the
// database alone, such as CREATE TABLE.
func (c *Conn) LeaveSize() { c.sizeless = true }

// interruptible makes ctx stop what the connection does, until the returned function is called.
func (c *Conn) interruptible(ctx context.Context) (done func()) {
	before := c.db.SetInterrupt(ctx)
	return func() { c.db.SetInterrupt(before) }
}
