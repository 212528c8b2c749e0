package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"towline/sandbox/telegram"
)

// serving is `towline serve` under way.
type serving struct {
	o      *outside
	stop   context.CancelFunc
	ended  chan int
	stderr lockedBuffer
}

func (o *outside) serve() *serving {
	ctx, cancel := context.WithCancel(o.t.Context())
	s := &serving{o: o, stop: cancel, ended: make(chan int, 1)}
	go func() {
		getenv := func(key string) string { return o.env[key] }
		s.ended <- run(ctx, []string{"serve", "-v", "-config", o.path()}, getenv, strings.NewReader(""), &s.stderr, &s.stderr)
	}()
	o.t.Cleanup(func() {
		cancel()
		if strings.Contains(s.stderr.String(), botToken) || strings.Contains(s.stderr.String(), apiToken) {
			o.t.Error("a token is in the log")
		}
	})
	return s
}

// answers says something and waits for an answer with these words.
func (o *outside) answers(who int64, text string, words ...string) {
	o.t.Helper()
	ctx, cancel := patient(o.t.Context(), o.t)
	defer cancel()
	id, err := o.tg.Say(ctx, telegram.SayOptions{Chat: teamChat, From: who, Text: text})
	if err != nil {
		o.t.Fatal(err)
	}
	if err := o.tg.WaitFor(ctx, teamChat, func(all []telegram.Message) bool {
		return slices.ContainsFunc(all, func(m telegram.Message) bool { return m.FromBot && m.ReplyTo == id && hasAll(m.Text, words) })
	}); err != nil {
		o.t.Fatal(err)
	}
}

func (s *serving) end(want int) {
	s.o.t.Helper()
	ctx, cancel := patient(s.o.t.Context(), s.o.t)
	defer cancel()
	select {
	case code := <-s.ended:
		if code != want {
			s.o.t.Errorf("exit code %d, want %d:\n%s", code, want, s.stderr.String())
		}
	case <-ctx.Done():
		s.o.t.Fatal("serve has not ended")
	}
}

func TestServeAnswersShipsAndStops(t *testing.T) {
	o := newOutside(t, true)
	s := o.serve()
	o.answers(demoDeployer, "/help", "your role is deployer")
	o.answers(demoDeployer, "/deploy", "shop → preview · live", "#1")
	if menu := o.tg.Commands(teamChat, demoDeployer); len(menu) < 9 {
		t.Errorf("the menu has %d commands", len(menu))
	}
	s.stop()
	s.end(exitFine)
	// It starts again on the same store, and knows what it did.
	s = o.serve()
	o.answers(demoDeployer, "/status", "preview · #1 live")
	s.stop()
	s.end(exitFine)
}

func TestASecondServeOnTheSameStoreNamesTheFirst(t *testing.T) {
	o := newOutside(t, true)
	s := o.serve()
	o.answers(demoDeployer, "/whoami", "person 1001")
	code, _, stderr := o.run(t.Context(), "serve", "-config", o.path())
	if code != exitUnknown || !hasAll(stderr, []string{"this bot is already served by process", "Stop the other one"}) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	o.env["BOT"] = "4712:another-bot-for-the-same-store"
	code, _, stderr = o.run(t.Context(), "serve", "-config", o.path())
	if code != exitUnknown || !hasAll(stderr, []string{"towline.db", "process", "Stop the other one first"}) {
		t.Errorf("another bot: exit code %d: %s", code, stderr)
	}
	o.answers(demoDeployer, "/whoami", "person 1001")
	s.stop()
	s.end(exitFine)
}

func TestAHangupReadsTheConfigAgainAllOrNothing(t *testing.T) {
	o := newOutside(t, true)
	s := o.serve()
	o.answers(demoDeployer, "/whoami", "role: deployer")
	o.config(goodConfig, "name: Dana, role: deployer", "name: Dana, role: admin")
	o.hangup(s, "the config was reloaded")
	o.answers(demoDeployer, "/whoami", "role: admin")
	o.config(goodConfig, "name: Dana, role: deployer", "name: Dana, role: emperor")
	o.hangup(s, "the old one stays")
	o.answers(demoDeployer, "/whoami", "role: admin")
	if !strings.Contains(s.stderr.String(), `found "emperor"`) {
		t.Error("the mistake in the config was not told")
	}
	s.stop()
	s.end(exitFine)
}

// hangup sends this process SIGHUP, as `kill -HUP` would, and waits for the line in the log.
func (o *outside) hangup(s *serving, line string) {
	o.t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		o.t.Fatal(err)
	}
	ctx, cancel := patient(o.t.Context(), o.t)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(s.stderr.String(), line) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			o.t.Fatalf("no %q in the log:\n%s", line, s.stderr.String())
		}
	}
}

