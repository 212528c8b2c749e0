package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// longest is how many bytes of a path fit into a socket's address everywhere: 104 with the final zero on macOS, 108 on
// Linux (unix(4) and unix(7)).
const longest = 103

// patience is how long a start waits for another one in the same folder, how long a dial may take, and a running bot to say who it
// is. Each is a matter of milliseconds, unless the machine is very busy.
const patience = 15 * time.Second

// SocketPath is where the socket of a store lies: beside it.
func SocketPath(store string) string { return store + ".sock" }

// LiveError says that another process answers on the socket.
type LiveError struct {
	Path string
	// PID is 0 where it could not be found out, Command empty.
	PID     int
	Command string
}

// Error names the socket and the process.
func (e *LiveError) Error() string {
	return fmt.Sprintf("%s is in use by %s", e.Path, processName(e.PID, e.Command))
}

// LongPathError says that a socket cannot have this path.
type LongPathError struct {
	Path  string
	Limit int // bytes
}

// Error says how long it may be.
func (e *LongPathError) Error() string {
	return fmt.Sprintf("the socket's path has %d bytes and may have %d: %s\nGive the store a shorter path in store.path.", len(e.Path), e.Limit, e.Path)
}

// socket is a listening socket that lies at a path.
type socket struct {
	*net.UnixListener
	path string
	info os.FileInfo // of the file that was made, so that only this one is removed
}

// listen makes a socket at path that only its owner can open. It is bound within a folder that only the owner can enter
// and moved from there, so that there is no moment at which others could connect. What a dead process left at the path is
// replaced. A *LiveError names a live process that answers there.
func listen(path string) (*socket, error) {
	_, done, err := reach(path) // a socket that nobody could reach would be of no use
	if err != nil {
		return nil, err
	}
	done()
	unlock, err := lockFolder(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := vacant(path); err != nil {
		return nil, err
	}
	nest := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new") // one name is enough: the folder is locked
	if err := os.RemoveAll(nest); err != nil {
		return nil, err
	}
	if err := os.Mkdir(nest, 0o700); err != nil {
		return nil, err
	}
	s, err := bind(filepath.Join(nest, "s"), path)
	return s, errors.Join(err, os.RemoveAll(nest))
}

// bind listens at a first path and moves the socket to its place.
func bind(first, path string) (*socket, error) {
	address, done, err := reach(first)
	if err != nil {
		return nil, err
	}
	defer done()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
	if err != nil {
		return nil, bare(err, path)
	}
	l.SetUnlinkOnClose(false) // it moves, and removing it is a matter of its own
	s := &socket{UnixListener: l, path: path}
	err = os.Chmod(first, 0o600)
	if err == nil {
		s.info, err = os.Lstat(first)
	}
	if err == nil {
		err = os.Rename(first, path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return s, nil
}

// remove takes the socket off its path, unless another one lies there by now. Whoever connected is not disturbed.
func (s *socket) remove() error {
	unlock, err := lockFolder(filepath.Dir(s.path))
	if err != nil {
		return err
	}
	defer unlock()
	there, err := os.Lstat(s.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(there, s.info) {
		return nil
	}
	return errors.Join(err, os.Remove(s.path))
}

// vacant reports whether a socket may be put at path: nothing is there, or what a dead process left.
func vacant(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is in the way of the socket, and is none: move it away", path)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := dial(ctx, path)
	if errors.Is(err, ErrNobody) {
		return nil
	}
	if err != nil { // somebody may be there: a full queue, another user's
		return fmt.Errorf("whether a process answers on %s could not be found out: %w", path, err)
	}
	live := &LiveError{Path: path}
	if p, ok := peerOf(c); ok {
		live.PID, live.Command = p.PID, commandOf(p.PID)
	}
	return errors.Join(live, c.Close())
}

// ErrNobody is returned where no process answers on a socket.
var ErrNobody = errors.New("no process answers on the socket")

// dial connects to a socket. ErrNobody: there is none, or a dead one.
func dial(ctx context.Context, path string) (*net.UnixConn, error) {
	address, done, err := reach(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNobody
	}
	if err != nil {
		return nil, err
	}
	defer done()
	c, err := new(net.Dialer).DialContext(ctx, "unix", address)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNobody
	}
	if err != nil {
		return nil, bare(err, path)
	}
	return c.(*net.UnixConn), nil
}

// bare is an error of package net with the path that was meant instead of the address that led there.
func bare(err error, path string) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return fmt.Errorf("socket %s: %w", path, err)
}

// lockFolder keeps other processes that put or remove a socket out of a folder. The lock is the folder's own, so that no
// file is left behind, and ends with the process.
func lockFolder(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); ; {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), f.Close())
		}
		select {
		case <-tick.C:
		case <-end:
			return nil, errors.Join(fmt.Errorf("%s is locked by another process", dir), f.Close())
		}
	}
}
