package deploy

import (
	"context"
	"time"

	"towline/deploy/release"
	"towline/deploy/watch"
)

// whereFallen asks what tells traffic that has gone from figures that are late, and from minutes that are always quiet.
func (e *Engine) whereFallen(ctx context.Context, p Project, w release.Watching, l *looking, after *counted) (err error) {
	if after.arrived = after.complete; !after.arrived {
		past, err := e.traffic.Others(ctx, w.DatabaseID, w.To.Add(watchSettles), e.now())
		if err != nil {
			return err
		}
		if after.arrived = past > 0; !after.arrived {
			before, err := e.traffic.Others(ctx, w.DatabaseID, w.Before.Add(-watchHours), w.Before)
			if err != nil {
				return err
			}
			after.behind = before >= watch.Least
		}
	}
	if l.course == nil {
		l.course, err = e.course(ctx, p, w)
	}
	return err
}

// course asks how much there was at the very minutes of a watch: on the same weekday of the weeks before, in the hours before the promote and on
// the day before it, on the team's clock.
func (e *Engine) course(ctx context.Context, p Project, w release.Watching) (*watch.Course, error) {
	zone := p.Zone
	if zone == nil {
		zone = time.UTC
	}
	var failed error
	ask := func(from, to time.Time) (s watch.Stretch) {
		if failed == nil {
			var t Traffic
			t, _, failed = e.traffic.Traffic(ctx, w.DatabaseID, w.Workers, from, to)
			s.Queries, s.Requests = t.Queries, t.Requests
		}
		return s
	}
	span, before := w.To.Sub(w.From), w.Before.Truncate(time.Minute)
	around := func(days int) watch.Around {
		at, earlier := w.From.In(zone).AddDate(0, 0, -days), before.In(zone).AddDate(0, 0, -days)
		return watch.Around{Same: ask(at, at.Add(span)), Before: ask(earlier.Add(-time.Hour), earlier)}
	}
	var c watch.Course
	for week := 1; week <= watchWeeks; week++ {
		c.Weeks = append(c.Weeks, around(7*week))
	}
	if c.Before = ask(before.Add(-time.Hour), before); c.ByWeeks() {
		return &c, failed
	}
	step := (span + time.Hour - 1).Truncate(time.Hour)
	for k := 1; k <= int(watchHours/time.Hour); k++ {
		at := w.From.Add(-time.Duration(k) * step)
		c.Hours = append(c.Hours, ask(at, at.Add(span)))
	}
	c.Day = around(1)
	return &c, failed
}
