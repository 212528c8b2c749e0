package config

import (
	"fmt"
	"strings"
)

// Error is one mistake in the file, with its place.
type Error struct {
	// File is the name given to Parse.
	File string
	// Line and Col count from 1; Col counts characters. They are 0 where the file itself could not be read.
	Line, Col int
	// Key is the path of the key, "projects[0].chat"; empty where no key is at fault.
	Key string
	// Problem says what is wrong, what was expected, and what was probably meant. It quotes no secret.
	Problem string
	// Excerpt is the line of the file, with every secret in it masked by as many asterisks.
	Excerpt string
}

// Error gives "file:line:col: key: problem", and below it the line with a caret.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(headline(e.File, e.Line, e.Col, e.Key, e.Problem))
	if e.Line > 0 {
		b.WriteString(caret(e.Line, e.Col, e.Excerpt))
	}
	return b.String()
}

// Errors are all mistakes of a file, in the order of their places.
type Errors []*Error

// Error lists all of them.
func (e Errors) Error() string {
	parts := make([]string, len(e))
	for i, err := range e {
		parts[i] = err.Error()
	}
	return strings.Join(parts, "\n")
}

// Unwrap gives each mistake to errors.As.
func (e Errors) Unwrap() []error {
	list := make([]error, len(e))
	for i, err := range e {
		list[i] = err
	}
	return list
}

// Warning is something in the file that is legal and probably not meant. Its fields are those of Error.
type Warning struct {
	File      string
	Line, Col int
	Key       string
	Problem   string
}

// String gives "file:line:col: key: problem".
func (w Warning) String() string { return headline(w.File, w.Line, w.Col, w.Key, w.Problem) }

func headline(file string, line, col int, key, problem string) string {
	place := file
	if line > 0 {
		place = fmt.Sprintf("%s:%d:%d", file, line, col)
	}
	if key != "" {
		place += ": " + key
	}
	return place + ": " + problem
}

// caret draws the line and an arrow below the column; tabs are kept, so that both lines are indented alike.
func caret(line, col int, excerpt string) string {
	pad := make([]rune, 0, col)
	for i, r := range []rune(excerpt) {
		if i >= col-1 {
			break
		}
		if r != '\t' {
			r = ' '
		}
		pad = append(pad, r)
	}
	number := fmt.Sprintf("%4d", line)
	return fmt.Sprintf("\n%s | %s\n%s | %s^", number, excerpt, strings.Repeat(" ", len(number)), string(pad))
}
