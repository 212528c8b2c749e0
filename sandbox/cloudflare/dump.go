package cloudflare

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"towline/migrations/sqlite"
)

// errVirtual is D1's refusal to export, in its words (workers-sdk#6305).
var errVirtual = errors.New("D1 Export error: cannot export databases with Virtual Tables (fts5)")

// dumpOptions are the dump_options of an export.
type dumpOptions struct {
	NoSchema bool     `json:"no_schema"`
	NoData   bool     `json:"no_data"`
	Tables   []string `json:"tables"`
}

func (o dumpOptions) leavesOut(name string) bool {
	return len(o.Tables) > 0 && !slices.Contains(o.Tables, name)
}

// dumper writes a database as D1's export does, with its faults: they are what a backup has to live with. Views come after the
// triggers that may need them; numbers pass through JavaScript, so that integers beyond 2^53 are rounded and 1.0 becomes 1;
// in a text with a line end, a backslash and an n turn into a line end as well; naming tables leaves out their indexes
// and triggers.
type dumper struct {
	ctx     context.Context
	conn    *sqlite.Conn
	options dumpOptions
	text    strings.Builder
}

// dump returns the text of an export, or errVirtual.
func dump(ctx context.Context, conn *sqlite.Conn, o dumpOptions) (string, error) {
	d := &dumper{ctx: ctx, conn: conn, options: o}
	err := conn.Without(d.write)
	return d.text.String(), err
}

func (d *dumper) line(format string, args ...any) { fmt.Fprintf(&d.text, format+"\n", args...) }

func (d *dumper) write() error {
	tables, err := d.conn.Exec(d.ctx, `SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql NOT NULL ORDER BY tbl_name = 'sqlite_sequence', rowid`)
	if err != nil {
		return err
	}
	d.line("PRAGMA defer_foreign_keys=TRUE;")
	for _, row := range tables.Rows {
		name, sql := row[0].(string), row[1].(string)
		if d.options.leavesOut(name) {
			continue
		}
		if err := d.table(name, sql); err != nil {
			return err
		}
	}
	if d.options.NoSchema {
		return nil
	}
	rest, err := d.conn.Exec(d.ctx, `SELECT name, sql FROM sqlite_schema WHERE sql NOT NULL AND type IN ('index', 'trigger', 'view') ORDER BY type COLLATE NOCASE`)
	if err != nil {
		return err
	}
	for _, row := range rest.Rows {
		if !d.options.leavesOut(row[0].(string)) {
			d.line("%s;", row[1])
		}
	}
	return nil
}

func (d *dumper) table(name, sql string) error {
	create := ""
	switch {
	case name == "sqlite_sequence":
		create = "DELETE FROM sqlite_sequence;"
	case strings.HasPrefix(name, "sqlite_stat"):
		create = "ANALYZE sqlite_schema;"
	case strings.HasPrefix(sql, "CREATE VIRTUAL TABLE"):
		return errVirtual
	case strings.HasPrefix(name, "_cf_"), strings.HasPrefix(name, "sqlite_"):
		return nil
	case strings.Contains(sql, "CREATE TABLE '"), strings.Contains(sql, `CREATE TABLE "`):
		create = "CREATE TABLE IF NOT EXISTS " + sql[len("CREATE TABLE "):] + ";"
	default:
		create = sql + ";"
	}
	if !d.options.NoSchema {
		d.line("%s", create)
	}
	if d.options.NoData {
		return nil
	}
	return d.rows(name)
}

func (d *dumper) rows(name string) error {
	info, err := d.conn.Exec(d.ctx, "PRAGMA table_info("+identifier(name)+")")
	if err != nil {
		return err
	}
	columns := make([]string, len(info.Rows))
	for i, row := range info.Rows {
		columns[i] = identifier(row[1].(string))
	}
	res, err := d.conn.Exec(d.ctx, "SELECT "+strings.Join(columns, ", ")+" FROM "+identifier(name))
	if err != nil {
		return err
	}
	head := "INSERT INTO " + identifier(name) + " (" + strings.Join(columns, ",") + ") VALUES("
	for _, row := range res.Rows {
		d.text.WriteString(head)
		for i, v := range row {
			if i > 0 {
				d.text.WriteByte(',')
			}
			d.text.WriteString(literal(v))
		}
		d.text.WriteString(");\n")
	}
	return nil
}

// literal is a value as SQL, after it has been a value of JavaScript.
func literal(v any) string {
	switch v := v.(type) {
	case int64:
		return jsNumber(float64(v))
	case float64:
		return jsNumber(v)
	case string:
		return quoted(v)
	case []byte:
		return "X'" + hex.EncodeToString(v) + "'"
	}
	return "NULL"
}

func jsNumber(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "9e999"
	case math.IsInf(f, -1):
		return "-9e999"
	case f == 0:
		return "0"
	}
	text, err := json.Marshal(f) // as ECMAScript writes it
	if err != nil {
		return "NULL" // NaN, which SQLite does not hold
	}
	return string(text)
}

func quoted(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	out := "'" + strings.NewReplacer("'", "''", "\n", `\n`, "\r", `\r`).Replace(s) + "'"
	if strings.Contains(s, "\r") {
		out = "replace(" + out + `,'\r',char(13))`
	}
	if strings.Contains(s, "\n") {
		out = "replace(" + out + `,'\n',char(10))`
	}
	return out
}

func identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
