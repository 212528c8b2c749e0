package rebuild

import (
	"fmt"
	"strings"

	"towline/migrations"
)

// fact is a number that the rebuild must not change for the worse.
type fact struct {
	what  string // its name, which is the column of the assertion table too
	query string // for one number
	has   demand
}

// demand is what has to be true of a fact afterwards.
type demand int

const (
	equal  demand = iota // it is what it was before
	atMost               // it is no more
	none                 // it is zero, whatever it was
)

// The names of facts and assertions that stand for themselves.
const (
	sequenceFact = "counter of AUTOINCREMENT"
	valuesFact   = "values"
	objectsFact  = "indexes and triggers"
	scratchFact  = "guards"
	manyFacts    = "rows of children"
)

// maxFacts keeps the assertion table below D1's 100 columns. More facts share one.
const maxFacts = 80

func (g *generator) collectFacts() {
	g.fact("rows of "+g.table, "SELECT count(*) FROM "+quote(g.table), equal)
	if g.keepsSequence() {
		g.fact(sequenceFact, "SELECT coalesce(sum(seq), 0) FROM sqlite_sequence WHERE name = "+literal(g.old.name)+" COLLATE NOCASE", equal)
	}
	for _, c := range g.children {
		if !c.self {
			g.childFacts(c)
		}
	}
	if len(g.old.keys) > 0 || len(g.new.keys) > 0 {
		// Rows that were orphans before count as new ones when they come back, and D1 would refuse the commit without a name.
		g.fact("orphans in "+g.table, orphans(g.table), none)
	}
}

func (g *generator) fact(what, query string, has demand) {
	g.facts = append(g.facts, fact{what, query, has})
}

// childFacts counts what the action of each foreign key would change.
func (g *generator) childFacts(c child) {
	from := " FROM " + quote(c.table.name)
	if c.guarded() {
		g.fact("rows of "+c.table.name, "SELECT count(*)"+from, equal)
	}
	for _, name := range c.resets {
		g.fact(c.table.name+"."+name, "SELECT count("+quote(name)+")"+from, equal)
		if col, _ := c.table.column(name); col.fallback != "" && !same(col.fallback, "NULL") {
			g.fact(c.table.name+"."+name+" at its default",
				"SELECT count(*)"+from+" WHERE "+quote(name)+" IS ("+col.fallback+")", equal)
		}
	}
	g.fact("orphans in "+c.table.name, orphans(c.table.name), atMost)
}

func orphans(table string) string {
	return "SELECT count(*) FROM pragma_foreign_key_check(" + literal(table) + ")"
}

// writeBefore makes the table of assertions, whose columns take no NULL, and writes down what there is.
func (g *generator) writeBefore() {
	columns := []string{valuesFact, objectsFact, scratchFact}
	for _, f := range g.facts {
		if name := g.columnOf(f.what); !has(columns, name) {
			columns = append(columns, name)
		}
	}
	for i, name := range columns {
		columns[i] = quote(name) + " INTEGER NOT NULL DEFAULT 1"
	}
	g.add("CREATE TABLE %s(\n  %s\n)", quote(g.names.failed), strings.Join(columns, ",\n  "))
	g.add("CREATE TABLE %s(what TEXT PRIMARY KEY, n INTEGER)", quote(g.names.before))
	rows := make([]string, len(g.facts))
	for i, f := range g.facts {
		rows[i] = "(" + literal(f.what) + ", (" + f.query + "))"
	}
	g.add("INSERT INTO %s(what, n) VALUES\n  %s", quote(g.names.before), strings.Join(rows, ",\n  "))
}

// columnOf is the column of the assertion table for a fact.
func (g *generator) columnOf(what string) string {
	for i, f := range g.facts {
		if f.what == what && i >= maxFacts {
			return manyFacts
		}
	}
	return what
}

// earlier is the query for what a fact was before.
func (g *generator) earlier(what string) string {
	return "(SELECT n FROM " + quote(g.names.before) + " WHERE what = " + literal(what) + ")"
}

