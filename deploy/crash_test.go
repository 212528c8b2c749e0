package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/release"
)

// life is that of one process. It ends right after an act: a commit, or a call that changes something at Cloudflare. From
// then on nothing that the engine does reaches the store or D1. Dying before an act leaves the same behind as dying after
// the one before it, and reading leaves nothing behind, so that these are all the instants there are.
type life struct {
	last int // the act with which it ends
	mu   sync.Mutex
	acts int
	over chan struct{}
}

func (l *life) dead() bool {
	select {
	case <-l.over:
		return true
	default:
		return false
	}
}

// does carries out one act, unless the life is over.
func (l *life) does(act func() error) error {
	l.mu.Lock()
	if l.dead() {
		l.mu.Unlock()
		return errDead
	}
	l.acts++
	last := l.acts == l.last
	l.mu.Unlock()
	err := act()
	if last {
		close(l.over)
		return errDead
	}
	return err
}

// mortalStore is a store of a process that dies.
type mortalStore struct {
	deploy.Store
	*life
}

func (m mortalStore) View(ctx context.Context, fn func(deploy.Tx) error) error {
	if m.dead() {
		return errDead
	}
	return m.Store.View(ctx, fn)
}

func (m mortalStore) Update(ctx context.Context, fn func(deploy.Tx) error) error {
	return m.does(func() error { return m.Store.Update(ctx, fn) })
}

// mortalDatabases is D1 as a process uses it that dies.
type mortalDatabases struct {
	deploy.Databases
	*life
}

func (m mortalDatabases) Find(ctx context.Context, name string) (db deploy.Database, err error) {
	if m.dead() {
		return db, errDead
	}
	return m.Databases.Find(ctx, name)
}

func (m mortalDatabases) Create(ctx context.Context, name string) (db deploy.Database, err error) {
	err = m.does(func() error { db, err = m.Databases.Create(ctx, name); return err })
	return db, err
}

func (m mortalDatabases) Read(ctx context.Context, id string, statements []string) (rows []deploy.Rows, err error) {
	if m.dead() {
		return rows, errDead
	}
	return m.Databases.Read(ctx, id, statements)
}

func (m mortalDatabases) Apply(ctx context.Context, id string, statements []string) (c deploy.Cost, err error) {
	err = m.does(func() error { c, err = m.Databases.Apply(ctx, id, statements); return err })
	return c, err
}

func (m mortalDatabases) Bookmark(ctx context.Context, id string) (b string, err error) {
	if m.dead() {
		return b, errDead
	}
	return m.Databases.Bookmark(ctx, id)
}

func (m mortalDatabases) Restore(ctx context.Context, id, bookmark string) (b string, err error) {
	err = m.does(func() error { b, err = m.Databases.Restore(ctx, id, bookmark); return err })
	return b, err
}

func (m mortalDatabases) Delete(ctx context.Context, id string) error {
	return m.does(func() error { return m.Databases.Delete(ctx, id) })
}

// mortalBackups keeps backups for a process that dies.
type mortalBackups struct {
	deploy.Backups
	*life
}

func (m mortalBackups) Keep(ctx context.Context, b deploy.Backup, write func(io.Writer, *deploy.Backup) error) (kept deploy.Backup, err error) {
	err = m.does(func() error { kept, err = m.Backups.Keep(ctx, b, write); return err })
	return kept, err
}

func (m mortalBackups) Check(ctx context.Context, id string) (b deploy.Backup, err error) {
	err = m.does(func() error { b, err = m.Backups.Check(ctx, id); return err })
	return b, err
}

// journey is something that people do with the shop, which must end well wherever the process dies.
type journey struct {
	before func(s *shop)                       // without dying
	ask    func(s *shop) (release.Run, error)  // under one key: redelivered after a death
	check  func(s *shop, run release.Run)      // what must be true in the end
	open   func(s *shop, run release.Run) bool // whether it may end openly unknown, to be closed by a person
	world  func(w *world, dir string)          // what the world has besides, kept in the folder; nil: nothing
}

// counting migrations show how often they were applied.
var (
	counting  = files{"0001_count.sql": "CREATE TABLE count (n INTEGER);\nINSERT INTO count VALUES (0);\n"}
	counted   = counting.and(files{"0002_up.sql": "UPDATE count SET n = n + 1;\n", "0003_up.sql": "UPDATE count SET n = n + 10;\n"})
	countDown = counted.and(files{"down/0002_up.sql": "UPDATE count SET n = n - 1;\n", "down/0003_up.sql": "UPDATE count SET n = n - 10;\n"})
)

