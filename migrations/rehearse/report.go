package rehearse

import (
	"fmt"
	"time"

	"towline/migrations"
)

// Target is the database that a release is meant for, as it is now.
type Target struct {
	Objects     []migrations.Object    // its sqlite_master
	Ledger      []migrations.LedgerRow // the rows of its ledger table
	LedgerTable string                 // empty: wrangler's d1_migrations
}

// Report is what a rehearsal found.
type Report struct {
	Duration   time.Duration
	Statements int // carried out on the copy without rows

	Failure     *Failure // what D1 would refuse; nil if nothing
	Losses      []Loss   // rows that would go silently
	Unrehearsed []Note   // statements of which D1 knows more than the SQLite here; no failure
	Warnings    []Note   // what fails if there are rows of a certain kind

	Before, After []migrations.Object // After is empty if there is a Failure
	Diff          Diff
	IndexesAfter  []string      // as in FullFingerprint
	Destroys      []Destruction // for which a way back needs the data of before

	Effects
	// LostIndexes and LostTriggers went with a table that was dropped and made again: no statement names them, and nothing
	// has brought them back. What a DROP INDEX or DROP TRIGGER takes away is in Diff.
	LostIndexes, LostTriggers []string
	Plans                     []PlanChange // of those queries whose plan changes
}

// Place is where in the files of a release something stands. A statement of Towline's own has no File; then Line, Col
// and Index are 0.
type Place struct {
	File      string
	Line, Col int    // of the error within the statement if SQLite says where, else of the statement; from 1
	Index     int    // of the statement in the file, from 1
	Statement string // its text; empty at the end of a transaction
}

// String returns "file:line:col", or what there is of it.
func (p Place) String() string {
	switch {
	case p.File == "":
		return "a statement of Towline's own"
	case p.Line == 0:
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Failure is the first refusal on a copy without rows.
type Failure struct {
	Place
	// AtCommit is true when no statement was refused but the end of the transaction, or the assertion of foreign keys
	// behind a file: rows are left whose foreign keys lead nowhere. Statement is then empty.
	AtCommit   bool
	Migrations []string // the names in the transaction
	Message    string   // SQLite's words
	Code       string   // as D1 prints it: "SQLITE_ERROR", "SQLITE_CONSTRAINT_UNIQUE"
}

// Kind says what happens to rows.
type Kind string

// The kinds of loss.
const (
	RowsDeleted Kind = "rows deleted"
	SetToNull   Kind = "values set to NULL"
	SetDefault  Kind = "reset to default"
	// CommitRefused: nothing is lost, but with rows in the table D1 refuses the end of the transaction, and reports it
	// like an outage: "internal error; reference = ..." (cloudflare/workers-sdk issue 5108).
	CommitRefused Kind = "commit refused"
)

// Loss is what a statement does to another table than the one it names.
type Loss struct {
	Place
	Table  string // whose rows are concerned
	Column string // the columns of the foreign key, or those that change
	By     string // the table that is dropped or whose rows are replaced
	Kind   Kind
	// Hidden belongs to CommitRefused: a PRAGMA defer_foreign_keys = OFF in the file makes D1 forget the violations, real
	// ones too, so that the commit passes.
	Hidden bool
	// Seen is true when rows were seen to go; false when only SQLite's authorizer says so, because there could be no rows
	// in the copy to watch.
	Seen bool
}

// Note is a remark on a statement.
type Note struct {
	Place
	Message string
}

// SchemaError says that the target's schema could not be rebuilt here.
type SchemaError struct {
	Object migrations.Object
	Err    error // an *sqlite.Error
}

// Error names the object.
func (e *SchemaError) Error() string {
	return fmt.Sprintf("the copy of the schema: %s %q: %v", e.Object.Type, e.Object.Name, e.Err)
}

// Unwrap returns SQLite's refusal.
func (e *SchemaError) Unwrap() error { return e.Err }
