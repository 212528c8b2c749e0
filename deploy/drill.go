package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"towline/deploy/audit"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// Drill restores production's last backup on this machine and compares it with what it was when it was taken. Where the
// engine is at work it returns at once, with begun=true, and the result follows as an event, after a restart as well; else
// it is there when Drill returns.
func (e *Engine) Drill(ctx context.Context, r Request) (result release.Drill, begun bool, err error) {
	p, err := e.may(ctx, r, gate.Deployer, "drill")
	if err != nil {
		return result, false, err
	}
	if _, err := e.lastBackup(ctx, p.Name); err != nil && !e.onceTaken(ctx, p.Name) {
		return result, false, e.told(ctx, r, "drill", err)
	}
	done, again := false, false
	err = e.decide(ctx, r, "drill", func(tx Tx) error {
		s := tx.State(p.Name, release.Production)
		switch {
		case decidedBefore(tx, p.Name, r.Key) != nil && s.Drill != nil:
			result, done = *s.Drill, true
		case s.Wanted != nil && s.Wanted.Key != r.Key:
			return release.Refuse(release.CodeDrilling, "project", p.Name, "by", s.Wanted.By.Shown())
		case s.Wanted != nil:
			again = true
		default:
			s.Wanted = &release.Wanted{By: r.By.Person, Key: r.Key, ReplyTo: r.ReplyTo, At: e.now()}
			tx.PutState(s)
		}
		return nil
	})
	if err != nil || done {
		return result, false, err
	}
	if e.runners.behind(func(ctx context.Context) {
		if !again { // else the start has taken it up
			e.drillWanted(ctx, p.Name)
		}
	}) {
		return result, true, nil
	}
	e.drillWanted(ctx, p.Name)
	s, err := e.State(ctx, p.Name, release.Production)
	if err == nil && s.Wanted == nil && s.Drill != nil {
		return *s.Drill, false, nil
	}
	return result, true, err // the start of the engine has taken it up meanwhile, or will
}

// drillWanted does the drill that somebody asked for.
func (e *Engine) drillWanted(ctx context.Context, project string) {
	e.drilling.Lock() // one at a time, whoever begins it
	defer e.drilling.Unlock()
	s, err := e.State(ctx, project, release.Production)
	if err == nil && s.Wanted != nil {
		w := *s.Wanted
		_, err = e.drill(ctx, project, Request{Project: project, By: gate.Actor{Person: w.By}, Key: w.Key, ReplyTo: w.ReplyTo})
	}
	if err != nil && ctx.Err() == nil {
		e.log.ErrorContext(ctx, "a drill could not be carried out", "project", project, "error", err)
	}
}

// lastBackup is the newest of production.
func (e *Engine) lastBackup(ctx context.Context, project string) (Backup, error) {
	if e.backups == nil {
		return Backup{}, release.Refuse(release.CodeNoBackups)
	}
	all, err := e.backups.List(ctx, project, release.Production, 1)
	if err != nil {
		return Backup{}, fmt.Errorf("list the backups: %w", err)
	}
	if len(all) == 0 {
		return Backup{}, release.Refuse(release.CodeNoBackup, "project", project)
	}
	return all[0], nil
}

// onceTaken reports whether a backup of production was taken, of which the newest stays for ever.
func (e *Engine) onceTaken(ctx context.Context, project string) bool {
	s, err := e.State(ctx, project, release.Production)
	return err == nil && s.Backup != nil && e.backups != nil
}

// drillAll does the calendar's drills, one project after the other. A project without a backup has none to do, and neither
// has one where somebody asked for it just now.
func (e *Engine) drillAll(ctx context.Context) {
	for _, p := range e.projects() {
		s, err := e.State(ctx, p.Name, release.Production)
		if err == nil && s.Wanted == nil && ctx.Err() == nil {
			_, err = e.drill(ctx, p.Name, Request{Project: p.Name})
		}
		if err != nil && refusalIn(err) == nil && ctx.Err() == nil {
			e.log.ErrorContext(ctx, "a drill could not be carried out", "project", p.Name, "error", err)
		}
	}
}

// resumeDrills does those that were asked for before a restart.
func (e *Engine) resumeDrills(ctx context.Context) {
	for _, p := range e.projects() {
		e.drillWanted(ctx, p.Name)
	}
}

// drill restores the last backup here and stores how that went.
func (e *Engine) drill(ctx context.Context, project string, r Request) (release.Drill, error) {
	last, err := e.lastBackup(ctx, project)
	if err != nil && !e.onceTaken(ctx, project) {
		return release.Drill{}, errors.Join(err, e.unwant(ctx, project, r.Key))
	}
	d := release.Drill{Backup: last.ID, Taken: last.TakenAt}
	if err == nil {
		err = e.tryBackup(ctx, last, &d)
	}
	switch {
	case ctx.Err() != nil:
		return release.Drill{}, ctx.Err() // stopped, which says nothing about the backup
	case last.ID != "" && errors.Is(err, ErrNoBackup): // given up between the two looks
		return d, errors.Join(release.Refuse(release.CodeNoBackup, "project", project), e.unwant(ctx, project, r.Key))
	case refusalIn(err) != nil:
		d.Words = "it is not in the folder of the backups any more, and neither is another one of production"
	case err != nil && last.ID == "":
		d.Words, d.Untried = err.Error(), true
	case err != nil:
		d.Words, d.Untried = strings.TrimPrefix(err.Error(), ErrUntried.Error()+": "), errors.Is(err, ErrUntried)
	}
	d.At, d.By = e.now(), r.By.Person
	err = e.update(ctx, func(tx Tx) error {
		s := tx.State(project, release.Production)
		if d.Taken.IsZero() && s.Backup != nil {
			d.Backup, d.Taken = s.Backup.ID, s.Backup.At
		}
		s.Drill = &d
		if s.Wanted != nil && s.Wanted.Key == r.Key {
			s.Wanted = nil
		}
		tx.PutState(s)
		detail := "passed"
		if !d.Passed {
			detail = "failed: " + d.Words
		}
		tx.Audit(audit.Entry{At: d.At, Project: project, Environment: s.Environment, Who: r.By.Person, What: "drill", Key: r.Key, Detail: detail + ", backup of " + d.Taken.UTC().Format(time.RFC3339)})
		if r.Key != "" || !d.Passed {
			tx.Append(Event{Project: project, Environment: s.Environment, Kind: DrillEnded, At: d.At, From: r.ReplyTo, Over: d.Passed})
		}
		return nil
	})
	return d, wrap(err, "store how the drill went")
}

// tryBackup restores a backup here and notes what it held.
func (e *Engine) tryBackup(ctx context.Context, last Backup, d *release.Drill) error {
	begun := e.now()
	checked, err := e.backups.Check(ctx, last.ID)
	d.Passed, d.Words = err == nil && checked.Problem == "", checked.Problem
	d.Millis = e.now().Sub(begun).Milliseconds()
	for _, n := range checked.Rows {
		d.Rows += n
	}
	return err
}

// unwant forgets a drill that cannot be done.
func (e *Engine) unwant(ctx context.Context, project, key string) error {
	if key == "" {
		return nil
	}
	return e.update(ctx, func(tx Tx) error {
		if s := tx.State(project, release.Production); s.Wanted != nil && s.Wanted.Key == key {
			s.Wanted = nil
			tx.PutState(s)
		}
		return nil
	})
}
