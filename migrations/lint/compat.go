package lint

import (
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// renameInPlace finds tables and columns that get another name in one step.
func renameInPlace(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		if s.alters() == "" || w.isNew(s, s.alters()) {
			continue
		}
		if from, to := s.renamesTable(); from != "" {
			if same(from, to) || w.isNew(s, from) || same(to, w.origin(s, from).first) || s.file.after.has(from) || w.inRebuild(s) {
				continue
			}
			if x, fires := w.goes(s, w.origin(s, from).first, ""); fires {
				x.Text = fmt.Sprintf("%s becomes %s: a Worker of the release before fails with no such table until the new one is everywhere, and again after a rollback.%s", from, to, x.Text)
				x.Advice = "Make the new table beside the old one, keep the two in step with triggers, and drop the old one in a later release."
				x.Rewrite = w.besideTable(s, from, to)
				list = append(list, x)
			}
			continue
		}
		if !s.calls("sqlite_rename_column") {
			continue
		}
		table, added, removed := s.columnChange(w)
		if len(added) != 1 || len(removed) != 1 || w.addedHere(s, table, removed[0].name) || w.inRebuild(s) {
			continue
		}
		if x, fires := w.goes(s, table, removed[0].name); fires {
			x.Text = fmt.Sprintf("%s.%s becomes %s: a Worker of the release before fails with no such column until the new one is everywhere, and again after a rollback.%s", table, removed[0].name, added[0].name, x.Text)
			x.Advice = "Add the new column, keep the two in step with triggers, fill it with a backfill, and drop the old one in a later release."
			x.Rewrite = w.besideColumn(s, table, removed[0], added[0].name)
			list = append(list, x)
		}
	}
	return list
}

// inRebuild reports whether a statement renames the old or the new table of a rebuild.
func (w *walk) inRebuild(s *step) bool {
	return slices.ContainsFunc(w.rebuilds(), func(r rebuilt) bool {
		return slices.Contains(r.new.renames, s) || slices.Contains(r.old.renames, s) && r.old.dropped.file == s.file
	})
}

// besideColumn adds a column beside another and keeps the two in step.
func (w *walk) besideColumn(s *step, table string, old column, name string) string {
	t := w.shapes.table(s.before, table)
	if t == nil || t.virtual {
		return ""
	}
	where := "rowid = new.rowid"
	if t.withoutRowID {
		where = keyEquals(t.primaryKey(), "", "new.")
	}
	a, b, tab := q(old.name), q(name), q(table)
	var sql strings.Builder
	fmt.Fprintf(&sql, "ALTER TABLE %s ADD COLUMN %s;\n", tab, strings.TrimSpace(b+" "+old.kind))
	fmt.Fprintf(&sql, "CREATE TRIGGER %s AFTER INSERT ON %s BEGIN UPDATE %s SET %s = coalesce(new.%s, new.%s), %s = coalesce(new.%s, new.%s) WHERE %s; END;\n",
		q(table+"_"+name+"_insert"), tab, tab, a, a, b, b, b, a, where)
	for _, side := range [][2]string{{a, b}, {b, a}} {
		fmt.Fprintf(&sql, "CREATE TRIGGER %s AFTER UPDATE OF %s ON %s WHEN new.%s IS NOT new.%s BEGIN UPDATE %s SET %s = new.%s WHERE %s; END;\n",
			q(table+"_"+migrations.Unquote(side[1])+"_from_"+migrations.Unquote(side[0])), side[0], tab, side[0], side[1], tab, side[1], side[0], where)
	}
	if key := t.primaryKey(); len(key) == 1 {
		sql.WriteString("-- in the next migration\n")
		sql.WriteString(backfillBlock(table, key[0], fmt.Sprintf("UPDATE %s SET %s = %s", tab, b, a), fmt.Sprintf("%s IS NOT %s", b, a)))
	}
	return sql.String()
}

// keyEquals compares the columns of a key: a.x = b.x AND a.y = b.y.
func keyEquals(key []string, left, right string) string {
	var parts []string
	for _, k := range key {
		parts = append(parts, left+q(k)+" = "+right+q(k))
	}
	return strings.Join(parts, " AND ")
}

