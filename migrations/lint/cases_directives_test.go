package lint_test

import (
	"strings"
	"testing"
	"time"

	"towline/migrations"
	"towline/migrations/lint"
)

func TestDirectivesThatCannotBeFollowedAreErrors(t *testing.T) {
	base := "CREATE TABLE users(id INTEGER PRIMARY KEY, fax TEXT, tel TEXT);\n"
	drop := "ALTER TABLE users DROP COLUMN fax;"
	testRule(t, "F-DIR01", []ruleCase{
		{name: "an allow without a reason", base: base, sql: "-- towline:allow D1-DS02\n" + drop, fires: true, text: "no reason"},
		{name: "an allow with an empty reason", base: base, sql: "-- towline:allow D1-DS02 reason=\" \"\n" + drop, fires: true, text: "no reason"},
		{name: "an allow for a code that does not exist", base: base, sql: "-- towline:allow D1-DS99 reason=\"x\"\n" + drop, fires: true, text: "no rule D1-DS99"},
		{name: "an allow for nothing", base: base, sql: "-- towline:allow reason=\"x\"\n" + drop, fires: true, text: "names no rule"},
		{name: "an allow behind the last statement", base: base, sql: drop + " -- towline:allow D1-DS02 reason=\"x\"\n", fires: true, text: "no statement follows"},
		{name: "an allow inside a statement", base: base, sql: "ALTER TABLE users\n-- towline:allow D1-DS02 reason=\"x\"\nDROP COLUMN fax;", fires: true, text: "inside a statement"},
		{name: "a quotation mark that is never closed", base: base, sql: "-- towline:allow D1-DS02 reason=\"x\n" + drop, fires: true, text: "never closed"},
		{name: "an unknown word", base: base, sql: "-- towline:ignore D1-DS02\n" + drop, fires: true, text: "allow, allow-file"},
		{name: "a contract of nothing", base: base, sql: "-- towline:contract\n" + drop, fires: true, text: "of which migration"},
		{name: "a contract of a file that does not exist", base: base, sql: "-- towline:contract of=0777\n" + drop, fires: true, text: "no migration 0777"},
		{name: "an assert without a query", base: base, sql: "-- towline:assert\n" + drop, fires: true, text: "no query"},
		{name: "an assert that D1 refuses", base: base, sql: "-- towline:assert SELECT missing FROM users\n" + drop, fires: true, text: "no such column: missing"},
		{name: "an assert that writes", base: base, sql: "-- towline:assert DELETE FROM users\n" + drop, fires: true, text: "only read"},
		{name: "an assert with two columns", base: base, sql: "-- towline:assert SELECT 1, 2\n" + drop, fires: true, text: "D1 refuses its query"},
		{name: "an assert with a parenthesis too many", base: base, sql: "-- towline:assert SELECT 1) OR (1\n" + drop, fires: true, text: "parentheses"},
		{name: "an assert inside a statement", base: base, sql: "ALTER TABLE users\n-- towline:assert SELECT 1\nDROP COLUMN fax;", fires: true, text: "inside a statement"},
		{name: "an assert behind the last statement", base: base, sql: drop + "\n-- towline:assert SELECT 1\n"},
		{name: "an assert that reads", base: base, sql: "-- towline:assert SELECT count(*) > 0 FROM users\n" + drop},
		{name: "an allow with a reason", base: base, sql: "-- towline:allow D1-DS02 reason=\"unused since release 12\"\n" + drop},
		{name: "in a text", base: base, sql: "INSERT INTO users(fax) VALUES ('\n-- towline:allow nothing\n');"},
		{name: "a quotation mark inside the reason, behind a backslash", base: base, sql: "-- towline:allow D1-DS02 reason=\"Lead said \\\"ok\\\"\"\n" + drop, fires: true, text: "quotation mark inside reason="},
		{name: "one behind a backslash and before a blank", base: base, sql: "-- towline:allow D1-DS02 reason=\"12\\\" wide\"\n" + drop, fires: true, text: "quotation mark inside reason="},
		{name: "one without a backslash", base: base, sql: "-- towline:allow D1-DS02 reason=\"Lead said: \"ok\"\"\n" + drop, fires: true, text: "quotation mark inside reason="},
		{name: "an apostrophe between two of them", base: base, sql: "-- towline:allow D1-DS02 reason='it's gone'\n" + drop, fires: true, text: "quotation mark inside reason="},
		{name: "quotation marks of the other kind", base: base, sql: "-- towline:allow D1-DS02 reason='Lead said \"ok\"'\n" + drop},
		{name: "a backslash at the end of the reason", base: base, sql: "-- towline:allow D1-DS02 reason=\"C:\\\"\n" + drop},
		{name: "a code in quotation marks", base: base, sql: "-- towline:allow \"D1-DS02\" reason=\"x\"\n" + drop, fires: true, text: "there is no rule"},
		{name: "an allow between slashes and stars", base: base, sql: "/* towline:allow D1-DS02 reason=\"x\" */\n" + drop, fires: true, text: "behind two dashes"},
		{name: "an assert between slashes and stars, over lines", base: base, sql: "/*\n Towline:assert SELECT 1\n*/\n" + drop, fires: true, text: "behind two dashes"},
		{name: "a window between slashes and stars", base: base, sql: "/* :window */" + drop},
		{name: "in a comment of another kind", base: base, sql: "/* -- towline:nonsense */\n-- see towline:nonsense\n" + drop},
	})
	testRule(t, "F-DIR02", []ruleCase{
		{name: "an allow that nothing needs", base: base, sql: "-- towline:allow D1-DS01 reason=\"x\"\n" + drop, fires: true, text: "D1-DS01"},
		{name: "an allow that something needs", base: base, sql: "-- towline:allow D1-DS02 reason=\"x\"\n" + drop},
		{name: "an allow for a table of an earlier file of the same release, needed where that is applied", files: []string{base, "-- towline:allow D1-DS02 reason=\"x\"\n" + drop}},
		{name: "such an allow for the whole file", files: []string{base, drop + "\n-- towline:allow-file D1-DS02 reason=\"x\"\n"}},
		{name: "an allow of a rule that is off", base: base, sql: "-- towline:allow D1-DS02 reason=\"x\"\n" + drop, o: lint.Options{Severity: map[string]lint.Severity{"D1-DS02": lint.Off}}},
		{name: "an allow of two rules, one of them off", base: base, sql: "-- towline:allow D1-DS02, D1-DS01 reason=\"x\"\n" + drop, o: lint.Options{Severity: map[string]lint.Severity{"D1-DS02": lint.Off}}, fires: true},
		{name: "an allow of two rules, one of them needed", base: base, sql: "-- towline:allow D1-DS02, D1-DS01 reason=\"x\"\n" + drop, fires: true, text: "allows D1-DS01, but"},
		{name: "an allow of two rules, both needed", base: base, sql: "-- towline:allow D1-DS02, F-NODOWN reason=\"x\"\n" + drop, o: lint.Options{Severity: map[string]lint.Severity{"F-NODOWN": lint.Off}}},
		{name: "an allow that names a rule twice", base: base, sql: "-- towline:allow D1-DS02, D1-DS02 reason=\"x\"\n" + drop},
		{name: "an allow for the whole file of a rule that one of two statements needs", base: "CREATE TABLE users(id INTEGER PRIMARY KEY, fax TEXT, tel TEXT);\n", sql: "-- towline:allow-file D1-DS02, D1-DS01 reason=\"x\"\n" + drop, fires: true, text: "allows D1-DS01, but"},
		{name: "an allow of a rule that the file for the whole allows already", base: base, sql: "-- towline:allow-file D1-DS02 reason=\"x\"\n-- towline:allow D1-DS02 reason=\"y\"\n" + drop, fires: true},
		{name: "an allow for the whole file that nothing needs", base: base, sql: "-- towline:allow-file D1-DS01 reason=\"x\"\n" + drop, fires: true},
	})
}

