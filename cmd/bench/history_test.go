package main

import (
	"path/filepath"
	"testing"

	"towline/deploy"
	"towline/deploy/audit"
	"towline/store"
)

func TestTheHistoryIsOneThatTowlineCouldHaveWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "towline.db")
	const releases = perBatch + 20
	if err := history(t.Context(), path, releases); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(path, store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	head, err := audit.VerifyLog(t.Context(), s.Deploy(), "shop")
	if err != nil || head.Seq != uint64(entriesOf(releases)) {
		t.Errorf("the audit log ends at %+v: %v", head, err)
	}
	err = s.Deploy().View(t.Context(), func(tx deploy.Tx) error {
		all := tx.Releases("shop", 0, 2*releases)
		if len(all) != releases || all[0].Number != releases {
			t.Errorf("%d releases, the newest #%d", len(all), all[0].Number)
		}
		if state := tx.State("shop", "production"); state.Live != releases || state.Lease != nil {
			t.Errorf("production is at %+v", state)
		}
		if open := tx.Open(); len(open) != 0 {
			t.Errorf("runs are open: %v", open)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTheLongestHistoryHasTenLinesForEachRelease(t *testing.T) {
	if n := entriesOf(10_000); n != 100_000 {
		t.Errorf("%d lines", n)
	}
}
