package lint

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/backfill"
	"towline/migrations/sqlite"
)

const (
	// rowsPerSecond is how many rows, read or written, D1 is taken to get through. It is a guess on the careful side: a local SQLite
	// rebuilt 200,000 rows with a million children in 0.6 s, and D1 is taken to be four times slower.
	rowsPerSecond = 500_000
	// callSeconds is how long D1 allows a call ("Limits", D1 docs: maximum SQL query duration 30 seconds).
	callSeconds = 30
	// slowSeconds and manyRows are from when on a release is worth a warning.
	slowSeconds = 10
	manyRows    = 1_000_000
)

// rowsOf is the number of rows of a table as it is before a step; false where it is not known.
func (w *walk) rowsOf(s *step, name string) (int64, bool) {
	w.rebuilds()
	t := w.origin(s, name)
	for t != nil && !t.old && t.stands != nil {
		t = t.stands
	}
	if t == nil || !t.old {
		return 0, false
	}
	for table, n := range w.in.Rows {
		if same(table, t.first) {
			return n, true
		}
	}
	return 0, false
}

// cost is what D1 bills for a statement, as far as the numbers of rows are known: per row of the table a CREATE INDEX reads two and writes
// one, a DROP COLUMN, a scan that changes or copies reads one and writes one.
func (w *walk) cost(s *step) (read, written int64) {
	for _, a := range s.actions {
		if a.Kind == sqlite.CreateIndex && a.Inner == "" && s.before != s.after {
			n, _ := w.rowsOf(s, a.Arg4)
			return 2 * n, n
		}
	}
	if table := s.alters(); table != "" && s.calls("sqlite_drop_column") {
		n, _ := w.rowsOf(s, table)
		return n, n
	}
	if table := w.goesThrough(s); table != "" {
		n, _ := w.rowsOf(s, table)
		return n, n
	}
	return 0, 0
}

// goesThrough is the table all of whose rows a statement goes through and changes or copies; empty if there is none.
func (w *walk) goesThrough(s *step) string {
	if s.isCreateAs() {
		for _, a := range s.actions {
			if a.Kind == sqlite.Read && a.Inner == "" && !reserved(a.Arg3) && s.before.has(a.Arg3) {
				return a.Arg3
			}
		}
		return ""
	}
	for _, line := range s.plan {
		m := scanned.FindStringSubmatch(line.detail)
		if m == nil || s.inSubquery(line) {
			continue
		}
		if name := s.tableCalled(m[1]); name != "" {
			return name
		}
	}
	return ""
}

// inSubquery reports whether a line of the plan belongs to a subquery in a condition or a value: how many rows that reads does not say how
// many the statement changes.
func (s *step) inSubquery(line planLine) bool {
	for line.parent != 0 {
		i := slices.IndexFunc(s.plan, func(l planLine) bool { return l.id == line.parent })
		if i < 0 {
			return false
		}
		line = s.plan[i]
		for _, kind := range []string{"SCALAR SUBQUERY", "LIST SUBQUERY", "CORRELATED"} {
			if strings.HasPrefix(line.detail, kind) {
				return true
			}
		}
	}
	return false
}

// tableCalled is the table that a plan calls by a name, which may be an alias.
func (s *step) tableCalled(name string) string {
	if s.before.has(name) {
		return name
	}
	for i := range s.tokens {
		if i > 0 && same(migrations.Unquote(s.tokens[i].Text(s.SQL)), name) {
			before := i - 1
			if s.tokens[before].Is(s.SQL, "AS") && before > 0 {
				before--
			}
			if table := migrations.Unquote(s.tokens[before].Text(s.SQL)); s.before.has(table) {
				return table
			}
		}
	}
	return ""
}

func overBudget(w *walk) []Finding {
	var worst *step
	var read, written, most int64
	for _, s := range w.steps {
		if s.err != nil || s.backfill != nil {
			continue
		}
		r, n := w.cost(s)
		read, written = read+r, written+n
		if r+n > most {
			worst, most = s, r+n
		}
	}
	if worst == nil {
		return nil
	}
	seconds := float64(read+written) / rowsPerSecond
	guessed := "guessed from the numbers of rows"
	if w.rehearsal.Data && w.rehearsal.Estimated > 0 {
		seconds, guessed = w.rehearsal.Estimated.Seconds(), "from the rehearsal on a copy of the data"
	}
	if seconds < slowSeconds && written < manyRows {
		return nil
	}
	x := worst.at()
	x.Text = fmt.Sprintf("The checked files read about %s rows and write about %s, most of them here. On D1 that takes about %.0f s (%s), during which nobody else is served.",
		thousands(read), thousands(written), seconds, guessed)
	if seconds >= callSeconds {
		x.Severity = Error
		x.Text += fmt.Sprintf(" D1 ends a call after %d s and undoes all of it.", callSeconds)
	}
	x.Advice = "Do it in parts: rows in a backfill, an index or column by way of a new table; or at an hour when nobody is there."
	return []Finding{x}
}

// thousands writes a number with commas.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func unbatched(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		if s.err != nil || s.backfill != nil || s.isCreateAs() || len(s.plan) == 0 {
			continue
		}
		table := w.goesThrough(s)
		if table == "" || w.isNew(s, table) || w.isCopy(s) {
			continue
		}
		rows, known := w.rowsOf(s, table)
		if known && rows <= w.o.backfillRows() {
			continue
		}
		x := s.at()
		x.Table = table
		if known {
			x.Text = fmt.Sprintf("This statement goes through all %s rows of %s at once, and nobody else is served meanwhile.", thousands(rows), table)
		} else {
			x.Severity = Warning
			x.Text = fmt.Sprintf("This statement goes through all rows of %s at once. Where they are more than %s, nobody else is served for too long.", table, thousands(w.o.backfillRows()))
		}
		x.Advice = "Put it into a file of its own as a backfill."
		x.Rewrite = w.asBackfill(s, table)
		list = append(list, x)
	}
	return list
}

