package lint_test

import (
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
