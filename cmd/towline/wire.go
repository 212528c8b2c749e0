package main

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"path/filepath"
	"strings"
	"time"

	"towline/bot"
	"towline/config"
	"towline/deploy"
	"towline/deploy/freeze"
	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/handlers"
	"towline/source"
	"towline/usage"
	"towline/usage/chart"
)

// wiring is what a config means: the projects for the engine, and the people and chats for the handlers. A reload makes
// a new one.
type wiring struct {
	config   *config.Config // as it was read; nil for the demo
	projects []deploy.Project
	team     handlers.Team
	watched  usage.Watched // whose use is counted
}

// stale is for how long nobody may have used a preview that is not listed as stale yet; 0: none is.
func (w *wiring) stale() time.Duration {
	if w.config == nil {
		return demoStale
	}
	return time.Duration(w.config.Usage.StalePreviews)
}

// demoStale is what a config says where it says nothing.
const demoStale = 14 * 24 * time.Hour

// wire turns a config into values for the rooms. getenv gives git its surroundings.
func wire(c *config.Config, getenv func(string) string) (*wiring, error) {
	w := &wiring{config: c}
	w.team.Zone, w.team.Report, w.team.Usernames = c.Usage.Timezone, c.Usage.Schedule, map[string]int64{}
	w.team.Charts = chart.Theme(c.Usage.Charts)
	var err error
	if w.team.Alerts, err = rulesOf(c); err != nil {
		return nil, err
	}
	for _, person := range c.People {
		role, err := gate.ParseRole(string(person.Role))
		if err != nil {
			return nil, err
		}
		w.team.People = append(w.team.People, gate.Actor{Person: release.Person{ID: person.ID, Name: person.Name}, Role: role})
	}
	for _, person := range c.People {
		if person.Username != "" {
			w.team.Usernames[strings.ToLower(person.Username)] = person.ID
		}
	}
	for _, p := range c.Projects {
		w.projects = append(w.projects, deploy.Project{
			Name: p.Name, Source: adapt{sourceOf(c, p, getenv)}, Migrations: p.Migrations, LedgerTable: p.MigrationsTable,
			AllowedRefs: p.ProductionRefs, Preview: p.Preview.Database, Production: p.Production.Database, Seed: p.Preview.Seed,
			PreviewApprovals: approvalsOf(p.Preview.Approvals), ProductionApprovals: approvalsOf(p.Approvals), Freeze: calendarOf(p.Freeze),
			Lint:    deploy.Lint{Severity: p.Lint.Rules.Map(), ContractAfter: p.Lint.ContractAfter},
			Renames: p.Renames.Map(), Queries: p.Queries, NoBackup: p.Backups.Off,
			Rehearse: deploy.Rehearse{
				Data: p.Rehearse.Copy == "data", MaxSize: int64(p.Rehearse.MaxSize), MaxAge: p.Rehearse.MaxAge, Hours: hoursOf(p.Rehearse.Hours, c.Usage.Timezone),
			},
			Watch: time.Duration(p.Watch), Workers: p.Workers, Zone: c.Usage.Timezone,
			Backfill: deploy.Backfill{RowsPerDay: int64(p.Backfill.RowsPerDay), Hours: hoursOf(p.Backfill.Hours, c.Usage.Timezone)},
		})
		place := bot.Place{Chat: p.Place.Chat, Topic: p.Place.Topic}
		w.team.Projects = append(w.team.Projects, handlers.Home{Project: p.Name, Place: place})
		w.watched.Databases = append(w.watched.Databases, p.Preview.Database, p.Production.Database)
		w.watched.Workers = append(w.watched.Workers, p.Workers...)
	}
	return w, nil
}

func hoursOf(h config.Hours, zone *time.Location) deploy.Hours {
	from, to := h.Range()
	return deploy.Hours{From: from, To: to, Zone: zone}
}

func approvalsOf(a config.Approvals) deploy.Approvals {
	role, err := gate.ParseRole(string(a.Role))
	if err != nil {
		role = gate.Approver // none is named where none is needed
	}
	return deploy.Approvals{Required: a.Required, Role: role, Expire: a.Expire}
}

func calendarOf(f *config.Freeze) freeze.Calendar {
	if f == nil {
		return freeze.Calendar{}
	}
	windows := func(of []config.Window) []freeze.Window {
		var out []freeze.Window
		for _, w := range of {
			out = append(out, freeze.Window{Schedule: w.Schedule, For: w.For, From: w.Begins, To: w.Ends, Reason: w.Reason, Text: w.Text()})
		}
		return out
	}
	return freeze.Calendar{Zone: f.Timezone, Deny: windows(f.Deny), Allow: windows(f.Allow)}
}

func sourceOf(c *config.Config, p config.Project, getenv func(string) string) source.Source {
	s := p.Source
	if s.Dir != "" {
		return source.NewDirectory(source.DirectoryOptions{Dir: s.Dir, Path: s.Path, Ref: s.Ref, Getenv: getenv})
	}
	return source.NewGit(source.Options{
		URL: s.Git, Ref: s.Ref, Path: s.Path, KeyFile: s.KeyFile, TokenFile: s.TokenFile, Getenv: getenv,
		CacheDir: filepath.Join(filepath.Dir(c.Store.Path), path.Base(c.Store.Path)+".git"),
	})
}

// adapt fits a source to the engine's port.
type adapt struct{ source.Source }

func (a adapt) Fetch(ctx context.Context, ref string) (deploy.Snapshot, error) {
	s, err := a.Source.Fetch(ctx, ref)
	if err != nil {
		return deploy.Snapshot{}, err
	}
	return deploy.Snapshot{FS: s.FS, Origin: release.Origin{
		Ref: s.Ref, Commit: s.Commit, Author: s.Author, Subject: s.Subject, Time: s.CommitTime, Web: s.Web, Dirty: s.Dirty,
	}}, nil
}

// Choices are asked for only where no ref has a meaning of its own.
func (a adapt) Choices(ctx context.Context) ([]string, error) {
	if _, versions := a.Source.(*source.Versions); versions {
		return a.Refs(ctx)
	}
	return nil, nil
}

// loggerTo makes the service's log: one line of key=value each, with every secret of the config taken out whatever put
// it there.
func loggerTo(p program, level slog.Level, secrets []string) *slog.Logger {
	handler := slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: level})
	return slog.New(redact(handler, secrets))
}

// busy says what to do when another process holds the store.
func busy(err error) error {
	return &exitError{code: exitUnknown, text: fmt.Sprintf("%v\nOnly one process can serve a store. Stop the other one first, or give this one another store.path.", err)}
}
