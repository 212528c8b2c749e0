package drizzle

import (
	"fmt"
	"slices"
	"strings"
)

// Edit is one change that somebody has to make in the schema file.
type Edit struct {
	Table string // as SQL calls it, "" for a view
	// What is to be done: "new table", "remove table", "new view", "remove view", "add column", "change column", "remove column", and for
	// indexes, constraints and keys "add", "change" and "remove".
	What string
	Name string // of the column, index, constraint or view
	Code string // the new text, "" where something is only removed
}

// Change is what the schema file has to say so that it agrees with the new snapshot.
type Change struct {
	Edits   []Edit
	Files   []string // the schema files that were found
	Imports []string // lines of import that the new text needs; what is imported already may be left out
	Notes   []string // what cannot be said in a schema file
}

// Empty reports whether there is nothing to do.
func (c Change) Empty() bool { return len(c.Edits)+len(c.Notes) == 0 }

// String is the change as people read it, in the order in which they make it.
func (c Change) String() string {
	var b strings.Builder
	if len(c.Edits) > 0 {
		where := "the schema file"
		if len(c.Files) > 0 {
			where = strings.Join(c.Files, ", ")
		}
		fmt.Fprintf(&b, "In %s:\n", where)
	}
	if len(c.Imports) > 0 {
		fmt.Fprintf(&b, "\n// imports, where they are not there yet\n%s\n", strings.Join(c.Imports, "\n"))
	}
	for _, e := range c.Edits {
		fmt.Fprintf(&b, "\n// %s\n", e.headline())
		if e.Code != "" {
			fmt.Fprintln(&b, e.Code)
		}
	}
	for _, n := range c.Notes {
		fmt.Fprintf(&b, "\n// %s\n", n)
	}
	return b.String()
}

func (e Edit) headline() string {
	switch e.What {
	case "new table", "remove table":
		return e.What + " " + e.Table
	case "new view", "remove view":
		return e.What + " " + e.Name
	case "add":
		return e.Table + ": add to the list behind the columns"
	case "remove", "change":
		return e.Table + ": " + e.What + " " + e.Name
	}
	return e.Table + ": " + e.What + " " + e.Name
}

// writer writes the schema language.
type writer struct {
	names names
	used  map[string]bool // what has to be imported
}

// tell turns changes of the schema into those of the schema file.
func tell(changes []change, n names) Change {
	w := writer{names: n, used: map[string]bool{}}
	out := Change{Files: n.files}
	for _, c := range changes {
		switch {
		case c.view != nil && c.viewWasDropped:
			out.Edits = append(out.Edits, Edit{What: "remove view", Name: c.view.name})
		case c.view != nil:
			out.Edits = append(out.Edits, Edit{What: "new view", Name: c.view.name, Code: w.view(*c.view)})
		case c.dropped:
			out.Edits = append(out.Edits, Edit{Table: c.table.name, What: "remove table"})
		case c.made:
			out.Edits = append(out.Edits, Edit{Table: c.table.name, What: "new table", Code: w.table(c.table)})
		default:
			out.Edits = append(out.Edits, w.parts(c)...)
		}
	}
	out.Imports = w.imports()
	return out
}

// parts are the edits of a table that stays: removals first. A foreign key of one column is that column's.
func (w writer) parts(c change) []Edit {
	var edits []Edit
	changed := map[string]part{}
	for _, p := range c.gone {
		own := p.name
		if p.kind == isForeign && len(p.columns) == 1 {
			own = p.columns[0]
		}
		_, stays := column(c.table.parts, own)
		switch {
		case stays && (p.kind == isColumn || p.kind == isForeign):
			changed[own] = part{}
			if p.kind == isColumn {
				changed[own] = p
			}
		case p.kind == isColumn:
			edits = append(edits, Edit{c.table.name, "remove column", p.name, ""})
		case p.kind == isForeign && len(p.columns) == 1: // it went with its column
		case namesake(c.came, p): // it is changed below
		default:
			edits = append(edits, Edit{c.table.name, "remove", string(p.kind) + " " + p.label(), ""})
		}
	}
	inline := map[string]bool{}
	for _, p := range c.table.of(isColumn) {
		old, isChanged := changed[p.name]
		switch _, isNew := column(c.came, p.name); {
		case isChanged:
			edits = append(edits, Edit{c.table.name, "change column", p.name, "  " + w.changed(c, old, p, inline) + ","})
		case isNew:
			edits = append(edits, Edit{c.table.name, "add column", p.name, "  " + w.column(c.table, p, c.came, inline) + ","})
		}
	}
	for _, p := range c.came {
		if p.kind == isColumn || inline[p.label()+string(p.kind)] {
			continue
		}
		what := "add"
		if namesake(c.gone, p) {
			what = "change"
		}
		edits = append(edits, Edit{c.table.name, what, string(p.kind) + " " + p.label(), "  " + w.extra(c.table, p) + ","})
	}
	return edits
}

