package rebuild

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// columns says what becomes of each column of the old table.
type columns struct {
	kept    []pair
	added   []column // of the new table; generated ones are left out, they fill themselves
	dropped []column // of the old table
}

// pair is a column of both tables.
type pair struct{ old, new column }

func (c columns) old() []string {
	var names []string
	for _, p := range c.kept {
		names = append(names, p.old.name)
	}
	return names
}

func (c columns) new() []string {
	var names []string
	for _, p := range c.kept {
		names = append(names, p.new.name)
	}
	return names
}

// findTable finds the table that is to be rebuilt.
func (g *generator) findTable(ctx context.Context) error {
	var err error
	if g.was, err = readShape(ctx, g.live); err != nil {
		return err
	}
	if _, view := g.was.object("view", g.table); view {
		return g.refuse("it is a view", "A view is changed by DROP VIEW and CREATE VIEW")
	}
	g.old = g.was.table(g.table)
	switch {
	case g.old == nil:
		return g.refuse("there is no such table in the schema", "")
	case g.old.virtual:
		return g.refuse("it is a virtual table", "Make a new one, fill it, and drop the old one in a later release")
	}
	g.table = g.old.name
	return nil
}

// readCreate has SQLite read the CREATE TABLE, in a database of its own.
func (g *generator) readCreate(ctx context.Context, create string) error {
	c, err := sqlite.Open(ctx, ":memory:")
	if err != nil {
		return err
	}
	defer c.Close()
	res, err := c.Exec(ctx, create)
	if err != nil {
		refused := g.refuse("its CREATE TABLE is refused: "+err.Error(), "")
		refused.Err = err
		return refused
	}
	if slices.ContainsFunc(res.Actions, func(a sqlite.Action) bool { return a.Kind == sqlite.Select }) {
		return g.refuse("CREATE TABLE … AS keeps neither keys nor constraints", "Write the columns out")
	}
	s, err := readShape(ctx, c)
	if err != nil {
		return err
	}
	if len(s.tables) != 1 || s.tables[0].virtual {
		return g.refuse("the SQL given is no CREATE TABLE of an ordinary table", "")
	}
	if name := s.tables[0].name; !same(name, g.table) {
		if !g.o.AnyName {
			return g.refuse("the CREATE TABLE is about "+name, "Give it the name "+g.table)
		}
		if _, err := c.Exec(ctx, "ALTER TABLE "+quote(name)+" RENAME TO "+quote(g.table)); err != nil {
			return fmt.Errorf("rename %s: %w", name, err)
		}
		if s, err = readShape(ctx, c); err != nil {
			return err
		}
	}
	g.new = s.tables[0]
	return nil
}

// rename renames columns on the scratch schema and reads it again, so that everything after speaks of the new names.
func (g *generator) rename(ctx context.Context) error {
	var from []string
	for name := range g.o.Renames {
		from = append(from, name)
	}
	slices.Sort(from)
	for _, name := range from {
		to := g.o.Renames[name]
		if _, ok := g.old.column(name); !ok {
			return g.refuse("there is no column "+name+" to rename", "")
		}
		if _, ok := g.new.column(to); !ok {
			return g.refuse("the new table has no column "+to+", which is to be the new name of "+name, "")
		}
		sql := "ALTER TABLE " + quote(g.table) + " RENAME COLUMN " + quote(name) + " TO " + quote(to)
		if _, err := g.live.Exec(ctx, sql); err != nil {
			refused := g.refuse("column "+name+" cannot be renamed: "+err.Error(), "")
			refused.Err = err
			return refused
		}
		g.renames = append(g.renames, sql)
		g.warn("Column %s becomes %s: code that uses the old name fails from then on.", name, to)
	}
	if len(from) == 0 {
		return nil
	}
	was, err := readShape(ctx, g.live)
	if err != nil {
		return err
	}
	g.was, g.old = was, was.table(g.table)
	return nil
}

