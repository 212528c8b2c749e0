package rehearse

import (
	"slices"
	"strings"

	"towline/migrations/sqlite"
)

// Destruction is a change after which something that was there cannot be read any more from the database alone.
type Destruction struct {
	Kind  DestructionKind
	Table string // that was there before the release
	Name  string // of a column that is dropped
}

// DestructionKind says what a statement does to what was there.
type DestructionKind string

// The kinds of destruction. A table that is dropped and made again under its name counts as dropped: its rows depend on
// the copy.
const (
	DropsTable  DestructionKind = "drops table"
	DropsColumn DestructionKind = "drops column"
	DeletesRows DestructionKind = "deletes rows"
	UpdatesRows DestructionKind = "updates rows"
)

// destroys lists, from what SQLite's authorizer says of every statement, what the release destroys of the tables that
// were there before it. What triggers and foreign keys do is among it.
func (d *dryRun) destroys() []Destruction {
	var list []Destruction
	was := map[string]string{} // what a table was called before the release, by its name now; empty: it is a new one
	before := func(name string) string {
		if old, other := was[fold(name)]; other {
			return old
		}
		return name
	}
	add := func(kind DestructionKind, table, name string) {
		t := d.shapeBefore.byName[fold(table)]
		if t == nil || sameName(table, d.ledger) {
			return
		}
		one := Destruction{kind, t.name, name}
		if !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	for i := range d.steps {
		s := &d.steps[i]
		if s.planned.Origin.File == "" {
			continue // Towline's own
		}
		for _, a := range s.actions {
			switch a.Kind {
			case sqlite.DropTable, sqlite.DropVTable:
				add(DropsTable, before(a.Arg3), "")
				was[fold(a.Arg3)] = ""
			case sqlite.Delete:
				if !sameName(a.Arg3, s.dropped) {
					add(DeletesRows, before(a.Arg3), "")
				}
			case sqlite.Update:
				if !s.alters() && d.had(before(a.Arg3), a.Arg4) {
					add(UpdatesRows, before(a.Arg3), "")
				}
			}
		}
		s.calledOtherwise(was)
	}
	for _, t := range d.shapeBefore.tables {
		now := d.shapeAfter.byName[calledNow(was, fold(t.name))]
		if now == nil {
			continue
		}
		for i, c := range t.columns {
			if _, stays := now.column(c.name); !stays && !d.renamedColumn(t, now, i) {
				add(DropsColumn, t.name, c.name)
			}
		}
	}
	return list
}

// calledOtherwise follows a table that gets another name.
func (s *step) calledOtherwise(was map[string]string) {
	_, to, renames := strings.Cut(normalize(s.planned.SQL), " rename to ")
	i := slices.IndexFunc(s.actions, func(a sqlite.Action) bool { return a.Kind == sqlite.AlterTable })
	if !renames || i < 0 {
		return
	}
	from := fold(s.actions[i].Arg3)
	before, known := was[from]
	if !known {
		before = from
	}
	was[from], was[fold(strings.Trim(to, "\"`[]' ;"))] = "", before
}

// calledNow is a table's name afterwards; empty: it is gone.
func calledNow(was map[string]string, table string) string {
	for after, before := range was {
		if before == table {
			return after
		}
	}
	if _, taken := was[table]; taken {
		return ""
	}
	return table
}

// renamedColumn reports whether the table's column has another name afterwards. Renaming leaves columns in their places, and so does
// adding one; where the release drops a column, it cannot be told.
func (d *dryRun) renamedColumn(t, now *table, i int) bool {
	renames := false
	for _, s := range d.steps {
		if s.calls("sqlite_drop_column") {
			return false
		}
		renames = renames || s.calls("sqlite_rename_column")
	}
	if !renames || i >= len(now.columns) {
		return false
	}
	_, had := t.column(now.columns[i].name)
	return !had
}

func (s *step) calls(function string) bool {
	return slices.ContainsFunc(s.actions, func(a sqlite.Action) bool { return a.Kind == sqlite.Function && sameName(a.Arg4, function) })
}

// had reports whether a table had a column before the release. Values of a column that it did not have replace nothing.
func (d *dryRun) had(table, column string) bool {
	t := d.shapeBefore.byName[fold(table)]
	if t == nil {
		return false
	}
	_, ok := t.column(column)
	return ok
}

// alters reports whether the statement is an ALTER TABLE, which rewrites rows without changing what they say, but for a
// column that it drops.
func (s *step) alters() bool {
	return slices.ContainsFunc(s.actions, func(a sqlite.Action) bool { return a.Kind == sqlite.AlterTable })
}
