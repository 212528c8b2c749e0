// Package store keeps what Towline must not forget: one bbolt file with the
// records of every room, and a folder of blobs beside it.
//
// From the bottom up:
//
//   - store.go opens the file, holds its lock and offers small transactions
//     over plain ordered string keys.
//   - blobs.go keeps large content apart from the records, as files named by
//     the SHA-256 digest of what they hold.
//   - format.go knows how the records are laid out as a whole, and moves the
//     store of an older Towline forward.
//   - backup.go, check.go and restore.go copy a store while it is in use, prove
//     a copy, and put it in place.
//   - One file per room (bot.go, ...) implements the port that the room
//     declares. Keys are laid out as "room/kind/...", records are versioned
//     JSON, and the types of a record are not the types of the room.
//
// There is one bucket and there are no nested ones, so that the same layout
// can be held by etcd. For the same reason a transaction is a small set of
// reads and writes: etcd takes 128 operations and 1.5 MB in one. Reading may
// go on for longer, in a transaction that writes nothing.
package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	// bucketName is the one bucket that holds every key.
	bucketName = "towline"
	// counterPrefix is where Next keeps its counters.
	counterPrefix = "counter/"
	// defaultLockTimeout is how long Open waits for a process that is just
	// leaving. Longer would only delay the message that names the other one.
	defaultLockTimeout = 300 * time.Millisecond
	// mapped is how much of the file is mapped from the start, which takes addresses and no memory. Up to this size a
	// write never waits for a reader: bbolt remaps a file that outgrows its mapping, and that waits for every open
	// reading transaction.
	mapped = 256 << 20
	// blobSuffix makes the blobs' folder out of the store's path.
	blobSuffix = ".blobs"
	// openAttempts is how often Open looks again at a file that was replaced meanwhile, by a restore.
	openAttempts = 3
)

// ErrReadOnly is what View returns when its function tried to write.
var ErrReadOnly = errors.New("store: write in a read-only transaction")

// Options changes how a store is opened. The zero value is what a service wants.
type Options struct {
	// LockTimeout is how long Open waits for the file's lock; 0 means 300 ms.
	LockTimeout time.Duration
	// NoSync skips fsync. It is for tests and benchmarks that do not lose power.
	NoSync bool
	// Strict holds every transaction to what etcd takes in one: it ends with a *TooLargeError instead of being
	// committed. It is for tests, which prove with it that the records could move there.
	Strict bool
	// Watch is told of everything that is about to change what is on disk: a transaction, with the keys that it wrote, or a
	// blob. Its error keeps that from being done and becomes the change's. What it returns is called once it is done, and its
	// error is the change's all the same. It is for tests that end a process, as it were, between any two changes.
	Watch func(what []string) (done func() error, err error)

	step steps
}

// Store is an open store. It is safe for concurrent use. Writing transactions
// run one after the other; reading ones run beside them on a snapshot.
type Store struct {
	path   string
	blobs  string
	db     *bolt.DB
	strict bool
	nosync bool
	watch  func(what []string) (done func() error, err error)
	pid    bool // the pid file is ours
	moved  Moved

	closeOnce sync.Once
	closeErr  error
}

// Open opens the store at path, creating it (mode 0600) and the folder
// "path.blobs" (mode 0700) where they do not exist. A store that an older
// Towline wrote is moved forward first, after a backup (format.go). It returns a
// *BusyError when another process, or this one, has it open already, and a
// *FormatError when a newer Towline wrote it.
func Open(path string, o Options) (*Store, error) {
	db, err := openFile(path, o)
	if err != nil {
		return nil, err
	}
	s := &Store{path: Locate(path), db: db, strict: o.Strict, nosync: o.NoSync, watch: o.Watch}
	s.blobs = s.path + blobSuffix
	if err := s.prepare(path, o); err != nil {
		return nil, errors.Join(fmt.Errorf("store %s: %w", path, err), s.Close())
	}
	return s, nil
}

