package migrations

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxStatement is the longest statement that D1 takes, in bytes, its semicolon included ("Limits", D1 docs: maximum SQL
// statement length 100,000 bytes; it holds for each statement of a batch).
const MaxStatement = 100_000

// Statement is one statement of a file.
type Statement struct {
	File   string // the name that was given to Split
	Index  int    // counted from 1 within the file
	Line   int    // of the first token, counted from 1; a line ends at LF
	Col    int    // of the first token, counted from 1 in characters
	Offset int    // of the first token, in bytes of the file as it was given, byte order mark included
	SQL    string // from the first token to the last: no comment around it, no semicolon behind it
}

// SyntaxError is a file that cannot be split, or that D1 is known to refuse, with the place that has to change.
type SyntaxError struct {
	File      string
	Line, Col int // as in Statement
	Reason    string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Reason)
}

// class is a column of the table by which statements end.
type class uint8

const (
	isSemi class = iota
	isOther
	isExplain
	isCreate
	isTemp
	isTrigger
	isEnd
)

// The states of the table; in done a statement is complete.
const (
	fresh = iota
	done
	normal
	explain
	create
	trigger
	triggerSemi
	triggerEnd
)

// follow is the state machine of sqlite3_complete (SQLite, src/complete.c): a semicolon ends a statement, except inside
// CREATE TRIGGER, where only the semicolon after "; END" does. Blanks and comments leave the state as it is.
func follow(state int, c class) int {
	table := [...][7]int{
		//            ;            other    EXPLAIN  CREATE   TEMP     TRIGGER  END
		fresh:       {done, normal, explain, create, normal, normal, normal},
		done:        {done, normal, explain, create, normal, normal, normal},
		normal:      {done, normal, normal, normal, normal, normal, normal},
		explain:     {done, explain, normal, create, normal, normal, normal},
		create:      {done, normal, normal, normal, create, trigger, normal},
		trigger:     {triggerSemi, trigger, trigger, trigger, trigger, trigger, trigger},
		triggerSemi: {triggerSemi, trigger, trigger, trigger, trigger, trigger, triggerEnd},
		triggerEnd:  {done, trigger, trigger, trigger, trigger, trigger, trigger},
	}
	return table[state][c]
}

func classify(src string, t token) class {
	switch {
	case t.kind == semi:
		return isSemi
	case t.is(src, "CREATE"):
		return isCreate
	case t.is(src, "TRIGGER"):
		return isTrigger
	case t.isAny(src, "TEMP", "TEMPORARY"):
		return isTemp
	case t.is(src, "END"):
		return isEnd
	case t.is(src, "EXPLAIN"):
		return isExplain
	}
	return isOther
}

// Split takes a file apart as SQLite does. A byte order mark at the start is skipped, CRLF is a blank like any other, and
// a file of comments alone has no statements (it still gets its ledger row).
//
// The error is a *SyntaxError. Refused are a NUL byte, text that is not UTF-8, a control character or a byte order mark
// between tokens, a comment, quote or bracket that is never closed, a trigger without its END, a statement longer than
// MaxStatement, and BEGIN, COMMIT, END, ROLLBACK, SAVEPOINT and RELEASE, which D1 refuses in every form. A last
// statement without a semicolon is refused too: Towline alone could send it, but wrangler glues its ledger row to it and
// fails, and a team must be able to go back to wrangler with the files it has.
func Split(name string, sql []byte) ([]Statement, error) {
	s := splitter{name: name, src: string(sql)}
	if err := s.split(); err != nil {
		return nil, err
	}
	return s.list, nil
}

// SplitLoose is Split for a reader that goes on where Split refuses: a statement that is too long or that D1 refuses by its first word is
// in the list like any other, and so is a last statement without its semicolon. The error is what Split would say; the list then holds the
// statements up to where the text cannot be read any more.
func SplitLoose(name string, sql []byte) ([]Statement, error) {
	s := splitter{name: name, src: string(sql), loose: true}
	err := s.split()
	if s.refused != nil {
		return s.list, s.refused
	}
	return s.list, err
}

