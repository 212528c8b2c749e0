package advise

import (
	"fmt"
	"strings"

	"towline/migrations"
)

// bare is a name as people write it: in quotes only where it needs them.
func bare(name string) string {
	if plain(name) {
		return name
	}
	return migrations.QuoteName(name)
}

// plain reports whether a name needs no quotes: letters, digits and underscores, and no word of SQL's own.
func plain(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	// Those of https://sqlite.org/lang_keywords.html that SQLite does not take as a name all the same.
	const words = " add all alter and as autoincrement between case check collate commit constraint create default deferrable delete distinct drop " +
		"else escape except exists foreign from group having in index insert intersect into is isnull join limit not nothing notnull null on or " +
		"order primary references returning select set table then to transaction union unique update using values when where " +
		"cross current_date current_time current_timestamp full indexed inner left natural outer right "
	return name != "" && !strings.Contains(words, " "+strings.ToLower(name)+" ")
}

// longestName is how long a name that is made up may be.
const longestName = 60

// name makes up a name for an index that nothing else in the schema has.
func (s *schema) name(table string, terms []string, where string) string {
	base := strings.ToLower(table)
	for _, t := range terms {
		base += "_" + t
	}
	if where != "" {
		base += "_where_" + where
	}
	base = strings.Join(strings.FieldsFunc(strings.ToLower(base), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }), "_")
	if len(base) > longestName {
		base = strings.Trim(base[:longestName], "_")
	}
	if base == "" || base[0] >= '0' && base[0] <= '9' {
		base = "i_" + base
	}
	name := base
	for n := 2; s.taken[fold(name)]; n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	return name
}

func fold(name string) string { return strings.ToLower(name) }
