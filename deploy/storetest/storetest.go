// Package storetest says, by tests, what every implementation of deploy.Store promises. An implementation runs [Test] in its
// own tests:
//
//	func TestItKeepsThePromisesOfStore(t *testing.T) {
//		storetest.Test(t, func(t *testing.T) storetest.Opened { ... })
//	}
//
// records.go goes through what a Tx reads and writes, kind by kind; audit.go is about the chain of a log; transactions.go is about what makes a transaction one;
// growth.go about a store that has become old.
package storetest

import (
	"context"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/release"
)

// Opened is an empty store.
type Opened struct {
	Store deploy.Store
	// Reopen closes the store and opens it again, as after a restart of the process.
	Reopen func(t *testing.T) deploy.Store
}

// limit ends a case that hangs. None of them takes a second.
const limit = 2 * time.Minute

// Test runs the whole suite. open is called once or twice for each case and gives a new, empty store each time, which is closed by a
// cleanup that open registers.
func Test(t *testing.T, open func(t *testing.T) Opened) {
	t.Helper()
	for _, part := range [][]testCase{records, lists, logs, transactions, growth} {
		for _, c := range part {
			t.Run(c.name, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				c.run(t, &user{Opened: open(t), ctx: ctx, open: open})
			})
		}
	}
}

type testCase struct {
	name string
	run  func(t *testing.T, u *user)
}

// user is somebody who uses the store and is surprised by any error.
type user struct {
	Opened
	ctx  context.Context
	open func(t *testing.T) Opened
}

// another is the same with a new store beside.
func (u *user) another(t *testing.T) *user {
	t.Helper()
	return &user{Opened: u.open(t), ctx: u.ctx, open: u.open}
}

func (u *user) update(t *testing.T, fn func(tx deploy.Tx)) {
	t.Helper()
	if err := u.Store.Update(u.ctx, func(tx deploy.Tx) error { fn(tx); return nil }); err != nil {
		t.Fatalf("update: %v", err)
	}
}

func (u *user) view(t *testing.T, fn func(tx deploy.Tx)) {
	t.Helper()
	if err := u.Store.View(u.ctx, func(tx deploy.Tx) error { fn(tx); return nil }); err != nil {
		t.Fatalf("view: %v", err)
	}
}

// twice runs a check now, and again after a restart.
func (u *user) twice(t *testing.T, check func(tx deploy.Tx)) {
	t.Helper()
	u.view(t, check)
	u.Store = u.Reopen(t)
	u.view(t, check)
}

func at(second int) time.Time { return time.Date(2026, 11, 21, 12, 0, second, 7, time.UTC) }

func aRelease(project string, number uint64, digest string) release.Release {
	return release.Release{
		Project: project, Number: number, Digest: digest, CreatedAt: at(int(number)), CreatedBy: release.Person{ID: 1, Name: "Dana"}, Refs: []string{"main"},
		Migrations: []release.Migration{{Name: "0001_a.sql", Blob: "b"}}, Files: 1,
	}
}
