package rehearse

import (
	"context"
	"errors"

	"towline/migrations"
)

// Columns lists the columns of all tables of a schema, each table's own entry with an empty name before them, in the
// schema's order. Left out are the ledger, virtual tables and their shadows, and what SQLite and Cloudflare keep. The
// error is that of Run: a *SchemaError where the schema cannot be rebuilt.
func Columns(ctx context.Context, objects []migrations.Object, ledgerTable string) (list []Column, err error) {
	t := Target{Objects: objects, LedgerTable: ledgerTable}
	c, err := rebuild(ctx, t)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	s, err := readShape(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, table := range s.tables {
		if table.virtual || sameName(table.name, ledgerName(ledgerTable)) {
			continue
		}
		list = append(list, Column{Table: table.name})
		for _, col := range table.columns {
			list = append(list, Column{Table: table.name, Name: col.name})
		}
	}
	return list, nil
}
