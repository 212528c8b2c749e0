package conformance

import (
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const ledger = `CREATE TABLE d1_migrations(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`

// testTogether is about requests to one database that meet each other.
func testTogether(t *testing.T, c *client) {
	t.Run("of eight equal batches that begin with their ledger row, one is applied", func(t *testing.T) {
		db := c.create(t)
		db.query(t, ledger)
		batch := map[string]any{"batch": []map[string]any{
			{"sql": "INSERT INTO d1_migrations(name) VALUES (?)", "params": []any{"0001_init.sql"}},
			{"sql": "CREATE TABLE t(a)"}, {"sql": "INSERT INTO t VALUES (1)"},
		}}
		answers := c.atOnce(t, 8, func(int) answer { return db.send(t, "POST", db.path()+"/query", batch) })
		applied := 0
		for _, a := range answers {
			if a.Success {
				applied++
				continue
			}
			a.refused(t, 400, 7500, "UNIQUE constraint failed: d1_migrations.name: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)")
		}
		if n := db.count(t, "SELECT count(*) AS n FROM t"); applied != 1 || n != 1 {
			t.Errorf("%d batches were applied and left %d rows", applied, n)
		}
	})
	t.Run("writers wait for each other and lose nothing", func(t *testing.T) {
		db := c.create(t)
		db.query(t, "CREATE TABLE t(n); INSERT INTO t VALUES (0)")
		for _, a := range c.atOnce(t, 12, func(int) answer {
			return db.send(t, "POST", db.path()+"/query", map[string]any{"sql": "UPDATE t SET n = n + 1; SELECT n FROM t"})
		}) {
			if !a.Success {
				t.Errorf("refused: %s", a.text)
			}
		}
		if n := db.count(t, "SELECT n FROM t"); n != 12 {
			t.Errorf("twelve increments made %d", n)
		}
	})
	t.Run("of several that create a database of one name, one succeeds", func(t *testing.T) {
		name := uniqueName(t)
		created := 0
		for _, a := range c.atOnce(t, 6, func(int) answer { return c.send(t, "POST", c.databases(), map[string]any{"name": name}) }) {
			if !a.Success {
				a.refused(t, 400, 7502, "")
				continue
			}
			created++
			var d described
			a.decode(t, &d)
			c.send(t, "DELETE", c.databases()+"/"+d.UUID, nil)
		}
		if created != 1 {
			t.Errorf("%d were created", created)
		}
	})
}

// atOnce makes n requests at the same time.
func (c *client) atOnce(t *testing.T, n int, request func(int) answer) []answer {
	t.Helper()
	answers := make([]answer, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { answers[i] = request(i) })
	}
	group.Wait()
	return answers
}

// meta is what the API tells of a statement's cost.
type meta struct {
	ServedBy    string `json:"served_by"`
	Duration    *float64
	Changes     int64
	LastRowID   int64 `json:"last_row_id"`
	ChangedDB   bool  `json:"changed_db"`
	SizeAfter   int64 `json:"size_after"`
	RowsRead    int64 `json:"rows_read"`
	RowsWritten int64 `json:"rows_written"`
	Attempts    int   `json:"total_attempts"`
}

func testMeta(t *testing.T, c *client) {
	db := c.create(t)
	for _, tc := range []struct {
		name, sql      string
		changes, row   int64
		changed, reads bool
		writes         bool
	}{
		{"a new table changes the database and no rows", "CREATE TABLE t(a INTEGER PRIMARY KEY, b)", 0, 0, true, true, true},
		{"inserts are counted", "INSERT INTO t VALUES (5, 'x'), (6, 'y')", 2, 6, true, false, true},
		{"an update is counted", "UPDATE t SET b = 'z'", 2, 6, true, true, true},
		{"a read changes nothing", "SELECT * FROM t", 0, 6, false, true, false},
		{"an update of no rows changes nothing", "UPDATE t SET b = 1 WHERE a = 99", 0, 6, false, false, false},
		{"what a trigger changes counts too", "CREATE TRIGGER g AFTER DELETE ON t BEGIN INSERT INTO t VALUES (OLD.a + 10, 'w'); END", 0, 6, false, false, true},
		{"so a delete of one row is two changes", "DELETE FROM t WHERE a = 5", 2, 6, true, false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := db.send(t, "POST", db.path()+"/query", map[string]any{"sql": tc.sql})
			var results []struct {
				Success bool
				Meta    meta
			}
			a.decode(t, &results)
			m := results[0].Meta
			if m.Changes != tc.changes || m.LastRowID != tc.row || m.ChangedDB != tc.changed {
				t.Errorf("changes %d, last_row_id %d, changed_db %t in %+v", m.Changes, m.LastRowID, m.ChangedDB, m)
			}
			if tc.reads && m.RowsRead == 0 || tc.writes != (m.RowsWritten > 0) {
				t.Errorf("rows read and written are wrong in %+v", m)
			}
			if !results[0].Success || m.ServedBy == "" || m.Duration == nil || m.SizeAfter < 4096 || m.Attempts != 1 {
				t.Errorf("something is missing in %+v", m)
			}
		})
	}
	t.Run("a CREATE TABLE counts one row read and two written", func(t *testing.T) {
		var results []struct{ Meta meta }
		db.send(t, "POST", db.path()+"/query", map[string]any{"sql": "CREATE TABLE u(a)"}).decode(t, &results)
		if m := results[0].Meta; m.RowsRead != 1 || m.RowsWritten != 2 {
			t.Errorf("%+v", m)
		}
	})
}

