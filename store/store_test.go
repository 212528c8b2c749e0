package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	borrowed "towline/sandbox/parts"
	"towline/store"
)

// holdPath makes this test binary hold a store instead of running tests: the
// other process of TestAStoreThatIsHeldNamesItsHolder.
const holdPath = "TOWLINE_TEST_HOLD"

func TestMain(m *testing.M) {
	if path := os.Getenv(holdPath); path != "" {
		s, err := store.Open(path, store.Options{})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("held")
		_, _ = os.Stdin.Read(make([]byte, 1)) // until the parent closes it
		_ = s.Close()
		os.Exit(0)
	}
	borrowed.Main(m)
}

func open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "towline.db"), store.Options{NoSync: true, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestAStoreThatIsHeldNamesItsHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "towline.db")
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), holdPath+"="+path)
	stdin, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 5)
	if n, _ := io.ReadFull(stdout, said); string(said[:n]) != "held\n" {
		t.Fatalf("the holder said %q", said[:n])
	}
	var busy *store.BusyError
	var waited time.Duration
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err = store.Open(path, store.Options{})
		waited = time.Since(began) // of fake time, which passes only where Open waits
	})
	if !errors.As(err, &busy) {
		t.Fatalf("want a BusyError, got %v", err)
	}
	if busy.PID != holder.Process.Pid || busy.Path != path || !strings.Contains(err.Error(), fmt.Sprint(busy.PID)) {
		t.Errorf("want process %d, got %+v: %v", holder.Process.Pid, busy, err)
	}
	if _, err := os.Stat("/proc/self/cmdline"); err == nil && !strings.Contains(busy.Command, filepath.Base(os.Args[0])) {
		t.Errorf("the command is %q", busy.Command)
	}
	if waited > time.Second {
		t.Errorf("it waited %s for a process that stays", waited)
	}
	if err := errors.Join(stdin.Close(), holder.Wait()); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatalf("after the holder has gone: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

func TestFilesAreForTheOwnerOnly(t *testing.T) {
	s := open(t)
	digest, err := s.PutBlob(t.Context(), []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{
		s.Path(): 0o600, s.Path() + ".blobs": 0o700, filepath.Join(s.Path()+".blobs", digest[:2], digest): 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
}

func TestAnUpdateIsStoredWholeOrNotAtAll(t *testing.T) {
	s, ctx := open(t), t.Context()
	broken := errors.New("broken")
	for name, fn := range map[string]func(store.Tx) error{
		"the function fails": func(tx store.Tx) error { tx.Put("a", []byte("1")); return broken },
		"a key is too long": func(tx store.Tx) error {
			tx.Put("a", nil)
			tx.Put(strings.Repeat("x", 1<<16), nil)
			tx.Put("b", nil)
			return nil
		},
		"a key is empty":      func(tx store.Tx) error { tx.Put("a", nil); tx.Put("", nil); return nil },
		"the function panics": nil,
	} {
		t.Run(name, func(t *testing.T) {
			func() {
				defer func() { _ = recover() }()
				err := s.Update(ctx, func(tx store.Tx) error {
					if fn == nil {
						tx.Put("a", []byte("1"))
						panic("in a transaction")
					}
					return fn(tx)
				})
				if err == nil {
					t.Error("no error")
				}
			}()
			_ = s.View(ctx, func(tx store.Tx) error {
				for key := range tx.Scan("", "", 0, false) {
					if key != "format" {
						t.Errorf("%q was stored", key)
					}
				}
				return nil
			})
		})
	}
	if err := s.View(ctx, func(tx store.Tx) error { tx.Put("a", nil); return nil }); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("writing in View: %v", err)
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Update(over, func(store.Tx) error { t.Error("ran"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end: %v", err)
	}
}

func TestValuesAreCopies(t *testing.T) {
	s, ctx := open(t), t.Context()
	value := []byte("value")
	var got []byte
	err := s.Update(ctx, func(tx store.Tx) error {
		tx.Put("a", value)
		value[0] = 'X'
		got, _ = tx.Get("a")
		got[1] = 'X'
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = s.View(ctx, func(tx store.Tx) error {
		v, ok := tx.Get("a")
		if !ok || string(v) != "value" {
			t.Errorf("got %q", v)
		}
		if v, ok := tx.Get("b"); ok || v != nil {
			t.Errorf("a missing key gives %q %v", v, ok)
		}
		return nil
	})
}

func TestCountersGoOnAfterARestartAndUnderConcurrency(t *testing.T) {
	path := filepath.Join(t.TempDir(), "towline.db")
	seen := map[uint64]bool{}
	var mu sync.Mutex
	for range 2 {
		s, err := store.Open(path, store.Options{NoSync: true, Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 25 {
			wg.Go(func() {
				var n uint64
				if err := s.Update(t.Context(), func(tx store.Tx) error { n = tx.Next("people"); return nil }); err != nil {
					t.Error(err)
				}
				mu.Lock()
				seen[n] = true
				mu.Unlock()
			})
		}
		wg.Wait()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for n := range uint64(50) {
		if !seen[n+1] {
			t.Errorf("%d was never given", n+1)
		}
	}
}

// TestScanAgreesWithAModel scans, in every direction and range, while deleting
// and adding keys on the way.
func TestScanAgreesWithAModel(t *testing.T) {
	s, ctx := open(t), t.Context()
	key := rapid.StringMatching(`[ab/]{0,3}(\xff)?`)
	rapid.Check(t, func(t *rapid.T) {
		keys := slices.DeleteFunc(rapid.SliceOfDistinct(key, rapid.ID[string]).Draw(t, "keys"), func(k string) bool { return k == "" })
		prefix, from := key.Draw(t, "prefix"), key.Draw(t, "from")
		limit, reverse := rapid.IntRange(0, 4).Draw(t, "limit"), rapid.Bool().Draw(t, "reverse")
		deleting := rapid.Bool().Draw(t, "deleting")
		slices.Sort(keys)
		var want []string
		for _, k := range keys {
			if strings.HasPrefix(k, prefix) && (reverse && (from == "" || k < from) || !reverse && k >= from) {
				want = append(want, k)
			}
		}
		if reverse {
			slices.Reverse(want)
		}
		if limit > 0 && len(want) > limit {
			want = want[:limit]
		}
		rollback := errors.New("rollback")
		err := s.Update(ctx, func(tx store.Tx) error {
			tx.Delete("format") // which is there from the start
			for _, k := range keys {
				tx.Put(k, []byte(k))
			}
			var got []string
			for k, v := range tx.Scan(prefix, from, limit, reverse) {
				got = append(got, k)
				if string(v) != k {
					t.Fatalf("%q holds %q", k, v)
				}
				if deleting {
					tx.Delete(k)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("Scan(%q, %q, %d, %v) of %q = %q, want %q", prefix, from, limit, reverse, keys, got, want)
			}
			return rollback
		})
		if !errors.Is(err, rollback) {
			t.Fatal(err)
		}
	})
}

func TestABlobIsKeptVerifiedAndSwept(t *testing.T) {
	s, ctx := open(t), t.Context()
	content := bytes.Repeat([]byte("content"), 1000)
	digest, err := s.PutBlob(ctx, content)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.PutBlob(ctx, content); err != nil || again != digest {
		t.Errorf("again: %s %v", again, err)
	}
	if got, err := s.Blob(ctx, digest); err != nil || !bytes.Equal(got, content) {
		t.Errorf("read: %v", err)
	}
	file := filepath.Join(s.Path()+".blobs", digest[:2], digest)
	if err := os.WriteFile(file, []byte("tampered"), 0o600); err != nil {
		t.Fatal(err)
	}
	var corrupt *store.CorruptBlobError
	if _, err := s.Blob(ctx, digest); !errors.As(err, &corrupt) || corrupt.Digest != digest {
		t.Errorf("a tampered blob: %v", err)
	}
	if _, err := s.PutBlob(ctx, content); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Blob(ctx, digest); err != nil || !bytes.Equal(got, content) {
		t.Errorf("a corrupt blob was not replaced: %v", err)
	}
	for _, name := range []string{"", "../../etc/passwd", strings.ToUpper(digest), strings.Repeat("0", 64)} {
		if _, err := s.Blob(ctx, name); !errors.Is(err, store.ErrNoBlob) {
			t.Errorf("blob %q: %v", name, err)
		}
	}
}

func TestASweepLeavesWhatIsReferredToAndWhatIsNew(t *testing.T) {
	s, ctx := open(t), t.Context()
	var digests []string
	for _, text := range []string{"old", "old but held", "new"} {
		digest, err := s.PutBlob(ctx, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest)
	}
	remains := filepath.Join(s.Path()+".blobs", digests[0][:2], "writing-1")
	if err := os.WriteFile(remains, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-2 * time.Hour)
	for _, file := range []string{remains, filepath.Join(s.Path()+".blobs", digests[0][:2], digests[0]), filepath.Join(s.Path()+".blobs", digests[1][:2], digests[1])} {
		if err := os.Chtimes(file, past, past); err != nil {
			t.Fatal(err)
		}
	}
	n, err := s.SweepBlobs(ctx, func(d string) bool { return d == digests[1] }, time.Now().Add(-time.Hour))
	if err != nil || n != 2 {
		t.Errorf("removed %d, %v; want 2", n, err)
	}
	for i, want := range []bool{false, true, true} {
		if _, err := s.Blob(ctx, digests[i]); (err == nil) != want {
			t.Errorf("blob %d: %v", i, err)
		}
	}
}
