package cloudflare

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"towline/deploy"
	"towline/deploy/queries"
	"towline/usage"
)

var _ deploy.QueryCounts = (*D1)(nil)

// failing is how many groups of failed queries are asked for first.
const failing = 1000

// Queries implements deploy.QueryCounts. Runs, rows and times are those of all runs; times are sums of what Cloudflare calls a query's
// duration. Failed counts the runs with an error; it is 0 where the account's schema does not tell.
func (d *D1) Queries(ctx context.Context, id string, from, to time.Time, by queries.Order, limit int) ([]queries.Count, error) {
	order, ok := map[queries.Order]string{
		queries.ByRowsRead: "sum_rowsRead_DESC", queries.ByTime: "sum_queryDurationMs_DESC", queries.ByRowsWritten: "sum_rowsWritten_DESC",
	}[by]
	if !ok {
		return nil, fmt.Errorf("cloudflare: queries have no order by %q", by)
	}
	if err := usable(opAnalytics, id); err != nil {
		return nil, err
	}
	from, to = from.UTC().Truncate(time.Second), upTo(to)
	if limit < 1 || !from.Before(to) {
		return nil, nil
	}
	bounds, err := d.boundsOf(ctx, usage.Queries)
	if err != nil {
		return nil, err
	}
	from, most := d.kept(from, bounds), limit
	parts := pieces(from, to, bounds.Longest)
	if limit = min(limit, bounds.Page); len(parts) > 1 {
		limit = min(max(limit*deeper, failing), bounds.Page)
	}
	var counts []queries.Count
	failed := map[string]int64{}
	for _, p := range parts {
		if counts, err = d.costliest(ctx, counts, id, p, order, limit); err != nil {
			return nil, told(err)
		}
		if err := d.failed(ctx, failed, id, p, bounds); err != nil {
			return nil, told(err)
		}
	}
	slices.SortStableFunc(counts, func(a, b queries.Count) int { return cmp.Compare(costs(b, by), costs(a, by)) })
	counts = counts[:min(most, len(counts))]
	for i := range counts {
		counts[i].Failed = min(failed[counts[i].SQL], counts[i].Runs)
	}
	return counts, nil
}

// deeper is how many times as many queries are asked for of each part of a stretch that takes several questions: what is among the costliest of
// the whole may be further down in a part.
const deeper = 10

// piece is a part of a stretch of time that one question may be about.
type piece struct{ from, to time.Time }

// conditions narrow a question to a database and a piece of time.
func (p piece) conditions(id string) []condition {
	return []condition{is("databaseId", id), since("datetime", p.from), until("datetime", p.to.Add(-time.Second))}
}

// pieces cuts a stretch into what one question may span each. One that is longer by no more than what rounding to seconds added is made to fit.
func pieces(from, to time.Time, longest time.Duration) []piece {
	const rounded = 2 * time.Second
	longest = max(longest, time.Minute)
	if over := to.Sub(from) - longest; over > 0 && over <= rounded {
		from = to.Add(-longest)
	}
	var all []piece
	for at := from; at.Before(to); at = at.Add(longest) {
		end := at.Add(longest)
		if end.After(to) {
			end = to
		}
		all = append(all, piece{at, end})
	}
	return all
}

// costliest adds the costliest queries of a piece of time to those of the pieces before.
func (d *D1) costliest(ctx context.Context, counts []queries.Count, id string, p piece, order string, limit int) ([]queries.Count, error) {
	groups, err := d.groups(ctx, question{
		set: usage.Queries, count: true, by: []string{"query"}, order: order, limit: limit, where: p.conditions(id),
		figures: append(figures("sum", "queryDurationMs", "rowsRead", "rowsWritten", "rowsReturned"), figures("quantiles", "queryDurationMsP95")...),
	})
	if err != nil {
		return nil, err
	}
	at := make(map[string]int, len(counts))
	for i, c := range counts {
		at[c.SQL] = i
	}
	for _, g := range groups {
		c, err := queryCount(g)
		if err != nil {
			return nil, err
		}
		if i, ok := at[c.SQL]; ok {
			counts[i] = together(counts[i], c)
		} else {
			counts = append(counts, c)
		}
	}
	return counts, nil
}

