package dump

import (
	"context"
	"fmt"

	"towline/migrations"
)

// Query asks the database that Write copies: one SELECT, whose answer has a few hundred KB as a rule and some MB at most.
// The values of a row come in the order of its columns; Write asks for texts and small integers only, so that nothing is
// lost where answers are JSON.
type Query func(ctx context.Context, sql string) (rows [][]any, err error)

// Source is the database that Write copies.
type Source struct {
	Objects []migrations.Object // its sqlite_master
	Query   Query
	// Skip names tables that are not copied.
	Skip []string
}

// Written is what Write did.
type Written struct {
	Rows, Bytes int64
	Tables      []Table // with Hash empty
	// Raw are virtual tables whose rows cannot be read back (FTS5 with content=''), copied by their shadow tables: Load and
	// the sqlite3 shell restore them, D1 would not.
	Raw []string
	// Long are tables with a row whose statement is longer than D1 takes (migrations.MaxStatement): Load and the sqlite3 shell
	// restore them, D1 would not.
	Long []string
	// Moving are tables that changed while they were copied: they had another number of rows before than after, or other than
	// were copied. An empty list does not prove that nothing moved.
	Moving []string
}

// StatementError is a statement that could not be carried out.
type StatementError struct {
	Line   int64  // at which it begins, from 1
	Text   string // its first 200 bytes
	Reason string // SQLite's words, or what is wrong with the text
	err    error
}

// Unwrap returns SQLite's refusal, if it is one.
func (e *StatementError) Unwrap() error { return e.err }

// Error names the line.
func (e *StatementError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }
