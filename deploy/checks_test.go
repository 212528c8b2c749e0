package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/release"
)

// patience ends a test that waits in vain. It is longer than anything takes, however busy the machine.
const patience = 2 * time.Minute

// ended waits until a run can change nothing more.
func (s *shop) ended(run release.Run) release.Run {
	s.t.Helper()
	return s.until(run, func(r release.Run) bool { return !r.Phase.Open() })
}

// until waits for something to be true of a run.
func (s *shop) until(run release.Run, true func(release.Run) bool) release.Run {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for {
		changed := s.engine.Changed()
		now, ok, err := s.engine.FindRun(ctx, run.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		if ok && true(now) {
			return now
		}
		select {
		case <-changed:
		case <-ctx.Done():
			s.t.Fatalf("waited in vain for %s %s: it is %s\n%s", now.Kind, now.ID, now.Phase, describe(now))
		}
	}
}

// wants checks how a run stands.
func (s *shop) wants(run release.Run, phase release.Phase) {
	s.t.Helper()
	if run.Phase != phase {
		s.t.Fatalf("%s of #%d is %s, want %s\n%s", run.Kind, run.Release, run.Phase, phase, describe(run))
	}
}

// wantsRefusal checks why a run was refused.
func (s *shop) wantsRefusal(run release.Run, code release.Code) *release.Refusal {
	s.t.Helper()
	s.wants(run, release.Refused)
	if run.Refusal.Code != code {
		s.t.Fatalf("refused with %s, want %s\n%s", run.Refusal.Code, code, describe(run))
	}
	return run.Refusal
}

func describe(r release.Run) string {
	var b strings.Builder
	for _, step := range r.Steps {
		fmt.Fprintf(&b, "  %s %s %s found=%v\n", step.Name, step.State, step.Result, step.Found)
	}
	if r.Refusal != nil {
		fmt.Fprintf(&b, "  refusal %v %v\n", r.Refusal, r.Refusal.Facts)
	}
	if r.Failure != nil {
		fmt.Fprintf(&b, "  failure %+v\n", *r.Failure)
	}
	for _, c := range r.Changes {
		fmt.Fprintf(&b, "  changed %+v\n", c)
	}
	return b.String()
}

// refused checks the reason of a refusal.
func refused(t *testing.T, err error, code release.Code) *release.Refusal {
	t.Helper()
	r, ok := deploy.IsRefusal(err)
	if !ok || r.Code != code {
		t.Fatalf("got %v, want the refusal %s", err, code)
	}
	return r
}

func (s *shop) state(env release.Environment) release.State {
	s.t.Helper()
	state, err := s.engine.State(context.Background(), "shop", env)
	if err != nil {
		s.t.Fatal(err)
	}
	return state
}

// id is that of an environment's database; empty: there is none.
func (w *world) id(env release.Environment) string {
	w.t.Helper()
	db, err := w.direct.Find(context.Background(), w.project.Database(env))
	if errors.Is(err, deploy.ErrNoDatabase) {
		return ""
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return db.ID
}

// exec does something in an environment's database behind Towline's back, which is created if need be.
func (w *world) exec(env release.Environment, statements ...string) {
	w.t.Helper()
	id := w.id(env)
	if id == "" {
		db, err := w.direct.Create(context.Background(), w.project.Database(env))
		if err != nil {
			w.t.Fatal(err)
		}
		id = db.ID
	}
	if _, err := w.direct.Apply(context.Background(), id, statements); err != nil {
		w.t.Fatal(err)
	}
}

// query returns the first column of a query's rows as texts.
func (w *world) query(env release.Environment, sql string) []string {
	w.t.Helper()
	rows, err := w.direct.Read(context.Background(), w.id(env), []string{sql})
	if err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	out := []string{}
	for _, v := range rows[0].Values {
		out = append(out, fmt.Sprint(v[0]))
	}
	return out
}

// holds checks a query's answer in an environment's database.
func (w *world) holds(env release.Environment, sql string, want ...string) {
	w.t.Helper()
	if got := w.query(env, sql); !slices.Equal(got, want) {
		w.t.Errorf("%s: %s\n got %q\nwant %q", env, sql, got, want)
	}
}

const (
	tables = `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\_cf%' ESCAPE '\' ORDER BY name`
	ledger = `SELECT name FROM d1_migrations ORDER BY id`
)

// audited lists what the project's log says, oldest first.
func (s *shop) audited() []string {
	s.t.Helper()
	var out []string
	err := s.records.Deploy().View(context.Background(), func(tx deploy.Tx) error {
		for _, e := range tx.Entries("shop", 10_000) {
			out = append(out, strings.TrimSpace(e.What+" "+e.Detail))
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	slices.Reverse(out)
	return out
}

// errDead is what a store says after its process has died.
var errDead = errors.New("the process is dead")
