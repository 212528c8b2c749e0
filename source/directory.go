package source

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// DirectoryOptions describe a directory; the zero value of all but Dir is fine.
type DirectoryOptions struct {
	// Dir is the directory; Path the app's folder below it, with slashes, "" for Dir itself.
	Dir, Path string
	// Ref is what Fetch takes for "", itself "" for the directory as it is.
	Ref string
	// Git is the git binary, "git" if empty; 2.31 or newer.
	Git string
	// Getenv gives git's surroundings, os.Getenv if nil.
	Getenv func(string) string
}

// Directory is a folder on this machine, taken as it is or, where it is a git checkout, at a ref. Nothing in it is ever
// changed: a ref is read out of the repository, the work tree stays as it is.
type Directory struct {
	o DirectoryOptions
}

// NewDirectory is a folder on this machine. Nothing is read before the first Fetch or Refs.
func NewDirectory(o DirectoryOptions) *Directory {
	if o.Git == "" {
		o.Git = "git"
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	return &Directory{o: o}
}

// Default implements Source.
func (d *Directory) Default() string { return d.o.Ref }

// Fetch implements Source. As it is, the directory is live: a file that changes while it is read is read changed.
func (d *Directory) Fetch(ctx context.Context, ref string) (Snapshot, error) {
	if ref == "" {
		ref = d.o.Ref
	}
	if err := CheckRef(ref); err != nil {
		return Snapshot{}, err
	}
	info, err := os.Stat(d.o.Dir)
	if err != nil || !info.IsDir() {
		return Snapshot{}, d.unreadable(err)
	}
	top := checkout(d.o.Dir)
	if ref != "" {
		return d.at(ctx, top, ref)
	}
	folder := filepath.Join(d.o.Dir, filepath.FromSlash(d.o.Path))
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return Snapshot{}, noFolder(d.o.Path, d.o.Dir)
	}
	s := Snapshot{FS: newFiles(&dirTree{root: folder})}
	if top == "" {
		return s, nil
	}
	err = d.head(ctx, top, folder, &s)
	return s, err
}

// head adds which branch and commit the work tree stands on, where there is one, and whether the folder differs from it: then
// it is no branch's content. Where git
// is not installed or does not take the repository, the directory is as good without.
func (d *Directory) head(ctx context.Context, top, folder string, s *Snapshot) error {
	git := d.git(top)
	out, err := git.run(ctx, "", "log", "-1", "--no-mailmap", "--format=%H%n%ct%n%an%n%s", "HEAD")
	if err != nil {
		return ctx.Err()
	}
	lines := append(strings.SplitN(strings.TrimSuffix(out, "\n"), "\n", 4), "", "", "")
	s.Commit, s.CommitTime, s.Author, s.Subject = lines[0], unixTime(lines[1]), lines[2], lines[3]
	status := *git
	status.dir = folder
	if out, err = status.run(ctx, "", "status", "--porcelain", "-z", "--ignore-submodules=all", "--", "."); err != nil {
		return ctx.Err()
	}
	s.Dirty, s.Web = out != "", d.web(ctx, git)
	if s.Dirty {
		return nil // what is there is no branch's content
	}
	if branch, err := git.run(ctx, "", "symbolic-ref", "--quiet", "--short", "HEAD"); err == nil {
		s.Ref = strings.TrimSpace(branch)
	}
	return ctx.Err()
}

func (d *Directory) web(ctx context.Context, git *command) string {
	out, err := git.run(ctx, "", "config", "--get", "remote.origin.url")
	if err != nil {
		return ""
	}
	return webOf(strings.TrimSpace(out))
}

// at reads a ref out of the checkout's repository.
func (d *Directory) at(ctx context.Context, top, ref string) (Snapshot, error) {
	if top == "" {
		return Snapshot{}, &Error{
			Kind: ErrRefNotFound, What: d.o.Dir + " is not a git checkout, so it has no refs",
			Do: "Leave the ref out to take the directory as it is",
		}
	}
	git := d.git(top)
	refs, err := d.list(ctx, git)
	if err != nil {
		return Snapshot{}, err
	}
	name, commit := "", ""
	if r, ok := findRef(refs, ref); ok && !fullCommit.MatchString(ref) {
		name, commit = r.shown(ref), r.commit
	} else if shortCommit.MatchString(ref) || fullCommit.MatchString(ref) {
		out, err := git.run(ctx, "", "rev-parse", "--verify", "--quiet", ref+"^{commit}")
		if err == nil {
			name, commit = strings.TrimSpace(out), strings.TrimSpace(out)
		}
	}
	if ctx.Err() != nil {
		return Snapshot{}, context.Cause(ctx)
	}
	if commit == "" {
		return Snapshot{}, notFound(ref, d.o.Dir, shortNames(refs))
	}
	folder, err := d.below(top)
	if err != nil {
		return Snapshot{}, err
	}
	s, err := describe(ctx, git, commit, folder)
	if err != nil {
		return Snapshot{}, d.explain(err)
	}
	s.Ref, s.Web = name, d.web(ctx, git)
	return s.Snapshot, nil
}