// pairColumns decides on every column.
func (g *generator) pairColumns(context.Context) error {
	for _, n := range g.new.columns {
		o, there := g.old.column(n.name)
		switch {
		case n.generated && there && !o.generated:
			g.warn("Column %s becomes a generated one: its values of now go.", n.name)
		case n.generated:
		case there:
			g.moves.kept = append(g.moves.kept, pair{o, n})
			g.compare(o, n)
		case n.notNull && n.fallback == "" && n.name != g.new.rowIDColumn():
			return g.refuse(fmt.Sprintf("column %s is new, NOT NULL and has no DEFAULT, so rows that exist have nothing for it", n.name),
				"Give it a DEFAULT, or let it be NULL, fill it with a backfill and tighten it in a later rebuild")
		default:
			g.moves.added = append(g.moves.added, n)
		}
	}
	for _, o := range g.old.columns {
		if _, there := g.new.column(o.name); !there {
			g.moves.dropped = append(g.moves.dropped, o)
			if !o.generated {
				g.warn("Column %s goes, with its values.", o.name)
			}
		}
	}
	if len(g.moves.kept) == 0 {
		return g.refuse("the two tables have no column in common", "Name renamed columns, or make another table")
	}
	g.compareTables()
	return nil
}

// checkMentions looks for dropped columns in what is made again. D1 takes a double-quoted name that is no column for a
// text, so that an index over "fax" would become one over the word fax, and nothing would say so.
func (g *generator) checkMentions(context.Context) error {
	for _, d := range g.moves.dropped {
		for _, o := range g.indexes() {
			if mentions(o.SQL, d.name, true) {
				return g.refuse(fmt.Sprintf("index %s is over column %s, which goes", o.Name, d.name),
					"Drop the index in an earlier migration, or say that it may go")
			}
		}
		for _, o := range g.again("trigger") {
			if has(watched(o.SQL), d.name) {
				return g.refuse(fmt.Sprintf("trigger %s fires on updates of column %s, which goes", o.Name, d.name),
					"Drop the trigger in an earlier migration, or say that it may go")
			}
		}
		read := []migrations.Object{{Type: "table", Name: g.table, SQL: g.new.sql}}
		for _, o := range g.was.objects {
			if o.Type == "view" || o.Type == "trigger" {
				read = append(read, o)
			}
		}
		for _, o := range read {
			if mentions(o.SQL, d.name, false) {
				g.warn("The %s %s has %s in double quotes, which D1 reads as a text once the column is gone.", o.Type, o.Name, d.name)
			}
		}
	}
	return nil
}

// watched lists the columns in a trigger's UPDATE OF. SQLite keeps such a trigger without a word when a column is gone.
func watched(sql string) []string {
	var names []string
	list := lex(sql)
	for i := 3; i < len(list) && !list[i].is("BEGIN"); i++ {
		if !list[i-1].is("UPDATE") || !list[i].is("OF") {
			continue
		}
		for i++; i < len(list) && !list[i].is("ON"); i++ {
			names = append(names, list[i].name())
		}
	}
	return names
}

// mentions reports whether a name stands in the text in double quotes or, if bare is true, in any way.
func mentions(sql, name string, bare bool) bool {
	list := lex(sql)
	for i, l := range list {
		switch {
		case !same(l.name(), name), l.text[0] == '\'', i > 0 && list[i-1].text == ".":
		case l.text[0] == '"', bare && i > 2:
			return true
		}
	}
	return false
}

// compare warns of what a column's new definition does to its values.
func (g *generator) compare(o, n column) {
	if was, will := affinity(o.kind, g.old.strict), affinity(n.kind, g.new.strict); was != will {
		g.warn("Column %s changes from %s to %s (affinity %s to %s): values are converted where SQLite can, such as '007' to 7.",
			n.name, typeName(o.kind), typeName(n.kind), was, will)
	}
	wasKey := n.primary > 0 && o.primary == 0
	switch rowID := g.new.rowIDColumn(); {
	case rowID == n.name && g.old.rowIDColumn() != o.name:
		g.warn("Column %s becomes the INTEGER PRIMARY KEY: the rebuild fails, and changes nothing, if a row has NULL or no integer in it.", n.name)
	case (n.notNull && !o.notNull && o.primary == 0) || wasKey && g.new.withoutRowID:
		g.warn("Column %s becomes NOT NULL: the rebuild fails, and changes nothing, if a row has NULL in it.", n.name)
	}
}

