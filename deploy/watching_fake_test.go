package deploy_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"towline/deploy"
	"towline/deploy/queries"
	"towline/deploy/release"
)

// minute is what an app does in one.
type minute struct {
	queries, failed, rows int64
	p90                   time.Duration
	requests, errors      int64
	cpu                   time.Duration
	top                   []queries.Count // of one minute
}

// analytics is a Cloudflare that counts an app's traffic, some time behind.
type analytics struct {
	now func() time.Time

	mu     sync.Mutex
	at     func(t time.Time) minute // what the app does
	lag    time.Duration
	err    error // instead of an answer
	listed error // likewise of single queries
	asked  []time.Time
	others func(t time.Time) int64 // what other databases are asked in a minute; nil: there are none
}

func newAnalytics(at func(t time.Time) minute) *analytics {
	return &analytics{now: time.Now, at: at, lag: 3 * time.Minute}
}

// set changes what it does from now on.
func (a *analytics) set(change func(*analytics)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(a)
}

// each goes over the minutes that were counted.
func (a *analytics) each(from, to time.Time, fn func(at time.Time, m minute)) {
	if end := a.now().Add(-a.lag); to.After(end) {
		to = end
	}
	for at := from.Truncate(time.Minute); at.Before(to); at = at.Add(time.Minute) {
		fn(at, a.at(at))
	}
}

// Traffic implements deploy.TrafficCounts.
func (a *analytics) Traffic(_ context.Context, _ string, workers []string, from, to time.Time) (t deploy.Traffic, asOf time.Time, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, from)
	if a.err != nil {
		return t, asOf, a.err
	}
	var all minute
	a.each(from, to, func(at time.Time, m minute) {
		all.queries, all.failed, all.rows = all.queries+m.queries, all.failed+m.failed, all.rows+m.rows
		all.requests, all.errors = all.requests+m.requests, all.errors+m.errors
		all.p90, all.cpu = max(all.p90, m.p90), max(all.cpu, m.cpu)
		if m.queries > 0 {
			asOf = at
		}
	})
	if all.queries > 0 {
		t.Queries, t.Failed, t.RowsRead, t.BatchP90 = &all.queries, &all.failed, &all.rows, &all.p90
	}
	if len(workers) > 0 && all.requests > 0 {
		t.Requests, t.Errors, t.CPUP99 = &all.requests, &all.errors, &all.cpu
	}
	return t, asOf, nil
}

// Others implements deploy.TrafficCounts.
func (a *analytics) Others(_ context.Context, _ string, from, to time.Time) (queries int64, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil && a.others != nil {
		a.each(from, to, func(at time.Time, _ minute) { queries += a.others(at) })
	}
	return queries, a.err
}

// Queries implements deploy.QueryCounts.
func (a *analytics) Queries(_ context.Context, _ string, from, to time.Time, _ queries.Order, limit int) ([]queries.Count, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil || a.listed != nil {
		return nil, cmpErr(a.err, a.listed)
	}
	var list []queries.Count
	a.each(from, to, func(_ time.Time, m minute) {
		for _, q := range m.top {
			i := slices.IndexFunc(list, func(have queries.Count) bool { return have.SQL == q.SQL })
			if i < 0 {
				list = append(list, q)
				continue
			}
			have := &list[i]
			have.Runs, have.Failed, have.RowsRead, have.Time = have.Runs+q.Runs, have.Failed+q.Failed, have.RowsRead+q.RowsRead, have.Time+q.Time
			have.P95 = max(have.P95, q.P95)
		}
	})
	return list[:min(limit, len(list))], nil
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// calmly is an app with 200 queries a minute, as quiet in every week. What Towline asks of the ledger since it came is slow, and is not the app's.
func calmly(t time.Time) minute {
	m := minute{
		queries: 200, rows: 6800, p90: 12 * time.Millisecond, requests: 100, cpu: 5 * time.Millisecond,
		top: []queries.Count{{SQL: "SELECT * FROM items WHERE id = ?", Runs: 200, RowsRead: 6800, P95: 8 * time.Millisecond}},
	}
	if t.UTC().Year() >= 2000 {
		m.top = append(m.top, queries.Count{SQL: "SELECT name FROM d1_migrations", Runs: 1, P95: 900 * time.Millisecond})
	}
	return m
}

// failingFrom is calm until a moment, and then one query in ten fails.
func failingFrom(since func() time.Time) func(time.Time) minute {
	return func(t time.Time) minute {
		m := calmly(t)
		if from := since(); !from.IsZero() && !t.Before(from) {
			m.failed = 20
			m.top = append(m.top, queries.Count{SQL: "SELECT vat FROM items", Runs: 20, Failed: 20})
		}
		return m
	}
}

// watching gives a world analytics, and a project that is watched for half an hour.
func watching(a *analytics) func(*world) {
	return func(w *world) {
		w.project.Watch = 30 * time.Minute
		w.traffic, w.queries = a, a
	}
}

// watchOf is the run that watches a promote, as it is now.
func (s *shop) watchOf(run release.Run) release.Run {
	s.t.Helper()
	now, _, err := s.engine.FindRun(context.Background(), run.ID)
	if err != nil || now.Watched == "" {
		s.t.Fatalf("%s of #%d is not watched: %v", now.Kind, now.Release, err)
	}
	w, ok, err := s.engine.FindRun(context.Background(), now.Watched)
	if err != nil || !ok || w.Kind != release.Watch || w.Watch == nil || w.Watch.Of != run.ID {
		s.t.Fatalf("the watch is %+v: %v", w, err)
	}
	return w
}

// send is ship where time is fake.
func (s *shop) send(ref string) release.Run {
	s.t.Helper()
	live := s.endedAtLast(s.deployNow(ref))
	s.wants(live, release.Done)
	shipped := s.endedAtLast(s.approve(s.promote(live.Release), robin))
	s.wants(shipped, release.Done)
	return shipped
}
