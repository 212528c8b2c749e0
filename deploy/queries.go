package deploy

import (
	"context"
	"errors"
	"time"

	"towline/deploy/queries"
	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/rehearse"
)

// ErrUncounted: this process asks nobody what queries cost.
var ErrUncounted = errors.New("queries are not counted")

// countedWithin bounds the question for a rehearsal: a plan does not wait for analytics.
const countedWithin = 5 * time.Second

// TopQueries lists which queries of a project's production read the most rows from one moment to another, at most limit. Towline's own are
// left out, those that differ in their values alone are one, and the texts are those of queries.Shown. ErrUncounted: nobody is asked;
// ErrNoDatabase: there is no production yet; other errors are those of QueryCounts.
func (e *Engine) TopQueries(ctx context.Context, project string, from, to time.Time, limit int) ([]queries.Count, error) {
	list, err := e.mostRead(ctx, project, from, to, limit)
	for i := range list {
		list[i].SQL = queries.Shown(list[i].SQL)
	}
	return list, err
}

// mostRead is TopQueries with the texts as they were asked.
func (e *Engine) mostRead(ctx context.Context, project string, from, to time.Time, limit int) ([]queries.Count, error) {
	p, err := e.project(project)
	if err != nil {
		return nil, err
	}
	id, err := e.productionID(ctx, p)
	if err != nil {
		return nil, err
	}
	list, err := e.costly(ctx, p, id, from, to, queries.ByRowsRead)
	list = queries.Alike(list, queries.ByRowsRead)
	return list[:min(limit, len(list))], err
}

// productionID is the id of a project's production database.
func (e *Engine) productionID(ctx context.Context, p Project) (string, error) {
	s, err := e.State(ctx, p.Name, release.Production)
	if err != nil {
		return "", err
	}
	if s.DatabaseID != "" && s.Database == p.Production {
		return s.DatabaseID, nil
	}
	db, err := e.d1.Find(ctx, p.Production)
	return db.ID, wrap(err, "look for database %s", p.Production)
}

// costly is QueryCounts without what Towline and wrangler ask themselves.
func (e *Engine) costly(ctx context.Context, p Project, id string, from, to time.Time, by queries.Order) ([]queries.Count, error) {
	if e.queried == nil {
		return nil, ErrUncounted
	}
	list, err := e.queried.Queries(ctx, id, from, to, by, queries.Limit)
	if err != nil {
		return nil, wrap(err, "what queries of %s cost", p.Production)
	}
	return e.notOurs(ctx, p, list), nil
}

// notOurs leaves out what is none of the app's.
func (e *Engine) notOurs(ctx context.Context, p Project, list []queries.Count) []queries.Count {
	return queries.OfApp(list, p.ledger(), func() queries.Statements { return e.migrated(ctx, p) })
}

// migrated are the statements of the release that is live on production. Where they cannot be read there are none: too much is listed then.
func (e *Engine) migrated(ctx context.Context, p Project) queries.Statements {
	var live release.Release
	err := e.store.View(ctx, func(tx Tx) error {
		live, _ = tx.Release(p.Name, tx.State(p.Name, release.Production).Live)
		return nil
	})
	var files []migrations.File
	if err == nil {
		files, err = e.files(ctx, live)
	}
	if err != nil {
		e.log.WarnContext(ctx, "which queries are of migrations could not be read", "project", p.Name, "error", err)
		return queries.Statements{}
	}
	return queries.StatementsOf(files)
}

// countedQueries are the queries that read the most on a project's production, as queries.Top has them; none where nobody can tell.
func (e *Engine) countedQueries(ctx context.Context, project string) []rehearse.Query {
	if e.queried == nil {
		return nil
	}
	now := e.now()
	state, err := e.State(ctx, project, release.Production)
	if err != nil {
		return nil
	}
	live := queries.Live{Release: state.Live, Since: state.LiveSince}
	list, err := e.top.Of(ctx, project, live, now, func(from time.Time, limit int) ([]queries.Count, error) {
		bounded, cancel := e.within(ctx, countedWithin)
		defer cancel()
		return e.mostRead(bounded, project, from, now, limit)
	})
	if err != nil {
		e.log.InfoContext(ctx, "the rehearsal looks at no queries of analytics", "project", project, "error", err)
	}
	return list
}
