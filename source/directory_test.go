package source_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"towline/source"
)

func TestADirectoryIsTakenAsItIs(t *testing.T) {
	dir := t.TempDir()
	r := &repo{t, dir}
	r.write("app/migrations/0001.sql", "SELECT 1;")
	d := source.NewDirectory(source.DirectoryOptions{Dir: dir, Path: "app"})
	s, err := d.Fetch(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if s.Ref != "" || s.Commit != "" || s.Dirty || read(t, s, "migrations/0001.sql") != "SELECT 1;" {
		t.Errorf("got %+v", s)
	}
	if err := fstest.TestFS(s.FS, "migrations/0001.sql"); err != nil {
		t.Error(err)
	}
	if refs, err := d.Refs(t.Context()); err != nil || len(refs) != 0 || d.Default() != "" {
		t.Errorf("refs %v, error %v", refs, err)
	}
	if _, err := d.Fetch(t.Context(), "main"); !errors.Is(err, source.ErrRefNotFound) || !strings.Contains(err.Error(), "not a git checkout") {
		t.Errorf("a ref: %v", err)
	}
}

func TestADirectoryThatIsNotThereSaysWhatToCheck(t *testing.T) {
	dir := t.TempDir()
	_, err := source.NewDirectory(source.DirectoryOptions{Dir: filepath.Join(dir, "gone")}).Fetch(t.Context(), "")
	if !errors.Is(err, source.ErrUnreachable) || !strings.Contains(err.Error(), "source.dir") {
		t.Errorf("got %v", err)
	}
	_, err = source.NewDirectory(source.DirectoryOptions{Dir: dir, Path: "app"}).Fetch(t.Context(), "")
	if !errors.Is(err, source.ErrNoFolder) {
		t.Errorf("got %v", err)
	}
}

func TestACheckoutAsItIsTellsItsCommitAndWhetherItDiffers(t *testing.T) {
	r, first, _ := shop(t)
	r.git("remote", "add", "origin", "https://x:password@github.com/example/shop.git")
	d := source.NewDirectory(source.DirectoryOptions{Dir: filepath.Join(r.dir, "apps"), Path: "api"})
	s, err := d.Fetch(t.Context(), "")
	if err != nil || s.Commit != first || s.Dirty || s.Author != "Lead" || s.Web != "https://github.com/example/shop" || s.Ref != "main" {
		t.Errorf("clean: %+v, error %v", s, err)
	}
	if want := "https://github.com/example/shop/compare/abc..." + first; s.Compare("abc") != want {
		t.Errorf("compare %s", s.Compare("abc"))
	}
	// A file that was touched makes a plain git status write the index anew.
	if err := os.Chtimes(filepath.Join(r.dir, "apps/api/db/seed.sql"), time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile(filepath.Join(r.dir, ".git", "index"))
	if err != nil {
		t.Fatal(err)
	}
	if s, err = d.Fetch(t.Context(), ""); err != nil || s.Dirty {
		t.Errorf("a touched file: %+v, error %v", s, err)
	}
	if after, err := os.ReadFile(filepath.Join(r.dir, ".git", "index")); err != nil || !bytes.Equal(index, after) {
		t.Errorf("the index was written; error %v", err)
	}
	r.write("elsewhere.txt", "outside of the app")
	if s, err = d.Fetch(t.Context(), ""); err != nil || s.Dirty {
		t.Errorf("a change elsewhere: %+v, error %v", s, err)
	}
	r.write("apps/api/db/migrations/0003_new.sql", "SELECT 3;")
	if s, err = d.Fetch(t.Context(), ""); err != nil || !s.Dirty || s.Ref != "" || s.Compare("abc") != "" || read(t, s, "db/migrations/0003_new.sql") != "SELECT 3;" {
		t.Errorf("a new file: %+v, error %v", s, err)
	}
}

func TestARefOfACheckoutIsReadWithoutTouchingTheWorkTree(t *testing.T) {
	r, first, second := shop(t)
	r.write("apps/api/db/seed.sql", "changed, not committed")
	index, err := os.ReadFile(filepath.Join(r.dir, ".git", "index"))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []source.DirectoryOptions{
		{Dir: r.dir, Path: "apps/api", Ref: "main"}, {Dir: filepath.Join(r.dir, "apps"), Path: "api", Ref: "main"},
		{Dir: filepath.Join(r.dir, "apps", "api"), Ref: "main"},
	} {
		d := source.NewDirectory(at)
		for ask, want := range map[string]string{"": first, "feature/prices": second, "v1.1": first, second[:8]: second} {
			s, err := d.Fetch(t.Context(), ask)
			if err != nil || s.Commit != want || s.Dirty || read(t, s, "db/seed.sql") != "INSERT INTO items VALUES (1);\n" {
				t.Errorf("%s %q: %+v, error %v", at.Dir, ask, s, err)
			}
		}
		if refs, err := d.Refs(t.Context()); err != nil || !slices.Equal(refs, []string{"main", "feature/prices", "v1.0", "v1.1"}) {
			t.Errorf("refs %v, error %v", refs, err)
		}
		if _, err := d.Fetch(t.Context(), "mian"); !errors.Is(err, source.ErrRefNotFound) || !strings.Contains(err.Error(), "nearest: main") {
			t.Errorf("got %v", err)
		}
	}
	after, err := os.ReadFile(filepath.Join(r.dir, ".git", "index"))
	if err != nil || !bytes.Equal(index, after) {
		t.Errorf("the index changed; error %v", err)
	}
	if content, _ := os.ReadFile(filepath.Join(r.dir, "apps/api/db/seed.sql")); string(content) != "changed, not committed" {
		t.Error("the work tree changed")
	}
}

func TestACheckoutsOwnProgramsDoNotRun(t *testing.T) {
	r, _, _ := shop(t)
	ran := filepath.Join(t.TempDir(), "ran")
	script := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ntouch "+ran+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "gpg.program", "core.askPass"} {
		r.git("config", key, script)
	}
	r.git("config", "log.showSignature", "true")
	d := source.NewDirectory(source.DirectoryOptions{Dir: r.dir})
	for _, ref := range []string{"", "main"} {
		if _, err := d.Fetch(t.Context(), ref); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("a program of the checkout's configuration ran")
	}
	r.git("status")
	if _, err := os.Stat(ran); err != nil {
		t.Error("it does not run for plain git either, so this test proves nothing")
	}
}

// trees gives the same content as a directory and as a commit.
func trees(t *testing.T, make func(r *repo)) map[string]fs.FS {
	t.Helper()
	r := newRepo(t)
	r.write("app/file.sql", "SELECT 1;")
	make(r)
	r.commit("2026-11-02T10:00:00Z", "content")
	all := map[string]fs.FS{}
	for name, s := range map[string]source.Source{
		"a directory": source.NewDirectory(source.DirectoryOptions{Dir: r.dir, Path: "app"}),
		"a checkout":  source.NewDirectory(source.DirectoryOptions{Dir: r.dir, Path: "app", Ref: "main"}),
		"a remote":    r.remote(func(o *source.Options) { o.Path = "app" }),
	} {
		snapshot, err := s.Fetch(t.Context(), "")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = snapshot.FS
	}
	return all
}

func TestLinksStayInsideTheTree(t *testing.T) {
	link := func(r *repo, target, name string) {
		if err := os.Symlink(target, filepath.Join(r.dir, name)); err != nil {
			r.t.Fatal(err)
		}
	}
	for name, tree := range trees(t, func(r *repo) {
		r.write("outside.sql", "SELECT 'outside';")
		r.write("app/db/0001.sql", "SELECT 'inside';")
		link(r, "db/0001.sql", "app/good.sql")
		link(r, "db", "app/folder")
		link(r, "../outside.sql", "app/bad.sql")
		link(r, "/etc/passwd", "app/absolute.sql")
		link(r, "loop.sql", "app/loop.sql")
		link(r, "nowhere.sql", "app/dangling.sql")
	}) {
		for file, want := range map[string]string{"good.sql": "SELECT 'inside';", "folder/0001.sql": "SELECT 'inside';"} {
			if content, err := fs.ReadFile(tree, file); err != nil || string(content) != want {
				t.Errorf("%s %s: %q, error %v", name, file, content, err)
			}
		}
		for _, file := range []string{"bad.sql", "absolute.sql"} {
			if _, err := fs.ReadFile(tree, file); !errors.Is(err, source.ErrUnsupported) {
				t.Errorf("%s %s: %v", name, file, err)
			}
		}
		if _, err := fs.ReadFile(tree, "loop.sql"); err == nil {
			t.Errorf("%s: a loop was read", name)
		}
		if _, err := fs.ReadFile(tree, "dangling.sql"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a dangling link: %v", name, err)
		}
	}
}

func TestALargeFilePointerIsRefused(t *testing.T) {
	for name, tree := range trees(t, func(r *repo) {
		r.write("app/0001.sql", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
	}) {
		_, err := fs.ReadFile(tree, "0001.sql")
		if !errors.Is(err, source.ErrUnsupported) || !strings.Contains(err.Error(), "0001.sql is a Git LFS pointer") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMoreThanTheLimitIsNotRead(t *testing.T) {
	for name, tree := range trees(t, func(r *repo) {
		r.write("app/a.txt", strings.Repeat("a", source.MaxBytes-100))
		r.write("app/b.txt", strings.Repeat("b", 100))
		r.write("app/c.txt", "c")
	}) {
		for _, file := range []string{"a.txt", "b.txt", "a.txt"} {
			if _, err := fs.ReadFile(tree, file); err != nil {
				t.Errorf("%s %s: %v", name, file, err)
			}
		}
		if _, err := fs.ReadFile(tree, "c.txt"); !errors.Is(err, source.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAFolderOfTooManyFilesIsRefused(t *testing.T) {
	many := fstest.MapFS{}
	for i := range source.MaxFiles + 1 {
		many["v1/"+strings.Repeat("x", 1+i%50)+string(rune('a'+i/50%26))+time.Duration(i).String()] = &fstest.MapFile{}
	}
	_, err := source.NewVersions(many, []string{"v1"}).Fetch(t.Context(), "v1")
	if !errors.Is(err, source.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestVersionsNeedNoGit(t *testing.T) {
	files := fstest.MapFS{
		"v1/db/0001.sql": {Data: []byte("one")}, "v2/db/0001.sql": {Data: []byte("one")}, "v2/db/0002.sql": {Data: []byte("two")},
		"same/db/0001.sql": {Data: []byte("one")},
	}
	v := source.NewVersions(files, []string{"v2", "v1", "same", "missing"})
	if refs, err := v.Refs(t.Context()); err != nil || !slices.Equal(refs, []string{"v2", "v1", "same", "missing"}) || v.Default() != "" {
		t.Errorf("refs %v, error %v", refs, err)
	}
	commits := map[string]string{}
	for _, ref := range []string{"v1", "v2", "same"} {
		s, err := v.Fetch(t.Context(), ref)
		if err != nil || s.Ref != ref || len(s.Commit) != 12 || read(t, s, "db/0001.sql") != "one" {
			t.Errorf("%+v, error %v", s, err)
		}
		commits[ref] = s.Commit
	}
	if commits["v1"] != commits["same"] || commits["v1"] == commits["v2"] {
		t.Errorf("commits %v", commits)
	}
	for ref, kind := range map[string]error{
		"": source.ErrRefNotFound, "v3": source.ErrRefNotFound, "missing": source.ErrNoFolder, "../v1": source.ErrBadRef, "v1/..": source.ErrBadRef,
	} {
		if _, err := v.Fetch(t.Context(), ref); !errors.Is(err, kind) {
			t.Errorf("%q: %v", ref, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Fetch(ended, "v1"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
