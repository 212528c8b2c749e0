package source_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/source"
)

func read(t *testing.T, s source.Snapshot, name string) string {
	t.Helper()
	content, err := fs.ReadFile(s.FS, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestEveryKindOfRefGivesItsCommit(t *testing.T) {
	r, first, second := shop(t)
	g := r.remote(func(o *source.Options) { o.Path = "apps/api" })
	for _, c := range []struct {
		what, ask, ref, commit string
	}{
		{"nothing is the default branch", "", "main", first},
		{"a branch", "main", "main", first},
		{"a branch with a slash", "feature/prices", "feature/prices", second},
		{"a branch by its full name", "refs/heads/main", "main", first},
		{"a tag", "v1.0", "v1.0", first},
		{"a tag by its full name", "refs/tags/v1.0", "refs/tags/v1.0", first},
		{"an annotated tag", "v1.1", "v1.1", first},
		{"a commit", second, second, second},
		{"a shortened commit", second[:9], second, second},
	} {
		t.Run(c.what, func(t *testing.T) {
			s, err := g.Fetch(t.Context(), c.ask)
			if err != nil {
				t.Fatal(err)
			}
			if s.Ref != c.ref || s.Commit != c.commit {
				t.Errorf("got %s at %s, want %s at %s", s.Ref, s.Commit, c.ref, c.commit)
			}
		})
	}
}

func TestAShortenedCommitThatIsNoTipIsFoundInTheHistory(t *testing.T) {
	r, first, _ := shop(t)
	r.git("tag", "-d", "v1.0", "v1.1")
	r.write("b", "b")
	r.commit("2026-11-05T10:00:00Z", "More")
	r.git("branch", "-D", "feature/prices")
	s, err := r.remote(nil).Fetch(t.Context(), first[:8])
	if err != nil {
		t.Fatal(err)
	}
	if s.Commit != first || s.Subject != "Items <b>first</b>" || read(t, s, "README.md") != "the shop" {
		t.Errorf("got %+v", s)
	}
}

func TestASnapshotIsAFileSystemOfTheConfiguredFolder(t *testing.T) {
	r, _, second := shop(t)
	s, err := r.remote(func(o *source.Options) { o.Path = "apps/api"; o.Ref = "feature/prices" }).Fetch(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, s, "db/migrations/0002_prices.sql"); got != "ALTER TABLE items ADD price INTEGER;\n" {
		t.Errorf("read %q", got)
	}
	if err := fstest.TestFS(s.FS, "db/migrations/0001_init.sql", "db/migrations/down/0001_init.sql", "db/seed.sql"); err != nil {
		t.Error(err)
	}
	want := source.Snapshot{
		Ref: "feature/prices", Commit: second, Author: "Lead", Subject: "Prices",
		CommitTime: time.Date(2026, 11, 3, 10, 0, 0, 0, time.UTC),
	}
	s.FS = nil
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}
}

func TestRefsAreTheDefaultThenTheNewest(t *testing.T) {
	r, _, _ := shop(t)
	for i := range 25 {
		r.git("checkout", "--quiet", "-b", fmt.Sprintf("branch-%02d", i), "main")
		r.commit(fmt.Sprintf("2026-11-04T10:%02d:00Z", i), "work")
	}
	g := r.remote(func(o *source.Options) { o.Ref = "main" })
	for range 2 { // the second time from the cache
		refs, err := g.Refs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(refs) != source.MaxRefs || !slices.Equal(refs[:4], []string{"main", "branch-24", "branch-23", "branch-22"}) {
			t.Errorf("got %d: %v", len(refs), refs)
		}
	}
}

func TestAnEmptyRepositoryHasNoRefsAndSaysSo(t *testing.T) {
	r := newRepo(t)
	g := r.remote(nil)
	if refs, err := g.Refs(t.Context()); err != nil || len(refs) != 0 {
		t.Errorf("refs %v, error %v", refs, err)
	}
	if _, err := g.Fetch(t.Context(), ""); !errors.Is(err, source.ErrRefNotFound) {
		t.Errorf("error %v", err)
	}
}

func TestAnUnknownRefIsAnsweredWithTheNearestNames(t *testing.T) {
	r, _, _ := shop(t)
	_, err := r.remote(nil).Fetch(t.Context(), "feature/price")
	var e *source.Error
	if !errors.As(err, &e) || !errors.Is(err, source.ErrRefNotFound) || len(e.Suggestions) == 0 || e.Suggestions[0] != "feature/prices" {
		t.Errorf("got %v", err)
	}
	for _, ask := range []string{strings.Repeat("1", 40), "abcdef1"} {
		if _, err := r.remote(nil).Fetch(t.Context(), ask); !errors.Is(err, source.ErrRefNotFound) {
			t.Errorf("%s: %v", ask, err)
		}
	}
}

func TestWhatIsNoRefNeverReachesGit(t *testing.T) {
	g := source.NewGit(source.Options{URL: "https://127.0.0.1:1/x", CacheDir: t.TempDir(), Git: "/nonexistent/git"})
	for _, ref := range []string{
		"-x", "--upload-pack=touch x", "main..other", "main...other", "a:b", "main@{1}", "@", "a b", "a\nb", "a\x00b", "main^", "main~1",
		"*", "a?", "[a]", "/a", "a/", "a//b", ".a", "a/.b", "a.lock", "a.", "a\\b", strings.Repeat("a", 300), "\u202e\u0007x",
	} {
		if _, err := g.Fetch(t.Context(), ref); !errors.Is(err, source.ErrBadRef) {
			t.Errorf("%q: %v", ref, err)
		}
	}
}

func TestAMissingFolderIsNamed(t *testing.T) {
	r, _, _ := shop(t)
	for _, folder := range []string{"apps/web", "README.md"} {
		_, err := r.remote(func(o *source.Options) { o.Path = folder }).Fetch(t.Context(), "main")
		if !errors.Is(err, source.ErrNoFolder) || !strings.Contains(err.Error(), folder) {
			t.Errorf("%s: %v", folder, err)
		}
	}
}

func TestAnUnreachableHostSaysSo(t *testing.T) {
	g := source.NewGit(source.Options{URL: "https://127.0.0.1:1/shop.git", CacheDir: t.TempDir()})
	if _, err := g.Fetch(t.Context(), "main"); !errors.Is(err, source.ErrUnreachable) {
		t.Errorf("got %v", err)
	}
	g = source.NewGit(source.Options{URL: "https://127.0.0.1:1/shop.git", CacheDir: t.TempDir(), Git: "/nonexistent/git"})
	if _, err := g.Fetch(t.Context(), "main"); !errors.Is(err, source.ErrUnreachable) || !strings.Contains(err.Error(), "Install git") {
		t.Errorf("got %v", err)
	}
}

func TestAProtocolBesideHTTPSAndSSHIsNotSpoken(t *testing.T) {
	r, _, _ := shop(t)
	for _, address := range []string{"file://" + r.dir, r.dir, "ext::sh -c touch% " + r.dir + "/ran", "http://127.0.0.1:1/x", "git://127.0.0.1/x"} {
		g := source.NewGit(source.Options{URL: address, CacheDir: t.TempDir()})
		_, err := g.Fetch(t.Context(), "main")
		var e *source.Error
		if !errors.As(err, &e) || !strings.Contains(e.Detail, "not allowed") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := os.Stat(filepath.Join(r.dir, "ran")); err == nil {
		t.Error("the ext command ran")
	}
}

func TestContentIsFetchedOnlyWhenItIsRead(t *testing.T) {
	r, _, _ := shop(t)
	r.write("apps/api/huge.bin", strings.Repeat("0123456789abcdef", 1<<16))
	r.commit("2026-11-06T10:00:00Z", "Huge")
	cache := filepath.Join(t.TempDir(), "cache")
	s, err := r.remote(func(o *source.Options) { o.CacheDir = cache }).Fetch(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	oid := func(name string) string { return r.git("rev-parse", "main:"+name) }
	held := func(object string) bool {
		dirs, err := filepath.Glob(filepath.Join(cache, "*.git"))
		if err != nil || len(dirs) != 1 {
			t.Fatalf("caches %v, error %v", dirs, err)
		}
		return strings.Contains((&repo{t, dirs[0]}).git("cat-file", "--batch-check", "--batch-all-objects"), object)
	}
	if held(oid("apps/api/db/seed.sql")) || held(oid("apps/api/huge.bin")) {
		t.Error("content came before it was read")
	}
	read(t, s, "apps/api/db/migrations/0001_init.sql")
	if !held(oid("apps/api/db/migrations/down/0001_init.sql")) || held(oid("apps/api/huge.bin")) {
		t.Error("one read has to bring the folder's files of that kind, and nothing else")
	}
}

func TestManyFetchesAtOnceGetTheirOwnCommits(t *testing.T) {
	r, first, second := shop(t)
	cache := filepath.Join(t.TempDir(), "cache")
	sources := []*source.Git{
		r.remote(func(o *source.Options) { o.CacheDir = cache }), r.remote(func(o *source.Options) { o.CacheDir = cache }),
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			ref, want := "main", first
			if i%2 == 1 {
				ref, want = "feature/prices", second
			}
			s, err := sources[i/4].Fetch(t.Context(), ref)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := fs.ReadFile(s.FS, "apps/api/db/seed.sql"); err != nil || s.Commit != want {
				t.Errorf("commit %s, want %s; error %v", s.Commit, want, err)
			}
		})
	}
	wg.Wait()
}

func TestACacheWithTooManyPacksIsBegunAnewAndOldSnapshotsStillRead(t *testing.T) {
	r, _, _ := shop(t)
	cache := filepath.Join(t.TempDir(), "cache")
	g := r.remote(func(o *source.Options) { o.CacheDir = cache })
	old, err := g.Fetch(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	packs, _ := filepath.Glob(filepath.Join(cache, "*.git", "objects", "pack", "*.pack"))
	for i := range source.MaxPacks + 1 {
		name := filepath.Join(filepath.Dir(packs[0]), fmt.Sprintf("pack-%040d.pack", i))
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.Fetch(t.Context(), "feature/prices"); err != nil {
		t.Fatal(err)
	}
	if packs, _ := filepath.Glob(filepath.Join(cache, "*.git", "objects", "pack", "*.pack")); len(packs) > 5 {
		t.Errorf("%d packs are left", len(packs))
	}
	if got := read(t, old, "README.md"); got != "the shop" {
		t.Errorf("read %q", got)
	}
}

func TestAFetchThatIsCancelledEndsAtOnceWithEverythingItStarted(t *testing.T) {
	dir := t.TempDir()
	// A git that waits in a child of its own, as it does with ssh.
	script := "#!/bin/sh\nif [ \"$1\" != ls-remote ]; then exec git \"$@\"; fi\nsh -c 'echo $$ > " + dir + "/child; read x < " + dir + "/never'\n"
	binary := filepath.Join(dir, "git.sh")
	if err := os.WriteFile(binary, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	fifo(t, filepath.Join(dir, "never"))
	g := source.NewGit(source.Options{URL: "https://127.0.0.1:1/x", CacheDir: filepath.Join(dir, "cache"), Git: binary})
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := g.Fetch(ctx, "main")
		result <- err
	}()
	pid := waitForPID(t, filepath.Join(dir, "child"))
	// A second fetch waits for the cache, and gives up when it is told to.
	second, cancelSecond := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancelSecond()
	if _, err := g.Fetch(second, "main"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the second fetch: %v", err)
	}
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	waitForEnd(t, pid)
}
