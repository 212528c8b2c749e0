package deploy

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"towline/deploy/release"
)

// take keeps a copy of the database as it is now, proves it, and notes it in the run. An export that turns out not to be
// restorable, or not to be exact, gives way to a copy table by table: D1 rounds whole numbers beyond 2^53 when it exports them
// (workerd hands them to JavaScript), and a rounded INTEGER PRIMARY KEY may be no integer any more.
func (b backup) take(ctx context.Context) (Backup, error) {
	t, err := b.e.look(ctx, b.p, b.run.Environment, b.run.Plan.Target)
	if err != nil {
		return Backup{}, plainly(err)
	}
	taken, err := b.keep(ctx, t, b.e.unexported(ctx, b.run.Project, b.run.Environment, t))
	if why := inexact(taken); why != "" && ctx.Err() == nil {
		b.e.log.InfoContext(ctx, "a database is copied table by table, since an export of it is not exact", "run", b.run.ID, "database", t.Database.Database, "why", why)
		again, againErr := b.keep(ctx, t, why)
		switch {
		case againErr == nil:
			if err := b.e.backups.Drop(ctx, taken.ID); err != nil {
				b.e.log.WarnContext(ctx, "an export that is not exact was not given up", "backup", taken.ID, "error", err)
			}
			taken, err = again, nil
		case err != nil:
			err = fmt.Errorf("%w; and table by table: %w", err, againErr)
		default: // what there is, with what is said of it
			b.e.log.WarnContext(ctx, "a database was not copied table by table", "run", b.run.ID, "database", t.Database.Database, "error", againErr)
		}
	}
	if err != nil {
		return Backup{}, err
	}
	b.took(taken)
	return taken, nil
}

// keep stores one copy of the database and proves it. unexported is why it is not to be an export; empty: it may be one. With an error
// the backup is what is known of it, and nothing where none was kept.
func (b backup) keep(ctx context.Context, t target, unexported string) (Backup, error) {
	bookmark, err := b.e.d1.Bookmark(ctx, t.Database.ID)
	if err != nil {
		return Backup{}, plainly(err)
	}
	taken, err := b.e.backups.Keep(ctx, Backup{
		Project: b.run.Project, Environment: b.run.Environment, Database: t.Database.Database, DatabaseID: t.Database.ID,
		TakenAt: b.e.now(), Release: b.run.Release, Run: b.run.ID, Bookmark: bookmark, Unexported: unexported,
	}, func(w io.Writer, about *Backup) error { return b.e.copyOut(ctx, t, w, about) })
	if err != nil {
		return Backup{}, plainly(err)
	}
	checked, err := b.e.backups.Check(ctx, taken.ID)
	if err != nil {
		return checked, fmt.Errorf("it was taken, and cannot be restored: %w", plainly(err))
	}
	return checked, nil
}

// inexact says why a backup is not what the database was although it was exported without a mistake; empty: nothing is known against
// it, or it is no export. What is wrong with this machine is nothing against it.
func inexact(b Backup) string {
	switch {
	case b.Tables || b.ID == "":
		return ""
	case b.Problem != "":
		return b.Problem
	}
	return strings.Join(b.Missing, "; ")
}

// unexported is why a database without virtual tables is to be copied table by table all the same: what was found out with its
// newest backup. Empty: it may be exported.
func (e *Engine) unexported(ctx context.Context, project string, env release.Environment, t target) string {
	if slices.ContainsFunc(t.Objects, isVirtual) {
		return ""
	}
	kept, err := e.backups.List(ctx, project, env, 20)
	if err != nil {
		return "" // an export tells
	}
	for _, k := range kept {
		if k.DatabaseID == t.Database.ID && k.Problem == "" {
			return k.Unexported
		}
	}
	return ""
}
