package lint

import (
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
)

// maskedDefinition finds CREATE ... IF NOT EXISTS that does nothing although something else is there than it asks for.
func maskedDefinition(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		kind, name := s.createsUnlessThere()
		if kind == "" || s.err != nil || s.before != s.after {
			continue
		}
		there, ok := s.before.object(kind, name)
		if !ok {
			continue
		}
		differs, lacking := w.differences(s, there)
		if differs == "" {
			continue
		}
		x := s.at()
		if kind == "table" {
			x.Table = there.Name
		} else {
			x.Table = there.Table
		}
		if !lacking || w.madeHere(s, there) {
			x.Severity = Warning
		}
		x.Text = fmt.Sprintf("The %s %s exists already, so this statement does nothing; but the one that is there differs: %s.", kind, there.Name, differs)
		x.Advice = "Change the " + kind + " that is there, with a statement that fails where it cannot."
		if kind == "index" || kind == "trigger" || kind == "view" {
			x.Rewrite = fmt.Sprintf("DROP %s %s;\n%s;", strings.ToUpper(kind), migrations.QuoteName(there.Name), withoutIfNotExists(s))
		}
		list = append(list, x)
	}
	return list
}

// createsUnlessThere is what a CREATE ... IF NOT EXISTS makes, and its name.
func (s *step) createsUnlessThere() (kind, name string) {
	list := s.tokens
	if len(list) == 0 || !list[0].Is(s.SQL, "CREATE") {
		return "", ""
	}
	for i, t := range list {
		if t.Is(s.SQL, "TABLE", "INDEX", "TRIGGER", "VIEW") && kind == "" {
			kind = fold(t.Text(s.SQL))
		}
		if t.Is(s.SQL, "EXISTS") && i+1 < len(list) && i > 1 && list[i-1].Is(s.SQL, "NOT") {
			if i+3 < len(list) && list[i+2].Text(s.SQL) == "." {
				i += 2
			}
			return kind, migrations.Unquote(list[i+1].Text(s.SQL))
		}
		if i > 6 {
			break
		}
	}
	return "", ""
}

// withoutIfNotExists is the text of such a statement without these three words.
func withoutIfNotExists(s *step) string {
	for i, t := range s.tokens {
		if t.Is(s.SQL, "IF") && i+2 < len(s.tokens) {
			return s.SQL[:t.Start] + strings.TrimLeft(s.SQL[s.tokens[i+2].End:], " \t\r\n")
		}
	}
	return s.SQL
}

// madeHere reports whether an object was made by one of the checked files.
func (w *walk) madeHere(s *step, o migrations.Object) bool {
	if o.Type == "table" {
		return w.isNew(s, o.Name)
	}
	_, old := w.first.object(o.Type, o.Name)
	return !old
}

// differences says how the object that is there differs from what a statement asks for; empty: it does not. lacking: the statement asks for
// something that is not there.
func (w *walk) differences(s *step, there migrations.Object) (text string, lacking bool) {
	wanted := there
	wanted.SQL = withoutIfNotExists(s)
	if definition(wanted.SQL) == definition(there.SQL) {
		return "", false
	}
	if there.Type != "table" {
		return "its definition is another one", true
	}
	is, want := w.shapes.table(s.before, there.Name), w.shapes.table(newSchema([]migrations.Object{wanted}), there.Name)
	if is == nil || want == nil {
		return "its definition is another one", false
	}
	if lacks := want.lacks(is); len(lacks) > 0 {
		return strings.Join(lacks, "; "), true
	}
	if extra := columnsMore(is, want); len(extra) > 0 {
		return "it has " + strings.Join(extra, ", ") + " as well", false
	}
	if strings.Contains(fold(wanted.SQL), "check") || strings.Contains(fold(there.SQL), "check") {
		return "its definition is another one, perhaps its CHECK", false
	}
	return "", false
}

// definition is the text of an object from its name on, so that only what matters is compared.
func definition(sql string) string {
	return strings.TrimPrefix(strings.TrimSuffix(normal(sql), " ;"), "create ")
}

// lacks says what a table that is there has not, or has otherwise.
func (want *table) lacks(is *table) []string {
	var list, missing []string
	for _, c := range want.columns {
		got, ok := is.column(c.name)
		switch {
		case !ok:
			missing = append(missing, c.name)
		case !same(got.kind, c.kind):
			list = append(list, fmt.Sprintf("%s is %s, not %s", c.name, nothingIfEmpty(got.kind), nothingIfEmpty(c.kind)))
		case c.notNull && !got.notNull && c.primary == 0:
			list = append(list, c.name+" may be NULL")
		case c.fallback != got.fallback && normal(c.fallback) != normal(got.fallback):
			list = append(list, c.name+" has another default")
		}
	}
	if len(missing) > 0 {
		list = append([]string{"it has no column " + strings.Join(missing, ", ")}, list...)
	}
	for _, k := range want.keys {
		if !slices.ContainsFunc(is.keys, func(g foreignKey) bool {
			return same(g.parent, k.parent) && slices.EqualFunc(g.from, k.from, same) && g.onDelete == k.onDelete
		}) {
			list = append(list, "it has no such foreign key to "+k.parent)
		}
	}
	for _, x := range want.indexes {
		if x.origin != "c" && !slices.ContainsFunc(is.indexes, func(g index) bool { return g.unique && slices.EqualFunc(g.columns, x.columns, same) }) {
			list = append(list, "it is not unique by "+strings.Join(x.columns, ", "))
		}
	}
	return list
}

func columnsMore(is, want *table) []string {
	var list []string
	for _, c := range is.columns {
		if _, ok := want.column(c.name); !ok {
			list = append(list, c.name)
		}
	}
	return list
}

func nothingIfEmpty(kind string) string {
	if kind == "" {
		return "no type"
	}
	return kind
}
