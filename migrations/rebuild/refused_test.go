package rebuild_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"towline/migrations/rebuild"
	"towline/migrations/sqlite"
)

func TestAnIndexThatIsLeftOutIsDroppedByNameAndHasToBeThere(t *testing.T) {
	h := openHere(t, t)
	defer h.close()
	setUp(t, h, "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT); CREATE INDEX \"p a\" ON p(a); CREATE TABLE q(a); CREATE INDEX q_a ON q(a);")
	const create = "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT NOT NULL)"
	r, err := rebuild.Generate(t.Context(), schema(h), "p", create, rebuild.Options{Leave: []string{"P A"}})
	if err != nil || !slices.Contains(r.Statements, `DROP INDEX "p a"`) {
		t.Errorf("%v: %q", err, r.Statements)
	}
	for _, name := range []string{"nobody", "q_a"} {
		_, err := rebuild.Generate(t.Context(), schema(h), "p", create, rebuild.Options{Leave: []string{name}})
		var refused *rebuild.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "no index or trigger "+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatCannotBeRebuiltSafelyIsRefusedWithWhatToDo(t *testing.T) {
	const p = "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT, b TEXT); "
	for _, tt := range []struct{ name, setup, table, create, want string }{
		{"a table that is not there", p, "q", "CREATE TABLE q(id)", "there is no such table"},
		{"a view", p + "CREATE VIEW v AS SELECT 1 AS x;", "v", "CREATE TABLE v(x)", "it is a view"},
		{"a virtual table", "CREATE VIRTUAL TABLE f USING fts5(x);", "f", "CREATE TABLE f(x)", "it is a virtual table"},
		{"a table of SQLite", "CREATE TABLE p(id INTEGER PRIMARY KEY AUTOINCREMENT);", "sqlite_sequence", "CREATE TABLE x(y)", "belongs to SQLite or Cloudflare"},
		{"a table of Cloudflare", p, "_cf_KV", "CREATE TABLE x(y)", "belongs to SQLite or Cloudflare"},
		{"a CREATE TABLE with a mistake", p, "p", "CREATE TABLE p(id INTEGER PRIMARY KEY,)", "syntax error"},
		{"two statements", p, "p", "CREATE TABLE p(id); CREATE TABLE q(id)", "more than one statement"},
		{"a CREATE TABLE with what D1 forbids", p, "p", "CREATE TEMP TABLE p(id)", "not authorized"},
		{"no CREATE TABLE", p, "p", "SELECT 1", "CREATE TABLE"},
		{"a virtual table in its place", p, "p", "CREATE VIRTUAL TABLE p USING fts5(a)", "no CREATE TABLE of an ordinary table"},
		{"CREATE TABLE AS", p, "p", "CREATE TABLE p AS SELECT 1 AS id", "neither keys nor constraints"},
		{"another name", p, "p", "CREATE TABLE pp(id INTEGER PRIMARY KEY)", "Give it the name p"},
		{"no column in common", p, "p", "CREATE TABLE p(x)", "no column in common"},
		{"a new column for which no row has a value", p, "p", "CREATE TABLE p(id INTEGER PRIMARY KEY, c TEXT NOT NULL)", "column c is new, NOT NULL and has no DEFAULT"},
		{"a child that needs a column that goes", p + "CREATE UNIQUE INDEX p_b ON p(b); CREATE TABLE c(b TEXT PRIMARY KEY REFERENCES p(b));", "p",
			"CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT)", "c refers to column b"},
		{"a child that needs a key that goes", "CREATE TABLE p(id INTEGER PRIMARY KEY, b TEXT UNIQUE); CREATE TABLE c(b TEXT PRIMARY KEY REFERENCES p(b));", "p",
			"CREATE TABLE p(id INTEGER PRIMARY KEY, b TEXT)", `Write UNIQUE ("b") into the CREATE TABLE`},
		{"a child without an index", p + "CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id) ON DELETE CASCADE);", "p",
			"CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT)", `Index it in an earlier migration: CREATE INDEX "c_p" ON "c"("p")`},
		{"an index over a column that goes", p + "CREATE INDEX p_b ON p(b);", "p", "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT)", "index p_b is over column b, which goes"},
		{"an index in double quotes over a column that goes", p + `CREATE INDEX p_b ON p("b");`, "p", "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT)", "index p_b is over column b, which goes"},
		{"a view over a column that goes", p + "CREATE VIEW v AS SELECT id, b FROM p;", "p", "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT)", "no such column: b"},
		{"another table's trigger over a column that goes", p + "CREATE TABLE o(id); CREATE TRIGGER o_i AFTER INSERT ON o BEGIN UPDATE p SET b = 1; END;", "p",
			"CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT)", "no such column: b"},
		{"its own trigger over a column that goes", p + "CREATE TABLE o(id); CREATE TRIGGER p_u AFTER UPDATE OF b ON p BEGIN INSERT INTO o VALUES (1); END;", "p",
			"CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT)", "trigger p_u fires on updates of column b, which goes"},
		{"full text over a column that goes", p + "CREATE VIRTUAL TABLE f USING fts5(b, content = 'p');", "p", "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT)", "no such column: T.b"},
		{"full text over a view of the table", p + "CREATE VIEW v AS SELECT id, b FROM p; CREATE VIRTUAL TABLE f USING fts5(b, content = v, content_rowid = id);", "p",
			"CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT)", "no such column: b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := openHere(t, t)
			defer h.close()
			setUp(t, h, tt.setup)
			_, err := rebuild.Generate(t.Context(), schema(h), tt.table, tt.create, rebuild.Options{})
			var refused *rebuild.RefusedError
			if !errors.As(err, &refused) {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want %q", err, tt.want)
			}
		})
	}
}

// generate is Generate over a schema given as a script.
func generate(t *testing.T, setup, table, create string, o rebuild.Options) rebuild.Result {
	t.Helper()
	h := openHere(t, t)
	defer h.close()
	setUp(t, h, setup)
	r, err := rebuild.Generate(t.Context(), schema(h), table, create, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhatIsLostOrMayFailIsSaid(t *testing.T) {
	for _, tt := range []struct{ name, setup, create, want string }{
		{"a column that goes", "CREATE TABLE p(id INTEGER PRIMARY KEY, fax TEXT);", "CREATE TABLE p(id INTEGER PRIMARY KEY)", "Column fax goes, with its values."},
		{"another affinity", "CREATE TABLE p(id INTEGER PRIMARY KEY, zip TEXT);", "CREATE TABLE p(id INTEGER PRIMARY KEY, zip INTEGER)", "Column zip changes from TEXT to INTEGER"},
		{"a column that becomes NOT NULL", "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT);", "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT NOT NULL)", "Column a becomes NOT NULL"},
		{"a counter that goes", "CREATE TABLE p(id INTEGER PRIMARY KEY AUTOINCREMENT);", "CREATE TABLE p(id INTEGER PRIMARY KEY)", "AUTOINCREMENT goes"},
		{"rowids that go", "CREATE TABLE p(id TEXT PRIMARY KEY);", "CREATE TABLE p(id TEXT PRIMARY KEY) WITHOUT ROWID", "Rowids change"},
		{"a key that becomes the rowid", "CREATE TABLE p(id INT PRIMARY KEY);", "CREATE TABLE p(id INTEGER PRIMARY KEY)", "Column id becomes the INTEGER PRIMARY KEY"},
		{"a key that goes", "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT, b TEXT, UNIQUE (a, b));", "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT, b TEXT)", "The key on a, b goes"},
		{"a table that becomes STRICT", "CREATE TABLE p(id INTEGER PRIMARY KEY);", "CREATE TABLE p(id INTEGER PRIMARY KEY) STRICT", "becomes STRICT"},
		{"a column that becomes generated", "CREATE TABLE p(id INTEGER PRIMARY KEY, a INT);", "CREATE TABLE p(id INTEGER PRIMARY KEY, a INT AS (id + 1))", "Column a becomes a generated one"},
		{"a key by UNIQUE that no longer minds the case", "CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT UNIQUE);", "CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE UNIQUE)",
			"The key on email compares email by COLLATE NOCASE: the rebuild fails, and changes nothing, if two rows differ there only in case"},
		{"a PRIMARY KEY that no longer minds the case", "CREATE TABLE p(name TEXT PRIMARY KEY) WITHOUT ROWID;", "CREATE TABLE p(name TEXT COLLATE NOCASE PRIMARY KEY) WITHOUT ROWID", "The key on name compares name by COLLATE NOCASE"},
		{"a UNIQUE index made again, of two columns", "CREATE TABLE p(id INTEGER PRIMARY KEY, a INT, email TEXT); CREATE UNIQUE INDEX p_email ON p(a, email);", "CREATE TABLE p(id INTEGER PRIMARY KEY, a INT, email TEXT COLLATE nocase)",
			"The key on a, email compares email by COLLATE NOCASE"},
		{"a key that no longer minds blanks", "CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT UNIQUE);", "CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT COLLATE RTRIM UNIQUE)", "only in blanks at their end"},
		{"a trigger that has a column that goes in double quotes", `CREATE TABLE o(x); CREATE TABLE p(id INTEGER PRIMARY KEY, fax TEXT); CREATE TRIGGER p_i AFTER INSERT ON p BEGIN INSERT INTO o SELECT "fax" FROM p; END;`,
			"CREATE TABLE p(id INTEGER PRIMARY KEY)", "The trigger p_i has fax in double quotes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := generate(t, tt.setup, "p", tt.create, rebuild.Options{})
			if !slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, tt.want) }) {
				t.Errorf("got %q, want %q", r.Warnings, tt.want)
			}
		})
	}
	if r := generate(t, "CREATE TABLE p(id INTEGER PRIMARY KEY, zip TEXT);", "p", "CREATE TABLE p(id INTEGER PRIMARY KEY, zip VARCHAR(10))", rebuild.Options{}); len(r.Warnings) > 0 {
		t.Errorf("a type of the same affinity: %q", r.Warnings)
	}
	for name, tt := range map[string]struct{ setup, create string }{
		"a key that did not mind the case before": {"CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE UNIQUE);", "CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE UNIQUE, x)"},
		"a key that minds the case again":         {"CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE UNIQUE);", "CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT UNIQUE)"},
		"an index with a collation of its own": {"CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT); CREATE UNIQUE INDEX p_email ON p(email COLLATE BINARY);",
			"CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE)"},
		"an index that is no key": {"CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT); CREATE INDEX p_email ON p(email);", "CREATE TABLE p(id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE)"},
	} {
		if r := generate(t, tt.setup, "p", tt.create, rebuild.Options{}); len(r.Warnings) > 0 {
			t.Errorf("%s: %q", name, r.Warnings)
		}
	}
}

