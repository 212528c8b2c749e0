package rehearse

import (
	"context"
	"fmt"
	"strings"
)

// passesOver reports whether a statement is an INSERT that passes over rows that it cannot put in, or puts them in the place of
// others. DO UPDATE is none: it says itself what is to become of such rows.
func passesOver(pieces []piece) bool {
	switch {
	case len(pieces) < 3:
		return false
	case pieces[0].word == "replace":
		return true
	case pieces[0].word != "insert":
		return false
	case pieces[1].word == "or":
		return pieces[2].word == "ignore" || pieces[2].word == "replace"
	}
	for i := len(pieces) - 1; i > 0; i-- {
		if pieces[i].word == "nothing" && pieces[i-1].word == "do" {
			return true
		}
	}
	return false
}

// judgePassing records the rows that such a statement read and that are not in its table afterwards. A row of the same values
// that is there is the same row: it does not matter which statement put it in. Where no index of the table helps to look for
// them nothing is said.
func (r *dataRun) judgePassing(ctx context.Context, i int, k *copying) error {
	s := &r.dry.steps[i]
	query, columns := r.copied(ctx, s, k.to)
	if query == "" {
		return nil
	}
	after, err := r.cost.rows(ctx, k.to)
	if err != nil {
		return err
	}
	total, err := r.asked(ctx, "SELECT count(*) FROM ("+query+"\n)")
	if err != nil || len(total) == 0 || after-k.before >= number(total[0][0]) {
		return err
	}
	names, same := make([]string, len(columns)), make([]string, len(columns))
	for n, col := range columns {
		names[n] = fmt.Sprintf("q%d", n)
		same[n] = fmt.Sprintf("t.%s IS +q.q%d", quoteName(col), n) // without an affinity of its own, as if it were stored there
	}
	missing := fmt.Sprintf("WITH q(%s) AS (%s\n) SELECT %%s FROM q WHERE NOT EXISTS (SELECT 1 FROM %s t WHERE %s)", strings.Join(names, ", "), query,
		quoteName(k.to), strings.Join(same, " AND "))
	if !r.searches(ctx, fmt.Sprintf(missing, "count(*)")) {
		return ctx.Err()
	}
	left, err := r.asked(ctx, fmt.Sprintf(missing, "count(*)"))
	if err != nil || len(left) == 0 || number(left[0][0]) == 0 {
		return err
	}
	c := Cut{Place: s.place, From: k.from, To: k.to, Rows: number(total[0][0]), Columns: columns}
	c.Copied = c.Rows - number(left[0][0])
	rows, err := r.asked(ctx, fmt.Sprintf(missing, "*")+fmt.Sprintf(" LIMIT %d", MaxRowsShown))
	for _, row := range rows {
		c.Left = append(c.Left, literals(row))
	}
	r.effects.Cut = append(r.effects.Cut, c)
	return err
}

// copied takes the query out of INSERT ... SELECT, with the columns into which it goes; "" where the two do not fit.
func (r *dataRun) copied(ctx context.Context, s *step, to string) (query string, columns []string) {
	sql, pieces := s.planned.SQL, lex(s.planned.SQL)
	at := find(pieces, 0, "select", "with")
	if at < 0 {
		return "", nil
	}
	query = sql[pieces[at].start:endOfQuery(sql, pieces, at)]
	none, err := r.c.Exec(ctx, "SELECT * FROM ("+query+"\n) LIMIT 0")
	j := rejection{r: r, step: s, table: to}
	if columns = j.targetColumns(pieces[:at]); err != nil || len(columns) != len(none.Columns) {
		return "", nil
	}
	return query, columns
}

// asked asks the copy a question of ours, within the time of a statement. One that it refuses has no answer.
func (r *dataRun) asked(ctx context.Context, sql string) ([][]any, error) {
	res, err := r.s.carryOut(ctx, r.c, r.s.within, "the data", sql)
	if err != nil {
		return nil, ctx.Err()
	}
	return res.Rows, nil
}

// searches reports whether the last table of a query is looked up in an index.
func (r *dataRun) searches(ctx context.Context, sql string) bool {
	lines, err := r.c.Plan(ctx, sql)
	if err != nil {
		return false
	}
	for _, l := range lines {
		if strings.HasPrefix(l.Detail, "SEARCH t USING") {
			return true
		}
	}
	return false
}
