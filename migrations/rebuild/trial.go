package rebuild

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"towline/migrations"
)

// try carries the statements out on the scratch schema and returns what they leave. Everything else of the schema has to
// be as it was, and what could be compiled before still has to compile.
func (g *generator) try(ctx context.Context) ([]migrations.Object, error) {
	worked, err := g.compiles(ctx)
	if err != nil {
		return nil, err
	}
	err = g.live.Transaction(ctx, func() error {
		for i, sql := range g.steps {
			if i > 0 && i <= len(g.renames) {
				continue // done when the schema was read
			}
			if _, err := g.live.Exec(ctx, sql); err != nil {
				return g.tryError(ctx, sql, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	is, err := readShape(ctx, g.live)
	if err != nil {
		return nil, err
	}
	if err := g.unchanged(is); err != nil {
		return nil, err
	}
	g.compareKeys(is.table(g.table))
	works, err := g.compiles(ctx)
	if err != nil {
		return nil, err
	}
	for _, sql := range g.probes() {
		if worked[sql] == nil && works[sql] != nil {
			refused := g.refuse(fmt.Sprintf("afterwards %q fails: %v", sql, works[sql]),
				"A view, a trigger or a foreign key still needs what the new table does not have")
			refused.Err = works[sql]
			return nil, refused
		}
	}
	return is.objects, nil
}

func (g *generator) tryError(ctx context.Context, sql string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	refused := g.refuse(fmt.Sprintf("%s fails: %v", migrations.Describe(migrations.Statement{SQL: sql}), err), "")
	for _, o := range append(g.again("index"), g.again("trigger")...) {
		if o.SQL == sql {
			refused.Reason = fmt.Sprintf("%s %s cannot be made on the new table: %v", o.Type, o.Name, err)
			refused.Do = "Drop it in an earlier migration, or say that it may go"
		}
	}
	refused.Err = err
	return refused
}

// unchanged holds the schema against the one before.
func (g *generator) unchanged(is *shape) error {
	want := make(map[string]string)
	for _, o := range g.was.objects {
		if o.SQL != "" && !(same(o.Table, g.table) && (o.Type == "index" || o.Type == "trigger") && has(g.o.Leave, o.Name)) {
			want[o.Type+" "+fold(o.Name)] = objectText(o)
		}
	}
	for _, o := range g.o.restore {
		want[o.Type+" "+fold(o.Name)] = objectText(o)
	}
	want["table "+fold(g.table)] = canonical(migrations.Object{SQL: g.new.sql}).SQL
	for _, o := range is.objects {
		key := o.Type + " " + fold(o.Name)
		if o.SQL != "" && objectText(o) != want[key] {
			return g.refuse(fmt.Sprintf("it would change %s %s", o.Type, o.Name), "")
		}
		delete(want, key)
	}
	for key := range want {
		return g.refuse("it would lose "+key, "")
	}
	return nil
}

// probes are statements that make SQLite compile every view, trigger and foreign key. The last one makes it read the text
// of them all.
func (g *generator) probes() []string {
	var list []string
	for _, o := range g.was.objects {
		if o.Type == "view" {
			list = append(list, "SELECT * FROM "+quote(o.Name), "DELETE FROM "+quote(o.Name), "INSERT INTO "+quote(o.Name)+" DEFAULT VALUES")
		}
	}
	for _, t := range g.was.tables {
		list = append(list, "SELECT * FROM "+quote(t.name))
		if t.virtual {
			continue
		}
		list = append(list, "DELETE FROM "+quote(t.name), "INSERT INTO "+quote(t.name)+" DEFAULT VALUES")
		if t == g.old {
			t = g.new
		}
		for _, c := range t.columns {
			if !c.generated {
				list = append(list, "UPDATE "+quote(t.name)+" SET "+quote(c.name)+" = "+quote(c.name))
			}
		}
	}
	return append(list, "ALTER TABLE "+quote(g.table)+" RENAME TO "+quote(g.names.copy))
}

// errUndone ends a transaction whose work is not wanted.
var errUndone = errors.New("undone")

// compiles tries the probes and returns the errors by statement. What a probe does is undone.
func (g *generator) compiles(ctx context.Context) (map[string]error, error) {
	failed := make(map[string]error)
	err := g.live.Transaction(ctx, func() error {
		for _, sql := range g.probes() {
			try := func() error {
				_, err := g.live.Prepare(ctx, sql)
				return err
			}
			if strings.HasPrefix(sql, "ALTER") { // an ALTER reads the schema when it runs
				try = func() error {
					_, err := g.live.Exec(ctx, sql)
					return err
				}
			}
			if err := try(); err != nil {
				failed[sql] = err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		return errUndone
	})
	if !errors.Is(err, errUndone) {
		return nil, err
	}
	return failed, nil
}