// openFile opens and locks the file. While it waited for the lock, a restore may have put another file in its place: then
// it opens that one.
func openFile(path string, o Options) (*bolt.DB, error) {
	if o.LockTimeout <= 0 {
		o.LockTimeout = defaultLockTimeout
	}
	for range openAttempts {
		var file *os.File
		db, err := bolt.Open(path, 0o600, &bolt.Options{
			Timeout: o.LockTimeout, NoSync: o.NoSync, FreelistType: bolt.FreelistMapType, InitialMmapSize: mapped,
			OpenFile: func(name string, flag int, mode os.FileMode) (_ *os.File, err error) {
				if file, err = os.OpenFile(name, flag, mode); err == nil {
					err = o.step.after("file opened")
				}
				return file, err
			},
		})
		if errors.Is(err, bolterrors.ErrTimeout) {
			return nil, busy(path)
		}
		if err != nil {
			return nil, fmt.Errorf("store %s: %w", path, err)
		}
		locked, err1 := file.Stat()
		there, err2 := os.Stat(path)
		if err1 == nil && err2 == nil && os.SameFile(locked, there) {
			return db, nil
		}
		if err := db.Close(); err != nil {
			return nil, fmt.Errorf("store %s: %w", path, err)
		}
	}
	return nil, fmt.Errorf("store %s: its file is replaced again and again", path)
}

// prepare makes what a new store needs, says who holds it, and moves an old one forward.
func (s *Store) prepare(given string, o Options) error {
	found, err := s.format()
	if err != nil {
		return err
	}
	if found > Format {
		return &FormatError{Found: found}
	}
	if err := os.WriteFile(s.pidFile(), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return err
	}
	s.pid = true
	if err := s.makeBlobs(given); err != nil {
		return err
	}
	return s.moveForward(found, o)
}

// makeBlobs makes the folder of the blobs. Where the store was opened by a symbolic link, an older Towline may have kept
// them beside the link.
func (s *Store) makeBlobs(given string) error {
	if beside := given + blobSuffix; beside != s.blobs {
		_, there := os.Stat(s.blobs)
		if _, err := os.Stat(beside); err == nil && errors.Is(there, os.ErrNotExist) {
			return fmt.Errorf("%s is a link to %s, and its blobs are beside the link: move %s to %s", given, s.path, beside, s.blobs)
		}
	}
	return os.MkdirAll(s.blobs, 0o700)
}

// Path returns the store's file, with symbolic links followed.
func (s *Store) Path() string { return s.path }

// Close waits for running transactions and releases the file. Closing twice is
// fine and returns the same error.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		// The pid goes first: once the lock is free the file belongs to the next holder.
		var err error
		if s.pid {
			err = os.Remove(s.pidFile())
		}
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		s.closeErr = errors.Join(err, s.db.Close())
	})
	return s.closeErr
}

// Tx is one transaction. It is used by one goroutine, and only until the
// function that received it returns.
type Tx interface {
	// Get returns a copy of the value of key, and whether there is one.
	Get(key string) ([]byte, bool)
	// Put sets key to a copy of value. A key that is empty or longer than
	// 32 KB makes Update fail and change nothing.
	Put(key string, value []byte)
	// Delete removes key. A missing key is fine.
	Delete(key string)
	// Scan yields the keys that begin with prefix, in order, with copies of
	// their values, at most limit of them (0 means all). Forward it starts at
	// the first key that is not below from; in reverse it starts at the last key
	// that is below from. With an empty from it takes all that has the prefix. The
	// transaction may write while it scans.
	Scan(prefix, from string, limit int, reverse bool) iter.Seq2[string, []byte]
	// Next adds one to a persisted counter and returns it; the first is 1.
	Next(counter string) uint64
}

