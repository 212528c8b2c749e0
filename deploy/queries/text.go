package queries

import (
	"regexp"
	"strings"

	"towline/migrations"
)

// Shown is the text of a query as people see it. An app that puts values into its texts, rather than into parameters, puts its
// customers' addresses and keys there too: what may be one is left out, and so are comments. A chat and a migration keep what they are given
// for ever. Words such as 'paid', paths into JSON and what the time functions take stay, since they say what the query is about.
func Shown(sql string) string { return rewritten(sql, false) }

// lists are parameters and values that were left out, several in parentheses, as IN has them.
var lists = regexp.MustCompile(`\((?:\?\d*|'…')(?:, (?:\?\d*|'…'))+\)`)

// Shape is the text of a query that all of its runs have in common: without the values, and with lists of any length alike.
func Shape(sql string) string {
	return lists.ReplaceAllString(rewritten(sql, true), "(?, …)")
}

func rewritten(sql string, numbers bool) string {
	list, whole := migrations.Lex(sql)
	var b strings.Builder
	gap, last := false, ""
	for _, t := range list {
		text := t.Text(sql)
		switch {
		case !t.Means():
			gap = true
			continue
		case t.Kind == migrations.TokenNumber && last == "?" && !gap: // ?2 is one parameter, and no value
		case t.Kind == migrations.TokenNumber && numbers && text != "0" && text != "1":
			text = "?"
		case t.Kind == migrations.TokenNumber && !migrations.Common(text):
			text = "…"
		case t.Kind == migrations.TokenQuoted && (text[0] == 'x' || text[0] == 'X'):
			text = "x'…'"
		case t.Kind == migrations.TokenQuoted && text[0] == '\'' && !migrations.Common(text):
			text = pattern(text)
		}
		if gap && b.Len() > 0 && (!numbers || last != "(" && text != ")") || numbers && last == "," {
			b.WriteByte(' ')
		}
		b.WriteString(text)
		gap, last = false, text
	}
	if !whole {
		b.WriteString(" …")
	}
	return b.String()
}

// pattern leaves a text out, and keeps the signs of a LIKE at its ends.
func pattern(text string) string {
	begin, end := "", ""
	if strings.HasPrefix(text, "'%") {
		begin = "%"
	}
	if len(text) > 3 && strings.HasSuffix(text, "%'") {
		end = "%"
	}
	return "'" + begin + "…" + end + "'"
}

// tokens is a statement without comments, and with one space between any two of its tokens.
func tokens(sql string) string {
	list, _ := migrations.Lex(sql)
	var parts []string
	for _, t := range list {
		if t.Means() {
			parts = append(parts, t.Text(sql))
		}
	}
	return strings.TrimSuffix(strings.Join(parts, " "), " ;")
}
