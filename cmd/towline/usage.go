package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"towline/control"
	"towline/deploy"
	"towline/deploy/release"
	"towline/usage"
)

// What `towline usage` shows where nothing is said: a month of days, or two days of hours.
const (
	daysShown  = 30
	hoursShown = 2
)

// fresh is how old a pass may be where no bot runs and every database is known, before the command makes another one.
const fresh = 10 * time.Minute

// usageCommand stands in the place of the chat's /usage, whose report is of a week: this one has the numbers.
func usageCommand() subcommand {
	return subcommand{
		name: "usage", args: "[-format text|json|csv] [-by hour|day] [-from DATE] [-to DATE] [project]", group: itsRecords,
		does:     "Write what databases and Workers used, by day or hour (UTC); what was not counted is left out, and never 0.",
		examples: []string{"towline usage shop", "towline usage -format csv -from 2026-11-01 -to 2026-11-30", "towline usage -format json -by hour shop"},
		flags: func(f *flag.FlagSet) func(context.Context, program, []string) error {
			var w place
			var q control.UsageQuery
			w.flags(f)
			f.StringVar(&q.Format, "format", "text", "text, json or csv")
			f.StringVar(&q.By, "by", "day", "day or hour; hours are kept for 35 days, days for two years")
			from := f.String("from", "", "the first UTC day, as 2026-11-01; left out: a month of days, or two days of hours")
			to := f.String("to", "", "the last UTC day; left out: today")
			return func(ctx context.Context, p program, args []string) error {
				if err := usageStretch(&q, time.Now(), *from, *to); err != nil {
					return err
				}
				if len(args) > 1 {
					return &exitError{code: exitUsage, text: fmt.Sprintf("%q is too much: towline usage takes one project, after the flags. `towline report` has the report of the week", args[1])}
				}
				q.Project = strings.Join(args, "")
				return w.usage(ctx, p, q)
			}
		},
	}
}

// usageStretch completes a query with its days.
func usageStretch(q *control.UsageQuery, now time.Time, from, to string) error {
	shown := daysShown
	if q.By == "hour" {
		shown = hoursShown
	}
	q.To = usage.Day(now).AddDate(0, 0, 1)
	for text, set := range map[string]func(time.Time){
		to:   func(t time.Time) { q.To = t.AddDate(0, 0, 1) },
		from: func(t time.Time) { q.From = t },
	} {
		if text == "" {
			continue
		}
		t, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return &exitError{code: exitUsage, text: fmt.Sprintf("%q is no day: write it as %s", text, now.UTC().Format(time.DateOnly))}
		}
		set(t)
	}
	if from == "" {
		q.From = q.To.AddDate(0, 0, -shown)
	} else if from == to {
		q.To = q.From.AddDate(0, 0, 1)
	}
	if !q.From.Before(q.To) {
		return &exitError{code: exitUsage, text: "-from is after -to"}
	}
	return nil
}

func (w place) usage(ctx context.Context, p program, q control.UsageQuery) error {
	return w.atDesk(ctx, p, false, func(d control.Desk) error {
		if own, ok := d.(*desk); ok {
			if err := own.countHere(ctx, p, w); err != nil {
				return err
			}
		}
		err := d.Usage(ctx, q, p.stdout)
		if r, ok := errors.AsType[*control.RefusedError](err); ok {
			return p.print(r.Answer, false)
		}
		return err
	})
}

// countHere makes a pass where no bot runs, which needs the config. What it cannot find out is logged, and what is in the store is shown.
func (d *desk) countHere(ctx context.Context, p program, at place) error {
	_, c, err := at.find(p)
	if err != nil || c == nil {
		return err
	}
	log := loggerTo(p, slog.LevelWarn, c.Secrets())
	w, err := wire(c, p.getenv)
	if err != nil {
		return err
	}
	d1, err := databasesOf(c, log)
	if err != nil {
		return &exitError{code: exitRefused, text: err.Error()}
	}
	s := usage.New(usage.Options{Store: d.store.Usage(), Source: d1, Watch: func() usage.Watched { return w.watched }, Now: d.now, Log: log})
	d.usage, d.projects = s, func() []deploy.Project { return w.projects }
	state, err := s.State(ctx)
	if err != nil {
		return err
	}
	made := func(name string) bool { _, ok := state.Databases[name]; return ok }
	news := slices.ContainsFunc(w.watched.Databases, func(name string) bool { return !made(name) })
	if age := d.now().Sub(state.LastPass); age >= 0 && age < fresh && state.Trouble == "" && !news {
		return nil
	}
	if err := s.Sample(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		log.WarnContext(ctx, "not everything could be counted now", "error", err)
	}
	return nil
}

