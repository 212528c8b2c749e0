package dump

import (
	"bytes"
	"errors"
	"io"
)

// firstBuffer is how many bytes are read at once. The buffer doubles where a statement is longer.
const firstBuffer = 256 << 10

// splitter cuts a stream of SQL into statements, by the state machine of sqlite3_complete (SQLite, src/complete.c), as
// migrations.Split does with a text that is there as a whole: a semicolon ends a statement, except inside CREATE TRIGGER,
// where only the one after "; END" does.
type splitter struct {
	r    io.Reader
	buf  []byte // what was read and not yet passed on is buf[from:]
	from int
	eof  bool
	err  error // of r
	line int64 // on which buf[from] stands, from 1
	read int64 // bytes passed on
}

func newSplitter(r io.Reader) *splitter {
	s := &splitter{r: r, buf: make([]byte, 0, firstBuffer), line: 1}
	for len(s.buf) < len(mark) && s.fill() {
		continue
	}
	if bytes.HasPrefix(s.buf, []byte(mark)) {
		s.pass(len(mark))
	}
	return s
}

// mark is the byte order mark in UTF-8.
const mark = "\uFEFF"

// rest is what was read and not yet passed on. It is valid until the next call of fill.
func (s *splitter) rest() []byte { return s.buf[s.from:] }

// pass moves past n bytes.
func (s *splitter) pass(n int) {
	s.line += int64(bytes.Count(s.buf[s.from:s.from+n], []byte{'\n'}))
	s.from += n
	s.read += int64(n)
}

// fill reads more. It returns false when there is no more.
func (s *splitter) fill() bool {
	if s.eof {
		return false
	}
	if s.from > 0 {
		s.buf = s.buf[:copy(s.buf, s.buf[s.from:])]
		s.from = 0
	}
	if len(s.buf) == cap(s.buf) {
		s.buf = append(make([]byte, 0, 2*cap(s.buf)), s.buf...)
	}
	for range 100 {
		n, err := s.r.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+n]
		if err != nil {
			s.eof = true
			if !errors.Is(err, io.EOF) {
				s.err = err
			}
			return n > 0
		}
		if n > 0 {
			return true
		}
	}
	s.eof, s.err = true, io.ErrNoProgress
	return false
}

// skipBlanks moves past blanks, so that rest begins with something else or is empty at the end.
func (s *splitter) skipBlanks() {
	for {
		rest := s.rest()
		n := 0
		for n < len(rest) && isBlank(rest[n]) {
			n++
		}
		if n > 0 {
			s.pass(n)
		}
		if n < len(rest) || !s.fill() {
			return
		}
	}
}

// statement is one statement in the buffer: from its first token to its last, and where it ends with its semicolon.
type statement struct {
	text   []byte
	length int   // bytes to pass
	line   int64 // of the first token
}

// next finds the next statement without passing it. At the end of the text it returns io.EOF; text that ends within a
// statement is a *StatementError.
func (s *splitter) next() (statement, error) {
	var c cutter
	for {
		if c.cut(s.rest(), s.eof) {
			rest := s.rest()
			st := statement{text: rest[c.first:c.last], length: c.pos, line: s.line}
			st.line += int64(bytes.Count(rest[:c.first], []byte{'\n'}))
			return st, nil
		}
		if s.fill() {
			continue
		}
		if s.err != nil {
			return statement{}, s.err
		}
		if !s.eof || c.pos < len(s.rest()) {
			continue // the last token can be judged now that nothing follows
		}
		if !c.open {
			return statement{}, io.EOF
		}
		line := s.line + int64(bytes.Count(s.rest()[:c.first], []byte{'\n'}))
		return statement{}, &StatementError{Line: line, Text: opening(s.rest()[c.first:]), Reason: "the text ends within this statement"}
	}
}

// opening is the beginning of a statement, for an error.
func opening(text []byte) string {
	const most = 200
	return string(text[:min(len(text), most)])
}

// cutter looks for the end of a statement and can go on when there is more text.
type cutter struct {
	pos         int // what comes before is done with
	state       int
	open        bool
	first, last int
}

// The states of sqlite3_complete, and the columns of its table.
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

const (
	isSemi = iota
	isOther
	isExplain
	isCreate
	isTemp
	isTrigger
	isEnd
)

func follow(state, class int) int {
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
	return table[state][class]
}

// cut reads tokens until a statement ends, which it reports, or until the text does. A token that reaches the end of the
// text may go on in what follows, and is left unless final.
func (c *cutter) cut(text []byte, final bool) bool {
	for c.pos < len(text) {
		end, class, whole := token(text, c.pos)
		if !whole && !final {
			return false
		}
		start := c.pos
		c.pos = end
		if class == isNothing {
			continue
		}
		c.state = follow(c.state, class)
		if class != isSemi {
			if !c.open {
				c.open, c.first = true, start
			}
			c.last = end
			continue
		}
		if c.state != done {
			c.last = end
			continue
		}
		c.state = fresh
		if c.open {
			return true
		}
	}
	return false
}
