package rehearse

import (
	"slices"

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
	after := make(map[string]bool)
	for _, s := range d.steps {
		if s.planned.Origin.File == "" {
			continue // Towline's own
		}
		for _, a := range s.actions {
			switch a.Kind {
			case sqlite.DropTable, sqlite.DropVTable:
				add(DropsTable, a.Arg3, "")
				after[fold(a.Arg3)] = true
			case sqlite.Delete:
				if !sameName(a.Arg3, s.dropped) && !after[fold(a.Arg3)] {
					add(DeletesRows, a.Arg3, "")
				}
			case sqlite.Update:
				if !after[fold(a.Arg3)] && !s.alters() && d.had(a.Arg3, a.Arg4) {
					add(UpdatesRows, a.Arg3, "")
				}
			}
		}
	}
	for _, t := range d.shapeBefore.tables {
		now := d.shapeAfter.byName[fold(t.name)]
		if now == nil {
			continue
		}
		for _, c := range t.columns {
			if _, stays := now.column(c.name); !stays {
				add(DropsColumn, t.name, c.name)
			}
		}
	}
	return list
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
