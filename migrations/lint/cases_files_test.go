package lint_test

import (
	"fmt"
	"testing"

	"towline/migrations"
	"towline/migrations/layout"
	"towline/migrations/lint"
	"towline/migrations/rehearse"
)

// applied makes the files of names the applied ones, with the content that each has in was.
func applied(was map[string]string) func(*lint.Input) {
	return func(in *lint.Input) {
		in.Applied = make(map[string]migrations.Checksum)
		for _, name := range sorted(was) {
			in.Known = append(in.Known, name)
			in.Applied[name] = migrations.File{Name: name, SQL: []byte(was[name])}.Checksum()
		}
	}
}

func sorted(m map[string]string) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	migrations.Sort(names)
	return names
}

// folder replaces the files of the input.
func folder(files map[string]string, more ...func(*lint.Input)) func(*lint.Input) {
	return func(in *lint.Input) {
		in.Files = nil
		for _, name := range sorted(files) {
			in.Files = append(in.Files, migrations.File{Name: name, SQL: []byte(files[name])})
		}
		for _, do := range more {
			do(in)
		}
	}
}

// renames declares them.
func renames(m map[string]string) func(*lint.Input) {
	return func(in *lint.Input) { in.Renames = m }
}

const aTable, anotherTable = "CREATE TABLE a(x TEXT);\n", "CREATE TABLE b(y TEXT);\n"

func TestAnEditOfAnAppliedFileIsFoundInThreeGrades(t *testing.T) {
	was := applied(map[string]string{"0001_a.sql": aTable})
	testRule(t, "F-EDIT", []ruleCase{
		{name: "a statement changed", in: folder(map[string]string{"0001_a.sql": "CREATE TABLE a(x TEXT, z TEXT);\n"}, was), fires: true, text: "other statements"},
		{name: "a comment changed", in: folder(map[string]string{"0001_a.sql": "-- the table a\n" + aTable}, was), fires: true, severity: lint.Warning},
		{name: "only CRLF", in: folder(map[string]string{"0001_a.sql": "CREATE TABLE a(x TEXT);\r\n"}, was), fires: true, severity: lint.Info},
		{name: "only a byte order mark", in: folder(map[string]string{"0001_a.sql": "\uFEFF" + aTable}, was), fires: true, severity: lint.Info},
		{name: "nothing changed", in: folder(map[string]string{"0001_a.sql": aTable}, was)},
		{name: "a pending file changed", in: folder(map[string]string{"0001_a.sql": aTable, "0002_b.sql": anotherTable}, was)},
		{name: "nobody knows what it was", in: folder(map[string]string{"0001_a.sql": aTable}, func(in *lint.Input) { in.Known = []string{"0001_a.sql"} })},
	})
}

func TestAnAppliedFileThatIsNotThereIsFound(t *testing.T) {
	was := applied(map[string]string{"0001_a.sql": aTable, "0002_b.sql": anotherTable})
	moved := map[string]string{"0001_a.sql": aTable, "0012_b.sql": anotherTable}
	testRule(t, "F-REN", []ruleCase{
		{name: "another name", in: folder(moved, was), fires: true, text: "0002_b.sql"},
		{name: "another name, which is declared", in: folder(moved, was, renames(map[string]string{"0002_b.sql": "0012_b.sql"}))},
		{name: "declared, but with other statements", fires: true, text: "other statements",
			in: folder(map[string]string{"0001_a.sql": aTable, "0012_b.sql": "CREATE TABLE c(z);"}, was, renames(map[string]string{"0002_b.sql": "0012_b.sql"}))},
		{name: "removed", in: folder(map[string]string{"0001_a.sql": aTable}, was)},
		{name: "all there", in: folder(map[string]string{"0001_a.sql": aTable, "0002_b.sql": anotherTable}, was)},
	})
	testRule(t, "F-MISS", []ruleCase{
		{name: "removed", in: folder(map[string]string{"0001_a.sql": aTable}, was), fires: true},
		{name: "renamed", in: folder(moved, was)},
		{name: "all there", in: folder(map[string]string{"0001_a.sql": aTable, "0002_b.sql": anotherTable}, was)},
	})
}

