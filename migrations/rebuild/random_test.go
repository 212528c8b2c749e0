package rebuild_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"towline/migrations/rebuild"
)

// world is a random database around a table t that is to be rebuilt.
type world struct {
	*rapid.T
	script   []string
	columns  []string // of t, all of them kept
	rowless  bool     // t has no rowids
	key      string   // what children of t refer to: "(id)", "(k)" or "(id, k)"
	parents  []string // key values of t's rows, as SQL
	children []string // child tables
	create   string   // what t is to be
}

func (w *world) add(format string, args ...any) {
	w.script = append(w.script, fmt.Sprintf(format, args...))
}

func (w *world) coin(label string) bool { return rapid.Bool().Draw(w.T, label) }

func (w *world) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(w.T, label)
}

// definition is a CREATE TABLE t; the strict one has more constraints, all of which its rows meet.
func (w *world) definition(tight bool) string {
	parts := map[string]string{
		"id": "id INTEGER", "k": "k TEXT", "n": "n NUMERIC", "b": "b", "up": "up INTEGER", "aunt": "aunt INTEGER",
	}
	if tight {
		parts["k"] = "k TEXT NOT NULL CHECK (k <> '')"
		parts["n"] = "n NUMERIC DEFAULT 5 CHECK (n IS NULL OR n > -1000)"
	}
	var list []string
	order := w.columns
	if tight {
		order = rapid.Permutation(w.columns).Draw(w.T, "order")
	}
	for _, c := range order {
		list = append(list, parts[c])
	}
	switch w.key {
	case "(id)":
		list = append(list, "PRIMARY KEY (id)")
	case "(k)":
		list = append(list, "PRIMARY KEY (id)", "UNIQUE (k)")
	default:
		list = append(list, "PRIMARY KEY (id, k)", "UNIQUE (id)")
	}
	for _, c := range w.columns {
		switch c {
		case "up":
			list = append(list, "FOREIGN KEY (up) REFERENCES t(id) ON DELETE "+w.pick("up action", "CASCADE", "SET NULL", "NO ACTION"))
		case "aunt":
			list = append(list, "FOREIGN KEY (aunt) REFERENCES other(id) ON DELETE CASCADE")
		}
	}
	if tight && w.coin("a new column") {
		list = append([]string{"fresh TEXT NOT NULL DEFAULT 'x'"}, list...)
	}
	sql := "CREATE TABLE t(" + strings.Join(list, ", ") + ")"
	if w.rowless {
		sql += " WITHOUT ROWID"
	}
	return sql
}

func (w *world) parentTable() {
	w.add("CREATE TABLE other(id INTEGER PRIMARY KEY)")
	w.add("INSERT INTO other VALUES (1), (2)")
	w.columns = []string{"id", "k", "n", "b"}
	w.key = w.pick("key", "(id)", "(k)", "(id, k)")
	w.rowless = w.coin("without rowid")
	for _, c := range []string{"up", "aunt"} {
		if w.coin(c) {
			w.columns = append(w.columns, c)
		}
	}
	w.add("%s", w.definition(false))
	for _, c := range w.columns[4:] {
		w.add("CREATE INDEX t_%s ON t(%s)", c, c)
	}
	w.parentRows()
	if w.coin("an index") {
		w.add("CREATE INDEX t_n ON t(n DESC, k)")
	}
	if w.coin("a part") {
		w.add("CREATE UNIQUE INDEX t_part ON t(lower(k)) WHERE id > 0")
	}
	if w.coin("a view") {
		w.add("CREATE VIEW v AS SELECT id, k FROM t WHERE n IS NOT NULL")
	}
}

func (w *world) parentRows() {
	for i := range rapid.IntRange(0, 6).Draw(w.T, "rows") {
		id, k := fmt.Sprint(i*3+1), fmt.Sprintf("'k%d'", i)
		values := []string{id, k, w.pick("n", "NULL", "7", "'text'", "0.5"), w.pick("b", "NULL", "x'01'", "'007'", "7", "7.0")}
		for _, c := range w.columns[4:] {
			from := []string{"NULL", "1"}
			if c == "up" {
				from = append(from, id)
			}
			values = append(values, w.pick(c, from...))
		}
		w.add("INSERT INTO t VALUES (%s)", strings.Join(values, ", "))
		w.parents = append(w.parents, map[string]string{"(id)": id, "(k)": k, "(id, k)": id + ", " + k}[w.key])
	}
}

