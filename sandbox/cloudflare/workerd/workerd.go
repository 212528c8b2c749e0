// Package workerd runs Cloudflare's own runtime, the workerd binary, as a small Cloudflare for tests. Its SQLite is the
// one behind D1: the same build, authorizer and limits. A worker of ours (d1rest.js) puts the D1 REST API in front of
// it, and imitates Time Travel, which workerd's storage does not offer, by copying files.
//
// [Start] gives one instance to one test; [Shared] gives one to all tests of a package; [Launch] is for a program. An
// instance can be killed and started again on the same files and the same address, to see what survives.
package workerd

import (
	"bufio"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"towline/sandbox/parts"
)

//go:embed config.capnp *.js
var worker embed.FS

// Options say how an instance is to be. The zero value is a good one.
type Options struct {
	// Dir keeps the databases, so that another instance can go on with them. Empty: a folder of the test's own. [Launch]
	// needs one.
	Dir string
	// AccountID is the only account there is: 32 hexadecimal digits. Empty: a made-up one.
	AccountID string
	// Token is the only API token that is accepted. Empty: a made-up one.
	Token string
	// Lazy copies a database's file only when a bookmark is asked for, and not after every change: Time Travel knows nothing in between,
	// and a large database costs no copies. It is for measuring.
	Lazy bool
}

// Instance is one running workerd.
type Instance struct {
	// URL is the API's base address on the loopback interface, ending in /client/v4.
	URL string
	// AccountID and Token are what a client must name.
	AccountID, Token string

	binary, config, state string
	port                  int // 0: whichever is free when it starts
	held                  io.Closer
	mu                    sync.Mutex
	process               *exec.Cmd
	exited                <-chan struct{}
}

// Start runs workerd until the test ends. It skips the test where the binary is not installed (see package parts).
// Ready in about 50 ms.
func Start(t testing.TB, o Options) *Instance {
	t.Helper()
	binary := parts.Workerd(t)
	if o.Dir == "" {
		o.Dir = testDir(t)
	}
	i, err := launch(t.Context(), binary, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.end)
	return i
}

// end is [Instance.Kill] for good: the address is anybody's again.
func (i *Instance) end() {
	i.Kill()
	_ = i.held.Close()
}

// Kill ends the process at once, as a crash would, and waits until it is gone. Twice is fine.
func (i *Instance) Kill() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.process == nil {
		return
	}
	_ = i.process.Process.Kill()
	<-i.exited
	i.process = nil
}

