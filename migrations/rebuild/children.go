package rebuild

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
)

// child is a table whose foreign keys refer to the one that is rebuilt; the table itself can be one.
type child struct {
	table  *table
	self   bool
	keys   []foreignKey
	resets []string // the columns of SET NULL and SET DEFAULT
	// before lists its BEFORE triggers on what the guards answer. One of them might run first and write, or refuse.
	before []migrations.Object
}

func (c child) cascades() bool {
	return slices.ContainsFunc(c.keys, func(k foreignKey) bool { return k.onDelete == "CASCADE" })
}

// guarded reports whether a DROP of the parent would change rows of the child.
func (c child) guarded() bool { return c.cascades() || len(c.resets) > 0 }

// findChildren finds who refers to the table, and refuses what cannot go well.
func (g *generator) findChildren(ctx context.Context) error {
	for _, t := range g.was.tables {
		c := child{table: t, self: t == g.old}
		for _, k := range t.keys {
			if !same(k.parent, g.table) {
				continue
			}
			if len(k.to) == 0 {
				k.to = g.old.primaryKey()
			}
			c.keys = append(c.keys, k)
			for _, name := range k.from {
				if k.resets() && !has(c.resets, name) {
					c.resets = append(c.resets, name)
				}
			}
			if err := g.checkKey(ctx, c, k); err != nil {
				return err
			}
		}
		if len(c.keys) > 0 {
			c.before = g.beforeTriggers(c)
			g.children = append(g.children, c)
		}
	}
	return nil
}

// checkKey refuses a foreign key that the rebuild would break or crawl over.
func (g *generator) checkKey(ctx context.Context, c child, k foreignKey) error {
	if !c.self {
		for _, name := range k.to {
			if _, ok := g.new.column(name); !ok {
				return g.refuse(fmt.Sprintf("%s refers to column %s, which the new table does not have", c.table.name, name),
					"Keep the column, name it as renamed, or rebuild "+c.table.name+" first")
			}
		}
		if !g.keepsKey(k.to) {
			return g.refuse(fmt.Sprintf("%s refers to (%s), which the new table does not keep unique", c.table.name, strings.Join(k.to, ", ")),
				fmt.Sprintf("Write UNIQUE (%s) into the CREATE TABLE", quoteAll(k.to)))
		}
	}
	if g.o.Unindexed {
		return nil
	}
	found, err := g.searches(ctx, c.table.name, k.from)
	if err != nil || found {
		return err
	}
	refused := g.refuse(fmt.Sprintf("%s (%s) refers to it and has no index, so that every row of %s costs a scan of %s",
		c.table.name, strings.Join(k.from, ", "), g.table, c.table.name), "Index it in an earlier migration")
	refused.SQL = fmt.Sprintf("CREATE INDEX %s ON %s(%s)", quote(g.was.freeName(c.table.name+"_"+strings.Join(k.from, "_"))), quote(c.table.name), quoteAll(k.from))
	refused.Do += ": " + refused.SQL
	return refused
}

// keepsKey reports whether the columns are a key of the new table: by its CREATE TABLE, or by a UNIQUE index of the old
// table that is made again in time.
func (g *generator) keepsKey(columns []string) bool {
	if sameSet(g.new.primaryKey(), columns) {
		return true
	}
	for _, u := range g.new.uniques {
		if !u.partial && sameSet(u.columns, columns) {
			return true
		}
	}
	return slices.ContainsFunc(g.old.uniques, func(u unique) bool { return g.early(u) && sameSet(u.columns, columns) })
}

// early reports whether an index is a key that children refer to, so that it has to be there before their parents' rows
// are: SQLite looks for the key when it compiles the INSERT.
func (g *generator) early(u unique) bool {
	return u.origin == "c" && !u.partial && !has(g.o.Leave, u.index)
}

// searches asks SQLite whether it finds rows of a child by their foreign key without a scan.
func (g *generator) searches(ctx context.Context, table string, columns []string) (bool, error) {
	where := make([]string, len(columns))
	params := make([]any, len(columns))
	for i, name := range columns {
		where[i] = fmt.Sprintf("%s = ?%d", quote(name), i+1)
		params[i] = int64(0)
	}
	res, err := g.live.Exec(ctx, "EXPLAIN QUERY PLAN SELECT 1 FROM "+quote(table)+" WHERE "+strings.Join(where, " AND "), params...)
	if err != nil {
		return false, err
	}
	for _, row := range res.Rows {
		if strings.HasPrefix(text(row[len(row)-1]), "SEARCH") {
			return true, nil
		}
	}
	return false, nil
}

// beforeTriggers lists the triggers of a child that fire before its guards' events. Those of the table itself count
// too: they are dropped early, and made again with the others.
func (g *generator) beforeTriggers(c child) []migrations.Object {
	var list []migrations.Object
	for _, o := range g.was.of("trigger", c.table.name) {
		before, event := firing(o.SQL)
		if before && (event == "DELETE" && c.cascades() || event == "UPDATE" && len(c.resets) > 0) {
			list = append(list, o)
		}
	}
	return list
}

// firing reads when a trigger fires: CREATE TRIGGER name [BEFORE | AFTER | INSTEAD OF] event. Nothing said is BEFORE.
func firing(sql string) (before bool, event string) {
	list := lex(sql)
	for i := 3; i < len(list); i++ {
		switch {
		case list[i].is("AFTER"), list[i].is("INSTEAD"):
			return false, ""
		case list[i].is("BEFORE"):
		case list[i].is("DELETE"), list[i].is("UPDATE"), list[i].is("INSERT"):
			return true, strings.ToUpper(list[i].text)
		default:
			return false, ""
		}
	}
	return false, ""
}

func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, name := range a {
		if !has(b, name) {
			return false
		}
	}
	return true
}

// freeName is the name, with a number behind it if the schema has it already.
func (s *shape) freeName(name string) string {
	free := name
	for n := 2; s.taken(free); n++ {
		free = fmt.Sprintf("%s_%d", name, n)
	}
	return free
}

func (s *shape) taken(name string) bool {
	return slices.ContainsFunc(s.objects, func(o migrations.Object) bool { return same(o.Name, name) })
}
