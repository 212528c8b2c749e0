package lint

import "slices"

// Rule is an entry of the catalogue: what the rule is called and why it is there. How it is found is in the code beside it.
type Rule struct {
	Code, Name string // "D1-FK01", "cascade-on-drop"
	Group      string // "Foreign keys"
	Severity   Severity
	Summary    string // what it finds
	Why        string // what happens on D1
	Do         string // what to do instead
	// Bad is SQL in which it finds something, Good SQL that does the same and in which it does not. Where a table is there before, it stands
	// above a line "-- then".
	Bad, Good string
	// BadFiles and GoodFiles are in place of Bad and Good where a statement cannot show it: how a folder looks, in words.
	BadFiles, GoodFiles string
	Source              string // where the reason comes from: "workers-sdk#5438", "Limits, D1 docs"
}

// rule is a Rule with the function that finds it, or nil where another part does. What the function leaves out of a Finding is filled in
// from the rule: code, name and severity.
type rule struct {
	Rule
	check func(w *walk) []Finding
}

// The groups of the catalogue.
const (
	groupForeignKeys = "Foreign keys"
	groupRebuilds    = "Rebuilds"
	groupDestructive = "Destructive changes"
	groupEmpty       = "Passes when empty, fails with data"
	groupCompat      = "Backward compatibility"
	groupLimits      = "Limits, permissions, sending"
	groupIndexes     = "Indexes, size, backfill"
	groupFiles       = "Files and ledger"
	groupBackup      = "Backup and side effects"
	groupDirectives  = "Directives and the check itself"
)

// rules is the whole catalogue, group by group.
func rules() []rule {
	return slices.Concat(
		foreignKeyRules(), rebuildRules(), destructiveRules(), emptyRules(), compatRules(),
		limitRules(), indexRules(), fileRules(), backupRules(),
		directiveRules(),
	)
}

// Catalogue returns all rules, for documentation and for the names that Options.Severity and a directive may use.
func Catalogue() []Rule {
	var list []Rule
	for _, r := range rules() {
		list = append(list, r.Rule)
	}
	return list
}
