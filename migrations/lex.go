package migrations

// kind says what a token is, as far as splitting, comparing and rewriting need to know.
type kind uint8

const (
	blank   kind = iota // space, tab, LF, FF, CR
	comment             // -- to the end of the line, or /* */
	semi                // ;
	word                // keyword or bare name: letters, digits, _, $ and every byte from 0x80
	number              // 12, 1.5, .5, 1e-9, 0x1F
	quoted              // 'string', "name", `name`, [name], x'blob'
	other               // operators, commas, parentheses, parameters
)

// token is the half-open range of bytes [start, end) of a text.
type token struct {
	kind       kind
	start, end int
}

func (t token) text(src string) string { return src[t.start:t.end] }

// means reports whether the token belongs to the statement: neither blank nor comment.
func (t token) means() bool { return t.kind != blank && t.kind != comment }

// is reports whether the token is the keyword, written in upper case, in any case of ASCII letters. SQLite folds ASCII
// only, so a long s or a Kelvin sign never makes a keyword.
func (t token) is(src, keyword string) bool {
	if t.kind != word || t.end-t.start != len(keyword) {
		return false
	}
	for i := range len(keyword) {
		c := src[t.start+i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != keyword[i] {
			return false
		}
	}
	return true
}

// isAny is is for several keywords.
func (t token) isAny(src string, keywords ...string) bool {
	for _, k := range keywords {
		if t.is(src, k) {
			return true
		}
	}
	return false
}

// scan reads the token that starts at pos, which must be inside src. A non-empty reason says why no token can be read
// there; the token then reaches to the end of what was looked at.
func scan(src string, pos int) (t token, reason string) {
	c := src[pos]
	t = token{kind: other, start: pos, end: pos + 1}
	switch {
	case isBlank(c):
		t.kind = blank
		for t.end < len(src) && isBlank(src[t.end]) {
			t.end++
		}
	case c == ';':
		t.kind = semi
	case c == '-' && next(src, pos) == '-':
		t.kind = comment
		for t.end < len(src) && src[t.end] != '\n' {
			t.end++
		}
	case c == '/' && next(src, pos) == '*':
		return scanBlockComment(src, pos)
	case c == '\'' || c == '"' || c == '`' || c == '[':
		return scanQuoted(src, pos, pos)
	case (c == 'x' || c == 'X') && next(src, pos) == '\'':
		return scanQuoted(src, pos, pos+1)
	case isDigit(c) || c == '.' && isDigit(next(src, pos)):
		t.kind, t.end = number, scanNumber(src, pos)
	case hasMark(src, pos):
		return t, "a byte order mark in the middle of the text (two files joined?): remove it"
	case isWordByte(c):
		t.kind = word
		for t.end < len(src) && isWordByte(src[t.end]) {
			if hasMark(src, t.end) {
				return t, "a byte order mark in the middle of the text (two files joined?): remove it"
			}
			t.end++
		}
	case c < 0x20 || c == 0x7f:
		return t, "a control character that SQL does not know: remove it"
	default:
		t.end = pos + operatorLength(src[pos:])
	}
	return t, ""
}

func scanBlockComment(src string, pos int) (token, string) {
	t := token{kind: comment, start: pos, end: pos + 2}
	for ; t.end+1 < len(src); t.end++ {
		if src[t.end] == '*' && src[t.end+1] == '/' {
			t.end += 2
			return t, ""
		}
	}
	t.end = len(src)
	return t, "this comment is never closed: add */"
}

// scanQuoted reads a quoted token that starts at pos and whose quote stands at open (one later for a blob literal).
func scanQuoted(src string, pos, open int) (token, string) {
	closing := src[open]
	if closing == '[' {
		closing = ']'
	}
	t := token{kind: quoted, start: pos}
	for i := open + 1; i < len(src); i++ {
		if src[i] != closing {
			continue
		}
		if closing != ']' && next(src, i) == closing {
			i++
			continue
		}
		t.end = i + 1
		return t, ""
	}
	t.end = len(src)
	switch src[open] {
	case '\'':
		return t, "this string is never closed: add '"
	case '[':
		return t, "this bracket is never closed: add ]"
	default:
		return t, "this quoted name is never closed: add " + string(closing)
	}
}

func scanNumber(src string, pos int) int {
	digits := func() {
		for pos < len(src) && isDigit(src[pos]) {
			pos++
		}
	}
	digits()
	if pos < len(src) && src[pos] == '.' {
		pos++
		digits()
	}
	if pos+2 < len(src) && (src[pos] == 'e' || src[pos] == 'E') && (src[pos+1] == '+' || src[pos+1] == '-') && isDigit(src[pos+2]) {
		pos += 2
		digits()
	}
	for pos < len(src) && isWordByte(src[pos]) && !hasMark(src, pos) {
		pos++
	}
	return pos
}

// operatorLength keeps the operators of several characters in one piece, so that "a <> b" and "a < > b" are not the
// same tokens.
func operatorLength(s string) int {
	for _, op := range [...]string{"->>", "->", "<>", "<=", "<<", ">=", ">>", "==", "!=", "||", "&&"} {
		if len(s) >= len(op) && s[:len(op)] == op {
			return len(op)
		}
	}
	return 1
}

// next is the byte after pos, 0 at the end.
func next(src string, pos int) byte {
	if pos+1 < len(src) {
		return src[pos+1]
	}
	return 0
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isDigit(c) || c == '_' || c == '$' || c >= 0x80
}

// mark is the byte order mark in UTF-8.
const mark = "\uFEFF"

func hasMark(src string, pos int) bool { return len(src)-pos >= 3 && src[pos:pos+3] == mark }

// tokens returns the tokens of src that mean something. The flag is false where src cannot be read to its end.
func tokens(src string) (list []token, ok bool) {
	for pos := 0; pos < len(src); {
		t, reason := scan(src, pos)
		if reason != "" {
			return list, false
		}
		if t.means() {
			list = append(list, t)
		}
		pos = t.end
	}
	return list, true
}
