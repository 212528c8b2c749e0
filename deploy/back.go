package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/rehearse"
)

// historyLimit is how many changes back a rollback looks for its destination. Time Travel's 30 days hold fewer.
const historyLimit = 200

// destination is where a rollback goes: the change that made the release live, and the first restore point after it. A
// change without one changed nothing in the database.
type destination struct {
	change release.Change
	point  *release.RestorePoint
	ledger []string // names that the ledger held when the destination's time ended; wrangler may have added some
}

// findDestination picks the change to go back to: the newest that made the numbered release live, or without a number
// the newest whose release is another than the live one.
func findDestination(history []release.Change, number uint64) (destination, *release.Refusal) {
	if len(history) == 0 {
		return destination{}, release.Refuse(release.CodeNothingBefore)
	}
	live := history[0].Release
	if number == live {
		return destination{}, release.Refuse(release.CodeAlreadyLive, "release", fmt.Sprint(number))
	}
	for i, c := range history[1:] {
		if c.Release == live || (number != 0 && c.Release != number) {
			continue
		}
		found := destination{change: c, ledger: history[0].Ledger}
		for j := i; j >= 0 && found.point == nil; j-- {
			if found.point = history[j].Before; found.point != nil {
				found.ledger = found.point.Ledger
			}
		}
		return found, nil
	}
	if number != 0 {
		return destination{}, release.Refuse(release.CodeUnknownRelease, "release", fmt.Sprint(number), "environment", string(release.Production))
	}
	refusal := release.Refuse(release.CodeNothingBefore, "release", fmt.Sprint(live))
	if p := history[len(history)-1].Before; p != nil {
		refusal.Facts["command"] = p.Command()
	}
	return destination{}, refusal
}

// planBack plans a rollback: nothing, DOWN files, or Time Travel, whichever is the cheapest that works.
func (e *Engine) planBack(ctx context.Context, d draft) (planned, error) {
	var (
		history []release.Change
		live    release.Release
	)
	err := e.store.View(ctx, func(tx Tx) error {
		history = tx.Changes(d.project.Name, d.run.Environment, 0, historyLimit)
		if len(history) > 0 {
			live, _ = tx.Release(d.project.Name, history[0].Release)
		}
		return nil
	})
	if err != nil {
		return planned{}, err
	}
	dest, refusal := findDestination(history, d.run.Release)
	if refusal != nil {
		return planned{}, refusal
	}
	out := planned{plan: d.base()}
	out.difference = gate.Known(migrations.Difference{}, d.target.At)
	out.rehearsal = gate.Known(rehearse.Report{}, d.target.At)
	out.plan.Applied = names(d.target.Ledger)
	ledger := dest.ledger
	surplus, lacking := without(out.plan.Applied, ledger), without(ledger, out.plan.Applied)
	switch {
	case len(surplus) == 0 && len(lacking) == 0:
		out.plan.Back = &release.Back{Way: release.WayNothing, Price: release.Price{Counted: true}, Ledger: ledger}
		out.plan.Expected = out.plan.Fingerprint
		return out, nil
	case len(lacking) == 0:
		done, missing, err := e.planDown(ctx, d, &out, live, surplus)
		if done {
			out.plan.Back.Ledger = ledger
		}
		if err != nil || done {
			return out, err
		}
		out.plan.Back = &release.Back{Missing: missing}
	default:
		out.plan.Back = &release.Back{}
	}
	out.plan.Back.Ledger = ledger
	return out, e.planTravel(ctx, d, &out, dest, surplus)
}

// planDown tries the way by DOWN files. done=false with the names that have none, or whose DOWN does not do.
func (e *Engine) planDown(ctx context.Context, d draft, out *planned, live release.Release, surplus []string) (done bool, missing []string, err error) {
	have, err := e.files(ctx, live)
	if err != nil {
		return false, nil, err
	}
	var downs []migrations.File
	for _, name := range surplus {
		i := slices.IndexFunc(have, func(f migrations.File) bool { return f.Name == name && f.Down != nil })
		if i < 0 {
			missing = append(missing, name)
			continue
		}
		downs = append(downs, have[i])
	}
	if len(missing) > 0 {
		return false, missing, nil
	}
	slices.Reverse(downs) // newest first
	o, err := e.options(ctx, d.project, d.target, downs)
	if err != nil {
		return false, nil, err
	}
	txs, err := migrations.Undo(downs, o)
	if err != nil {
		return false, surplus, nil //nolint:nilerr // a DOWN that cannot be read is no way back; Time Travel is
	}
	report, err := rehearse.Run(ctx, rehearse.Target{Objects: d.target.Objects, Ledger: d.target.Ledger, LedgerTable: d.project.ledger()}, txs)
	if err != nil {
		return false, nil, fmt.Errorf("rehearse the DOWN files: %w", err)
	}
	if report.Failure != nil || len(report.Losses) > 0 {
		return false, surplus, nil
	}
	back := &release.Back{Way: release.WayDown, Tables: report.Diff.TablesRemoved}
	for _, c := range report.Diff.ColumnsRemoved {
		back.Columns = append(back.Columns, c.Table+"."+c.Name)
	}
	back.Price = e.priceOfTables(ctx, d.target, back.Tables)
	out.plan.Back = back
	for _, f := range downs {
		out.plan.Pending = append(out.plan.Pending, pending(f.Name, "down/"+f.Name, f.Checksum().Raw, txs))
	}
	note(&out.plan, report)
	out.plan.Transactions, out.plan.Statements = len(txs), own(txs)
	return true, nil, e.keepScript(ctx, &out.plan, txs)
}

