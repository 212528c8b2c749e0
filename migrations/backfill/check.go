package backfill

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"towline/migrations/sqlite"
)

// Problem is why a job must not run on a database.
type Problem struct {
	// Code is stable: no_table, no_key, key_null, key_not_unique, refused, other_table, changes_key, feeds_itself, plan, scan,
	// not_idempotent.
	Code   string
	Text   string // what would happen, to which table
	Advice string // what to do
	Line   int    // of the file, from 1
	Offset int    // in bytes of the file
}

// errUndo ends a try that leaves nothing behind.
var errUndo = errors.New("undo")

// Check holds a job against the schema of a database, and against its rows where it has any. Nothing in it is changed. It
// must not be called inside a transaction. The error is ctx's, or says why the database cannot be asked.
func Check(ctx context.Context, c *sqlite.Conn, j *Job) ([]Problem, error) {
	k := checker{ctx: ctx, c: c, j: j}
	err := c.Transaction(ctx, func() error {
		if err := k.check(); err != nil {
			return err
		}
		return errUndo
	})
	if errors.Is(err, errUndo) {
		err = nil
	}
	return k.found, err
}

type checker struct {
	ctx   context.Context
	c     *sqlite.Conn
	j     *Job
	found []Problem
}

func (k *checker) problem(code, advice, format string, args ...any) {
	k.found = append(k.found, Problem{Code: code, Text: fmt.Sprintf(format, args...), Advice: advice, Line: k.j.Line, Offset: k.j.Offset})
}

// exec runs a statement. refused is SQLite's no, err anything else.
func (k *checker) exec(sql string) (res sqlite.Result, refused *sqlite.Error, err error) {
	res, err = k.c.Exec(k.ctx, sql)
	if errors.As(err, &refused) {
		return res, refused, nil
	}
	return res, nil, err
}

func (k *checker) check() error {
	if ok, err := k.key(); !ok || err != nil {
		return err
	}
	for _, sql := range k.j.Begin(0) {
		if _, err := k.c.Exec(k.ctx, sql); err != nil {
			return fmt.Errorf("make the job's tables: %w", err)
		}
	}
	if ok, err := k.statements(); !ok || err != nil {
		return err
	}
	if err := k.plans(); err != nil {
		return err
	}
	return k.twice()
}

// key looks whether windows can be cut by the key: every row has one, no two the same, and an index finds it.
func (k *checker) key() (ok bool, err error) {
	columns, err := k.c.Exec(k.ctx, "SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo("+text(k.j.Table)+")")
	if err != nil {
		return false, err
	}
	if len(columns.Rows) == 0 {
		k.problem("no_table", "Apply the migration that makes it first.", "There is no table %s.", k.j.Table)
		return false, nil
	}
	var primary [][]any
	var key []any
	for _, row := range columns.Rows {
		if row[3] != int64(0) {
			primary = append(primary, row)
		}
		if strings.EqualFold(fmt.Sprint(row[0]), k.j.Key) {
			key = row
		}
	}
	if key == nil {
		k.problem("no_key", "Name a unique column of "+k.j.Table+" in key=.", "%s has no column %s.", k.j.Table, k.j.Key)
		return false, nil
	}
	alone := len(primary) == 1 && key[3] != int64(0)
	rowid := alone && strings.EqualFold(fmt.Sprint(key[1]), "INTEGER")
	without, err := k.withoutRowid()
	if err != nil {
		return false, err
	}
	if key[2] == int64(0) && !rowid && !(without && key[3] != int64(0)) {
		k.problem("key_null", "Name a column that is NOT NULL, or the INTEGER PRIMARY KEY.", "%s.%s may be NULL: rows without it would be in no window.", k.j.Table, k.j.Key)
		return false, nil
	}
	unique := alone
	if !unique {
		unique, err = k.uniqueIndex()
	}
	if err == nil && !unique {
		k.problem("key_not_unique", "Name the primary key or a column with a UNIQUE index of its own.",
			"%s.%s is not unique by itself: a window of so many keys could hold any number of rows.", k.j.Table, k.j.Key)
	}
	return unique, err
}

func (k *checker) withoutRowid() (bool, error) {
	res, err := k.c.Exec(k.ctx, "SELECT wr FROM pragma_table_list("+text(k.j.Table)+") WHERE schema = 'main'")
	return err == nil && len(res.Rows) > 0 && res.Rows[0][0] == int64(1), err
}

// uniqueIndex looks for a whole unique index on the key alone.
func (k *checker) uniqueIndex() (bool, error) {
	res, err := k.c.Exec(k.ctx, `SELECT l.name, count(*), max(lower(i.name) = lower(`+text(k.j.Key)+`)) FROM pragma_index_list(`+text(k.j.Table)+`) AS l, pragma_index_info(l.name) AS i
		WHERE l."unique" = 1 AND l.partial = 0 GROUP BY l.name`)
	if err != nil {
		return false, err
	}
	for _, row := range res.Rows {
		if row[1] == int64(1) && row[2] == int64(1) {
			return true, nil
		}
	}
	return false, nil
}