// View runs fn on a snapshot. It returns fn's error, ErrReadOnly when fn tried
// to write, or the context's error when that was already over.
func (s *Store) View(ctx context.Context, fn func(Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.db.View(func(b *bolt.Tx) error { return run(b, false, fn) })
}

// Update runs fn and then stores all of its writes, or none of them when fn
// or a write failed. It returns once they are on disk. fn must not call View or
// Update itself, and may be run again by other implementations: it keeps its
// effects to the transaction.
func (s *Store) Update(ctx context.Context, fn func(Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.watch == nil {
		return s.db.Update(func(b *bolt.Tx) error { return run(b, s.strict, fn) })
	}
	return s.watched(fn)
}

// watched is Update with somebody who is told.
func (s *Store) watched(fn func(Tx) error) error {
	var done func() error
	err := s.db.Update(func(b *bolt.Tx) error {
		var keys []string
		err := run(b, s.strict, func(tx Tx) error {
			err := fn(tx)
			keys = tx.(*boltTx).keys //nolint:forcetypeassert // run made it
			return err
		})
		if err == nil {
			done, err = s.watch(keys)
		}
		return err
	})
	if err != nil {
		return err
	}
	return done()
}

// run gives fn a Tx and reports the first failure of either.
func run(b *bolt.Tx, strict bool, fn func(Tx) error) error {
	t := &boltTx{bucket: b.Bucket([]byte(bucketName)), writable: b.Writable()}
	if strict {
		t.size = newSize()
	}
	if err := fn(t); err != nil {
		return err
	}
	if t.err == nil {
		return t.size.check()
	}
	return t.err
}

// boltTx is Tx on one bbolt bucket.
type boltTx struct {
	bucket   *bolt.Bucket
	writable bool
	writes   int      // tells a running Scan that its cursor is no longer valid
	keys     []string // written, in their order
	err      error    // the first failed write
	size     *size    // nil: not counted
}

func (t *boltTx) Get(key string) ([]byte, bool) {
	t.size.read(key)
	v := t.bucket.Get([]byte(key))
	if v == nil {
		return nil, false
	}
	return append([]byte{}, v...), true
}

func (t *boltTx) Put(key string, value []byte) {
	t.size.write(key, len(value))
	t.write(key, func() error { return t.bucket.Put([]byte(key), append([]byte{}, value...)) })
}

func (t *boltTx) Delete(key string) {
	t.size.write(key, 0)
	t.write(key, func() error { return t.bucket.Delete([]byte(key)) })
}

func (t *boltTx) write(key string, do func() error) {
	if t.err != nil {
		return
	}
	if !t.writable {
		t.err = ErrReadOnly
		return
	}
	t.writes++
	t.keys = append(t.keys, key)
	if err := do(); err != nil {
		t.err = fmt.Errorf("store: key %.80q: %w", key, err)
	}
}

func (t *boltTx) Next(counter string) uint64 {
	key := counterPrefix + counter
	var n uint64
	if v, ok := t.Get(key); ok && len(v) == 8 {
		n = binary.BigEndian.Uint64(v)
	}
	n++
	t.Put(key, binary.BigEndian.AppendUint64(nil, n))
	return n
}

func (t *boltTx) Scan(prefix, from string, limit int, reverse bool) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		c := t.bucket.Cursor()
		k, v := first(c, prefix, from, reverse)
		for n := 0; k != nil && strings.HasPrefix(string(k), prefix) && (limit <= 0 || n < limit); n++ {
			key, writes := string(k), t.writes
			t.size.read(key)
			if !yield(key, append([]byte{}, v...)) {
				return
			}
			switch {
			case t.writes != writes && reverse:
				c = t.bucket.Cursor()
				k, v = before(c, key)
			case t.writes != writes:
				c = t.bucket.Cursor()
				k, v = c.Seek([]byte(key + "\x00"))
			case reverse:
				k, v = c.Prev()
			default:
				k, v = c.Next()
			}
		}
	}
}

// first places the cursor where a scan begins.
func first(c *bolt.Cursor, prefix, from string, reverse bool) (key, value []byte) {
	if !reverse {
		return c.Seek([]byte(max(prefix, from)))
	}
	end := prefixEnd(prefix)
	if from != "" && (end == "" || from < end) {
		end = from
	}
	if end == "" {
		return c.Last()
	}
	return before(c, end)
}

// before places the cursor on the last key below key.
func before(c *bolt.Cursor, key string) ([]byte, []byte) {
	if k, _ := c.Seek([]byte(key)); k == nil {
		return c.Last()
	}
	return c.Prev()
}

// prefixEnd is the first string above every string that begins with prefix, or
// "" when there is none.
func prefixEnd(prefix string) string {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			return prefix[:i] + string([]byte{prefix[i] + 1})
		}
	}
	return ""
}
