package rehearse

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"towline/migrations/sqlite"
)

// columnsAtOnce is how many columns one comparison reads: two results each, and a result has at most [sqlite.MaxColumns]
// of them beside the key.
const columnsAtOnce = 30

// compareRows compares the touched tables that are there before and after, row by row: the file with the data as it was
// against the copy on which the release has been carried out. Nothing is held but what the report shows.
func (r *dataRun) compareRows(ctx context.Context) error {
	var pairs []*comparison
	for _, name := range r.effects.Touched {
		was, is := r.dry.shapeBefore.byName[fold(name)], r.dry.shapeAfter.byName[fold(name)]
		if was == nil || is == nil || was.virtual || is.virtual || r.before[fold(name)].rows == 0 {
			continue
		}
		k := &comparison{table: is.name, was: was, is: is}
		if why := r.findKey(k); why != "" {
			r.effects.Uncompared = append(r.effects.Uncompared, Uncompared{is.name, why})
			continue
		}
		pairs = append(pairs, k)
	}
	if len(pairs) == 0 {
		return nil
	}
	whole, err := filepath.Abs(r.s.data)
	if err != nil {
		return err
	}
	u := url.URL{Scheme: "file", Path: whole, RawQuery: "mode=ro&immutable=1"}
	return r.c.Beside(ctx, u.String(), "was", func() error {
		for _, k := range pairs {
			if err := k.run(ctx, r.c); err != nil {
				return fmt.Errorf("compare the rows of %s: %w", k.table, err)
			}
			if l, any := k.losses(); any && !r.toldAlready(&l) {
				r.effects.RowLosses = append(r.effects.RowLosses, l)
			}
		}
		return nil
	})
}

// toldAlready takes out the rows that a copy is known to have left behind, and reports whether nothing is left to tell.
func (r *dataRun) toldAlready(l *RowLosses) bool {
	if slices.ContainsFunc(r.effects.Cut, func(c Cut) bool {
		return sameName(c.From, l.Table) && c.Rows-c.Copied == l.Gone && len(c.Left) > 0
	}) {
		l.Gone, l.GoneColumns, l.GoneRows = 0, nil, nil
	}
	return l.Gone == 0 && len(l.Columns) == 0
}

// comparison is that of one table.
type comparison struct {
	table   string
	was, is *table
	key     []string
	columns []string // that both have, without the key's

	gone     int64
	goneRows [][]string
	lost     map[string]*ColumnLosses // by column
}

// findKey sets by what the rows of a table are found again, or says why they are not.
func (r *dataRun) findKey(k *comparison) (why string) {
	k.key = k.is.primaryKey()
	if !slices.EqualFunc(k.was.primaryKey(), k.key, sameName) {
		return "its primary key is another one afterwards"
	}
	if len(k.key) == 0 {
		if k.key = []string{rowIDOf(k.was, k.is)}; k.key[0] == "" || r.rowIDsChange(k.table) {
			return "it has no primary key, and its rows may have been written anew"
		}
	}
	for _, s := range r.dry.steps {
		for _, a := range s.actions {
			if a.Kind == sqlite.Update && sameName(a.Arg3, k.table) && slices.ContainsFunc(k.key, func(col string) bool { return sameName(col, a.Arg4) }) {
				return "its key is written by an UPDATE"
			}
		}
	}
	for _, col := range k.is.columns {
		old, there := k.was.column(col.name)
		if there && !old.generated && !col.generated && !slices.ContainsFunc(k.key, func(key string) bool { return sameName(key, col.name) }) {
			k.columns = append(k.columns, col.name)
		}
	}
	return ""
}

// rowIDOf is a name of the rowid that no column of the two has taken; "" where there is none.
func rowIDOf(was, is *table) string {
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		_, taken := was.column(name)
		_, takenNow := is.column(name)
		if !taken && !takenNow {
			return name
		}
	}
	return ""
}

// rowIDsChange reports whether rows of a table without a primary key may be the same and have other rowids afterwards: the
// table was made anew or renamed, or rows were put in and taken out.
func (r *dataRun) rowIDsChange(table string) bool {
	var in, out bool
	for _, s := range r.dry.steps {
		for _, a := range s.actions {
			if !sameName(a.Arg3, table) && !(a.Kind == sqlite.AlterTable && mentionsRename(s.planned.SQL)) {
				continue
			}
			switch a.Kind {
			case sqlite.DropTable, sqlite.CreateTable:
				return true
			case sqlite.AlterTable:
				if mentionsRename(s.planned.SQL) {
					return true
				}
			case sqlite.Delete:
				out = true
			case sqlite.Insert:
				in = true
				out = out || strings.Contains(fold(s.planned.SQL), "replace")
			}
		}
	}
	return in && out
}

// mentionsRename reports whether a statement may be ALTER TABLE ... RENAME TO.
func mentionsRename(sql string) bool { return strings.Contains(normalize(sql), " rename to ") }

