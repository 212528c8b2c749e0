package store

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// lockOwner looks a file up in Linux's table of locks, whose lines are
//
//	1: FLOCK  ADVISORY  WRITE 4711 fd:00:1234567 0 EOF
//
// with the process and MAJOR:MINOR:INODE (proc_locks(5)). The device is not compared, since some file systems show another
// one there than stat does; so a process is named only where no other has a lock on a file of that number. It is 0 where
// there is none, or one outside of this container.
func lockOwner(table string, file os.FileInfo) (pid int) {
	stat, ok := file.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	f, err := os.Open(table)
	if err != nil {
		return 0
	}
	defer f.Close() //nolint:errcheck // read only
	inode := ":" + strconv.FormatUint(stat.Ino, 10)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		column := strings.Fields(lines.Text())
		if len(column) < 6 || column[1] != "FLOCK" || !strings.HasSuffix(column[5], inode) {
			continue
		}
		n, err := strconv.Atoi(column[4])
		if err != nil || n <= 0 || pid != 0 && n != pid {
			return 0
		}
		pid = n
	}
	return pid
}
