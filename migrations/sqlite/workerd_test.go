package sqlite_test

import (
	"fmt"
	"strings"
	"testing"

	"towline/sandbox/cloudflare/workerd"
)

// d1 is one fresh database in Cloudflare's own runtime.
type d1 struct{ *workerd.Database }

// query returns the message of a refusal, or "".
func (d *d1) query(t *testing.T, sql string) string {
	t.Helper()
	return d.Refusal(t, "/query", map[string]any{"sql": sql}, nil)
}

// TestTheProfileAgreesWithCloudflaresRuntime asks both about every case of the profile.
func TestTheProfileAgreesWithCloudflaresRuntime(t *testing.T) {
	// The first three hold for one statement at a time, of which /query has no notion; the last is a limit of D1's pages,
	// not of its engine.
	local := map[string]bool{
		"two statements": true, "two statements, the second wrong": true, "a null byte": true,
		"a value over 2 MB": true,
	}
	instance := workerd.Start(t, workerd.Options{})
	for i, tt := range profileCases() {
		if local[tt.name] {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			d := &d1{instance.Database(t, fmt.Sprintf("profile-%d", i))}
			if message := d.query(t, strings.Join(profileSetup(), ";\n")); message != "" {
				t.Fatal(message)
			}
			theirs := d.query(t, tt.sql)
			ours := ""
			if e := refused(t, open(t, profileSetup()...), tt.sql); e != nil {
				ours = e.Error()
			}
			if strings.HasPrefix(theirs, "To execute a transaction") {
				theirs = "not authorized: SQLITE_AUTH" // said by the JavaScript around the engine
			}
			if theirs != ours {
				t.Errorf("workerd: %q, here: %q", theirs, ours)
			}
		})
	}
}

// TestEveryFunctionIsAllowedHereIfAndOnlyIfItIsThere calls each function that this SQLite has, in every arity.
func TestEveryFunctionIsAllowedHereIfAndOnlyIfItIsThere(t *testing.T) {
	instance := workerd.Start(t, workerd.Options{})
	d := &d1{instance.Database(t, "functions")}
	c := open(t)
	var functions [][]any
	if err := c.Without(func() error {
		functions = exec(t, c, "SELECT DISTINCT name, type, narg FROM pragma_function_list ORDER BY 1, 3").Rows
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, f := range functions {
		name, kind, args := f[0].(string), f[1].(string), f[2].(int64)
		if args < 0 {
			args = 2
		}
		call := fmt.Sprintf("SELECT \"%s\"(%s)", name, strings.TrimSuffix(strings.Repeat("NULL, ", int(args)), ", "))
		if kind == "w" {
			call += " OVER ()"
		}
		theirs, ours := d.query(t, call), ""
		if e := refused(t, c, call); e != nil {
			ours = e.Error()
		}
		if theirs != ours {
			t.Errorf("%s: workerd: %q, here: %q", call, theirs, ours)
		}
	}
}

// TestEveryPragmaIsAllowedHereIfAndOnlyIfItIsThere asks both for each pragma that this SQLite knows, in every form.
func TestEveryPragmaIsAllowedHereIfAndOnlyIfItIsThere(t *testing.T) {
	instance := workerd.Start(t, workerd.Options{})
	d := &d1{instance.Database(t, "pragmas")}
	if message := d.query(t, strings.Join(profileSetup(), ";\n")); message != "" {
		t.Fatal(message)
	}
	c := open(t, profileSetup()...)
	var pragmas [][]any
	if err := c.Without(func() error {
		pragmas = exec(t, c, "SELECT name FROM pragma_pragma_list ORDER BY 1").Rows
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(pragmas) < 60 {
		t.Fatalf("%d pragmas", len(pragmas))
	}
	for _, p := range pragmas {
		name := p[0].(string)
		for _, form := range []string{"PRAGMA %s", "PRAGMA %s = 0", "PRAGMA %s(t)", "PRAGMA %s = _cf_x", "PRAGMA %s = 'off'"} {
			sql := fmt.Sprintf(form, name)
			theirs, ours := d.query(t, sql), ""
			if e := refused(t, c, sql); e != nil {
				ours = e.Error()
			}
			if theirs != ours {
				t.Errorf("%s: workerd: %q, here: %q", sql, theirs, ours)
			}
		}
	}
}