func TestADeployThatDiesAnywhereIsFinishedOnce(t *testing.T) {
	everywhere(t, journey{
		before: func(s *shop) { s.version("v1", counted) },
		ask: func(s *shop) (release.Run, error) {
			return s.engine.Deploy(s.t.Context(), deploy.Request{Project: "shop", By: dana, Key: "deploy"}, "v1", false)
		},
		check: func(s *shop, run release.Run) {
			s.once(release.Preview, run, 1, "11", "0001_count.sql", "0002_up.sql", "0003_up.sql")
		},
	})
}

func TestAPromoteThatDiesAnywhereIsFinishedOnce(t *testing.T) {
	everywhere(t, journey{
		before: func(s *shop) {
			s.version("v1", counting)
			s.ship("v1")
			s.version("v2", counted)
			s.deploy("v2")
		},
		ask: func(s *shop) (release.Run, error) {
			return s.approved(s.engine.Promote(s.t.Context(), deploy.Request{Project: "shop", By: dana, Key: "promote"}, 2))
		},
		check: func(s *shop, run release.Run) {
			s.once(release.Production, run, 2, "11", "0001_count.sql", "0002_up.sql", "0003_up.sql")
			if run.Point == nil || len(run.Approvers()) != 1 {
				s.t.Errorf("restore point %v, approved by %v", run.Point, run.Approvers())
			}
		},
	})
}

func TestARollbackByDownFilesThatDiesAnywhereIsFinishedOnce(t *testing.T) {
	everywhere(t, journey{
		before: func(s *shop) {
			s.version("v1", counting)
			s.ship("v1")
			s.version("v2", countDown)
			s.ship("v2")
		},
		ask: func(s *shop) (release.Run, error) {
			return s.approved(s.engine.Rollback(s.t.Context(), deploy.Request{Project: "shop", By: dana, Key: "back"}, 0))
		},
		check: func(s *shop, run release.Run) {
			s.once(release.Production, run, 3, "0", "0001_count.sql")
			if run.Plan.Back.Way != release.WayDown || s.state(release.Production).Hold == nil {
				s.t.Errorf("way %s, hold %v", run.Plan.Back.Way, s.state(release.Production).Hold)
			}
		},
	})
}

func TestARollbackByTimeTravelThatDiesAnywhereIsFinishedOnceOrOpenlyUnknown(t *testing.T) {
	everywhere(t, journey{
		before: func(s *shop) {
			s.version("v1", counting)
			s.ship("v1")
			s.version("v2", counted)
			s.ship("v2")
		},
		ask: func(s *shop) (release.Run, error) {
			return s.approved(s.engine.Rollback(s.t.Context(), deploy.Request{Project: "shop", By: dana, Key: "back"}, 0))
		},
		check: func(s *shop, run release.Run) {
			s.once(release.Production, run, 3, "0", "0001_count.sql")
			if run.Plan.Back.Way != release.WayTimeTravel || run.Undo == nil || s.restores() != 1 {
				s.t.Errorf("way %s, undo %v, %d restores", run.Plan.Back.Way, run.Undo, s.restores())
			}
		},
		open: func(s *shop, run release.Run) bool { return s.restores() == 0 },
	})
}

func TestAResetThatDiesAnywhereIsFinishedOnce(t *testing.T) {
	everywhere(t, journey{
		before: func(s *shop) {
			s.version("v1", counting)
			s.ship("v1")
			s.version("branch", counting.and(files{"0002_other.sql": "CREATE TABLE other (id INTEGER);\n"}))
			s.deploy("branch")
			s.version("v2", counted.and(files{"seed.sql": "INSERT INTO count VALUES (100);\n"}))
		},
		ask: func(s *shop) (release.Run, error) {
			return s.engine.Deploy(s.t.Context(), deploy.Request{Project: "shop", By: dana, Key: "reset"}, "v2", true)
		},
		check: func(s *shop, run release.Run) {
			s.once(release.Preview, run, 3, "111", "0001_count.sql", "0002_up.sql", "0003_up.sql")
			s.holds(release.Preview, tables, "count", "d1_migrations")
		},
	})
}

// approved is somebody's yes to what was asked for, given again after a death.
func (s *shop) approved(run release.Run, err error) (release.Run, error) {
	if err != nil {
		return run, err
	}
	voted, err := s.vote(run, robin, true)
	if r, ok := deploy.IsRefusal(err); ok && r.Code == release.CodeAlreadyDone {
		return voted, nil
	}
	return voted, err
}

// restores is how often D1 was asked to go back.
func (s *shop) restores() int {
	n := 0
	for _, c := range s.api.Writes() {
		if strings.Contains(c.Path, "/restore") {
			n++
		}
	}
	return n
}

