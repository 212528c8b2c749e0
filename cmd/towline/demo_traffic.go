package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"towline/deploy"
)

// The demo's customers order every few seconds, so that going back has a price to show.
const (
	orderEvery = 3 * time.Second
	// ordersPerMigration bounds the orders by what is on production: each migration after the first makes room for so many.
	// A local Cloudflare keeps its last hundred states for Time Travel; orders without end would push the way back out of it.
	ordersPerMigration = 20
)

// traffic is what the demo's customers do to production, through the API as any Worker's owner could. It asks for nothing of
// the bot and never fails the demo: what does not work now is tried at the next tick.
type traffic struct {
	databases    deploy.Databases
	perMigration int64
	ticks        <-chan time.Time
	log          *slog.Logger
	// ordered, where a test wants it, is told of every order that was taken.
	ordered func()
}

// startTraffic lets customers order until ctx ends; stop waits for them.
func (w *world) startTraffic(ctx context.Context, log *slog.Logger) (stop func(), err error) {
	d1, err := w.databases(log)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ticker := time.NewTicker(orderEvery)
	t := traffic{databases: d1, perMigration: ordersPerMigration, ticks: ticker.C, log: log, ordered: func() {}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.run(ctx)
	}()
	return func() {
		ticker.Stop()
		cancel()
		<-done
	}, nil
}

func (t traffic) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.ticks:
		}
		switch taken, err := t.order(ctx); {
		case err != nil:
			t.log.Debug("no order was placed", "reason", err)
		case taken:
			t.ordered()
		}
	}
}

// order places one order, where there is a shop to take it and room for it. Until v2 is on production there is no database, or no table: the
// customers' app does not ask for a table that its release has not made.
func (t traffic) order(ctx context.Context) (taken bool, err error) {
	shop, err := t.databases.Find(ctx, demoProduction)
	if err != nil {
		return false, err
	}
	sells, err := t.databases.Read(ctx, shop.ID, []string{"SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'orders'"})
	if err != nil || len(sells) != 1 || len(sells[0].Values) == 0 {
		return false, err
	}
	rows, err := t.databases.Read(ctx, shop.ID, []string{
		"SELECT (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM d1_migrations) AS migrations",
	})
	if err != nil {
		return false, err
	}
	orders, migrations, err := twoNumbers(rows)
	if err != nil || orders >= t.perMigration*(migrations-1) {
		return false, err
	}
	item := demoItems()[int(orders)%len(demoItems())]
	_, err = t.databases.Apply(ctx, shop.ID, []string{fmt.Sprintf("INSERT INTO orders (customer_id, item, quantity, price_cents) "+
		"SELECT id, '%s', %d, %d FROM customers ORDER BY (id + %d) %% 3, id LIMIT 1", item.name, orders%3+1, item.cents, orders)})
	return err == nil, err
}

func twoNumbers(rows []deploy.Rows) (a, b int64, err error) {
	if len(rows) == 1 && len(rows[0].Values) == 1 && len(rows[0].Values[0]) == 2 {
		a, isA := rows[0].Values[0][0].(int64)
		b, isB := rows[0].Values[0][1].(int64)
		if isA && isB {
			return a, b, nil
		}
	}
	return 0, 0, fmt.Errorf("the shop was counted as %v", rows)
}

// demoItem is something that the shop sells. Names have no quotes in them.
type demoItem struct {
	name  string
	cents int
}

func demoItems() []demoItem {
	return []demoItem{{"tea", 450}, {"kettle", 3900}, {"cup", 1200}, {"strainer", 700}, {"honey", 890}}
}
