package rehearse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// dataRun carries the steps out on a copy of the data.
type dataRun struct {
	c       *sqlite.Conn
	s       settings
	target  Target
	dry     *dryRun
	effects *Effects
	cost    *costs
	left    time.Duration // of what the transaction may take

	before, after map[string]tableCounts // of the touched tables, by folded name
	plansBefore   []queryPlan
	plansAfter    []queryPlan
}

// tableCounts is how many rows a table has, and how many values that are not NULL in each column, by folded name.
type tableCounts struct {
	rows   int64
	values map[string]int64
}

// errFailed ends a transaction whose failure is known.
var errFailed = errors.New("the copy of the data refuses a statement")

// ErrUnreadable says that the copy of the data is damaged, or no database at all.
var ErrUnreadable = errors.New("the copy of the data cannot be read")

// runData fills e with what the release does to the data. ErrUnreadable: the copy is of no use.
func runData(ctx context.Context, s settings, t Target, dry *dryRun, e *Effects) ([]PlanChange, error) {
	plans, err := onData(ctx, s, t, dry, e)
	if refused, ok := errors.AsType[*sqlite.Error](err); ok && (refused.Name() == "SQLITE_CORRUPT" || refused.Name() == "SQLITE_NOTADB") {
		err = fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return plans, err
}

func onData(ctx context.Context, s settings, t Target, dry *dryRun, e *Effects) (plans []PlanChange, err error) {
	c, done, err := copyData(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	if e.NoData, err = adopt(ctx, c, t); err != nil || e.NoData != "" {
		return nil, err
	}
	r := &dataRun{c: c, s: s, target: t, dry: dry, effects: e, cost: newCosts(c)}
	e.Data, e.Known = true, true
	if r.before, err = r.count(ctx, dry.shapeBefore); err != nil {
		return nil, err
	}
	if r.plansBefore, err = readPlans(ctx, c, s.queries); err != nil {
		return nil, err
	}
	start := 0
	for tx, end := range dry.ends {
		if err := r.transaction(ctx, tx, start, end); err != nil || e.Failed != nil {
			e.Known, e.RowsRead, e.RowsWritten = false, 0, 0 // of a part of the release, which says nothing of the whole
			return nil, err
		}
		start = end
	}
	e.Estimated = e.Local * SlowerOnD1
	if r.after, err = r.count(ctx, dry.shapeAfter); err != nil {
		return nil, err
	}
	r.compareTables()
	if err := r.compareRows(ctx); err != nil {
		return nil, err
	}
	if r.plansAfter, err = readPlans(ctx, c, s.queries); err != nil {
		return nil, err
	}
	return comparePlans(s.queries, r.plansBefore, r.plansAfter), r.orphans(ctx)
}

func (r *dataRun) transaction(ctx context.Context, tx, start, end int) error {
	var began time.Time
	r.left = r.s.within
	err := r.c.Transaction(ctx, func() error {
		for i := start; i < end; i++ {
			if err := r.step(ctx, i); err != nil {
				return err
			}
		}
		if r.c.UnresolvedForeignKeys() {
			return r.refusedCommit(ctx, start, end)
		}
		began = r.s.now()
		return nil
	})
	if err == nil {
		r.effects.Local += r.s.now().Sub(began)
	}
	if errors.Is(err, errFailed) && ctx.Err() == nil {
		return nil
	}
	return err
}

func (r *dataRun) step(ctx context.Context, i int) error {
	s := &r.dry.steps[i]
	if s.skipped {
		return nil
	}
	copied, err := r.watchCopy(ctx, i)
	if err != nil {
		return err
	}
	began := r.s.now()
	res, err := r.s.carryOut(ctx, r.c, r.left, "the data", s.planned.SQL, s.planned.Params...)
	took := r.s.now().Sub(began)
	r.effects.Local += took
	r.left -= took
	if err != nil {
		return r.failed(ctx, s, err)
	}
	read, written, err := r.cost.of(ctx, s, res)
	if err != nil {
		return err
	}
	r.effects.RowsRead += read
	r.effects.RowsWritten += written
	return r.judgeCopy(ctx, i, copied)
}

// failed records the refusal of a statement and looks for the rows that are to blame.
func (r *dataRun) failed(ctx context.Context, s *step, err error) error {
	refused, ok := errors.AsType[*sqlite.Error](err)
	if !ok || ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	f := &Failure{Place: placeOf(s.planned, refused.Offset), Message: refused.Message, Code: refused.ExtendedName()}
	r.effects.Failed = f
	if at, ok := assertionAt(refused.Message); ok {
		f.Place, f.Message = at, untrue
		return errFailed
	}
	if exhausted(err) {
		return errFailed
	}
	if name, ok := migrations.ForeignKeysAfter(refused.Message); ok {
		f.Place, f.AtCommit = Place{File: r.dry.fileOf(name)}, true
		if err := r.orphans(ctx); err != nil {
			return err
		}
		return errFailed
	}
	if err := r.reject(ctx, s, refused); err != nil {
		return err
	}
	return errFailed
}

// refusedCommit records a transaction that leaves foreign keys violated.
func (r *dataRun) refusedCommit(ctx context.Context, start, end int) error {
	f := &Failure{AtCommit: true, Message: "FOREIGN KEY constraint failed", Code: "SQLITE_CONSTRAINT_FOREIGNKEY"}
	for i := start; i < end && f.File == ""; i++ {
		f.File = r.dry.steps[i].place.File
	}
	r.effects.Failed = f
	if err := r.orphans(ctx); err != nil {
		return err
	}
	return errFailed
}

// count counts the touched tables of a schema.
func (r *dataRun) count(ctx context.Context, s *shape) (map[string]tableCounts, error) {
	counts := make(map[string]tableCounts)
	for _, name := range r.effects.Touched {
		t := s.byName[fold(name)]
		if t == nil || t.virtual {
			continue
		}
		one := tableCounts{values: make(map[string]int64)}
		for _, columns := range chunks(t.columns, sqlite.MaxColumns-1) {
			terms := []string{"count(*)"}
			for _, col := range columns {
				terms = append(terms, "count("+quoteName(col.name)+")")
			}
			res, err := r.c.Exec(ctx, "SELECT "+strings.Join(terms, ", ")+" FROM "+quoteName(t.name))
			if err != nil {
				return nil, fmt.Errorf("count the rows of %s: %w", t.name, err)
			}
			one.rows = number(res.Rows[0][0])
			for i, col := range columns {
				one.values[fold(col.name)] = number(res.Rows[0][i+1])
			}
		}
		counts[fold(name)] = one
	}
	return counts, nil
}

func chunks(columns []column, n int) [][]column { return slices.Collect(slices.Chunk(columns, n)) }

// compareTables fills Tables.
func (r *dataRun) compareTables() {
	for _, name := range r.effects.Touched {
		was, had := r.before[fold(name)]
		is, has := r.after[fold(name)]
		if !had && !has {
			continue
		}
		t := TableRows{Name: name, Before: -1, After: -1}
		if had {
			t.Before = was.rows
		}
		if has {
			t.After = is.rows
		}
		if had && has {
			t.Columns = fewerValues(r.dry.shapeAfter.byName[fold(name)], was, is)
		}
		r.effects.Tables = append(r.effects.Tables, t)
	}
}

func fewerValues(t *table, was, is tableCounts) []ColumnValues {
	var list []ColumnValues
	gone := max(0, was.rows-is.rows)
	for _, col := range t.columns {
		before, had := was.values[fold(col.name)]
		if after := is.values[fold(col.name)]; had && before-after > gone {
			list = append(list, ColumnValues{col.name, before, after})
		}
	}
	return list
}

// orphans looks for rows that refer to nothing and did not before.
func (r *dataRun) orphans(ctx context.Context) error {
	now, err := readShape(ctx, r.c)
	if err != nil {
		return err
	}
	list, err := violations(ctx, r.c, r.concerned(now))
	if err != nil || len(list) == 0 {
		return err
	}
	before, err := r.violationsBefore(ctx, list)
	if err != nil {
		return err
	}
	for _, o := range list {
		if more := o.Rows - violationsOf(before, o); more > 0 {
			r.effects.Orphans = append(r.effects.Orphans, Orphan{o.Table, o.Parent, more})
		}
	}
	return nil
}

// concerned are the tables whose foreign keys the release may have broken.
func (r *dataRun) concerned(now *shape) []string {
	touched := func(name string) bool {
		return slices.ContainsFunc(r.effects.Touched, func(t string) bool { return sameName(t, name) })
	}
	var names []string
	for _, t := range now.tables {
		if slices.ContainsFunc(t.keys, func(k foreignKey) bool { return touched(t.name) || touched(k.parent) }) {
			names = append(names, t.name)
		}
	}
	return names
}

// violationsBefore counts in the data as it was. It is asked only where there are violations now, since it reads every
// row of those tables.
func (r *dataRun) violationsBefore(ctx context.Context, now []Orphan) (list []Orphan, err error) {
	c, err := openUntouched(ctx, r.s.data)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	var names []string
	for _, o := range now {
		if r.dry.shapeBefore.byName[fold(o.Table)] != nil && !slices.Contains(names, o.Table) {
			names = append(names, o.Table)
		}
	}
	return violations(ctx, c, names)
}

func violations(ctx context.Context, c *sqlite.Conn, tables []string) ([]Orphan, error) {
	var list []Orphan
	for _, name := range tables {
		res, err := c.Exec(ctx, "SELECT parent, count(*) FROM pragma_foreign_key_check("+migrations.QuoteText(name)+") GROUP BY 1 ORDER BY 1")
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			continue // a key that fits no parent: the dry run has said so
		}
		for _, row := range res.Rows {
			list = append(list, Orphan{name, text(row[0]), number(row[1])})
		}
	}
	return list, nil
}
