package main

import (
	"context"
	"errors"
	"fmt"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// objectsOf reads the schema of an SQLite file.
func objectsOf(ctx context.Context, path string) (objects []migrations.Object, err error) {
	c, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return c.Objects(ctx)
}

// locals are the lines about what happens on this machine alone, before anything reaches D1.
func (r *report) locals() []figure {
	var out []figure
	if len(r.linted) > 0 {
		out = append(out, r.linting()...)
	}
	if len(r.dumped) > 0 {
		out = append(out, r.dumping()...)
	}
	out = append(append(out, r.profiling()...), r.backfilling()...)
	return append(out, r.reporting()...)
}

// dumping are the lines about the dump.
func (r *report) dumping() []figure {
	d := r.dumped[0]
	name := fmt.Sprintf("dump of %.0f MB", float64(d.Bytes)/1e6)
	load, both := take(r.dumped, func(d dumped) float64 { return seconds(d.load.wall) }), take(r.dumped, func(d dumped) float64 { return seconds(d.load.wall + d.rehearse.wall) })
	peak := take(r.dumped, func(d dumped) float64 { return max(d.load.peak, d.rehearse.peak) })
	growth := take(r.dumped, func(d dumped) float64 { return d.load.peak / d.small.peak })
	out := []figure{
		{name + ", loaded", load.say("%.1f", 1, "s"), "", false, fmt.Sprintf("%d rows, a process from its start to its end", d.Rows)},
		{name + ", loaded and rehearsed", both.say("%.1f", 1, "s"), "", false, "a release of four statements on a copy of the file, counted before and after"},
		{name + ", memory", peak.say("%.0f", 1, "MB"), "", false, "the most that was resident"},
		{"… against half of it", growth.say("%.2f", 1, "times"), "flat", growth.median() < aimDumpGrowth, "the most that loading takes; flat is less than 1.1 times"},
	}
	if d.shellLoad.wall == 0 {
		return append(out, figure{name + ", the sqlite3 shell", "not measured", "", false, r.noShell})
	}
	alone, with := take(r.dumped, func(d dumped) float64 { return seconds(d.shellLoad.wall) }), take(r.dumped, func(d dumped) float64 { return seconds(d.shellBoth.wall) })
	ratio := func(ours, theirs samples) string { return fmt.Sprintf("%.2f", ours.median()/theirs.median()) }
	return append(out,
		figure{name + ", the sqlite3 shell", alone.say("%.1f", 1, "s"), "", false, "the same file, in one transaction, without journal and sync; with the release's statements " + with.say("%.1f", 1, "s")},
		figure{"ratio, loaded", ratio(load, alone), "at most 1.5", load.median() <= aimDump*alone.median(), "loading, against the shell's loading"},
		figure{"ratio, loaded and rehearsed", ratio(both, alone), "at most 1.5", both.median() <= aimDump*alone.median(), "both, against the shell's loading alone; against loading and the release's statements " + ratio(both, with)},
	)
}
