package lint

import (
	"errors"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// unusable compiles every view and trigger and returns the messages of those that cannot be.
func (k *walker) unusable() map[migrations.Object]string {
	if k.bad != nil {
		return k.bad
	}
	k.bad = make(map[migrations.Object]string)
	for _, o := range k.now.objects {
		var sql []string
		switch o.Type {
		case "view":
			sql = []string{"SELECT * FROM " + migrations.QuoteName(o.Name)}
		case "trigger":
			sql = firing(o, k.w.shapes.table(k.now, o.Table))
		}
		for _, q := range sql {
			if err := k.compiles(q); err != nil {
				k.bad[o] = err.Message
				break
			}
		}
	}
	return k.bad
}

func (k *walker) compiles(sql string) (e *sqlite.Error) {
	_ = k.c.Without(func() error {
		_, err := k.c.Prepare(k.ctx, sql)
		errors.As(err, &e)
		return err
	})
	return e
}

// firing is a statement that fires the trigger, so that its body is compiled.
func firing(o migrations.Object, t *table) []string {
	quoted := migrations.QuoteName(o.Table)
	switch event(o.SQL) {
	case "DELETE":
		return []string{"DELETE FROM " + quoted}
	case "INSERT":
		return []string{"INSERT INTO " + quoted + " DEFAULT VALUES"}
	case "UPDATE":
		if t == nil {
			return nil
		}
		var sets []string
		for _, c := range t.columns {
			if !c.virtual && !c.stored && !c.hidden {
				sets = append(sets, migrations.QuoteName(c.name)+" = NULL")
			}
		}
		if len(sets) > 0 {
			return []string{"UPDATE " + quoted + " SET " + strings.Join(sets, ", ")}
		}
	}
	return nil
}

// event is what fires a trigger: INSERT, UPDATE or DELETE.
func event(sql string) string {
	list := meaning(sql)
	for i, t := range list {
		if i > 2 && t.Is(sql, "INSERT", "UPDATE", "DELETE") {
			return strings.ToUpper(t.Text(sql))
		}
		if t.Is(sql, "BEGIN") && i > 2 {
			break
		}
	}
	return ""
}
