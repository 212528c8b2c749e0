package dump

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"towline/migrations"
)

// The sizes of a window. Rows are few at first and get more while the answers stay small.
const (
	firstRows = 16
	mostRows  = 1000
	wantBytes = 256 << 10
	// longBytes is from where on a value is read by itself, in pieces of pieceBytes.
	longBytes  = 16 << 10
	pieceBytes = 256 << 10
)

// keyed is a table as it is read: in the order of a key.
type keyed struct {
	name    string
	key     []string // expressions: a rowid, or the names of the primary key in quotes
	columns []string // names in quotes, as they are inserted; the rowid is among them where no column shows it
}

// readKinds finds the tables without rowid.
func (w *writer) readKinds(ctx context.Context) error {
	list, err := w.from.Query(ctx, "SELECT name FROM pragma_table_list WHERE schema = 'main' AND wr = 1")
	if err != nil {
		return err
	}
	w.details = make(map[string]bool)
	for _, row := range list {
		w.details[strings.ToLower(str(row[0]))] = true
	}
	return nil
}

// layout finds out how a table is read.
func (w *writer) layout(ctx context.Context, name string, virtual bool) (keyed, error) {
	info, err := w.from.Query(ctx, "SELECT name, upper(type), pk, hidden FROM pragma_table_xinfo("+quoteText(name)+") ORDER BY cid")
	if err != nil {
		return keyed{}, err
	}
	t := keyed{name: name}
	taken := make(map[string]bool)
	primary := make(map[int64]string)
	aliased := false // a column shows the rowid
	for _, row := range info {
		column, pk, hidden := str(row[0]), asInt(row[2]), asInt(row[3])
		taken[strings.ToLower(column)] = true
		if pk > 0 {
			primary[pk] = quoteName(column)
		}
		aliased = aliased || pk > 0 && str(row[1]) == "INTEGER"
		if hidden == 0 {
			t.columns = append(t.columns, quoteName(column))
		}
	}
	if w.details[strings.ToLower(name)] {
		for i := int64(1); primary[i] != ""; i++ {
			t.key = append(t.key, primary[i])
		}
		return t, nil
	}
	for _, rowid := range []string{"rowid", "_rowid_", "oid"} {
		if taken[rowid] {
			continue
		}
		t.key = []string{rowid}
		if rtree := virtual && len(t.columns) > 0 && w.hasShadow(name, "_node"); !rtree && !(aliased && len(primary) == 1) {
			t.columns = append([]string{rowid}, t.columns...)
		}
		return t, nil
	}
	if aliased && len(primary) == 1 {
		t.key = []string{primary[1]}
		return t, nil
	}
	return keyed{}, errors.New("its columns hide the rowid and there is no primary key to read it by")
}

func (w *writer) hasShadow(name, suffix string) bool {
	for _, o := range w.from.Objects {
		if strings.EqualFold(o.Name, name+suffix) {
			return true
		}
	}
	return false
}

func asInt(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}

// rows copies the rows of a table and notes whether it seems to have changed meanwhile.
func (w *writer) rows(ctx context.Context, name string, virtual bool) (copied int64, err error) {
	t, err := w.layout(ctx, name, virtual)
	if err != nil {
		return 0, err
	}
	before, err := w.count(ctx, name)
	if err != nil {
		return 0, err
	}
	head := fmt.Sprintf("INSERT INTO %s (%s) VALUES(", quoteName(name), strings.Join(t.columns, ","))
	var last []string
	for limit := firstRows; ; {
		batch, size, err := w.window(ctx, t, last, limit)
		if err != nil {
			return 0, err
		}
		for _, row := range batch {
			if err := w.row(ctx, t, head, row); err != nil {
				return 0, err
			}
			last = row[:len(t.key)]
		}
		copied += int64(len(batch))
		if len(batch) < limit {
			break
		}
		if size > wantBytes {
			limit = max(1, limit/2)
		} else if size < wantBytes/2 {
			limit = min(mostRows, 2*limit)
		}
	}
	after, err := w.count(ctx, name)
	if err != nil {
		return 0, err
	}
	if before != copied || after != copied {
		w.written.Moving = append(w.written.Moving, name)
	}
	w.written.Rows += copied
	return copied, nil
}

func (w *writer) count(ctx context.Context, name string) (int64, error) {
	answer, err := w.from.Query(ctx, "SELECT count(*) AS __towline_n FROM "+quoteName(name))
	if err != nil || len(answer) == 0 || len(answer[0]) == 0 {
		return 0, err
	}
	return asInt(answer[0][0]), nil
}

