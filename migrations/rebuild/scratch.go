package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// openScratch makes the schema again in memory. Virtual tables come first, since they make their shadow tables
// themselves. The profile is off: these objects exist on D1, whatever it would say today.
func openScratch(ctx context.Context, objects []migrations.Object) (*sqlite.Conn, error) {
	c, err := sqlite.Open(ctx, ":memory:")
	if err != nil {
		return nil, err
	}
	var list []migrations.Object
	for _, o := range objects {
		if o.SQL != "" && !reserved(o.Name) && !reserved(o.Table) {
			list = append(list, o)
		}
	}
	slices.SortStableFunc(list, func(a, b migrations.Object) int { return rank(a) - rank(b) })
	if err := c.Without(func() error { return createAll(ctx, c, list) }); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func rank(o migrations.Object) int {
	switch o.Type {
	case "table":
		if isVirtual(o.SQL) {
			return 0
		}
		return 1
	case "index":
		return 2
	case "view":
		return 3
	}
	return 4
}

func isVirtual(sql string) bool {
	list := lex(sql)
	return len(list) > 1 && list[0].is("CREATE") && list[1].is("VIRTUAL")
}

// createAll makes the objects; what fails is tried again after the others, as long as something succeeds.
func createAll(ctx context.Context, c *sqlite.Conn, list []migrations.Object) error {
	for len(list) > 0 {
		var failed []migrations.Object
		var first error
		for _, o := range list {
			there, err := exists(ctx, c, o)
			if err == nil && !there {
				_, err = c.Exec(ctx, o.SQL)
			}
			if err != nil {
				failed = append(failed, o)
				if first == nil {
					first = fmt.Errorf("the schema cannot be made again: %s %q: %w", o.Type, o.Name, err)
				}
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(failed) == len(list) {
			return first
		}
		list = failed
	}
	return nil
}

// exists is true for a shadow table that its virtual table has made already.
func exists(ctx context.Context, c *sqlite.Conn, o migrations.Object) (bool, error) {
	if o.Type != "table" {
		return false, nil
	}
	res, err := c.Exec(ctx, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND lower(name) = lower(?1)", o.Name)
	return len(res.Rows) > 0, err
}
