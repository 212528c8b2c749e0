package advise

import (
	"context"
	"errors"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// query is a statement as it was read.
type query struct {
	sql     string
	actions []sqlite.Action
	lines   []sqlite.PlanLine
	seen    []profile
	spied   bool
	aliases map[string]*table // what the query calls its tables, folded
	// extremes are tables of which only the row with the least or greatest value is wanted. SQLite says SEARCH of these, without an index too.
	extremes map[*table]bool
	limit    float64
	listed   float64 // how many values the longest IN (...) lists
	skips    bool
	unsaid   bool // how many rows it skips is a parameter
	named    bool // it names the index that it wants
}

// read prepares the statement. refused is why it cannot be tried.
func (a *Advisor) read(ctx context.Context, q Query) (_ *query, refused string, err error) {
	sql := strings.TrimSpace(q.SQL)
	actions, err := a.conn.Prepare(ctx, sql)
	if err == nil && !asks(actions) {
		return nil, "it is no query and no change of rows", nil
	}
	var lines []sqlite.PlanLine
	if err == nil {
		lines, err = a.conn.Plan(ctx, sql)
	}
	if err != nil {
		if refusal, ok := errors.AsType[*sqlite.Error](err); ok {
			return nil, refusal.Message, nil
		}
		return nil, "", err
	}
	r := &query{sql: sql, actions: actions, lines: lines, extremes: map[*table]bool{}}
	r.alias(a.schema)
	for _, l := range lines {
		if found, ok := readLoop(l.Detail); ok && found.search && !found.key && !found.automatic && len(found.terms) == 0 {
			if t := a.table(r, found, nil); t != nil {
				r.extremes[t] = true
			}
		}
	}
	end := topLimit(sql)
	r.limit, r.skips, r.unsaid = end.rows, end.skips, end.unsaid
	if end.param {
		r.limit = q.Returned
	}
	if r.limit > 0 {
		r.limit += end.skipped
	}
	r.listed = longestList(sql)
	if r.groups() {
		r.limit = 0
	}
	if r.seen, err = a.mirror.look(ctx, spyable(sql)); err != nil && ctx.Err() == nil {
		if other := selection(sql); other != "" {
			r.seen, err = a.mirror.look(ctx, other)
		}
	}
	if err != nil && ctx.Err() != nil {
		return nil, "", ctx.Err()
	}
	r.spied = err == nil
	return r, "", nil
}

// asks reports whether a statement only asks for rows, or changes some.
func asks(actions []sqlite.Action) bool {
	rows := false
	for _, a := range actions {
		switch a.Kind {
		case sqlite.Select, sqlite.Insert, sqlite.Update, sqlite.Delete:
			rows = true
		case sqlite.Read, sqlite.Function, sqlite.Recursive:
		default:
			return false
		}
		if strings.EqualFold(a.Arg3, "sqlite_master") && a.Kind != sqlite.Read {
			return false
		}
	}
	return rows
}

// spyable is the statement in a form that virtual tables take: without RETURNING and ON CONFLICT, which look for nothing.
func spyable(sql string) string {
	depth := 0
	list := words(sql)
	for i, t := range list {
		switch text := t.Text(sql); {
		case text == "(":
			depth++
		case text == ")":
			depth--
		case depth > 0:
		case t.Is(sql, "RETURNING"), t.Is(sql, "ON") && i+1 < len(list) && list[i+1].Is(sql, "CONFLICT"):
			return sql[:t.Start]
		}
	}
	return sql
}

// selection is an UPDATE or DELETE with LIMIT, which virtual tables do not take, as the SELECT of its rows; "" where it is none.
func selection(sql string) string {
	list := words(spyable(sql))
	if len(list) < 3 || !list[0].Is(sql, "UPDATE", "DELETE") {
		return ""
	}
	from, depth := 1, 0
	if list[1].Is(sql, "FROM") {
		from = 2
	}
	target := ""
	for _, t := range list[from:] {
		switch text := t.Text(sql); {
		case text == "(":
			depth++
		case text == ")":
			depth--
		case depth == 0 && target == "" && t.Is(sql, "SET", "WHERE", "ORDER", "LIMIT"):
			target = sql[list[from].Start:t.Start]
			if t.Is(sql, "SET") {
				continue
			}
			return "SELECT 1 FROM " + target + spyable(sql)[t.Start:]
		case depth == 0 && target != "" && t.Is(sql, "WHERE", "ORDER", "LIMIT"):
			return "SELECT 1 FROM " + target + spyable(sql)[t.Start:]
		}
	}
	return ""
}

// longestList is how many values the longest IN (...) has; 0 where there is none.
func longestList(sql string) float64 {
	most := 0
	list := words(sql)
	for i, t := range list {
		if !t.Is(sql, "IN") || i+2 >= len(list) || list[i+1].Text(sql) != "(" || list[i+2].Is(sql, "SELECT", "WITH", "VALUES") {
			continue
		}
		end := closing(sql, list, i+1)
		if end < 0 {
			continue
		}
		n := 1
		for _, inside := range list[i+2 : end] {
			if inside.Text(sql) == "," {
				n++
			}
		}
		most = max(most, n)
	}
	return float64(most)
}

// groups reports whether rows are put together, so that a LIMIT says nothing about how many are read.
func (q *query) groups() bool {
	return slices.ContainsFunc(q.actions, func(a sqlite.Action) bool {
		if a.Kind != sqlite.Function {
			return false
		}
		switch fold(a.Arg4) {
		case "count", "sum", "total", "avg", "group_concat", "string_agg", "json_group_array", "json_group_object", "min", "max",
			"row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "first_value", "last_value", "nth_value":
			return true
		}
		return false
	})
}

// alias finds out what the query calls its tables: the word behind a table's name, with AS or without.
func (q *query) alias(s *schema) {
	q.aliases = map[string]*table{}
	list := words(q.sql)
	for i, t := range list {
		if t.Is(q.sql, "INDEXED") {
			q.named = true
		}
		table := s.table(migrations.Unquote(t.Text(q.sql)))
		if table == nil || i > 0 && list[i-1].Text(q.sql) == "." && i > 1 && fold(migrations.Unquote(list[i-2].Text(q.sql))) != "main" {
			continue
		}
		next := i + 1
		if next < len(list) && list[next].Is(q.sql, "AS") {
			next++
		}
		if next >= len(list) {
			continue
		}
		word := list[next].Text(q.sql)
		if plain(word) || word != migrations.Unquote(word) {
			q.aliases[fold(migrations.Unquote(word))] = table
		}
	}
}

// table is the one that a line of a plan reads; nil where it is none of the schema's.
func (a *Advisor) table(q *query, l loop, extra []*index) *table {
	for _, i := range extra {
		if strings.EqualFold(i.name, l.index) {
			return a.schema.table(i.table)
		}
	}
	if i := a.schema.indexes[fold(l.index)]; i != nil {
		return a.schema.table(i.table)
	}
	if t := q.aliases[fold(l.name)]; t != nil {
		return t
	}
	return a.schema.table(l.name)
}

// conditions are those on a table that all of its rows have to meet: what SQLite offered first, before it looked into an OR.
func (q *query) conditions(t *table) []term {
	for _, p := range q.seen {
		if p.table == t {
			return p.terms
		}
	}
	return nil
}

// fixed is the value that the query's text pins a column to, as SQL; "" where it is none, or not always the same.
func (q *query) fixed(t *table, column string) string {
	value, col := "", t.column(column)
	for _, p := range q.seen {
		if p.table != t {
			continue
		}
		for _, term := range p.terms {
			if term.column != col || !term.equal() {
				continue
			}
			if term.literal == "" || term.in || value != "" && value != term.literal {
				return ""
			}
			value = term.literal
		}
	}
	return value
}
