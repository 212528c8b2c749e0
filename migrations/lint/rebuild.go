package lint

import (
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// lostObjects finds indexes and triggers that go with the old table and that nothing makes again.
func lostObjects(w *walk) []Finding {
	var list []Finding
	for _, r := range w.rebuilds() {
		was := w.shapes.table(r.drop.before, r.old.name)
		if was == nil {
			continue
		}
		var lost []string
		var sql strings.Builder
		for _, o := range append(r.drop.before.of("index", r.old.name), r.drop.before.of("trigger", r.old.name)...) {
			if w.livesOn(o, was, r.after, r.name) || w.livesOn(o, was, w.last, r.name) || !w.wasThere(r, o) {
				continue
			}
			lost = append(lost, o.Type+" "+o.Name)
			fmt.Fprintf(&sql, "%s;\n", w.underName(o, r))
		}
		list = append(list, w.lostKeys(r, was)...)
		if len(lost) == 0 {
			continue
		}
		x := r.drop.at()
		x.Table = r.name
		x.Text = fmt.Sprintf("DROP TABLE %s takes %s along, and nothing makes %s again.", q(r.drop.drops()), sentence(lost), them(len(lost)))
		x.Advice = "Add below the rebuild what is missing. Where it is to go, drop it by name before."
		x.Rewrite = sql.String()
		list = append(list, x)
	}
	return list
}

// lostKeys finds columns that were unique by the old CREATE TABLE and are so no more.
func (w *walk) lostKeys(r rebuilt, was *table) []Finding {
	keys := [][]string{}
	if alias := was.rowIDAlias(); alias != "" {
		keys = append(keys, []string{alias})
	}
	for _, x := range was.indexes {
		if x.origin != "c" && x.unique {
			keys = append(keys, x.columns)
		}
	}
	var list []Finding
	for _, key := range keys {
		stays := func(sc *schema) bool {
			is := w.shapes.table(sc, r.name)
			gone := func(c string) bool { _, there := is.column(c); return !there }
			return is == nil || slices.ContainsFunc(key, gone) || wasUnique(is, index{columns: key})
		}
		if stays(r.after) || stays(w.last) {
			continue
		}
		x := r.drop.at()
		x.Table, x.Column, x.Severity = r.name, strings.Join(key, ", "), Warning
		x.Text = fmt.Sprintf("%s is unique in %s, and the new table does not say so: rows that are equal in it come in, and INSERT ... ON CONFLICT(%s) fails.", x.Column, r.name, x.Column)
		x.Advice = "Write the key into the new CREATE TABLE; where it is to go, allow this with the reason."
		x.Rewrite = indexOn(w.last, true, r.name, key)
		if is := w.shapes.table(w.last, r.name); is != nil && widened(is, key) {
			x.Severity = Info // another key takes its place, so it is meant
		}
		list = append(list, x)
	}
	return list
}

// widened reports whether a table has a key of these columns and more.
func widened(t *table, key []string) bool {
	within := func(list []string) bool {
		return !slices.ContainsFunc(key, func(k string) bool {
			return !slices.ContainsFunc(list, func(l string) bool { return same(l, k) })
		})
	}
	return within(t.primaryKey()) || slices.ContainsFunc(t.indexes, func(x index) bool { return x.unique && within(x.columns) })
}

func them(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// sentence joins names.
func sentence(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// wasThere reports whether an object of the old table was there when the file began: one that the file makes on its way is its own matter.
func (w *walk) wasThere(r rebuilt, o migrations.Object) bool {
	before, ok := r.before.object(o.Type, o.Name)
	return ok && same(before.Table, r.name)
}

// livesOn reports whether an index or trigger of a table is there in a schema: itself, under its name, or an index over its columns and
// perhaps more; or whether it cannot be, since its columns went.
func (w *walk) livesOn(o migrations.Object, was *table, sc *schema, name string) bool {
	is := w.shapes.table(sc, name)
	if now, ok := sc.object(o.Type, o.Name); is == nil || ok && same(now.Table, name) {
		return true
	}
	if o.Type != "index" {
		return false
	}
	i := slices.IndexFunc(was.indexes, func(x index) bool { return same(x.name, o.Name) })
	if i < 0 {
		return true
	}
	columns := was.indexes[i].columns
	if slices.Contains(columns, "") {
		return slices.ContainsFunc(sc.of("index", name), func(n migrations.Object) bool { return tail(n.SQL) == tail(o.SQL) })
	}
	has := func(list []string) bool {
		return !slices.ContainsFunc(columns, func(c string) bool {
			return !slices.ContainsFunc(list, func(l string) bool { return same(l, c) })
		})
	}
	return !has(columnNames(is)) || has(is.primaryKey()) || slices.ContainsFunc(is.indexes, func(n index) bool {
		return has(n.columns) && (n.unique || !was.indexes[i].unique)
	})
}

// tail is what an index says behind ON table.
func tail(sql string) string {
	n := normal(sql)
	if i := strings.Index(n, " on "); i >= 0 {
		if j := strings.Index(n[i+4:], " "); j >= 0 {
			return n[i+4+j:]
		}
	}
	return n
}

// underName is the object's text, about the table's final name where the file renamed it away before.
func (w *walk) underName(o migrations.Object, r rebuilt) string {
	if before, ok := r.before.object(o.Type, o.Name); ok {
		return before.SQL
	}
	return o.SQL
}

// viewBlocksRename finds renames that a view or trigger on the dropped table refuses.
func viewBlocksRename(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		if s.err == nil || !strings.HasPrefix(s.err.Message, "error in view ") && !strings.HasPrefix(s.err.Message, "error in trigger ") ||
			!s.word("RENAME") || !strings.Contains(s.err.Message, "no such table") {
			continue
		}
		missing := s.err.Message[strings.LastIndexByte(s.err.Message, ' ')+1:]
		missing = strings.TrimPrefix(missing, "main.")
		if !slices.ContainsFunc(s.file.steps[:s.Index-1], func(b *step) bool { return same(b.drops(), missing) }) {
			continue
		}
		words := strings.Fields(s.err.Message)
		kind, name := words[2], strings.TrimSuffix(words[3], ":")
		x := s.at()
		x.Table = missing
		x.Text = fmt.Sprintf("D1 refuses this RENAME: %s %s mentions %s, which was dropped above (%s).", kind, name, missing, s.err.Message)
		x.Advice = "Drop the " + kind + " before the table and make it again at the end, or copy the rows out, make the table under its own name and copy them in."
		if o, ok := s.file.before.object(kind, name); ok {
			x.Rewrite = fmt.Sprintf("DROP %s %s;\n-- the rebuild of %s\n%s;\n", strings.ToUpper(kind), q(o.Name), missing, o.SQL)
		}
		list = append(list, x)
	}
	return list
}

// sequenceReset finds rebuilds of AUTOINCREMENT tables that do not carry the counter over.
func sequenceReset(w *walk) []Finding {
	var list []Finding
	for _, r := range w.rebuilds() {
		was, okWas := r.drop.before.table(r.old.name)
		is, okIs := r.after.table(r.name)
		if !okWas || !okIs || !autoIncrements(was.SQL) || !autoIncrements(is.SQL) {
			continue
		}
		if slices.ContainsFunc(r.file.steps, func(s *step) bool {
			return s.err == nil && slices.ContainsFunc(s.actions, func(a sqlite.Action) bool {
				return (a.Kind == sqlite.Insert || a.Kind == sqlite.Update) && same(a.Arg3, "sqlite_sequence")
			}) && writes(s, "sqlite_sequence")
		}) {
			continue
		}
		x := r.drop.at()
		x.Table = r.name
		x.Text = fmt.Sprintf("The AUTOINCREMENT counter of %s goes down to the highest id that is still there, so ids of deleted rows are given out again.", r.name)
		x.Advice = "Carry the counter over: keep it before the DROP and write it back after the copy."
		x.Rewrite = sequenceRewrite(r.name)
		list = append(list, x)
	}
	return list
}

// writes reports whether the statement names the table that it writes to: INSERT INTO a table with AUTOINCREMENT writes sqlite_sequence as
// well.
func writes(s *step, table string) bool {
	for i, t := range s.tokens {
		if i > 4 {
			break
		}
		if same(migrations.Unquote(t.Text(s.SQL)), table) {
			return true
		}
	}
	return false
}

func autoIncrements(sql string) bool {
	return slices.ContainsFunc(meaning(sql), func(t migrations.Token) bool { return t.Is(sql, "AUTOINCREMENT") })
}

func sequenceRewrite(table string) string {
	name := migrations.QuoteText(table)
	return "-- before the DROP TABLE\n" +
		"CREATE TABLE \"__sequence\" AS SELECT seq FROM sqlite_sequence WHERE name = " + name + ";\n" +
		"-- after the rows are in the new table, under its final name\n" +
		"DELETE FROM sqlite_sequence WHERE name = " + name + " AND EXISTS (SELECT 1 FROM \"__sequence\");\n" +
		"INSERT INTO sqlite_sequence(name, seq) SELECT " + name + ", seq FROM \"__sequence\";\n" +
		"DROP TABLE \"__sequence\";\n"
}

// selectStarCopy finds copies of a rebuild that name no columns.
func selectStarCopy(w *walk) []Finding {
	var list []Finding
	for _, r := range w.rebuilds() {
		for _, s := range r.copies {
			if s.isCreateAs() || !s.word("SELECT") {
				continue
			}
			star, listed := s.selectsStar(), s.listsColumns()
			if listed && !star {
				continue
			}
			x := s.at()
			x.Table = r.name
			x.Text = fmt.Sprintf("The copy into %s goes by the order of the columns: if the two tables differ in it, values land in other columns and nothing says so.", s.fills())
			x.Advice = "Write both column lists out."
			x.Rewrite = w.spelledOut(s)
			list = append(list, x)
		}
	}
	return list
}

// selectsStar reports whether the query of an INSERT asks for * or t.*.
func (s *step) selectsStar() bool {
	for i, t := range s.tokens {
		if t.Text(s.SQL) != "*" || i == 0 {
			continue
		}
		before := s.tokens[i-1]
		if before.Is(s.SQL, "SELECT", "DISTINCT", "ALL") || before.Text(s.SQL) == "." || before.Text(s.SQL) == "," {
			return true
		}
	}
	return false
}

// listsColumns reports whether an INSERT names the columns that it fills.
func (s *step) listsColumns() bool {
	for _, t := range s.tokens {
		if t.Is(s.SQL, "SELECT", "VALUES", "WITH") {
			return false
		}
		if t.Text(s.SQL) == "(" {
			return true
		}
	}
	return false
}

// plainSource is the table t of INSERT INTO n SELECT * FROM t, or of SELECT t.*; empty: it is another statement.
func (s *step) plainSource() string {
	text := func(i int) string {
		if i >= len(s.tokens) {
			return ""
		}
		return s.tokens[i].Text(s.SQL)
	}
	is := func(i int, word string) bool { return i < len(s.tokens) && s.tokens[i].Is(s.SQL, word) }
	i := slices.IndexFunc(s.tokens, func(t migrations.Token) bool { return t.Is(s.SQL, "SELECT") })
	if i < 0 || !is(0, "INSERT") || !is(1, "INTO") {
		return ""
	}
	star, of := i+1, ""
	if text(i+2) == "." {
		star, of = i+3, migrations.Unquote(text(i+1))
	}
	name := migrations.Unquote(text(star + 2))
	if text(star) != "*" || !is(star+1, "FROM") || of != "" && !same(of, name) || strings.Trim(text(star+3), ";") != "" || star+4 < len(s.tokens) {
		return ""
	}
	return name
}

// spelledOut is an INSERT INTO .. SELECT * FROM one table, and nothing else, with the columns that both tables have. What has more to it
// (a condition, an expression, a join) is not written anew: the copy would be another one.
func (w *walk) spelledOut(s *step) string {
	into := w.shapes.table(s.before, s.fills())
	from := w.shapes.table(s.before, s.plainSource())
	if into == nil || from == nil {
		return ""
	}
	var names []string
	for _, c := range into.columns {
		if _, ok := from.column(c.name); ok && !c.virtual && !c.stored {
			names = append(names, c.name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("INSERT INTO %s(%s) SELECT %s FROM %s;\n", q(into.name), qs(names), qs(names), q(from.name))
}

// quotedGhost finds double-quoted words that name no column in statements that copy or change rows, or make an index.
func quotedGhost(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		if len(s.ghosts) == 0 || s.err != nil {
			continue
		}
		_, indexed := s.createsIndex()
		if table := firstOf(s.updates(), s.deletesFrom(), indexed); table != "" && s.fills() == "" {
			list = append(list, s.ghostsOf(table)...)
		}
		if s.selects() == "" || s.fills() == "" {
			continue
		}
		_, copies := w.rebuildOf(s, s.fills())
		into := w.shapes.table(s.after, s.fills())
		for _, g := range s.ghosts {
			meant := false
			if into != nil {
				_, meant = into.column(g.name)
			}
			x := s.at()
			x.Table, x.Column = s.fills(), g.name
			x.Text = fmt.Sprintf("No table here has a column %q, and D1 takes a double-quoted word that names nothing for a text: every row of %s gets the text %s.", g.name, s.fills(), g.name)
			x.Advice = "Leave the column out of both lists, or write the value that is meant."
			if !meant && !copies && !s.isCreateAs() {
				x.Severity = Warning
				x.Advice = "If a text is meant, write it in single quotation marks."
				x.Rewrite = strings.ReplaceAll(s.SQL, migrations.QuoteName(g.name), migrations.QuoteText(g.name)) + ";\n"
			}
			list = append(list, x)
		}
	}
	return list
}

// ghostsOf are the findings of an UPDATE, a DELETE or a CREATE INDEX with words that name no column of the table.
func (s *step) ghostsOf(table string) []Finding {
	var list []Finding
	for _, g := range s.ghosts {
		x := s.at()
		x.Table, x.Column, x.Severity = table, g.name, Warning
		x.Text = fmt.Sprintf("No table here has a column %q, and D1 takes a double-quoted word that names nothing for a text: this means the text %s, the same in every row.", g.name, g.name)
		x.Advice = "Mend the name; if a text is meant, write it in single quotation marks."
		x.Rewrite = strings.ReplaceAll(s.SQL, migrations.QuoteName(g.name), migrations.QuoteText(g.name)) + ";\n"
		list = append(list, x)
	}
	return list
}

// tableFromQuery finds tables made by CREATE TABLE ... AS that stay.
func tableFromQuery(w *walk) []Finding {
	var list []Finding
	for _, t := range w.tables().all {
		if !t.copied || t.dropped != nil {
			continue
		}
		x := t.made.at()
		x.Table = t.name
		x.Text = fmt.Sprintf("%s has no primary key, NOT NULL, CHECK, DEFAULT or foreign key: CREATE TABLE ... AS keeps names and rough types alone.", t.name)
		x.Advice = "Create the table with its columns, then INSERT INTO it; or drop it in this file, if it is a scratch copy."
		if isBackup(t.name) {
			x.Severity = Info
		}
		if now := w.shapes.table(w.last, t.name); now != nil {
			x.Rewrite = fmt.Sprintf("CREATE TABLE %s(%s);\nINSERT INTO %s(%s) %s;\n", q(t.first), typedColumns(now), q(t.first), qs(columnNames(now)), t.made.selects())
		}
		list = append(list, x)
	}
	return list
}

// isBackup reports whether a name says that the table is a copy to fall back on.
func isBackup(name string) bool {
	name = fold(name)
	return strings.HasPrefix(name, "_") || strings.Contains(name, "backup") || strings.Contains(name, "_bak") || strings.Contains(name, "bak_")
}

func columnNames(t *table) []string {
	var names []string
	for _, c := range t.columns {
		names = append(names, c.name)
	}
	return names
}

func typedColumns(t *table) string {
	var parts []string
	for _, c := range t.columns {
		parts = append(parts, strings.TrimSpace(q(c.name)+" "+c.kind))
	}
	return strings.Join(parts, ", ")
}
