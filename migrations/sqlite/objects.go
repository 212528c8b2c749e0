package sqlite

import (
	"context"

	"towline/migrations"
)

// Objects lists the schema in the order in which it was created: tables, indexes, triggers and views, without what
// SQLite (sqlite_*) and Cloudflare (_cf_*) keep for themselves. The shadow tables of a virtual table are among them.
func (c *Conn) Objects(ctx context.Context) ([]migrations.Object, error) {
	var objects []migrations.Object
	err := c.Without(func() error {
		res, err := c.Exec(ctx, `SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master
			WHERE lower(substr(name, 1, 7)) <> 'sqlite_' AND lower(substr(name, 1, 4)) <> '_cf_' ORDER BY rowid`)
		if err != nil {
			return err
		}
		for _, row := range res.Rows {
			o := migrations.Object{}
			o.Type, _ = row[0].(string)
			o.Name, _ = row[1].(string)
			o.Table, _ = row[2].(string)
			o.SQL, _ = row[3].(string)
			objects = append(objects, o)
		}
		return nil
	})
	return objects, err
}
