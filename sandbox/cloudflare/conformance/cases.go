package conformance

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// sqlCase is one thing that a database must do with SQL, in steps on an empty database.
type sqlCase struct {
	name  string
	steps []step
}

// step is one request and what must come back.
type step struct {
	sql    string
	params []any
	batch  []string // instead of sql
	body   string   // instead of both: the request's body as it is
	raw    bool     // to /raw

	want   string // JSON: the rows of every statement; "" accepts any success
	refuse string // the words of the refusal; "*" accepts any
	status int    // of a refusal; 0 stands for 400
	code   int    // of a refusal; 0 stands for 7500
}

func do(sql string) step                     { return step{sql: sql} }
func gives(sql, want string) step            { return step{sql: sql, want: want} }
func refused(sql, words string) step         { return step{sql: sql, refuse: words} }
func binds(sql, want string, p ...any) step  { return step{sql: sql, params: p, want: want} }
func together(statements ...string) step     { return step{batch: statements} }
func (s step) isRefused(words string) step   { s.refuse = words; return s }
func (s step) withStatus(n int) step         { s.status = n; return s }
func (s step) gives(want string) step        { s.want = want; return s }
func (s step) onRaw() step                   { s.raw = true; return s }
func one(name string, steps ...step) sqlCase { return sqlCase{name, steps} }

// testCases runs each case on a database of its own.
func testCases(cases []sqlCase) func(*testing.T, *client) {
	return func(t *testing.T, c *client) {
		for _, tc := range cases {
			t.Run(tc.name, func(t *testing.T) {
				db := c.create(t)
				for i, s := range tc.steps {
					s.run(t, db, fmt.Sprintf("step %d", i+1))
				}
			})
		}
	}
}

func (s step) run(t *testing.T, db database, name string) {
	t.Helper()
	path, body := db.path()+"/query", any(s.body)
	if s.raw {
		path = db.path() + "/raw"
	}
	switch {
	case s.batch != nil:
		var queries []map[string]any
		for _, sql := range s.batch {
			queries = append(queries, map[string]any{"sql": sql})
		}
		body = map[string]any{"batch": queries}
	case s.body == "":
		body = map[string]any{"sql": s.sql, "params": s.params}
	}
	a := db.send(t, "POST", path, body)
	if s.refuse != "" {
		words := s.refuse
		if words == "*" {
			words = ""
		}
		a.refused(t, cmp.Or(s.status, 400), cmp.Or(s.code, 7500), words)
		return
	}
	var results []struct {
		Results json.RawMessage
		Success bool
	}
	a.decode(t, &results)
	if s.want == "" {
		return
	}
	got := []any{}
	for _, r := range results {
		got = append(got, parse(t, string(r.Results)))
	}
	if diff := gocmp.Diff(parse(t, s.want), any(got)); diff != "" {
		t.Errorf("%s, %s: wrong rows (-want +got):\n%s", name, s.sql, diff)
	}
}

// parse reads JSON and keeps numbers as they are written: 2^53 + 1 is not 2^53.
func parse(t testing.TB, text string) any {
	t.Helper()
	var value any
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

func shortHash(text string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text))
	return fmt.Sprintf("%08x", h.Sum32())
}
