package deploy

import (
	"context"
	"io"
	"io/fs"
	"time"

	"towline/deploy/queries"
	"towline/deploy/release"
	"towline/deploy/slow"
	"towline/migrations/advise"
	"towline/migrations/layout"
	"towline/migrations/rehearse"
)

// Slow says which of a project's queries on production cost the most since its last release, or in the last week, and tries an index for
// each on a copy of the schema. Errors are those of TopQueries.
func (e *Engine) Slow(ctx context.Context, project string) (slow.Report, error) {
	p, err := e.project(project)
	if err != nil {
		return slow.Report{}, err
	}
	state, err := e.State(ctx, p.Name, release.Production)
	if err != nil {
		return slow.Report{}, err
	}
	app := slow.App{Project: p.Name, Database: p.Production, Release: state.Live, LiveSince: state.LiveSince, Copies: p.Rehearse.Data}
	now := e.now()
	id, err := e.productionID(ctx, p)
	if err != nil {
		return slow.Report{App: app}, err
	}
	return slow.Look(ctx, app, production{e, p, id}, slow.Options{Now: now, Within: e.within, Log: e.log})
}

// production is a project's, as package slow asks it: the figures of the database with an id, and copies to try indexes on.
type production struct {
	e  *Engine
	p  Project
	id string
}

// Queries implements slow.Production.
func (d production) Queries(ctx context.Context, from, to time.Time, by queries.Order) ([]queries.Count, error) {
	return d.e.costly(ctx, d.p, d.id, from, to, by)
}

// Advisor implements slow.Production.
func (d production) Advisor(ctx context.Context) (*advise.Advisor, time.Time, error) {
	return d.e.advisor(ctx, d.p)
}

// advisor is a copy of production's schema to try indexes on, with a copy of the data beside it where one that fits is kept: none is taken
// for this, since the export would block the database.
func (e *Engine) advisor(ctx context.Context, p Project) (a *advise.Advisor, copied time.Time, err error) {
	var live release.Release
	err = e.store.View(ctx, func(tx Tx) error {
		live, _ = tx.Release(p.Name, tx.State(p.Name, release.Production).Live)
		return nil
	})
	if err != nil {
		return nil, copied, err
	}
	p = p.of(live)
	t, err := e.look(ctx, p, release.Production, release.Target{})
	if err != nil {
		return nil, copied, err
	}
	o := advise.Options{Stats: e.statistics(ctx, t.Database.ID)}
	if kept, ok := e.keptCopy(p.Name); ok && p.Rehearse.Data && kept.Database == t.Database.ID && kept.Fingerprint == rehearse.Fingerprint(t.Objects, p.ledger()) {
		o.Data, copied = kept.Path, kept.At
	}
	a, err = advise.Open(ctx, rehearse.Target{Objects: t.Objects, LedgerTable: p.ledger()}, o)
	return a, copied, err
}

// statistics are what an ANALYZE left in the database, by which D1's planner goes; none where nobody ran one.
func (e *Engine) statistics(ctx context.Context, id string) (list []advise.Stat) {
	rows, err := e.d1.Read(ctx, id, []string{"SELECT tbl, coalesce(idx, '') AS idx, coalesce(stat, '') AS stat FROM sqlite_stat1"})
	if err != nil || len(rows) != 1 {
		return nil // there is no such table, as a rule
	}
	for _, row := range rows[0].Values {
		list = append(list, advise.Stat{Table: text(row, 0), Index: text(row, 1), Stat: text(row, 2)})
	}
	return list
}

// IndexMigration makes the files of a project's next migration, which creates indexes, as slow.Drafts does. Nothing is written anywhere. Besides
// what slow.Drafts refuses, it is refused where the source cannot be read, or production cannot.
func (e *Engine) IndexMigration(ctx context.Context, project string, i slow.Proposal) (slow.Migration, error) {
	p, err := e.project(project)
	if err != nil {
		return slow.Migration{}, err
	}
	return e.drafts.Migration(ctx, p.Name, tip{e, p}, i)
}

// tip is a project as package slow makes a migration for it: what its source holds now, and copies of production's schema.
type tip struct {
	e *Engine
	p Project
}

// Tip implements slow.Project.
func (t tip) Tip(ctx context.Context) (fs.FS, layout.Content, error) {
	at, err := t.e.tip(ctx, t.p)
	if err != nil {
		return nil, layout.Content{}, &OutsideError{Refusal: release.Refuse(release.CodeSource, "problem", err.Error()), Err: err}
	}
	content, err := t.p.content(at.FS)
	return at.FS, content, err
}

// Advisor implements slow.Project.
func (t tip) Advisor(ctx context.Context) (*advise.Advisor, time.Time, error) {
	a, copied, err := t.e.advisor(ctx, t.p)
	if err != nil {
		return nil, copied, factsMissing(err)
	}
	return a, copied, nil
}

// tip is what the project's source holds now: its default, or where a ref has to be chosen, that of the live release.
func (e *Engine) tip(ctx context.Context, p Project) (Snapshot, error) {
	choices, err := p.Source.Choices(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	ref := ""
	if len(choices) > 0 {
		err := e.store.View(ctx, func(tx Tx) error {
			if live, ok := tx.Release(p.Name, tx.State(p.Name, release.Production).Live); ok {
				ref = live.Origin.Ref
			}
			return nil
		})
		if err != nil {
			return Snapshot{}, err
		}
		if ref == "" {
			ref = choices[0]
		}
	}
	return p.Source.Fetch(ctx, ref)
}

// entropyOf reads the engine's randomness, which is guarded.
type entropyOf struct{ e *Engine }

// Read implements io.Reader.
func (r entropyOf) Read(p []byte) (int, error) {
	r.e.ids.Lock()
	defer r.e.ids.Unlock()
	return io.ReadFull(r.e.entropy, p)
}
