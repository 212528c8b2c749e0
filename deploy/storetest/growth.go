package storetest

import (
	"fmt"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/release"
)

// years is how many releases, runs and events ten busy years leave behind; slower is by how much a question may take longer
// then than in the first week. A store that reads all of it would need some hundred times as long.
const (
	years  = 4000
	slower = 8
)

// attempts is how often a question is timed, and patient how often at most where it seems to have become slower: one that has stays so.
const (
	attempts = 100
	patient  = 2000
)

var growth = []testCase{
	{"ten years of releases do not make a status slower", func(t *testing.T, u *user) {
		first := u.another(t)
		fill(t, first, 0, 20)
		fill(t, u, 0, 20)
		for from := 20; from < years; from += 200 {
			fill(t, u, from, from+200)
		}
		// In turns, so that whatever else the machine does is in the way of both.
		young, old := time.Hour, time.Hour
		for n := 0; n < attempts || n < patient && old > slower*young; n++ {
			young, old = min(young, status(t, first)), min(old, status(t, u))
		}
		t.Logf("%s after 20 releases, %s after %d", young, old, years)
		if old > slower*young {
			t.Errorf("a status takes %s after %d releases, and %s after 20", old, years, young)
		}
	}},
}

// perFill is how many releases one transaction of fill adds: a store may refuse more than 128 keys in one, as etcd does.
const perFill = 10

// fill adds releases from one number up to another, each with what it leaves behind.
func fill(t *testing.T, u *user, from, to int) {
	t.Helper()
	for ; from+perFill < to; from += perFill {
		fill(t, u, from, from+perFill)
	}
	u.update(t, func(tx deploy.Tx) {
		for i := from; i < to; i++ {
			n := tx.NextRelease("shop")
			tx.PutRelease(aRelease("shop", n, fmt.Sprint("digest", n)))
			tx.PutStanding("shop", release.Production, n, release.Superseded)
			tx.AddChange("shop", release.Production, release.Change{Release: n})
			tx.PutRun(release.Run{ID: fmt.Sprintf("%08d", i), Key: fmt.Sprint("key", i), Phase: release.Done})
			tx.Append(deploy.Event{Project: "shop"})
			tx.Audit(audit.Entry{Project: "shop"})
		}
		tx.PutState(release.State{Project: "shop", Environment: release.Production, Live: uint64(to)})
	})
}

// status is how long the questions behind a status take. The least of many attempts counts, since a busy machine only adds to it.
func status(t *testing.T, u *user) time.Duration {
	t.Helper()
	began := time.Now()
	u.view(t, func(tx deploy.Tx) {
		state := tx.State("shop", release.Production)
		live, _ := tx.Release("shop", state.Live)
		newest := tx.Releases("shop", 0, 5)
		for _, r := range newest {
			_ = tx.Standing("shop", release.Production, r.Number)
		}
		if live.Number != state.Live || len(newest) != 5 || len(tx.Changes("shop", release.Production, 0, 2)) != 2 || len(tx.Open()) != 0 || len(tx.Entries("shop", 5)) != 5 || len(tx.Events(state.Live-1, 5)) != 1 {
			t.Fatal("a wrong answer")
		}
	})
	return max(time.Since(began), time.Microsecond)
}
