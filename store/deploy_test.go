package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/release"
	"towline/deploy/storetest"
	"towline/store"
)

func TestItKeepsThePromisesOfTheEnginesStore(t *testing.T) {
	storetest.Test(t, func(t *testing.T) storetest.Opened {
		path := filepath.Join(t.TempDir(), "towline.db")
		var current *store.Store
		reopen := func(t *testing.T) deploy.Store {
			t.Helper()
			if current != nil {
				if err := current.Close(); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if current, err = store.Open(path, store.Options{NoSync: true, Strict: true}); err != nil {
				t.Fatal(err)
			}
			return current.Deploy()
		}
		opened := storetest.Opened{Store: reopen(t), Reopen: reopen}
		t.Cleanup(func() {
			if err := current.Close(); err != nil {
				t.Error(err)
			}
		})
		return opened
	})
}

func TestARecordThatCannotBeReadStopsTheTransactionAndIsNamed(t *testing.T) {
	const state, newer = "deploy/state/shop/preview", `{"v":3,"body":{"live":7}}`
	for name, c := range map[string]struct {
		key, value, says string
		read             func(tx deploy.Tx)
	}{
		"an environment of a newer Towline": {state, newer, "newer Towline", func(tx deploy.Tx) { tx.State("shop", release.Preview) }},
		"a run of a newer Towline":          {"deploy/run/01A", newer, "newer Towline", func(tx deploy.Tx) { tx.Run("01A") }},
		"a release in a list": {"deploy/release/shop/00000000000000000001", newer, "newer Towline",
			func(tx deploy.Tx) { tx.Releases("shop", 0, 5) }},
		"an event in a list": {"deploy/event/00000000000000000001", newer, "newer Towline", func(tx deploy.Tx) { tx.Events(0, 5) }},
		"half a record":      {state, `{"v":1,"body":{"li`, "deploy/state/shop/preview", func(tx deploy.Tx) { tx.State("shop", release.Preview) }},
		"another's record":   {state, `{"v":1,"body":[1]}`, "deploy/state/shop/preview", func(tx deploy.Tx) { tx.State("shop", release.Preview) }},
	} {
		t.Run(name, func(t *testing.T) {
			s, ctx := open(t), t.Context()
			if err := s.Update(ctx, func(tx store.Tx) error { tx.Put(c.key, []byte(c.value)); return nil }); err != nil {
				t.Fatal(err)
			}
			for _, result := range []error{nil, errors.New("a decision made without it")} {
				err := s.Deploy().Update(ctx, func(tx deploy.Tx) error {
					c.read(tx)
					tx.Audit(audit.Entry{Project: "shop"})
					return result
				})
				if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), c.key) {
					t.Errorf("update: %v", err)
				}
				if err = s.Deploy().View(ctx, func(tx deploy.Tx) error { c.read(tx); return result }); err == nil || !strings.Contains(err.Error(), c.key) {
					t.Errorf("view: %v", err)
				}
			}
			_ = s.View(ctx, func(tx store.Tx) error {
				if kept, _ := tx.Get(c.key); string(kept) != c.value {
					t.Errorf("the record is %s now", kept)
				}
				for key := range tx.Scan("deploy/audit/", "", 0, false) {
					t.Errorf("%s was stored", key)
				}
				return nil
			})
		})
	}
}

func TestAFollowerOfEventsGoesOnWhereItWas(t *testing.T) {
	s, ctx := open(t), t.Context()
	d := s.Deploy()
	if seq, err := d.Cursor(ctx, "cards"); seq != 0 || err != nil {
		t.Errorf("at first: %d, %v", seq, err)
	}
	if err := d.SetCursor(ctx, "cards", 42); err != nil {
		t.Fatal(err)
	}
	if seq, err := d.Cursor(ctx, "cards"); seq != 42 || err != nil {
		t.Errorf("%d, %v", seq, err)
	}
	if seq, err := d.Cursor(ctx, "other"); seq != 0 || err != nil {
		t.Errorf("another follower: %d, %v", seq, err)
	}
	if err := s.Update(ctx, func(tx store.Tx) error { tx.Put("deploy/cursor/cards", []byte("odd")); return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Cursor(ctx, "cards"); err == nil {
		t.Error("an unreadable cursor begins at the start")
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if err := d.SetCursor(over, "cards", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end: %v", err)
	}
}
