package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"towline/cloudflare"
	"towline/deploy"
	steps "towline/deploy/backfill"
	"towline/migrations"
	"towline/migrations/backfill"
	"towline/sandbox/cloudflare/workerd"
	"towline/sandbox/parts"
)

// How much is backfilled, and the aims, from the issue that asked for them.
const (
	backfillRows   = 1_000_000 // by us alone
	backfillShared = 100_000   // by us and by the peer
	peerBatch      = 100
	peerSleep      = 100 * time.Millisecond
	aimBackfill    = 5 // times faster than the peer
)

// slowProbe is when a read has to wait too long: the product's own rule (backfill.Probes) calls nothing slow below it.
const slowProbe = 50 * time.Millisecond

// backfilled is one table that was backfilled beside a prober.
type backfilled struct {
	rows   int
	took   time.Duration
	calls  int
	writes []time.Duration // what each transaction took, with the way there and back
	inside []time.Duration // what D1 said of it
	probes []time.Duration
}

// backfillJob is the file of it, as a team would write it that wants nobody to wait for long: D1 is to work on a window for half of what
// is slow at most.
const backfillJob = `-- towline:backfill name=users_lower table=users key=id max_batch_ms=25
--   count: SELECT count(*) FROM users WHERE lower IS NULL
--   done:  SELECT NOT EXISTS (SELECT 1 FROM users WHERE lower IS NULL)
UPDATE users SET lower = lower(email) WHERE lower IS NULL /* :window */;
-- towline:end
`

// backfills measures a backfill against one in small batches with a sleep between, each on a table of its own in the same D1, and then
// a large one. A prober reads one row by its key every five milliseconds all the time.
func (r *report) backfills(ctx context.Context, progress io.Writer) (err error) {
	binary := parts.WorkerdIn(r.settings.tools)
	if _, err := os.Stat(binary); err != nil {
		r.noBackfill = "workerd is not installed"
		return nil
	}
	dir, err := folder("/dev/shm", "towline-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	instance, err := workerd.Launch(ctx, binary, workerd.Options{Dir: dir, AccountID: account, Token: apiToken, Lazy: true})
	if err != nil {
		return err
	}
	defer instance.Kill()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	d1, err := cloudflare.New(cloudflare.Options{AccountID: account, Token: apiToken, APIURL: instance.URL, HTTP: &http.Client{Transport: transport}})
	if err != nil {
		return err
	}
	whole, shared := backfillRows, backfillShared
	if r.settings.quick {
		whole, shared = 4_000, 2_000
	}
	for _, part := range []struct {
		into *backfilled
		rows int
		name string
		fill func(context.Context, *table) error
	}{
		{&r.idle, shared, "nothing", func(ctx context.Context, _ *table) error {
			return rest(ctx, min(10*time.Second, time.Duration(shared)*100*time.Microsecond))
		}},
		{&r.peerFilled, shared, "batches of 100", inBatches}, {&r.filled, shared, "towline", inWindows}, {&r.wholeFilled, whole, "towline", inWindows},
	} {
		fmt.Fprintf(progress, "bench: backfilling %d rows, %s\n", part.rows, part.name)
		if *part.into, err = measureFill(ctx, d1, part.rows, part.fill); err != nil {
			return fmt.Errorf("backfill %d rows, %s: %w", part.rows, part.name, err)
		}
	}
	return nil
}

// table is a database with one table to be backfilled.
type table struct {
	d1   *cloudflare.D1
	id   string
	rows int
	did  backfilled
}

// measureFill makes a database, backfills it beside a prober, and looks whether every row is done.
func measureFill(ctx context.Context, d1 *cloudflare.D1, rows int, fill func(context.Context, *table) error) (b backfilled, err error) {
	db, err := d1.Create(ctx, fmt.Sprintf("backfill-%d", time.Now().UnixNano()))
	if err != nil {
		return b, err
	}
	t := &table{d1: d1, id: db.ID, rows: rows}
	setup := []string{"CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL, lower TEXT)", migrations.CreateLedger("")}
	for from := 0; from < rows; from += 50_000 {
		setup = append(setup, fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d) "+
			"INSERT INTO users (id, email) SELECT i, 'Somebody.' || i || '@Example.COM' FROM n", from+1, min(from+50_000, rows)))
	}
	if _, err := d1.Apply(ctx, t.id, setup); err != nil {
		return b, err
	}
	probing, stop := context.WithCancel(ctx)
	defer stop()
	var prober sync.WaitGroup
	var probeErr error
	prober.Go(func() { b.probes, probeErr = probe(probing, d1, t.id, rows) })
	began := time.Now()
	err = fill(ctx, t)
	took := time.Since(began)
	stop()
	prober.Wait()
	b.rows, b.took, b.calls, b.writes, b.inside = rows, took, t.did.calls, t.did.writes, t.did.inside
	return b, errors.Join(err, probeErr)
}

