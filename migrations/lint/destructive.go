package lint

import (
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// dropTable finds tables with data that are dropped and not rebuilt.
func dropTable(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		name := s.drops()
		if name == "" || w.isNew(s, name) {
			continue
		}
		if _, ok := w.rebuildAt(s); ok {
			continue
		}
		o, _ := s.before.table(name)
		known := w.origin(s, name).first // under which name it was there before
		x, fires := w.goes(s, known, "")
		if !fires {
			continue
		}
		reason := x.Text
		x.Text = fmt.Sprintf("All rows of %s go; only the restore point from before the release brings them back.%s", name, reason)
		if rows, ok := w.rows(known); ok && rows == 0 {
			x.Severity = Info
			x.Text = fmt.Sprintf("%s goes. It has no rows.", name)
		}
		if isVirtual(o) && contentOf(o.SQL) != "" {
			x.Severity = Info
			x.Text = fmt.Sprintf("%s goes. It is an index over %s, which can be built again.", name, contentOf(o.SQL))
		}
		if s.refilled(name) && x.Severity != Info {
			x.Severity = Warning
			x.Text = fmt.Sprintf("%s is made again and filled from other tables; what they do not hold is gone.", name)
			if isVirtual(o) {
				x.Severity = Info
			}
		} else if now, made := w.tables().last[fold(name)]; made && now.made != nil && x.Severity != Info {
			x.Text = name + " is made again, but nothing brings its rows back; only the restore point from before the release does." + reason
		}
		list = append(list, x)
	}
	return list
}

// dropColumn finds columns that go: by ALTER TABLE, or in a rebuild that does not copy them.
func dropColumn(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		if !s.calls("sqlite_drop_column") || w.isNew(s, s.alters()) {
			continue
		}
		table, _, removed := s.columnChange(w)
		if len(removed) != 1 || removed[0].virtual || w.addedHere(s, table, removed[0].name) {
			continue
		}
		x, fires := w.goes(s, table, removed[0].name)
		if fires {
			if removed[0].stored && x.Severity == "" {
				x.Severity, x.Text = Warning, " They are worked out from other columns."+x.Text
			}
			x.Text = fmt.Sprintf("All values of %s.%s go, and D1 writes every row of %s anew.%s", table, removed[0].name, table, x.Text)
			list = append(list, x)
		}
	}
	for _, r := range w.rebuilds() {
		if !r.old.replacesOld() {
			continue
		}
		for _, name := range w.leftOut(r) {
			if x, fires := w.goes(r.drop, r.name, name); fires {
				x.Text = fmt.Sprintf("The rebuild of %s leaves %s out: all of its values go.%s", r.name, name, x.Text)
				list = append(list, x)
			}
		}
	}
	return list
}

// addedHere reports whether a column was added by one of the checked files.
func (w *walk) addedHere(s *step, table, name string) bool {
	t := w.origin(s, table)
	if t == nil || !t.old {
		return false
	}
	was := w.shapes.table(w.first, t.first)
	if was == nil {
		return false
	}
	_, there := was.column(name)
	return !there && !w.renamedHere(s, name)
}

// renamedHere reports whether a column got its name by one of the checked files.
func (w *walk) renamedHere(s *step, name string) bool {
	return slices.ContainsFunc(w.steps[:s.n], func(b *step) bool {
		if !b.calls("sqlite_rename_column") {
			return false
		}
		_, added, _ := b.columnChange(w)
		return len(added) == 1 && same(added[0].name, name)
	})
}

// leftOut are the columns that a rebuilt table has not any more, and whose values no copy reads.
func (w *walk) leftOut(r rebuilt) []string {
	was, is := w.shapes.table(r.drop.before, r.old.name), w.shapes.table(r.after, r.name)
	if was == nil || is == nil {
		return nil
	}
	var names []string
	for _, c := range was.columns {
		_, stays := is.column(c.name)
		read := slices.ContainsFunc(r.copies, func(s *step) bool { return s.reads(r.old.name, c.name) && !s.selectsStar() })
		if !stays && !read && !c.virtual && !c.hidden {
			names = append(names, c.name)
		}
	}
	return names
}

// brokenTriggers finds triggers of other tables that use a column which went.
func brokenTriggers(w *walk) []Finding {
	var list []Finding
	for _, f := range w.files {
		for _, b := range f.broken {
			column := missingColumn(b.message)
			s := f.dropsColumn(w, column)
			if column == "" || b.Type != "trigger" || s == nil {
				continue
			}
			x := s.at()
			x.Table, x.Column = s.alters(), column
			x.Text = fmt.Sprintf("Trigger %s on %s uses %s.%s. The DROP passes, and the next write to %s fails: %s.", b.Name, b.Table, s.alters(), column, b.Table, b.message)
			x.Advice = "Drop the trigger first, and make it again without the column."
			x.Rewrite = fmt.Sprintf("DROP TRIGGER %s;\n%s;\n-- and the trigger again, without %s\n", q(b.Name), s.SQL, column)
			list = append(list, x)
		}
	}
	return list
}

