package deploy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"towline/deploy/release"
)

// ErrUncounted: this process asks nobody what queries cost.
var ErrUncounted = errors.New("queries are not counted")

const (
	// slowSpan is the longest stretch that /slow looks at, and slowLeast the shortest since a release: analytics lags behind, and an hour
	// has too little in it.
	slowSpan  = 7 * 24 * time.Hour
	slowLeast = time.Hour
	// slowKept is how far back Cloudflare tells of queries ("Metrics and analytics", D1 docs).
	slowKept = 31 * 24 * time.Hour
	// slowAsked is how many queries are asked for in each order, and slowShown how many of them are shown.
	slowAsked = 200
	slowShown = 3
	// slowRatio is how many rows a query reads for each that it returns, or writes, to be among those that read too many; slowRows how
	// many it reads altogether.
	slowRatio = 10
	slowRows  = 1000
	// aMonth is what a month is taken for.
	aMonth = 30 * 24 * time.Hour
)

// Slow is what a project's queries on production cost, and what would help.
type Slow struct {
	Project, Database string
	// Release is the one that is live, LiveSince since when; 0 where none is known.
	Release   uint64
	LiveSince time.Time
	From, To  time.Time // what was looked at
	// BeforeFrom and BeforeTo are the stretch before the release that it is compared with; zero where there is none.
	BeforeFrom, BeforeTo time.Time
	Queries              []SlowQuery
	// ByRead, ByTime and ByRatio are places in Queries, the worst first.
	ByRead, ByTime, ByRatio []int
	// Copied is when the copy of the data was taken on which indexes were weighed; zero: there is none that fits, and only the plans are known.
	Copied time.Time
	// Copies tells whether the project is rehearsed on copies of the data at all.
	Copies bool
	// Untried is why no index could be tried at all; empty where they were.
	Untried string
	// Unread counts statements that write and could not be read here, so that what an index costs may be more.
	Unread int
}

// SlowQuery is one of them.
type SlowQuery struct {
	QueryCount
	Was *QueryCount // the same before the release; nil where it was not asked, or nothing was compared
	// New: nobody asked it before the release. Worse: it reads twice as many rows each time as before, or takes twice as long.
	New, Worse bool
	Plan       []string    // how SQLite carries it out now
	Refused    string      // why it could not be tried
	Notes      []QueryNote // what no index helps
	Index      *SlowIndex  // what would help; nil: nothing was found
}

// QueryNote is a part of a query that no index helps: a code of package migrations/advise, and the part.
type QueryNote struct{ Code, Part string }

// Each is how many rows a run reads, on the average; 0 where it never ran.
func (q QueryCount) Each() float64 { return per(q.RowsRead, q.Runs) }

// Ratio is how many rows are read for each row returned or written.
func (q QueryCount) Ratio() float64 {
	return float64(q.RowsRead) / float64(max(1, q.RowsReturned+q.RowsWritten))
}

// Mean is how long a run takes.
func (q QueryCount) Mean() time.Duration {
	if q.Runs == 0 {
		return 0
	}
	return q.Time / time.Duration(q.Runs)
}

func per(n, runs int64) float64 {
	if runs == 0 {
		return 0
	}
	return float64(n) / float64(runs)
}

// TopQueries lists which queries of a project's production read the most rows from one moment to another, at most limit. Towline's own are
// left out, those that differ in their values alone are one, and the texts are those of ShownQuery. ErrUncounted: nobody is asked;
// ErrNoDatabase: there is no production yet; other errors are those of QueryCounts.
func (e *Engine) TopQueries(ctx context.Context, project string, from, to time.Time, limit int) ([]QueryCount, error) {
	list, err := e.mostRead(ctx, project, from, to, limit)
	for i := range list {
		list[i].SQL = ShownQuery(list[i].SQL)
	}
	return list, err
}

