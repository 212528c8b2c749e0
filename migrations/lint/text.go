package lint

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"towline/migrations"
)

// textWidth is how long the lines of texts become, in characters.
const textWidth = 100

// sameShown is how many pieces of information with the same code are printed; the others are counted.
const sameShown = 3

// WriteText writes a report for people: a paragraph for each finding, with what happens, what to do and the safe rewrite, one
// line for information, and a summary at the end. An error is w's.
func WriteText(w io.Writer, r Report, p Printing) error {
	var b bytes.Buffer
	told := make(map[string]int)
	var more []string // codes of which some were left out, in order
	for _, f := range r.Findings {
		if f.Severity == Off {
			continue
		}
		if f.Severity == Info {
			told[f.Code]++
			if told[f.Code] == sameShown+1 {
				more = append(more, f.Code)
			}
			if told[f.Code] > sameShown {
				continue
			}
		}
		p.text(&b, f)
	}
	for _, code := range more {
		fmt.Fprintf(&b, "... and %s of %s\n", countOf(told[code]-sameShown, "more note", "more notes"), code)
	}
	if b.Len() > 0 && !bytes.HasSuffix(b.Bytes(), []byte("\n\n")) {
		b.WriteByte('\n')
	}
	b.WriteString(Summary(r))
	b.WriteByte('\n')
	_, err := w.Write(b.Bytes())
	return err
}

// Summary says in one line what was found.
func Summary(r Report) string {
	where := fmt.Sprintf("in %s, %s", countOf(r.Files, "file", "files"), countOf(r.Statements, "statement", "statements"))
	errors, warnings, notes := r.Count(Error), r.Count(Warning), r.Count(Info)
	switch {
	case errors+warnings+notes == 0 && r.Files == 0:
		return "Nothing to check: no migration is pending."
	case errors+warnings+notes == 0:
		return "Nothing found " + where + "."
	}
	return fmt.Sprintf("%s, %s, %s %s.", countOf(errors, "error", "errors"), countOf(warnings, "warning", "warnings"),
		countOf(notes, "note", "notes"), where)
}

// text is one finding.
func (p Printing) text(b *bytes.Buffer, f Finding) {
	place := p.path(f)
	if f.Line > 0 {
		line, col := f.position()
		place = fmt.Sprintf("%s:%d:%d", place, line, col)
	}
	fmt.Fprintf(b, "%s: %s %s %s\n", place, f.Severity, f.Code, f.Name)
	if f.Severity != Info && f.Statement != "" {
		fmt.Fprintf(b, "  > %s\n", migrations.Describe(migrations.Statement{SQL: f.Statement}))
	}
	folded(b, "  ", f.Text)
	switch {
	case f.Allowed != "":
		folded(b, "  ", "Allowed: "+f.Allowed)
		return
	case f.Advice != "":
		folded(b, "  ", f.Advice)
	}
	switch {
	case f.Severity == Info:
		return
	case f.Rewrite == "":
		b.WriteByte('\n')
		return
	}
	b.WriteString("  The safe way, ready to copy:\n\n")
	for line := range strings.SplitSeq(strings.TrimRight(f.Rewrite, "\n"), "\n") {
		b.WriteString(strings.TrimRight("    "+line, " "))
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
}

// folded writes a text in lines of at most textWidth characters. A word that is longer gets a line of its own.
func folded(b *bytes.Buffer, indent, text string) {
	width := 0
	for _, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case width == 0:
			b.WriteString(indent)
			width = len(indent)
		case width+1+n > textWidth:
			b.WriteString("\n" + indent)
			width = len(indent)
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += n
	}
	if width > 0 {
		b.WriteByte('\n')
	}
}
