package backups

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// takenAt is the time in an id.
func takenAt(id string) time.Time {
	parsed, err := ulid.ParseStrict(id)
	if err != nil {
		return time.Time{}
	}
	return ulid.Time(parsed.Time()).UTC()
}

// Prune gives up the copies that are older than they are kept, and returns their ids. The newest copy of an environment that
// nothing is known against stays however old it is, and so does everything that is not a copy; but a file that a process
// left half written a day ago goes.
func (f *Folder) Prune(ctx context.Context) ([]string, error) {
	found, err := f.places("", "")
	if err != nil {
		return nil, fmt.Errorf("give up old backups: %w", err)
	}
	var gone []string
	var errs []error
	stays := map[string]bool{} // folders whose newest good copy was seen
	dirs := map[string]bool{f.dir: true}
	for _, p := range found { // newest first
		if err := ctx.Err(); err != nil {
			return gone, err
		}
		dirs[p.dir] = true
		b := p.backup()
		if b.Problem == "" && !stays[p.dir] {
			stays[p.dir] = true
			continue
		}
		if f.now().Sub(takenAt(p.id)) <= f.keep {
			continue
		}
		if !stays[p.dir] && !othersAreGood(found, p) {
			continue // all are damaged: perhaps something can be saved
		}
		if err := p.remove(); err != nil {
			errs = append(errs, err)
			continue
		}
		gone = append(gone, p.id)
	}
	for dir := range dirs {
		errs = append(errs, f.sweep(dir))
	}
	return gone, errors.Join(errs...)
}

// Drop implements deploy.Backups.
func (f *Folder) Drop(_ context.Context, id string) error {
	p, err := f.find(id)
	if err != nil {
		return err
	}
	if err := p.remove(); err != nil {
		return fmt.Errorf("give up backup %s: %w", id, err)
	}
	return nil
}

func othersAreGood(found []place, p place) bool {
	for _, other := range found {
		if other.dir == p.dir && other.id != p.id && other.backup().Problem == "" {
			return true
		}
	}
	return false
}

// remove deletes a copy: its manifest last, so that a half-deleted one is still listed.
func (p place) remove() error {
	for _, name := range []string{p.content(false), p.content(true), p.manifest()} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// sweep removes what a process left behind that died while it wrote.
func (f *Folder) sweep(dir string) error {
	all, err := entries(dir)
	for _, e := range all {
		info, infoErr := e.Info()
		if infoErr == nil && strings.HasPrefix(e.Name(), besides) && f.now().Sub(info.ModTime()) > leftovers {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return err
}
