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
	adds   bool     // every change since then only added to the database
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
		found.adds = !slices.ContainsFunc(history[:i+1], func(c release.Change) bool { return c.Before != nil && !c.Adds })
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

// planBack plans a rollback. Every way is weighed, with its price; the cheapest that works is taken, or the one that was
// chosen.
func (e *Engine) planBack(ctx context.Context, d draft) (planned, error) {
	b := backing{draft: d}
	err := e.store.View(ctx, func(tx Tx) error {
		b.history = tx.Changes(d.project.Name, d.run.Environment, 0, historyLimit)
		if len(b.history) > 0 {
			b.live, _ = tx.Release(d.project.Name, b.history[0].Release)
		}
		b.state = tx.State(d.project.Name, d.run.Environment)
		return nil
	})
	if err != nil {
		return planned{}, err
	}
	var refusal *release.Refusal
	if b.dest, refusal = findDestination(b.history, d.run.Release); refusal != nil {
		return planned{}, refusal
	}
	out := planned{plan: d.base()}
	out.difference = gate.Known(migrations.Difference{}, d.target.At)
	out.rehearsal = gate.Known(rehearse.Report{}, d.target.At)
	out.plan.Applied = names(d.target.Ledger)
	b.surplus, b.lacking = without(out.plan.Applied, b.dest.ledger), without(b.dest.ledger, out.plan.Applied)
	ways, err := e.weigh(ctx, b)
	if err != nil {
		return planned{}, err
	}
	taken, refusal := pick(ways, d.run.Way)
	if refusal != nil {
		return planned{}, refusal
	}
	out.plan.Ways = []release.Back{taken.back}
	for _, w := range ways {
		if w.back.Way != taken.back.Way {
			out.plan.Ways = append(out.plan.Ways, w.back)
		}
	}
	return out, e.take(ctx, &out.plan, taken)
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
		queries[i] = `SELECT count(*) AS __towline_n FROM "` + strings.ReplaceAll(t, `"`, `""`) + `"`
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
// were updated since cannot be counted, so the figure is never the whole price. What Cloudflare counted stands beside it.
func (e *Engine) priceOfReturn(ctx context.Context, t target, ledger string, point release.RestorePoint) release.Price {
	price := e.rowsSince(ctx, t, ledger, point)
	price.Written, price.WrittenAt = e.writtenSince(ctx, t.Database.ID, point.At)
	return price
}

// analyticsTimeout is how long a plan waits for Cloudflare's figures, which it can do without.
const analyticsTimeout = 5 * time.Second

// writtenSince is how many rows Cloudflare counted as written since a moment, and up to when; the zero time: it does not say.
func (e *Engine) writtenSince(ctx context.Context, id string, since time.Time) (int64, time.Time) {
	if e.analytics == nil {
		return 0, time.Time{}
	}
	ctx, cancel := e.within(ctx, analyticsTimeout)
	defer cancel()
	rows, asOf, err := e.analytics.RowsWritten(ctx, id, since)
	if err != nil {
		e.log.WarnContext(ctx, "Cloudflare does not say how many rows were written", "error", err)
		return 0, time.Time{}
	}
	return rows, asOf
}

func (e *Engine) rowsSince(ctx context.Context, t target, ledger string, point release.RestorePoint) release.Price {
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
