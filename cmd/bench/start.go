package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"towline/sandbox/telegram"
)

// idlePolls is how many long polls pass without an update before towline is weighed.
const idlePolls = 5

// started is what was measured of starting towline on one store.
type started struct {
	releases int
	store    int64   // bytes of the store's file
	answers  samples // seconds from executing the program to the arrival of its first sendMessage
	resident samples // MB, idle
	private  samples // MB of it that is no file's
}

// start starts towline again and again on a store with so many releases. A /help waits in Telegram each time.
func (r *report) start(ctx context.Context, binary string, releases int, dir string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	dir = filepath.Join(dir, fmt.Sprintf("start-%d", releases))
	if err := writeApp(filepath.Join(dir, "app"), 1); err != nil {
		return err
	}
	out := started{releases: releases}
	if releases > 0 {
		if err := history(ctx, filepath.Join(dir, "towline.db"), releases); err != nil {
			return fmt.Errorf("write a store with a history: %w", err)
		}
	}
	w, err := newWorld(ctx, r.settings, scenery{pollCap: 200 * time.Millisecond})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	config, err := w.configure(dir, 1)
	if err != nil {
		return err
	}
	for range r.settings.starts {
		if err := w.startOnce(ctx, binary, config, &out); err != nil {
			return err
		}
	}
	info, err := os.Stat(filepath.Join(dir, "towline.db"))
	if err != nil {
		return err
	}
	out.store = info.Size()
	r.started = append(r.started, out)
	return nil
}

// startOnce says /help, starts towline, takes the time to its answer, lets it idle, weighs it and stops it.
func (w *world) startOnce(ctx context.Context, binary, config string, out *started) (err error) {
	asked, err := w.telegram.Say(ctx, telegram.SayOptions{Chat: group, From: deployer, Text: "/help"})
	if err != nil {
		return err
	}
	p, err := serve(binary, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	err = w.telegram.WaitFor(ctx, group, func(all []telegram.Message) bool {
		last := all[len(all)-1]
		return last.FromBot && last.ID > asked
	})
	if err != nil {
		return p.explain(fmt.Errorf("no answer to /help: %w", err))
	}
	answered, err := w.arrival(p.began, "POST sendMessage")
	if err != nil {
		return err
	}
	out.answers = append(out.answers, seconds(answered.Sub(p.began)))
	if err := w.idle(ctx); err != nil {
		return p.explain(err)
	}
	m, err := p.weigh()
	if errors.Is(err, os.ErrNotExist) {
		return nil // no /proc: memory stays unmeasured, and the report says so
	}
	out.resident = append(out.resident, m.resident*1024/1e6)
	out.private = append(out.private, m.anonymous*1024/1e6)
	return err
}

// arrival is when the first such call to Telegram came after t.
func (w *world) arrival(t time.Time, what string) (time.Time, error) {
	for _, c := range w.chat.since(t) {
		if c.what == what {
			return c.begun, nil
		}
	}
	return time.Time{}, fmt.Errorf("towline's answer is in the chat, but no %s was noted", what)
}

// idle waits until so many polls came back without an update.
func (w *world) idle(ctx context.Context) error {
	since := time.Now()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		polls := 0
		for _, c := range w.chat.since(since) {
			if c.what == "POST getUpdates" && !c.ended.IsZero() {
				polls++
			}
		}
		if polls >= idlePolls {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("towline does not poll: %w", ctx.Err())
		}
	}
}
