package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/rehearse"
)

// checkLimit is the largest database whose whole is looked at before and after a change: quick_check and
// foreign_key_check read every row, and D1 ends a call after 30 s ("Limits", D1 docs).
const checkLimit = 200 << 20

// checkTimeout bounds such a look. It is worth a few seconds and never the run.
const checkTimeout = 20 * time.Second

// fullFingerprint reads what can be told of the whole database: schema, indexes, rows, foreign keys, quick_check.
func (e *Engine) fullFingerprint(ctx context.Context, id string, objects []migrations.Object, ledger string) (rehearse.FullFingerprint, error) {
	ctx, cancel := e.within(ctx, checkTimeout)
	defer cancel()
	answers, err := e.d1.Read(ctx, id, rehearse.FingerprintQueries(objects, ledger))
	if err != nil {
		return rehearse.FullFingerprint{}, fmt.Errorf("look at the whole database: %w", err)
	}
	values := make([][][]any, len(answers))
	for i, a := range answers {
		values[i] = a.Values
	}
	return rehearse.ReadFingerprint(objects, ledger, values)
}

// before takes the fingerprint of the database as it is about to be changed, and keeps it for the comparison afterwards.
// Its rows are what a return would lose later.
func (x *execution) before(ctx context.Context) (rows map[string]int64) {
	plan := x.run.Plan
	if plan.Size > checkLimit || plan.Before == "" {
		return x.counted(ctx)
	}
	var objects []migrations.Object
	err := x.e.loadValue(ctx, plan.Before, &objects)
	var now rehearse.FullFingerprint
	if err == nil {
		now, err = x.e.fullFingerprint(ctx, plan.Target.ID, objects, plan.Ledger)
	}
	if err == nil {
		x.run.Before, err = x.e.keepValue(ctx, now)
	}
	if err != nil {
		x.e.log.WarnContext(ctx, "the database was not looked at before the change", "run", x.run.ID, "error", err)
		return x.counted(ctx)
	}
	return now.Rows
}

// counted counts rows alone.
func (x *execution) counted(ctx context.Context) map[string]int64 {
	if x.run.Plan.Large {
		return nil
	}
	ctx, cancel := x.e.within(ctx, 10*time.Second)
	defer cancel()
	rows, err := x.e.count(ctx, x.run.Plan.Target.ID, x.run.Plan.Tables)
	if err != nil {
		x.e.log.WarnContext(ctx, "rows were not counted at the restore point", "run", x.run.ID, "error", err)
		return nil
	}
	return rows
}

// compare holds the database after the change against what the rehearsal and the fingerprint from before it lead to
// expect.
func (x *execution) compare(ctx context.Context) *release.Compared {
	plan := x.run.Plan
	if plan.Judged == "" || x.run.Before == "" {
		return nil
	}
	var (
		report rehearse.Report
		before rehearse.FullFingerprint
	)
	err := x.e.loadValue(ctx, plan.Judged, &report)
	if err == nil {
		err = x.e.loadValue(ctx, x.run.Before, &before)
	}
	var now rehearse.FullFingerprint
	if err == nil {
		now, err = x.e.fullFingerprint(ctx, plan.Target.ID, report.After, plan.Ledger)
	}
	if err != nil {
		x.e.log.WarnContext(ctx, "the database was not compared with the rehearsal", "run", x.run.ID, "error", err)
		return &release.Compared{Problem: words(err)}
	}
	out := &release.Compared{Tables: len(now.Rows)}
	for _, n := range now.Rows {
		out.Rows += n
	}
	expected := report.Expect(before, plan.Ledger)
	out.Changed = changedRows(before.Rows, expected.Rows, now.Rows)
	for _, d := range rehearse.CompareFingerprints(expected, now, plan.Ledger) {
		m := release.Mismatch{What: string(d.What), Name: d.Name, Expected: d.Expected, Got: d.Got}
		if moreRows(d) {
			out.Grown = append(out.Grown, m)
			continue
		}
		out.Differences = append(out.Differences, m)
	}
	return out
}

// changedRows are the tables of which nothing was expected and that have another number of rows than before.
func changedRows(before, expected, now map[string]int64) (out []release.Rows) {
	for _, name := range slices.Sorted(maps.Keys(now)) {
		was, known := before[name]
		if _, judged := expected[name]; known && !judged && was >= 0 && was != now[name] {
			out = append(out, release.Rows{Table: name, Before: was, After: now[name]})
		}
	}
	return out
}

// moreRows reports whether a table has more rows than expected, as any has that people write to meanwhile. Fewer are another matter: a
// release that took rows along looks like that.
func moreRows(d rehearse.Difference) bool {
	expected, err := strconv.ParseInt(d.Expected, 10, 64)
	got, gotErr := strconv.ParseInt(d.Got, 10, 64)
	return d.What == rehearse.RowsDiffer && err == nil && gotErr == nil && got > expected
}

// keepValue stores a value as a blob, and loadValue reads it.
func (e *Engine) keepValue(ctx context.Context, v any) (digest string, err error) {
	content, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("keep %T: %w", v, err)
	}
	digest, err = e.blobs.PutBlob(ctx, content)
	return digest, wrap(err, "keep %T", v)
}

func (e *Engine) loadValue(ctx context.Context, digest string, v any) error {
	content, err := e.blobs.Blob(ctx, digest)
	if err == nil {
		err = json.Unmarshal(content, v)
	}
	return wrap(err, "read %T", v)
}
