package lint_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
	"towline/migrations/lint"
	"towline/migrations/rebuild"
)

const customers = `CREATE TABLE customers(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, status TEXT CHECK (status IN ('lead', 'active')));
CREATE INDEX customers_name ON customers(name);
CREATE TABLE change_log(id INTEGER);
CREATE TRIGGER customers_au AFTER UPDATE ON customers BEGIN INSERT INTO change_log VALUES (new.id); END;
CREATE TABLE invoices(id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id) ON DELETE CASCADE);
CREATE INDEX invoices_customer ON invoices(customer_id);
CREATE TABLE lines(id INTEGER PRIMARY KEY, invoice_id INTEGER NOT NULL REFERENCES invoices(id) ON DELETE CASCADE);
CREATE TABLE tickets(id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(id) ON DELETE SET NULL);
CREATE INDEX tickets_customer ON tickets(customer_id);
CREATE VIEW active AS SELECT * FROM customers WHERE status = 'active';
`

func TestARebuildOfTowlinesOwnHasNoFindingsButTheTrueOnes(t *testing.T) {
	for i, c := range []struct {
		name, schema, table, create string
		codes                       []string
	}{
		{"a CHECK that grows, over children of all kinds", customers, "customers",
			"CREATE TABLE customers(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, status TEXT CHECK (status IN ('lead', 'active', 'closed')))", nil},
		{"a new CHECK", customers, "customers",
			"CREATE TABLE customers(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, status TEXT CHECK (status = 'lead'))", []string{"D1-MF05"}},
		{"NOT NULL", customers, "customers",
			"CREATE TABLE customers(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, status TEXT CHECK (status IN ('lead', 'active')))", []string{"D1-MF05"}},
		{"another type", customers, "tickets", "CREATE TABLE tickets(id INTEGER PRIMARY KEY, customer_id TEXT REFERENCES customers(id) ON DELETE SET NULL)", []string{"D1-RB08"}},
		{"another action", customers, "tickets", "CREATE TABLE tickets(id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(id))", nil},
		{"a table that refers to itself", "CREATE TABLE node(id INTEGER PRIMARY KEY, a TEXT, up INTEGER REFERENCES node(id) ON DELETE CASCADE);\nCREATE INDEX node_up ON node(up);", "node",
			"CREATE TABLE node(id INTEGER PRIMARY KEY, a TEXT DEFAULT '', up INTEGER REFERENCES node(id) ON DELETE CASCADE)", nil},
		{"WITHOUT ROWID", "CREATE TABLE k(a TEXT PRIMARY KEY, b TEXT) WITHOUT ROWID;", "k", "CREATE TABLE k(a TEXT PRIMARY KEY, b TEXT DEFAULT '') WITHOUT ROWID", nil},
		{"with full-text search over it", "CREATE TABLE docs(id INTEGER PRIMARY KEY, body TEXT);\nCREATE VIRTUAL TABLE docs_fts USING fts5(body, content='docs', content_rowid='id');\n" +
			"CREATE TRIGGER docs_ai AFTER INSERT ON docs BEGIN INSERT INTO docs_fts(rowid, body) VALUES (new.id, new.body); END;", "docs",
			"CREATE TABLE docs(id INTEGER PRIMARY KEY, body TEXT DEFAULT '')", nil},
	} {
		if testing.Short() && i > 1 {
			break
		}
		t.Run(c.name, func(t *testing.T) {
			target := live(t, c.schema)
			r, err := rebuild.Generate(t.Context(), target.Objects, c.table, c.create, rebuild.Options{})
			if err != nil {
				t.Fatal(err)
			}
			f := migrations.File{Name: "0002_rebuild.sql", SQL: []byte(r.SQL), Down: []byte("SELECT 1;")}
			report := run(t, lint.Input{Files: []migrations.File{{Name: "0001_base.sql", SQL: []byte(c.schema)}, f}, Target: target}, lint.Options{})
			var codes []string
			for _, x := range report.Findings {
				codes = append(codes, x.Code)
				if strings.Contains(x.Rewrite, "CREATE TABLE") {
					t.Errorf("%s prints a rebuild, which the file is:\n%s", x.Code, x.Rewrite)
				}
			}
			if diff := cmp.Diff(c.codes, slices.Compact(codes)); diff != "" {
				t.Errorf("%s\n%s\n%s", diff, show(report.Findings), r.SQL)
			}
		})
	}
}