// besideTable makes a table beside another, copies the rows and keeps the two in step.
func (w *walk) besideTable(s *step, from, to string) string {
	t, o := w.shapes.table(s.before, from), ""
	if now, ok := s.after.table(to); ok {
		o = now.SQL
	}
	if t == nil || t.virtual || len(t.primaryKey()) == 0 || o == "" {
		return ""
	}
	key := t.primaryKey()
	var names []string
	for _, c := range t.columns {
		if !c.virtual && !c.stored {
			names = append(names, c.name)
		}
	}
	var sql strings.Builder
	fmt.Fprintf(&sql, "%s;\nINSERT INTO %s(%s) SELECT %s FROM %s;\n", o, q(to), qs(names), qs(names), q(from))
	for _, side := range [][2]string{{from, to}, {to, from}} {
		a, b := side[0], side[1]
		fmt.Fprintf(&sql, "CREATE TRIGGER %s AFTER INSERT ON %s WHEN NOT EXISTS (SELECT 1 FROM %s WHERE %s) BEGIN INSERT INTO %s(%s) VALUES (%s); END;\n",
			q(a+"_to_"+b+"_insert"), q(a), q(b), keyEquals(key, "", "new."), q(b), qs(names), prefixed("new.", names))
		fmt.Fprintf(&sql, "CREATE TRIGGER %s AFTER UPDATE ON %s WHEN NOT EXISTS (SELECT 1 FROM %s WHERE %s) BEGIN UPDATE %s SET %s WHERE %s; END;\n",
			q(a+"_to_"+b+"_update"), q(a), q(b), isSame(names), q(b), setNew(names), keyEquals(key, "", "old."))
		fmt.Fprintf(&sql, "CREATE TRIGGER %s AFTER DELETE ON %s BEGIN DELETE FROM %s WHERE %s; END;\n",
			q(a+"_to_"+b+"_delete"), q(a), q(b), keyEquals(key, "", "old."))
	}
	return sql.String()
}

func prefixed(prefix string, names []string) string {
	var parts []string
	for _, n := range names {
		parts = append(parts, prefix+q(n))
	}
	return strings.Join(parts, ", ")
}

func isSame(names []string) string {
	var parts []string
	for _, n := range names {
		parts = append(parts, q(n)+" IS new."+q(n))
	}
	return strings.Join(parts, " AND ")
}

func setNew(names []string) string {
	var parts []string
	for _, n := range names {
		parts = append(parts, q(n)+" = new."+q(n))
	}
	return strings.Join(parts, ", ")
}

// addAndDrop finds tables to which one release adds a column and from which it takes another.
func addAndDrop(w *walk) []Finding {
	var list []Finding
	for _, t := range w.tables().all {
		if !t.old {
			continue
		}
		now := w.successor(t)
		was, is := w.shapes.table(w.first, t.first), w.shapes.table(w.last, now)
		if was == nil || is == nil || was.virtual {
			continue
		}
		added, removed := onlyIn(is, was), onlyIn(was, is)
		added, removed = w.withoutRenames(added, removed)
		if len(added) == 0 || len(removed) == 0 {
			continue
		}
		s := w.removes(now, removed[0])
		if s == nil || w.marked(s.file) {
			continue
		}
		x := s.at()
		x.Table, x.Column = t.first, removed[0]
		x.Text = fmt.Sprintf("One release adds %s to %s and takes %s from it: neither the old code nor the new one runs on both sides of it, and a rollback of the code is impossible.", sentence(added), t.first, sentence(removed))
		x.Advice = "Drop in a later release, after the last version that uses the old column."
		x.Rewrite = w.contractRewrite(s)
		list = append(list, x)
	}
	return list
}

// successor is the name under which an old table goes on.
func (w *walk) successor(t *origin) string {
	if t.dropped == nil {
		return t.name
	}
	for _, r := range w.rebuilds() {
		if r.old == t {
			return w.successor(r.new)
		}
	}
	return t.name
}

func onlyIn(a, b *table) []string {
	var names []string
	for _, c := range a.columns {
		if _, ok := b.column(c.name); !ok {
			names = append(names, c.name)
		}
	}
	return names
}

