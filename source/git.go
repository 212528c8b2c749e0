package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Options describe a remote git repository.
type Options struct {
	// URL is an https or ssh address (https://host/path, ssh://user@host/path, user@host:path) without a password.
	URL string
	// Ref is what Fetch takes for "", itself "" for the repository's default branch.
	Ref string
	// Path is the app's folder below the root, with slashes; "" is the root.
	Path string
	// KeyFile is a private ssh key; "" lets ssh use the identities of the user that runs Towline.
	KeyFile string
	// TokenFile holds an access token for https, or "user:token"; "" is a public repository. It is read at each call.
	TokenFile string
	// CacheDir is a folder of Towline's own, which is made if it is not there. Repositories share it.
	CacheDir string
	// Git is the git binary, "git" if empty; 2.31 or newer.
	Git string
	// Getenv gives git's surroundings (PATH, proxies, certificates), os.Getenv if nil.
	Getenv func(string) string

	// extra are protocols beside https and ssh, for tests.
	extra []string
}

// Git is a remote repository. It keeps a bare cache and is safe for concurrent use, also by several processes on one cache.
type Git struct {
	o Options
	// base is the cache's path without an ending.
	base string
}

// NewGit is a remote repository. Nothing is read or made before the first Fetch or Refs.
func NewGit(o Options) *Git {
	if o.Git == "" {
		o.Git = "git"
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	sum := sha256.Sum256([]byte(o.URL))
	return &Git{o: o, base: filepath.Join(o.CacheDir, hex.EncodeToString(sum[:8]))}
}

// Default implements Source.
func (g *Git) Default() string { return g.o.Ref }

// Fetch implements Source. It asks the host what the ref is, and fetches that one commit without its history and without
// the content of files, which comes when it is read.
func (g *Git) Fetch(ctx context.Context, ref string) (Snapshot, error) {
	if ref == "" {
		ref = g.o.Ref
	}
	if err := CheckRef(ref); err != nil {
		return Snapshot{}, err
	}
	unlock, err := g.lock(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	defer unlock()
	git, err := g.open(ctx, ".git", "blob:none")
	if err != nil {
		return Snapshot{}, err
	}
	name, commit, err := g.resolve(ctx, git, ref)
	if err != nil {
		return Snapshot{}, err
	}
	if err := g.bring(ctx, git, commit, ref); err != nil {
		return Snapshot{}, err
	}
	s, err := describe(ctx, git.local(), commit, g.o.Path)
	if err != nil {
		return Snapshot{}, g.explain(err)
	}
	s.tree.fetch = func(ctx context.Context, oids []string) error { return g.objects(ctx, git, oids) }
	s.Ref, s.Web = name, webOf(g.o.URL)
	return s.Snapshot, nil
}

// described is a snapshot and the tree behind its FS.
type described struct {
	Snapshot
	tree *gitTree
}

// describe reads who made a commit, and lists its files.
func describe(ctx context.Context, git *command, commit, folder string) (described, error) {
	out, err := git.run(ctx, "", "log", "-1", "--no-mailmap", "--format=%ct%n%an%n%s", commit)
	if err != nil {
		return described{}, err
	}
	lines := append(strings.SplitN(strings.TrimSuffix(out, "\n"), "\n", 3), "", "")
	seconds, err := strconv.ParseInt(lines[0], 10, 64)
	if err != nil {
		return described{}, fmt.Errorf("git log gave no time: %w", err)
	}
	when := time.Unix(seconds, 0).UTC()
	tree, err := readTree(ctx, git, commit, folder, when)
	if err != nil {
		return described{}, err
	}
	s := Snapshot{Commit: commit, Author: lines[1], Subject: lines[2], CommitTime: when, FS: newFiles(tree)}
	return described{Snapshot: s, tree: tree}, nil
}

// local is the same repository without the network and without a token.
func (c *command) local() *command {
	return &command{binary: c.binary, dir: c.dir, env: []string{"GIT_DIR=" + c.dir}, getenv: c.getenv, secrets: c.secrets}
}

// maxPacks is when a cache is begun anew: git gets slow with many packs, and each fetch brings one or two. A snapshot that
// is still being read fetches again what it lacks.
const maxPacks = 200

// worn reports whether a cache holds too many packs.
func worn(dir string) bool {
	packs, err := filepath.Glob(filepath.Join(dir, "objects", "pack", "*.pack"))
	return err == nil && len(packs) > maxPacks
}

// open gives the bare repository with that ending, made if need be, and a git that may reach the host. filter is what the
// host leaves out of every fetch.
func (g *Git) open(ctx context.Context, ending, filter string) (*command, error) {
	git := &command{binary: g.o.Git, getenv: g.o.Getenv, dir: g.o.CacheDir}
	dir := g.base + ending
	if worn(dir) {
		if err := os.RemoveAll(dir); err != nil {
			return nil, g.explain(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "config")); err != nil {
		// Made under another name and renamed, so that a crash leaves no half repository.
		fresh := dir + ".new"
		if err := os.RemoveAll(fresh); err != nil {
			return nil, g.explain(err)
		}
		if _, err := git.run(ctx, "", "init", "--quiet", "--bare", "--template=", fresh); err != nil {
			return nil, g.explain(err)
		}
		git.dir = fresh
		if _, err := git.run(ctx, "", "config", "remote.origin.url", g.o.URL); err != nil {
			return nil, g.explain(err)
		}
		if err := os.Rename(fresh, dir); err != nil {
			return nil, g.explain(err)
		}
	}
	git.dir = dir
	git.env = []string{"GIT_DIR=" + dir}
	git.protocols = append([]string{"https", "ssh"}, g.o.extra...)
	// The promise that missing objects can be had is made to a fetch alone: reading never reaches for the network by itself.
	git.settings = []string{"remote.origin.promisor=true", "remote.origin.partialCloneFilter=" + filter}
	git.withKey(g.o.KeyFile, filepath.Join(g.o.CacheDir, "known_hosts"))
	token, err := g.token()
	if err != nil {
		return nil, err
	}
	git.withToken(g.o.URL, token)
	return git, nil
}

func (g *Git) token() (string, error) {
	if g.o.TokenFile == "" {
		return "", nil
	}
	f, err := os.Open(g.o.TokenFile)
	if err == nil {
		defer func() { _ = f.Close() }()
		var content []byte
		if content, err = io.ReadAll(io.LimitReader(f, 64<<10)); err == nil {
			if token := strings.TrimSpace(string(content)); token != "" && !strings.ContainsAny(token, " \t\r\n") {
				return token, nil
			}
			err = errors.New("holds no token")
		}
	}
	return "", &Error{
		Kind: ErrAuth, What: "the token for " + g.host() + " could not be read from " + g.o.TokenFile,
		Do: "Check that the file is there, readable for Towline, and holds one line", Detail: err.Error(),
	}
}

// resolve finds the commit that a ref is now, and the name to show for it.
func (g *Git) resolve(ctx context.Context, git *command, ref string) (name, commit string, err error) {
	if fullCommit.MatchString(ref) {
		return ref, ref, nil
	}
	if ref == "" {
		return g.head(ctx, git)
	}
	refs, err := g.list(ctx, git)
	if err != nil {
		return "", "", err
	}
	if r, ok := findRef(refs, ref); ok {
		return r.shown(ref), r.commit, nil
	}
	if shortCommit.MatchString(ref) {
		commit, err = g.expand(ctx, refs, ref)
		return commit, commit, err
	}
	return "", "", notFound(ref, g.host(), shortNames(refs))
}

func shortNames(refs []refLine) []string {
	names := make([]string, len(refs))
	for i, r := range refs {
		names[i] = r.short()
	}
	return names
}

// head is the repository's default branch.
func (g *Git) head(ctx context.Context, git *command) (name, commit string, err error) {
	out, err := git.run(ctx, "", "ls-remote", "--symref", "origin", "HEAD")
	if err != nil {
		return "", "", g.explain(err)
	}
	for line := range strings.Lines(out) {
		left, right, _ := strings.Cut(strings.TrimSpace(line), "\t")
		target, symbolic := strings.CutPrefix(left, "ref: ")
		switch {
		case right != "HEAD":
		case symbolic:
			name = refLine{name: target}.short()
		default:
			commit = left
		}
	}
	if !fullCommit.MatchString(commit) {
		return "", "", &Error{
			Kind: ErrRefNotFound, What: g.host() + " has no default branch", Do: "Push a commit, or set source.ref in the configuration",
		}
	}
	return name, commit, nil
}

// list are the host's branches and tags, each with the commit that it stands for.
func (g *Git) list(ctx context.Context, git *command) ([]refLine, error) {
	out, err := git.run(ctx, "", "ls-remote", "--heads", "--tags", "origin")
	if err != nil {
		return nil, g.explain(err)
	}
	return parseRefs(out), nil
}

// parseRefs reads "COMMIT\tNAME" lines; an annotated tag comes twice, the second time with the commit, as NAME^{}.
func parseRefs(out string) []refLine {
	var refs []refLine
	for line := range strings.Lines(out) {
		commit, name, found := strings.Cut(strings.TrimSpace(line), "\t")
		peeled, isPeeled := strings.CutSuffix(name, "^{}")
		switch last := len(refs) - 1; {
		case !found || !fullCommit.MatchString(commit):
		case isPeeled && last >= 0 && refs[last].name == peeled:
			refs[last].commit = commit
		case refProblem(name) == "":
			refs = append(refs, refLine{name, commit})
		}
	}
	return refs
}

// bring fetches a commit with its trees, unless the cache has it. The ref in the cache is set last, by git itself, so
// its presence says that everything is there.
func (g *Git) bring(ctx context.Context, git *command, commit, asked string) error {
	kept := "refs/towline/" + commit
	if _, err := git.local().run(ctx, "", "rev-parse", "--verify", "--quiet", kept+"^{commit}"); err == nil {
		return nil
	} else if ctx.Err() != nil {
		return err
	}
	_, err := git.run(ctx, "", "fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--filter=blob:none",
		"--recurse-submodules=no", "origin", "+"+commit+":"+kept)
	if err == nil {
		if _, err := git.local().run(ctx, "", "rev-parse", "--verify", "--quiet", kept+"^{commit}"); err != nil {
			return notFound(asked, "the commits of "+g.host(), nil)
		}
		return nil
	}
	if said := textOf(err); strings.Contains(said, "not our ref") || strings.Contains(said, "unadvertised object") ||
		strings.Contains(said, "couldn't find remote ref") || strings.Contains(said, "no such remote ref") {
		return &Error{
			Kind: ErrRefNotFound, What: quoteRef(asked) + " is not in " + g.host() + ", or it does not give out single commits",
			Do: "Check that it was pushed, or give a branch or tag", Detail: said,
		}
	}
	return g.explain(err)
}

// objects fetches the content of files.
func (g *Git) objects(ctx context.Context, git *command, oids []string) error {
	unlock, err := g.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	quick := *git
	quick.settings = append([]string{"fetch.negotiationAlgorithm=noop"}, git.settings...)
	_, err = quick.run(ctx, strings.Join(oids, "\n")+"\n", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--filter=blob:none",
		"--recurse-submodules=no", "origin", "--stdin")
	if err != nil {
		return g.explain(err)
	}
	return nil
}
