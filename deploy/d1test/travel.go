package d1test

import (
	"testing"
)

var travelling = []testCase{
	{"bookmarks sort by time, as text", func(t *testing.T, u *user) {
		id := u.database(t)
		last := u.bookmark(t, id)
		for _, change := range []string{"CREATE TABLE item (id INTEGER)", "INSERT INTO item VALUES (1)", "DELETE FROM item", "DROP TABLE item"} {
			u.apply(t, id, change)
			now := u.bookmark(t, id)
			if now <= last {
				t.Errorf("after %q: %s does not come after %s", change, now, last)
			}
			last = now
		}
		if again := u.bookmark(t, id); again < last {
			t.Errorf("%s, taken after %s, comes before it", again, last)
		}
	}},
	{"a restore returns schema and rows, and says what leads back", func(t *testing.T, u *user) {
		id := u.database(t, "CREATE TABLE item (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)", "INSERT INTO item (name) VALUES ('rope')")
		before := u.bookmark(t, id)
		u.apply(t, id, "ALTER TABLE item ADD COLUMN price INTEGER", "UPDATE item SET price = 5", "INSERT INTO item (name) VALUES ('buoy')", "CREATE TABLE made (id INTEGER)")

		back := u.restore(t, id, before)
		u.expect(t, id, tables, []any{"item"})
		u.expect(t, id, "SELECT * FROM item", []any{int64(1), "rope"})

		u.restore(t, id, back)
		u.expect(t, id, tables, []any{"item"}, []any{"made"})
		u.expect(t, id, "SELECT name, price FROM item ORDER BY id", []any{"rope", int64(5)}, []any{"buoy", nil})
	}},
	{"after a restore the database goes on, and every older bookmark still leads somewhere", func(t *testing.T, u *user) {
		id := u.database(t, "CREATE TABLE item (id INTEGER)")
		empty := u.bookmark(t, id)
		u.apply(t, id, "INSERT INTO item VALUES (1)")
		one := u.bookmark(t, id)
		u.restore(t, id, empty)
		u.apply(t, id, "INSERT INTO item VALUES (2)")
		two := u.bookmark(t, id)
		if two <= one {
			t.Errorf("%s, taken after a restore, does not come after %s", two, one)
		}
		u.restore(t, id, one)
		u.expect(t, id, "SELECT id FROM item", []any{int64(1)})
		u.restore(t, id, two)
		u.expect(t, id, "SELECT id FROM item", []any{int64(2)})
		u.restore(t, id, empty)
		u.expect(t, id, "SELECT id FROM item")
	}},
	{"a refused batch does not move what a bookmark leads to", func(t *testing.T, u *user) {
		id := u.database(t, "CREATE TABLE item (id INTEGER PRIMARY KEY)", "INSERT INTO item VALUES (1)")
		point := u.bookmark(t, id)
		if _, err := u.Apply(u.ctx, id, []string{"DELETE FROM item", "INSERT INTO nowhere VALUES (1)"}); err == nil {
			t.Error("a batch with a missing table was applied")
		}
		u.apply(t, id, "DELETE FROM item")
		u.restore(t, id, point)
		u.expect(t, id, "SELECT id FROM item", []any{int64(1)})
	}},
	{"a bookmark that nobody has taken restores nothing", func(t *testing.T, u *user) {
		id := u.database(t, "CREATE TABLE item (id INTEGER)", "INSERT INTO item VALUES (1)")
		for _, bookmark := range []string{"", "no bookmark", "ffffffff-ffffffff-ffffffff-ffffffffffffffffffffffffffffffff"} {
			if _, err := u.Restore(u.ctx, id, bookmark); err == nil {
				t.Errorf("restored to %q", bookmark)
			}
		}
		u.expect(t, id, "SELECT id FROM item", []any{int64(1)})
	}},
}
