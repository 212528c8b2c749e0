package backfill

import (
	"strings"
	"time"

	"towline/migrations"
)

// Job is a backfill as its file describes it.
type Job struct {
	File  string // the migration's name, as in the ledger
	Name  string // of the job; letters, digits and _
	Table string // whose rows are gone through
	Key   string // its unique, indexed column by which windows are cut
	Alias string // by which the statement calls the table, where that is not its name
	Verb  string // UPDATE, DELETE or INSERT

	Batch    int           // rows of the first window
	MaxBatch time.Duration // how long D1 should work on a window at most
	Nice     float64       // the rest after a window, in times of what it took

	Count string // query for the number of rows that are to be done
	Done  string // query that says 1 when none is left
	// Alone says that the statement runs without Towline too, all rows at once. Otherwise D1 refuses it there.
	Alone bool
	// Checksum names the block by its tokens, sha256 in hex: what began with another one is not gone on with.
	Checksum string

	Line   int // of the block's first line, from 1
	Offset int // of the statement, in bytes of the file

	sql string // the statement without semicolon and comments, the window's mark taken out
	at  int    // where the mark stood in sql
}

// The bounds of the header's values, and what counts where one is left out.
const (
	MinBatch     = 25
	MaxBatch     = 5_000
	defaultBatch = 500

	minDuration     = 10 * time.Millisecond
	maxDuration     = 5 * time.Second
	defaultDuration = 150 * time.Millisecond

	maxNice     = 100
	defaultNice = 1.0
)

// Whole is the statement over all rows, as one: what a rehearsal carries out, and what wrangler would where Alone.
func (j *Job) Whole() string { return strings.TrimSpace(j.with("")) }

// with is the statement with a condition in the window's place; empty: none.
func (j *Job) with(condition string) string {
	switch {
	case !j.Alone && condition == "":
		condition = "1"
	case !j.Alone:
		condition = "(" + condition + ")"
	case condition != "":
		condition = " AND " + condition + " " // a comment, behind a condition
	}
	return j.sql[:j.at] + condition + j.sql[j.at:]
}

// Is reports whether a file says that it is a backfill: one of its comments begins with towline:backfill.
func Is(sql []byte) bool {
	for _, t := range scan(string(sql)) {
		if name, _, ok := t.directive(string(sql)); ok && name == "backfill" {
			return true
		}
	}
	return false
}

// Parse reads a file that holds a backfill. The error is a *[migrations.SyntaxError] with the place that has to change.
func Parse(f migrations.File) (*Job, error) {
	p := parser{name: f.Name, src: string(f.SQL)}
	return p.parse()
}
