package lint_test

import (
	"fmt"
	"strings"
	"testing"

	"towline/migrations"
	"towline/migrations/backfill"
	"towline/migrations/lint"
	"towline/migrations/rehearse"
	"towline/migrations/sqlite"
)

// ruleCase is a case in which a rule must find something, or must not.
type ruleCase struct {
	name  string
	base  string   // SQL of what the live database has; empty: nothing is there, and there is no live database
	sql   string   // the pending file, 0002_change.sql
	files []string // in place of sql: pending files 0002_, 0003_, ...
	in    func(*lint.Input)
	o     lint.Options

	fires    bool
	severity lint.Severity // of the finding, where it is not the rule's own
	table    string        // that the finding names, where given
	text     string        // part of its text, where given
	rewrite  string        // part of its rewrite, where given
}

// testRule runs the cases of one rule.
func testRule(t *testing.T, code string, cases []ruleCase) {
	t.Helper()
	rule := ruleOf(t, code)
	for i, c := range cases {
		if testing.Short() && i > 0 {
			break // nothing here runs at the same time as anything else, and SQLite is slow under the race detector
		}
		t.Run(c.name, func(t *testing.T) {
			report := c.run(t)
			var got []lint.Finding
			for _, f := range report.Findings {
				if f.Code == code {
					got = append(got, f)
				}
			}
			switch {
			case !c.fires && len(got) > 0:
				t.Errorf("%s found %s", code, show(got))
			case c.fires && len(got) == 0:
				t.Errorf("%s found nothing; all findings: %s", code, show(report.Findings))
			case c.fires:
				c.check(t, rule, got[0])
			}
		})
	}
}

func (c ruleCase) check(t *testing.T, rule lint.Rule, f lint.Finding) {
	t.Helper()
	want := c.severity
	if want == "" {
		want = rule.Severity
	}
	if f.Severity != want {
		t.Errorf("severity %s, want %s: %s", f.Severity, want, f.Text)
	}
	if f.Name != rule.Name || f.File == "" || f.Text == "" || f.Advice == "" {
		t.Errorf("incomplete: %+v", f)
	}
	if c.table != "" && f.Table != c.table {
		t.Errorf("about table %q, want %q", f.Table, c.table)
	}
	if !strings.Contains(f.Text, c.text) {
		t.Errorf("%q lacks %q", f.Text, c.text)
	}
	if f.Rewrite != "" {
		c.checkRewrite(t, f)
	}
	if !strings.Contains(f.Rewrite, c.rewrite) {
		t.Errorf("the rewrite lacks %q:\n%s", c.rewrite, f.Rewrite)
	}
}

// checkRewrite splits a rewrite and compiles each of its statements on the schema before: a statement may need what the one before it makes,
// but none may be one that SQLite cannot read.
func (c ruleCase) checkRewrite(t *testing.T, f lint.Finding) {
	t.Helper()
	statements, err := migrations.Split("rewrite", []byte(f.Rewrite))
	if err != nil {
		t.Errorf("the rewrite cannot be split: %v\n%s", err, f.Rewrite)
		return
	}
	conn, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	base, _ := migrations.Split("base", []byte(c.base))
	for _, s := range base {
		if _, err := conn.Exec(t.Context(), s.SQL); err != nil {
			t.Fatal(err)
		}
	}
	if i := strings.Index(f.Rewrite, "-- towline:backfill"); i >= 0 {
		if _, err := backfill.Parse(migrations.File{Name: "0007_backfill.sql", SQL: []byte(f.Rewrite[i:])}); err != nil {
			t.Errorf("the rewrite is no backfill: %v\n%s", err, f.Rewrite)
		}
	}
	for _, s := range statements {
		if _, err := conn.Prepare(t.Context(), s.SQL); err != nil && !strings.Contains(err.Error(), "no such ") && !strings.Contains(err.Error(), "already exists") {
			t.Errorf("the rewrite has %q: %v", s.SQL, err)
		}
		_, _ = conn.Exec(t.Context(), s.SQL)
	}
}

func (c ruleCase) run(t *testing.T) lint.Report {
	t.Helper()
	in := lint.Input{}
	if c.base != "" {
		in.Target = live(t, c.base)
		in.Files = append(in.Files, migrations.File{Name: "0001_base.sql", SQL: []byte(c.base)})
	}
	files := c.files
	if c.sql != "" {
		files = append(files, c.sql)
	}
	for i, sql := range files {
		name := fmt.Sprintf("%04d_change.sql", i+2)
		in.Files = append(in.Files, migrations.File{Name: name, SQL: []byte(sql)})
	}
	if c.in != nil {
		c.in(&in)
	}
	return run(t, in, c.o)
}

func run(t *testing.T, in lint.Input, o lint.Options) lint.Report {
	t.Helper()
	report, err := lint.Run(t.Context(), in, o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// live is a database with this schema, made by the applied migration 0001_base.sql.
func live(t testing.TB, schema string) *rehearse.Target {
	t.Helper()
	c, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	statements, err := migrations.Split("0001_base.sql", []byte(schema))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := migrations.Apply(nil, migrations.Options{})
	if err != nil || len(plan) != 0 {
		t.Fatal(plan, err)
	}
	for _, s := range statements {
		if _, err := c.Exec(t.Context(), s.SQL); err != nil {
			t.Fatalf("%s: %v", s.SQL, err)
		}
	}
	ledger := `CREATE TABLE "d1_migrations"(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`
	if _, err := c.Exec(t.Context(), ledger); err != nil {
		t.Fatal(err)
	}
	objects, err := c.Objects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &rehearse.Target{Objects: objects, Ledger: []migrations.LedgerRow{{ID: 1, Name: "0001_base.sql", AppliedAt: "2026-11-02 09:00:00"}}}
}

func ruleOf(t *testing.T, code string) lint.Rule {
	t.Helper()
	for _, r := range lint.Catalogue() {
		if r.Code == code {
			return r
		}
	}
	t.Fatalf("there is no rule %s", code)
	return lint.Rule{}
}

func show(list []lint.Finding) string {
	var b strings.Builder
	for _, f := range list {
		fmt.Fprintf(&b, "\n%s:%d:%d %s %s: %s", f.File, f.Line, f.Col, f.Code, f.Severity, f.Text)
	}
	return b.String()
}

// TestEveryRuleFindsItsOwnBadExampleAndNotItsGoodOne keeps the documentation true.
func TestEveryRuleFindsItsOwnBadExampleAndNotItsGoodOne(t *testing.T) {
	for i, r := range lint.Catalogue() {
		if testing.Short() && i%10 > 0 {
			continue
		}
		for sql, fires := range map[string]bool{r.Bad: true, r.Good: false} {
			if sql == "" {
				continue
			}
			t.Run(fmt.Sprintf("%s %t", r.Code, fires), func(t *testing.T) {
				base, change, found := strings.Cut(sql, "\n-- then\n")
				if !found {
					base, change = "", sql
				}
				report := ruleCase{base: base, sql: change}.run(t)
				got := false
				for _, f := range report.Findings {
					got = got || f.Code == r.Code
				}
				if got != fires {
					t.Errorf("found %t, want %t; all findings: %s", got, fires, show(report.Findings))
				}
			})
		}
	}
}
