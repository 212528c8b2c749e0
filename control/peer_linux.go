package control

import (
	"net"
	"syscall"
)

// peerOf asks the kernel who is at the other end (SO_PEERCRED, unix(7)). For a connection that this process opened it is
// whoever listens.
func peerOf(c *net.UnixConn) (p Peer, ok bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, false
	}
	var cred *syscall.Ucred
	var asked error
	err = raw.Control(func(fd uintptr) {
		cred, asked = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err != nil || asked != nil {
		return Peer{}, false
	}
	return Peer{PID: int(cred.Pid), UID: int(cred.Uid)}, true
}

// peersAreTold: a connection whose peer the kernel does not tell is refused.
const peersAreTold = true
