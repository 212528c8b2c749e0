package experiments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// Outcome is what a case came to.
type Outcome struct {
	Refused string // the primary result code, "none" for a refusal without one; empty: accepted
	Message string // of the refusal
	Answer  string // of the case's query, as JSON: a list of rows, each a list of values
	Schema  string // sqlite_master afterwards, as JSON; without the tables of statistics
	// Unrehearsed is true where our SQLite knows that the refusal is its own: see sqlite.Conn.LimitedWrite.
	Unrehearsed bool
}

// schemaQuery lists what there is after a case.
const schemaQuery = `SELECT type, name, tbl_name, sql FROM sqlite_master
	WHERE substr(name, 1, 4) <> '_cf_' AND substr(name, 1, 11) <> 'sqlite_stat' ORDER BY type, name`

// Here carries a case out on a fresh database of our SQLite. An error means that the experiment itself went wrong, such
// as its setup.
func Here(ctx context.Context, c Case) (o Outcome, err error) {
	conn, err := sqlite.Open(ctx, ":memory:")
	if err != nil {
		return Outcome{}, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := all(ctx, conn, c.Setup); err != nil {
		return Outcome{}, fmt.Errorf("setup: %w", err)
	}
	statements := c.Batch
	if c.Text != "" {
		list, err := migrations.Split(c.File, []byte(c.Text))
		if err != nil {
			return Outcome{Refused: "none", Message: err.Error()}, nil
		}
		for _, s := range list {
			statements = append(statements, s.SQL)
		}
	}
	last, err := all(ctx, conn, statements)
	var refused *sqlite.Error
	switch {
	case errors.As(err, &refused):
		o = Outcome{Refused: codeOf(refused.Error()), Message: refused.Error()}
		for _, s := range statements {
			o.Unrehearsed = o.Unrehearsed || conn.LimitedWrite(ctx, s, err)
		}
	case err != nil:
		return Outcome{}, err
	}
	if c.Then != "" {
		if last, err = conn.Exec(ctx, c.Then); err != nil {
			return Outcome{}, fmt.Errorf("then: %w", err)
		}
	}
	schema, err := conn.Exec(ctx, schemaQuery)
	if err != nil {
		return Outcome{}, err
	}
	o.Answer, o.Schema = rows(last.Rows), rows(schema.Rows)
	return o, nil
}

// all carries statements out as one transaction and returns the last one's result.
func all(ctx context.Context, conn *sqlite.Conn, statements []string) (last sqlite.Result, err error) {
	err = conn.Transaction(ctx, func() error {
		for _, sql := range statements {
			if last, err = conn.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
	return last, err
}

// rows writes values as D1's REST API does: a blob is a list of numbers.
func rows(list [][]any) string {
	out := make([][]any, len(list))
	for i, row := range list {
		out[i] = make([]any, len(row))
		for j, v := range row {
			if b, ok := v.([]byte); ok {
				numbers := make([]int, len(b))
				for k := range b {
					numbers[k] = int(b[k])
				}
				v = numbers
			}
			out[i][j] = v
		}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
