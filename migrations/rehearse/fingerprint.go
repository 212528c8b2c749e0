package rehearse

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"towline/migrations"
)

// Fingerprint returns a digest of a schema that is equal for schemas which differ only in the order of their objects, in
// blanks, comments, the case of words outside quotes, and in how identifiers are quoted. Left out are the ledger table,
// what belongs to it, and what SQLite (sqlite_*) and Cloudflare (_cf_*) keep for themselves. An empty ledgerTable is
// wrangler's d1_migrations.
//
// A double-quoted word counts as an identifier, although D1 may read it as a text: "Abc" and "abc" are the same here.
func Fingerprint(objects []migrations.Object, ledgerTable string) string {
	var lines []string
	for _, o := range objects {
		if reserved(o.Name) || reserved(o.Table) || sameName(o.Table, ledgerName(ledgerTable)) {
			continue
		}
		lines = append(lines, strings.Join([]string{o.Type, fold(o.Name), fold(o.Table), normalize(o.SQL)}, "\x00"))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte("schema 1\n" + strings.Join(lines, "\x01")))
	return hex.EncodeToString(sum[:])
}

// ledgerName is the ledger table that is meant.
func ledgerName(table string) string {
	if table == "" {
		return migrations.DefaultLedger
	}
	return table
}

// reserved, sameName and fold are package migrations' under shorter names.
func reserved(name string) bool { return migrations.Reserved(name) }

func sameName(a, b string) bool { return migrations.SameName(a, b) }

func fold(name string) string { return migrations.Fold(name) }

// normalize writes SQL with one blank between tokens, without comments, with words in lower case and plain identifiers
// without quotes. Strings stay as they are. Text that ends inside a quote or comment is kept from there on.
func normalize(sql string) string {
	var tokens []string
	for len(sql) > 0 {
		n := tokenLength(sql)
		token := sql[:n]
		sql = sql[n:]
		switch c := token[0]; {
		case isBlank(c), strings.HasPrefix(token, "--"), strings.HasPrefix(token, "/*"):
		case c == '"' || c == '`' || c == '[':
			tokens = append(tokens, unquote(token))
		case c == '\'':
			tokens = append(tokens, token)
		default:
			tokens = append(tokens, fold(token))
		}
	}
	return strings.Join(tokens, " ")
}

// tokenLength is the length of the first token of sql: a blank, a comment, something in quotes, a word, or one byte.
func tokenLength(sql string) int {
	switch c := sql[0]; {
	case strings.HasPrefix(sql, "--"):
		return until(sql, "\n", 2)
	case strings.HasPrefix(sql, "/*"):
		return until(sql, "*/", 2)
	case c == '\'' || c == '"' || c == '`':
		return quotedLength(sql, c)
	case c == '[':
		return until(sql, "]", 1)
	case isWord(c):
		n := 1
		for n < len(sql) && isWord(sql[n]) {
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

// unquote takes the quotes off an identifier if it is a plain word; else it gives it double quotes.
func unquote(token string) string {
	if len(token) < 2 {
		return token
	}
	quote, inner := token[:1], token[1:len(token)-1]
	if quote != "[" {
		inner = strings.ReplaceAll(inner, quote+quote, quote)
	}
	inner = fold(inner)
	if inner != "" && strings.IndexFunc(inner, func(r rune) bool { return r < 0x80 && !isWord(byte(r)) }) < 0 {
		return inner
	}
	return quoteName(inner)
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80
}

// quoteName writes a name as an SQL identifier.
func quoteName(name string) string { return migrations.QuoteName(name) }
