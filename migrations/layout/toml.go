package layout

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// decodeTOML reads TOML 1.1, the version that wrangler's own reader takes: tables are map[string]any, arrays []any, strings
// string, and every other value its text as a scalar. The error begins with line and column.
func decodeTOML(text []byte) (map[string]any, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(text) {
		return nil, at(text, 0, "not UTF-8")
	}
	r := &tomlReader{text: string(text), root: newTomlTable()}
	if err := r.document(); err != nil {
		return nil, at(text, r.pos, err.Error())
	}
	return r.root.plain(), nil
}

// scalar is a value that is no string, as it is written: a number, a time or a truth value. Nothing that is read of wrangler's
// config is one.
type scalar string

// mostNested is how deep arrays and tables may lie in each other.
const mostNested = 100

// tomlReader reads a document from pos on.
type tomlReader struct {
	text   string
	pos    int
	depth  int
	root   *tomlTable
	inside *tomlTable // the table of the last header; nil before the first
}

// tomlTable is a table while it is read.
type tomlTable struct {
	values map[string]any // *tomlTable, *tomlArray, string, scalar
	header bool           // it has had a header, and cannot have another
	dotted bool           // made by the dots of a key: no header may reopen it
	closed bool           // an inline table, to which nothing is added
}

// tomlArray is an array; tables tells one of [[headers]], which grows.
type tomlArray struct {
	items  []any
	tables bool
}

func newTomlTable() *tomlTable { return &tomlTable{values: map[string]any{}} }

func (t *tomlTable) plain() map[string]any {
	out := make(map[string]any, len(t.values))
	for k, v := range t.values {
		out[k] = plainTOML(v)
	}
	return out
}

func plainTOML(v any) any {
	switch v := v.(type) {
	case *tomlTable:
		return v.plain()
	case *tomlArray:
		out := make([]any, len(v.items))
		for i, item := range v.items {
			out[i] = plainTOML(item)
		}
		return out
	}
	return v
}

func (r *tomlReader) document() error {
	for {
		if err := r.skip(true); err != nil {
			return err
		}
		if r.pos >= len(r.text) {
			return nil
		}
		var err error
		if r.text[r.pos] == '[' {
			err = r.header()
		} else {
			into := r.inside
			if into == nil {
				into = r.root
			}
			err = r.pair(into)
		}
		if err == nil {
			err = r.endOfLine()
		}
		if err != nil {
			return err
		}
	}
}

// header reads [table] or [[array of tables]].
func (r *tomlReader) header() error {
	double := strings.HasPrefix(r.text[r.pos:], "[[")
	end := "]"
	if double {
		end = "]]"
	}
	r.pos += len(end)
	keys, err := r.keys()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(r.text[r.pos:], end) {
		return errors.New("the header does not end with " + end)
	}
	r.pos += len(end)
	parent := r.root
	for _, k := range keys[:len(keys)-1] {
		if parent, err = parent.step(k, false); err != nil {
			return err
		}
	}
	r.inside, err = parent.open(keys[len(keys)-1], double)
	return err
}

// open makes the table of a header, or reopens one that only stood in the headers of others.
func (t *tomlTable) open(key string, double bool) (*tomlTable, error) {
	old, there := t.values[key]
	if double {
		list, ok := old.(*tomlArray)
		if there && (!ok || !list.tables) {
			return nil, fmt.Errorf("%q is defined already, and not as a list of tables", key)
		}
		if !there {
			list = &tomlArray{tables: true}
			t.values[key] = list
		}
		fresh := newTomlTable()
		fresh.header = true
		list.items = append(list.items, fresh)
		return fresh, nil
	}
	table, ok := old.(*tomlTable)
	switch {
	case !there:
		table = newTomlTable()
		t.values[key] = table
	case !ok, table.header, table.dotted, table.closed:
		return nil, fmt.Errorf("%q is defined already", key)
	}
	table.header = true
	return table, nil
}

