package deploy

import (
	"context"
	"fmt"
	"slices"

	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/drizzle"
	"towline/migrations/layout"
	"towline/migrations/rehearse"
)

// Baseline asks for production's database, which others made, to be adopted: the migrations that are plainly there are
// recorded in the ledger, and nothing else is done. upTo names the last file to record; empty: Towline works it out. Where
// the schema does not agree with that, only an admin may insist.
func (e *Engine) Baseline(ctx context.Context, r Request, upTo string) (release.Run, error) {
	p, err := e.may(ctx, r, gate.Deployer, string(release.Baseline))
	if err != nil {
		return release.Run{}, err
	}
	var run release.Run
	var number uint64
	if number, err = e.adoptable(ctx, p, r); err == nil {
		want := release.Run{Kind: release.Baseline, Environment: release.Production, Release: number, UpTo: upTo}
		if err = e.store.View(ctx, func(tx Tx) error {
			want.Forced = upTo != "" && e.actor(tx, r.By).Role >= gate.Admin
			return nil
		}); err == nil {
			run, err = e.ask(ctx, p, r, want)
		}
	}
	return run, e.told(ctx, r, string(release.Baseline), err)
}

// adoptable is the release by whose files a database is adopted: preview's, else the newest, else what the source holds now.
func (e *Engine) adoptable(ctx context.Context, p Project, r Request) (number uint64, err error) {
	err = e.store.View(ctx, func(tx Tx) error {
		if number = tx.State(p.Name, release.Preview).Live; number == 0 {
			if newest := tx.Releases(p.Name, 0, 1); len(newest) > 0 {
				number = newest[0].Number
			}
		}
		return nil
	})
	if err != nil || number != 0 {
		return number, err
	}
	ref := ""
	switch choices, err := p.Source.Choices(ctx); {
	case err == nil && len(choices) == 1:
		ref = choices[0]
	case err == nil && len(choices) > 1:
		return 0, release.Refuse(release.CodeNotOnPreview, "release", "0", "preview", "0") // which one is meant, a deploy says
	}
	snapshot, err := p.Source.Fetch(ctx, ref)
	if err != nil {
		return 0, &OutsideError{Refusal: release.Refuse(release.CodeSource, "problem", err.Error()), Err: err}
	}
	made, err := e.bundle(ctx, p, snapshot)
	if err != nil {
		return 0, err
	}
	return number, e.update(ctx, func(tx Tx) error {
		var known bool
		if number, known = tx.ReleaseOf(p.Name, made.Digest); known {
			return nil
		}
		next := made
		next.Number, next.CreatedBy, next.CreatedAt = tx.NextRelease(p.Name), r.By.Person, e.now()
		if ref := snapshot.Origin.Ref; ref != "" {
			next.Refs = []string{ref}
		}
		tx.PutRelease(next)
		number = next.Number
		return nil
	})
}

// planBaseline plans the ledger rows that adopting a database takes, as one transaction.
func (e *Engine) planBaseline(ctx context.Context, d draft) (planned, error) {
	out := planned{plan: d.base()}
	out.difference = gate.Known(migrations.Difference{}, d.target.At)
	out.rehearsal = gate.Known(rehearse.Report{}, d.target.At)
	out.plan.Applied = names(d.target.Ledger)
	a, err := e.adopting(ctx, d)
	if err != nil {
		return planned{}, err
	}
	chosen, err := a.choose(ctx, d.run)
	if err != nil {
		return planned{}, err
	}
	tx := migrations.Transaction{Statements: []migrations.Planned{{SQL: migrations.CreateLedger(d.project.ledger())}}}
	for _, f := range a.files {
		switch {
		case slices.Contains(out.plan.Applied, f.Name):
		case slices.Contains(chosen.recorded, f.Name):
			out.plan.Pending = append(out.plan.Pending, release.Pending{Name: f.Name, Checksum: f.Checksum().Raw})
			tx.Names = append(tx.Names, f.Name)
			tx.Statements = append(tx.Statements, migrations.Planned{SQL: migrations.Record(d.project.ledger(), f.Name)})
		default:
			chosen.Left = append(chosen.Left, f.Name)
		}
	}
	if len(tx.Names) == 0 {
		return planned{}, release.Refuse(release.CodeNothingToAdopt, "why", "agrees", "database", d.target.Database.Database)
	}
	out.plan.Baseline, out.plan.Transactions, out.plan.Expected = &chosen.BaselinePlan, 1, out.plan.Fingerprint
	return out, e.keepScript(ctx, &out.plan, []migrations.Transaction{tx})
}

