package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"towline/deploy"
	"towline/deploy/audit"
	"towline/store"
)

// numbered is how many releases a store has, after it was proved to be whole: its records, and every blob that they name.
func numbered(t *testing.T, path string) int {
	t.Helper()
	s, err := store.Open(path, store.Options{NoSync: true})
	if err != nil {
		t.Fatalf("%s cannot be used: %v", path, err)
	}
	defer s.Close() //nolint:errcheck // of a test
	n := 0
	err = s.Deploy().View(t.Context(), func(tx deploy.Tx) error {
		for _, r := range tx.Releases("shop", 0, 100) {
			n++
			run, _ := tx.Run(fmt.Sprintf("%08d", r.Number))
			whole, _ := tx.Release("shop", r.Number)
			for _, digest := range []string{whole.Migrations[0].Blob, run.Plan.Script} {
				if _, err := s.Blob(t.Context(), digest); err != nil {
					t.Errorf("release %d: %v", r.Number, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if head, err := audit.VerifyLog(t.Context(), s.Deploy(), "shop"); err != nil || head.Seq != uint64(n) {
		t.Errorf("%v, %v", head, err)
	}
	return n
}

// closed makes a store of n releases, and closes it.
func closed(t *testing.T, n int) (path string) {
	t.Helper()
	s := filled(t, n)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return s.Path()
}

func TestARestoreBringsTheStoreBackAndKeepsWhatWasThere(t *testing.T) {
	backup := backupOf(t, filled(t, 3))
	path := closed(t, 5)
	done, err := store.Restore(t.Context(), backup, path, noon(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if done.Aside != path+".before-restore-20261121T120000Z" || done.Releases != 3 || done.Blobs != 6 || !done.Created.Equal(noon()) {
		t.Errorf("%+v", done)
	}
	if n := numbered(t, path); n != 3 {
		t.Errorf("%d releases", n)
	}
	if n := numbered(t, done.Aside); n != 5 {
		t.Errorf("%d releases aside", n)
	}
	for name, want := range map[string]os.FileMode{path: 0o600, path + ".blobs": 0o700, done.Aside: 0o600, done.Aside + ".blobs": 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	again, err := store.Restore(t.Context(), backup, path, noon(), nil)
	if err != nil || again.Aside != done.Aside+"-2" {
		t.Errorf("again, in the same second: %+v, %v", again, err)
	}
	if left, _ := filepath.Glob(path + ".restoring-*"); len(left) != 0 {
		t.Errorf("it left %q", left)
	}
}

func TestARestoreToAnEmptyPlaceMakesAStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "towline.db")
	done, err := store.Restore(t.Context(), backupOf(t, filled(t, 2)), path, noon(), nil)
	if err != nil || done.Aside != "" || numbered(t, path) != 2 {
		t.Errorf("%+v, %v", done, err)
	}
	empty, err := store.Restore(t.Context(), backupOf(t, filled(t, 0)), filepath.Join(t.TempDir(), "towline.db"), noon(), nil)
	if err != nil || empty.Blobs != 0 {
		t.Errorf("of an empty store: %+v, %v", empty, err)
	}
}

func TestAStoreThatIsInUseIsNotRestored(t *testing.T) {
	backup, s := backupOf(t, filled(t, 3)), filled(t, 1)
	var busy *store.BusyError
	if _, err := store.Restore(t.Context(), backup, s.Path(), noon(), nil); !errors.As(err, &busy) || busy.PID != os.Getpid() {
		t.Errorf("%v", err)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(s.Path(), link); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Restore(t.Context(), backup, link, noon(), nil); !errors.As(err, &busy) {
		t.Errorf("by a link: %v", err)
	}
	if left, _ := filepath.Glob(s.Path() + "*"); len(left) != 3 { // itself, blobs, pid
		t.Errorf("it left %q", left)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	done, err := store.Restore(t.Context(), backup, link, noon(), nil)
	if err != nil || !strings.HasPrefix(done.Aside, s.Path()) || numbered(t, s.Path()) != 3 {
		t.Errorf("%+v, %v", done, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link is no link any more")
	}
}

func TestADamagedStoreCanBeRestored(t *testing.T) {
	backup := backupOf(t, filled(t, 3))
	for name, content := range map[string][]byte{"nothing": {}, "nonsense": []byte(strings.Repeat("nonsense", 10_000)), "a store whose free pages make no sense": nil} {
		t.Run(name, func(t *testing.T) {
			path := closed(t, 1)
			if content == nil {
				content, _ = os.ReadFile(path)
				for page := 2; page < 8; page++ {
					copy(content[page*4096+8:], []byte{7, 7, 7, 7})
				}
			}
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Restore(t.Context(), backup, path, noon(), nil); err != nil || numbered(t, path) != 3 {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestARestoreThatIsKilledAnywhereLeavesOneOfTheTwoStores ends it after each of its steps, looks, and restores again.
func TestARestoreThatIsKilledAnywhereLeavesOneOfTheTwoStores(t *testing.T) {
	backup := backupOf(t, filled(t, 3))
	tried := map[string]bool{}
	for k := 1; ; k++ {
		path := closed(t, 5)
		n, placed := 0, false
		_, err := store.RestoreInSteps(t.Context(), backup, path, noon(), func(step string) error {
			n++
			if placed = placed || step == "records in place"; n == k {
				tried[step] = true
				return errKilled
			}
			return nil
		})
		want := 5
		if placed {
			want = 3
		}
		if got := numbered(t, path); got != want {
			t.Errorf("after step %d: %d releases, want %d", k, got, want)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		if _, err := store.Restore(t.Context(), backup, path, noon().Add(time.Hour), nil); err != nil || numbered(t, path) != 3 {
			t.Errorf("after step %d it cannot be done again: %v", k, err)
		}
		if aside := path + ".before-restore-20261121T130000Z"; numbered(t, aside) != want {
			t.Errorf("what was there is not at %s", aside)
		}
		if left, _ := filepath.Glob(path + ".restoring-*"); len(left) != 0 {
			t.Errorf("after step %d: it left %q", k, left)
		}
	}
	for _, step := range []string{"checked", "blobs aside", "records aside", "blob in place", "records in place"} {
		if !tried[step] {
			t.Errorf("never killed after %q: %v", step, tried)
		}
	}
}

func TestAStoreCannotBeOpenedWhileItIsRestored(t *testing.T) {
	backup, path := backupOf(t, filled(t, 3)), closed(t, 5)
	_, err := store.RestoreInSteps(t.Context(), backup, path, noon(), func(step string) error {
		if step == "records in place" {
			return nil // from here on it is the new one
		}
		var busy *store.BusyError
		if s, err := store.Open(path, store.Options{LockTimeout: time.Millisecond}); !errors.As(err, &busy) {
			t.Errorf("after %q: %v", step, errors.Join(err, s.Close()))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestWhoWaitedForAStoreThatWasReplacedGetsTheNewOne(t *testing.T) {
	path, other := closed(t, 5), closed(t, 3)
	old, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	s, err := store.Open(path, store.Options{LockTimeout: 10 * time.Second}.WithSteps(func(step string) error {
		if step == "file opened" {
			if opened++; opened == 1 { // now it would wait for the lock
				return errors.Join(os.Rename(other, path), os.RemoveAll(path+".blobs"), os.Rename(other+".blobs", path+".blobs"), old.Close())
			}
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil || opened != 2 {
		t.Errorf("opened %d times, %v", opened, err)
	}
	if n := numbered(t, path); n != 3 {
		t.Errorf("%d releases", n)
	}
}

func TestABackupOfTheFirstFormatIsMovedForwardOnceItIsRestored(t *testing.T) {
	first := firstStore(t)
	s, err := store.OpenAsItIs(first)
	if err != nil {
		t.Fatal(err)
	}
	backup := backupOf(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := store.CheckBackup(t.Context(), backup, nil)
	if err != nil || r.Format != 1 || r.Releases != 30 || len(r.Logs) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	path := filepath.Join(t.TempDir(), "towline.db")
	if _, err := store.Restore(t.Context(), backup, path, noon(), nil); err != nil {
		t.Fatal(err)
	}
	if s, err = store.Open(path, store.Options{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	moved(t, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
