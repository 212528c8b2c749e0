package cloudflare

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"towline/migrations/sqlite"
)

// database is one D1 database. Requests wait for each other: D1 works on one query at a time as well.
type database struct {
	record record
	surroundings
	file, historyDir string // empty: memory

	turn    chan struct{} // holds one token: whoever has it may touch what is below
	conn    *sqlite.Conn  // nil once it is closed
	history *history
	fresh   bool // whether the newest snapshot is the present content
	removed bool // deleted, not only closed

	transfer *transfer   // an export or import at work; nil: none
	imported *transfer   // the import that was done last
	restores []time.Time // when Time Travel was used lately

	counts counts // what analytics show; it needs no turn

	running atomic.Pointer[context.CancelFunc] // interrupts the query at work; needs no turn
	// restoring counts the restores that wait for their turn: a query that gets its own before them is interrupted as well.
	restoring atomic.Int32
}

func openDatabase(dir string, r record, around surroundings) (*database, error) {
	db := &database{record: r, surroundings: around, turn: make(chan struct{}, 1)}
	path := ":memory:"
	if dir != "" {
		db.file = filepath.Join(dir, r.UUID+".sqlite")
		db.historyDir = filepath.Join(dir, r.UUID+".history")
		path = db.file
	}
	var err error
	if db.history, err = openHistory(db.historyDir); err != nil {
		return nil, err
	}
	if db.conn, err = sqlite.Open(context.Background(), path); err != nil {
		return nil, err
	}
	if err := db.resume(); err != nil {
		return nil, errors.Join(err, db.conn.Close())
	}
	db.turn <- struct{}{}
	return db, nil
}

// resume takes a snapshot unless the newest one holds the present content: a crash may have come between a change and its
// snapshot.
func (db *database) resume() error {
	if at := len(db.history.snapshots) - 1; at >= 0 {
		kept, err := db.history.read(db.history.snapshots[at])
		if err != nil {
			return err
		}
		content, err := db.conn.Serialize()
		if err != nil {
			return err
		}
		db.fresh = bytes.Equal(kept, content)
	}
	return db.keep()
}

// alone runs fn while nobody else touches the database. It ignores that a client goes away: D1 carries out what it has
// been sent, and the time limit counts from here.
func (db *database) alone(fn func(context.Context) error) error {
	<-db.turn
	defer func() { db.turn <- struct{}{} }()
	if db.conn == nil {
		if db.removed {
			return notFound(db.record.UUID)
		}
		return errClosed()
	}
	ctx, cancel := context.WithTimeout(context.Background(), db.queryLimit)
	defer cancel()
	return fn(ctx)
}

// statement is one statement with its parameters.
type statement struct {
	sql    string
	params []any
}

// execute runs the statements as one transaction: all of them or none.
func (db *database) execute(statements []statement) (results []statementResult, err error) {
	if len(statements) == 0 {
		return nil, refuse(http.StatusBadRequest, 7500, "No SQL statements detected.")
	}
	err = db.alone(func(ctx context.Context) error {
		ctx, interrupt := context.WithCancel(ctx)
		defer interrupt()
		db.running.Store(&interrupt)
		if db.restoring.Load() > 0 {
			interrupt()
		}
		defer db.running.Store(nil)
		if err := db.busy(); err != nil {
			return err
		}
		results, err = db.transaction(ctx, statements)
		r := carriedOut{at: db.now(), statements: statements, results: results}
		if refused := (*apiError)(nil); errors.As(err, &refused) && len(results) < len(statements) {
			r.failure = refused.message
		} else if err != nil {
			return err // no statement of it failed
		}
		db.counts.note(r)
		return err
	})
	return results, err
}

func (db *database) transaction(ctx context.Context, statements []statement) ([]statementResult, error) {
	var results []statementResult
	carriedOut := false
	err := db.conn.Transaction(ctx, func() error {
		for _, s := range statements {
			began := db.now()
			res, err := db.conn.Exec(ctx, s.sql, s.params...)
			if err != nil {
				return advise(s.sql, err)
			}
			size, err := db.conn.Size()
			if err != nil {
				return err
			}
			results = append(results, statementResult{Result: res, size: size, duration: db.now().Sub(began)})
		}
		carriedOut = true
		return nil
	})
	if err != nil {
		return results, db.refusal(err, carriedOut)
	}
	for _, s := range statements {
		if !readsOnly(s.sql) {
			db.fresh = false
		}
	}
	return results, db.keep()
}

// refusal turns an error of SQLite into D1's answer. What fails only at the commit is an internal error there.
func (db *database) refusal(err error, atCommit bool) error {
	var sql *sqlite.Error
	var refused *apiError
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, context.DeadlineExceeded):
		return refuse(http.StatusInternalServerError, 7500, "D1 DB storage operation exceeded timeout which caused object to be reset.")
	case !errors.As(err, &sql):
		return db.internal(err)
	case atCommit:
		return refuse(http.StatusInternalServerError, 7500, "Durable Object was reset and rolled back to its last known good state because the application left the database in a state where constraints were violated: %s", sql.Error())
	}
	return refuse(http.StatusBadRequest, 7500, "%s", wording(sql))
}

