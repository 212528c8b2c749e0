package conformance

import (
	"net/url"
	"regexp"
	"testing"
	"time"
)

// restored is the answer to a restore.
type restored struct {
	Bookmark         string
	PreviousBookmark string `json:"previous_bookmark"`
	Message          string
}

// bookmark returns the present bookmark, or that of a time.
func (d database) bookmark(t testing.TB, timestamp string) string {
	t.Helper()
	path := d.path() + "/time_travel/bookmark"
	if timestamp != "" {
		path += "?timestamp=" + url.QueryEscape(timestamp)
	}
	var got struct{ Bookmark string }
	d.send(t, "GET", path, nil).decode(t, &got)
	return got.Bookmark
}

func (d database) restore(t testing.TB, bookmark string) restored {
	t.Helper()
	var got restored
	d.send(t, "POST", d.path()+"/time_travel/restore?bookmark="+bookmark, nil).decode(t, &got)
	return got
}

// rows adds a row to t, a table that it makes if there is none.
func (d database) add(t testing.TB, a int) {
	t.Helper()
	d.query(t, "CREATE TABLE IF NOT EXISTS t(a)")
	d.query(t, "INSERT INTO t VALUES (?)", a)
}

func (d database) has(t testing.TB, want int) {
	t.Helper()
	if n := d.count(t, "SELECT count(*) AS n FROM t"); n != want {
		t.Errorf("%d rows, want %d", n, want)
	}
}

func testTimeTravel(t *testing.T, c *client) {
	t.Run("bookmarks have D1's form and sort by age", func(t *testing.T) { testBookmarks(t, c.create(t)) })
	t.Run("a restore goes back, an undo forward, and older bookmarks stay valid", func(t *testing.T) { testRestore(t, c.create(t)) })
	t.Run("everything comes back", func(t *testing.T) { testFidelity(t, c.create(t)) })
	t.Run("a time leads to the bookmark of what was there then", func(t *testing.T) { testTimestamps(t, c.create(t)) })
	t.Run("ten restores in ten minutes, and no more", func(t *testing.T) { testRestoreLimit(t, c.create(t)) })
	t.Run("what leads nowhere is refused and changes nothing", func(t *testing.T) {
		db, other := c.create(t), c.create2(t, "-b")
		db.add(t, 1)
		foreign := other.bookmark(t, "")
		for _, query := range []string{
			"?bookmark=00000000-00000000-00000000-00000000000000000000000000000000", "?bookmark=nonsense", "?bookmark=" + foreign, "?timestamp=2001-01-01T00:00:00Z",
		} {
			db.send(t, "POST", db.path()+"/time_travel/restore"+query, nil).refused(t, 400, 7500, "")
		}
		for _, query := range []string{"", "?timestamp=yesterday"} {
			db.send(t, "POST", db.path()+"/time_travel/restore"+query, nil).refused(t, 400, 7400, "")
		}
		db.send(t, "GET", db.path()+"/time_travel/bookmark?timestamp=2001-01-01T00:00:00Z", nil).refused(t, 400, 7500, "")
		db.has(t, 1)
	})
}

