package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"towline/deploy/release"
	"towline/migrations/dump"
	"towline/migrations/rehearse"
)

// dataCopy is a copy of production's data on this machine, to rehearse on.
type dataCopy struct {
	Path string    `json:"-"`
	At   time.Time `json:"at"` // when it was begun: its rows are of then
	// Whole is when it was all here. How old it may be counts from then: one that takes longer to make than it may be old would
	// else be too old at once, and the next one be taken, for ever.
	Whole time.Time `json:"whole"`
	// Database and Fingerprint are whose copy it is, and of which schema: with another one it is of no use.
	Database    string `json:"database_id"`
	Fingerprint string `json:"fingerprint"`
}

// Why there is no copy of the data to rehearse on, though the project asks for one.
const (
	NoCopyTooLarge = "too_large"
	NoCopyHours    = "not_now"  // the one that there is is too old or of another schema, and the hours are over
	NoCopyComing   = "coming"   // it is being taken, and the request is planned anew when it is there
	NoCopyFailed   = "failed"   // the export did not work; the log says why
	NoCopyHere     = "not_here" // this process keeps none
	NoCopyStarting = "starting" // there was none when a release was about to run, or ran
	NoCopyUnfit    = "unfit"    // the one that there is does not have the database's schema and ledger; the report says how
)

var errCopying = errors.New("the data is being copied already")

// copyTimeout bounds how long a copy may take; D1 blocks the database for as long.
const copyTimeout = 15 * time.Minute

// copyAtOnce is the largest database that is copied while somebody waits for an answer. A larger one is copied beside, and
// the request is planned anew when the copy is there.
const copyAtOnce = 20e6

// copyWaitedFor bounds how long somebody waits for such a copy, and copyAgain is how long after a copy that failed none is tried
// for a release: each try is an export, which blocks the database.
const (
	copyWaitedFor = 30 * time.Second
	copyAgain     = 10 * time.Minute
)

// copyOf returns a copy of production's data that is young enough, taking a new one where the project lets it. Without a
// copy, why is the reason, and empty where the project asks for none.
func (e *Engine) copyOf(ctx context.Context, d draft) (c dataCopy, why string, err error) {
	r, t := d.project.Rehearse, d.target
	switch {
	case !r.Data || d.run.Environment != release.Production || t.Database.ID == "":
		return c, "", nil
	case e.exports == nil || e.scratch == "":
		return c, NoCopyHere, nil
	case r.MaxSize > 0 && t.Size > r.MaxSize:
		return c, NoCopyTooLarge, nil
	}
	fingerprint := rehearse.Fingerprint(t.Objects, d.project.ledger())
	kept, known := e.keptCopy(d.project.Name)
	fits := known && kept.Database == t.Database.ID && kept.Fingerprint == fingerprint
	switch {
	case fits && kept.young(e.now(), r.MaxAge):
		return kept, "", nil
	case !r.Hours.Open(e.now()) && fits:
		return kept, "", nil // older than asked for, and its age is shown
	case !r.Hours.Open(e.now()):
		return dataCopy{}, NoCopyHours, nil
	}
	c, why, err = e.freshCopy(ctx, d, fingerprint)
	if why != "" && err == nil && fits {
		return kept, "", nil // older than asked for
	}
	return c, why, err
}

// freshCopy takes a copy, or says why there is none now. While a release runs, or is about to, none is taken: the export would block the
// database that it changes.
func (e *Engine) freshCopy(ctx context.Context, d draft, fingerprint string) (c dataCopy, why string, err error) {
	s, err := e.State(ctx, d.project.Name, release.Production)
	if err != nil {
		return c, "", err
	}
	switch busy := s.Lease != nil; {
	case busy:
		return c, NoCopyStarting, nil
	case e.copying.failedSince(d.project.Name, e.now().Add(-copyAgain)):
		return c, NoCopyFailed, nil
	case d.target.Size > copyAtOnce:
		e.copyBeside(d, fingerprint)
		return c, NoCopyComing, nil
	}
	waiting, cancel := e.within(ctx, copyWaitedFor)
	defer cancel()
	fresh, err := e.takeCopy(waiting, d, fingerprint)
	switch {
	case ctx.Err() != nil:
		return c, "", ctx.Err()
	case err == nil:
		return fresh, "", nil
	case errors.Is(err, errCopying):
		return c, NoCopyComing, nil
	}
	e.log.WarnContext(ctx, "the data was not copied", "project", d.project.Name, "error", err)
	return c, NoCopyFailed, nil
}