// testRestart is about what is still there after the server was ended without warning.
func testRestart(t *testing.T, c *client) {
	if c.Restart == nil {
		t.Skip("this server does not restart")
	}
	db := c.create(t)
	db.query(t, "CREATE TABLE t(a); INSERT INTO t VALUES (1)")
	first := db.bookmark(t, "")
	db.query(t, "INSERT INTO t VALUES (2)")
	second := db.bookmark(t, "")
	c.URL = c.Restart(t)

	t.Run("every answered write is there", func(t *testing.T) {
		if n := db.count(t, "SELECT count(*) AS n FROM t"); n != 2 {
			t.Errorf("%d rows", n)
		}
		var got described
		if c.send(t, "GET", c.databases()+"/"+db.name, nil).decode(t, &got); got.UUID != db.id {
			t.Errorf("the name now leads to %s", got.UUID)
		}
	})
	t.Run("bookmarks go on ascending", func(t *testing.T) {
		if now := db.bookmark(t, ""); now < second {
			t.Errorf("%s after %s", now, second)
		}
		db.query(t, "CREATE TABLE later(a)")
		if now := db.bookmark(t, ""); now <= second {
			t.Errorf("after a change, %s after %s", now, second)
		}
	})
	t.Run("an earlier bookmark still leads back", func(t *testing.T) {
		undo := db.restore(t, first).PreviousBookmark
		if n := db.count(t, "SELECT count(*) AS n FROM t"); n != 1 {
			t.Errorf("%d rows after the restore", n)
		}
		c.URL = c.Restart(t)
		if n := db.count(t, "SELECT count(*) AS n FROM t"); n != 1 {
			t.Errorf("%d rows after another restart", n)
		}
		db.restore(t, undo)
		if n := db.count(t, "SELECT count(*) AS n FROM t"); n != 2 {
			t.Errorf("%d rows after the undo", n)
		}
	})
	t.Run("of writers that a crash cuts off, each is there whole or not at all", func(t *testing.T) {
		db.query(t, "CREATE TABLE pairs(a)")
		testCrash(t, db)
	})
}

// testCrash restarts the server while it is being written to.
func testCrash(t *testing.T, db database) {
	body, err := json.Marshal(map[string]any{"sql": "INSERT INTO pairs VALUES (1); INSERT INTO pairs VALUES (2)"})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	answered := 0
	busy := make(chan struct{})
	var once sync.Once
	var over atomic.Bool // a writer between two requests misses the crash: the next one would reach the new server, and so on for ever
	url := db.URL        // the writers keep to the address that they know, while the restart may bring a new one
	for range 4 {
		group.Go(func() {
			for !over.Load() {
				res, err := db.post(t, url+db.path()+"/query", string(body))
				if err != nil || !strings.Contains(res, `"success":true`) {
					return
				}
				mu.Lock()
				if answered++; answered == 8 {
					once.Do(func() { close(busy) })
				}
				mu.Unlock()
			}
		})
	}
	<-busy
	newURL := db.Restart(t)
	over.Store(true)
	if newURL == url {
		db.http.CloseIdleConnections()
	}
	group.Wait()
	db.URL = newURL
	ones, twos := db.count(t, "SELECT count(*) AS n FROM pairs WHERE a = 1"), db.count(t, "SELECT count(*) AS n FROM pairs WHERE a = 2")
	if ones != twos || ones < answered {
		t.Errorf("%d and %d rows after %d answers", ones, twos, answered)
	}
}
