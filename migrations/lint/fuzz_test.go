package lint_test

import (
	"strings"
	"testing"

	"towline/migrations"
	"towline/migrations/lint"
)

// FuzzDirectives feeds the reader of directives with anything. Whatever stands in a comment, the check ends, and an allow without a reason
// allows nothing.
func FuzzDirectives(f *testing.F) {
	for _, seed := range []string{
		"towline:allow D1-DS02 reason=\"x\"", "towline:allow-file D1-DS02,D1-DS01 reason='x' more=y", "towline:contract of=0001", "towline:assert SELECT 1",
		"towline:backfill name=x table=t key=id", "towline:end", "towline:allow ==== ,,, \"", "TOWLINE:ALLOW", "towline:allow reason=", "towline: allow x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, comment string) {
		sql := "CREATE TABLE t(a, b);\n-- " + comment + "\nALTER TABLE t DROP COLUMN b;\n"
		report, err := lint.Run(t.Context(), lint.Input{Files: []migrations.File{{Name: "0001_a.sql", SQL: []byte(sql)}}}, lint.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range report.Findings {
			if x.Severity == lint.Off || x.Allowed != "" && x.Severity != lint.Info {
				t.Errorf("%+v", x)
			}
		}
	})
}

// FuzzAnyFile checks any text as a pending file on a small schema: the check ends, in an answer, whatever stands in the file, and every
// finding names a place in it.
func FuzzAnyFile(f *testing.F) {
	for i, r := range lint.Catalogue() {
		if testing.Short() && i%10 > 0 {
			continue
		}
		_, bad, _ := strings.Cut(r.Bad, "-- then\n")
		_, good, _ := strings.Cut(r.Good, "-- then\n")
		f.Add(bad)
		f.Add(good)
	}
	base := users + sessions + "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT, b TEXT);\nCREATE VIEW v AS SELECT a FROM t;\nCREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE users SET name = new.a; END;\n"
	target := live(f, base)
	f.Fuzz(func(t *testing.T, sql string) {
		in := lint.Input{Target: target, Files: []migrations.File{{Name: "0001_base.sql", SQL: []byte(base)}, {Name: "0002_change.sql", SQL: []byte(sql)}}}
		report, err := lint.Run(t.Context(), in, lint.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range report.Findings {
			if x.Code == "" || x.Name == "" || x.Text == "" || x.Severity == "" || x.Offset < 0 || x.Offset > len(sql) && x.File == "0002_change.sql" {
				t.Errorf("%+v", x)
			}
		}
	})
}
