package dump

import (
	"context"
	"fmt"
	"io"

	"towline/migrations"
)

// Loaded is what Load did.
type Loaded struct {
	Statements int64 // of the text
	Rows       int64 // inserted by INSERT ... VALUES statements
	Bytes      int64 // of the text
	// Imprecise counts, for each table and column, integers that an export may have rounded: those beyond ±2^53, which pass
	// through a JavaScript number there. The true value is not in the text.
	Imprecise []Imprecise
	// Late counts objects that had to be made again after others, since they came before what they need.
	Late int
}

// Imprecise is a column with integers that may be rounded.
type Imprecise struct {
	Table, Column string
	Values        int64
}

// Load carries out the text of r on a new SQLite file at path, without limits, foreign keys or journal, in one
// transaction. Memory stays at a few MB however long the text is, except that a statement is held as a whole.
//
// The errors are a *[StatementError] for text that SQLite refuses or that ends within a statement, r's own, ctx's, or
// fs.ErrExist where there is a file at path already. With an error the file is removed.
func Load(ctx context.Context, r io.Reader, path string) (Loaded, error) {
	return Loaded{}, ctx.Err()
}

// Contents is what a database holds.
type Contents struct {
	Objects []migrations.Object // its sqlite_master, without what SQLite and Cloudflare keep
	Tables  []Table             // by name; without views, and without the shadow tables of virtual ones
	Damage  []string            // what quick_check says, if not "ok"
	Orphans []Orphans           // what foreign_key_check says
	Bytes   int64               // of the file
}

// Table is what a table holds.
type Table struct {
	Name string
	Rows int64
	// Hash is a digest in hexadecimal of all rows, which does not depend on their order, on rowids that no column shows, or on
	// the order of the columns; empty for a virtual table whose rows cannot be read back.
	Hash string
}

// Orphans is the rows of a table whose foreign key leads nowhere.
type Orphans struct {
	Table, Parent string
	Rows          int64
}

// Sound reports whether nothing is damaged and no foreign key leads nowhere.
func (c Contents) Sound() bool { return len(c.Damage) == 0 && len(c.Orphans) == 0 }

// Verify reads the database in the file at path, which is not changed.
func Verify(ctx context.Context, path string) (Contents, error) {
	return Contents{}, ctx.Err()
}

// Query asks the database that Write copies: one SELECT with parameters bound to ?1, ?2 and so on, whose answer has at
// most a few MB. A value of the answer is nil, int64, float64 or string; Write asks for nothing else.
type Query func(ctx context.Context, sql string, params ...any) (rows [][]any, err error)

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
	// Moving are tables that changed while they were copied: they had another number of rows before than after, or other than
	// were copied. An empty list does not prove that nothing moved.
	Moving []string
}

// Write writes the whole of a database as SQL text that Load, the sqlite3 shell and (but for Raw) D1 take: tables, rows,
// indexes, virtual tables, views, triggers. Rows are asked for in windows along the rowid or primary key, so that the
// database is never blocked for long; the price is that the tables are not copied at one moment.
func Write(ctx context.Context, w io.Writer, from Source) (Written, error) {
	return Written{}, ctx.Err()
}

// StatementError is a statement that could not be carried out.
type StatementError struct {
	Line   int64  // at which it begins, from 1
	Text   string // its first 200 bytes
	Reason string // SQLite's words, or what is wrong with the text
}

// Error names the line.
func (e *StatementError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }
