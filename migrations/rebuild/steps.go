package rebuild

import (
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
)

// scratchNames are the names of what exists only inside the transaction.
type scratchNames struct{ failed, before, copy, guard string }

func (g *generator) chooseNames() {
	base := "rebuild_of_" + g.table
	for n := 2; ; n++ {
		g.names = scratchNames{base + "_failed", base + "_before", base + "_copy", base + "_guards_"}
		taken := slices.ContainsFunc(g.was.objects, func(o migrations.Object) bool {
			return has([]string{g.names.failed, g.names.before, g.names.copy}, o.Name) ||
				strings.HasPrefix(fold(o.Name), fold(g.names.guard))
		})
		if !taken {
			return
		}
		base = fmt.Sprintf("rebuild_%d_of_%s", n, g.table)
	}
}

func (g *generator) add(format string, args ...any) {
	g.steps = append(g.steps, fmt.Sprintf(format, args...))
}

// write lists the statements.
func (g *generator) write() {
	g.collectFacts()
	g.add("PRAGMA defer_foreign_keys = ON")
	g.steps = append(g.steps, g.renames...)
	g.writeBefore()
	g.writeGuards()
	g.writeCopy()
	g.assertValues()
	g.add("DROP TABLE %s", quote(g.names.copy))
	for _, name := range g.guards() {
		g.add("DROP TRIGGER %s", quote(name))
	}
	g.writeSequence()
	g.writeObjects()
	g.writeAsserts()
	g.add("DROP TABLE %s", quote(g.names.before))
	g.add("DROP TABLE %s", quote(g.names.failed))
}

// writeGuards drops the triggers that could come before the guards, and creates these: a RAISE(IGNORE) leaves a row as
// it is when the DROP of its parent would delete or change it. A guard on the table itself keeps the DROP from walking
// down a tree of rows, which D1 allows for ten levels only; it goes with the table.
func (g *generator) writeGuards() {
	for _, c := range g.children {
		for _, o := range c.before {
			g.add("DROP TRIGGER %s", quote(o.Name))
		}
	}
	for _, c := range g.children {
		if c.cascades() {
			g.add("CREATE TRIGGER %s BEFORE DELETE ON %s BEGIN SELECT RAISE(IGNORE); END", quote(g.deleteGuard(c)), quote(c.table.name))
		}
		if len(c.resets) > 0 {
			g.add("CREATE TRIGGER %s BEFORE UPDATE OF %s ON %s BEGIN SELECT RAISE(IGNORE); END",
				quote(g.updateGuard(c)), quoteAll(c.resets), quote(c.table.name))
		}
	}
}

func (g *generator) deleteGuard(c child) string { return g.names.guard + "delete_of_" + c.table.name }
func (g *generator) updateGuard(c child) string { return g.names.guard + "update_of_" + c.table.name }

// guards names the guards that are still there after the DROP TABLE.
func (g *generator) guards() []string {
	var names []string
	for _, c := range g.children {
		if c.cascades() && !c.self {
			names = append(names, g.deleteGuard(c))
		}
		if len(c.resets) > 0 && !c.self {
			names = append(names, g.updateGuard(c))
		}
	}
	return names
}

// writeCopy copies the rows out, makes the table anew under its own name and copies them back. The copy has columns
// without types, so that it holds every value as it is.
func (g *generator) writeCopy() {
	held, from, to := g.moves.old(), g.moves.old(), g.moves.new()
	columns := quoteAll(held)
	if id := g.keptRowID(); id != "" {
		columns = quote(g.copyID()) + " INTEGER PRIMARY KEY, " + columns
		held = append([]string{g.copyID()}, held...)
		from = append([]string{id}, from...)
		to = append([]string{g.rowIDTarget()}, to...)
	}
	g.add("CREATE TABLE %s(%s)", quote(g.names.copy), columns)
	g.add("INSERT INTO %s(%s)\n  SELECT %s FROM %s", quote(g.names.copy), quoteAll(held), quoteAll(from), quote(g.table))
	for _, o := range left(g.was.objects, g.table, g.o.Leave) {
		g.add("DROP %s %s", strings.ToUpper(o.Type), quote(o.Name)) // by name, so that a reader sees that it is meant to go
	}
	g.add("DROP TABLE %s", quote(g.table))
	g.add("%s", g.new.sql)
	for _, o := range g.indexes() {
		if g.isEarly(o) {
			g.add("%s", o.SQL)
		}
	}
	g.add("INSERT INTO %s(%s)\n  SELECT %s FROM %s", quote(g.table), quoteAll(to), quoteAll(held), quote(g.names.copy))
}

