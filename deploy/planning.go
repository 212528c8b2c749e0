package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/rehearse"
)

// options are what planning the files has to know about the database.
func (e *Engine) options(ctx context.Context, p Project, t target, pending []migrations.File) (migrations.Options, error) {
	o := migrations.Options{Ledger: p.ledger()}
	o.Deferred = slices.ContainsFunc(t.Objects, func(obj migrations.Object) bool {
		return strings.Contains(strings.ToLower(obj.SQL), "initially deferred")
	})
	var err error
	o.Violations, err = e.violates(ctx, t, pending, o.Deferred)
	return o, err
}

// violates reports whether rows of the target break foreign keys already. It is asked only where it matters, that is
// where the check of foreign keys is put off, since the answer reads every child row.
func (e *Engine) violates(ctx context.Context, t target, pending []migrations.File, deferred bool) (bool, error) {
	touched := deferred && len(pending) > 0 || slices.ContainsFunc(pending, func(f migrations.File) bool {
		text := strings.ToLower(string(f.SQL) + string(f.Down))
		return strings.Contains(text, "defer_foreign_keys") || strings.Contains(text, "initially deferred")
	})
	if !touched || t.Database.ID == "" {
		return false, nil
	}
	rows, err := e.d1.Read(ctx, t.Database.ID, []string{"SELECT 1 FROM pragma_foreign_key_check LIMIT 1"})
	if _, refused := errors.AsType[*RejectedError](err); refused {
		return true, nil // a foreign key to a table or column that is not there
	}
	if err != nil {
		return false, fmt.Errorf("check the foreign keys of %s: %w", t.Database.Database, err)
	}
	return len(rows[0].Values) > 0, nil
}

// files loads a release's content.
func (e *Engine) files(ctx context.Context, r release.Release) ([]migrations.File, error) {
	out := make([]migrations.File, len(r.Migrations))
	for i, m := range r.Migrations {
		sql, err := e.blobs.Blob(ctx, m.Blob)
		if err != nil {
			return nil, fmt.Errorf("content of %s in release #%d: %w", m.Name, r.Number, err)
		}
		out[i] = migrations.File{Name: m.Name, SQL: sql}
		if m.Down == "" {
			continue
		}
		if out[i].Down, err = e.blobs.Blob(ctx, m.Down); err != nil {
			return nil, fmt.Errorf("DOWN of %s in release #%d: %w", m.Name, r.Number, err)
		}
	}
	return out, nil
}

// planned is a plan with the facts it was made from, ready for the gates.
type planned struct {
	plan       release.Plan
	difference gate.Fact[migrations.Difference]
	rehearsal  gate.Fact[rehearse.Report]
	objects    []migrations.Object // of the target
}

// draft is a plan in the making.
type draft struct {
	project Project
	run     release.Run
	release release.Release
	files   []migrations.File
	live    uint64
	target  target
	sums    map[string]migrations.Checksum
	rows    map[string]int64 // by table, as they were counted last
	seen    *release.Seen    // what the database was when Towline last knew it
	left    []string         // what a rollback of production left applied
	drift   []string         // what somebody else changed since, in words
}

// lastRows are the rows of an environment's tables as the newest restore point has them; nil where none were counted.
func lastRows(tx Tx, project string, env release.Environment) map[string]int64 {
	for _, c := range tx.Changes(project, env, 0, 20) {
		if c.Before != nil && c.Before.Rows != nil {
			return c.Before.Rows
		}
	}
	return nil
}

// plan reads the target and works out what the run would do to it now. Nothing is changed, but for a blob with the
// statements as they would be sent.
func (e *Engine) plan(ctx context.Context, p Project, run release.Run) (planned, error) {
	d := draft{run: run}
	var applied map[string]release.Applied
	err := e.store.View(ctx, func(tx Tx) error {
		var ok bool
		if d.release, ok = tx.Release(p.Name, run.Release); !ok {
			return release.Refuse(release.CodeUnknownRelease, "release", fmt.Sprint(run.Release))
		}
		s := tx.State(p.Name, run.Environment)
		applied, d.live, d.seen = tx.Checksums(p.Name, run.Environment), s.Live, s.Seen
		d.left = tx.State(p.Name, release.Production).Left
		d.rows = lastRows(tx, p.Name, run.Environment)
		return nil
	})
	if err != nil {
		return planned{}, err
	}
	d.project = p.of(d.release)
	var known release.Target
	if run.Plan != nil {
		known = run.Plan.Target
	}
	if d.target, err = e.look(ctx, d.project, run.Environment, known); err != nil {
		return planned{}, err
	}
	p = d.project
	d.sums = make(map[string]migrations.Checksum, len(applied))
	for name, a := range applied {
		d.sums[name] = a.Checksum
	}
	if d.files, err = e.files(ctx, d.release); err != nil {
		return planned{}, err
	}
	d.drift = e.drifted(ctx, d)
	switch run.Kind {
	case release.Rollback:
		return e.planBack(ctx, d)
	case release.Reset:
		return e.planReset(ctx, d)
	case release.Baseline:
		return e.planBaseline(ctx, d)
	default:
		return e.planForward(ctx, d, d.target.Objects, d.target.Ledger, nil)
	}
}

