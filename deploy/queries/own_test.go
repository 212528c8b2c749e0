package queries_test

import (
	"slices"
	"strings"
	"testing"

	"towline/deploy/queries"
	"towline/migrations"
	"towline/migrations/rehearse"
)

func TestWhatIsAskedOfTheSchemaOrTheLedgerIsNoneOfTheApps(t *testing.T) {
	for sql, want := range map[string]bool{
		"SELECT type, name, tbl_name, sql FROM sqlite_master":    true,
		"select * from SQLITE_SCHEMA":                            true,
		"SELECT tbl FROM sqlite_stat1":                           true,
		"PRAGMA foreign_key_list(users)":                         true,
		"SELECT 1 FROM pragma_foreign_key_check LIMIT 1":         true,
		`SELECT json_group_array(name) AS names FROM "Applied"`:  true,
		"SELECT done FROM __towline_backfill":                    true,
		`SELECT (SELECT count(*) FROM "orders") AS __towline_c0`: true,
		"SELECT * FROM _cf_KV":                                   true,
		"SELECT * FROM d1_migrations":                            false, // the ledger has another name here
		"SELECT * FROM users":                                    false,
	} {
		if got := queries.Bookkeeping(sql, "applied"); got != want {
			t.Errorf("%s: %t", sql, got)
		}
	}
}

func TestWhatTowlineCountsAfterAPromoteIsNoneOfTheApps(t *testing.T) {
	objects := []migrations.Object{{Type: "table", Name: "orders", SQL: "CREATE TABLE orders (id INTEGER PRIMARY KEY)"}, {Type: "table", Name: "items", SQL: "CREATE TABLE items (id INTEGER)"}}
	asked := rehearse.FingerprintQueries(objects, "applied")
	for _, sql := range asked {
		if !queries.Bookkeeping(sql, "applied") {
			t.Errorf("%s", sql)
		}
	}
	if last := asked[len(asked)-1]; !strings.Contains(last, `count(*) FROM "orders"`) {
		t.Errorf("the rows are counted by %s", last)
	}
}

func TestStatementsOfMigrationsAreNoQueriesOfTheApp(t *testing.T) {
	asked := 0
	applied := func() queries.Statements {
		asked++
		return queries.StatementsOf([]migrations.File{
			{Name: "0001_a.sql", SQL: []byte("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);\nUPDATE users SET name = upper(name) /* once */ WHERE name <> '';\n")},
			{Name: "0002_b.sql", SQL: []byte("DELETE FROM users WHERE name = 'cut off")},
		})
	}
	list := func(texts ...string) (out []queries.Count) {
		for _, sql := range texts {
			out = append(out, queries.Count{SQL: sql})
		}
		return out
	}
	got := queries.OfApp(list("SELECT name FROM d1_migrations", "UPDATE users SET name = upper(name)\n  WHERE name <> '';", "UPDATE users SET name = lower(name)", "SELECT * FROM users"), "d1_migrations", applied)
	if want := list("UPDATE users SET name = lower(name)", "SELECT * FROM users"); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	if asked != 1 {
		t.Errorf("the migrations were read %d times", asked)
	}
	if got := queries.OfApp(list("SELECT name FROM d1_migrations"), "d1_migrations", applied); len(got) != 0 || asked != 1 {
		t.Errorf("%+v, read %d times: words told them all", got, asked)
	}
}
