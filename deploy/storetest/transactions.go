package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/release"
)

var errUndo = errors.New("undo this")

var transactions = []testCase{
	{"a transaction sees what it wrote itself", func(t *testing.T, u *user) {
		u.update(t, func(tx deploy.Tx) {
			everything(tx, 1)
			if seen := count(tx); seen != 8 {
				t.Errorf("it sees %d of 8", seen)
			}
		})
	}},
	{"an error undoes all of it, counters too, and is returned as it is", func(t *testing.T, u *user) {
		err := u.Store.Update(u.ctx, func(tx deploy.Tx) error {
			everything(tx, tx.NextRelease("shop"))
			return errUndo
		})
		if err != errUndo { //nolint:errorlint // as it is
			t.Errorf("got %v", err)
		}
		u.twice(t, func(tx deploy.Tx) {
			if seen := count(tx); seen != 0 {
				t.Errorf("%d records are left", seen)
			}
		})
		u.update(t, func(tx deploy.Tx) {
			if n := tx.NextRelease("shop"); n != 1 {
				t.Errorf("the next release is #%d", n)
			}
		})
	}},
	{"an error of a view is returned as it is", func(t *testing.T, u *user) {
		if err := u.Store.View(u.ctx, func(deploy.Tx) error { return errUndo }); err != errUndo { //nolint:errorlint // as it is
			t.Errorf("got %v", err)
		}
	}},
	{"a view that writes ends with an error and has no effect", func(t *testing.T, u *user) {
		if err := u.Store.View(u.ctx, func(tx deploy.Tx) error { everything(tx, 1); return nil }); err == nil {
			t.Error("no error")
		}
		u.view(t, func(tx deploy.Tx) {
			if seen := count(tx); seen != 0 {
				t.Errorf("%d records are left", seen)
			}
		})
	}},
	{"a view sees one state, whatever is written meanwhile", func(t *testing.T, u *user) {
		// Writers and readers do not wait for each other here: a store may let a writer wait for the readers it began beside.
		var writing sync.WaitGroup
		done := make(chan struct{})
		writing.Go(func() {
			defer close(done)
			for n := uint64(1); n <= 200; n++ {
				err := u.Store.Update(u.ctx, func(tx deploy.Tx) error {
					for _, env := range []release.Environment{release.Preview, release.Production} {
						tx.PutState(release.State{Project: "shop", Environment: env, Live: n})
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
		for reading := true; reading; {
			select {
			case <-done:
				reading = false
			default:
			}
			u.view(t, func(tx deploy.Tx) {
				first := tx.State("shop", release.Preview).Live
				if second := tx.State("shop", release.Production).Live; first != second {
					t.Errorf("it saw %d and %d", first, second)
				}
			})
		}
		writing.Wait()
	}},
	{"of two updates at once neither is lost", func(t *testing.T, u *user) {
		const writers, each = 8, 10
		var writing sync.WaitGroup
		for w := range writers {
			writing.Go(func() {
				for i := range each {
					err := u.Store.Update(u.ctx, func(tx deploy.Tx) error {
						s := tx.State("shop", release.Preview)
						s.Live++
						s.Queue = append(s.Queue, fmt.Sprint(w, " ", i))
						tx.PutState(s)
						tx.PutRelease(aRelease("shop", tx.NextRelease("shop"), fmt.Sprint(w, " ", i)))
						tx.Append(deploy.Event{Project: "shop"})
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		writing.Wait()
		u.twice(t, func(tx deploy.Tx) {
			s := tx.State("shop", release.Preview)
			if s.Live != writers*each || s.Revision != writers*each || len(s.Queue) != writers*each {
				t.Errorf("live %d, revision %d, queue of %d", s.Live, s.Revision, len(s.Queue))
			}
			if n := len(tx.Releases("shop", 0, 1000)); n != writers*each {
				t.Errorf("%d releases", n)
			}
			if n := len(tx.Events(0, 1000)); n != writers*each {
				t.Errorf("%d events", n)
			}
		})
	}},
	{"nothing is begun when the context is over", func(t *testing.T, u *user) {
		ctx, cancel := context.WithCancel(u.ctx)
		cancel()
		for name, transact := range map[string]func(context.Context, func(deploy.Tx) error) error{"View": u.Store.View, "Update": u.Store.Update} {
			if err := transact(ctx, func(deploy.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}},
}

// everything writes one record of each kind.
func everything(tx deploy.Tx, number uint64) {
	tx.PutRelease(aRelease("shop", number, "abc"))
	tx.PutState(release.State{Project: "shop", Environment: release.Preview, Live: number})
	tx.PutStanding("shop", release.Preview, number, release.Live)
	tx.AddChange("shop", release.Preview, release.Change{Release: number})
	tx.PutChecksums("shop", release.Preview, map[string]release.Applied{"a": {}})
	tx.PutRun(release.Run{ID: "01A", Key: "key", Phase: release.Queued})
	tx.Append(deploy.Event{Project: "shop"})
	tx.Audit(audit.Entry{Project: "shop", What: "requested"})
}

// count is how many kinds of what everything writes are there.
func count(tx deploy.Tx) (n int) {
	_, ok := tx.ReleaseOf("shop", "abc")
	_, run := tx.RunOf("key")
	for _, there := range []bool{
		ok && len(tx.Releases("shop", 0, 9)) == 1, tx.State("shop", release.Preview).Live != 0, tx.Standing("shop", release.Preview, 1) != "",
		len(tx.Changes("shop", release.Preview, 0, 9)) == 1, len(tx.Checksums("shop", release.Preview)) == 1, run && len(tx.Open()) == 1,
		len(tx.Events(0, 9)) == 1, len(tx.Entries("shop", 9)) == 1,
	} {
		if there {
			n++
		}
	}
	return n
}
