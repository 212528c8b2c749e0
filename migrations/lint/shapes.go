package lint

import (
	"context"
	"errors"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// shapes reads tables out of schemas. What a table looks like depends on nothing but its own text and those of its indexes, so it is read
// where a rule asks for it, in a scratch database, and kept by those texts.
type shapes struct {
	ctx  context.Context
	c    *sqlite.Conn // opened at the first question
	read map[string]*table
	// keysOf are foreign keys by the text of their table.
	keysOf map[string][]foreignKey
	// wordsOf are the words and names of a text, folded and without quotes.
	wordsOf map[string]map[string]bool
	err     error // the first that is no refusal
}

func newShapes(ctx context.Context) *shapes {
	return &shapes{ctx: ctx, read: make(map[string]*table), keysOf: make(map[string][]foreignKey), wordsOf: make(map[string]map[string]bool)}
}

func (s *shapes) close() error {
	if s.c == nil {
		return nil
	}
	return s.c.Close()
}

// errUndo ends a transaction of which nothing is to stay.
var errUndo = errors.New("undo")

// scratch runs fn in a transaction on the scratch database, with the profile off, and takes everything back.
func (s *shapes) scratch(fn func(c *sqlite.Conn) error) error {
	if s.c == nil {
		if s.c, s.err = sqlite.Open(s.ctx, ":memory:"); s.err != nil {
			return s.err
		}
	}
	err := s.c.Without(func() error {
		return s.c.Transaction(s.ctx, func() error {
			if err := fn(s.c); err != nil {
				return err
			}
			return errUndo
		})
	})
	var refused *sqlite.Error
	if errors.Is(err, errUndo) && !errors.As(err, &refused) {
		return nil
	}
	if s.err == nil && err != nil && !errors.As(err, &refused) {
		s.err = err
	}
	return err
}

// table returns the table as it is in sc; nil if there is none, or if it cannot be read.
func (s *shapes) table(sc *schema, name string) *table {
	o, ok := sc.table(name)
	if !ok {
		return nil
	}
	indexes := sc.of("index", name)
	key := tableKey(o, indexes)
	if t, ok := s.read[key]; ok {
		return t
	}
	var t *table
	err := s.scratch(func(c *sqlite.Conn) (err error) {
		t, err = readTable(s.ctx, c, o, indexes)
		return err
	})
	if err != nil {
		t = nil
	}
	s.read[key] = t
	return t
}

// tableKey is what a table's shape depends on.
func tableKey(o migrations.Object, indexes []migrations.Object) string {
	key := o.SQL
	for _, x := range indexes {
		key += "\x00" + x.SQL
	}
	return key
}

// readTable makes a table and its indexes in a scratch database, and reads it.
func readTable(ctx context.Context, c *sqlite.Conn, o migrations.Object, indexes []migrations.Object) (*table, error) {
	if _, err := c.Exec(ctx, o.SQL); err != nil {
		return nil, err
	}
	for _, x := range indexes {
		// One that cannot be made alone, for instance since a function is missing, is not known here.
		_, _ = c.Exec(ctx, x.SQL)
	}
	tables, err := readTables(ctx, c, strings.Contains(fold(o.SQL), "references"))
	if err != nil || tables[fold(o.Name)] == nil {
		return nil, err
	}
	t := tables[fold(o.Name)]
	t.name, t.sql = o.Name, o.SQL
	return t, nil
}

// know reads all tables of a schema at once, where a database with it is at hand.
func (s *shapes) know(c *sqlite.Conn, sc *schema) error {
	refers := slices.ContainsFunc(sc.objects, func(o migrations.Object) bool { return strings.Contains(fold(o.SQL), "references") })
	return c.Without(func() error {
		tables, err := readTables(s.ctx, c, refers)
		if err != nil {
			return err
		}
		for _, o := range sc.objects {
			if t := tables[fold(o.Name)]; t != nil && o.Type == "table" {
				t.name, t.sql = o.Name, o.SQL
				s.read[tableKey(o, sc.of("index", o.Name))], s.keysOf[o.SQL] = t, t.keys
			}
		}
		return nil
	})
}

// readTables reads all tables of a database, by folded name. refers says whether there are foreign keys.
func readTables(ctx context.Context, c *sqlite.Conn, refers bool) (map[string]*table, error) {
	tables := make(map[string]*table)
	res, err := c.Exec(ctx, "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' AND type <> 'view'")
	if err != nil {
		return nil, err
	}
	for _, r := range res.Rows {
		tables[fold(text(r[0]))] = &table{virtual: text(r[1]) == "virtual", withoutRowID: number(r[2]) != 0}
	}
	if err := readColumns(ctx, c, tables); err != nil {
		return nil, err
	}
	if refers {
		const ofAll = "FROM sqlite_master m, pragma_foreign_key_list(m.name) WHERE m.type = 'table' ORDER BY m.rowid, id, seq"
		if err := readKeys(ctx, c, tables, "m.name", ofAll); err != nil {
			return nil, err
		}
	}
	return tables, readIndexes(ctx, c, tables)
}

func readColumns(ctx context.Context, c *sqlite.Conn, tables map[string]*table) error {
	res, err := c.Exec(ctx, `SELECT m.name, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden
		FROM sqlite_master m, pragma_table_xinfo(m.name) x WHERE m.type = 'table' ORDER BY m.rowid, x.cid`)
	if err != nil {
		return err
	}
	for _, r := range res.Rows {
		if t := tables[fold(text(r[0]))]; t != nil {
			hidden := number(r[6])
			t.columns = append(t.columns, column{
				name: text(r[1]), kind: text(r[2]), notNull: number(r[3]) != 0, fallback: text(r[4]), hasDefault: r[4] != nil,
				primary: int(number(r[5])), hidden: hidden == 1, virtual: hidden == 2, stored: hidden == 3,
			})
		}
	}
	return nil
}

// readKeys reads foreign keys: name is how the query calls their table, from the rest of it, in the order of tables, keys and columns.
func readKeys(ctx context.Context, c *sqlite.Conn, tables map[string]*table, name, from string) error {
	res, err := c.Exec(ctx, "SELECT "+name+`, id, "table", "from", "to", on_delete, on_update `+from)
	if err != nil {
		return err
	}
	last := int64(-1)
	var of *table
	for _, r := range res.Rows {
		t := tables[fold(text(r[0]))]
		if t == nil {
			continue
		}
		if id := number(r[1]); id != last || t != of {
			last, of = id, t
			t.keys = append(t.keys, foreignKey{parent: text(r[2]), onDelete: text(r[5]), onUpdate: text(r[6])})
		}
		k := &t.keys[len(t.keys)-1]
		k.from = append(k.from, text(r[3]))
		if r[4] != nil {
			k.to = append(k.to, text(r[4]))
		}
	}
	return nil
}

// keysOfOne reads the foreign keys of one table.
func keysOfOne(ctx context.Context, c *sqlite.Conn, name string) ([]foreignKey, error) {
	t := &table{}
	quoted := migrations.QuoteText(name)
	err := readKeys(ctx, c, map[string]*table{fold(name): t}, quoted, "FROM pragma_foreign_key_list("+quoted+") ORDER BY id, seq")
	return t.keys, err
}

func readIndexes(ctx context.Context, c *sqlite.Conn, tables map[string]*table) error {
	res, err := c.Exec(ctx, `SELECT m.name, l.name, l."unique", l.origin, l.partial, i.name, i.coll FROM sqlite_master m, pragma_index_list(m.name) l, pragma_index_xinfo(l.name) i
		WHERE m.type = 'table' AND i."key" ORDER BY m.rowid, l.seq, i.seqno`)
	if err != nil {
		return err
	}
	for _, r := range res.Rows {
		t := tables[fold(text(r[0]))]
		if t == nil {
			continue
		}
		if n := len(t.indexes); n == 0 || t.indexes[n-1].name != text(r[1]) {
			t.indexes = append(t.indexes, index{name: text(r[1]), unique: number(r[2]) != 0, origin: text(r[3]), partial: number(r[4]) != 0})
		}
		x := &t.indexes[len(t.indexes)-1]
		x.columns, x.collations = append(x.columns, text(r[5])), append(x.collations, strings.ToUpper(text(r[6])))
	}
	return nil
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func number(v any) int64 {
	n, _ := v.(int64)
	return n
}

// child is a foreign key that refers to a table.
type child struct {
	*table
	foreignKey
}

// children are the foreign keys of a schema that refer to a table, its own among them.
func (s *shapes) children(sc *schema, parent string) []child {
	var list []child
	for _, o := range sc.objects {
		if o.Type != "table" {
			continue
		}
		for _, k := range s.keys(o) {
			if !same(k.parent, parent) {
				continue
			}
			if t := s.table(sc, o.Name); t != nil {
				list = append(list, child{t, k})
			}
		}
	}
	return list
}

// keys returns the foreign keys of a table alone, without reading the rest of it where its text names none.
func (s *shapes) keys(o migrations.Object) []foreignKey {
	if keys, ok := s.keysOf[o.SQL]; ok {
		return keys
	}
	if !strings.Contains(fold(o.SQL), "references") {
		s.keysOf[o.SQL] = nil
		return nil
	}
	t := s.table(newSchema([]migrations.Object{o}), o.Name)
	if t == nil {
		return nil
	}
	s.keysOf[o.SQL] = t.keys
	return t.keys
}

// words are the words and names of a text of SQL, folded and without quotes.
func (s *shapes) words(sql string) map[string]bool {
	if words, ok := s.wordsOf[sql]; ok {
		return words
	}
	words := make(map[string]bool)
	for _, t := range meaning(sql) {
		if t.Kind == migrations.TokenWord || t.Kind == migrations.TokenQuoted {
			words[fold(migrations.Unquote(t.Text(sql)))] = true
		}
	}
	s.wordsOf[sql] = words
	return words
}
