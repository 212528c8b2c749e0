package cloudflare_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"towline/deploy/queries"
	sandbox "towline/sandbox/cloudflare"
	"towline/usage"
	"towline/usage/sourcetest"
)

// questions checks every question that was asked against the schema, and says how many different ones there were.
func questions(t *testing.T, faults *sandbox.Faults) int {
	t.Helper()
	text, err := os.ReadFile("testdata/analytics.graphql")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "analytics.graphql", Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range faults.Calls() {
		if !strings.HasSuffix(c.Path, "/graphql") {
			continue
		}
		var body struct {
			Query     string
			Variables map[string]string
		}
		if err := json.Unmarshal([]byte(c.Body), &body); err != nil {
			t.Fatal(err)
		}
		if seen[body.Query] {
			continue
		}
		seen[body.Query] = true
		doc, errs := gqlparser.LoadQueryWithRules(schema, body.Query, nil)
		if errs != nil {
			t.Errorf("%v in %s", errs, body.Query)
			continue
		}
		for _, v := range doc.Operations[0].VariableDefinitions {
			if _, ok := body.Variables[v.Variable]; !ok {
				t.Errorf("no value for %s in %s", v.Variable, body.Query)
			}
		}
		oneDatasetWithoutAliases(t, body.Query, doc.Operations[0].SelectionSet)
	}
	return len(seen)
}

func oneDatasetWithoutAliases(t *testing.T, text string, set ast.SelectionSet) {
	t.Helper()
	for _, s := range set {
		f, ok := s.(*ast.Field)
		if !ok || f.Alias != f.Name || f.Name == "accounts" && len(f.SelectionSet) != 1 {
			t.Errorf("an alias, a fragment or more than one dataset in %s", text)
			continue
		}
		oneDatasetWithoutAliases(t, text, f.SelectionSet)
	}
}

func TestEveryQuestionToAnalyticsIsOneOfTheDocumentedSchema(t *testing.T) {
	at := time.Date(2026, 3, 12, 10, 15, 0, 0, time.UTC)
	s := sourcetest.Scene{Now: at, Page: 2} // so that every way of paging is taken
	for _, name := range []string{"shop", "shop-preview", "till"} {
		s.Databases = append(s.Databases, sourcetest.Database{
			Name: name, From: at.Add(-9 * time.Hour).Truncate(time.Hour), To: at.Add(9 * time.Hour).Truncate(time.Hour), Size: 1, Reads: sourcetest.Runs{PerHour: 9},
		})
		s.Workers = append(s.Workers, sourcetest.Worker{Script: name, From: at.Add(-9 * time.Hour).Truncate(time.Hour), To: at.Add(9 * time.Hour), PerHour: 60})
	}
	d, faults := scene(t, s)
	subjects, id := []usage.Subject{usage.Whole()}, ""
	for _, name := range []string{"shop", "shop-preview", "till"} {
		db, err := d.Find(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		id = db.ID
		subjects = append(subjects, usage.Subject{Kind: usage.Database, ID: id}, usage.Subject{Kind: usage.Worker, ID: name})
	}
	for _, set := range usage.AllDatasets() {
		for _, some := range [][]usage.Subject{subjects, subjects[:3]} {
			if got, err := d.Hours(t.Context(), set, some, at.Add(-4*time.Hour), at); err != nil || len(got) == 0 {
				t.Fatalf("%s: %d samples, %v", set, len(got), err)
			}
		}
	}
	for _, order := range []queries.Order{queries.ByRowsRead, queries.ByTime, queries.ByRowsWritten} {
		if got, err := d.Queries(t.Context(), id, at.Add(-time.Hour), at, order, 10); err != nil || len(got) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if got, asOf, err := d.Traffic(t.Context(), id, []string{"shop"}, at.Add(-time.Hour), at); err != nil || asOf.IsZero() || got.Failed == nil || got.Requests == nil {
		t.Fatalf("%+v, %s, %v", got, asOf, err)
	}
	if rows, _, err := d.RowsWritten(t.Context(), id, at.Add(-time.Hour)); err != nil {
		t.Fatalf("%d, %v", rows, err)
	}
	if n := questions(t, faults); n < 15 {
		t.Errorf("%d different questions; some way of asking was not taken", n)
	}
}

func TestAPassOverAnAccountTakesFewQuestions(t *testing.T) {
	at := time.Date(2026, 3, 12, 10, 15, 0, 0, time.UTC)
	s := sourcetest.Scene{Now: at}
	for i := range 5 {
		s.Databases = append(s.Databases, sourcetest.Database{Name: fmt.Sprintf("shop-%d", i), From: at.Add(-9 * time.Hour).Truncate(time.Hour), To: at, Reads: sourcetest.Runs{PerHour: 9}})
	}
	d, faults := scene(t, s)
	all, err := d.Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	subjects := []usage.Subject{usage.Whole(), {Kind: usage.Worker, ID: "shop"}, {Kind: usage.Worker, ID: "till"}}
	for _, db := range all {
		subjects = append(subjects, usage.Subject{Kind: usage.Database, ID: db.ID})
	}
	faults.Forget()
	if _, err := d.Datasets(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, set := range usage.AllDatasets() {
		if _, err := d.Hours(t.Context(), set, subjects, at.Add(-6*time.Hour), at.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	// One for the settings, two each for rows and for Workers (theirs, the account's), three for storage and one for failed queries.
	if n := len(faults.Calls()); n != 9 {
		t.Errorf("%d questions, want 9", n)
	}
}
