package advise

import (
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// notes say what no index helps. With a suggestion, only what stays slow all the same.
func (a *Advisor) notes(q *query, helped bool) []Note {
	var list []Note
	add := func(code NoteCode, part string) {
		if !slices.Contains(list, Note{code, part}) {
			list = append(list, Note{code, part})
		}
	}
	if q.named {
		add(Named, "")
	}
	if !q.spied {
		add(Unspied, "")
	}
	for _, p := range q.seen {
		for _, t := range p.terms {
			if t.column < 0 || t.column >= len(p.table.columns) {
				continue
			}
			column := p.table.name + "." + p.table.columns[t.column].name
			switch {
			case t.op == like && t.literal == "":
				add(Pattern, column+" LIKE ?")
			case t.op == like && !t.prefix():
				add(Inside, column+" LIKE "+t.literal)
			case !helped && (t.op == sqlite3.INDEX_CONSTRAINT_NE || t.op == sqlite3.INDEX_CONSTRAINT_ISNOT):
				add(Unequal, column)
			}
		}
	}
	if q.skips {
		add(Skips, "")
	}
	if !helped {
		for _, l := range q.lines {
			r, ok := readLoop(l.Detail)
			t := a.table(q, r, nil)
			if ok && t != nil && !r.search && !slices.ContainsFunc(q.conditions(t), func(c term) bool { return c.column >= 0 }) &&
				!strings.Contains(strings.ToUpper(q.sql), " WHERE ") {
				add(Everything, t.name)
			}
		}
	}
	return list
}
