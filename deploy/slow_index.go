package deploy

import (
	"context"
	"fmt"
	"math"
	"time"

	"towline/deploy/release"
	"towline/migrations/advise"
	"towline/migrations/rehearse"
)

// SlowIndex is what was tried for a query and helps: one index, or several that help only together.
type SlowIndex struct {
	Names         []string
	SQL, Down     []string // the statements that create them, and that take them away again
	Before, After []string // the plans
	// Lookup: Before and After are not the query's own plan but that of looking for the rows of a child, which a foreign key makes necessary.
	Lookup bool
	// Each is how many rows a run would read. AtLeast: only because it returns that many; nothing was counted.
	Each    float64
	AtLeast bool
	// Spares is how many rows read a month it would save, at the pace of the stretch; at most, where Each is at least.
	Spares int64
	// Writes is how many rows more would be written a month, at the most.
	Writes    int64
	Redundant []string // indexes that would not be needed any more
}

const (
	// adviseWithin bounds all trials of one /slow.
	adviseWithin = 20 * time.Second
	// spareAtLeast is what share of the rows of a run an index has to save, and spareRows how many, to be proposed.
	spareAtLeast = 0.2
	spareRows    = 10
)

// adviseSlow tries an index for each query. What cannot be tried is said; the error is ctx's.
func (e *Engine) adviseSlow(ctx context.Context, p Project, s *Slow, writes []QueryCount) error {
	advisor, copied, err := e.advisor(ctx, p)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		e.log.WarnContext(ctx, "no index was tried", "project", p.Name, "error", err)
		s.Untried = words(err)
		return nil
	}
	defer func() {
		if err := advisor.Close(); err != nil {
			e.log.WarnContext(ctx, "a copy of the schema was not closed", "project", p.Name, "error", err)
		}
	}()
	s.Copied = copied
	bounded, cancel := e.within(ctx, adviseWithin)
	defer cancel()
	for i := range s.Queries {
		if err := s.advise(bounded, advisor, &s.Queries[i], writes); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if s.Untried = words(err); bounded.Err() != nil {
				s.Untried = fmt.Sprintf("it takes more than %s here", adviseWithin)
			}
			return nil
		}
	}
	return nil
}

// advisor is a copy of production's schema to try indexes on, with a copy of the data beside it where one that fits is kept: none is taken
// for this, since the export would block the database.
func (e *Engine) advisor(ctx context.Context, p Project) (a *advise.Advisor, copied time.Time, err error) {
	var live release.Release
	err = e.store.View(ctx, func(tx Tx) error {
		live, _ = tx.Release(p.Name, tx.State(p.Name, release.Production).Live)
		return nil
	})
	if err != nil {
		return nil, copied, err
	}
	p = p.of(live)
	t, err := e.look(ctx, p, release.Production, release.Target{})
	if err != nil {
		return nil, copied, err
	}
	o := advise.Options{Stats: e.statistics(ctx, t.Database.ID)}
	if kept, ok := e.keptCopy(p.Name); ok && p.Rehearse.Data && kept.Database == t.Database.ID && kept.Fingerprint == rehearse.Fingerprint(t.Objects, p.ledger()) {
		o.Data, copied = kept.Path, kept.At
	}
	a, err = advise.Open(ctx, rehearse.Target{Objects: t.Objects, LedgerTable: p.ledger()}, o)
	return a, copied, err
}

// statistics are what an ANALYZE left in the database, by which D1's planner goes; none where nobody ran one.
func (e *Engine) statistics(ctx context.Context, id string) (list []advise.Stat) {
	rows, err := e.d1.Read(ctx, id, []string{"SELECT tbl, coalesce(idx, '') AS idx, coalesce(stat, '') AS stat FROM sqlite_stat1"})
	if err != nil || len(rows) != 1 {
		return nil // there is no such table, as a rule
	}
	for _, row := range rows[0].Values {
		list = append(list, advise.Stat{Table: text(row, 0), Index: text(row, 1), Stat: text(row, 2)})
	}
	return list
}

// advise tries indexes for one query and weighs the best with what analytics counted.
func (s *Slow) advise(ctx context.Context, a *advise.Advisor, q *SlowQuery, writes []QueryCount) error {
	returned := per(q.RowsReturned, q.Runs)
	got, err := a.Try(ctx, advise.Query{SQL: q.SQL, Read: q.Each(), Returned: returned})
	if err != nil {
		return err
	}
	q.Plan, q.Refused = got.Before, got.Refused
	for _, n := range got.Notes {
		q.Notes = append(q.Notes, QueryNote{string(n.Code), n.Part})
	}
	for _, best := range got.Suggestions {
		i := s.weigh(q, got, best, max(returned, per(q.RowsWritten, q.Runs)))
		if i == nil {
			continue
		}
		var written []advise.Written
		for _, w := range writes {
			written = append(written, advise.Written{SQL: w.SQL, Rows: w.RowsWritten})
		}
		for _, index := range best.Indexes {
			rows, left, err := a.WriteCost(ctx, index, written)
			if err != nil {
				return err
			}
			i.Writes += s.monthly(float64(rows))
			s.Unread = max(s.Unread, left)
		}
		q.Index = i
		return nil
	}
	return nil
}

// weigh says what a suggestion would save; nil where that is next to nothing.
func (s *Slow) weigh(q *SlowQuery, got advise.Advice, best advise.Suggestion, least float64) *SlowIndex {
	i := &SlowIndex{Before: got.Before, After: best.After, Redundant: best.Redundant}
	if len(best.Lookup) > 0 {
		i.Lookup, i.Before = true, best.Lookup
	}
	i.Each, i.AtLeast = least, true
	if best.Counted {
		i.Each, i.AtLeast = max(least, math.Min(best.Reads, q.Each())), false
	}
	saved := q.Each() - i.Each
	if saved < spareRows || saved < spareAtLeast*q.Each() {
		return nil
	}
	i.Spares = s.monthly(saved * float64(q.Runs))
	for _, index := range best.Indexes {
		i.Names, i.SQL, i.Down = append(i.Names, index.Name), append(i.SQL, index.SQL()), append(i.Down, index.Down())
	}
	return i
}

// monthly is what a figure of the stretch comes to in a month.
func (s *Slow) monthly(v float64) int64 {
	span := s.To.Sub(s.From)
	if span <= 0 {
		return 0
	}
	return int64(v * float64(aMonth) / float64(span))
}
