package rebuild_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
	"towline/migrations/rebuild"
)

func background() context.Context { return context.Background() }

// statements takes a script apart.
func statements(t reporter, script string) []string {
	t.Helper()
	list, err := migrations.Split("script.sql", []byte(script))
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, s := range list {
		texts = append(texts, migrations.Canonical(s))
	}
	return texts
}

// engines runs a test on a database of ours and on D1's own.
func engines(t *testing.T, test func(t *testing.T, e engine)) {
	t.Run("here", func(t *testing.T) {
		h := openHere(t, t)
		defer h.close()
		test(t, h)
	})
	t.Run("on D1", func(t *testing.T) { test(t, openD1(t)) })
}

func setUp(t *testing.T, e engine, script string) {
	t.Helper()
	if err := e.all(statements(t, script)...); err != nil {
		t.Fatal(err)
	}
}

func (c keepCase) kept() []string {
	if len(c.columns) == 0 {
		return []string{"id", "a"}
	}
	return slices.Clone(c.columns)
}

// TestARebuildKeepsEveryRow applies the file as wrangler would: split and sent as one transaction.
func TestARebuildKeepsEveryRow(t *testing.T) {
	for _, c := range someCases() {
		t.Run(c.name, func(t *testing.T) {
			engines(t, func(t *testing.T, e engine) {
				setUp(t, e, c.setup)
				before := state(e, c.table, c.kept()...)
				r, err := rebuild.Generate(t.Context(), schema(e), c.table, c.create, c.options)
				if err != nil {
					t.Fatal(err)
				}
				if err := e.all(statements(t, r.SQL)...); err != nil {
					t.Fatalf("%v\n%s", err, r.SQL)
				}
				if diff := cmp.Diff(strings.Split(before, "\n"), strings.Split(state(e, c.table, c.kept()...), "\n")); diff != "" {
					t.Errorf("%s\n%s", diff, r.SQL)
				}
				for _, o := range schema(e) {
					if o.Type == "table" && o.Name == c.table && o.SQL != r.Create {
						t.Errorf("the table is %s", o.SQL)
					}
				}
			})
		})
	}
}

// usual is the order of other tools: create under another name, copy, drop, rename.
func (c keepCase) usual() []string {
	columns := make([]string, 0, len(c.kept()))
	for _, name := range c.kept() {
		columns = append(columns, quote(name))
	}
	list := strings.Join(columns, ", ")
	return []string{
		"PRAGMA defer_foreign_keys = ON",
		strings.Replace(c.create, "CREATE TABLE "+c.table+"(", "CREATE TABLE new_"+c.table+"(", 1),
		"INSERT INTO new_" + c.table + "(" + list + ") SELECT " + list + " FROM " + c.table,
		"DROP TABLE " + c.table,
		"ALTER TABLE new_" + c.table + " RENAME TO " + c.table,
	}
}

// TestTheUsualOrderLosesOrIsRefused shows that the cases have teeth.
func TestTheUsualOrderLosesOrIsRefused(t *testing.T) {
	for _, c := range keepCases() {
		if c.textbook == "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			engines(t, func(t *testing.T, e engine) {
				setUp(t, e, c.setup)
				rows := func() string {
					return strings.Join(e.query("SELECT group_concat(name) FROM pragma_table_list WHERE schema = 'main'"), "") + state(e, c.table, c.kept()...)
				}
				before := rows()
				err := e.all(c.usual()...)
				switch {
				case c.textbook == "refused" && err == nil:
					t.Error("it went through")
				case c.textbook == "loses" && err != nil:
					t.Error(err)
				case c.textbook == "loses" && rows() == before:
					t.Error("nothing was lost")
				}
			})
		})
	}
}

// TestARebuildWithAStatementMissingFailsOrLosesNothing leaves out each statement in turn. Only the last two may be
// missed without anybody noticing: they clear up.
func TestARebuildWithAStatementMissingFailsOrLosesNothing(t *testing.T) {
	for _, c := range someCases() {
		t.Run(c.name, func(t *testing.T) {
			h := openHere(t, t)
			defer h.close()
			setUp(t, h, c.setup)
			before := state(h, c.table, c.kept()...)
			whole, err := h.c.Serialize()
			if err != nil {
				t.Fatal(err)
			}
			r, err := rebuild.Generate(t.Context(), schema(h), c.table, c.create, c.options)
			if err != nil {
				t.Fatal(err)
			}
			for i := range len(r.Statements) - 2 {
				if err := h.all(slices.Delete(slices.Clone(r.Statements), i, i+1)...); err != nil {
					continue
				}
				if after := state(h, c.table, c.kept()...); after != before {
					t.Errorf("without %q: %s", r.Statements[i], cmp.Diff(before, after))
				}
				if err := h.c.Deserialize(whole); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// damages are what somebody could do to the file of the first case, with the words that D1 then fails with.
func damages() []struct{ name, old, new, want string } {
	return []struct{ name, old, new, want string }{
		{"a guard is missing", `CREATE TRIGGER "rebuild_of_p_guards_delete_of_c" BEFORE DELETE ON "c" BEGIN SELECT RAISE(IGNORE); END;`, "", "no such trigger"},
		{"a guard does nothing", `BEGIN SELECT RAISE(IGNORE); END`, `BEGIN SELECT 1; END`, "rebuild_of_p_failed.rows of c"},
		{"an index is missing", "CREATE INDEX p_a ON p(a);", "", "rebuild_of_p_failed.indexes and triggers"},
		{"a row is lost on the way out", `FROM "p";`, `FROM "p" WHERE "id" <> 2;`, "rebuild_of_p_failed.rows of p"},
		{"a row is lost on the way back", `FROM "rebuild_of_p_copy";`, `FROM "rebuild_of_p_copy" WHERE "id" <> 2;`, "rebuild_of_p_failed.values"},
		{"columns are swapped", `SELECT "id", "a" FROM "rebuild`, `SELECT "id", "id" FROM "rebuild`, "rebuild_of_p_failed.values"},
		{"an orphan is made", `DROP TRIGGER "rebuild_of_p_guards_delete_of_c";`, `DROP TRIGGER "rebuild_of_p_guards_delete_of_c"; UPDATE c SET p = 99;`, "rebuild_of_p_failed.orphans in c"},
		{"a guard stays", `DROP TRIGGER "rebuild_of_p_guards_delete_of_c";`, "", "rebuild_of_p_failed.guards"},
		{"CHECK constraints are off", `BEGIN SELECT RAISE(IGNORE); END;`, "BEGIN SELECT 1; END; PRAGMA ignore_check_constraints = ON;", "rebuild_of_p_failed.rows of c"},
	}
}

func TestADamagedRebuildFailsByNameAndUndoesAll(t *testing.T) {
	c := keepCases()[0]
	for _, d := range damages() {
		t.Run(d.name, func(t *testing.T) {
			engines(t, func(t *testing.T, e engine) {
				setUp(t, e, c.setup+"CREATE INDEX p_a ON p(a);")
				before := state(e, c.table, c.kept()...)
				r, err := rebuild.Generate(t.Context(), schema(e), c.table, c.create, c.options)
				if err != nil {
					t.Fatal(err)
				}
				damaged := strings.Replace(r.SQL, d.old, d.new, 1)
				if damaged == r.SQL {
					t.Fatal("nothing was damaged")
				}
				if err = e.all(statements(t, damaged)...); err == nil || !strings.Contains(err.Error(), d.want) {
					t.Errorf("got %v, want %q", err, d.want)
				}
				if diff := cmp.Diff(before, state(e, c.table, c.kept()...)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
