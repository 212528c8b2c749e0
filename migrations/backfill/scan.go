package backfill

import "strings"

// kind says what a token is, as far as finding a block and a window needs to know.
type kind uint8

const (
	word kind = iota
	quoted
	lineComment
	blockComment
	punct // one byte of anything else; blanks are no tokens
)

// token is the half-open range of bytes [start, end) of a text.
type token struct {
	kind       kind
	start, end int
	depth      int // of parentheses around it
}

func (t token) text(src string) string { return src[t.start:t.end] }

// is reports whether the token is one of the keywords, given in upper case.
func (t token) is(src string, keywords ...string) bool {
	for _, k := range keywords {
		if t.kind == word && len(k) == t.end-t.start && strings.EqualFold(t.text(src), k) {
			return true
		}
	}
	return false
}

// scan takes a text apart. What is never closed reaches to the end; whether that may be is for [migrations.Split] to say.
func scan(src string) []token {
	var list []token
	depth := 0
	for pos := 0; pos < len(src); {
		t := next(src, pos)
		pos = t.end
		if t.kind == punct {
			switch src[t.start] {
			case ' ', '\t', '\n', '\f', '\r':
				continue
			case ')':
				depth--
			}
		}
		t.depth = depth
		if t.kind == punct && src[t.start] == '(' {
			depth++
		}
		list = append(list, t)
	}
	return list
}

func next(src string, pos int) token {
	c := src[pos]
	switch {
	case strings.HasPrefix(src[pos:], "--"):
		return upTo(src, lineComment, pos, 2, "\n", 0)
	case strings.HasPrefix(src[pos:], "/*"):
		return upTo(src, blockComment, pos, 2, "*/", 2)
	case c == '\'' || c == '"' || c == '`':
		return upTo(src, quoted, pos, 1, string(c), 1) // a doubled quote makes two tokens, which does no harm here
	case c == '[':
		return upTo(src, quoted, pos, 1, "]", 1)
	}
	t := token{kind: word, start: pos, end: pos}
	for t.end < len(src) && wordByte(src[t.end]) {
		t.end++
	}
	if t.end == pos {
		t.kind, t.end = punct, pos+1
	}
	return t
}

// upTo is the token from pos to the first closing text, of which keep bytes belong to it.
func upTo(src string, k kind, pos, skip int, closing string, keep int) token {
	i := strings.Index(src[pos+skip:], closing)
	if i < 0 {
		return token{kind: k, start: pos, end: len(src)}
	}
	return token{kind: k, start: pos, end: pos + skip + i + keep}
}

func wordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '$' || c >= 0x80
}

// directive takes a line comment "-- towline:NAME REST" apart.
func directive(t token, src string) (name, rest string, ok bool) {
	if t.kind != lineComment {
		return "", "", false
	}
	text, ok := strings.CutPrefix(strings.TrimSpace(strings.TrimLeft(t.text(src), "-")), "towline:")
	if !ok {
		return "", "", false
	}
	name, rest, _ = strings.Cut(text, " ")
	return strings.TrimSpace(name), strings.TrimSpace(rest), true
}