func TestAnAssertionThatIsNotTrueIsAnErrorUnlessRowsDecide(t *testing.T) {
	base := "CREATE TABLE users(id INTEGER PRIMARY KEY, fax TEXT, tel TEXT);\n"
	add := "ALTER TABLE users ADD COLUMN email TEXT;\n"
	testRule(t, "F-DIR03", []ruleCase{
		{name: "of the schema", base: base, sql: "-- towline:assert SELECT count(*) = 1 FROM sqlite_master WHERE name = 'users_tel'\n" + add, fires: true, text: "whatever rows"},
		{name: "of the schema that the file makes, behind it", base: base, sql: add + "-- towline:assert SELECT count(*) = 4 FROM pragma_table_info('users')\n"},
		{name: "of the schema that the file makes, too early", base: base, sql: "-- towline:assert SELECT count(*) = 4 FROM pragma_table_info('users')\n" + add, fires: true},
		{name: "of rows that canaries do not meet", base: base, sql: "-- towline:assert SELECT count(*) = 0 FROM users\n" + add, fires: true, severity: lint.Info, text: "the real ones decide"},
		{name: "of rows that canaries meet", base: base, sql: "-- towline:assert SELECT count(*) > 0 FROM users\n" + add},
		{name: "of rows of a file before, from nothing", files: []string{base, "-- towline:assert SELECT count(*) > 0 FROM users\n" + add}, fires: true, severity: lint.Info},
		{name: "NULL is not 1", base: base, sql: "-- towline:assert SELECT NULL\n" + add, fires: true},
		{name: "no row is not 1", base: base, sql: "-- towline:assert SELECT 1 WHERE 0\n" + add, fires: true},
		{name: "a remark behind the query", base: base, sql: "-- towline:assert SELECT 1; -- as always\n" + add},
		{name: "what its own file filled", base: base, sql: "CREATE TABLE k(a);\nINSERT INTO k VALUES (1);\n-- towline:assert SELECT count(*) = 1 FROM k\n" + add},
	})
}

