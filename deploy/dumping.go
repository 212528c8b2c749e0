package deploy

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"towline/migrations/dump"
)

// dumped is how a database was copied out.
type dumped struct {
	Tables  bool     // table by table, and so not of one moment
	Missing []string // what the copy does not hold faithfully, in words
	Took    time.Duration
}

// dump writes a database as SQL text: by an export, which blocks it, or table by table where it has virtual tables, which
// D1 does not export.
func (e *Engine) dump(ctx context.Context, t target, w io.Writer) (dumped, error) {
	start := e.now()
	if !slices.ContainsFunc(t.Objects, isVirtual) {
		err := e.exports.Export(ctx, t.Database.ID, w)
		return dumped{Took: e.now().Sub(start)}, wrap(err, "export %s", t.Database.Database)
	}
	written, err := dump.Write(ctx, w, dump.Source{Objects: t.Objects, Query: e.querying(t.Database.ID)})
	d := dumped{Tables: true, Took: e.now().Sub(start)}
	if len(written.Raw) > 0 {
		d.Missing = append(d.Missing, fmt.Sprintf("D1 would not take back %s, whose rows cannot be read", strings.Join(written.Raw, ", ")))
	}
	if len(written.Moving) > 0 {
		d.Missing = append(d.Missing, fmt.Sprintf("%s changed while copied", strings.Join(written.Moving, ", ")))
	}
	return d, wrap(err, "copy the tables of %s", t.Database.Database)
}

// querying asks a database as package dump wants it. The port takes no parameters, so they are written into the text.
func (e *Engine) querying(id string) dump.Query {
	return func(ctx context.Context, sql string, params ...any) ([][]any, error) {
		text, err := inline(sql, params)
		if err != nil {
			return nil, err
		}
		rows, err := e.d1.Read(ctx, id, []string{text})
		if err != nil {
			return nil, err
		}
		return rows[0].Values, nil
	}
}

// inline puts literals in the place of ?1, ?2 and so on, outside of quotes.
func inline(sql string, params []any) (string, error) {
	var b strings.Builder
	for i := 0; i < len(sql); i++ {
		c := sql[i]
		if c == '\'' || c == '"' {
			end := strings.IndexByte(sql[i+1:], c)
			if end < 0 {
				return "", errors.New("a quote that does not end")
			}
			b.WriteString(sql[i : i+end+2])
			i += end + 1
			continue
		}
		if c != '?' {
			b.WriteByte(c)
			continue
		}
		end := i + 1
		for end < len(sql) && sql[end] >= '0' && sql[end] <= '9' {
			end++
		}
		n, err := strconv.Atoi(sql[i+1 : end])
		if err != nil || n < 1 || n > len(params) {
			return "", fmt.Errorf("parameter %s is not among %d", sql[i:end], len(params))
		}
		text, err := literal(params[n-1])
		if err != nil {
			return "", err
		}
		b.WriteString(text)
		i = end - 1
	}
	return b.String(), nil
}

// literal writes a value as SQL.
func literal(v any) (string, error) {
	switch x := v.(type) {
	case nil:
		return "NULL", nil
	case int64:
		return strconv.FormatInt(x, 10), nil
	case float64:
		return strconv.FormatFloat(x, 'e', -1, 64), nil
	case string:
		if strings.ContainsRune(x, 0) {
			return "CAST(x'" + hex.EncodeToString([]byte(x)) + "' AS TEXT)", nil
		}
		return "'" + strings.ReplaceAll(x, "'", "''") + "'", nil
	}
	return "", fmt.Errorf("a value of type %T", v)
}
