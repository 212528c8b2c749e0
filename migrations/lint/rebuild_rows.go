package lint

import (
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// rowIDChange finds rebuilds in which rows get other rowids.
func rowIDChange(w *walk) []Finding {
	var list []Finding
	for _, r := range w.rebuilds() {
		was, is := w.shapes.table(r.drop.before, r.old.name), w.shapes.table(r.after, r.name)
		if was == nil || is == nil || was.virtual || is.virtual || was.withoutRowID || is.withoutRowID || was.rowIDAlias() != "" || keepsRowID(r) {
			continue
		}
		x := r.drop.at()
		x.Table = r.name
		x.Text = fmt.Sprintf("%s has no INTEGER PRIMARY KEY, so the copy numbers its rows anew.", r.name)
		x.Severity = Info
		x.Advice = "Nothing to do where nobody uses rowid."
		if fts := fullTextOn(r.drop.before, r.name); fts != "" {
			x.Severity = Warning
			x.Text += fmt.Sprintf(" %s finds its rows by rowid and then points to other ones.", fts)
			x.Advice = "Build the index anew after the copy."
			x.Rewrite = fmt.Sprintf("INSERT INTO %s(%s) VALUES('rebuild');\n", q(fts), q(fts))
			if slices.ContainsFunc(r.file.steps[r.drop.Index:], func(s *step) bool { return s.err == nil && rebuildsFullText(s, fts) }) {
				continue
			}
		}
		list = append(list, x)
	}
	return list
}

// keepsRowID reports whether the copies carry the rowid over by name.
func keepsRowID(r rebuilt) bool {
	return len(r.copies) > 0 && !slices.ContainsFunc(r.copies, func(s *step) bool { return !s.word("ROWID", "_ROWID_", "OID") })
}

// rebuildsFullText reports whether a statement is INSERT INTO f(f) VALUES('rebuild').
func rebuildsFullText(s *step, fts string) bool {
	return same(s.fills(), fts) && strings.Contains(normal(s.SQL), "'rebuild'")
}

// fullTextOn returns an FTS5 table whose content is a table; empty if there is none.
func fullTextOn(sc *schema, table string) string {
	for _, o := range sc.objects {
		if o.Type == "table" && o.Virtual() && same(contentOf(o.SQL), table) {
			return o.Name
		}
	}
	return ""
}

// contentOf reads content='docs' out of a CREATE VIRTUAL TABLE ... USING fts5.
func contentOf(sql string) string {
	list := meaning(sql)
	for i, t := range list {
		if i+2 < len(list) && t.Is(sql, "CONTENT") && list[i+1].Text(sql) == "=" {
			return migrations.Unquote(list[i+2].Text(sql))
		}
	}
	return ""
}

// affinityChange finds columns whose values a rebuild converts.
func affinityChange(w *walk) []Finding {
	var list []Finding
	for _, r := range w.rebuilds() {
		was, is := w.shapes.table(r.drop.before, r.old.name), w.shapes.table(r.after, r.name)
		if was == nil || is == nil || was.virtual {
			continue
		}
		for _, c := range was.columns {
			now, ok := is.column(c.name)
			if !ok || affinity(now.kind) == affinity(c.kind) || c.virtual || now.virtual || !converts(c.kind, now.kind) {
				continue
			}
			x := r.drop.at()
			x.Table, x.Column = r.name, c.name
			x.Text = fmt.Sprintf("%s.%s goes from %s to %s, so values are converted while they are copied: the text '007' becomes the number 7.", r.name, c.name, orNone(c.kind), orNone(now.kind))
			if affinity(now.kind) == "TEXT" {
				x.Text = fmt.Sprintf("%s.%s goes from %s to %s, so numbers become texts while they are copied: 7 becomes '7', and comparisons with numbers are other ones.", r.name, c.name, orNone(c.kind), orNone(now.kind))
			}
			x.Advice = "Keep the type, or fill a new column and use that."
			x.Rewrite = fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s;\n", q(r.name), q(c.name+"_new"), now.kind)
			list = append(list, x)
		}
	}
	return list
}

func orNone(kind string) string {
	if kind == "" {
		return "no type"
	}
	return kind
}

// affinity is the affinity of a declared type ("Datatypes In SQLite", 3.1).
func affinity(kind string) string {
	kind = strings.ToUpper(kind)
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(kind, p) })
	}
	switch {
	case has("INT"):
		return "INTEGER"
	case has("CHAR", "CLOB", "TEXT"):
		return "TEXT"
	case has("BLOB"), kind == "":
		return "BLOB"
	case has("REAL", "FLOA", "DOUB"):
		return "REAL"
	}
	return "NUMERIC"
}