// probe reads one row after the other until ctx ends, and says how long each took.
func probe(ctx context.Context, d1 *cloudflare.D1, id string, rows int) (took []time.Duration, err error) {
	for n := 0; ctx.Err() == nil; n++ {
		query := fmt.Sprintf("SELECT email FROM users WHERE id = %d", n*7919%rows+1)
		began := time.Now()
		if _, err := d1.Read(context.WithoutCancel(ctx), id, []string{query}); err != nil {
			return took, err
		}
		took = append(took, time.Since(began))
		_ = rest(ctx, 5*time.Millisecond)
	}
	return took, nil
}

func rest(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// inBatches is the peer: a hundred rows by their key, a sleep, and again.
func inBatches(ctx context.Context, t *table) error {
	for from := 0; from < t.rows; from += peerBatch {
		_, err := t.Apply(ctx, []string{
			fmt.Sprintf("UPDATE users SET lower = lower(email) WHERE lower IS NULL AND id > %d AND id <= %d", from, from+peerBatch),
		})
		if err == nil {
			err = rest(ctx, peerSleep)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// inWindows is Towline's backfill, as the engine drives it.
func inWindows(ctx context.Context, t *table) error {
	job, err := backfill.Parse(migrations.File{Name: "0002_lower.sql", SQL: []byte(backfillJob)})
	if err != nil {
		return err
	}
	runner := steps.Runner{
		Job: job, Ledger: migrations.DefaultLedger, Database: t, Orders: unordered{}, Judge: deploy.JudgeBackfill,
		Keep:    func(context.Context, steps.Progress) error { return nil },
		Spacing: backfill.Spacing, First: backfill.FirstRest, Now: time.Now, Jitter: func() float64 { return 1 },
	}
	result, err := runner.Run(ctx)
	if err == nil && result.Outcome != steps.Done {
		err = fmt.Errorf("it ended as %+v", result)
	}
	return err
}

// unordered: nobody wants anything of the job.
type unordered struct{}

func (unordered) Now(context.Context) (steps.Order, error) { return steps.GoOn, nil }

func (unordered) Wait(ctx context.Context, d time.Duration) error { return rest(ctx, d) }

func (t *table) Read(ctx context.Context, queries ...string) ([][][]any, error) {
	t.did.calls++
	rows, err := t.d1.Read(ctx, t.id, queries)
	out := make([][][]any, len(rows))
	for i, r := range rows {
		out[i] = r.Values
	}
	return out, err
}

func (t *table) Apply(ctx context.Context, statements []string) (steps.Cost, error) {
	began := time.Now()
	cost, err := t.d1.Apply(ctx, t.id, statements)
	t.did.calls, t.did.writes, t.did.inside = t.did.calls+1, append(t.did.writes, time.Since(began)), append(t.did.inside, cost.Duration)
	return steps.Cost{Duration: cost.Duration, RowsWritten: cost.RowsWritten}, err
}

// perSecond is how many rows were done in a second.
func (b backfilled) perSecond() float64 { return float64(b.rows) / b.took.Seconds() }

// slow is the share of probes that took longer than a time.
func (b backfilled) slow(than time.Duration) float64 {
	n := 0
	for _, p := range b.probes {
		if p > than {
			n++
		}
	}
	return float64(n) / float64(max(len(b.probes), 1))
}

// notSlower reports whether the share of slow probes is at most another's, or above it by no more than chance: such reads are a few in
// ten thousand, and on a machine that does something else as well they come by themselves. Chance is what one in twenty comparisons of
// equals would show (two proportions, one-sided).
func (b backfilled) notSlower(than backfilled) bool {
	n, m := float64(max(len(b.probes), 1)), float64(max(len(than.probes), 1))
	ours, theirs := b.slow(slowProbe), than.slow(slowProbe)
	both := (ours*n + theirs*m) / (n + m)
	return ours-theirs <= 1.645*math.Sqrt(both*(1-both)*(1/n+1/m))
}

func (b backfilled) probed() string {
	return fmt.Sprintf("%d reads; %s", len(b.probes), spread(b.probes))
}

// spread says how long most of a list took.
func spread(list []time.Duration) string {
	sorted := slices.Sorted(slices.Values(list))
	at := func(n int) float64 {
		if len(sorted) == 0 {
			return 0
		}
		return 1000 * sorted[min(len(sorted)*n/1000, len(sorted)-1)].Seconds()
	}
	return fmt.Sprintf("half within %.1f ms, 95 %% within %.1f, 99.9 %% within %.1f", at(500), at(950), at(999))
}

// backfilling are the lines about backfills.
func (r *report) backfilling() []figure {
	if r.noBackfill != "" {
		return []figure{{"backfill", "not measured", "", false, r.noBackfill}}
	}
	if r.filled.rows == 0 {
		return nil
	}
	ours, peer := r.filled, r.peerFilled
	share := func(b backfilled) string {
		return fmt.Sprintf("%.3f %%", 100*b.slow(slowProbe))
	}
	rows := fmt.Sprintf("backfill of %d rows", ours.rows)
	return []figure{
		{rows, fmt.Sprintf("%.1f s", ours.took.Seconds()), "", false, fmt.Sprintf("%d calls, at most two windows a second, from 500 rows on; a window took %s", ours.calls, spread(ours.writes))},
		{rows + ", in batches of 100", fmt.Sprintf("%.1f s", peer.took.Seconds()), "", false, fmt.Sprintf("%d calls, each by its keys, with 100 ms of sleep between; a batch took %s", peer.calls, spread(peer.writes))},
		{"… times faster", fmt.Sprintf("%.1f", ours.perSecond()/peer.perSecond()), "at least 5", ours.perSecond() >= aimBackfill*peer.perSecond(), "rows in a second; both on all of these rows"},
		{"slow probes, backfill", share(ours), "at most the batches'", ours.notSlower(peer), "reads of one row that took more than 50 ms, chance left aside; " + ours.probed()},
		{"slow probes, batches of 100", share(peer), "", false, peer.probed()},
		{"slow probes, without either", share(r.idle), "", false, r.idle.probed()},
		{
			fmt.Sprintf("backfill of %d rows", r.wholeFilled.rows), fmt.Sprintf("%.1f s", r.wholeFilled.took.Seconds()), "", false,
			fmt.Sprintf("%d calls; a window took %s, inside D1 %s", r.wholeFilled.calls, spread(r.wholeFilled.writes), spread(r.wholeFilled.inside)),
		},
		{
			"… times faster", fmt.Sprintf("%.1f", r.wholeFilled.perSecond()/peer.perSecond()), "at least 5", r.wholeFilled.perSecond() >= aimBackfill*peer.perSecond(),
			fmt.Sprintf("rows in a second, against the batches on %d rows", peer.rows),
		},
		{"slow probes, meanwhile", share(r.wholeFilled), "at most the batches'", r.wholeFilled.notSlower(peer), r.wholeFilled.probed()},
	}
}