// copyBeside copies production's data while others go on, and has the open request planned anew on it.
func (e *Engine) copyBeside(d draft, fingerprint string) {
	e.runners.behind(func(ctx context.Context) {
		_, err := e.takeCopy(ctx, d, fingerprint)
		if errors.Is(err, errCopying) || ctx.Err() != nil {
			return
		}
		if err != nil {
			e.log.WarnContext(ctx, "the data was not copied", "project", d.project.Name, "error", err)
		} else {
			e.log.InfoContext(ctx, "the data was copied to rehearse on", "project", d.project.Name)
		}
		if err := e.replanOpen(ctx, d.project.Name); err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "the open request was not planned anew", "project", d.project.Name, "error", err)
		}
	})
}

// followCopy plans a request anew that waits for a copy which is there by now, or has failed: that may have been before the
// request was stored.
func (e *Engine) followCopy(run release.Run) {
	if _, busy := e.copying.under(run.Project); busy || !waitsForCopy(run) {
		return
	}
	e.runners.behind(func(ctx context.Context) {
		if err := e.replanOpen(ctx, run.Project); err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "the open request was not planned anew", "project", run.Project, "error", err)
		}
	})
}

// waitsForCopy reports whether the card of a request says that a copy is on its way.
func waitsForCopy(run release.Run) bool {
	return run.Plan != nil && run.Plan.Rehearsal != nil && run.Plan.Rehearsal.NoCopy == NoCopyComing
}

// resumeCopies plans the open requests anew whose copy of the data was on its way when the process ended.
func (e *Engine) resumeCopies(ctx context.Context) {
	var open []string
	err := e.store.View(ctx, func(tx Tx) error {
		for _, id := range asking(tx, waitsForCopy) {
			run, _ := tx.Run(id)
			open = append(open, run.Project)
		}
		return nil
	})
	for _, project := range open {
		err = errors.Join(err, e.replanOpen(ctx, project))
	}
	if err != nil && ctx.Err() == nil {
		e.log.WarnContext(ctx, "the open requests were not planned anew", "error", err)
	}
}

// replanOpen plans production's open request anew, if there is one.
func (e *Engine) replanOpen(ctx context.Context, project string) error {
	var open *release.Run
	err := e.store.View(ctx, func(tx Tx) error {
		open = findRun(tx, tx.State(project, release.Production).Request)
		return nil
	})
	if err != nil || open == nil || open.Phase != release.Asking {
		return err
	}
	return e.replan(ctx, *open)
}

// keptCopy is the copy that there is of a project's production.
func (e *Engine) keptCopy(project string) (dataCopy, bool) {
	c := dataCopy{Path: e.copyPath(project)}
	about, err := os.ReadFile(c.Path + ".json")
	if err != nil || json.Unmarshal(about, &c) != nil {
		return dataCopy{}, false
	}
	if _, err := os.Stat(c.Path); err != nil {
		return dataCopy{}, false
	}
	return c, true
}

// young reports whether a copy is not older than it may be. One from the future is not: the clock was put back since, and
// nobody knows how old it is.
func (c dataCopy) young(now time.Time, limit time.Duration) bool {
	age := now.Sub(c.since())
	return age <= limit && age >= -clockDrift
}

// since is from when on a copy's age counts.
func (c dataCopy) since() time.Time {
	if c.Whole.IsZero() {
		return c.At // one of an earlier Towline
	}
	return c.Whole
}

// clockDrift is by how much a clock may be put back without a copy becoming one from the future.
const clockDrift = time.Minute

func (e *Engine) copyPath(project string) string { return filepath.Join(e.scratch, project+".db") }

