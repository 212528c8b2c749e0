package experiments

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// Remote is a D1 REST API, such as that of an instance of Cloudflare's own runtime.
type Remote struct {
	URL, AccountID, Token string
	HTTP                  *http.Client
}

// Try carries a case out on a database of its own with the given name. An error means that the experiment itself went
// wrong.
func (r Remote) Try(ctx context.Context, name string, c Case) (Outcome, error) {
	databases := "/accounts/" + r.AccountID + "/d1/database"
	var created struct{ UUID string }
	if err := r.post(ctx, databases, map[string]any{"name": name}, &created); err != nil {
		return Outcome{}, err
	}
	raw := databases + "/" + created.UUID + "/raw"
	if len(c.Setup) > 0 {
		if _, err := r.query(ctx, raw, batch(c.Setup)); err != nil {
			return Outcome{}, fmt.Errorf("setup: %w", err)
		}
	}
	body := batch(c.Batch)
	if c.Text != "" {
		body = map[string]any{"sql": c.Text}
	}
	answer, err := r.query(ctx, raw, body)
	var refused *refusal
	if err != nil && !errors.As(err, &refused) {
		return Outcome{}, err
	}
	o := Outcome{Answer: answer}
	if refused != nil {
		o = Outcome{Refused: codeOf(refused.message), Message: refused.message, Answer: "[]"}
	}
	if c.Then != "" {
		if o.Answer, err = r.query(ctx, raw, map[string]any{"sql": c.Then}); err != nil {
			return Outcome{}, fmt.Errorf("then: %w", err)
		}
	}
	o.Schema, err = r.query(ctx, raw, map[string]any{"sql": schemaQuery})
	return o, err
}

func batch(statements []string) any {
	list := make([]map[string]string, len(statements))
	for i, s := range statements {
		list[i] = map[string]string{"sql": s}
	}
	return map[string]any{"batch": list}
}

// query returns the last result's rows as JSON.
func (r Remote) query(ctx context.Context, path string, body any) (string, error) {
	var results []struct {
		Results struct{ Rows json.RawMessage }
	}
	if err := r.post(ctx, path, body, &results); err != nil {
		return "", err
	}
	if len(results) == 0 {
		return "[]", nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, results[len(results)-1].Results.Rows); err != nil {
		return "", err
	}
	return compact.String(), nil
}

// refusal is D1's no to a statement.
type refusal struct{ message string }

func (r *refusal) Error() string { return r.message }

func (r Remote) post(ctx context.Context, path string, body, result any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.Token)
	res, err := r.HTTP.Do(req)
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
		return err
	}
	if !answer.Success {
		if len(answer.Errors) == 0 {
			return fmt.Errorf("%s: refused without a word", path)
		}
		return &refusal{answer.Errors[0].Message}
	}
	return json.Unmarshal(answer.Result, result)
}

// codeOf reads the primary result code out of a message.
func codeOf(message string) string {
	switch {
	case strings.HasPrefix(message, "To execute a transaction"):
		return "SQLITE_AUTH" // the JavaScript around the engine answers for it
	case strings.HasPrefix(message, "Wrong number of parameter"):
		return "none" // here too
	case strings.HasPrefix(message, "internal error"):
		return internal
	}
	if code := regexp.MustCompile(`SQLITE_[A-Z]+`).FindString(message); code != "" {
		return code
	}
	return "none"
}
