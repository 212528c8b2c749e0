package sqlite

import "strings"

// functionNames are the SQL functions that D1 allows, from ALLOWED_SQLITE_FUNCTIONS of workerd's util/sqlite.c++.
// soundex stands in that list, but D1's SQLite is built without it, so it is left out. Everything else is refused
// with "not authorized to use function".
const functionNames = `
abs changes char coalesce concat concat_ws format glob hex ifnull iif instr last_insert_rowid length like likelihood
likely load_extension lower ltrim max_scalar min_scalar nullif octet_length printf quote random randomblob replace
round rtrim sign substr substring total_changes trim typeof unhex unicode unlikely upper zeroblob

date time datetime julianday unixepoch strftime timediff current_date current_time current_timestamp

avg count group_concat max min string_agg sum total
row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value

acos acosh asin asinh atan atan2 atanh ceil cos cosh degrees exp floor ln log log2 mod pi pow radians sin sinh sqrt tan
tanh trunc

json jsonb json_array jsonb_array json_array_length json_extract jsonb_extract -> ->> json_insert jsonb_insert
json_object jsonb_object json_patch jsonb_patch json_remove jsonb_remove json_replace jsonb_replace json_set jsonb_set
json_type json_valid json_quote json_group_array jsonb_group_array json_group_object jsonb_group_object json_each
json_tree

match highlight bm25 snippet rtreecheck

sqlite_rename_column sqlite_rename_table sqlite_rename_test sqlite_drop_column sqlite_rename_quotefix
`

// functionAllowed reports whether D1 lets a statement call the function.
func (p *profile) functionAllowed(name string) bool {
	return p.functions[strings.ToLower(name)]
}

// ownFunctions begin the names of functions that this SQLite has and D1's has not. Their calls are refused as D1 does,
// with "no such function".
const ownFunctions = "base64 base85 decimal geopoly_ ieee754 regexp soundex"

// inD1sWords turns the refusal of a function that D1 lacks into D1's.
func inD1sWords(e *Error) *Error {
	name, denied := strings.CutPrefix(e.Message, "not authorized to use function: ")
	if !denied {
		return e
	}
	for _, own := range strings.Fields(ownFunctions) {
		if strings.HasPrefix(strings.ToLower(name), own) {
			e.Message = "no such function: " + name
		}
	}
	return e
}

// functionSet takes functionNames apart.
func functionSet() map[string]bool {
	set := make(map[string]bool)
	for _, name := range strings.Fields(functionNames) {
		set[name] = true
	}
	return set
}
