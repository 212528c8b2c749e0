package deploy

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"towline/deploy/release"
)

// Uses tells when databases were last used. Implementations are safe for concurrent use.
type Uses interface {
	// LastUse is when the database of that name was last used by anybody but Towline, as far as it was counted, and from when
	// on it was. A zero time: not since then. known=false: it was not counted at all.
	LastUse(ctx context.Context, name string) (at, since time.Time, known bool)
}

// staleAfter is how long a preview database is untouched that is listed, where nobody says.
const staleAfter = 14 * 24 * time.Hour

// Preview is a preview database, and what is to be known before it is emptied or deleted.
type Preview struct {
	release.Drop
	Exists   bool
	Project  string   // whose preview it is or was last; the config need not have it any more
	Shared   []string // projects of the config whose preview it is, where that are several
	LeftAt   time.Time
	Since    time.Time // when Towline first knew it
	Counted  time.Time // since when its use is counted; zero: it is not
	Made     bool      // by Towline
	Stale    bool
	Release  uint64 // that is live on it; 0: none that Towline knows
	Problem  string // why D1 could not be asked about it
	Place    string // opaque: where it was last asked for
	NoBackup bool   // this Towline keeps no backups, so that it neither empties nor deletes
	// NoRelease: none is live, there or on production, that it could be rebuilt for. It can be deleted, but not emptied.
	NoRelease bool
}

// Idle is since when nobody is known to have done anything with it.
func (p Preview) Idle() time.Time {
	if t := p.Touched(); t.After(p.Since) {
		return t
	}
	return p.Since
}

// previewsTimeout bounds how long a list waits for D1, and previewLooks how many databases are asked about at a time.
const (
	previewsTimeout = 20 * time.Second
	previewLooks    = 4
)

// Previews lists the preview databases of the config, and those that are left over, by their names. What D1 does not say is
// missing, and Problem says why.
func (e *Engine) Previews(ctx context.Context) ([]Preview, error) {
	return e.previews(ctx, everyName, false)
}

// StalePreviews lists the preview databases that nobody has touched for as long as the config says, and those that are left
// over. The longest untouched is the first.
func (e *Engine) StalePreviews(ctx context.Context) ([]Preview, error) {
	all, err := e.previews(ctx, everyName, true)
	slices.SortStableFunc(all, func(a, b Preview) int { return a.Idle().Compare(b.Idle()) })
	return all, err
}

// StaleAfter is for how long nobody may have touched a preview that is not listed as stale yet; 0: none is, by that.
func (e *Engine) StaleAfter() time.Duration { return e.stale() }

// LeftOver lists the names of the preview databases that no project of the config has any more.
func (e *Engine) LeftOver(ctx context.Context) ([]string, error) {
	var names []string
	err := e.store.View(ctx, func(tx Tx) error {
		names = nil
		for _, k := range tx.AllKnown() {
			if p, ok := e.previewOf(tx, k); ok && p.LeftOver {
				names = append(names, p.Database)
			}
		}
		return nil
	})
	return names, wrap(err, "read which previews are left over")
}

// Preview is the preview database of that name. CodeNoPreview: no project has or had one, or there is none any more.
func (e *Engine) Preview(ctx context.Context, name string) (Preview, error) {
	all, err := e.previews(ctx, func(n string) bool { return n == name }, false)
	switch {
	case err != nil:
		return Preview{}, err
	case len(all) > 0 && all[0].Problem != "":
		return all[0], &OutsideError{Refusal: release.Refuse(release.CodeFactsMissing, "problem", all[0].Problem), Err: errors.New(all[0].Problem)}
	case len(all) > 0:
		return all[0], nil
	}
	// One that is production says so, whatever else it is not.
	var refusal *release.Refusal
	err = e.store.View(ctx, func(tx Tx) error {
		refusal = e.mayDrop(tx, release.Drop{Database: name})
		return nil
	})
	if err == nil && refusal != nil && refusal.Code == release.CodeProduction {
		return Preview{}, refusal
	}
	if err == nil {
		err = release.Refuse(release.CodeNoPreview, "database", name)
	}
	return Preview{}, err
}

// previews lists those of which the name is wanted, all or the stale ones, as D1 has them.
func (e *Engine) previews(ctx context.Context, wanted func(name string) bool, stale bool) ([]Preview, error) {
	if err := e.getToKnow(ctx); err != nil {
		return nil, err
	}
	var all []Preview
	err := e.store.View(ctx, func(tx Tx) error {
		all = nil
		for _, k := range tx.AllKnown() {
			if p, ok := e.previewOf(tx, k); ok {
				all = append(all, p)
			}
		}
		return nil
	})
	if err != nil {
		return nil, wrap(err, "read what is known of the previews")
	}
	all = slices.DeleteFunc(all, func(p Preview) bool { return !wanted(p.Database) })
	ctx, cancel := e.within(ctx, previewsTimeout)
	defer cancel()
	ofEach(all, func(p *Preview) { e.judgeUse(ctx, p) })
	all = slices.DeleteFunc(all, func(p Preview) bool { return stale && !p.Stale })
	ofEach(all, func(p *Preview) { e.lookAtPreview(ctx, p) })
	return slices.DeleteFunc(all, func(p Preview) bool { return !p.Exists && p.Problem == "" }), nil
}

func everyName(string) bool { return true }

// ofEach does something with each preview, with a few at a time.
func ofEach(all []Preview, do func(p *Preview)) {
	var looks sync.WaitGroup
	turns := make(chan struct{}, previewLooks)
	for i := range all {
		turns <- struct{}{}
		looks.Go(func() {
			defer func() { <-turns }()
			do(&all[i])
		})
	}
	looks.Wait()
}

// previewOf is what the store knows of a database; false where it is no preview, or was somebody's production as well.
func (e *Engine) previewOf(tx Tx, k release.Known) (Preview, bool) {
	if !k.Was(release.Preview) || k.Was(release.Production) {
		return Preview{}, false
	}
	p := Preview{Drop: release.Drop{Database: k.Database}, NoBackup: e.backups == nil || e.exports == nil}
	whose, wanted := e.wanting(k.Database)
	if !wanted && !k.Gone.IsZero() {
		return Preview{}, false
	}
	if len(whose) > 1 {
		p.Shared = whose
	}
	for _, u := range k.Uses {
		if u.Environment != release.Preview {
			continue
		}
		if p.Since.IsZero() || u.Since.Before(p.Since) {
			p.Since = u.Since
		}
		if u.Last.After(p.Deployed) {
			p.Deployed = u.Last
		}
		if slices.Contains(whose, u.Project) || len(whose) == 0 && (p.Project == "" || u.Left.After(p.LeftAt)) {
			p.Project, p.LeftAt, p.Place = u.Project, u.Left, u.Place
		}
	}
	p.LeftOver = len(whose) == 0
	if s := tx.State(p.Project, release.Preview); s.Database == k.Database {
		p.Release = s.Live
	}
	p.NoRelease = p.LeftOver || p.rebuiltFor(tx) == 0
	return p, true
}

// rebuiltFor is the release that it is rebuilt for where it is emptied: what is live on it, else on production; 0: none.
func (p Preview) rebuiltFor(tx Tx) uint64 {
	if p.Release != 0 {
		return p.Release
	}
	return tx.State(p.Project, release.Production).Live
}

// lookAtPreview asks D1 which database has the name, and how large it is. Whether Towline made it depends on that.
func (e *Engine) lookAtPreview(ctx context.Context, p *Preview) {
	db, err := e.d1.Find(ctx, p.Database)
	if errors.Is(err, ErrNoDatabase) {
		return
	}
	var rows []Rows
	if err == nil {
		rows, err = e.d1.Read(ctx, db.ID, []string{"SELECT 1"})
	}
	if errors.Is(err, ErrNoDatabase) {
		return
	}
	if err != nil {
		p.Problem = words(err)
		return
	}
	p.Exists, p.ID, p.Size = true, db.ID, db.Size
	if len(rows) == 1 && rows[0].Size > 0 {
		p.Size = rows[0].Size
	}
	err = e.store.View(ctx, func(tx Tx) error {
		k, _ := tx.Known(p.Database)
		p.Made = k.MadeID(p.ID)
		return nil
	})
	if err != nil {
		p.Exists, p.Problem = false, err.Error()
	}
	p.Foreign = !p.Made
}
