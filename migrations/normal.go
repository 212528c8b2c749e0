package migrations

import "strings"

// NormalSQL writes SQL with one blank between tokens, without comments, with words in lower case and plain identifiers
// without quotes, so that two texts which mean the same are mostly equal. Strings stay as they are. Text that ends inside a
// quote or comment is kept from there on.
//
// Fingerprints that are kept are made of it, so that it may not change by a blank: it has its own eye for tokens, for which
// an operator or number of several characters is several tokens.
func NormalSQL(sql string) string {
	var tokens []string
	for len(sql) > 0 {
		n := normalLength(sql)
		token := sql[:n]
		sql = sql[n:]
		switch c := token[0]; {
		case isBlank(c), strings.HasPrefix(token, "--"), strings.HasPrefix(token, "/*"):
		case c == '"' || c == '`' || c == '[':
			tokens = append(tokens, normalName(token))
		case c == '\'':
			tokens = append(tokens, token)
		default:
			tokens = append(tokens, Fold(token))
		}
	}
	return strings.Join(tokens, " ")
}

// normalLength is the length of the first token of sql: a blank, a comment, something in quotes, a word, or one byte.
func normalLength(sql string) int {
	switch c := sql[0]; {
	case strings.HasPrefix(sql, "--"):
		return until(sql, "\n", 2)
	case strings.HasPrefix(sql, "/*"):
		return until(sql, "*/", 2)
	case c == '\'' || c == '"' || c == '`':
		return quotedLength(sql, c)
	case c == '[':
		return until(sql, "]", 1)
	case isWordByte(c):
		n := 1
		for n < len(sql) && isWordByte(sql[n]) {
			n++
		}
		return n
	}
	return 1
}

// until is the length up to and including the first end at or after from, or of everything.
func until(sql, end string, from int) int {
	if i := strings.Index(sql[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(sql)
}

// quotedLength is the length of what the quote at the start encloses; a doubled quote stands for itself.
func quotedLength(sql string, quote byte) int {
	for i := 1; i < len(sql); i++ {
		if sql[i] != quote {
			continue
		}
		if i+1 < len(sql) && sql[i+1] == quote {
			i++
			continue
		}
		return i + 1
	}
	return len(sql)
}

// normalName takes the quotes off an identifier if it is a plain word; else it gives it double quotes.
func normalName(token string) string {
	if len(token) < 2 {
		return token
	}
	quote, inner := token[:1], token[1:len(token)-1]
	if quote != "[" {
		inner = strings.ReplaceAll(inner, quote+quote, quote)
	}
	inner = Fold(inner)
	if inner != "" && strings.IndexFunc(inner, func(r rune) bool { return r < 0x80 && !isWordByte(byte(r)) }) < 0 {
		return inner
	}
	return QuoteName(inner)
}