// keptRowID is the name by which rowids are read and written back, where no column of the copy is the rowid anyway.
func (g *generator) keptRowID() string {
	if id := g.new.rowIDColumn(); id != "" && has(g.moves.new(), id) {
		return ""
	}
	return g.sharedRowID()
}

// rowIDTarget is where kept rowids go: into a new INTEGER PRIMARY KEY, if there is one.
func (g *generator) rowIDTarget() string {
	if id := g.new.rowIDColumn(); id != "" {
		return id
	}
	return g.sharedRowID()
}

// copyID is the column of the copy that holds the rowids.
func (g *generator) copyID() string {
	name := "rebuild_rowid"
	for has(g.moves.old(), name) {
		name += "_"
	}
	return name
}

// indexes lists those of the table that are made again.
func (g *generator) indexes() []migrations.Object {
	return g.again("index")
}

func (g *generator) again(kind string) []migrations.Object {
	var list []migrations.Object
	for _, o := range g.was.of(kind, g.table) {
		if !has(g.o.Leave, o.Name) {
			list = append(list, canonical(o))
		}
	}
	for _, o := range g.o.restore {
		if o.Type == kind {
			list = append(list, canonical(o))
		}
	}
	return list
}

// canonical has the text as it is safe to send through D1's REST interface (see migrations.Canonical).
func canonical(o migrations.Object) migrations.Object {
	o.SQL = migrations.Canonical(migrations.Statement{SQL: o.SQL})
	return o
}

// isEarly reports whether an index has to be there before the rows: because children refer to it as a key, or because
// the table refers to itself, when each row that comes back looks for its children among the others.
func (g *generator) isEarly(o migrations.Object) bool {
	if slices.ContainsFunc(g.new.keys, func(k foreignKey) bool { return same(k.parent, g.table) }) {
		return true
	}
	for _, u := range g.old.uniques {
		if !same(u.index, o.Name) || !g.early(u) {
			continue
		}
		for _, c := range g.children {
			if slices.ContainsFunc(c.keys, func(k foreignKey) bool { return sameSet(k.to, u.columns) }) {
				return true
			}
		}
	}
	return false
}

// writeSequence puts the counter of AUTOINCREMENT back, which went with the table: it may be above every id that is left.
func (g *generator) writeSequence() {
	if !g.keepsSequence() {
		return
	}
	last := g.earlier(sequenceFact)
	g.add("DELETE FROM sqlite_sequence WHERE name = %s", literal(g.new.name))
	g.add("INSERT INTO sqlite_sequence(name, seq) SELECT %s, %s WHERE %s > 0", literal(g.new.name), last, last)
}

func (g *generator) keepsSequence() bool { return g.old.autoincrement && g.new.autoincrement }

// writeObjects makes indexes and triggers again, oldest first, and fills full-text indexes.
func (g *generator) writeObjects() {
	for _, o := range g.indexes() {
		if !g.isEarly(o) {
			g.add("%s", o.SQL)
		}
	}
	for _, o := range g.again("trigger") {
		g.add("%s", o.SQL)
	}
	for _, c := range g.children {
		for _, o := range c.before {
			if !c.self {
				g.add("%s", canonical(o).SQL)
			}
		}
	}
	for _, name := range g.fulltext {
		g.add("INSERT INTO %s(%s) VALUES ('rebuild')", quote(name), quote(name))
	}
}

// header says what the file does. It has no quotes and no semicolons.
func (g *generator) header() string {
	lines := []string{
		"Rebuild of " + g.table + ": its rows are copied out, the table is dropped and created under its own name,",
		"and the rows are copied back, in one transaction. Do not take statements out or change their order.",
	}
	for _, c := range g.children {
		if c.guarded() && !c.self {
			var what []string
			for _, k := range c.keys {
				if k.resets() || k.onDelete == "CASCADE" {
					what = append(what, strings.Join(k.from, ", ")+" "+k.describe())
				}
			}
			lines = append(lines, "Guarded: "+c.table.name+" ("+strings.Join(what, ", ")+"), which the DROP would change.")
		}
	}
	lines = append(lines, g.warnings...)
	lines = append(lines, "If anything is not as it was, NOT NULL constraint failed: "+g.names.failed+".what undoes everything.")
	var b strings.Builder
	for _, line := range lines {
		b.WriteString("-- " + plain(line) + "\n")
	}
	return b.String()
}
