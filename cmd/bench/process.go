package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// build compiles towline from this module into dir.
func build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "towline")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "towline/cmd/towline").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build towline: %w\n%s", err, out)
	}
	return binary, nil
}

// hookSecret is what Telegram shows to the webhook.
const hookSecret = "local-bench-webhook"

// configure writes a config for towline in dir, and returns its path. The app is in dir/app, and the store will be in dir.
// A promote needs so many approvals.
func (w *world) configure(dir string, required int) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "telegram:\n  token: %s\n  api_url: %s\n", botToken, w.address)
	if w.hook != "" {
		fmt.Fprintf(&b, "  webhook: {url: \"http://%[1]s/telegram\", listen: \"%[1]s\", secret: %[2]s}\n", w.hook, hookSecret)
	}
	fmt.Fprintf(&b, `cloudflare:
  account_id: %q
  api_token: %s
  api_url: %s/client/v4
store:
  path: towline.db
stop_timeout: 5s
people:
`, account, apiToken, w.address)
	for _, p := range w.people {
		fmt.Fprintf(&b, "  - {id: %d, name: %s, role: %s}\n", p.id, p.name, p.role)
	}
	fmt.Fprintf(&b, `projects:
  - name: shop
    chat: %d
    source: {dir: app}
    migrations: migrations
    preview: {database: shop-preview}
    production: {database: shop}
    approvals: {required: %d}
`, group, required)
	file := filepath.Join(dir, "config.yaml")
	return file, os.WriteFile(file, []byte(b.String()), 0o600)
}

// process is one running `towline serve`.
type process struct {
	cmd    *exec.Cmd
	log    string
	began  time.Time // just before the program was executed
	exited chan error
}

// serve starts towline with the config in dir. Its environment has nothing that would change how Go's runtime uses
// memory.
func serve(binary, config string) (*process, error) {
	log, err := os.Create(config + ".log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &process{cmd: exec.Command(binary, "serve", "-config", config), log: log.Name(), exited: make(chan error, 1)}
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Dir(config), "TMPDIR=" + os.TempDir()}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start towline: %w", err)
	}
	go func() { p.exited <- p.cmd.Wait() }()
	return p, nil
}

// stop ends the process as ctrl-C would and waits until it is gone. It fails where towline did not end in order.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	if err := <-p.exited; err != nil {
		return p.explain(fmt.Errorf("towline did not end in order: %w", err))
	}
	return nil
}

// explain adds the end of towline's log to an error.
func (p *process) explain(err error) error {
	text, readErr := os.ReadFile(p.log)
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	return fmt.Errorf("%w\ntowline's log ends with:\n%s", err, text[max(0, len(text)-2000):])
}

// memory is what a process holds, in KiB: all that is resident, the part of it that is no file's (the heap, stacks,
// Go's runtime), and the most that was ever resident. Source: proc(5), /proc/pid/status.
type memory struct{ resident, anonymous, peak float64 }

var memoryLine = regexp.MustCompile(`(?m)^(VmRSS|RssAnon|VmHWM):\s+(\d+) kB$`)

// weigh reads a process's memory. It fails where there is no /proc.
func (p *process) weigh() (memory, error) {
	return memoryOf(strconv.Itoa(p.cmd.Process.Pid))
}

// memoryOf is the same of any process, by its name in /proc; "self" is this one.
func memoryOf(process string) (memory, error) {
	status, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return memory{}, fmt.Errorf("memory is read from /proc, which only Linux has: %w", err)
	}
	var m memory
	for _, line := range memoryLine.FindAllSubmatch(status, -1) {
		n, err := strconv.ParseFloat(string(line[2]), 64)
		if err != nil {
			return m, err
		}
		switch string(line[1]) {
		case "VmRSS":
			m.resident = n
		case "RssAnon":
			m.anonymous = n
		default:
			m.peak = n
		}
	}
	if m.resident == 0 {
		return m, errors.New("/proc says nothing about resident memory")
	}
	return m, nil
}
