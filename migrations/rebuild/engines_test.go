package rebuild_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"towline/migrations"
	"towline/migrations/sqlite"
	"towline/sandbox/cloudflare/workerd"
)

// shared is Cloudflare's own runtime, one for all tests of the package.
var shared workerd.Shared

// databases numbers the databases in it.
var databases atomic.Int64

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() { // the race detector slows SQLite down twenty times
		if err := flag.Set("rapid.checks", "4"); err != nil {
			panic(err)
		}
	}
	shared.Main(m)
}

// reporter is what *testing.T and *rapid.T share.
type reporter interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// engine is a database: ours under D1's profile, or D1's own.
type engine interface {
	// all carries out statements as one transaction.
	all(statements ...string) error
	// query returns the first column of the rows as text.
	query(sql string) []string
}

// here is a database of ours.
type here struct {
	t reporter
	c *sqlite.Conn
}

func openHere(t reporter, tb testing.TB) *here {
	t.Helper()
	c, err := sqlite.Open(tb.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	return &here{t, c}
}

func (h *here) close() { _ = h.c.Close() }

func (h *here) all(statements ...string) error {
	return h.c.Transaction(background(), func() error {
		for _, sql := range statements {
			if _, err := h.c.Exec(background(), sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	})
}

func (h *here) query(sql string) []string {
	h.t.Helper()
	res, err := h.c.Exec(background(), sql)
	if err != nil {
		h.t.Fatalf("%s: %v", sql, err)
	}
	var list []string
	for _, row := range res.Rows {
		list = append(list, fmt.Sprint(row[0]))
	}
	return list
}

// d1 is a database in Cloudflare's own runtime.
type d1 struct {
	t  reporter
	at *workerd.Instance
	*workerd.Database
}

func openD1(t *testing.T) *d1 {
	t.Helper()
	at := shared.Get(t)
	return &d1{t, at, at.Database(t, fmt.Sprintf("rebuild-%d", databases.Add(1)))}
}

func (d *d1) all(statements ...string) error {
	return d.Post(background(), "/query", workerd.Batch(statements...), nil)
}

func (d *d1) query(sql string) []string {
	d.t.Helper()
	var results []struct{ Results []map[string]any }
	if err := d.Post(background(), "/query", map[string]any{"sql": sql}, &results); err != nil {
		d.t.Fatalf("%s: %v", sql, err)
	}
	var list []string
	for _, row := range results[0].Results {
		for _, v := range row {
			list = append(list, fmt.Sprint(v))
		}
	}
	return list
}

// schema lists an engine's objects, as Generate wants them.
func schema(e engine) []migrations.Object {
	var objects []migrations.Object
	for _, row := range e.query(`SELECT json_array(type, name, tbl_name, coalesce(sql, '')) AS o FROM sqlite_master
		WHERE substr(name, 1, 7) <> 'sqlite_' AND substr(name, 1, 4) <> '_cf_' ORDER BY rowid`) {
		var o [4]string
		if err := json.Unmarshal([]byte(row), &o); err != nil {
			panic(err)
		}
		objects = append(objects, migrations.Object{Type: o[0], Name: o[1], Table: o[2], SQL: o[3]})
	}
	return objects
}

// state writes a database down: its objects, sorted, and every row of every table with its rowid and types. Of the table
// named only the columns given count, and not its SQL.
func state(e engine, table string, columns ...string) string {
	var lines []string
	objects := e.query(`SELECT type || ' ' || name || ' ' || CASE name WHEN '` + table + `' THEN '' ELSE replace(coalesce(sql, ''), '"', '') END AS o
		FROM sqlite_master WHERE substr(name, 1, 4) <> '_cf_' AND substr(name, 1, 16) <> 'sqlite_autoindex' ORDER BY type, name`)
	lines = append(lines, objects...)
	for _, name := range e.query(`SELECT name FROM pragma_table_list WHERE type IN ('table', 'virtual') AND schema = 'main' AND substr(name, 1, 4) <> '_cf_'
		AND name NOT IN ('sqlite_schema') ORDER BY name`) {
		cells := slices.Clone(columns)
		if name != table {
			cells = e.query("SELECT name FROM pragma_table_xinfo('" + strings.ReplaceAll(name, "'", "''") + "') WHERE hidden <> 1 ORDER BY cid")
		}
		for i, c := range cells {
			cells[i] = "quote(" + quote(c) + ")"
		}
		if rowIDs := e.query("SELECT NOT wr FROM pragma_table_list WHERE name = '" + strings.ReplaceAll(name, "'", "''") + "'"); rowIDs[0] == "1" && name != "sqlite_sequence" {
			cells = append([]string{"rowid"}, cells...)
		}
		from := quote(name)
		if name == "sqlite_sequence" {
			from += " WHERE seq > 0" // SQLite notes a zero for a table that was asked for nothing
		}
		rows := e.query("SELECT " + strings.Join(cells, "||','||") + " AS r FROM " + from + " ORDER BY 1")
		lines = append(lines, name+": "+strings.Join(rows, " | "))
	}
	return strings.Join(lines, "\n")
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
