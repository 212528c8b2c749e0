package advise

import (
	"context"
	"slices"
	"strings"

	"towline/migrations/sqlite"
)

// lookups suggests indexes for foreign keys of children: for every row that a DELETE takes from the parent, and every referenced value that
// an UPDATE changes, SQLite looks for the rows of the child, and without an index reads all of them. No plan shows that, but
// D1 counts the rows; the plan of the same look-up is tried in its place.
func (a *Advisor) lookups(ctx context.Context, q *query, base float64) ([]Suggestion, error) {
	var list []Suggestion
	for _, child := range a.schema.children(q) {
		i := &index{table: child.table.name}
		var where []string
		for _, from := range child.key.from {
			i.terms = append(i.terms, indexed{column: from})
			where = append(where, bare(from)+" = ?")
		}
		look := &query{sql: "SELECT 1 FROM " + bare(child.table.name) + " WHERE " + strings.Join(where, " AND "), spied: true}
		lines, err := a.conn.Plan(ctx, look.sql)
		if err != nil {
			return nil, err
		}
		if l, ok := readLoop(lines[0].Detail); !ok || l.search {
			continue
		}
		before, _ := a.weigh(ctx, look, tree(lines), nil)
		a.christen([]*index{i})
		t, err := a.try(ctx, look, i)
		if err != nil {
			return nil, err
		}
		if len(t.indexes) == 0 || t.reads > before*worth {
			continue
		}
		s := a.suggestion(t)
		s.Lookup = show(lines)
		s.Reads = base + t.reads
		list = append(list, s)
	}
	return list, nil
}

// child is a table whose foreign key leads to a row that goes.
type child struct {
	table *table
	key   foreignKey
}

// children are the foreign keys that a statement makes SQLite look for.
func (s *schema) children(q *query) []child {
	var list []child
	for _, t := range s.sorted() {
		for _, k := range t.keys {
			parent := s.table(k.parent)
			if parent == nil {
				continue
			}
			to := k.to
			if len(to) == 0 {
				to = parent.primary
			}
			if slices.ContainsFunc(q.actions, func(a sqlite.Action) bool {
				if a.Inner != "" || !strings.EqualFold(a.Arg3, parent.name) {
					return false
				}
				return a.Kind == sqlite.Delete || a.Kind == sqlite.Update && slices.ContainsFunc(to, func(c string) bool { return strings.EqualFold(c, a.Arg4) })
			}) {
				list = append(list, child{t, k})
			}
		}
	}
	return list
}

// sorted are the tables by name.
func (s *schema) sorted() []*table {
	var list []*table
	for _, t := range s.tables {
		list = append(list, t)
	}
	slices.SortFunc(list, func(x, y *table) int { return strings.Compare(x.name, y.name) })
	return list
}
