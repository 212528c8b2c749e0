package drizzle

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// readSchema reads what Drizzle knows of the database: everything but triggers, the shadow tables of virtual ones, and what SQLite,
// Cloudflare, wrangler and Drizzle keep for themselves.
func readSchema(ctx context.Context, c *sqlite.Conn) (schema, error) {
	var s schema
	err := c.Without(func() error {
		res, err := c.Exec(ctx, `SELECT l.name, l.type, coalesce(m.sql, '') FROM pragma_table_list l
			JOIN sqlite_master m ON m.type IN ('table', 'view') AND m.name = l.name
			WHERE l.schema = 'main' AND l.type IN ('table', 'virtual', 'view') ORDER BY m.rowid`)
		if err != nil {
			return err
		}
		for _, row := range res.Rows {
			name, sql := text(row[0]), text(row[2])
			switch {
			case reserved(name):
			case text(row[1]) == "view":
				v := view{name: name, definition: viewBody(sql)}
				if v.columns, err = readColumns(ctx, c, name, body{}); err != nil {
					return err
				}
				s.views = append(s.views, v)
			default:
				t := &table{name: name, virtual: text(row[1]) == "virtual"}
				if err := t.read(ctx, c, sql); err != nil {
					return err
				}
				s.tables = append(s.tables, t)
			}
		}
		s.completeParents()
		return nil
	})
	if err != nil {
		return schema{}, fmt.Errorf("read the schema: %w", err)
	}
	return s, nil
}

// reserved reports whether a table is none of the schema file's.
func reserved(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "sqlite_") || strings.HasPrefix(name, "_cf_") || name == migrations.DefaultLedger || name == DefaultLedger
}

func (t *table) read(ctx context.Context, c *sqlite.Conn, sql string) error {
	if t.virtual {
		return nil
	}
	b := parseBody(sql)
	columns, err := readColumns(ctx, c, t.name, b)
	if err != nil {
		return err
	}
	t.parts = append(t.parts, columns...)
	t.placePrimary()
	if err := t.readIndexes(ctx, c); err != nil {
		return err
	}
	if err := t.readForeign(ctx, c); err != nil {
		return err
	}
	for _, check := range b.checks {
		t.parts = append(t.parts, part{kind: isCheck, name: check.name, expression: check.expression})
	}
	return nil
}

// readColumns reads the columns of a table or view. Their place in the primary key is kept in columns[0] until placePrimary.
func readColumns(ctx context.Context, c *sqlite.Conn, name string, b body) ([]part, error) {
	res, err := c.Exec(ctx, `SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?1) ORDER BY cid`, name)
	if err != nil {
		return nil, err
	}
	var all []part
	for _, row := range res.Rows {
		p := part{kind: isColumn, name: text(row[0]), sqlType: strings.ToLower(text(row[1])), notNull: number(row[2]) != 0}
		if fallback, ok := row[3].(string); ok {
			p.fallback = defaultText(fallback)
		}
		if pk := number(row[4]); pk != 0 {
			p.columns = []string{fmt.Sprint(pk)}
		}
		if hidden := number(row[5]); hidden > 1 {
			p.generated, p.stored = b.generated[strings.ToLower(p.name)], hidden == 3
			p.sqlType = strings.TrimSpace(strings.TrimSuffix(p.sqlType, "generated always"))
		}
		p.auto = p.columns != nil && b.autoincrement
		all = append(all, p)
	}
	return all, nil
}

// plainDefault matches a DEFAULT that needs no parentheses.
func plainDefault() *regexp.Regexp {
	return regexp.MustCompile(`(?is)^(?:[+-]?[0-9.]+(?:e[+-]?[0-9]+)?|0x[0-9a-f]+|x?'(?:[^']|'')*'|"[^"]*"|null|true|false|current_(?:time|date|timestamp))$`)
}

// defaultText is a DEFAULT as it has to be written: SQLite tells it without its parentheses.
func defaultText(fallback string) string {
	if plainDefault().MatchString(fallback) {
		return fallback
	}
	return "(" + fallback + ")"
}

