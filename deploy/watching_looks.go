package deploy

import (
	"context"
	"time"

	"towline/deploy/queries"
	"towline/deploy/release"
	"towline/deploy/watch"
)

// What a watch compares with.
const (
	// watchWeeks is how many weeks back: Cloudflare keeps 31 days ("Metrics and analytics", D1).
	watchWeeks = 4
	// watchHours is how long before the promote, where the weeks say too little.
	watchHours = 3 * time.Hour
	// watchQueries is how many single queries of a stretch are looked at.
	watchQueries = 200
	// watchCall bounds all that one look asks.
	watchCall = 2 * time.Minute
)

// usualTraffic is what a watch compares with.
type usualTraffic struct {
	weeks []watch.Stretch
	hours *watch.Stretch
}

// lookAfterPromote is one look of a watch. next is when to look again, zero where it is over. An error means that nothing could be stored.
func (e *Engine) lookAfterPromote(ctx context.Context, run release.Run, l *looking) (next time.Time, err error) {
	p, known := e.Project(run.Project)
	switch {
	case !known:
		return next, e.unseen(ctx, run, release.BlindGone, "")
	case p.Watch <= 0 || e.traffic == nil:
		return next, e.unseen(ctx, run, release.BlindOff, "")
	}
	w, now := *run.Watch, e.now()
	if l.since.IsZero() {
		l.since = now
	}
	asking, cancel := e.within(ctx, watchCall)
	defer cancel()
	after, err := e.lookNow(asking, p, w, l, now)
	switch {
	case ctx.Err() != nil:
		return next, ctx.Err()
	case err != nil && now.Sub(later(w.To, l.since)) >= WatchPatience:
		return next, e.unseen(ctx, run, release.BlindTrouble, words(err))
	case err != nil:
		e.log.WarnContext(ctx, "a watch cannot see anything now", "run", run.ID, "project", run.Project, "error", err)
		if l.failed++; l.failed > 1 { // once is nothing that a person has to know
			err = e.troubled(ctx, run, words(err))
		} else {
			err = nil
		}
		return nextLook(w, now), err
	}
	l.failed = 0
	if err := e.troubled(ctx, run, ""); err != nil {
		return next, err
	}
	if now.Before(w.To) {
		over, err := e.early(ctx, run, l, after)
		if over || err != nil {
			return next, err
		}
		return nextLook(w, now), nil
	}
	if !after.settled(w, l, now) {
		return nextLook(w, now), nil
	}
	return next, e.finally(ctx, run, l, after)
}

// settled reports whether what was counted is all there will be, or near enough, or waited for long enough.
func (c counted) settled(w release.Watching, l *looking, now time.Time) bool {
	late := now.Sub(w.To)
	switch {
	case late >= WatchPatience:
		return true
	case c.fallen:
		return late >= watchThin && c.arrived
	case c.complete:
		return true
	}
	// Where nothing is to be expected, and nothing came, nothing is worth waiting for.
	nothing := c.asOf.IsZero() && !l.base.expects(w)
	return late >= watchThin && (c.most(w) || nothing)
}

// most reports whether at least three quarters of a watch's time were counted.
func (c counted) most(w release.Watching) bool { return c.asOf.After(w.To.Add(-w.To.Sub(w.From) / 4)) }

