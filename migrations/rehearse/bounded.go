package rehearse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"

	"towline/migrations/sqlite"
)

// What copies may grow by. A mistake in a recursive query inserts without end, and must not take the process with it that rehearses.
const (
	// memoryPages is the size of a copy in memory, in pages of 4 kB: far more than migrations need without people's rows.
	memoryPages = 32_768
	// dataPages is by how much a release may make the copy of the data larger: 4 GB.
	dataPages = 1 << 20
)

// limit bounds what a statement may take by the clock.
func limit(ctx context.Context, _, _ string, most time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, most)
}

// bound keeps a copy from growing over so many pages.
func bound(ctx context.Context, c *sqlite.Conn, pages int64) error {
	return c.Without(func() error {
		_, err := c.Exec(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages))
		return err
	})
}

// boundData does so for a copy of the data.
func boundData(ctx context.Context, c *sqlite.Conn) error {
	var now int64
	err := c.Without(func() error {
		res, err := c.Exec(ctx, "PRAGMA page_count")
		if err == nil {
			now, _ = res.Rows[0][0].(int64)
		}
		return err
	})
	if err != nil {
		return err
	}
	return bound(ctx, c, now+dataPages)
}

// carryOut carries a statement out. One that is not done in time is refused, as D1 does after 30 seconds.
func (s settings) carryOut(ctx context.Context, c *sqlite.Conn, most time.Duration, on, sql string, params ...any) (sqlite.Result, error) {
	bounded, cancel := s.limit(ctx, on, sql, most)
	defer cancel()
	res, err := c.Exec(bounded, sql, params...)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return res, &sqlite.Error{
			Code: int(sqlite3.INTERRUPT), Extended: int(sqlite3.INTERRUPT), Offset: -1,
			Message: fmt.Sprintf("it is not done after %s on %s, and D1 ends a call after %s", round(most), on, round(d1Limit)),
		}
	}
	return res, err
}

// exhausted reports whether a statement was stopped for what it takes. SQLite may have undone the whole transaction then.
func exhausted(err error) bool {
	refused, ok := errors.AsType[*sqlite.Error](err)
	return ok && (refused.Code == int(sqlite3.INTERRUPT) || refused.Code == int(sqlite3.FULL))
}
