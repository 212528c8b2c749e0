package lint_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations/lint"
)

var updateDocs = flag.Bool("update-docs", false, "write the rules in docs/lint.md anew")

// docsMark ends the part of the page that people write.
const docsMark = "-update-docs -->\n"

// rulesOfThePage is the part of docs/lint.md that the catalogue makes.
func rulesOfThePage() string {
	var b strings.Builder
	b.WriteString("\n## The rules\n\n| rule | severity | finds |\n| --- | --- | --- |\n")
	for _, r := range lint.Catalogue() {
		fmt.Fprintf(&b, "| [%s](#%s) %s | %s | %s |\n", r.Code, lint.Anchor(r.Code), r.Name, r.Severity, cell(r.Summary))
	}
	group := ""
	for _, r := range lint.Catalogue() {
		if r.Group != group {
			group = r.Group
			fmt.Fprintf(&b, "\n## %s\n", group)
		}
		writeRule(&b, r)
	}
	return b.String()
}

func writeRule(b *strings.Builder, r lint.Rule) {
	fmt.Fprintf(b, "\n### %s %s\n\n%s\n\n", r.Code, r.Name, r.Summary)
	fmt.Fprintf(b, "- Severity: %s. `-rule %s=...` gives it another.\n- On D1: %s\n- Do: %s\n- %s\n", r.Severity, r.Code, r.Why, r.Do, allowing(r))
	if r.Source != "" {
		fmt.Fprintf(b, "- Source: %s\n", r.Source)
	}
	writeExample(b, "It finds:", r.Bad, r.BadFiles)
	writeExample(b, "It leaves alone:", r.Good, r.GoodFiles)
}

func writeExample(b *strings.Builder, title, sql, files string) {
	switch {
	case sql != "":
		fmt.Fprintf(b, "\n%s\n\n```sql\n%s\n```\n", title, strings.TrimRight(strings.Replace(sql, "\n-- then\n", "\n-- that is there; then the migration:\n", 1), "\n"))
	case files != "":
		fmt.Fprintf(b, "\n%s\n\n%s\n", title, strings.TrimRight(files, "\n"))
	}
}

// allowing is how a finding of the rule is allowed.
func allowing(r lint.Rule) string {
	switch r.Code {
	case "F-EDIT", "F-MISS", "F-DOWN", "F-STRAY", "F-JRN", "F-CFG", "F-REPLAY", "F-DIR01", "F-DIR02", "F-DIR03":
		return "It cannot be allowed in a file; give the rule another severity."
	case "F-REN", "F-ORD", "F-DUP", "F-NODOWN", "D1-SPL02", "D1-BF02":
		return fmt.Sprintf("Allow it in the file: `-- towline:allow-file %s reason=\"...\"`", r.Code)
	}
	return fmt.Sprintf("Allow it before the statement: `-- towline:allow %s reason=\"...\"`", r.Code)
}

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

func TestTheDocsOfTheRulesAreWhatTheRulesSay(t *testing.T) {
	const path = "../../docs/lint.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(page), docsMark)
	if !found {
		t.Fatalf("%s has lost the line that ends with %q", path, docsMark)
	}
	if *updateDocs {
		if err := os.WriteFile(path, []byte(head+docsMark+rulesOfThePage()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(rulesOfThePage(), rest); diff != "" {
		t.Errorf("docs/lint.md is behind (go test ./migrations/lint -run Docs -update-docs):\n%s", diff)
	}
}

func TestEveryRuleIsDocumented(t *testing.T) {
	seen := make(map[string]bool)
	for _, r := range lint.Catalogue() {
		if seen[r.Code] || seen[r.Name] {
			t.Errorf("%s %s is there twice", r.Code, r.Name)
		}
		seen[r.Code], seen[r.Name] = true, true
		for what, text := range map[string]string{"Summary": r.Summary, "Why": r.Why, "Do": r.Do, "Source": r.Source} {
			if text == "" || what != "Source" && !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %s is %q", r.Code, what, text)
			}
		}
		if r.Group == "" || r.Severity == "" || r.Severity == lint.Off {
			t.Errorf("%s: %q, %q", r.Code, r.Group, r.Severity)
		}
		if r.Bad == "" && r.BadFiles == "" && r.Code != "F-REPLAY" { // which is about no statement in particular
			t.Errorf("%s has no example", r.Code)
		}
	}
}
