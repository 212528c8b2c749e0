package sqlite

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// Error is SQLite's refusal of a statement.
type Error struct {
	Code     int    // primary result code, such as 19 (https://sqlite.org/rescode.html)
	Extended int    // extended result code, such as 1555
	Message  string // what SQLite says, without a prefix: "UNIQUE constraint failed: t.id"
	Offset   int    // byte in the statement at which SQLite stopped reading, -1 if it does not say
}

// Error returns SQLite's words and the name of the code, as D1's REST API prints them.
func (e *Error) Error() string {
	s := e.Message
	if s == noStatement {
		return s // an answer of D1, not of SQLite
	}
	if e.Offset >= 0 {
		s = fmt.Sprintf("%s at offset %d", s, e.Offset)
	}
	s += ": " + e.Name()
	if x := e.ExtendedName(); x != e.Name() {
		s += " (extended: " + x + ")"
	}
	return s
}

// noStatement is what D1 says to text that holds nothing to run.
const noStatement = "No SQL statements detected."

// Name returns the name of the primary code, such as "SQLITE_CONSTRAINT".
func (e *Error) Name() string {
	if name, ok := codeNames()[e.Code]; ok {
		return name
	}
	return fmt.Sprintf("SQLITE_%d", e.Code)
}

// ExtendedName returns the name of the extended code, such as "SQLITE_CONSTRAINT_PRIMARYKEY", or that of the primary
// one if there is no better.
func (e *Error) ExtendedName() string {
	if name, ok := extendedNames()[e.Extended]; ok {
		return name
	}
	return e.Name()
}

// asError turns an error of the driver into an *Error, given the statement that it is about. Any other error, a
// context's among them, is returned as it is.
func asError(err error, sql string) error {
	var code sqlite3.ExtendedErrorCode
	if err == nil || !errors.As(err, &code) {
		return err
	}
	e := &Error{Code: int(code.Code()), Extended: int(code), Offset: -1}
	general := code.Error()
	e.Message = strings.TrimPrefix(strings.TrimPrefix(err.Error(), general), ": ")
	if e.Message == "" {
		e.Message = strings.TrimPrefix(general, "sqlite3: ")
	}
	var detailed *sqlite3.Error
	if errors.As(err, &detailed) && detailed.SQL() != "" && strings.HasSuffix(sql, detailed.SQL()) {
		e.Offset = len(sql) - len(detailed.SQL())
	}
	return inD1sWords(e)
}

func refusal(code sqlite3.ErrorCode, format string, args ...any) *Error {
	return &Error{Code: int(code), Extended: int(code), Message: fmt.Sprintf(format, args...), Offset: -1}
}

func codeNames() map[int]string {
	names := []string{
		"OK", "ERROR", "INTERNAL", "PERM", "ABORT", "BUSY", "LOCKED", "NOMEM", "READONLY", "INTERRUPT", "IOERR", "CORRUPT",
		"NOTFOUND", "FULL", "CANTOPEN", "PROTOCOL", "EMPTY", "SCHEMA", "TOOBIG", "CONSTRAINT", "MISMATCH", "MISUSE", "NOLFS",
		"AUTH", "FORMAT", "RANGE", "NOTADB", "NOTICE", "WARNING",
	}
	m := make(map[int]string, len(names))
	for i, name := range names {
		m[i] = "SQLITE_" + name
	}
	return m
}

// extendedNames holds the extended codes that a statement of a release can meet.
func extendedNames() map[int]string {
	m := make(map[int]string)
	for code, name := range map[sqlite3.ExtendedErrorCode]string{
		sqlite3.CONSTRAINT_CHECK:      "CHECK",
		sqlite3.CONSTRAINT_COMMITHOOK: "COMMITHOOK",
		sqlite3.CONSTRAINT_FOREIGNKEY: "FOREIGNKEY",
		sqlite3.CONSTRAINT_FUNCTION:   "FUNCTION",
		sqlite3.CONSTRAINT_NOTNULL:    "NOTNULL",
		sqlite3.CONSTRAINT_PRIMARYKEY: "PRIMARYKEY",
		sqlite3.CONSTRAINT_TRIGGER:    "TRIGGER",
		sqlite3.CONSTRAINT_UNIQUE:     "UNIQUE",
		sqlite3.CONSTRAINT_VTAB:       "VTAB",
		sqlite3.CONSTRAINT_ROWID:      "ROWID",
		sqlite3.CONSTRAINT_PINNED:     "PINNED",
		sqlite3.CONSTRAINT_DATATYPE:   "DATATYPE",
	} {
		m[int(code)] = "SQLITE_CONSTRAINT_" + name
	}
	m[int(sqlite3.ERROR_MISSING_COLLSEQ)] = "SQLITE_ERROR_MISSING_COLLSEQ"
	m[int(sqlite3.CORRUPT_VTAB)] = "SQLITE_CORRUPT_VTAB"
	m[int(sqlite3.LOCKED_VTAB)] = "SQLITE_LOCKED_VTAB"
	return m
}
