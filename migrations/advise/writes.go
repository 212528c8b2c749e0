package advise

import (
	"context"
	"strings"

	"towline/migrations/sqlite"
)

// Written is a statement that writes, and the rows it wrote in a stretch of time, entries of indexes included, as analytics counts them.
type Written struct {
	SQL  string
	Rows int64
}

// WriteCost says how many rows more would be written in the same stretch of time with an index: one for each row inserted, and
// one for each updated in a column of the index; a row deleted costs nothing more ("Pricing", D1 docs; measured on D1's engine).
// A partial index is taken for a whole one, so that the figure is the most. left counts statements that could not be read.
func (a *Advisor) WriteCost(ctx context.Context, i Index, writes []Written) (rows int64, left int, err error) {
	columns, err := a.reads(ctx, i)
	if err != nil {
		return 0, 0, err
	}
	for _, w := range writes {
		actions, err := a.conn.Prepare(ctx, w.SQL)
		if ctx.Err() != nil {
			return 0, 0, ctx.Err()
		}
		if err != nil {
			if changesRows(w.SQL) {
				left++
			}
			continue
		}
		if !touches(actions, i.Table, columns) {
			continue
		}
		if entries := a.entries(actions, i.Table); entries > 0 {
			rows += w.Rows / entries
		}
	}
	return rows, left, nil
}

// changesRows reports whether a statement that cannot be read would change rows; a migration's other statements are no loss.
func changesRows(sql string) bool {
	list := words(sql)
	return len(list) > 0 && list[0].Is(sql, "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH")
}

// reads is which columns an index is made of, by SQLite's word.
func (a *Advisor) reads(ctx context.Context, i Index) (columns map[string]bool, err error) {
	var terms []string
	for _, t := range i.Terms {
		terms = append(terms, "("+strings.TrimSuffix(t, " DESC")+")")
	}
	sql := "SELECT " + strings.Join(terms, ", ") + " FROM " + bare(i.Table)
	if i.Where != "" {
		sql += " WHERE " + i.Where
	}
	actions, err := a.conn.Prepare(ctx, sql)
	if err != nil {
		return nil, err
	}
	columns = map[string]bool{}
	for _, act := range actions {
		if act.Kind == sqlite.Read && strings.EqualFold(act.Arg3, i.Table) {
			columns[fold(act.Arg4)] = true
		}
	}
	return columns, nil
}

// touches reports whether a statement makes entries of an index: it inserts, or updates one of its columns.
func touches(actions []sqlite.Action, table string, columns map[string]bool) bool {
	for _, a := range actions {
		if !strings.EqualFold(a.Arg3, table) {
			continue
		}
		if a.Kind == sqlite.Insert || a.Kind == sqlite.Update && columns[fold(a.Arg4)] {
			return true
		}
	}
	return false
}

// entries is how many rows D1 counts for each row that a statement writes to a table now: the row and its entries in indexes.
func (a *Advisor) entries(actions []sqlite.Action, name string) int64 {
	t := a.schema.table(name)
	if t == nil {
		return 0
	}
	n := int64(1)
	for _, i := range t.indexes {
		if t.withoutRowID && strings.HasPrefix(i.name, "sqlite_autoindex_") && len(i.terms) == len(t.primary) {
			continue // the table itself
		}
		columns := map[string]bool{}
		for _, term := range i.terms {
			columns[fold(term.column)] = true
		}
		if touches(actions, name, columns) {
			n++
		}
	}
	return n
}