// mostRead is TopQueries with the texts as they were asked.
func (e *Engine) mostRead(ctx context.Context, project string, from, to time.Time, limit int) ([]QueryCount, error) {
	p, err := e.project(project)
	if err != nil {
		return nil, err
	}
	id, err := e.productionID(ctx, p)
	if err != nil {
		return nil, err
	}
	list, err := e.costly(ctx, p, id, from, to, ByRowsRead, slowAsked)
	list = alike(list, ByRowsRead)
	return list[:min(limit, len(list))], err
}

// productionID is the id of a project's production database.
func (e *Engine) productionID(ctx context.Context, p Project) (string, error) {
	s, err := e.State(ctx, p.Name, release.Production)
	if err != nil {
		return "", err
	}
	if s.DatabaseID != "" && s.Database == p.Production {
		return s.DatabaseID, nil
	}
	db, err := e.d1.Find(ctx, p.Production)
	return db.ID, wrap(err, "look for database %s", p.Production)
}

// costly is QueryCounts without what Towline and wrangler ask themselves.
func (e *Engine) costly(ctx context.Context, p Project, id string, from, to time.Time, by QueryOrder, limit int) ([]QueryCount, error) {
	if e.queried == nil {
		return nil, ErrUncounted
	}
	list, err := e.queried.Queries(ctx, id, from, to, by, limit)
	if err != nil {
		return nil, wrap(err, "what queries of %s cost", p.Production)
	}
	return e.notOurs(ctx, p, list), nil
}

// Slow says which of a project's queries on production cost the most since its last release, or in the last week, and tries an index for
// each on a copy of the schema. Errors are those of TopQueries.
func (e *Engine) Slow(ctx context.Context, project string) (Slow, error) {
	p, err := e.project(project)
	if err != nil {
		return Slow{}, err
	}
	state, err := e.State(ctx, p.Name, release.Production)
	if err != nil {
		return Slow{}, err
	}
	s := Slow{Project: p.Name, Database: p.Production, Release: state.Live, LiveSince: state.LiveSince, Copies: p.Rehearse.Data}
	s.stretch(e.now())
	id, err := e.productionID(ctx, p)
	if err != nil {
		return s, err
	}
	now, before, writes, err := e.slowCounts(ctx, p, id, s)
	if err != nil {
		return s, err
	}
	s.choose(alike(now, ByRowsRead))
	s.compare(before)
	if len(s.Queries) > 0 {
		err = e.adviseSlow(ctx, p, &s, writes)
	}
	s.shown()
	return s, err
}

// shown leaves out of all texts what a chat should not keep. Until then they are as they were asked, so that they can be tried.
func (s *Slow) shown() {
	for i := range s.Queries {
		q := &s.Queries[i]
		q.SQL = ShownQuery(q.SQL)
		if q.Was != nil {
			q.Was.SQL = ShownQuery(q.Was.SQL)
		}
		for n := range q.Notes {
			q.Notes[n].Part = ShownQuery(q.Notes[n].Part)
		}
	}
}

// stretch decides what is looked at, and what it is compared with: since the release, a week at most, and as long before it.
func (s *Slow) stretch(now time.Time) {
	s.To, s.From = now, now.Add(-slowSpan)
	if s.LiveSince.IsZero() || s.Release == 0 {
		return
	}
	if now.Sub(s.LiveSince) < slowLeast { // too little since: the day, whatever was live
		s.From = now.Add(-24 * time.Hour)
		return
	}
	if s.LiveSince.After(s.From) {
		s.From = s.LiveSince
	}
	s.BeforeTo = s.LiveSince
	s.BeforeFrom = s.LiveSince.Add(-s.To.Sub(s.From))
	if oldest := now.Add(-slowKept); s.BeforeFrom.Before(oldest) {
		s.BeforeFrom = oldest
	}
	if !s.BeforeFrom.Before(s.BeforeTo) {
		s.BeforeFrom, s.BeforeTo = time.Time{}, time.Time{}
	}
}

