package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// save writes a file (mode 0600) that is whole or not there: it grows as FILE.partial, is proved if check is given, and
// gets its name only then. A file that is there is not replaced, unless force is set. What fails leaves nothing behind.
func save(path string, force bool, fill func(io.Writer) error, check func(partial string) error) (err error) {
	if _, err := os.Lstat(path); err == nil && !force {
		return inTheWay(path)
	}
	partial := path + ".partial"
	f, err := os.OpenFile(partial, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(&exitError{code: exitUnknown, text: fmt.Sprintf("another process is writing %s", partial)}, f.Close())
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if removed := os.Remove(partial); removed != nil && !errors.Is(removed, fs.ErrNotExist) {
			err = errors.Join(err, removed)
		}
	}()
	for _, step := range []func() error{
		func() error { return f.Chmod(0o600) }, // what a killed process left has another mode only if somebody meant harm
		func() error { return f.Truncate(0) },
		func() error { return fill(f) },
		f.Sync,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	if check != nil {
		if err := check(partial); err != nil {
			return err
		}
	}
	return settle(partial, path, force)
}

// settle gives a finished file its name. A link fails where a file of the name is there, at that very moment.
func settle(partial, path string, force bool) error {
	err := errors.ErrUnsupported
	if !force {
		err = os.Link(partial, path)
	}
	if errors.Is(err, fs.ErrExist) {
		return inTheWay(path)
	}
	if err != nil { // a file system without links
		err = os.Rename(partial, path)
	}
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func inTheWay(path string) error {
	return &exitError{code: exitRefused, text: fmt.Sprintf("%s is there already; -force replaces it", path)}
}
