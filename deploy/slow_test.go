package deploy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"towline/deploy"
	"towline/deploy/queries"
	"towline/deploy/release"
	"towline/deploy/slow"
	"towline/migrations"
	"towline/migrations/drizzle"
	"towline/migrations/layout"
	"towline/migrations/lint"
)

// ledgerOfQueries is analytics that tell what a test wrote there: queries in stretches that end at a moment, and others after it.
type ledgerOfQueries struct {
	mu            sync.Mutex
	before, after []queries.Count
	turn          time.Time // stretches that end up to here are before
	err           error
	questions     int
}

// Queries implements deploy.QueryCounts.
func (l *ledgerOfQueries) Queries(_ context.Context, id string, from, to time.Time, by queries.Order, limit int) ([]queries.Count, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.questions++
	if l.err != nil || id == "" || !from.Before(to) {
		return nil, errors.Join(l.err, senseless(id, from, to))
	}
	list := slices.Clone(l.after)
	if !to.After(l.turn) {
		list = slices.Clone(l.before)
	}
	slices.SortStableFunc(list, func(a, b queries.Count) int {
		switch by {
		case queries.ByTime:
			return int(b.Time - a.Time)
		case queries.ByRowsWritten:
			return int(b.RowsWritten - a.RowsWritten)
		}
		return int(b.RowsRead - a.RowsRead)
	})
	return list[:min(limit, len(list))], nil
}

func (l *ledgerOfQueries) asked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.questions
}

func senseless(id string, from, to time.Time) error {
	if id == "" || !from.Before(to) {
		return fmt.Errorf("database %q from %s to %s", id, from, to)
	}
	return nil
}

// shopping is a schema without the indexes that its queries need.
var shopping = files{"0001_shop.sql": "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, name TEXT);\n" +
	"CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, state TEXT, created_at INTEGER);\n" +
	"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500) INSERT INTO users SELECT x, 'u' || x, 'User' FROM n;\n" +
	"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000) INSERT INTO orders SELECT x, x % 500 + 1, 'paid', x FROM n;\n"}

func counts() (before, after []queries.Count) {
	byEmail := queries.Count{SQL: "SELECT id FROM users WHERE email = ?", Runs: 100, RowsRead: 50_000, RowsReturned: 100, Time: 400 * time.Millisecond, P95: 9 * time.Millisecond}
	mine := queries.Count{SQL: "SELECT * FROM orders WHERE user_id = ?1 ORDER BY created_at DESC LIMIT 20", Runs: 300, RowsRead: 600_000, RowsReturned: 1200, Time: 9 * time.Second}
	key := queries.Count{SQL: "SELECT name FROM users WHERE id = ?", Runs: 5000, RowsRead: 5000, RowsReturned: 5000, Time: 12 * time.Second}
	insert := queries.Count{SQL: "INSERT INTO orders (user_id, state, created_at) VALUES (?, ?, ?)", Runs: 40, RowsWritten: 40, Time: time.Millisecond}
	own := queries.Count{SQL: "SELECT name FROM d1_migrations ORDER BY id", Runs: 1, RowsRead: 9_000_000, Time: time.Hour}
	gone := queries.Count{SQL: "SELECT * FROM gone", Runs: 1, Failed: 1, Time: 5 * time.Millisecond}
	after = []queries.Count{byEmail, mine, key, insert, own, gone}
	was := byEmail
	was.RowsRead, was.Time = 1000, 100*time.Millisecond
	return []queries.Count{was, key, insert}, after
}

// slowShop is a shop whose release went live two days ago.
func slowShop(t *testing.T, content files) (*shop, *ledgerOfQueries) {
	t.Helper()
	l := &ledgerOfQueries{}
	s := newWorld(t).open(t, func(s *shop) { s.queries = l })
	s.version("v1", content)
	s.ship("v1")
	l.mu.Lock()
	l.before, l.after = counts()
	l.turn = s.now()
	l.mu.Unlock()
	s.later(48 * time.Hour)
	return s, l
}

