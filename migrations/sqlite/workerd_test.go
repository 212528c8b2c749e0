package sqlite_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"towline/sandbox/cloudflare/workerd"
)

// d1 is one fresh database in Cloudflare's own runtime.
type d1 struct {
	http     *http.Client
	instance *workerd.Instance
	path     string
}

func newD1(t *testing.T, instance *workerd.Instance, client *http.Client, name string) *d1 {
	t.Helper()
	d := &d1{http: client, instance: instance, path: "/accounts/" + instance.AccountID + "/d1/database"}
	var created struct{ UUID string }
	if message := d.post(t, "", map[string]any{"name": name}, &created); message != "" {
		t.Fatal(message)
	}
	d.path += "/" + created.UUID
	return d
}

// query returns the message of a refusal, or "".
func (d *d1) query(t *testing.T, sql string) string {
	t.Helper()
	return d.post(t, "/query", map[string]any{"sql": sql}, nil)
}

func (d *d1) post(t *testing.T, path string, body, result any) (message string) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.instance.URL+d.path+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.instance.Token)
	res, err := d.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Success bool
		Errors  []struct{ Message string }
		Result  json.RawMessage
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if !answer.Success && len(answer.Errors) > 0 {
		return answer.Errors[0].Message
	}
	if result != nil {
		if err := json.Unmarshal(answer.Result, result); err != nil {
			t.Fatal(err)
		}
	}
	return ""
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
	client := &http.Client{}
	t.Cleanup(client.CloseIdleConnections)
	for i, tt := range profileCases() {
		if local[tt.name] {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			d := newD1(t, instance, client, fmt.Sprintf("profile-%d", i))
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
	client := &http.Client{}
	t.Cleanup(client.CloseIdleConnections)
	d := newD1(t, instance, client, "functions")
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
	client := &http.Client{}
	t.Cleanup(client.CloseIdleConnections)
	d := newD1(t, instance, client, "pragmas")
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
