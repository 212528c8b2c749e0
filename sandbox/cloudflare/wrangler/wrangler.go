// Package wrangler runs an unmodified wrangler against a local Cloudflare: the second opinion on what is applied.
package wrangler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"towline/sandbox/parts"
)

// Server is the API that wrangler is pointed at.
type Server struct {
	// URL is its base address, ending in /client/v4.
	URL string
	// AccountID and Token are what a client must name.
	AccountID, Token string
}

// Env returns the environment variables with which wrangler talks to the server and to nobody else: no telemetry, no
// search for updates, and a home folder of the test's own. Only Node's cache of compiled code is shared, in the folder
// for temporary files: it saves a quarter of each start.
func (s Server) Env(t testing.TB) []string {
	t.Helper()
	home := t.TempDir()
	return []string{
		"CLOUDFLARE_API_BASE_URL=" + s.URL, "CLOUDFLARE_ACCOUNT_ID=" + s.AccountID, "CLOUDFLARE_API_TOKEN=" + s.Token,
		"WRANGLER_SEND_METRICS=false", "WRANGLER_SEND_ERROR_REPORTS=false", "WRANGLER_HIDE_BANNER=true",
		"WRANGLER_LOG_PATH=" + filepath.Join(home, "logs"), "WRANGLER_LOG_SANITIZE=true",
		"NODE_COMPILE_CACHE=" + filepath.Join(os.TempDir(), "towline-wrangler-compiled"), "NO_UPDATE_NOTIFIER=1", "CI=1", "NO_COLOR=1", "FORCE_COLOR=0",
		"HOME=" + home, "XDG_CONFIG_HOME=" + home, "PATH=" + os.Getenv("PATH"),
	}
}

// Run runs wrangler with nothing but env as its environment, in dir, until it ends or the test does. A call takes one to
// two seconds. It skips the test where wrangler is not installed (see package parts).
func Run(t testing.TB, env []string, dir string, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	command := append(parts.Wrangler(t), args...)
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir, cmd.Env = dir, env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatalf("run wrangler: %v", err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// mark begins what a command of RunAll prints.
const mark = "\nthe next command prints:\n"

// program loads wrangler as it is and calls its main function, as it would itself, for one command after another.
const program = `
	const { Module } = require("node:module"), fs = require("node:fs"), path = require("node:path");
	const [, library, mark, asked] = process.argv;
	const cli = new Module(library);
	cli.filename = library;
	cli.paths = Module._nodeModulePaths(path.dirname(library));
	cli._compile(fs.readFileSync(library, "utf8") + "\nexports.main = main;", library);
	(async () => {
		for (const command of JSON.parse(asked)) {
			fs.writeSync(1, mark);
			await cli.exports.main(command);
		}
		process.exit(process.exitCode ?? 0);
	})().catch((e) => { console.error(e); process.exit(1) });`

// RunAll runs several commands, all of which must succeed, and returns what each printed. It is [Run] in one process: of the one to two
// seconds that a call takes, nearly all are wrangler's start.
func RunAll(t testing.TB, env []string, dir string, commands ...[]string) (stdout []string) {
	t.Helper()
	start := parts.Wrangler(t)
	asked, err := json.Marshal(commands)
	if err != nil {
		t.Fatal(err)
	}
	library := filepath.Join(filepath.Dir(start[1]), "..", "wrangler-dist", "cli.js")
	cmd := exec.CommandContext(t.Context(), start[0], "-e", program, library, mark, string(asked))
	cmd.Dir, cmd.Env = dir, env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	stdout = strings.Split(out.String(), mark)[1:]
	if err != nil || len(stdout) != len(commands) {
		t.Fatalf("%d of the wrangler commands %q were begun: %v\n%s\n%s", len(stdout), commands, err, &out, &errs)
	}
	return stdout
}

// Configure writes the wrangler.toml of a project with one database, bound as DB, into dir. The folder of the
// migrations may be absolute.
func Configure(t testing.TB, dir, name, id, migrationsDir string) {
	t.Helper()
	if rel, err := filepath.Rel(dir, migrationsDir); err == nil && filepath.IsAbs(migrationsDir) {
		migrationsDir = rel
	}
	text := fmt.Sprintf("name = \"shop\"\ncompatibility_date = \"2026-08-01\"\n\n[[d1_databases]]\nbinding = \"DB\"\n"+
		"database_name = %q\ndatabase_id = %q\nmigrations_dir = %q\n", name, id, filepath.ToSlash(migrationsDir))
	if err := os.WriteFile(filepath.Join(dir, "wrangler.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

var listed = regexp.MustCompile(`(?m)^[│|]\s*(\S.*?\.sql)\s*[│|]\s*$`)

// Listed returns the names of the migrations in what `wrangler d1 migrations list` prints, in its order.
func Listed(stdout string) (names []string) {
	for _, row := range listed.FindAllStringSubmatch(stdout, -1) {
		names = append(names, row[1])
	}
	return names
}

// MigrationsList returns the names of the migrations that wrangler still holds for unapplied in the database, in its
// order.
func MigrationsList(t testing.TB, s Server, name, id, migrationsDir string) []string {
	t.Helper()
	dir := t.TempDir()
	Configure(t, dir, name, id, migrationsDir)
	stdout, stderr, exit := Run(t, s.Env(t), dir, "d1", "migrations", "list", name, "--remote")
	if exit != 0 {
		t.Fatalf("wrangler d1 migrations list ended with %d:\n%s\n%s", exit, stdout, stderr)
	}
	return Listed(stdout)
}
