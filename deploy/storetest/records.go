package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/deploy"
	"towline/deploy/release"
	"towline/migrations"
)

var records = []testCase{
	{"what is known of production's tables and columns is replaced as a whole, each project for itself", func(t *testing.T, u *user) {
		want := []release.Lifetime{{Table: "users", At: "src/a.ts:1"}, {Table: "users", Column: "fax", Added: 3, Unused: 5, Since: time.Unix(1700000000, 0).UTC()}}
		u.view(t, func(tx deploy.Tx) {
			if got := tx.Lifetimes("shop"); len(got) > 0 {
				t.Errorf("before any was stored: %v", got)
			}
		})
		u.update(t, func(tx deploy.Tx) { tx.PutLifetimes("shop", append(want, release.Lifetime{Table: "gone"})) })
		u.update(t, func(tx deploy.Tx) { tx.PutLifetimes("shop", want) })
		u.twice(t, func(tx deploy.Tx) {
			if diff := cmp.Diff(want, tx.Lifetimes("shop")); diff != "" {
				t.Error(diff)
			}
			if got := tx.Lifetimes("shop2"); len(got) > 0 {
				t.Errorf("another project's: %v", got)
			}
		})
	}},
	{"what is known of a database is kept by its name, and all of it is listed in the order of the names", func(t *testing.T, u *user) {
		at := time.Unix(1700000000, 0).UTC()
		shop := release.Known{
			Database: "shop-preview", Made: []release.Made{{ID: "a", Run: "r", At: at}},
			Uses: []release.Use{{Project: "shop", Environment: release.Preview, Since: at, Last: at, Run: "r", Place: "1/2/3"}},
		}
		u.view(t, func(tx deploy.Tx) {
			if got, ok := tx.Known("shop-preview"); ok || len(tx.AllKnown()) > 0 {
				t.Errorf("before any was stored: %+v", got)
			}
		})
		u.update(t, func(tx deploy.Tx) { tx.PutKnown(release.Known{Database: "shop-preview"}) })
		u.update(t, func(tx deploy.Tx) {
			tx.PutKnown(shop)
			tx.PutKnown(release.Known{Database: "blog", Gone: at})
		})
		u.twice(t, func(tx deploy.Tx) {
			got, ok := tx.Known("shop-preview")
			if diff := cmp.Diff(shop, got); !ok || diff != "" {
				t.Errorf("%t %s", ok, diff)
			}
			if _, ok := tx.Known("shop"); ok {
				t.Error("a part of a name is known")
			}
			if diff := cmp.Diff([]release.Known{{Database: "blog", Gone: at}, shop}, tx.AllKnown()); diff != "" {
				t.Error(diff)
			}
		})
	}},
	{"a release that is listed says how many migrations it has, and stored from there it keeps them", func(t *testing.T, u *user) {
		want := aRelease("shop", 7, "abc")
		u.update(t, func(tx deploy.Tx) { tx.PutRelease(want) })
		u.update(t, func(tx deploy.Tx) {
			listed := tx.Releases("shop", 0, 1)[0]
			if listed.Files != 1 {
				t.Errorf("%d migrations", listed.Files)
			}
			listed.Migrations = nil
			listed.Refs = append(listed.Refs, "other")
			tx.PutRelease(listed)
		})
		u.twice(t, func(tx deploy.Tx) {
			want.Refs = []string{want.Refs[0], "other"}
			got, ok := tx.Release("shop", 7)
			if diff := cmp.Diff(want, got); !ok || diff != "" {
				t.Errorf("%t %s", ok, diff)
			}
		})
	}},
	{"a release is found by its number and by its digest", func(t *testing.T, u *user) {
		want := aRelease("shop", 7, "abc")
		u.update(t, func(tx deploy.Tx) { tx.PutRelease(want) })
		u.twice(t, func(tx deploy.Tx) {
			got, ok := tx.Release("shop", 7)
			if diff := cmp.Diff(want, got); !ok || diff != "" {
				t.Errorf("%t %s", ok, diff)
			}
			if n, ok := tx.ReleaseOf("shop", "abc"); !ok || n != 7 {
				t.Errorf("by digest: #%d %t", n, ok)
			}
			if _, ok := tx.Release("shop", 8); ok {
				t.Error("a release that was never made is found")
			}
			for _, other := range [][2]string{{"shop", "ab"}, {"shop", "abcd"}, {"shop2", "abc"}, {"sho", "abc"}} {
				if _, ok := tx.ReleaseOf(other[0], other[1]); ok {
					t.Errorf("%q is found", other)
				}
			}
			if _, ok := tx.Release("shop2", 7); ok {
				t.Error("another project's release is found")
			}
		})
		u.update(t, func(tx deploy.Tx) {
			want.Refs = append(want.Refs, "feature")
			tx.PutRelease(want)
		})
		u.view(t, func(tx deploy.Tx) {
			if got, _ := tx.Release("shop", 7); !slices.Equal(got.Refs, want.Refs) {
				t.Errorf("refs %q", got.Refs)
			}
		})
	}},
	{"releases are numbered from one, each project for itself, and go on after a restart", func(t *testing.T, u *user) {
		next := func(project string, want uint64) {
			t.Helper()
			u.update(t, func(tx deploy.Tx) {
				if n := tx.NextRelease(project); n != want {
					t.Errorf("%s #%d, want #%d", project, n, want)
				}
			})
		}
		next("shop", 1)
		next("shop", 2)
		next("blog", 1)
		u.Store = u.Reopen(t)
		next("shop", 3)
	}},
	{"an environment that was never stored is empty, and knows its name", func(t *testing.T, u *user) {
		u.view(t, func(tx deploy.Tx) {
			want := release.State{Project: "shop", Environment: release.Preview}
			if diff := cmp.Diff(want, tx.State("shop", release.Preview)); diff != "" {
				t.Error(diff)
			}
		})
	}},
	{"an environment's revision grows with every change of it, and of it alone", func(t *testing.T, u *user) {
		state := release.State{
			Project: "shop", Environment: release.Production, Database: "shop", DatabaseID: "id", Live: 3, LiveRun: "run", LiveSince: at(1), Unresolved: true,
			Lease: &release.Lease{Run: "run", Token: "token", Since: at(2)}, Queue: []string{"a", "b"}, Request: "r", Last: "l",
			Hold: &release.Hold{Reason: "why", By: release.Person{ID: 1, Name: "Dana"}, At: at(3)}, Unfinished: &release.RestorePoint{Bookmark: "b"},
		}
		for revision := uint64(1); revision <= 3; revision++ {
			state.Revision = 99 // what the caller says does not count
			u.update(t, func(tx deploy.Tx) { tx.PutState(state) })
			state.Revision = revision
			u.view(t, func(tx deploy.Tx) {
				if diff := cmp.Diff(state, tx.State("shop", release.Production)); diff != "" {
					t.Error(diff)
				}
				for _, other := range []release.State{tx.State("shop", release.Preview), tx.State("blog", release.Production)} {
					if other.Revision != 0 || other.Live != 0 {
						t.Errorf("%+v", other)
					}
				}
			})
		}
		u.twice(t, func(tx deploy.Tx) {
			if got := tx.State("shop", release.Production); got.Revision != 3 {
				t.Errorf("revision %d", got.Revision)
			}
		})
	}},
	{"a standing belongs to a release in an environment, and can be taken back", func(t *testing.T, u *user) {
		u.update(t, func(tx deploy.Tx) {
			tx.PutStanding("shop", release.Preview, 1, release.Live)
			tx.PutStanding("shop", release.Production, 1, release.Waiting)
		})
		u.twice(t, func(tx deploy.Tx) {
			got := []release.Standing{
				tx.Standing("shop", release.Preview, 1), tx.Standing("shop", release.Production, 1), tx.Standing("shop", release.Preview, 2), tx.Standing("blog", release.Preview, 1),
			}
			if !slices.Equal(got, []release.Standing{release.Live, release.Waiting, "", ""}) {
				t.Errorf("%q", got)
			}
		})
		u.update(t, func(tx deploy.Tx) {
			tx.PutStanding("shop", release.Production, 1, "")
			tx.PutStanding("shop", release.Production, 9, "")
		})
		u.view(t, func(tx deploy.Tx) {
			if got := tx.Standing("shop", release.Production, 1); got != "" {
				t.Errorf("%q after it was taken back", got)
			}
		})
	}},
	{"checksums are kept for each environment", func(t *testing.T, u *user) {
		want := map[string]release.Applied{"0001_a.sql": {Checksum: migrations.Checksum{Raw: "r", Normalized: "n", Tokens: "t"}, Release: 3}}
		u.update(t, func(tx deploy.Tx) {
			if sums := tx.Checksums("shop", release.Preview); len(sums) != 0 {
				t.Errorf("%v before any was kept", sums)
			}
			tx.PutChecksums("shop", release.Preview, want)
		})
		u.twice(t, func(tx deploy.Tx) {
			if diff := cmp.Diff(want, tx.Checksums("shop", release.Preview)); diff != "" {
				t.Error(diff)
			}
			if sums := tx.Checksums("shop", release.Production); len(sums) != 0 {
				t.Errorf("%v on production", sums)
			}
		})
	}},
	{"a run is found by its id and by its request's key", func(t *testing.T, u *user) {
		want := release.Run{ID: "01A", Project: "shop", Key: "update 7/odd key", Phase: release.Asking, RequestedAt: at(1), Votes: []release.Vote{{Yes: true, At: at(2)}}}
		u.update(t, func(tx deploy.Tx) {
			tx.PutRun(want)
			tx.PutRun(release.Run{ID: "01B", Phase: release.Done})
		})
		u.twice(t, func(tx deploy.Tx) {
			got, ok := tx.Run("01A")
			if diff := cmp.Diff(want, got); !ok || diff != "" {
				t.Errorf("%t %s", ok, diff)
			}
			if id, ok := tx.RunOf("update 7/odd key"); !ok || id != "01A" {
				t.Errorf("by key: %q %t", id, ok)
			}
			for _, key := range []string{"", "update 7", "update 7/odd key "} {
				if id, ok := tx.RunOf(key); ok {
					t.Errorf("%q finds %q", key, id)
				}
			}
			for _, id := range []string{"", "01", "01C"} {
				if _, ok := tx.Run(id); ok {
					t.Errorf("%q is found", id)
				}
			}
		})
	}},
	{"what was read belongs to the reader", func(t *testing.T, u *user) {
		u.update(t, func(tx deploy.Tx) {
			tx.PutRelease(aRelease("shop", 1, "abc"))
			tx.PutState(release.State{Project: "shop", Environment: release.Preview, Queue: []string{"a"}, Lease: &release.Lease{Run: "a"}})
			tx.PutChecksums("shop", release.Preview, map[string]release.Applied{"a": {Release: 1}})
		})
		u.update(t, func(tx deploy.Tx) {
			r, _ := tx.Release("shop", 1)
			s, sums := tx.State("shop", release.Preview), tx.Checksums("shop", release.Preview)
			r.Refs[0], s.Queue[0], s.Lease.Run, sums["b"] = "x", "x", "x", release.Applied{}
			r, _ = tx.Release("shop", 1)
			s = tx.State("shop", release.Preview)
			if r.Refs[0] != "main" || s.Queue[0] != "a" || s.Lease.Run != "a" || len(tx.Checksums("shop", release.Preview)) != 1 {
				t.Errorf("a reader has changed the store: %v %+v", r.Refs, s)
			}
		})
	}},
}
