package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/release"
	"towline/migrations"
	"towline/store"
)

const (
	// perMigration is how many releases of the history share a migration, at least: most change something else.
	perMigration = 10
	// mostMigrations is how many there are in the longest history: a team folds old ones into one, sooner or later.
	mostMigrations = 100
	// perRun is how many lines of the audit log a run leaves, and perPromote every how many releases one is promoted.
	// Together they make ten lines for each release.
	perRun, perPromote = 8, 4
	// perBatch is how many releases one transaction writes: the engine's are smaller, but nobody waits beside this one.
	perBatch = 100
)

// entriesOf is how many lines the audit log of so many releases has.
func entriesOf(releases int) int { return perRun * (releases + releases/perPromote) }

// sharing is how many of so many releases share a migration; migrationsOf is how many migrations they have.
func sharing(releases int) int { return max(perMigration, releases/mostMigrations) }

func migrationsOf(releases int) int { return (releases + sharing(releases) - 1) / sharing(releases) }

// history writes a store as a team leaves it behind: releases that were all deployed and, every fourth of them, promoted,
// each run with its plan, steps, votes, events and lines in the log, and each release with all migrations so far. What is
// kept for days only, the journal of updates and the cards of the last month, is not in it.
func history(ctx context.Context, path string, releases int) (err error) {
	s, err := store.Open(path, store.Options{NoSync: true})
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, s.Close()); err == nil {
			err = flush(path) // or the first to sync a record would wait for all of this
		}
	}()
	h := &past{
		at:      time.Now().Add(-time.Duration(releases) * apart).UTC(),
		every:   uint64(sharing(releases)), //nolint:gosec // it is a positive number
		pending: pending(migrationsOf(releases)),
	}
	d := s.Deploy()
	for done := 0; done < releases; done += perBatch {
		if err := d.Update(ctx, func(tx deploy.Tx) error {
			for range min(perBatch, releases-done) {
				h.release(tx)
			}
			return nil
		}); err != nil {
			return fmt.Errorf("write the releases after #%d: %w", done, err)
		}
	}
	return d.SetCursor(ctx, "cards", h.events)
}

// flush returns when a file is on the disk.
func flush(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// apart is the time between two releases.
const apart = 8 * time.Hour

// past is the history so far.
type past struct {
	at      time.Time
	every   uint64      // how many releases share a migration
	pending []migration // all that there will be
	applied []release.Migration
	names   []string // of applied
	events  uint64
}

// release adds the next one.
func (h *past) release(tx deploy.Tx) {
	h.at = h.at.Add(apart)
	number := tx.NextRelease("shop")
	if number%h.every == 1 {
		next := h.pending[len(h.applied)]
		sum := migrations.File{Name: next.name, SQL: []byte(next.sql)}.Checksum()
		h.applied = append(h.applied, release.Migration{Name: next.name, Checksum: sum, Blob: sum.Raw})
		h.names = append(h.names, next.name)
	}
	r := release.Release{
		Project: "shop", Number: number, Digest: fmt.Sprintf("%064x", number), CreatedBy: release.Person{ID: deployer, Name: "Dana"}, CreatedAt: h.at,
		Origin: release.Origin{Ref: "main", Commit: fmt.Sprintf("%040x", number), Author: "Dana", Subject: fmt.Sprintf("Change %d of the shop", number), Time: h.at},
		Refs:   []string{"main"}, Migrations: h.applied,
	}
	tx.PutRelease(r)
	h.run(tx, r, release.Preview, release.Deploy)
	if number%perPromote == 0 {
		h.run(tx, r, release.Production, release.Promote)
	}
}

// run adds a run that came to its end, and makes the release live.
func (h *past) run(tx deploy.Tx, r release.Release, env release.Environment, kind release.Kind) {
	was := tx.State("shop", env)
	database := map[release.Environment]string{release.Preview: "shop-preview", release.Production: "shop"}[env]
	id := fmt.Sprintf("%s-%06d", kind, r.Number)
	names, last := h.names, r.Migrations[len(r.Migrations)-1]
	target := release.Target{Database: database, ID: "00000000-0000-4000-8000-000000000000"}
	point := &release.RestorePoint{Database: database, DatabaseID: target.ID, Bookmark: fmt.Sprintf("%08x-00000000-00000000", r.Number), At: h.at, Ledger: names}
	run := release.Run{
		ID: id, Project: "shop", Environment: env, Kind: kind, Phase: release.Done, Release: r.Number, Was: was.Live, Origin: r.Origin,
		Requester: r.CreatedBy, RequestedAt: h.at, Key: "update/" + id, ReplyTo: fmt.Sprintf("%d/0/%d", int64(group), r.Number),
		Plan: &release.Plan{
			Kind: kind, Project: "shop", Environment: env, Release: r.Number, Bundle: r.Digest, Target: target, Ledger: "d1_migrations", Applied: names[:len(names)-1],
			Pending: []release.Pending{{Name: last.Name, Checksum: last.Checksum.Raw, Statements: []string{"CREATE TABLE"}}}, Transactions: 1, Statements: 1,
		},
		Point: point, StartedAt: h.at, EndedAt: h.at.Add(time.Second),
	}
	if kind == release.Promote {
		run.Required, run.Approved = 1, run.Plan.Digest()
		run.Votes = []release.Vote{{By: release.Person{ID: approver, Name: "Robin"}, Yes: true, Digest: run.Approved, At: h.at}}
	}
	for _, step := range []string{release.StepFetch, release.StepPoint, release.StepApply, release.StepVerify} {
		run.Steps = append(run.Steps, release.Step{Name: step, State: release.StepDone, Begun: h.at, Ended: h.at, Result: point.Bookmark})
	}
	h.log(tx, run)
	tx.PutRun(run)
	h.live(tx, run, was, names)
}

// log writes what a run leaves in the audit log, and its events.
func (h *past) log(tx deploy.Tx, run release.Run) {
	lines := []audit.Entry{
		{What: "command", Who: run.Requester, Detail: "/" + string(run.Kind)}, {What: "requested", Who: run.Requester}, {What: "started"},
		{What: "running"}, {What: "step", Detail: release.StepPoint}, {What: "step", Detail: release.StepApply}, {What: "step", Detail: release.StepVerify},
		{What: "ended", Detail: string(release.Done)},
	}
	digest := run.Plan.Digest()
	for _, e := range lines[:perRun] {
		e.At, e.Project, e.Environment, e.Run, e.Release, e.Digest = h.at, run.Project, run.Environment, run.ID, run.Release, digest
		tx.Audit(e)
		if e.What != "command" {
			h.events++
			tx.Append(deploy.Event{Run: run.ID, Project: run.Project, Environment: run.Environment, Kind: deploy.RunChanged, At: h.at})
		}
	}
}

// live moves the environment's records on to the run's release.
func (h *past) live(tx deploy.Tx, run release.Run, s release.State, names []string) {
	tx.PutStanding("shop", run.Environment, s.Live, release.Superseded)
	tx.PutStanding("shop", run.Environment, run.Release, release.Live)
	s.Database, s.DatabaseID = run.Plan.Target.Database, run.Plan.Target.ID
	s.Live, s.LiveRun, s.LiveSince, s.Last = run.Release, run.ID, run.EndedAt, run.ID
	tx.PutState(s)
	tx.AddChange("shop", run.Environment, release.Change{Release: run.Release, Run: run.ID, Kind: run.Kind, At: run.EndedAt, Before: run.Point, Ledger: names})
}
