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

	"filippo.io/age"
)

// ErrNoKey says that a copy is encrypted and the key for it is not there.
var ErrNoKey = errors.New("it is encrypted, and backups.key_file is not the key")

// errDamaged says that a copy is not what was written.
var errDamaged = errors.New("its content is not what was written")

// Open implements deploy.Backups. ErrNoKey: it cannot be read here.
func (f *Folder) Open(ctx context.Context, id string) (io.ReadCloser, error) {
	p, err := f.find(id)
	if err != nil {
		return nil, err
	}
	m, err := p.read()
	if err != nil {
		return nil, fmt.Errorf("backup %s: %w", id, err)
	}
	return f.open(ctx, p, m)
}

func (f *Folder) open(ctx context.Context, p place, m manifest) (io.ReadCloser, error) {
	file, err := os.Open(p.content(m.Encrypted))
	if err != nil {
		return nil, fmt.Errorf("backup %s: %w", p.id, err)
	}
	content, err := f.unpack(bufio.NewReaderSize(file, 1<<16), m.Encrypted)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("backup %s: %w", p.id, err), file.Close())
	}
	return &reader{ctx: ctx, file: file, content: content, sum: sha256.New(), m: m}, nil
}

func (f *Folder) unpack(r io.Reader, encrypted bool) (io.Reader, error) {
	if encrypted {
		if !f.keys.held() {
			return nil, ErrNoKey
		}
		opened, err := age.Decrypt(r, f.keys.identities...)
		if _, wrong := errors.AsType[*age.NoIdentityMatchError](err); wrong {
			return nil, ErrNoKey
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errDamaged, err)
		}
		r = opened
	}
	text, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return text, nil
}

// reader reads a copy, and ends with an error in place of io.EOF where it is not what was written.
type reader struct {
	ctx     context.Context
	file    *os.File
	content io.Reader
	sum     hash.Hash
	size    int64
	m       manifest
}

// Read implements io.Reader.
func (r *reader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.content.Read(b)
	r.sum.Write(b[:n])
	r.size += int64(n)
	switch {
	case err == io.EOF && (r.size != r.m.Size || hex.EncodeToString(r.sum.Sum(nil)) != r.m.Sum):
		return n, fmt.Errorf("backup %s: %w: its checksum is another one", r.m.ID, errDamaged)
	case err != nil && err != io.EOF:
		return n, fmt.Errorf("backup %s: %w: %w", r.m.ID, errDamaged, err)
	}
	return n, err
}

// Close implements io.Closer.
func (r *reader) Close() error { return r.file.Close() }