// namesake reports whether there is an index or check of the same name.
func namesake(parts []part, p part) bool {
	return p.name != "" && slices.ContainsFunc(parts, func(q part) bool { return q.kind == p.kind && q.name == p.name })
}

// changed is a column that was another one, or whose foreign key was another one (then old is the zero part): in the schema file's own
// words where those say what did not change.
func (w writer) changed(c change, old, p part, inline map[string]bool) string {
	if old.kind == "" {
		old = p
	}
	head, made := w.names.head(c.table.name, p.name), ""
	if head != "" && old.sqlType == p.sqlType {
		made = head
	} else {
		made = w.builder(p)
	}
	fallback := w.fallback(p)
	if own := w.names.method(c.table.name, p.name, "default"); own != "" && old.fallback == p.fallback {
		fallback = own
	}
	b := w.names.key(c.table.name, p.name) + ": " + made + w.nullness(p) + fallback + w.generated(p)
	b += w.names.method(c.table.name, p.name, "unique")
	referred := w.foreign(c.table, p, c.came, inline)
	if referred == "" && w.names.method(c.table.name, p.name, "references") != "" {
		referred = w.foreign(c.table, p, c.table.parts, inline)
	}
	return b + referred
}

// table is a whole definition.
func (w writer) table(t *table) string {
	var b strings.Builder
	inline := map[string]bool{}
	fmt.Fprintf(&b, "export const %s = %s(%s, {\n", w.names.constant(t.name), w.use("sqliteTable"), quote(t.name))
	for _, p := range t.of(isColumn) {
		fmt.Fprintf(&b, "  %s,\n", w.column(t, p, t.parts, inline))
	}
	var extras []string
	for _, p := range t.parts {
		if p.kind != isColumn && !inline[p.label()+string(p.kind)] {
			extras = append(extras, "  "+w.extra(t, p)+",\n")
		}
	}
	if len(extras) == 0 {
		return b.String() + "});"
	}
	return b.String() + "}, (t) => [\n" + strings.Join(extras, "") + "]);"
}

// column is a property. A foreign key among parts that is its alone is written with it, and noted in inline.
func (w writer) column(t *table, p part, parts []part, inline map[string]bool) string {
	return w.names.key(t.name, p.name) + ": " + w.builder(p) + w.nullness(p) + w.fallback(p) + w.generated(p) + w.foreign(t, p, parts, inline)
}

func (w writer) nullness(p part) string {
	switch {
	case p.primary && p.auto:
		return ".primaryKey({ autoIncrement: true })"
	case p.primary:
		return ".primaryKey()"
	case p.notNull:
		return ".notNull()"
	}
	return ""
}

func (w writer) fallback(p part) string {
	if p.fallback == "" {
		return ""
	}
	return ".default(" + w.value(p) + ")"
}

func (w writer) generated(p part) string {
	if p.generated == "" {
		return ""
	}
	return fmt.Sprintf(".generatedAlwaysAs(%s, { mode: %s })", w.sql(p.generated), quote(storage(p)))
}

func (w writer) foreign(t *table, p part, parts []part, inline map[string]bool) string {
	for _, f := range parts {
		if f.kind == isForeign && len(f.columns) == 1 && f.columns[0] == p.name && !inline[f.label()+string(isForeign)] {
			inline[f.label()+string(isForeign)] = true
			return w.references(t, f)
		}
	}
	return ""
}

func (w writer) references(t *table, f part) string {
	typed := ""
	if f.parent == t.name {
		typed = ": " + w.use("type AnySQLiteColumn")
	}
	b := fmt.Sprintf(".references(()%s => %s.%s", typed, w.names.constant(f.parent), w.names.key(f.parent, f.parentColumns[0]))
	var actions []string
	if f.onDelete != "no action" {
		actions = append(actions, "onDelete: "+quote(f.onDelete))
	}
	if f.onUpdate != "no action" {
		actions = append(actions, "onUpdate: "+quote(f.onUpdate))
	}
	if len(actions) > 0 {
		b += ", { " + strings.Join(actions, ", ") + " }"
	}
	return b + ")"
}

