package advise

import (
	"context"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// schema is a database as the planner sees it.
type schema struct {
	objects []migrations.Object
	tables  map[string]*table // by folded name; without virtual ones, their shadows and what SQLite keeps
	indexes map[string]*index // by folded name
	taken   map[string]bool   // folded names of everything
}

type table struct {
	name         string
	withoutRowID bool
	columns      []column
	rowid        int // the column that is the rowid, -1 if none is
	primary      []string
	indexes      []*index
	keys         []foreignKey
}

type column struct {
	name, kind, collation string
}

// index is one that is there, or a candidate.
type index struct {
	name, table     string
	unique, partial bool
	terms           []indexed
	where           string
}

// indexed is one term of an index: a column, or an expression as its text.
type indexed struct {
	column     string // "" for an expression
	expression string
	collation  string // where it is not the column's own
	desc       bool
}

// sql is the term as it stands in CREATE INDEX.
func (t indexed) sql() string {
	text := t.expression
	if t.column != "" {
		text = bare(t.column)
	}
	if t.collation != "" {
		text += " COLLATE " + bare(t.collation)
	}
	if t.desc {
		text += " DESC"
	}
	return text
}

type foreignKey struct {
	parent   string
	from, to []string // to is empty for the primary key
}

func (s *schema) table(name string) *table { return s.tables[fold(name)] }

func (t *table) column(name string) int {
	for i, c := range t.columns {
		if strings.EqualFold(c.name, name) {
			return i
		}
	}
	return -1
}

// isKey reports whether a column alone finds one row at once.
func (t *table) isKey(col int) bool { return col < 0 || col == t.rowid }

func readSchema(ctx context.Context, c *sqlite.Conn) (*schema, error) {
	s := &schema{tables: map[string]*table{}, indexes: map[string]*index{}, taken: map[string]bool{}}
	var err error
	if s.objects, err = c.Objects(ctx); err != nil {
		return nil, err
	}
	for _, o := range s.objects {
		s.taken[fold(o.Name)] = true
	}
	err = c.Without(func() error {
		for _, read := range []func(context.Context, *sqlite.Conn) error{s.readTables, s.readColumns, s.readCollations, s.readIndexes, s.readKeys} {
			if err := read(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
	return s, err
}

func (s *schema) readTables(ctx context.Context, c *sqlite.Conn) error {
	res, err := c.Exec(ctx, "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'")
	if err != nil {
		return err
	}
	for _, row := range res.Rows {
		name := text(row[0])
		s.tables[fold(name)] = &table{name: name, withoutRowID: number(row[1]) != 0, rowid: -1}
	}
	return nil
}

func (s *schema) readColumns(ctx context.Context, c *sqlite.Conn) error {
	res, err := c.Exec(ctx, `SELECT m.name, x.name, x.type, x.pk FROM sqlite_master m, pragma_table_xinfo(m.name) x
		WHERE m.type = 'table' ORDER BY m.rowid, x.cid`)
	if err != nil {
		return err
	}
	for _, row := range res.Rows {
		t := s.tables[fold(text(row[0]))]
		if t == nil {
			continue
		}
		t.columns = append(t.columns, column{name: text(row[1]), kind: text(row[2])})
		if n := int(number(row[3])); n > 0 {
			for len(t.primary) < n {
				t.primary = append(t.primary, "")
			}
			t.primary[n-1] = text(row[1])
		}
	}
	for _, t := range s.tables {
		if len(t.primary) != 1 || t.withoutRowID {
			continue
		}
		if col := t.column(t.primary[0]); strings.EqualFold(t.columns[col].kind, "INTEGER") {
			t.rowid = col
		}
	}
	return nil
}

// readCollations learns the columns' collations. No pragma tells them of a column, but of an index.
func (s *schema) readCollations(ctx context.Context, c *sqlite.Conn) error {
	const probe = "towline_probe"
	for _, t := range s.tables {
		list := ""
		for i, col := range t.columns {
			if i > 0 {
				list += ", "
			}
			list += migrations.QuoteName(col.name)
		}
		if _, err := c.Exec(ctx, "CREATE INDEX "+probe+" ON "+migrations.QuoteName(t.name)+" ("+list+")"); err != nil {
			return err
		}
		res, err := c.Exec(ctx, "SELECT cid, coll FROM pragma_index_xinfo('"+probe+"') WHERE key")
		if err != nil {
			return err
		}
		for _, row := range res.Rows {
			if i := int(number(row[0])); i >= 0 && i < len(t.columns) {
				t.columns[i].collation = text(row[1])
			}
		}
		if _, err := c.Exec(ctx, "DROP INDEX "+probe); err != nil {
			return err
		}
	}
	return nil
}

func (s *schema) readIndexes(ctx context.Context, c *sqlite.Conn) error {
	res, err := c.Exec(ctx, `SELECT m.name, l.name, l."unique", l.partial, coalesce(x.name, ''), x.coll, x."desc"
		FROM sqlite_master m, pragma_index_list(m.name) l, pragma_index_xinfo(l.name) x
		WHERE m.type = 'table' AND x.key ORDER BY m.rowid, l.seq, x.seqno`)
	if err != nil {
		return err
	}
	var written []string
	for _, row := range res.Rows {
		t := s.tables[fold(text(row[0]))]
		if t == nil {
			continue
		}
		name := text(row[1])
		i := s.indexes[fold(name)]
		if i == nil {
			i = &index{name: name, table: t.name, unique: number(row[2]) != 0, partial: number(row[3]) != 0}
			s.indexes[fold(name)] = i
			t.indexes = append(t.indexes, i)
			i.where, written = s.written(name)
		}
		term := indexed{column: text(row[4]), desc: number(row[6]) != 0}
		if n := len(i.terms); term.column == "" && n < len(written) {
			term.expression = written[n]
		}
		if col := t.column(term.column); col >= 0 && !strings.EqualFold(t.columns[col].collation, text(row[5])) {
			term.collation = text(row[5])
		}
		i.terms = append(i.terms, term)
	}
	return nil
}

// written is what only an index's text tells: its condition, and its terms as they stand there.
func (s *schema) written(name string) (where string, terms []string) {
	for _, o := range s.objects {
		if o.Type != "index" || o.Name != name || o.SQL == "" {
			continue
		}
		depth, from := 0, 0
		for _, t := range words(o.SQL) {
			switch text := t.Text(o.SQL); {
			case text == "(":
				if depth++; depth == 1 {
					from = t.End
				}
			case text == ")":
				if depth--; depth == 0 && from > 0 {
					terms = append(terms, strings.TrimSpace(o.SQL[from:t.Start]))
					from = 0
				}
			case text == "," && depth == 1:
				terms = append(terms, strings.TrimSpace(o.SQL[from:t.Start]))
				from = t.End
			case depth == 0 && t.Is(o.SQL, "WHERE"):
				return strings.TrimSpace(o.SQL[t.End:]), terms
			}
		}
	}
	return "", terms
}

func (s *schema) readKeys(ctx context.Context, c *sqlite.Conn) error {
	res, err := c.Exec(ctx, `SELECT m.name, f.id, f."table", f."from", coalesce(f."to", '')
		FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table' ORDER BY m.rowid, f.id, f.seq`)
	if err != nil {
		return err
	}
	last := ""
	for _, row := range res.Rows {
		t := s.tables[fold(text(row[0]))]
		if t == nil {
			continue
		}
		if id := t.name + "\x00" + string(rune(number(row[1]))); id != last {
			last = id
			t.keys = append(t.keys, foreignKey{parent: text(row[2])})
		}
		k := &t.keys[len(t.keys)-1]
		k.from = append(k.from, text(row[3]))
		if to := text(row[4]); to != "" {
			k.to = append(k.to, to)
		}
	}
	return nil
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
