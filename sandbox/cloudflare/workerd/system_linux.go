package workerd

import (
	"io"
	"os"
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

// holdPort finds a free port on the loopback interface and keeps it until the closer is closed: no other program is given it, not even
// while workerd is down between two starts. The socket that holds it only has the address and never listens, so that workerd, which
// also sets SO_REUSEADDR, may listen there, and who connects while it does not is refused.
func holdPort() (held io.Closer, port int, err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, 0, os.NewSyscallError("socket", err)
	}
	socket := os.NewFile(uintptr(fd), "a held port")
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		_ = socket.Close()
		return nil, 0, os.NewSyscallError("setsockopt", err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		_ = socket.Close()
		return nil, 0, os.NewSyscallError("bind", err)
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		_ = socket.Close()
		return nil, 0, os.NewSyscallError("getsockname", err)
	}
	return socket, at.(*syscall.SockaddrInet4).Port, nil
}