// TestRowsThatDoNotFitUndoEverything is about what the warnings say.
func TestRowsThatDoNotFitUndoEverything(t *testing.T) {
	for _, tt := range []struct{ name, setup, create, want string }{
		{"a NULL where none may be", "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT); INSERT INTO p VALUES (1, NULL);", "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT NOT NULL)", "NOT NULL constraint failed: p.a"},
		{"a value that a CHECK forbids", "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT); INSERT INTO p VALUES (1, 'b');", "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT CHECK (a = 'c'))", "CHECK constraint failed"},
		{"a key of no value that would become a number", "CREATE TABLE p(id INT PRIMARY KEY, a TEXT); INSERT INTO p VALUES (NULL, 'b');", "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT)", "rebuild_of_p_failed.values"},
		{"a parent that is not there", "CREATE TABLE p(id INTEGER PRIMARY KEY, a INTEGER); CREATE TABLE q(id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1, 5);",
			"CREATE TABLE p(id INTEGER PRIMARY KEY, a INTEGER REFERENCES q(id))", "rebuild_of_p_failed.orphans in p"},
		{"an orphan that was there before", `CREATE TABLE q(id INTEGER PRIMARY KEY); CREATE TABLE p(id INTEGER PRIMARY KEY, a INTEGER REFERENCES q(id)); PRAGMA defer_foreign_keys = ON;
			INSERT INTO p VALUES (1, 5); PRAGMA defer_foreign_keys = OFF;`, "CREATE TABLE p(id INTEGER PRIMARY KEY, a INTEGER NOT NULL REFERENCES q(id))", "rebuild_of_p_failed.orphans in p"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			engines(t, func(t *testing.T, e engine) {
				setUp(t, e, tt.setup)
				before := state(e, "", "")
				r, err := rebuild.Generate(t.Context(), schema(e), "p", tt.create, rebuild.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if err := e.all(r.Statements...); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				if after := state(e, "", ""); after != before {
					t.Errorf("before:\n%s\nafter:\n%s", before, after)
				}
			})
		})
	}
}

func TestAChildWithoutAnIndexNamesTheIndexAndMayBeAllowed(t *testing.T) {
	const setup = "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id) ON DELETE CASCADE);"
	h := openHere(t, t)
	defer h.close()
	setUp(t, h, setup)
	_, err := rebuild.Generate(t.Context(), schema(h), "p", "CREATE TABLE p(id INTEGER PRIMARY KEY, a)", rebuild.Options{})
	var refused *rebuild.RefusedError
	if !errors.As(err, &refused) || refused.SQL == "" {
		t.Fatalf("got %v", err)
	}
	setUp(t, h, refused.SQL+";")
	if _, err := rebuild.Generate(t.Context(), schema(h), "p", "CREATE TABLE p(id INTEGER PRIMARY KEY, a)", rebuild.Options{}); err != nil {
		t.Error(err)
	}
	r := generate(t, setup, "p", "CREATE TABLE p(id INTEGER PRIMARY KEY, a)", rebuild.Options{Unindexed: true})
	if !slices.Equal(r.Guarded, []string{"c"}) || !slices.Equal(r.Added, []string{"a"}) {
		t.Errorf("guarded %q, added %q", r.Guarded, r.Added)
	}
}

func TestAnotherToolsNameIsTakenForTheTables(t *testing.T) {
	r := generate(t, "CREATE TABLE node(id INTEGER PRIMARY KEY, up INTEGER REFERENCES node(id) ON DELETE CASCADE); CREATE INDEX node_up ON node(up);", "node",
		"CREATE TABLE `__new_node` (`id` integer PRIMARY KEY, `up` integer REFERENCES `__new_node`(`id`) ON DELETE CASCADE, x TEXT)", rebuild.Options{AnyName: true})
	if strings.Contains(r.Create, "__new_node") {
		t.Errorf("got %s", r.Create)
	}
}

func TestASchemaThatCannotBeMadeAgainIsNoRefusal(t *testing.T) {
	h := openHere(t, t)
	defer h.close()
	setUp(t, h, "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE VIEW v AS SELECT id FROM p;")
	objects := schema(h)
	objects[0].SQL = "CREATE TABLE p(id INTEGER PRIMARY KEY"
	_, err := rebuild.Generate(t.Context(), objects, "p", "CREATE TABLE p(id INTEGER PRIMARY KEY, a)", rebuild.Options{})
	var broken *sqlite.Error
	var refused *rebuild.RefusedError
	if !errors.As(err, &broken) || errors.As(err, &refused) || !strings.Contains(err.Error(), `table "p"`) {
		t.Errorf("got %v", err)
	}
}
