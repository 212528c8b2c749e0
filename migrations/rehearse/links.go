package rehearse

import (
	"context"
	"fmt"
	"strings"
)

// relink points the rows of a table to rows of the parents that were not filled before it: itself, and those in a
// circle. In a table that refers to itself the first row is the parent of the others.
func (f *seeder) relink(ctx context.Context, t *table) error {
	if f.skips(t) {
		return nil
	}
	for _, k := range t.keys {
		parent := f.shape.byName[fold(k.parent)]
		if parent == nil {
			continue
		}
		targets, err := f.keyRows(ctx, k)
		if err != nil || len(targets) == 0 {
			return err
		}
		if err := f.relinkKey(ctx, t, k, parent == t, targets); err != nil {
			return err
		}
	}
	return nil
}

func (f *seeder) relinkKey(ctx context.Context, t *table, k foreignKey, self bool, targets [][]any) error {
	id := []string{"rowid"}
	if t.withoutRowID {
		id = t.primaryKey()
	}
	rows, err := f.c.Exec(ctx, fmt.Sprintf("SELECT %s FROM %s LIMIT %d", strings.Join(quotedUnlessRowID(id), ", "), quoteName(t.name), canaryRows))
	if err != nil {
		return ctx.Err()
	}
	for n, row := range rows.Rows {
		target := targets[n%len(targets)]
		if self {
			target = targets[0]
			if n == 0 && t.nullable(k.from) {
				target = make([]any, len(k.from))
			}
		}
		params := append(append([]any{}, target...), row...)
		sets := assignments(k.from, 0, " = ", ", ")
		where := assignments(id, len(target), " IS ", " AND ")
		// A row that cannot be linked so, because of a UNIQUE column, stays as it is and is dealt with as a stray.
		_, err := f.c.Exec(ctx, fmt.Sprintf("UPDATE OR IGNORE %s SET %s WHERE %s", quoteName(t.name), sets, where), params...)
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func quotedUnlessRowID(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = quoteName(name)
		if name == "rowid" {
			list[i] = name
		}
	}
	return list
}

func assignments(names []string, from int, operator, separator string) string {
	list := quotedUnlessRowID(names)
	for i := range list {
		list[i] += fmt.Sprintf("%s?%d", operator, from+i+1)
	}
	return strings.Join(list, separator)
}

func (t *table) nullable(names []string) bool {
	for _, name := range names {
		if col, ok := t.column(name); !ok || col.notNull || col.primary > 0 {
			return false
		}
	}
	return true
}

// dropStrays removes rows whose foreign keys lead nowhere, until there are none. Removing one can leave others astray.
func (f *seeder) dropStrays(ctx context.Context) error {
	more := true
	// Each round reaches one table further down. The bound is for a table whose rows cannot be named: one with a column
	// of its own that is called rowid.
	for round := 0; more && round <= len(f.shape.tables); round++ {
		more = false
		for _, t := range f.shape.tables {
			res, err := f.c.Exec(ctx, "PRAGMA foreign_key_check("+quoteName(t.name)+")")
			if err != nil && ctx.Err() != nil {
				return ctx.Err()
			}
			// An error is a key that does not fit its parent: then nothing refers to anything.
			for _, row := range res.Rows {
				more = true
				if err := f.remove(ctx, t, row[1]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// remove deletes a row by its rowid, or all rows of a table that has none.
func (f *seeder) remove(ctx context.Context, t *table, rowID any) error {
	sql, params := "DELETE FROM "+quoteName(t.name), []any(nil)
	if rowID != nil {
		sql, params = sql+" WHERE rowid = ?1", []any{rowID}
	}
	_, err := f.c.Exec(ctx, sql, params...)
	return err
}

// isSound reports whether the table has rows, and for each of its foreign keys one that leads to a row.
func (f *seeder) isSound(ctx context.Context, t *table) (bool, error) {
	if f.skips(t) {
		return false, nil
	}
	queries := []string{"SELECT count(*) FROM " + quoteName(t.name)}
	for _, k := range t.keys {
		if f.shape.byName[fold(k.parent)] == nil {
			continue // the parent does not exist: nothing can happen to it
		}
		queries = append(queries, fmt.Sprintf("SELECT count(*) FROM %s WHERE %s",
			quoteName(t.name), strings.Join(quotedUnlessRowID(k.from), " IS NOT NULL AND ")+" IS NOT NULL"))
	}
	for _, q := range queries {
		res, err := f.c.Exec(ctx, q)
		if err != nil || number(res.Rows[0][0]) == 0 {
			return false, ctx.Err()
		}
	}
	return true, nil
}
