package parts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// DrizzleKit makes the folder of a project ready for drizzle-kit and returns the command, program first, that runs it there: the last
// version before 1.0, or, with next, the newest of 1.0. Both are installed side by side under names of their own, and ask for packages by
// their usual ones: the project gets a node_modules of links, which Node is told not to follow.
func DrizzleKit(t testing.TB, dir string, next bool) []string {
	t.Helper()
	node := Node(t)
	modules := filepath.Join(toolsDir(), "node_modules")
	kit, orm := "drizzle-kit", "drizzle-orm"
	if next {
		kit, orm = "drizzle-kit-next", "drizzle-orm-next"
	}
	file(t, kit, filepath.Join(modules, kit, "bin.cjs"))
	file(t, orm, filepath.Join(modules, orm, "package.json"))
	entries, err := os.ReadDir(modules)
	if err != nil {
		t.Fatal(err)
	}
	links := map[string]string{"drizzle-kit": kit, "drizzle-orm": orm}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "drizzle-") && !strings.HasPrefix(e.Name(), ".") {
			links[e.Name()] = e.Name()
		}
	}
	there := filepath.Join(dir, "node_modules")
	if err := os.MkdirAll(there, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, target := range links {
		if err := os.Symlink(filepath.Join(modules, target), filepath.Join(there, name)); err != nil {
			t.Fatal(err)
		}
	}
	return []string{node, "--preserve-symlinks", "--preserve-symlinks-main", filepath.Join(there, "drizzle-kit", "bin.cjs")}
}
