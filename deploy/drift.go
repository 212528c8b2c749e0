package deploy

import (
	"context"
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"time"

	"towline/deploy/audit"
	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/migrations"
)

// How often production's databases are looked at, within which time of a start each is looked at first, and when again where
// a run was in the way.
const (
	inspectEvery  = time.Hour
	inspectWithin = 10 * time.Minute
	inspectSoon   = time.Minute
)

// pruneEvery is how often it is looked for backups that are older than they are kept. A new backup is another occasion, but there may be
// none for years.
const pruneEvery = 24 * time.Hour

// inspecting is when each project's database is looked at next.
type inspecting struct {
	due   map[string]time.Time
	drill time.Time // when the calendar wants the next drills
	prune time.Time // when old backups are looked for next
}

// watch looks at production's databases once an hour, each at a moment of its own, and does the calendar's drills. It
// ends with ctx.
func (e *Engine) watch(ctx context.Context) {
	w := inspecting{due: map[string]time.Time{}}
	if e.drills != nil {
		w.drill = e.drills.Next(e.now())
	}
	e.resumeDrills(ctx)
	for {
		changed := e.Changed()
		next := e.inspectDue(ctx, &w)
		if !w.drill.IsZero() && !e.now().Before(w.drill) {
			e.drillAll(ctx)
			w.drill = e.drills.Next(e.now())
		}
		if e.backups != nil && !e.now().Before(w.prune) {
			w.prune = e.now().Add(pruneEvery) // a day from its beginning, however long it takes
			e.prune(ctx)
		}
		for _, at := range []time.Time{w.drill, w.prune} {
			if !at.IsZero() && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
		if !await(ctx, changed, next, e.now()) {
			return
		}
	}
}

// prune gives up backups that are older than they are kept.
func (e *Engine) prune(ctx context.Context) {
	gone, err := e.backups.Prune(ctx)
	if len(gone) > 0 {
		e.log.InfoContext(ctx, "old backups are given up", "backups", gone)
	}
	if err != nil && ctx.Err() == nil {
		e.log.WarnContext(ctx, "old backups could not be given up", "error", err)
	}
}

// inspectDue looks at the databases whose time has come, and says when the next one's does.
func (e *Engine) inspectDue(ctx context.Context, w *inspecting) (next time.Time) {
	for _, p := range e.projects() {
		now := e.now()
		at, known := w.due[p.Name]
		switch {
		case !known:
			at = now.Add(e.offset())
		case !now.Before(at):
			at = now.Add(inspectEvery)
			if done, err := e.Inspect(ctx, p.Name); err != nil && ctx.Err() == nil {
				e.log.WarnContext(ctx, "production's database could not be looked at", "project", p.Name, "error", err)
			} else if !done {
				at = now.Add(inspectSoon)
			}
		}
		w.due[p.Name] = at
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

// offset is a random part of the time within which a start looks at all databases, so that not all are asked at once.
func (e *Engine) offset() time.Duration {
	e.ids.Lock()
	defer e.ids.Unlock()
	var raw [8]byte
	if _, err := io.ReadFull(e.entropy, raw[:]); err != nil {
		return inspectWithin // later than the others is no harm
	}
	return time.Duration(binary.BigEndian.Uint64(raw[:]) % uint64(inspectWithin)) //nolint:gosec // less than ten minutes
}

// Inspect compares production's database with what it was when Towline last knew it. A change from outside is stored, and
// told once. done=false: a run is at work there, or came between, so that nothing was compared.
func (e *Engine) Inspect(ctx context.Context, project string) (done bool, err error) {
	p, err := e.project(project)
	if err != nil {
		return false, err
	}
	var before release.State
	releases := map[string]bool{}
	err = e.store.View(ctx, func(tx Tx) error {
		before = tx.State(p.Name, release.Production)
		if r, ok := tx.Release(p.Name, before.Live); ok {
			p = p.of(r)
		}
		releases = shipped(tx, p.Name, before.Live)
		return nil
	})
	if err != nil || before.Lease != nil {
		return false, wrap(err, "read the state of %s", project)
	}
	t, err := e.look(ctx, p, release.Production, release.Target{})
	if err != nil || t.Database.ID == "" && before.DatabaseID == "" {
		return err == nil, err
	}
	found := e.drift(ctx, p, before, t, releases)
	var now *release.Seen
	if before.Seen == nil || found != nil {
		now = e.seen(ctx, p, t)
	}
	err = e.update(ctx, func(tx Tx) error {
		s := tx.State(p.Name, release.Production)
		done = s.Lease == nil && s.Revision == before.Revision
		if done {
			e.notice(tx, s, found, now)
		}
		return nil
	})
	return done, wrap(err, "store what production's database is")
}

// notice stores what an inspection found.
func (e *Engine) notice(tx Tx, s release.State, found *release.Drift, now *release.Seen) {
	what, detail := "", ""
	switch {
	case found == nil && now != nil: // at first sight
		s.Seen, s.Drift = now, nil
	case found == nil && s.Drift != nil:
		s.Drift, what = nil, "drift over"
	case found != nil && s.Drift != nil && s.Drift.Key() == found.Key():
		return // told
	case found != nil:
		found.Schema = now.Schema
		what, detail = "drift", strings.Join(found.Changes, "; ")
		if s.Drift != nil {
			found.Looking = s.Drift.Looking
		}
		s.Drift = found
		if found.Looking == nil {
			tx.Append(Event{Project: s.Project, Environment: s.Environment, Kind: DriftFound, At: e.now(), Text: found.Key()})
		}
	default:
		return
	}
	tx.PutState(s)
	if what != "" {
		tx.Audit(audit.Entry{At: e.now(), Project: s.Project, Environment: s.Environment, What: what, Detail: detail})
	}
}

// drift is how a database differs from what was seen of it; nil: it does not, or nothing was seen of this database.
func (e *Engine) drift(ctx context.Context, p Project, s release.State, t target, releases map[string]bool) *release.Drift {
	replaced := s.DatabaseID != "" && s.DatabaseID != t.Database.ID
	if s.Seen == nil || !replaced && same(s.Seen, p, t) {
		return nil
	}
	now := names(t.Ledger)
	d := &release.Drift{Fingerprint: fingerprint(p, t.Objects), Ledger: now, At: t.At}
	if !same(s.Seen, p, t) {
		d.Changes = e.differs(ctx, p, s.Seen, t)
	}
	if replaced {
		d.Replaced, d.Database = true, t.Database.ID
		if t.Database.ID == "" {
			d.Changes = []string{"the database is not there any more"}
			return d
		}
		d.Changes = slices.Insert(d.Changes, 0, "it is another database than the one before")
	}
	for _, name := range without(now, s.Seen.Ledger) {
		if releases[name] {
			d.Applied = append(d.Applied, name)
		}
	}
	return d
}

// shippedLookedAt is how many releases are looked through for a migration that something else applied.
const shippedLookedAt = 5

// shipped are the names of the migrations that the live release and the newest ones have.
func shipped(tx Tx, project string, live uint64) map[string]bool {
	out := map[string]bool{}
	numbers := []uint64{live}
	for _, r := range tx.Releases(project, 0, shippedLookedAt) {
		numbers = append(numbers, r.Number)
	}
	for _, n := range numbers {
		r, _ := tx.Release(project, n)
		for _, m := range r.Migrations {
			out[m.Name] = true
		}
	}
	return out
}

// Adopt makes a change from outside the known state of production's database. key is that of the change that was shown.
func (e *Engine) Adopt(ctx context.Context, r Request, key string) (release.Drift, error) {
	var out release.Drift
	err := e.onDrift(ctx, r, "adopt", key, func(tx Tx, s *release.State) {
		out = *s.Drift
		s.Seen = &release.Seen{Fingerprint: out.Fingerprint, Ledger: out.Ledger, At: out.At, Schema: out.Schema}
		s.Drift = nil
		if out.Replaced {
			s.DatabaseID = out.Database // the restore points are of the one before, and lead nowhere
		}
		tx.PutState(*s)
		tx.Audit(audit.Entry{At: e.now(), Project: s.Project, Environment: s.Environment, Who: r.By.Person, What: "drift adopted", Key: r.Key, Detail: strings.Join(out.Changes, "; ")})
	})
	return out, err
}

// Investigate notes that somebody looks into a change from outside, so that nobody is told of it again, and gives the schema
// as it was known and as it is.
func (e *Engine) Investigate(ctx context.Context, r Request, key string) (DriftView, error) {
	var v DriftView
	var seen release.Seen
	err := e.onDrift(ctx, r, "investigate", key, func(tx Tx, s *release.State) {
		if s.Drift.Looking == nil {
			again := *s.Drift
			again.Looking = &r.By.Person
			s.Drift = &again
			tx.PutState(*s)
			tx.Audit(audit.Entry{At: e.now(), Project: s.Project, Environment: s.Environment, Who: r.By.Person, What: "drift looked into", Key: r.Key})
		}
		v.Drift = *s.Drift
		if s.Seen != nil {
			seen = *s.Seen
		}
	})
	if err != nil {
		return v, err
	}
	v.SeenAt, v.Ledger = seen.At, seen.Ledger
	if v.Was, err = e.schema(ctx, seen.Schema); err == nil {
		v.Now, err = e.schema(ctx, v.Drift.Schema)
	}
	if err != nil {
		e.log.WarnContext(ctx, "a schema that was kept cannot be shown", "project", r.Project, "error", err)
		v.Was, v.Now = nil, nil
	}
	return v, nil
}

// DriftView is a change from outside in full.
type DriftView struct {
	Drift    release.Drift
	SeenAt   time.Time // when the database was last known
	Ledger   []string  // names in the ledger then
	Was, Now []migrations.Object
}

// onDrift runs a decision about the change from outside that was shown.
func (e *Engine) onDrift(ctx context.Context, r Request, act, key string, fn func(Tx, *release.State)) error {
	p, err := e.may(ctx, r, gate.Deployer, act)
	if err != nil {
		return err
	}
	return e.decide(ctx, r, act, func(tx Tx) error {
		s := tx.State(p.Name, release.Production)
		switch {
		case s.Drift == nil:
			return release.Refuse(release.CodeNoDrift)
		case s.Drift.Key() != key:
			return release.Refuse(release.CodeDigestMismatch)
		}
		fn(tx, &s)
		return nil
	})
}

// ours reports whether an object is Towline's own, as a backfill keeps while it runs.
func ours(o migrations.Object) bool {
	return strings.HasPrefix(o.Name, ownPrefix) || strings.HasPrefix(o.Table, ownPrefix)
}

// ownPrefix begins the names of what Towline keeps in a team's database for a time.
const ownPrefix = "__towline_"

func theirs(objs []migrations.Object) []migrations.Object {
	return slices.DeleteFunc(slices.Clone(objs), ours)
}