// withoutRenames takes out pairs that are one column under another name, which another rule is about.
func (w *walk) withoutRenames(added, removed []string) (a, r []string) {
	for _, s := range w.steps {
		if !s.calls("sqlite_rename_column") {
			continue
		}
		_, new, old := s.columnChange(w)
		if len(new) != 1 || len(old) != 1 {
			continue
		}
		is := func(name string) func(string) bool { return func(n string) bool { return same(n, name) } }
		added = slices.DeleteFunc(added, is(new[0].name))
		removed = slices.DeleteFunc(removed, is(old[0].name))
	}
	return added, removed
}

// removes is the last statement that takes a column from a table.
func (w *walk) removes(table, name string) *step {
	for _, s := range slices.Backward(w.steps) {
		if t, _, removed := s.columnChange(w); same(t, table) && slices.ContainsFunc(removed, func(c column) bool { return same(c.name, name) }) {
			return s
		}
		if r, ok := w.rebuildAt(s); ok && same(r.name, table) {
			if was := w.shapes.table(s.before, r.old.name); was != nil {
				if _, had := was.column(name); had {
					return s
				}
			}
		}
	}
	return nil
}

// PositionalInsert is how History.Code names an INSERT INTO t VALUES (...) without a list of columns: the word, a blank and the table in
// lower case. CodeNames finds them.
const PositionalInsert = "insert-values "

// positionalInsert finds ADD COLUMN to tables that the code fills by position.
func positionalInsert(w *walk) []Finding {
	if w.in.History == nil {
		return nil
	}
	var list []Finding
	for _, s := range w.steps {
		table, added, _ := s.columnChange(w)
		if len(added) == 0 || s.calls("sqlite_rename_column") || w.isNew(s, table) {
			continue
		}
		for _, version := range []string{CodeLive, CodeBefore, CodeNext} {
			if !slices.ContainsFunc(w.in.History.Code[version], func(n string) bool { return same(n, PositionalInsert+table) }) {
				continue
			}
			x := s.at()
			x.Table, x.Column = table, added[0].name
			x.Text = fmt.Sprintf("%s has INSERT INTO %s VALUES (...) without a list of columns, which fails once there is another column: table %s has %d columns but %d values were supplied.",
				title(codeOf(version)), table, table, w.width(s.after, table), w.width(s.before, table))
			x.Advice = "Write the columns out in the code, in a release before this one."
			list = append(list, x)
			break
		}
	}
	return list
}

func (w *walk) width(sc *schema, table string) int {
	if t := w.shapes.table(sc, table); t != nil {
		return len(t.columns)
	}
	return 0
}

// codeOf names a version of the code.
func codeOf(version string) string {
	switch version {
	case CodeLive:
		return "the live code"
	case CodeBefore:
		return "the code that a rollback returns to"
	}
	return "the code of this release"
}

// contractNotVerified finds tables and columns that go while code names them.
func contractNotVerified(w *walk) []Finding {
	if w.in.History == nil {
		return nil
	}
	var list []Finding
	report := func(s *step, table, column string) {
		name := column
		if name == "" {
			name = table
		}
		for _, version := range []string{CodeLive, CodeBefore} {
			if !slices.ContainsFunc(w.in.History.Code[version], func(n string) bool { return same(n, name) }) {
				continue
			}
			x := s.at()
			x.Table, x.Column = table, column
			x.Text = fmt.Sprintf("%s mentions %s, which goes: rolling the code back becomes impossible.", title(codeOf(version)), name)
			x.Advice = "Let it go in a release after the next, when neither version mentions it."
			x.Rewrite = w.contractRewrite(s)
			list = append(list, x)
			return
		}
	}
	for _, s := range w.steps {
		if name := s.drops(); name != "" && !w.isNew(s, name) {
			r, ok := w.rebuildAt(s)
			if !ok {
				report(s, w.origin(s, name).first, "")
				continue
			}
			if was, is := w.shapes.table(s.before, r.old.name), w.shapes.table(r.after, r.name); was != nil && is != nil {
				for _, column := range onlyIn(was, is) {
					report(s, r.name, column)
				}
			}
			continue
		}
		if s.first(sqlite.AlterTable) == "" || w.isNew(s, s.alters()) || w.inRebuild(s) {
			continue
		}
		if from, to := s.renamesTable(); from != "" && !same(from, to) {
			report(s, from, "")
		}
		if table, _, removed := s.columnChange(w); len(removed) == 1 && !w.addedHere(s, table, removed[0].name) {
			report(s, table, removed[0].name)
		}
	}
	return list
}
