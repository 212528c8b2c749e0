package store_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"towline/store"
)

// refusedFor opens a store that is held, and returns what the refusal says of the holder.
func refusedFor(t *testing.T, path string) *store.BusyError {
	t.Helper()
	s, err := store.Open(path, store.Options{LockTimeout: time.Millisecond})
	var busy *store.BusyError
	if !errors.As(err, &busy) {
		_ = s.Close()
		t.Fatalf("%s: want a BusyError, got %v", path, err)
	}
	return busy
}

func TestAHolderIsNamedHoweverThePathIsSpelled(t *testing.T) {
	s := open(t)
	dir, base := filepath.Split(s.Path())
	link, folder := filepath.Join(t.TempDir(), "link.db"), filepath.Join(t.TempDir(), "folder")
	if err := errors.Join(os.Symlink(s.Path(), link), os.Symlink(dir, folder)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	if pid := store.PidHolder(s.Path(), info); pid != os.Getpid() {
		t.Errorf("the pid file names %d", pid)
	}
	for _, path := range []string{s.Path(), link, filepath.Join(folder, base), dir + "/./" + base} {
		if busy := refusedFor(t, path); busy.PID != os.Getpid() || busy.Path != path {
			t.Errorf("%s: %+v", path, busy)
		}
		if got := store.Locate(path); got != filepath.Clean(s.Path()) {
			t.Errorf("%s is located at %s", path, got)
		}
	}
	if got := store.Locate(folder + "/none"); got != folder+"/none" {
		t.Errorf("a store that does not exist is located at %s", got)
	}
}

func TestAPidFileThatSomebodyLeftBehindIsNotBelieved(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Skip("no command to run: ", err)
	}
	alive := exec.Command("cat") // of this test's own user, so that it can be seen which files it has open
	input, err := alive.StdinPipe()
	if err == nil {
		err = alive.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(input.Close(), alive.Wait()); err != nil {
			t.Error(err)
		}
	})
	for name, text := range map[string]string{
		"of a process that is dead":           strconv.Itoa(gone.Process.Pid),
		"whose number belongs to another now": strconv.Itoa(alive.Process.Pid),
		"with a number that is none":          "-1",
		"with nothing in it":                  "",
	} {
		t.Run(name, func(t *testing.T) {
			path := closed(t, 1)
			holder, err := bolt.Open(path, 0o600, nil) // somebody who writes no pid file
			if err != nil {
				t.Fatal(err)
			}
			defer holder.Close() //nolint:errcheck // of a test
			if err := os.WriteFile(path+".pid", []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if pid := store.PidHolder(path, info); pid != 0 {
				t.Errorf("process %d is believed", pid)
			}
			// Where the kernel tells, it is this process.
			if busy := refusedFor(t, path); busy.PID != 0 && busy.PID != os.Getpid() {
				t.Errorf("%+v", busy)
			} else if busy.PID == 0 && !strings.Contains(busy.Error(), "another process") {
				t.Errorf("%v", busy)
			}
		})
	}
	path := closed(t, 1)
	if err := os.WriteFile(path+".pid", []byte(strconv.Itoa(gone.Process.Pid)), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatalf("a pid file alone holds nothing: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestTheKernelsTableOfLocksIsRead(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has one")
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatal("no inode")
	}
	line := func(kind string, pid int, inode uint64) string {
		return fmt.Sprintf("1: %s  ADVISORY  WRITE %d fd:00:%d 0 EOF\n", kind, pid, inode)
	}
	for table, want := range map[string]int{
		line("FLOCK", 4711, stat.Ino):                                    4711,
		line("FLOCK", 1, 5) + line("FLOCK", 4711, stat.Ino):              4711,
		line("POSIX", 4711, stat.Ino):                                    0,
		line("FLOCK", 4711, stat.Ino+1):                                  0,
		line("FLOCK", 0, stat.Ino):                                       0, // in another container
		line("FLOCK", 4711, stat.Ino) + line("FLOCK", 4712, stat.Ino):    0, // on another disk
		"1: FLOCK\n" + line("FLOCK", 4711, stat.Ino) + "odd line\n\n":    4711,
		"1: -> FLOCK  ADVISORY  WRITE 9 fd:00:" + fmt.Sprint(stat.Ino):   0, // waits for it
		line("FLOCK", 4711, stat.Ino) + line("FLOCK", 4711, stat.Ino*10): 4711,
	} {
		file := filepath.Join(t.TempDir(), "locks")
		if err := os.WriteFile(file, []byte(table), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := store.LockOwner(file, info); got != want {
			t.Errorf("%q: process %d, want %d", table, got, want)
		}
	}
	if got := store.LockOwner(filepath.Join(t.TempDir(), "none"), info); got != 0 {
		t.Errorf("without a table: %d", got)
	}
}

func TestBlobsThatLieBesideALinkAreNotLost(t *testing.T) {
	path := closed(t, 1)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := errors.Join(os.Symlink(path, link), os.Rename(path+".blobs", link+".blobs")); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(link, store.Options{}); err == nil || !strings.Contains(err.Error(), "move "+link+".blobs to "+path+".blobs") {
		t.Fatalf("%v", err)
	}
	if err := os.Rename(link+".blobs", path+".blobs"); err != nil {
		t.Fatal(err)
	}
	if n := numbered(t, link); n != 1 {
		t.Errorf("%d releases", n)
	}
}