func TestAnAllowCoversTheNextStatementAlone(t *testing.T) {
	base := "CREATE TABLE users(id INTEGER PRIMARY KEY, fax TEXT, tel TEXT);\n"
	for name, c := range map[string]struct {
		sql     string
		allowed []string // the reasons, by statement; empty: not allowed
	}{
		"before the first":               {"-- towline:allow D1-DS02 reason=\"a\"\nALTER TABLE users DROP COLUMN fax;\nALTER TABLE users DROP COLUMN tel;", []string{"a", ""}},
		"before the second":              {"ALTER TABLE users DROP COLUMN fax;\n-- towline:allow D1-DS02 reason='b'\n-- another remark\nALTER TABLE users DROP COLUMN tel;", []string{"", "b"}},
		"for the whole file, at the end": {"ALTER TABLE users DROP COLUMN fax;\nALTER TABLE users DROP COLUMN tel;\n-- towline:allow-file D1-DS02 reason=\"c\"\n", []string{"c", "c"}},
		"two codes, in small letters":    {"-- towline:allow d1-ds01, d1-ds02 reason=\"d\"\nALTER TABLE users DROP COLUMN fax;\nALTER TABLE users DROP COLUMN tel;", []string{"d", ""}},
		"after a byte order mark":        {"\uFEFF-- towline:allow D1-DS02 reason=\"e\"\r\nALTER TABLE users DROP COLUMN fax;\r\nALTER TABLE users DROP COLUMN tel;\r\n", []string{"e", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			report := ruleCase{base: base, sql: c.sql}.run(t)
			var got []string
			for _, f := range report.Findings {
				if f.Code != "D1-DS02" {
					continue
				}
				got = append(got, f.Allowed)
				if (f.Severity == lint.Info) != (f.Allowed != "") {
					t.Errorf("severity %s with reason %q", f.Severity, f.Allowed)
				}
			}
			if strings.Join(got, ",") != strings.Join(c.allowed, ",") {
				t.Errorf("allowed: %q, want %q", got, c.allowed)
			}
		})
	}
}

