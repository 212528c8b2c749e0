package rehearse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// Expansion says whether code that was written for one schema works on with a later one: what came since only adds to
// it, so that nothing has to be undone for the older code.
type Expansion struct {
	// Adds is what the later schema has besides: "table orders", "column users.email", "index orders_user".
	Adds []string
	// Why not: what the older code could stumble over, one line each. Empty: it works on.
	Why []string
	// Careful is what the older code should know all the same, one line each.
	Careful []string
}

// Works reports whether the older code works on.
func (e Expansion) Works() bool { return len(e.Why) == 0 }

// Expands judges whether code for the schema of base works with the objects now, to which txs led. The schema may only
// have more: tables, columns that take NULL or have a default, indexes that refuse nothing, views, and triggers that
// write nothing the older code knows. The statements may have written only what is new as well: rows that were changed
// stay changed, whatever the schema says. Both are SQLite's own word: the authorizer's, and the schema's before and after.
//
// An error is a *[SchemaError], ctx's, or SQLite's.
func Expands(ctx context.Context, base Target, now []migrations.Object, txs []migrations.Transaction) (Expansion, error) {
	var e Expansion
	dry, err := runDry(ctx, base, txs)
	if err != nil {
		return e, err
	}
	if dry.failure != nil {
		e.Why = append(e.Why, fmt.Sprintf("what was applied cannot be carried out again here: %s: %s", dry.failure.Place, dry.failure.Message))
		return e, nil
	}
	was := dry.shapeBefore
	e.written(was, dry)
	return e, onSchema(ctx, now, func(c *sqlite.Conn) error {
		is, err := readShape(ctx, c)
		if err != nil {
			return err
		}
		e.schema(was, is, ledgerName(base.LedgerTable))
		return e.triggers(ctx, c, was, is)
	})
}

// written looks for rows that the statements wrote and the older code reads.
func (e *Expansion) written(was *shape, dry *dryRun) {
	seen := map[string]bool{}
	for _, s := range dry.steps {
		if s.place.File == "" {
			continue
		}
		if s.skipped {
			e.Why = append(e.Why, fmt.Sprintf("%s line %d cannot be carried out here", s.place.File, s.place.Line))
			continue
		}
		for _, a := range s.actions {
			line := fmt.Sprintf("%s line %d %s", s.place.File, s.place.Line, verbOf(a))
			if known(was, a, dry.ledger) && !seen[line] {
				seen[line] = true
				e.Why = append(e.Why, line)
			}
		}
	}
}

func verbOf(a sqlite.Action) string {
	switch a.Kind {
	case sqlite.Insert:
		return "writes rows into " + a.Arg3
	case sqlite.Delete:
		return "deletes rows of " + a.Arg3
	}
	return "changes rows of " + a.Arg3
}

// known reports whether an action writes to a table, or a column, that the older schema has.
func known(was *shape, a sqlite.Action, ledger string) bool {
	t := was.byName[fold(a.Arg3)]
	if t == nil || sameName(t.name, ledger) {
		return false
	}
	switch a.Kind {
	case sqlite.Insert, sqlite.Delete:
		return true
	case sqlite.Update:
		_, old := t.column(a.Arg4)
		return old
	}
	return false
}

// schema compares the two schemas.
func (e *Expansion) schema(was, is *shape, ledger string) {
	d := diff(was, is, ledger)
	for _, t := range d.TablesRemoved {
		e.Why = append(e.Why, fmt.Sprintf("table %s is gone", t))
	}
	for _, c := range d.ColumnsRemoved {
		e.Why = append(e.Why, fmt.Sprintf("column %s.%s is gone", c.Table, c.Name))
	}
	for _, t := range d.TablesAdded {
		e.Adds = append(e.Adds, "table "+t)
		e.parents(was, is.byName[fold(t)])
	}
	for _, c := range d.ColumnsAdded {
		e.Adds = append(e.Adds, fmt.Sprintf("column %s.%s", c.Table, c.Name))
		if now, ok := is.byName[fold(c.Table)].column(c.Name); ok && now.notNull && now.fallback == "" && !now.generated {
			e.Why = append(e.Why, fmt.Sprintf("column %s.%s takes no NULL and has no default", c.Table, c.Name))
		}
	}
	e.widened(was, is, d.ColumnsAdded)
	old := was.named(ledger)
	for key, o := range is.named(ledger) {
		if _, had := old[key]; had {
			continue
		}
		e.Adds = append(e.Adds, o.Type+" "+o.Name)
		if _, of := was.byName[fold(o.Table)]; of && strings.HasPrefix(normalize(o.SQL), "create unique ") {
			e.Why = append(e.Why, fmt.Sprintf("index %s refuses rows of %s that were allowed", o.Name, o.Table))
		}
	}
	for _, line := range d.Other {
		if !strings.HasSuffix(line, " added") {
			e.Why = append(e.Why, line)
		}
	}
	slices.Sort(e.Adds)
}

