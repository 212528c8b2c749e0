package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	sandboxcloudflare "towline/sandbox/cloudflare"
	"towline/sandbox/telegram"
)

// process starts this test binary as the program, and returns how to kill it.
func (o *outside) process() (kill func()) {
	o.t.Helper()
	cmd := exec.Command(os.Args[0], "serve", "-config", o.path())
	cmd.Env = append(os.Environ(), "TOWLINE_TEST_PROGRAM=1")
	for key, value := range o.env {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	var log lockedBuffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	killed := false
	kill = func() {
		if killed {
			return
		}
		killed = true
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if strings.Contains(log.String(), botToken) || strings.Contains(log.String(), apiToken) {
			o.t.Error("a token is in the log")
		}
		if o.t.Failed() {
			o.t.Log(log.String())
		}
	}
	o.t.Cleanup(kill)
	return kill
}

// press waits for a button and presses it, and once more where it was just replaced: a bot that starts gives a request fresh
// ones.
func (o *outside) press(ctx context.Context, who int64, label string) {
	o.t.Helper()
	s := &stage{tg: o.tg, ctx: ctx}
	for {
		k, err := s.button(label)
		if err != nil {
			o.t.Fatal(err)
		}
		a, err := o.tg.Press(ctx, telegram.PressOptions{Chat: teamChat, Message: k.message, From: who, Data: k.data, Forged: true})
		if err != nil {
			o.t.Fatal(err)
		}
		if !strings.Contains(a.Text, "was replaced") && !strings.Contains(a.Text, "no longer in use") {
			return
		}
	}
}

func TestABotThatIsKilledWithACallOnItsWayFinishesTheRunOnce(t *testing.T) {
	o := newOutside(t, true)
	ctx, cancel := patient(t.Context(), t)
	defer cancel()
	kill := o.process()
	o.answers(demoDeployer, "/deploy", "shop → preview · live", "#1")
	o.press(ctx, demoDeployer, "Promote #1")
	s := &stage{tg: o.tg, ctx: ctx}
	if _, err := s.button("Approve"); err != nil {
		t.Fatal(err)
	}
	kill() // while it waits for people
	kill = o.process()
	held, release := make(chan struct{}, 1), make(chan struct{})
	o.faults.Inject(sandboxcloudflare.Fault{Body: "CREATE TABLE customers", Before: func(ctx context.Context) {
		held <- struct{}{}
		select {
		case <-release:
		case <-ctx.Done():
		}
	}})
	o.press(ctx, demoApprover, "Approve")
	select {
	case <-held:
	case <-ctx.Done():
		t.Fatal("the change was never sent")
	}
	kill() // between the intent and the effect
	close(release)
	o.process()
	if err := o.tg.WaitFor(ctx, teamChat, func(all []telegram.Message) bool {
		for _, m := range all {
			if strings.Contains(m.Text, "shop → production · live") {
				return true
			}
		}
		return false
	}); err != nil {
		t.Fatal(err)
	}
	production := 0
	for _, c := range o.faults.Calls() {
		if c.Executed && c.Status == 200 && strings.Contains(c.Body, "CREATE TABLE customers") {
			production++
		}
	}
	if production != 2 { // preview's and production's
		t.Errorf("the migration was carried out %d times", production)
	}
	for _, v := range o.tg.Violations() {
		t.Errorf("Telegram would have refused: %s", v)
	}
}