func testBookmarks(t *testing.T, db database) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$`)
	last := db.bookmark(t, "")
	for i := range 3 {
		db.add(t, i)
		now := db.bookmark(t, "")
		if !form.MatchString(now) || now <= last {
			t.Errorf("%q after %q", now, last)
		}
		last = now
	}
	db.query(t, "SELECT * FROM t")
	if now := db.bookmark(t, ""); now != last {
		t.Errorf("a read made the bookmark %q of %q", now, last)
	}
	a := db.send(t, "POST", db.path()+"/query", map[string]any{"sql": "INSERT INTO t VALUES (9); SELECT nonsense"})
	if now := db.bookmark(t, ""); a.Success || now != last {
		t.Errorf("a write that was rolled back made the bookmark %q of %q", now, last)
	}
}

func testRestore(t *testing.T, db database) {
	empty := db.bookmark(t, "")
	db.add(t, 1)
	one := db.bookmark(t, "")
	db.add(t, 2)
	two := db.bookmark(t, "")
	back := db.restore(t, one)
	db.has(t, 1)
	if back.PreviousBookmark != two || back.Bookmark <= two || back.Message == "" {
		t.Errorf("restore from %s: %+v", two, back)
	}
	if now := db.bookmark(t, ""); now != back.Bookmark {
		t.Errorf("the bookmark is %s, the restore said %s", now, back.Bookmark)
	}
	db.add(t, 3)
	db.add(t, 4)
	db.has(t, 3)
	db.restore(t, back.PreviousBookmark)
	db.has(t, 2)
	db.restore(t, empty)
	db.send(t, "POST", db.path()+"/query", map[string]any{"sql": "SELECT * FROM t"}).refused(t, 400, 7500, "no such table: t: SQLITE_ERROR")
	db.restore(t, one)
	db.has(t, 1)
	db.restore(t, two)
	db.has(t, 2)
}

func testFidelity(t *testing.T, db database) {
	db.query(t, `CREATE TABLE p(id INTEGER PRIMARY KEY AUTOINCREMENT, big, real REAL, blob);
		CREATE TABLE c(p REFERENCES p(id) ON DELETE CASCADE, g AS (p * 2));
		CREATE VIRTUAL TABLE f USING fts5(body);
		CREATE VIEW v AS SELECT count(*) AS n FROM c;
		CREATE TRIGGER tr AFTER INSERT ON p BEGIN INSERT INTO c(p) VALUES (NEW.id); END;
		CREATE UNIQUE INDEX u ON p(big);
		INSERT INTO p(big, real, blob) VALUES (9007199254740993, 0.1, x'00ff');
		INSERT INTO p(big) VALUES ('9007199254740993');
		DELETE FROM p WHERE id = 2;
		INSERT INTO f VALUES ('tow line');
		ANALYZE`)
	point := db.bookmark(t, "")
	db.query(t, "DROP TABLE c; DROP VIEW v; DROP TABLE f; DROP TABLE p")
	db.restore(t, point)
	got := db.query(t, `SELECT CAST(big AS TEXT) || typeof(big) AS big, typeof(real) AS r, hex(blob) AS b, (SELECT n FROM v) AS n,
		(SELECT g FROM c) AS g, (SELECT count(*) FROM f WHERE f MATCH 'tow') AS f FROM p`)
	want := map[string]any{"big": "9007199254740993integer", "r": "real", "b": "00FF", "n": 1.0, "g": 2.0, "f": 1.0}
	for name, value := range want {
		if len(got) != 1 || got[0][name] != value {
			t.Fatalf("%s is not %v in %v", name, value, got)
		}
	}
	db.query(t, "INSERT INTO p(big) VALUES (1)")
	if id := db.count(t, "SELECT max(id) AS n FROM p"); id != 3 {
		t.Errorf("AUTOINCREMENT went on with %d", id)
	}
	db.query(t, "DELETE FROM p")
	if n := db.count(t, "SELECT n FROM v"); n != 0 {
		t.Errorf("the foreign key did not come back: %d rows", n)
	}
}

func testTimestamps(t *testing.T, db database) {
	db.add(t, 1)
	one := db.bookmark(t, "")
	between := tick()
	db.add(t, 2)
	two := db.bookmark(t, "")
	after := tick()
	for timestamp, want := range map[string]string{
		between.Format(time.RFC3339Nano): one, after.Format(time.RFC3339Nano): two,
		between.In(time.FixedZone("", 3600)).Format("2006-01-02T15:04:05.000Z07:00"): one,
	} {
		if got := db.bookmark(t, timestamp); got != want {
			t.Errorf("%s leads to %s, want %s", timestamp, got, want)
		}
	}
	var back restored
	db.send(t, "POST", db.path()+"/time_travel/restore?timestamp="+url.QueryEscape(between.Format(time.RFC3339Nano)), nil).decode(t, &back)
	db.has(t, 1)
	if back.PreviousBookmark != two {
		t.Errorf("previous_bookmark is %s, want %s", back.PreviousBookmark, two)
	}
}

// tick returns a time between whatever happened before and whatever happens after, on a clock that counts milliseconds.
func tick() time.Time {
	next := func(after time.Time) time.Time {
		for {
			if now := time.Now(); now.UnixMilli() > after.UnixMilli() {
				return now
			}
		}
	}
	moment := next(time.Now())
	next(moment)
	return moment.UTC()
}
