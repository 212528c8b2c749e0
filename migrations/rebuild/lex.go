package rebuild

import "strings"

// lexeme is a piece of SQL that means something.
type lexeme struct {
	text   string // as it stands
	quoted bool   // in quotes or brackets
}

// is reports whether the lexeme is the keyword, written in upper case.
func (l lexeme) is(keyword string) bool { return !l.quoted && strings.EqualFold(l.text, keyword) }

// name is the lexeme as an identifier, without its quotes.
func (l lexeme) name() string {
	if !l.quoted || len(l.text) < 2 {
		return l.text
	}
	quote, inner := l.text[:1], l.text[1:len(l.text)-1]
	if quote == "[" {
		return inner
	}
	return strings.ReplaceAll(inner, quote+quote, quote)
}

// lex takes apart SQL that SQLite has accepted before. Blanks and comments are left out.
func lex(sql string) []lexeme {
	var list []lexeme
	for len(sql) > 0 {
		n := lexemeLength(sql)
		c := sql[0]
		switch {
		case strings.HasPrefix(sql, "--"), strings.HasPrefix(sql, "/*"), strings.IndexByte(" \t\r\n\f", c) >= 0:
		default:
			list = append(list, lexeme{text: sql[:n], quoted: strings.IndexByte("'\"`[", c) >= 0})
		}
		sql = sql[n:]
	}
	return list
}

func lexemeLength(sql string) int {
	switch c := sql[0]; {
	case strings.HasPrefix(sql, "--"):
		return past(sql, 2, "\n")
	case strings.HasPrefix(sql, "/*"):
		return past(sql, 2, "*/")
	case c == '[':
		return past(sql, 1, "]")
	case c == '\'' || c == '"' || c == '`':
		n := past(sql, 1, sql[:1])
		for n < len(sql) && sql[n] == c { // a doubled quote
			n += past(sql[n:], 1, sql[:1])
		}
		return n
	case isWordByte(c):
		n := 1
		for n < len(sql) && isWordByte(sql[n]) {
			n++
		}
		return n
	}
	return 1
}

// past is the length up to and with the first end at or after from.
func past(sql string, from int, end string) int {
	if i := strings.Index(sql[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(sql)
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80
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
