package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"towline/migrations"
)

// sinceBase is what git says of the migrations where a branch left another one.
type sinceBase struct {
	names     []string // that were there
	checksums map[string]migrations.Checksum
	changed   map[string]bool // paths below the checkout that are new or different now, also such that git does not follow yet
}

// since asks git about the merge base of HEAD and ref. The files are those of the working tree: what is not committed counts.
func (at *lintPlace) since(ctx context.Context, ref string) (sinceBase, error) {
	s := sinceBase{checksums: make(map[string]migrations.Checksum), changed: make(map[string]bool)}
	if at.repository == "" {
		return s, fmt.Errorf("-base: %s is in no checkout of git", at.shown)
	}
	base, err := at.mergeBase(ctx, ref)
	if err != nil {
		return s, err
	}
	files, err := at.filesAt(ctx, base)
	if err != nil {
		return s, err
	}
	for name, file := range files {
		sql, err := at.git(ctx, "cat-file", "blob", base+":"+file)
		if err != nil {
			return s, err
		}
		s.names = append(s.names, name)
		s.checksums[name] = migrations.File{Name: name, SQL: sql}.Checksum()
	}
	migrations.Sort(s.names)
	for _, args := range [][]string{{"diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", base}, {"ls-files", "-z", "--others", "--exclude-standard", "--full-name"}} {
		out, err := at.git(ctx, args...)
		if err != nil {
			return s, err
		}
		for _, file := range fields(out) {
			s.changed[file] = true
		}
	}
	return s, nil
}

// filesAt are the migrations that base has: their names, and their paths below the checkout. Where the folder has none there, it is the
// one that the files have left since: the ledger knows no folder, so a moved file is applied as before.
func (at *lintPlace) filesAt(ctx context.Context, base string) (map[string]string, error) {
	listed, err := at.git(ctx, "ls-tree", "-r", "-z", "--name-only", "--full-tree", base)
	if err != nil {
		return nil, err
	}
	tree := fields(listed)
	files := at.migrationsIn(tree, at.inRepository(at.content.Layout.Dir))
	if len(files) > 0 {
		return files, nil
	}
	return at.migrationsIn(tree, at.leftFolder(tree)), nil
}

func (at *lintPlace) migrationsIn(tree []string, folder string) map[string]string {
	files := make(map[string]string)
	for _, file := range tree {
		name, below := strings.CutPrefix(file, folder+"/")
		if folder == "." {
			name, below = file, true
		}
		if below && at.content.Layout.Matches(name) {
			files[name] = file
		}
	}
	return files
}

// leftFolder is the folder of the tree from which most of the migrations are gone that are here now; empty if there is none.
func (at *lintPlace) leftFolder(tree []string) string {
	here := make(map[string]bool)
	for _, f := range at.content.Files {
		here[f.Name] = true
	}
	left := make(map[string]int)
	for _, file := range tree {
		folder, name := ".", file
		for !here[name] {
			cut := strings.IndexByte(name, '/')
			if cut < 0 {
				break
			}
			name = name[cut+1:]
			folder = strings.TrimSuffix(file, "/"+name)
		}
		if here[name] && !has(at.repository, filepath.FromSlash(file)) {
			left[folder]++
		}
	}
	best := ""
	for _, folder := range slices.Sorted(maps.Keys(left)) {
		if left[folder] > left[best] {
			best = folder
		}
	}
	return best
}

func (at *lintPlace) mergeBase(ctx context.Context, ref string) (string, error) {
	commit, err := at.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{commit}")
	if err != nil {
		return "", fmt.Errorf("-base: git knows no %s here. In a CI job check out with its history (fetch-depth: 0)", ref)
	}
	base, err := at.git(ctx, "merge-base", "HEAD", strings.TrimSpace(string(commit)))
	if err != nil {
		return "", fmt.Errorf("-base: git finds no commit that HEAD and %s have in common. In a CI job check out with the whole history (fetch-depth: 0)", ref)
	}
	return strings.TrimSpace(string(base)), nil
}

// git runs git at the root of the checkout, with nothing of the checkout's config that could run programs.
func (at *lintPlace) git(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-c", "core.fsmonitor=false", "-c", "core.quotePath=false"}, args...)...)
	cmd.Dir = filepath.FromSlash(at.repository)
	cmd.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("-base: there is no git on this machine")
	}
	if err != nil {
		return nil, fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}

// fields are the paths of an answer that ends each with a NUL.
func fields(out []byte) []string {
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
}
