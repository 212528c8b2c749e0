package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/rehearse"
)

// words are what a person reads of an error: D1's own, where there is nothing around them that says more, as when to come
// back, or which permission is missing.
func words(err error) string {
	if r, bare := err.(*RejectedError); bare { //nolint:errorlint // what stands around it is what matters here
		return r.Words
	}
	return err.Error()
}

// turnedAway says whether a no is about who asks, or how much, and not about the statements.
func turnedAway(err error) bool {
	r, rejected := errors.AsType[*RejectedError](err)
	return rejected && (r.Status == 401 || r.Status == 403 || r.Status == 404 || r.Status == 429)
}

// provision makes the database that the plan bound as "create NAME", and adopts it where it was made already.
type provision struct{ *execution }

func (p provision) do(ctx context.Context) (string, error) {
	db, err := p.e.d1.Create(ctx, p.run.Plan.Target.Database)
	if err != nil {
		return "", err
	}
	return db.ID, p.adopt(db.ID)
}

func (p provision) observe(ctx context.Context) (outcome, string, error) {
	db, err := p.e.d1.Find(ctx, p.run.Plan.Target.Database)
	if errors.Is(err, ErrNoDatabase) {
		return absent, "", nil
	}
	if err != nil {
		return unclear, "", err
	}
	var t target
	if err := p.e.read(ctx, p.p, db.ID, &t); err != nil {
		return unclear, "", fmt.Errorf("read the database that was found: %w", err)
	}
	if len(t.Objects) > 0 {
		return absent, "", nil // somebody else's: the plan was made for an empty one
	}
	return present, db.ID, p.adopt(db.ID)
}

func (p provision) adopt(id string) error {
	p.run.Plan.Target.ID = id
	return nil
}

func (p provision) failed(err error) release.Failure {
	return release.Failure{Code: "not_created", Words: words(err)}
}

// point takes the restore point and reads it back: the bookmark is asked for again, and must not be older than the first.
type point struct{ *execution }

func (p point) do(ctx context.Context) (string, error) {
	id := p.run.Plan.Target.ID
	bookmark, err := p.e.d1.Bookmark(ctx, id)
	if err != nil {
		return "", err
	}
	rp := release.RestorePoint{Database: p.run.Plan.Target.Database, DatabaseID: id, Bookmark: bookmark, At: p.e.now(), Kept: p.e.promised()}
	if !p.run.Plan.Reset {
		rp.Ledger = p.run.Plan.Applied
	}
	p.run.Point = &rp
	if err := p.e.progress(ctx, p.run); err != nil {
		return "", err
	}
	var counting sync.WaitGroup
	counting.Go(func() { rp.Rows = p.before(ctx) })
	err = p.readBack(ctx, bookmark)
	counting.Wait()
	return bookmark, err
}

