package rehearse

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"towline/migrations/sqlite"
)

// canaryRows is how many rows a table gets. Two would do to see a loss; three also show a part of one.
const canaryRows = 3

// seeder fills the tables of a copy with canary rows.
type seeder struct {
	c        *sqlite.Conn
	shape    *shape
	ledger   string
	excluded map[string]bool // tables that stay empty
	started  map[string]bool // tables whose turn has come
	// sound are the tables that have rows whose foreign keys all lead to rows; what happens to them can be seen.
	sound map[string]bool
}

// seed fills every table but the ledger, virtual tables and the excluded ones, and returns which are sound. It needs a
// copy that has no triggers yet, and runs outside any transaction, since foreign keys are off meanwhile.
func seed(ctx context.Context, c *sqlite.Conn, s *shape, ledger string, excluded map[string]bool) (map[string]bool, error) {
	f := &seeder{c: c, shape: s, ledger: ledger, excluded: excluded, started: make(map[string]bool), sound: make(map[string]bool)}
	err := c.Without(func() error {
		if err := f.pragmas(ctx, "foreign_keys = OFF", "ignore_check_constraints = ON"); err != nil {
			return err
		}
		if err := c.Transaction(ctx, func() error { return f.fill(ctx) }); err != nil {
			return err
		}
		return f.pragmas(ctx, "ignore_check_constraints = OFF", "foreign_keys = ON")
	})
	return f.sound, err
}

func (f *seeder) pragmas(ctx context.Context, list ...string) error {
	for _, p := range list {
		if _, err := f.c.Exec(ctx, "PRAGMA "+p); err != nil {
			return err
		}
	}
	return nil
}

func (f *seeder) fill(ctx context.Context) error {
	for _, t := range f.shape.tables {
		if err := f.table(ctx, t); err != nil {
			return err
		}
	}
	for _, t := range f.shape.tables {
		if err := f.relink(ctx, t); err != nil {
			return err
		}
	}
	if err := f.dropStrays(ctx); err != nil {
		return err
	}
	for _, t := range f.shape.tables {
		ok, err := f.isSound(ctx, t)
		if err != nil {
			return err
		}
		f.sound[fold(t.name)] = ok
	}
	f.sound[fold(f.ledger)] = true // it has its own rows
	return nil
}

func (f *seeder) skips(t *table) bool {
	return t.virtual || f.excluded[fold(t.name)] || sameName(t.name, f.ledger)
}

// table fills one table, its parents before it.
func (f *seeder) table(ctx context.Context, t *table) error {
	if f.started[fold(t.name)] || f.skips(t) {
		return nil
	}
	f.started[fold(t.name)] = true
	parents := make(map[string][]any)
	for _, k := range t.keys {
		parent := f.shape.byName[fold(k.parent)]
		if parent == nil || parent == t {
			continue
		}
		if err := f.table(ctx, parent); err != nil {
			return err
		}
		if err := f.parentKeys(ctx, k, parents); err != nil {
			return err
		}
	}
	listed := listedValues(t.sql)
	for n := range canaryRows {
		if err := f.insert(ctx, t, n, parents, listed); err != nil {
			return err
		}
	}
	return nil
}

// parentKeys notes, for each column of a key, the values of its parent's rows.
func (f *seeder) parentKeys(ctx context.Context, k foreignKey, values map[string][]any) error {
	rows, err := f.keyRows(ctx, k)
	for _, row := range rows {
		for i, from := range k.from {
			values[fold(from)] = append(values[fold(from)], row[i])
		}
	}
	return err
}

// keyRows reads what rows of the child may refer to. A key that fits no parent has none.
func (f *seeder) keyRows(ctx context.Context, k foreignKey) ([][]any, error) {
	if len(k.to) != len(k.from) || len(k.to) == 0 {
		return nil, nil
	}
	res, err := f.c.Exec(ctx, fmt.Sprintf("SELECT %s FROM %s LIMIT %d", nameList(k.to), quoteName(k.parent), canaryRows))
	if err != nil {
		return nil, ctx.Err()
	}
	return res.Rows, nil
}

func nameList(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quoteName(name)
	}
	return strings.Join(quoted, ", ")
}

// insert adds row n. A row that the table will not have is left out.
func (f *seeder) insert(ctx context.Context, t *table, n int, parents map[string][]any, listed map[string]string) error {
	var names, values []string
	var params []any
	for _, col := range t.columns {
		if col.generated {
			continue
		}
		names = append(names, col.name)
		keys := parents[fold(col.name)]
		literal, isListed := listed[fold(col.name)]
		switch {
		case len(keys) > 0:
			params = append(params, keys[n%len(keys)])
			values = append(values, fmt.Sprintf("?%d", len(params)))
		case isListed:
			values = append(values, literal)
		default:
			params = append(params, canaryValue(col.kind, n+1))
			values = append(values, fmt.Sprintf("?%d", len(params)))
		}
	}
	_, err := f.c.Exec(ctx, fmt.Sprintf("INSERT OR IGNORE INTO %s (%s) VALUES (%s)",
		quoteName(t.name), nameList(names), strings.Join(values, ", ")), params...)
	if err != nil {
		return ctx.Err()
	}
	return nil
}

// canaryValue is the n-th value for a declared type, by the rules of affinity ("Datatypes In SQLite", 3.1). Texts are
// numbers, which are valid JSON as well.
func canaryValue(kind string, n int) any {
	kind = strings.ToUpper(kind)
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(kind, p) {
				return true
			}
		}
		return false
	}
	switch {
	case has("INT"):
		return int64(n)
	case has("CHAR", "CLOB", "TEXT"):
		return fmt.Sprint(n)
	case kind == "BLOB":
		return []byte{byte(n)}
	case has("REAL", "FLOA", "DOUB"):
		return float64(n) + 0.5
	}
	return int64(n)
}

// listedValues finds, for columns with a CHECK like "status IN ('a', 'b')", the first value of the list.
func listedValues(sql string) map[string]string {
	// Built per call: a compiled pattern would be package state, and a table is read once.
	in := regexp.MustCompile("(?i)[\"`\\[]?(\\w+)[\"`\\]]?\\s+in\\s*\\(\\s*('(?:[^']|'')*'|-?\\d+)")
	values := make(map[string]string)
	for _, m := range in.FindAllStringSubmatch(sql, -1) {
		if _, seen := values[fold(m[1])]; !seen {
			values[fold(m[1])] = m[2]
		}
	}
	return values
}
