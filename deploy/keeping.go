package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"towline/deploy/audit"
	"towline/deploy/release"
)

// How often an owner is asked whether their lock or hold is still wanted, and how long before a lock ends.
const (
	remindLock = 3 * time.Hour
	remindHold = 24 * time.Hour
	remindEnd  = 10 * time.Minute
)

// keepTime does what is due because time has passed: requests expire, locks and freezes end, and owners are reminded.
func (e *Engine) keepTime(ctx context.Context) {
	for {
		changed := e.Changed()
		next, err := e.nextDue(ctx)
		if err == nil && !next.IsZero() && !next.After(e.now()) {
			if err = errors.Join(e.doDue(ctx), e.restless(ctx)); err == nil {
				continue
			}
		}
		if err != nil && ctx.Err() == nil {
			e.log.ErrorContext(ctx, "what is due cannot be done", "error", err)
		}
		if !await(ctx, changed, next, e.now()) {
			return
		}
	}
}

// nextDue is when the next thing is to be done; zero: nothing waits for its time.
func (e *Engine) nextDue(ctx context.Context) (next time.Time, err error) {
	sooner := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	err = e.store.View(ctx, func(tx Tx) error {
		next = time.Time{}
		for _, id := range tx.Open() {
			if run, ok := tx.Run(id); ok && run.Phase == release.Asking {
				sooner(run.ExpiresAt)
			} else if ok && run.Phase == release.Paused && run.Backfill != nil {
				sooner(run.Backfill.Until)
			}
		}
		for _, s := range tx.Kept() {
			sooner(dueIn(s))
		}
		return nil
	})
	return next, err
}

// dueIn is when an environment's lock, hold or freeze is next to be looked at.
func dueIn(s release.State) (next time.Time) {
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	if l := s.Lock; l != nil {
		sooner(l.Until)
		sooner(lockReminder(*l))
	}
	if h := s.Hold; h != nil {
		sooner(holdReminder(*h))
	}
	if s.Freeze != nil {
		sooner(s.Freeze.Until)
	}
	return next
}

// lockReminder is when a lock's owner is asked next: every few hours, and shortly before it ends.
func lockReminder(l release.Lock) time.Time {
	since := l.At
	if l.Reminded.After(since) {
		since = l.Reminded
	}
	regular, last := since.Add(remindLock), l.Until.Add(-remindEnd)
	if since.Before(last) && last.Before(regular) && l.Until.Sub(l.At) > 2*remindEnd {
		return last
	}
	if regular.After(l.Until) {
		return l.Until
	}
	return regular
}

func holdReminder(h release.Hold) time.Time {
	if h.Reminded.After(h.At) {
		return h.Reminded.Add(remindHold)
	}
	return h.At.Add(remindHold)
}

// doDue does everything that is due.
func (e *Engine) doDue(ctx context.Context) error {
	return e.update(ctx, func(tx Tx) error {
		now := e.now()
		for _, id := range tx.Open() {
			run, ok := tx.Run(id)
			if !ok || run.Phase != release.Asking || now.Before(run.ExpiresAt) {
				continue
			}
			e.close(tx, &run, release.Expired, now)
			e.record(tx, run, RunEnded, "expired", release.Person{}, "")
		}
		for _, s := range tx.Kept() {
			if due := dueIn(s); !now.Before(due) {
				e.lookAfter(tx, s, now)
			}
		}
		return nil
	})
}

// lookAfter ends what is over in an environment, and reminds the owners of what is not.
func (e *Engine) lookAfter(tx Tx, s release.State, now time.Time) {
	tell := func(kind EventKind, what string, to release.Person, text string) {
		tx.Append(Event{Project: s.Project, Environment: s.Environment, Kind: kind, At: now, To: to, Text: text})
		tx.Audit(audit.Entry{At: now, Project: s.Project, Environment: s.Environment, What: what, Detail: fmt.Sprintf("%s: %s", to.Shown(), text)})
	}
	if l := s.Lock; l != nil {
		switch {
		case !now.Before(l.Until):
			tell(LockExpired, "lock expired", l.By, l.Reason)
			s.Lock = nil
		case !now.Before(lockReminder(*l)):
			again := *l
			again.Reminded, s.Lock = now, &again
			tell(LockReminder, "reminded of the lock", l.By, l.Reason)
		}
	}
	if h := s.Hold; h != nil && !now.Before(holdReminder(*h)) {
		again := *h
		again.Reminded, s.Hold = now, &again
		tell(HoldReminder, "reminded of the hold", h.By, h.Reason)
	}
	if f := s.Freeze; f != nil && !now.Before(f.Until) {
		tell(FreezeExpired, "freeze over", f.By, f.Reason)
		s.Freeze = nil
	}
	tx.PutState(s)
	e.showKept(tx, s)
}
