package lint

import (
	"slices"

	"towline/migrations"
	"towline/migrations/rehearse"
	"towline/migrations/sqlite"
)

// assert asks the assertion of a directive on the copy. Its query must only read.
func (k *walker) assert(d *directive) error {
	if d.problem != "" {
		return nil
	}
	actions, err := k.c.Prepare(k.ctx, d.sql)
	if err == nil {
		for _, a := range actions {
			switch a.Kind {
			case sqlite.Select, sqlite.Function, sqlite.Recursive:
			case sqlite.Read:
				d.reads = append(d.reads, a.Arg3)
			default:
				d.problem = "its query must only read"
				return nil
			}
		}
		var res sqlite.Result
		if res, err = k.c.Exec(k.ctx, "SELECT (\n"+d.sql+"\n) IS 1"); err == nil {
			d.untrue = number(res.Rows[0][0]) != 1
			return nil
		}
	}
	_, _, stop := refusal(k.ctx, err)
	d.problem = "D1 refuses its query: " + err.Error()
	return stop
}

// asserted are the assertions of a file that are asked.
func (f *file) asserted() []*directive {
	var list []*directive
	for i := range f.directives {
		if d := &f.directives[i]; d.verb == "assert" && d.problem == "" {
			list = append(list, d)
		}
	}
	return list
}

// untrueAssertions finds assertions that would undo the release, or that may.
func untrueAssertions(w *walk) []Finding {
	var list []Finding
	for _, f := range w.files {
		for _, d := range f.asserted() {
			if x, found := w.untrueAssertion(f, d); found {
				x.Statement = "-- towline:assert " + d.sql
				list = append(list, x)
			}
		}
	}
	return list
}

func (w *walk) untrueAssertion(f *file, d *directive) (x Finding, found bool) {
	x = d.at(f)
	at := func(p rehearse.Place) bool { return p.File == f.Name && p.Index == 0 && p.Line == d.line }
	switch failed := w.rehearsal.Failed; {
	case failed != nil && at(failed.Place):
		x.Text = "In the copy of the data this assertion is not true, so D1 would undo all of the transaction."
		x.Advice = "Make it true first, or mend the query."
	case d.untrue && !w.rowsDecide(f, d):
		x.Text = "This assertion is not true, whatever rows there are, so D1 would undo all of the transaction."
		x.Advice = "Make it true first, or mend the query."
	case w.rehearsal.Data && failed == nil:
		return x, false
	case d.untrue && w.in.Target == nil, slices.ContainsFunc(w.rehearsal.Warnings, func(n rehearse.Note) bool { return at(n.Place) }):
		x.Severity = Info
		x.Text = "This assertion is not true of made-up rows. On D1 the real ones decide, and where it is not true of them all of the transaction is undone."
		x.Advice = "Ask it of the real database before the release, or rehearse on a copy of the data."
	default:
		return x, false
	}
	return x, true
}

// rowsDecide reports whether an assertion reads a table whose rows are not all known here: one that was there before, or, without a live
// database, before its file.
func (w *walk) rowsDecide(f *file, d *directive) bool {
	before := w.first
	if w.in.Target == nil {
		before = f.before
	}
	return slices.ContainsFunc(d.reads, func(name string) bool {
		return before.has(name) && !reserved(name) && !same(name, ledger(w.in.LedgerTable))
	})
}

// untrueAt is the failure of a file's assertion that no rows could make true, up to a statement; nil: there is none.
func (w *walk) untrueAt(f *file, list []*directive) *rehearse.Failure {
	for _, d := range list {
		if d.untrue && d.problem == "" && !w.rowsDecide(f, d) {
			return &rehearse.Failure{
				Place: rehearse.Place{File: f.Name, Line: d.line, Col: d.col}, Migrations: []string{f.Name},
				Message: "this assertion is not true: " + migrations.Describe(migrations.Statement{SQL: d.sql}), Code: "SQLITE_CONSTRAINT_NOTNULL",
			}
		}
	}
	return nil
}
