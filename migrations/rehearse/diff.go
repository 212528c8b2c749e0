package rehearse

import (
	"fmt"
	"slices"

	"towline/migrations"
)

// Diff is what a release changes in the schema. The ledger table, shadow tables and what SQLite keeps are left out. A
// table that gets another name is one removed and one added.
type Diff struct {
	TablesAdded, TablesRemoved []string // virtual tables among them
	// ColumnsAdded and ColumnsRemoved are those of tables that stay; the columns of a table removed go with it.
	ColumnsAdded, ColumnsRemoved []Column
	// Other changes are lines such as "index users_email removed" and "column users.age changed: ...".
	Other []string
}

// Column is a column of a table.
type Column struct{ Table, Name string }

// Empty reports whether nothing changes.
func (d Diff) Empty() bool {
	return len(d.TablesAdded)+len(d.TablesRemoved)+len(d.ColumnsAdded)+len(d.ColumnsRemoved)+len(d.Other) == 0
}

func diff(before, after *shape, ledger string) Diff {
	var d Diff
	for _, t := range before.tables {
		switch now := after.byName[fold(t.name)]; {
		case sameName(t.name, ledger):
		case now == nil:
			d.TablesRemoved = append(d.TablesRemoved, t.name)
		default:
			d.table(t, now)
		}
	}
	for _, t := range after.tables {
		if before.byName[fold(t.name)] == nil && !sameName(t.name, ledger) {
			d.TablesAdded = append(d.TablesAdded, t.name)
		}
	}
	d.others(before, after, ledger)
	return d
}

// table compares a table with itself after the release.
func (d *Diff) table(was, is *table) {
	changes := len(d.ColumnsAdded) + len(d.ColumnsRemoved) + len(d.Other)
	for _, col := range was.columns {
		switch now, ok := is.column(col.name); {
		case !ok:
			d.ColumnsRemoved = append(d.ColumnsRemoved, Column{was.name, col.name})
		case now.definition() != col.definition():
			d.Other = append(d.Other, fmt.Sprintf("column %s.%s changed: %s; before: %s", was.name, col.name, now.definition(), col.definition()))
		}
	}
	for _, col := range is.columns {
		if _, ok := was.column(col.name); !ok {
			d.ColumnsAdded = append(d.ColumnsAdded, Column{is.name, col.name})
		}
	}
	if changes == len(d.ColumnsAdded)+len(d.ColumnsRemoved)+len(d.Other) && normalize(was.sql) != normalize(is.sql) {
		d.Other = append(d.Other, fmt.Sprintf("table %s changed", was.name))
	}
}

// others compares indexes, triggers and views.
func (d *Diff) others(before, after *shape, ledger string) {
	was, is := before.named(ledger), after.named(ledger)
	var names []string
	for name := range was {
		names = append(names, name)
	}
	for name := range is {
		if _, ok := was[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		old, had := was[name]
		now, has := is[name]
		switch {
		case !has:
			d.Other = append(d.Other, old.Type+" "+old.Name+" removed")
		case !had:
			d.Other = append(d.Other, now.Type+" "+now.Name+" added")
		case normalize(old.SQL) != normalize(now.SQL) || old.Type != now.Type || !sameName(old.Table, now.Table):
			d.Other = append(d.Other, now.Type+" "+now.Name+" changed")
		}
	}
}

// named are the indexes, triggers and views by name.
func (s *shape) named(ledger string) map[string]migrations.Object {
	m := make(map[string]migrations.Object)
	for _, o := range s.objects {
		if o.Type != "table" && !sameName(o.Table, ledger) {
			m[o.Type+" "+fold(o.Name)] = o
		}
	}
	return m
}