// builder is the function that makes a column of a type.
func (w writer) builder(p part) string {
	switch p.sqlType {
	case "integer", "text", "real", "blob", "numeric":
		return w.use(p.sqlType) + "(" + quote(p.name) + ")"
	}
	return fmt.Sprintf("%s<{ data: unknown }>({ dataType: () => %s })(%s)", w.use("customType"), quote(p.sqlType), quote(p.name))
}

func (w writer) value(p part) string {
	value, isNumber, isText := literal(p)
	switch {
	case isNumber:
		return value
	case isText:
		return quote(value)
	}
	return w.sql(p.fallback)
}

// extra is an index or a constraint.
func (w writer) extra(t *table, p part) string {
	switch p.kind {
	case isIndex:
		f := "index"
		if p.unique {
			f = "uniqueIndex"
		}
		var terms []string
		for i, c := range p.columns {
			if p.expressions[i] {
				terms = append(terms, w.sql(c))
			} else {
				terms = append(terms, "t."+w.names.key(t.name, c))
			}
		}
		b := fmt.Sprintf("%s(%s).on(%s)", w.use(f), quote(p.name), strings.Join(terms, ", "))
		if p.where != "" {
			b += ".where(" + w.sql(p.where) + ")"
		}
		return b
	case isUnique:
		return fmt.Sprintf("%s(%s).on(%s)", w.use("unique"), quote(uniqueName(t, p)), w.list("t", t.name, p.columns))
	case isPrimary:
		return fmt.Sprintf("%s({ columns: [%s] })", w.use("primaryKey"), w.list("t", t.name, p.columns))
	case isCheck:
		return fmt.Sprintf("%s(%s, %s)", w.use("check"), quote(checkName(t, p)), w.sql(p.expression))
	}
	parent := w.names.constant(p.parent)
	if p.parent == t.name {
		parent = "t"
	}
	b := fmt.Sprintf("%s({ columns: [%s], foreignColumns: [%s] })", w.use("foreignKey"), w.list("t", t.name, p.columns), w.list(parent, p.parent, p.parentColumns))
	if p.onDelete != "no action" {
		b += ".onDelete(" + quote(p.onDelete) + ")"
	}
	if p.onUpdate != "no action" {
		b += ".onUpdate(" + quote(p.onUpdate) + ")"
	}
	return b
}

func (w writer) list(of, table string, columns []string) string {
	var all []string
	for _, c := range columns {
		all = append(all, of+"."+w.names.key(table, c))
	}
	return strings.Join(all, ", ")
}

func (w writer) view(v view) string {
	var b strings.Builder
	fmt.Fprintf(&b, "export const %s = %s(%s, {\n", w.names.constant(v.name), w.use("sqliteView"), quote(v.name))
	for _, p := range v.columns {
		fmt.Fprintf(&b, "  %s: %s,\n", identifier(p.name), w.builder(p))
	}
	return b.String() + "}).as(" + w.sql(v.definition) + ");"
}

// use notes that a name has to be imported.
func (w writer) use(name string) string {
	w.used[name] = true
	return strings.TrimPrefix(name, "type ")
}

// sql is an expression of SQL.
func (w writer) sql(expression string) string {
	w.used["sql"] = true
	return "sql`" + strings.NewReplacer("\\", "\\\\", "`", "\\`", "${", "\\${").Replace(expression) + "`"
}

func (w writer) imports() []string {
	var core, lines []string
	for name := range w.used {
		if name != "sql" {
			core = append(core, name)
		}
	}
	slices.Sort(core)
	if w.used["sql"] {
		lines = append(lines, `import { sql } from "drizzle-orm";`)
	}
	if len(core) > 0 {
		lines = append(lines, `import { `+strings.Join(core, ", ")+` } from "drizzle-orm/sqlite-core";`)
	}
	return lines
}

// quote is a string of TypeScript.
func quote(s string) string {
	return `"` + strings.NewReplacer("\\", "\\\\", `"`, `\"`, "\n", "\\n", "\r", "\\r").Replace(s) + `"`
}