// together is one query in two stretches. Its P95 is what the two have by their runs, which is between them, as that of all runs is.
func together(a, b queries.Count) queries.Count {
	if runs := a.Runs + b.Runs; runs > 0 {
		a.P95 = time.Duration((float64(a.P95)*float64(a.Runs) + float64(b.P95)*float64(b.Runs)) / float64(runs))
	}
	a.Runs, a.Time = a.Runs+b.Runs, a.Time+b.Time
	a.RowsRead, a.RowsWritten, a.RowsReturned = a.RowsRead+b.RowsRead, a.RowsWritten+b.RowsWritten, a.RowsReturned+b.RowsReturned
	return a
}

// costs is what queries are put in order by.
func costs(c queries.Count, by queries.Order) int64 {
	switch by {
	case queries.ByTime:
		return int64(c.Time)
	case queries.ByRowsWritten:
		return c.RowsWritten
	case queries.ByRowsRead:
	}
	return c.RowsRead
}

// kept moves a moment that is at the very edge of what is kept to this side of it: what is asked for there is too old when it arrives.
func (d *D1) kept(from time.Time, b usage.Bounds) time.Time {
	const edge = time.Minute
	if oldest := d.now().Add(-b.Back - margin); b.Back > margin && from.Before(oldest.Add(edge)) && !from.Before(oldest.Add(-edge)) {
		return oldest.Add(edge)
	}
	return from
}

func queryCount(g group) (queries.Count, error) {
	if g.Count == nil {
		return queries.Count{}, strange("a query without a count")
	}
	sum := func(name string) float64 {
		v, _ := g.get(figure{"sum", name})
		return v
	}
	p95, _ := g.get(figure{"quantiles", "queryDurationMsP95"})
	return queries.Count{
		SQL: g.dimension("query"), Runs: whole(float64(*g.Count)), Time: milliseconds(sum("queryDurationMs")), P95: milliseconds(p95),
		RowsRead: whole(sum("rowsRead")), RowsWritten: whole(sum("rowsWritten")), RowsReturned: whole(sum("rowsReturned")),
	}, nil
}

func milliseconds(v float64) time.Duration { return time.Duration(v * float64(time.Millisecond)) }

// upTo is the end of the second that a moment is in, unless it is the second's beginning.
func upTo(t time.Time) time.Time {
	return t.UTC().Add(time.Second - time.Nanosecond).Truncate(time.Second)
}

// failed adds the runs of a piece of time that ended in an error to counts, by the query's text.
func (d *D1) failed(ctx context.Context, counts map[string]int64, id string, p piece, bounds usage.Bounds) error {
	groups, err := d.withErrors(ctx, question{set: usage.Queries, count: true, by: []string{"query", "error"}, where: p.conditions(id)}, bounds)
	if unknownField(err) == "error" {
		return nil // the account's schema does not tell
	}
	for _, g := range groups {
		if g.dimension("error") == "" {
			continue
		}
		if g.Count == nil {
			return strange("a query without a count")
		}
		counts[g.dimension("query")] += whole(float64(*g.Count))
	}
	return err
}

// withErrors asks for groups of queries by their error, until those with an error are all there: they come first, and those that have none, which are
// null or empty, end what is of interest. Where the API does not sort by errors, the answer has to be whole.
func (d *D1) withErrors(ctx context.Context, q question, bounds usage.Bounds) ([]group, error) {
	q.order, q.limit = "error_DESC", min(failing, bounds.Page)
	for {
		groups, err := d.groups(ctx, q)
		if no := (*deploy.RejectedError)(nil); errors.As(err, &no) && no.Code == codeMalformed && q.order == "error_DESC" && unknownField(err) == "" {
			q.order, q.limit = "count_DESC", bounds.Page
			continue
		}
		if err != nil {
			return nil, err
		}
		succeeded := func(g group) bool { return g.dimension("error") == "" }
		switch {
		case len(groups) < q.limit, q.order == "error_DESC" && slices.ContainsFunc(groups, succeeded):
			return groups, nil
		case q.limit == bounds.Page:
			return nil, strange("more than %d kinds of failed queries", q.limit)
		}
		q.limit = bounds.Page
	}
}