// planForward plans the pending migrations on a schema and ledger: the target's own, or what a reset will have made of it.
func (e *Engine) planForward(ctx context.Context, d draft, objs []migrations.Object, ledger []migrations.LedgerRow, before []migrations.Transaction) (planned, error) {
	out := planned{plan: d.base(), objects: d.target.Objects}
	diff := migrations.Compare(d.files, ledger, d.sums)
	out.difference = gate.Known(diff, d.target.At)
	on := d.target
	if before != nil {
		on = target{Objects: objs} // a rebuilt preview has no rows that break foreign keys
	}
	send, job, err := e.backfillIn(ctx, d, diff.Pending, before != nil || len(countable(objs, d.project.ledger())) == 0)
	if err != nil {
		return out, err
	}
	o, err := e.options(ctx, d.project, on, send)
	if err != nil {
		return out, err
	}
	txs, err := migrations.Apply(send, o)
	if err != nil {
		return out, release.BadMigration(err)
	}
	if len(send) == 0 {
		txs = nil
	}
	work := pendingWork{on: rehearse.Target{Objects: objs, Ledger: ledger, LedgerTable: d.project.ledger()}, txs: txs, diff: diff}
	j, err := e.judge(ctx, d, work)
	if err != nil {
		return out, err
	}
	if err := e.fitting(ctx, &out.plan, &j, ledger, job); err != nil {
		return out, err
	}
	out.rehearsal = gate.Known(j.report, d.target.At)
	out.plan.Applied = names(ledger)
	for _, f := range diff.Pending[:len(send)] {
		out.plan.Pending = append(out.plan.Pending, pending(f.Name, f.Name, f.Checksum().Raw, txs))
	}
	out.plan.Findings = leftApplied(diff, d.left)
	if err := e.noteAll(ctx, &out.plan, d, j); err != nil {
		return out, err
	}
	out.plan.Transactions, out.plan.Statements = len(txs), own(txs)
	if out.plan.Adds, err = e.onlyAdds(ctx, d, work.on, j.report.After, diff.Pending); err != nil {
		return out, err
	}
	if err := e.stillSo(ctx, d, &out); err != nil {
		return out, err
	}
	return out, e.keepScript(ctx, &out.plan, append(before, txs...))
}

// base is what every plan of the draft says.
func (d draft) base() release.Plan {
	return release.Plan{
		Kind: d.run.Kind, Project: d.project.Name, Environment: d.run.Environment, Release: d.release.Number, Bundle: d.release.Digest,
		Target: d.target.Database, Ledger: d.project.ledger(), Fingerprint: rehearse.Fingerprint(d.target.Objects, d.project.ledger()),
		Policy: d.policy(), Live: d.live,
		Tables: countable(d.target.Objects, d.project.ledger()), Large: d.target.Size > countLimit, Drift: d.drift,
	}
}

// policy is what the plan needs. Breaking glass needs the one who does it.
func (d draft) policy() release.Policy {
	if d.run.Breaking != nil {
		return release.Policy{Approvals: 1, Role: gate.Admin.String()}
	}
	return d.project.policy(d.run.Environment)
}

// pending describes a migration of a plan by the statements that come from its file.
func pending(name, file, sum string, txs []migrations.Transaction) release.Pending {
	out := release.Pending{Name: name, Checksum: sum}
	for _, tx := range txs {
		for _, s := range tx.Statements {
			if s.Origin.File == file {
				out.Statements = append(out.Statements, migrations.Describe(s.Origin))
			}
		}
	}
	return out
}

// own counts the statements that come from files; the rest is Towline's bookkeeping.
func own(txs []migrations.Transaction) int {
	n := 0
	for _, tx := range txs {
		for _, s := range tx.Statements {
			if s.Origin.File != "" {
				n++
			}
		}
	}
	return n
}

// keepScript stores the transactions exactly as they would be sent, and binds them to the plan.
func (e *Engine) keepScript(ctx context.Context, plan *release.Plan, txs []migrations.Transaction) error {
	if len(txs) == 0 {
		return nil
	}
	content, err := json.Marshal(txs)
	if err != nil {
		return fmt.Errorf("keep the statements: %w", err)
	}
	plan.Script, err = e.blobs.PutBlob(ctx, content)
	return wrap(err, "keep the statements")
}

// Script returns the transactions of a plan as they will be, or were, sent.
func (e *Engine) Script(ctx context.Context, plan release.Plan) ([]migrations.Transaction, error) {
	if plan.Script == "" {
		return nil, nil
	}
	content, err := e.blobs.Blob(ctx, plan.Script)
	if err != nil {
		return nil, fmt.Errorf("read the statements of the plan: %w", err)
	}
	var txs []migrations.Transaction
	if err := json.Unmarshal(content, &txs); err != nil {
		return nil, fmt.Errorf("read the statements of the plan: %w", err)
	}
	return txs, nil
}

// wrap adds what was being done, and leaves nil alone.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
