package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/release"
)

var logs = []testCase{
	{"a log is a chain from its first entry to its head, whatever the caller says of it", func(t *testing.T, u *user) {
		for i := range 7 {
			u.update(t, func(tx deploy.Tx) {
				for range i {
					tx.Audit(audit.Entry{Seq: 99, Prev: "p", Hash: "h", Project: "shop", What: fmt.Sprint(i), At: at(i), Who: release.Person{ID: 1, Name: "Dana\xff"}})
				}
			})
		}
		for range 2 {
			head, err := audit.VerifyLog(u.ctx, u.Store, "shop")
			if err != nil || head.Seq != 21 {
				t.Fatalf("%v, %v", head, err)
			}
			u.view(t, func(tx deploy.Tx) {
				seq, hash := tx.Head("shop")
				last := tx.Entries("shop", 1)
				if seq != head.Seq || hash != head.Hash || len(last) != 1 || last[0].Seq != seq || last[0].Hash != hash || last[0].Prev == "" {
					t.Errorf("head %d %s, last %+v", seq, hash, last)
				}
			})
			u.Store = u.Reopen(t)
		}
		u.update(t, func(tx deploy.Tx) { tx.Audit(audit.Entry{Project: "shop"}) })
		if head, err := audit.VerifyLog(u.ctx, u.Store, "shop"); err != nil || head.Seq != 22 {
			t.Errorf("after a restart: %v, %v", head, err)
		}
	}},
	{"an undone transaction leaves the log as it was", func(t *testing.T, u *user) {
		u.update(t, func(tx deploy.Tx) { tx.Audit(audit.Entry{Project: "shop"}) })
		_ = u.Store.Update(u.ctx, func(tx deploy.Tx) error {
			tx.Audit(audit.Entry{Project: "shop"})
			tx.Audit(audit.Entry{Project: "blog"})
			return errUndo
		})
		if head, err := audit.VerifyLog(u.ctx, u.Store, "shop"); err != nil || head.Seq != 1 {
			t.Errorf("%v, %v", head, err)
		}
		u.view(t, func(tx deploy.Tx) {
			if got := tx.Logs(); !slices.Equal(got, []string{"shop"}) {
				t.Errorf("logs %q", got)
			}
		})
	}},
	{"the team has a log of its own, and every log is listed", func(t *testing.T, u *user) {
		u.view(t, func(tx deploy.Tx) {
			seq, hash := tx.Head("shop")
			if logs := tx.Logs(); len(logs) != 0 || seq != 0 || hash != "" {
				t.Errorf("before there is any: %q, %d %q", logs, seq, hash)
			}
		})
		u.update(t, func(tx deploy.Tx) {
			for i, project := range []string{"shop", "", "shop-two", "blog", "sho", "shop"} {
				tx.Audit(audit.Entry{Project: project, What: fmt.Sprint(i)})
			}
		})
		u.twice(t, func(tx deploy.Tx) {
			if got := tx.Logs(); !slices.Equal(got, []string{"", "blog", "sho", "shop", "shop-two"}) {
				t.Errorf("logs %q", got)
			}
			if got := tx.Entries("", 9); len(got) != 1 || got[0].What != "1" || got[0].Project != "" {
				t.Errorf("the team's: %+v", got)
			}
			if got := tx.EntriesAfter("shop", 0, 9); len(got) != 2 {
				t.Errorf("shop's: %+v", got)
			}
		})
		for _, project := range []string{"", "blog", "sho", "shop", "shop-two", "never"} {
			if _, err := audit.VerifyLog(u.ctx, u.Store, project); err != nil {
				t.Error(err)
			}
		}
	}},
	{"a log is read in pages from the oldest", func(t *testing.T, u *user) {
		const n = 600 // more than two pages of a walk
		for i := 0; i < n; i += 50 {
			u.update(t, func(tx deploy.Tx) {
				for range 50 {
					tx.Audit(audit.Entry{Project: "shop"})
				}
			})
		}
		u.twice(t, func(tx deploy.Tx) {
			for _, c := range []struct {
				after       uint64
				limit, want int
			}{{0, 1, 1}, {0, 1000, n}, {n - 1, 5, 1}, {n, 5, 0}, {n + 7, 5, 0}, {41, 9, 9}} {
				got := tx.EntriesAfter("shop", c.after, c.limit)
				if len(got) != c.want {
					t.Errorf("after %d, %d of them: %d", c.after, c.limit, len(got))
				}
				for i, e := range got {
					if e.Seq != c.after+uint64(i)+1 {
						t.Errorf("after %d: entry %d is %d", c.after, i, e.Seq)
					}
				}
			}
		})
		seq := uint64(0)
		for e, err := range audit.Walk(u.ctx, u.Store, "shop") {
			if seq++; err != nil || e.Seq != seq {
				t.Fatalf("walked to %d: %v", e.Seq, err)
			}
		}
		if head, err := audit.VerifyLog(u.ctx, u.Store, "shop"); err != nil || head.Seq != n || seq != n {
			t.Errorf("%v %v, %d walked", head, err, seq)
		}
	}},
	{"a log is whole while many add to it", func(t *testing.T, u *user) {
		var writing sync.WaitGroup
		for range 6 {
			writing.Go(func() {
				for range 60 {
					if err := u.Store.Update(u.ctx, func(tx deploy.Tx) error { tx.Audit(audit.Entry{Project: "shop"}); return nil }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range 20 {
			if _, err := audit.VerifyLog(u.ctx, u.Store, "shop"); err != nil {
				t.Error(err)
			}
		}
		writing.Wait()
		if head, err := audit.VerifyLog(u.ctx, u.Store, "shop"); err != nil || head.Seq != 360 {
			t.Errorf("%v, %v", head, err)
		}
	}},
}