// split fills the list.
func (s *splitter) split() error {
	if err := s.checkText(); err != nil {
		return err
	}
	pos := 0
	if hasMark(s.src, 0) {
		pos = len(mark)
	}
	s.at = place{offset: pos, line: 1, col: 1}
	for pos < len(s.src) {
		t, reason := scan(s.src, pos)
		if reason != "" {
			return s.refuse(t.start, reason)
		}
		if t.means() {
			if err := s.take(t); err != nil {
				return err
			}
		}
		pos = t.end
	}
	if !s.open {
		return nil
	}
	if err := s.orNote(s.unfinished()); err != nil {
		return err
	}
	return s.emit()
}

// orNote returns a refusal, or keeps the first and returns nil where the reader goes on.
func (s *splitter) orNote(err *SyntaxError) error {
	if !s.loose {
		return err
	}
	if s.refused == nil {
		s.refused = err
	}
	return nil
}

// place is a position in the text; moving it forward counts lines and columns once over the whole file.
type place struct{ offset, line, col int }

func (p *place) move(src string, offset int) {
	for _, r := range src[p.offset:offset] {
		if r == '\n' {
			p.line, p.col = p.line+1, 1
		} else {
			p.col++
		}
	}
	p.offset = offset
}

type splitter struct {
	name, src   string
	list        []Statement
	state       int
	open        bool  // a statement has begun
	first, last token // of the statement that has begun
	at          place // never behind the next token to be placed
	loose       bool  // statements that are refused stay in the list
	refused     *SyntaxError
}

func (s *splitter) take(t token) error {
	s.state = follow(s.state, classify(s.src, t))
	if t.kind != semi {
		if !s.open {
			s.open, s.first = true, t
		}
		s.last = t
		return nil
	}
	if s.state != done {
		s.last = t
		return nil
	}
	s.state = fresh
	if !s.open {
		return nil
	}
	s.open = false
	return s.emit()
}

func (s *splitter) emit() error {
	s.at.move(s.src, s.first.start)
	st := Statement{
		File: s.name, Index: len(s.list) + 1, Line: s.at.line, Col: s.at.col, Offset: s.first.start,
		SQL: s.src[s.first.start:s.last.end],
	}
	if s.first.isAny(s.src, "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE") {
		err := s.refuse(st.Offset, fmt.Sprintf("D1 refuses %s: a migration already runs in a transaction, so remove this statement",
			strings.ToUpper(s.first.text(s.src))))
		if err := s.orNote(err); err != nil {
			return err
		}
	}
	if len(st.SQL)+1 > MaxStatement {
		err := s.refuse(st.Offset, fmt.Sprintf("this statement has %d bytes; D1 takes %d with the semicolon", len(st.SQL)+1, MaxStatement))
		if err := s.orNote(err); err != nil {
			return err
		}
	}
	s.list = append(s.list, st)
	return nil
}

// unfinished is the error for a file that ends inside a statement.
func (s *splitter) unfinished() *SyntaxError {
	if s.state >= trigger {
		return s.refuse(s.first.start, "this CREATE TRIGGER is never closed: end it with END;")
	}
	return s.refuse(s.last.end, "the last statement has no semicolon: add ; here")
}

func (s *splitter) checkText() error {
	if strings.HasPrefix(s.src, "\xff\xfe") || strings.HasPrefix(s.src, "\xfe\xff") {
		return &SyntaxError{s.name, 1, 1, "the file is UTF-16: save it as UTF-8"}
	}
	if i := strings.IndexByte(s.src, 0); i >= 0 {
		return s.refuse(i, "a NUL byte: remove it")
	}
	for i := 0; i < len(s.src); {
		r, n := utf8.DecodeRuneInString(s.src[i:])
		if r == utf8.RuneError && n == 1 {
			return s.refuse(i, "this is not UTF-8: save the file as UTF-8")
		}
		i += n
	}
	return nil
}

// refuse makes the error for a place that is not before any statement already placed, or anywhere while none is.
func (s *splitter) refuse(offset int, reason string) *SyntaxError {
	p := s.at
	if p.line == 0 {
		p = place{line: 1, col: 1}
		if hasMark(s.src, 0) && offset >= len(mark) {
			p.offset = len(mark)
		}
	}
	p.move(s.src, offset)
	return &SyntaxError{s.name, p.line, p.col, reason}
}
