package rehearse

import "time"

// Effects is what a release does to rows. With a copy of the data (see [Data]) it was seen there; without one it is
// worked out from the numbers of rows, where [Rows] gave them.
type Effects struct {
	// Data is true when the release was carried out on a copy of the data. NoData says why it was not although there is a
	// copy.
	Data   bool
	NoData string
	// Failed is the statement that the copy of the data refuses, although a database without rows takes it; nil if none.
	Failed *Failure

	// RowsRead and RowsWritten are estimates of what D1 would bill. Known is false where the numbers of rows of the tables
	// concerned are not known; then both are 0.
	RowsRead, RowsWritten int64
	Known                 bool
	// Local is how long the statements took on the copy of the data, and Estimated what D1 is likely to take at most
	// (see [SlowerOnD1]); 0 without a copy of the data.
	Local, Estimated time.Duration

	// Touched are the tables whose rows the release may change, by name as it is afterwards or, for tables that go, before.
	Touched []string
	Tables  []TableRows // with a copy of the data: each touched table
	Orphans []Orphan    // with a copy of the data: rows that refer to nothing afterwards, more than before

	// Rejected are rows of the copy of the data that a constraint refuses, at most MaxRowsShown for each statement, and
	// RejectedTotal how many there are in all.
	Rejected      []RejectedRow
	RejectedTotal int64
	Cut           []Cut // copies from table to table that leave rows behind

	// RowLosses is what the rows of tables that are there before and after lose, with a copy of the data: each table whose
	// rows lose something. Uncompared are the touched tables with rows of which nobody can say so.
	RowLosses  []RowLosses
	Uncompared []Uncompared
}

// MaxRowsShown is how many rejected or cut rows of one statement a report holds.
const MaxRowsShown = 100

// MaxValueShown is how many bytes of one value of such a row a report holds.
const MaxValueShown = 200

// TableRows is how many rows a table has before and after.
type TableRows struct {
	Name string
	// Before is -1 for a table that the release adds, After -1 for one that it removes.
	Before, After int64
	Columns       []ColumnValues // that lose more values than rows go
}

// ColumnValues is how many values of a column are not NULL, before and after.
type ColumnValues struct {
	Name          string
	Before, After int64
}

// Orphan is the rows of a table whose foreign key to a parent leads nowhere: so many more than before.
type Orphan struct {
	Table, Parent string
	Rows          int64
}

// RejectedRow is a row that a constraint refuses.
type RejectedRow struct {
	Place            // of the statement
	Table   string   // that refuses it
	Message string   // SQLite's words: "CHECK constraint failed: status IN ('a', 'b')"
	Code    string   // as D1 prints it
	Columns []string // of the row as it was before the statement
	Values  []string // as SQL literals, long ones cut to MaxValueShown bytes
}

// Cut is a statement that copies rows from one table to another and leaves some behind: INSERT OR IGNORE that meets a
// duplicate, a WHERE or a JOIN that leaves rows out.
type Cut struct {
	Place
	From, To     string
	Rows, Copied int64
	Columns      []string   // of From
	Left         [][]string // rows of From that are not in To, at most MaxRowsShown, as in RejectedRow; nil where they cannot be told
}

// RowLosses is what the rows of one table lose, found by comparing the table before and after the release, row by row by
// its key. A value that becomes another one is no loss as long as nothing of it was cut off.
type RowLosses struct {
	Table string
	Key   []string // the columns by which rows were found again: the primary key, or "rowid"
	// Gone is how many keys are not there any more, GoneRows the first of those rows, at most MaxRowsShown, as in RejectedRow,
	// and GoneColumns the columns of these.
	Gone        int64
	GoneColumns []string
	GoneRows    [][]string
	Columns     []ColumnLosses // that lose something, in the order of the table
}

// ColumnLosses is what the values of one column lose, in rows that are there before and after.
type ColumnLosses struct {
	Name                 string
	Cut, Rounded, Nulled int64       // values, by what they lose
	Shown                []LostValue // the first of them, at most MaxRowsShown
}

// ValueLoss is what a value loses.
type ValueLoss string

// The losses of values.
const (
	ValueCut     ValueLoss = "cut"     // the new text or blob is the beginning or the end of the old one
	ValueRounded ValueLoss = "rounded" // a number has lost digits or its fraction
	ValueNulled  ValueLoss = "nulled"  // it has become NULL
)

// LostValue is one value that loses something.
type LostValue struct {
	Key             []string // of the row, as SQL literals
	Loss            ValueLoss
	Was, Is         string // as SQL literals, long ones cut to MaxValueShown bytes
	WasSize, IsSize int    // of a cut text in characters, of a cut blob in bytes; else 0
}

// Uncompared is a touched table that could not be compared row by row, and why.
type Uncompared struct{ Table, Why string }

// PlanChange is a query whose plan the release changes.
type PlanChange struct {
	Query
	Before, After []string // lines of EXPLAIN QUERY PLAN, indented by two blanks a level; After is empty if it breaks
	Worse         bool
	What          string // "SEARCH users USING INDEX users_email (email=?) becomes SCAN users"; "breaks: no such table: users"
}
