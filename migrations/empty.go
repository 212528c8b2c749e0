package migrations

import (
	"slices"
	"strconv"
)

// empty lists the statements that drop everything of two schemas, whichever of the two the database has: the one that
// was read, or the one that an earlier sending of the same reset left, which has a ledger in any case.
func empty(a, b schema, ledger string) []Planned {
	var list []Planned
	drop := func(what string, objects []Object) {
		for _, o := range objects {
			list = append(list, Planned{SQL: "DROP " + what + " IF EXISTS " + QuoteName(o.Name)})
		}
	}
	drop("TRIGGER", union(a.triggers, b.triggers))
	drop("VIEW", union(a.views, b.views))
	drop("TABLE", union(a.virtual, b.virtual))
	tables := union(union(a.tables, b.tables), []Object{{Type: "table", Name: ledger}})
	order, circular := dropOrder(tables, parents(slices.Concat(a.tables, b.tables)))
	var gone []string
	if len(circular) > 0 {
		var creates []Planned
		creates, gone = standIns(a.tables, b.tables)
		list = append(list, creates...)
	}
	for i, name := range circular {
		list = append(list, holdOff(name, i)...)
	}
	for _, name := range append(order, gone...) {
		list = append(list, Planned{SQL: "DROP TABLE IF EXISTS " + QuoteName(name)})
	}
	return list
}

// holdOff keeps foreign key actions away from the rows of a table until it is dropped. It is made first where it is
// missing, since a trigger needs a table.
func holdOff(table string, n int) []Planned {
	name, id := QuoteName(table), resetGuard+strconv.Itoa(n)
	return []Planned{
		{SQL: "CREATE TABLE IF NOT EXISTS " + name + " (x)"},
		{SQL: "CREATE TRIGGER " + QuoteName(id+"_delete") + " BEFORE DELETE ON " + name + " BEGIN SELECT RAISE(IGNORE); END"},
		{SQL: "CREATE TRIGGER " + QuoteName(id+"_update") + " BEFORE UPDATE ON " + name + " BEGIN SELECT RAISE(IGNORE); END"},
	}
}

// union is the objects of both lists, each name once.
func union(a, b []Object) []Object {
	var list []Object
	seen := make(map[string]bool)
	for _, o := range slices.Concat(a, b) {
		if !seen[Fold(o.Name)] {
			seen[Fold(o.Name)] = true
			list = append(list, o)
		}
	}
	return list
}

// parents maps the lower-case name of each table to those of the tables that its foreign keys name.
func parents(tables []Object) map[string][]string {
	m := make(map[string][]string)
	for _, o := range tables {
		for _, r := range references(o.SQL) {
			m[Fold(o.Name)] = append(m[Fold(o.Name)], Fold(r.parent))
		}
	}
	return m
}

// dropOrder puts children before parents. circular names the tables that refer to each other in a circle, or to
// themselves; within a circle any order will do.
func dropOrder(tables []Object, parents map[string][]string) (order, circular []string) {
	names := make(map[string]string, len(tables))
	left := make([]string, 0, len(tables))
	for _, o := range tables {
		names[Fold(o.Name)] = o.Name
		left = append(left, Fold(o.Name))
	}
	for len(left) > 0 {
		isParent := make(map[string]bool)
		for _, child := range left {
			for _, p := range parents[child] {
				isParent[p] = true
			}
		}
		var free, rest []string
		for _, t := range left {
			if isParent[t] {
				rest = append(rest, t)
			} else {
				free = append(free, t)
			}
		}
		if len(free) == 0 {
			// Every table that is left is a parent, so at least one circle is left. What merely hangs above it is
			// taken along: holding actions off does it no harm.
			for _, t := range rest {
				circular = append(circular, names[t])
			}
			free, rest = rest, nil
		}
		for _, t := range free {
			order = append(order, names[t])
		}
		left = rest
	}
	return order, circular
}
