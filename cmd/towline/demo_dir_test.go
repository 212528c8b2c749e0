package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"towline/sandbox/telegram"
)

func TestTheDemoGoesOnAfterARestartOnTheSameFolder(t *testing.T) {
	dir := t.TempDir()
	first := startDemo(t, "-dir", dir)
	first.say(demoDeployer, "/deploy v1")
	first.card("shop → preview · live", "#1")
	first.say(demoDeployer, "/whoami")
	first.card("person 1001") // what was to be said before it was said
	before := withoutNews(first.chat())
	first.end()

	second := startDemo(t, "-dir", dir)
	after := withoutNews(second.chat())
	if chatText(after) != chatText(before) {
		t.Errorf("the chat is now%s\nand was%s", chatText(after), chatText(before))
	}
	second.press(demoDeployer, second.card("shop → preview · live", "#1"), "Promote #1")
	ask := second.card("shop → production", "waiting for approval", "#1")
	second.end()

	third := startDemo(t, "-dir", dir)
	third.insist(demoApprover, "waiting for approval", "Approve")
	live := third.card("shop → production · live", "#1", "Dana", "Robin")
	if live.ID != ask.ID {
		t.Errorf("the request was message %d, and the result is %d", ask.ID, live.ID)
	}
	third.say(demoDeployer, "/deploy v2")
	third.card("shop → preview · live", "#2")
	third.say(demoDeployer, "/status")
	third.card("preview", "production", "#2 live", "#1 live")
	third.end()
}

// withoutNews leaves out what comes by itself: the warnings of limits, which change as use is counted, and the week's report.
func withoutNews(all []telegram.Message) []telegram.Message {
	return slices.DeleteFunc(slices.Clone(all), func(m telegram.Message) bool {
		return strings.HasPrefix(m.Text, "📋 Report") || m.Photo != nil || slices.ContainsFunc(m.Buttons, func(row []telegram.Button) bool {
			return slices.ContainsFunc(row, func(b telegram.Button) bool { return strings.Contains(b.Text, "Mute") })
		})
	})
}

// childOf is where a process of this test finds what it is to do.
const childOf = "TOWLINE_TEST_DEMO_CHILD"

// child runs a function in a process of its own, which ends with this one. The function sees the name's value in the environment.
func child(t *testing.T, value string, out io.Writer) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	c.Env = append(os.Environ(), childOf+"="+value)
	c.Stdout, c.Stderr = out, out
	if _, err := c.StdinPipe(); err != nil { // its end tells the child that this process is gone
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// orphaned ends a child whose parent is gone.
func orphaned() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(exitUnknown)
}

func TestADemoThatIsKilledGoesOnWhereItWas(t *testing.T) {
	if dir := os.Getenv(childOf); dir != "" {
		go orphaned()
		os.Exit(run(context.Background(), []string{"demo", "-dir", dir, "-latency", "30ms"}, os.Getenv, strings.NewReader(""), os.Stdout, os.Stderr))
	}
	ctx, cancel := patient(t.Context(), t)
	defer cancel()
	k := killedDemo{t: t, ctx: ctx, dir: t.TempDir()}
	nothing := func(*guest) {}
	const many = 1 << 30
	const deployed, shipped = "shop → preview · live", "shop → production · live"
	k.life(func(g *guest) { g.say(demoDeployer, "/deploy v1") }, 0, deployed)
	for states := range 4 {
		k.life(nothing, states, deployed)
	}
	k.life(nothing, many, deployed)
	k.life(func(g *guest) { g.press(demoDeployer, g.card(deployed), "Promote #1") }, many, "waiting for approval")
	k.life(func(g *guest) { g.insist(demoApprover, "waiting for approval", "Approve") }, 0, shipped)
	for states := range 4 {
		k.life(nothing, states, shipped)
	}

	last := startDemo(t, "-dir", k.dir)
	last.card(shipped, "#1", "Dana", "Robin")
	last.say(demoDeployer, "/status")
	last.card("preview", "production", "#1 live")
	last.ship("v2", "#2")
	ids := map[int]bool{}
	for _, m := range last.chat() {
		if ids[m.ID] {
			t.Errorf("the message id %d was given twice", m.ID)
		}
		ids[m.ID] = true
	}
	last.end()
}

// killedDemo is a demo whose every life ends with SIGKILL, and begins on the same folder.
type killedDemo struct {
	t   *testing.T
	ctx context.Context
	dir string
}