// child adds a table that refers to a table whose keys are given.
func (w *world) child(name, parent, key string, keys []string) {
	columns := strings.Split(strings.Trim(key, "()"), ", ")
	from := make([]string, len(columns))
	for i, c := range columns {
		from[i] = "p_" + c
	}
	action := w.pick(name+" action", "CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION")
	fallback := ""
	if action == "SET DEFAULT" && len(columns) == 1 && len(keys) > 0 {
		fallback = " DEFAULT " + keys[0]
	}
	deferrable := w.pick(name+" deferred", "", "", " DEFERRABLE INITIALLY DEFERRED")
	end := w.pick(name+" rowid", "", "", " WITHOUT ROWID")
	w.add("CREATE TABLE %s(id INTEGER PRIMARY KEY, %s, note TEXT, FOREIGN KEY (%s) REFERENCES %s%s ON DELETE %s%s)%s",
		name, strings.Join(from, fallback+", ")+fallback, strings.Join(from, ", "), parent, key, action, deferrable, end)
	w.add("CREATE INDEX %s_p ON %s(%s)", name, name, strings.Join(from, ", "))
	for i := range rapid.IntRange(0, 5).Draw(w.T, name+" rows") {
		value := strings.TrimSuffix(strings.Repeat("NULL, ", len(columns)), ", ")
		if len(keys) > 0 && w.coin("filled") {
			value = w.pick("key", keys...)
		}
		w.add("INSERT INTO %s VALUES (%d, %s, 'note')", name, i+1, value)
	}
	w.children = append(w.children, name)
}

func (w *world) triggers() {
	w.add("CREATE TABLE log(what)")
	for i := range rapid.IntRange(0, 5).Draw(w.T, "triggers") {
		on := w.pick("on", append([]string{"t"}, w.children...)...)
		when := w.pick("when", "BEFORE DELETE", "AFTER DELETE", "BEFORE UPDATE", "AFTER UPDATE", "DELETE", "BEFORE INSERT", "AFTER INSERT", "UPDATE OF id")
		body := w.pick("does", "INSERT INTO log VALUES ('"+on+"')", "UPDATE other SET id = id", "SELECT RAISE(ABORT, 'no')", "DELETE FROM log")
		w.add("CREATE TRIGGER g%d %s ON %s BEGIN %s; END", i, when, on, body)
	}
}

func makeWorld(t *rapid.T) *world {
	w := &world{T: t}
	w.parentTable()
	for i := range rapid.IntRange(0, 3).Draw(t, "children") {
		w.child(fmt.Sprintf("c%d", i), "t", w.key, w.parents)
	}
	for i := range len(w.children) {
		if w.coin("grandchild") {
			w.child(fmt.Sprintf("g%d", i), w.children[i], "(id)", nil)
		}
	}
	w.triggers()
	w.create = w.definition(true)
	return w
}

// rebuilt carries the rebuild out, as wrangler would, and compares.
func (w *world) rebuilt(r reporter, e engine) {
	if err := e.all(w.script...); err != nil {
		r.Fatalf("%v\n%s", err, strings.Join(w.script, ";\n"))
	}
	before := state(e, "t", w.columns...)
	result, err := rebuild.Generate(background(), schema(e), "t", w.create, rebuild.Options{})
	if err != nil {
		r.Fatalf("%v\n%s", err, strings.Join(w.script, ";\n"))
	}
	if err := e.all(statements(r, result.SQL)...); err != nil {
		r.Fatalf("%v\n%s;\n%s", err, strings.Join(w.script, ";\n"), result.SQL)
	}
	if diff := cmp.Diff(before, state(e, "t", w.columns...)); diff != "" {
		r.Fatalf("%s\n%s;\n%s", diff, strings.Join(w.script, ";\n"), result.SQL)
	}
}

// TestAnyRebuildKeepsEverything makes databases and rebuilds one table of each: nothing else may change, neither rows nor
// indexes nor triggers.
func TestAnyRebuildKeepsEverything(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := openHere(r, t)
		defer h.close()
		makeWorld(r).rebuilt(r, h)
	})
}

// TestAnyRebuildKeepsEverythingOnD1 does the same with a few of them where it counts.
func TestAnyRebuildKeepsEverythingOnD1(t *testing.T) {
	worlds := rapid.Custom(makeWorld)
	for seed := range 12 {
		worlds.Example(seed).rebuilt(t, openD1(t))
	}
}

// TestAnyRebuildWithoutOneStatementFailsOrLosesNothing leaves out any one statement but the last two, which clear up.
func TestAnyRebuildWithoutOneStatementFailsOrLosesNothing(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := makeWorld(r)
		h := openHere(r, t)
		defer h.close()
		if err := h.all(w.script...); err != nil {
			r.Fatal(err)
		}
		before := state(h, "t", w.columns...)
		result, err := rebuild.Generate(t.Context(), schema(h), "t", w.create, rebuild.Options{})
		if err != nil {
			r.Fatal(err)
		}
		missing := rapid.IntRange(0, len(result.Statements)-3).Draw(r, "missing")
		_ = h.all(slices.Delete(slices.Clone(result.Statements), missing, missing+1)...)
		if diff := cmp.Diff(before, state(h, "t", w.columns...)); diff != "" {
			r.Fatalf("without %s: %s\n%s;\n%s", result.Statements[missing], diff, strings.Join(w.script, ";\n"), result.SQL)
		}
	})
}
