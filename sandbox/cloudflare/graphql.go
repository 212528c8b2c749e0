package cloudflare

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// field is one field of a GraphQL selection.
type field struct {
	alias, name string
	args        map[string]any // numbers as json.Number, enums and strings as string, lists and objects as in JSON
	fields      []field
}

// tokenForm finds the tokens of GraphQL: names, variables, numbers, strings and signs. Commas are blanks there.
var tokenForm = regexp.MustCompile(`[_A-Za-z][_0-9A-Za-z]*|\$[_A-Za-z][_0-9A-Za-z]*|-?[0-9]+(?:\.[0-9]+)?|"(?:[^"\\]|\\.)*"|[{}()\[\]:!=]|#[^\n]*`)

// reader reads one GraphQL query. What it does not understand ends it with a panic of type graphqlError.
type reader struct {
	tokens    []string
	variables map[string]any
}

type graphqlError string

func unreadable(format string, args ...any) { panic(graphqlError(fmt.Sprintf(format, args...))) }

// parseGraphQL reads the one query of a document, with its variables filled in.
func parseGraphQL(text string, variables map[string]any) (fields []field, err error) {
	defer func() {
		if e := recover(); e != nil {
			words, ok := e.(graphqlError)
			if !ok {
				panic(e)
			}
			err = fmt.Errorf("error parsing query: %s", string(words))
		}
	}()
	r := &reader{variables: variables}
	for _, t := range tokenForm.FindAllString(text, -1) {
		if !strings.HasPrefix(t, "#") {
			r.tokens = append(r.tokens, t)
		}
	}
	if r.peek() == "query" {
		for r.peek() != "{" { // the name and the types of the variables
			r.next()
		}
	}
	fields = r.selection()
	if len(r.tokens) > 0 {
		unreadable("unexpected %s", r.tokens[0])
	}
	return fields, nil
}

func (r *reader) peek() string {
	if len(r.tokens) == 0 {
		unreadable("unexpected end")
	}
	return r.tokens[0]
}

func (r *reader) next() string {
	t := r.peek()
	r.tokens = r.tokens[1:]
	return t
}

func (r *reader) expect(sign string) {
	if t := r.next(); t != sign {
		unreadable("expected %s, found %s", sign, t)
	}
}

func (r *reader) selection() []field {
	r.expect("{")
	var fields []field
	for r.peek() != "}" {
		f := field{name: r.next()}
		if f.alias = f.name; r.peek() == ":" {
			r.next()
			f.name = r.next()
		}
		if r.peek() == "(" {
			f.args = r.arguments("(", ")")
		}
		if r.peek() == "{" {
			f.fields = r.selection()
		}
		fields = append(fields, f)
	}
	r.next()
	if len(fields) == 0 {
		unreadable("an empty selection")
	}
	return fields
}

// arguments reads names with values between two signs.
func (r *reader) arguments(begin, end string) map[string]any {
	r.expect(begin)
	out := map[string]any{}
	for r.peek() != end {
		name := r.next()
		r.expect(":")
		out[name] = r.value()
	}
	r.next()
	return out
}

func (r *reader) value() any {
	t := r.peek()
	switch {
	case t == "{":
		return r.arguments("{", "}")
	case t == "[":
		r.next()
		list := []any{}
		for r.peek() != "]" {
			list = append(list, r.value())
		}
		r.next()
		return list
	case t[0] == '$':
		v, ok := r.variables[r.next()[1:]]
		if !ok {
			unreadable("the variable %s has no value", t)
		}
		return v
	case t[0] == '"':
		var s string
		if err := json.Unmarshal([]byte(r.next()), &s); err != nil {
			unreadable("the string %s", t)
		}
		return s
	case t[0] == '-' || t[0] >= '0' && t[0] <= '9':
		return json.Number(r.next())
	}
	return r.next() // an enum, true, false or null
}
