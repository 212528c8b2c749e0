package sqlite

import (
	"runtime"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// compile is the driver's Prepare. An ALTER TABLE compiles statements of SQLite's own, and where one of those is refused, the place of the
// error is counted in its text, not in sql. The driver (v0.35.6) then cuts sql behind its end and panics. In that case the statement is
// compiled again with blanks behind it, so that there is something to cut; where in the statement the error is stays unknown.
func (c *Conn) compile(sql string) (stmt *sqlite3.Stmt, tail string, err error) {
	stmt, tail, cut, err := c.tryCompile(sql)
	if !cut {
		return stmt, tail, err
	}
	if c.recording {
		c.actions = nil
	}
	stmt, _, cut, err = c.tryCompile(sql + strings.Repeat(" ", max(0, MaxStatementBytes-len(sql))))
	if cut || err == nil {
		stmt.Close()
		return nil, "", refusal(sqlite3.ERROR, "SQL logic error")
	}
	if e, ok := asError(err, sql).(*Error); ok {
		e.Offset = -1
		err = e
	}
	return stmt, "", err
}

// tryCompile is Prepare; cut is true where the driver panicked over the place of an error.
func (c *Conn) tryCompile(sql string) (stmt *sqlite3.Stmt, tail string, cut bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(runtime.Error); !ok || !strings.Contains(p.(error).Error(), "slice bounds out of range") {
				panic(p)
			}
			cut = true
		}
	}()
	stmt, tail, err = c.db.Prepare(sql)
	return stmt, tail, false, err
}
