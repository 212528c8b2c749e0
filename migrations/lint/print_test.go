package lint_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
	"towline/migrations/lint"
)

var update = flag.Bool("update", false, "write the golden files anew")

// writers are all formats, by the ending of their golden file.
func writers() map[string]func(io.Writer, lint.Report, lint.Printing) error {
	return map[string]func(io.Writer, lint.Report, lint.Printing) error{
		"txt": lint.WriteText, "json": lint.WriteJSON, "sarif": lint.WriteSARIF, "github": lint.WriteGitHub,
	}
}

// sample is a report with something of every kind: an error with a rewrite, a warning, findings about a whole file, something allowed, more
// information than is printed, and names that have to be escaped.
func sample() lint.Report {
	drop := lint.Finding{File: "0002_100%, new: users.sql", Line: 2, Col: 1, Offset: 10, Index: 1, Statement: "DROP TABLE users"}
	cascade, index := drop, drop
	cascade.Code, cascade.Name, cascade.Severity, cascade.Table, cascade.Column = "D1-FK01", "cascade-on-drop", lint.Error, "sessions", "user_id"
	cascade.Text = "DROP TABLE users deletes every row of sessions that refers to it through user_id (ON DELETE CASCADE), and D1 says nothing about it."
	cascade.Advice = "Drop sessions first."
	index.Code, index.Name, index.Severity, index.Table, index.Column = "D1-FK07", "fk-without-index", lint.Warning, "sessions", "user_id"
	index.Text, index.Advice = "No index begins with sessions.user_id, so each row of users that goes costs a scan of sessions.", "Make the index in an earlier migration."
	index.Rewrite = "CREATE INDEX sessions_user_id ON sessions(user_id);\n\n-- then, in a later one\nDROP TABLE users;\n"
	report := lint.Report{Files: 6, Statements: 9, Findings: []lint.Finding{cascade, index, {
		Code: "F-DUP", Name: "duplicate-number", Severity: lint.Warning, File: "0003_twice.sql",
		Text: "This file has the same number as 0003_search.sql.", Advice: "Give the one that is not applied anywhere the next number.",
	}, {
		Code: "F-LEDGER", Name: "own-ledger", Severity: lint.Info, File: "0003_twice.sql", Line: 2, Col: 4, Offset: 30, Index: 1, Table: "d1_migrations",
		Statement: "DELETE FROM d1_migrations WHERE id = 99", Text: "This changes d1_migrations.", Advice: "Remove the statement.", Allowed: "left over, \\ does nothing",
	}}}
	for i := range 5 {
		report.Findings = append(report.Findings, lint.Finding{
			Code: "F-NODOWN", Name: "no-down", Severity: lint.Info, File: fmt.Sprintf("000%d_more.sql", 4+i), Text: "There is no DOWN file.", Advice: "Write the way back.",
		})
	}
	return report
}

func TestFindingsArePrintedAsTheyWere(t *testing.T) {
	report := sample()
	for ending, write := range writers() {
		var got bytes.Buffer
		if err := write(&got, report, lint.Printing{Dir: "db/migrations", Version: "1.2.3"}); err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", "sample."+ending)
		if *update {
			if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		// The catalogue in the SARIF file changes with every word of a rule's entry; the entries are tested below.
		if diff := cmp.Diff(withoutRules(string(want)), withoutRules(got.String())); diff != "" {
			t.Errorf("%s (go test ./migrations/lint -update writes it anew):\n%s", golden, diff)
		}
	}
}

func withoutRules(s string) string {
	from := strings.Index(s, `"rules": [`)
	to := strings.Index(s, `"columnKind"`)
	if from < 0 || to < from {
		return s
	}
	return s[:from] + s[to:]
}

func TestAnEmptyReportIsPrintedInEveryFormat(t *testing.T) {
	for ending, write := range writers() {
		var got bytes.Buffer
		if err := write(&got, lint.Report{Files: 3, Statements: 9}, lint.Printing{}); err != nil || got.Len() == 0 {
			t.Errorf("%s: %v, %q", ending, err, got.String())
		}
	}
	if s := lint.Summary(lint.Report{Files: 3, Statements: 1}); s != "Nothing found in 3 files, 1 statement." {
		t.Error(s)
	}
}

func TestTheJSONFindingsHaveAllOfAFinding(t *testing.T) {
	report := sample()
	var b bytes.Buffer
	if err := lint.WriteJSON(&b, report, lint.Printing{Dir: "db/migrations", Docs: "https://docs.example.com/lint"}); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Version  int
		Counts   map[string]int
		Findings []struct{ Code, File, Fingerprint, Help, Severity string }
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != lint.JSONVersion || len(got.Findings) != len(report.Findings) || got.Counts["error"] != report.Count(lint.Error) {
		t.Errorf("%+v", got)
	}
	prints := make(map[string]bool)
	for i, f := range got.Findings {
		if f.File != "db/migrations/"+report.Findings[i].File || f.Help != "https://docs.example.com/lint#"+lint.Anchor(f.Code) || prints[f.Fingerprint] {
			t.Errorf("%+v", f)
		}
		prints[f.Fingerprint] = true
	}
}

func TestAFingerprintStaysWhereLinesMove(t *testing.T) {
	prints := func(files ...migrations.File) []string {
		var b bytes.Buffer
		if err := lint.WriteJSON(&b, run(t, lint.Input{Files: files}, lint.Options{}), lint.Printing{}); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Findings []struct{ Fingerprint string }
		}
		if err := json.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, f := range got.Findings {
			list = append(list, f.Fingerprint)
		}
		return list
	}
	file := func(sql string) migrations.File {
		return migrations.File{Name: "0001_a.sql", SQL: []byte(sql), Down: []byte("SELECT 1;")}
	}
	was := prints(file("PRAGMA user_version = 1;\nPRAGMA user_version = 1;"))
	moved := prints(file("-- more\n\nCREATE TABLE a(x);\nPRAGMA  user_version=1; -- here\nPRAGMA user_version = 1;"))
	if len(was) != 2 || was[0] == was[1] || !slices.Equal(was, moved) {
		t.Errorf("%q, then %q", was, moved)
	}
	if other := prints(file("PRAGMA user_version = 2;")); other[0] == was[0] {
		t.Errorf("another statement has the same: %q", other)
	}
}

