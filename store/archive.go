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
	"slices"
	"strings"
)

// manifestLimit is far more than the manifest of a million blobs.
const manifestLimit = 512 << 20

// unpacked is a backup that was read to its end, and is in itself what its manifest says.
type unpacked struct {
	manifest  manifest
	records   string // the file that they are in now
	blobs     map[[sha256.Size]byte]struct{}
	blobBytes int64
}

// has reports whether the backup holds that blob.
func (u *unpacked) has(digest string) bool {
	var name [sha256.Size]byte
	if n, err := hex.Decode(name[:], []byte(digest[:min(len(digest), 2*len(name))])); err != nil || n != len(name) || !isDigest(digest) {
		return false
	}
	_, ok := u.blobs[name]
	return ok
}

// unpack reads an archive of that many bytes, puts its records into a folder, and its blobs too if keep is set. What it
// does not expect it refuses by name: nothing in an archive says where something is written.
func unpack(ctx context.Context, archive io.Reader, size int64, dir string, keep bool) (*unpacked, error) {
	a := &archiveReader{tar: tar.NewReader(ctxReader{ctx, archive}), left: size, dir: dir, keep: keep}
	a.blobs = map[[sha256.Size]byte]struct{}{}
	for !a.ended {
		header, err := a.tar.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("it ends before its %s: it is not whole", manifestMember)
		}
		if err != nil {
			return nil, err
		}
		if header.Typeflag != tar.TypeReg {
			return nil, fmt.Errorf("%.100q is no plain file", header.Name)
		}
		if a.left -= header.Size; a.left < 0 || header.Size < 0 {
			return nil, fmt.Errorf("%.100q says that it has %d bytes: more than the archive has", header.Name, header.Size)
		}
		if err := a.member(header); err != nil {
			return nil, fmt.Errorf("%.100q: %w", header.Name, err)
		}
	}
	if header, err := a.tar.Next(); err == nil {
		return nil, fmt.Errorf("%.100q stands after the %s", header.Name, manifestMember)
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !slices.Equal(a.read, a.manifest.Members) {
		return nil, a.differs()
	}
	return &a.unpacked, nil
}

// archiveReader is how far an archive was read.
type archiveReader struct {
	unpacked
	tar   *tar.Reader
	left  int64 // bytes of the archive that no member has claimed
	dir   string
	keep  bool
	read  []member
	ended bool // the manifest was read
}

// member reads one of the files that a backup has, where it belongs.
func (a *archiveReader) member(header *tar.Header) error {
	digest, isBlob := blobOf(header.Name)
	switch {
	case len(a.read) == 0 && header.Name == recordsMember:
		a.records = filepath.Join(a.dir, recordsMember)
		return a.take(header, a.records)
	case len(a.read) > 0 && header.Name == manifestMember:
		a.ended = true
		return a.readManifest(header)
	case len(a.read) > 0 && isBlob && a.read[len(a.read)-1].Name < header.Name || len(a.read) == 1 && isBlob:
		to := ""
		if a.keep {
			to = filepath.Join(a.dir, blobsMember, digest[:2], digest)
		}
		if err := a.take(header, to); err != nil {
			return err
		}
		if found := a.read[len(a.read)-1].SHA256; found != digest {
			return &CorruptBlobError{Digest: digest, Found: found}
		}
		var name [sha256.Size]byte
		_, _ = hex.Decode(name[:], []byte(digest)) // blobOf has looked
		a.blobs[name] = struct{}{}
		a.blobBytes += header.Size
		return nil
	}
	return errors.New("does not belong there in a backup")
}

// blobOf is the digest of the blob that a member is.
func blobOf(name string) (digest string, ok bool) {
	folder, digest, ok := strings.Cut(strings.TrimPrefix(name, blobsMember), "/")
	return digest, ok && strings.HasPrefix(name, blobsMember) && isDigest(digest) && folder == digest[:2]
}

// take reads a member, and writes it to a new file (mode 0600) if it is given one.
func (a *archiveReader) take(header *tar.Header, to string) (err error) {
	h := sha256.New()
	w := io.Writer(h)
	if to != "" {
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Sync(), f.Close()) }()
		w = io.MultiWriter(f, h)
	}
	n, err := io.Copy(w, a.tar)
	if err == nil && n != header.Size {
		err = io.ErrUnexpectedEOF
	}
	a.read = append(a.read, member{Name: header.Name, Size: n, SHA256: hex.EncodeToString(h.Sum(nil))})
	return err
}

// readManifest reads the last member.
func (a *archiveReader) readManifest(header *tar.Header) error {
	if header.Size > manifestLimit {
		return fmt.Errorf("it has %d bytes", header.Size)
	}
	text, err := io.ReadAll(a.tar)
	if err != nil {
		return err
	}
	var version struct {
		Version int `json:"towline_backup"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return err
	}
	if version.Version > backupVersion {
		return fmt.Errorf("a newer Towline made this backup (version %d, this one knows %d): use that version", version.Version, backupVersion)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&a.manifest); err != nil {
		return err
	}
	if a.manifest.Version < 1 || a.manifest.Format < 1 {
		return errors.New("it says no version")
	}
	return nil
}

// differs names the first member that is not as the manifest has it.
func (a *archiveReader) differs() error {
	for i, want := range a.manifest.Members {
		switch {
		case i >= len(a.read) || a.read[i].Name != want.Name:
			return fmt.Errorf("%.100q is missing", want.Name)
		case a.read[i] != want:
			return fmt.Errorf("%.100q has %d bytes and the sha256 %s; the manifest says %d and %.64s", want.Name, a.read[i].Size, a.read[i].SHA256, want.Size, want.SHA256)
		}
	}
	return fmt.Errorf("%.100q is not in the manifest", a.read[len(a.manifest.Members)].Name)
}
