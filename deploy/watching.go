package deploy

import (
	"context"
	"slices"
	"time"

	"towline/deploy/release"
	"towline/deploy/watch"
)

// How a watch goes on.
const (
	// watchEvery is how often it looks before its time is over, for what is so bad that nobody should wait for the end. Such a look
	// counts only if the next one says the same.
	watchEvery = 5 * time.Minute
	// watchSeldom is how seldom at most it looks afterwards, for what Cloudflare has not counted yet. At first it looks more often.
	watchSeldom = 10 * time.Minute
	// watchSettles is how long after its end something must have been counted, so that what was before is complete.
	watchSettles = 2 * time.Minute
	// watchThin is how long it waits for that where there may be nothing to count.
	watchThin = 20 * time.Minute
	// watchFailed is when it tries again after it could not store what it found.
	watchFailed = 30 * time.Second
)

// WatchPatience is how long a watch waits, after its time is over, for Cloudflare to count it. Analytics usually lag some minutes behind; on a
// bad day it is more.
const WatchPatience = 2 * time.Hour

// beginWatch makes the run that watches production after a promote. It is part of the transaction that makes the release live.
func (e *Engine) beginWatch(tx Tx, s *release.State, by *release.Run) {
	p, ok := e.Project(by.Project)
	if !ok || by.Kind != release.Promote || p.Watch <= 0 || e.traffic == nil || by.Plan.Target.ID == "" {
		return
	}
	e.endWatch(tx, s.Watch, by)
	at := e.now()
	from := at.UTC().Truncate(time.Minute)
	if from.Before(at) {
		from = from.Add(time.Minute)
	}
	run := release.Run{
		ID: e.newID(at), Project: by.Project, Environment: by.Environment, Kind: release.Watch, Phase: release.Executing, Release: by.Release, Was: by.Was,
		Origin: by.Origin, Requester: by.Requester, RequestedAt: at, StartedAt: at, Key: by.ID + "/watch", ReplyTo: by.ReplyTo,
		Watch: &release.Watching{
			Of: by.ID, Database: by.Plan.Target.Database, DatabaseID: by.Plan.Target.ID, Workers: slices.Clone(p.Workers),
			From: from, To: from.Add(p.Watch.Round(time.Minute)), Before: by.StartedAt,
		},
	}
	s.Watch, by.Watched = run.ID, run.ID
	e.record(tx, run, RunChanged, "watch", release.Person{}, p.Watch.String())
}

// endWatch ends a watch that is not over, since something else begins to change production: what it would see from now on is not
// its release's doing.
func (e *Engine) endWatch(tx Tx, id string, by *release.Run) {
	w := findRun(tx, id)
	if w == nil || !w.Phase.Open() || by.Kind == release.Backfill {
		return
	}
	w.Phase, w.EndedAt = release.Overtaken, e.now()
	e.record(tx, *w, RunEnded, "watch superseded", release.Person{}, string(by.Kind)+" of #"+number64(by.Release))
}

// looking is what the engine remembers of a watch while it runs. It is made again after a restart: everything in it can be asked again.
type looking struct {
	due    time.Time
	since  time.Time // the first look
	base   *usualTraffic
	failed int           // looks in a row that Cloudflare did not answer
	course *watch.Course // asked for at the end, where there is hardly any traffic
	bad    time.Time     // up to when was counted what an early look found to be bad; zero: the last one did not
}

// keepWatches looks after the open watches until ctx ends.
func (e *Engine) keepWatches(ctx context.Context) {
	looks := map[string]*looking{}
	for {
		changed := e.Changed()
		next, err := e.watchDue(ctx, looks)
		if err != nil && ctx.Err() == nil {
			e.log.ErrorContext(ctx, "the watches cannot be looked after", "error", err)
			next = e.now().Add(watchFailed)
		}
		if !await(ctx, changed, next, e.now()) {
			return
		}
	}
}

// watchDue looks where it is time, and says when it is next.
func (e *Engine) watchDue(ctx context.Context, looks map[string]*looking) (next time.Time, err error) {
	open := map[string]release.Run{}
	err = e.store.View(ctx, func(tx Tx) error {
		clear(open)
		for _, id := range tx.Open() {
			if run, ok := tx.Run(id); ok && run.Kind == release.Watch && run.Watch != nil {
				open[id] = run
			}
		}
		return nil
	})
	if err != nil {
		return next, wrap(err, "look for watches")
	}
	for id := range looks {
		if _, ok := open[id]; !ok {
			delete(looks, id)
		}
	}
	for id, run := range open {
		l := looks[id]
		if l == nil {
			l = &looking{due: run.Watch.From.Add(min(watchEvery, run.Watch.To.Sub(run.Watch.From)))}
			looks[id] = l
		}
		if !e.now().Before(l.due) {
			if l.due, err = e.lookAfterPromote(ctx, run, l); err != nil {
				if ctx.Err() != nil {
					return next, nil
				}
				e.log.ErrorContext(ctx, "a watch could not store what it found", "run", id, "project", run.Project, "error", err)
				l.due = e.now().Add(watchFailed)
			}
		}
		if !l.due.IsZero() && (next.IsZero() || l.due.Before(next)) {
			next = l.due
		}
	}
	return next, nil
}

// nextLook is when a watch looks again.
func nextLook(w release.Watching, now time.Time) time.Time {
	first := w.To.Add(watchSettles)
	switch {
	case now.Before(w.To):
		if next := now.Add(watchEvery); next.Before(w.To) {
			return next
		}
		return first
	case now.Before(first):
		return first
	default:
		return now.Add(min(max(now.Sub(w.To)/2, watchSettles), watchSeldom))
	}
}

// watched changes a watch in the store, unless it has ended meanwhile.
func (e *Engine) watched(ctx context.Context, id string, fn func(tx Tx, run *release.Run)) error {
	return e.update(ctx, func(tx Tx) error {
		if run := findRun(tx, id); run != nil && run.Phase.Open() {
			w := *run.Watch
			run.Watch = &w
			fn(tx, run)
		}
		return nil
	})
}

// troubled notes that Cloudflare does not give its figures, once for each reason.
func (e *Engine) troubled(ctx context.Context, run release.Run, words string) error {
	if run.Watch.Trouble == words {
		return nil
	}
	return e.watched(ctx, run.ID, func(tx Tx, run *release.Run) {
		run.Watch.Trouble = words
		tx.PutRun(*run)
		tx.Append(Event{Run: run.ID, Project: run.Project, Environment: run.Environment, Kind: RunChanged, At: e.now()})
	})
}

// conclude ends a watch with what it found. Something worse is an event of its own, which calls people.
func (e *Engine) conclude(ctx context.Context, id string, found release.Watching) error {
	return e.watched(ctx, id, func(tx Tx, run *release.Run) {
		run.Watch, run.Phase, run.EndedAt = &found, release.Done, e.now()
		detail := string(found.Verdict)
		for _, f := range found.Worse {
			detail += " " + f.What
		}
		if found.Why != "" {
			detail += " " + string(found.Why)
		}
		e.record(tx, *run, RunEnded, "watched", release.Person{}, detail)
		if found.Verdict == release.WatchWorse {
			tx.Append(Event{Run: run.ID, Project: run.Project, Environment: run.Environment, Kind: WatchAlarm, At: e.now()})
		}
	})
}

// unseen ends a watch that could not see anything.
func (e *Engine) unseen(ctx context.Context, run release.Run, why release.WatchBlind, words string) error {
	found := *run.Watch
	found.Verdict, found.Why, found.Words, found.Trouble = release.WatchUnseen, why, words, ""
	return e.conclude(ctx, run.ID, found)
}
