package rehearse

import (
	"context"
	"slices"
	"strings"

	"towline/migrations/sqlite"
)

// SlowerOnD1 is by how much D1 is taken to be slower than the copy on this machine, for Effects.Estimated. Cloudflare
// publishes no figure, and none was measured: it is a margin, so that a release which takes 7 s here is taken to be near
// D1's 30 s ("Limits", D1 docs: maximum SQL query duration).
const SlowerOnD1 = 4

// costs estimates what D1 bills for the statements of a rehearsal ("Pricing", D1 docs: "Indexes will add an additional
// written row when writes include the indexed column"). What D1's engine counted on tables of some thousand rows is
// followed: a row inserted, or updated in an indexed column, is written once more for each index; a row deleted is not. Each
// index entry looked up and each foreign key checked is a row read.
type costs struct {
	c       *sqlite.Conn
	indexes map[string][][]string // by folded table: the folded columns of each index, "" for an expression; nil: to be read
	keys    map[string][][]string // by folded table: the folded columns of each foreign key
}

func newCosts(c *sqlite.Conn) *costs { return &costs{c: c} }

// more is what comes to each row that a statement changes.
type more struct {
	entries int64 // of indexes that are written
	keys    int64 // foreign keys that are checked
}

// read and written are those of rows changed, without the scan that finds them.
func (m more) read(kind sqlite.ActionKind, changes int64) int64 {
	n := m.entries + m.keys
	if kind == sqlite.Update && m.entries > 0 {
		n++ // rows are collected first, and looked up again
	}
	return n * changes
}

func (m more) written(kind sqlite.ActionKind, changes int64) int64 {
	if kind == sqlite.Delete {
		return changes
	}
	return changes * (1 + m.entries)
}

// of estimates a statement that has just been carried out.
func (k *costs) of(ctx context.Context, s *step, res sqlite.Result) (read, written int64, err error) {
	kind, table := s.work()
	switch kind {
	case sqlite.CreateIndex, sqlite.AlterTable, sqlite.CreateTable:
		k.indexes = nil
		n, err := k.rows(ctx, table)
		if err != nil {
			return 0, 0, err
		}
		read, written = buildCost(kind, n)
		return max(read, res.RowsRead), written, nil
	case sqlite.Insert, sqlite.Delete, sqlite.Update:
		m, err := k.more(ctx, s)
		return res.RowsRead + m.read(kind, res.Changes), m.written(kind, res.Changes), err
	}
	if s.changesSchema() {
		k.indexes = nil
	}
	return res.RowsRead, res.Changes, nil
}

// buildCost is what was measured on D1's engine with tables of 10,000 rows: CREATE INDEX 20,063 read and 10,001 written,
// DROP COLUMN 10,030 and 10,005, CREATE TABLE AS SELECT 10,001 and 10,002.
func buildCost(kind sqlite.ActionKind, rows int64) (read, written int64) {
	switch kind {
	case sqlite.CreateIndex:
		return 2*rows + 60, rows + 1
	case sqlite.AlterTable:
		return rows + 30, rows + 5
	}
	return rows + 1, rows + 2
}

// work says what the statement mainly does, and to which table: CreateIndex, AlterTable for a DROP COLUMN, CreateTable
// for a CREATE TABLE AS SELECT, or Insert, Update, Delete; "" for what costs next to nothing.
func (s *step) work() (kind sqlite.ActionKind, table string) {
	for _, a := range s.actions {
		switch {
		case a.Inner != "" || reserved(a.Arg3):
		case a.Kind == sqlite.CreateIndex:
			return a.Kind, a.Arg4
		case a.Kind == sqlite.AlterTable:
			if slices.ContainsFunc(s.actions, func(f sqlite.Action) bool { return f.Kind == sqlite.Function && f.Arg4 == "sqlite_drop_column" }) {
				return a.Kind, a.Arg3
			}
			return "", ""
		case a.Kind == sqlite.DropTable, a.Kind == sqlite.DropIndex, a.Kind == sqlite.CreateTrigger, a.Kind == sqlite.CreateView:
			return "", ""
		case a.Kind == sqlite.CreateTable:
			if slices.ContainsFunc(s.actions, func(f sqlite.Action) bool { return f.Kind == sqlite.Select }) {
				return a.Kind, a.Arg3
			}
			return "", ""
		case a.Kind == sqlite.Insert || a.Kind == sqlite.Update || a.Kind == sqlite.Delete:
			return a.Kind, a.Arg3
		}
	}
	return "", ""
}

func (k *costs) rows(ctx context.Context, table string) (int64, error) {
	res, err := k.c.Exec(ctx, "SELECT count(*) FROM "+quoteName(table))
	if err != nil {
		return 0, ctx.Err()
	}
	return number(res.Rows[0][0]), nil
}

// more finds out what comes to each row that a statement changes.
func (k *costs) more(ctx context.Context, s *step) (m more, err error) {
	kind, table := s.work()
	if kind != sqlite.Insert && kind != sqlite.Update && kind != sqlite.Delete {
		return more{}, nil
	}
	if k.indexes == nil {
		if err := k.readIndexes(ctx); err != nil {
			return more{}, err
		}
	}
	concerned := func(columns []string) bool {
		return kind != sqlite.Update || slices.ContainsFunc(s.actions, func(a sqlite.Action) bool {
			return a.Kind == sqlite.Update && sameName(a.Arg3, table) && (slices.Contains(columns, fold(a.Arg4)) || slices.Contains(columns, ""))
		})
	}
	for _, columns := range k.indexes[fold(table)] {
		if concerned(columns) {
			m.entries++
		}
	}
	for _, columns := range k.keys[fold(table)] {
		if kind != sqlite.Delete && concerned(columns) {
			m.keys++
		}
	}
	return m, nil
}

func (k *costs) readIndexes(ctx context.Context) error {
	k.indexes, k.keys = make(map[string][][]string), make(map[string][][]string)
	return k.c.Without(func() error {
		res, err := k.c.Exec(ctx, `SELECT 0, m.name, (SELECT group_concat(coalesce(x.name, ''), char(10)) FROM pragma_index_info(l.name) x)
			FROM sqlite_master m, pragma_table_list(m.name) t, pragma_index_list(m.name) l
			WHERE m.type = 'table' AND NOT (l.origin = 'pk' AND t.wr)
			UNION ALL SELECT 1, m.name, group_concat(f."from", char(10)) FROM sqlite_master m, pragma_foreign_key_list(m.name) f
			WHERE m.type = 'table' GROUP BY m.name, f.id`)
		if err != nil {
			return err
		}
		for _, row := range res.Rows {
			list := k.indexes
			if number(row[0]) == 1 {
				list = k.keys
			}
			name := fold(text(row[1]))
			list[name] = append(list[name], strings.Split(fold(text(row[2])), "\n"))
		}
		return nil
	})
}
