package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"towline/deploy"
	"towline/usage"
)

var _ deploy.QueryCounts = (*D1)(nil)

// failing is how many groups of failed queries are asked for first.
const failing = 1000

// Queries implements deploy.QueryCounts. Runs, rows and times are those of all runs; times are sums of what Cloudflare calls a query's
// duration. Failed counts the runs with an error; it is 0 where the account's schema does not tell.
func (d *D1) Queries(ctx context.Context, id string, from, to time.Time, by deploy.QueryOrder, limit int) ([]deploy.QueryCount, error) {
	order, ok := map[deploy.QueryOrder]string{
		deploy.ByRowsRead: "sum_rowsRead_DESC", deploy.ByTime: "sum_queryDurationMs_DESC", deploy.ByRowsWritten: "sum_rowsWritten_DESC",
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
	from = d.kept(from, bounds)
	groups, err := d.groups(ctx, question{
		set: usage.Queries, count: true, by: []string{"query"}, order: order, limit: min(limit, bounds.Page),
		where:   []condition{is("databaseId", id), since("datetime", from), until("datetime", to.Add(-time.Second))},
		figures: append(figures("sum", "queryDurationMs", "rowsRead", "rowsWritten", "rowsReturned"), figures("quantiles", "queryDurationMsP95")...),
	})
	if err != nil {
		return nil, err
	}
	counts := make([]deploy.QueryCount, len(groups))
	for i, g := range groups {
		if counts[i], err = queryCount(g); err != nil {
			return nil, err
		}
	}
	failed, err := d.failed(ctx, id, from, to, bounds)
	if err != nil {
		return nil, err
	}
	for i := range counts {
		counts[i].Failed = min(failed[counts[i].SQL], counts[i].Runs)
	}
	return counts, nil
}

// kept moves a moment that is at the very edge of what is kept to this side of it: what is asked for there is too old when it arrives.
func (d *D1) kept(from time.Time, b usage.Bounds) time.Time {
	const edge = time.Minute
	if oldest := d.now().Add(-b.Back - margin); b.Back > margin && from.Before(oldest.Add(edge)) && !from.Before(oldest.Add(-edge)) {
		return oldest.Add(edge)
	}
	return from
}

func queryCount(g group) (deploy.QueryCount, error) {
	if g.Count == nil {
		return deploy.QueryCount{}, strange("a query without a count")
	}
	sum := func(name string) float64 {
		v, _ := g.get(figure{"sum", name})
		return v
	}
	p95, _ := g.get(figure{"quantiles", "queryDurationMsP95"})
	return deploy.QueryCount{
		SQL: g.dimension("query"), Runs: whole(*g.Count), Time: milliseconds(sum("queryDurationMs")), P95: milliseconds(p95),
		RowsRead: whole(sum("rowsRead")), RowsWritten: whole(sum("rowsWritten")), RowsReturned: whole(sum("rowsReturned")),
	}, nil
}

func milliseconds(v float64) time.Duration { return time.Duration(v * float64(time.Millisecond)) }

// upTo is the end of the second that a moment is in, unless it is the second's beginning.
func upTo(t time.Time) time.Time {
	return t.UTC().Add(time.Second - time.Nanosecond).Truncate(time.Second)
}

// failed counts the runs that ended in an error, by the query's text.
func (d *D1) failed(ctx context.Context, id string, from, to time.Time, bounds usage.Bounds) (map[string]int64, error) {
	groups, err := d.withErrors(ctx, question{
		set: usage.Queries, count: true, by: []string{"query", "error"},
		where: []condition{is("databaseId", id), since("datetime", from), until("datetime", to.Add(-time.Second))},
	}, bounds)
	if unknownField(err) == "error" {
		return nil, nil // the account's schema does not tell
	}
	failed := map[string]int64{}
	for _, g := range groups {
		if g.dimension("error") == "" {
			continue
		}
		if g.Count == nil {
			return nil, strange("a query without a count")
		}
		failed[g.dimension("query")] += whole(*g.Count)
	}
	return failed, err
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
