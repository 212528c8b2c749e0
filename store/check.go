package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/release"
)

// problemLimit ends the list of what is wrong with a copy.
const problemLimit = 20

// Report says what a copy of a store holds.
type Report struct {
	Format    int
	Created   time.Time // of a backup
	Records   int64     // bytes
	Blobs     int
	BlobBytes int64
	Releases  int
	Runs      int
	Logs      []audit.Verified // audit logs that are whole; none in format 1, which had no chains
}

// DamagedError lists what is wrong with a copy of a store, at most twenty things.
type DamagedError struct {
	Path     string
	Problems []error
}

// Error names the copy and everything that is wrong with it.
func (e *DamagedError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.Error()
	}
	return e.Path + ": " + strings.Join(lines, "; ")
}

// Unwrap gives the single problems: an *audit.Error, a *CorruptBlobError, ErrNoBlob, a *FormatError and others.
func (e *DamagedError) Unwrap() []error { return e.Problems }

// CheckBackup proves a backup: that the archive is whole and is what its manifest says, that the records are sound in
// themselves and of a format that this code knows, that every audit log is the chain that was written, and that every
// blob that a release, a plan or a card names is there. marks are heads of audit logs that somebody wrote down, by project. It
// returns a *DamagedError where something is wrong. It needs room for a copy of the records in the system's temporary folder.
//
// A backup is not signed. Whoever can write one can write another one that is as sound: the marks tell them apart.
func CheckBackup(ctx context.Context, archive string, marks map[string][]audit.Head) (Report, error) {
	dir, err := os.MkdirTemp("", "towline-check-*")
	if err != nil {
		return Report{}, err
	}
	r, _, err := checkInto(ctx, archive, dir, false, marks)
	return r, errors.Join(err, os.RemoveAll(dir))
}

// checkInto unpacks a backup into a folder and proves it.
func checkInto(ctx context.Context, archive, dir string, keep bool, marks map[string][]audit.Head) (Report, *unpacked, error) {
	f, err := os.Open(archive)
	if err != nil {
		return Report{}, nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return Report{}, nil, err
	}
	u, err := unpack(ctx, f, info.Size(), dir, keep)
	if err != nil {
		if ctx.Err() != nil {
			return Report{}, nil, ctx.Err()
		}
		return Report{}, nil, &DamagedError{Path: archive, Problems: []error{err}}
	}
	r, err := checkFile(ctx, u.records, u.has, marks)
	r.Created, r.Blobs, r.BlobBytes = u.manifest.Created, len(u.blobs), u.blobBytes
	var damaged *DamagedError
	if errors.As(err, &damaged) {
		damaged.Path = archive
	}
	if err == nil && r.Format != u.manifest.Format {
		err = &DamagedError{Path: archive, Problems: []error{fmt.Errorf("its records have format %d, and the manifest says %d", r.Format, u.manifest.Format)}}
	}
	return r, u, err
}

// checkFile proves a file of records, read only. have tells whether a blob is there; nil: it is not asked.
func checkFile(ctx context.Context, path string, have func(digest string) bool, marks map[string][]audit.Head) (r Report, err error) {
	c := &checker{ctx: ctx, have: have, marks: marks}
	defer func() {
		if p := recover(); p != nil { // bbolt, at something that checkPages lets pass
			c.found(fmt.Errorf("its records cannot be read: %v", p))
		}
		if c.err == nil && len(c.problems) > 0 {
			c.err = &DamagedError{Path: path, Problems: c.problems}
		}
		r, err = c.report, c.err
	}()
	db, err := openCopy(path)
	if err != nil {
		c.found(err)
		return
	}
	defer db.Close() //nolint:errcheck // read only
	c.s = &Store{path: path, db: db}
	for _, check := range []func() error{c.pages, c.format, c.logs, c.content} {
		if c.err = check(); c.err != nil || len(c.problems) > 0 {
			return
		}
	}
	return
}

// openCopy opens a file of records read only, after a look at whether bbolt can read it.
func openCopy(path string) (*bolt.DB, error) {
	if err := checkPages(path); err != nil {
		return nil, fmt.Errorf("its records are damaged: %w", err)
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: defaultLockTimeout})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, busy(path)
	}
	if err != nil {
		return nil, fmt.Errorf("its records cannot be read: %w", err)
	}
	return db, nil
}

// checker goes through records.
type checker struct {
	ctx      context.Context //nolint:containedctx // of the one call
	s        *Store
	have     func(digest string) bool
	marks    map[string][]audit.Head
	report   Report
	problems []error
	err      error // nothing can be said: the context is over
}

