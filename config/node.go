package config

import (
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v4"
)

// decoder walks the nodes of one file and collects everything that is wrong with it.
type decoder struct {
	name   string
	dir    string
	getenv func(string) string
	lines  []string
	errs   Errors
	warns  []Warning
	// places remembers the node of every key that was read, by path, for the rules that compare keys.
	places map[string]*yaml.Node
	// masks are texts of the file that no excerpt may show: literal secrets, and whatever stands under an unknown key,
	// which may be a misspelt secret.
	masks []mask
	// secrets are the values of all secrets, for Config.Secrets.
	secrets []string
}

// mask is a text to hide: everywhere if it is long enough to be nothing else, below its first line if it is short.
type mask struct {
	line int
	text string
}

// value is one scalar of the file.
type value struct {
	d    *decoder
	node *yaml.Node
	path string
	// text is the scalar after ${NAME} was expanded; what stands in the file is node.Value.
	text string
}

// failf records a mistake at a node.
func (d *decoder) failf(node *yaml.Node, path, format string, args ...any) {
	d.failAt(node.Line, node.Column, path, fmt.Sprintf(format, args...))
}

func (d *decoder) failAt(line, col int, path, problem string) {
	line = min(max(line, 1), len(d.lines))
	col = min(max(col, 1), len([]rune(d.lines[line-1]))+1)
	d.errs = append(d.errs, &Error{File: d.name, Line: line, Col: col, Key: path, Problem: problem})
}

// failf records a mistake in the value; the value itself is quoted as it stands in the file, never as expanded.
func (v value) failf(format string, args ...any) { v.d.failf(v.node, v.path, format, args...) }

// shown is the value as the file has it, for a message.
func (v value) shown() string { return fmt.Sprintf("%q", clip(v.node.Value)) }

// warnf records something legal that is probably not meant.
func (d *decoder) warnf(path, format string, args ...any) {
	w := Warning{File: d.name, Key: path, Problem: fmt.Sprintf(format, args...)}
	if node := d.places[path]; node != nil {
		w.Line, w.Col = node.Line, node.Column
	}
	d.warns = append(d.warns, w)
}

// finish puts errors in the order of the file and gives each its line, masked.
func (d *decoder) finish() Errors {
	sort.SliceStable(d.errs, func(i, j int) bool {
		a, b := d.errs[i], d.errs[j]
		return a.Line < b.Line || a.Line == b.Line && a.Col < b.Col
	})
	sort.Slice(d.masks, func(i, j int) bool { return len(d.masks[i].text) > len(d.masks[j].text) })
	for _, err := range d.errs {
		err.Excerpt = d.lines[err.Line-1]
		for _, m := range d.masks {
			if m.text != "" && (len(m.text) >= 8 || m.line == err.Line) {
				err.Excerpt = strings.ReplaceAll(err.Excerpt, m.text, strings.Repeat("*", len([]rune(m.text))))
			}
		}
	}
	return d.errs
}

