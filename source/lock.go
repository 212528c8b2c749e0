package source

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// lockEvery is how often a cache that somebody else uses is asked for again.
const lockEvery = 25 * time.Millisecond

// lock takes the repository's cache for one caller at a time, over all processes on this machine. The kernel lets go of
// it when a process dies.
func (g *Git) lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(g.o.CacheDir, 0o700); err != nil {
		return nil, g.cache(err)
	}
	f, err := os.OpenFile(g.base+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, g.cache(err)
	}
	ticker := time.NewTicker(lockEvery)
	defer ticker.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			_ = f.Close()
			return nil, g.cache(err)
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

func (g *Git) cache(err error) error {
	return &Error{
		Kind: ErrUnreachable, What: "the cache " + g.o.CacheDir + " could not be used",
		Do: "Check that Towline may write there, and that the disk is not full", Detail: err.Error(),
	}
}
