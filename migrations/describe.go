package migrations

import (
	"strings"
	"unicode"
)

// maxDescription is the length of a description in characters.
const maxDescription = 60

// Describe returns a label of at most 60 characters on one line: the verb and what it acts on, such as
// "CREATE TABLE orders" or "ALTER TABLE users ADD COLUMN email". Values are never part of it. The text comes from outside
// and still has to be escaped for where it is shown.
func Describe(s Statement) string {
	d := describer{src: s.SQL}
	d.list, _ = tokens(s.SQL)
	d.statement()
	return shorten(strings.Join(d.out, " "))
}

type describer struct {
	src  string
	list []token
	i    int
	out  []string
}

// accept takes the next token if it is one of the keywords.
func (d *describer) accept(keywords ...string) bool {
	if d.i >= len(d.list) || !d.list[d.i].isAny(d.src, keywords...) {
		return false
	}
	d.out = append(d.out, strings.ToUpper(d.list[d.i].text(d.src)))
	d.i++
	return true
}

// skip passes over keywords that a label can do without.
func (d *describer) skip(keywords ...string) {
	for d.i < len(d.list) && d.list[d.i].isAny(d.src, keywords...) {
		d.i++
	}
}

// name takes a name, with its schema.
func (d *describer) name() {
	text := ""
	for d.i < len(d.list) {
		t := d.list[d.i]
		if t.kind != word && t.kind != quoted && t.kind != number {
			break
		}
		text += t.text(d.src)
		d.i++
		if d.i >= len(d.list) || d.list[d.i].text(d.src) != "." {
			break
		}
		text += "."
		d.i++
	}
	if text != "" {
		d.out = append(d.out, text)
	}
}

func (d *describer) statement() {
	switch {
	case d.accept("CREATE"):
		d.create()
	case d.accept("DROP"):
		d.accept("TABLE", "INDEX", "VIEW", "TRIGGER")
		d.skip("IF", "EXISTS")
		d.name()
	case d.accept("ALTER"):
		d.alter()
	case d.accept("INSERT", "REPLACE"):
		d.or()
		d.accept("INTO")
		d.name()
	case d.accept("UPDATE"):
		d.or()
		d.name()
	case d.accept("DELETE"):
		d.accept("FROM")
		d.name()
	case d.accept("PRAGMA"):
		d.name()
	case d.accept("SELECT", "VALUES", "WITH", "EXPLAIN"):
		d.out = append(d.out, "…")
	case d.accept("REINDEX", "ANALYZE", "ATTACH", "DETACH", "VACUUM"):
		d.name()
	case len(d.list) > 0:
		d.name()
		d.out = append(d.out, "…")
	default:
		d.out = append(d.out, "nothing")
	}
}

func (d *describer) or() {
	if d.accept("OR") {
		d.accept("REPLACE", "IGNORE", "ABORT", "FAIL", "ROLLBACK")
	}
}

func (d *describer) create() {
	d.accept("UNIQUE", "TEMP", "TEMPORARY", "VIRTUAL")
	onTable := d.accept("INDEX", "TRIGGER")
	if !onTable {
		d.accept("TABLE", "VIEW")
	}
	d.skip("IF", "NOT", "EXISTS")
	d.name()
	if !onTable {
		return
	}
	for ; d.i < len(d.list) && d.list[d.i].kind != semi; d.i++ {
		if d.accept("ON") {
			d.name()
			return
		}
	}
}

func (d *describer) alter() {
	d.accept("TABLE")
	d.name()
	switch {
	case d.accept("ADD", "DROP"):
		if !d.accept("COLUMN") {
			d.out = append(d.out, "COLUMN")
		}
		d.name()
	case d.accept("RENAME"):
		if d.accept("TO") {
			d.name()
			return
		}
		if !d.accept("COLUMN") {
			d.out = append(d.out, "COLUMN")
		}
		d.name()
		d.accept("TO")
		d.name()
	default:
		d.out = append(d.out, "…")
	}
}

// shorten makes one line of printable characters of any text.
func shorten(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	runes := []rune(s)
	if len(runes) <= maxDescription {
		return s
	}
	return strings.TrimRight(string(runes[:maxDescription-1]), " ") + "…"
}
