package backups

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"filippo.io/age"
	"github.com/oklog/ulid/v2"

	"towline/deploy"
)

// besides begins the names of files that are being written, and of folders in which copies are tried.
const besides = ".towline-"

// Keep implements deploy.Backups. The copy is there under its name once it is whole and on the disk, and not before.
// What is too old is given up afterwards.
func (f *Folder) Keep(ctx context.Context, b deploy.Backup, write func(io.Writer, *deploy.Backup) error) (deploy.Backup, error) {
	if err := ctx.Err(); err != nil {
		return deploy.Backup{}, err
	}
	dir, err := f.environment(b.Project, b.Environment)
	if err != nil {
		return deploy.Backup{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return deploy.Backup{}, fmt.Errorf("keep a backup: %w", err)
	}
	if b.TakenAt.IsZero() {
		b.TakenAt = f.now()
	}
	b.TakenAt = b.TakenAt.UTC()
	if b.ID, err = f.newID(b); err != nil {
		return deploy.Backup{}, fmt.Errorf("keep a backup: %w", err)
	}
	b.Encrypted, b.CheckedAt, b.Problem = f.keys.held(), b.CheckedAt.UTC(), ""
	p := place{dir, b.ID}
	if err := f.content(ctx, p, &b, write); err != nil {
		return deploy.Backup{}, fmt.Errorf("keep a backup: %w", err)
	}
	if err := p.write(manifestOf(b)); err != nil {
		return deploy.Backup{}, errors.Join(fmt.Errorf("keep a backup: %w", err), os.Remove(p.content(b.Encrypted)))
	}
	if _, err := f.Prune(ctx); err != nil {
		f.log.WarnContext(ctx, "old backups were not given up", "error", err)
	}
	return b, nil
}

// newID makes an id that sorts by the time at which the copy was taken.
func (f *Folder) newID(b deploy.Backup) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id, err := ulid.New(ulid.Timestamp(b.TakenAt), f.random)
	return id.String(), err
}

// content writes the file and fills in what is known of it.
func (f *Folder) content(ctx context.Context, p place, b *deploy.Backup, write func(io.Writer, *deploy.Backup) error) error {
	file, err := newFile(p.dir)
	if err != nil {
		return err
	}
	defer file.discard()
	out, err := f.pack(file)
	if err != nil {
		return err
	}
	known := *b
	err = write(out, b)
	b.ID, b.Project, b.Environment, b.TakenAt, b.Encrypted = known.ID, known.Project, known.Environment, known.TakenAt, known.Encrypted
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = out.Close()
	}
	if err == nil && out.size == 0 {
		err = errors.New("there is nothing in it")
	}
	if err != nil {
		return err
	}
	b.Size, b.Sum = out.size, hex.EncodeToString(out.sum.Sum(nil))
	info, err := file.Stat()
	if err != nil {
		return err
	}
	b.Bytes = info.Size()
	return file.keep(p.content(b.Encrypted))
}

// packer compresses, encrypts where there is a key, and adds up what goes in.
type packer struct {
	io.Writer
	sum    hash.Hash
	size   int64
	layers []io.Closer // outermost first
	flush  func() error
}

func (f *Folder) pack(file io.Writer) (*packer, error) {
	buffer := bufio.NewWriterSize(file, 1<<16)
	p := &packer{sum: sha256.New(), flush: buffer.Flush}
	inner := io.Writer(buffer)
	if f.keys.held() {
		sealed, err := age.Encrypt(inner, f.keys.recipients...)
		if err != nil {
			return nil, err
		}
		inner, p.layers = sealed, append(p.layers, sealed)
	}
	small, err := gzip.NewWriterLevel(inner, gzip.BestSpeed) // an export waits for it
	if err != nil {
		return nil, err
	}
	p.layers = append([]io.Closer{small}, p.layers...)
	p.Writer = io.MultiWriter(small, p.sum)
	return p, nil
}

// Write implements io.Writer.
func (p *packer) Write(b []byte) (int, error) {
	n, err := p.Writer.Write(b)
	p.size += int64(n)
	return n, err
}

// Close ends the layers and writes what is buffered.
func (p *packer) Close() error {
	for _, l := range p.layers {
		if err := l.Close(); err != nil {
			return err
		}
	}
	return p.flush()
}

// newfile is a file that is being written beside its later place, readable by nobody else.
type newfile struct {
	*os.File
	done bool
}

func newFile(dir string) (*newfile, error) {
	f, err := os.CreateTemp(dir, besides+"*") // mode 0600
	if err != nil {
		return nil, err
	}
	return &newfile{File: f}, nil
}

// keep puts the file on the disk and gives it its name.
func (f *newfile) keep(name string) error {
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	f.done = true
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// discard removes the file, unless it was kept.
func (f *newfile) discard() {
	if !f.done {
		_ = f.Close() // closed already where keep has failed
		_ = os.Remove(f.Name())
	}
}
