package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
)

// tries is how often a claim begins again when the holder goes away between being found and being named.
const tries = 3

func claim(name string) (*Claimed, error) {
	address := &net.UnixAddr{Name: "@" + name, Net: "unix"}
	for range tries {
		l, err := net.ListenUnix("unix", address)
		if err == nil {
			return hold(l), nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) { // no abstract namespace here: gone with a sandbox's rules
			return claimFile(os.TempDir(), name)
		}
		if held := holderOf(address); held != nil {
			return nil, held
		}
	}
	return nil, fmt.Errorf("claim the bot for this process: others come and go")
}

// hold keeps the socket and lets go of whoever connects: they only want to know who listens.
func hold(l *net.UnixListener) *Claimed {
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	})
	return &Claimed{release: func() {
		_ = l.Close()
		group.Wait()
	}}
}

// holderOf names the listener, nil where it has just gone.
func holderOf(address *net.UnixAddr) *ClaimedError {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "unix", address.Name)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	if err != nil {
		return &ClaimedError{}
	}
	defer func() { _ = c.Close() }()
	p, ok := peerOf(c.(*net.UnixConn))
	if !ok || p.PID == 0 {
		return &ClaimedError{}
	}
	return &ClaimedError{PID: p.PID, Command: commandOf(p.PID)}
}