// isCopy reports whether a statement copies rows into a table of this set, as a rebuild does: that cannot be a backfill.
func (w *walk) isCopy(s *step) bool {
	target := s.fills()
	if target == "" {
		return false
	}
	t := w.origin(s, target)
	return t == nil || !t.old
}

// backfillPlan holds the files that are backfills against the schema before them.
func backfillPlan(w *walk) []Finding {
	var list []Finding
	for _, f := range w.files {
		if !slices.ContainsFunc(f.directives, func(d directive) bool { return d.verb == "backfill" }) {
			continue
		}
		job, err := backfill.Parse(f.File)
		var wrong *migrations.SyntaxError
		switch {
		case errors.As(err, &wrong):
			x := f.at()
			x.Line, x.Col, x.Offset = wrong.Line, wrong.Col, offsetOf(f.text, wrong.Line, wrong.Col)
			x.Text, x.Advice = "The backfill cannot be read: "+wrong.Reason+".", "Mend the block; docs/migrations.md says what belongs into it."
			list = append(list, x)
		case err == nil:
			list = append(list, w.checkJob(f, job)...)
		}
	}
	return list
}

// checkJob asks package backfill on a copy of the schema before the file.
func (w *walk) checkJob(f *file, job *backfill.Job) (list []Finding) {
	ctx := w.shapes.ctx
	c, err := sqlite.Open(ctx, ":memory:")
	if err != nil {
		w.shapes.err = errors.Join(w.shapes.err, err)
		return nil
	}
	defer c.Close()
	if _, err := c.Restore(ctx, f.before.objects); err != nil {
		w.shapes.err = errors.Join(w.shapes.err, err)
		return nil
	}
	problems, err := backfill.Check(ctx, c, job)
	if err == nil && len(problems) == 0 {
		if again, err := w.triedTwice(c, job, f.before); err == nil && again && len(f.steps) > 0 {
			x := f.steps[0].at()
			x.Table, x.Severity = job.Table, Warning
			x.Text = fmt.Sprintf("Carried out a second time on made-up rows of %s it changes rows again: its guard stays true.", job.Table)
			x.Advice = "Make the guard false for a row that was done, and for one that cannot be."
			return []Finding{x}
		}
	}
	if err != nil {
		w.shapes.err = errors.Join(w.shapes.err, err)
	}
	for _, p := range problems {
		x := f.at()
		if len(f.steps) > 0 {
			x = f.steps[0].at()
		}
		x.Line, x.Col, x.Offset, x.Table = p.Line, 1, p.Offset, job.Table
		x.Text, x.Advice = p.Text, p.Advice
		if p.Code == "no_table" && w.in.Target == nil {
			x.Severity = Warning
		}
		list = append(list, x)
	}
	return list
}

// triedTwice carries a backfill out twice on made-up rows: a full one, and one for each column in which that is NULL. It reports whether the
// second time changes something as well.
func (w *walk) triedTwice(c *sqlite.Conn, job *backfill.Job, sc *schema) (again bool, err error) {
	t := w.shapes.table(sc, job.Table)
	if t == nil || t.virtual || job.Verb == "INSERT" {
		return false, nil
	}
	ctx := w.shapes.ctx
	err = c.Transaction(ctx, func() error {
		for _, sql := range append([]string{"PRAGMA defer_foreign_keys = ON", "PRAGMA ignore_check_constraints = ON"}, madeUpRows(t)...) {
			if _, err := c.Exec(ctx, sql); err != nil {
				return err
			}
		}
		for range 2 {
			res, err := c.Exec(ctx, job.Whole())
			if err != nil {
				return err
			}
			again = res.Changes > 0
		}
		return errUndo
	})
	return again && errors.Is(err, errUndo), nil
}

// madeUpRows are statements that insert a row with a value in every column, and one for each column that may be NULL in which it is.
func madeUpRows(t *table) []string {
	var names []string
	var may []bool
	for _, c := range t.columns {
		if !c.virtual && !c.stored && !c.hidden {
			names, may = append(names, c.name), append(may, !c.notNull && c.primary == 0)
		}
	}
	var list []string
	for row := -1; row < len(names); row++ {
		if row >= 0 && !may[row] {
			continue
		}
		values := make([]string, len(names))
		for i, name := range names {
			c, _ := t.column(name)
			values[i] = fmt.Sprint(row + 2)
			if affinity(c.kind) == "TEXT" {
				values[i] = fmt.Sprintf("'A%d'", row+2)
			}
			if i == row {
				values[i] = "NULL"
			}
		}
		list = append(list, fmt.Sprintf("INSERT OR IGNORE INTO %s(%s) VALUES (%s)", migrations.QuoteName(t.name), quotedAll(names), strings.Join(values, ", ")))
	}
	return list
}

// rehearsable is the file as a rehearsal carries it out: of a backfill the statement over all rows, since only Towline knows its window.
func (f *file) rehearsable() migrations.File {
	if !slices.ContainsFunc(f.steps, func(s *step) bool { return s.backfill != nil }) {
		return f.File
	}
	job, err := backfill.Parse(f.File)
	if err != nil {
		return f.File
	}
	return migrations.File{Name: f.Name, SQL: []byte(job.Whole() + ";")}
}
