package lint

import (
	"strings"

	"towline/migrations"
)

// directive is a comment that speaks to Towline: "-- towline:allow D1-DS02 reason="unused since #12"".
type directive struct {
	verb   string            // allow, allow-file, contract, assert, backfill, end
	codes  []string          // of allow and allow-file, in upper case
	values map[string]string // reason, of, and those of backfill
	sql    string            // of assert
	reason string            // of allow and allow-file

	offset, line, col int // of the comment
	problem           string
	used              []string // the codes of an allow that a finding needed

	untrue bool     // an assertion that is not true of the copy
	reads  []string // the tables that an assertion reads
}

// marker begins a directive, in a comment of its own to the end of the line.
const marker = "towline:"

// directives reads the directives of a file, in order. A text that cannot be read to its end has those before that place.
func directives(src string) []directive {
	var list []directive
	tokens, _ := migrations.Lex(src)
	at := lines{src: src, line: 1, col: 1}
	for _, t := range tokens {
		if t.Kind != migrations.TokenComment {
			continue
		}
		text, marked, asMeant := directiveText(t.Text(src))
		if !marked {
			continue
		}
		d := directive{problem: "nobody reads it like this: write -- " + marker + "..., behind two dashes and on a line of its own"}
		if asMeant {
			d = parseDirective(text)
		}
		at.move(t.Start)
		d.offset, d.line, d.col = t.Start, at.line, at.col
		list = append(list, d)
	}
	return list
}

// directiveText is what stands behind the marker of a comment. A comment between /* and */ is marked as well, and not as it is meant: who
// wrote it thinks that it counts. One that holds a whole directive, dashes and all, is a directive that was taken out.
func directiveText(comment string) (text string, marked, asMeant bool) {
	text, asMeant = strings.CutPrefix(comment, "--")
	if !asMeant {
		text = strings.TrimSuffix(strings.TrimPrefix(comment, "/*"), "*/")
	}
	text = strings.TrimSpace(text)
	if len(text) < len(marker) || !strings.EqualFold(text[:len(marker)], marker) {
		return "", false, false
	}
	return text[len(marker):], true, asMeant
}

func parseDirective(text string) directive {
	verb, rest, _ := cutBlank(text)
	d := directive{verb: strings.ToLower(verb), values: make(map[string]string)}
	switch d.verb {
	case "assert":
		d.sql, d.problem = migrations.AssertedQuery(rest)
	case "allow", "allow-file", "contract", "backfill", "end":
		d.arguments(rest)
	default:
		d.problem = "there is no directive \"" + verb + "\": known are allow, allow-file, contract, assert, backfill and end"
	}
	return d
}

// arguments reads codes and key=value pairs.
func (d *directive) arguments(text string) {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		key, rest := text, ""
		if i := strings.IndexAny(text, " \t,="); i >= 0 {
			key, rest = text[:i], text[i:]
		}
		if !strings.HasPrefix(rest, "=") {
			if key != "" {
				d.codes = append(d.codes, strings.ToUpper(key))
			}
			text = strings.TrimPrefix(rest, ",")
			continue
		}
		quoted := strings.HasPrefix(rest[1:], `"`) || strings.HasPrefix(rest[1:], "'")
		value, rest, ok := argument(rest[1:])
		switch {
		case !ok:
			d.problem = "the quotation mark after " + key + "= is never closed"
			return
		case quoted && (strings.HasSuffix(value, "\\") && rest != "" || goesOn(rest)):
			d.problem = "the quotation mark inside " + key + "= ends it there, with a backslash before it too: write the inner ones as the other kind, " +
				key + `='say "yes"'`
			return
		}
		d.values[strings.ToLower(key)] = value
		text = rest
	}
	d.check()
}

// goesOn reports whether the quotation mark that ended a value was meant to stand in it: a word follows without a blank, or one that has such a
// mark, as no code and no key has.
func goesOn(rest string) bool {
	word := strings.TrimLeft(rest, " \t,")
	attached, key := word == rest, false
	if i := strings.IndexAny(word, " \t,="); i >= 0 {
		word, key = word[:i], word[i] == '='
	}
	return strings.ContainsAny(word, `"'`) || attached && word != "" && !key
}

func (d *directive) check() {
	d.reason = strings.TrimSpace(d.values["reason"])
	switch d.verb {
	case "allow", "allow-file":
		if len(d.codes) == 0 {
			d.problem = "it names no rule: write -- towline:" + d.verb + " D1-DS02 reason=\"...\""
		}
	case "contract":
		if d.values["of"] == "" {
			d.problem = "it does not say of which migration: write -- towline:contract of=0031"
		}
	}
}

// argument reads a value, in quotation marks or up to the next blank.
func argument(text string) (value, rest string, ok bool) {
	if text == "" {
		return "", "", true
	}
	if text[0] == '"' || text[0] == '\'' {
		end := strings.IndexByte(text[1:], text[0])
		if end < 0 {
			return "", "", false
		}
		return text[1 : 1+end], text[end+2:], true
	}
	value, rest, _ = cutBlank(text)
	return value, rest, true
}

func cutBlank(text string) (head, tail string, found bool) {
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		return text[:i], text[i+1:], true
	}
	return text, "", false
}

// lines counts lines and columns forward through a text.
type lines struct {
	src               string
	offset, line, col int
}

func (l *lines) move(offset int) {
	for _, r := range strings.TrimPrefix(l.src[l.offset:offset], "\uFEFF") {
		if r == '\n' {
			l.line, l.col = l.line+1, 1
		} else {
			l.col++
		}
	}
	l.offset = offset
}