func TestServeSaysWhyItCannot(t *testing.T) {
	for _, c := range []struct {
		name  string
		code  int
		words []string
		spoil func(o *outside)
	}{
		{name: "the bot token is wrong", code: exitRefused, words: []string{"Telegram does not know this bot token", "@BotFather"},
			spoil: func(o *outside) { o.env["BOT"] = "1:wrong" }},
		{name: "another process polls", code: exitUnknown, words: []string{"another process polls Telegram with this bot token"},
			spoil: func(o *outside) {
				o.tg.Fault(telegram.Fault{Kind: telegram.ConflictError, Method: "getUpdates", Times: 100})
			}},
		{name: "the config is wrong", code: exitRefused, words: []string{"config.yaml:5:34", "did you mean"},
			spoil: func(o *outside) { o.config(goodConfig, "role: deployer", "role: deploier") }},
		{name: "the store cannot be made", code: exitUnknown, words: []string{"no-such-folder"},
			spoil: func(o *outside) { o.config(goodConfig, "path: towline.db", "path: no-such-folder/x/towline.db") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOutside(t, true)
			c.spoil(o)
			ctx, cancel := patient(t.Context(), t)
			defer cancel()
			code, _, stderr := o.run(ctx, "serve", "-config", o.path())
			if code != c.code || ctx.Err() != nil || !hasAll(stderr, c.words) {
				t.Errorf("exit code %d, want %d (%v):\n%s", code, c.code, ctx.Err(), stderr)
			}
		})
	}
}

func TestTheCommandLine(t *testing.T) {
	o := newOutside(t, true)
	for _, c := range []struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		{args: nil, code: exitUsage, stderr: "usage: towline COMMAND"},
		{args: []string{"help"}, code: exitFine, stdout: "usage: towline COMMAND"},
		{args: []string{"--help"}, code: exitFine, stdout: "serve"},
		{args: []string{"dance"}, code: exitUsage, stderr: `there is no command "dance"`},
		{args: []string{"check", "-h"}, code: exitFine, stderr: "usage: towline check -config config.yaml"},
		{args: []string{"check", "-colour"}, code: exitUsage, stderr: "flag provided but not defined: -colour"},
		{args: []string{"check", "config.yaml"}, code: exitUsage, stderr: `"config.yaml" is too much`},
		{args: []string{"demo", "-listen", "nowhere"}, code: exitUsage, stderr: "-listen wants an address with a port"},
	} {
		code, stdout, stderr := o.run(t.Context(), c.args...)
		if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
			t.Errorf("towline %v: exit code %d, want %d\n%s%s", c.args, code, c.code, stdout, stderr)
		}
	}
}

func TestTheDemoCommandStopsAndKeepsItsStateOnlyWhereItIsTold(t *testing.T) {
	o := newOutside(t, true)
	dir := t.TempDir()
	for range 2 { // the second time on what the first one left
		ctx, cancel := context.WithCancel(t.Context())
		out := &signalling{word: "open http://127.0.0.1:", seen: make(chan struct{})}
		ended := make(chan int, 1)
		go func() {
			ended <- run(ctx, []string{"demo", "-dir", dir}, func(key string) string { return o.env[key] }, strings.NewReader(""), out, out)
		}()
		select {
		case <-out.seen:
		case code := <-ended:
			t.Fatalf("the demo ended with %d: %s", code, out.String())
		}
		cancel()
		if code := <-ended; code != exitFine {
			t.Errorf("exit code %d: %s", code, out.String())
		}
	}
	if _, err := os.Stat(dir + "/towline.db"); err != nil {
		t.Error(err)
	}
}

// signalling is an output that tells when a word was written.
type signalling struct {
	lockedBuffer
	word string
	seen chan struct{}
	done bool
}

func (s *signalling) Write(p []byte) (int, error) {
	n, err := s.lockedBuffer.Write(p)
	if !s.done && strings.Contains(s.String(), s.word) {
		s.done = true
		close(s.seen)
	}
	return n, err
}

func TestACardSaysForHowLongTheConfigsPlanKeepsARestorePoint(t *testing.T) {
	for plan, want := range map[string]string{"": "Kept 30 days, 7 on the free plan.", ", plan: paid": "Kept 30 days.", ", plan: free": "Kept 7 days."} {
		o := newOutside(t, true)
		o.config(strings.Replace(goodConfig, `/client/v4"}`, `/client/v4"`+plan+"}", 1))
		s := o.serve()
		o.answers(demoDeployer, "/deploy", "shop → preview · live", want)
		s.stop()
		s.end(exitFine)
	}
}
