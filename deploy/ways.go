package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/rehearse"
)

// backing is what the ways back are weighed on.
type backing struct {
	draft
	history []release.Change
	live    release.Release // its content
	dest    destination
	state   release.State
	// surplus are names that the ledger holds and the destination's did not, lacking the other way round.
	surplus, lacking []string
}

// weighed is one way back, with what a plan takes from it.
type weighed struct {
	back    release.Back
	pending []release.Pending
	txs     []migrations.Transaction
	report  *rehearse.Report // of the rehearsal of txs
}

// weigh looks at all ways back, the cheapest first. One that cannot be taken says why.
func (e *Engine) weigh(ctx context.Context, b backing) ([]weighed, error) {
	nothing, err := e.wayNothing(ctx, b)
	if err != nil {
		return nil, err
	}
	if len(b.surplus) == 0 && len(b.lacking) == 0 {
		return []weighed{nothing}, nil // the database is as it was: there is nothing to weigh
	}
	down, err := e.wayDown(ctx, b)
	if err != nil {
		return nil, err
	}
	return []weighed{nothing, down, e.wayTravel(ctx, b)}, nil
}

// pick is the way that was chosen, or else the first that can be taken. The refusal is the chosen one's, or the last
// resort's.
func pick(ways []weighed, chosen release.Way) (weighed, *release.Refusal) {
	for _, w := range ways {
		if chosen != "" && w.back.Way == chosen || chosen == "" && w.back.Not == nil {
			return w, w.back.Not
		}
	}
	if chosen != "" {
		return weighed{}, release.Refuse(release.CodeNoSuchWay, "way", string(chosen))
	}
	return weighed{}, ways[len(ways)-1].back.Not
}

// take makes a plan go back one way.
func (e *Engine) take(ctx context.Context, plan *release.Plan, w weighed) error {
	plan.Back, plan.Pending = &w.back, w.pending
	switch w.back.Way {
	case release.WayNothing:
		plan.Expected = plan.Fingerprint
	case release.WayDown:
		note(plan, *w.report)
		plan.Transactions, plan.Statements = len(w.txs), own(w.txs)
		return e.keepScript(ctx, plan, w.txs)
	}
	return nil
}

// wayNothing is the way on which nothing is undone: the database is as it was, or it only has more, which the older code
// does not notice. The ledger keeps its names, so that wrangler, too, finds them applied.
func (e *Engine) wayNothing(ctx context.Context, b backing) (weighed, error) {
	back := release.Back{Way: release.WayNothing, Price: release.Price{Counted: true}, Ledger: names(b.target.Ledger)}
	if len(b.surplus) == 0 && len(b.lacking) == 0 {
		return weighed{back: back}, nil
	}
	back.Left = b.surplus
	if len(b.lacking) > 0 {
		back.Not = release.Refuse(release.CodeNotOnlyMore, "release", fmt.Sprint(b.run.Release)).Listing(prefixed("no longer applied: ", b.lacking)...)
		return weighed{back: back}, nil
	}
	found, err := e.expansion(ctx, b)
	if err != nil {
		return weighed{}, err
	}
	back.Adds, back.Careful = found.Adds, found.Careful
	if !found.Works() {
		back.Not = release.Refuse(release.CodeNotOnlyMore, "release", fmt.Sprint(b.run.Release)).Listing(found.Why...)
	}
	return weighed{back: back}, nil
}

func prefixed(with string, list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = with + s
	}
	return out
}

