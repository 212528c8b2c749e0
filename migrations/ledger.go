package migrations

import (
	"slices"
)

// DefaultLedger is the table in which wrangler records what it applied, unless migrations_table of its config names
// another.
const DefaultLedger = "d1_migrations"

// LedgerRow is a row of the ledger.
type LedgerRow struct {
	ID        int64
	Name      string // as File.Name
	AppliedAt string // as D1 stores it: UTC, "2006-01-02 15:04:05"
}

// LedgerQuery returns the query that reads the ledger in the order of application, as rows of id, name and applied_at.
// It fails with "no such table" on a database that was never migrated.
func LedgerQuery(table string) string {
	return "SELECT id, name, applied_at FROM " + QuoteName(ledgerName(table)) + " ORDER BY id"
}

// LedgerNamesQuery returns the query that reads the ledger's names alone, as one value: a JSON array, in no certain order. It fails as
// LedgerQuery's does.
func LedgerNamesQuery(table string) string {
	return "SELECT json_group_array(name) AS names FROM " + QuoteName(ledgerName(table))
}

// CreateLedger returns the statement that makes the ledger where there is none; an empty table is DefaultLedger.
func CreateLedger(table string) string { return createLedger(table) }

// Record returns the statement that records a migration as applied. It fails where the ledger has the name already.
func Record(table, name string) string {
	return "INSERT INTO " + QuoteName(ledgerName(table)) + " (name) VALUES (" + QuoteText(name) + ")"
}

// createLedger is wrangler's own statement, blanks included, since SQLite keeps the text and schemas are compared by it
// (wrangler, packages/wrangler/src/d1/migrations/helpers.ts).
func createLedger(table string) string {
	return "CREATE TABLE IF NOT EXISTS " + QuoteName(ledgerName(table)) + "(\n" +
		"\t\tid         INTEGER PRIMARY KEY AUTOINCREMENT,\n" +
		"\t\tname       TEXT UNIQUE,\n" +
		"\t\tapplied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL\n" +
		")"
}

func ledgerName(table string) string {
	if table == "" {
		return DefaultLedger
	}
	return table
}

// Difference is how the files of a release stand to the ledger of a database.
type Difference struct {
	Pending    []File            // not in the ledger, in the order of application
	Unknown    []string          // in the ledger, but not among the files; in the ledger's order
	Edited     []string          // applied with other tokens than the file has now; in the files' order
	OutOfOrder []string          // pending files that sort before an applied one; wrangler applies them all the same
	Renamed    map[string]string // a name of Unknown, to the pending file with the same content
}

// Compare sets files against the ledger. applied holds the checksums that were recorded when a file was applied, by
// name; a file that something else applied has none, and can be neither Edited nor Renamed. A change of comments, line
// ends or white space is not an edit.
func Compare(files []File, ledger []LedgerRow, applied map[string]Checksum) Difference {
	var d Difference
	known := make(map[string]bool, len(files))
	for _, f := range files {
		known[f.Name] = true
	}
	inLedger := make(map[string]bool, len(ledger))
	last := ""
	for _, row := range ledger {
		if row.Name == "" || inLedger[row.Name] {
			continue
		}
		inLedger[row.Name] = true
		if last == "" || Less(last, row.Name) {
			last = row.Name
		}
		if !known[row.Name] {
			d.Unknown = append(d.Unknown, row.Name)
		}
	}
	for _, f := range inOrder(files) {
		if !inLedger[f.Name] {
			d.Pending = append(d.Pending, f)
			if last != "" && Less(f.Name, last) {
				d.OutOfOrder = append(d.OutOfOrder, f.Name)
			}
			continue
		}
		if was, ok := applied[f.Name]; ok && was.Tokens != f.Checksum().Tokens {
			d.Edited = append(d.Edited, f.Name)
		}
	}
	d.Renamed = renamed(d.Unknown, d.Pending, applied)
	return d
}

// renamed pairs ledger names that lost their file with pending files of the same content, each file once.
func renamed(unknown []string, pending []File, applied map[string]Checksum) map[string]string {
	pairs := make(map[string]string)
	taken := make(map[string]bool)
	empty := sumTokens("")
	for _, name := range unknown {
		was, ok := applied[name]
		if !ok {
			continue
		}
		for _, f := range pending {
			is := f.Checksum()
			same := was.Raw == is.Raw || was.Normalized == is.Normalized || was.Tokens == is.Tokens && is.Tokens != empty
			if same && !taken[f.Name] {
				pairs[name], taken[f.Name] = f.Name, true
				break
			}
		}
	}
	return pairs
}

// inOrder is files in the order of application; the argument stays as it is.
func inOrder(files []File) []File {
	sorted := slices.Clone(files)
	slices.SortStableFunc(sorted, func(a, b File) int { return compareNames(a.Name, b.Name) })
	return sorted
}
