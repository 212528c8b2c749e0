package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"towline/sandbox/parts"
)

// wrangler is an unmodified wrangler and the Node that it needs.
type wrangler struct {
	command []string
	home    string // wrangler's home folder, and Node's cache of compiled code
}

// applied is one `wrangler d1 migrations apply`.
type applied struct {
	wall  time.Duration // from the start of the command to its end
	first time.Duration // from the start to the first call's arrival
	last  time.Duration // from the start to the last call's answer
	calls []call
}

// findWrangler returns nil and why where there is none.
func findWrangler(s settings) (w *wrangler, missing string) {
	if s.quick {
		return nil, "-quick leaves it out"
	}
	node := parts.NodeIn(s.tools)
	script := parts.WranglerIn(s.tools)
	for _, part := range []struct{ name, file string }{{"Node 22", node}, {"wrangler", script}} {
		if _, err := os.Stat(part.file); err != nil {
			return nil, part.name + " is not installed: run `make setup`"
		}
	}
	node, err := filepath.Abs(node)
	if err != nil {
		return nil, err.Error()
	}
	if script, err = filepath.Abs(script); err != nil {
		return nil, err.Error()
	}
	return &wrangler{command: []string{node, script}}, ""
}

// run runs wrangler in dir against the API at address, and takes the time. It talks to nobody else: no telemetry, no
// search for updates.
func (w *wrangler) run(ctx context.Context, dir, address string, args ...string) (began time.Time, wall time.Duration, err error) {
	args = append(w.command[1:], args...)
	cmd := exec.CommandContext(ctx, w.command[0], args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"CLOUDFLARE_API_BASE_URL=" + address + "/client/v4", "CLOUDFLARE_ACCOUNT_ID=" + account, "CLOUDFLARE_API_TOKEN=" + apiToken,
		"WRANGLER_SEND_METRICS=false", "WRANGLER_SEND_ERROR_REPORTS=false", "WRANGLER_HIDE_BANNER=true", "WRANGLER_LOG_PATH=" + filepath.Join(w.home, "logs"),
		"NODE_COMPILE_CACHE=" + filepath.Join(w.home, "compiled"), "NO_UPDATE_NOTIFIER=1", "CI=1", "NO_COLOR=1", "FORCE_COLOR=0",
		"HOME=" + w.home, "XDG_CONFIG_HOME=" + w.home, "PATH=" + os.Getenv("PATH"),
	}
	began = time.Now()
	out, err := cmd.CombinedOutput()
	wall = time.Since(began)
	if err != nil {
		err = fmt.Errorf("wrangler %v: %w\n%s", args[1:], err, out[max(0, len(out)-2000):])
	}
	return began, wall, err
}

// warm makes wrangler's home and starts it once, so that every start that counts finds its code compiled.
func (w *wrangler) warm(ctx context.Context, dir string) error {
	w.home = filepath.Join(dir, "wrangler-home")
	if err := os.MkdirAll(w.home, 0o700); err != nil {
		return err
	}
	_, _, err := w.run(ctx, w.home, "http://127.0.0.1:9", "d1", "migrations", "apply", "--help")
	return err
}

// starts times `wrangler --version`, which does nothing but start.
func (w *wrangler) starts(ctx context.Context, dir string, times int) (samples, error) {
	var out samples
	for range times {
		_, wall, err := w.run(ctx, dir, "http://127.0.0.1:9", "--version")
		if err != nil {
			return nil, err
		}
		out = append(out, seconds(wall))
	}
	return out, nil
}

// apply has wrangler apply the app's migrations to the database.
func (w *wrangler) apply(ctx context.Context, world *world, app, id string, s settings) (a applied, err error) {
	text := fmt.Sprintf("name = \"shop\"\ncompatibility_date = \"2026-08-01\"\n\n[[d1_databases]]\nbinding = \"DB\"\n"+
		"database_name = \"shop-wrangler\"\ndatabase_id = %q\nmigrations_dir = \"migrations\"\n", id)
	if err := os.WriteFile(filepath.Join(app, "wrangler.toml"), []byte(text), 0o600); err != nil {
		return a, err
	}
	world.faults.SetLatency(s.latency)
	defer world.faults.SetLatency(0)
	began, wall, err := w.run(ctx, app, world.address, "d1", "migrations", "apply", "shop-wrangler", "--remote")
	if err != nil {
		return a, err
	}
	a.wall, a.calls = wall, world.api.since(began)
	if len(a.calls) == 0 {
		return a, fmt.Errorf("wrangler made no call")
	}
	a.first = a.calls[0].begun.Sub(began)
	for _, c := range a.calls {
		a.last = max(a.last, c.ended.Sub(began))
	}
	return a, nil
}
