package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	bolt "go.etcd.io/bbolt"

	"towline/deploy"
	"towline/deploy/audit"
)

// Format is the version of the store as a whole that this code reads and writes. It grows when records have to be moved to
// be read rightly; a field that is only added needs no new one.
//
//	1  what the first Towline wrote: no format record, audit entries without hashes
//	2  audit logs are chains, each with a head; records have version 2, so that the first Towline, which knows of no
//	   format, refuses them
const Format = 2

// The records about the format itself, which belong to no room.
const (
	formatKey = "format"        // the number
	movingKey = "format/moving" // while a store is moved forward: the file name of its backup
)

// moveStep is how many records one transaction of a move rewrites. Each is read and written.
const moveStep = 100

// FormatError says that the store was written by a newer Towline.
type FormatError struct {
	Found int
}

// Error says so, and what to do.
func (e *FormatError) Error() string {
	return fmt.Sprintf("written by a newer Towline (format %d, this one knows %d): use that version, or restore a backup", e.Found, Format)
}

// Moved says what Open had to do to a store of an older Towline.
type Moved struct {
	From   int    // the format that it had; 0: nothing had to be done
	Backup string // the copy from before
}

// Moved tells whether Open moved the store forward.
func (s *Store) Moved() Moved { return s.moved }

// steps lets a test end the process, as it were, between two steps. A service has none.
type steps func(done string) error

func (f steps) after(done string) error {
	if f == nil {
		return nil
	}
	return f(done)
}

// formatOf reads the format of a store: 0 where nothing was ever stored.
func formatOf(b *bolt.Tx) (int, error) {
	bucket := b.Bucket([]byte(bucketName))
	if bucket == nil {
		return 0, nil
	}
	if v := bucket.Get([]byte(formatKey)); v != nil {
		n, err := strconv.Atoi(string(v))
		if err != nil || n < 1 {
			return 0, fmt.Errorf("record %s: %.40q is no format", formatKey, v)
		}
		return n, nil
	}
	if k, _ := bucket.Cursor().First(); k == nil {
		return 0, nil
	}
	return 1, nil
}

func (s *Store) format() (n int, err error) {
	err = s.db.View(func(b *bolt.Tx) error {
		n, err = formatOf(b)
		return err
	})
	return n, err
}

// moveForward brings a store that has another format to this one. It can be ended anywhere and begins again where it was:
// each transaction leaves a store that says how far it has come.
func (s *Store) moveForward(found int, o Options) error {
	switch found {
	case Format:
		return nil
	case 0:
		return s.db.Update(func(b *bolt.Tx) error {
			bucket, err := b.CreateBucketIfNotExists([]byte(bucketName))
			if err != nil {
				return err
			}
			return bucket.Put([]byte(formatKey), []byte(strconv.Itoa(Format)))
		})
	}
	backup, err := s.keepCopy(found, o)
	if err != nil {
		return fmt.Errorf("backup before format %d becomes %d: %w", found, Format, err)
	}
	if err := s.fromOne(o); err != nil {
		return fmt.Errorf("move from format %d to %d (%s is the store from before): %w", found, Format, backup, err)
	}
	s.moved = Moved{From: found, Backup: backup}
	return nil
}

// keepCopy copies the file beside it, once for each move, and returns the copy.
func (s *Store) keepCopy(found int, o Options) (string, error) {
	ctx, name := context.Background(), ""
	err := s.View(ctx, func(tx Tx) error {
		v, _ := tx.Get(movingKey)
		name = string(v)
		return nil
	})
	if err != nil || name != "" {
		return filepath.Join(filepath.Dir(s.path), filepath.Base(name)), err
	}
	writing := s.path + ".bak.writing"
	sum, err := s.copyTo(writing)
	if err != nil {
		return "", err
	}
	if err := o.step.after("copy written"); err != nil {
		return "", err
	}
	if _, err := checkFile(ctx, writing, nil, nil); err != nil {
		return "", err
	}
	path, err := s.nameCopy(writing, sum, found)
	if err != nil {
		return "", err
	}
	if err := o.step.after("copy named"); err != nil {
		return "", err
	}
	return path, s.Update(ctx, func(tx Tx) error { tx.Put(movingKey, []byte(filepath.Base(path))); return nil })
}

