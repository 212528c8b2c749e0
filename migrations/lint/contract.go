package lint

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"towline/migrations"
)

// goes begins the finding about a table, or a column of it, that goes with a statement. It does not fire where a contract directive says
// that this is the last step of an expand and contract, and the history of releases does not speak against it. The text that it sets is a
// sentence of the history, with a blank before it.
func (w *walk) goes(s *step, table, column string) (x Finding, fires bool) {
	x = s.at()
	x.Table, x.Column = table, column
	x.Advice = "Ship code that does not use it first, and let it go in a later release, with a contract directive."
	x.Rewrite = w.contractRewrite(s)
	marked := w.marked(s.file)
	if of := w.expandOf(s.file); of != "" && !marked {
		x.Advice = "Let it go in a release after that of " + of + ": the contract directive names a file of this one and has no effect."
	}
	l, known := w.lifetime(table, column)
	if !known {
		return x, !marked
	}
	reason := w.tooEarly(l)
	switch {
	case reason != "":
		x.Text, x.Severity = " "+reason, Error
		return x, true
	case marked:
		return x, false
	}
	x.Severity = Warning
	x.Text = fmt.Sprintf(" No code has used it since #%d.", l.UnusedSince)
	x.Advice = "Say that this is meant, with a contract directive."
	return x, true
}

// tooEarly says why something must not go yet; empty: it may.
func (w *walk) tooEarly(l Lifetime) string {
	h := w.in.History
	switch {
	case l.UnusedSince == 0:
		return "The code in production uses it."
	case l.Unused.IsZero():
		return fmt.Sprintf("#%d does not use it any more, but is not live in production yet.", l.UnusedSince)
	case h.Now.Before(l.Unused.Add(h.Wait)):
		return fmt.Sprintf("It has been unused since #%d and may go after %s.", l.UnusedSince, l.Unused.Add(h.Wait).UTC().Format("2006-01-02 15:04 UTC"))
	}
	return ""
}

// MayGo returns when something may go by a history, and whether that is known: its last use was in a release that has been replaced.
func (h History) MayGo(l Lifetime) (at time.Time, known bool) {
	if l.UnusedSince == 0 || l.Unused.IsZero() {
		return time.Time{}, false
	}
	return l.Unused.Add(h.Wait), true
}

// lifetime returns what the history says of a table or column; of a column of which it says nothing, what it says of the table is not
// enough.
func (w *walk) lifetime(table, column string) (Lifetime, bool) {
	if w.in.History == nil {
		return Lifetime{}, false
	}
	for _, l := range w.in.History.Columns {
		if same(l.Table, table) && same(l.Column, column) {
			return l, true
		}
	}
	return Lifetime{}, false
}

// marked reports whether a file says that it is the contract of an earlier one, which must not be among the checked ones.
func (w *walk) marked(f *file) bool {
	name := w.expandOf(f)
	return name != "" && name != f.Name && !slices.ContainsFunc(w.files, func(x *file) bool { return x.Name == name })
}

// expandOf is the file that a file's contract directive names; empty where there is none.
func (w *walk) expandOf(f *file) string {
	if f.contract == nil {
		return ""
	}
	return w.expand(f.contract)
}

// contractRewrite is the statement with the directive that it needs, in a later release.
func (w *walk) contractRewrite(s *step) string {
	of := ""
	for _, f := range w.in.Files {
		if f.Name == s.File {
			break
		}
		of = f.Name
	}
	if of == "" {
		return ""
	}
	return "-- in a later release, when no code uses it any more; of= names the migration that made it unnecessary\n-- towline:contract of=" + numberOf(of) + "\n" + s.SQL + ";\n"
}

// numberOf is how a directive names a migration: by its number.
func numberOf(name string) string {
	folder := path.Base(name)
	if folder == "migration.sql" {
		folder = path.Base(path.Dir(name))
	}
	head, _, found := strings.Cut(folder, "_")
	if !found {
		return strings.TrimSuffix(folder, ".sql")
	}
	return head
}

// backfillOf writes an UPDATE of a whole table as a backfill block; empty where the table has no key for it.
func (w *walk) backfillOf(s *step, table string) string {
	t := w.shapes.table(s.before, table)
	if t == nil || len(t.primaryKey()) != 1 || t.virtual {
		return ""
	}
	set := slices.IndexFunc(s.tokens, func(x migrations.Token) bool { return x.Is(s.SQL, "SET") })
	if set < 0 || set+2 >= len(s.tokens) || s.tokens[set+2].Text(s.SQL) != "=" {
		return ""
	}
	for depth, i := 0, set+3; i < len(s.tokens); i++ {
		switch s.tokens[i].Text(s.SQL) {
		case "(":
			depth++
		case ")":
			depth--
		case ",":
			if depth == 0 {
				return "" // several columns: what tells a row that is done is not known
			}
		}
		if depth == 0 && s.tokens[i].Is(s.SQL, "FROM", "RETURNING", "WHERE") {
			return ""
		}
	}
	column, value := s.tokens[set+1].Text(s.SQL), strings.TrimSpace(s.SQL[s.tokens[set+2].End:])
	return backfillBlock(table, t.primaryKey()[0], s.SQL, column+" IS NOT ("+value+")")
}

// backfillBlock is a statement without WHERE as a block, with the condition that an unprocessed row meets.
func backfillBlock(table, key, statement, guard string) string {
	name := strings.ToLower(table) + "_backfill"
	return fmt.Sprintf("-- towline:backfill name=%s table=%s key=%s\n--   count: SELECT count(*) FROM %s WHERE %s\n--   done:  SELECT NOT EXISTS (SELECT 1 FROM %s WHERE %s)\n%s\n WHERE %s\n   /* :window */;\n-- towline:end\n",
		name, table, key, q(table), guard, q(table), guard, statement, guard)
}
