package control

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// BotKey names a bot for Claim: the Bot API server and the bot's id, which a token has before its colon. The token itself
// takes no part.
func BotKey(apiURL, token string) string {
	id, _, _ := strings.Cut(token, ":")
	server := strings.TrimRight(apiURL, "/")
	if u, err := url.Parse(server); err == nil {
		u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
		server = u.String()
	}
	return server + " bot " + id
}

// ClaimedError says that another process on this machine has the bot.
type ClaimedError struct {
	// PID is 0 where it could not be found out, as for a process that this one cannot see. Command is empty then.
	PID     int
	Command string
}

// Error names the process.
func (e *ClaimedError) Error() string {
	return "this bot is already served by " + processName(e.PID, e.Command) + " on this machine"
}

// Claimed is a claim that this process holds. It ends with Release, or with the process, however that ends.
type Claimed struct {
	once    sync.Once
	release func()
}

// Release gives the claim up. Releasing twice is fine.
func (c *Claimed) Release() { c.once.Do(c.release) }

// Claim makes this process the only one of its machine for a key; a *ClaimedError names the one that already is.
//
// On Linux the claim is a unix socket in the abstract namespace (unix(7)): the kernel frees it when the process dies, and
// it is seen across private /tmp folders and by every user. Containers with a network of their own do not see it; there
// Telegram's answer 409 stops the second poller. Elsewhere it is a locked file in the folder for temporary files, which
// is each user's own on macOS.
func Claim(key string) (*Claimed, error) { return claim(claimName(key)) }

// claimName says nothing about the key to those who list sockets and files.
func claimName(key string) string {
	sum := sha256.Sum256([]byte("towline claim\n" + key))
	return "towline-" + hex.EncodeToString(sum[:16])
}

// claimFile claims by the lock of a file in dir. The lock ends with the process; the file stays.
func claimFile(dir, name string) (*Claimed, error) {
	path := filepath.Join(dir, name+".lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("claim the bot for this process: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(holderIn(path), f.Close())
	}
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("claim the bot for this process: %w", err), f.Close())
	}
	return &Claimed{release: func() { _ = f.Close() }}, nil
}

// holderIn reads who wrote a lock file.
func holderIn(path string) *ClaimedError {
	text, err := os.ReadFile(path)
	if err != nil {
		return &ClaimedError{}
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 0 {
		return &ClaimedError{}
	}
	return &ClaimedError{PID: pid, Command: commandOf(pid)}
}
