package queries

import (
	"slices"
	"strings"

	"towline/migrations"
)

// OfApp leaves out what Towline asked itself: about the schema and the ledger, a table of that name, and the statements of the migrations that are
// applied. Cloudflare counts those like any other, and nothing that ran once for a release is the app's to make faster. The list is changed in its
// place; applied is asked once, and only where there is a query that the words of it do not tell.
func OfApp(list []Count, ledger string, applied func() Statements) []Count {
	var known Statements
	return slices.DeleteFunc(list, func(q Count) bool {
		if Bookkeeping(q.SQL, ledger) {
			return true
		}
		if known == nil {
			known = applied()
		}
		return known[tokens(q.SQL)]
	})
}

// Bookkeeping reports whether a query is none of the app's by its words: about the schema, or a table of Towline's, wrangler's or Cloudflare's.
// What Towline asks of an app's own tables, how many rows they have and what is in them, names its columns __towline_ for that.
func Bookkeeping(sql, ledger string) bool {
	sql = strings.ToLower(sql)
	for _, word := range []string{"sqlite_master", "sqlite_schema", "sqlite_stat1", "sqlite_sequence", "pragma_", "pragma ", "__towline_", "_cf_", strings.ToLower(ledger)} {
		if strings.Contains(sql, word) {
			return true
		}
	}
	return false
}

// Statements are those of migrations, as they are told from queries: without comments and however they are spaced.
type Statements map[string]bool

// StatementsOf are those of files. What cannot be split is left out.
func StatementsOf(files []migrations.File) Statements {
	out := Statements{}
	for _, f := range files {
		list, _ := migrations.SplitLoose(f.Name, f.SQL) // what was applied can be read, and the rest does not matter here
		for _, s := range list {
			out[tokens(s.SQL)] = true
		}
	}
	return out
}
