package deploy

import (
	"context"
	"fmt"

	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/rehearse"
)

// planReset plans preview's rebuilding from production's schema and ledger, and on top of it the release.
func (e *Engine) planReset(ctx context.Context, d draft) (planned, error) {
	prod, err := e.look(ctx, d.project, release.Production, release.Target{})
	if err != nil {
		return planned{}, err
	}
	var seed []migrations.Statement
	if d.release.Seed != "" {
		content, err := e.blobs.Blob(ctx, d.release.Seed)
		if err != nil {
			return planned{}, fmt.Errorf("seed of release #%d: %w", d.release.Number, err)
		}
		if seed, err = migrations.Split(d.project.Seed, content); err != nil {
			return planned{}, release.BadMigration(err)
		}
	}
	var applied map[string]release.Applied
	if err := e.store.View(ctx, func(tx Tx) error {
		applied = tx.Checksums(d.project.Name, release.Production)
		return nil
	}); err != nil {
		return planned{}, err
	}
	d.sums = map[string]migrations.Checksum{}
	for name, a := range applied {
		d.sums[name] = a.Checksum
	}
	rebuild, err := migrations.Reset(d.target.Objects, prod.Objects, prod.Ledger, seed, migrations.Options{Ledger: d.project.ledger()})
	if err != nil {
		return planned{}, fmt.Errorf("plan the rebuilding of %s: %w", d.target.Database.Database, err)
	}
	out, err := e.planForward(ctx, d, prod.Objects, prod.Ledger, []migrations.Transaction{rebuild})
	if err != nil {
		return out, err
	}
	out.plan.Reset = true
	if d.run.Drop != nil {
		if err := e.asConfirmed(ctx, d.run, d.target.Database.ID); err != nil {
			return out, err
		}
		out.plan.Backup = e.planCopy(ctx, d.run, d.target, "empties "+d.run.Drop.Database)
	}
	// The rebuilding itself is meant to lose what preview holds; only whether it runs through is of interest.
	report, err := rehearse.Run(ctx, rehearse.Target{Objects: d.target.Objects, Ledger: d.target.Ledger, LedgerTable: d.project.ledger()},
		[]migrations.Transaction{rebuild})
	if err != nil {
		return out, fmt.Errorf("rehearse the rebuilding of %s: %w", d.target.Database.Database, err)
	}
	out.plan.Rebuilt = rehearse.Fingerprint(report.After, d.project.ledger())
	if report.Failure != nil && out.rehearsal.Value.Failure == nil {
		out.rehearsal.Value.Failure = report.Failure
	}
	return out, nil
}
