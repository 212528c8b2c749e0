package dump

import "bytes"

// isNothing is the class of blanks and comments.
const isNothing = -1

// token reads the token at pos. whole is false where it reaches the end of the text, so that it might go on.
func token(text []byte, pos int) (end, class int, whole bool) {
	c := text[pos]
	after := byte(0)
	if pos+1 < len(text) {
		after = text[pos+1]
	}
	end, class = pos+1, isOther
	switch {
	case isBlank(c):
		for end < len(text) && isBlank(text[end]) {
			end++
		}
		return end, isNothing, true
	case c == ';':
		return end, isSemi, true
	case c == '-' && after == '-':
		end, whole = until(text, pos+2, '\n')
		return end, isNothing, whole
	case c == '/' && after == '*':
		if i := bytes.Index(text[pos+2:], []byte("*/")); i >= 0 {
			return pos + 2 + i + 2, isNothing, true
		}
		return len(text), isOther, false
	case c == '\'' || c == '"' || c == '`':
		end, whole = quotedEnd(text, pos)
		return end, class, whole
	case c == '[':
		end, whole = until(text, pos+1, ']')
		return end, class, whole
	case isDigit(c) || c == '.' && isDigit(after):
		end = numberEnd(text, pos)
		return end, class, end+1 < len(text)
	case isWordByte(c):
		for end < len(text) && isWordByte(text[end]) {
			end++
		}
		return end, classOf(text[pos:end]), end < len(text)
	}
	return end, class, end < len(text)
}

// until is the place behind the next b at or after from.
func until(text []byte, from int, b byte) (end int, whole bool) {
	if i := bytes.IndexByte(text[from:], b); i >= 0 {
		return from + i + 1, true
	}
	return len(text), false
}

// quotedEnd is the place behind what the quote at pos encloses. A doubled quote does not end it, so that a quote at the end
// of the text may be half of one.
func quotedEnd(text []byte, pos int) (end int, whole bool) {
	for i := pos + 1; ; {
		next := bytes.IndexByte(text[i:], text[pos])
		if next < 0 {
			return len(text), false
		}
		i += next + 1
		if i == len(text) {
			return i, false
		}
		if text[i] != text[pos] {
			return i, true
		}
		i++
	}
}

func numberEnd(text []byte, pos int) int {
	digits := func() {
		for pos < len(text) && isDigit(text[pos]) {
			pos++
		}
	}
	digits()
	if pos < len(text) && text[pos] == '.' {
		pos++
		digits()
	}
	if pos+2 < len(text) && (text[pos] == 'e' || text[pos] == 'E') && (text[pos+1] == '+' || text[pos+1] == '-') && isDigit(text[pos+2]) {
		pos += 2
		digits()
	}
	for pos < len(text) && isWordByte(text[pos]) {
		pos++
	}
	return pos
}

func classOf(word []byte) int {
	// The longest of the words has nine letters; most words of a dump are longer or shorter than any.
	if len(word) < 3 || len(word) > 9 {
		return isOther
	}
	switch {
	case isWord(word, "CREATE"):
		return isCreate
	case isWord(word, "TRIGGER"):
		return isTrigger
	case isWord(word, "TEMP"), isWord(word, "TEMPORARY"):
		return isTemp
	case isWord(word, "END"):
		return isEnd
	case isWord(word, "EXPLAIN"):
		return isExplain
	}
	return isOther
}

// isWord compares as SQLite does, which knows the case of ASCII letters only. keyword is in upper case.
func isWord(word []byte, keyword string) bool {
	if len(word) != len(keyword) {
		return false
	}
	for i, c := range word {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != keyword[i] {
			return false
		}
	}
	return true
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isDigit(c) || c == '_' || c == '$' || c >= 0x80
}
