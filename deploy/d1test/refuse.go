package d1test

import (
	"context"
	"errors"
	"testing"

	"towline/deploy"
)

var refusing = []testCase{
	{"an id that no database has is said to be none", unknownID("00000000-0000-4000-8000-000000000000")},
	{"an id that cannot be one is said to be none", unknownID("shop")},
	{"an id that would lead elsewhere is said to be none", unknownID("../database/x?name=y")},
	{"an empty id is said to be none", unknownID("")},
	{"a call whose context has ended does nothing", func(t *testing.T, u *user) {
		id := u.database(t, "CREATE TABLE item (id INTEGER)", "INSERT INTO item VALUES (1)")
		point := u.bookmark(t, id)
		u.apply(t, id, "INSERT INTO item VALUES (2)")
		name := u.name()
		ended, cancel := context.WithCancel(u.ctx)
		cancel()
		for call, err := range map[string]error{
			"Find":     second(u.Find(ended, name)),
			"Create":   second(u.Create(ended, name)),
			"Read":     second(u.Read(ended, id, []string{"SELECT 1"})),
			"Apply":    second(u.Apply(ended, id, []string{"INSERT INTO item VALUES (3)"})),
			"Bookmark": second(u.Bookmark(ended, id)),
			"Restore":  second(u.Restore(ended, id, point)),
			"Delete":   u.Delete(ended, id),
		} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v; want context.Canceled", call, err)
			}
		}
		u.expect(t, id, "SELECT id FROM item ORDER BY id", []any{int64(1)}, []any{int64(2)})
		if _, err := u.Find(u.ctx, name); !errors.Is(err, deploy.ErrNoDatabase) {
			t.Errorf("find %s: %v; want ErrNoDatabase", name, err)
		}
	}},
}

// unknownID tries every call on an id. A write that reaches no database is refused for certain, not in doubt.
func unknownID(id string) func(t *testing.T, u *user) {
	return func(t *testing.T, u *user) {
		_, err := u.Read(u.ctx, id, []string{"SELECT 1"})
		if !errors.Is(err, deploy.ErrNoDatabase) {
			t.Errorf("Read: %v; want ErrNoDatabase", err)
		}
		if _, err := u.Bookmark(u.ctx, id); !errors.Is(err, deploy.ErrNoDatabase) {
			t.Errorf("Bookmark: %v; want ErrNoDatabase", err)
		}
		for call, err := range map[string]error{
			"Apply":   second(u.Apply(u.ctx, id, []string{"CREATE TABLE item (id INTEGER)"})),
			"Restore": second(u.Restore(u.ctx, id, "00000000-00000001-00000001-00000000000000000000000000000000")),
			"Delete":  u.Delete(u.ctx, id),
		} {
			var rejected *deploy.RejectedError
			if !errors.Is(err, deploy.ErrNoDatabase) || !errors.As(err, &rejected) {
				t.Errorf("%s: %v; want ErrNoDatabase, as a RejectedError", call, err)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }
