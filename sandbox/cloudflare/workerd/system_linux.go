package workerd

import (
	"os/exec"
	"syscall"
)

// roomy says whether a file system has 512 MiB to spare.
func roomy(path string) bool {
	var fs syscall.Statfs_t
	err := syscall.Statfs(path, &fs)
	return err == nil && fs.Bavail*uint64(fs.Bsize) >= 512<<20
}

// dieWithParent makes the process end with the thread that starts it, so that a test that is killed leaves none behind.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