func (g *generator) compareTables() {
	if g.old.autoincrement && !g.new.autoincrement {
		g.warn("AUTOINCREMENT goes: ids of deleted rows may be given out again.")
	}
	if !g.old.withoutRowID && g.sharedRowID() == "" && g.new.rowIDColumn() == "" {
		g.warn("Rowids change: full-text indexes without content that point to them point to other rows.")
	}
	if g.new.strict && !g.old.strict {
		g.warn("The table becomes STRICT: the rebuild fails, and changes nothing, if a value is not of its column's type.")
	}
	keys := [][]string{}
	if id := g.old.rowIDColumn(); id != "" {
		keys = append(keys, []string{id})
	}
	for _, u := range g.old.uniques {
		if u.origin != "c" {
			keys = append(keys, u.columns)
		}
	}
	for _, key := range keys {
		goes := slices.ContainsFunc(key, func(name string) bool { _, stays := g.new.column(name); return !stays })
		if !goes && !g.keepsKey(key) {
			g.warn("The key on %s goes: rows that are equal in it come in from then on, and INSERT ... ON CONFLICT(%s) fails.", strings.Join(key, ", "), strings.Join(key, ", "))
		}
	}
}

// compareKeys warns of keys that take texts for equal which were not before: a column's new COLLATE is that of every index over it which names
// none of its own.
func (g *generator) compareKeys(is *table) {
	said := make(map[string]bool)
	for _, u := range is.uniques {
		for i, name := range u.columns {
			alike := ""
			switch u.compare[i] {
			case "NOCASE":
				alike = "only in case, such as 'Ann' and 'ann'"
			case "RTRIM":
				alike = "only in blanks at their end"
			}
			if _, kept := g.old.column(name); !kept || alike == "" || said[name] || g.compared(u, i) {
				continue
			}
			said[name] = true
			g.warn("The key on %s compares %s by COLLATE %s: the rebuild fails, and changes nothing, if two rows differ there %s.",
				strings.Join(u.columns, ", "), name, u.compare[i], alike)
		}
	}
}

// compared reports whether the rows of now are unique by the columns of a key with this column compared as the key does.
func (g *generator) compared(u unique, i int) bool {
	return slices.ContainsFunc(g.old.uniques, func(o unique) bool {
		at := slices.IndexFunc(o.columns, func(name string) bool { return same(name, u.columns[i]) })
		return at >= 0 && o.compare[at] == u.compare[i] && sameSet(o.columns, u.columns) && (!o.partial || u.partial)
	})
}

// sharedRowID is a name by which both tables have their rowid; empty if one of them has none.
func (g *generator) sharedRowID() string {
	if g.old.withoutRowID || g.new.withoutRowID {
		return ""
	}
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		_, inOld := g.old.column(name)
		_, inNew := g.new.column(name)
		if !inOld && !inNew {
			return name
		}
	}
	return ""
}

// affinity follows "Determination Of Column Affinity" of SQLite's page on datatypes.
func affinity(kind string, strict bool) string {
	kind = strings.ToUpper(kind)
	if strict && kind == "ANY" {
		return "BLOB"
	}
	for _, rule := range []struct{ part, affinity string }{
		{"INT", "INTEGER"}, {"CHAR", "TEXT"}, {"CLOB", "TEXT"}, {"TEXT", "TEXT"}, {"BLOB", "BLOB"},
		{"REAL", "REAL"}, {"FLOA", "REAL"}, {"DOUB", "REAL"},
	} {
		if strings.Contains(kind, rule.part) {
			return rule.affinity
		}
	}
	if kind == "" {
		return "BLOB"
	}
	return "NUMERIC"
}

func typeName(kind string) string {
	if kind == "" {
		return "no type"
	}
	return kind
}