func (k *comparison) run(ctx context.Context, c *sqlite.Conn) error {
	k.lost = make(map[string]*ColumnLosses)
	first := k.columns[:min(len(k.columns), columnsAtOnce)]
	if err := k.compare(ctx, c, first, true); err != nil {
		return err
	}
	for _, columns := range slices.Collect(slices.Chunk(k.columns[len(first):], columnsAtOnce)) {
		if err := k.compare(ctx, c, columns, false); err != nil {
			return err
		}
	}
	return nil
}

// compare reads the rows of which one of the columns differs and, if it is asked for, those that are gone.
func (k *comparison) compare(ctx context.Context, c *sqlite.Conn, columns []string, gone bool) error {
	return c.Each(ctx, k.query(columns, gone), func(row []any) error {
		key, missing, values := row[:len(k.key)], number(row[len(k.key)]) == 1, row[len(k.key)+1:]
		if missing {
			k.addGone(key, values)
			return nil
		}
		for i, col := range columns {
			was, is := values[2*i], values[2*i+1]
			if loss := lossOf(was, is); loss != "" {
				k.addLost(col, key, loss, was, is)
			}
		}
		return nil
	})
}

// query finds the rows of the old table in the new one. The key of the old row has no affinity, by the plus before it, so that it
// is converted as the new column would have done it, and the new table's index serves whatever type its column has. A value
// that is the same on both sides, or a text that is not shorter, comes as two NULLs.
func (k *comparison) query(columns []string, gone bool) string {
	var results, same, known, differs []string
	for _, col := range k.key {
		name := quoteKey(col)
		results = append(results, "b."+name)
		same = append(same, fmt.Sprintf("a.%[1]s = +b.%[1]s", name))
		known = append(known, "b."+name+" IS NOT NULL")
	}
	missing := "a." + quoteKey(k.key[0]) + " IS NULL"
	results = append(results, missing)
	for _, col := range columns {
		name := quoteName(col)
		differ := fmt.Sprintf("(b.%[1]s IS NOT NULL AND +b.%[1]s COLLATE BINARY IS NOT +a.%[1]s"+
			" AND NOT (typeof(a.%[1]s) = 'text' AND typeof(b.%[1]s) = 'text' AND octet_length(a.%[1]s) >= octet_length(b.%[1]s)))", name)
		results = append(results, fmt.Sprintf("CASE WHEN %[1]s THEN b.%[2]s END", differ, name), fmt.Sprintf("CASE WHEN %[1]s THEN a.%[2]s END", differ, name))
		differs = append(differs, differ)
	}
	join := "JOIN"
	if gone {
		join = "LEFT JOIN"
		differs = append(differs, missing)
	}
	return fmt.Sprintf("SELECT %s FROM was.%s b %s main.%s a ON %s WHERE %s AND (%s)", strings.Join(results, ", "), quoteName(k.was.name), join,
		quoteName(k.is.name), strings.Join(same, " AND "), strings.Join(known, " AND "), strings.Join(differs, " OR "))
}

// quoteKey leaves a name of the rowid as it is: in quotes it would be a text where there is no such column.
func quoteKey(name string) string {
	if name == "rowid" || name == "_rowid_" || name == "oid" {
		return name
	}
	return quoteName(name)
}

func (k *comparison) addGone(key, values []any) {
	if k.gone++; k.gone > MaxRowsShown {
		return
	}
	row := slices.Clone(key)
	for i := 0; i < len(values); i += 2 {
		row = append(row, values[i])
	}
	k.goneRows = append(k.goneRows, literals(row))
}

func (k *comparison) addLost(col string, key []any, loss ValueLoss, was, is any) {
	c := k.lost[col]
	if c == nil {
		c = &ColumnLosses{Name: col}
		k.lost[col] = c
	}
	v := LostValue{Loss: loss}
	switch loss {
	case ValueCut:
		c.Cut++
		v.WasSize, v.IsSize = sizes(was, is)
	case ValueRounded:
		c.Rounded++
	default:
		c.Nulled++
	}
	if len(c.Shown) < MaxRowsShown {
		both := literals([]any{was, is})
		v.Key, v.Was, v.Is = literals(key), both[0], both[1]
		c.Shown = append(c.Shown, v)
	}
}

// losses is what was found, if there is anything.
func (k *comparison) losses() (l RowLosses, any bool) {
	l = RowLosses{Table: k.table, Key: k.key, Gone: k.gone, GoneRows: k.goneRows}
	if k.gone > 0 {
		l.GoneColumns = slices.Concat(k.key, k.columns[:min(len(k.columns), columnsAtOnce)])
	}
	for _, col := range k.columns {
		if c := k.lost[col]; c != nil {
			l.Columns = append(l.Columns, *c)
		}
	}
	return l, k.gone > 0 || len(l.Columns) > 0
}