// adoption is a database that others made, beside the files of a release.
type adoption struct {
	files   []migrations.File
	live    []migrations.Object // without ledgers
	table   string              // the ledger's
	ledger  []string
	drizzle []string // files that Drizzle's own ledger has, nil where there is none
	strange []string // what stands in it without a file, in words
	states  []rehearse.Replayed
}

// choice is what would be recorded.
type choice struct {
	release.BaselinePlan
	recorded []string
}

// adopting gathers what is known of a database that is to be adopted.
func (e *Engine) adopting(ctx context.Context, d draft) (a adoption, err error) {
	a = adoption{files: d.files, table: d.project.ledger(), ledger: names(d.target.Ledger)}
	a.live = slices.DeleteFunc(theirs(d.target.Objects), func(o migrations.Object) bool {
		return o.Name == drizzle.DefaultLedger || o.Table == drizzle.DefaultLedger
	})
	pending := slices.ContainsFunc(d.files, func(f migrations.File) bool { return !slices.Contains(a.ledger, f.Name) })
	switch {
	case len(countable(a.live, a.table)) == 0:
		return a, release.Refuse(release.CodeNothingToAdopt, "why", "empty", "database", d.target.Database.Database)
	case !pending:
		return a, release.Refuse(release.CodeNothingToAdopt, "why", "complete", "database", d.target.Database.Database)
	}
	if hasTable(d.target.Objects, drizzle.DefaultLedger) {
		if err := e.readDrizzle(ctx, d, &a); err != nil {
			return a, err
		}
	}
	a.states, err = rehearse.Replay(ctx, d.files, a.table)
	return a, wrap(err, "replay the migrations of release #%d", d.release.Number)
}

// readDrizzle reads Drizzle's own ledger.
func (e *Engine) readDrizzle(ctx context.Context, d draft, a *adoption) error {
	rows, err := e.d1.Read(ctx, d.target.Database.ID, []string{drizzle.LedgerQuery("")})
	if err != nil {
		return fmt.Errorf("read Drizzle's ledger: %w", err)
	}
	var ledger []drizzle.LedgerRow
	for _, v := range rows[0].Values {
		at, _ := v[1].(int64)
		ledger = append(ledger, drizzle.LedgerRow{Hash: text(v, 0), CreatedAt: at, Name: text(v, 2)})
	}
	m := drizzle.MatchLedger(ledger, layout.Layout{Kind: layout.Kind(d.release.Layout)}, layout.Journal{}, d.files)
	a.drizzle = m.Applied
	a.strange = append(a.strange, prefixed("edited since Drizzle applied it: ", m.Edited)...)
	for _, row := range m.Unknown {
		a.strange = append(a.strange, fmt.Sprintf("Drizzle's ledger has a row without a file: %s %s", release.Short(row.Hash), row.Name))
	}
	return nil
}

// choose works out what to record.
func (a adoption) choose(ctx context.Context, run release.Run) (choice, error) {
	if run.UpTo != "" {
		return a.named(ctx, run)
	}
	if len(a.drizzle) > 0 {
		return a.byDrizzle(ctx)
	}
	first, last := -1, -1
	for k := a.least(); k <= len(a.files); k++ {
		if a.fits(k) {
			if last = k; first < 0 {
				first = k
			}
		}
	}
	switch {
	case first < 0:
		return choice{}, a.noneFits(ctx)
	case len(a.ledger) > 0:
		// Somebody records what is applied: a file that changes no schema and is not recorded was not applied.
		return choice{BaselinePlan: release.BaselinePlan{From: release.BaselineSchema}, recorded: a.prefix(first)}, nil
	}
	return choice{
		BaselinePlan: release.BaselinePlan{From: release.BaselineSchema, Unsure: a.prefix(last)[first:]}, recorded: a.prefix(last),
	}, nil
}

