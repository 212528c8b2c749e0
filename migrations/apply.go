package migrations

import "fmt"

// Planned is one statement as it is to be sent.
type Planned struct {
	SQL    string
	Params []any     // always empty for the plans of this package
	Origin Statement // the statement of a file that it carries; the zero Statement for one of Towline's own
}

// Transaction is a list of statements of which the database carries out all or none.
type Transaction struct {
	Names      []string // the migrations in it, in the order in which they are carried out
	Statements []Planned
}

// The ceilings of a transaction. D1 publishes none but time (30 seconds for a REST call, "Limits", D1 docs), so these
// are ours: far above what a release has, and far below what a request can carry.
const (
	MaxTransactionStatements = 5_000
	MaxTransactionBytes      = 16 << 20
)

// Options is what a plan has to know about the database.
type Options struct {
	// Ledger is the name of the ledger table; empty: DefaultLedger.
	Ledger string
	// Violations says that PRAGMA foreign_key_check reports rows, or fails, on the database as it is. Foreign keys can
	// then not be asserted in the middle of a transaction.
	Violations bool
	// Deferred says that the schema has foreign keys that are DEFERRABLE INITIALLY DEFERRED, which are checked at the
	// end of a transaction only.
	Deferred bool
	// Unasserted leaves the files' own assertions out: for a history that is carried out again without its rows, of
	// which they would not be true.
	Unasserted bool
	// MaxStatements and MaxBytes replace MaxTransactionStatements and MaxTransactionBytes; zero: those.
	MaxStatements, MaxBytes int
}

// Apply plans the migrations that are pending, in the order in which they are given: as one transaction, or as several
// where a file must not share one (see below) or the ceilings are reached. A file is never divided.
//
// A transaction first creates the ledger if there is none and records every name, so that a second sending fails on the
// ledger's UNIQUE constraint and changes nothing; then come the statements of the files.
//
// A comment "-- towline:assert SELECT ..." on a line between statements, or behind the last one, is asked at its place:
// where the answer is not 1, the transaction fails with a message in which AssertionFailed finds file and line. To
// wrangler it is a comment.
//
// What a file leaves behind must not change the meaning of the files after it, nor may they mend it:
//   - Pragmas that outlive a file are put back to their default at its end.
//   - After a file that touches PRAGMA defer_foreign_keys foreign keys are asserted, then the deferral is switched off.
//     With Options.Deferred, or where a file makes such foreign keys, they are asserted after every file.
//   - Where they cannot be asserted (Options.Violations), such a file is a transaction of its own.
//
// The error is a *SyntaxError, also of an assertion that cannot be asked, or says which name is empty or given twice.
func Apply(pending []File, o Options) ([]Transaction, error) {
	p := planner{o: o, head: []Planned{{SQL: createLedger(o.Ledger)}}}
	for _, f := range pending {
		insert := Planned{SQL: Record(o.Ledger, f.Name)}
		if err := p.add(f.Name, f.Name, f.SQL, insert); err != nil {
			return nil, err
		}
	}
	return p.transactions(), nil
}

// Undo plans the way back through DOWN files, in the order in which they are given, which must be newest first (the
// ledger's order reversed). Transactions are formed as in Apply. Each begins with a guard that fails unless all of its
// names are still in the ledger, so that a second sending changes nothing; then the ledger rows go, then come the
// statements. The guard fails with LedgerGuard in its message.
//
// The error is a *SyntaxError about "down/NAME", or says which name is empty, given twice or has no DOWN file.
func Undo(downs []File, o Options) ([]Transaction, error) {
	guard := QuoteName(LedgerGuard)
	p := planner{o: o, head: []Planned{{SQL: createGuard(LedgerGuard)}}, tail: []Planned{{SQL: "DROP TABLE " + guard}}}
	ledger := QuoteName(ledgerName(o.Ledger))
	for _, f := range downs {
		if f.Down == nil {
			return nil, fmt.Errorf("%s has no DOWN file", f.Name)
		}
		where := ledger + " WHERE name = " + QuoteText(f.Name)
		check := Planned{SQL: "INSERT INTO " + guard + " SELECT NULL WHERE NOT EXISTS (SELECT 1 FROM " + where + ")"}
		if err := p.add(f.Name, downFolder+"/"+f.Name, f.Down, check, Planned{SQL: "DELETE FROM " + where}); err != nil {
			return nil, err
		}
	}
	return p.transactions(), nil
}

// downFolder begins the name of a DOWN file in errors and places.
const downFolder = "down"
