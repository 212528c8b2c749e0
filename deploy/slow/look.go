package slow

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"towline/deploy/queries"
	"towline/migrations/advise"
)

// Production is what is asked of a project's production. Implementations are safe for concurrent use.
type Production interface {
	// Queries lists the app's own queries from one moment to another, the costliest first in an order, at most queries.Limit of them, with their
	// texts as they were asked. Errors are the implementation's own; Look returns them as they are.
	Queries(ctx context.Context, from, to time.Time, by queries.Order) ([]queries.Count, error)
	// Advisor is a copy of the schema as it is now, which the caller closes. copied is when the copy of the data was taken that is beside
	// it; zero: there is none. An error says in words that people understand why there is no copy.
	Advisor(ctx context.Context) (a *advise.Advisor, copied time.Time, err error)
}

// Options are how Look works.
type Options struct {
	Now time.Time
	// Within bounds the trials of indexes; nil: context.WithTimeout.
	Within func(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc)
	// Log is told why no index was tried; nil: nobody is.
	Log *slog.Logger
}

// Look says which of an app's queries cost the most, and tries an index for each. The errors are those of Production.Queries, and ctx's; that no
// index can be tried is no error, but in the report.
func Look(ctx context.Context, app App, p Production, o Options) (Report, error) {
	if o.Within == nil {
		o.Within = context.WithTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := Report{App: app}
	r.stretch(o.Now)
	now, before, writes, err := r.ask(ctx, p)
	if err != nil {
		return r, err
	}
	r.choose(queries.Alike(now, queries.ByRowsRead))
	r.compare(before)
	if len(r.Queries) > 0 {
		err = r.advise(ctx, p, writes, o)
	}
	r.shown()
	return r, err
}

// ask asks for the costliest queries now and before, and for those that write, all at once: each answer takes a second or more.
func (r *Report) ask(ctx context.Context, p Production) (now, before, writes []queries.Count, err error) {
	type question struct {
		from, to time.Time
		by       queries.Order
		answer   []queries.Count
		err      error
	}
	all := []*question{{from: r.From, to: r.To, by: queries.ByRowsRead}, {from: r.From, to: r.To, by: queries.ByTime}, {from: r.From, to: r.To, by: queries.ByRowsWritten}}
	if !r.BeforeTo.IsZero() {
		all = append(all, &question{from: r.BeforeFrom, to: r.BeforeTo, by: queries.ByRowsRead}, &question{from: r.BeforeFrom, to: r.BeforeTo, by: queries.ByTime})
	}
	var asking sync.WaitGroup
	for _, q := range all {
		asking.Go(func() { q.answer, q.err = p.Queries(ctx, q.from, q.to, q.by) })
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
func joined(list, more []queries.Count) []queries.Count {
	for _, q := range more {
		if !slices.ContainsFunc(list, func(o queries.Count) bool { return o.SQL == q.SQL }) {
			list = append(list, q)
		}
	}
	return list
}
