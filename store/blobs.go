package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// ErrNoBlob is what Blob returns for a digest that the store does not hold.
var ErrNoBlob = errors.New("store: no such blob")

// CorruptBlobError says that a blob's file no longer holds what its name says.
type CorruptBlobError struct {
	// Digest is the name, Found the digest of what is there.
	Digest, Found string
}

// Error names both digests.
func (e *CorruptBlobError) Error() string {
	return fmt.Sprintf("store: blob %s is corrupt: its content has digest %s", e.Digest, e.Found)
}

// PutBlob keeps content and returns its digest, the SHA-256 in hex. It returns
// once the content is on disk under its name. Content that is already there is
// not written again, but its age begins anew, so that a sweep leaves it to
// whoever is about to refer to it; a corrupt file is replaced.
func (s *Store) PutBlob(ctx context.Context, content []byte) (digest string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	digest = hex.EncodeToString(sum[:])
	path := s.blobPath(digest)
	if _, err := s.Blob(ctx, digest); err == nil {
		now := time.Now()
		if err := os.Chtimes(path, now, now); err == nil {
			return digest, nil
		}
	}
	if err := s.writeBlob(path, content); err != nil {
		return "", fmt.Errorf("store: blob %s: %w", digest, err)
	}
	return digest, nil
}

// writeBlob writes a blob's file, and tells whoever watches.
func (s *Store) writeBlob(path string, content []byte) error {
	if s.watch == nil {
		return writeDurably(path, content, !s.nosync)
	}
	done, err := s.watch([]string{"blob/" + filepath.Base(path)})
	if err == nil {
		err = writeDurably(path, content, !s.nosync)
	}
	if err != nil {
		return err
	}
	return done()
}

// Blob returns the content with that digest. The content is verified: it
// returns ErrNoBlob when there is none and a *CorruptBlobError when the file
// holds something else.
func (s *Store) Blob(ctx context.Context, digest string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !isDigest(digest) {
		return nil, fmt.Errorf("%w: %q is not a digest", ErrNoBlob, digest)
	}
	content, err := os.ReadFile(s.blobPath(digest))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoBlob, digest)
	}
	if err != nil {
		return nil, fmt.Errorf("store: blob %s: %w", digest, err)
	}
	sum := sha256.Sum256(content)
	if found := hex.EncodeToString(sum[:]); found != digest {
		return nil, &CorruptBlobError{Digest: digest, Found: found}
	}
	return content, nil
}

// SweepBlobs removes blobs that nothing refers to and that were put before
// olderThan, and the remains of interrupted writes of that age. A blob is put
// before the record that names it, so olderThan must lie further back than any
// writer takes between the two.
func (s *Store) SweepBlobs(ctx context.Context, referenced func(digest string) bool, olderThan time.Time) (removed int, err error) {
	folders, err := os.ReadDir(s.blobs)
	if err != nil {
		return 0, fmt.Errorf("store: sweep blobs: %w", err)
	}
	for _, folder := range folders {
		files, err := os.ReadDir(filepath.Join(s.blobs, folder.Name()))
		if err != nil {
			return removed, fmt.Errorf("store: sweep blobs: %w", err)
		}
		for _, file := range files {
			if err := ctx.Err(); err != nil {
				return removed, err
			}
			info, err := file.Info()
			if err != nil || !info.ModTime().Before(olderThan) {
				continue
			}
			if isDigest(file.Name()) && referenced(file.Name()) {
				continue
			}
			if err := os.Remove(filepath.Join(s.blobs, folder.Name(), file.Name())); err != nil {
				return removed, fmt.Errorf("store: sweep blobs: %w", err)
			}
			removed++
		}
	}
	return removed, nil
}

// blobPath spreads blobs over 256 folders by the first byte of their digest.
func (s *Store) blobPath(digest string) string {
	return filepath.Join(s.blobs, digest[:2], digest)
}

// isDigest tells a digest from any other name, a path among them.
func isDigest(name string) bool {
	b, err := hex.DecodeString(name)
	return err == nil && len(b) == sha256.Size && hex.EncodeToString(b) == name
}

// writeDurably writes content to path so that after a crash the file is either
// whole or not there: temp file, fsync, rename, fsync of the folder. Without sync
// that is so as long as the machine lives.
func writeDurably(path string, content []byte, sync bool) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "writing-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(content)
	if err == nil && sync {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil || !sync {
		return err
	}
	return errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
}

// syncDir makes a rename in dir survive a loss of power.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
