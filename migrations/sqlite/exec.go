package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// Result is what one statement gave.
type Result struct {
	Columns []string // names of the result's columns, in order; duplicates are kept
	Rows    [][]any  // nil, int64, float64, string or []byte
	// Changes is the number of rows inserted, updated and deleted, including those by triggers and foreign keys, as D1
	// counts them in meta.changes: the growth of total_changes().
	Changes   int64
	LastRowID int64 // last_insert_rowid() afterwards
	Changed   bool  // whether rows, the last row id or the size of the database changed, as D1's meta.changed_db
	// RowsRead and RowsWritten are estimates: steps of full scans or rows returned, and changes (a table or index created
	// counts two). D1 also counts rows found through an index and index entries written.
	RowsRead, RowsWritten int64
	Actions               []Action // what the statement would do, as seen while preparing it
}

// Exec runs exactly one statement, which blanks and comments may surround, with params bound to ?1, ?2 and so on. A
// parameter is nil, bool, int, int64, float64, string or []byte.
//
// Outside [Conn.Transaction] the statement is a transaction of its own, as every query is on D1: there a
// PRAGMA foreign_keys = OFF answers and changes nothing. A refusal is an *[Error], and so is text without a statement
// ("No SQL statements detected.") or with two; when ctx ends the statement is interrupted and ctx's error returned.
func (c *Conn) Exec(ctx context.Context, sql string, params ...any) (Result, error) {
	var res Result
	attempt := func() (err error) {
		res, err = c.exec(ctx, sql, params)
		return err
	}
	if c.inTx && c.db.GetAutocommit() {
		return Result{}, refusal(sqlite3.ABORT, "the transaction was rolled back by an earlier statement")
	}
	err := error(nil)
	if c.inTx || c.bypass {
		err = attempt()
	} else {
		err = c.Transaction(ctx, attempt)
	}
	if err != nil {
		return Result{}, err
	}
	return res, nil
}

// Prepare returns what the statement would do, without running it. Its errors are those of [Conn.Exec].
func (c *Conn) Prepare(ctx context.Context, sql string) ([]Action, error) {
	defer c.interruptible(ctx)()
	stmt, actions, err := c.prepare(sql)
	if err != nil {
		return nil, orContext(ctx, err)
	}
	if err := stmt.Close(); err != nil {
		return nil, asError(err, sql)
	}
	return actions, nil
}

func (c *Conn) exec(ctx context.Context, sql string, params []any) (Result, error) {
	defer c.interruptible(ctx)()
	if !c.bypass && mayRename(sql) {
		return c.execRename(ctx, sql, params)
	}
	return c.run(ctx, sql, params)
}

// mayRename reports whether the statement might give an object a name that is Cloudflare's. SQLite does not tell the
// authorizer the new name of an ALTER TABLE; D1's patched one does.
func mayRename(sql string) bool {
	sql = strings.ToLower(sql)
	return strings.Contains(sql, "_cf_") && strings.Contains(sql, "alter")
}

// execRename runs the statement and takes it back if an object has a reserved name afterwards.
func (c *Conn) execRename(ctx context.Context, sql string, params []any) (res Result, err error) {
	reserved := "SELECT count(*) FROM sqlite_master WHERE lower(substr(name, 1, 4)) = '_cf_'"
	before, err := c.queryInt(reserved)
	if err != nil {
		return Result{}, err
	}
	if err := c.control(ctx, "SAVEPOINT rename"); err != nil {
		return Result{}, err
	}
	res, err = c.run(ctx, sql, params)
	if after, countErr := c.queryInt(reserved); err == nil && countErr == nil && after > before {
		res, err = Result{}, refusal(sqlite3.AUTH, "not authorized")
	}
	if c.db.GetAutocommit() {
		return res, err
	}
	if err != nil {
		err = errors.Join(err, c.control(context.WithoutCancel(ctx), "ROLLBACK TO rename"))
	}
	return res, errors.Join(err, c.control(context.WithoutCancel(ctx), "RELEASE rename"))
}

func (c *Conn) run(ctx context.Context, sql string, params []any) (Result, error) {
	stmt, actions, err := c.prepare(sql)
	if err != nil {
		return Result{}, orContext(ctx, err)
	}
	defer stmt.Close()
	if err := bind(stmt, params); err != nil {
		return Result{}, asError(err, "")
	}
	before := c.counters()
	res := Result{Columns: columnNames(stmt), Actions: actions}
	for stmt.Step() {
		row, err := readRow(stmt)
		if err != nil {
			return Result{}, asError(err, "")
		}
		res.Rows = append(res.Rows, row)
	}
	if err := stmt.Err(); err != nil {
		return Result{}, orContext(ctx, asError(err, ""))
	}
	after := c.counters()
	res.Changes = after.changes - before.changes
	res.LastRowID = after.lastRowID
	res.Changed = after != before
	res.RowsRead, res.RowsWritten = estimate(stmt, res)
	return res, nil
}

