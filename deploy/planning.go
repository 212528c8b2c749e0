package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/rehearse"
)

// target is what D1 holds of an environment's database at one moment.
type target struct {
	Database release.Target
	Objects  []migrations.Object
	Ledger   []migrations.LedgerRow
	Size     int64 // bytes, 0 where it was not told
	At       time.Time
}

// schemaQuery lists what the schema is made of. D1's own tables are hidden from everybody else's business.
const schemaQuery = `SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name NOT LIKE '\_cf\_%' ESCAPE '\' ORDER BY rowid`

// look reads an environment's database: schema and ledger on one state, in one call where the id is known, from the last
// run or from an earlier plan. An id that no database has any more is looked up anew.
func (e *Engine) look(ctx context.Context, p Project, env release.Environment, known release.Target) (target, error) {
	name := p.Database(env)
	t := target{Database: release.Target{Database: name}, At: e.now()}
	state, err := e.State(ctx, p.Name, env)
	if err != nil {
		return t, err
	}
	if state.DatabaseID != "" {
		known = release.Target{Database: state.Database, ID: state.DatabaseID}
	}
	if known.ID != "" && known.Database == name {
		err := e.read(ctx, p, known.ID, &t)
		if err == nil || !errors.Is(err, ErrNoDatabase) {
			return t, wrap(err, "read database %s", name)
		}
	}
	db, err := e.d1.Find(ctx, name)
	if errors.Is(err, ErrNoDatabase) {
		return t, nil
	}
	if err != nil {
		return t, wrap(err, "look for database %s", name)
	}
	return t, wrap(e.read(ctx, p, db.ID, &t), "read database %s", name)
}

func (e *Engine) read(ctx context.Context, p Project, id string, t *target) error {
	at := e.now()
	rows, err := e.d1.Read(ctx, id, []string{schemaQuery, migrations.LedgerQuery(p.ledger())})
	if r, refused := errors.AsType[*RejectedError](err); refused {
		// A database that nobody has migrated yet has no ledger; the schema alone tells.
		if rows, err = e.d1.Read(ctx, id, []string{schemaQuery}); err == nil && hasTable(objects(rows[0]), p.ledger()) {
			return fmt.Errorf("the ledger %s cannot be read: %s", p.ledger(), r.Words)
		}
	}
	if err != nil {
		return err
	}
	t.Objects, t.Ledger, t.Size = objects(rows[0]), nil, rows[0].Size
	if len(rows) > 1 {
		t.Ledger = ledgerRows(rows[1])
	}
	t.Database.ID, t.At = id, at
	return nil
}

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

func (p Project) ledger() string {
	if p.LedgerTable == "" {
		return "d1_migrations"
	}
	return p.LedgerTable
}

func objects(r Rows) []migrations.Object {
	out := make([]migrations.Object, 0, len(r.Values))
	for _, v := range r.Values {
		out = append(out, migrations.Object{Type: text(v, 0), Name: text(v, 1), Table: text(v, 2), SQL: text(v, 3)})
	}
	return out
}

func ledgerRows(r Rows) []migrations.LedgerRow {
	out := make([]migrations.LedgerRow, 0, len(r.Values))
	for _, v := range r.Values {
		id, _ := v[0].(int64)
		out = append(out, migrations.LedgerRow{ID: id, Name: text(v, 1), AppliedAt: text(v, 2)})
	}
	return out
}

func text(row []any, i int) string {
	if i >= len(row) || row[i] == nil {
		return ""
	}
	if s, ok := row[i].(string); ok {
		return s
	}
	return fmt.Sprint(row[i])
}

func hasTable(objs []migrations.Object, name string) bool {
	for _, o := range objs {
		if o.Type == "table" && o.Name == name {
			return true
		}
	}
	return false
}

func names(ledger []migrations.LedgerRow) []string {
	out := make([]string, len(ledger))
	for i, r := range ledger {
		out[i] = r.Name
	}
	return out
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
}

// draft is a plan in the making.
type draft struct {
	project Project
	run     release.Run
	release release.Release
	files   []migrations.File
	target  target
	sums    map[string]migrations.Checksum
}

