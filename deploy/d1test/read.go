package d1test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/deploy"
)

var reading = []testCase{
	{"many statements are answered in their order, each with its columns", func(t *testing.T, u *user) {
		id := u.database(t, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO item VALUES (1, 'rope'), (2, 'buoy')")
		got := u.read(t, id, "SELECT id, name FROM item ORDER BY id", "SELECT count(*) AS n FROM item", "SELECT name FROM item WHERE id > 9", "SELECT 'last'  AS word")
		for i := range got {
			got[i].Size = 0
		}
		got[2].Columns = nil // unknown where there is no row
		want := []deploy.Rows{
			{Columns: []string{"id", "name"}, Values: [][]any{{int64(1), "rope"}, {int64(2), "buoy"}}},
			{Columns: []string{"n"}, Values: [][]any{{int64(2)}}},
			{},
			{Columns: []string{"word"}, Values: [][]any{{"last"}}},
		}
		if len(got[2].Values) == 0 {
			got[2].Values = nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}},
	{"values keep their types", func(t *testing.T, u *user) {
		u.expect(t, u.database(t),
			"SELECT NULL AS a, 0 AS b, -7 AS c, 9007199254740991 AS d, -9007199254740991 AS e, 1.5 AS f, 1e300 AS g, '' AS h, 'text' AS i, 'it''s; -- no comment' AS j, char(10, 13, 9) AS k, '€ 𝛑 🚢 <&>' || char(8232) AS l, CAST(9223372036854775807 AS TEXT) AS m",
			[]any{nil, int64(0), int64(-7), int64(9007199254740991), int64(-9007199254740991), 1.5, 1e300, "", "text", "it's; -- no comment", "\n\r\t", "€ 𝛑 🚢 <&>\u2028", "9223372036854775807"})
	}},
	{"a whole number beyond 2^53 is at worst rounded", func(t *testing.T, u *user) {
		const exact = int64(9007199254740993)
		got := u.read(t, u.database(t), fmt.Sprintf("SELECT %d", exact))[0].Values[0][0]
		switch v := got.(type) {
		case int64:
			if v < exact-1 || v > exact+1 {
				t.Errorf("got %d for %d", v, exact)
			}
		case float64:
			if v != float64(exact) {
				t.Errorf("got %f for %d", v, exact)
			}
		default:
			t.Errorf("got %T", got)
		}
	}},
	{"a thousand rows arrive, in order", func(t *testing.T, u *user) {
		got := u.read(t, u.database(t), "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n")[0].Values
		if len(got) != 1000 || got[999][0] != int64(1000) {
			t.Errorf("%d rows, the last %v", len(got), got[len(got)-1])
		}
	}},
	{"the schema can be read as SQLite keeps it", func(t *testing.T, u *user) {
		const sql = "CREATE TABLE \"odd \"\"name\" (\r\n  id INTEGER PRIMARY KEY, -- the key; really\r\n  note TEXT DEFAULT 'a;b'\r\n)"
		u.expect(t, u.database(t, sql), "SELECT sql FROM sqlite_master WHERE type = 'table' AND name LIKE 'odd%'", []any{sql})
	}},
	{"one read sees one state, whatever is written meanwhile", func(t *testing.T, u *user) {
		id := u.database(t, "CREATE TABLE pair (n INTEGER)", "INSERT INTO pair VALUES (0)")
		stop, stopped := make(chan struct{}), make(chan error, 1)
		go func() {
			for {
				select {
				case <-stop:
					stopped <- nil
					return
				default:
				}
				if _, err := u.Apply(u.ctx, id, []string{"UPDATE pair SET n = n + 1"}); err != nil {
					stopped <- err
					return
				}
			}
		}()
		for range 25 {
			rows := u.read(t, id, "SELECT n FROM pair", "SELECT 'between'", "SELECT n FROM pair")
			if a, b := rows[0].Values[0][0], rows[2].Values[0][0]; a != b {
				t.Errorf("one read saw %v and %v", a, b)
			}
		}
		close(stop)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}},
	{"a statement that SQLite refuses is answered with its words", func(t *testing.T, u *user) {
		_, err := u.Read(u.ctx, u.database(t), []string{"SELECT 1", "SELECT * FROM nowhere"})
		var rejected *deploy.RejectedError
		if !errors.As(err, &rejected) || !strings.Contains(rejected.Words, "no such table: nowhere") {
			t.Errorf("got %v", err)
		}
	}},
}