func TestAFileInFrontOfAnAppliedOneIsAnError(t *testing.T) {
	was := applied(map[string]string{"0001_a.sql": aTable, "0009_a.sql": "SELECT 1;"})
	with := func(more map[string]string) map[string]string {
		all := map[string]string{"0001_a.sql": aTable, "0009_a.sql": "SELECT 1;"}
		for name, sql := range more {
			all[name] = sql
		}
		return all
	}
	testRule(t, "F-ORD", []ruleCase{
		{name: "0007 when 0009 is applied", in: folder(with(map[string]string{"0007_b.sql": anotherTable}), was), fires: true, text: "0009_a.sql"},
		{name: "0010 when 0009 is applied", in: folder(with(map[string]string{"0010_b.sql": anotherTable}), was)},
		{name: "a live database says what is applied", fires: true, in: folder(with(map[string]string{"0007_b.sql": anotherTable}), func(in *lint.Input) {
			in.Target = &rehearse.Target{Ledger: []migrations.LedgerRow{{ID: 1, Name: "0001_a.sql"}, {ID: 2, Name: "0009_a.sql"}}}
		})},
		{name: "a gap", in: folder(with(map[string]string{"0012_b.sql": anotherTable}), was), fires: true, severity: lint.Info, text: "between 9 and 12"},
		{name: "a gap among the applied ones", in: folder(with(nil), was)},
		{name: "a name without a number", in: folder(with(map[string]string{"seed.sql": "SELECT 2;"}), was), fires: true, severity: lint.Warning},
		{name: "dates alone", in: folder(map[string]string{"20260102_a.sql": aTable, "20260301_b.sql": anotherTable})},
		{name: "names alone", in: folder(map[string]string{"a.sql": aTable, "b.sql": anotherTable})},
	})
	testRule(t, "F-DUP", []ruleCase{
		{name: "the number of an applied file", in: folder(with(map[string]string{"0009_b.sql": anotherTable}), was), fires: true, text: "0009_a.sql"},
		{name: "two pending files", in: folder(map[string]string{"0001_a.sql": aTable, "1_b.sql": anotherTable}), fires: true},
		{name: "applied ones", in: folder(map[string]string{"0001_a.sql": aTable, "0001_b.sql": anotherTable}, applied(map[string]string{"0001_a.sql": aTable, "0001_b.sql": anotherTable}))},
		{name: "strictly increasing", in: folder(with(map[string]string{"0010_b.sql": anotherTable}), was)},
		{name: "names without numbers", in: folder(map[string]string{"a.sql": aTable, "b.sql": anotherTable})},
		{name: "days of one year, and one day twice", in: folder(map[string]string{"2026-01-02-a.sql": aTable, "2026-01-02-b.sql": anotherTable, "2026-04-03-c.sql": "SELECT 1;"})},
	})
}

func TestEachOfTwoPendingFilesOfOneNumberIsSaidOnce(t *testing.T) {
	report := ruleCase{in: folder(map[string]string{"0001_a.sql": aTable, "0001_b.sql": anotherTable, "0001_c.sql": "SELECT 1;"})}.run(t)
	var files []string
	for _, f := range report.Findings {
		if f.Code == "F-DUP" {
			files = append(files, f.File)
		}
	}
	if fmt.Sprint(files) != "[0001_b.sql 0001_c.sql]" {
		t.Error(files)
	}
}

func TestAFileThatTouchesTheBookkeepingIsAnError(t *testing.T) {
	const base = "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT);"
	testRule(t, "F-LEDGER", []ruleCase{
		{name: "makes the ledger", sql: "CREATE TABLE d1_migrations(id INTEGER PRIMARY KEY, name TEXT);", fires: true, table: "d1_migrations", text: "exists already"},
		{name: "asks for the ledger", base: base, sql: "CREATE TABLE IF NOT EXISTS d1_migrations(id INTEGER PRIMARY KEY, name TEXT);", fires: true, severity: lint.Warning},
		{name: "drops the ledger", base: base, sql: "DROP TABLE IF EXISTS \"D1_Migrations\";", fires: true},
		{name: "writes to the ledger", base: base, sql: "INSERT OR IGNORE INTO d1_migrations(name) VALUES ('0009_a.sql');", fires: true},
		{name: "deletes from the ledger", base: base, sql: "DELETE FROM main.d1_migrations WHERE id > 3;", fires: true},
		{name: "a ledger of another name", base: base, sql: "UPDATE applied SET name = 'x';", in: func(in *lint.Input) { in.LedgerTable = "applied" }, fires: true},
		{name: "a trigger on the ledger", base: base, sql: "CREATE TRIGGER g AFTER INSERT ON d1_migrations BEGIN SELECT 1; END;", fires: true},
		{name: "d1_migrations where the ledger has another name", base: base, sql: "CREATE TABLE d1_migrations(id INTEGER);", in: func(in *lint.Input) { in.LedgerTable = "applied" }},
		{name: "a table of Towline's", base: base, sql: "DROP TABLE IF EXISTS __towline_backfill;", fires: true},
		{name: "a table of Cloudflare's", base: base, sql: "DROP TABLE _cf_KV;", fires: true},
		{name: "SQLite's own", base: base, sql: "DELETE FROM sqlite_master;", fires: true},
		{name: "the counter of a rebuild", base: base, sql: "UPDATE sqlite_sequence SET seq = 41 WHERE name = 't';"},
		{name: "reads the ledger", base: base, sql: "SELECT count(*) FROM d1_migrations;"},
		{name: "a table with such a name in a text", base: base, sql: "INSERT INTO t(id) VALUES (length('d1_migrations'));"},
	})
}

