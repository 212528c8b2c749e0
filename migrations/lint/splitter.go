package lint

import (
	"errors"
	"fmt"
	"strings"

	"towline/migrations"
)

// remoteSplitter finds triggers that D1's REST interface may take apart in the wrong place.
func remoteSplitter(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		body := s.triggerBody()
		if body < 0 {
			continue
		}
		why, mended := s.breakers(body)
		if len(why) == 0 {
			continue
		}
		x := s.at()
		x.Text = "The trigger has " + strings.Join(why, " and ") +
			". Sent to D1's REST interface, as wrangler does, it may fail with \"incomplete input\", although local D1 takes it."
		x.Advice = "Say it without CASE, or put the CASE in parentheses and try it on preview first."
		if mended {
			x.Advice = "Towline mends this when it sends the trigger; for wrangler, write it like this."
			x.Rewrite = migrations.Canonical(s.Statement) + ";"
		}
		list = append(list, x)
	}
	return list
}

// triggerBody is the index in tokens of the word BEGIN before a trigger's body, -1 if the statement is no CREATE TRIGGER.
func (s *step) triggerBody() int {
	list := s.tokens
	if len(list) < 3 || !list[0].Is(s.SQL, "CREATE") || !list[1].Is(s.SQL, "TRIGGER", "TEMP", "TEMPORARY") {
		return -1
	}
	for i := 3; i+1 < len(list); i++ {
		if list[i].Is(s.SQL, "BEGIN") && list[i+1].Is(s.SQL, "SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH", "VALUES") {
			return i
		}
	}
	return -1
}

// breakers are the things in a trigger that are known to break the splitter. mended: Canonical removes all of them.
func (s *step) breakers(body int) (why []string, mended bool) {
	mended = true
	begin, end := s.tokens[body].Text(s.SQL), s.tokens[len(s.tokens)-1].Text(s.SQL)
	switch {
	case begin != "BEGIN" && end != "END":
		why = append(why, fmt.Sprintf("%q and %q in lower case", begin, end))
	case begin != "BEGIN":
		why = append(why, fmt.Sprintf("%q in lower case", begin))
	case end != "END":
		why = append(why, fmt.Sprintf("%q in lower case", end))
	}
	if strings.Contains(s.SQL, "\r\n") {
		why = append(why, "lines that end in CRLF")
	}
	for i, t := range s.tokens[body+1:] {
		if t.Is(s.SQL, "CASE") && s.tokens[body+i].Text(s.SQL) != "." {
			why, mended = append(why, "a CASE in its body"), false
			break
		}
	}
	for _, t := range s.tokens {
		name := fold(migrations.Unquote(t.Text(s.SQL)))
		if t.Kind == migrations.TokenQuoted && s.SQL[t.Start] == '[' && (strings.HasPrefix(name, "begin") || strings.HasPrefix(name, "end") || strings.HasPrefix(name, "case")) {
			why, mended = append(why, "a name in brackets that begins with a keyword"), false
			break
		}
	}
	return why, mended
}

// beginTransaction is what wrangler looks for, in upper case alone, and cuts out of the text (packages/wrangler/src/d1/trimmer.ts).
const beginTransaction = "BEGIN TRANSACTION"

// fileTail finds files at whose end wrangler cannot put the ledger's row, and words that it would cut out.
func fileTail(w *walk) []Finding {
	var list []Finding
	for _, f := range w.files {
		if x, ok := f.tail(); ok {
			list = append(list, x)
		}
		if x, ok := f.cutOut(); ok {
			list = append(list, x)
		}
	}
	return list
}

// tail is the finding of a file that does not end as it must.
func (f *file) tail() (Finding, bool) {
	var wrong *migrations.SyntaxError
	if !errors.As(f.split, &wrong) {
		return Finding{}, false
	}
	x := f.at()
	x.Line, x.Col = wrong.Line, wrong.Col
	tokens, readable := migrations.Lex(f.text)
	if !readable {
		x.Offset = offsetOf(f.text, wrong.Line, wrong.Col)
		x.Text = "The file cannot be read from here on: " + wrong.Reason + "."
		if end := unread(f.text, tokens); strings.HasPrefix(f.text[end:], "/*") {
			x.Text = "This comment is never closed, so it swallows the ledger's row that wrangler puts behind the file: the file would be applied and never recorded."
		}
		x.Advice = "Close what is open, and end the file with a semicolon."
		return x, true
	}
	last := lastMeaning(tokens)
	if last.Kind == migrations.TokenSemicolon && !f.unclosed() {
		return Finding{}, false // something else is wrong, and another rule says so
	}
	at := lines{src: f.text, line: 1, col: 1}
	at.move(last.End)
	x.Line, x.Col, x.Offset = at.line, at.col, last.End
	if n := len(f.steps); n > 0 {
		x.Index, x.Statement = f.steps[n-1].Index, f.steps[n-1].SQL
	}
	if f.unclosed() {
		x.Line, x.Col, x.Offset = wrong.Line, wrong.Col, offsetOf(f.text, wrong.Line, wrong.Col)
		x.Text, x.Advice = "The file cannot be taken apart: "+wrong.Reason+".", "End the trigger with END;."
		return x, true
	}
	x.Text = "The last statement has no semicolon. wrangler puts the ledger's row behind the file, which then is a syntax error: nothing is applied."
	x.Advice = "Add a semicolon here."
	return x, true
}

// unclosed reports whether the file ends inside a trigger.
func (f *file) unclosed() bool {
	n := len(f.steps)
	if n == 0 {
		return false
	}
	s := f.steps[n-1]
	return s.triggerBody() >= 0 && !s.tokens[len(s.tokens)-1].Is(s.SQL, "END")
}

func lastMeaning(tokens []migrations.Token) (last migrations.Token) {
	for _, t := range tokens {
		if t.Means() {
			last = t
		}
	}
	return last
}

// unread is where the tokens of a text end.
func unread(src string, tokens []migrations.Token) int {
	if len(tokens) == 0 {
		return len(src) - len(strings.TrimPrefix(src, "\uFEFF"))
	}
	return tokens[len(tokens)-1].End
}

// offsetOf is the byte at which a line and column stand.
func offsetOf(src string, line, col int) int {
	at := lines{src: src, line: 1, col: 1}
	for i := range src {
		at.move(i)
		if at.line == line && at.col == col {
			return i
		}
	}
	return len(src)
}

// cutOut finds the words BEGIN TRANSACTION in a comment or text. As statements they are forbidden, which another rule says.
func (f *file) cutOut() (Finding, bool) {
	place := strings.Index(f.text, beginTransaction)
	if place < 0 {
		return Finding{}, false
	}
	for _, s := range f.steps {
		if s.transactional() {
			return Finding{}, false
		}
	}
	trimmed := strings.Replace(strings.Replace(f.text, beginTransaction+";", "", 1), "COMMIT;", "", 1)
	x := f.at()
	at := lines{src: f.text, line: 1, col: 1}
	at.move(place)
	x.Line, x.Col, x.Offset = at.line, at.col, place
	switch {
	case strings.Contains(trimmed, beginTransaction):
		x.Text = "wrangler refuses every file that mentions BEGIN TRANSACTION, except once with a semicolon behind it, be it in a comment or in a text."
	case words(trimmed) != words(f.text):
		x.Text = "wrangler cuts the words BEGIN TRANSACTION; and COMMIT; out of the file, also out of a text: other values would be stored than are written here."
	default:
		return Finding{}, false
	}
	x.Advice = "Write it otherwise, for instance 'BEGIN' || ' TRANSACTION'."
	return x, true
}
