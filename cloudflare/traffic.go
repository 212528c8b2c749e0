package cloudflare

import (
	"context"
	"time"

	"towline/deploy"
	"towline/usage"
)

var _ deploy.TrafficCounts = (*D1)(nil)

// Traffic implements deploy.TrafficCounts. asOf is the newest minute in which the database was asked something, or that of the Workers, if it
// is earlier. What a dataset that the account does not have would tell is not counted; neither is anything of a database, or of Workers, that
// were not seen at all. CPUP99 is that of the Worker that has the highest.
func (d *D1) Traffic(ctx context.Context, id string, workers []string, from, to time.Time) (t deploy.Traffic, asOf time.Time, err error) {
	if err := usable(opAnalytics, id); err != nil {
		return t, asOf, err
	}
	from, to = from.UTC().Truncate(time.Second), upTo(to)
	if !from.Before(to) {
		return t, asOf, nil
	}
	span := []condition{since("datetime", from), until("datetime", to.Add(-time.Second))}
	asOf, err = d.databaseTraffic(ctx, &t, append([]condition{is("databaseId", id)}, span...))
	if err != nil {
		return deploy.Traffic{}, time.Time{}, told(err)
	}
	for _, script := range workers {
		seen, err := d.workerTraffic(ctx, &t, append([]condition{is("scriptName", script)}, span...))
		if err != nil {
			return deploy.Traffic{}, time.Time{}, told(err)
		}
		if asOf.IsZero() || !seen.IsZero() && seen.Before(asOf) {
			asOf = seen
		}
	}
	return t, asOf, nil
}

// mostOthers is how many databases Others adds up at most. Any of them would do for what it is asked for.
const mostOthers = 100

// Others implements deploy.TrafficCounts. An account without the dataset has nothing to tell.
func (d *D1) Others(ctx context.Context, id string, from, to time.Time) (queries int64, err error) {
	if err := usable(opAnalytics, id); err != nil {
		return 0, err
	}
	from, to = from.UTC().Truncate(time.Second), upTo(to)
	if !from.Before(to) {
		return 0, nil
	}
	groups, err := d.groups(ctx, question{
		set: usage.Activity, where: []condition{since("datetime", from), until("datetime", to.Add(-time.Second))}, by: []string{"databaseId"},
		figures: figures("sum", "readQueries", "writeQueries"), limit: mostOthers,
	})
	if absent(usage.Activity, err) {
		return 0, nil
	}
	for _, g := range groups {
		if g.dimension("databaseId") == id {
			continue
		}
		for _, f := range figures("sum", "readQueries", "writeQueries") {
			if v, ok := g.get(f); ok {
				queries += whole(v)
			}
		}
	}
	return queries, told(err)
}

// newest asks for the last unit of time that has anything, before the figures are asked for: those then cover it.
func (d *D1) newest(ctx context.Context, set usage.Dataset, dimension string, where []condition) (time.Time, error) {
	groups, err := d.groups(ctx, question{set: set, where: where, by: []string{dimension}, order: dimension + "_DESC", limit: 1})
	if err != nil || len(groups) == 0 {
		return time.Time{}, err
	}
	at, err := groups[0].at(dimension)
	return at.Truncate(time.Minute), err
}

func (d *D1) databaseTraffic(ctx context.Context, t *deploy.Traffic, where []condition) (asOf time.Time, err error) {
	asOf, err = d.newest(ctx, usage.Activity, "datetimeMinute", where)
	if absent(usage.Activity, err) || err == nil && asOf.IsZero() {
		return time.Time{}, nil
	}
	if err != nil {
		return asOf, err
	}
	groups, err := d.groups(ctx, question{
		set: usage.Activity, where: where, limit: 1,
		figures: append(figures("sum", "readQueries", "writeQueries", "rowsRead", "rowsWritten"), figures("quantiles", "queryBatchTimeMsP90")...),
	})
	if err != nil {
		return asOf, err
	}
	for _, g := range groups {
		count := func(name string) *int64 {
			if v, ok := g.get(figure{"sum", name}); ok {
				n := whole(v)
				return &n
			}
			return nil
		}
		if read, write := count("readQueries"), count("writeQueries"); read != nil && write != nil {
			n := *read + *write
			t.Queries = &n
		}
		t.RowsRead, t.RowsWritten = count("rowsRead"), count("rowsWritten")
		if v, ok := g.get(figure{"quantiles", "queryBatchTimeMsP90"}); ok {
			p90 := milliseconds(v)
			t.BatchP90 = &p90
		}
	}
	t.Failed, err = d.failedQueries(ctx, where)
	return asOf, err
}

// failedQueries is nil where the dataset of queries has nothing, since what the other counts is not in it yet, and where it, or its errors, do not
// exist for the account.
func (d *D1) failedQueries(ctx context.Context, where []condition) (*int64, error) {
	bounds, err := d.boundsOf(ctx, usage.Queries)
	var groups []group
	if err == nil {
		groups, err = d.withErrors(ctx, question{set: usage.Queries, where: where, count: true, by: []string{"error"}}, bounds)
	}
	if absent(usage.Queries, err) || unknownField(err) == "error" || err == nil && len(groups) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var failed int64
	for _, g := range groups {
		switch {
		case g.Count == nil:
			return nil, strange("a group without a count")
		case g.dimension("error") != "":
			failed += whole(float64(*g.Count))
		}
	}
	return &failed, nil
}

func (d *D1) workerTraffic(ctx context.Context, t *deploy.Traffic, where []condition) (asOf time.Time, err error) {
	asOf, err = d.newest(ctx, usage.Invocations, "datetime", where)
	if absent(usage.Invocations, err) || err == nil && asOf.IsZero() {
		return time.Time{}, nil
	}
	if err != nil {
		return asOf, err
	}
	groups, err := d.groups(ctx, question{
		set: usage.Invocations, where: where, limit: 1, figures: append(figures("sum", "requests", "errors"), figures("quantiles", "cpuTimeP99")...),
	})
	if err != nil {
		return asOf, err
	}
	for _, g := range groups {
		add := func(to **int64, name string) {
			if v, ok := g.get(figure{"sum", name}); ok {
				n := whole(v)
				if *to != nil {
					n += **to
				}
				*to = &n
			}
		}
		add(&t.Requests, "requests")
		add(&t.Errors, "errors")
		if v, ok := g.get(figure{"quantiles", "cpuTimeP99"}); ok {
			p99 := time.Duration(v * float64(time.Microsecond))
			if t.CPUP99 == nil || p99 > *t.CPUP99 {
				t.CPUP99 = &p99
			}
		}
	}
	return asOf, nil
}
