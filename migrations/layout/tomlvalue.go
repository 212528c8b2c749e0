package layout

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// value reads a value of any kind.
func (r *tomlReader) value() (any, error) {
	if r.pos >= len(r.text) {
		return nil, errors.New("a value is expected")
	}
	switch r.text[r.pos] {
	case '"', '\'':
		if quote := r.text[r.pos : r.pos+1]; strings.HasPrefix(r.text[r.pos:], strings.Repeat(quote, 3)) {
			return r.lines(quote)
		}
		return r.line()
	case '[', '{':
		if r.depth++; r.depth > mostNested {
			return nil, errors.New("nested too deeply")
		}
		defer func() { r.depth-- }()
		if r.text[r.pos] == '[' {
			return r.array()
		}
		return r.table()
	}
	return r.scalar()
}

// scalar reads what is no string, array or table.
func (r *tomlReader) scalar() (any, error) {
	n := strings.IndexAny(r.text[r.pos:], ",]}#\r\n\t")
	if n < 0 {
		n = len(r.text) - r.pos
	}
	text := strings.TrimRight(r.text[r.pos:r.pos+n], " ")
	if !scalars().MatchString(text) {
		return nil, errors.New("no value that TOML knows")
	}
	r.pos += len(text)
	return scalar(text), nil
}

// scalars matches truth values, numbers and times. Whether a day is in the calendar is not asked.
func scalars() *regexp.Regexp {
	const digits = `[0-9](?:_?[0-9])*`
	const whole = `(?:0|[1-9](?:_?[0-9])*)`
	const clock = `[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?`
	return regexp.MustCompile(`^(?:true|false|[+-]?(?:inf|nan)` +
		`|[+-]?` + whole + `(?:\.` + digits + `)?(?:[eE][+-]?` + digits + `)?` +
		`|0x[0-9A-Fa-f](?:_?[0-9A-Fa-f])*|0o[0-7](?:_?[0-7])*|0b[01](?:_?[01])*` +
		`|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ]` + clock + `(?:[Zz]|[+-][0-9]{2}:[0-9]{2})?)?|` + clock + `)$`)
}

func (r *tomlReader) array() (any, error) {
	list := &tomlArray{}
	r.pos++
	for {
		if err := r.skip(true); err != nil {
			return nil, err
		}
		if r.take(']') {
			return list, nil
		}
		item, err := r.value()
		if err != nil {
			return nil, err
		}
		list.items = append(list.items, item)
		if err := r.skip(true); err != nil {
			return nil, err
		}
		if !r.take(',') && !r.at(']') {
			return nil, errors.New("a comma or ] is expected")
		}
	}
}

// table reads an inline table.
func (r *tomlReader) table() (any, error) {
	t := newTomlTable()
	r.pos++
	for {
		if err := r.skip(true); err != nil {
			return nil, err
		}
		if r.take('}') {
			t.close()
			return t, nil
		}
		if err := r.pair(t); err != nil {
			return nil, err
		}
		if err := r.skip(true); err != nil {
			return nil, err
		}
		if !r.take(',') && !r.at('}') {
			return nil, errors.New("a comma or } is expected")
		}
	}
}

// close ends an inline table and those that its dotted keys made.
func (t *tomlTable) close() {
	t.closed = true
	for _, v := range t.values {
		if inner, ok := v.(*tomlTable); ok && !inner.closed {
			inner.close()
		}
	}
}

func (r *tomlReader) at(c byte) bool { return r.pos < len(r.text) && r.text[r.pos] == c }

func (r *tomlReader) take(c byte) bool {
	if !r.at(c) {
		return false
	}
	r.pos++
	return true
}

// line reads a string on one line.
func (r *tomlReader) line() (string, error) {
	quote := r.text[r.pos]
	r.pos++
	var out strings.Builder
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; {
		case c == quote:
			r.pos++
			return out.String(), nil
		case c == '\\' && quote == '"':
			if err := r.escape(&out); err != nil {
				return "", err
			}
		case forbidden(rune(c)):
			return "", errors.New("a control character or the line's end inside a string")
		default:
			out.WriteByte(c)
			r.pos++
		}
	}
	return "", errors.New("the string does not end")
}

// lines reads a string between three quotes. A line's end behind the first three does not count; up to two quotes more may
// stand before the last three.
func (r *tomlReader) lines(quote string) (string, error) {
	three := strings.Repeat(quote, 3)
	r.pos += 3
	r.newline()
	var out strings.Builder
	for r.pos < len(r.text) {
		rest := r.text[r.pos:]
		switch c := rest[0]; {
		case strings.HasPrefix(rest, three):
			n := len(rest) - len(strings.TrimLeft(rest, quote))
			n = min(n, 5)
			out.WriteString(rest[:n-3])
			r.pos += n
			return out.String(), nil
		case c == '\\' && quote == `"`:
			if r.continued() {
				continue
			}
			if err := r.escape(&out); err != nil {
				return "", err
			}
		case r.newline():
			out.WriteByte('\n')
		case forbidden(rune(c)):
			return "", errors.New("a control character inside a string")
		default:
			out.WriteByte(c)
			r.pos++
		}
	}
	return "", errors.New("the string does not end")
}

// newline passes over the end of a line, if here is one.
func (r *tomlReader) newline() bool {
	for _, end := range []string{"\n", "\r\n"} {
		if strings.HasPrefix(r.text[r.pos:], end) {
			r.pos += len(end)
			return true
		}
	}
	return false
}

// continued passes over a backslash at the end of a line with all white space behind it.
func (r *tomlReader) continued() bool {
	rest := strings.TrimLeft(r.text[r.pos+1:], " \t")
	if !strings.HasPrefix(rest, "\n") && !strings.HasPrefix(rest, "\r\n") {
		return false
	}
	r.pos = len(r.text) - len(strings.TrimLeft(rest, " \t\r\n"))
	return true
}

// escape reads a backslash and what it stands for.
func (r *tomlReader) escape(out *strings.Builder) error {
	if r.pos+1 >= len(r.text) {
		return errors.New("the string does not end")
	}
	c := r.text[r.pos+1]
	if i := strings.IndexByte(`btnfre"\`, c); i >= 0 {
		out.WriteByte("\b\t\n\f\r\x1b\"\\"[i])
		r.pos += 2
		return nil
	}
	length := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	from := r.pos + 2
	if length == 0 || from+length > len(r.text) {
		return errors.New("an escape that TOML does not know")
	}
	n, err := strconv.ParseUint(r.text[from:from+length], 16, 32)
	if err != nil || n > utf8.MaxRune || n >= 0xd800 && n < 0xe000 {
		return errors.New("an escape that is no character")
	}
	out.WriteRune(rune(n))
	r.pos = from + length
	return nil
}
