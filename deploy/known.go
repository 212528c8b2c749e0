package deploy

import (
	"context"
	"slices"
	"strings"
	"time"

	"towline/deploy/release"
)

// Towline remembers every database that a config ever named, and every one that a run ended on. That is what says, long
// after a project has left the config, that a database was a preview and never a production.

// environments are the places of a project.
var environments = [...]release.Environment{release.Preview, release.Production}

// getToKnow brings what is remembered of databases up to date with the config. A store of an older Towline, which
// remembers none, is searched for what its runs tell.
func (e *Engine) getToKnow(ctx context.Context) error {
	var news []release.Known
	err := e.store.View(ctx, func(tx Tx) error {
		news = e.unknown(tx)
		return nil
	})
	if err != nil || len(news) == 0 {
		return wrap(err, "read what is known of the databases")
	}
	// Not e.update: nobody follows this.
	return wrap(e.store.Update(ctx, func(tx Tx) error {
		for _, k := range e.unknown(tx) {
			tx.PutKnown(k)
		}
		return nil
	}), "store what is known of the databases")
}

// unknown lists what is to be stored, so that what is remembered agrees with the config.
func (e *Engine) unknown(tx Tx) []release.Known {
	all, now := tx.AllKnown(), e.now()
	before := len(all)
	if before == 0 {
		all = e.past(tx)
	}
	var changed []string
	known := func(name string) *release.Known {
		i := slices.IndexFunc(all, func(k release.Known) bool { return k.Database == name })
		if i < 0 {
			all = append(all, release.Known{Database: name})
			i = len(all) - 1
		}
		return &all[i]
	}
	for _, p := range e.projects() {
		for _, env := range environments {
			if name := p.Database(env); name != "" {
				k := known(name)
				u := k.Use(p.Name, env, now)
				if u.Since.Equal(now) || !u.Left.IsZero() {
					u.Left = time.Time{}
					changed = append(changed, name)
				}
			}
		}
	}
	for i := range all {
		for j := range all[i].Uses {
			u := &all[i].Uses[j]
			if p, ok := e.Project(u.Project); u.Left.IsZero() && (!ok || p.Database(u.Environment) != all[i].Database) {
				u.Left = now
				changed = append(changed, all[i].Database)
			}
		}
	}
	return slices.DeleteFunc(all, func(k release.Known) bool { return before > 0 && !slices.Contains(changed, k.Database) })
}

// past is what the runs of a store tell that remembers no databases.
func (e *Engine) past(tx Tx) []release.Known {
	all := map[string]*release.Known{}
	var order []string
	note := func(name string) *release.Known {
		if all[name] == nil {
			all[name] = &release.Known{Database: name}
			order = append(order, name)
		}
		return all[name]
	}
	for _, project := range tx.Logs() {
		for _, env := range environments {
			if s := tx.State(project, env); s.Database != "" {
				note(s.Database).Use(project, env, s.LiveSince)
			}
			for before := uint64(0); ; {
				page := tx.Changes(project, env, before, historyLimit)
				for _, c := range page {
					if run, ok := tx.Run(c.Run); ok && run.Plan != nil {
						ended(note(run.Plan.Target.Database), run, c.At)
					}
				}
				if len(page) < historyLimit {
					break
				}
				before = page[len(page)-1].Seq
			}
		}
	}
	out := make([]release.Known, len(order))
	for i, name := range order {
		out[i] = *all[name]
	}
	return out
}

// ended notes a run that ended on a database, and that it made it, if it did. A database that was found after a lost reply
// may be somebody else's, and counts as theirs.
func ended(k *release.Known, run release.Run, at time.Time) {
	u := k.Use(run.Project, run.Environment, at)
	if at.Before(u.Since) {
		u.Since = at
	}
	if !at.Before(u.Last) {
		u.Last, u.Run, u.Place = at, run.ID, run.ReplyTo
	}
	for _, s := range run.Steps {
		if s.Name == release.StepProvision && s.State == release.StepDone && !s.Found && !k.MadeID(s.Result) {
			k.Made = append(k.Made, release.Made{ID: s.Result, Run: run.ID, At: s.Ended})
		}
	}
}

// usedBy notes in a transaction that a run ended on a database.
func (e *Engine) usedBy(tx Tx, run release.Run, at time.Time) {
	if run.Plan == nil || run.Plan.Target.Database == "" || len(run.Steps) == 0 {
		return // it came to nothing
	}
	k, _ := tx.Known(run.Plan.Target.Database)
	k.Database = run.Plan.Target.Database
	if run.Kind == release.Delete {
		if deleted(run) {
			k.Gone = at
			tx.PutKnown(k)
		}
		return
	}
	k.Gone = time.Time{}
	ended(&k, run, at)
	if p, ok := e.Project(run.Project); !ok || p.Database(run.Environment) != k.Database {
		if u := k.Use(run.Project, run.Environment, at); u.Left.IsZero() {
			u.Left = at
		}
	}
	tx.PutKnown(k)
}

// deleted reports whether a run took its database away.
func deleted(run release.Run) bool {
	return slices.ContainsFunc(run.Steps, func(s release.Step) bool { return s.Name == release.StepDelete && s.State == release.StepDone })
}

// madeBy notes a database that a run has just created: should the run fail after that, it is Towline's all the same.
func (e *Engine) madeBy(tx Tx, run release.Run, s release.Step) {
	if s.Name != release.StepProvision || s.Found {
		return
	}
	k, _ := tx.Known(run.Plan.Target.Database)
	k.Database, k.Gone = run.Plan.Target.Database, time.Time{}
	if !k.MadeID(s.Result) {
		k.Made = append(k.Made, release.Made{ID: s.Result, Run: run.ID, At: s.Ended})
	}
	k.Use(run.Project, run.Environment, s.Ended)
	tx.PutKnown(k)
}

// mayDrop refuses to empty or delete a database that is, or ever was, some project's production, that is no preview, or
// that Towline did not make and nobody named twice; by the config and the store as they are in this transaction.
func (e *Engine) mayDrop(tx Tx, d release.Drop) *release.Refusal {
	k, _ := tx.Known(d.Database)
	whose, preview := e.wanting(d.Database)
	if k.Was(release.Production) || slices.ContainsFunc(e.projects(), func(p Project) bool { return strings.EqualFold(p.Production, d.Database) }) {
		return release.Refuse(release.CodeProduction, "database", d.Database)
	}
	for _, project := range e.everyProject(tx) {
		if s := tx.State(project, release.Production); d.ID != "" && s.DatabaseID == d.ID || s.Database == d.Database {
			return release.Refuse(release.CodeProduction, "database", d.Database, "project", project)
		}
	}
	switch {
	case !preview && !k.Was(release.Preview):
		return release.Refuse(release.CodeNoPreview, "database", d.Database)
	case len(whose) > 1:
		return release.Refuse(release.CodePreviewShared, "database", d.Database).Listing(whose...)
	case !k.MadeID(d.ID) && !d.Foreign:
		return release.Refuse(release.CodeNotMade, "database", d.Database)
	}
	return nil
}

// wanting lists the projects of the config whose preview a database is.
func (e *Engine) wanting(database string) (projects []string, any bool) {
	for _, p := range e.projects() {
		if p.Preview == database {
			projects = append(projects, p.Name)
		}
	}
	return projects, len(projects) > 0
}

// everyProject lists those of the config and those that have left it.
func (e *Engine) everyProject(tx Tx) []string {
	var all []string
	for _, p := range e.projects() {
		all = append(all, p.Name)
	}
	for _, name := range tx.Logs() {
		if name != "" && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}
