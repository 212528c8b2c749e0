package rehearse

import (
	"context"
	"fmt"
	"slices"

	"towline/migrations/sqlite"
)

// copying is a statement that copies a table which the release drops later on, or that passes over rows which it meets in
// its way.
type copying struct {
	from, to     string
	rows, before int64
	passing      bool // the source stays: what counts are the rows that the statement reads, not all of the source
}

// watchCopy tells whether step i copies rows of a table that is dropped later: then all of its rows should arrive, and
// they are counted. So should the rows that it reads where it says OR IGNORE or the like. nil if it does neither.
func (r *dataRun) watchCopy(ctx context.Context, i int) (*copying, error) {
	s := &r.dry.steps[i]
	kind, to := s.work()
	if kind != sqlite.Insert && kind != sqlite.CreateTable {
		return nil, nil
	}
	from := s.source(to)
	dropped := func(later step) bool { return from != "" && sameName(later.dropped, from) }
	k := &copying{from: from, to: to}
	var err error
	if !slices.ContainsFunc(r.dry.steps[i+1:], dropped) {
		if from == "" || kind != sqlite.Insert || !passesOver(lex(s.planned.SQL)) {
			return nil, nil
		}
		k.passing = true
		k.before, err = r.cost.rows(ctx, to)
		return k, err
	}
	if k.rows, err = r.cost.rows(ctx, from); err != nil {
		return nil, err
	}
	if kind == sqlite.Insert {
		k.before, err = r.cost.rows(ctx, to)
	}
	return k, err
}

// source is the one table that a statement reads besides the one it writes, if it reads rows as they are and not sums of
// them.
func (s *step) source(to string) string {
	from := ""
	for _, a := range s.actions {
		switch {
		case a.Inner != "" || reserved(a.Arg3) || sameName(a.Arg3, to):
		case a.Kind == sqlite.Function && slices.Contains([]string{"count", "sum", "total", "min", "max", "avg", "group_concat", "json_group_array"}, fold(a.Arg4)):
			return ""
		case a.Kind == sqlite.Read && from == "":
			from = a.Arg3
		case a.Kind == sqlite.Read && !sameName(a.Arg3, from):
			return ""
		}
	}
	return from
}

// judgeCopy records a copy that left rows behind, and which.
func (r *dataRun) judgeCopy(ctx context.Context, i int, k *copying) error {
	if k == nil {
		return nil
	}
	if k.passing {
		return r.judgePassing(ctx, i, k)
	}
	after, err := r.cost.rows(ctx, k.to)
	if err != nil || after-k.before >= k.rows {
		return err
	}
	c := Cut{Place: r.dry.steps[i].place, From: k.from, To: k.to, Rows: k.rows, Copied: after - k.before}
	now, err := readShape(ctx, r.c)
	if err != nil {
		return err
	}
	from, to := now.byName[fold(k.from)], now.byName[fold(k.to)]
	if key := from.primaryKey(); len(key) == 1 {
		if _, there := to.column(key[0]); there {
			name := quoteName(key[0])
			res, err := r.c.Exec(ctx, fmt.Sprintf("SELECT * FROM %[1]s WHERE %[3]s NOT IN (SELECT %[3]s FROM %[2]s WHERE %[3]s IS NOT NULL) ORDER BY 1 LIMIT %[4]d",
				quoteName(k.from), quoteName(k.to), name, MaxRowsShown))
			if err != nil {
				return err
			}
			c.Columns = res.Columns
			for _, row := range res.Rows {
				c.Left = append(c.Left, literals(row))
			}
		}
	}
	r.effects.Cut = append(r.effects.Cut, c)
	return nil
}
