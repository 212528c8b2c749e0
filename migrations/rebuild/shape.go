package rebuild

import (
	"context"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// shape is a schema as far as a rebuild needs to know it.
type shape struct {
	objects []migrations.Object
	tables  []*table // ordinary and virtual ones, without shadow tables
}

type table struct {
	name, sql     string
	virtual       bool
	withoutRowID  bool
	strict        bool
	autoincrement bool
	columns       []column
	keys          []foreignKey
	uniques       []unique
}

type column struct {
	name, kind, fallback string // kind is the declared type, fallback the text of the DEFAULT
	notNull, generated   bool
	primary              int // place in the primary key, from 1; 0: not in it
}

// unique is an index that holds a key of a table together.
type unique struct {
	index   string
	columns []string // empty if an expression is among them
	compare []string // the collation of each: BINARY, NOCASE, RTRIM
	origin  string   // "pk", "u" for a constraint of the CREATE TABLE, "c" for a CREATE UNIQUE INDEX
	partial bool
}

type foreignKey struct {
	parent   string
	from, to []string
	onDelete string
}

// describe names what the key does when its parent's row goes.
func (k foreignKey) describe() string { return "ON DELETE " + k.onDelete }

func (k foreignKey) resets() bool { return k.onDelete == "SET NULL" || k.onDelete == "SET DEFAULT" }

// readShape reads the whole schema of a connection.
func readShape(ctx context.Context, c *sqlite.Conn) (*shape, error) {
	s := &shape{}
	var err error
	if s.objects, err = c.Objects(ctx); err != nil {
		return nil, err
	}
	err = c.Without(func() error {
		for _, read := range []func(context.Context, *sqlite.Conn) error{s.readTables, s.readColumns, s.readUniques, s.readKeys} {
			if err := read(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
	return s, err
}

func (s *shape) table(name string) *table {
	for _, t := range s.tables {
		if same(t.name, name) {
			return t
		}
	}
	return nil
}

func (s *shape) object(kind, name string) (migrations.Object, bool) {
	for _, o := range s.objects {
		if o.Type == kind && same(o.Name, name) {
			return o, true
		}
	}
	return migrations.Object{}, false
}

// of lists the indexes or triggers of a table that have a text, oldest first.
func (s *shape) of(kind, table string) []migrations.Object {
	var list []migrations.Object
	for _, o := range s.objects {
		if o.Type == kind && o.SQL != "" && same(o.Table, table) {
			list = append(list, o)
		}
	}
	return list
}

func (s *shape) readTables(ctx context.Context, c *sqlite.Conn) error {
	res, err := c.Exec(ctx, `SELECT l.name, l.type, l.wr, l.strict, coalesce(m.sql, '') FROM pragma_table_list l
		JOIN sqlite_master m ON m.type = 'table' AND m.name = l.name
		WHERE l.schema = 'main' AND l.type IN ('table', 'virtual') ORDER BY m.rowid`)
	if err != nil {
		return err
	}
	for _, row := range res.Rows {
		t := &table{name: text(row[0]), sql: text(row[4]), virtual: text(row[1]) == "virtual",
			withoutRowID: number(row[2]) != 0, strict: number(row[3]) != 0}
		t.autoincrement = contains(t.sql, "AUTOINCREMENT")
		if !migrations.Reserved(t.name) {
			s.tables = append(s.tables, t)
		}
	}
	return nil
}

func (s *shape) readColumns(ctx context.Context, c *sqlite.Conn) error {
	for _, t := range s.tables {
		res, err := c.Exec(ctx, `SELECT name, type, coalesce(dflt_value, ''), "notnull", pk, hidden FROM pragma_table_xinfo(?1)`, t.name)
		if err != nil {
			return err
		}
		for _, row := range res.Rows {
			t.columns = append(t.columns, column{name: text(row[0]), kind: text(row[1]), fallback: text(row[2]),
				notNull: number(row[3]) != 0, primary: int(number(row[4])), generated: number(row[5]) > 1})
		}
	}
	return nil
}

func (s *shape) readUniques(ctx context.Context, c *sqlite.Conn) error {
	for _, t := range s.tables {
		res, err := c.Exec(ctx, `SELECT l.name, l.origin, l.partial, i.name, i.coll FROM pragma_index_list(?1) l, pragma_index_xinfo(l.name) i
			WHERE l."unique" AND i."key" ORDER BY l.seq, i.seqno`, t.name)
		if err != nil {
			return err
		}
		for _, row := range res.Rows {
			name := text(row[0])
			if n := len(t.uniques); n == 0 || t.uniques[n-1].index != name {
				t.uniques = append(t.uniques, unique{index: name, origin: text(row[1]), partial: number(row[2]) != 0})
			}
			u := &t.uniques[len(t.uniques)-1]
			if row[3] == nil {
				u.partial = true // an expression is as little a key as a part of the rows is
			}
			u.columns, u.compare = append(u.columns, text(row[3])), append(u.compare, strings.ToUpper(text(row[4])))
		}
	}
	return nil
}

func (s *shape) readKeys(ctx context.Context, c *sqlite.Conn) error {
	for _, t := range s.tables {
		res, err := c.Exec(ctx, `SELECT id, "table", "from", "to", on_delete FROM pragma_foreign_key_list(?1) ORDER BY id DESC, seq`, t.name)
		if err != nil {
			return err
		}
		last := int64(-1)
		for _, row := range res.Rows {
			if id := number(row[0]); id != last {
				t.keys, last = append(t.keys, foreignKey{parent: text(row[1]), onDelete: text(row[4])}), id
			}
			k := &t.keys[len(t.keys)-1]
			k.from = append(k.from, text(row[2]))
			if row[3] != nil {
				k.to = append(k.to, text(row[3]))
			}
		}
	}
	return nil
}

// primaryKey lists the columns of the primary key in its order.
func (t *table) primaryKey() []string {
	var list []column
	for _, c := range t.columns {
		if c.primary > 0 {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b column) int { return a.primary - b.primary })
	return namesOf(list)
}

// rowIDColumn is the column that is another name of the rowid: an INTEGER PRIMARY KEY. Every other primary key of a
// table with rowids has an index.
func (t *table) rowIDColumn() string {
	if key := t.primaryKey(); len(key) == 1 && !t.withoutRowID && !slices.ContainsFunc(t.uniques, func(u unique) bool { return u.origin == "pk" }) {
		return key[0]
	}
	return ""
}

func (t *table) column(name string) (column, bool) {
	for _, c := range t.columns {
		if same(c.name, name) {
			return c, true
		}
	}
	return column{}, false
}

func namesOf(list []column) []string {
	var names []string
	for _, c := range list {
		names = append(names, c.name)
	}
	return names
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func number(v any) int64 {
	n, _ := v.(int64)
	return n
}
