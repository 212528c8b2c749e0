package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"towline/deploy"
	"towline/deploy/release"
	"towline/migrations"
	"towline/store"
)

// perMigration is how many releases of the history share a migration: most change something else.
const perMigration = 10

// history writes a store as a team leaves it behind: releases that were all deployed and, every fourth of them, promoted,
// each run with its plan, steps, votes, events and lines in the log, and each release with all migrations so far. What is
// kept for days only, the journal of updates and the cards of the last month, is not in it.
func history(ctx context.Context, path string, releases int) (err error) {
	s, err := store.Open(path, store.Options{NoSync: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	h := &past{at: time.Now().Add(-time.Duration(releases) * 24 * time.Hour).UTC()}
	d := s.Deploy()
	for n := 1; n <= releases; n++ {
		if err := d.Update(ctx, func(tx deploy.Tx) error {
			h.release(tx)
			return nil
		}); err != nil {
			return fmt.Errorf("write release #%d: %w", n, err)
		}
	}
	return d.SetCursor(ctx, "cards", h.events)
}

// past is the history so far.
type past struct {
	at     time.Time
	files  []migrations.File
	events uint64
}

// release adds a day.
func (h *past) release(tx deploy.Tx) {
	h.at = h.at.Add(24 * time.Hour)
	number := tx.NextRelease("shop")
	if number%perMigration == 1 {
		m := pending(int(number)/perMigration + 1)
		last := m[len(m)-1]
		h.files = append(h.files, migrations.File{Name: last.name, SQL: []byte(last.sql)})
	}
	r := release.Release{
		Project: "shop", Number: number, Digest: fmt.Sprintf("%064x", number), CreatedBy: release.Person{ID: deployer, Name: "Dana"}, CreatedAt: h.at,
		Origin: release.Origin{Ref: "main", Commit: fmt.Sprintf("%040x", number), Author: "Dana", Subject: fmt.Sprintf("Change %d of the shop", number), Time: h.at},
		Refs:   []string{"main"},
	}
	for _, f := range h.files {
		sum := f.Checksum()
		r.Migrations = append(r.Migrations, release.Migration{Name: f.Name, Checksum: sum, Blob: sum.Raw})
	}
	tx.PutRelease(r)
	h.run(tx, r, release.Preview, release.Deploy)
	if number%4 == 0 {
		h.run(tx, r, release.Production, release.Promote)
	}
}

// run adds a run that came to its end, and makes the release live.
func (h *past) run(tx deploy.Tx, r release.Release, env release.Environment, kind release.Kind) {
	was := tx.State("shop", env)
	database := map[release.Environment]string{release.Preview: "shop-preview", release.Production: "shop"}[env]
	id := fmt.Sprintf("%s-%06d", kind, r.Number)
	names := make([]string, len(r.Migrations))
	for i, m := range r.Migrations {
		names[i] = m.Name
	}
	last := r.Migrations[len(r.Migrations)-1]
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
		h.events++
		tx.Append(deploy.Event{Run: id, Project: "shop", Environment: env, Kind: deploy.RunChanged, At: h.at})
		tx.Audit(deploy.Entry{At: h.at, Project: "shop", Environment: env, What: "step", Run: id, Release: r.Number, Detail: step})
	}
	tx.PutRun(run)
	h.live(tx, run, was, names)
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