// statements looks what the job's statements would do, by SQLite's own word.
func (k *checker) statements() (ok bool, err error) {
	for _, q := range []struct{ what, sql string }{{"count:", k.j.Count}, {"done:", k.j.Done}, {"The statement", k.j.windowed(true)}} {
		_, err := k.c.Prepare(k.ctx, q.sql)
		if refused, is := errors.AsType[*sqlite.Error](err); is {
			k.problem("refused", "Mend it: nothing of it can run.", "%s is refused: %s.", q.what, refused.Message)
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	actions, err := k.c.Prepare(k.ctx, k.j.Whole())
	if err != nil {
		return false, err
	}
	touches := false
	for _, a := range actions {
		own := strings.EqualFold(a.Arg3, k.j.Table)
		switch {
		case a.Inner != "":
		case k.j.Verb == "INSERT" && a.Kind == sqlite.Insert && own:
			k.problem("feeds_itself", "Write to another table, or do it in the application.", "It inserts into %s while it goes through it, and might never come to an end.", k.j.Table)
			return false, nil
		case k.j.Verb == "INSERT":
			touches = touches || a.Kind == sqlite.Read && own
		case a.Kind == sqlite.Update && own && strings.EqualFold(a.Arg4, k.j.Key):
			k.problem("changes_key", "Go through "+k.j.Table+" by a column that stays as it is.", "It changes %s.%s, by which its windows are cut.", k.j.Table, k.j.Key)
			return false, nil
		default:
			touches = touches || own && (a.Kind == sqlite.Update && k.j.Verb == "UPDATE" || a.Kind == sqlite.Delete && k.j.Verb == "DELETE")
		}
	}
	if !touches {
		k.problem("other_table", "Set table= to the table that the window stands for.", "The statement does not go through %s.", k.j.Table)
	}
	return touches, nil
}

// plans asks how SQLite would find the rows of a window.
func (k *checker) plans() error {
	var details [][]string
	for _, sql := range k.j.Explain() {
		res, refused, err := k.exec(sql)
		if err != nil {
			return err
		}
		if refused != nil {
			k.problem("refused", "Mend it: nothing of it can run.", "A window is refused: %s.", refused.Message)
			return nil
		}
		var lines []string
		for _, row := range res.Rows {
			lines = append(lines, fmt.Sprint(row[len(row)-1]))
		}
		details = append(details, lines)
	}
	k.found = append(k.found, k.j.Judge(details)...)
	return nil
}

// Explain returns the queries that ask for the plans of a window: of its keys, then of its rows. The job's tables must be there.
func (j *Job) Explain() []string {
	return []string{"EXPLAIN QUERY PLAN " + j.keys(false, j.Batch), "EXPLAIN QUERY PLAN " + j.windowed(false)}
}

// Judge says what is wrong with the plans that Explain asked for, given the column "detail" of each answer. A window has to be found by
// both of its bounds, or D1 reads far more rows than it changes.
func (j *Job) Judge(details [][]string) []Problem {
	var found []Problem
	add := func(code, advice, format string, args ...any) {
		found = append(found, Problem{Code: code, Text: fmt.Sprintf(format, args...), Advice: advice, Line: j.Line, Offset: j.Offset})
	}
	table := j.Table
	if j.Alias != "" {
		table = j.Alias
	}
	column := `(?:` + regexp.QuoteMeta(j.Key) + `|rowid)`
	search := regexp.MustCompile(`(?i)^SEARCH ` + regexp.QuoteMeta(table) + ` .*\((?:.* AND )?` + column + `>\? AND ` + column + `<\?\)$`)
	keys := regexp.MustCompile(`(?i)^SEARCH ` + regexp.QuoteMeta(j.Table) + ` .*\(` + column + `>\?\)$`)
	for i, lines := range details {
		want, good := search, false
		if i == 0 {
			want = keys
		}
		for _, line := range lines {
			good = good || want.MatchString(line)
			if strings.Contains(line, "TEMP B-TREE") && i == 0 {
				add("plan", "Give "+j.Table+"."+j.Key+" an index of its own.", "The keys of a window would be sorted each time: %s.", line)
			}
		}
		other := scans(lines)
		switch {
		case !good:
			add("plan", "Write + in front of the columns of the guard, so that no index on them is chosen, and check that "+j.Key+" has an index.",
				"A window would not be found by both of its bounds: %s.", strings.Join(lines, "; "))
		case i > 0 && other != "":
			add("scan", "Give it an index for this condition, in a migration before.", "Each window would read a whole table: %s.", other)
		}
	}
	return found
}

// scans returns the first line of a plan that reads a whole table. The keys of a window and what SQLite makes up itself are none.
func scans(lines []string) string {
	for _, line := range lines {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "SCAN ")
		if ok && !strings.HasPrefix(rest, "CONSTANT ROW") && !strings.Contains(rest, "VIRTUAL TABLE") && !strings.HasPrefix(rest, "(") {
			return line
		}
	}
	return ""
}

// twice carries the statement out twice over all rows there are: the second time must find nothing to do.
func (k *checker) twice() error {
	first, refused, err := k.exec(k.j.Whole())
	if err != nil || refused != nil || first.Changes == 0 {
		return err // a row that it refuses is for the rehearsal to report
	}
	second, refused, err := k.exec(k.j.Whole())
	if err != nil {
		return err
	}
	if refused != nil {
		k.problem("not_idempotent", "Make the guard false for a row that was done.", "Carried out a second time it is refused: %s.", refused.Message)
	} else if second.Changes > 0 && k.j.Verb != "INSERT" {
		k.problem("not_idempotent", "Make the guard false for a row that was done, and for one that cannot be.",
			"Carried out a second time on %s it changes rows again: its guard stays true.", k.j.Table)
	}
	return nil
}
