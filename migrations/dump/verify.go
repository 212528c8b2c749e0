package dump

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"towline/migrations"
)

// Contents is what a database holds.
type Contents struct {
	Objects []migrations.Object // its sqlite_master, without what SQLite and Cloudflare keep
	Tables  []Table             // by name; without views, and without the shadow tables of virtual ones
	Damage  []string            // what quick_check says, at most 100 lines; nothing if it says "ok"
	Orphans []Orphans           // what foreign_key_check says
	Bytes   int64               // of the file
}

// Table is what a table holds.
type Table struct {
	Name string
	Rows int64
	// Hash is a digest in hexadecimal of all rows: of the columns by name, and of each value with its type. It does not
	// depend on the order of rows or columns, on rowids that no column shows, or on generated columns. It is empty for a
	// virtual table whose rows cannot be read back, such as FTS5 with content=''.
	Hash string
}

// Orphans is the rows of a table whose foreign key leads nowhere.
type Orphans struct {
	Table, Parent string
	Rows          int64
}

// Sound reports whether nothing is damaged and no foreign key leads nowhere.
func (c Contents) Sound() bool { return len(c.Damage) == 0 && len(c.Orphans) == 0 }

// Verify reads the database in the file at path, which is not changed. What is wrong with the data is in Contents; an error
// is a file that cannot be read as a database, or ctx's.
func Verify(ctx context.Context, path string) (contents Contents, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return Contents{}, err
	}
	c, err := open(ctx, path, sqlite3.OPEN_READONLY)
	if err != nil {
		return Contents{}, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	contents.Bytes = info.Size()
	for _, look := range []func(context.Context, *sqlite3.Conn) error{
		contents.readObjects, contents.check, contents.checkKeys, contents.hash,
	} {
		if err := look(ctx, c); err != nil {
			return Contents{}, fmt.Errorf("verify %s: %w", path, err)
		}
	}
	return contents, nil
}

func (o *Contents) readObjects(ctx context.Context, c *sqlite3.Conn) error {
	return rows(ctx, c, `SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master
		WHERE lower(substr(name, 1, 7)) <> 'sqlite_' AND lower(substr(name, 1, 4)) <> '_cf_' ORDER BY rowid`, func(row []any) error {
		o.Objects = append(o.Objects, migrations.Object{Type: asText(row[0]), Name: asText(row[1]), Table: asText(row[2]), SQL: asText(row[3])})
		return nil
	})
}

func (o *Contents) check(ctx context.Context, c *sqlite3.Conn) error {
	return rows(ctx, c, "PRAGMA quick_check(100)", func(row []any) error {
		if line := asText(row[0]); line != "ok" {
			o.Damage = append(o.Damage, line)
		}
		return nil
	})
}

func (o *Contents) checkKeys(ctx context.Context, c *sqlite3.Conn) error {
	return rows(ctx, c, `SELECT "table", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2`, func(row []any) error {
		o.Orphans = append(o.Orphans, Orphans{asText(row[0]), asText(row[1]), asNumber(row[2])})
		return nil
	})
}

func (o *Contents) hash(ctx context.Context, c *sqlite3.Conn) error {
	for _, t := range tablesOf(o.Objects) {
		if t.kind == derived {
			continue
		}
		table, err := Table{Name: t.Name}, error(nil)
		if t.kind == contentless {
			table.Rows, err = count(ctx, c, t.Name+"_docsize")
		} else {
			table, err = hashTable(ctx, c, t.Name, t.virtual())
		}
		if err != nil && t.virtual() && ctx.Err() == nil {
			table, err = Table{Name: t.Name}, nil // its content is in a table that is not there, for instance
		}
		if err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		o.Tables = append(o.Tables, table)
	}
	slices.SortFunc(o.Tables, func(a, b Table) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func count(ctx context.Context, c *sqlite3.Conn, table string) (n int64, err error) {
	err = rows(ctx, c, "SELECT count(*) FROM "+quoteName(table), func(row []any) error {
		n = asNumber(row[0])
		return nil
	})
	return n, err
}

// hashTable adds up the digests of the rows, so that their order does not matter. Equal rows count as often as they are
// there.
func hashTable(ctx context.Context, c *sqlite3.Conn, name string, virtual bool) (Table, error) {
	var columns []string
	if virtual {
		columns = append(columns, "rowid")
	}
	err := rows(ctx, c, "SELECT name FROM pragma_table_xinfo("+quoteText(name)+") WHERE hidden = 0 ORDER BY lower(name)", func(row []any) error {
		columns = append(columns, asText(row[0]))
		return nil
	})
	if err != nil {
		return Table{}, err
	}
	quoted := make([]string, len(columns))
	for i, column := range columns {
		quoted[i] = quoteName(column)
	}
	t := Table{Name: name}
	var sum [4]uint64
	var line []byte
	err = each(ctx, c, "SELECT "+strings.Join(quoted, ", ")+" FROM "+quoteName(name), func(stmt *sqlite3.Stmt, row []any) error {
		line = line[:0]
		for i, v := range row {
			line = appendValue(line, v, stmt, i)
		}
		digest := sha256.Sum256(line)
		for i := range sum {
			sum[i] += binary.LittleEndian.Uint64(digest[8*i:])
		}
		t.Rows++
		return nil
	})
	if err != nil {
		return Table{}, err
	}
	h := sha256.New()
	fmt.Fprintf(h, "table 1\n%q\n%d\n%x\n", columns, t.Rows, sum)
	t.Hash = hex.EncodeToString(h.Sum(nil))
	return t, nil
}

// appendValue writes a value so that no two sequences of values are written alike.
func appendValue(line []byte, v any, stmt *sqlite3.Stmt, column int) []byte {
	switch v := v.(type) {
	case int64:
		return binary.LittleEndian.AppendUint64(append(line, 'i'), uint64(v))
	case float64:
		// Minus zero is written as zero in an export, and compares as equal.
		return binary.LittleEndian.AppendUint64(append(line, 'r'), math.Float64bits(v+0))
	case []byte:
		kind := byte('t')
		if stmt.ColumnType(column) == sqlite3.BLOB {
			kind = 'b'
		}
		line = binary.LittleEndian.AppendUint64(append(line, kind), uint64(len(v)))
		return append(line, v...)
	}
	return append(line, 'n')
}