// lookNow asks everything that a look takes.
func (e *Engine) lookNow(ctx context.Context, p Project, w release.Watching, l *looking, now time.Time) (after counted, err error) {
	single := now.Sub(w.To) < watchThin // queries are waited for, but not for ever
	if after, err = e.stretch(ctx, p, w, w.From, earlier(now, w.To), single); err != nil {
		return after, err
	}
	if l.base == nil {
		if l.base, err = e.base(ctx, p, w, single); err != nil {
			return after, err
		}
	}
	if now.Before(w.To) {
		return after, nil
	}
	if after.complete, err = e.complete(ctx, w); err != nil {
		return after, err
	}
	if after.fallen = watch.Suspect(l.caseOf(w, after)); after.fallen && now.Sub(w.To) >= watchThin {
		err = e.whereFallen(ctx, p, w, l, &after)
	}
	return after, err
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// early judges what there is so far: what is bad twice, on other figures each time, is told at once.
func (e *Engine) early(ctx context.Context, run release.Run, l *looking, after counted) (over bool, err error) {
	found, err := e.compareTraffic(ctx, run, l, after)
	if err != nil {
		return false, err
	}
	switch {
	case found.Verdict != release.WatchWorse:
		l.bad = time.Time{}
	case l.bad.IsZero():
		l.bad = after.asOf
	case after.asOf.After(l.bad):
		found.Early = true
		return true, e.conclude(ctx, run.ID, found)
	}
	return false, nil
}

// finally judges the whole time.
func (e *Engine) finally(ctx context.Context, run release.Run, l *looking, after counted) error {
	seen, expected := after.complete || after.arrived || after.most(*run.Watch), l.base.expects(*run.Watch)
	if after.Queries == nil {
		switch {
		case seen || !expected || after.fallen && !after.behind:
			after.Queries = new(int64) // it was counted, and there was nothing
		case after.Requests == nil:
			return e.unseen(ctx, run, release.BlindUncounted, "")
		}
	}
	after.final = after.fallen && !after.behind
	found, err := e.compareTraffic(ctx, run, l, after)
	if err != nil {
		return err
	}
	if !seen && found.Verdict != release.WatchWorse && (expected || found.Verdict != release.WatchLittle) {
		found.Verdict, found.Why = release.WatchUnseen, release.BlindUncounted // a part that is well says nothing of the rest
	}
	return e.conclude(ctx, run.ID, found)
}

// compareTraffic judges, and puts the result into the words of a watch.
func (e *Engine) compareTraffic(ctx context.Context, run release.Run, l *looking, after counted) (release.Watching, error) {
	w := *run.Watch
	busy, err := e.backfilling(ctx, run)
	if err != nil {
		return w, err
	}
	is := l.caseOf(w, after)
	if is.Busy = busy; after.final {
		is.Course = l.course
	}
	r := watch.Judge(is)
	w.Verdict, w.Weeks, w.Queries, w.Requests, w.Aside, w.Counted, w.Trouble = release.WatchVerdict(r.Verdict), r.Weeks, r.Queries, r.Requests, r.Aside, after.asOf, ""
	if w.Against = release.AgainstHours; r.ByWeeks {
		w.Against = release.AgainstWeeks
	}
	if r.Verdict == watch.Unseen {
		w.Why = release.BlindUncounted
	}
	w.Worse, w.Well = figures(r.Worse), figures(r.Well)
	return w, nil
}

// caseOf is what there is to judge.
func (l *looking) caseOf(w release.Watching, after counted) watch.Case {
	return watch.Case{After: after.Stretch, Weeks: l.base.weeks, Hours: l.base.hours, Workers: len(w.Workers) > 0}
}

// longestQuery is how much of a query's text is kept with a watch.
const longestQuery = 500

func figures(list []watch.Figure) (out []release.WatchFigure) {
	for _, f := range list {
		if runes := []rune(f.Query); len(runes) > longestQuery {
			f.Query = string(runes[:longestQuery]) + "…"
		}
		out = append(out, release.WatchFigure{What: f.What, Now: f.Now, Usual: f.Usual, New: f.New, Query: f.Query, Runs: f.Runs})
	}
	return out
}

// backfilling reports whether a backfill of production ran since the watch began, or does.
func (e *Engine) backfilling(ctx context.Context, run release.Run) (busy bool, err error) {
	err = e.store.View(ctx, func(tx Tx) error {
		busy = tx.State(run.Project, run.Environment).Backfill != nil
		for _, c := range tx.Changes(run.Project, run.Environment, 0, 1) {
			busy = busy || c.Kind == release.Backfill && c.At.After(run.StartedAt)
		}
		return nil
	})
	return busy, wrap(err, "look for a backfill")
}

// complete reports whether Cloudflare has counted past the end of a watch.
func (e *Engine) complete(ctx context.Context, w release.Watching) (bool, error) {
	now := e.now()
	if now.Sub(w.To) < watchSettles {
		return false, nil
	}
	_, past, err := e.traffic.Traffic(ctx, w.DatabaseID, nil, w.To, now)
	return err == nil && !past.Before(w.To.Add(watchSettles)), err
}

// counted is a stretch with the moment up to which it was counted.
type counted struct {
	watch.Stretch
	asOf     time.Time
	complete bool // something was counted past the watch's end
	fallen   bool // there is so little that traffic may have gone
	arrived  bool // of what has fallen: Cloudflare has counted the time after the watch, here or of other databases
	behind   bool // likewise: it has not, though there should have been something of other databases
	final    bool // it is judged for good, traffic that has gone as well
}

// stretch asks what was counted from one moment to another. needed: it is an error where single queries cannot be listed.
func (e *Engine) stretch(ctx context.Context, p Project, w release.Watching, from, to time.Time, needed bool) (c counted, err error) {
	t, asOf, err := e.traffic.Traffic(ctx, w.DatabaseID, w.Workers, from, to)
	if err != nil {
		return c, err
	}
	c.asOf = asOf
	c.Stretch = watch.Stretch{
		Queries: t.Queries, Failed: t.Failed, RowsRead: t.RowsRead, BatchP90: t.BatchP90, Requests: t.Requests, Errors: t.Errors, CPUP99: t.CPUP99,
		Span: to.Sub(from),
	}
	if end := asOf.Add(time.Minute); !asOf.IsZero() && end.Before(to) && end.After(from) && to.After(e.now().Add(-WatchPatience)) {
		c.Span = end.Sub(from) // the rest is still to be counted
	}
	if e.queried == nil || !c.Enough() {
		return c, nil
	}
	list, err := e.queried.Queries(ctx, w.DatabaseID, from, to, queries.ByTime, watchQueries)
	if err != nil {
		if needed {
			return c, err
		}
		e.log.WarnContext(ctx, "a watch does without single queries", "project", p.Name, "error", err)
		return c, nil
	}
	c.Listed = true
	for _, q := range queries.Alike(e.notOurs(ctx, p, list), queries.ByTime) { // a value in a text makes no new query
		c.Top = append(c.Top, watch.Query{SQL: queries.Shape(q.SQL), Runs: q.Runs, Failed: q.Failed, RowsRead: q.RowsRead, Time: q.Time, P95: q.P95})
	}
	return c, nil
}

// base asks what is usual: the same hours of the same weekday on the team's clock, whole hours, in the weeks before; and the hours
// before the promote where those say too little.
func (e *Engine) base(ctx context.Context, p Project, w release.Watching, needed bool) (*usualTraffic, error) {
	out := &usualTraffic{}
	from, span := sameHours(w.From, w.To, p.Zone)
	database, workers := false, len(w.Workers) == 0
	for week := 1; week <= watchWeeks; week++ {
		at := from.AddDate(0, 0, -7*week)
		s, err := e.stretch(ctx, p, w, at, at.Add(span), needed)
		if err != nil {
			return nil, err
		}
		out.weeks = append(out.weeks, s.Stretch)
		database, workers = database || s.Enough(), workers || s.EnoughRequests()
	}
	if database && workers {
		return out, nil
	}
	to := w.Before.Truncate(time.Minute)
	s, err := e.stretch(ctx, p, w, to.Add(-watchHours), to, needed)
	if err != nil {
		return nil, err
	}
	out.hours = &s.Stretch
	return out, nil
}

// sameHours are the whole hours, on a clock, that a time is in. A week before is another moment where the clock was changed between.
func sameHours(from, to time.Time, zone *time.Location) (begin time.Time, span time.Duration) {
	if zone == nil {
		zone = time.UTC
	}
	local := from.In(zone)
	begin = local.Add(-time.Duration(local.Minute())*time.Minute - time.Duration(local.Second())*time.Second - time.Duration(local.Nanosecond()))
	span = to.Sub(begin)
	if part := span % time.Hour; part > 0 {
		span += time.Hour - part
	}
	return begin, span
}

// expects reports whether something should have been counted of a time that was as usual.
func (b *usualTraffic) expects(w release.Watching) bool {
	part := float64(w.To.Sub(w.From)) / float64(time.Hour)
	for _, s := range b.weeks {
		if s.Enough() && float64(*s.Queries)*min(part, 1) >= watch.Least {
			return true
		}
	}
	return b.hours != nil && b.hours.Enough() && float64(*b.hours.Queries)*part/watchHours.Hours() >= watch.Least
}
