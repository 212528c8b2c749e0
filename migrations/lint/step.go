package lint

import (
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// drops returns the table that the statement drops.
func (s *step) drops() string {
	if s.err != nil {
		return ""
	}
	for _, a := range s.actions {
		if (a.Kind == sqlite.DropTable || a.Kind == sqlite.DropVTable) && a.Inner == "" {
			return a.Arg3
		}
	}
	return ""
}

// fills returns the table into which the statement inserts rows: by INSERT, REPLACE or CREATE TABLE ... AS.
func (s *step) fills() string {
	if s.isCreateAs() {
		for _, a := range s.actions {
			if a.Kind == sqlite.CreateTable {
				return a.Arg3
			}
		}
	}
	return s.first(sqlite.Insert)
}

// deletesFrom returns the table whose rows a DELETE statement deletes.
func (s *step) deletesFrom() string {
	if len(s.tokens) == 0 || !s.tokens[0].Is(s.SQL, "DELETE", "WITH") {
		return ""
	}
	return s.first(sqlite.Delete)
}

// updates returns the table whose rows an UPDATE statement changes.
func (s *step) updates() string {
	if len(s.tokens) == 0 || !s.tokens[0].Is(s.SQL, "UPDATE", "WITH") {
		return ""
	}
	return s.first(sqlite.Update)
}

// first returns the table of the first action of a kind that the statement does itself, on something of the team's.
func (s *step) first(kind sqlite.ActionKind) string {
	for _, a := range s.actions {
		if a.Kind == kind && a.Inner == "" && !reserved(a.Arg3) {
			return a.Arg3
		}
	}
	return ""
}

// does reports whether the statement, or a trigger or foreign key for it, does something of a kind to a table.
func (s *step) does(kind sqlite.ActionKind, table string) bool {
	return slices.ContainsFunc(s.actions, func(a sqlite.Action) bool { return a.Kind == kind && same(a.Arg3, table) })
}

// reads reports whether the statement itself reads a table, or one of its columns where column is not empty.
func (s *step) reads(table, column string) bool {
	return slices.ContainsFunc(s.actions, func(a sqlite.Action) bool {
		return a.Kind == sqlite.Read && a.Inner == "" && same(a.Arg3, table) && (column == "" || same(a.Arg4, column))
	})
}

// pragma returns the pragma that the statement sets and what to, both in lower case; what to is empty where it only asks.
func (s *step) pragma() (name, value string) {
	for _, a := range s.actions {
		if a.Kind == sqlite.Pragma && a.Inner == "" {
			return fold(a.Arg3), fold(migrations.Unquote(a.Arg4))
		}
	}
	return "", ""
}

// calls reports whether the statement uses a function, as the helpers of ALTER TABLE show its kind.
func (s *step) calls(function string) bool {
	return slices.ContainsFunc(s.actions, func(a sqlite.Action) bool { return a.Kind == sqlite.Function && same(a.Arg4, function) })
}

// alters returns the table of an ALTER TABLE.
func (s *step) alters() string { return s.first(sqlite.AlterTable) }

// named returns the table of an ALTER TABLE as it is written, for one that SQLite refuses before it says what it would do.
func (s *step) named() string {
	if len(s.tokens) < 3 || !s.tokens[0].Is(s.SQL, "ALTER") {
		return ""
	}
	name := s.tokens[2]
	if len(s.tokens) > 4 && s.tokens[3].Text(s.SQL) == "." {
		name = s.tokens[4]
	}
	return migrations.Unquote(name.Text(s.SQL))
}

// renamesTable returns the old and the new name of a table that the statement renames.
func (s *step) renamesTable() (from, to string) {
	table := s.alters()
	if table == "" || s.before == s.after {
		return "", ""
	}
	if s.after.has(table) {
		// Only the case of its name may have changed.
		was, _ := s.before.table(table)
		is, _ := s.after.table(table)
		if was.Name != is.Name {
			return was.Name, is.Name
		}
		return "", ""
	}
	for _, o := range s.after.objects {
		if o.Type == "table" && !s.before.has(o.Name) && !isShadow(s.after, o.Name) {
			was, _ := s.before.table(table)
			return was.Name, o.Name
		}
	}
	return "", ""
}

// isShadow reports whether the table keeps the content of a virtual one.
func isShadow(sc *schema, name string) bool {
	for i := len(name) - 1; i > 0; i-- {
		if name[i] != '_' {
			continue
		}
		if o, ok := sc.table(name[:i]); ok && o.Virtual() {
			return true
		}
	}
	return false
}

func isVirtual(o migrations.Object) bool { return o.Virtual() }

// isCreateAs reports whether the statement is CREATE TABLE ... AS SELECT.
func (s *step) isCreateAs() bool {
	if len(s.tokens) < 4 || !s.tokens[0].Is(s.SQL, "CREATE") || !s.tokens[1].Is(s.SQL, "TABLE") {
		return false
	}
	for _, t := range s.tokens[2:] {
		if t.Text(s.SQL) == "(" {
			return false
		}
		if t.Is(s.SQL, "AS") {
			return true
		}
	}
	return false
}

// word reports whether the statement has one of the keywords outside quotes. A name without quotes may be one as well.
func (s *step) word(keywords ...string) bool {
	return slices.ContainsFunc(s.tokens, func(t migrations.Token) bool { return t.Is(s.SQL, keywords...) })
}

// columnChange returns the columns that an ALTER TABLE adds to, and takes from, its table.
func (s *step) columnChange(w *walk) (table string, added, removed []column) {
	if s.change == nil {
		s.change = &change{}
		s.change.table, s.change.added, s.change.removed = s.columnsBetween(w)
	}
	return s.change.table, s.change.added, s.change.removed
}

// change is what columnChange returns, kept.
type change struct {
	table          string
	added, removed []column
}

func (s *step) columnsBetween(w *walk) (table string, added, removed []column) {
	table = s.alters()
	if table == "" || s.before == s.after || !s.after.has(table) {
		return "", nil, nil
	}
	was, is := w.shapes.table(s.before, table), w.shapes.table(s.after, table)
	if was == nil || is == nil {
		return "", nil, nil
	}
	for _, c := range is.columns {
		if _, ok := was.column(c.name); !ok {
			added = append(added, c)
		}
	}
	for _, c := range was.columns {
		if _, ok := is.column(c.name); !ok {
			removed = append(removed, c)
		}
	}
	return was.name, added, removed
}

// selects returns the text of the query of an INSERT or CREATE TABLE AS, empty if there is none.
func (s *step) selects() string {
	depth := 0
	for i, t := range s.tokens {
		switch text := t.Text(s.SQL); {
		case text == "(":
			depth++
		case text == ")":
			depth--
		case depth == 0 && i > 0 && t.Is(s.SQL, "SELECT", "WITH"):
			return strings.TrimSpace(s.SQL[t.Start:])
		}
	}
	return ""
}

// transfers returns the table from which INSERT INTO t SELECT * FROM u takes its rows where SQLite copies them as they lie on the page: it
// then does not ask the authorizer about u ("xferOptimization" in SQLite's insert.c). Only this simple form is copied so.
func (s *step) transfers() string {
	if len(s.tokens) == 0 || !s.tokens[0].Is(s.SQL, "INSERT", "REPLACE") || s.selects() == "" {
		return ""
	}
	for _, a := range s.actions {
		if a.Kind == sqlite.Read && a.Inner == "" {
			return ""
		}
	}
	name := ""
	for i, t := range s.tokens {
		if t.Is(s.SQL, "FROM") && i+1 < len(s.tokens) {
			name = migrations.Unquote(s.tokens[i+1].Text(s.SQL))
			if i+3 < len(s.tokens) && s.tokens[i+2].Text(s.SQL) == "." {
				name = migrations.Unquote(s.tokens[i+3].Text(s.SQL))
			}
		}
	}
	if name == "" || !s.before.has(name) {
		return ""
	}
	return name
}
