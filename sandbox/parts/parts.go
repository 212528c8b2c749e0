// Package parts finds the real programs that tests borrow from the machine: workerd (D1's engine), wrangler with the
// Node it needs, drizzle-kit before and since 1.0, and Chromium. `make setup` installs them; see
// tools/package.json for the versions.
//
// A test that needs a part which is not there is skipped, by the part's name. Where the environment variable CI is set
// it fails instead: a check that silently did not run is worse than a red one. With -short every such test is skipped: that
// is the pass under the race detector, which has nothing to say about other programs.
package parts

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Workerd returns the path of the workerd binary, which needs no Node.
func Workerd(t testing.TB) string {
	t.Helper()
	return file(t, "workerd", WorkerdIn(toolsDir()))
}

// Node returns the path of a Node that wrangler runs on (22.12 or newer).
func Node(t testing.TB) string {
	t.Helper()
	return file(t, "Node 22", NodeIn(toolsDir()))
}

// Wrangler returns the command, program first, that runs an unmodified wrangler.
func Wrangler(t testing.TB) []string {
	t.Helper()
	return []string{Node(t), file(t, "wrangler", WranglerIn(toolsDir()))}
}

// Chromium returns the path of the browser.
func Chromium(t testing.TB) string {
	t.Helper()
	short(t, "Chromium")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "Chromium")
	return ""
}

func file(t testing.TB, part, path string) string {
	t.Helper()
	short(t, part)
	if _, err := os.Stat(path); err != nil {
		missing(t, part)
	}
	return path
}

func short(t testing.TB, part string) {
	t.Helper()
	if testing.Short() {
		t.Skipf("%s is another program: its tests run without -short", part)
	}
}

func missing(t testing.TB, part string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed: run `make setup`", part)
	}
	t.Skipf("%s is not installed: run `make setup` to include this test", part)
}

// toolsDir is the folder `tools` of this checkout, wherever the test's own package lies.
func toolsDir() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..", "tools")
}
