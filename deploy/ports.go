package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"towline/deploy/audit"
	"towline/deploy/release"
)

// Databases is D1 as the engine uses it. Implementations are safe for concurrent use. The suite in deploy/d1test says, by
// tests, what every implementation promises.
//
// Reads may be retried by the implementation. A write is sent exactly once: a second sending, after looking, is the
// engine's decision alone.
type Databases interface {
	// Find returns the database of that name, or ErrNoDatabase.
	Find(ctx context.Context, name string) (Database, error)
	// Create makes an empty database. ErrDatabaseExists: the name is taken. An *UnansweredError: it may or may not exist now.
	Create(ctx context.Context, name string) (Database, error)
	// Read answers statements that change nothing, in one call and on one state of the database, one Rows for each.
	// ErrNoDatabase: no database has this id. A *RejectedError: SQLite's words, or Cloudflare's where it does not let us.
	Read(ctx context.Context, id string, statements []string) ([]Rows, error)
	// Apply runs the statements as one transaction. nil: committed. A *RejectedError: D1 refused, and nothing of them is
	// there. An *UnansweredError: it is unknown whether they were committed, or will be. The Cost is what D1 says the
	// transaction took; with an error it is zero, whatever was done.
	Apply(ctx context.Context, id string, statements []string) (Cost, error)
	// Bookmark is the database's present state in Time Travel. Bookmarks of one database sort by time, as text.
	Bookmark(ctx context.Context, id string) (string, error)
	// Restore returns the database, in place, to a bookmark and says which bookmark leads back. Errors as Apply's.
	Restore(ctx context.Context, id, bookmark string) (previous string, err error)
	// Delete takes the database away, with what it holds and with its Time Travel: nothing leads back. nil: it is gone.
	// ErrNoDatabase: no database has this id. Other errors as Apply's.
	Delete(ctx context.Context, id string) error
}

// Database is one D1 database.
type Database struct {
	ID   string // a UUID
	Name string
	Size int64 // bytes, 0 where it was not told
}

// Cost is what a transaction took, as D1 tells it: the sum over its statements of what their results' meta says.
type Cost struct {
	// Duration is the time inside the database ("the duration of the SQL query execution inside of the database. Does not
	// include any network communication", D1 documentation, "Return objects"). A local engine may say 0.
	Duration time.Duration
	// RowsRead and RowsWritten are what is billed; a written row counts again for each index that it is in.
	RowsRead, RowsWritten int64
}

// Rows is the answer to one statement. Values are nil, int64, float64, string or bool. The columns of a statement need
// different names, and none that is a number: D1 answers with objects. Where there are no rows, Columns may be empty.
type Rows struct {
	Columns []string
	Values  [][]any
	Size    int64 // bytes of the whole database afterwards, 0 where it was not told
}

// The errors of Databases that are no more than their meaning.
var (
	ErrNoDatabase     = errors.New("no such database")
	ErrDatabaseExists = errors.New("a database of this name exists")
)

// RejectedError is a definite no from D1: nothing of what was asked for is there.
type RejectedError struct {
	Words  string // D1's own, without prefix
	Code   int64  // Cloudflare's, 0 where there is none
	Status int    // of HTTP
}

// Error returns D1's words with the code, for logs.
func (e *RejectedError) Error() string {
	return fmt.Sprintf("D1 refused: %s (code %d, HTTP %d)", e.Words, e.Code, e.Status)
}

// UnansweredError is a call whose effect is unknown: a timeout, a dropped connection, a server error.
type UnansweredError struct {
	Err error
	// Ended: the call itself is over, so that what it did is there by now. Otherwise it may still be at work.
	Ended bool
}

// Error says what went wrong, without any secret.
func (e *UnansweredError) Error() string { return "no usable answer from Cloudflare: " + e.Err.Error() }

// Unwrap returns what went wrong.
func (e *UnansweredError) Unwrap() error { return e.Err }

// Source is where a project's content comes from. Fetch returns what a ref holds now; an empty ref is the source's
// default. Implementations are safe for concurrent use and stop when ctx does.
type Source interface {
	Fetch(ctx context.Context, ref string) (Snapshot, error)
	// Choices lists the refs of which a person has to choose one; empty where an empty ref means something.
	Choices(ctx context.Context) ([]string, error)
}

// Snapshot is what a ref held at one moment.
type Snapshot struct {
	FS     fs.FS // the project's folder
	Origin release.Origin
}

// Blobs keeps large content by its sha256, apart from records. Put is idempotent; Blob checks what it returns.
type Blobs interface {
	PutBlob(ctx context.Context, content []byte) (digest string, err error)
	Blob(ctx context.Context, digest string) ([]byte, error)
}

// Store keeps the engine's records. A transaction sees one state, is atomic, and is small: a handful of records, never a
// long scan. Update's function may be run again where the store finds a conflict, so it has no effects but on its Tx. An
// error from the function undoes the transaction and is returned as it is. The suite is deploy/storetest.
type Store interface {
	View(ctx context.Context, fn func(Tx) error) error
	Update(ctx context.Context, fn func(Tx) error) error
}

// Tx reads and writes records. A missing record is ok=false, or a zero State. What it returns belongs to the caller.
// Writes inside View have no effect but an error at its end.
type Tx interface {
	// Release by its number; ReleaseOf finds the number of a digest.
	Release(project string, number uint64) (release.Release, bool)
	ReleaseOf(project, digest string) (number uint64, ok bool)
	// NextRelease counts the project's releases up: 1, 2, 3.
	NextRelease(project string) uint64
	// PutRelease stores a release. Its migrations never change: one that comes without any keeps those that are stored.
	PutRelease(release.Release)
	// Releases lists those below a number (0: from the newest), newest first. A list says how many migrations each has, and
	// need not carry them.
	Releases(project string, below uint64, limit int) []release.Release

	// State of an environment; PutState counts its revision up.
	State(project string, env release.Environment) release.State
	PutState(release.State)
	// Standing of a release in an environment, empty where it was never there.
	Standing(project string, env release.Environment, number uint64) release.Standing
	PutStanding(project string, env release.Environment, number uint64, s release.Standing)
	// Changes lists what became live, newest first, below a sequence number (0: from the newest).
	Changes(project string, env release.Environment, below uint64, limit int) []release.Change
	// AddChange stores a change under the next sequence number.
	AddChange(project string, env release.Environment, c release.Change)
	// Checksums of the migrations that Towline applied to an environment, by name.
	Checksums(project string, env release.Environment) map[string]release.Applied
	PutChecksums(project string, env release.Environment, sums map[string]release.Applied)

	// Run by its id; RunOf finds the run that a request's key made.
	Run(id string) (release.Run, bool)
	RunOf(key string) (id string, ok bool)
	PutRun(release.Run)
	// Open lists the ids of the runs that can still change something, oldest first.
	Open() []string

	// Kept lists the environments that have a lock, a hold or a freeze.
	Kept() []release.State
	// Delegations are the roles that people lent each other; PutDelegations replaces them all.
	Delegations() []release.Delegation
	PutDelegations([]release.Delegation)
	// Lifetimes are what is known of the tables and columns of a project's production; PutLifetimes replaces them all.
	Lifetimes(project string) []release.Lifetime
	PutLifetimes(project string, all []release.Lifetime)
	// Known is what is remembered of a database by its name; AllKnown lists all of them, in the order of their names.
	Known(database string) (release.Known, bool)
	PutKnown(release.Known)
	AllKnown() []release.Known
	// Config is the digest of the config that counted last; empty before the first.
	Config() string
	PutConfig(digest string)
	// Append stores an event under the next sequence number.
	Append(Event)
	// Events lists those after a sequence number, oldest first.
	Events(after uint64, limit int) []Event
	// Audit stores an entry at the end of its project's log, or of the team's own where it names no project. It sets Seq,
	// Prev and Hash.
	Audit(audit.Entry)
	// Entries lists a project's log, newest first.
	Entries(project string, limit int) []audit.Entry
	// EntriesAfter lists those after a sequence number, oldest first.
	EntriesAfter(project string, after uint64, limit int) []audit.Entry
	// Head is the last entry of a project's log as the store remembers it; 0 and "" where there is none.
	Head(project string) (seq uint64, hash string)
	// Logs lists the projects that have a log, in order; "" is the team's own.
	Logs() []string
}
