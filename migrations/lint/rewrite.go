package lint

import (
	"fmt"
	"strings"

	"towline/migrations"
	"towline/migrations/rebuild"
)

// guarded writes the rebuild that loses nothing in place of one that does; empty where there is none, for instance since a column's values
// would be missing.
func (w *walk) guarded(r rebuilt) string {
	o, ok := r.after.table(r.name)
	if !ok {
		return ""
	}
	return w.generated(r.before, r.name, o.SQL)
}

// generated is the guarded rebuild of a table for another CREATE TABLE, made once.
func (w *walk) generated(before *schema, table, create string) string {
	key := table + "\x00" + create
	if sql, ok := w.rewrites[key]; ok {
		return sql
	}
	var leave []string
	for range maxLeft {
		result, err := rebuild.Generate(w.shapes.ctx, before.objects, table, create, rebuild.Options{AnyName: true, Unindexed: true, Leave: leave})
		if err == nil {
			w.rewrites[key] = result.SQL
			return result.SQL
		}
		// An index over a column that goes cannot stay. What it is called is known from the schema.
		name := indexInTheWay(before, table, err.Error(), leave)
		if name == "" {
			break
		}
		leave = append(leave, name)
	}
	w.rewrites[key] = ""
	return ""
}

// maxLeft bounds how many indexes over columns that go are left out.
const maxLeft = 8

func indexInTheWay(before *schema, table, message string, leave []string) string {
	for _, o := range before.of("index", table) {
		if strings.Contains(message, "index "+o.Name+" is over column") && !strings.Contains(strings.Join(leave, "\x00"), o.Name) {
			return o.Name
		}
	}
	return ""
}

// q quotes a name where it needs quotes.
func q(name string) string {
	if plain(name) && (name[0] < '0' || name[0] > '9') && !keyword(name) {
		return name
	}
	return migrations.QuoteName(name)
}

// keyword reports whether a name is one of the keywords that people use as names, and that SQLite does not take without quotes.
func keyword(name string) bool {
	switch fold(name) {
	case "order", "group", "index", "table", "from", "to", "where", "select", "default", "check", "values", "transaction", "unique", "primary",
		"references", "limit", "set", "on", "in", "is", "not", "null", "and", "or", "join", "union", "when", "then", "else", "case", "create",
		"add", "all", "alter", "as", "collate", "commit", "constraint", "delete", "distinct", "drop", "escape", "except", "exists", "foreign",
		"having", "insert", "intersect", "into", "between", "autoincrement", "isnull", "notnull", "returning", "update", "using", "deferrable":
		return true
	}
	return false
}

func qs(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = q(n)
	}
	return strings.Join(list, ", ")
}

// indexOn is a CREATE INDEX on columns, under a name that the schema does not have.
func indexOn(sc *schema, unique bool, table string, columns []string) string {
	name := table + "_" + strings.Join(columns, "_")
	for n := 2; ; n++ {
		if _, taken := sc.object("index", name); !taken && !sc.has(name) {
			break
		}
		name = fmt.Sprintf("%s_%s_%d", table, strings.Join(columns, "_"), n)
	}
	kind := "INDEX"
	if unique {
		kind = "UNIQUE INDEX"
	}
	return fmt.Sprintf("CREATE %s %s ON %s(%s);\n", kind, q(name), q(table), qs(columns))
}
