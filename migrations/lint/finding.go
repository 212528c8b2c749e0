package lint

import (
	"cmp"
	"slices"

	"towline/migrations/rehearse"
)

// Severity says what a finding does to a release.
type Severity string

// The severities, from the one that stops a release to none at all.
const (
	Error   Severity = "error"   // blocks production
	Warning Severity = "warning" // needs an acknowledgement with a reason
	Info    Severity = "info"    // to be known
	Off     Severity = "off"     // not looked for; only in Options
)

// Finding is one thing that a rule found.
type Finding struct {
	Code, Name string // of the rule: "D1-FK01", "cascade-on-drop"
	Severity   Severity

	File      string // the migration's name
	Line, Col int    // from 1, Col in characters; 0 for a finding about the whole file or folder
	Offset    int    // in bytes of the file
	Index     int    // of the statement in its file, from 1; 0 where it is about the file
	Statement string // its text

	Table, Column string // that it is about; empty where there is none

	Text    string // what would happen on D1, to which table: one or two sentences
	Advice  string // what to do: one sentence
	Rewrite string // the safe way as SQL, ready to copy; empty where there is none

	Allowed string // the reason of the directive that allows it; the severity is then Info
}

// Report is what Run found.
type Report struct {
	Findings   []Finding // in the order of the files, then of their lines
	Rehearsal  rehearse.Report
	Files      int // that were checked
	Statements int // in them
}

// Count returns how many findings have the severity.
func (r Report) Count(s Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// order sorts findings by file, place and code, and takes out those that say the same of the same place.
func order(list []Finding, files map[string]int) []Finding {
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(files[a.File], files[b.File]), cmp.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Index, b.Index), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Table, b.Table), cmp.Compare(a.Column, b.Column))
	})
	return slices.CompactFunc(list, func(a, b Finding) bool { return a == b })
}
