package migrations_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	"github.com/ncruces/go-sqlite3/ext/rtree"

	"towline/migrations"
)

// reporter is what *testing.T and *rapid.T share.
type reporter interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// database is a real SQLite in memory, set up as D1 sets its own up.
type database struct {
	t reporter
	c *sqlite3.Conn
}

func openDatabase(t reporter) *database {
	t.Helper()
	c, err := sqlite3.Open(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := fts5.Register(c); err != nil {
		t.Fatal(err)
	}
	if err := rtree.Register(c); err != nil {
		t.Fatal(err)
	}
	for op, on := range map[sqlite3.DBConfig]bool{
		sqlite3.DBCONFIG_ENABLE_FKEY: true, sqlite3.DBCONFIG_DEFENSIVE: true, sqlite3.DBCONFIG_DQS_DML: true,
		sqlite3.DBCONFIG_DQS_DDL: true, sqlite3.DBCONFIG_TRUSTED_SCHEMA: true, sqlite3.DBCONFIG_LEGACY_ALTER_TABLE: false,
	} {
		if _, err := c.Config(op, on); err != nil {
			t.Fatal(err)
		}
	}
	return &database{t, c}
}

// must runs a script outside of any plan.
func (d *database) must(script string) *database {
	d.t.Helper()
	if err := d.c.Exec(script); err != nil {
		d.t.Fatalf("%s: %v", script, err)
	}
	return d
}

// carryOut runs one transaction as D1 does: statement by statement, all or none.
func (d *database) carryOut(tx migrations.Transaction) error {
	d.t.Helper()
	d.must("BEGIN")
	for _, p := range tx.Statements {
		stmt, tail, err := d.c.Prepare(p.SQL)
		if err == nil {
			if strings.TrimSpace(tail) != "" {
				d.t.Errorf("%q is more than one statement", p.SQL)
			}
			err = stmt.Exec()
			stmt.Close()
		}
		if err != nil {
			if !d.c.GetAutocommit() {
				d.must("ROLLBACK")
			}
			return fmt.Errorf("%s: %w", p.SQL, err)
		}
	}
	if err := d.c.Exec("COMMIT"); err != nil {
		d.must("ROLLBACK")
		return fmt.Errorf("COMMIT: %w", err)
	}
	return nil
}

// carryOutAll runs transactions until one fails.
func (d *database) carryOutAll(list []migrations.Transaction) error {
	d.t.Helper()
	for _, tx := range list {
		if err := d.carryOut(tx); err != nil {
			return err
		}
	}
	return nil
}

// rows returns the rows of a query, each as one text.
func (d *database) rows(query string) []string {
	d.t.Helper()
	stmt, _, err := d.c.Prepare(query)
	if err != nil {
		d.t.Fatalf("%s: %v", query, err)
	}
	defer stmt.Close()
	var rows []string
	for stmt.Step() {
		var cells []string
		for i := range stmt.ColumnCount() {
			cells = append(cells, stmt.ColumnText(i))
		}
		rows = append(rows, strings.Join(cells, "|"))
	}
	if err := stmt.Err(); err != nil {
		d.t.Fatalf("%s: %v", query, err)
	}
	return rows
}

// objects reads sqlite_master.
func (d *database) objects() []migrations.Object {
	d.t.Helper()
	stmt, _, err := d.c.Prepare("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid")
	if err != nil {
		d.t.Fatal(err)
	}
	defer stmt.Close()
	var list []migrations.Object
	for stmt.Step() {
		list = append(list, migrations.Object{
			Type: stmt.ColumnText(0), Name: stmt.ColumnText(1), Table: stmt.ColumnText(2), SQL: stmt.ColumnText(3),
		})
	}
	if err := stmt.Err(); err != nil {
		d.t.Fatal(err)
	}
	return list
}

// ledger reads the ledger.
func (d *database) ledger(table string) []migrations.LedgerRow {
	d.t.Helper()
	stmt, _, err := d.c.Prepare(migrations.LedgerQuery(table))
	if err != nil {
		d.t.Fatal(err)
	}
	defer stmt.Close()
	var list []migrations.LedgerRow
	for stmt.Step() {
		list = append(list, migrations.LedgerRow{ID: stmt.ColumnInt64(0), Name: stmt.ColumnText(1), AppliedAt: stmt.ColumnText(2)})
	}
	if err := stmt.Err(); err != nil {
		d.t.Fatal(err)
	}
	return list
}

// schema is what sqlite_master says, apart from the tables of SQLite itself.
func (d *database) schema() []string {
	d.t.Helper()
	return d.rows("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name")
}

// state is the schema and every row, but the time of the ledger.
func (d *database) state() []string {
	d.t.Helper()
	all := d.schema()
	for _, table := range d.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name") {
		columns := "*"
		if table == migrations.DefaultLedger {
			columns = "id, name"
		}
		rows := d.rows("SELECT " + columns + " FROM \"" + strings.ReplaceAll(table, `"`, `""`) + `"`)
		slices.Sort(rows)
		for _, r := range rows {
			all = append(all, table+": "+r)
		}
	}
	return all
}

// file makes a migration.
func file(name, sql string) migrations.File { return migrations.File{Name: name, SQL: []byte(sql)} }

// apply plans and carries out.
func (d *database) apply(o migrations.Options, files ...migrations.File) error {
	d.t.Helper()
	plan, err := migrations.Apply(files, o)
	if err != nil {
		d.t.Fatal(err)
	}
	return d.carryOutAll(plan)
}
