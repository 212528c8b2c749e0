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

// costs estimates what D1 bills for the statements of a rehearsal: rows read, rows written with one more for each index
// entry ("Pricing", D1 docs: "Indexes will add an additional written row when writes include the indexed column").
type costs struct {
	c       *sqlite.Conn
	indexes map[string][][]string // by folded table: the folded columns of each index; nil: to be read
}

func newCosts(c *sqlite.Conn) *costs { return &costs{c: c} }

// of estimates a statement that has just been carried out.
func (k *costs) of(ctx context.Context, s *step, res sqlite.Result) (read, written int64, err error) {
	read, written = res.RowsRead, res.Changes
	kind, table := s.work()
	if s.changesSchema() {
		k.indexes = nil
	}
	switch kind {
	case sqlite.CreateIndex, sqlite.AlterTable, sqlite.CreateTable:
		n, err := k.rows(ctx, table)
		if err != nil {
			return 0, 0, err
		}
		read, written = buildCost(kind, n)
		return max(read, res.RowsRead), written, nil
	case sqlite.Insert, sqlite.Delete, sqlite.Update:
		entries, err := k.entries(ctx, s, kind, table)
		if err != nil {
			return 0, 0, err
		}
		return max(read, res.Changes), res.Changes * (1 + entries), nil
	}
	return read, written, nil
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

// entries is how many index entries a statement writes for each row.
func (k *costs) entries(ctx context.Context, s *step, kind sqlite.ActionKind, table string) (int64, error) {
	if k.indexes == nil {
		if err := k.readIndexes(ctx); err != nil {
			return 0, err
		}
	}
	var n int64
	for _, columns := range k.indexes[fold(table)] {
		if kind != sqlite.Update || slices.ContainsFunc(s.actions, func(a sqlite.Action) bool {
			return a.Kind == sqlite.Update && sameName(a.Arg3, table) && (slices.Contains(columns, fold(a.Arg4)) || slices.Contains(columns, ""))
		}) {
			n++
		}
	}
	return n, nil
}

func (k *costs) readIndexes(ctx context.Context) error {
	k.indexes = make(map[string][][]string)
	return k.c.Without(func() error {
		res, err := k.c.Exec(ctx, `SELECT m.name, (SELECT group_concat(coalesce(x.name, ''), char(10)) FROM pragma_index_info(l.name) x)
			FROM sqlite_master m, pragma_table_list(m.name) t, pragma_index_list(m.name) l
			WHERE m.type = 'table' AND NOT (l.origin = 'pk' AND t.wr)`)
		if err != nil {
			return err
		}
		for _, row := range res.Rows {
			name := fold(text(row[0]))
			k.indexes[name] = append(k.indexes[name], strings.Split(fold(text(row[1])), "\n"))
		}
		return nil
	})
}
