package source

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxEntries is the most that a tree may list below the configured path: a very large monorepo.
const maxEntries = 200_000

// node is one entry of a git tree.
type node struct {
	name string // below the tree's root
	mode string // git's, "100644"
	oid  string
}

func (n node) fileMode() fs.FileMode {
	switch n.mode {
	case "040000":
		return fs.ModeDir | 0o555
	case "120000":
		return fs.ModeSymlink | 0o777
	case "160000":
		return fs.ModeIrregular
	case "100755":
		return 0o555
	}
	return 0o444
}

// gitTree is the tree of a commit, read through git. Content comes a folder at a time: who reads one migration reads all.
type gitTree struct {
	// ctx is that of the Fetch that made the tree: io/fs has no way to pass one with each call.
	ctx context.Context
	git *command
	// fetch brings objects that are not in the repository; nil where all are.
	fetch func(ctx context.Context, oids []string) error
	time  time.Time
	nodes map[string]node
	names map[string][]string // a folder's entries, sorted

	mu    sync.Mutex
	blobs map[string][]byte
	sizes map[string]int64
}

// readTree lists what is below folder at a commit. A commit without the folder is an error of kind ErrNoFolder.
func readTree(ctx context.Context, git *command, commit, folder string, when time.Time) (*gitTree, error) {
	object := commit + "^{tree}"
	if folder != "" && folder != "." {
		object = commit + ":" + folder
	}
	out, err := git.run(ctx, object+"\n", "cat-file", "--batch-check=%(objecttype)")
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(out) != "tree" {
		return nil, noFolder(folder, "commit "+commit[:12])
	}
	if out, err = git.run(ctx, "", "ls-tree", "-r", "-t", "-z", object); err != nil {
		return nil, err
	}
	t := &gitTree{
		ctx: ctx, git: git, time: when, nodes: map[string]node{".": {".", "040000", ""}}, names: map[string][]string{},
		blobs: map[string][]byte{}, sizes: map[string]int64{},
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		meta, name, found := strings.Cut(line, "\t")
		parts := strings.Fields(meta)
		if !found || len(parts) != 3 || !fs.ValidPath(name) {
			continue // an empty tree, or a name that no file system takes
		}
		if len(t.nodes) > maxEntries {
			return nil, tooLarge(fmt.Sprintf("the commit holds more than %d files", maxEntries))
		}
		t.nodes[name] = node{name, parts[0], parts[2]}
		t.names[path.Dir(name)] = append(t.names[path.Dir(name)], name)
	}
	for _, names := range t.names {
		sort.Strings(names)
	}
	return t, nil
}

func noFolder(folder, where string) error {
	return &Error{
		Kind: ErrNoFolder, What: "there is no folder " + quoteRef(folder) + " in " + where,
		Do: "Check source.path in the configuration, or choose another ref",
	}
}

// info describes an entry. The size of a file is known once its content was fetched, so asking for it fetches.
func (t *gitTree) info(n node) (entryInfo, error) {
	size := int64(0)
	if n.fileMode().IsRegular() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if err := t.know(n); err != nil {
			return entryInfo{}, err
		}
		size = t.sizes[n.oid]
	}
	return entryInfo{name: n.name, size: size, mode: n.fileMode(), time: t.time}, nil
}

// gitEntry is one entry of a folder; only Info fetches.
type gitEntry struct {
	tree *gitTree
	node node
}

func (e gitEntry) Name() string               { return path.Base(e.node.name) }
func (e gitEntry) IsDir() bool                { return e.node.fileMode().IsDir() }
func (e gitEntry) Type() fs.FileMode          { return e.node.fileMode().Type() }
func (e gitEntry) Info() (fs.FileInfo, error) { return e.tree.info(e.node) }

func (t *gitTree) stat(name string) (fs.FileInfo, error) {
	n, err := t.follow(name)
	if err != nil {
		return nil, err
	}
	info, err := t.info(n)
	info.name = name
	return info, err
}

func (t *gitTree) list(name string) ([]fs.DirEntry, error) {
	n, err := t.follow(name)
	if err != nil {
		return nil, err
	}
	if !n.fileMode().IsDir() {
		return nil, fmt.Errorf("is no folder")
	}
	var entries []fs.DirEntry
	for _, child := range t.names[n.name] {
		entries = append(entries, gitEntry{t, t.nodes[child]})
	}
	return entries, nil
}

func (t *gitTree) read(name string, limit int64) ([]byte, error) {
	n, err := t.follow(name)
	if err != nil {
		return nil, err
	}
	return t.blob(n, limit)
}

