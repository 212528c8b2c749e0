package migrations

// TokenKind says what a token of SQL is.
type TokenKind uint8

// The kinds of token.
const (
	TokenBlank     = TokenKind(blank)   // space, tab, LF, FF, CR
	TokenComment   = TokenKind(comment) // -- to the end of the line, or /* */
	TokenSemicolon = TokenKind(semi)    // ;
	TokenWord      = TokenKind(word)    // a keyword or a name without quotes
	TokenNumber    = TokenKind(number)  // 12, 1.5, .5, 1e-9, 0x1F
	TokenQuoted    = TokenKind(quoted)  // 'text', "name", `name`, [name], x'blob'
	TokenOther     = TokenKind(other)   // operators, commas, parentheses, parameters
)

// Token is the half-open range of bytes [Start, End) of a text.
type Token struct {
	Kind       TokenKind
	Start, End int
}

// Text returns the token as it stands in src.
func (t Token) Text(src string) string { return src[t.Start:t.End] }

// Is reports whether the token is one of the keywords, which are given in upper case; in the text they may be in any case of ASCII
// letters. A name in quotes is never a keyword.
func (t Token) Is(src string, keywords ...string) bool {
	return token{kind(t.Kind), t.Start, t.End}.isAny(src, keywords...)
}

// Means reports whether the token belongs to a statement: neither blank nor comment.
func (t Token) Means() bool { return t.Kind != TokenBlank && t.Kind != TokenComment }

// Lex takes a text apart into all of its tokens, blanks and comments among them, as SQLite reads it; a byte order mark at the start is
// skipped. The flag is false where the text cannot be read to its end (a quote or comment that is never closed, a character that SQL does
// not know): the tokens are those before that place.
func Lex(src string) (list []Token, ok bool) {
	pos := 0
	if hasMark(src, 0) {
		pos = len(mark)
	}
	for pos < len(src) {
		t, reason := scan(src, pos)
		if reason != "" {
			return list, false
		}
		list = append(list, Token{TokenKind(t.kind), t.start, t.end})
		pos = t.end
	}
	return list, true
}
