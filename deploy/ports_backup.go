package deploy

import (
	"context"
	"errors"
	"io"
	"time"

	"towline/deploy/release"
)

// Backups keeps copies of databases outside of Cloudflare. Implementations are safe for concurrent use. What is kept is
// given up when it is older than the team wants, but never the newest of an environment.
type Backups interface {
	// Keep stores what write gives. Nothing is kept where write fails. Before it returns, write may fill in what it has
	// learned of the backup: Tables, Unexported, Rows, Missing, Took. The Backup that is returned has its ID, size and sum.
	Keep(ctx context.Context, b Backup, write func(w io.Writer, about *Backup) error) (Backup, error)
	// List names those of an environment, newest first; empty names mean all. A damaged one is among them, and says so.
	List(ctx context.Context, project string, env release.Environment, limit int) ([]Backup, error)
	// Find is the backup of that id, or ErrNoBackup.
	Find(ctx context.Context, id string) (Backup, error)
	// Open reads a backup's SQL text. The reader fails at its end if the content is not what was kept.
	Open(ctx context.Context, id string) (io.ReadCloser, error)
	// Check restores a backup here and compares it with what it was when it was taken. An error says what is wrong with it, or,
	// where it is ErrUntried, with this machine. The proof is remembered with the backup.
	Check(ctx context.Context, id string) (Backup, error)
	// Drop gives up one, or returns ErrNoBackup.
	Drop(ctx context.Context, id string) error
	// Prune gives up what is older than backups are kept, never the newest of an environment, and names it.
	Prune(ctx context.Context) ([]string, error)
}

// ErrNoBackup says that there is no backup of an id.
var ErrNoBackup = errors.New("no such backup")

// ErrUntried says that a backup could not be restored here for a reason which is this machine's, such as a full disk. Nothing is
// known against the backup then.
var ErrUntried = errors.New("the machine is at fault")

// Backup is one copy of a database.
type Backup struct {
	ID          string // sorts by the time at which it was taken
	Project     string
	Environment release.Environment
	Database    string // its name then
	DatabaseID  string
	TakenAt     time.Time
	Release     uint64 // that was about to change the database; 0: none
	Run         string
	Bookmark    string
	Tables      bool             // copied table by table, since it could not be exported
	Unexported  string           // why an export of it would not be exact, in words, where Tables is for that; Check takes it back where it is not so any more
	Rows        map[string]int64 // by table
	Missing     []string         // what it does not hold faithfully, in words
	Took        time.Duration    // for which the database was asked

	Bytes     int64 // on disk
	Size      int64 // of the SQL text
	Sum       string
	Encrypted bool
	CheckedAt time.Time // when it was last restored here and found whole; zero: never
	Problem   string    // why it cannot be used; empty: nothing is known against it
}

// Schedule tells when something is due: the first time after t, zero for never.
type Schedule interface {
	Next(t time.Time) time.Time
}
