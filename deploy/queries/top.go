package queries

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"towline/migrations/rehearse"
)

const (
	// topLimit is how many of the app's queries a rehearsal looks at beside those that the project registers.
	topLimit = 20
	// topFresh is for how long they are not asked for again, and topAgain for how long after a failure.
	topFresh = 30 * time.Minute
	topAgain = 5 * time.Minute
)

// Top remembers the queries of each project that read the most on production lately, as they were last told, for the rehearsals of its releases. Its
// zero value remembers none. It is safe for concurrent use.
type Top struct {
	mu   sync.Mutex
	list map[string]topList
}

type topList struct {
	queries []rehearse.Query
	until   time.Time // when they are asked for again
	live    uint64    // the release that asked them, 0: whichever. They stand for no other one
}

// Live is the release that is live on production.
type Live struct {
	Release uint64 // 0: none is known
	Since   time.Time
}

// Of are those of a project, named by their text: since the live release, so that what only older code asked is not held against a change, or, where
// that is too short a time, in the last week. Where ask cannot tell them, there are those that it told of the same release before, or none, with
// its error; they are more than a rehearsal needs. A ctx that is done is no error.
func (t *Top) Of(ctx context.Context, project string, live Live, now time.Time, ask func(from time.Time, limit int) ([]Count, error)) ([]rehearse.Query, error) {
	t.mu.Lock()
	known, ok := t.list[project]
	t.mu.Unlock()
	from, span, by := now.Add(-Longest), "in a week", uint64(0)
	if live.Release != 0 && now.Sub(live.Since) >= Shortest && live.Since.After(from) {
		from, span, by = live.Since, fmt.Sprintf("since #%d", live.Release), live.Release
	}
	if known.live != by {
		known = topList{live: by}
	} else if ok && now.Before(known.until) {
		return known.queries, nil
	}
	top, err := ask(from, topLimit)
	if ctx.Err() != nil {
		return known.queries, nil
	}
	known.until = now.Add(topAgain)
	if err == nil {
		known.queries, known.until = nil, now.Add(topFresh)
		for _, q := range top {
			known.queries = append(known.queries, rehearse.Query{Name: excerpt(Shown(q.SQL), q.Runs, span), SQL: q.SQL})
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.list == nil {
		t.list = make(map[string]topList)
	}
	t.list[project] = known
	return known.queries, err
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

// Divide takes those plans out of a rehearsal's that are of analytics' queries. They are shown and no more: what lint finds is bound by the
// plan's digest, which must not change with what people asked in the meantime. A query that failed before as well says nothing.
func Divide(plans []rehearse.PlanChange, asked []rehearse.Query) (own, others []rehearse.PlanChange) {
	for _, p := range plans {
		switch {
		case !slices.Contains(asked, p.Query):
			own = append(own, p)
		case len(p.Before) > 0:
			others = append(others, p)
		}
	}
	return own, others
}
