package advise

import (
	"context"
	"slices"
	"strings"

	"towline/migrations/sqlite"
)

// lookups suggests indexes for foreign keys of children: for every row that a DELETE takes from the parent, and every referenced value that
// an UPDATE changes, SQLite looks for the rows of the child, and without an index reads all of them. The statement's own plan shows that only
// where the key acts (ON DELETE CASCADE, SET NULL); D1 counts the rows in any case. Where it is not shown, the plan of the same look-up is
// tried in its place.
func (a *Advisor) lookups(ctx context.Context, q *query, base float64) ([]Suggestion, error) {
	var list []Suggestion
	hidden := map[int]float64{} // what look-ups read that the plan does not show, by suggestion
	all := 0.0
	for _, child := range a.schema.children(q) {
		s, reads, err := a.lookup(ctx, q, child)
		if err != nil {
			return nil, err
		}
		if len(s.Lookup) > 0 {
			all += reads
		}
		if len(s.Indexes) > 0 {
			if len(s.Lookup) > 0 {
				hidden[len(list)] = reads
				s.Reads += base
			}
			list = append(list, s)
		}
	}
	for i := range list {
		list[i].Reads += all - hidden[i]
	}
	return list, nil
}

// lookup tries an index for one key. s has no index where the key has one, or none helps; reads is what the look-up reads now.
func (a *Advisor) lookup(ctx context.Context, q *query, child child) (s Suggestion, reads float64, err error) {
	i := &index{table: child.table.name}
	var where []string
	for _, from := range child.key.from {
		i.terms = append(i.terms, indexed{column: from})
		where = append(where, bare(from)+" = ?")
	}
	look := &query{sql: "SELECT 1 FROM " + bare(child.table.name) + " WHERE " + strings.Join(where, " AND "), spied: true}
	lines, err := a.conn.Plan(ctx, look.sql)
	if err != nil {
		return s, 0, err
	}
	before, _ := a.weigh(ctx, look, tree(lines), nil)
	if len(lines) == 0 {
		return s, 0, nil
	}
	if l, ok := readLoop(lines[0].Detail); !ok || l.search {
		return s, before, nil
	}
	a.christen([]*index{i})
	t, err := a.try(ctx, look, i)
	if err != nil || len(t.indexes) == 0 || t.reads > before*worth {
		return s, before, err
	}
	if !a.shows(q, child.table) {
		s = a.suggestion(t)
		s.Lookup = show(lines)
		return s, before, nil
	}
	if t, err = a.try(ctx, q, i); err != nil || len(t.indexes) == 0 {
		return s, before, err
	}
	return a.suggestion(t), before, nil
}

// shows reports whether the statement's own plan reads a table.
func (a *Advisor) shows(q *query, t *table) bool {
	return slices.ContainsFunc(q.lines, func(line sqlite.PlanLine) bool {
		l, ok := readLoop(line.Detail)
		return ok && a.table(q, l, nil) == t
	})
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
