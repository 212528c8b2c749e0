package lint

import (
	"context"
	"errors"
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
	key := o.SQL
	for _, x := range indexes {
		key += "\x00" + x.SQL
	}
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

func readTable(ctx context.Context, c *sqlite.Conn, o migrations.Object, indexes []migrations.Object) (*table, error) {
	if _, err := c.Exec(ctx, o.SQL); err != nil {
		return nil, err
	}
	for _, x := range indexes {
		// One that cannot be made alone, for instance since a function is missing, is not known here.
		_, _ = c.Exec(ctx, x.SQL)
	}
	t := &table{name: o.Name, sql: o.SQL}
	quoted := migrations.QuoteText(o.Name)
	if err := t.readColumns(ctx, c, quoted); err != nil {
		return nil, err
	}
	if strings.Contains(fold(o.SQL), "references") {
		var err error
		if t.keys, err = readKeys(ctx, c, quoted); err != nil {
			return nil, err
		}
	}
	return t, t.readIndexes(ctx, c, quoted)
}

func (t *table) readColumns(ctx context.Context, c *sqlite.Conn, quoted string) error {
	res, err := c.Exec(ctx, "SELECT type, wr FROM pragma_table_list("+quoted+") WHERE schema = 'main'")
	if err != nil {
		return err
	}
	if len(res.Rows) > 0 {
		t.virtual, t.withoutRowID = text(res.Rows[0][0]) == "virtual", number(res.Rows[0][1]) != 0
	}
	res, err = c.Exec(ctx, `SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(`+quoted+")")
	if err != nil {
		return err
	}
	for _, r := range res.Rows {
		hidden := number(r[5])
		t.columns = append(t.columns, column{
			name: text(r[0]), kind: text(r[1]), notNull: number(r[2]) != 0, fallback: text(r[3]), hasDefault: r[3] != nil,
			primary: int(number(r[4])), hidden: hidden == 1, virtual: hidden == 2, stored: hidden == 3,
		})
	}
	return nil
}

func readKeys(ctx context.Context, c *sqlite.Conn, quoted string) ([]foreignKey, error) {
	res, err := c.Exec(ctx, `SELECT id, "table", "from", "to", on_delete, on_update FROM pragma_foreign_key_list(`+quoted+") ORDER BY id, seq")
	if err != nil {
		return nil, err
	}
	var keys []foreignKey
	last := int64(-1)
	for _, r := range res.Rows {
		if id := number(r[0]); id != last {
			last = id
			keys = append(keys, foreignKey{parent: text(r[1]), onDelete: text(r[4]), onUpdate: text(r[5])})
		}
		k := &keys[len(keys)-1]
		k.from = append(k.from, text(r[2]))
		if r[3] != nil {
			k.to = append(k.to, text(r[3]))
		}
	}
	return keys, nil
}

func (t *table) readIndexes(ctx context.Context, c *sqlite.Conn, quoted string) error {
	res, err := c.Exec(ctx, `SELECT l.name, l."unique", l.origin, l.partial, i.name FROM pragma_index_list(`+quoted+
		") l, pragma_index_info(l.name) i ORDER BY l.seq, i.seqno")
	if err != nil {
		return err
	}
	for _, r := range res.Rows {
		if n := len(t.indexes); n == 0 || t.indexes[n-1].name != text(r[0]) {
			t.indexes = append(t.indexes, index{name: text(r[0]), unique: number(r[1]) != 0, origin: text(r[2]), partial: number(r[3]) != 0})
		}
		x := &t.indexes[len(t.indexes)-1]
		x.columns = append(x.columns, text(r[4]))
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
