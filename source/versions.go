package source

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"time"
)

// Versions is a fixed set of versions, each a folder named like the ref. It needs no git and no disk.
type Versions struct {
	fsys  fs.FS
	names []string
}

// NewVersions is a fixed set of versions: for each name, the folder of that name in fsys. Refs gives them in this order.
func NewVersions(fsys fs.FS, names []string) *Versions {
	return &Versions{fsys: fsys, names: slices.Clone(names)}
}

// Default implements Source: there is none, a person has to choose.
func (v *Versions) Default() string { return "" }

// Refs implements Source.
func (v *Versions) Refs(context.Context) ([]string, error) {
	return slices.Clone(v.names[:min(len(v.names), MaxRefs)]), nil
}

// Fetch implements Source. Commit is the beginning of a digest of the folder's names and content.
func (v *Versions) Fetch(ctx context.Context, ref string) (Snapshot, error) {
	if err := CheckRef(ref); err != nil {
		return Snapshot{}, err
	}
	if !slices.Contains(v.names, ref) {
		return Snapshot{}, notFound(ref, "the versions to choose from", v.names)
	}
	folder, err := fs.Sub(v.fsys, ref)
	if err == nil {
		_, err = fs.ReadDir(folder, ".")
	}
	if err != nil {
		return Snapshot{}, noFolder(ref, "the versions")
	}
	snapshot := newFiles(&plainTree{folder})
	commit, err := digest(ctx, snapshot)
	if err != nil {
		return Snapshot{}, err
	}
	return Snapshot{Ref: ref, Commit: commit, FS: snapshot}, nil
}

// digest names content: 12 hexadecimal digits of the SHA-256 of every file's path, length and bytes, in order.
func digest(ctx context.Context, fsys fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(h, "%q %d\n%s", name, len(content), content)
		return nil
	})
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil))[:12], nil
}

// plainTree is any file system.
type plainTree struct{ fsys fs.FS }

func (t *plainTree) stat(name string) (fs.FileInfo, error) {
	info, err := fs.Stat(t.fsys, name)
	return info, bare(err)
}

func (t *plainTree) list(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(t.fsys, name)
	return entries, bare(err)
}

func (t *plainTree) read(name string, limit int64) (content []byte, err error) {
	f, err := t.fsys.Open(name)
	if err != nil {
		return nil, bare(err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return readLimited(f, limit)
}

// readLimited reads all of r, or says errTooMuch.
func readLimited(r io.Reader, limit int64) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(content)) > limit {
		return nil, errTooMuch
	}
	return content, err
}

func sortEntries(entries []fs.DirEntry) {
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
}

// unixTime reads seconds since 1970, zero where there are none.
func unixTime(text string) time.Time {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