// parents notes the tables of the older code of which rows cannot be deleted while a new table refers to them.
func (e *Expansion) parents(was *shape, t *table) {
	for _, k := range t.keys {
		stays := k.onDelete == "NO ACTION" || k.onDelete == "RESTRICT"
		if parent := was.byName[fold(k.parent)]; parent != nil && stays {
			e.Careful = append(e.Careful, fmt.Sprintf("rows of %s cannot be deleted while %s refers to them", parent.name, t.name))
		}
	}
}

// widened judges the tables that have more columns: their definitions must be the older ones with something put in
// between, as ADD COLUMN leaves them, and that must not judge older columns.
func (e *Expansion) widened(was, is *shape, added []Column) {
	done := map[string]bool{}
	for _, c := range added {
		old, now := was.byName[fold(c.Table)], is.byName[fold(c.Table)]
		if done[fold(c.Table)] || old == nil || now == nil {
			continue
		}
		done[fold(c.Table)] = true
		more, ok := insertion(strings.Fields(normalize(old.sql)), strings.Fields(normalize(now.sql)))
		if !ok {
			e.Why = append(e.Why, fmt.Sprintf("table %s was rebuilt, and not only given columns", old.name))
			continue
		}
		if !slices.Contains(more, "check") {
			continue
		}
		for _, col := range old.columns {
			if slices.Contains(more, fold(col.name)) {
				e.Why = append(e.Why, fmt.Sprintf("a CHECK of %s that is new looks at %s", old.name, col.name))
			}
		}
	}
}

// insertion returns what was put between two parts of old to make now of it.
func insertion(old, now []string) (more []string, ok bool) {
	from := 0
	for from < len(old) && from < len(now) && old[from] == now[from] {
		from++
	}
	rest := len(old) - from
	if len(now) < len(old) || !slices.Equal(old[from:], now[len(now)-rest:]) {
		return nil, false
	}
	return now[from : len(now)-rest], true
}

// triggers judges new triggers on older tables by what they would write when the older code writes.
func (e *Expansion) triggers(ctx context.Context, c *sqlite.Conn, was, is *shape) error {
	old := was.named("")
	for _, o := range is.objects {
		on := is.byName[fold(o.Table)]
		if _, had := old["trigger "+fold(o.Name)]; had || o.Type != "trigger" || on == nil || was.byName[fold(o.Table)] == nil {
			continue
		}
		if slices.Contains(strings.Fields(normalize(o.SQL)), "raise") {
			e.Why = append(e.Why, fmt.Sprintf("trigger %s may refuse what the older code writes", o.Name))
			continue
		}
		for _, sql := range firing(on) {
			actions, err := c.Prepare(ctx, sql)
			if err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				e.Why = append(e.Why, fmt.Sprintf("trigger %s cannot be judged: %v", o.Name, err))
				break
			}
			if i := slices.IndexFunc(actions, func(a sqlite.Action) bool { return sameName(a.Inner, o.Name) && known(was, a, "") }); i >= 0 {
				e.Why = append(e.Why, fmt.Sprintf("trigger %s %s", o.Name, verbOf(actions[i])))
				break
			}
		}
	}
	return nil
}

// firing are statements that fire every trigger of a table, if they ran.
func firing(t *table) []string {
	name := quoteName(t.name)
	var set []string
	for _, col := range t.columns {
		if !col.generated && !col.hidden {
			set = append(set, quoteName(col.name)+" = "+quoteName(col.name))
		}
	}
	return []string{
		"INSERT INTO " + name + " DEFAULT VALUES", "DELETE FROM " + name, "UPDATE " + name + " SET " + strings.Join(set, ", "),
	}
}
