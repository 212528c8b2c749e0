package deploy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"towline/deploy/audit"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// How long a lock and a freeze may be, and how long a lock is where nobody says: a lock must not outlive its owner's
// interest in it.
const (
	LockDefault = 4 * time.Hour
	LockMost    = 14 * 24 * time.Hour
	FreezeMost  = 31 * 24 * time.Hour
)

// LockFor keeps an environment for the one who asks. Their own lock is replaced by it; somebody else's is in the way.
func (e *Engine) LockFor(ctx context.Context, r Request, env release.Environment, span time.Duration, reason string) (release.Lock, error) {
	var lock release.Lock
	err := e.keep(ctx, r, env, gate.Deployer, "lock", func(tx Tx, s *release.State, before *audit.Entry) error {
		now := e.now()
		if span == 0 {
			span = LockDefault
		}
		switch {
		case before != nil && s.Lock == nil:
			return release.Refuse(release.CodeNoLock, "environment", string(env))
		case before != nil:
			lock = *s.Lock
			return nil
		case reason == "":
			return release.Refuse(release.CodeNeedsReason, "command", "lock")
		case span < time.Minute || span > LockMost:
			return release.Refuse(release.CodeBadTime, "command", "lock", "most", fmt.Sprint(int(LockMost.Hours()/24))+" days")
		case s.Lock.Active(now) && s.Lock.By.ID != r.By.ID:
			return gate.Start{Environment: env, By: r.By.Person, State: *s}.Locked(now)
		}
		lock = release.Lock{By: r.By.Person, Reason: reason, At: now, Until: now.Add(span), Place: r.ReplyTo, Reminded: now}
		if s.Lock.Active(now) && s.Lock.Reason == reason {
			lock.At = s.Lock.At // it goes on
		}
		s.Lock = &lock
		e.kept(tx, *s, r, Event{Kind: LockChanged, Text: reason}, "lock", fmt.Sprintf("until %s: %s", lock.Until.UTC().Format(time.RFC3339), reason))
		return nil
	})
	return lock, err
}

// Unlock gives an environment back. One's own lock takes no right; somebody else's is taken over, or lifted by an admin.
func (e *Engine) Unlock(ctx context.Context, r Request, env release.Environment) (was release.Lock, err error) {
	err = e.keep(ctx, r, env, gate.Deployer, "unlock", func(tx Tx, s *release.State, before *audit.Entry) error {
		now := e.now()
		switch {
		case before != nil:
			was = release.Lock{By: r.By.Person, Reason: before.Detail}
			return nil
		case !s.Lock.Active(now):
			return release.Refuse(release.CodeNoLock, "environment", string(env))
		case s.Lock.By.ID != r.By.ID && e.actor(tx, r.By).Role < gate.Admin:
			return gate.Start{Environment: env, By: r.By.Person, State: *s}.Locked(now)
		}
		was, s.Lock = *s.Lock, nil
		told := Event{Kind: LockChanged, Text: was.Reason, Over: true}
		if was.By.ID != r.By.ID {
			told.Kind, told.To = LockLifted, was.By
		}
		e.kept(tx, *s, r, told, "unlock", was.Reason)
		return nil
	})
	return was, err
}

// TakeOver makes somebody's lock another's, with its reason and its end. The one who had it is told.
func (e *Engine) TakeOver(ctx context.Context, r Request, env release.Environment) (lock release.Lock, err error) {
	err = e.keep(ctx, r, env, gate.Deployer, "take over", func(tx Tx, s *release.State, before *audit.Entry) error {
		now := e.now()
		if !s.Lock.Active(now) {
			return release.Refuse(release.CodeNoLock, "environment", string(env))
		}
		was := *s.Lock
		if lock = was; was.By.ID == r.By.ID {
			return nil // theirs already
		}
		lock.By, lock.At, lock.Place, lock.Reminded = r.By.Person, now, r.ReplyTo, now
		s.Lock = &lock
		e.kept(tx, *s, r, Event{Kind: LockTaken, To: was.By, Text: was.Reason}, "lock taken over", "from "+was.By.Shown())
		return nil
	})
	return lock, err
}

// Hold stops every change of an environment but a rollback, until a person lifts it.
func (e *Engine) Hold(ctx context.Context, r Request, env release.Environment, reason string) error {
	return e.keep(ctx, r, env, gate.Deployer, "hold", func(tx Tx, s *release.State, before *audit.Entry) error {
		if before != nil {
			return nil
		}
		if reason == "" {
			return release.Refuse(release.CodeNeedsReason, "command", "hold")
		}
		if s.Hold != nil {
			return gate.Start{Environment: env, State: *s}.Kept(e.now())
		}
		now := e.now()
		s.Hold = &release.Hold{Reason: reason, By: r.By.Person, At: now, Reminded: now}
		e.kept(tx, *s, r, Event{Kind: HoldChanged, Text: reason}, "hold", reason)
		return nil
	})
}

