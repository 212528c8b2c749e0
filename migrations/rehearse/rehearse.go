package rehearse

import (
	"context"

	"towline/migrations"
)

// Run carries txs out on a copy of t, one after the other, and says what D1 would refuse and what would be lost. Nothing
// outside this process is touched.
//
// An error means that the rehearsal itself could not be done: a *[SchemaError] if the schema cannot be rebuilt, ctx's
// error if it ends, anything else if SQLite fails.
func Run(ctx context.Context, t Target, txs []migrations.Transaction, options ...Option) (Report, error) {
	s := newSettings(options)
	start := s.now()
	report, err := run(ctx, t, txs)
	if err != nil {
		return Report{}, err
	}
	report.Duration = s.now().Sub(start)
	return report, nil
}

func run(ctx context.Context, t Target, txs []migrations.Transaction) (Report, error) {
	report := Report{Before: t.Objects}
	dry, err := runDry(ctx, t, txs)
	if err != nil {
		return Report{}, err
	}
	report.Statements = len(dry.steps)
	report.Unrehearsed = dry.unrehearsed
	report.Failure = dry.failure
	if dry.failure != nil {
		return report, nil
	}
	report.After = dry.after
	report.Diff = diff(dry.shapeBefore, dry.shapeAfter, ledgerName(t.LedgerTable))
	report.Destroys = dry.destroys()
	if len(dry.steps) == 0 {
		return report, nil
	}
	report.Losses, report.Warnings, err = runWet(ctx, t, dry)
	return report, err
}