// prepare compiles sql, which must hold exactly one statement.
func (c *Conn) prepare(sql string) (*sqlite3.Stmt, []Action, error) {
	if i := strings.IndexByte(sql, 0); i >= 0 {
		return nil, nil, &Error{Code: int(sqlite3.ERROR), Extended: int(sqlite3.ERROR), Message: `unrecognized token: "\x00"`, Offset: i}
	}
	if len(sql) > MaxStatementBytes {
		return nil, nil, refusal(sqlite3.TOOBIG, "statement too long")
	}
	c.actions, c.missingTable, c.recording = nil, "", true
	stmt, tail, err := c.compile(sql)
	if err != nil && c.missingTable == "" {
		if limited, rest := c.compileLimited(sql); limited != nil {
			stmt, tail, err = limited, rest, nil
		}
	}
	actions := c.actions
	c.actions, c.recording = nil, false
	if err != nil {
		if c.missingTable != "" {
			return nil, nil, refusal(sqlite3.ERROR, "no such table: %s", c.missingTable)
		}
		return nil, nil, asError(err, sql)
	}
	if stmt == nil {
		return nil, nil, refusal(sqlite3.ERROR, noStatement)
	}
	if err := c.nothingIn(tail); err != nil {
		stmt.Close()
		return nil, nil, err
	}
	if err := c.defaultsAllowed(sql, actions); err != nil {
		stmt.Close()
		return nil, nil, err
	}
	return stmt, actions, nil
}

// nothingIn refuses a tail that holds another statement. SQLite itself says what is blank.
func (c *Conn) nothingIn(tail string) error {
	if strings.Trim(tail, " \t\r\n\f;") == "" {
		return nil
	}
	second, _, err := c.compile(tail)
	if err == nil && second == nil {
		return nil
	}
	second.Close()
	return refusal(sqlite3.MISUSE, "more than one statement")
}

func bind(stmt *sqlite3.Stmt, params []any) error {
	if n := stmt.BindCount(); len(params) != n {
		return refusal(sqlite3.RANGE, "Wrong number of parameter bindings for SQL query.")
	}
	for i, param := range params {
		if err := bindOne(stmt, i+1, param); err != nil {
			return err
		}
	}
	return nil
}

func bindOne(stmt *sqlite3.Stmt, i int, param any) error {
	switch v := param.(type) {
	case nil:
		return stmt.BindNull(i)
	case bool:
		return stmt.BindBool(i, v)
	case int:
		return stmt.BindInt(i, v)
	case int64:
		return stmt.BindInt64(i, v)
	case float64:
		return stmt.BindFloat(i, v)
	case string:
		return stmt.BindText(i, v)
	case []byte:
		return stmt.BindBlob(i, v)
	}
	return fmt.Errorf("parameter %d has type %T, which SQLite cannot hold", i, param)
}

func columnNames(stmt *sqlite3.Stmt) []string {
	names := make([]string, stmt.ColumnCount())
	for i := range names {
		names[i] = stmt.ColumnName(i)
	}
	return names
}

func readRow(stmt *sqlite3.Stmt) ([]any, error) {
	row := make([]any, stmt.ColumnCount())
	if err := stmt.Columns(row...); err != nil {
		return nil, err
	}
	return row, nil
}

type counters struct{ changes, lastRowID, pages int64 }

func (c *Conn) counters() counters {
	pages := int64(0)
	if !c.bypass && !c.sizeless {
		pages, _ = c.queryInt("PRAGMA page_count")
	}
	return counters{c.db.TotalChanges(), c.db.LastInsertRowID(), pages}
}

func estimate(stmt *sqlite3.Stmt, res Result) (read, written int64) {
	if steps := int64(stmt.Status(sqlite3.STMTSTATUS_FULLSCAN_STEP, false)); steps > 0 {
		read = steps + 1
	}
	read = max(read, int64(len(res.Rows)))
	written = res.Changes
	for _, a := range res.Actions {
		if a.Kind == CreateTable || a.Kind == CreateIndex || a.Kind == CreateTrigger || a.Kind == CreateView {
			return max(read, 1), written + 2
		}
	}
	return read, written
}

// orContext returns ctx's error in place of the interruption that it caused.
func orContext(ctx context.Context, err error) error {
	if e, ok := err.(*Error); ok && e.Code == int(sqlite3.INTERRUPT) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