// counted is a subject as it is shown.
type counted struct {
	of                         usage.Subject
	project, environment, name string
}

// Usage implements control.Desk.
func (d *desk) Usage(ctx context.Context, q control.UsageQuery, w io.Writer) error {
	out, known := usageFormats()[q.Format]
	read, by := map[string]func(context.Context, usage.Subject, time.Time, time.Time) ([]usage.Sample, error){"day": d.usage.Days, "hour": d.usage.Hours}[q.By]
	switch {
	case !known:
		return refusedLine(exitUsage, string(release.CodeUsage), fmt.Sprintf("-format is text, json or csv, and not %q", q.Format))
	case !by:
		return refusedLine(exitUsage, string(release.CodeUsage), fmt.Sprintf("-by is day or hour, and not %q", q.By))
	}
	state, err := d.usage.State(ctx)
	if err != nil {
		return err
	}
	all, err := d.counted(q.Project, state)
	if err != nil {
		return err
	}
	return out(w, usageTable{
		state: state, by: q.By, subjects: all,
		read: func(s usage.Subject) ([]usage.Sample, error) { return read(ctx, s, q.From, q.To) },
	})
}

// counted are the subjects of a project, or all: the account, what the config names, and databases that it named once and are still
// there. One that several projects share is there once.
func (d *desk) counted(project string, state usage.State) ([]counted, error) {
	var projects []deploy.Project
	if d.projects != nil {
		projects = d.projects()
	}
	if project != "" && !slices.ContainsFunc(projects, func(p deploy.Project) bool { return p.Name == project }) {
		var names []string
		for _, p := range projects {
			names = append(names, p.Name)
		}
		text := "there is no project " + project + "; there are: " + strings.Join(names, ", ")
		if len(names) == 0 {
			text = "without the config it is not known which databases are those of " + project + ": give it -config, or leave the project out"
		}
		return nil, refusedLine(exitRefused, string(release.CodeUnknownProject), text)
	}
	found := map[usage.Subject]*counted{}
	add := func(of usage.Subject, project, environment, name string) {
		if found[of] == nil {
			found[of] = &counted{of: of, project: project, environment: environment, name: name}
		} else if !slices.Contains(strings.Split(found[of].project, ","), project) {
			found[of].project += "," + project
		}
	}
	for _, p := range projects {
		if project != "" && p.Name != project {
			continue
		}
		for environment, name := range map[release.Environment]string{release.Production: p.Production, release.Preview: p.Preview} {
			if s, ok := state.Databases[name]; ok {
				add(usage.Subject{Kind: usage.Database, ID: s.ID}, p.Name, string(environment), name)
			}
		}
		for _, name := range p.Workers {
			add(usage.Subject{Kind: usage.Worker, ID: name}, p.Name, "", name)
		}
	}
	if project == "" {
		found[usage.Whole()] = &counted{of: usage.Whole()}
		for name, s := range state.Databases {
			if of := (usage.Subject{Kind: usage.Database, ID: s.ID}); found[of] == nil {
				add(of, "", "", name)
			}
		}
	}
	return slices.SortedFunc(func(yield func(counted) bool) {
		for c := range maps.Values(found) {
			if !yield(*c) {
				return
			}
		}
	}, func(a, b counted) int {
		return cmp.Or(cmp.Compare(a.project, b.project), cmp.Compare(a.of.Kind, b.of.Kind), -cmp.Compare(a.environment, b.environment), cmp.Compare(a.name, b.name))
	}), nil
}