// hide masks every scalar below a node from excerpts. What is only a reference to a variable hides nothing.
func (d *decoder) hide(node *yaml.Node) {
	if node.Kind == yaml.ScalarNode {
		if line := d.lines[min(node.Line, len(d.lines))-1]; node.Style&yaml.DoubleQuotedStyle != 0 && strings.Contains(line, `\`) {
			// An escape makes the text of the file differ from the value: hide the rest of the line.
			runes := []rune(line)
			d.masks = append(d.masks, mask{node.Line, string(runes[min(node.Column-1, len(runes)):])})
		}
		for i, line := range strings.Split(node.Value, "\n") {
			line = strings.TrimSpace(line)
			if isReference(line) {
				continue
			}
			d.masks = append(d.masks, mask{node.Line + i, line})
			if node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
				d.masks = append(d.masks, mask{node.Line + i + 1, line})
			}
		}
		return
	}
	for _, child := range node.Content {
		d.hide(child)
	}
}

// section is one mapping of the file.
type section struct {
	d      *decoder
	path   string
	node   *yaml.Node
	values map[string]*yaml.Node
	keys   map[string]*yaml.Node
	// meant are the keys that a misspelt one was taken for: they are not reported missing as well.
	meant map[string]bool
}

// section takes a mapping apart by the yaml tags of like, a struct. Everything in it that like does not know is recorded
// as a mistake. A node that is no mapping gives nil, as recorded.
func (d *decoder) section(node *yaml.Node, path string, like any) *section {
	node = resolve(node)
	if node.Kind != yaml.MappingNode {
		d.hide(node)
		d.failf(node, path, "expected keys and values (%s), found %s", strings.Join(keysOf(like), ", "), kindOf(node))
		return nil
	}
	s := &section{d: d, path: path, node: node, values: map[string]*yaml.Node{}, keys: map[string]*yaml.Node{}, meant: map[string]bool{}}
	known := keysOf(like)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, val := resolve(node.Content[i]), node.Content[i+1]
		if key.Kind == yaml.ScalarNode && slices.Contains(known, key.Value) {
			if first, twice := s.keys[key.Value]; twice {
				d.hide(val)
				d.failf(node.Content[i], s.at(key.Value), "given twice, first in line %d", first.Line)
				continue
			}
			s.keys[key.Value], s.values[key.Value] = key, val
			d.places[s.at(key.Value)] = val
			continue
		}
		s.unknown(node.Content[i], val, known)
	}
	return s
}

func (s *section) unknown(key, val *yaml.Node, known []string) {
	s.d.hide(resolve(val))
	if key.Kind != yaml.ScalarNode {
		s.d.failf(key, s.path, "expected a key, found %s", kindOf(key))
		return
	}
	name := clip(key.Value)
	switch best, elsewhere := nearest(key.Value, known), homeOf(key.Value); {
	case key.Value == "<<":
		s.d.failf(key, s.path, "merge keys are not read here; write the keys out")
	case best != "":
		s.meant[best] = true
		s.d.failf(key, s.at(name), "unknown key; did you mean %q?", best)
	case elsewhere != "":
		s.d.failf(key, s.at(name), "unknown key here; it belongs under %s", elsewhere)
	default:
		s.d.failf(key, s.at(name), "unknown key; expected one of %s", strings.Join(known, ", "))
	}
}

// at is the path of a key of the section.
func (s *section) at(key string) string {
	if s.path == "" {
		return key
	}
	return s.path + "." + key
}

func (s *section) has(key string) bool { return s != nil && s.values[key] != nil }

// first is the first of some keys that is there, "" for none.
func (s *section) first(keys ...string) string {
	for _, key := range keys {
		if s.has(key) {
			return key
		}
	}
	return ""
}

// missing records that a required key is not there.
func (s *section) missing(key, expected string) {
	if s.meant[key] {
		return
	}
	s.d.failf(s.node, s.at(key), "missing; expected %s", expected)
}

// sub gives a mapping below the section; nil where it is not there or no mapping. expected is said of a required one
// that is missing; "" makes it optional.
func (s *section) sub(key string, like any, expected string) *section {
	if s == nil {
		return nil
	}
	node := s.values[key]
	if node == nil {
		if expected != "" {
			s.missing(key, expected)
		}
		return nil
	}
	return s.d.section(node, s.at(key), like)
}

// list gives the entries of a sequence and their paths.
func (s *section) list(key, expected string) (nodes []*yaml.Node, paths []string) {
	if !s.has(key) {
		return nil, nil
	}
	node := resolve(s.values[key])
	if node.Kind != yaml.SequenceNode {
		s.d.failf(node, s.at(key), "expected %s, found %s", expected, kindOf(node))
		return nil, nil
	}
	for i, child := range node.Content {
		path := fmt.Sprintf("%s[%d]", s.at(key), i)
		s.d.places[path] = child
		nodes, paths = append(nodes, child), append(paths, path)
	}
	return nodes, paths
}

// scalar gives a value of the section, expanded. ok is false where it is not there or is none, as recorded. expected is
// said of a required one that is missing; "" makes it optional.
func (s *section) scalar(key, expected string) (v value, ok bool) {
	if s == nil {
		return value{}, false
	}
	if !s.has(key) {
		if expected != "" {
			s.missing(key, expected)
		}
		return value{}, false
	}
	return s.d.scalar(s.values[key], s.at(key))
}

func (d *decoder) scalar(node *yaml.Node, path string) (v value, ok bool) {
	node = resolve(node)
	switch {
	case node.Kind != yaml.ScalarNode:
		d.failf(node, path, "expected a single value, found %s", kindOf(node))
		return value{}, false
	case node.ShortTag() == "!!null" || node.Value == "":
		d.failf(node, path, "empty; give it a value or leave the key out")
		return value{}, false
	}
	text, at, err := expand(node.Value, d.getenv)
	if err != nil {
		col := node.Column
		if node.Style&(yaml.LiteralStyle|yaml.FoldedStyle|yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 {
			col += at
		}
		d.failAt(node.Line, col, path, err.Error())
		return value{}, false
	}
	return value{d: d, node: node, path: path, text: text}, true
}

func resolve(node *yaml.Node) *yaml.Node {
	// An alias never points to an alias, but a bounded walk costs nothing.
	for i := 0; i < 8 && node.Kind == yaml.AliasNode && node.Alias != nil; i++ {
		node = node.Alias
	}
	return node
}

func kindOf(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.MappingNode:
		return "keys and values"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null":
		return "nothing"
	default:
		return "a single value"
	}
}

// keysOf are the keys of a section: the yaml tags of the struct, and a *_file beside every secret.
func keysOf(like any) []string {
	var keys []string
	for field := range reflect.TypeOf(like).Fields() {
		tag := field.Tag.Get("yaml")
		if tag == "" || tag == "-" {
			continue
		}
		keys = append(keys, tag)
		if field.Type == reflect.TypeFor[Secret]() {
			keys = append(keys, tag+"_file")
		}
	}
	return keys
}

// homeOf says where a key belongs that was found in another section.
func homeOf(key string) string {
	sections := []struct {
		name string
		like any
	}{
		{"the top level", Config{}}, {"telegram", Telegram{}}, {"telegram.webhook", Webhook{}}, {"cloudflare", Cloudflare{}},
		{"store", Store{}}, {"people", Person{}}, {"projects", Project{}}, {"projects[].source", Source{}},
		{"projects[].preview", Preview{}}, {"projects[].approvals", Approvals{}}, {"usage", Usage{}},
		{"projects[].freeze", Freeze{}}, {"a window of projects[].freeze", Window{}},
	}
	for _, s := range sections {
		if slices.Contains(keysOf(s.like), key) {
			return s.name
		}
	}
	return ""
}
