package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"
	"time"
)

// The limits of a snapshot: what may be read of it, and what one folder may hold.
const (
	MaxBytes = 25 << 20
	MaxFiles = 5000
)

// tree is what an adapter knows of its files. Names are valid for fs.ValidPath. Errors are of type *Error where the
// content is at fault, else fs.ErrNotExist and the like.
type tree interface {
	// stat follows symbolic links, within the tree.
	stat(name string) (fs.FileInfo, error)
	// list gives a folder's entries sorted by name; links are not followed.
	list(name string) ([]fs.DirEntry, error)
	// read gives a file's content, errTooMuch where it is longer than limit bytes.
	read(name string, limit int64) ([]byte, error)
}

var errTooMuch = errors.New("longer than the limit")

// files is a tree as a file system, within the limits. Each file's content is read once, when it is first asked for.
type files struct {
	tree tree

	mu    sync.Mutex
	bytes int64
	count int
	held  map[string][]byte
}

func newFiles(t tree) *files { return &files{tree: t, held: map[string][]byte{}} }

// Open implements fs.FS.
func (f *files) Open(name string) (fs.File, error) {
	info, err := f.Stat(name)
	if err != nil {
		return nil, reop("open", err)
	}
	if info.IsDir() {
		return &folder{files: f, name: name, info: info}, nil
	}
	return &file{files: f, name: name, info: info}, nil
}

// Stat implements fs.StatFS.
func (f *files) Stat(name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
	}
	info, err := f.tree.stat(name)
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return info, nil
}

// ReadDir implements fs.ReadDirFS. A folder of more than MaxFiles entries is an error of kind ErrTooLarge.
func (f *files) ReadDir(name string) ([]fs.DirEntry, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid}
	}
	entries, err := f.tree.list(name)
	if err == nil && len(entries) > MaxFiles {
		err = tooLarge(fmt.Sprintf("%s holds %d entries, more than %d", name, len(entries), MaxFiles))
	}
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	return entries, nil
}

// ReadFile implements fs.ReadFileFS. Content beyond the limits is an error of kind ErrTooLarge, a Git LFS pointer one of
// kind ErrUnsupported.
func (f *files) ReadFile(name string) ([]byte, error) {
	info, err := f.Stat(name)
	if err != nil {
		return nil, reop("read", err)
	}
	if info.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("is a folder")}
	}
	content, err := f.content(name)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return bytes.Clone(content), nil
}

// lfsPointer is how every Git LFS pointer begins (git-lfs specification, "The Pointer").
const lfsPointer = "version https://git-lfs.github.com/spec/v1\n"

func (f *files) content(name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if content, ok := f.held[name]; ok {
		return content, nil
	}
	if f.count >= MaxFiles {
		return nil, tooLarge(fmt.Sprintf("more than %d files are to be read", MaxFiles))
	}
	content, err := f.tree.read(name, MaxBytes-f.bytes)
	switch {
	case errors.Is(err, errTooMuch):
		return nil, tooLarge(fmt.Sprintf("with %s more than 25 MB are to be read", name))
	case err != nil:
		return nil, err
	case bytes.HasPrefix(content, []byte(lfsPointer)):
		return nil, &Error{
			Kind: ErrUnsupported, What: name + " is a Git LFS pointer, not the content",
			Do: "Keep the file in git itself: git lfs migrate export --include=" + name,
		}
	}
	f.bytes += int64(len(content))
	f.count++
	f.held[name] = content
	return content, nil
}

func tooLarge(what string) error {
	return &Error{Kind: ErrTooLarge, What: what, Do: "Point source.path and migrations at folders that hold the app alone"}
}

func reop(op string, err error) error {
	if p, ok := err.(*fs.PathError); ok {
		return &fs.PathError{Op: op, Path: p.Path, Err: p.Err}
	}
	return err
}

// file is an open file; its content is fetched at the first Read.
type file struct {
	files *files
	name  string
	info  fs.FileInfo

	reader *bytes.Reader
	closed bool
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }

func (f *file) load() error {
	if f.closed {
		return &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrClosed}
	}
	if f.reader != nil {
		return nil
	}
	content, err := f.files.content(f.name)
	if err != nil {
		return &fs.PathError{Op: "read", Path: f.name, Err: err}
	}
	f.reader = bytes.NewReader(content)
	return nil
}

func (f *file) Read(p []byte) (int, error) {
	if err := f.load(); err != nil {
		return 0, err
	}
	return f.reader.Read(p)
}

func (f *file) Close() error {
	f.closed = true
	return nil
}

// folder is an open folder.
type folder struct {
	files   *files
	name    string
	info    fs.FileInfo
	entries []fs.DirEntry
	listed  bool
}

func (d *folder) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *folder) Close() error               { return nil }
func (d *folder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: fmt.Errorf("is a folder")}
}

// ReadDir implements fs.ReadDirFile.
func (d *folder) ReadDir(n int) ([]fs.DirEntry, error) {
	if !d.listed {
		entries, err := d.files.ReadDir(d.name)
		if err != nil {
			return nil, err
		}
		d.entries, d.listed = entries, true
	}
	if n <= 0 {
		n = len(d.entries)
	} else if len(d.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.entries))
	head := d.entries[:n:n]
	d.entries = d.entries[n:]
	return head, nil
}

// entryInfo is a file's description made by an adapter that has none of the operating system.
type entryInfo struct {
	name string
	size int64
	mode fs.FileMode
	time time.Time
}

func (e entryInfo) Name() string       { return path.Base(e.name) }
func (e entryInfo) Size() int64        { return e.size }
func (e entryInfo) Mode() fs.FileMode  { return e.mode }
func (e entryInfo) ModTime() time.Time { return e.time }
func (e entryInfo) IsDir() bool        { return e.mode.IsDir() }
func (e entryInfo) Sys() any           { return nil }
