package dump

import (
	"context"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	"github.com/ncruces/go-sqlite3/ext/rtree"
)

// open opens an SQLite file with the modules that D1 has, and without D1's limits. Nothing can be attached: a dump that
// says ATTACH reaches no other file.
func open(ctx context.Context, path string, flags sqlite3.OpenFlag) (*sqlite3.Conn, error) {
	c, err := sqlite3.OpenFlags(path, flags|sqlite3.OPEN_EXRESCODE|sqlite3.OPEN_PRIVATECACHE)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	c.SetInterrupt(ctx)
	c.Limit(sqlite3.LIMIT_ATTACHED, 0)
	errs := []error{fts5.Register(c), rtree.Register(c)}
	for _, flag := range []sqlite3.DBConfig{sqlite3.DBCONFIG_DQS_DDL, sqlite3.DBCONFIG_DQS_DML, sqlite3.DBCONFIG_TRUSTED_SCHEMA} {
		_, err := c.Config(flag, true)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), c.Close())
	}
	return c, nil
}

// each runs a query and calls do with every row, which is valid only meanwhile: nil, int64, float64, or []byte for a text
// and for a blob.
func each(ctx context.Context, c *sqlite3.Conn, sql string, do func(stmt *sqlite3.Stmt, row []any) error) error {
	stmt, _, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	defer stmt.Close()
	row := make([]any, stmt.ColumnCount())
	for stmt.Step() {
		if err := stmt.ColumnsRaw(row...); err != nil {
			return err
		}
		if err := do(stmt, row); err != nil {
			return err
		}
	}
	if err := stmt.Err(); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	return nil
}

// rows is each without the statement.
func rows(ctx context.Context, c *sqlite3.Conn, sql string, do func(row []any) error) error {
	return each(ctx, c, sql, func(_ *sqlite3.Stmt, row []any) error { return do(row) })
}

// asText makes a string of a value that rows gave.
func asText(v any) string {
	b, _ := v.([]byte)
	return string(b)
}

func asNumber(v any) int64 {
	n, _ := v.(int64)
	return n
}
