package slow_test

import (
	"context"
	"io/fs"
	"maps"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"towline/deploy/queries"
	"towline/migrations"
	"towline/migrations/advise"
	"towline/migrations/layout"
	"towline/migrations/rehearse"
	"towline/migrations/sqlite"
)

func noon() time.Time { return time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC) }

// shopping is a schema without the indexes that its queries need.
const shopping = "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, name TEXT);\n" +
	"CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, state TEXT, created_at INTEGER);\n"

// rows are 500 users and 2,000 orders.
const rows = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500) INSERT INTO users SELECT x, 'u' || x, 'User' FROM n;\n" +
	"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000) INSERT INTO orders SELECT x, x % 500 + 1, 'paid', x FROM n;\n"

// shop is a production, and the project of it, as a test makes them.
type shop struct {
	t *testing.T

	schema rehearse.Target
	data   string    // path of a copy of the data; empty: there is none
	copied time.Time // when it was taken
	err    error     // instead of a copy of the schema

	before, after []queries.Count
	turn          time.Time // stretches that end up to here are before
	uncounted     error     // instead of figures

	source fstest.MapFS
	gone   error // instead of the source

	mu        sync.Mutex
	questions int
}

// open makes a shop whose database has had statements.
func open(t *testing.T, sql string) *shop {
	t.Helper()
	s := &shop{t: t, source: fstest.MapFS{}}
	s.holds(sql)
	return s
}

// holds gives production another database, and returns the path of its data.
func (s *shop) holds(sql string) (path string) {
	s.t.Helper()
	path = filepath.Join(s.t.TempDir(), "data.db")
	c, err := sqlite.Open(s.t.Context(), path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	list, err := migrations.SplitLoose("shop.sql", []byte(sql))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, statement := range list {
		if _, err := c.Exec(s.t.Context(), statement.SQL); err != nil {
			s.t.Fatal(err)
		}
	}
	objects, err := c.Objects(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	s.schema = rehearse.Target{Objects: objects}
	return path
}

// Queries implements slow.Production.
func (s *shop) Queries(_ context.Context, from, to time.Time, by queries.Order) ([]queries.Count, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.questions++
	if !from.Before(to) {
		s.t.Errorf("asked from %s to %s", from, to)
	}
	list := s.after
	if !to.After(s.turn) {
		list = s.before
	}
	return queries.Alike(list, by), s.uncounted
}

// Advisor implements slow.Production and slow.Project.
func (s *shop) Advisor(ctx context.Context) (*advise.Advisor, time.Time, error) {
	if s.err != nil {
		return nil, time.Time{}, s.err
	}
	a, err := advise.Open(ctx, s.schema, advise.Options{Data: s.data, Within: time.Hour})
	return a, s.copied, err
}

// Tip implements slow.Project.
func (s *shop) Tip(context.Context) (fs.FS, layout.Content, error) {
	if s.gone != nil {
		return nil, layout.Content{}, s.gone
	}
	at := maps.Clone(s.source)
	where, err := layout.Find(at, layout.Options{})
	if err != nil {
		return nil, layout.Content{}, err
	}
	content, err := layout.Read(at, where)
	return at, content, err
}

// puts adds a file to the source.
func (s *shop) puts(path, text string) { s.source[path] = &fstest.MapFile{Data: []byte(text)} }

// endless bounds nothing: how fast the machine is says nothing.
func endless(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}

// sold are the queries of a shop in the two days since a release, and before it.
func sold() (before, after []queries.Count) {
	byEmail := queries.Count{SQL: "SELECT id FROM users WHERE email = ?", Runs: 100, RowsRead: 50_000, RowsReturned: 100, Time: 400 * time.Millisecond, P95: 9 * time.Millisecond}
	mine := queries.Count{SQL: "SELECT * FROM orders WHERE user_id = ?1 ORDER BY created_at DESC LIMIT 20", Runs: 300, RowsRead: 600_000, RowsReturned: 1200, Time: 9 * time.Second}
	key := queries.Count{SQL: "SELECT name FROM users WHERE id = ?", Runs: 5000, RowsRead: 5000, RowsReturned: 5000, Time: 12 * time.Second}
	insert := queries.Count{SQL: "INSERT INTO orders (user_id, state, created_at) VALUES (?, ?, ?)", Runs: 40, RowsWritten: 40, Time: time.Millisecond}
	gone := queries.Count{SQL: "SELECT * FROM gone", Runs: 1, Failed: 1, Time: 5 * time.Millisecond}
	was := byEmail
	was.RowsRead, was.Time = 1000, 100*time.Millisecond
	return []queries.Count{was, key, insert}, []queries.Count{byEmail, mine, key, insert, gone}
}
