package d1test

import (
	"errors"
	"testing"

	"towline/deploy"
)

var provisioning = []testCase{
	{"a name that no database has is not found", func(t *testing.T, u *user) {
		if db, err := u.Find(u.ctx, u.name()); !errors.Is(err, deploy.ErrNoDatabase) {
			t.Errorf("found %+v, %v; want ErrNoDatabase", db, err)
		}
	}},
	{"a created database is found by its name, with the same id, and is empty", func(t *testing.T, u *user) {
		name := u.name()
		made, err := u.Create(u.ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		found, err := u.Find(u.ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		if made.ID == "" || made.Name != name || found.ID != made.ID || found.Name != name {
			t.Errorf("created %+v, found %+v, name %q", made, found, name)
		}
		u.expect(t, made.ID, tables)
	}},
	{"a part of a name finds nothing", func(t *testing.T, u *user) {
		name := u.name()
		for _, longer := range []string{name + "-preview", "old-" + name} {
			if _, err := u.Create(u.ctx, longer); err != nil {
				t.Fatal(err)
			}
		}
		if db, err := u.Find(u.ctx, name); !errors.Is(err, deploy.ErrNoDatabase) {
			t.Errorf("found %+v, %v; want ErrNoDatabase", db, err)
		}
		made, err := u.Create(u.ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		if db, err := u.Find(u.ctx, name); err != nil || db.ID != made.ID {
			t.Errorf("found %+v, %v; want %s", db, err, made.ID)
		}
	}},
	{"a name that is taken is not created a second time, and the first stays what it was", func(t *testing.T, u *user) {
		name := u.name()
		made, err := u.Create(u.ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		u.apply(t, made.ID, "CREATE TABLE kept (id INTEGER)")
		if db, err := u.Create(u.ctx, name); !errors.Is(err, deploy.ErrDatabaseExists) {
			t.Errorf("created %+v, %v; want ErrDatabaseExists", db, err)
		}
		if db, err := u.Find(u.ctx, name); err != nil || db.ID != made.ID {
			t.Errorf("found %+v, %v; want %s", db, err, made.ID)
		}
		u.expect(t, made.ID, tables, []any{"kept"})
	}},
	{"a deleted database is gone with its name, and another one of the name is empty", func(t *testing.T, u *user) {
		name := u.name()
		made, err := u.Create(u.ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		u.apply(t, made.ID, "CREATE TABLE gone (id INTEGER)")
		other := u.database(t, "CREATE TABLE kept (id INTEGER)")
		if err := u.Delete(u.ctx, made.ID); err != nil {
			t.Fatalf("delete: %v", err)
		}
		if db, err := u.Find(u.ctx, name); !errors.Is(err, deploy.ErrNoDatabase) {
			t.Errorf("found %+v, %v after it was deleted; want ErrNoDatabase", db, err)
		}
		if _, err := u.Read(u.ctx, made.ID, []string{"SELECT 1"}); !errors.Is(err, deploy.ErrNoDatabase) {
			t.Errorf("read: %v after it was deleted; want ErrNoDatabase", err)
		}
		if err := u.Delete(u.ctx, made.ID); !errors.Is(err, deploy.ErrNoDatabase) {
			t.Errorf("delete it again: %v; want ErrNoDatabase", err)
		}
		again, err := u.Create(u.ctx, name)
		if err != nil || again.ID == made.ID {
			t.Fatalf("create it again: %+v, %v; want another id than %s", again, err, made.ID)
		}
		u.expect(t, again.ID, tables)
		u.expect(t, other, tables, []any{"kept"})
	}},
	{"two databases share nothing", func(t *testing.T, u *user) {
		one, other := u.database(t, "CREATE TABLE one (id INTEGER)"), u.database(t, "CREATE TABLE other (id INTEGER)")
		u.expect(t, one, tables, []any{"one"})
		u.expect(t, other, tables, []any{"other"})
	}},
}