// advise replaces SQLite's refusal of a transaction by the advice that D1's engine gives to authors of Workers.
func advise(sql string, err error) error {
	const sqliteAuth = 23 // SQLITE_AUTH
	var refused *sqlite.Error
	if !errors.As(err, &refused) || refused.Code != sqliteAuth {
		return err
	}
	switch leading(sql) {
	case "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE":
		return refuse(http.StatusBadRequest, 7500, "To execute a transaction, please use the state.storage.transaction() or "+
			"state.storage.transactionSync() APIs instead of the SQL BEGIN TRANSACTION or SAVEPOINT statements. The JavaScript API is "+
			"safer because it will automatically roll back on exceptions, and because it interacts correctly with Durable Objects' "+
			"automatic atomic write coalescing.")
	}
	return err
}

// wording is SQLite's refusal as D1 prints it. Two of D1's texts are not SQLite's, and name no code.
func wording(e *sqlite.Error) string {
	const sqliteRange = 25 // SQLITE_RANGE
	if e.Code == sqliteRange || e.Message == "No SQL statements detected." {
		return e.Message
	}
	return e.Error()
}

// internal hides an unexpected error behind a reference, as D1 does.
func (db *database) internal(err error) error {
	reference, _ := db.random.bytes(8)
	return errors.Join(refuse(http.StatusInternalServerError, 7500, "internal error; reference = e_%s", hex.EncodeToString(reference)), err)
}

// keep takes a snapshot of the content, unless the newest one is still true.
func (db *database) keep() error {
	if db.fresh {
		return nil
	}
	content, err := db.conn.Serialize()
	if err != nil {
		return err
	}
	if err := db.history.add(content, db.now(), db.random); err != nil {
		return err
	}
	db.fresh = true
	return nil
}

// bookmark returns the bookmark of the content as it is, or as it was at a time that is not zero.
func (db *database) bookmark(at time.Time) (bookmark string, err error) {
	err = db.alone(func(context.Context) error {
		if err := db.keep(); err != nil {
			return err
		}
		bookmark = db.history.latest()
		if at.IsZero() {
			return nil
		}
		s, err := db.at(at)
		bookmark = s.bookmark
		return err
	})
	return bookmark, err
}

func (db *database) at(t time.Time) (snapshot, error) {
	s, ok := db.history.at(t)
	if !ok {
		return s, refuse(http.StatusBadRequest, 7500, "The timestamp is older than the database, or than its Time Travel history")
	}
	return s, nil
}

// restored is the answer to a restore.
type restored struct {
	Bookmark         string `json:"bookmark"`
	PreviousBookmark string `json:"previous_bookmark"`
	Message          string `json:"message"`
}

// restore puts back the content of a bookmark, or that of a time. The content that it replaces keeps its bookmark. A
// query at work is interrupted, as the documentation of Time Travel says.
func (db *database) restore(bookmark string, at time.Time) (r restored, err error) {
	db.restoring.Add(1)
	waiting := sync.OnceFunc(func() { db.restoring.Add(-1) })
	defer waiting()
	if interrupt := db.running.Load(); interrupt != nil {
		(*interrupt)()
	}
	err = db.alone(func(context.Context) error {
		waiting()
		if err := errors.Join(db.busy(), db.mayRestore()); err != nil {
			return err
		}
		if err := db.keep(); err != nil {
			return err
		}
		r.PreviousBookmark = db.history.latest()
		s, ok := db.history.byBookmark(bookmark)
		if bookmark == "" {
			if s, err = db.at(at); err != nil {
				return err
			}
		} else if !ok {
			return refuse(http.StatusBadRequest, 7500, "The bookmark is invalid for this database")
		}
		content, err := db.history.read(s)
		if err != nil {
			return err
		}
		if err := db.conn.Deserialize(content); err != nil {
			return err
		}
		db.restores = append(db.restores, db.now())
		db.history.generation++
		db.fresh = false
		r.Message = "The database was restored."
		err = db.keep()
		r.Bookmark = db.history.latest()
		return err
	})
	return r, err
}

// How often Time Travel may be used: "10 restores per 10 minutes (per database)" (D1 documentation, "Limits"). The words
// of the refusal are ours; the documentation has none.
const (
	maxRestores    = 10
	restoresWithin = 10 * time.Minute
)

func (db *database) mayRestore() error {
	db.restores = slices.DeleteFunc(db.restores, func(t time.Time) bool { return db.now().Sub(t) >= restoresWithin })
	if len(db.restores) < maxRestores {
		return nil
	}
	return refuse(http.StatusTooManyRequests, 7500, "Too many restores: a database can be restored %d times per 10 minutes.", maxRestores)
}

// stats returns the size in bytes and the number of tables.
func (db *database) stats() (size, tables int64, err error) {
	err = db.alone(func(ctx context.Context) error {
		if size, err = db.conn.Size(); err != nil {
			return err
		}
		return db.conn.Without(func() error {
			res, err := db.conn.Exec(ctx, `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'`)
			if err != nil {
				return err
			}
			tables, _ = res.Rows[0][0].(int64)
			return nil
		})
	})
	return size, tables, err
}

// close waits for the request at work and closes the database. Twice is fine.
func (db *database) close() error {
	<-db.turn
	defer func() { db.turn <- struct{}{} }()
	return db.disconnect()
}

// disconnect is close for whoever has the turn.
func (db *database) disconnect() error {
	if db.conn == nil {
		return nil
	}
	err := db.conn.Close()
	db.conn = nil
	return err
}

// remove closes the database and deletes its files.
func (db *database) remove() error {
	<-db.turn
	defer func() { db.turn <- struct{}{} }()
	if db.removed {
		return notFound(db.record.UUID) // two requests met
	}
	db.removed = true
	err := db.disconnect()
	if db.file == "" {
		return err
	}
	return errors.Join(err, os.Remove(db.file), os.RemoveAll(db.historyDir))
}
