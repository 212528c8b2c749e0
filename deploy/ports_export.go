package deploy

import (
	"context"
	"errors"
	"io"
)

// Exports reads and writes whole databases as SQL text. Implementations are safe for concurrent use; the suite is
// deploy/d1test. While D1 works on an export or an import it turns every other request to the database away, those of the
// team's own app as well ("during which your D1 will be unavailable to serve queries", API reference, "Export D1 Database
// as SQL"). Both may take minutes.
type Exports interface {
	// Export writes the database as it is at one moment. A w that implements ExportProgress hears of the time before the
	// first byte. ErrVirtualTables: it has virtual tables (FTS5), D1 exports none such, and nothing was asked of D1 that
	// blocks it. ErrNoDatabase: no database has this id. A *RejectedError: D1 refused. Any other error: there is no whole export, and nothing was changed. What w got
	// before an error is worth nothing.
	Export(ctx context.Context, id string, w io.Writer) error
	// Import runs the text in the database, all of it or nothing. It reads sql from its beginning, more than once where it
	// has to, and size is its length in bytes. A *RejectedError: nothing of it is there. An *UnansweredError: it is unknown
	// whether it is, or will be. What the text makes must not be there yet, so it begins with DROPs or is for an empty
	// database.
	Import(ctx context.Context, id string, sql io.ReadSeeker, size int64) error
}

// ExportProgress is a writer that hears of an export while D1 prepares the text, before the first byte.
type ExportProgress interface {
	// Preparing is called each time that D1 says it is still at work, with its own words, if any.
	Preparing(words string)
}

// ErrVirtualTables says that a database cannot be exported, since it has virtual tables ("Import and export data", D1
// docs: known limitations). One that was asked for all the same has been seen to block the database for good
// (workers-sdk#9519).
var ErrVirtualTables = errors.New("the database has virtual tables, which D1 does not export")