// life runs the demo, lets somebody act, and kills it after so many further states of the chat, or at the first in
// which the bot has said the words.
func (k killedDemo) life(act func(*guest), states int, words string) {
	k.t.Helper()
	out := newConsole()
	c := child(k.t, k.dir, out)
	defer func() {
		_ = c.Process.Kill() // SIGKILL
		_ = c.Wait()         // it says that the process was killed
	}()
	g := &guest{t: k.t, ctx: k.ctx}
	select {
	case g.address = <-out.found:
	case <-k.ctx.Done():
		k.t.Fatalf("the demo does not start: %s", out)
	}
	act(g)
	said := func(m telegram.Message) bool { return m.FromBot && strings.Contains(m.Text, words) }
	err := g.watch(func(all []telegram.Message) bool {
		states--
		over := states < 0 || slices.ContainsFunc(all, said)
		if over {
			k.t.Logf("killed at%s", chatText(all))
		}
		return over
	})
	if err != nil {
		k.t.Fatal(err)
	}
}

func TestTheFirstCtrlCStopsAndTheSecondEndsAtOnce(t *testing.T) {
	if os.Getenv(childOf) != "" {
		ctx, release := untilInterrupted(context.Background()) // as every command has it
		defer release()
		defer program{stdout: os.Stdout}.sayStopping(ctx)()
		fmt.Println("\n  open http://nothing")
		orphaned() // a demo that does not come to its end
	}
	out := newConsole()
	c := child(t, "stuck", out)
	<-out.found
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	out.wait(t, "Stopping. Ctrl-C again ends it at once.")
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := patient(t.Context(), t)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = c.Process.Kill() })()
	_ = c.Wait() // it says what is looked at next
	status, ok := c.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("the second ctrl-C led to %v", c.ProcessState)
	}
}

func TestAStoppedDemoLeavesNothingRunningAndNoFiles(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	d := startDemo(t)
	d.say(demoDeployer, "/deploy v1")
	watching := make(chan error, 1)
	ready := make(chan struct{})
	go func() { // a browser whose tab stays open
		told := false
		watching <- d.watch(func([]telegram.Message) bool {
			if !told {
				close(ready)
				told = true
			}
			return false
		})
	}()
	<-ready // and a deploy under way
	d.end()
	if err := <-watching; err == nil {
		t.Error("the stream goes on")
	}
	left, err := os.ReadDir(temp)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	for _, word := range []string{"write /deploy", "Nothing is kept", "-dir FOLDER", "Ctrl-C stops"} {
		if !strings.Contains(d.out.String(), word) {
			t.Errorf("nothing of %q in: %s", word, d.out)
		}
	}
}

func TestTheDemoSaysWhyItDoesNotStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "telegram.state"), []byte("something else\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const reach = "whoever reaches it speaks for every member"
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"all addresses":         {[]string{"-listen", ":8080"}, exitUsage, reach},
		"all addresses of IPv4": {[]string{"-listen", "0.0.0.0:8080"}, exitUsage, reach},
		"another machine's":     {[]string{"-listen", "192.0.2.1:8080"}, exitUsage, reach},
		"a name":                {[]string{"-listen", "shop.example.com:8080"}, exitUsage, reach},
		"no port":               {[]string{"-listen", "127.0.0.1"}, exitUsage, "an address with a port"},
		"a port in use":         {[]string{"-listen", taken.Addr().String()}, exitUsage, "another program listens on " + taken.Addr().String()},
		"a folder without -dir": {[]string{"folder"}, exitUsage, "-dir names a folder"},
		"a damaged state":       {[]string{"-dir", damaged}, exitUnknown, "Remove " + damaged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			out, errs := newConsole(), newConsole()
			code := run(t.Context(), append([]string{"demo"}, c.args...), func(string) string { return "" }, strings.NewReader(""), out, errs)
			if code != c.code || !strings.Contains(errs.String(), c.want) || out.String() != "" {
				t.Errorf("exit %d, out %q, errors %q; want %d and %q", code, out, errs, c.code, c.want)
			}
		})
	}
}

func TestAddressesOfThisMachineAreListenedOn(t *testing.T) {
	for given, want := range map[string]string{
		"127.0.0.1:0": "127.0.0.1:0", "127.0.0.2:80": "127.0.0.2:80", "[::1]:8080": "[::1]:8080", "localhost:8080": "127.0.0.1:8080",
	} {
		if got, err := onThisMachine(given); err != nil || got != want {
			t.Errorf("%s: %q, %v", given, got, err)
		}
	}
}

func TestASecondDemoOnAFolderIsToldOfTheFirst(t *testing.T) {
	dir := t.TempDir()
	d := startDemo(t, "-dir", dir)
	errs := newConsole()
	code := run(t.Context(), []string{"demo", "-dir", dir}, func(string) string { return "" }, strings.NewReader(""), newConsole(), errs)
	if code != exitUnknown || !strings.Contains(errs.String(), "Another demo keeps its state in "+dir) {
		t.Errorf("exit %d: %s", code, errs)
	}
	d.end()
}
