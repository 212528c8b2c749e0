package rebuild

import (
	"strings"

	"towline/migrations"
)

// lexeme is a piece of SQL that means something.
type lexeme struct {
	text   string // as it stands
	quoted bool   // in quotes or brackets
}

// is reports whether the lexeme is the keyword, written in upper case.
func (l lexeme) is(keyword string) bool { return !l.quoted && strings.EqualFold(l.text, keyword) }

// name is the lexeme as an identifier, without its quotes.
func (l lexeme) name() string { return migrations.Unquote(l.text) }

// lex takes SQL apart that SQLite has accepted before. Blanks and comments are left out.
func lex(sql string) []lexeme {
	tokens, _ := migrations.Lex(sql)
	var list []lexeme
	for _, t := range tokens {
		if t.Means() {
			list = append(list, lexeme{text: t.Text(sql), quoted: t.Kind == migrations.TokenQuoted})
		}
	}
	return list
}

// contains reports whether the keyword stands in the SQL outside quotes and comments.
func contains(sql, keyword string) bool {
	for _, l := range lex(sql) {
		if l.is(keyword) {
			return true
		}
	}
	return false
}
