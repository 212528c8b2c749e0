package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/tailscale/hujson"
)

// mostBrackets is how many brackets a JSON config may open. The library goes into each by recursion, without a limit: a
// config of nothing else would end the whole program for want of stack. Counting them all is coarse and cannot be led
// astray by strings and comments. encoding/json and the TOML library stop at a depth of 10,000 by themselves.
const mostBrackets = 10_000

// decodeJSONC reads JSON with comments and commas before a closing bracket, as wrangler takes them in wrangler.json too.
// The error begins with line and column.
//
// The library is stricter than wrangler in one thing: no comment holds what is not UTF-8 or the line separators U+2028 and
// U+2029. Such a config is refused with its place, and never read as something else.
func decodeJSONC(text []byte) (map[string]any, error) {
	text = trimMark(text)
	if bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > mostBrackets {
		return nil, at(text, 0, fmt.Sprintf("more than %d brackets", mostBrackets))
	}
	// To the library a comment on the last line needs the line's end, which editors may leave out.
	plain, err := hujson.Standardize(append(bytes.Clone(text), '\n'))
	if err != nil {
		return nil, placed(err)
	}
	var values map[string]any
	if err := decodeJSON(plain, &values); err != nil {
		return nil, err
	}
	return values, nil
}

// placed puts the library's line and column where every error of this package has them.
func placed(err error) error {
	var line, column int
	if _, other := fmt.Sscanf(err.Error(), "hujson: line %d, column %d:", &line, &column); other != nil || errors.Unwrap(err) == nil {
		return errors.New("1:1: not JSON with comments")
	}
	what := errors.Unwrap(err).Error()
	if strings.HasPrefix(what, "invalid literal") {
		what = "invalid literal" // without it: a config may hold what nobody else is to read
	}
	return fmt.Errorf("%d:%d: %s", line, column, what)
}

// decodeJSON reads plain JSON, which has to be an object. The error begins with line and column.
func decodeJSON(text []byte, into any) error {
	err := json.Unmarshal(text, into)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return at(text, int(syntax.Offset)-1, syntax.Error())
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return at(text, int(kind.Offset)-1, kind.Error())
	}
	if err == nil && string(bytes.TrimSpace(text)) == "null" {
		return at(text, 0, "an object is expected, not null")
	}
	return err
}

// decodeTOML reads TOML 1.1, the version that wrangler's own reader takes. The error begins with line and column. The
// library is stricter than wrangler about days that are in no calendar.
func decodeTOML(text []byte) (map[string]any, error) {
	text = trimMark(text)
	if !utf8.Valid(text) {
		return nil, at(text, 0, "not UTF-8")
	}
	var values map[string]any
	err := toml.Unmarshal(text, &values)
	if wrong, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, column := wrong.Position()
		return nil, fmt.Errorf("%d:%d: %s", line, column, strings.TrimPrefix(wrong.Error(), "toml: "))
	}
	if err != nil {
		return nil, at(text, 0, err.Error())
	}
	return values, nil
}

// at is an error with the line and column, both from 1, of a byte.
func at(text []byte, offset int, what string) error {
	offset = min(max(offset, 0), len(text))
	line := bytes.Count(text[:offset], []byte("\n")) + 1
	column := offset - bytes.LastIndexByte(text[:offset], '\n')
	return fmt.Errorf("%d:%d: %s", line, column, what)
}

// trimMark takes away a byte order mark.
func trimMark(text []byte) []byte { return bytes.TrimPrefix(text, []byte("\ufeff")) }
