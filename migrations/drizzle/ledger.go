package drizzle

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"towline/migrations"
	"towline/migrations/layout"
)

// DefaultLedger is the table in which Drizzle's own migrator (drizzle-orm, d1/migrator.ts; also drizzle-kit migrate) records what it applied,
// unless the project names another.
const DefaultLedger = "__drizzle_migrations"

// LedgerRow is a row of it.
type LedgerRow struct {
	Hash      string // sha256 of the file, in lower-case hex
	CreatedAt int64  // milliseconds since 1970: the journal's `when`, or the time in the folder's name
	Name      string // the folder's name; "" where the table is older than drizzle-orm 1.0
}

// LedgerQuery returns the query that reads the table as rows of hash, created_at and name, in the order of created_at. It fails with "no such
// table" on a database that Drizzle never migrated. An empty table is DefaultLedger.
func LedgerQuery(table string) string {
	if table == "" {
		table = DefaultLedger
	}
	t := migrations.QuoteName(table)
	// Before 1.0 there is no column name. In the innermost query a name that its own table lacks is that of the query around it, NULL.
	return "SELECT hash, created_at, coalesce((SELECT name FROM " + t + " AS own WHERE own.rowid = whole.place), '') AS name FROM " +
		"(SELECT rowid AS place, hash, CAST(created_at AS INTEGER) AS created_at, NULL AS name FROM " + t + ") AS whole ORDER BY created_at, place"
}

// Match is how a project's files stand to Drizzle's table.
type Match struct {
	Applied []string    // names of the files that Drizzle applied, as wrangler's ledger would call them, in the files' order
	Edited  []string    // those of Applied whose content is not what was applied
	Skipped []string    // files that Drizzle did not apply and never will: older than the newest row, without one of their own
	Unknown []LedgerRow // rows for which there is no file
}

// MatchLedger finds the file of each row: by its name, or by its time and, where several files share it, its content. Drizzle 1.0
// knows times to the second, and so do rows that it takes over. The journal counts where the layout has one; pass the zero one elsewhere.
func MatchLedger(rows []LedgerRow, l layout.Layout, j layout.Journal, files []migrations.File) Match {
	var m Match
	candidates := candidatesOf(l, j, files)
	newest := int64(0)
	for _, row := range rows {
		newest = max(newest, row.CreatedAt)
		c := find(candidates, row)
		if c == nil {
			m.Unknown = append(m.Unknown, row)
			continue
		}
		c.applied, c.edited = true, c.hash != row.Hash
	}
	for _, c := range candidates {
		switch {
		case c.applied:
			m.Applied = append(m.Applied, c.name)
			if c.edited {
				m.Edited = append(m.Edited, c.name)
			}
		case l.Kind == layout.DrizzleJournal && c.when != 0 && c.when <= newest:
			m.Skipped = append(m.Skipped, c.name)
		}
	}
	return m
}

// candidate is a file that a row may mean.
type candidate struct {
	name, folder, hash string
	when               int64
	applied, edited    bool
}

func candidatesOf(l layout.Layout, j layout.Journal, files []migrations.File) []*candidate {
	when := map[string]int64{}
	for _, e := range j.Entries {
		when[e.Tag+".sql"] = e.When
	}
	var all []*candidate
	for _, f := range files {
		sum := sha256.Sum256(f.SQL)
		c := &candidate{name: f.Name, hash: hex.EncodeToString(sum[:]), when: when[f.Name]}
		if l.Kind == layout.DrizzleFolders {
			c.folder, _, _ = strings.Cut(f.Name, "/")
			if t, err := time.Parse("20060102150405", c.folder[:min(14, len(c.folder))]); err == nil {
				c.when = t.UnixMilli()
			}
		}
		all = append(all, c)
	}
	return all
}

// find is the file of a row, nil if there is none. A file is one row's.
func find(all []*candidate, row LedgerRow) *candidate {
	for _, fits := range []func(*candidate) bool{
		func(c *candidate) bool { return row.Name != "" && c.folder == row.Name },
		func(c *candidate) bool { return c.when == row.CreatedAt && c.hash == row.Hash },
		func(c *candidate) bool { return sameSecond(c, row) && c.hash == row.Hash },
		func(c *candidate) bool { return c.when != 0 && c.when == row.CreatedAt },
		func(c *candidate) bool { return sameSecond(c, row) && alone(all, c) },
		func(c *candidate) bool { return c.hash == row.Hash },
	} {
		for _, c := range all {
			if !c.applied && fits(c) {
				return c
			}
		}
	}
	return nil
}

func sameSecond(c *candidate, row LedgerRow) bool {
	return c.folder != "" && c.when != 0 && c.when == row.CreatedAt/1000*1000
}

// alone reports whether no other file has the time of c.
func alone(all []*candidate, c *candidate) bool {
	for _, other := range all {
		if other != c && other.when == c.when {
			return false
		}
	}
	return true
}
