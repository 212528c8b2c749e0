package store_test

import (
	"path/filepath"
	"testing"

	"towline/store"
	"towline/usage/storetest"
)

func TestTheStoreOfSamplesKeepsItsContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() storetest.Store {
		path := filepath.Join(t.TempDir(), "towline.db")
		var s *store.Store
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return func() storetest.Store {
			if s != nil {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if s, err = store.Open(path, store.Options{NoSync: true, Strict: true}); err != nil {
				t.Fatal(err)
			}
			return s.Usage()
		}
	})
}