// below is the app's folder as seen from the checkout's top.
func (d *Directory) below(top string) (string, error) {
	dir, err := filepath.EvalSymlinks(d.o.Dir)
	if err != nil {
		return "", d.unreadable(err)
	}
	rel, err := filepath.Rel(top, dir)
	if err != nil {
		return "", d.unreadable(err)
	}
	return filepath.ToSlash(filepath.Join(rel, filepath.FromSlash(d.o.Path))), nil
}

// Refs implements Source; a directory that is no checkout has none.
func (d *Directory) Refs(ctx context.Context) ([]string, error) {
	top := checkout(d.o.Dir)
	if top == "" {
		return nil, nil
	}
	git := d.git(top)
	refs, err := d.list(ctx, git)
	if err != nil {
		return nil, err
	}
	var commits strings.Builder
	for _, r := range refs {
		commits.WriteString(r.commit + "\n")
	}
	times, err := commitTimes(ctx, git, commits.String())
	if err != nil {
		return nil, d.explain(err)
	}
	return newestFirst(refs, times, d.o.Ref), nil
}

// list are the checkout's own branches and tags.
func (d *Directory) list(ctx context.Context, git *command) ([]refLine, error) {
	format := "%(objectname)%09%(refname)%0a%(if)%(*objectname)%(then)%(*objectname)%09%(refname)^{}%(end)"
	out, err := git.run(ctx, "", "for-each-ref", "--format="+format, "refs/heads", "refs/tags")
	if err != nil {
		return nil, d.explain(err)
	}
	return parseRefs(out), nil
}

// git reads the checkout, trusting its owner: whoever configured the directory has named it. It speaks no protocol.
func (d *Directory) git(top string) *command {
	return &command{binary: d.o.Git, dir: top, getenv: d.o.Getenv, settings: []string{"safe.directory=" + top}}
}

// checkout is the top of the git work tree that holds a directory, "" where there is none. One above the directory that
// belongs to somebody else is not taken: its configuration could run programs.
func checkout(dir string) string {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return ""
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return ""
	}
	owner := ownerOf(dir)
	for {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			if of := ownerOf(filepath.Join(dir, ".git")); of != owner && of != os.Getuid() {
				return ""
			}
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

func ownerOf(name string) int {
	info, err := os.Stat(name)
	if err != nil {
		return -1
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

func (d *Directory) unreadable(err error) error {
	e := &Error{Kind: ErrUnreachable, What: d.o.Dir + " is not a directory that can be read", Do: "Check source.dir and its permissions"}
	if err != nil {
		e.Detail = err.Error()
	}
	return e
}

func (d *Directory) explain(err error) error {
	var known *Error
	switch {
	case err == nil, errors.As(err, &known), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, exec.ErrNotFound):
		return noGit(d.o.Git, err)
	}
	return &Error{
		Kind: ErrUnreachable, What: "the git repository of " + d.o.Dir + " could not be read", Do: "Run git fsck in it", Detail: textOf(err),
	}
}

// dirTree is a folder of this machine. No symbolic link leads out of it (os.Root).
type dirTree struct{ root string }

func (t *dirTree) open(name string) (*os.File, error) {
	f, err := os.OpenInRoot(t.root, filepath.FromSlash(name))
	if err == nil {
		return f, nil
	}
	var path *fs.PathError
	if errors.As(err, &path) && strings.Contains(path.Err.Error(), "escapes") {
		return nil, leaves(name)
	}
	return nil, bare(err)
}

// bare is an error without the path, which the caller adds.
func bare(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func (t *dirTree) stat(name string) (fs.FileInfo, error) {
	root, err := os.OpenRoot(t.root)
	if err != nil {
		return nil, bare(err)
	}
	defer func() { _ = root.Close() }()
	info, err := root.Stat(filepath.FromSlash(name))
	switch {
	case err != nil && strings.Contains(err.Error(), "escapes"):
		return nil, leaves(name)
	case err != nil:
		return nil, bare(err)
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil, &Error{Kind: ErrUnsupported, What: name + " is neither a file nor a folder", Do: "Remove it"}
	}
	return info, nil
}

func (t *dirTree) list(name string) ([]fs.DirEntry, error) {
	f, err := t.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	entries, err := f.ReadDir(MaxFiles + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, bare(err)
	}
	sortEntries(entries)
	return entries, nil
}

func (t *dirTree) read(name string, limit int64) ([]byte, error) {
	f, err := t.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return readLimited(f, limit)
}
