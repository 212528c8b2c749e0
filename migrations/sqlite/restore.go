package sqlite

import (
	"context"
	"slices"

	"towline/migrations"
)

// Unmade is an object that could not be made, and why: an *[Error].
type Unmade struct {
	migrations.Object
	Err error
}

// Restore makes objects of a database that exist on D1, with the profile off, whatever it would say of them today; what is there is left,
// and so is what belongs to SQLite or Cloudflare. The objects may come in any order: virtual tables are first, since they make their shadow
// tables themselves, and what fails is tried again after the others. What cannot be made at all is returned, the rest is there.
//
// The error is ctx's.
func (c *Conn) Restore(ctx context.Context, objects []migrations.Object) (left []Unmade, err error) {
	var list []migrations.Object
	for _, o := range objects {
		if o.SQL != "" && !migrations.Reserved(o.Name) && !migrations.Reserved(o.Table) {
			list = append(list, o)
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	turns := make(map[migrations.Object]int, len(list))
	for _, o := range list {
		turns[o] = turn(o)
	}
	slices.SortStableFunc(list, func(a, b migrations.Object) int { return turns[a] - turns[b] })
	err = c.Without(func() error {
		return c.Transaction(ctx, func() error {
			left, err = c.makeAll(ctx, list)
			return err
		})
	})
	return left, err
}

// turn is when an object is made.
func turn(o migrations.Object) int {
	switch {
	case o.Virtual():
		return 0
	case o.Type == "table":
		return 1
	case o.Type == "index":
		return 2
	case o.Type == "view":
		return 3
	}
	return 4
}

func (c *Conn) makeAll(ctx context.Context, list []migrations.Object) (left []Unmade, err error) {
	for {
		left = nil
		for _, o := range list {
			if err := c.make(ctx, o); err != nil {
				left = append(left, Unmade{o, err})
			}
		}
		if ctx.Err() != nil || len(left) == 0 || len(left) == len(list) {
			return left, ctx.Err()
		}
		list = nil
		for _, u := range left {
			list = append(list, u.Object)
		}
	}
}

// make makes an object, unless it is there.
func (c *Conn) make(ctx context.Context, o migrations.Object) error {
	_, refused := c.Exec(ctx, o.SQL)
	if refused == nil {
		return nil
	}
	res, err := c.Exec(ctx, "SELECT 1 FROM sqlite_master WHERE type = ?1 AND name = ?2 COLLATE NOCASE", o.Type, o.Name)
	if err == nil && len(res.Rows) > 0 {
		return nil
	}
	return refused
}