// converts reports whether the values that a column of the first type holds may change in one of the second. INTEGER and NUMERIC keep the
// same values; so does a column without a type, whatever goes into it.
func converts(from, to string) bool {
	a, b := affinity(from), affinity(to)
	exact := func(x string) bool { return x == "INTEGER" || x == "NUMERIC" }
	return b != "BLOB" && !(exact(a) && exact(b)) && !(a == "REAL" && exact(b))
}

// rebuildCount finds copies that leave rows behind.
func rebuildCount(w *walk) []Finding {
	var list []Finding
	for _, r := range w.rebuilds() {
		for _, s := range r.copies {
			x := s.at()
			x.Table = r.name
			cut, seen := w.cut(s)
			switch {
			case cut > 0 && seen:
				x.Text = fmt.Sprintf("This copy leaves %d rows of %s behind: they go with the DROP.", cut, r.name)
			case w.losesNulls(s):
				x.Text = fmt.Sprintf("This copy leaves rows of %s behind that have NULLs: they go with the DROP.", r.name)
			case s.filters() != "":
				x.Severity = Warning
				x.Text = fmt.Sprintf("This copy has %s: rows of %s that it leaves out go with the DROP, and no count is compared.", s.filters(), r.name)
			default:
				continue
			}
			x.Advice = "Copy all rows. Where some are to go, delete them by name in an earlier migration."
			x.Rewrite = w.guarded(r)
			list = append(list, x)
			break
		}
	}
	return list
}

// cut is how many rows a copy left behind on a copy of the data.
func (w *walk) cut(s *step) (rows int64, seen bool) {
	for _, c := range w.rehearsal.Cut {
		if c.File == s.File && c.Index == s.Index {
			return c.Rows - c.Copied, true
		}
	}
	return 0, false
}

// filters names what in a copy may leave rows out; empty: nothing does.
func (s *step) filters() string {
	for _, word := range []string{"WHERE", "JOIN", "GROUP", "DISTINCT", "LIMIT", "HAVING", "EXCEPT", "INTERSECT"} {
		if s.word(word) {
			return word
		}
	}
	if s.word("IGNORE") {
		return "OR IGNORE"
	}
	return ""
}

// losesNulls runs the query of a copy on a table with one full row and, for each column that may be NULL, one in which it is: rows that are
// missing then would be missing among real ones.
func (w *walk) losesNulls(s *step) bool {
	query := s.selects()
	name, ok := s.readsOnly()
	t := w.shapes.table(s.before, name)
	if !ok || query == "" || t == nil || t.virtual || s.filters() == "" || s.word("LIMIT") {
		return false
	}
	rows, all := nullRows(t), int64(0)
	err := w.shapes.scratch(func(c *sqlite.Conn) error {
		if _, err := c.Exec(w.shapes.ctx, fmt.Sprintf("CREATE TABLE %s(%s)", migrations.QuoteName(t.name), typedColumns(t))); err != nil {
			return err
		}
		for _, row := range rows {
			if _, err := c.Exec(w.shapes.ctx, fmt.Sprintf("INSERT INTO %s VALUES (%s)", migrations.QuoteName(t.name), row)); err != nil {
				return err
			}
		}
		res, err := c.Exec(w.shapes.ctx, "SELECT count(*) FROM ("+query+")")
		if err == nil {
			all = number(res.Rows[0][0])
		}
		return err
	})
	// Without any row the condition is about values, of which nothing is known.
	return err == nil && all > 0 && all < int64(len(rows))
}

// nullRows are the VALUES of a full row and of one for each column that may be NULL.
func nullRows(t *table) []string {
	full := make([]string, len(t.columns))
	for i := range full {
		full[i] = "1"
	}
	rows := []string{strings.Join(full, ", ")}
	for i, c := range t.columns {
		if c.notNull || c.primary > 0 {
			continue
		}
		row := slices.Clone(full)
		row[i] = "NULL"
		rows = append(rows, strings.Join(row, ", "))
	}
	return rows
}

// readsOnly returns the one table that a statement reads.
func (s *step) readsOnly() (name string, ok bool) {
	for _, a := range s.actions {
		if a.Kind != sqlite.Read || a.Inner != "" || a.Arg3 == "" || same(a.Arg3, s.fills()) {
			continue
		}
		if name != "" && !same(a.Arg3, name) {
			return "", false
		}
		name = a.Arg3
	}
	return name, name != ""
}
