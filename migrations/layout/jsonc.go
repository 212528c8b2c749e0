package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// decodeJSONC reads JSON with comments and commas before a closing bracket, as wrangler takes them in wrangler.json too.
// The error begins with line and column.
func decodeJSONC(text []byte) (map[string]any, error) {
	plain, err := toJSON(bytes.TrimPrefix(text, []byte("\ufeff")))
	if err != nil {
		return nil, err
	}
	var values map[string]any
	d := json.NewDecoder(bytes.NewReader(plain))
	err = d.Decode(&values)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return nil, at(plain, int(syntax.Offset)-1, syntax.Error())
	case errors.As(err, &kind):
		return nil, at(plain, int(kind.Offset)-1, "an object is expected, not "+kind.Value)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, at(plain, len(plain), "the text ends too early")
	case err != nil:
		return nil, at(plain, 0, err.Error())
	case values == nil:
		return nil, at(plain, 0, "an object is expected, not null")
	}
	rest := plain[d.InputOffset():]
	if more := bytes.TrimLeft(rest, " \t\r\n"); len(more) > 0 {
		return nil, at(plain, len(plain)-len(more), "more text behind the object")
	}
	return values, nil
}

// toJSON blanks out comments and trailing commas, so that every other byte stays where it is.
func toJSON(text []byte) ([]byte, error) {
	out := bytes.Clone(text)
	comma, last := -1, byte(0) // a comma behind a value with only blanks since; the last byte that means something
	for i := 0; i < len(out); {
		end := i + 1
		switch c := out[i]; {
		case c == '"':
			end = endOfString(out, i)
			comma, last = -1, c
		case c == '/' && i+1 < len(out) && (out[i+1] == '/' || out[i+1] == '*'):
			var err error
			if end, err = blankComment(out, i); err != nil {
				return nil, err
			}
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		case c == ',':
			if comma = -1; last != 0 && !bytes.ContainsRune([]byte("[{,:"), rune(last)) {
				comma = i
			}
			last = c
		default:
			if (c == '}' || c == ']') && comma >= 0 {
				out[comma] = ' '
			}
			comma, last = -1, c
		}
		i = end
	}
	return out, nil
}

// endOfString is where the string that begins at i has ended, or the end of the text.
func endOfString(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// blankComment overwrites the comment that begins at i, up to its line's end or its own, and returns where it ended.
func blankComment(text []byte, i int) (int, error) {
	end := len(text)
	if text[i+1] == '/' {
		if n := bytes.IndexAny(text[i:], "\r\n"); n >= 0 {
			end = i + n
		}
	} else {
		n := bytes.Index(text[i+2:], []byte("*/"))
		if n < 0 {
			return 0, at(text, i, "a comment that does not end")
		}
		end = i + 2 + n + 2
	}
	for j := i; j < end; j++ {
		if text[j] != '\n' && text[j] != '\r' {
			text[j] = ' '
		}
	}
	return end, nil
}

// at is an error with the line and column, both from 1, of a byte.
func at(text []byte, offset int, what string) error {
	offset = min(max(offset, 0), len(text))
	line := bytes.Count(text[:offset], []byte("\n")) + 1
	column := offset - bytes.LastIndexByte(text[:offset], '\n')
	return fmt.Errorf("%d:%d: %s", line, column, what)
}
