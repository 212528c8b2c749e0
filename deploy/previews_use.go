package deploy

import (
	"context"
	"slices"
	"strings"
	"time"

	"towline/deploy/queries"
)

// lastUse is when a preview was last used by anybody but Towline, whose own looks are counted as well: /status reads the ledger. Which
// queries there were tells them apart, as far back as Cloudflare lists them. Where it does not, every use counts.
func (e *Engine) lastUse(ctx context.Context, p Preview) (at, since time.Time, known bool) {
	at, since, known = e.uses.LastUse(ctx, p.Database)
	if !known || e.queried == nil || !at.After(p.Deployed) {
		return at, since, known
	}
	oldest := midnight(e.now().Add(-queries.Kept)).AddDate(0, 0, 1)
	if at.Before(oldest) {
		return at, since, known
	}
	db, err := e.d1.Find(ctx, p.Database)
	if err != nil {
		return at, since, known
	}
	apps := e.appsQueries(ctx, p.Project, db.ID)
	if later(p.Deployed, since).After(oldest) {
		oldest = midnight(later(p.Deployed, since))
	}
	other, exact, err := lastDay(at, oldest, e.now(), apps)
	switch {
	case err != nil:
		e.log.InfoContext(ctx, "whose queries a preview had is not known", "database", p.Database, "error", err)
	case exact:
	case other.IsZero():
		return other, later(oldest, since), true
	default:
		return other, since, true
	}
	return at, since, known
}

// appsQueries tells whether an app asked a database anything from one moment to another.
func (e *Engine) appsQueries(ctx context.Context, project, id string) func(from, to time.Time) (bool, error) {
	p, err := e.project(project)
	if err != nil {
		p = Project{Name: project}
	}
	e.ofLive(ctx, &p)
	return func(from, to time.Time) (bool, error) {
		list, err := e.queried.Queries(ctx, id, from, to, queries.ByTime, queries.Limit)
		return len(list) >= queries.Limit || slices.ContainsFunc(list, func(q queries.Count) bool {
			return !queries.Bookkeeping(q.SQL, p.ledger()) && !strings.EqualFold(strings.TrimSpace(q.SQL), "SELECT 1")
		}), err
	}
}

// lastDay finds the last UTC day, from oldest on, on which something was asked; zero where there is none. exact: it was asked since at.
func lastDay(at, oldest, now time.Time, asked func(from, to time.Time) (bool, error)) (day time.Time, exact bool, err error) {
	if exact, err = asked(at, now); exact || err != nil {
		return at, exact, err
	}
	any, err := asked(oldest, at)
	if !any || err != nil {
		return day, false, err
	}
	days := int(midnight(at).Sub(oldest)/(24*time.Hour)) + 1
	first, last := 0, days-1 // it was on one of these
	for first < last {
		half := (first + last + 1) / 2
		to := oldest.AddDate(0, 0, last+1)
		if any, err = asked(oldest.AddDate(0, 0, half), earlier(to, at)); err != nil {
			return day, false, err
		}
		if any {
			first = half
		} else {
			last = half - 1
		}
	}
	return oldest.AddDate(0, 0, first), false, nil
}

// midnight is the beginning of a UTC day.
func midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// judgeUse says when a preview was last used, and whether it is stale by that.
func (e *Engine) judgeUse(ctx context.Context, p *Preview) {
	if e.uses != nil {
		if at, since, known := e.lastUse(ctx, *p); known {
			p.Used, p.Counted = at, since
		}
	}
	after := e.stale()
	p.Stale = after > 0 && (p.LeftOver || e.now().Sub(p.Idle()) >= after)
}
