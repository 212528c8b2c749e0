package workerd

import (
	"os"
	"testing"
)

// memoryDisk is where Linux keeps files in memory. SQLite there commits in a millisecond instead of ten, and what it
// commits outlives a killed process as well.
const memoryDisk = "/dev/shm"

// newDir makes a folder for an instance's files, in memory where there is room for it.
func newDir() (string, error) {
	if roomy(memoryDisk) {
		if dir, err := os.MkdirTemp(memoryDisk, "workerd-"); err == nil {
			return dir, nil
		}
	}
	return os.MkdirTemp("", "workerd-")
}

// testDir is newDir for one test.
func testDir(t testing.TB) string {
	t.Helper()
	dir, err := newDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