func TestATableThatNoMigrationMakesWantsABaseline(t *testing.T) {
	testRule(t, "F-BASE", []ruleCase{
		{name: "ALTER TABLE of a table that nothing makes", sql: "ALTER TABLE users ADD COLUMN nick TEXT;", fires: true, table: "users"},
		{name: "an index on a table that nothing makes", sql: "CREATE INDEX i ON users(nick);", fires: true, table: "users"},
		{name: "the same table in a live database", base: "CREATE TABLE users(id INTEGER PRIMARY KEY);", sql: "ALTER TABLE users ADD COLUMN nick TEXT;"},
		{name: "a live database without it", base: "CREATE TABLE notes(a);", sql: "ALTER TABLE users ADD COLUMN nick TEXT;"},
		{name: "made by an earlier file", files: []string{"CREATE TABLE users(id INTEGER PRIMARY KEY);", "ALTER TABLE users ADD COLUMN nick TEXT;"}},
		{name: "made by a later file", files: []string{"ALTER TABLE users ADD COLUMN nick TEXT;", "CREATE TABLE users(id INTEGER PRIMARY KEY);"}},
		{name: "dropped before", files: []string{"CREATE TABLE users(id INTEGER PRIMARY KEY);\nDROP TABLE users;", "ALTER TABLE users ADD COLUMN nick TEXT;"}},
		{name: "a declared baseline that does not run from nothing either", fires: true, severity: lint.Warning,
			in: folder(map[string]string{"0001_a.sql": "ALTER TABLE users ADD COLUMN nick TEXT;", "0002_b.sql": "CREATE INDEX i ON users(nick);"},
				func(in *lint.Input) { in.Known = []string{"0001_a.sql"} })},
	})
}

func TestAMigrationWithoutADownFileIsInformation(t *testing.T) {
	down := func(in *lint.Input) {
		for i := range in.Files {
			in.Files[i].Down = []byte("SELECT 1;")
		}
	}
	many := map[string]string{"0001_a.sql": aTable, "0002_b.sql": anotherTable, "0003_c.sql": "CREATE TABLE c(z);", "0004_d.sql": "CREATE TABLE d(z);"}
	testRule(t, "F-NODOWN", []ruleCase{
		{name: "no DOWN file", sql: aTable, fires: true},
		{name: "a DOWN file", sql: aTable, in: down},
		{name: "a DOWN file that nobody filled", sql: aTable, in: func(in *lint.Input) { in.Files[0].Down = []byte("-- Takes it back.\n") }, fires: true, text: "has no statement"},
		{name: "as an error, where the project asks for it", sql: aTable, o: lint.Options{Severity: map[string]lint.Severity{"F-NODOWN": lint.Error}}, fires: true, severity: lint.Error},
		{name: "a backfill", base: "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, email_lower TEXT);", sql: fmt.Sprintf(backfillOf, "id", "email_lower IS NULL AND email IS NOT NULL")},
		{name: "many files", in: folder(many), fires: true, text: "4 of the 4"},
		{name: "comments alone", sql: "-- nothing\n"},
	})
	for severity, want := range map[lint.Severity]int{lint.Info: 1, lint.Warning: 4} {
		report := ruleCase{in: folder(many), o: lint.Options{Severity: map[string]lint.Severity{"F-NODOWN": severity}}}.run(t)
		if n := report.Count(severity); n != want {
			t.Errorf("%s: %d findings, want %d: %s", severity, n, want, show(report.Findings))
		}
	}
}

func TestWhatTheLayoutSaysBecomesFindings(t *testing.T) {
	list := lint.Layout(layout.Layout{Dir: "db/migrations"}, []layout.Problem{
		{Code: layout.CodeDownAsUp, File: "db/migrations/0001_a.down.sql", Text: "wrangler applies it."},
		{Code: layout.CodeJournal, File: "db/migrations/meta/_journal.json", Text: "It lists too little."},
		{Code: layout.CodeDuplicate, File: "db/migrations/0001_b.sql", Text: "Twice."},
		{Code: layout.CodeConfig, File: "wrangler.jsonc", Text: "Another folder."},
	})
	if f := lint.Layout(layout.Layout{Dir: "m"}, []layout.Problem{{Code: layout.CodeConfig, File: "m/0002_b.SQL", Text: "Rename it."}})[0]; f.Advice != "" {
		t.Errorf("a file is no matter of the config: %+v", f)
	}
	report := ruleCase{sql: "-- towline:allow-file F-DOWN reason=\"no\"\nSELECT 1;", in: func(in *lint.Input) { in.Extra = list }}.run(t)
	got := make(map[string]lint.Finding)
	for _, f := range report.Findings {
		got[f.Code] = f
	}
	if f := got["F-DOWN"]; f.File != "0001_a.down.sql" || f.Severity != lint.Error || f.Advice == "" || f.Name != "down-in-up-glob" {
		t.Errorf("%+v", f)
	}
	if f := got["F-JRN"]; f.File != "meta/_journal.json" {
		t.Errorf("%+v", f)
	}
	if f := got["F-CFG"]; f.File != "../../wrangler.jsonc" || f.Severity != lint.Warning {
		t.Errorf("%+v", f)
	}
	if f, ok := got["F-DUP"]; ok {
		t.Errorf("lint counts numbers itself: %+v", f)
	}
}