// takeCopy copies production's data. The copy takes the place of an older one when it is whole.
func (e *Engine) takeCopy(ctx context.Context, d draft, fingerprint string) (c dataCopy, err error) {
	ctx, end := e.copying.begin(ctx, d.project.Name)
	if end == nil {
		return c, errCopying
	}
	defer end()
	defer func() {
		if err == nil || !errors.Is(ctx.Err(), context.Canceled) { // a stop, or a rollback, says nothing about the copy
			e.copying.tried(d.project.Name, e.now(), err) // from its end on: a try may take longer than what is waited after it
		}
	}()
	if err := os.MkdirAll(e.scratch, 0o700); err != nil {
		return c, fmt.Errorf("keep a copy of the data: %w", err)
	}
	c = dataCopy{Path: e.copyPath(d.project.Name), At: e.now(), Database: d.target.Database.ID, Fingerprint: fingerprint}
	fresh := c.Path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("keep a copy of the data: %w", err)
	}
	read, write := io.Pipe()
	go func() {
		_, err := e.dump(ctx, d.target, write, e.backups != nil && e.unexported(ctx, d.project.Name, release.Production, d.target) != "")
		write.CloseWithError(err)
	}()
	_, err = dump.Load(ctx, read, fresh)
	// Whoever still writes is told that nobody reads any more.
	if closeErr := read.CloseWithError(errors.New("the copy is given up")); err == nil {
		err = closeErr
	}
	if err != nil {
		return c, fmt.Errorf("copy the data of %s: %w", d.target.Database.Database, err)
	}
	if err := onDisk(fresh); err != nil {
		return c, fmt.Errorf("keep a copy of the data: %w", err)
	}
	c.Whole = e.now()
	about, err := json.Marshal(c)
	if err != nil {
		return c, fmt.Errorf("keep a copy of the data: %w", err)
	}
	// What describes the old copy goes first: a file without description is none.
	if err := os.Remove(c.Path + ".json"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("keep a copy of the data: %w", err)
	}
	if err := os.Rename(fresh, c.Path); err != nil {
		return c, fmt.Errorf("keep a copy of the data: %w", err)
	}
	if err := os.WriteFile(fresh, about, 0o600); err != nil {
		return c, fmt.Errorf("keep a copy of the data: %w", err)
	}
	if err := os.Rename(fresh, c.Path+".json"); err != nil { // whoever looks meanwhile sees all of it or nothing
		return c, fmt.Errorf("keep a copy of the data: %w", err)
	}
	return c, nil
}

// copiesLook is how often it is looked which copies are due, at least: a config that was read again counts within it.
const copiesLook = time.Hour

// keepCopies takes copies in the hours that projects name, so that there is one when a release is planned outside of them.
func (e *Engine) keepCopies(ctx context.Context) {
	for {
		e.sweepCopies(ctx, false)
		next := e.now().Add(copiesLook)
		for _, p := range e.projects() {
			due, at := e.copyDue(p)
			if !due && at.Before(next) {
				next = at
			}
			if !due {
				continue
			}
			if s, err := e.State(ctx, p.Name, release.Production); err == nil && s.Lease != nil {
				next = e.now().Add(inspectSoon) // an export would block what a run changes
				continue
			}
			err := e.copyProject(ctx, p)
			if err == nil {
				err = e.replanOpen(ctx, p.Name)
			}
			if err != nil && ctx.Err() == nil && !errors.Is(err, errCopying) {
				e.log.WarnContext(ctx, "the data was not copied", "project", p.Name, "error", err)
			}
		}
		if !await(ctx, nil, next, e.now()) {
			return
		}
	}
}

// copyDue reports whether a copy of the project's data is to be taken now, and if not, from when on. Where it may be taken
// at any time, a release asks for it.
func (e *Engine) copyDue(p Project) (due bool, at time.Time) {
	r, now := p.Rehearse, e.now()
	if !r.Data || r.Hours.Always() {
		return false, now.Add(copiesLook)
	}
	at = now
	if c, ok := e.keptCopy(p.Name); ok && c.young(now, r.MaxAge) {
		// Half the age that a copy may have, so that there is a young one on the next day as well.
		at = c.since().Add(r.MaxAge / 2)
	}
	if at.Before(now) {
		at = now
	}
	at = r.Hours.Next(at)
	return !at.After(now), at
}

// copyProject copies the data of a project's production as it is.
func (e *Engine) copyProject(ctx context.Context, p Project) error {
	d := draft{project: p, run: release.Run{Project: p.Name, Environment: release.Production}}
	err := e.store.View(ctx, func(tx Tx) error {
		if live, ok := tx.Release(p.Name, tx.State(p.Name, release.Production).Live); ok {
			d.project = p.of(live)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if d.target, err = e.look(ctx, d.project, release.Production, release.Target{}); err != nil {
		return err
	}
	if d.target.Database.ID == "" || p.Rehearse.MaxSize > 0 && d.target.Size > p.Rehearse.MaxSize {
		return nil
	}
	_, err = e.takeCopy(ctx, d, rehearse.Fingerprint(d.target.Objects, d.project.ledger()))
	return err
}
