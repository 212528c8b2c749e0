package backups

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"towline/deploy"
	"towline/migrations/dump"
)

// Restored is what a copy became as a database.
type Restored struct {
	Loaded   dump.Loaded
	Contents dump.Contents
}

// Rows is how many rows each table has.
func (r Restored) Rows() map[string]int64 {
	out := map[string]int64{}
	for _, t := range r.Contents.Tables {
		out[t.Name] = t.Rows
	}
	return out
}

// Restore makes an SQLite file of a copy at path, where there must be none, and checks it.
func (f *Folder) Restore(ctx context.Context, id, path string) (Restored, error) {
	p, err := f.find(id)
	if err != nil {
		return Restored{}, err
	}
	m, err := p.read()
	if err != nil {
		return Restored{}, fmt.Errorf("backup %s: %w", id, err)
	}
	return f.restore(ctx, p, m, path)
}

func (f *Folder) restore(ctx context.Context, p place, m manifest, path string) (r Restored, err error) {
	text, err := f.open(ctx, p, m)
	if err != nil {
		return Restored{}, err
	}
	defer func() { err = errors.Join(err, text.Close()) }()
	if r.Loaded, err = dump.Load(ctx, text, path); err != nil {
		// Text that is not what was written is refused by SQLite somewhere; the end of the copy tells why.
		if _, cause := io.Copy(io.Discard, text); errors.Is(cause, errDamaged) {
			err = cause
		}
		return Restored{}, fmt.Errorf("restore backup %s: %w", p.id, err)
	}
	if r.Contents, err = dump.Verify(ctx, path); err != nil {
		return Restored{}, fmt.Errorf("restore backup %s: %w", p.id, err)
	}
	return r, m.compare(r.Contents)
}

// compare says what differs from what is known: from the rows that D1 had, and from what the copy was when it was first
// restored.
func (m manifest) compare(c dump.Contents) error {
	if len(c.Damage) > 0 {
		return fmt.Errorf("backup %s: the restored database is damaged: %s", m.ID, c.Damage[0])
	}
	seen := map[string]bool{}
	for _, t := range c.Tables {
		seen[t.Name] = true
		if rows, counted := m.Rows[t.Name]; counted && rows != t.Rows {
			return fmt.Errorf("backup %s: table %s has %d rows when restored, and had %d", m.ID, t.Name, t.Rows, rows)
		}
		if hash := m.Hashes[t.Name]; hash != "" && t.Hash != "" && hash != t.Hash {
			return fmt.Errorf("backup %s: the rows of table %s are not those of the first check", m.ID, t.Name)
		}
	}
	for name := range m.Rows {
		if !seen[name] {
			return fmt.Errorf("backup %s: table %s is not in it", m.ID, name)
		}
	}
	return nil
}

// Check implements deploy.Backups. It needs space for the database on the disk of the copies, and leaves nothing there. What it
// finds wrong is remembered with the copy as well, but not that a key was missing, that the disk was full or that it was interrupted.
func (f *Folder) Check(ctx context.Context, id string) (deploy.Backup, error) {
	p, err := f.find(id)
	if err != nil {
		return deploy.Backup{}, err
	}
	m, err := p.read()
	if err != nil {
		return p.backup(), fmt.Errorf("backup %s: %w", id, err)
	}
	dir, err := os.MkdirTemp(f.dir, besides+"*") // mode 0700
	if err != nil {
		return m.backup(), fmt.Errorf("%w: %w", deploy.ErrUntried, err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // what stays is swept up later
	restored, err := f.restore(ctx, p, m, filepath.Join(dir, "restored.sqlite"))
	switch {
	case err == nil:
		m.proven(restored)
		m.CheckedAt = f.now().UTC()
	case ctx.Err() != nil, errors.Is(err, ErrNoKey):
		return m.backup(), err
	case ofMachine(err):
		return m.backup(), fmt.Errorf("%w: %w", deploy.ErrUntried, err)
	default:
		m.Problem = err.Error()
	}
	if writeErr := p.write(m); writeErr != nil {
		err = errors.Join(err, fmt.Errorf("remember the check of backup %s: %w", id, writeErr))
	}
	return m.backup(), err
}

// ofMachine reports whether it is this machine that failed, and not the copy: SQLite writes a new file, so that what it cannot
// read or write there is no fault of the copy's.
func ofMachine(err error) bool {
	return slices.ContainsFunc([]error{
		sqlite3.IOERR, sqlite3.FULL, sqlite3.CANTOPEN, sqlite3.NOMEM, sqlite3.READONLY, sqlite3.PERM,
		fs.ErrPermission, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM,
	}, func(cause error) bool { return errors.Is(err, cause) })
}

// proven takes down what a copy held when it was restored.
func (m *manifest) proven(r Restored) {
	m.Problem = ""
	m.Rows, m.Hashes = map[string]int64{}, map[string]string{}
	for _, t := range r.Contents.Tables {
		m.Rows[t.Name] = t.Rows
		if t.Hash != "" {
			m.Hashes[t.Name] = t.Hash
		}
	}
	if m.Way == wayTables {
		if len(r.Loaded.Imprecise) == 0 {
			m.Unexported = "" // an export would do again
		}
		return
	}
	for _, i := range r.Loaded.Imprecise {
		words := fmt.Sprintf("%s.%s: %d whole numbers beyond 2^53, which an export of D1 rounds", i.Table, i.Column, i.Values)
		if !slices.Contains(m.Missing, words) {
			m.Missing = append(m.Missing, words)
		}
	}
}
