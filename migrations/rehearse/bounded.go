package rehearse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"

	"towline/migrations/sqlite"
)

// What a statement may take on a copy in memory. A mistake in a recursive query inserts without end, and must not take the process
// with it that rehearses. Both are far more than migrations need without people's rows: the time, and the size in pages of 4 kB.
const (
	memoryTime  = 10 * time.Second
	memoryPages = 32_768
	// dataPages is by how much a release may make the copy of the data larger: 4 GB.
	dataPages = 1 << 20
)

// inMemory is how long a statement may take on a copy in memory.
func (s settings) inMemory() time.Duration {
	if s.within > 0 {
		return min(s.within, memoryTime)
	}
	return memoryTime
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

// within carries a statement out. One that is not done in time is refused, as D1 does after 30 seconds.
func within(ctx context.Context, c *sqlite.Conn, most time.Duration, on, sql string, params ...any) (sqlite.Result, error) {
	bounded, cancel := context.WithTimeout(ctx, most)
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
