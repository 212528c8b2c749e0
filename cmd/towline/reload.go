package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"towline/config"
	"towline/deploy/release"
	"towline/handlers"
)

// configFile is the file that the service was started with. It is read again on SIGHUP and for /reload, all or nothing.
type configFile struct {
	program program
	path    string
	first   *config.Config // what is read at start only counts as it stands here

	mu sync.Mutex // one reading after the other
}

// reload reads the file again and lets the service go on with what it says. A file with a mistake changes nothing. who is zero
// for a signal. The error is the store's.
func (f *configFile) reload(ctx context.Context, s *service, who release.Person) (handlers.Reloaded, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, warnings, err := config.Load(f.path, f.program.getenv)
	var r handlers.Reloaded
	for _, w := range warnings {
		r.Warnings = append(r.Warnings, w.String())
	}
	if err != nil {
		fmt.Fprintln(f.program.stderr, err) // with the lines of the file, for whoever repairs it
		return f.refused(s, problems(err)), nil
	}
	w, err := wire(c, f.program.getenv)
	if err != nil {
		return f.refused(s, problems(err)), nil
	}
	r.Changes = config.Changes(s.wiring.Load().config, c)
	r.Restart = f.atStartOnly(c)
	// What counts is written down before it does.
	if err := s.engine.ConfigRead(ctx, who, c.Digest(), r.Changes); err != nil {
		return handlers.Reloaded{}, err
	}
	s.wiring.Store(w)
	if err := s.engine.Reconsider(ctx); err != nil {
		s.log.Error("the open requests were not looked at again; each is when somebody approves it", "error", err)
	}
	s.log.Info("the config was reloaded", "projects", len(c.Projects), "people", len(c.People), "changes", len(r.Changes))
	if len(r.Restart) > 0 {
		s.log.Warn("some of it is read at start only; restart for that", "sections", strings.Join(r.Restart, ", "))
	}
	return r, nil
}

func (f *configFile) refused(s *service, problems []string) handlers.Reloaded {
	s.log.Error("the config was not reloaded; the old one stays", "path", f.path, "problems", len(problems))
	return handlers.Reloaded{Problems: problems}
}

// problems are the mistakes of a config, each on one line: with its place in the file, and without the file's own text.
func problems(err error) []string {
	all, ok := errors.AsType[config.Errors](err)
	if !ok {
		return []string{err.Error()}
	}
	var out []string
	for _, e := range all {
		first, _, _ := strings.Cut(e.Error(), "\n")
		out = append(out, first)
	}
	return out
}

// atStartOnly names the sections that differ from those that the service was started with, and that it reads only then.
func (f *configFile) atStartOnly(c *config.Config) []string {
	var out []string
	was := f.first
	if was.Telegram.Token != c.Telegram.Token || was.Telegram.APIURL != c.Telegram.APIURL || !sameWebhook(was.Telegram.Webhook, c.Telegram.Webhook) {
		out = append(out, "telegram")
	}
	if was.Cloudflare != c.Cloudflare {
		out = append(out, "cloudflare")
	}
	if was.Store != c.Store {
		out = append(out, "store")
	}
	if !sameBackups(was.Backups, c.Backups) {
		out = append(out, "backups")
	}
	if was.StopTimeout != c.StopTimeout {
		out = append(out, "stop_timeout")
	}
	if was.Admin != c.Admin {
		out = append(out, "admin")
	}
	return out
}

func sameWebhook(a, b *config.Webhook) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func sameBackups(a, b config.Backups) bool {
	a.Schedule, b.Schedule = nil, nil // made of Drill
	return a == b
}

// reloadOnHangup reads the config again on every SIGHUP, until stop is called.
func (s *service) reloadOnHangup(ctx context.Context, f *configFile) (stop func()) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangup:
				r, err := f.reload(ctx, s, release.Person{})
				if err != nil {
					s.log.Error("the config was not reloaded; the old one stays", "path", f.path, "error", err)
				}
				for _, w := range r.Warnings {
					fmt.Fprintf(f.program.stderr, "towline: warning: %s\n", w)
				}
			}
		}
	}()
	return func() {
		signal.Stop(hangup)
		cancel()
		<-done
	}
}
