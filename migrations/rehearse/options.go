package rehearse

import (
	"context"
	"os"
	"time"
)

// Option changes how Run works.
type Option func(*settings)

type settings struct {
	now     func() time.Time
	data    string
	temp    string
	queries []Query
	rows    map[string]int64
	within  time.Duration
	limit   func(ctx context.Context, on, sql string, most time.Duration) (context.Context, context.CancelFunc)
}

func newSettings(options []Option) settings {
	s := settings{now: time.Now, temp: os.TempDir(), within: d1Limit, limit: limit}
	for _, o := range options {
		o(&s)
	}
	return s
}

// Clock replaces the clock by which durations are measured.
func Clock(now func() time.Time) Option { return func(s *settings) { s.now = now } }

// Data gives the path of an SQLite file that holds a copy of the target's data (package dump makes one). The release is
// then also carried out on a copy of that file: the file itself is never changed, and the copy is gone when Run returns.
// The copy needs as much room again in the folder of temporary files.
func Data(path string) Option { return func(s *settings) { s.data = path } }

// Within gives how long a transaction may take on the copy of the data before it counts as refused, and one statement on a copy in memory;
// left out, the 30 seconds that D1 lets a call take, which it hardly does faster.
func Within(d time.Duration) Option { return func(s *settings) { s.within = d } }

// Temporary gives the folder for the copy of the data; left out, it is that of the system.
func Temporary(dir string) Option { return func(s *settings) { s.temp = dir } }

// Query is one of the project's own queries, whose plan is compared before and after. SQL is one statement; parameters
// (?, ?1, :name) stay unbound, which SQLite's planner takes as it takes values that it does not know.
type Query struct{ Name, SQL string }

// Queries gives the project's own queries.
func Queries(list []Query) Option { return func(s *settings) { s.queries = list } }

// Rows gives the number of rows of the target's tables, by name, for the estimates of rows read and written where there is
// no copy of the data.
func Rows(counts map[string]int64) Option { return func(s *settings) { s.rows = counts } }