// missingColumn is the column of a message that says so: what a trigger reads or sets, or what it inserts into. Empty: it is another message.
func missingColumn(message string) string {
	if column, ok := strings.CutPrefix(message, "no such column: "); ok {
		return column
	}
	if _, column, ok := strings.Cut(message, " has no column named "); ok {
		return column
	}
	return ""
}

// dropsColumn is the statement of a file that drops a column of this name; new.x and t.x mean x.
func (f *file) dropsColumn(w *walk, name string) *step {
	name = name[strings.LastIndexByte(name, '.')+1:]
	for _, s := range f.steps {
		if !s.calls("sqlite_drop_column") {
			continue
		}
		if _, _, removed := s.columnChange(w); len(removed) == 1 && same(removed[0].name, name) {
			return s
		}
	}
	return nil
}

// tableInUse finds dropped tables and views that views, or triggers of other tables, mention.
func tableInUse(w *walk) []Finding {
	var list []Finding
	for _, f := range w.files {
		for _, b := range f.broken {
			table, ok := strings.CutPrefix(b.message, "no such table: ")
			table = strings.TrimPrefix(table, "main.")
			if _, view := w.last.object("view", table); !ok || view || w.last.has(table) || !stillThere(w.last, b.Object) {
				continue
			}
			for _, s := range f.steps {
				if !same(s.drops(), table) && !same(s.dropsView(), table) {
					continue
				}
				x := s.at()
				x.Table = table
				x.Text = fmt.Sprintf("%s %s mentions %s and cannot be used any more; later RENAME and DROP COLUMN statements on any table fail with error in %s %s.", title(b.Type), b.Name, table, b.Type, b.Name)
				x.Advice = "Drop the " + b.Type + " as well, before what it mentions."
				x.Rewrite = fmt.Sprintf("DROP %s %s;\n%s;\n", strings.ToUpper(b.Type), q(b.Name), s.SQL)
				list = append(list, x)
				break
			}
		}
	}
	return list
}

// dropsView returns the view that the statement drops.
func (s *step) dropsView() string {
	if s.err != nil {
		return ""
	}
	return s.first(sqlite.DropView)
}

// stillThere reports whether an object is in a schema as it was.
func stillThere(sc *schema, o migrations.Object) bool {
	now, ok := sc.object(o.Type, o.Name)
	return ok && now.SQL == o.SQL
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// wholeTable finds UPDATE and DELETE of every row.
func wholeTable(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		table, deletes := s.deletesFrom(), true
		if table == "" {
			table, deletes = s.updates(), false
		}
		if table == "" || s.err != nil || s.backfill != nil || w.says(s) || w.isNew(s, table) || w.putsBack(s, table) {
			continue
		}
		rows, known := w.rows(table)
		if known && rows == 0 {
			continue
		}
		x := s.at()
		x.Table = table
		x.Text = fmt.Sprintf("This changes every row of %s in one statement; D1 serves nothing else meanwhile and stops after 30 seconds.", table)
		x.Severity = Warning
		x.Advice = "Change the rows in batches, with a backfill block."
		x.Rewrite = w.backfillOf(s, table)
		if deletes {
			x.Text = fmt.Sprintf("This deletes every row of %s.", table)
			x.Advice = "Say which rows are to go; to empty the table, allow this with the reason."
			x.Severity, x.Rewrite = Error, ""
			if s.refilled(table) {
				x.Severity = Warning
				x.Text += " It is filled again from other tables; what they do not hold is gone."
			}
		}
		if known {
			x.Text += fmt.Sprintf(" It has %d.", rows)
			if rows > w.o.backfillRows() {
				x.Severity = Error
			}
		}
		list = append(list, x)
	}
	return list
}

// refilled reports whether a later statement of the same file fills a table from others, or builds a full-text index anew.
func (s *step) refilled(table string) bool {
	return slices.ContainsFunc(s.file.steps[s.Index:], func(b *step) bool {
		return b.err == nil && same(b.fills(), table) && (b.selects() != "" && len(b.readTables(table)) > 0 || rebuildsFullText(b, table))
	})
}

// readTables are the tables, but for one, that the statement itself reads.
func (s *step) readTables(but string) []string {
	var names []string
	for _, a := range s.actions {
		if a.Kind == sqlite.Read && a.Inner == "" && s.before.has(a.Arg3) && !same(a.Arg3, but) && !slices.Contains(names, a.Arg3) {
			names = append(names, a.Arg3)
		}
	}
	return names
}

