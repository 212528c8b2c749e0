package rebuild

import (
	"strings"
	"unicode"

	"towline/migrations"
)

// quote makes an identifier of any name. It always quotes, since any word may be a keyword in some SQLite.
func quote(name string) string { return migrations.QuoteName(name) }

// literal makes a string literal of any text.
func literal(text string) string { return migrations.QuoteText(text) }

func quoteAll(names []string) string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = quote(name)
	}
	return strings.Join(list, ", ")
}

func literals(texts []string) string {
	list := make([]string, len(texts))
	for i, text := range texts {
		list[i] = literal(text)
	}
	return strings.Join(list, ", ")
}

// same compares names as SQLite does.
func same(a, b string) bool { return migrations.SameName(a, b) }

// fold lowers a name as SQLite does where it compares names.
func fold(name string) string { return migrations.Fold(name) }

// has reports whether the name is among the names, as SQLite compares them.
func has(names []string, name string) bool {
	for _, n := range names {
		if same(n, name) {
			return true
		}
	}
	return false
}

// plain makes text fit for a comment of one line: no line ends, and no quotes or semicolons, over which a splitter that
// does not know comments could stumble.
func plain(text string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || strings.ContainsRune("'\"`;[]", r) {
			return ' '
		}
		return r
	}, text)), " ")
}
