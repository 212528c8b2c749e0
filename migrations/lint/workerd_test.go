package lint_test

import (
	"fmt"
	"strings"
	"testing"

	"towline/migrations"
	"towline/sandbox/cloudflare/workerd"
)

// d1 is one fresh database in Cloudflare's own runtime.
type d1 struct{ *workerd.Database }

// run sends the statements of a text as one transaction and returns the message of a refusal.
func (d *d1) run(t *testing.T, sql string) string {
	t.Helper()
	statements, err := migrations.Split("x.sql", []byte(sql))
	if err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
	var batch []string
	for _, s := range statements {
		batch = append(batch, migrations.Canonical(s))
	}
	if len(batch) == 0 {
		return ""
	}
	return d.Run(t, batch...)
}

// value reads one value as a text.
func (d *d1) value(t *testing.T, sql string) string {
	t.Helper()
	var result []struct{ Results []struct{ V any } }
	if message := d.Refusal(t, "/query", map[string]any{"sql": sql}, &result); message != "" {
		return message
	}
	return fmt.Sprint(result[0].Results[0].V)
}

// harm is what the bad example of a rule does on D1 with rows, and the good one does not.
type harm struct {
	code string
	rows string // put into the schema of both examples, as far as its tables are there
	// refused says that D1 refuses the bad example; else look is read afterwards (or is itself refused) and differs: bad and good are parts of
	// what it gives.
	refused         bool
	look, bad, good string
}

func harms() []harm {
	const people = "INSERT INTO users(id, name) VALUES (1, 'a'), (2, 'b');\nINSERT INTO sessions(id, user_id) VALUES (1, 1), (2, 2), (3, NULL);"
	const sold = "INSERT INTO plans(id, name) VALUES (1, 'a');\nINSERT INTO orders(id, plan_id) VALUES (1, 1);"
	const order = "INSERT INTO orders(id, b) VALUES (1, 'x');"
	return []harm{
		{code: "D1-FK01", rows: people, look: "SELECT count(*) AS v FROM sessions WHERE user_id IS NOT NULL", bad: "0", good: "no such table"},
		{code: "D1-FK03", rows: sold, look: "SELECT count(*) AS v FROM pragma_foreign_key_check", bad: "1", good: "0"},
		{code: "D1-FK04", rows: sold, refused: true},
		{code: "D1-FK05", rows: "INSERT INTO node(id, up) VALUES (1, NULL), (2, 1), (3, 1);", look: "SELECT count(*) AS v FROM node", bad: "1", good: "3"},
		{code: "D1-FK06", rows: people, refused: true},
		{code: "D1-FK08", rows: "INSERT INTO p(a, b) VALUES (1, 1);\nINSERT INTO c(x, y) VALUES (1, 1);", refused: true},
		{code: "D1-FK09", rows: "", look: "INSERT INTO orders(id) VALUES (1) RETURNING id AS v", bad: "no such table", good: "1"},
		{code: "D1-RB01", rows: "", look: "SELECT count(*) AS v FROM sqlite_master WHERE name = 't_a'", bad: "0", good: "1"},
		{code: "D1-RB02", rows: "", refused: true},
		{code: "D1-RB03", rows: "INSERT INTO t(id, a) VALUES (1, 'x'), (9, 'y');\nDELETE FROM t WHERE id = 9;", look: "INSERT INTO t(a) VALUES ('z') RETURNING id AS v", bad: "2", good: "10"},
		{code: "D1-RB05", rows: "INSERT INTO t(id) VALUES (1);", look: "SELECT coalesce(color, 'none') AS v FROM t", bad: "color", good: "none"},
		{code: "D1-RB06", rows: "", look: "SELECT count(*) AS v FROM pragma_table_info('b') WHERE pk > 0", bad: "0", good: "1"},
		{code: "D1-RB08", rows: "INSERT INTO t(id, zip) VALUES (1, '007');", look: "SELECT zip || typeof(zip) AS v FROM t", bad: "7integer", good: "007text"},
		{code: "D1-RB09", rows: "INSERT INTO t(id, a) VALUES (1, 'x'), (2, NULL);", look: "SELECT count(*) AS v FROM t", bad: "1", good: "2"},
		{code: "D1-DS03", rows: "", look: "INSERT INTO o(id) VALUES (1) RETURNING id AS v", bad: "no such column", good: "1"},
		{code: "D1-DS06", rows: people, look: "SELECT count(*) AS v FROM sessions", bad: "2", good: "3"},
		{code: "D1-MF01", rows: order, refused: true},
		{code: "D1-MF02", rows: order, refused: true},
		{code: "D1-MF03", rows: order, refused: true},
		{code: "D1-MF04", rows: "INSERT INTO orders(id, email) VALUES (1, 'x'), (2, 'x');", refused: true},
		{code: "D1-MF05", rows: "INSERT INTO t(id, s) VALUES (1, 'b');", refused: true},
		{code: "D1-MF06", rows: order, refused: true},
		{code: "D1-MF07", rows: order, refused: true},
		{code: "D1-SQL01", rows: "", refused: true},
	}
}

// TestCloudflaresRuntimeDoesWhatTheRulesSay carries the examples of the rules out on real D1, on databases with rows.
func TestCloudflaresRuntimeDoesWhatTheRulesSay(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for another program")
	}
	instance := workerd.Start(t, workerd.Options{})
	for i, h := range harms() {
		t.Run(h.code, func(t *testing.T) {
			r := ruleOf(t, h.code)
			h.check(t, &d1{instance.Database(t, fmt.Sprintf("bad-%d", i))}, r.Bad, h.bad, h.refused)
			if h.code != "D1-MF04" && h.code != "D1-FK03" { // their good examples fail too on such rows, but by name
				h.check(t, &d1{instance.Database(t, fmt.Sprintf("good-%d", i))}, r.Good, h.good, false)
			}
		})
	}
}

func (h harm) check(t *testing.T, d *d1, example, want string, refused bool) {
	t.Helper()
	base, change, _ := strings.Cut(example, "-- then\n")
	if message := d.run(t, base+"\n"+h.rows); message != "" {
		t.Fatal(message)
	}
	message := d.run(t, change)
	if (message != "") != refused {
		t.Errorf("D1 says %q to\n%s", message, change)
	}
	if h.look == "" {
		return
	}
	if got := d.value(t, h.look); !strings.Contains(got, want) {
		t.Errorf("%s is %q, want %q, after\n%s", h.look, got, want, change)
	}
}