// once checks that a run is done, has been done once, and left nothing behind.
func (s *shop) once(env release.Environment, run release.Run, changes int, count string, names ...string) {
	s.t.Helper()
	s.wants(run, release.Done)
	s.holds(env, ledger, names...)
	s.holds(env, "SELECT sum(n) FROM count", count)
	state := s.state(env)
	if state.Live != run.Release || state.LiveRun != run.ID || state.Lease != nil || state.Unresolved || len(state.Queue) != 0 || state.Request != "" {
		s.t.Errorf("state %+v", state)
	}
	err := s.records.Deploy().View(context.Background(), func(tx deploy.Tx) error {
		history := tx.Changes("shop", env, 0, 100)
		if len(history) != changes || history[0].Run != run.ID || !slices.Equal(history[0].Ledger, names) {
			s.t.Errorf("%d changes, the newest %+v", len(history), history[0])
		}
		if standing := tx.Standing("shop", env, run.Release); standing != release.Live {
			s.t.Errorf("the release is %s", standing)
		}
		if open := tx.Open(); len(open) != 0 {
			s.t.Errorf("open runs %v", open)
		}
		ended := 0
		for _, e := range tx.Entries("shop", 1000) {
			if e.Run == run.ID && e.What == "ended" {
				ended++
			}
		}
		if ended != 1 {
			s.t.Errorf("the log has %d ends", ended)
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
}

// shortStep: a short run tries every so manieth instant.
const shortStep = 6

// everywhere carries a journey out once for each instant at which the process can die, until it outlives them all.
func everywhere(t *testing.T, j journey) {
	origin := t.TempDir()
	w := newWorldIn(t, filepath.Join(origin, "cloudflare"))
	if j.world != nil {
		j.world(w, origin)
	}
	s := w.openAt(t, filepath.Join(origin, "towline.db"))
	j.before(s)
	s.stop()
	for n, died := 1, true; died; n++ {
		if n > 400 {
			t.Fatal("the journey does not end")
		}
		if testing.Short() && n%shortStep != 1 {
			continue // the whole is for the run without the race detector
		}
		t.Run(fmt.Sprintf("after act %d", n), func(t *testing.T) { died = j.dies(t, s, origin, n) })
	}
}

// dies makes the journey on a copy of what was before, with a process that dies after an act, and then with one that
// lives. It is false where the first one was done before it came to that.
func (j journey) dies(t *testing.T, was *shop, origin string, last int) (died bool) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(origin)); err != nil {
		t.Fatal(err)
	}
	w := newWorldIn(t, filepath.Join(dir, "cloudflare"))
	w.versions, w.refs = was.versions, was.refs
	w.later(time.Duration(was.late.Load())) // no earlier than what is stored
	w.traffic, w.queries, w.project.Watch = was.traffic, was.queries, was.project.Watch
	if j.world != nil {
		j.world(w, dir)
	}
	l := &life{last: last, over: make(chan struct{})}
	s := w.openAt(t, filepath.Join(dir, "towline.db"), func(s *shop) {
		s.store, s.databases = mortalStore{s.store, l}, mortalDatabases{s.databases, l}
		if s.backups != nil {
			s.backups = mortalBackups{s.backups, l}
		}
	})
	run, err := j.ask(s)
	if err == nil {
		died = s.endedOrDead(run, l)
	} else if died = l.dead(); !died {
		t.Fatal(err)
	}
	if m, ok := s.backups.(mortalBackups); ok {
		s.backups = m.Backups
	}
	s.restart()
	if died {
		if run, err = j.ask(s); err != nil {
			t.Fatalf("asked again: %v", err)
		}
	}
	run = s.ended(run)
	if run.Phase == release.Unresolved && j.open != nil && j.open(s, run) {
		if _, err := s.engine.Resolve(t.Context(), run.ID, robin, false); err != nil {
			t.Fatal(err)
		}
		run = s.back(0)
	}
	j.check(s, run)
	return died
}

// endedOrDead waits until a run is over, or the process is: then it is true.
func (s *shop) endedOrDead(run release.Run, l *life) bool {
	s.t.Helper()
	for {
		changed := s.engine.Changed()
		now, _, err := s.engine.FindRun(s.t.Context(), run.ID)
		if l.dead() {
			return true
		}
		if err != nil && !errors.Is(err, errDead) {
			s.t.Fatal(err)
		}
		if err == nil && !now.Phase.Open() {
			return false
		}
		select {
		case <-changed:
		case <-l.over:
			return true
		case <-s.t.Context().Done():
			return true
		}
	}
}