// Unhold lifts a hold. A reason is asked for, since the hold was put there for one.
func (e *Engine) Unhold(ctx context.Context, r Request, env release.Environment, reason string) error {
	return e.keep(ctx, r, env, gate.Deployer, "unhold", func(tx Tx, s *release.State, before *audit.Entry) error {
		if before != nil {
			return nil
		}
		if reason == "" {
			return release.Refuse(release.CodeNeedsReason, "command", "unhold")
		}
		if s.Hold == nil {
			return release.Refuse(release.CodeNoHold, "environment", string(env))
		}
		s.Hold = nil
		e.kept(tx, *s, r, Event{Kind: HoldChanged, Text: reason, Over: true}, "unhold", reason)
		return nil
	})
}

// FreezeNow stops the changes of production for a time, beside what the calendar says.
func (e *Engine) FreezeNow(ctx context.Context, r Request, span time.Duration, reason string) (f release.Freeze, err error) {
	err = e.keep(ctx, r, release.Production, gate.Approver, "freeze", func(tx Tx, s *release.State, before *audit.Entry) error {
		switch {
		case before != nil && s.Freeze == nil:
			return release.Refuse(release.CodeNoFreeze)
		case before != nil:
			f = *s.Freeze
			return nil
		case reason == "":
			return release.Refuse(release.CodeNeedsReason, "command", "freeze")
		case span < time.Minute || span > FreezeMost:
			return release.Refuse(release.CodeBadTime, "command", "freeze", "most", fmt.Sprint(int(FreezeMost.Hours()/24))+" days")
		}
		now := e.now()
		f = release.Freeze{By: r.By.Person, Reason: reason, At: now, Until: now.Add(span)}
		s.Freeze = &f
		e.kept(tx, *s, r, Event{Kind: FreezeChanged, Text: reason}, "freeze", fmt.Sprintf("until %s: %s", f.Until.UTC().Format(time.RFC3339), reason))
		return nil
	})
	return f, err
}

// Unfreeze ends a freeze that somebody began. One of the calendar ends by itself, or in the config.
func (e *Engine) Unfreeze(ctx context.Context, r Request) error {
	return e.keep(ctx, r, release.Production, gate.Approver, "unfreeze", func(tx Tx, s *release.State, before *audit.Entry) error {
		if before != nil {
			return nil
		}
		if !s.Freeze.Active(e.now()) {
			return release.Refuse(release.CodeNoFreeze)
		}
		was := s.Freeze.Reason
		s.Freeze = nil
		e.kept(tx, *s, r, Event{Kind: FreezeChanged, Text: was, Over: true}, "unfreeze", was)
		return nil
	})
}

// keeper decides about an environment. before is what the audit log says of this very request where it was carried out
// already: an update may be handled twice, and what it asked for was not refused.
type keeper func(tx Tx, s *release.State, before *audit.Entry) error

func decidedBefore(tx Tx, project, key string) *audit.Entry {
	if key == "" {
		return nil
	}
	for _, old := range tx.Entries(project, heardBefore) {
		if old.Key == key && old.What != "command" {
			return &old
		}
	}
	return nil
}

// keep is the shape of every decision about an environment's lock, hold or freeze.
func (e *Engine) keep(ctx context.Context, r Request, env release.Environment, role gate.Role, act string, fn keeper) error {
	p, err := e.may(ctx, r, role, act)
	if err != nil {
		return err
	}
	return e.decide(ctx, r, act, func(tx Tx) error {
		r.By = e.actor(tx, r.By)
		if refusal := gate.Needs(r.By, role, act); refusal != nil {
			return refusal
		}
		s := tx.State(p.Name, env)
		return fn(tx, &s, decidedBefore(tx, p.Name, r.Key))
	})
}

// kept stores an environment with the event and the audit entry that tell what was done to it. told says what of it is
// the event's own.
func (e *Engine) kept(tx Tx, s release.State, r Request, told Event, what, detail string) {
	tx.PutState(s)
	told.Project, told.Environment, told.At, told.By, told.From = s.Project, s.Environment, e.now(), r.By.Person, r.ReplyTo
	tx.Append(told)
	tx.Audit(audit.Entry{At: told.At, Project: s.Project, Environment: s.Environment, Who: r.By.Person, What: what, Detail: detail, Key: r.Key})
	e.showKept(tx, s)
}

// showKept has the cards shown again that depend on whether the environment may change.
func (e *Engine) showKept(tx Tx, s release.State) {
	for _, id := range append([]string{s.Request}, s.Queue...) {
		if id != "" {
			tx.Append(Event{Run: id, Project: s.Project, Environment: s.Environment, Kind: RunChanged, At: e.now()})
		}
	}
}

// ParseEnvironment reads an environment as people type it; a beginning is enough.
func ParseEnvironment(word string) (release.Environment, bool) {
	word = strings.ToLower(word)
	for _, env := range []release.Environment{release.Production, release.Preview} {
		if len(word) >= 3 && strings.HasPrefix(string(env), word) {
			return env, true
		}
	}
	return "", false
}