// follow finds the entry of a name, through symbolic links that stay inside the tree.
func (t *gitTree) follow(name string) (node, error) {
	done, todo := ".", strings.Split(name, "/")
	for hops := 0; len(todo) > 0; {
		next := path.Join(done, todo[0])
		n, ok := t.nodes[next]
		todo = todo[1:]
		switch {
		case !ok:
			return node{}, fs.ErrNotExist
		case n.mode == "160000":
			return node{}, &Error{
				Kind: ErrUnsupported, What: next + " is a submodule, which is not fetched", Do: "Keep migrations in the repository itself",
			}
		case n.mode != "120000":
			done = next
			continue
		}
		if hops++; hops > 40 {
			return node{}, &Error{Kind: ErrUnsupported, What: name + " is a symbolic link that leads to itself", Do: "Put the file in its place"}
		}
		target, err := t.blob(n, 4096)
		if err != nil {
			return node{}, err
		}
		goal := path.Join(path.Dir(next), string(target))
		if path.IsAbs(string(target)) || goal == ".." || strings.HasPrefix(goal, "../") {
			return node{}, leaves(next)
		}
		todo = append(strings.Split(goal, "/"), todo...)
		done = "."
	}
	return t.nodes[done], nil
}

func leaves(name string) error {
	return &Error{
		Kind: ErrUnsupported, What: name + " is a symbolic link that leaves the source's folder",
		Do: "Put the file in its place, or set source.path to a folder that holds both",
	}
}

// blob gives one object's content; the ones that will be asked for next are brought along.
func (t *gitTree) blob(n node, limit int64) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.know(n); err != nil {
		return nil, err
	}
	if t.sizes[n.oid] > limit {
		return nil, errTooMuch
	}
	if _, held := t.blobs[n.oid]; !held {
		if err := t.keep([]string{n.oid}); err != nil {
			return nil, err
		}
	}
	return t.blobs[n.oid], nil
}

// know makes sure that an object is in the repository and its size known.
func (t *gitTree) know(n node) error {
	if _, known := t.sizes[n.oid]; known {
		return nil
	}
	return t.load(t.neighbours(n))
}

// neighbours are the files of the same kind in the same folder and below it; the one alone where they are too many.
func (t *gitTree) neighbours(n node) []string {
	var oids []string
	folder, ext := path.Dir(n.name)+"/", path.Ext(n.name)
	for name, other := range t.nodes {
		if !other.fileMode().IsDir() && other.mode != "160000" && path.Ext(name) == ext && (folder == "./" || strings.HasPrefix(name, folder)) {
			oids = append(oids, other.oid)
		}
	}
	slices.Sort(oids)
	oids = slices.Compact(oids)
	if len(oids) > MaxFiles {
		return []string{n.oid}
	}
	return oids
}

// load learns the sizes of objects, fetching those that are missing, and keeps the content of all if it is small enough.
func (t *gitTree) load(oids []string) error {
	missing, err := t.measure(oids)
	if err != nil {
		return err
	}
	if len(missing) > 0 && t.fetch != nil {
		if err := t.fetch(t.ctx, missing); err != nil {
			return err
		}
		if missing, err = t.measure(missing); err != nil {
			return err
		}
	}
	if len(missing) > 0 {
		return &Error{
			Kind: ErrUnreachable, What: fmt.Sprintf("the repository lacks the content of %d files", len(missing)),
			Do: "Run git fetch and git fsck in it",
		}
	}
	total := int64(0)
	for _, oid := range oids {
		total += t.sizes[oid]
	}
	if total > MaxBytes {
		return nil
	}
	return t.keep(oids)
}

// measure asks for sizes, and gives the objects that are not there.
func (t *gitTree) measure(oids []string) (missing []string, err error) {
	out, err := t.git.run(t.ctx, strings.Join(oids, "\n")+"\n", "cat-file", "--batch-check=%(objectname) %(objectsize)")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(out) {
		oid, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		size, err := strconv.ParseInt(rest, 10, 64)
		if err != nil {
			missing = append(missing, oid)
			continue
		}
		t.sizes[oid] = size
	}
	return missing, nil
}

// keep reads objects whose sizes are known.
func (t *gitTree) keep(oids []string) error {
	out, err := t.git.run(t.ctx, strings.Join(oids, "\n")+"\n", "cat-file", "--batch")
	if err != nil {
		return err
	}
	for _, oid := range oids {
		// "OID blob SIZE\n", the content, "\n"
		head, rest, found := strings.Cut(out, "\n")
		size := t.sizes[oid]
		if !found || !strings.HasPrefix(head, oid+" blob ") || int64(len(rest)) <= size {
			return fmt.Errorf("git cat-file gave no content for %s", oid)
		}
		t.blobs[oid], out = []byte(rest[:size]), rest[size+1:]
	}
	return nil
}
