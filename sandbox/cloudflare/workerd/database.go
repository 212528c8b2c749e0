package workerd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
)

// Database is a new database of an instance, for tests that ask D1 itself what something does.
type Database struct {
	// ID is its id and Name its name in the account.
	ID, Name string

	at   *Instance
	http *http.Client
}

// RefusedError is D1's no, in its own words.
type RefusedError struct{ Message string }

// Error is what D1 said.
func (e *RefusedError) Error() string { return e.Message }

// Database makes a database. Its connections end with the test.
func (i *Instance) Database(t testing.TB, name string) *Database {
	t.Helper()
	d := &Database{Name: name, at: i, http: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(d.http.CloseIdleConnections)
	var created struct{ UUID string }
	if err := d.send(t.Context(), "", map[string]any{"name": name}, &created); err != nil {
		t.Fatalf("make the database %s: %v", name, err)
	}
	d.ID = created.UUID
	return d
}

// Post sends a body to a path below the database's own, such as /query, and decodes the result where there is a place for it. Its error is
// a *RefusedError where D1 says no.
func (d *Database) Post(ctx context.Context, path string, body, result any) error {
	return d.send(ctx, "/"+d.ID+path, body, result)
}

// Refusal sends a body like Post, and returns D1's no, or nothing where it says yes. The test ends where there is no answer.
func (d *Database) Refusal(t testing.TB, path string, body, result any) string {
	t.Helper()
	err := d.Post(t.Context(), path, body, result)
	if no, ok := errors.AsType[*RefusedError](err); ok {
		return no.Message
	}
	if err != nil {
		t.Fatal(err)
	}
	return ""
}

// Run carries statements out as one transaction, and returns D1's no, or nothing where it says yes.
func (d *Database) Run(t testing.TB, statements ...string) string {
	t.Helper()
	return d.Refusal(t, "/query", Batch(statements...), nil)
}

// Batch is the body of a request with several statements, which D1 carries out as one transaction.
func Batch(statements ...string) map[string]any {
	batch := make([]map[string]string, 0, len(statements))
	for _, sql := range statements {
		batch = append(batch, map[string]string{"sql": sql})
	}
	return map[string]any{"batch": batch}
}

func (d *Database) send(ctx context.Context, path string, body, result any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	address := d.at.URL + "/accounts/" + d.at.AccountID + "/d1/database" + path
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+d.at.Token)
	req.Header.Set("Content-Type", "application/json")
	res, err := d.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer struct {
		Success bool
		Errors  []struct{ Message string }
		Result  json.RawMessage
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return fmt.Errorf("read the answer, status %s: %w", res.Status, err)
	}
	switch {
	case !answer.Success && len(answer.Errors) > 0:
		return &RefusedError{answer.Errors[0].Message}
	case !answer.Success:
		return &RefusedError{"refused without a reason"}
	case result == nil:
		return nil
	}
	return json.Unmarshal(answer.Result, result)
}
