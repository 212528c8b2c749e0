// Package d1test says, by tests, what every implementation of deploy.Databases promises. An implementation runs [Test] in its
// own tests, against whatever stands for D1 there:
//
//	func TestItKeepsThePromisesOfDatabases(t *testing.T) {
//		d1test.Test(t, func(t *testing.T) deploy.Databases { return open(t) })
//	}
//
// Every case makes databases of its own, under names that nothing else has, so that they can share one server. Where D1 is
// known to be loose (a whole number beyond 2^53, a deferred violation found at commit), a case accepts what D1's
// documentation allows and no more.
package d1test

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/deploy"
)

// limit ends a case that hangs. None of them takes a second.
const limit = 2 * time.Minute

// Test runs the whole suite. open is called once for each case; what it returns may share its databases with other cases,
// and is closed, where that is needed, by a cleanup that open registers.
func Test(t *testing.T, open func(t *testing.T) deploy.Databases) {
	t.Helper()
	for _, part := range [][]testCase{provisioning, reading, applying, travelling, refusing} {
		for _, c := range part {
			t.Run(c.name, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				c.run(t, &user{Databases: open(t), ctx: ctx})
			})
		}
	}
}

type testCase struct {
	name string
	run  func(t *testing.T, u *user)
}

// user is somebody who uses the databases and is surprised by any error.
type user struct {
	deploy.Databases
	ctx context.Context
}

// name returns a name that no other database has.
func (u *user) name() string { return "suite-" + strings.ToLower(rand.Text()) }

// database creates one and applies statements to it.
func (u *user) database(t *testing.T, statements ...string) string {
	t.Helper()
	db, err := u.Create(u.ctx, u.name())
	if err != nil {
		t.Fatalf("create a database: %v", err)
	}
	if len(statements) > 0 {
		u.apply(t, db.ID, statements...)
	}
	return db.ID
}

func (u *user) apply(t *testing.T, id string, statements ...string) {
	t.Helper()
	if _, err := u.Apply(u.ctx, id, statements); err != nil {
		t.Fatalf("apply %q: %v", statements, err)
	}
}

func (u *user) read(t *testing.T, id string, statements ...string) []deploy.Rows {
	t.Helper()
	rows, err := u.Read(u.ctx, id, statements)
	if err != nil {
		t.Fatalf("read %q: %v", statements, err)
	}
	if len(rows) != len(statements) {
		t.Fatalf("read %q: %d answers to %d statements", statements, len(rows), len(statements))
	}
	return rows
}

// expect compares the rows of one statement, column names left aside.
func (u *user) expect(t *testing.T, id, statement string, want ...[]any) {
	t.Helper()
	got := u.read(t, id, statement)[0].Values
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", statement, diff)
	}
}

func (u *user) bookmark(t *testing.T, id string) string {
	t.Helper()
	b, err := u.Bookmark(u.ctx, id)
	if err != nil || b == "" {
		t.Fatalf("take a bookmark: %q, %v", b, err)
	}
	return b
}

func (u *user) restore(t *testing.T, id, bookmark string) (previous string) {
	t.Helper()
	previous, err := u.Restore(u.ctx, id, bookmark)
	if err != nil || previous == "" {
		t.Fatalf("restore: %q, %v", previous, err)
	}
	return previous
}

// tables is a statement that lists a database's own tables.
const tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\' ORDER BY name"