// fails adds an assertion: where the condition holds, the column gets a NULL, and the whole transaction fails with the
// column's name. Nothing else can be switched off so little: PRAGMA ignore_check_constraints is about CHECK alone.
func (g *generator) fails(column, condition string) {
	g.add("INSERT INTO %s(%s) SELECT NULL\n  WHERE %s", quote(g.names.failed), quote(column), condition)
}

// assertValues holds the copied rows against the table, while the copy is there. Rows are found by what both have as a
// key; without one, only filled cells are counted.
func (g *generator) assertValues() {
	var ours, theirs []string
	for _, p := range g.moves.kept {
		if affinity(p.old.kind, g.old.strict) == affinity(p.new.kind, g.new.strict) {
			ours = append(ours, "o."+quote(p.old.name))
			theirs = append(theirs, "n."+quote(p.new.name))
		}
	}
	match := g.match()
	if match == "" || len(ours) == 0 {
		g.assertCells()
		return
	}
	g.fails(valuesFact, fmt.Sprintf("EXISTS (SELECT 1 FROM %s o LEFT JOIN %s n ON %s\n    WHERE (%s) IS NOT (%s))",
		quote(g.names.copy), quote(g.table), match, strings.Join(ours, ", "), strings.Join(theirs, ", ")))
}

// match joins o, the copy, with n, the table; empty if there is no key that both have.
func (g *generator) match() string {
	if g.keptRowID() != "" {
		return "n." + quote(g.rowIDTarget()) + " = o." + quote(g.copyID())
	}
	if id := g.new.rowIDColumn(); id != "" && has(g.moves.new(), id) && same(g.old.rowIDColumn(), id) {
		return "n." + quote(id) + " = o." + quote(id)
	}
	key := g.new.primaryKey()
	if !g.new.withoutRowID || !g.old.withoutRowID || !sameSet(key, g.old.primaryKey()) {
		return ""
	}
	var parts []string
	for _, name := range key {
		parts = append(parts, "n."+quote(name)+" = o."+quote(name))
	}
	return strings.Join(parts, " AND ")
}

// assertCells counts the cells that are not NULL, column by column.
func (g *generator) assertCells() {
	var ours, theirs []string
	for _, p := range g.moves.kept {
		ours = append(ours, "count("+quote(p.old.name)+")")
		theirs = append(theirs, "count("+quote(p.new.name)+")")
	}
	g.fails(valuesFact, fmt.Sprintf("(SELECT %s FROM %s)\n    IS NOT (SELECT %s FROM %s)",
		strings.Join(ours, ", "), quote(g.names.copy), strings.Join(theirs, ", "), quote(g.table)))
}

// writeAsserts holds everything else against what was there.
func (g *generator) writeAsserts() {
	for _, f := range g.facts {
		condition := "(" + f.query + ")"
		switch f.has {
		case equal:
			condition += " IS NOT " + g.earlier(f.what)
		case atMost:
			condition += " > " + g.earlier(f.what)
		case none:
			condition += " > 0"
		}
		g.fails(g.columnOf(f.what), condition)
	}
	if names := g.madeAgain(); len(names) > 0 {
		g.fails(objectsFact, fmt.Sprintf("(SELECT count(*) FROM sqlite_master WHERE type IN ('index', 'trigger') AND name IN (%s)) <> %d",
			literals(names), len(names)))
	}
	g.fails(scratchFact, "EXISTS (SELECT 1 FROM sqlite_master WHERE name IN ("+literals(append(g.guards(), g.names.copy))+"))")
}

// madeAgain names the indexes and triggers that have to be there at the end.
func (g *generator) madeAgain() []string {
	var names []string
	list := append(g.again("index"), g.again("trigger")...)
	for _, c := range g.children {
		if !c.self {
			list = append(list, c.before...)
		}
	}
	for _, o := range list {
		names = append(names, o.Name)
	}
	return names
}

// objectText is how an object is compared: as it would be sent.
func objectText(o migrations.Object) string { return canonical(o).SQL }
