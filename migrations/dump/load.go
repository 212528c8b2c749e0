package dump

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// Loaded is what Load did.
type Loaded struct {
	Statements int64 // of the text
	Rows       int64 // inserted by INSERT ... VALUES statements
	Bytes      int64 // of the text
	// Imprecise counts, for each table and column, integers that an export may have rounded: those beyond ±2^53, which pass
	// through a JavaScript number there. The true value is not in the text.
	Imprecise []Imprecise
	// Late counts objects that had to be made after others, since they came before what they need.
	Late int
}

// Imprecise is a column with integers that may be rounded.
type Imprecise struct {
	Table, Column string
	Values        int64
}

// Load carries out the text of r on a new SQLite file at path, without limits, foreign keys or journal, in one
// transaction. Memory stays at a few MB however long the text is, except that a statement is held as a whole.
//
// The errors are a *[StatementError] for text that SQLite refuses or that ends within a statement, r's own, ctx's, or
// fs.ErrExist where there is a file at path already. With an error the file is removed.
func Load(ctx context.Context, r io.Reader, path string) (loaded Loaded, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Loaded{}, fmt.Errorf("load a dump: %w", err)
	}
	if err := f.Close(); err != nil {
		return Loaded{}, fmt.Errorf("load a dump: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	c, err := open(ctx, path, sqlite3.OPEN_READWRITE)
	if err != nil {
		return Loaded{}, err
	}
	l := &loader{c: c, split: newSplitter(r), inserts: make(map[string]*insert)}
	err = l.load(ctx)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	l.forget()
	if err := errors.Join(err, c.Close()); err != nil {
		return Loaded{}, err
	}
	l.loaded.Bytes = l.split.read
	return l.loaded, nil
}

// loader is one Load.
type loader struct {
	c       *sqlite3.Conn
	split   *splitter
	loaded  Loaded
	reader  rowReader
	inserts map[string]*insert // by what stands before the values
	last    *insert
	late    []late // objects to be made at the end
}

// late is a statement that could not be carried out where it stood.
type late struct {
	sql   string
	line  int64
	cause error
}

// fileSettings make a file that is good for nothing until it is complete, and is then complete at once.
const fileSettings = `PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -8000;
	PRAGMA foreign_keys = OFF; PRAGMA temp_store = FILE;`

func (l *loader) load(ctx context.Context) error {
	if err := l.c.Exec(fileSettings + "BEGIN"); err != nil {
		return fmt.Errorf("load a dump: %w", err)
	}
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		l.split.skipBlanks()
		done, err := l.insert(ctx)
		if err != nil {
			return err
		}
		if done {
			continue
		}
		st, err := l.split.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := l.statement(ctx, st); err != nil {
			return err
		}
		l.split.pass(st.length)
	}
	l.noteWide()
	if err := l.catchUp(ctx); err != nil {
		return err
	}
	l.forget()
	return l.c.Exec("COMMIT")
}

// forget closes the prepared statements.
func (l *loader) forget() {
	for _, i := range l.inserts {
		_ = i.stmt.Close() // its error is that of the last row, which was reported
	}
	clear(l.inserts)
	l.last = nil
}

// statement carries out a statement as it stands.
func (l *loader) statement(ctx context.Context, st statement) error {
	l.loaded.Statements++
	first := firstWords(st.text)
	switch {
	case first[0] == "BEGIN", first[0] == "COMMIT", first[0] == "END":
		return nil // it is one transaction in any case
	case first[0] == "ROLLBACK":
		return &StatementError{Line: st.line, Text: opening(st.text), Reason: "the dump takes itself back: it was not completed"}
	case first[0] == "PRAGMA" && !strings.HasPrefix(first[1], "WRITABLE_SCHEMA"):
		return nil // foreign keys are off, and nothing else concerns this file
	}
	err := l.c.Exec(string(st.text))
	if err != nil && strings.Contains(err.Error(), "no such table: sqlite_sequence") {
		err = l.withSequence(string(st.text))
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case first[0] == "CREATE" && !strings.HasPrefix(first[1], "TABLE"):
		l.late = append(l.late, late{string(st.text), st.line, err})
		l.loaded.Late++
		return nil
	case first[0] == "INSERT" && first[1] == "INTO" && strings.HasPrefix(first[2], "SQLITE_STAT"):
		return nil // what ANALYZE found out; another build of SQLite keeps it elsewhere
	}
	return refused(st.text, st.line, err)
}

// withSequence carries out a statement about sqlite_sequence where no table has made that yet: the dump is of a database
// whose last AUTOINCREMENT table was dropped.
func (l *loader) withSequence(sql string) error {
	return l.c.Exec("CREATE TABLE towline_sequence(id INTEGER PRIMARY KEY AUTOINCREMENT); DROP TABLE towline_sequence;\n" + sql)
}

// catchUp makes the objects that came too early, in any order that works.
func (l *loader) catchUp(ctx context.Context) error {
	for len(l.late) > 0 {
		var again []late
		for _, o := range l.late {
			if o.cause = l.c.Exec(o.sql); o.cause != nil {
				again = append(again, o)
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if len(again) == len(l.late) {
			return refused([]byte(again[0].sql), again[0].line, again[0].cause)
		}
		l.late = again
	}
	return nil
}

func refused(sql []byte, line int64, err error) error {
	return &StatementError{Line: line, Text: opening(sql), Reason: strings.TrimPrefix(err.Error(), "sqlite3: "), err: err}
}

// firstWords are the first three words of a statement in upper case, without quotes.
func firstWords(sql []byte) [3]string {
	var words [3]string
	n := 0
	for pos := 0; pos < len(sql) && n < len(words); {
		end, class, _ := token(sql, pos)
		if class != isNothing {
			words[n] = strings.ToUpper(strings.Trim(string(sql[pos:min(end, pos+64)]), "\"`[]'"))
			n++
		}
		pos = end
	}
	return words
}
