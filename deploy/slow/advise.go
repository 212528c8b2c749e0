package slow

import (
	"context"
	"fmt"
	"math"
	"time"

	"towline/deploy/queries"
	"towline/migrations/advise"
)

const (
	// adviseWithin bounds all trials of one /slow.
	adviseWithin = 20 * time.Second
	// spareAtLeast is what share of the rows of a run an index has to save, and spareRows how many, to be proposed.
	spareAtLeast = 0.2
	spareRows    = 10
)

// advise tries an index for each query. What cannot be tried is said; the error is ctx's.
func (r *Report) advise(ctx context.Context, p Production, writes []queries.Count, o Options) error {
	advisor, copied, err := p.Advisor(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		o.Log.WarnContext(ctx, "no index was tried", "project", r.Project, "error", err)
		r.Untried = err.Error()
		return nil
	}
	defer func() {
		if err := advisor.Close(); err != nil {
			o.Log.WarnContext(ctx, "a copy of the schema was not closed", "project", r.Project, "error", err)
		}
	}()
	r.Copied = copied
	bounded, cancel := o.Within(ctx, adviseWithin)
	defer cancel()
	for i := range r.Queries {
		if err := r.try(bounded, advisor, &r.Queries[i], writes); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if r.Untried = err.Error(); bounded.Err() != nil {
				r.Untried = fmt.Sprintf("it takes more than %s here", adviseWithin)
			}
			return nil
		}
	}
	return nil
}

// try tries indexes for one query and weighs the best with what analytics counted.
func (r *Report) try(ctx context.Context, a *advise.Advisor, q *Query, writes []queries.Count) error {
	got, err := a.Try(ctx, advise.Query{SQL: q.SQL, Read: q.Each(), Returned: q.Returned()})
	if err != nil {
		return err
	}
	q.Plan, q.Refused = got.Before, got.Refused
	for _, n := range got.Notes {
		q.Notes = append(q.Notes, Note{string(n.Code), n.Part})
	}
	for _, best := range got.Suggestions {
		i := r.weigh(q, got, best)
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
			i.Writes += r.monthly(float64(rows))
			r.Unread = max(r.Unread, left)
		}
		q.Index = i
		return nil
	}
	return nil
}

// weigh says what a suggestion would save; nil where that is next to nothing.
func (r *Report) weigh(q *Query, got advise.Advice, best advise.Suggestion) *Index {
	i := &Index{Before: got.Before, After: best.After, Redundant: best.Redundant}
	if len(best.Lookup) > 0 {
		i.Lookup, i.Before = true, best.Lookup
	}
	least := max(q.Returned(), q.Written())
	i.Each, i.AtLeast = least, true
	if best.Counted {
		i.Each, i.AtLeast = max(least, math.Min(best.Reads, q.Each())), false
	}
	saved := q.Each() - i.Each
	if saved < spareRows || saved < spareAtLeast*q.Each() {
		return nil
	}
	i.Spares = r.monthly(saved * float64(q.Runs))
	for _, index := range best.Indexes {
		i.Names, i.SQL, i.Down = append(i.Names, index.Name), append(i.SQL, index.SQL()), append(i.Down, index.Down())
	}
	return i
}