func TestSlowIsAboutTheLiveRelease(t *testing.T) {
	s, _ := slowShop(t, shopping)
	report, err := s.engine.Slow(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	want := slow.App{Project: "shop", Database: "shop", Release: 1, LiveSince: s.state(release.Production).LiveSince}
	if report.App != want || !report.From.Equal(want.LiveSince) || !report.BeforeTo.Equal(want.LiveSince) {
		t.Errorf("of %+v, from %s, before it to %s", report.App, report.From, report.BeforeTo)
	}
	if worst := report.Queries[0]; !worst.New || worst.Index == nil || report.Untried != "" {
		t.Errorf("the worst is %+v; untried: %s", worst, report.Untried)
	}
}

func TestWithACopyOfTheDataItIsCountedWhatAnIndexLeavesToBeRead(t *testing.T) {
	l := &ledgerOfQueries{}
	s := newWorld(t).open(t, func(s *shop) { s.queries, s.copies = l, true })
	s.configure(func(p *deploy.Project) { p.Rehearse = deploy.Rehearse{Data: true, MaxAge: time.Hour} })
	s.version("v1", shopping)
	s.ship("v1")
	s.version("v2", shopping.and(files{"0002_a.sql": "CREATE TABLE a (id INTEGER PRIMARY KEY);\n"}))
	s.wants(s.deploy("v2"), release.Done)
	s.promote(0) // is rehearsed on the data
	l.mu.Lock()
	l.before, l.after = counts()
	l.mu.Unlock()
	s.later(48 * time.Hour)
	report, err := s.engine.Slow(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	i := report.Queries[0].Index
	if report.Copied.IsZero() || !report.Copies || i == nil || i.AtLeast || i.Each != 5 { // four orders of somebody, and the end
		t.Errorf("copied %s, index %+v", report.Copied, i)
	}
}

func TestWhyNothingIsKnownOfQueriesIsAnError(t *testing.T) {
	s, l := slowShop(t, shopping)
	l.mu.Lock()
	l.err = errors.New("not authorized")
	l.mu.Unlock()
	if _, err := s.engine.Slow(t.Context(), "shop"); !errors.Is(err, l.err) {
		t.Errorf("%v", err)
	}
	s.queries = nil
	s.start()
	if _, err := s.engine.Slow(t.Context(), "shop"); !errors.Is(err, deploy.ErrUncounted) {
		t.Errorf("%v", err)
	}
	if _, err := s.engine.TopQueries(t.Context(), "shop", s.now().Add(-time.Hour), s.now(), 3); !errors.Is(err, deploy.ErrUncounted) {
		t.Errorf("%v", err)
	}
}

func TestTopQueriesAreThoseOfTheApp(t *testing.T) {
	s, _ := slowShop(t, shopping)
	top, err := s.engine.TopQueries(t.Context(), "shop", s.now().Add(-24*time.Hour), s.now(), 2)
	if err != nil || len(top) != 2 || top[0].RowsRead != 600_000 || top[1].RowsRead != 50_000 {
		t.Errorf("%+v, %v", top, err)
	}
}

// clean lints a migration on what production has, and reports what is found.
func (s *shop) clean(content files, m slow.Migration) {
	s.t.Helper()
	in := lint.Input{}
	for name, text := range content {
		in.Files = append(in.Files, migrations.File{Name: name, SQL: []byte(text)})
		in.Known = append(in.Known, name)
	}
	f := migrations.File{Name: m.Name, SQL: m.Files[0].Content}
	if len(m.Files) > 1 {
		f.Down = m.Files[1].Content
	}
	in.Files = append(in.Files, f)
	report, err := lint.Run(s.t.Context(), in, lint.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range report.Findings {
		s.t.Errorf("lint finds %s in %s: %+v", f.Code, f.File, f)
	}
}

func TestAnIndexBecomesTheNextMigrationWithItsDownFile(t *testing.T) {
	s, _ := slowShop(t, shopping)
	report, err := s.engine.Slow(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	i := report.Queries[0].Index
	ask := slow.Proposal{Names: i.Names, SQL: i.SQL, Down: i.Down, Why: "For 'a' query; of /* which */ [begin x] towline:allow D1-X reason=\"y\"\n  SELECT $1 $tag$ BEGIN TRANSACTION\n"}
	m, err := s.engine.IndexMigration(t.Context(), "shop", ask)
	if err != nil {
		t.Fatal(err)
	}
	want := "-- For a query of  which  (begin x) towline allow D1-X reason=y\n--   SELECT 1 tag begin\nCREATE INDEX orders_user_id_created_at ON orders (user_id, created_at);\n"
	if m.Name != "0002_index-orders_user_id_created_at.sql" || len(m.Files) != 2 || m.Files[0].Path != "db/"+m.Name || string(m.Files[0].Content) != want {
		t.Fatalf("%s: %+v", m.Name, m.Files)
	}
	if m.Files[1].Path != "db/down/"+m.Name || !strings.HasSuffix(string(m.Files[1].Content), "\nDROP INDEX orders_user_id_created_at;\n") {
		t.Errorf("DOWN %s: %q", m.Files[1].Path, m.Files[1].Content)
	}
	s.clean(shopping, m)

	// It does what it says: shipped, the query's plan is the one that was shown, and the button is of no more use.
	next := shopping.and(files{m.Name: string(m.Files[0].Content), "down/" + m.Name: string(m.Files[1].Content)})
	s.version("v1", next)
	_, err = s.engine.IndexMigration(t.Context(), "shop", ask)
	if r, ok := deploy.IsRefusal(err); !ok || r.Code != release.CodeIndexThere || r.Facts["file"] != m.Name {
		t.Errorf("while it is in the source alone: %v", err)
	}
	s.ship("v1")
	s.later(48 * time.Hour)
	if report, err = s.engine.Slow(t.Context(), "shop"); err != nil || report.Queries[0].Index != nil || report.Queries[0].Plan[0] != i.After[0] {
		t.Errorf("afterwards %+v, %v", report.Queries[0], err)
	}
	s.version("v1", shopping)
	_, err = s.engine.IndexMigration(t.Context(), "shop", ask)
	if r, ok := deploy.IsRefusal(err); !ok || r.Code != release.CodeIndexThere || r.Facts["file"] != "" {
		t.Errorf("while it is in production alone: %v", err)
	}
	_, err = s.engine.IndexMigration(t.Context(), "shop", slow.Proposal{Names: []string{"i"}, SQL: []string{"CREATE INDEX i ON orders (gone);"}})
	if r, ok := deploy.IsRefusal(err); !ok || r.Code != release.CodeIndexUnfit || !strings.Contains(r.Facts["words"], "gone") {
		t.Errorf("on a column that is gone: %v", err)
	}
}

func TestInADrizzleProjectTheJournalTheSnapshotAndTheSchemaFileComeAlong(t *testing.T) {
	fsys := fstest.MapFS{"drizzle.config.ts": {Data: []byte("export default { schema: './schema.ts', out: './drizzle' };\n")}, "schema.ts": {Data: nil}, "package.json": {Data: []byte("{}")}}
	where, err := layout.Find(fsys, layout.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := drizzle.Add(t.Context(), drizzle.Project{FS: fsys, Layout: where}, drizzle.Migration{Name: "shop", SQL: []byte(shopping["0001_shop.sql"])},
		drizzle.Options{Now: standing().now, Random: bytes.NewReader(make([]byte, 64))})
	if err != nil {
		t.Fatal(err)
	}
	content := files{}
	for name, f := range fsys {
		content["../"+name] = string(f.Data)
	}
	for _, f := range w.Files {
		content["../"+f.Path] = string(f.Data)
	}
	s := newWorld(t).open(t, func(s *shop) { s.queries = &ledgerOfQueries{} })
	s.configure(func(p *deploy.Project) { p.Migrations = "" })
	s.version("v1", content)
	s.ship("v1")
	m, err := s.engine.IndexMigration(t.Context(), "shop", slow.Proposal{
		Names: []string{"users_email"}, SQL: []string{"CREATE INDEX users_email ON users (email);"}, Down: []string{"DROP INDEX users_email;"}, Why: "x",
	})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range m.Files {
		paths = append(paths, f.Path)
	}
	if want := []string{"drizzle/0001_index-users_email.sql", "drizzle/down/0001_index-users_email.sql", "drizzle/meta/0001_snapshot.json", "drizzle/meta/_journal.json"}; !slices.Equal(paths, want) {
		t.Errorf("files %q", paths)
	}
	if last := m.Files[len(m.Files)-1]; !last.Replace || !strings.Contains(m.Schema, `index("users_email")`) {
		t.Errorf("replaces %v, schema %s", last.Replace, m.Schema)
	}
}

func TestARehearsalLooksAtThePlansOfTheQueriesThatReadTheMost(t *testing.T) {
	with := shopping.and(files{"0002_i.sql": "CREATE INDEX users_email ON users (email);\n"})
	s, l := slowShop(t, with)
	s.version("v2", with.and(files{"0003_d.sql": "DROP INDEX users_email;\n"}))
	run := s.deploy("v2")
	s.wants(run, release.Done)
	if r := run.Plan.Rehearsal; len(r.Slower) != 1 || !strings.HasPrefix(r.Slower[0], "SELECT id FROM users WHERE email = ? (100 runs since #1): SEARCH users") {
		t.Errorf("slower %q", r.Slower)
	}
	for _, f := range run.Plan.Findings {
		if f.Code == "D1-IDX03" {
			t.Errorf("what people asked is a finding, which an approval binds: %+v", f)
		}
	}
	asked := l.asked()
	s.promote(0)
	if now := l.asked(); now != asked {
		t.Errorf("analytics were asked %d times more within half an hour", now-asked)
	}
}

func TestWhatWasReallyAskedOfD1IsSlowAndItsIndexHelps(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, func(s *shop) { s.queries = w.direct })
	s.version("v1", shopping)
	s.ship("v1")
	db, err := s.direct.Find(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	ask := func() {
		t.Helper()
		for range 20 {
			if _, err := s.direct.Read(t.Context(), db.ID, []string{"SELECT id FROM orders WHERE user_id = 7 ORDER BY created_at DESC LIMIT 5"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask()
	report, err := s.engine.Slow(t.Context(), "shop")
	if err != nil || len(report.ByRead) == 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	worst := report.Queries[report.ByRead[0]]
	if worst.Runs != 20 || worst.Each() < 2000 || worst.Index == nil {
		t.Fatalf("the worst is %+v", worst)
	}
	for _, q := range report.Queries {
		if strings.Contains(q.SQL, "d1_migrations") || strings.Contains(q.SQL, "sqlite_master") {
			t.Errorf("Towline's own is among them: %s", q.SQL)
		}
	}
	m, err := s.engine.IndexMigration(t.Context(), "shop", slow.Proposal{Names: worst.Index.Names, SQL: worst.Index.SQL, Down: worst.Index.Down, Why: worst.SQL})
	if err != nil {
		t.Fatal(err)
	}
	s.version("v2", shopping.and(files{m.Name: string(m.Files[0].Content), "down/" + m.Name: string(m.Files[1].Content)}))
	s.ship("v2")
	s.holds(release.Production, "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL", worst.Index.Names...)
	if report, err = s.engine.Slow(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if again := report.Queries[report.ByRead[0]]; again.Index != nil || !slices.Equal(again.Plan, worst.Index.After) {
		t.Errorf("with the index %+v", again)
	}
}

func TestWhatAMigrationDidIsNoneOfTheAppsQueries(t *testing.T) {
	with := shopping.and(files{"0002_names.sql": "UPDATE users SET name = upper(name) /* once */ WHERE name <> '';\n"})
	s, l := slowShop(t, with)
	l.mu.Lock()
	l.after = append(l.after, queries.Count{SQL: "UPDATE users SET name = upper(name) WHERE name <> '';", Runs: 1, RowsRead: 9_000_000, RowsWritten: 9_000_000})
	l.mu.Unlock()
	report, err := s.engine.Slow(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range report.Queries {
		if strings.HasPrefix(q.SQL, "UPDATE users") {
			t.Errorf("the migration's statement is listed: %s", q.SQL)
		}
	}
	if len(report.Queries) == 0 {
		t.Error("and nothing else is")
	}
}
