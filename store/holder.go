package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// BusyError says that another process holds the store.
type BusyError struct {
	// Path is the store's file.
	Path string
	// PID is the process that holds it, 0 when it could not be found out: it may be in another container.
	PID int
	// Command is that process's command line as /proc tells it, or "".
	Command string
}

// Error names the file and the process.
func (e *BusyError) Error() string {
	switch {
	case e.PID == 0:
		return fmt.Sprintf("store %s is held by another process", e.Path)
	case e.Command == "":
		return fmt.Sprintf("store %s is held by process %d", e.Path, e.PID)
	}
	return fmt.Sprintf("store %s is held by process %d (%s)", e.Path, e.PID, e.Command)
}

// Locate follows symbolic links to the file that a path stands for, so that whatever lies beside the store (its blobs, the
// holder's process id, a socket) is beside the same file for everybody. A path that does not exist yet is returned as it is.
func Locate(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// pidFile is written by the holder of the lock, so that whoever is refused can name it: flock itself does not tell.
func (s *Store) pidFile() string { return s.path + ".pid" }

// busy describes the process that holds the store at path.
func busy(path string) *BusyError {
	e := &BusyError{Path: path, PID: holder(Locate(path))}
	if e.PID == 0 {
		return e
	}
	if line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(e.PID), "cmdline")); err == nil {
		e.Command = strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
	}
	return e
}

// holder finds the process that has the lock of a file, or 0. Where the kernel tells, it is believed alone.
func holder(path string) int {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	if pid := lockOwner("/proc/locks", info); pid != 0 {
		return pid
	}
	return pidHolder(path, info)
}

// pidHolder believes the pid file, if a process of that number is alive and has the file open: one that died leaves its
// pid file behind, and its number to somebody else.
func pidHolder(path string, file os.FileInfo) int {
	text, err := os.ReadFile(path + ".pid")
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 0 || !alive(pid) || !mayHold(pid, file) {
		return 0
	}
	return pid
}

// alive reports whether there is a process of that number, whoever's it is.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	err = p.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, os.ErrPermission)
}

// mayHold is false where /proc shows that the process does not have the file open.
func mayHold(pid int, file os.FileInfo) bool {
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	open, err := os.ReadDir(dir)
	if err != nil {
		return true // no /proc, or another user's process
	}
	for _, fd := range open {
		if info, err := os.Stat(filepath.Join(dir, fd.Name())); err == nil && os.SameFile(info, file) {
			return true
		}
	}
	return false
}
