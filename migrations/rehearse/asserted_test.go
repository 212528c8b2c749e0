package rehearse_test

import (
	"strings"
	"testing"

	"towline/migrations"
	"towline/migrations/rehearse"
)

func TestAnAssertionIsAFailureWhereNoRowsCanMakeItTrueAndARemarkWhereTheyMay(t *testing.T) {
	base := "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT);"
	for _, c := range []struct {
		name, schema, sql string
		fails, remarks    bool
	}{
		{"of the schema", base, "SELECT 1;\n-- towline:assert SELECT count(*) = 0 FROM sqlite_master WHERE name = 'users'\nSELECT 1;", true, false},
		{"of a table that the file makes", base, "CREATE TABLE k(a);\n-- towline:assert SELECT count(*) = 1 FROM k\n", true, false},
		{"of rows, in a database without tables", "", "CREATE TABLE k(a);\n-- towline:assert SELECT count(*) = 1 FROM k\n", true, false},
		{"of rows, true of made-up ones alone", base, "SELECT 1;\n-- towline:assert SELECT count(*) > 0 FROM users\n", false, false},
		{"of rows, true of no rows alone", base, "SELECT 1;\n-- towline:assert SELECT count(*) = 0 FROM users\n", false, true},
		{"of rows, true of neither", base, "SELECT 1;\n-- towline:assert SELECT count(*) = 300 FROM users\n", false, true},
		{"of rows, after what made-up rows stop", base, "CREATE UNIQUE INDEX u ON users((1));\n-- towline:assert SELECT count(*) = 300 FROM users\n", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			report := run(t, target(t, c.schema), applied(t, c.sql))
			if f := report.Failure; (f != nil) != c.fails || f != nil && (f.File != "0001.sql" || f.Line != 2 || !strings.Contains(f.Message, "not true")) {
				t.Errorf("failure %+v", f)
			}
			remarked := false
			for _, n := range report.Warnings {
				if strings.Contains(n.Message, "this assertion is not true of made-up rows") {
					remarked = n.File == "0001.sql" && n.Line == 2
				}
			}
			if remarked != c.remarks || len(report.Unrehearsed) > 0 {
				t.Errorf("warnings %v, unrehearsed %v", report.Warnings, report.Unrehearsed)
			}
		})
	}
}

func TestOnACopyOfTheDataTheAnswerToAnAssertionCounts(t *testing.T) {
	path, target := withData(t, shop()...)
	rehearsed := func(sql string) rehearse.Report {
		report, err := rehearse.Run(t.Context(), target, applied(t, sql), rehearse.Data(path), rehearse.Temporary(t.TempDir()))
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	report := rehearsed("-- towline:assert SELECT count(*) = 300 FROM users\nUPDATE users SET email = lower(email);")
	if report.Failed != nil || len(report.Warnings) > 0 {
		t.Errorf("%+v, warnings %v", report.Failed, report.Warnings)
	}
	report = rehearsed("UPDATE users SET email = lower(email);\n-- towline:assert SELECT count(*) = 299 FROM users\n")
	if f := report.Failed; f == nil || f.Line != 2 || f.AtCommit || !strings.Contains(f.Message, "not true") {
		t.Errorf("%+v", f)
	}
}

func TestAHistoryIsReplayedWithoutItsAssertions(t *testing.T) {
	f := migrations.File{Name: "0001.sql", SQL: []byte("CREATE TABLE k(a);\n-- towline:assert SELECT count(*) > 0 FROM k\n")}
	states, err := rehearse.Replay(t.Context(), []migrations.File{f}, "")
	if err != nil || states[0].Failed != "" || len(states[0].Objects) == 0 {
		t.Errorf("%+v %v", states, err)
	}
}
