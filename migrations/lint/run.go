package lint

import (
	"context"
	"errors"
	"maps"
	"slices"

	"towline/migrations"
	"towline/migrations/rehearse"
)

// Run checks the pending files of a folder. Nothing outside this process is touched.
//
// An error means that the check itself could not be done: ctx's error if it ends, anything else if SQLite fails. What is wrong with the
// files is in the report.
func Run(ctx context.Context, in Input, o Options) (report Report, err error) {
	w := &walk{in: in, o: o, shapes: newShapes(ctx), rewrites: make(map[string]string), loose: make(map[*schema]map[string]danglingKey)}
	defer func() { err = errors.Join(err, w.shapes.close()) }()
	if err := w.walk(ctx); err != nil {
		return Report{}, err
	}
	if err := w.rehearse(ctx); err != nil {
		return Report{}, err
	}
	report = Report{Rehearsal: w.rehearsal, Files: len(w.files), Statements: len(w.steps)}
	report.Findings, err = w.judge()
	return report, err
}

// walk carries the files out and notes what they do.
func (w *walk) walk(ctx context.Context) (err error) {
	known, pending := w.divide()
	for _, f := range pending {
		w.add(f)
	}
	k, err := open(ctx, w)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.c.Close()) }()
	if err := k.replay(known); err != nil {
		return err
	}
	if len(k.now.tables) > 0 {
		// Where all of them at once cannot be read, each is where a rule asks.
		if _, _, stop := refusal(ctx, w.shapes.know(k.c, k.now)); stop != nil {
			return stop
		}
	}
	w.first, w.last = k.now, k.now
	w.complete = w.in.Target != nil || len(w.replay) == 0
	for _, f := range w.files {
		if err := k.file(f); err != nil {
			return err
		}
	}
	w.last = k.now
	return nil
}

// divide tells the files that are applied from those that are checked.
func (w *walk) divide() (known, pending []migrations.File) {
	applied := make(map[string]bool)
	if w.in.Target != nil {
		for _, row := range w.in.Target.Ledger {
			applied[row.Name] = true
		}
	} else {
		for _, name := range w.in.Known {
			applied[name] = true
		}
	}
	for old, name := range w.in.Renames {
		if applied[old] {
			applied[name] = true // declared: the same file
		}
	}
	for _, f := range w.in.Files {
		switch {
		case !applied[f.Name]:
			pending = append(pending, f)
		case w.in.Target == nil:
			known = append(known, f)
		}
	}
	return known, pending
}

// add takes a file apart.
func (w *walk) add(f migrations.File) {
	x := &file{File: f, text: string(f.SQL)}
	statements, err := migrations.SplitLoose(f.Name, f.SQL)
	x.split = err
	x.directives = directives(x.text)
	for _, s := range statements {
		st := &step{Statement: s, n: len(w.steps), file: x, tokens: meaning(s.SQL)}
		w.steps = append(w.steps, st)
		x.steps = append(x.steps, st)
	}
	x.place()
	w.files = append(w.files, x)
}

// rehearse carries the checked files out on rows.
func (w *walk) rehearse(ctx context.Context) error {
	if w.slow {
		w.rehearsal = w.ownRehearsal()
		return nil
	}
	if w.in.Report != nil {
		w.rehearsal = *w.in.Report
		return w.rehearseAlone(ctx)
	}
	if len(w.first.tables) == 0 || len(w.first.tables) == 1 && w.first.has(ledger(w.in.LedgerTable)) {
		w.rehearsal = w.ownRehearsal()
		return w.rehearseAlone(ctx)
	}
	target := rehearse.Target{Objects: w.first.objects, LedgerTable: w.in.LedgerTable}
	if w.in.Target != nil {
		target = *w.in.Target
	}
	var files []migrations.File
	for _, f := range w.files {
		files = append(files, f.rehearsable())
	}
	txs, err := migrations.Apply(files, migrations.Options{Ledger: w.in.LedgerTable})
	if err != nil {
		return w.rehearseAlone(ctx) // a file that cannot be split: its rule says so
	}
	w.rehearsal, err = rehearse.Run(ctx, target, txs, rehearse.Queries(w.in.Queries), rehearse.Rows(w.in.Rows))
	var schema *rehearse.SchemaError
	if err != nil && !errors.As(err, &schema) {
		return err
	}
	return w.rehearseAlone(ctx)
}

// ownRehearsal is the rehearsal where no table is there to have rows: the walk was one.
func (w *walk) ownRehearsal() rehearse.Report {
	r := rehearse.Report{Before: w.first.objects, After: w.last.objects}
	for _, s := range w.steps {
		if r.Failure = w.untrueAt(s.file, s.asserts); r.Failure != nil {
			return r
		}
		switch {
		case s.limited:
			r.Unrehearsed = append(r.Unrehearsed, rehearse.Note{Place: s.place(), Message: rehearse.OnlyOnD1})
		case s.err != nil:
			r.After, r.Failure = nil, &rehearse.Failure{Place: s.place(), Migrations: []string{s.File}, Message: s.err.Message, Code: s.err.ExtendedName()}
			return r
		default:
			r.Statements++
		}
	}
	for _, o := range w.last.objects {
		if o.Type == "table" && !w.first.has(o.Name) && !isShadow(w.last, o.Name) {
			r.Diff.TablesAdded = append(r.Diff.TablesAdded, o.Name)
		}
	}
	return r
}

func (s *step) place() rehearse.Place {
	return rehearse.Place{File: s.File, Line: s.Line, Col: s.Col, Index: s.Index, Statement: s.SQL}
}

// ledger is the name of the ledger table.
func ledger(name string) string {
	if name == "" {
		return migrations.DefaultLedger
	}
	return name
}

// judge runs the rules.
func (w *walk) judge() ([]Finding, error) {
	for _, r := range rules() {
		if r.check == nil {
			continue
		}
		// One that is off runs too, so that what it names is not named by a broader one; its findings go below.
		for _, f := range r.check(w) {
			if f.Code == "" {
				f.Code, f.Name = r.Code, r.Name
			}
			if f.Severity == "" {
				f.Severity = r.Severity
			}
			w.found = append(w.found, f)
		}
		if w.shapes.err != nil {
			return nil, w.shapes.err
		}
	}
	w.found = append(w.found, w.in.Extra...)
	w.found = append(w.found, w.refused()...)
	for i := range w.found {
		if s, ok := w.o.Severity[w.found[i].Code]; ok {
			w.found[i].Severity = s
		}
	}
	w.found = slices.DeleteFunc(w.found, func(f Finding) bool { return f.Severity == Off })
	w.found = append(w.allow(), w.idle()...)
	positions := make(map[string]int)
	for i, f := range w.in.Files {
		positions[f.Name] = i
	}
	return order(w.found, positions), w.shapes.err
}

// at begins a finding about a statement.
func (s *step) at() Finding {
	return Finding{File: s.File, Line: s.Line, Col: s.Col, Offset: s.Offset, Index: s.Index, Statement: s.SQL}
}

// at begins a finding about a file.
func (f *file) at() Finding { return Finding{File: f.Name} }

// at begins a finding about a directive.
func (d *directive) at(f *file) Finding {
	return Finding{File: f.Name, Line: d.line, Col: d.col, Offset: d.offset}
}

// sortedKeys are the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