// expansion judges whether the destination's code works on with the schema as it is.
func (e *Engine) expansion(ctx context.Context, b backing) (rehearse.Expansion, error) {
	since, missing, err := e.contents(ctx, b, b.surplus)
	if err != nil {
		return rehearse.Expansion{}, err
	}
	if len(missing) > 0 {
		return rehearse.Expansion{Why: prefixed("what it did is not known: ", missing)}, nil
	}
	base, why, err := e.schemaThen(ctx, b)
	if err != nil || why != "" {
		return rehearse.Expansion{Why: []string{why}}, err
	}
	txs, err := migrations.Apply(since, migrations.Options{Ledger: b.project.ledger(), Unasserted: true})
	if err != nil {
		return rehearse.Expansion{Why: []string{err.Error()}}, nil //nolint:nilerr // a file that cannot be read says nothing
	}
	found, err := rehearse.Expands(ctx, base, b.target.Objects, txs)
	if _, schema := errors.AsType[*rehearse.SchemaError](err); schema {
		return rehearse.Expansion{Why: []string{err.Error()}}, nil
	}
	return found, wrap(err, "judge what the newer releases added")
}

// onlyAdds judges whether the code that is live now will work on with the database after a release, its backfill included.
// What cannot be judged does not.
func (e *Engine) onlyAdds(ctx context.Context, d draft, base rehearse.Target, after []migrations.Object, pending []migrations.File) (bool, error) {
	if d.run.Environment != release.Production || d.live == 0 || len(pending) == 0 {
		return false, nil
	}
	txs, err := migrations.Apply(pending, migrations.Options{Ledger: d.project.ledger()})
	if err != nil {
		return false, nil //nolint:nilerr // a file that cannot be read says nothing
	}
	found, err := rehearse.Expands(ctx, base, after, txs)
	if _, schema := errors.AsType[*rehearse.SchemaError](err); schema {
		return false, nil
	}
	return found.Works(), wrap(err, "judge what the release adds")
}

// contents are migrations by name, as the live release or the destination has them, in the order asked for.
func (e *Engine) contents(ctx context.Context, b backing, wanted []string) (found []migrations.File, missing []string, err error) {
	have, err := e.files(ctx, b.live)
	if err != nil {
		return nil, nil, err
	}
	have = append(have, b.files...)
	for _, name := range wanted {
		i := slices.IndexFunc(have, func(f migrations.File) bool { return f.Name == name })
		if i < 0 {
			missing = append(missing, name)
			continue
		}
		found = append(found, have[i])
	}
	found, err = whole(found)
	return found, missing, err
}

// schemaThen is the schema that the destination's code was live with: as it was read back then, or else what its migrations
// make of nothing.
func (e *Engine) schemaThen(ctx context.Context, b backing) (t rehearse.Target, why string, err error) {
	t = rehearse.Target{LedgerTable: b.project.ledger()}
	for i, name := range b.dest.ledger {
		t.Ledger = append(t.Ledger, migrations.LedgerRow{ID: int64(i + 1), Name: name})
	}
	if b.dest.change.Schema != "" && slices.Equal(b.dest.change.Ledger, b.dest.ledger) {
		if t.Objects, err = e.schema(ctx, b.dest.change.Schema); err == nil {
			return t, "", nil
		}
		e.log.WarnContext(ctx, "the schema of an earlier release cannot be read", "project", b.project.Name, "release", b.run.Release, "error", err)
	}
	unknown := fmt.Sprintf("the schema that #%d was live with is not known", b.run.Release)
	then, missing, err := e.contents(ctx, b, b.dest.ledger)
	if err != nil || len(missing) > 0 {
		return t, unknown, err
	}
	txs, err := migrations.Apply(then, migrations.Options{Ledger: b.project.ledger(), Unasserted: true})
	if err != nil {
		return t, unknown, nil //nolint:nilerr // it cannot be known, then
	}
	report, err := rehearse.Run(ctx, rehearse.Target{LedgerTable: b.project.ledger()}, txs)
	if err != nil || report.Failure != nil {
		return t, unknown, wrap(err, "make the schema of release #%d anew", b.run.Release)
	}
	t.Objects = report.After
	return t, "", nil
}