// least is how many files a prefix must have at least, so that it holds what the ledger has already.
func (a adoption) least() int {
	for k := len(a.files); k > 0; k-- {
		if slices.Contains(a.ledger, a.files[k-1].Name) {
			return k
		}
	}
	return 0
}

// prefix are the names of the first k files.
func (a adoption) prefix(k int) []string {
	out := make([]string, k)
	for i := range out {
		out[i] = a.files[i].Name
	}
	return out
}

// after is the schema that the first k files make of nothing.
func (a adoption) after(k int) []migrations.Object {
	if k == 0 {
		return nil
	}
	return a.states[k-1].Objects
}

// fits reports whether the first k files make exactly the schema that is there.
func (a adoption) fits(k int) bool {
	return rehearse.Fingerprint(a.after(k), a.table) == rehearse.Fingerprint(a.live, a.table)
}

// differs says how the schema that is there differs from what files make.
func (a adoption) differs(ctx context.Context, made []migrations.Object) ([]string, error) {
	if rehearse.Fingerprint(made, a.table) == rehearse.Fingerprint(a.live, a.table) {
		return nil, nil
	}
	d, err := rehearse.Compare(ctx, made, a.live, a.table)
	if err != nil {
		return nil, fmt.Errorf("compare the schema with the migrations: %w", err)
	}
	if d.Empty() {
		return []string{"the text of the schema differs"}, nil
	}
	return changed(d), nil
}

// named is the choice of a person. Where the schema does not agree it takes an admin.
func (a adoption) named(ctx context.Context, run release.Run) (choice, error) {
	i := slices.IndexFunc(a.files, func(f migrations.File) bool { return f.Name == run.UpTo })
	if i < 0 {
		return choice{}, release.Refuse(release.CodeUnknownFile, "file", run.UpTo, "release", fmt.Sprint(run.Release))
	}
	c := choice{BaselinePlan: release.BaselinePlan{From: release.BaselineNamed}, recorded: a.prefix(i + 1)}
	var err error
	if c.Differs, err = a.differs(ctx, a.after(i+1)); err != nil || len(c.Differs) == 0 || run.Forced {
		return c, err
	}
	return choice{}, release.Refuse(release.CodeNoBaseline, "file", run.UpTo, "nearest", run.UpTo).Listing(c.Differs...)
}

// byDrizzle records what Drizzle's own ledger has.
func (a adoption) byDrizzle(ctx context.Context) (choice, error) {
	c := choice{BaselinePlan: release.BaselinePlan{From: release.BaselineDrizzle, Differs: a.strange}, recorded: a.drizzle}
	var applied []migrations.File
	for _, f := range a.files {
		if slices.Contains(a.drizzle, f.Name) {
			applied = append(applied, f)
		}
	}
	states, err := rehearse.Replay(ctx, applied, a.table)
	if err != nil {
		return c, fmt.Errorf("replay what Drizzle applied: %w", err)
	}
	more, err := a.differs(ctx, states[len(states)-1].Objects)
	c.Differs = append(c.Differs, more...)
	return c, err
}

// noneFits refuses, with the prefix whose schema is the nearest.
func (a adoption) noneFits(ctx context.Context) error {
	var best []string
	at := -1
	for k := a.least(); k <= len(a.files); k++ {
		d, err := a.differs(ctx, a.after(k))
		if err != nil {
			return err
		}
		if at < 0 || len(d) <= len(best) {
			at, best = k, d
		}
	}
	r := release.Refuse(release.CodeNoBaseline).Listing(best...)
	r.Facts = map[string]string{}
	if at > 0 {
		r.Facts["nearest"] = a.files[at-1].Name
	}
	for _, s := range a.states {
		if s.Failed != "" {
			r.Facts["failed"], r.Facts["words"] = s.Name, s.Failed
			break
		}
	}
	return r
}

// adopted ends the baseline of an environment: its database is known, and so is what was recorded. What is live there is
// not: no code was shipped.
func (e *Engine) adopted(tx Tx, s *release.State, run *release.Run) {
	s.Database, s.DatabaseID = run.Plan.Target.Database, run.Plan.Target.ID
	if run.Seen != nil {
		s.Seen, s.Drift = run.Seen, nil
	}
	tx.PutStanding(run.Project, run.Environment, run.Release, standing(tx, *run))
	e.remember(tx, run, run.Plan.Names())
}