func TestSeveritiesAreTheProjects(t *testing.T) {
	base := "CREATE TABLE users(id INTEGER PRIMARY KEY, fax TEXT);\n"
	drop := "ALTER TABLE users DROP COLUMN fax;"
	for severity, want := range map[lint.Severity]int{lint.Warning: 1, lint.Info: 1, lint.Error: 1, lint.Off: 0} {
		report := ruleCase{base: base, sql: drop, o: lint.Options{Severity: map[string]lint.Severity{"D1-DS02": severity}}}.run(t)
		n := 0
		for _, f := range report.Findings {
			if f.Code == "D1-DS02" && f.Severity == severity {
				n++
			}
		}
		if n != want {
			t.Errorf("%s: %d findings", severity, n)
		}
	}
	extra := lint.Finding{Code: "F-JRN", Name: "journal-mismatch", Severity: lint.Error, File: "0002_change.sql", Text: "x", Advice: "y"}
	in := lint.Input{Extra: []lint.Finding{extra}, Files: []migrations.File{{Name: "0002_change.sql", SQL: []byte("-- towline:allow-file F-JRN reason=\"by hand\"\nSELECT 1;")}}}
	for _, f := range run(t, in, lint.Options{}).Findings {
		if f.Code == "F-JRN" && (f.Allowed != "by hand" || f.Severity != lint.Info) {
			t.Errorf("%+v", f)
		}
		if f.Code == "F-DIR02" {
			t.Errorf("the directive was of use: %+v", f)
		}
	}
}

func TestAStatementThatD1RefusesIsAnErrorWhereTheSchemaIsKnown(t *testing.T) {
	testRule(t, "D1-SQL01", []ruleCase{
		{name: "no such column, live", base: "CREATE TABLE t(a);", sql: "CREATE INDEX i ON t(b);", fires: true},
		{name: "no such column, from nothing", files: []string{"CREATE TABLE t(a);", "CREATE INDEX i ON t(b);"}, fires: true, severity: lint.Warning},
		{name: "a function that D1 has not, from nothing", files: []string{"CREATE TABLE t(a);", "SELECT median(a) FROM t;"}, fires: true},
		{name: "a syntax error, from nothing", sql: "CREATE TABLE t(a,);", fires: true},
		{name: "a foreign key of a row that only the real database has", base: plans, sql: "INSERT INTO orders(plan_id) VALUES (7);", fires: true, severity: lint.Info},
		{name: "FROM with LIMIT, which D1 has", base: "CREATE TABLE t(a); CREATE TABLE u(a);", sql: "UPDATE t SET a = u.a FROM u LIMIT 3;", fires: true, severity: lint.Info},
		{name: "LIMIT, which D1 has, and which can be tried", base: "CREATE TABLE t(a);", sql: "DELETE FROM t ORDER BY a LIMIT 3;"},
		{name: "nothing is refused", base: "CREATE TABLE t(a);", sql: "CREATE INDEX i ON t(a);"},
	})
}

func TestFilesThatAreKnownAreReplayedAndNotChecked(t *testing.T) {
	files := []migrations.File{
		{Name: "0001_a.sql", SQL: []byte("CREATE TABLE t(a, b);\nINSERT INTO missing VALUES (1);")},
		{Name: "0002_b.sql", SQL: []byte("ALTER TABLE t DROP COLUMN b;")},
		{Name: "0003_c.sql", SQL: []byte("ALTER TABLE t DROP COLUMN a2;")},
	}
	report := run(t, lint.Input{Files: files, Known: []string{"0001_a.sql"}}, lint.Options{})
	codes := map[string]int{}
	for _, f := range report.Findings {
		codes[f.Code]++
	}
	if report.Files != 2 || report.Statements != 2 || codes["D1-DS02"] != 1 || codes["F-REPLAY"] != 1 {
		t.Errorf("%d files, %d statements: %s", report.Files, report.Statements, show(report.Findings))
	}
}

func TestAStatementThatNeverEndsIsStopped(t *testing.T) {
	endless := "INSERT INTO t WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c;\nDROP TABLE t;"
	o := lint.Options{Limit: 50 * time.Millisecond}
	testRule(t, "D1-SQL01", []ruleCase{
		{name: "in a live database", base: "CREATE TABLE t(a);", sql: endless, o: o, fires: true, text: "30 seconds"},
		{name: "from nothing, with a file behind it", files: []string{"CREATE TABLE t(a);\n" + endless, "CREATE TABLE u(a);"}, o: o, fires: true, text: "30 seconds"},
	})
}
