package queries

import "time"

const (
	// Longest is the longest stretch of time over which costs are compared, and Shortest the shortest since a release: analytics lags behind, and
	// an hour has too little in it.
	Longest  = 7 * 24 * time.Hour
	Shortest = time.Hour
	// Kept is how far back Cloudflare tells of queries ("Metrics and analytics", D1 docs).
	Kept = 31 * 24 * time.Hour
	// Limit is how many queries are asked for in each order.
	Limit = 200
)

// Order is what makes a query costly.
type Order string

// The orders.
const (
	ByRowsRead    Order = "rows read"
	ByTime        Order = "time"
	ByRowsWritten Order = "rows written"
)

// Count is what one query's runs took together.
type Count struct {
	SQL                                 string
	Runs                                int64
	Failed                              int64 // of the runs
	RowsRead, RowsWritten, RowsReturned int64
	Time                                time.Duration // of all runs, inside the database
	P95                                 time.Duration // of one; 0: not told
}

// Each is how many rows a run reads, on the average; 0 where it never ran.
func (c Count) Each() float64 { return c.each(c.RowsRead) }

// Returned is how many rows a run returns, on the average; 0 where it never ran.
func (c Count) Returned() float64 { return c.each(c.RowsReturned) }

// Written is how many rows a run writes, on the average; 0 where it never ran.
func (c Count) Written() float64 { return c.each(c.RowsWritten) }

// Ratio is how many rows are read for each row returned or written.
func (c Count) Ratio() float64 {
	return float64(c.RowsRead) / float64(max(1, c.RowsReturned+c.RowsWritten))
}

// Mean is how long a run takes.
func (c Count) Mean() time.Duration {
	if c.Runs == 0 {
		return 0
	}
	return c.Time / time.Duration(c.Runs)
}

func (c Count) each(n int64) float64 {
	if c.Runs == 0 {
		return 0
	}
	return float64(n) / float64(c.Runs)
}

// cost is a query's in an order.
func (c Count) cost(by Order) int64 {
	switch by {
	case ByTime:
		return int64(c.Time)
	case ByRowsWritten:
		return c.RowsWritten
	case ByRowsRead:
	}
	return c.RowsRead
}
