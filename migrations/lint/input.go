package lint

import (
	"time"

	"towline/migrations"
	"towline/migrations/rehearse"
)

// Input is what is looked at.
type Input struct {
	Files []migrations.File // the whole folder, in the order of application
	// Target is the live database: the files that its ledger lacks are checked. Without it, those that are not in Known are, against the
	// schema that the known ones make from nothing.
	Target *rehearse.Target
	Known  []string
	// Applied are the checksums that were recorded when Towline applied a file, by name.
	Applied map[string]migrations.Checksum
	Renames map[string]string // declared: the name in the ledger, to the name of the file now
	Rows    map[string]int64  // rows per table, where known
	Queries []rehearse.Query  // the project's own queries
	History *History          // nil: not known
	// Extra are findings of the reader of the layout. Severities and directives are applied to them too.
	Extra       []Finding
	LedgerTable string // empty: wrangler's d1_migrations
	// Report is a rehearsal of the checked files on Target that was done already; nil: Run does its own.
	Report *rehearse.Report
}

// History is what the releases before say about tables and columns, so that nothing goes that is in use.
type History struct {
	Columns []Lifetime
	// Code are the names that the code of a version mentions (see CodeNames): of "live", of "before", which is the version that a rollback
	// returns to, and of "next", this release's.
	Code map[string][]string
	Wait time.Duration // how long something must have been unused in production before it may go
	Now  time.Time
}

// The versions of History.Code.
const (
	CodeLive   = "live"
	CodeBefore = "before"
	CodeNext   = "next"
)

// Lifetime is what is known of a column, or of a table where Column is empty.
type Lifetime struct {
	Table, Column string
	AddedIn       uint64    // the number of the release; 0: not known
	UnusedSince   uint64    // the first release whose code does not use it; 0: it is in use
	Unused        time.Time // since when that release has been live in production; zero: not yet
}

// Options is how a project wants it.
type Options struct {
	Severity     map[string]Severity // by code, in place of the rule's own
	BackfillRows int64               // how many rows one statement may change; 0: DefaultBackfillRows
	Limit        time.Duration       // how long one statement may run here; 0: 30 seconds, after which D1 stops it ("Limits", D1 docs)
}

// DefaultBackfillRows is the number of rows above which a statement should be a backfill.
const DefaultBackfillRows = 10_000

func (o Options) limit() time.Duration {
	if o.Limit > 0 {
		return o.Limit
	}
	return 30 * time.Second
}

func (o Options) backfillRows() int64 {
	if o.BackfillRows > 0 {
		return o.BackfillRows
	}
	return DefaultBackfillRows
}
