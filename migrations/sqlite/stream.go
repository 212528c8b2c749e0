package sqlite

import (
	"context"
	"errors"
)

// Each runs a query and calls do with each row as it comes, so that an answer of any length takes no memory. Its errors are
// those of [Conn.Exec], and do's, which ends the query.
func (c *Conn) Each(ctx context.Context, sql string, do func(row []any) error) error {
	defer c.interruptible(ctx)()
	stmt, _, err := c.prepare(sql)
	if err != nil {
		return orContext(ctx, err)
	}
	defer stmt.Close()
	for stmt.Step() {
		row, err := readRow(stmt)
		if err != nil {
			return asError(err, "")
		}
		if err := do(row); err != nil {
			return err
		}
	}
	return orContext(ctx, asError(stmt.Err(), ""))
}

// Feed runs a query and carries out a statement once for each of its rows, with the row's values bound to ?1, ?2 and so
// on. A row for which the statement is refused is given to refused with the refusal, and leaves no trace; what refused
// returns ends the feeding if it is an error. It returns the number of rows. It must be called inside a transaction.
func (c *Conn) Feed(ctx context.Context, query, statement string, refused func(row []any, err *Error) error) (rows int64, err error) {
	defer c.interruptible(ctx)()
	to, _, err := c.prepare(statement)
	if err != nil {
		return 0, orContext(ctx, err)
	}
	defer to.Close()
	err = c.Each(ctx, query, func(row []any) error {
		rows++
		if err := bind(to, row[:min(len(row), to.BindCount())]); err != nil {
			return asError(err, "")
		}
		for to.Step() {
			continue
		}
		err := orContext(ctx, asError(to.Reset(), ""))
		if e, ok := errors.AsType[*Error](err); ok {
			return refused(row, e)
		}
		return err
	})
	return rows, err
}

// PlanLine is one line of EXPLAIN QUERY PLAN.
type PlanLine struct {
	Level  int // how deep it is, from 0
	Detail string
}

// Plan returns how SQLite would carry out a statement whose parameters it does not know.
func (c *Conn) Plan(ctx context.Context, sql string) ([]PlanLine, error) {
	defer c.interruptible(ctx)()
	stmt, _, err := c.prepare("EXPLAIN QUERY PLAN " + sql)
	if err != nil {
		return nil, orContext(ctx, err)
	}
	defer stmt.Close()
	var lines []PlanLine
	level := map[int64]int{0: -1}
	for stmt.Step() {
		id, parent := stmt.ColumnInt64(0), stmt.ColumnInt64(1)
		level[id] = level[parent] + 1
		lines = append(lines, PlanLine{level[id], stmt.ColumnText(3)})
	}
	return lines, orContext(ctx, asError(stmt.Err(), ""))
}
