package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/dump"
	"towline/migrations/lint"
	"towline/migrations/rehearse"
	"towline/migrations/sqlite"
)

// target reads the live schema, if it was given, and decides which files it has.
func (at *lintPlace) target(ctx context.Context, o lintFlags, in *lint.Input) error {
	if len(o.schemas) == 0 {
		return nil
	}
	live, err := readSchema(ctx, o.schemas, in.LedgerTable)
	if err != nil {
		return &exitError{code: exitUnknown, text: "-schema: " + err.Error()}
	}
	if len(live.target.Ledger) == 0 {
		if o.base == "" && o.applied == "" {
			return &exitError{code: exitUsage, text: fmt.Sprintf("-schema: the file does not say which migrations the database has, for it holds no rows of %s.\n"+
				"Give -applied LAST_FILE or -base REF, or a second -schema with the ledger: wrangler d1 export NAME --remote --no-schema --table %s --output ledger.sql",
				in.LedgerTable, in.LedgerTable)}
		}
		for i, name := range in.Known {
			live.target.Ledger = append(live.target.Ledger, migrations.LedgerRow{ID: int64(i + 1), Name: name})
		}
	}
	in.Target, in.Rows = &live.target, live.rows
	return nil
}

// exportedSchema is a database as an export describes it.
type exportedSchema struct {
	target rehearse.Target
	rows   map[string]int64 // of its tables, where the export has any; nil: it has none
}

// readSchema loads exports, one behind the other, and reads the database that they make.
func readSchema(ctx context.Context, files []string, ledger string) (live exportedSchema, err error) {
	dir, err := os.MkdirTemp("", "towline-lint-")
	if err != nil {
		return live, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var readers []io.Reader
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return live, err
		}
		defer f.Close()
		readers = append(readers, f, strings.NewReader("\n"))
	}
	file := filepath.Join(dir, "schema.db")
	if _, err := dump.Load(ctx, io.MultiReader(readers...), file); err != nil {
		return live, err
	}
	c, err := sqlite.Open(ctx, file)
	if err != nil {
		return live, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	live.target.LedgerTable = ledger
	if live.target.Objects, err = c.Objects(ctx); err != nil {
		return live, err
	}
	return live, live.read(ctx, c, ledger)
}

// read reads the ledger's rows, and how many the other tables have.
func (live *exportedSchema) read(ctx context.Context, c *sqlite.Conn, ledger string) error {
	return c.Without(func() error {
		total := int64(0)
		counts := make(map[string]int64)
		for _, o := range live.target.Objects {
			if o.Type != "table" || strings.EqualFold(o.Name, ledger) {
				continue
			}
			res, err := c.Exec(ctx, "SELECT count(*) FROM "+migrations.QuoteName(o.Name))
			if err != nil {
				continue // a virtual table that this SQLite does not read
			}
			counts[o.Name], _ = res.Rows[0][0].(int64)
			total += counts[o.Name]
		}
		if total > 0 {
			live.rows = counts
		}
		if !slices.ContainsFunc(live.target.Objects, func(o migrations.Object) bool { return o.Type == "table" && strings.EqualFold(o.Name, ledger) }) {
			return nil
		}
		res, err := c.Exec(ctx, migrations.LedgerQuery(ledger))
		if err != nil {
			return err
		}
		for _, r := range res.Rows {
			id, _ := r[0].(int64)
			name, _ := r[1].(string)
			when, _ := r[2].(string)
			live.target.Ledger = append(live.target.Ledger, migrations.LedgerRow{ID: id, Name: name, AppliedAt: when})
		}
		return nil
	})
}
