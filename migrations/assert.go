package migrations

import (
	"fmt"
	"strconv"
	"strings"
)

// AssertionGuard, with a file and a line behind it, stands in the message of a transaction that failed because an
// assertion of a file was not true.
const AssertionGuard = "assertion_of_"

// assertion is a comment "-- towline:assert SELECT ..." of a file.
type assertion struct {
	offset int // of the comment, in bytes of the file
	line   int
	query  string
}

// AssertedQuery reads what stands behind "towline:assert": one query, whose one value has to be 1. The problem is empty
// if it can be asked at all; what the query reads only the database knows.
func AssertedQuery(text string) (query, problem string) {
	list, ok := tokens(text)
	for len(list) > 0 && list[len(list)-1].kind == semi {
		list = list[:len(list)-1]
	}
	switch {
	case !ok:
		return "", "its query cannot be read to its end: a quote or comment in it is never closed"
	case len(list) == 0:
		return "", "it has no query: write -- towline:assert SELECT ..."
	case !list[0].isAny(text, "SELECT", "WITH", "VALUES"):
		return "", "its query must only read: write -- towline:assert SELECT ..."
	}
	depth := 0
	for _, t := range list {
		switch t.text(text) {
		case "(":
			depth++
		case ")":
			depth--
		case ";":
			return "", "it has more than one query: give each a line of its own"
		}
		if depth < 0 {
			break
		}
	}
	if depth != 0 {
		return "", "the parentheses of its query do not match"
	}
	return text[list[0].start:list[len(list)-1].end], ""
}

// AssertionFailed returns where the assertion stands that failed with the given message of D1 or SQLite: file is the
// migration's name, or "down/NAME". False for any other message.
func AssertionFailed(message string) (file string, line int, ok bool) {
	_, after, found := strings.Cut(message, "NOT NULL constraint failed: "+AssertionGuard)
	end := strings.LastIndex(after, ".ok")
	if !found || end < 0 {
		return "", 0, false
	}
	at := strings.LastIndex(after[:end], lineMark)
	if at < 0 {
		return "", 0, false
	}
	line, err := strconv.Atoi(after[at+len(lineMark) : end])
	return after[:at], line, err == nil
}

// lineMark stands between the file and the line in the name of an assertion's guard.
const lineMark = "_line_"

// assertions reads the assertions of a file that Split has taken apart. One that cannot be asked, or that stands inside a
// statement, is a *SyntaxError: an assertion that nobody asks is worse than none.
func assertions(file, src string, list []Statement) ([]assertion, error) {
	if !strings.Contains(Fold(src), directiveMark+"assert") {
		return nil, nil
	}
	var found []assertion
	at := place{line: 1, col: 1}
	for pos := 0; pos < len(src); {
		t, _ := scan(src, pos)
		if text, ok := assertText(src, t); ok {
			at.move(src, t.start)
			query, problem := AssertedQuery(text)
			for _, s := range list {
				if s.Offset < t.start && t.start < s.Offset+len(s.SQL) {
					problem = "it stands inside a statement: write it on a line before the statement"
				}
			}
			if problem != "" {
				return nil, &SyntaxError{file, at.line, at.col, "this assertion cannot be asked: " + problem}
			}
			found = append(found, assertion{t.start, at.line, query})
		}
		pos = max(t.end, pos+1)
	}
	return found, nil
}

// directiveMark begins a comment that speaks to Towline.
const directiveMark = "towline:"

// assertText is what stands behind "-- towline:assert".
func assertText(src string, t token) (string, bool) {
	text, ok := strings.CutPrefix(t.text(src), "--")
	if t.kind != comment || !ok {
		return "", false
	}
	text = strings.TrimSpace(text)
	word := len(directiveMark + "assert")
	if len(text) < word || Fold(text[:word]) != directiveMark+"assert" || len(text) > word && !isBlank(text[word]) {
		return "", false
	}
	return text[word:], true
}

// guard asks an assertion: three statements, of which the second fails where the answer is not 1. The query stands on
// lines of its own, since it may end in a comment.
func (a assertion) guard(file string) []Planned {
	name := AssertionGuard + file + lineMark + fmt.Sprint(a.line)
	return []Planned{
		{SQL: createGuard(name)},
		{SQL: "INSERT INTO " + QuoteName(name) + " SELECT NULL WHERE (\n" + a.query + "\n) IS NOT 1"},
		{SQL: "DROP TABLE " + QuoteName(name)},
	}
}
