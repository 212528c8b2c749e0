package deploy

import (
	"context"
	"errors"
	"io"
	"time"
)

// Exports reads and writes whole databases as SQL text. Implementations are safe for concurrent use. Both calls block the
// database for everybody else while they work, and may take minutes.
type Exports interface {
	// Export writes the database as it is at one moment. ErrVirtualTables: it has virtual tables (FTS5), and D1 exports
	// none such. A *RejectedError: D1 refused. Any other error: there is no whole export, and nothing was changed.
	Export(ctx context.Context, id string, w io.Writer) error
	// Import runs the text in the database, all of it or nothing. A *RejectedError: nothing of it is there. An
	// *UnansweredError: it is unknown whether it is.
	Import(ctx context.Context, id string, sql io.ReadSeeker, size int64) error
}

// ErrVirtualTables says that a database cannot be exported, since it has virtual tables ("Import and export data", D1
// docs: known limitations).
var ErrVirtualTables = errors.New("the database has virtual tables, which D1 does not export")

// Analytics tells what Cloudflare counted. It lags behind by minutes, sometimes more.
type Analytics interface {
	// RowsWritten is how many rows were written to a database since a moment, and up to when that was counted.
	RowsWritten(ctx context.Context, id string, since time.Time) (rows int64, asOf time.Time, err error)
}
