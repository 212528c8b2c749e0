package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"towline/deploy/release"
	"towline/migrations/rehearse"
)

const (
	// countedShown is how many of the app's queries a rehearsal looks at beside those that the project registers.
	countedShown = 20
	// countedFresh is for how long they are not asked for again, and countedAgain for how long after a failure.
	countedFresh = 30 * time.Minute
	countedAgain = 5 * time.Minute
	// countedWithin bounds the question: a plan does not wait for analytics.
	countedWithin = 5 * time.Second
)

// topQueries are the queries of each project that read the most on production lately, as they were last told.
type topQueries struct {
	mu   sync.Mutex
	list map[string]topList
}

type topList struct {
	queries []rehearse.Query
	until   time.Time // when they are asked for again
	live    uint64    // the release that asked them, 0: whichever
}

// countedQueries are the queries that read the most on a project's production, named by their text: since the live release, so that what only older
// code asked is not held against a change, or, where that is too short a time, in the last week. Where they cannot be told there are those of
// before, or none: they are more than a plan needs.
func (e *Engine) countedQueries(ctx context.Context, project string) []rehearse.Query {
	if e.queried == nil {
		return nil
	}
	c, now := &e.top, e.now()
	c.mu.Lock()
	known, ok := c.list[project]
	c.mu.Unlock()
	state, err := e.State(ctx, project, release.Production)
	if err != nil {
		return nil
	}
	from, span, live := now.Add(-slowSpan), "in a week", uint64(0)
	if state.Live != 0 && now.Sub(state.LiveSince) >= slowLeast && state.LiveSince.After(from) {
		from, span, live = state.LiveSince, fmt.Sprintf("since #%d", state.Live), state.Live
	}
	if ok && now.Before(known.until) && known.live == live {
		return known.queries
	}
	bounded, cancel := e.within(ctx, countedWithin)
	defer cancel()
	top, err := e.mostRead(bounded, project, from, now, countedShown)
	if ctx.Err() != nil {
		return known.queries
	}
	known.until, known.live = now.Add(countedAgain), live
	if err != nil {
		e.log.InfoContext(ctx, "the rehearsal looks at no queries of analytics", "project", project, "error", err)
	} else {
		known.queries, known.until = nil, now.Add(countedFresh)
		for _, q := range top {
			known.queries = append(known.queries, rehearse.Query{Name: excerpt(ShownQuery(q.SQL), q.Runs, span), SQL: q.SQL})
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.list == nil {
		c.list = make(map[string]topList)
	}
	c.list[project] = known
	return known.queries
}

// excerpt names a query by its beginning, and how often it was run.
func excerpt(sql string, runs int64, span string) string {
	const most = 80
	words := []rune(strings.Join(strings.Fields(sql), " "))
	if len(words) > most {
		words = append(words[:most-1], '…')
	}
	times := "1 run"
	if runs != 1 {
		times = fmt.Sprintf("%d runs", runs)
	}
	return fmt.Sprintf("%s (%s %s)", string(words), times, span)
}

// ofAnalytics takes those plans out of a rehearsal's that are of analytics' queries. They are shown and no more: what lint finds is bound by the
// plan's digest, which must not change with what people asked in the meantime. A query that failed before as well says nothing.
func ofAnalytics(plans []rehearse.PlanChange, list []rehearse.Query) (own, others []rehearse.PlanChange) {
	for _, p := range plans {
		switch {
		case !slices.Contains(list, p.Query):
			own = append(own, p)
		case len(p.Before) > 0:
			others = append(others, p)
		}
	}
	return own, others
}
