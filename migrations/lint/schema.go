package lint

import (
	"slices"
	"strings"

	"towline/migrations"
)

// schema is sqlite_master at one moment. It does not change once it is made.
type schema struct {
	objects []migrations.Object // in the order of creation
	tables  map[string]int      // index in objects by folded name: tables and virtual tables
}

func newSchema(objects []migrations.Object) *schema {
	s := &schema{objects: objects, tables: make(map[string]int)}
	for i, o := range objects {
		if o.Type == "table" {
			s.tables[fold(o.Name)] = i
		}
	}
	return s
}

// has reports whether there is a table of this name.
func (s *schema) has(table string) bool {
	_, ok := s.tables[fold(table)]
	return ok
}

// table returns the object of a table.
func (s *schema) table(name string) (migrations.Object, bool) {
	i, ok := s.tables[fold(name)]
	if !ok {
		return migrations.Object{}, false
	}
	return s.objects[i], true
}

// object returns an index, trigger or view by name.
func (s *schema) object(kind, name string) (migrations.Object, bool) {
	for _, o := range s.objects {
		if o.Type == kind && same(o.Name, name) {
			return o, true
		}
	}
	return migrations.Object{}, false
}

// of returns the indexes or triggers of a table that have a text of their own, in the order of creation.
func (s *schema) of(kind, table string) []migrations.Object {
	var list []migrations.Object
	for _, o := range s.objects {
		if o.Type == kind && o.SQL != "" && same(o.Table, table) {
			list = append(list, o)
		}
	}
	return list
}

// fold, same, reserved and normal are package migrations' under shorter names.
func fold(name string) string { return migrations.Fold(name) }

func same(a, b string) bool { return migrations.SameName(a, b) }

func reserved(name string) bool { return migrations.Reserved(name) }

func normal(sql string) string { return migrations.NormalSQL(sql) }

// plain reports whether a name needs no quotes but for being a keyword.
func plain(name string) bool {
	return name != "" && strings.IndexFunc(name, func(r rune) bool {
		return r < 0x80 && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' && r != '$'
	}) < 0
}

// table is a table as rules need it.
type table struct {
	name         string
	sql          string
	virtual      bool
	withoutRowID bool
	columns      []column
	keys         []foreignKey
	indexes      []index
}

type column struct {
	name, kind string // kind is the declared type
	fallback   string // its DEFAULT as written; empty: none
	hasDefault bool
	notNull    bool
	primary    int  // place in the primary key, from 1; 0 if it is not in it
	virtual    bool // generated, not stored
	stored     bool // generated and stored
	hidden     bool // of a virtual table
}

type foreignKey struct {
	parent             string
	from, to           []string // to is empty where the parent's primary key is meant
	onDelete, onUpdate string   // "NO ACTION", "RESTRICT", "SET NULL", "SET DEFAULT", "CASCADE"
}

type index struct {
	name    string
	unique  bool
	origin  string   // "c" for CREATE INDEX, "u" for UNIQUE, "pk" for PRIMARY KEY
	partial bool     // it has a WHERE
	columns []string // "" for an expression
	// collations are how texts of each of them are compared: BINARY, NOCASE, RTRIM; nil: as they are, byte by byte.
	collations []string
}

func (t *table) column(name string) (column, bool) {
	i := slices.IndexFunc(t.columns, func(c column) bool { return same(c.name, name) })
	if i < 0 {
		return column{}, false
	}
	return t.columns[i], true
}

// primaryKey returns the columns of the primary key in its order.
func (t *table) primaryKey() []string {
	var keyed []column
	for _, c := range t.columns {
		if c.primary > 0 {
			keyed = append(keyed, c)
		}
	}
	slices.SortFunc(keyed, func(a, b column) int { return a.primary - b.primary })
	var names []string
	for _, c := range keyed {
		names = append(names, c.name)
	}
	return names
}

// rowIDAlias returns the INTEGER PRIMARY KEY column, empty if there is none.
func (t *table) rowIDAlias() string {
	key := t.primaryKey()
	if len(key) != 1 || t.withoutRowID || t.virtual {
		return ""
	}
	// Any other declared type gives the primary key an index of its own.
	for _, x := range t.indexes {
		if x.origin == "pk" {
			return ""
		}
	}
	return key[0]
}

// leads reports whether an index, or the primary key, begins with the columns in any order. unique asks for one that has no other column,
// is unique and covers all rows.
func (t *table) leads(columns []string, unique bool) bool {
	covers := func(list []string) bool {
		if len(list) < len(columns) || unique && len(list) != len(columns) {
			return false
		}
		return !slices.ContainsFunc(columns, func(c string) bool {
			return !slices.ContainsFunc(list[:len(columns)], func(l string) bool { return same(l, c) })
		})
	}
	if key := t.primaryKey(); len(key) > 0 && covers(key) {
		return true
	}
	return slices.ContainsFunc(t.indexes, func(x index) bool {
		return covers(x.columns) && !x.partial && (x.unique || !unique)
	})
}
