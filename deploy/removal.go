package deploy

import (
	"context"
	"errors"
	"fmt"

	"towline/deploy/release"
	"towline/migrations/rehearse"
)

// removal deletes a database of which a copy was kept. It can be sent again: it is bound to the database's id, which no other
// database ever has.
type removal struct{ *execution }

// errWritten says that a copy would not have what somebody is writing at this moment.
var errWritten = errors.New("somebody writes to it: its rows or its schema changed while it was copied")

func (r removal) do(ctx context.Context) (string, error) {
	if err := r.e.stillMay(ctx, *r.run.Drop); err != nil {
		return "", err
	}
	if err := r.copied(ctx); err != nil {
		return "", err
	}
	if err := r.e.stillMay(ctx, *r.run.Drop); err != nil { // a second copy takes its time
		return "", err
	}
	err := r.e.d1.Delete(ctx, r.run.Drop.ID)
	if errors.Is(err, ErrNoDatabase) {
		return "it was gone already", nil
	}
	return r.run.Drop.ID, err
}

// copied makes sure that the copy has all that the database holds: nothing was written since it was begun, as Time Travel's
// bookmark tells. Otherwise another copy is kept; a bookmark that moves all the same is no change only where both copies say the same,
// value for value, and so do schema and rows now.
func (r removal) copied(ctx context.Context) error {
	if r.run.Backup == nil || r.e.backups == nil || r.e.exports == nil {
		return errors.New("there is no copy of it")
	}
	kept, err := r.e.backups.Find(ctx, r.run.Backup.ID)
	if err != nil {
		return fmt.Errorf("its copy cannot be found: %w", plainly(err))
	}
	for first := (*Backup)(nil); ; {
		if kept.Problem != "" || kept.CheckedAt.IsZero() || kept.DatabaseID != r.run.Drop.ID {
			return errors.New("its copy cannot be relied on: " + kept.Problem)
		}
		now, err := r.e.d1.Bookmark(ctx, r.run.Drop.ID)
		if err != nil {
			return plainly(err)
		}
		if now == kept.Bookmark {
			return nil
		}
		if first != nil {
			if first.Sum == "" || first.Sum != kept.Sum {
				return errWritten
			}
			return r.compared(ctx, kept)
		}
		earlier := kept
		first = &earlier
		if kept, err = backup(r).take(ctx); err != nil {
			return err
		}
		if err := r.e.progress(ctx, r.run); err != nil {
			return err
		}
	}
}

// compared holds the database against its copy: schema, and the rows of each table that were counted then.
func (r removal) compared(ctx context.Context, kept Backup) error {
	t, err := r.e.look(ctx, r.p, r.run.Environment, r.run.Plan.Target)
	if err != nil {
		return plainly(err)
	}
	if rehearse.Fingerprint(t.Objects, r.run.Plan.Ledger) != r.run.Plan.Fingerprint {
		return errWritten
	}
	rows := r.e.rowsOf(ctx, t)
	for table, n := range rows {
		if had, counted := kept.Rows[table]; !counted || had != n {
			return errWritten
		}
	}
	if len(rows) != len(kept.Rows) {
		return errWritten
	}
	return nil
}

// observe asks for the database by its id and by its name.
func (r removal) observe(ctx context.Context) (outcome, string, error) {
	_, err := r.e.d1.Read(ctx, r.run.Drop.ID, []string{"SELECT 1"})
	switch {
	case err == nil:
		return absent, "", nil
	case !errors.Is(err, ErrNoDatabase):
		return unclear, "", err
	}
	db, err := r.e.d1.Find(ctx, r.run.Drop.Database)
	switch {
	case errors.Is(err, ErrNoDatabase), err == nil && db.ID != r.run.Drop.ID:
		return present, r.run.Drop.ID, nil
	case err != nil:
		return unclear, "", err
	}
	return unclear, "", errors.New("it is still listed by Cloudflare, and cannot be read")
}

func (r removal) failed(err error) release.Failure {
	if errors.Is(err, errWritten) {
		return release.Failure{Code: string(release.CodePreviewBusy), Words: words(err)}
	}
	return release.Failure{Code: "not_deleted", Words: words(err)}
}
