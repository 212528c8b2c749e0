package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"towline/store"
)

func TestAStrictStoreTakesNoTransactionThatEtcdWouldNot(t *testing.T) {
	keys := func(n int, do func(k string)) {
		for i := range n {
			do(fmt.Sprintf("k/%03d", i))
		}
	}
	value := make([]byte, 1<<20)
	for name, c := range map[string]struct {
		fn    func(tx store.Tx)
		large bool
	}{
		"128 writes":            {func(tx store.Tx) { keys(128, func(k string) { tx.Put(k, nil) }) }, false},
		"129 writes":            {func(tx store.Tx) { keys(129, func(k string) { tx.Put(k, nil) }) }, true},
		"129 deletions":         {func(tx store.Tx) { keys(129, tx.Delete) }, true},
		"one key, often":        {func(tx store.Tx) { keys(500, func(string) { tx.Put("k", nil); tx.Get("k"); tx.Next("n") }) }, false},
		"129 reads and a write": {func(tx store.Tx) { keys(129, func(k string) { tx.Get(k) }); tx.Put("k", nil) }, true},
		"129 reads of its own": {func(tx store.Tx) {
			keys(128, func(k string) { tx.Put(k, nil) })
			keys(128, func(k string) { tx.Get(k) })
		}, false},
		"129 reads alone": {func(tx store.Tx) { keys(129, func(k string) { tx.Get(k) }) }, false},
		"a long scan and a write": {func(tx store.Tx) {
			for range tx.Scan("old/", "", 0, false) {
				tx.Put("k", nil)
			}
		}, true},
		"1 MB":             {func(tx store.Tx) { tx.Put("a", value) }, false},
		"2 MB":             {func(tx store.Tx) { tx.Put("a", value); tx.Put("b", value) }, true},
		"1 MB, twice over": {func(tx store.Tx) { tx.Put("a", value); tx.Put("a", value) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, strict := range []bool{true, false} {
				s, err := store.Open(filepath.Join(t.TempDir(), "towline.db"), store.Options{NoSync: true, Strict: strict})
				if err != nil {
					t.Fatal(err)
				}
				for from := 0; from < 200; from += 100 {
					if err := s.Update(t.Context(), func(tx store.Tx) error {
						keys(100, func(k string) { tx.Put(fmt.Sprint("old/", from, k), nil) })
						return nil
					}); err != nil {
						t.Fatal(err)
					}
				}
				err = s.Update(t.Context(), func(tx store.Tx) error { c.fn(tx); return nil })
				var large *store.TooLargeError
				if errors.As(err, &large) != (strict && c.large) || err != nil && large == nil {
					t.Errorf("strict %t: %v", strict, err)
				}
				_ = s.View(t.Context(), func(tx store.Tx) error {
					if _, there := tx.Get("k"); there && err != nil {
						t.Error("it was stored all the same")
					}
					return nil
				})
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
