package deploy

import (
	"context"
	"fmt"
	"io"
	"slices"
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
// D1 does not export, or where it is asked for.
func (e *Engine) dump(ctx context.Context, t target, w io.Writer, tables bool) (dumped, error) {
	start := e.now()
	if !tables && !slices.ContainsFunc(t.Objects, isVirtual) {
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

// querying asks a database as package dump wants it.
func (e *Engine) querying(id string) dump.Query {
	return func(ctx context.Context, sql string) ([][]any, error) {
		rows, err := e.d1.Read(ctx, id, []string{sql})
		if err != nil {
			return nil, err
		}
		return rows[0].Values, nil
	}
}
