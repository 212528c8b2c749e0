package rehearse

import (
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// touched are the tables whose rows the release may change: by name as they are afterwards, or before for those that go.
func (d *dryRun) touched() []string {
	var names []string
	add := func(name string) {
		if name != "" && !reserved(name) && !sameName(name, d.ledger) && !slices.ContainsFunc(names, func(n string) bool { return sameName(n, name) }) {
			names = append(names, name)
		}
	}
	made := make(map[string]bool)
	for _, s := range d.steps {
		for _, a := range s.actions {
			switch a.Kind {
			case sqlite.Insert, sqlite.Update, sqlite.Delete, sqlite.DropTable:
				add(a.Arg3)
			case sqlite.CreateTable:
				made[fold(a.Arg3)] = true
			}
		}
	}
	for _, t := range d.shapeAfter.tables {
		if d.shapeBefore.byName[fold(t.name)] == nil && !made[fold(t.name)] {
			add(t.name) // it had another name
		}
	}
	for _, t := range d.shapeBefore.tables {
		if d.shapeAfter.byName[fold(t.name)] == nil {
			add(t.name)
		}
	}
	kept := names[:0]
	for _, name := range names { // without tables that come and go, and shadow tables
		if d.shapeAfter.byName[fold(name)] != nil || d.shapeBefore.byName[fold(name)] != nil {
			kept = append(kept, name)
		}
	}
	slices.Sort(kept)
	return kept
}

// lost are the indexes and triggers that are gone although no statement drops them and their table is there: they went
// with a table of that name. One that is there under another name is not lost.
func (d *dryRun) lost() (indexes, triggers []string) {
	for _, o := range d.shapeBefore.objects {
		if o.Type != "index" && o.Type != "trigger" || d.shapeAfter.byName[fold(o.Table)] == nil || sameName(o.Table, d.ledger) {
			continue
		}
		if d.hasLike(o) || d.dropsByName(o) {
			continue
		}
		if o.Type == "index" {
			indexes = append(indexes, o.Name)
		} else {
			triggers = append(triggers, o.Name)
		}
	}
	return indexes, triggers
}

// hasLike reports whether the object is there afterwards, under its name or with its definition.
func (d *dryRun) hasLike(o migrations.Object) bool {
	return slices.ContainsFunc(d.shapeAfter.objects, func(p migrations.Object) bool {
		return p.Type == o.Type && (sameName(p.Name, o.Name) || sameName(p.Table, o.Table) && definition(p) == definition(o))
	})
}

// definition is what an object is, without its name.
func definition(o migrations.Object) string {
	words := normalize(o.SQL)
	head, rest, _ := strings.Cut(words, " "+normalize(quoteName(o.Name))+" ")
	return strings.ReplaceAll(head, " if not exists", "") + " " + rest
}

func (d *dryRun) dropsByName(o migrations.Object) bool {
	return slices.ContainsFunc(d.steps, func(s step) bool {
		return s.dropped == "" && slices.ContainsFunc(s.actions, func(a sqlite.Action) bool {
			return (a.Kind == sqlite.DropIndex || a.Kind == sqlite.DropTrigger) && sameName(a.Arg3, o.Name)
		})
	})
}