// says reports whether an UPDATE or DELETE says which rows it means. A condition without any name, such as 1 = 1, is true of all of them or
// of none.
func (w *walk) says(s *step) bool {
	depth, where := 0, -1
	for i, t := range s.tokens {
		switch text := t.Text(s.SQL); {
		case text == "(":
			depth++
		case text == ")":
			depth--
		case depth == 0 && t.Is(s.SQL, "LIMIT"):
			return true
		case depth == 0 && t.Is(s.SQL, "WHERE"):
			where = i + 1
		}
	}
	if where < 0 {
		return false
	}
	for _, t := range s.tokens[where:] {
		if t.Kind == migrations.TokenQuoted && !strings.HasPrefix(t.Text(s.SQL), "'") ||
			t.Kind == migrations.TokenWord && !t.Is(s.SQL, "TRUE", "FALSE", "NOT", "AND", "OR", "IS", "NULL") && !strings.ContainsAny(t.Text(s.SQL)[:1], "0123456789") {
			return true
		}
	}
	always := false
	err := w.shapes.scratch(func(c *sqlite.Conn) error {
		res, err := c.Exec(w.shapes.ctx, "SELECT ("+s.between(where, len(s.tokens))+") IS TRUE")
		always = err == nil && number(res.Rows[0][0]) == 1
		return err
	})
	return err != nil || !always
}

// putsBack reports whether the rows that a statement deletes were saved before and come back behind it.
func (w *walk) putsBack(s *step, table string) bool {
	t := w.origin(s, table)
	return t != nil && slices.ContainsFunc(t.sources, func(back source) bool {
		return back.by.n > s.n && slices.ContainsFunc(back.from.sources, func(saved source) bool { return saved.from == t && saved.by.n < s.n })
	})
}

// replaceIntoParent finds REPLACE into tables to which others refer with an action on delete: INSERT and UPDATE OR REPLACE, and keys that
// say ON CONFLICT REPLACE themselves.
func replaceIntoParent(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		parent, inserts := s.fills(), true
		if parent == "" {
			parent, inserts = s.updates(), false
		}
		if parent == "" || !s.orReplace() && !w.replaces(s, parent) || w.isNew(s, parent) {
			continue
		}
		for _, c := range w.shapes.children(s.before, parent) {
			if !s.does(sqlite.Delete, c.name) && (!s.does(sqlite.Update, c.name) || !inserts) || same(c.name, parent) || refuses(c.onDelete) || w.isNew(s, c.name) {
				continue
			}
			x := s.at()
			x.Table, x.Column = c.name, strings.Join(c.from, ", ")
			x.Text = fmt.Sprintf("REPLACE deletes the row of %s in its way first, so ON DELETE %s acts on the rows of %s that refer to it.", parent, c.onDelete, c.name)
			x.Advice = "Use INSERT ... ON CONFLICT DO UPDATE, which changes the row in place."
			if !inserts {
				x.Advice = "Leave OR REPLACE out, and deal with the rows that are in the way by name."
			} else if s.orReplace() {
				x.Rewrite = w.upsert(s, parent)
			}
			list = append(list, x)
		}
	}
	return list
}

// orReplace reports whether a statement says REPLACE or OR REPLACE; replace(a, b, c) is something else.
func (s *step) orReplace() bool {
	for i, t := range s.tokens {
		if t.Is(s.SQL, "REPLACE") && i+1 < len(s.tokens) && s.tokens[i+1].Text(s.SQL) != "(" {
			return true
		}
	}
	return false
}

// replaces reports whether a key of a table says ON CONFLICT REPLACE, and a statement does not say otherwise.
func (w *walk) replaces(s *step, table string) bool {
	o, ok := s.before.table(table)
	return ok && strings.Contains(normal(o.SQL), " on conflict replace") && !s.word("CONFLICT", "IGNORE", "ABORT", "FAIL", "ROLLBACK")
}

// upsert writes REPLACE INTO t(a, b) ... as INSERT INTO t(a, b) ... ON CONFLICT(a) DO UPDATE SET b = excluded.b.
func (w *walk) upsert(s *step, table string) string {
	t := w.shapes.table(s.before, table)
	if t == nil || len(t.primaryKey()) == 0 {
		return ""
	}
	open := slices.IndexFunc(s.tokens, func(x migrations.Token) bool { return x.Text(s.SQL) == "(" || x.Is(s.SQL, "VALUES", "SELECT") })
	into := slices.IndexFunc(s.tokens, func(x migrations.Token) bool { return x.Is(s.SQL, "INTO") })
	if open < 0 || into < 0 || open < into {
		return ""
	}
	names := columnNames(t)
	if s.tokens[open].Text(s.SQL) == "(" {
		names = nil
		for _, x := range s.tokens[open+1:] {
			if x.Text(s.SQL) == ")" {
				break
			}
			if x.Text(s.SQL) != "," {
				names = append(names, migrations.Unquote(x.Text(s.SQL)))
			}
		}
	}
	key := t.primaryKey()
	var sets []string
	for _, n := range names {
		if !slices.ContainsFunc(key, func(k string) bool { return same(k, n) }) {
			sets = append(sets, fmt.Sprintf("%s = excluded.%s", q(n), q(n)))
		}
	}
	do := "DO NOTHING"
	if len(sets) > 0 {
		do = "DO UPDATE SET " + strings.Join(sets, ", ")
	}
	rest := s.SQL[s.tokens[into].Start:]
	if s.selects() != "" {
		rest += " WHERE true" // SQLite needs it between SELECT and ON CONFLICT
	}
	return fmt.Sprintf("INSERT %s\nON CONFLICT(%s) %s;\n", rest, qs(key), do)
}