func (c *checker) found(problem error) {
	if len(c.problems) < problemLimit {
		c.problems = append(c.problems, problem)
	}
}

// pages is bbolt's own check of its file.
func (c *checker) pages() error {
	return c.s.db.View(func(b *bolt.Tx) error {
		c.report.Records = b.Size()
		for err := range b.Check() {
			c.found(fmt.Errorf("its records are damaged: %w", err))
		}
		return c.ctx.Err()
	})
}

func (c *checker) format() (err error) {
	switch c.report.Format, err = c.s.format(); {
	case err != nil:
		c.found(err)
	case c.report.Format > Format:
		c.found(&FormatError{Found: c.report.Format})
	case c.report.Format == 0:
		c.found(errors.New("it is not a store of Towline: there is nothing in it"))
	}
	return c.ctx.Err()
}

// logs proves the audit logs. Format 1 had no chains; a store that is half way from there has them in part.
func (c *checker) logs() error {
	if c.report.Format < 2 {
		return nil
	}
	d := c.s.Deploy()
	var names []string
	if err := d.View(c.ctx, func(tx deploy.Tx) error { names = tx.Logs(); return nil }); err != nil {
		return err
	}
	for project := range c.marks {
		names = append(names, project)
	}
	seen := map[string]bool{}
	for _, project := range names {
		if seen[project] {
			continue
		}
		seen[project] = true
		head, err := audit.VerifyLog(c.ctx, d, project, c.marks[project]...)
		if err != nil {
			c.found(err)
			continue
		}
		c.report.Logs = append(c.report.Logs, audit.Verified{Project: project, Head: head})
	}
	return c.ctx.Err()
}

// content reads every record of the engine, and asks for the blobs that releases, plans and cards name.
func (c *checker) content() error {
	return c.s.View(c.ctx, func(tx Tx) error {
		files := func(k string, migrations []release.Migration) {
			for _, m := range migrations {
				c.blob(k, m.Blob)
				c.blob(k, m.Down)
			}
		}
		c.report.Releases = each(c, tx, key("release")+"/", func(k string, r release.Release) {
			files(k, r.Migrations) // an earlier Towline kept them with the release
			c.blob(k, r.Seed)
			c.blob(k, r.Code)
			for _, q := range r.Queries {
				c.blob(k, q.Blob)
			}
		})
		each(c, tx, key("files")+"/", files)
		c.report.Runs = each(c, tx, key("run")+"/", func(k string, r release.Run) {
			c.blob(k, r.Before)
			if r.Seen != nil {
				c.blob(k, r.Seen.Schema)
			}
			if r.Plan != nil {
				for _, digest := range []string{r.Plan.Script, r.Plan.Report, r.Plan.Judged, r.Plan.Before} {
					c.blob(k, digest)
				}
			}
		})
		each(c, tx, key("state")+"/", func(k string, s release.State) {
			if s.Seen != nil {
				c.blob(k, s.Seen.Schema)
			}
			if s.Drift != nil {
				c.blob(k, s.Drift.Schema)
			}
		})
		each(c, tx, key("change")+"/", func(k string, change release.Change) { c.blob(k, change.Schema) })
		each(c, tx, key("known")+"/", func(string, release.Known) {})
		each(c, tx, key(""), func(string, json.RawMessage) {})
		for _, problem := range unreadUsage(tx) {
			c.found(problem)
		}
		for k := range tx.Scan(filePrefix, "", 0, false) {
			digest, _, _ := strings.Cut(strings.TrimPrefix(k, filePrefix), "/")
			c.blob(k, digest)
		}
		return c.ctx.Err()
	})
}

// each decodes the engine's records below a prefix, and counts them.
func each[T any](c *checker, tx Tx, prefix string, do func(k string, v T)) (n int) {
	for k, raw := range tx.Scan(prefix, "", 0, false) {
		if c.ctx.Err() != nil {
			return n
		}
		if strings.HasPrefix(k, key("cursor")+"/") { // a bare number
			continue
		}
		var v T
		if err := decode(raw, &v); err != nil {
			c.found(fmt.Errorf("record %s: %w", k, err))
			continue
		}
		do(k, v)
		n++
	}
	return n
}

// blob looks for a blob that a record names.
func (c *checker) blob(k, digest string) {
	if digest != "" && c.have != nil && !c.have(digest) {
		c.found(fmt.Errorf("%w: %s, which record %s names", ErrNoBlob, digest, k))
	}
}