// slowCounts asks for the costliest queries now and before, and for those that write, all at once: each answer takes a second or more.
func (e *Engine) slowCounts(ctx context.Context, p Project, id string, s Slow) (now, before, writes []QueryCount, err error) {
	type question struct {
		from, to time.Time
		by       QueryOrder
		answer   []QueryCount
		err      error
	}
	all := []*question{{from: s.From, to: s.To, by: ByRowsRead}, {from: s.From, to: s.To, by: ByTime}, {from: s.From, to: s.To, by: ByRowsWritten}}
	if !s.BeforeTo.IsZero() {
		all = append(all, &question{from: s.BeforeFrom, to: s.BeforeTo, by: ByRowsRead}, &question{from: s.BeforeFrom, to: s.BeforeTo, by: ByTime})
	}
	var asking sync.WaitGroup
	for _, q := range all {
		asking.Go(func() { q.answer, q.err = e.costly(ctx, p, id, q.from, q.to, q.by, slowAsked) })
	}
	asking.Wait()
	for _, q := range all {
		if q.err != nil {
			return nil, nil, nil, q.err
		}
	}
	if len(all) > 3 {
		before = joined(all[3].answer, all[4].answer)
	}
	return joined(all[0].answer, all[1].answer), before, all[2].answer, nil
}

// joined is two lists as one, each query once.
func joined(list, more []QueryCount) []QueryCount {
	for _, q := range more {
		if !slices.ContainsFunc(list, func(o QueryCount) bool { return o.SQL == q.SQL }) {
			list = append(list, q)
		}
	}
	return list
}

// choose takes the worst by each measure.
func (s *Slow) choose(list []QueryCount) {
	place := map[string]int{}
	worst := func(more func(a, b QueryCount) bool, counts func(QueryCount) bool) (places []int) {
		sorted := slices.DeleteFunc(slices.Clone(list), func(q QueryCount) bool { return !counts(q) })
		slices.SortStableFunc(sorted, func(a, b QueryCount) int {
			switch {
			case more(a, b):
				return -1
			case more(b, a):
				return 1
			}
			return strings.Compare(a.SQL, b.SQL)
		})
		for _, q := range sorted[:min(slowShown, len(sorted))] {
			if _, known := place[q.SQL]; !known {
				place[q.SQL] = len(s.Queries)
				s.Queries = append(s.Queries, SlowQuery{QueryCount: q})
			}
			places = append(places, place[q.SQL])
		}
		return places
	}
	s.ByRead = worst(func(a, b QueryCount) bool { return a.RowsRead > b.RowsRead }, func(q QueryCount) bool { return q.RowsRead > 0 })
	s.ByTime = worst(func(a, b QueryCount) bool { return a.Time > b.Time }, func(q QueryCount) bool { return q.Time > 0 })
	s.ByRatio = worst(func(a, b QueryCount) bool { return a.Ratio() > b.Ratio() },
		func(q QueryCount) bool { return q.Ratio() >= slowRatio && q.RowsRead >= slowRows })
}

// What makes a query worse than before: so many times the rows or the time of a run, and so many more; seldom is how many runs say nothing.
const (
	worseTimes = 2
	worseRows  = 100
	worseTime  = 10 * time.Millisecond
	seldom     = 5
)

// compare finds out which queries are new since the release, and which are worse.
func (s *Slow) compare(before []QueryCount) {
	if s.BeforeTo.IsZero() || len(before) == 0 {
		return
	}
	whole := len(before) < slowAsked*9/10 // else one that is missing may only have been among the cheaper ones
	before, x, place := alike(before, ByRowsRead), newWording(), map[string]int{}
	for n, q := range before {
		place[x.shape(q.SQL)] = n
	}
	for i := range s.Queries {
		q := &s.Queries[i]
		n, asked := place[x.shape(q.SQL)]
		if !asked {
			q.New = whole
			continue
		}
		q.Was = &before[n]
		if q.Runs < seldom || q.Was.Runs < seldom {
			continue
		}
		rows := q.Each() >= worseTimes*q.Was.Each() && q.Each() >= q.Was.Each()+worseRows
		slower := q.Mean() >= worseTimes*q.Was.Mean() && q.Mean() >= q.Was.Mean()+worseTime
		q.Worse = rows || slower
	}
}