// window reads rows behind a key as SQL literals, the key's first. The database writes the literals itself, and each row
// comes as one JSON text: so no number passes through an answer, and a table may have all the columns that a result may.
func (w *writer) window(ctx context.Context, t keyed, after []string, limit int) (batch [][]string, size int, err error) {
	var parts []string
	for _, key := range t.key {
		parts = append(parts, literal(key))
	}
	for _, column := range t.columns {
		parts = append(parts, literal(column))
	}
	where := ""
	if after != nil {
		where = fmt.Sprintf(" WHERE (%s) > (%s)", strings.Join(t.key, ", "), strings.Join(after, ", "))
	}
	answer, err := w.from.Query(ctx, fmt.Sprintf("SELECT json_array(%s) AS __towline_r FROM %s%s ORDER BY %s LIMIT %d",
		strings.Join(parts, ", "), quoteName(t.name), where, strings.Join(t.key, ", "), limit))
	if err != nil {
		return nil, 0, err
	}
	for _, line := range answer {
		var row []string
		if err := json.Unmarshal([]byte(str(line[0])), &row); err != nil || len(row) != len(parts) {
			return nil, 0, fmt.Errorf("a row came as %.80q: %w", str(line[0]), err)
		}
		size += len(str(line[0]))
		batch = append(batch, row)
	}
	return batch, size, nil
}

// literal is an expression that gives the value of another as an SQL literal, or ":" for a long text and "x" for a long
// blob. SQLite's own quote() ends a text at a NUL byte and has no word for infinity that SQL knows.
func literal(e string) string {
	return fmt.Sprintf(`CASE typeof(%[1]s) WHEN 'text' THEN CASE WHEN length(CAST(%[1]s AS BLOB)) > %[2]d THEN ':'
 WHEN instr(CAST(%[1]s AS BLOB), x'00') THEN 'CAST(x''' || hex(%[1]s) || ''' AS TEXT)' ELSE quote(%[1]s) END
 WHEN 'blob' THEN CASE WHEN length(%[1]s) > %[2]d THEN 'x' ELSE quote(%[1]s) END
 WHEN 'real' THEN CASE %[1]s WHEN 9e999 THEN '9e999' WHEN -9e999 THEN '-9e999' ELSE quote(%[1]s) END
 ELSE quote(%[1]s) END`, e, longBytes)
}

// row writes one row.
func (w *writer) row(ctx context.Context, t keyed, head string, row []string) error {
	key, values := row[:len(t.key)], row[len(t.key):]
	for _, k := range key {
		if isLong(k) {
			return fmt.Errorf("a primary key is longer than %d bytes", longBytes)
		}
	}
	for i, v := range values {
		if !isLong(v) && !strings.ContainsRune(v, utf8.RuneError) {
			continue
		}
		// A replacement character may stand for bytes that are no UTF-8 and did not survive the answer.
		whole, err := w.long(ctx, t, key, t.columns[i], v == "x")
		if err != nil {
			return err
		}
		values[i] = whole
	}
	text := head + strings.Join(values, ",") + ");"
	if len(text) > migrations.MaxStatement && !slices.Contains(w.written.Long, t.name) {
		w.written.Long = append(w.written.Long, t.name)
	}
	return w.line(text)
}

func isLong(literal string) bool { return literal == ":" || literal == "x" }

// long reads one value in pieces of hexadecimal digits.
func (w *writer) long(ctx context.Context, t keyed, key []string, column string, isBlob bool) (string, error) {
	var digits strings.Builder
	for from := 1; ; from += pieceBytes {
		answer, err := w.from.Query(ctx, fmt.Sprintf("SELECT hex(substr(CAST(%s AS BLOB), %d, %d)) AS __towline_piece FROM %s WHERE (%s) = (%s)",
			column, from, pieceBytes, quoteName(t.name), strings.Join(t.key, ", "), strings.Join(key, ", ")))
		if err != nil {
			return "", err
		}
		if len(answer) != 1 {
			return "", fmt.Errorf("the row %s went while it was read", strings.Join(key, ", "))
		}
		digits.WriteString(str(answer[0][0]))
		if len(str(answer[0][0])) < 2*pieceBytes {
			break
		}
	}
	value, err := hex.DecodeString(digits.String())
	switch {
	case err != nil:
		return "", fmt.Errorf("a piece of a value came as no hexadecimal digits: %w", err)
	case isBlob:
		return "x'" + digits.String() + "'", nil
	case utf8.Valid(value) && !bytes.Contains(value, []byte{0}):
		return quoteText(string(value)), nil
	}
	return "CAST(x'" + digits.String() + "' AS TEXT)", nil
}
