package dump

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"towline/migrations"
)

// Write writes the whole of a database as SQL text that Load, the sqlite3 shell and (but for Raw) D1 take, in an order in
// which everything finds what it needs: tables with their rows, virtual tables, indexes, views, triggers. Every value is
// exact: integers of 64 bits, real numbers, texts with NUL bytes, blobs.
//
// Rows are asked for in windows along the rowid or primary key, so that the database is never blocked for long; the price
// is that the tables are not copied at one moment (see Written.Moving). A statement is as long as its row: D1 takes
// 100 KB. The errors are those of Source.Query and of w.
func Write(ctx context.Context, w io.Writer, from Source) (Written, error) {
	out := &writer{to: bufio.NewWriterSize(w, 64<<10), from: from}
	if err := out.all(ctx); err != nil {
		return Written{}, err
	}
	if err := out.to.Flush(); err != nil {
		return Written{}, err
	}
	return out.written, nil
}

// writer is one Write.
type writer struct {
	to      *bufio.Writer
	from    Source
	written Written
	details map[string]bool // by lower-case name: the tables that are WITHOUT ROWID
}

func (w *writer) all(ctx context.Context) error {
	if err := w.line("PRAGMA defer_foreign_keys=TRUE;"); err != nil {
		return err
	}
	if err := w.readKinds(ctx); err != nil {
		return err
	}
	tables := slices.DeleteFunc(tablesOf(w.from.Objects), func(t tableInfo) bool {
		return slices.ContainsFunc(w.from.Skip, func(name string) bool { return strings.EqualFold(name, t.Name) })
	})
	for _, virtual := range []bool{false, true} {
		for _, t := range tables {
			if t.virtual() != virtual {
				continue
			}
			if err := w.table(ctx, t); err != nil {
				return fmt.Errorf("copy %s: %w", t.Name, err)
			}
		}
	}
	if err := w.sequence(ctx, tables); err != nil {
		return err
	}
	if err := w.objects(tables, "index", "view"); err != nil {
		return err
	}
	for _, t := range tables { // after the views, one of which may be the content
		if t.kind == external {
			if err := w.line(fmt.Sprintf("INSERT INTO %s(%s) VALUES('rebuild');", quoteName(t.Name), quoteName(t.Name))); err != nil {
				return err
			}
		}
	}
	return w.objects(tables, "trigger")
}

// table writes a table with its rows.
func (w *writer) table(ctx context.Context, t tableInfo) error {
	if err := w.line(strings.TrimRight(t.SQL, "; \t\r\n") + ";"); err != nil {
		return err
	}
	switch t.kind {
	case plain, contained:
		copied, err := w.rows(ctx, t.Name, t.virtual())
		if err != nil {
			return err
		}
		w.written.Tables = append(w.written.Tables, Table{Name: t.Name, Rows: copied})
	case contentless:
		w.written.Raw = append(w.written.Raw, t.Name)
		for _, shadow := range t.shadows {
			if err := w.line("DELETE FROM " + quoteName(shadow) + ";"); err != nil {
				return err
			}
			if _, err := w.rows(ctx, shadow, false); err != nil {
				return err
			}
		}
		return nil
	}
	if t.module == "fts5" {
		return w.configuration(ctx, t)
	}
	return nil
}

// configuration writes what was set with INSERT INTO f(f, rank) VALUES(...).
func (w *writer) configuration(ctx context.Context, t tableInfo) error {
	settings, err := w.from.Query(ctx, "SELECT quote(k) AS __towline_k, quote(v) FROM "+quoteName(t.Name+"_config")+" WHERE k <> 'version' ORDER BY k")
	if err != nil {
		return err
	}
	for _, s := range settings {
		name := quoteName(t.Name)
		if err := w.line(fmt.Sprintf("INSERT INTO %s(%s, rank) VALUES(%s,%s);", name, name, str(s[0]), str(s[1]))); err != nil {
			return err
		}
	}
	return nil
}

// sequence writes what AUTOINCREMENT has reached.
func (w *writer) sequence(ctx context.Context, tables []tableInfo) error {
	if !slices.ContainsFunc(tables, func(t tableInfo) bool {
		return slices.ContainsFunc(tokensOf(t.SQL), func(word string) bool { return strings.EqualFold(word, "AUTOINCREMENT") })
	}) {
		return nil
	}
	reached, err := w.from.Query(ctx, "SELECT quote(name), quote(seq) FROM sqlite_sequence ORDER BY name")
	if err != nil {
		return err
	}
	if err := w.line("DELETE FROM sqlite_sequence;"); err != nil {
		return err
	}
	for _, row := range reached {
		if err := w.line(fmt.Sprintf(`INSERT INTO "sqlite_sequence" ("name","seq") VALUES(%s,%s);`, str(row[0]), str(row[1]))); err != nil {
			return err
		}
	}
	return nil
}

// objects writes the other objects of these types, in the order of the schema, which is one that works.
func (w *writer) objects(tables []tableInfo, types ...string) error {
	for _, kind := range types {
		for _, o := range w.from.Objects {
			if o.Type != kind || o.SQL == "" || reserved(o.Name) || kind != "view" && w.skipped(o, tables) {
				continue
			}
			if err := w.line(strings.TrimRight(o.SQL, "; \t\r\n") + ";"); err != nil {
				return err
			}
		}
	}
	return nil
}

// skipped reports whether an index or trigger is of a table that is not copied. A trigger may be of a view.
func (w *writer) skipped(o migrations.Object, tables []tableInfo) bool {
	if slices.ContainsFunc(tables, func(t tableInfo) bool { return strings.EqualFold(t.Name, o.Table) }) {
		return false
	}
	return !slices.ContainsFunc(w.from.Objects, func(v migrations.Object) bool {
		return v.Type == "view" && strings.EqualFold(v.Name, o.Table)
	})
}

func (w *writer) line(text string) error {
	n, err := w.to.WriteString(text)
	if err == nil {
		err = w.to.WriteByte('\n')
	}
	w.written.Bytes += int64(n) + 1
	return err
}

func str(v any) string {
	s, _ := v.(string)
	return s
}
