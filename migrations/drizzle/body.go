package drizzle

import (
	"strings"

	"towline/migrations"
)

// body is what only the text of a CREATE TABLE tells.
type body struct {
	autoincrement bool
	generated     map[string]string // expressions, by column in lower case
	checks        []check
}

type check struct{ name, expression string }

// lexed is a text with those of its tokens that mean something.
type lexed struct {
	src    string
	tokens []migrations.Token
}

func lex(src string) lexed {
	all, _ := migrations.Lex(src)
	l := lexed{src: src}
	for _, t := range all {
		if t.Means() {
			l.tokens = append(l.tokens, t)
		}
	}
	return l
}

func (l lexed) is(i int, keywords ...string) bool {
	return i >= 0 && i < len(l.tokens) && l.tokens[i].Is(l.src, keywords...)
}

func (l lexed) text(i int) string {
	if i < 0 || i >= len(l.tokens) {
		return ""
	}
	return l.tokens[i].Text(l.src)
}

// closing is the token that closes the parenthesis at i, or the end.
func (l lexed) closing(i int) int {
	depth := 0
	for ; i < len(l.tokens); i++ {
		switch l.text(i) {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(l.tokens)
}

// inside is the text between the parenthesis at open and its partner.
func (l lexed) inside(open int) string {
	end := l.closing(open)
	if end >= len(l.tokens) {
		return ""
	}
	return strings.TrimSpace(l.src[l.tokens[open].End:l.tokens[end].Start])
}

// items are the half-open ranges of tokens between the commas inside the parenthesis at open.
func (l lexed) items(open int) [][2]int {
	end := l.closing(open)
	var all [][2]int
	from := open + 1
	for i := from; i < end; i++ {
		switch l.text(i) {
		case "(":
			i = l.closing(i)
		case ",":
			all = append(all, [2]int{from, i})
			from = i + 1
		}
	}
	return append(all, [2]int{from, min(end, len(l.tokens))})
}

// opening is the first parenthesis at or behind i.
func (l lexed) opening(i int) int {
	for ; i < len(l.tokens); i++ {
		if l.text(i) == "(" {
			return i
		}
	}
	return len(l.tokens)
}

// parseBody reads a CREATE TABLE as SQLite keeps it.
func parseBody(sql string) body {
	l := lex(sql)
	b := body{generated: map[string]string{}}
	open := l.opening(0)
	if open == len(l.tokens) {
		return b
	}
	for _, item := range l.items(open) {
		b.take(l, item[0], item[1])
	}
	return b
}

// take reads one column or table constraint, the tokens from i to end.
func (b *body) take(l lexed, i, end int) {
	column := strings.ToLower(migrations.Unquote(l.text(i)))
	name := ""
	for ; i < end; i++ {
		switch {
		case l.is(i, "CONSTRAINT"):
			name = migrations.Unquote(l.text(i + 1))
			i++
		case l.is(i, "CHECK") && l.text(i+1) == "(":
			b.checks = append(b.checks, check{name, l.inside(i + 1)})
			name = ""
			i = l.closing(i + 1)
		case l.is(i, "AS") && l.text(i+1) == "(":
			b.generated[column] = l.inside(i + 1)
			i = l.closing(i + 1)
		case l.is(i, "AUTOINCREMENT"):
			b.autoincrement = true
		case l.is(i, "NOT", "NULL", "PRIMARY", "UNIQUE", "DEFAULT", "COLLATE", "REFERENCES"):
			name = "" // the name was this constraint's
		case l.text(i) == "(":
			i = l.closing(i)
		}
	}
}

// parseIndex reads the terms and the condition of a CREATE INDEX. A term that is a single name counts as a column.
func parseIndex(sql string) part {
	l := lex(sql)
	var p part
	open := l.opening(0)
	if open == len(l.tokens) {
		return p
	}
	for _, item := range l.items(open) {
		if item[0] >= item[1] {
			continue
		}
		first, last := l.tokens[item[0]], l.tokens[item[1]-1]
		p.columns = append(p.columns, l.src[first.Start:last.End])
		p.expressions = append(p.expressions, item[1]-item[0] > 1)
	}
	if where := l.closing(open) + 1; l.is(where, "WHERE") {
		p.where = strings.TrimRight(strings.TrimSpace(l.src[l.tokens[where].End:]), "; \t\r\n")
	}
	return p
}

// viewBody is what stands behind AS in a CREATE VIEW.
func viewBody(sql string) string {
	l := lex(sql)
	for i := range l.tokens {
		if l.is(i, "AS") && i > 1 {
			return strings.TrimSpace(l.src[l.tokens[i].End:])
		}
	}
	return sql
}
