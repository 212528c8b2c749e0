package advise

import (
	"slices"
	"strings"

	"towline/migrations"
)

// span is a part of the query's text that might be worth an index of its own: an expression, or a column in another order.
type span struct {
	table *table
	term  indexed
}

// expressions adds indexes on what virtual tables are not told of: calls like lower(email), values out of JSON, and orders in another
// collation. What is written is only where they are looked for; SQLite decides whether there can be such an index, and whether it is used.
func (s *schema) expressions(q *query, list []*index) []*index {
	for _, e := range q.spans(s) {
		var equal, order []indexed
		for _, p := range q.seen {
			if p.table == e.table {
				equal, _ = p.pinned()
				order = p.sorting(equal)
				break
			}
		}
		equal = slices.DeleteFunc(slices.Clone(equal), func(t indexed) bool { return t.column == e.term.column && t.column != "" })
		for _, terms := range [][]indexed{{e.term}, append(slices.Clone(equal), e.term), append([]indexed{e.term}, order...), append([]indexed{e.term}, equal...)} {
			list = s.add(list, &index{table: e.table.name, terms: terms})
		}
	}
	return list
}

// calls are functions whose answer depends on what they are given alone.
func calls(name string) bool {
	const list = " lower upper length substr substring trim ltrim rtrim abs round date datetime time strftime unixepoch julianday json_extract coalesce ifnull replace instr "
	return strings.Contains(list, " "+strings.ToLower(name)+" ")
}

func (q *query) spans(s *schema) []span {
	var found []span
	list := words(q.sql)
	add := func(tokens []migrations.Token, more func(indexed) indexed) {
		t, text := q.unqualified(s, tokens)
		if t == nil {
			return
		}
		e := span{t, more(indexed{expression: text})}
		if !slices.ContainsFunc(found, func(f span) bool { return f.table == t && f.term == e.term }) {
			found = append(found, e)
		}
	}
	same := func(i indexed) indexed { return i }
	for i, t := range list {
		switch {
		case i+1 < len(list) && list[i+1].Text(q.sql) == "(" && calls(t.Text(q.sql)):
			if end := closing(q.sql, list, i+1); end > 0 {
				add(list[i:end+1], same)
			}
		case i > 0 && i+1 < len(list) && strings.HasPrefix(t.Text(q.sql), "->"):
			from := i - 1
			for from >= 2 && (list[from-1].Text(q.sql) == "." || strings.HasPrefix(list[from-1].Text(q.sql), "->")) {
				from -= 2
			}
			add(list[from:i+2], same)
		case i > 0 && i+1 < len(list) && t.Is(q.sql, "COLLATE"):
			from := i - 1
			if from >= 2 && list[from-1].Text(q.sql) == "." {
				from -= 2
			}
			collation := strings.ToUpper(migrations.Unquote(list[i+1].Text(q.sql)))
			add(list[from:i], func(e indexed) indexed {
				return indexed{column: migrations.Unquote(e.expression), collation: collation}
			})
		}
	}
	return slices.DeleteFunc(found, func(f span) bool {
		col := f.table.column(f.term.column)
		return f.term.column != "" && (col < 0 || strings.EqualFold(f.table.columns[col].collation, f.term.collation))
	})
}

// closing is the place of the bracket that ends the one at i.
func closing(sql string, list []migrations.Token, i int) int {
	depth := 0
	for ; i < len(list); i++ {
		switch list[i].Text(sql) {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// unqualified is an expression of one table's columns without the table's name before them; nil where it has parameters or values that may be
// those of one request, the time of day, a query of its own, or columns of two tables.
func (q *query) unqualified(s *schema, tokens []migrations.Token) (*table, string) {
	var of *table
	columns := 0
	out, last := "", -1
	for i := 0; i < len(tokens); i++ {
		text := tokens[i].Text(q.sql)
		value := fold(migrations.Unquote(text))
		if !migrations.Common(text) { // an index on what one request looked for
			return nil, ""
		}
		if strings.HasPrefix(text, "?") || strings.HasPrefix(text, ":") || strings.HasPrefix(text, "@") || strings.HasPrefix(text, "$") ||
			tokens[i].Is(q.sql, "SELECT") || strings.Contains(" now localtime utc auto subsec subsecond ", " "+strings.Trim(value, "'")+" ") {
			return nil, ""
		}
		if i+2 < len(tokens) && tokens[i+1].Text(q.sql) == "." {
			t := q.aliases[value]
			if t == nil {
				t = s.table(value)
			}
			if t == nil || of != nil && of != t {
				return nil, ""
			}
			of = t
			i++
			last = -1
			continue
		}
		if last >= 0 && tokens[i].Start > last {
			out += " "
		}
		out += text
		last = tokens[i].End
		if of == nil || of.column(value) >= 0 {
			columns++
		}
	}
	if of == nil {
		of = q.owner(s, tokens)
	}
	if of == nil || columns == 0 {
		return nil, ""
	}
	return of, out
}

// owner is the table of the query that has all the columns which are named without one.
func (q *query) owner(s *schema, tokens []migrations.Token) *table {
	var found *table
	for _, p := range q.tables(s) {
		has := false
		for i, t := range tokens {
			if i+1 < len(tokens) && tokens[i+1].Text(q.sql) == "(" || strings.HasPrefix(t.Text(q.sql), "'") {
				continue
			}
			has = has || p.column(migrations.Unquote(t.Text(q.sql))) >= 0
		}
		if has {
			if found != nil {
				return nil
			}
			found = p
		}
	}
	return found
}

// tables are those that the statement reads, by SQLite's word.
func (q *query) tables(s *schema) []*table {
	var list []*table
	for _, a := range q.actions {
		if t := s.table(a.Arg3); t != nil && !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	return list
}
