package rehearse

import (
	"context"
	"slices"
	"strings"

	"towline/migrations/sqlite"
)

// inspect looks at a DROP TABLE before it is carried out: whom the authorizer names, and who refers to the table.
func (s *step) inspect(ctx context.Context, c *sqlite.Conn) error {
	if !strings.HasPrefix(normalize(s.planned.SQL), "drop table ") {
		return nil
	}
	actions, err := c.Prepare(ctx, s.planned.SQL)
	if err != nil {
		return nil // Exec will refuse it in the same words
	}
	s.dropped = droppedTable(actions)
	if s.dropped == "" {
		return nil
	}
	now, err := readShape(ctx, c)
	if err != nil {
		return err
	}
	s.children = now.childrenOf(s.dropped)
	for _, a := range actions {
		if reserved(a.Arg3) || sameName(a.Arg3, s.dropped) {
			continue
		}
		switch a.Kind {
		case sqlite.Delete:
			s.suspect(suspect{table: a.Arg3, column: columnsOf(s.children, a.Arg3), kind: RowsDeleted, guarded: now.guarded(a.Arg3, "delete")})
		case sqlite.Update:
			s.suspect(suspect{table: a.Arg3, column: a.Arg4, kind: now.updateKind(a.Arg3, a.Arg4), guarded: now.guarded(a.Arg3, "update")})
		}
	}
	return nil
}

func (s *step) suspect(x suspect) {
	if !slices.Contains(s.suspects, x) {
		s.suspects = append(s.suspects, x)
	}
}

// columnsOf names the columns with which one of the children refers to its parent.
func columnsOf(children []child, table string) string {
	var columns []string
	for _, c := range children {
		if sameName(c.table, table) {
			columns = append(columns, strings.Join(c.columns, ", "))
		}
	}
	return strings.Join(columns, ", ")
}

// childrenOf are the other tables with a foreign key to a table.
func (s *shape) childrenOf(parent string) []child {
	var list []child
	for _, t := range s.tables {
		for _, k := range t.keys {
			if sameName(k.parent, parent) && !sameName(t.name, parent) {
				list = append(list, child{t.name, k.from})
			}
		}
	}
	return list
}

func droppedTable(actions []sqlite.Action) string {
	for _, a := range actions {
		if a.Kind == sqlite.DropTable && a.Inner == "" {
			return a.Arg3
		}
	}
	return ""
}

// updateKind says what ON DELETE does to a column.
func (s *shape) updateKind(table, col string) Kind {
	t := s.byName[fold(table)]
	if t == nil {
		return SetToNull
	}
	for _, k := range t.keys {
		for _, from := range k.from {
			if sameName(from, col) && k.onDelete == "SET DEFAULT" {
				return SetDefault
			}
		}
	}
	return SetToNull
}

// guarded reports whether a BEFORE trigger of the table ignores every change of this kind, "delete" or "update". On the
// copy with rows it is seen whether it really does; this is for where there are none.
func (s *shape) guarded(table, change string) bool {
	for _, o := range s.objects {
		if o.Type != "trigger" || !sameName(o.Table, table) {
			continue
		}
		sql := normalize(o.SQL)
		if strings.Contains(sql, " before "+change+" o") && strings.Contains(sql, "begin select raise ( ignore )") &&
			!strings.Contains(sql, " when ") {
			return true
		}
	}
	return false
}