// Restart runs workerd again on the same files and at the same address, after [Instance.Kill].
func (i *Instance) Restart(t testing.TB) {
	t.Helper()
	i.Kill()
	if err := i.run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Shared is one instance for all tests of a package: a variable in the test package, [Shared.Get] in the tests and
// [Shared.Main] for TestMain. Tests keep apart by creating databases of their own.
type Shared struct {
	mu       sync.Mutex
	instance *Instance
	dir      string
}

// Get starts the instance when it is first asked for. It skips the test where the binary is not installed.
func (s *Shared) Get(t testing.TB) *Instance {
	t.Helper()
	binary := parts.Workerd(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.instance != nil {
		return s.instance
	}
	dir, err := newDir()
	if err != nil {
		t.Fatal(err)
	}
	s.dir = dir
	if s.instance, err = launch(context.Background(), binary, Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	return s.instance
}

// Stop ends the instance, if there is one, and removes its files.
func (s *Shared) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.instance != nil {
		s.instance.end()
		s.instance = nil
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// Main is the TestMain of a package whose tests share the instance: it runs them, stops the instance, and fails where goroutines are left
// (see [parts.Main]).
func (s *Shared) Main(m interface{ Run() int }) { parts.Main(stopping{m, s}) }

// stopping is tests after which the instance is stopped.
type stopping struct {
	tests  interface{ Run() int }
	shared *Shared
}

func (s stopping) Run() int {
	defer s.shared.Stop()
	return s.tests.Run()
}

// Launch runs the workerd at the path binary for a program that is no test, until [Instance.Kill]; ctx bounds the start
// alone. Options.Dir is needed and stays behind. It fails where the binary is missing or does not listen, with what it
// has written to its log.
func Launch(ctx context.Context, binary string, o Options) (*Instance, error) {
	if o.Dir == "" {
		return nil, errors.New("workerd needs a folder for its files")
	}
	return launch(ctx, binary, o)
}

func launch(ctx context.Context, binary string, o Options) (*Instance, error) {
	if o.AccountID == "" {
		o.AccountID = strings.Repeat("5a", 16)
	}
	if o.Token == "" {
		o.Token = "local-token"
	}
	i := &Instance{AccountID: o.AccountID, Token: o.Token, binary: binary, state: filepath.Join(o.Dir, "state")}
	if err := os.MkdirAll(i.state, 0o700); err != nil {
		return nil, err
	}
	config, err := writeConfig(o, filepath.Join(o.Dir, "worker"), i.state)
	if err != nil {
		return nil, err
	}
	i.config = config
	if i.held, i.port, err = holdPort(); err != nil {
		return nil, err
	}
	if err := i.run(ctx); err != nil {
		_ = i.held.Close()
		return nil, err
	}
	return i, nil
}

// writeConfig puts the worker and its configuration where workerd can read them.
func writeConfig(o Options, dir, state string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	files, err := worker.ReadDir(".")
	if err != nil {
		return "", err
	}
	snapshots := "every change"
	if o.Lazy {
		snapshots = "asked for"
	}
	fill := strings.NewReplacer("{{SNAPSHOTS}}", snapshots, "{{STATE_DIR}}", state, "{{ACCOUNT_ID}}", o.AccountID, "{{API_TOKEN}}", o.Token)
	for _, f := range files {
		text, err := worker.ReadFile(f.Name())
		if err != nil {
			return "", err
		}
		if f.Name() == "config.capnp" {
			text = []byte(fill.Replace(string(text)))
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name()), text, 0o600); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "config.capnp"), nil
}

// run starts the process and waits until it says on the control pipe that it listens. Every start takes the same port, which
// nobody else can have taken in between where [holdPort] holds it.
func (i *Instance) run(ctx context.Context) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	control, childEnd, err := os.Pipe()
	if err != nil {
		return err
	}
	defer control.Close()
	complaints, err := os.Create(i.state + ".log")
	if err != nil {
		return err
	}
	defer complaints.Close()
	cmd := exec.Command(i.binary, "serve", i.config, "--experimental",
		fmt.Sprintf("--socket-addr=http=127.0.0.1:%d", i.port), "--control-fd=3")
	cmd.ExtraFiles = []*os.File{childEnd}
	cmd.Stdout, cmd.Stderr = complaints, complaints
	exited, err := start(cmd)
	_ = childEnd.Close()
	if err != nil {
		return fmt.Errorf("start workerd: %w", err)
	}
	i.process, i.exited = cmd, exited
	stop := context.AfterFunc(ctx, func() { _ = control.Close() })
	defer stop()
	if i.port, err = listening(control); err != nil {
		_ = cmd.Process.Kill()
		<-i.exited
		i.process = nil
		log, _ := os.ReadFile(i.state + ".log")
		return fmt.Errorf("workerd did not start: %w\n%s", err, log)
	}
	i.URL = fmt.Sprintf("http://127.0.0.1:%d/client/v4", i.port)
	return nil
}

// start starts the process, on a thread that stays for as long as it runs, and returns a channel that its end closes.
func start(cmd *exec.Cmd) (<-chan struct{}, error) {
	dieWithParent(cmd)
	started, exited := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			close(exited)
		}
	}()
	return exited, <-started
}

// listening reads control messages until the one that names the port.
func listening(control io.Reader) (int, error) {
	lines := bufio.NewScanner(control)
	for lines.Scan() {
		var message struct {
			Event, Socket string
			Port          int
		}
		if err := json.Unmarshal(lines.Bytes(), &message); err != nil {
			return 0, err
		}
		if message.Event == "listen" && message.Socket == "http" {
			return message.Port, nil
		}
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	return 0, errors.New("it ended without listening")
}

// Log returns what workerd has written to its standard output and error since it was last started.
func (i *Instance) Log() string {
	text, _ := os.ReadFile(i.state + ".log")
	return strings.ReplaceAll(string(text), i.Token, "[token]")
}
