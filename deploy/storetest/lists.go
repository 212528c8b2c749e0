package storetest

import (
	"fmt"
	"slices"
	"testing"

	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/release"
)

var lists = []testCase{
	{"releases are listed from the newest, below a number, up to a limit", func(t *testing.T, u *user) {
		u.update(t, func(tx deploy.Tx) {
			for n := uint64(1); n <= 12; n++ {
				tx.PutRelease(aRelease("shop", n, fmt.Sprint("d", n)))
			}
			tx.PutRelease(aRelease("shop2", 13, "x"))
			tx.PutRelease(aRelease("sho", 14, "x"))
		})
		u.twice(t, func(tx deploy.Tx) {
			for _, c := range []struct {
				below uint64
				limit int
				want  []uint64
			}{
				{0, 3, []uint64{12, 11, 10}}, {10, 2, []uint64{9, 8}}, {3, 10, []uint64{2, 1}}, {1, 10, nil}, {99, 1, []uint64{12}}, {0, 100, []uint64{12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}},
			} {
				var got []uint64
				for _, r := range tx.Releases("shop", c.below, c.limit) {
					got = append(got, r.Number)
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("below %d, %d of them: %d, want %d", c.below, c.limit, got, c.want)
				}
			}
			if got := tx.Releases("blog", 0, 5); len(got) != 0 {
				t.Errorf("an empty project has %v", got)
			}
		})
	}},
	{"changes are numbered and listed from the newest, each environment for itself", func(t *testing.T, u *user) {
		u.update(t, func(tx deploy.Tx) {
			for n := uint64(1); n <= 11; n++ {
				tx.AddChange("shop", release.Production, release.Change{Seq: 99, Release: n, Ledger: []string{"a"}, Before: &release.RestorePoint{Bookmark: "b", Rows: map[string]int64{}}})
			}
			tx.AddChange("shop", release.Preview, release.Change{Release: 50})
		})
		u.twice(t, func(tx deploy.Tx) {
			got := tx.Changes("shop", release.Production, 0, 2)
			if len(got) != 2 || got[0].Seq != 11 || got[0].Release != 11 || got[1].Seq != 10 || got[0].Before == nil || got[0].Before.Rows == nil {
				t.Errorf("%+v", got)
			}
			if got = tx.Changes("shop", release.Production, 2, 5); len(got) != 1 || got[0].Seq != 1 {
				t.Errorf("%+v", got)
			}
			if got = tx.Changes("shop", release.Preview, 0, 5); len(got) != 1 || got[0].Seq != 1 || got[0].Release != 50 {
				t.Errorf("%+v", got)
			}
		})
	}},
	{"open runs are listed from the oldest, until they end", func(t *testing.T, u *user) {
		phases := []release.Phase{release.Queued, release.Asking, release.Preparing, release.Executing, release.Done, release.Unresolved}
		u.update(t, func(tx deploy.Tx) {
			for i := len(phases) - 1; i >= 0; i-- {
				tx.PutRun(release.Run{ID: fmt.Sprint("01", i), Phase: phases[i]})
			}
		})
		u.twice(t, func(tx deploy.Tx) {
			if got := tx.Open(); !slices.Equal(got, []string{"010", "011", "012", "013"}) {
				t.Errorf("open %q", got)
			}
		})
		u.update(t, func(tx deploy.Tx) {
			tx.PutRun(release.Run{ID: "011", Phase: release.Expired})
			tx.PutRun(release.Run{ID: "015", Phase: release.Executing}) // taken up again
		})
		u.view(t, func(tx deploy.Tx) {
			if got := tx.Open(); !slices.Equal(got, []string{"010", "012", "013", "015"}) {
				t.Errorf("open %q", got)
			}
		})
	}},
	{"events are numbered over all projects and listed from the oldest, after a number", func(t *testing.T, u *user) {
		for i := range 11 {
			u.update(t, func(tx deploy.Tx) {
				tx.Append(deploy.Event{Seq: 99, Run: fmt.Sprint(i + 1), Project: []string{"shop", "blog"}[i%2], Kind: deploy.RunChanged, At: at(i)})
			})
		}
		u.twice(t, func(tx deploy.Tx) {
			got := tx.Events(0, 100)
			for i, e := range got {
				if e.Seq != uint64(i+1) || e.Run != fmt.Sprint(i+1) || !e.At.Equal(at(i)) {
					t.Errorf("event %d is %+v", i+1, e)
				}
			}
			if len(got) != 11 {
				t.Errorf("%d events", len(got))
			}
			if got = tx.Events(9, 1); len(got) != 1 || got[0].Seq != 10 {
				t.Errorf("after 9: %+v", got)
			}
			if got = tx.Events(11, 5); len(got) != 0 {
				t.Errorf("after the last: %+v", got)
			}
		})
	}},
	{"a project's log is listed from the newest", func(t *testing.T, u *user) {
		u.update(t, func(tx deploy.Tx) {
			for i := range 11 {
				tx.Audit(audit.Entry{Project: "shop", What: fmt.Sprint(i + 1), Who: release.Person{ID: 1, Name: "Dana"}, At: at(i)})
			}
			tx.Audit(audit.Entry{Project: "shop2", What: "other"})
		})
		u.twice(t, func(tx deploy.Tx) {
			got := tx.Entries("shop", 2)
			if len(got) != 2 || got[0].What != "11" || got[1].What != "10" || got[0].Seq != 11 || got[0].Who.Name != "Dana" {
				t.Errorf("%+v", got)
			}
			if got = tx.Entries("shop2", 5); len(got) != 1 || got[0].Seq != 1 {
				t.Errorf("%+v", got)
			}
		})
	}},
}
