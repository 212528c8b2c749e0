package store_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/release"
	"towline/store"
)

var errKilled = errors.New("killed")

// firstStore unpacks a store of format 1: testdata/v1.tar.gz was written by the code that came before formats. It has 30
// releases of shop with 240 audit entries, one entry of blog, and a card. Pages that bbolt had only reserved were cut off.
func firstStore(t testing.TB) (path string) {
	t.Helper()
	f, err := os.Open("testdata/v1.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // read only
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return filepath.Join(dir, "v1.db")
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, h.Name)
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(to, 0o700)
		} else {
			var content []byte
			content, err = io.ReadAll(r)
			err = errors.Join(err, os.WriteFile(to, content, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// moved checks that a store is the one of firstStore, in the present format.
func moved(t *testing.T, s *store.Store) {
	t.Helper()
	for project, n := range map[string]uint64{"shop": 240, "blog": 1} {
		head, err := audit.VerifyLog(t.Context(), s.Deploy(), project)
		if err != nil || head.Seq != n {
			t.Errorf("%s: %v, %v", project, head, err)
		}
	}
	err := s.Deploy().View(t.Context(), func(tx deploy.Tx) error {
		first, last := tx.EntriesAfter("shop", 0, 2), tx.Entries("shop", 1)
		if len(first) != 2 || first[0].What != "requested" || first[1].Who.Name != "Reviewer" || first[0].Prev != "" || last[0].What != "ended" {
			t.Errorf("%+v %+v", first, last)
		}
		if got := tx.Logs(); !slices.Equal(got, []string{"blog", "shop"}) {
			t.Errorf("logs %q", got)
		}
		if st := tx.State("shop", release.Production); st.Live != 30 || st.Revision != 30 || len(tx.Releases("shop", 0, 100)) != 30 || len(tx.Open()) != 1 {
			t.Errorf("%+v", st)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	_ = s.View(t.Context(), func(tx store.Tx) error {
		if v, _ := tx.Get("format"); string(v) != "2" {
			t.Errorf("format %q", v)
		}
		for _, gone := range []string{"format/moving", "counter/audit/shop", "counter/audit/blog"} {
			if _, there := tx.Get(gone); there {
				t.Errorf("%s is still there", gone)
			}
		}
		for k, v := range tx.Scan("deploy/state/", "", 0, false) {
			if !strings.HasPrefix(string(v), `{"v":2,`) {
				t.Errorf("the first Towline would read %s: %s", k, v)
			}
		}
		return nil
	})
}

// original checks that a file is the store of firstStore as it was.
func original(t *testing.T, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // read only
	if err := db.View(func(tx *bolt.Tx) error {
		n := 0
		return tx.Bucket([]byte("towline")).ForEach(func(k, v []byte) error {
			if n++; strings.HasPrefix(string(k), "format") || bytes.Contains(v, []byte(`"hash"`)) {
				t.Errorf("%s: %s was moved already", k, v)
			}
			return nil
		})
	}); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestAStoreOfTheFirstTowlineIsMovedForwardAfterABackup(t *testing.T) {
	path := firstStore(t)
	s, err := store.Open(path, store.Options{NoSync: true, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	moved(t, s)
	if got := s.Moved(); got != (store.Moved{From: 1, Backup: path + ".v1.bak"}) {
		t.Errorf("%+v", got)
	}
	original(t, path+".v1.bak")
	if err := s.Deploy().Update(t.Context(), func(tx deploy.Tx) error { tx.Audit(audit.Entry{Project: "shop"}); return nil }); err != nil {
		t.Fatal(err)
	}
	if head, err := audit.VerifyLog(t.Context(), s.Deploy(), "shop"); err != nil || head.Seq != 241 {
		t.Errorf("it does not go on: %v, %v", head, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = store.Open(path, store.Options{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	if got := s.Moved(); got != (store.Moved{}) {
		t.Errorf("again: %+v", got)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestAMoveCanBeEndedAnywhereAndGoesOn kills it after each of its steps in turn, then after each of what was left, and so on.
func TestAMoveCanBeEndedAnywhereAndGoesOn(t *testing.T) {
	tried := map[string]int{}
	for k := 1; ; k++ {
		path := firstStore(t)
		died := false
		for every := k; ; every++ { // the second time one step later, or it would never come to its end
			n := 0
			s, err := store.Open(path, store.Options{NoSync: true, Strict: true}.WithSteps(func(step string) error {
				if n++; n < every {
					return nil
				}
				tried[step]++
				return errKilled
			}))
			if err == nil {
				moved(t, s)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				break
			}
			if died = true; !errors.Is(err, errKilled) {
				t.Fatalf("after %d steps: %v", k, err)
			}
			if _, err := os.Stat(path + ".v1.bak"); err == nil {
				original(t, path+".v1.bak")
			}
		}
		if others, _ := filepath.Glob(path + "*"); !died && len(others) != 3 || slices.ContainsFunc(others, func(p string) bool { return strings.Contains(p, "v1-2") }) {
			t.Errorf("beside it: %q", others)
		}
		if !died {
			break
		}
	}
	for _, step := range []string{"copy written", "copy named", "move begun", "environments raised", "entries sealed", "move ended"} {
		if tried[step] == 0 {
			t.Errorf("never killed after %q: %v", step, tried)
		}
	}
	t.Logf("killed after %v", tried)
}

func TestACopyOfAnotherStoreIsNotWrittenOver(t *testing.T) {
	path := firstStore(t)
	if err := os.WriteFile(path+".v1.bak", []byte("another year's"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(path, store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // of a test
	if kept, _ := os.ReadFile(path + ".v1.bak"); string(kept) != "another year's" {
		t.Error("it was written over")
	}
	if s.Moved().Backup != path+".v1-2.bak" {
		t.Errorf("%+v", s.Moved())
	}
	original(t, path+".v1-2.bak")
}

func TestAStoreOfANewerTowlineIsRefusedAndLeftAlone(t *testing.T) {
	s := open(t)
	path := s.Path()
	set := func(value string) {
		if err := s.Update(t.Context(), func(tx store.Tx) error { tx.Put("format", []byte(value)); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	set("3")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(path)
	_, err := store.Open(path, store.Options{})
	var newer *store.FormatError
	if !errors.As(err, &newer) || newer.Found != 3 || !strings.Contains(err.Error(), "newer Towline") || !strings.Contains(err.Error(), "restore a backup") || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file was changed")
	}
	if left, _ := filepath.Glob(path + "*"); len(left) != 2 {
		t.Errorf("beside it: %q", left)
	}
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatalf("it is still held: %v", err)
	}
	err = db.Update(func(tx *bolt.Tx) error { return tx.Bucket([]byte("towline")).Put([]byte("format"), []byte("soon")) })
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(path, store.Options{}); err == nil || errors.As(err, &newer) && newer.Found != 3 {
		t.Errorf("an unreadable format: %v", err)
	}
}