// wayDown is the way by DOWN files, newest first. They are rehearsed down and up again, which must lead back to the very
// schema that is there now.
func (e *Engine) wayDown(ctx context.Context, b backing) (weighed, error) {
	w := weighed{back: release.Back{Way: release.WayDown, Ledger: b.dest.ledger}}
	if len(b.lacking) > 0 {
		w.back.Missing = b.lacking
		w.back.Not = release.Refuse(release.CodeDownFails, "problem", "migrations of the release are no longer applied").Listing(b.lacking...)
		return w, nil
	}
	ups, missing, err := e.contents(ctx, b, b.surplus)
	if err != nil {
		return w, err
	}
	for _, f := range ups {
		if f.Down == nil || len(f.Down) > 0 && !f.WayBack() { // an empty one is what whole gives a backfill
			missing = append(missing, f.Name)
		}
	}
	if len(missing) > 0 {
		migrations.Sort(missing)
		w.back.Missing, w.back.Not = missing, release.Refuse(release.CodeNoDown).Listing(missing...)
		return w, nil
	}
	downs := slices.Clone(ups)
	slices.Reverse(downs)
	o, err := e.options(ctx, b.project, b.target, downs)
	if err != nil {
		return w, err
	}
	if w.txs, err = migrations.Undo(downs, o); err != nil {
		return w.fails(b.surplus, "problem", err.Error()), nil
	}
	on := rehearse.Target{Objects: b.target.Objects, Ledger: b.target.Ledger, LedgerTable: b.project.ledger()}
	report, err := rehearse.Run(ctx, on, w.txs)
	if err != nil {
		return w, fmt.Errorf("rehearse the DOWN files: %w", err)
	}
	w.report = &report
	if no := downRefused(report); no != nil {
		return w.fails(b.surplus, no...), nil
	}
	if no, err := e.upAgain(ctx, b, report, ups); err != nil || no != nil {
		return w.fails(b.surplus, no...), err
	}
	w.back.Tables = report.Diff.TablesRemoved
	for _, c := range report.Diff.ColumnsRemoved {
		w.back.Columns = append(w.back.Columns, c.Table+"."+c.Name)
	}
	w.back.Price = e.priceOfTables(ctx, b.target, w.back.Tables)
	for _, f := range downs {
		w.pending = append(w.pending, pending(f.Name, "down/"+f.Name, f.Checksum().Raw, w.txs))
	}
	return w, nil
}

// fails makes it a way that cannot be taken, since DOWN files do not do.
func (w weighed) fails(which []string, facts ...string) weighed {
	w.back.Missing, w.back.Not = which, release.Refuse(release.CodeDownFails, facts...).Listing(which...)
	return w
}

// downRefused are the facts of what speaks against DOWN files in their rehearsal; nil: nothing.
func downRefused(report rehearse.Report) []string {
	if f := report.Failure; f != nil {
		return []string{"file", f.File, "line", fmt.Sprint(f.Line), "words", f.Message}
	}
	if len(report.Losses) > 0 {
		l := report.Losses[0]
		return []string{"file", l.File, "line", fmt.Sprint(l.Line), "table", l.Table, "kind", string(l.Kind)}
	}
	return nil
}

// upAgain applies what DOWN files took back once more, on the copy, and compares: a DOWN that forgets something would leave
// it to whoever comes next.
func (e *Engine) upAgain(ctx context.Context, b backing, down rehearse.Report, ups []migrations.File) ([]string, error) {
	ledger := slices.DeleteFunc(slices.Clone(b.target.Ledger), func(r migrations.LedgerRow) bool { return slices.Contains(b.surplus, r.Name) })
	txs, err := migrations.Apply(ups, migrations.Options{Ledger: b.project.ledger(), Unasserted: true})
	if err != nil {
		return []string{"problem", err.Error()}, nil //nolint:nilerr // what cannot be read cannot be compared
	}
	report, err := rehearse.Run(ctx, rehearse.Target{Objects: down.After, Ledger: ledger, LedgerTable: b.project.ledger()}, txs)
	if err != nil {
		return nil, fmt.Errorf("rehearse the way up again: %w", err)
	}
	if f := report.Failure; f != nil {
		return []string{"again", "failed", "file", f.File, "line", fmt.Sprint(f.Line), "words", f.Message}, nil
	}
	if rehearse.Fingerprint(report.After, b.project.ledger()) == rehearse.Fingerprint(b.target.Objects, b.project.ledger()) {
		return nil, nil
	}
	diff, err := rehearse.Compare(ctx, b.target.Objects, report.After, b.project.ledger())
	if err != nil {
		return nil, fmt.Errorf("compare what going down and up again leaves: %w", err)
	}
	return []string{"again", "differs", "words", first(changed(diff))}, nil
}

