package store

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

// A backup is a tar archive without compression:
//
//	towline.db           the records
//	blobs/ab/abcdef...   every blob, in the order of the digests
//	manifest.json        what the others are, with their sizes and sha256
//
// The manifest comes last, since it is written while the store is in use: an archive without one is not whole. No name
// but these is in it, and none is there twice.
const (
	recordsMember  = "towline.db"
	blobsMember    = "blobs/"
	manifestMember = "manifest.json"
	// backupVersion is the version of the archive's form.
	backupVersion = 1
)

// manifest is the last member of a backup.
type manifest struct {
	Version int       `json:"towline_backup"`
	Format  int       `json:"format"` // of the store
	Created time.Time `json:"created"`
	Members []member  `json:"members"` // all but the manifest, in their order
}

// member is one file of a backup.
type member struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hex
}

// Backup writes a copy of the store as one archive, while the store is in use: the records as one transaction sees them,
// then the blobs, which are always written before the record that names them. created is the time that the archive says
// it is of. The records are first copied to a nameless file beside the store, so that a slow writer holds no transaction
// open; otherwise it streams, and keeps some hundred bytes in memory for each blob.
//
// Where blobs are corrupt the archive is written all the same, with them as they are, and the error holds a
// *CorruptBlobError for each. With any other error the archive is not whole and CheckBackup refuses it.
func (s *Store) Backup(ctx context.Context, w io.Writer, created time.Time) error {
	records, err := s.spool()
	if err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	defer records.Close() //nolint:errcheck // a temporary file, read
	b := &backupWriter{ctx: ctx, tar: tar.NewWriter(w), manifest: manifest{Version: backupVersion, Created: created.UTC()}}
	if b.manifest.Format, err = s.format(); err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	if err := b.add(recordsMember, "", records); err != nil {
		return fmt.Errorf("store: backup: %s: %w", recordsMember, err)
	}
	if err := eachBlob(s.blobs, func(digest, path string) error { return b.addBlob(digest, path) }); err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	if err := b.close(); err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	return errors.Join(b.corrupt...)
}

// spool copies the records into a file that goes away with its handle, and returns it at its beginning.
func (s *Store) spool() (_ *os.File, err error) {
	f, err := os.CreateTemp(filepath.Dir(s.path), filepath.Base(s.path)+".backup-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err = s.db.View(func(b *bolt.Tx) error { _, err := b.WriteTo(f); return err }); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// eachBlob goes through the blobs of a folder in the order of their digests. The remains of interrupted writes are no blobs.
func eachBlob(dir string, do func(digest, path string) error) error {
	folders, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		files, err := os.ReadDir(filepath.Join(dir, folder.Name()))
		if err != nil {
			return err
		}
		for _, file := range files {
			if !isDigest(file.Name()) || !strings.HasPrefix(file.Name(), folder.Name()) {
				continue
			}
			if err := do(file.Name(), filepath.Join(dir, folder.Name(), file.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// backupWriter writes an archive and remembers what it wrote.
type backupWriter struct {
	ctx      context.Context //nolint:containedctx // of the one call
	tar      *tar.Writer
	manifest manifest
	corrupt  []error
}

// addBlob adds a blob; one that was swept meanwhile is left out.
func (b *backupWriter) addBlob(digest, path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // read only
	if err := b.add(blobsMember+digest[:2]+"/"+digest, digest, f); err != nil {
		return fmt.Errorf("blob %s: %w", digest, err)
	}
	return nil
}

// add writes a file as a member. digest is what its content should have, if that is known.
func (b *backupWriter) add(name, digest string, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: info.Size(), Mode: 0o600, ModTime: b.manifest.Created.Truncate(time.Second)}
	if err := b.tar.WriteHeader(header); err != nil {
		return err
	}
	h := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(b.tar, h), ctxReader{b.ctx, f}, info.Size()); err != nil {
		return err
	}
	sum := hex.EncodeToString(h.Sum(nil))
	if digest != "" && sum != digest {
		b.corrupt = append(b.corrupt, &CorruptBlobError{Digest: digest, Found: sum})
	}
	b.manifest.Members = append(b.manifest.Members, member{Name: name, Size: info.Size(), SHA256: sum})
	return nil
}

// close writes the manifest and the archive's end.
func (b *backupWriter) close() error {
	text, err := json.MarshalIndent(b.manifest, "", " ")
	if err != nil {
		return err
	}
	header := &tar.Header{Typeflag: tar.TypeReg, Name: manifestMember, Size: int64(len(text)), Mode: 0o600, ModTime: b.manifest.Created.Truncate(time.Second)}
	if err := b.tar.WriteHeader(header); err != nil {
		return err
	}
	if _, err := io.Copy(b.tar, ctxReader{b.ctx, bytes.NewReader(text)}); err != nil {
		return err
	}
	return b.tar.Close()
}

// ctxReader stops when its context is over.
type ctxReader struct {
	ctx context.Context //nolint:containedctx // of the one call
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// copyTo copies the records to a file (mode 0600, replaced if it is there), through to the disk, and returns its sha256.
func (s *Store) copyTo(path string) (sum string, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	err = s.db.View(func(b *bolt.Tx) error { _, err := b.WriteTo(io.MultiWriter(f, h)); return err })
	if err == nil {
		err = f.Sync()
	}
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, f.Close())
}

// sumOf is the sha256 of a file.
func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // read only
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}