// nameCopy gives a copy its name: path.v1.bak, or path.v1-2.bak where another store's copy has that one. A copy that was
// made before, of the very same content, is the copy.
func (s *Store) nameCopy(writing, sum string, found int) (string, error) {
	for n := 1; ; n++ {
		path := fmt.Sprintf("%s.v%d.bak", s.path, found)
		if n > 1 {
			path = fmt.Sprintf("%s.v%d-%d.bak", s.path, found, n)
		}
		there, err := sumOf(path)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return path, errors.Join(os.Rename(writing, path), syncDir(filepath.Dir(path)))
		case err != nil:
			return "", err
		case there == sum:
			return path, os.Remove(writing)
		}
	}
}

// fromOne moves format 1 to 2.
func (s *Store) fromOne(o Options) error {
	ctx := context.Background()
	if err := o.step.after("move begun"); err != nil {
		return err
	}
	if err := s.raiseStates(ctx, o); err != nil {
		return err
	}
	var names []string
	if err := s.View(ctx, func(tx Tx) error { names = logs(tx); return nil }); err != nil {
		return err
	}
	for _, project := range names {
		if err := s.sealLog(ctx, project, o); err != nil {
			return err
		}
	}
	err := s.Update(ctx, func(tx Tx) error {
		tx.Put(formatKey, []byte(strconv.Itoa(Format)))
		tx.Delete(movingKey)
		return nil
	})
	return errors.Join(err, o.step.after("move ended"))
}

// raiseStates gives the records of environments the version that the first Towline refuses. It reads one before it does
// anything, and so leaves a store alone that was moved.
func (s *Store) raiseStates(ctx context.Context, o Options) error {
	prefix := key("state") + "/"
	for last, n := prefix, moveStep; n == moveStep; {
		from := last
		err := s.Update(ctx, func(tx Tx) error {
			n = 0
			for k, raw := range tx.Scan(prefix, from, moveStep, false) {
				n, last = n+1, k+"\x00"
				var r record
				if err := json.Unmarshal(raw, &r); err != nil {
					return fmt.Errorf("record %s: %w", k, err)
				}
				r.V = recordVersion
				if err := putRecord(tx, k, r); err != nil {
					return err
				}
			}
			return nil
		})
		if err := errors.Join(err, o.step.after("environments raised")); err != nil {
			return err
		}
	}
	return nil
}

// sealLog makes a chain of a log without hashes. The chain proves the log from now on: what was done to it before, no
// hash can tell.
func (s *Store) sealLog(ctx context.Context, project string, o Options) error {
	prefix := logPrefix(project)
	for n := moveStep; n == moveStep; {
		err := s.Deploy().Update(ctx, func(tx deploy.Tx) error {
			t := tx.(*deployTx) //nolint:forcetypeassert // it is ours
			head, _ := t.head(project)
			n = 0
			for k, raw := range t.tx.Scan(prefix, prefix+number(head.Seq+1), moveStep, false) {
				var e audit.Entry
				if err := decode(raw, &e); err != nil {
					return fmt.Errorf("record %s: %w", k, err)
				}
				seq, err := strconv.ParseUint(strings.TrimPrefix(k, prefix), 10, 64)
				if err != nil {
					return fmt.Errorf("record %s: %w", k, err)
				}
				e.Seq = seq
				e = e.Sealed(head.Hash)
				put(t, k, e)
				head, n = headRecord{Seq: e.Seq, Hash: e.Hash}, n+1
			}
			if n > 0 {
				put(t, key(headKind, segment(project)), head)
			}
			t.tx.Delete(counterPrefix + "audit/" + project) // the head counts now
			return nil
		})
		if err := errors.Join(err, o.step.after("entries sealed")); err != nil {
			return err
		}
	}
	return nil
}
