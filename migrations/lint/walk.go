package lint

import (
	"towline/migrations"
	"towline/migrations/rehearse"
	"towline/migrations/sqlite"
)

// walk is what the rules read: the checked files, statement by statement, as they went on a copy of the schema without rows under D1's
// profile. A statement that is refused is left out and the walk goes on, so that one mistake does not hide the others.
type walk struct {
	in    Input
	o     Options
	files []*file // the checked ones, in order
	steps []*step // of all of them, in order

	first, last *schema // before the first statement and after the last
	// complete is false where first may lack what the real database has: there is no Target, and the files before the checked ones did
	// not all run, or all files are checked and the first of them may stand on something that was made by hand.
	complete bool
	// replay are the statements of the known files that did not run, where there is no Target.
	replay []*step

	slow          bool // a statement was stopped, so that there is no rehearsal
	rehearsal     rehearse.Report
	origins       *origins   // see tables
	rebuiltTables *[]rebuilt // see rebuilds
	shapes        *shapes    // reads tables out of schemas
	found         []Finding
	rewrites      map[string]string                  // see generated
	loose         map[*schema]map[string]danglingKey // see dangling
}

// file is one checked file.
type file struct {
	migrations.File
	text       string // of SQL
	split      error  // what migrations.Split says, a *migrations.SyntaxError; nil: nothing
	steps      []*step
	before     *schema
	after      *schema
	commit     *sqlite.Error // the refusal of its end; nil: none
	directives []directive
	contract   *directive   // its contract directive; nil: none
	asserts    []*directive // those behind its last statement; those above one are the statement's
	// broken are the views and triggers that could be compiled before the file and cannot any more.
	broken []broken
	// alone is a rehearsal of this file by itself, with rows in every table of before, where the file drops a table that others refer to;
	// nil otherwise, and where the rehearsal did not come to its end.
	alone      *rehearse.Report
	suspicious bool // it drops a table that others refer to
}

// doubtful reports whether the file drops tables of which no rehearsal says what becomes of their children.
func (f *file) doubtful() bool { return f.suspicious && f.alone == nil }

// broken is a view or trigger that a file leaves unusable.
type broken struct {
	migrations.Object
	message string // SQLite's words
}

// step is one statement.
type step struct {
	migrations.Statement
	n             int // in walk.steps
	file          *file
	tokens        []migrations.Token // of SQL that mean something
	actions       []sqlite.Action    // what it does, the work of foreign keys included; as far as known where it is refused
	before, after *schema            // the same where the schema does not change
	changes       int64              // rows, on the copy
	err           *sqlite.Error      // its refusal; nil: it ran
	left          bool               // it was not carried out, since one above takes too long
	// limited says that it is a form that D1's SQLite has and the one here has not: LIMIT on an UPDATE with FROM, or on a write to a view.
	limited bool
	// ghosts are double-quoted words in it that name no column, so that D1 takes them for texts.
	ghosts []ghost
	// plan is its query plan, where it changes rows of a table that was there before the checked files.
	plan     []planLine
	backfill *directive // the backfill block in which it stands; nil: none
	asserts  []*directive
	change   *change  // see columnChange
	refusal  *refused // see addColumnRefused
}

// ghost is a double-quoted word that names no column.
type ghost struct {
	name   string
	offset int // in the statement
}

// planLine is a line of EXPLAIN QUERY PLAN.
type planLine struct {
	id, parent int64
	detail     string // "SEARCH users USING INDEX users_email (email=?)"
}
