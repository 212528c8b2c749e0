package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// first is the migration that both databases hold before anything is measured.
const first = "0001_customers.sql"

const firstSQL = `CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE,
  joined TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
`

// customers are the rows that the databases hold: enough that an index is work, few enough that it is not what is measured.
const customers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO customers (id, name, email) SELECT i, 'Customer ' || i, 'customer' || i || '@example.com' FROM n;`

// ledger is wrangler's own table (wrangler, packages/wrangler/src/d1/migrations/helpers.ts).
const ledger = "CREATE TABLE IF NOT EXISTS \"d1_migrations\"(\n" +
	"\t\tid         INTEGER PRIMARY KEY AUTOINCREMENT,\n" +
	"\t\tname       TEXT UNIQUE,\n" +
	"\t\tapplied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL\n" +
	");"

// migration is one file of the app.
type migration struct{ name, sql string }

// pending returns n migrations, the same ones every time, as an app grows: a table, a column with an index on it, an
// index on what there is, and rows.
func pending(n int) []migration {
	out := make([]migration, n)
	for i := range out {
		table := fmt.Sprintf("feature_%02d", i/4+1)
		var name, sql string
		switch i % 4 {
		case 0:
			name = "create_" + table
			sql = fmt.Sprintf("-- What %s needs.\nCREATE TABLE %[1]s (\n  id INTEGER PRIMARY KEY,\n  customer INTEGER NOT NULL REFERENCES customers(id) ON DELETE CASCADE,\n"+
				"  state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'open', 'done')),\n  note TEXT\n);\n", table)
		case 1:
			name = "price_of_" + table
			sql = fmt.Sprintf("ALTER TABLE %s ADD COLUMN cents INTEGER NOT NULL DEFAULT 0;\nCREATE INDEX %[1]s_by_cents ON %[1]s (cents);\n", table)
		case 2:
			name = "index_" + table
			sql = fmt.Sprintf("CREATE INDEX %s_by_customer ON %[1]s (customer, state);\n", table)
		default:
			name = "fill_" + table
			sql = fill(table)
		}
		out[i] = migration{name: fmt.Sprintf("%04d_%s.sql", i+2, name), sql: sql}
	}
	return out
}

// fill inserts rows for customers where there are any: preview has none.
func fill(table string) string {
	var b strings.Builder
	for i := range 10 {
		fmt.Fprintf(&b, "INSERT INTO %s (customer, state, note, cents) SELECT id, 'open', 'It''s row %d; of ten', %d FROM customers WHERE id = %[2]d;\n", table, i+1, 100*i)
	}
	return b.String()
}

// writeApp puts the app's migrations into dir/migrations, all of them: the first, and n pending ones.
func writeApp(dir string, n int) error {
	folder := filepath.Join(dir, "migrations")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for _, m := range append([]migration{{first, firstSQL}}, pending(n)...) {
		if err := os.WriteFile(filepath.Join(folder, m.name), []byte(m.sql), 0o600); err != nil {
			return err
		}
	}
	return nil
}
