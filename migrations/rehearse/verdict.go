package rehearse

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// lost is a loss that may yet turn out to be none.
type lost struct {
	at   int
	loss Loss
	rows rowSet // that went or changed, as they were; none if nothing was seen
}

// rowSet is rows of a table as texts.
type rowSet struct {
	columns []string
	rows    [][]string
}

func (w *wetRun) snapshots(ctx context.Context, tables []string) map[string]rowSet {
	m := make(map[string]rowSet, len(tables))
	for _, t := range tables {
		m[t] = w.snapshot(ctx, t)
	}
	return m
}

// snapshot reads a table; one that cannot be read has no rows.
func (w *wetRun) snapshot(ctx context.Context, table string) rowSet {
	var set rowSet
	_ = w.c.Without(func() error {
		res, err := w.c.Exec(ctx, "SELECT * FROM "+quoteName(table))
		if err != nil {
			return err
		}
		set.columns = res.Columns
		for _, row := range res.Rows {
			line := make([]string, len(row))
			for i, v := range row {
				line[i] = fmt.Sprintf("%T %v", v, v)
			}
			set.rows = append(set.rows, line)
		}
		return nil
	})
	return set
}

// without returns the rows of s that other lacks.
func (s rowSet) without(other rowSet) rowSet {
	count := make(map[string]int)
	for _, row := range other.rows {
		count[strings.Join(row, "\x00")]++
	}
	missing := rowSet{columns: s.columns}
	for _, row := range s.rows {
		key := strings.Join(row, "\x00")
		if count[key]--; count[key] < 0 {
			missing.rows = append(missing.rows, row)
		}
	}
	return missing
}

// only returns the rows with just these columns.
func (s rowSet) only(columns []string) rowSet {
	set := rowSet{columns: columns}
	for _, row := range s.rows {
		var line []string
		for _, name := range columns {
			line = append(line, row[slices.Index(s.columns, name)])
		}
		set.rows = append(set.rows, line)
	}
	return set
}

// compare records what a statement did to a table that it does not name.
func (w *wetRun) compare(i int, by, table string, before, after rowSet) {
	children := w.dry.steps[i].children
	if len(children) == 0 {
		children = w.dry.shapeBefore.childrenOf(by)
	}
	missing := before.without(after)
	switch {
	case len(missing.rows) == 0:
		if !w.tables.tells(table) || !w.tables.tells(by) {
			w.accuse(i, table)
		}
	case len(after.rows) < len(before.rows):
		w.record(i, missing, Loss{Table: table, Column: columnsOf(children, table), By: by, Kind: RowsDeleted, Seen: true})
	default:
		w.changed(i, by, table, before, after)
	}
}

// changed records columns whose values are others than before.
func (w *wetRun) changed(i int, by, table string, before, after rowSet) {
	const null = "<nil> <nil>"
	for _, name := range before.columns {
		was, is := before.only([]string{name}), after.only([]string{name})
		missing := was.without(is)
		if len(missing.rows) == 0 {
			continue
		}
		kind := SetDefault
		if slices.ContainsFunc(is.without(was).rows, func(row []string) bool { return row[0] == null }) {
			kind = SetToNull
		} else if w.dry.steps[i].dropped == "" {
			continue // ON UPDATE CASCADE behind an upsert: nothing is lost
		}
		w.record(i, before.without(after), Loss{Table: table, Column: name, By: by, Kind: kind, Seen: true})
	}
}

func (w *wetRun) record(i int, rows rowSet, l Loss) {
	l.Place = w.dry.steps[i].place
	w.lost = append(w.lost, lost{i, l, rows})
}

// accuse takes the authorizer's word for what a DROP TABLE does, to one table or, if that is empty, to all that it
// names: the rows could not be watched. A table that guards itself, or can hold no rows, loses none.
func (w *wetRun) accuse(i int, table string) {
	s := &w.dry.steps[i]
	if s.dropped == "" || !w.tables.holdsData(s.dropped) {
		return
	}
	for _, x := range s.suspects {
		if (table == "" || sameName(table, x.table)) && !x.guarded && w.tables.holdsData(x.table) {
			w.record(i, rowSet{}, Loss{Table: x.table, Column: x.column, By: s.dropped, Kind: x.kind})
		}
	}
}

// childrenWithRows are the tables with rows that refer to a table about to be dropped.
func (w *wetRun) childrenWithRows(ctx context.Context, s *step) []child {
	var list []child
	for _, ch := range s.children {
		set := w.snapshot(ctx, ch.table)
		if slices.ContainsFunc(set.rows, func(row []string) bool {
			return !slices.ContainsFunc(ch.columns, func(name string) bool {
				at := slices.IndexFunc(set.columns, func(c string) bool { return sameName(c, name) })
				return at < 0 || row[at] == "<nil> <nil>"
			})
		}) {
			list = append(list, ch)
		}
	}
	return list
}

// refusedCommit records the drops whose children keep the transaction from being committed.
func (w *wetRun) refusedCommit(hidden bool) {
	for _, drop := range w.pending {
		for _, ch := range drop.children {
			known := slices.ContainsFunc(w.lost, func(l lost) bool { return l.at == drop.at && sameName(l.loss.Table, ch.table) })
			if !known {
				w.record(drop.at, rowSet{}, Loss{
					Table: ch.table, Column: strings.Join(ch.columns, ", "), By: w.dry.steps[drop.at].dropped,
					Kind: CommitRefused, Hidden: hidden, Seen: true,
				})
			}
		}
	}
	w.pending = nil
}

// verdict drops what turned out to be no loss: the rows are back at the end, or the release drops their table as well.
func (w *wetRun) verdict(ctx context.Context) ([]Loss, error) {
	type key struct {
		table, column, by string
		kind              Kind
	}
	seen := make(map[key]bool)
	var losses []Loss
	for _, l := range w.lost {
		k := key{fold(l.loss.Table), fold(l.loss.Column), fold(l.loss.By), l.loss.Kind}
		if seen[k] || l.loss.Kind != CommitRefused && (w.goneAnyway(l) || w.restored(ctx, l)) {
			continue
		}
		seen[k] = true
		losses = append(losses, l.loss)
	}
	return losses, ctx.Err()
}

func (w *wetRun) goneAnyway(l lost) bool {
	if w.dry.shapeAfter.byName[fold(l.loss.Table)] != nil {
		return false
	}
	return slices.ContainsFunc(w.dry.steps[l.at+1:], func(s step) bool { return sameName(s.dropped, l.loss.Table) })
}

// restored reports whether the rows are there again, in the columns that there still are.
func (w *wetRun) restored(ctx context.Context, l lost) bool {
	if len(l.rows.rows) == 0 || w.over {
		return false
	}
	now := w.snapshot(ctx, l.loss.Table)
	var common []string
	for _, name := range l.rows.columns {
		if slices.Contains(now.columns, name) {
			common = append(common, name)
		}
	}
	return len(common) > 0 && len(l.rows.only(common).without(now.only(common)).rows) == 0
}