// placePrimary makes a primary key of one column that column's, and one of several a part.
func (t *table) placePrimary() {
	byPlace := map[string]int{}
	for i, p := range t.parts {
		if p.columns != nil {
			byPlace[p.columns[0]] = i
		}
	}
	var key []string
	for n := 1; n <= len(byPlace); n++ {
		i := byPlace[fmt.Sprint(n)]
		key = append(key, t.parts[i].name)
		t.parts[i].primary, t.parts[i].columns = len(byPlace) == 1, nil
	}
	if len(key) > 1 {
		t.parts = append(t.parts, part{kind: isPrimary, columns: key})
	}
}

func (t *table) readIndexes(ctx context.Context, c *sqlite.Conn) error {
	res, err := c.Exec(ctx, `SELECT l.name, l."unique", l.origin, coalesce(m.sql, '') FROM pragma_index_list(?1) l
		LEFT JOIN sqlite_master m ON m.type = 'index' AND m.name = l.name ORDER BY m.rowid, l.name`, t.name)
	if err != nil {
		return err
	}
	for _, row := range res.Rows {
		name, origin := text(row[0]), text(row[2])
		if origin == "pk" {
			continue
		}
		p := part{kind: isUnique}
		if origin == "c" {
			p = parseIndex(text(row[3]))
			p.kind, p.name, p.unique = isIndex, name, number(row[1]) != 0
		}
		info, err := c.Exec(ctx, `SELECT name FROM pragma_index_info(?1) ORDER BY seqno`, name)
		if err != nil {
			return err
		}
		p.takeColumns(info.Rows)
		t.parts = append(t.parts, p)
	}
	return nil
}

// takeColumns sets the plain columns of an index by what SQLite says of it.
func (p *part) takeColumns(rows [][]any) {
	if p.kind == isUnique || len(p.columns) != len(rows) {
		p.columns, p.expressions = nil, make([]bool, len(rows))
		for _, row := range rows {
			p.columns = append(p.columns, text(row[0]))
		}
		return
	}
	for i, row := range rows {
		if !p.expressions[i] {
			p.columns[i] = text(row[0])
		}
	}
}

func (t *table) readForeign(ctx context.Context, c *sqlite.Conn) error {
	res, err := c.Exec(ctx, `SELECT id, "table", "from", "to", on_delete, on_update FROM pragma_foreign_key_list(?1) ORDER BY id DESC, seq`, t.name)
	if err != nil {
		return err
	}
	last := int64(-1)
	for _, row := range res.Rows {
		if id := number(row[0]); id != last {
			last = id
			t.parts = append(t.parts, part{kind: isForeign, parent: text(row[1]), onDelete: strings.ToLower(text(row[4])), onUpdate: strings.ToLower(text(row[5]))})
		}
		p := &t.parts[len(t.parts)-1]
		p.columns = append(p.columns, text(row[2]))
		if row[3] != nil {
			p.parentColumns = append(p.parentColumns, text(row[3]))
		}
	}
	return nil
}

// completeParents names the columns of foreign keys that mean their parent's primary key without saying so. One that leads nowhere is left
// out: Drizzle cannot describe it.
func (s schema) completeParents() {
	for _, t := range s.tables {
		t.parts = slices.DeleteFunc(t.parts, func(p part) bool {
			return p.kind == isForeign && len(s.parentColumns(p)) != len(p.columns)
		})
		for i, p := range t.parts {
			if p.kind == isForeign {
				t.parts[i].parent, t.parts[i].parentColumns = s.table(p.parent).name, s.parentColumns(p)
			}
		}
	}
}

// parentColumns are the columns that a foreign key refers to; none if its parent is not there.
func (s schema) parentColumns(p part) []string {
	parent := s.table(p.parent)
	switch {
	case parent == nil:
		return nil
	case len(p.parentColumns) > 0:
		return p.parentColumns
	}
	return parent.primaryColumns()
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func number(v any) int64 {
	n, _ := v.(int64)
	return n
}