// planTravel plans Time Travel to the moment at which a successor of the destination was about to change the database.
func (e *Engine) planTravel(ctx context.Context, d draft, out *planned, dest destination, surplus []string) error {
	point := dest.point
	if point == nil {
		return release.Refuse(release.CodePointMissing, "release", fmt.Sprint(d.run.Release))
	}
	if age := e.now().Sub(point.At); age > release.Retention {
		return release.Refuse(release.CodePointExpired, "at", point.At.UTC().Format(time.RFC3339), "command", point.Command())
	}
	if point.DatabaseID != d.target.Database.ID {
		return release.Refuse(release.CodePointMissing, "release", fmt.Sprint(d.run.Release), "problem", "another_database")
	}
	out.plan.Back.Way, out.plan.Back.To = release.WayTimeTravel, point
	out.plan.Back.Price = e.priceOfReturn(ctx, d.target, d.project.ledger(), *point)
	for _, name := range surplus {
		out.plan.Pending = append(out.plan.Pending, release.Pending{Name: name})
	}
	return nil
}

// countLimit is the largest database whose rows are counted for a price: counting reads every row, which D1 bills and
// which keeps its one writer waiting.
const countLimit = 500 << 20

// count returns the rows of the tables. The database answers for all of them on one state.
func (e *Engine) count(ctx context.Context, id string, tables []string) (map[string]int64, error) {
	if len(tables) == 0 {
		return map[string]int64{}, nil
	}
	queries := make([]string, len(tables))
	for i, t := range tables {
		queries[i] = `SELECT count(*) FROM "` + strings.ReplaceAll(t, `"`, `""`) + `"`
	}
	rows, err := e.d1.Read(ctx, id, queries)
	if err != nil {
		return nil, fmt.Errorf("count rows: %w", err)
	}
	out := make(map[string]int64, len(tables))
	for i, r := range rows {
		if len(r.Values) == 1 && len(r.Values[0]) == 1 {
			out[tables[i]], _ = r.Values[0][0].(int64)
		}
	}
	return out, nil
}

// countable lists the tables whose rows are somebody's data: neither the ledger, nor a virtual table and its shadows.
func countable(objs []migrations.Object, ledger string) []string {
	var virtual, out []string
	for _, o := range objs {
		if o.Type == "table" && isVirtual(o) {
			virtual = append(virtual, o.Name+"_")
		}
	}
	for _, o := range objs {
		shadow := slices.ContainsFunc(virtual, func(prefix string) bool { return strings.HasPrefix(o.Name, prefix) })
		if o.Type == "table" && o.Name != ledger && !isVirtual(o) && !shadow {
			out = append(out, o.Name)
		}
	}
	return out
}

func isVirtual(o migrations.Object) bool {
	return strings.HasPrefix(strings.ToUpper(strings.TrimSpace(o.SQL)), "CREATE VIRTUAL")
}

// priceOfReturn is what Time Travel to a point loses: at least the rows that are more now than they were then. Rows that
// were updated since cannot be counted, so the figure is never the whole price.
func (e *Engine) priceOfReturn(ctx context.Context, t target, ledger string, point release.RestorePoint) release.Price {
	if point.Rows == nil {
		return release.Price{Reason: release.NotCountedThen}
	}
	if t.Size > countLimit {
		return release.Price{Reason: release.NotCountedNow}
	}
	now, err := e.count(ctx, t.Database.ID, countable(t.Objects, ledger))
	if err != nil {
		return release.Price{Reason: release.NotCountedNow}
	}
	price := release.Price{Counted: true, Tables: map[string]int64{}}
	for table, n := range now {
		if more := n - point.Rows[table]; more > 0 {
			price.Tables[table] = more
			price.AtLeast += more
		}
	}
	return price
}

// priceOfTables is what dropping the tables loses: their rows, all of them.
func (e *Engine) priceOfTables(ctx context.Context, t target, tables []string) release.Price {
	rows, err := e.count(ctx, t.Database.ID, tables)
	if err != nil {
		return release.Price{Reason: release.NotCountedNow}
	}
	price := release.Price{Counted: true, Tables: rows}
	for _, n := range rows {
		price.AtLeast += n
	}
	return price
}

func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(n string) bool { return slices.Contains(b, n) })
}
