package deploy

import (
	"context"
	"slices"
	"strings"
	"time"

	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/lint"
	"towline/migrations/rehearse"
)

// living is a table or column of production.
type living = rehearse.Column

// grown brings what is known of production's tables and columns up to date: what is there, and which of it the code of the
// release that is live does not name. code is nil where it is not known; then nothing is learnt about uses.
// first: production was there before Towline, and nothing is known of it yet.
func grown(known []release.Lifetime, columns []living, code Code, number uint64, first bool, at time.Time) []release.Lifetime {
	find := func(c living) (release.Lifetime, bool) {
		i := slices.IndexFunc(known, func(l release.Lifetime) bool {
			return strings.EqualFold(l.Table, c.Table) && strings.EqualFold(l.Column, c.Name)
		})
		if i < 0 {
			return release.Lifetime{}, false
		}
		return known[i], true
	}
	out := make([]release.Lifetime, 0, len(columns))
	for _, c := range columns {
		l, ok := find(c)
		if !ok && !first {
			l.Added = number
		}
		l.Table, l.Column = c.Table, c.Name
		if code != nil {
			place, used := code.names(c)
			switch {
			case used:
				l.Unused, l.Since, l.At = 0, time.Time{}, place
			case l.Unused == 0:
				l.Unused, l.Since, l.At = number, at, ""
			}
		}
		out = append(out, l)
	}
	return out
}

// names is a place in the code that may use a table or column: a column needs its table's name somewhere, too.
func (c Code) names(of living) (place string, used bool) {
	table, ok := c[strings.ToLower(of.Table)]
	if !ok || of.Name == "" {
		return table, ok
	}
	place, used = c[strings.ToLower(of.Name)]
	return place, used
}

// learn keeps what production's schema and the live release's code say about tables and columns. It costs nobody a
// release: what cannot be learnt is learnt the next time.
func (e *Engine) learn(ctx context.Context, p Project, run *release.Run, objects []migrations.Object) {
	if run.Environment != release.Production {
		return
	}
	if err := e.learnFrom(ctx, p, run, objects); err != nil {
		e.log.WarnContext(ctx, "what production uses of its schema was not learnt", "run", run.ID, "error", err)
	}
}

func (e *Engine) learnFrom(ctx context.Context, p Project, run *release.Run, objects []migrations.Object) error {
	columns, err := rehearse.Columns(ctx, objects, p.ledger())
	if err != nil {
		return err
	}
	var r release.Release
	if err := e.store.View(ctx, func(tx Tx) error {
		r, _ = tx.Release(p.Name, run.Release)
		return nil
	}); err != nil {
		return err
	}
	code, err := e.code(ctx, r)
	if err != nil {
		return err
	}
	return e.update(ctx, func(tx Tx) error {
		known := tx.Lifetimes(p.Name)
		first := len(known) == 0 && run.Plan != nil && len(run.Plan.Applied) > 0
		tx.PutLifetimes(p.Name, grown(known, columns, code, run.Release, first, e.now()))
		return nil
	})
}

// Contract is what /contract shows of a project: the parts of production's schema that the code does not name any more.
type Contract struct {
	Unused []Contractable
	// Used is how many tables and columns the code names; Known says that its code was ever looked at.
	Used  int
	Known bool
	After time.Duration // how long something has to be unused
}

// Contractable is a table or column that may be dropped, now or later.
type Contractable struct {
	release.Lifetime
	May time.Time // from when on; in the past: now
}

// Contract reads what is known about production's tables and columns.
func (e *Engine) Contract(ctx context.Context, project string) (Contract, error) {
	p, err := e.project(project)
	if err != nil {
		return Contract{}, err
	}
	c := Contract{After: p.Lint.ContractAfter}
	err = e.store.View(ctx, func(tx Tx) error {
		c.Unused, c.Used, c.Known = nil, 0, false
		for _, l := range tx.Lifetimes(project) {
			switch {
			case l.Unused != 0:
				c.Unused, c.Known = append(c.Unused, Contractable{l, l.Since.Add(p.Lint.ContractAfter)}), true
			case l.At != "":
				c.Used, c.Known = c.Used+1, true
			}
		}
		return nil
	})
	return c, wrap(err, "read what production uses")
}

// history is what lint has to know about releases and their code, of production alone: a preview may lose anything.
func (e *Engine) history(ctx context.Context, d draft) (*lint.History, error) {
	if d.run.Environment != release.Production {
		return nil, nil
	}
	h := &lint.History{Wait: d.project.Lint.ContractAfter, Now: e.now(), Code: map[string][]string{}}
	versions := map[string]release.Release{lint.CodeNext: d.release}
	err := e.store.View(ctx, func(tx Tx) error {
		h.Columns = nil
		for _, l := range tx.Lifetimes(d.project.Name) {
			if l.Unused == 0 && l.At == "" {
				continue // the code was never looked at
			}
			h.Columns = append(h.Columns, lint.Lifetime{Table: l.Table, Column: l.Column, AddedIn: l.Added, UnusedSince: l.Unused, Unused: l.Since})
		}
		if live, ok := tx.Release(d.project.Name, d.live); ok {
			versions[lint.CodeLive] = live
		}
		// Once the live release has been so for as long as things have to be unused, nobody goes back behind it.
		if s := tx.State(d.project.Name, release.Production); e.now().Sub(s.LiveSince) >= d.project.Lint.ContractAfter {
			return nil
		}
		changes := tx.Changes(d.project.Name, release.Production, 0, historyLimit)
		if i := slices.IndexFunc(changes, func(c release.Change) bool { return c.Release != d.live }); i >= 0 {
			if before, ok := tx.Release(d.project.Name, changes[i].Release); ok {
				versions[lint.CodeBefore] = before
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for which, r := range versions {
		code, err := e.code(ctx, r)
		if err != nil {
			return nil, err
		}
		for word := range code {
			h.Code[which] = append(h.Code[which], word)
		}
		slices.Sort(h.Code[which])
	}
	return h, nil
}