// step goes into a table by its key, which makes it if need be. A list of tables means its last one. dotted: by a key and not by
// a header.
func (t *tomlTable) step(key string, dotted bool) (*tomlTable, error) {
	old, there := t.values[key]
	if !there {
		table := newTomlTable()
		table.dotted = dotted
		t.values[key] = table
		return table, nil
	}
	if list, ok := old.(*tomlArray); ok && list.tables && !dotted {
		return list.items[len(list.items)-1].(*tomlTable), nil
	}
	table, ok := old.(*tomlTable)
	if !ok || table.closed || dotted && !table.dotted {
		return nil, fmt.Errorf("%q is defined already, and nothing can be added to it", key)
	}
	return table, nil
}

// pair reads key = value into a table.
func (r *tomlReader) pair(into *tomlTable) error {
	start := r.pos
	keys, err := r.keys()
	if err != nil {
		return err
	}
	if r.pos >= len(r.text) || r.text[r.pos] != '=' {
		return errors.New("= is expected behind the key")
	}
	r.pos++
	r.blanks()
	value, err := r.value()
	if err != nil {
		return err
	}
	end := r.pos
	r.pos = start // where a complaint about the key belongs
	for _, k := range keys[:len(keys)-1] {
		if into, err = into.step(k, true); err != nil {
			return err
		}
	}
	last := keys[len(keys)-1]
	if _, there := into.values[last]; there {
		return fmt.Errorf("%q is defined already", last)
	}
	into.values[last] = value
	r.pos = end
	return nil
}

// keys reads a key with its dots, and the blanks around it.
func (r *tomlReader) keys() ([]string, error) {
	var keys []string
	for {
		r.blanks()
		key, err := r.key()
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
		r.blanks()
		if r.pos >= len(r.text) || r.text[r.pos] != '.' {
			return keys, nil
		}
		if r.pos++; len(keys) > mostNested {
			return nil, errors.New("too many dots")
		}
	}
}

func (r *tomlReader) key() (string, error) {
	if r.pos < len(r.text) && (r.text[r.pos] == '"' || r.text[r.pos] == '\'') {
		return r.line()
	}
	start := r.pos
	for r.pos < len(r.text) && isBare(r.text[r.pos]) {
		r.pos++
	}
	if r.pos == start {
		return "", errors.New("a key is expected")
	}
	return r.text[start:r.pos], nil
}

func isBare(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// blanks passes over blanks and tabs.
func (r *tomlReader) blanks() {
	for r.pos < len(r.text) && (r.text[r.pos] == ' ' || r.text[r.pos] == '\t') {
		r.pos++
	}
}

// skip passes over blanks and one comment or, with lines, any number of them and of line ends.
func (r *tomlReader) skip(lines bool) error {
	for {
		r.blanks()
		rest := r.text[r.pos:]
		switch {
		case strings.HasPrefix(rest, "#"):
			comment, _, ended := strings.Cut(rest, "\n")
			if ended {
				comment = strings.TrimSuffix(comment, "\r")
			}
			if i := strings.IndexFunc(comment, forbidden); i >= 0 {
				r.pos += i
				return errors.New("a control character")
			}
			r.pos += len(comment)
		case lines && strings.HasPrefix(rest, "\n"):
			r.pos++
		case lines && strings.HasPrefix(rest, "\r\n"):
			r.pos += 2
		default:
			return nil
		}
	}
}

// endOfLine makes sure that nothing follows on the line but a comment.
func (r *tomlReader) endOfLine() error {
	if err := r.skip(false); err != nil {
		return err
	}
	rest := r.text[r.pos:]
	if rest == "" || strings.HasPrefix(rest, "\n") || strings.HasPrefix(rest, "\r\n") {
		return nil
	}
	return errors.New("the line is expected to end here")
}

// forbidden are the characters that stand in no string and no comment.
func forbidden(c rune) bool { return c < 0x20 && c != '\t' || c == 0x7f }