func first(list []string) string {
	if len(list) == 0 {
		return "the texts of the schema"
	}
	return list[0]
}

// changed says a difference of two schemas, one line for each thing.
func changed(d rehearse.Diff) (lines []string) {
	for _, t := range d.TablesRemoved {
		lines = append(lines, "table "+t+" removed")
	}
	for _, t := range d.TablesAdded {
		lines = append(lines, "table "+t+" added")
	}
	for _, c := range d.ColumnsRemoved {
		lines = append(lines, fmt.Sprintf("column %s.%s removed", c.Table, c.Name))
	}
	for _, c := range d.ColumnsAdded {
		lines = append(lines, fmt.Sprintf("column %s.%s added", c.Table, c.Name))
	}
	return append(lines, d.Other...)
}

// wayTravel is Time Travel to the moment at which a successor of the destination was about to change the database.
func (e *Engine) wayTravel(ctx context.Context, b backing) weighed {
	point := b.dest.point
	w := weighed{back: release.Back{Way: release.WayTimeTravel, To: point, Ledger: b.dest.ledger}}
	if problem := b.lost(); problem != "" {
		w.back.Not = release.Refuse(release.CodePointMissing, "release", fmt.Sprint(b.run.Release), "problem", problem, "database", b.project.Production, "project", b.project.Name)
		return w
	}
	if point == nil {
		w.back.Not = release.Refuse(release.CodePointMissing, "release", fmt.Sprint(b.run.Release))
		return w
	}
	now := e.now()
	w.back.Until = point.At.Add(e.retention())
	left, again := b.state.RestoresLeft(now)
	w.back.Restores = left
	switch {
	case !now.Before(w.back.Until):
		w.back.Not = release.Refuse(release.CodePointExpired, "at", point.At.UTC().Format(time.RFC3339), "command", point.Command(), "days", fmt.Sprint(release.Days(e.retention())))
		return w
	case left == 0:
		w.back.Not = release.Refuse(release.CodeRestoresUsed, "until", again.UTC().Format(time.RFC3339))
	}
	w.back.Price = e.priceOfReturn(ctx, b.target, b.project.ledger(), *point)
	for _, name := range b.surplus {
		w.pending = append(w.pending, release.Pending{Name: name})
	}
	return w
}

// What became of the database that the releases went to, as CodePointMissing names it.
const (
	databaseGone  = "database_gone"
	databaseOther = "another_database" // the restore points are not of this one
)

// lost says whether the database in which the restore point leads back is not there any more; empty: it is.
func (b backing) lost() string {
	point, now := b.dest.point, b.target.Database.ID
	switch before := b.state.DatabaseID; {
	case now == "" && (before != "" || point != nil):
		return databaseGone
	case before != "" && before != now, point != nil && point.DatabaseID != now:
		return databaseOther
	}
	return ""
}

// promised is how long Time Travel leads back where the account's plan is known, 0 where it is not.
func (e *Engine) promised() time.Duration {
	if e.free || e.paid {
		return e.retention()
	}
	return 0
}

// retention is how long Time Travel leads back.
func (e *Engine) retention() time.Duration {
	if e.free {
		return release.RetentionFree
	}
	return release.Retention
}
