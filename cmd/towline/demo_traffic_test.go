package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"towline/store"
)

// market is a demo whose customers order when the test says so.
type market struct {
	guest
	w       *world
	ticks   chan time.Time
	ordered chan struct{}
}

// openMarket starts the demo's world and its bot, and customers with room for so many orders per migration.
func openMarket(t *testing.T, perMigration int64) *market {
	t.Helper()
	ctx, cancel := patient(t.Context(), t)
	running, stop := context.WithCancel(ctx)
	dir := t.TempDir()
	s, err := store.Open(filepath.Join(dir, "towline.db"), store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	w, err := newWorld(demoOptions{dir: dir, listen: "127.0.0.1:0"}, log)
	if err != nil {
		t.Fatal(err)
	}
	service, err := w.service(s, t.TempDir(), log)
	if err != nil {
		t.Fatal(err)
	}
	d1, err := w.databases(log)
	if err != nil {
		t.Fatal(err)
	}
	m := &market{guest: guest{t: t, ctx: ctx, address: w.address}, w: w, ticks: make(chan time.Time), ordered: make(chan struct{}, 1000)}
	customers := traffic{databases: d1, perMigration: perMigration, ticks: m.ticks, log: log, ordered: func() { m.ordered <- struct{}{} }}
	var parts sync.WaitGroup
	parts.Go(func() { customers.run(running) })
	parts.Go(func() {
		if err := service.run(running); err != nil {
			t.Errorf("the service ended with %v", err)
		}
	})
	t.Cleanup(func() {
		stop()
		parts.Wait()
		if err := w.close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		cancel()
		for _, v := range w.telegram.Violations() {
			t.Errorf("Telegram would have refused: %s", v)
		}
	})
	return m
}

// tick lets the customers try so many times; they have done so when it returns.
func (m *market) tick(times int) {
	for range times + 1 { // the last one is taken when the one before it is done
		m.ticks <- time.Time{}
	}
}

// rush lets the customers order as fast as they can until stop is called.
func (m *market) rush() (stop func()) {
	ctx, cancel := context.WithCancel(m.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case m.ticks <- time.Time{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

// orders counts what is on production.
func (m *market) orders() int64 {
	m.t.Helper()
	d1, err := m.w.databases(slog.New(slog.DiscardHandler))
	if err != nil {
		m.t.Fatal(err)
	}
	shop, err := d1.Find(m.ctx, demoProduction)
	if err != nil {
		m.t.Fatal(err)
	}
	rows, err := d1.Read(m.ctx, shop.ID, []string{"SELECT count(*) FROM orders", "SELECT count(*) FROM orders WHERE customer_id NOT IN (SELECT id FROM customers)"})
	if err != nil || rows[1].Values[0][0].(int64) != 0 {
		m.t.Fatalf("%v, %v", rows, err)
	}
	return rows[0].Values[0][0].(int64)
}

func TestCustomersOrderOnceThereIsAShopAndNotWithoutEnd(t *testing.T) {
	m := openMarket(t, 10)
	m.tick(2)
	m.ship("v1", "#1")
	m.tick(2)
	if len(m.ordered) != 0 {
		t.Errorf("%d orders were taken without a table for them", len(m.ordered))
	}
	m.ship("v2", "#2") // brings two orders, and with the first migration's one more room for ten
	m.tick(3)
	if n := m.orders(); n < 5 || n > 6 {
		t.Errorf("after three ticks, and perhaps a fourth, there are %d orders", n)
	}
	m.tick(12)
	if n := m.orders(); n != 10 || len(m.ordered) != 8 {
		t.Errorf("there are %d orders, and %d were placed", n, len(m.ordered))
	}
}

func TestAPromoteAndARollbackWorkWhileCustomersOrder(t *testing.T) {
	m := openMarket(t, 30)
	m.ship("v1", "#1")
	m.ship("v2", "#2")
	m.tick(3)
	stop := m.rush()
	m.ship("v3", "#3")
	stop()
	m.tick(3) // where there is no room for these, more than three came after v3 had made room
	stop = m.rush()
	m.say(demoDeployer, "/rollback")
	back := m.card("waiting for approval", "From #3 to #2", "at least")
	if !strings.Contains(back.Text, " rows") {
		t.Errorf("no price in %q", back.Text)
	}
	m.press(demoApprover, back, "Approve going back to #2")
	m.card("went back to #2", "held")
	stop()
	m.say(demoDeployer, "/status")
	m.card("preview", "production", "#3 live", "#2 live")
}
