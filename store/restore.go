package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"towline/deploy/audit"
)

// Restored says what Restore did.
type Restored struct {
	Report
	Aside string // the store that was there, now at this path, with its blobs beside it as a store has them; empty: there was none
}

// Restore puts a backup in the place of the store at path. It checks the backup first (CheckBackup) and refuses a bad one with
// a *DamagedError; it returns a *BusyError while a process holds the store, and keeps others from it meanwhile. What was
// there is kept as "path.before-restore-TIME", of the time that now is in UTC, and can be opened there: nothing is deleted.
//
// The records change places in one rename, after everything that they need is there: blobs are only ever added. So whenever
// the process ends, the store at path is either the old one or the new one, whole.
func Restore(ctx context.Context, archive, path string, now time.Time, marks map[string][]audit.Head) (Restored, error) {
	r := restoring{path: Locate(path), archive: archive, now: now, marks: marks}
	done, err := r.run(ctx)
	if err != nil {
		return Restored{}, fmt.Errorf("restore %s: %w", path, err)
	}
	return done, nil
}

// restoring is one restore.
type restoring struct {
	path, archive string
	now           time.Time
	marks         map[string][]audit.Head
	step          steps
}

func (r *restoring) run(ctx context.Context) (_ Restored, err error) {
	release, err := r.hold()
	if err != nil {
		return Restored{}, err
	}
	defer func() { err = errors.Join(err, release()) }()
	staging, err := r.stage()
	if err != nil {
		return Restored{}, err
	}
	report, u, err := checkInto(ctx, r.archive, staging, true, r.marks)
	if err != nil {
		return Restored{}, errors.Join(err, os.RemoveAll(staging))
	}
	if err := r.step.after("checked"); err != nil {
		return Restored{}, err
	}
	done := Restored{Report: report}
	if done.Aside, err = r.putAside(); err != nil {
		return Restored{}, err
	}
	if err := r.addBlobs(filepath.Join(staging, blobsMember)); err != nil {
		return Restored{}, err
	}
	err = errors.Join(os.Rename(u.records, r.path), syncDir(filepath.Dir(r.path)))
	if err == nil {
		err = r.step.after("records in place")
	}
	if err != nil {
		return Restored{}, err
	}
	return done, os.RemoveAll(staging)
}

// hold locks the store that is there, so that nobody opens it. One that is too damaged to be opened needs no lock.
func (r *restoring) hold() (release func() error, err error) {
	none := func() error { return nil }
	if _, err := os.Stat(r.path); errors.Is(err, os.ErrNotExist) {
		return none, nil
	} else if err != nil {
		return nil, err
	}
	var file *os.File
	defer func() {
		if p := recover(); p != nil { // bbolt does so at pages that make no sense
			release, err = none, file.Close()
		}
	}()
	db, err := bolt.Open(r.path, 0o600, &bolt.Options{
		Timeout: defaultLockTimeout,
		OpenFile: func(name string, flag int, mode os.FileMode) (_ *os.File, err error) {
			file, err = os.OpenFile(name, flag, mode)
			return file, err
		},
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, busy(r.path)
	case err != nil && file == nil:
		return nil, err
	case err != nil:
		return none, nil //nolint:nilerr // a damaged store is what a backup is for
	}
	return db.Close, nil
}

// stage makes a folder beside the store, on the same disk, and removes those of restores that did not come to their end.
func (r *restoring) stage() (string, error) {
	dir, base := filepath.Dir(r.path), filepath.Base(r.path)+".restoring-"
	left, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, entry := range left {
		if name := entry.Name(); len(name) > len(base) && name[:len(base)] == base {
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				return "", err
			}
		}
	}
	return os.MkdirTemp(dir, base+"*")
}

// putAside gives the store that is there a second name, and its blobs a second folder. Blobs are never written to, so the
// two can share their files.
func (r *restoring) putAside() (string, error) {
	if _, err := os.Stat(r.path); errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	aside := r.path + ".before-restore-" + r.now.UTC().Format("20060102T150405Z")
	for n, name := 2, aside; ; n++ {
		_, err1 := os.Lstat(aside)
		_, err2 := os.Lstat(aside + blobSuffix)
		if errors.Is(err1, os.ErrNotExist) && errors.Is(err2, os.ErrNotExist) {
			break
		}
		aside = fmt.Sprintf("%s-%d", name, n)
	}
	if err := os.Mkdir(aside+blobSuffix, 0o700); err != nil {
		return "", err
	}
	err := eachBlob(r.path+blobSuffix, func(digest, path string) error {
		to := filepath.Join(aside+blobSuffix, digest[:2], digest)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		return linkOrCopy(path, to)
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if err := r.step.after("blobs aside"); err != nil {
		return "", err
	}
	if err := errors.Join(linkOrCopy(r.path, aside), syncDir(filepath.Dir(r.path))); err != nil {
		return "", err
	}
	return aside, r.step.after("records aside")
}

// addBlobs moves the backup's blobs to those that are there. One that is there already has the same content, or is corrupt.
func (r *restoring) addBlobs(from string) error {
	to := r.path + blobSuffix
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	folders := map[string]bool{to: true}
	err := eachBlob(from, func(digest, path string) error {
		folder := filepath.Join(to, digest[:2])
		if !folders[folder] {
			if err := os.MkdirAll(folder, 0o700); err != nil {
				return err
			}
			folders[folder] = true
		}
		if err := os.Rename(path, filepath.Join(folder, digest)); err != nil {
			return err
		}
		return r.step.after("blob in place")
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) { // a backup without blobs has no folder
		return err
	}
	for folder := range folders {
		if err := syncDir(folder); err != nil {
			return err
		}
	}
	return nil
}

// linkOrCopy gives a file a second name, or makes a second file where the file system knows no links.
func linkOrCopy(from, to string) error {
	if err := os.Link(from, to); err == nil || errors.Is(err, os.ErrExist) {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // read only
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
