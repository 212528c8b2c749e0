package drizzle

import (
	"fmt"
	"slices"
	"strings"
)

// schema is what Drizzle knows of a database.
type schema struct {
	tables []*table
	views  []view
}

// table is a table by its parts.
type table struct {
	name    string
	virtual bool // an FTS5 table or the like, which Drizzle cannot describe
	parts   []part
}

// kind is what a part is.
type kind string

const (
	isColumn  kind = "column"
	isIndex   kind = "index"
	isUnique  kind = "unique constraint"
	isPrimary kind = "primary key" // of several columns; of one it is the column's
	isForeign kind = "foreign key"
	isCheck   kind = "check"
)

// part is a column or something that a table has besides columns. Which fields count depends on the kind.
type part struct {
	kind kind
	name string // of a column, index or check; "" for a check without a name

	// Of a column.
	sqlType       string // in lower case
	notNull       bool
	primary, auto bool   // PRIMARY KEY of this column alone; AUTOINCREMENT
	fallback      string // DEFAULT as SQL, "" for none
	generated     string // the expression, "" for none
	stored        bool

	// Of an index, a constraint or a foreign key: columns. Of an index a term that is no plain column is an expression.
	columns     []string
	expressions []bool
	unique      bool
	where       string

	// Of a foreign key. Actions are in lower case.
	parent             string
	parentColumns      []string
	onDelete, onUpdate string

	// Of a check.
	expression string
}

// view is a view by its name and what stands behind AS.
type view struct {
	name, definition string
	columns          []part
}

// label is what a part is called among those of its kind.
func (p part) label() string {
	switch p.kind {
	case isColumn, isIndex:
		return p.name
	case isCheck:
		if p.name != "" {
			return p.name
		}
		return p.expression
	}
	return strings.Join(p.columns, ", ")
}

// same reports whether two parts are equal in everything.
func (p part) same(q part) bool {
	return fmt.Sprintf("%q", p.fields()) == fmt.Sprintf("%q", q.fields())
}

func (p part) fields() []any {
	return []any{
		p.kind, p.name, p.sqlType, fmt.Sprint(p.notNull, p.primary, p.auto, p.stored, p.unique, p.expressions), p.fallback, p.generated,
		p.columns, p.where, p.parent, p.parentColumns, p.onDelete, p.onUpdate, p.expression,
	}
}

func (s schema) table(name string) *table {
	for _, t := range s.tables {
		if strings.EqualFold(t.name, name) {
			return t
		}
	}
	return nil
}

// of are a table's parts of one kind.
func (t *table) of(k kind) []part {
	var found []part
	for _, p := range t.parts {
		if p.kind == k {
			found = append(found, p)
		}
	}
	return found
}

// primaryColumns are the columns of the primary key, of one or several.
func (t *table) primaryColumns() []string {
	for _, p := range t.parts {
		switch {
		case p.kind == isPrimary:
			return p.columns
		case p.kind == isColumn && p.primary:
			return []string{p.name}
		}
	}
	return nil
}

// has reports whether a table has an equal part.
func (t *table) has(p part) bool { return slices.ContainsFunc(t.parts, p.same) }

// change is one step from a schema to another: parts that went, parts that came.
type change struct {
	table          *table // after, or before where it went
	made, dropped  bool   // the whole table
	gone, came     []part
	view           *view
	viewWasDropped bool
}

// diff lists what leads from one schema to the other, tables that went first.
func diff(before, after schema) []change {
	var all []change
	for _, t := range before.tables {
		if after.table(t.name) == nil {
			all = append(all, change{table: t, dropped: true, gone: t.parts})
		}
	}
	for _, t := range after.tables {
		old := before.table(t.name)
		if old == nil {
			all = append(all, change{table: t, made: true, came: t.parts})
			continue
		}
		c := change{table: t}
		for _, p := range old.parts {
			if !t.has(p) {
				c.gone = append(c.gone, p)
			}
		}
		for _, p := range t.parts {
			if !old.has(p) {
				c.came = append(c.came, p)
			}
		}
		if len(c.gone)+len(c.came) > 0 {
			all = append(all, c)
		}
	}
	return append(all, diffViews(before, after)...)
}

func diffViews(before, after schema) []change {
	is := func(v view) func(view) bool {
		return func(w view) bool { return v.name == w.name && v.definition == w.definition }
	}
	var all []change
	for _, v := range before.views {
		if !slices.ContainsFunc(after.views, is(v)) {
			all = append(all, change{view: &v, viewWasDropped: true})
		}
	}
	for _, v := range after.views {
		if !slices.ContainsFunc(before.views, is(v)) {
			all = append(all, change{view: &v})
		}
	}
	return all
}