func (p point) readBack(ctx context.Context, bookmark string) error {
	var stored release.Run
	err := p.e.store.View(ctx, func(tx Tx) error {
		stored, _ = tx.Run(p.run.ID)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the restore point back from the store: %w", err)
	}
	if stored.Point == nil || stored.Point.Bookmark != bookmark {
		return errors.New("the restore point that was stored is not the one that was taken")
	}
	again, err := p.e.d1.Bookmark(ctx, p.run.Plan.Target.ID)
	if err != nil {
		return fmt.Errorf("read the restore point back: %w", err)
	}
	if again < bookmark {
		return fmt.Errorf("the restore point cannot be trusted: Time Travel answered %s after %s", again, bookmark)
	}
	return nil
}

// observe: taking a restore point changes nothing, so an interrupted one is taken anew.
func (p point) observe(context.Context) (outcome, string, error) { return absent, "", nil }

func (p point) failed(err error) release.Failure {
	return release.Failure{Code: string(release.CodePointMissing), Words: words(err)}
}

// apply sends one transaction of the script. Its names in the ledger tell whether it was committed.
type apply struct {
	*execution
	index int
}

func (a apply) transaction() migrations.Transaction { return a.script[a.index] }

func (a apply) do(ctx context.Context) (string, error) {
	tx, id := a.transaction(), a.run.Plan.Target.ID
	_, err := a.e.d1.Apply(ctx, id, texts(tx.Statements))
	if cleanup := tx.Cleanup(); err != nil && len(cleanup) > 0 {
		// A rollback does not undo pragmas, and the next transaction may get the same connection.
		if _, cleanErr := a.e.d1.Apply(ctx, id, texts(cleanup)); cleanErr != nil {
			a.e.log.WarnContext(ctx, "pragmas of a failed transaction were not put back", "run", a.run.ID, "error", cleanErr)
		}
	}
	return "", err
}

func texts(planned []migrations.Planned) []string {
	out := make([]string, len(planned))
	for i, p := range planned {
		out[i] = p.SQL
	}
	return out
}

func (a apply) observe(ctx context.Context) (outcome, string, error) {
	var t target
	if err := a.e.read(ctx, a.p, a.run.Plan.Target.ID, &t); err != nil {
		return unclear, "", fmt.Errorf("read the ledger: %w", err)
	}
	ledger := names(t.Ledger)
	in := 0
	for _, name := range a.transaction().Names {
		if slices.Contains(ledger, name) {
			in++
		}
	}
	wanted, unwanted := len(a.transaction().Names), 0
	if a.run.Plan.Back != nil {
		wanted, unwanted = unwanted, wanted
	}
	switch in {
	case wanted:
		return present, "", nil
	case unwanted:
		return absent, "", nil
	default:
		return unclear, "", fmt.Errorf("%d of %d names are in the ledger, though they were sent as one transaction", in, len(a.transaction().Names))
	}
}

func (a apply) failed(err error) release.Failure {
	f := release.Failure{Code: "not_applied", Words: words(err), OneOf: own([]migrations.Transaction{a.transaction()})}
	if _, rejected := errors.AsType[*RejectedError](err); !rejected {
		return f
	}
	if turnedAway(err) {
		f.Code, f.OneOf = "turned_away", 0
		return f
	}
	f.Code = "refused_by_d1"
	if name, ok := migrations.ForeignKeysAfter(f.Words); ok {
		f.Code, f.File = "foreign_keys_broken", name
	}
	if file, line, ok := migrations.AssertionFailed(f.Words); ok {
		f.Code, f.File, f.Line = "assertion_failed", file, line
	}
	return f
}

// rebuild is the first transaction of a preview reset. It can be sent twice: it makes the same of whatever it finds.
type rebuild struct{ apply }

func (r rebuild) do(ctx context.Context) (string, error) {
	if d := r.run.Drop; d != nil { // somebody pressed a button, perhaps long ago
		if err := r.e.stillMay(ctx, *d); err != nil {
			return "", err
		}
	}
	return r.apply.do(ctx)
}

// observe: it happened if the database was written to since the restore point and is what the rebuilding makes of it.
func (r rebuild) observe(ctx context.Context) (outcome, string, error) {
	var t target
	if err := r.e.read(ctx, r.p, r.run.Plan.Target.ID, &t); err != nil {
		return unclear, "", fmt.Errorf("read the rebuilt database: %w", err)
	}
	now, err := r.e.d1.Bookmark(ctx, r.run.Plan.Target.ID)
	if err != nil {
		return unclear, "", fmt.Errorf("see whether the database was written to: %w", err)
	}
	if now == r.run.Point.Bookmark || !slices.Equal(names(t.Ledger), r.run.Plan.Applied) ||
		rehearse.Fingerprint(t.Objects, r.p.ledger()) != r.run.Plan.Rebuilt {
		return absent, "", nil
	}
	return present, "", nil
}

// restore returns the database to the plan's restore point. It is never sent twice: a second one would undo what people
// wrote after the first.
type restore struct{ *execution }

func (r restore) do(ctx context.Context) (string, error) {
	previous, err := r.e.d1.Restore(ctx, r.run.Plan.Target.ID, r.run.Plan.Back.To.Bookmark)
	if err == nil && previous != "" {
		undo := *r.run.Point
		undo.Bookmark = previous
		r.run.Undo = &undo
	}
	return previous, err
}

func (r restore) observe(ctx context.Context) (outcome, string, error) {
	var t target
	if err := r.e.read(ctx, r.p, r.run.Plan.Target.ID, &t); err != nil {
		return unclear, "", fmt.Errorf("read the ledger: %w", err)
	}
	if slices.Equal(names(t.Ledger), r.run.Plan.Back.Ledger) {
		// Which bookmark leads back was in the reply that is lost. The one that was taken just before does as well.
		r.run.Undo = r.run.Point
		return present, "", nil
	}
	return unclear, "", errors.New("the ledger is still as before: the restore did not happen, or not yet")
}

func (r restore) failed(err error) release.Failure {
	return release.Failure{Code: "not_restored", Words: words(err)}
}

// verify reads back what the database is now.
type verify struct{ *execution }

func (v verify) do(ctx context.Context) (string, error) {
	var t target
	if err := v.e.read(ctx, v.p, v.run.Plan.Target.ID, &t); err != nil {
		return "", unreadError{err}
	}
	if got, want := names(t.Ledger), v.run.Plan.After(); !slices.Equal(got, want) {
		return "", fmt.Errorf("the ledger holds %d names where %d were expected: %v", len(got), len(want), symmetric(got, want))
	}
	fingerprint := rehearse.Fingerprint(t.Objects, v.p.ledger())
	if v.run.Plan.Expected != "" && fingerprint != v.run.Plan.Expected {
		v.run.Notes = append(v.run.Notes, "schema_differs")
	}
	v.run.Compared = v.compare(ctx)
	if v.run.Environment == release.Production {
		v.run.Seen = v.e.seen(ctx, v.p, t)
		v.e.learn(ctx, v.p, v.run, t.Objects)
	}
	return fingerprint, nil
}

func symmetric(a, b []string) []string { return append(without(a, b), without(b, a)...) }

func (v verify) observe(context.Context) (outcome, string, error) { return absent, "", nil }

// unreadError says that a result could not be read back, which is not to say that it is wrong.
type unreadError struct{ err error }

func (e unreadError) Error() string { return "read the result back: " + e.err.Error() }

func (e unreadError) Unwrap() error { return e.err }

func (v verify) failed(err error) release.Failure {
	f := release.Failure{Code: "not_verified", Words: words(err)}
	if _, unread := errors.AsType[unreadError](err); unread {
		f.Code = "not_read_back"
	}
	return f
}
