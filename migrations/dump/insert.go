package dump

import (
	"bytes"
	"context"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// insert is a prepared INSERT, for all statements that have the same words before their values.
type insert struct {
	head    []byte // up to the parenthesis after VALUES, that included
	params  int
	stmt    *sqlite3.Stmt
	table   string
	columns []string // one for each value; empty if they cannot be told
	real    []bool   // columns of real numbers, in which a large integer is no rounded one
	wide    []int64  // how many values of each column are beyond what JavaScript counts exactly
}

// mostInserts is how many statements are kept prepared.
const mostInserts = 64

// insert carries out what follows if it is an INSERT of literal values, whose statement it prepares once. SQLite would
// spend most of the time of a dump on parsing and compiling. It returns false, and nothing has happened, where SQLite must
// read the text itself.
func (l *loader) insert(ctx context.Context) (done bool, err error) {
	for {
		length, rows, v := l.tryInsert()
		if v == short && l.split.fill() {
			continue
		}
		if v != read {
			return false, nil
		}
		text := l.split.rest()[:length]
		if rows == 1 {
			err = l.last.run(l.reader.values)
		} else {
			err = l.runRows(text)
		}
		if ctx.Err() != nil && err != nil {
			return false, ctx.Err()
		}
		if err != nil {
			return false, refused(text, l.split.line, err)
		}
		l.loaded.Rows += rows
		l.loaded.Statements++
		l.split.pass(length)
		return true, nil
	}
}

// tryInsert finds out whether the text is such an INSERT, its length with the semicolon, and how many rows it has. l.last
// is then its statement, and l.reader has the values of the last row.
func (l *loader) tryInsert() (length int, rows int64, v verdict) {
	text := l.split.rest()
	end := 0
	if l.last != nil && bytes.HasPrefix(text, l.last.head) {
		end = len(l.last.head)
	} else if end, v = insertHead(text); v != read {
		return 0, 0, v
	}
	head := text[:end]
	for rows = 1; ; rows++ {
		if end, v = l.reader.row(text, end); v != read {
			return 0, 0, v
		}
		if rows == 1 {
			v = l.prepare(head, len(l.reader.values))
		}
		if v != read || len(l.reader.values) != l.last.params {
			return 0, 0, other // SQLite has the words for it
		}
		if end = blanks(text, end); end == len(text) {
			return 0, 0, short
		}
		if text[end] == ';' {
			return end + 1, rows, read
		}
		if text[end] != ',' {
			return 0, 0, other // ON CONFLICT, RETURNING, a comment
		}
		if end, v = expect(text, end+1, '('); v != read {
			return 0, 0, v
		}
	}
}

// runRows carries out a statement with several rows that tryInsert found.
func (l *loader) runRows(text []byte) error {
	for pos := len(l.last.head); ; {
		end, _ := l.reader.row(text, pos)
		if err := l.last.run(l.reader.values); err != nil {
			return err
		}
		end = blanks(text, end)
		if text[end] == ';' {
			return nil
		}
		pos, _ = expect(text, end+1, '(')
	}
}

// prepare makes l.last the statement for a head and a number of values.
func (l *loader) prepare(head []byte, params int) verdict {
	if l.last != nil && l.last.params == params && bytes.Equal(l.last.head, head) {
		return read
	}
	if i, ok := l.inserts[string(head)]; ok && i.params == params {
		l.last = i
		return read
	}
	if len(l.inserts) >= mostInserts || l.inserts[string(head)] != nil {
		l.noteWide()
		l.forget()
	}
	sql := string(head) + strings.Repeat("?,", params-1) + "?)"
	stmt, _, err := l.c.Prepare(sql)
	if err != nil {
		return other
	}
	i := &insert{head: bytes.Clone(head), params: params, stmt: stmt, wide: make([]int64, params)}
	i.table, i.columns = insertNames(head)
	l.describe(i)
	l.inserts[string(head)], l.last = i, i
	return read
}

// run inserts one row.
func (i *insert) run(values []value) error {
	for n, v := range values {
		if err := i.bind(n+1, v); err != nil {
			return err
		}
		if v.inexact() {
			i.wide[n]++
		}
	}
	i.stmt.Step()
	return i.stmt.Reset()
}

func (i *insert) bind(param int, v value) error {
	switch v.kind {
	case integer:
		return i.stmt.BindInt64(param, v.whole)
	case float:
		return i.stmt.BindFloat(param, v.real)
	case text:
		return i.stmt.BindRawText(param, v.bytes)
	case blob:
		return i.stmt.BindBlob(param, v.bytes)
	}
	return i.stmt.BindNull(param)
}

// insertHead is the place behind the parenthesis after VALUES of "INSERT INTO name (names) VALUES (".
func insertHead(in []byte) (end int, v verdict) {
	pos := 0
	next := func() (word []byte, v verdict) {
		pos = blanks(in, pos)
		if pos == len(in) {
			return nil, short
		}
		end, class, whole := token(in, pos)
		if class == isNothing || class == isSemi {
			return nil, other
		}
		if !whole && end == len(in) {
			return nil, short
		}
		word, pos = in[pos:end], end
		return word, read
	}
	for _, keyword := range []string{"INSERT", "INTO", ""} {
		word, v := next()
		if v != read {
			return 0, v
		}
		if keyword != "" && !isWord(word, keyword) {
			return 0, other
		}
	}
	word, v := next()
	for v == read && !isWord(word, "VALUES") {
		if c := word[0]; c != '(' && c != ')' && c != ',' && c != '"' && c != '`' && c != '[' && !isWordByte(c) || isWord(word, "SELECT") {
			return 0, other
		}
		word, v = next()
	}
	if v != read {
		return 0, v
	}
	return expect(in, pos, '(')
}

// insertNames takes the head of an INSERT apart.
func insertNames(head []byte) (table string, columns []string) {
	n := 0
	for pos := 0; pos < len(head); {
		end, class, _ := token(head, pos)
		word := head[pos:end]
		pos = end
		if class == isNothing {
			continue
		}
		n++
		switch c := word[0]; {
		case n == 3:
			table = unquote(word)
		case n > 4 && isWord(word, "VALUES"):
			return table, columns
		case n > 4 && c != ',' && c != '(' && c != ')':
			columns = append(columns, unquote(word))
		}
	}
	return table, columns
}

func unquote(word []byte) string {
	q := word[0]
	if len(word) < 2 || isWordByte(q) {
		return string(word)
	}
	inner := string(word[1 : len(word)-1])
	if q == '[' {
		return inner
	}
	return strings.ReplaceAll(inner, string(q)+string(q), string(q))
}
