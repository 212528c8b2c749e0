package dump

import (
	"bytes"
	"encoding/hex"
	"strconv"
)

// value is one literal of an INSERT.
type value struct {
	kind  byte // one of the kinds below
	whole int64
	real  float64
	bytes []byte // of a text or blob: valid until the next row is read
	plain bool   // a real number that was written as an integer, and is too large for one
}

// exact is the first integer that JavaScript does not tell from its neighbour.
const exact = 1 << 53

// inexact reports whether the value is an integer that an export may have rounded.
func (v value) inexact() bool {
	return v.plain || v.kind == integer && (v.whole >= exact || v.whole <= -exact)
}

const (
	null byte = iota
	integer
	float
	text
	blob
)

// verdict is what reading values came to.
type verdict int

const (
	read  verdict = iota
	short         // the text ends before the values do
	other         // it is none of the forms that are read here: SQLite has to read it
)

// rowReader reads the values of INSERT statements as exports write them: NULL, numbers, texts, blobs in hexadecimal, and
// replace('...', '\n', char(10)), in which line breaks stand.
type rowReader struct {
	values  []value
	scratch []byte // texts and blobs that do not stand in the input as they are
}

// row reads a list of values that begins at pos and ends with a parenthesis. It returns the place behind that.
func (r *rowReader) row(in []byte, pos int) (end int, v verdict) {
	r.values, r.scratch = r.values[:0], r.scratch[:0]
	for {
		one, next, v := r.value(in, pos)
		if v != read {
			return 0, v
		}
		r.values = append(r.values, one)
		pos = blanks(in, next)
		if pos == len(in) {
			return 0, short
		}
		switch in[pos] {
		case ',':
			pos++
		case ')':
			return pos + 1, read
		default:
			return 0, other
		}
	}
}

func blanks(in []byte, pos int) int {
	for pos < len(in) && isBlank(in[pos]) {
		pos++
	}
	return pos
}

func (r *rowReader) value(in []byte, pos int) (one value, end int, v verdict) {
	pos = blanks(in, pos)
	if pos >= len(in) {
		return one, 0, short
	}
	switch c := in[pos]; {
	case c == '\'':
		return r.text(in, pos)
	case c == '-' || isDigit(c):
		return number(in, pos)
	case c == 'N' || c == 'n':
		return word(in, pos, "NULL")
	case c == 'X' || c == 'x':
		return r.blob(in, pos)
	case c == 'r' || c == 'R':
		return r.replaced(in, pos)
	}
	return one, 0, other
}

// word reads a keyword, after which something must follow that is no part of it.
func word(in []byte, pos int, keyword string) (one value, end int, v verdict) {
	end = pos + len(keyword)
	switch {
	case end >= len(in):
		return one, 0, short
	case !isWord(in[pos:end], keyword) || isWordByte(in[end]):
		return one, 0, other
	}
	return one, end, read
}

func (r *rowReader) text(in []byte, pos int) (one value, end int, v verdict) {
	one.kind = text
	from, copied := pos+1, len(r.scratch)
	for i := from; ; {
		next := bytes.IndexByte(in[i:], '\'')
		if next < 0 || i+next+1 == len(in) {
			return one, 0, short
		}
		i += next + 1
		if in[i] == '\'' { // a doubled quote is one of the text
			r.scratch = append(r.scratch, in[from:i]...)
			i++
			from = i
			continue
		}
		if len(r.scratch) == copied {
			one.bytes = in[from : i-1]
		} else {
			r.scratch = append(r.scratch, in[from:i-1]...)
			one.bytes = r.scratch[copied:]
		}
		return one, i, read
	}
}

func (r *rowReader) blob(in []byte, pos int) (one value, end int, v verdict) {
	if pos+1 >= len(in) {
		return one, 0, short
	}
	if in[pos+1] != '\'' {
		return one, 0, other
	}
	from := pos + 2
	n := bytes.IndexByte(in[from:], '\'')
	if n < 0 {
		return one, 0, short
	}
	copied := len(r.scratch)
	r.scratch = append(r.scratch, in[from:from+n]...)
	size, err := hex.Decode(r.scratch[copied:], in[from:from+n])
	if err != nil {
		return one, 0, other
	}
	one.kind, one.bytes = blob, r.scratch[copied:copied+size]
	return one, from + n + 1, read
}

// number reads an integer or a real number. One too large for 64 bits is real, as SQLite has it.
func number(in []byte, pos int) (one value, end int, v verdict) {
	end = pos
	if in[end] == '-' {
		end++
	}
	whole := true
	for ; end < len(in); end++ {
		c := in[end]
		if isDigit(c) {
			continue
		}
		if c == '.' || c == 'e' || c == 'E' || (c == '-' || c == '+') && (in[end-1] == 'e' || in[end-1] == 'E') {
			whole = false
			continue
		}
		break
	}
	if end == len(in) {
		return one, 0, short
	}
	if isWordByte(in[end]) || !isDigit(in[end-1]) {
		return one, 0, other
	}
	digits := string(in[pos:end])
	if whole {
		if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
			return value{kind: integer, whole: n}, end, read
		}
	}
	x, err := strconv.ParseFloat(digits, 64)
	if err != nil && x == 0 {
		return one, 0, other
	}
	// A text of 22 digits or more is none that JavaScript writes.
	return value{kind: float, real: x, plain: whole && len(digits) < 22}, end, read // beyond the range it is infinite, as in 9e999
}

// replaced reads replace(TEXT,'\n',char(10)), in which TEXT may be such a form itself.
func (r *rowReader) replaced(in []byte, pos int) (one value, end int, v verdict) {
	if _, end, v = word(in, pos, "REPLACE"); v != read {
		return one, 0, v
	}
	if end, v = expect(in, end, '('); v != read {
		return one, 0, v
	}
	inner, end, v := r.value(in, end)
	if v != read {
		return one, 0, v
	}
	if end, v = expect(in, end, ','); v != read {
		return one, 0, v
	}
	old, end, v := r.value(in, end)
	if v != read {
		return one, 0, v
	}
	if end, v = expect(in, end, ','); v != read {
		return one, 0, v
	}
	char, end, v := character(in, blanks(in, end))
	if v != read {
		return one, 0, v
	}
	if end, v = expect(in, end, ')'); v != read {
		return one, 0, v
	}
	if inner.kind != text || old.kind != text || len(old.bytes) == 0 || bytes.IndexByte(inner.bytes, 0) >= 0 {
		return one, 0, other
	}
	return value{kind: text, bytes: bytes.ReplaceAll(inner.bytes, old.bytes, []byte{char})}, end, read
}

// character reads char(N) of an ASCII character.
func character(in []byte, pos int) (char byte, end int, v verdict) {
	if pos >= len(in) {
		return 0, 0, short
	}
	if _, end, v = word(in, pos, "CHAR"); v != read {
		return 0, 0, v
	}
	if end, v = expect(in, end, '('); v != read {
		return 0, 0, v
	}
	end = blanks(in, end)
	if end == len(in) {
		return 0, 0, short
	}
	code, end, v := number(in, end)
	if v != read {
		return 0, 0, v
	}
	if code.kind != integer || code.whole < 1 || code.whole > 127 {
		return 0, 0, other
	}
	end, v = expect(in, end, ')')
	return byte(code.whole), end, v
}

func expect(in []byte, pos int, c byte) (end int, v verdict) {
	pos = blanks(in, pos)
	switch {
	case pos >= len(in):
		return 0, short
	case in[pos] != c:
		return 0, other
	}
	return pos + 1, read
}
