package cards_test

import (
	"fmt"
	"time"

	"towline/cards"
	"towline/deploy/release"
	"towline/migrations"
)

var (
	noon     = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	dana     = release.Person{ID: 1001, Name: "Dana"}
	robin    = release.Person{ID: 1002, Name: "Robin"}
	kim      = release.Person{ID: 1003, Name: "Kim"}
	digest   = "7f3c0a1be1d24c55aa01b2c3d4e5f60718293a4b5c6d7e8f9012345678901234"
	older    = "11111111e1d24c55aa01b2c3d4e5f60718293a4b5c6d7e8f9012345678901234"
	bookmark = "00000085-0000024c-00004c6d-8e61117bf38d7adb71b934ebbf891683"
)

func point() *release.RestorePoint {
	return &release.RestorePoint{Database: "shop", DatabaseID: "id-1", Bookmark: bookmark, At: noon.Add(-time.Hour)}
}

// keptFor is a point of an account whose plan is known.
func keptFor(d time.Duration) *release.RestorePoint {
	p := point()
	p.Kept = d
	return p
}

func pending(n int) []release.Pending {
	list := []release.Pending{
		{Name: "0007_orders.sql", Statements: []string{"CREATE TABLE orders", "CREATE INDEX orders_customer"}},
		{Name: "0008_totals.sql", Statements: []string{"ALTER TABLE orders ADD total_cents", "UPDATE orders", "CREATE TRIGGER totals"}},
		{Name: "0009_note.sql"},
	}
	for i := len(list); i < n; i++ {
		list = append(list, release.Pending{Name: fmt.Sprintf("%04d_step.sql", 7+i), Statements: []string{"CREATE TABLE step"}})
	}
	return list[:n]
}

func plan(kind release.Kind, env release.Environment) *release.Plan {
	p := &release.Plan{
		Kind: kind, Project: "shop", Environment: env, Release: 42, Bundle: digest, Ledger: "d1_migrations",
		Target: release.Target{Database: "shop", ID: "id-1"}, Pending: pending(2), Transactions: 1, Statements: 5,
	}
	if env == release.Preview {
		p.Target.Database = "shop-preview"
	}
	return p
}

// run is a release on its way, as the store holds it at that phase.
func run(kind release.Kind, phase release.Phase) release.Run {
	r := release.Run{
		ID: "01RUN", Project: "shop", Environment: release.Preview, Kind: kind, Phase: phase, Ref: "main", Release: 42, Was: 41,
		Origin:    release.Origin{Ref: "main", Commit: "a1b2c3d4e5f6", Author: "Dana", Subject: "Orders have totals"},
		WasFrom:   &release.Origin{Ref: "main", Commit: "0f0f0f0"},
		Requester: dana, RequestedAt: noon, StartedAt: noon.Add(time.Second), EndedAt: noon.Add(3400 * time.Millisecond),
	}
	if kind == release.Promote || kind == release.Rollback {
		r.Environment, r.Required, r.Approved, r.Asked = release.Production, 1, digest, 1
		r.ExpiresAt = noon.Add(24 * time.Hour)
	}
	r.Plan = plan(kind, r.Environment)
	if kind == release.Reset {
		r.Plan.Reset = true
	}
	if kind == release.Rollback {
		r.Was, r.Release = 42, 41
		r.Plan.Back = &release.Back{Way: release.WayDown, Tables: []string{"orders"}, Columns: []string{"customers.country"},
			Price: release.Price{Counted: true, AtLeast: 12034, Tables: map[string]int64{"orders": 12034}}}
	}
	if r.Required > 0 && phase != release.Asking {
		r.Votes = []release.Vote{{By: robin, Yes: true, Digest: digest, At: noon}}
	}
	return r
}

func steps(state release.StepState, names ...string) []release.Step {
	var list []release.Step
	for i, n := range names {
		s := release.Step{Name: n, State: release.StepDone, Begun: noon, Ended: noon.Add(time.Duration(i) * 150 * time.Millisecond)}
		if i == len(names)-1 {
			s.State = state
		}
		list = append(list, s)
	}
	return list
}

func travel(p release.Price) release.Run {
	r := run(release.Rollback, release.Asking)
	r.Plan.Back = &release.Back{Way: release.WayTimeTravel, To: point(), Missing: []string{"0008_totals.sql"}, Price: p}
	return r
}

func with(r release.Run, change func(*release.Run)) cards.View {
	change(&r)
	return cards.View{Run: r, Approvers: []release.Person{robin, kim}}
}

func script(n int) []migrations.Transaction {
	var txs []migrations.Transaction
	for i := range n {
		file := fmt.Sprintf("%04d_orders.sql", 7+i)
		txs = append(txs, migrations.Transaction{Names: []string{file}, Statements: []migrations.Planned{
			{SQL: "CREATE TABLE IF NOT EXISTS d1_migrations(id INTEGER PRIMARY KEY)"},
			{SQL: "INSERT INTO d1_migrations (name) VALUES ('" + file + "')"},
			{SQL: "CREATE TABLE orders (id INTEGER PRIMARY KEY)", Origin: migrations.Statement{File: file, Line: 1}},
			{SQL: "CREATE INDEX orders_id ON orders (id)", Origin: migrations.Statement{File: file, Line: 2}},
		}})
	}
	return txs
}

func badFile() []migrations.Transaction {
	return []migrations.Transaction{{Statements: []migrations.Planned{
		{SQL: "SELECT 1", Origin: migrations.Statement{File: "x.sql\nDROP TABLE y;"}},
	}}}
}

// weighed is Time Travel as a plan has it that weighed it.
func weighed(p release.Price) release.Back {
	return release.Back{Way: release.WayTimeTravel, To: point(), Price: p, Restores: 9, Until: point().At.Add(release.Retention)}
}

func notOnlyMore() release.Back {
	return release.Back{Way: release.WayNothing, Not: release.Refuse(release.CodeNotOnlyMore, "release", "41").
		Listing("0008_totals.sql line 2 changes rows of orders", "column customers.country is gone", "table tags is gone")}
}
