package store_test

import (
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/release"
	"towline/store"
)

// years fills a store with 10,000 releases, as many runs, ten events for each, and 100,000 audit entries.
func years(b *testing.B) *store.Store {
	b.Helper()
	s, err := store.Open(filepath.Join(b.TempDir(), "towline.db"), store.Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	for from := uint64(0); from < 10_000; from += 10 {
		err := s.Deploy().Update(b.Context(), func(tx deploy.Tx) error {
			for range 10 {
				n := tx.NextRelease("shop")
				tx.PutRelease(release.Release{Project: "shop", Number: n, Digest: fmt.Sprintf("%064d", n), CreatedAt: noon(), Migrations: make([]release.Migration, 5)})
				run := release.Run{ID: fmt.Sprintf("%026d", n), Key: fmt.Sprint("u", n), Project: "shop", Phase: release.Done, Release: n, Steps: make([]release.Step, 5)}
				if n > 9_997 {
					run.Phase = release.Asking
				}
				tx.PutRun(run)
				tx.AddChange("shop", release.Production, release.Change{Release: n})
				tx.PutStanding("shop", release.Production, n, release.Superseded)
				for i := range 10 {
					tx.Append(deploy.Event{Project: "shop", Run: run.ID, At: noon()})
					tx.Audit(audit.Entry{Project: "shop", At: noon(), What: "step", Run: run.ID, Release: n, Detail: fmt.Sprint("step ", i)})
				}
				tx.PutState(release.State{Project: "shop", Environment: release.Production, Live: n, LiveRun: run.ID})
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return s
}

func BenchmarkAStoreOfTenThousandReleases(b *testing.B) {
	s := years(b)
	d := s.Deploy()
	view := func(fn func(tx deploy.Tx) int, want int) func(b *testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := d.View(b.Context(), func(tx deploy.Tx) error {
					if n := fn(tx); n != want {
						b.Fatalf("%d, want %d", n, want)
					}
					return nil
				}); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("ten releases", view(func(tx deploy.Tx) int { return len(tx.Releases("shop", 0, 10)) }, 10))
	b.Run("twenty entries", view(func(tx deploy.Tx) int { return len(tx.Entries("shop", 20)) }, 20))
	b.Run("a state", view(func(tx deploy.Tx) int { return int(tx.State("shop", release.Production).Live) }, 10_000))
	b.Run("open runs", view(func(tx deploy.Tx) int { return len(tx.Open()) }, 3))
	b.Run("logs", view(func(tx deploy.Tx) int { return len(tx.Logs()) }, 1))
	b.Run("an entry is added", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := d.Update(b.Context(), func(tx deploy.Tx) error { tx.Audit(audit.Entry{Project: "shop", At: noon()}); return nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("the log is verified", func(b *testing.B) {
		for b.Loop() {
			if head, err := audit.VerifyLog(b.Context(), d, "shop"); err != nil || head.Seq < 100_000 {
				b.Fatal(head, err)
			}
		}
	})
	b.Run("a backup", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := s.Backup(b.Context(), io.Discard, noon()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("a backup is checked", func(b *testing.B) {
		// Its releases name no blobs.
		path := backupOf(b, s)
		for b.Loop() {
			if _, err := store.CheckBackup(b.Context(), path, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
