package cloudflare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"towline/deploy"
)

// answer is what /query answers a batch with: one result for each statement.
type answer struct {
	Result []result `json:"result"`
}

// result is the answer to one statement. Results are rows, each an object whose members stand in the order of the columns.
type result struct {
	Success bool            `json:"success"`
	Results json.RawMessage `json:"results"`
	Meta    struct {
		SizeAfter   float64 `json:"size_after"` // bytes
		Duration    float64 `json:"duration"`   // milliseconds
		RowsRead    float64 `json:"rows_read"`
		RowsWritten float64 `json:"rows_written"`
	} `json:"meta"`
}

// complete makes sure that every statement has its own result: an answer that was cut short proves nothing.
func complete(op operation, results []result, statements int) error {
	if len(results) != statements {
		return &deploy.UnansweredError{Err: fmt.Errorf("%s: %d results to %d statements", op.name, len(results), statements)}
	}
	for i, r := range results {
		if !r.Success {
			return &deploy.UnansweredError{Err: fmt.Errorf("%s: the result of statement %d of %d is no success", op.name, i+1, statements)}
		}
	}
	return nil
}

// cost adds up what the statements of one transaction took.
func cost(results []result) deploy.Cost {
	var c deploy.Cost
	for _, r := range results {
		c.Duration += time.Duration(r.Meta.Duration * float64(time.Millisecond))
		c.RowsRead += int64(r.Meta.RowsRead)
		c.RowsWritten += int64(r.Meta.RowsWritten)
	}
	return c
}

func rows(results []result) ([]deploy.Rows, error) {
	out := make([]deploy.Rows, len(results))
	for i, r := range results {
		var err error
		if out[i], err = table(r.Results); err != nil {
			return nil, &deploy.UnansweredError{Err: fmt.Errorf("%s: the result of statement %d of %d: %w", opRead.name, i+1, len(results), err)}
		}
		out[i].Size = int64(r.Meta.SizeAfter)
	}
	return out, nil
}

// table reads rows in the order in which they are written: column names as the first row has them, and each row's values.
func table(text json.RawMessage) (deploy.Rows, error) {
	var objects []json.RawMessage
	if err := json.Unmarshal(text, &objects); err != nil {
		return deploy.Rows{}, err
	}
	var t deploy.Rows
	for _, object := range objects {
		names, values, err := members(object)
		if err != nil {
			return deploy.Rows{}, err
		}
		if t.Columns == nil {
			t.Columns = names
		}
		if !slices.Equal(names, t.Columns) {
			return deploy.Rows{}, fmt.Errorf("a row with the columns %q among rows with %q", names, t.Columns)
		}
		t.Values = append(t.Values, values)
	}
	return t, nil
}

// members reads an object of plain values in the order in which it is written.
func members(object json.RawMessage) (names []string, values []any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	decoder.UseNumber() // a float64 would round every whole number beyond 2^53 a second time
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, nil, errors.Join(errors.New("a row that is no object"), err)
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, nil, err
		}
		var v any
		if err := decoder.Decode(&v); err != nil {
			return nil, nil, err
		}
		if v, err = value(v); err != nil {
			return nil, nil, fmt.Errorf("column %q: %w", name, err)
		}
		names, values = append(names, name.(string)), append(values, v) // a member's name is always a string
	}
	return names, values, nil
}

func value(v any) (any, error) {
	switch v := v.(type) {
	case nil, string, bool:
		return v, nil
	case json.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return n, nil
		}
		return v.Float64()
	default:
		return nil, errors.New("a BLOB or a nested value, which Read does not carry: select hex() of it")
	}
}

// usable refuses what is no database id before it becomes part of a path: the SDK does not escape it, and "a/../b?x=1" would
// reach another endpoint.
func usable(op operation, id string) error {
	if databaseID.MatchString(id) {
		return nil
	}
	return missing(op, &deploy.RejectedError{Words: fmt.Sprintf("%q is not the id of a database", id)})
}

// sendable refuses what would not reach D1 as it was written: JSON cannot carry bytes that are no UTF-8.
func sendable(op operation, id string, statements []string) error {
	if err := usable(op, id); err != nil {
		return err
	}
	if len(statements) == 0 {
		return &deploy.RejectedError{Words: "there is no statement to " + op.name}
	}
	for i, s := range statements {
		if !utf8.ValidString(s) {
			return &deploy.RejectedError{Words: fmt.Sprintf("statement %d of %d is not valid UTF-8", i+1, len(statements))}
		}
	}
	return nil
}

var plainRead = regexp.MustCompile(`(?is)^\s*(select|values|explain|pragma)\b[^;]*;?\s*$`)

// mayWrite says whether a statement could change something, so that it must not be repeated. It errs towards yes: WITH can
// lead into a DELETE, and behind a ";" anything can follow.
func mayWrite(statement string) bool {
	return !plainRead.MatchString(statement) || strings.Contains(statement, "=") && strings.HasPrefix(strings.ToLower(strings.TrimSpace(statement)), "pragma")
}