// TestTheSARIFIsWhatTheStandardAsksFor holds the file against the parts of SARIF 2.1.0 (OASIS) that are used: required properties, known
// words, indexes that lead to something, and addresses.
func TestTheSARIFIsWhatTheStandardAsksFor(t *testing.T) {
	var b bytes.Buffer
	if err := lint.WriteSARIF(&b, sample(), lint.Printing{Dir: "db/migrations"}); err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	known(t, "sarifLog", doc, "$schema", "version", "runs")
	if doc["version"] != "2.1.0" || !isURI(doc["$schema"]) {
		t.Errorf("%v, %v", doc["version"], doc["$schema"])
	}
	one := list(t, doc["runs"])[0]
	known(t, "run", one, "tool", "columnKind", "results")
	driver := object(t, object(t, one["tool"])["driver"])
	rules := list(t, driver["rules"])
	if len(rules) != len(lint.Catalogue()) || driver["name"] == "" || !isURI(driver["informationUri"]) {
		t.Errorf("%d rules, %v", len(rules), driver["informationUri"])
	}
	for _, r := range rules {
		known(t, "reportingDescriptor", r, "id", "name", "shortDescription", "fullDescription", "help", "helpUri", "defaultConfiguration", "properties")
		if !isURI(r["helpUri"]) || object(t, r["help"])["text"] == "" || !level(object(t, r["defaultConfiguration"])["level"]) {
			t.Errorf("%v", r)
		}
	}
	for _, result := range list(t, one["results"]) {
		checkResult(t, result, rules)
	}
}

func checkResult(t *testing.T, result map[string]any, rules []map[string]any) {
	t.Helper()
	known(t, "result", result, "ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints", "suppressions")
	index, ok := result["ruleIndex"].(float64)
	if !ok || rules[int(index)]["id"] != result["ruleId"] || !level(result["level"]) || object(t, result["message"])["text"] == "" {
		t.Errorf("%v", result)
	}
	place := object(t, list(t, result["locations"])[0]["physicalLocation"])
	artifact, region := object(t, place["artifactLocation"]), object(t, place["region"])
	uri, err := url.Parse(fmt.Sprint(artifact["uri"]))
	if err != nil || uri.IsAbs() || strings.HasPrefix(uri.Path, "/") || artifact["uriBaseId"] != "%SRCROOT%" {
		t.Errorf("%v: %v", artifact, err)
	}
	if region["startLine"].(float64) < 1 || region["startColumn"].(float64) < 1 || len(object(t, result["partialFingerprints"])) == 0 {
		t.Errorf("%v", result)
	}
	for _, s := range list(t, result["suppressions"]) {
		known(t, "suppression", s, "kind", "justification")
		if s["kind"] != "inSource" || s["justification"] == "" {
			t.Errorf("%v", s)
		}
	}
}

func known(t *testing.T, what string, o map[string]any, properties ...string) {
	t.Helper()
	for name := range o {
		if !slices.Contains(properties, name) {
			t.Errorf("%s has %s", what, name)
		}
	}
}

func object(t *testing.T, v any) map[string]any {
	t.Helper()
	o, ok := v.(map[string]any)
	if !ok {
		t.Fatalf("%v is no object", v)
	}
	return o
}

func list(t *testing.T, v any) []map[string]any {
	t.Helper()
	if v == nil {
		return nil
	}
	array, ok := v.([]any)
	if !ok {
		t.Fatalf("%v is no array", v)
	}
	var all []map[string]any
	for _, x := range array {
		all = append(all, object(t, x))
	}
	return all
}

func level(v any) bool {
	return slices.Contains([]string{"none", "note", "warning", "error"}, fmt.Sprint(v))
}

func isURI(v any) bool {
	u, err := url.Parse(fmt.Sprint(v))
	return err == nil && u.IsAbs()
}

func TestAWorkflowCommandIsOneLineWhateverIsInIt(t *testing.T) {
	report := lint.Report{Findings: []lint.Finding{{
		Code: "D1-DS01", Name: "drop-table", Severity: lint.Warning, File: "a,b:c%\n.sql", Line: 3, Col: 4, Text: "100 % ::error::\r\nno", Rewrite: "SELECT 1;\n",
	}, {Code: "D1-DS01", Severity: lint.Info, File: "a.sql", Text: "x"}}}
	var b bytes.Buffer
	if err := lint.WriteGitHub(&b, report, lint.Printing{}); err != nil {
		t.Fatal(err)
	}
	want := "::warning file=a%2Cb%3Ac%25%0A.sql,line=3,col=4,title=D1-DS01 drop-table::100 %25 ::error::%0D%0Ano%0A%0AThe safe way, ready to copy:%0A%0ASELECT 1;%0A\n" +
		"::notice file=a.sql,line=1,col=1,title=D1-DS01 ::x\n0 errors, 1 warning, 1 note in 0 files, 0 statements.\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

// broken takes nothing.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestAReportThatCannotBeWrittenSaysSo(t *testing.T) {
	for ending, write := range writers() {
		if err := write(broken{}, lint.Report{}, lint.Printing{}); err == nil {
			t.Errorf("%s: no error", ending)
		}
	}
}
