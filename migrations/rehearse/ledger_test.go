package rehearse_test

import (
	"strings"
	"testing"
)

func TestAFileThatChangesTheLedgerIsRefused(t *testing.T) {
	schema := "CREATE TABLE d1_migrations(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL);"
	for name, statement := range map[string]string{
		"a name of its own":      "INSERT INTO d1_migrations(name) VALUES ('0009.sql')",
		"all names gone":         "DELETE FROM D1_Migrations",
		"a name that is changed": "UPDATE d1_migrations SET name = 'x'",
		"a ledger that is gone":  "DROP TABLE d1_migrations",
		"one more column":        "ALTER TABLE d1_migrations ADD COLUMN x",
		"another name":           "ALTER TABLE d1_migrations RENAME TO old_migrations",
		"a trigger on it":        "CREATE TRIGGER t AFTER INSERT ON d1_migrations BEGIN SELECT 1; END",
	} {
		f := run(t, target(t, schema), applied(t, "CREATE TABLE a(x);\n"+statement+";")).Failure
		if f == nil {
			t.Errorf("%s: no failure", name)
			continue
		}
		if f.Place.String() != "0001.sql:2:1" || f.Statement != statement || !strings.Contains(f.Message, "it changes d1_migrations") {
			t.Errorf("%s: %v %q %q", name, f.Place, f.Statement, f.Message)
		}
	}
	for name, statement := range map[string]string{
		"reading it":              "CREATE TABLE a AS SELECT name FROM d1_migrations",
		"another table's changes": "CREATE TABLE d1_migrations_old(x); INSERT INTO d1_migrations_old VALUES (1); DROP TABLE d1_migrations_old",
	} {
		if f := run(t, target(t, schema), applied(t, statement+";")).Failure; f != nil {
			t.Errorf("%s: %+v", name, *f)
		}
	}
}
