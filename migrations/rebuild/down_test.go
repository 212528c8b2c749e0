package rebuild_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations/rebuild"
)

// TestUpThenDownGivesTheSameDatabase is about what both tables can hold.
func TestUpThenDownGivesTheSameDatabase(t *testing.T) {
	for _, c := range someCases() {
		if strings.HasPrefix(c.name, "columns that come and go") || c.name == "a primary key where there was none" {
			continue // what goes does not come back
		}
		t.Run(c.name, func(t *testing.T) {
			h := openHere(t, t)
			defer h.close()
			setUp(t, h, c.setup)
			objects := schema(h)
			before := state(h, "")
			up, err := rebuild.Generate(t.Context(), objects, c.table, c.create, c.options)
			if err != nil {
				t.Fatal(err)
			}
			down, err := rebuild.Down(t.Context(), objects, c.table, c.create, c.options)
			if err != nil {
				t.Fatal(err)
			}
			if err := h.all(up.Statements...); err != nil {
				t.Fatal(err)
			}
			if err := h.all(down.Statements...); err != nil {
				t.Fatalf("%v\n%s", err, down.SQL)
			}
			if diff := cmp.Diff(strings.Split(before, "\n"), strings.Split(state(h, ""), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// renamed is a table whose column has another name in the wanted CREATE TABLE, with everything that can speak of it.
const renamed = `
CREATE TABLE p(id INTEGER PRIMARY KEY, nm TEXT UNIQUE, fax TEXT); CREATE INDEX p_nm ON p(lower(nm)); CREATE INDEX p_fax ON p(fax); CREATE TABLE log(x);
CREATE TABLE c(id INTEGER PRIMARY KEY, p TEXT REFERENCES p(nm) ON DELETE CASCADE); CREATE INDEX c_p ON c(p); CREATE VIEW v AS SELECT nm FROM p;
CREATE TRIGGER p_u AFTER UPDATE OF nm ON p BEGIN INSERT INTO log VALUES (new.nm); END; CREATE TRIGGER log_i AFTER INSERT ON log BEGIN DELETE FROM p WHERE nm = new.x; END;
INSERT INTO p VALUES (1, 'a', '1'), (2, 'b', '2'); INSERT INTO c VALUES (1, 'a'), (2, 'b');`

func TestARenamedColumnTakesEverythingThatSpeaksOfItAlong(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		setUp(t, e, renamed)
		o := rebuild.Options{Renames: map[string]string{"nm": "name"}, Leave: []string{"P_FAX"}}
		const create = "CREATE TABLE p(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)"
		objects := schema(e)
		r, err := rebuild.Generate(t.Context(), objects, "p", create, o)
		if err != nil {
			t.Fatal(err)
		}
		back, err := rebuild.Down(t.Context(), objects, "p", create, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.all(statements(t, r.SQL)...); err != nil {
			t.Fatal(err)
		}
		want := []string{"a/a", "b/b"}
		if got := e.query("SELECT c.p || '/' || v.name AS r FROM c JOIN v ON v.name = c.p ORDER BY 1"); !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
		if err := e.all("UPDATE p SET name = name", "INSERT INTO p(id, name) VALUES (3, 'c')"); err != nil {
			t.Error(err)
		}
		if err := e.all(statements(t, back.SQL)...); err != nil {
			t.Fatal(err)
		}
		for _, o := range schema(e) {
			if !strings.Contains(renamed, o.Name) || o.Name == "p_fax" && o.Table != "p" {
				t.Errorf("there is %s now", o.Name)
			}
		}
		if n := len(schema(e)); n != len(objects) {
			t.Errorf("%d objects, there were %d", n, len(objects))
		}
		if !slices.Contains(back.Warnings, "Column fax comes back without its values.") {
			t.Errorf("the warnings are %q", back.Warnings)
		}
	})
}

func TestRenamesThatCannotBeAreRefused(t *testing.T) {
	const setup = "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT, b TEXT);"
	for _, tt := range []struct {
		name, create, want string
		renames            map[string]string
	}{
		{"a column that is not there", "CREATE TABLE p(id INTEGER PRIMARY KEY)", "there is no column x to rename", map[string]string{"x": "id"}},
		{"a name that the new table does not have", "CREATE TABLE p(id INTEGER PRIMARY KEY)", "the new table has no column z", map[string]string{"a": "z"}},
		{"a name that another column has", "CREATE TABLE p(id INTEGER PRIMARY KEY, b TEXT)", "cannot be renamed", map[string]string{"a": "b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := openHere(t, t)
			defer h.close()
			setUp(t, h, setup)
			_, err := rebuild.Generate(t.Context(), schema(h), "p", tt.create, rebuild.Options{Renames: tt.renames})
			var refused *rebuild.RefusedError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestThereIsNoWayBackToAColumnThatMayNotBeEmpty(t *testing.T) {
	h := openHere(t, t)
	defer h.close()
	setUp(t, h, "CREATE TABLE p(id INTEGER PRIMARY KEY, fax TEXT NOT NULL);")
	_, err := rebuild.Down(t.Context(), schema(h), "p", "CREATE TABLE p(id INTEGER PRIMARY KEY)", rebuild.Options{})
	var refused *rebuild.RefusedError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "fax") {
		t.Errorf("got %v", err)
	}
}
