package deploy

import (
	"context"
	"errors"
	"strings"
	"time"

	steps "towline/deploy/backfill"
	"towline/deploy/release"
)

// onDatabase is the turn's database as a backfill uses it.
type onDatabase struct{ *turn }

func (d onDatabase) Read(ctx context.Context, queries ...string) ([][][]any, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	rows, err := d.e.d1.Read(ctx, d.run.Plan.Target.ID, queries)
	if err != nil {
		return nil, err
	}
	out := make([][][]any, len(rows))
	for i, r := range rows {
		out[i] = r.Values
	}
	return out, nil
}

func (d onDatabase) Apply(ctx context.Context, statements []string) (steps.Cost, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	cost, err := d.e.d1.Apply(ctx, d.run.Plan.Target.ID, statements)
	return steps.Cost{Duration: cost.Duration, RowsWritten: cost.RowsWritten}, err
}

// JudgeBackfill says what an error of D1 means for a backfill, and in which words. The texts are those of D1's documentation ("Debug D1", and the changelog of
// 2026-09-01 for the daily limits); they reach us as a no or as no usable answer.
func JudgeBackfill(err error) (steps.Trouble, string) {
	said := words(err)
	text := strings.ToLower(err.Error())
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(text, p) {
				return true
			}
		}
		return false
	}
	r, rejected := errors.AsType[*RejectedError](err)
	switch {
	case has("daily row write limit", "daily row read limit", "free tier daily"):
		return steps.Limited, said
	case has("overloaded", "too many requests", "exceeded timeout", "cpu time limit", "memory limit") || rejected && r.Status == 429:
		return steps.Overloaded, said
	case rejected || errors.Is(err, ErrNoDatabase):
		return steps.Refused, said
	default:
		return steps.Lost, said
	}
}

// orders say what the engine wants of a backfill: something else waits, somebody paused or stopped it, or its hours are over.
type orders struct{ *turn }

func (o orders) Now(ctx context.Context) (order steps.Order, err error) {
	t, e := o.turn, o.e
	if t.soft.Err() != nil {
		return steps.Halt, nil
	}
	err = e.store.View(ctx, func(tx Tx) error {
		order = steps.GoOn
		s := tx.State(t.run.Project, t.run.Environment)
		lease := s.Lease
		switch {
		case lease == nil || lease.Run != t.run.ID:
			return errLeaseLost
		case lease.Cancel != nil:
			t.run.Cancel, order = lease.Cancel, steps.Rest
		case lease.Pause != nil:
			t.rest, t.by, order = release.RestPerson, &lease.Pause.By, steps.Rest
		case len(s.Queue) > 0:
			order = steps.GiveWay
		case e.barred(tx, t.p, *t.run) != nil:
			t.rest, t.till, order = release.RestKept, e.now().Add(keptAgain), steps.Rest
		}
		return nil
	})
	if hours := t.limits().Hours; err == nil && order == steps.GoOn && !hours.Open(e.now()) {
		t.rest, t.till, order = release.RestHours, hours.Next(e.now()), steps.Rest
	}
	return order, err
}

func (o orders) Wait(ctx context.Context, d time.Duration) error {
	until, passed := o.e.now().Add(d), false
	for {
		changed := o.e.Changed()
		order, err := o.Now(ctx)
		left := until.Sub(o.e.now())
		if passed || err != nil || order != steps.GoOn || left <= 0 {
			return err
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
			passed = true // whatever the clock says, which may have been set back meanwhile
		case <-changed:
		case <-o.soft.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