// plan reads the target and works out what the run would do to it now. Nothing is changed, but for a blob with the
// statements as they would be sent.
func (e *Engine) plan(ctx context.Context, p Project, run release.Run) (planned, error) {
	d := draft{project: p, run: run}
	var known release.Target
	if run.Plan != nil {
		known = run.Plan.Target
	}
	var err error
	if d.target, err = e.look(ctx, p, run.Environment, known); err != nil {
		return planned{}, err
	}
	var applied map[string]release.Applied
	err = e.store.View(ctx, func(tx Tx) error {
		var ok bool
		if d.release, ok = tx.Release(p.Name, run.Release); !ok {
			return release.Refuse(release.CodeUnknownRelease, "release", fmt.Sprint(run.Release))
		}
		applied = tx.Checksums(p.Name, run.Environment)
		return nil
	})
	if err != nil {
		return planned{}, err
	}
	d.sums = make(map[string]migrations.Checksum, len(applied))
	for name, a := range applied {
		d.sums[name] = a.Checksum
	}
	if d.files, err = e.files(ctx, d.release); err != nil {
		return planned{}, err
	}
	switch run.Kind {
	case release.Rollback:
		return e.planBack(ctx, d)
	case release.Reset:
		return e.planReset(ctx, d)
	default:
		return e.planForward(ctx, d, d.target.Objects, d.target.Ledger, nil)
	}
}

// planForward plans the pending migrations on a schema and ledger: the target's own, or what a reset will have made of it.
func (e *Engine) planForward(ctx context.Context, d draft, objs []migrations.Object, ledger []migrations.LedgerRow, before []migrations.Transaction) (planned, error) {
	out := planned{plan: d.base()}
	diff := migrations.Compare(d.files, ledger, d.sums)
	out.difference = gate.Known(diff, d.target.At)
	on := d.target
	if before != nil {
		on = target{Objects: objs} // a rebuilt preview has no rows that break foreign keys
	}
	o, err := e.options(ctx, d.project, on, diff.Pending)
	if err != nil {
		return out, err
	}
	txs, err := migrations.Apply(diff.Pending, o)
	if err != nil {
		return out, badMigration(err)
	}
	if len(diff.Pending) == 0 {
		txs = nil
	}
	report, err := rehearse.Run(ctx, rehearse.Target{Objects: objs, Ledger: ledger, LedgerTable: d.project.ledger()}, txs)
	if err != nil {
		return out, fmt.Errorf("rehearse on a copy of %s: %w", d.target.Database.Database, err)
	}
	out.rehearsal = gate.Known(report, d.target.At)
	out.plan.Applied = names(ledger)
	for _, f := range diff.Pending {
		out.plan.Pending = append(out.plan.Pending, pending(f.Name, f.Name, f.Checksum().Raw, txs))
	}
	for _, name := range diff.OutOfOrder {
		out.plan.Findings = append(out.plan.Findings, release.Finding{Code: "out_of_order", File: name})
	}
	note(&out.plan, report)
	out.plan.Transactions, out.plan.Statements = len(txs), own(txs)
	return out, e.keepScript(ctx, &out.plan, append(before, txs...))
}

// note takes over what the rehearsal found out that does not refuse the plan.
func note(plan *release.Plan, report rehearse.Report) {
	for _, w := range report.Warnings {
		plan.Findings = append(plan.Findings, release.Finding{Code: "fails_with_rows", File: w.File, Line: w.Line, Text: w.Message})
	}
	for _, u := range report.Unrehearsed {
		plan.Findings = append(plan.Findings, release.Finding{Code: "not_rehearsed", File: u.File, Line: u.Line, Text: u.Message})
	}
	plan.RehearsedMS = report.Duration.Milliseconds()
	plan.Expected = rehearse.Fingerprint(report.After, plan.Ledger)
}

// base is what every plan of the draft says.
func (d draft) base() release.Plan {
	return release.Plan{
		Kind: d.run.Kind, Project: d.project.Name, Environment: d.run.Environment, Release: d.release.Number, Bundle: d.release.Digest,
		Target: d.target.Database, Ledger: d.project.ledger(), Fingerprint: rehearse.Fingerprint(d.target.Objects, d.project.ledger()),
		Policy: release.Policy{Approvals: d.project.approvals(d.run)},
		Tables: countable(d.target.Objects, d.project.ledger()), Large: d.target.Size > countLimit,
	}
}

func (p Project) approvals(run release.Run) int {
	if run.Environment != release.Production {
		return 0
	}
	return max(1, p.Approvals)
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
			return planned{}, badMigration(err)
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

// badMigration turns what the splitter says into a refusal with file and line.
func badMigration(err error) error {
	if s, ok := errors.AsType[*migrations.SyntaxError](err); ok {
		return release.Refuse(release.CodeBadMigration, "file", s.File, "line", fmt.Sprint(s.Line), "problem", s.Reason)
	}
	return release.Refuse(release.CodeBadMigration, "problem", err.Error())
}

// wrap adds what was being done, and leaves nil alone.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
