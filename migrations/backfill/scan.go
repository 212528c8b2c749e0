package backfill

import (
	"strings"

	"towline/migrations"
)

// token is one of SQL's, with the number of parentheses around it.
type token struct {
	migrations.Token
	depth int
}

// scan lists the tokens of a text but blanks. What cannot be read is for [migrations.Split] to say.
func scan(src string) []token {
	all, _ := migrations.Lex(src)
	list := make([]token, 0, len(all))
	depth := 0
	for _, t := range all {
		if t.Kind == migrations.TokenBlank {
			continue
		}
		if t.Text(src) == ")" {
			depth--
		}
		list = append(list, token{t, depth})
		if t.Text(src) == "(" {
			depth++
		}
	}
	return list
}

// note is the text of a comment to the end of its line; false for any other token.
func (t token) note(src string) (string, bool) {
	text, ok := strings.CutPrefix(t.Text(src), "--")
	if !ok || t.Kind != migrations.TokenComment {
		return "", false
	}
	return strings.TrimSpace(text), true
}

// directive takes a comment "-- towline:NAME REST" apart.
func (t token) directive(src string) (name, rest string, ok bool) {
	text, _ := t.note(src)
	text, ok = strings.CutPrefix(text, "towline:")
	if !ok {
		return "", "", false
	}
	name, rest, _ = strings.Cut(text, " ")
	return name, strings.TrimSpace(rest), true
}

// bare is src from start to end with a blank in place of each comment: what D1's REST interface splits wrongly is mostly a quote
// or a semicolon in a comment.
func bare(src string, start, end int) string {
	var b strings.Builder
	tokens, _ := migrations.Lex(src[start:end])
	for _, t := range tokens {
		if t.Kind == migrations.TokenComment {
			b.WriteByte(' ')
			continue
		}
		b.WriteString(strings.ReplaceAll(t.Text(src[start:end]), "\r\n", "\n"))
	}
	return b.String()
}
