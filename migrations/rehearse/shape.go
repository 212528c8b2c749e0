package rehearse

import (
	"context"
	"fmt"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// shape is a schema as diff and the canaries need it.
type shape struct {
	objects []migrations.Object
	tables  []*table // without views, shadow tables and what SQLite keeps; in the order of table_list
	byName  map[string]*table
}

type table struct {
	name         string
	virtual      bool
	withoutRowID bool
	sql          string
	columns      []column
	keys         []foreignKey
}

type column struct {
	name, kind, fallback string // kind is the declared type, fallback the DEFAULT
	notNull, generated   bool
	hidden               bool // of a virtual table
	primary              int  // place in the primary key, from 1; 0 if it is not in it
}

// definition says in SQL's words what a column is.
func (c column) definition() string {
	text := c.kind
	if text == "" {
		text = "no type"
	}
	if c.primary > 0 {
		text += " PRIMARY KEY"
	}
	if c.primary > 1 {
		text += fmt.Sprintf(" (column %d of it)", c.primary)
	}
	if c.notNull {
		text += " NOT NULL"
	}
	if c.fallback != "" {
		text += " DEFAULT " + c.fallback
	}
	return text
}

type foreignKey struct {
	id       int64
	parent   string
	from, to []string
	onDelete string
}

// holdsTables reports whether there is a table besides the ledger, one that may hold rows.
func (s *shape) holdsTables(ledger string) bool {
	for _, t := range s.tables {
		if !sameName(t.name, ledger) {
			return true
		}
	}
	return false
}

// readShape reads the schema, with the profile off.
func readShape(ctx context.Context, c *sqlite.Conn) (*shape, error) {
	s := &shape{byName: make(map[string]*table)}
	var err error
	if s.objects, err = c.Objects(ctx); err != nil {
		return nil, err
	}
	err = c.Without(func() error {
		if err := s.readTables(ctx, c); err != nil {
			return err
		}
		if err := s.readColumns(ctx, c); err != nil {
			return err
		}
		return s.readKeys(ctx, c)
	})
	return s, err
}

func (s *shape) readTables(ctx context.Context, c *sqlite.Conn) error {
	res, err := c.Exec(ctx, `SELECT l.name, l.type, l.wr, coalesce(m.sql, '') FROM pragma_table_list l
		JOIN sqlite_master m ON m.type = 'table' AND m.name = l.name
		WHERE l.schema = 'main' AND l.type IN ('table', 'virtual') ORDER BY m.rowid`)
	if err != nil {
		return err
	}
	for _, row := range res.Rows {
		t := &table{name: text(row[0]), virtual: text(row[1]) == "virtual", withoutRowID: number(row[2]) != 0, sql: text(row[3])}
		if !reserved(t.name) {
			s.tables = append(s.tables, t)
			s.byName[fold(t.name)] = t
		}
	}
	return nil
}

func (s *shape) readColumns(ctx context.Context, c *sqlite.Conn) error {
	res, err := c.Exec(ctx, `SELECT m.name, x.name, x.type, x."notnull", coalesce(x.dflt_value, ''), x.pk, x.hidden
		FROM sqlite_master m, pragma_table_xinfo(m.name) x WHERE m.type = 'table' ORDER BY m.rowid, x.cid`)
	if err != nil {
		return err
	}
	for _, row := range res.Rows {
		t := s.byName[fold(text(row[0]))]
		if t == nil {
			continue
		}
		t.columns = append(t.columns, column{
			name: text(row[1]), kind: text(row[2]), notNull: number(row[3]) != 0, fallback: text(row[4]),
			primary: int(number(row[5])), hidden: number(row[6]) == 1, generated: number(row[6]) > 1,
		})
	}
	return nil
}

func (s *shape) readKeys(ctx context.Context, c *sqlite.Conn) error {
	res, err := c.Exec(ctx, `SELECT m.name, f.id, f."table", f."from", f."to", f.on_delete
		FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table' ORDER BY m.rowid, f.id, f.seq`)
	if err != nil {
		return err
	}
	for _, row := range res.Rows {
		t := s.byName[fold(text(row[0]))]
		if t == nil {
			continue
		}
		id := number(row[1])
		if n := len(t.keys); n == 0 || t.keys[n-1].id != id {
			t.keys = append(t.keys, foreignKey{id: id, parent: text(row[2]), onDelete: text(row[5])})
		}
		k := &t.keys[len(t.keys)-1]
		k.from = append(k.from, text(row[3]))
		if row[4] != nil {
			k.to = append(k.to, text(row[4]))
		}
	}
	s.completeKeys()
	return nil
}

// completeKeys names the columns of keys that refer to their parent's primary key without saying so.
func (s *shape) completeKeys() {
	for _, t := range s.tables {
		for i := range t.keys {
			k := &t.keys[i]
			if parent := s.byName[fold(k.parent)]; len(k.to) == 0 && parent != nil {
				k.to = parent.primaryKey()
			}
		}
	}
}

func (t *table) primaryKey() []string {
	var names []string
	for n := 1; ; n++ {
		found := false
		for _, col := range t.columns {
			if col.primary == n {
				names, found = append(names, col.name), true
			}
		}
		if !found {
			return names
		}
	}
}

func (t *table) column(name string) (column, bool) {
	for _, col := range t.columns {
		if sameName(col.name, name) {
			return col, true
		}
	}
	return column{}, false
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func number(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}
