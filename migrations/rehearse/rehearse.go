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
	report, err := run(ctx, t, txs, s)
	if err != nil {
		return Report{}, err
	}
	report.Duration = s.now().Sub(start)
	return report, nil
}

func run(ctx context.Context, t Target, txs []migrations.Transaction, s settings) (Report, error) {
	report := Report{Before: t.Objects}
	dry, err := runDryWith(ctx, t, txs, s)
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
	report.IndexesAfter = dry.indexesAfter
	report.LostIndexes, report.LostTriggers = dry.lost()
	report.Plans = comparePlans(s.queries, dry.plansBefore, dry.plansAfter)
	report.Touched = dry.touched()
	if len(dry.steps) == 0 {
		return report, nil
	}
	if report.Losses, report.Warnings, err = runWet(ctx, t, dry); err != nil {
		return report, err
	}
	if s.data != "" {
		plans, err := runData(ctx, s, t, dry, &report.Effects)
		if report.Data && report.Failed == nil {
			report.Plans = plans // the data's own statistics are in them
			report.Warnings = fulfilled(report.Warnings)
		}
		if err != nil {
			return report, err
		}
	}
	if !report.Data {
		report.estimate(dry, s.rows)
	}
	return report, nil
}
