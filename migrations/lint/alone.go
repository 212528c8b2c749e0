package lint

import (
	"context"
	"errors"

	"towline/migrations"
	"towline/migrations/rehearse"
)

// rehearseAlone rehearses each file by itself that drops a table, or replaces rows in one, to which others refer: on the schema before the
// file, with rows in every table. What it would take along is the same whether the tables are new in this release or old: another database
// may have stopped between the files.
func (w *walk) rehearseAlone(ctx context.Context) error {
	for _, f := range w.files {
		f.suspicious = w.suspicious(f)
		if f.split != nil || !f.suspicious {
			continue
		}
		txs, err := migrations.Apply([]migrations.File{f.File}, migrations.Options{Ledger: w.in.LedgerTable})
		if err != nil {
			continue
		}
		target := rehearse.Target{Objects: f.before.objects, LedgerTable: w.in.LedgerTable}
		report, err := rehearse.Run(ctx, target, txs)
		var schema *rehearse.SchemaError
		if errors.As(err, &schema) {
			continue
		}
		if err != nil {
			return err
		}
		if report.Failure == nil {
			f.alone = &report
		}
	}
	return nil
}

// suspicious reports whether the file drops a table that others refer to.
func (w *walk) suspicious(f *file) bool {
	for _, s := range f.steps {
		if name := s.drops(); name != "" && f.before.has(name) && len(w.shapes.children(s.before, name)) > 0 {
			return true
		}
	}
	return false
}
