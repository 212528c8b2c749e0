package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"towline/deploy"
	sandboxcloudflare "towline/sandbox/cloudflare"
	"towline/usage/alert"
	"towline/usage/tariff"
)

// The demo's account is on the free plan and has been busy for a month, so that there is something to report on, a limit that comes near, and a
// query that reads too much. What the local Cloudflare tells of it is computed; orders that the demo's customers place count beside it.
const (
	demoPlan = tariff.Free
	// demoCounting is how often use is counted: the shop appears in the middle of an hour.
	demoCounting = 10 * time.Second
	// demoQuestions is how many questions analytics answer in five minutes. A pass takes eight, and there are thirty passes in that time: with
	// Cloudflare's own 300, a watch and a look at slow queries would be turned away.
	demoQuestions = 3000
	// demoWatch is how long production is watched after a promote.
	demoWatch = 2 * time.Minute
	// demoReportAfter is how long after the beginning the weekly report is due: by then the account's month has been counted.
	demoReportAfter = 20 * time.Second
	// demoNeighbour is another team's database in the same account: limits count it, and no chat speaks of it.
	demoNeighbour = "newsletter"
)

// demoNeighbours are all databases of other teams. With the shop's two there are eight of the ten that the free plan has room for, so that
// there is something to warn of at every hour of the day.
func demoNeighbours() []string {
	return []string{demoNeighbour, "wiki", "forum", "intranet", "surveys", "landing"}
}

// demoUse is what the account's databases did before the demo began, and go on doing. The newsletter is another team's.
func demoUse(began time.Time) sandboxcloudflare.Traffic {
	weekdays := [7]float64{1.05, 0.97, 0.96, 0.97, 0.99, 1.02, 1.04} // people buy, and read, a little more when they do not work
	return sandboxcloudflare.Traffic{
		Seed: 7, Since: began.AddDate(0, 0, -35),
		Databases: []sandboxcloudflare.DatabaseTraffic{
			{
				Name: demoProduction, Size: 6e6, SizePerDay: 220e3,
				Course: sandboxcloudflare.Course{Weekdays: weekdays, Nights: 0.6, Growth: 0.006, Noise: 0.04},
				Queries: []sandboxcloudflare.QueryTraffic{
					// The table has grown, and nothing finds a name in it.
					{SQL: "SELECT id, email FROM customers WHERE name = ?", PerDay: 260, RowsRead: 2300, RowsReturned: 1, RowsReadGrowth: 24, Time: 4 * time.Millisecond},
					{SQL: "SELECT name, email FROM customers WHERE id = ?", PerDay: 110_000, RowsRead: 1, RowsReturned: 1},
					{SQL: "INSERT INTO customers (name, email) VALUES (?, ?)", PerDay: 140, RowsRead: 1, RowsWritten: 2},
					{SQL: "UPDATE customers SET email = ? WHERE id = ?", PerDay: 900, RowsRead: 1, RowsWritten: 2},
				},
			},
			{
				Name: demoNeighbour, Size: 160e6, SizePerDay: 900e3,
				Course: sandboxcloudflare.Course{Weekdays: weekdays, Nights: 0.6, Growth: 0.005, Noise: 0.04},
				Queries: []sandboxcloudflare.QueryTraffic{
					{SQL: "SELECT address FROM readers WHERE topic = ?", PerDay: 193, RowsRead: 18_000, RowsReturned: 1800},
					{SQL: "UPDATE readers SET opened_at = ? WHERE id = ?", PerDay: 5200, RowsRead: 1, RowsWritten: 2},
				},
			},
		},
	}
}

// beganIn is when the demo whose state a folder keeps was first started, so that its account's past stays what it was.
func beganIn(dir string, now time.Time) (time.Time, error) {
	file := filepath.Join(dir, "began")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return now, os.WriteFile(file, []byte(now.UTC().Format(time.RFC3339)), 0o600)
	}
	if err != nil {
		return now, err
	}
	began, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return now, fmt.Errorf("read when the demo began: %w", err)
	}
	return began, nil
}

// demoReports is the demo's calendar: the weekly report is due shortly after the beginning, and every week from then on.
type demoReports struct{ began time.Time }

// Next implements handlers.Schedule.
func (d demoReports) Next(t time.Time) time.Time {
	const week = 7 * 24 * time.Hour
	first := d.began.Add(demoReportAfter)
	weeks := t.Sub(first).Truncate(week)
	if !first.Add(weeks).After(t) {
		weeks += week
	}
	return first.Add(weeks)
}

// neighbours makes the databases of the account that are none of the chat's, where they are not there yet.
func (w *world) neighbours(ctx context.Context, log *slog.Logger) error {
	d1, err := w.databases(log)
	if err != nil {
		return err
	}
	names := demoNeighbours()
	errs := make([]error, len(names))
	var making sync.WaitGroup
	for i, name := range names {
		making.Go(func() {
			if _, err := d1.Create(ctx, name); err != nil && !errors.Is(err, deploy.ErrDatabaseExists) {
				errs[i] = fmt.Errorf("make the database of another team: %w", err)
			}
		})
	}
	making.Wait()
	return errors.Join(errs...)
}

// countUse has the demo's databases counted and watched, its account's limits judged, and the week reported.
func (w *wiring) countUse(began time.Time) error {
	table, err := tariff.Of(demoPlan, nil, nil)
	if err != nil {
		return err
	}
	w.team.Report = demoReports{began}
	w.team.Alerts = alert.Rules{Table: table, Percents: []int{50, 80, 95}, BillingDay: 1}
	for i, p := range w.projects {
		w.watched.Databases = append(w.watched.Databases, p.Preview, p.Production)
		w.projects[i].Watch = demoWatch
	}
	return nil
}
