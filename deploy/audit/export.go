package audit

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
)

// lineLimit is more than an entry ever has: a line of an export that is longer is not one.
const lineLimit = 1 << 20

// WriteJSONL writes entries as an export that can be verified again by itself: one JSON object in a line, with every field,
// who it really was, and the chain. Several logs may follow each other in one file.
func WriteJSONL(w io.Writer, entries iter.Seq2[Entry, error]) error {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for e, err := range entries {
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		if err := enc.Encode(e); err != nil {
			return errors.Join(err, out.Flush())
		}
	}
	return out.Flush()
}

// WriteCSV writes entries for a spreadsheet: a header, then a row for each, as RFC 4180 has it, times in RFC 3339 and UTC.
// A cell that a spreadsheet would take for a formula gets an apostrophe in front, which is how they mark text themselves
// (OWASP, "CSV Injection"). So this export is for reading: the one to verify is WriteJSONL's.
func WriteCSV(w io.Writer, entries iter.Seq2[Entry, error]) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	var header []string
	for _, f := range (Entry{}).fields() {
		header = append(header, f.name)
	}
	if err := out.Write(append(header, "hash")); err != nil {
		return err
	}
	for e, err := range entries {
		if err != nil {
			out.Flush()
			return errors.Join(err, out.Error())
		}
		var row []string
		for _, f := range e.fields() {
			row = append(row, cell(f.value))
		}
		if err := out.Write(append(row, cell(e.Hash))); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// cell is text that no spreadsheet takes for a formula. Spaces before the sign do not keep all of them from it.
func cell(text string) string {
	rest := strings.TrimLeft(text, " \u00a0")
	if rest != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(rest)[0]) {
		return "'" + text
	}
	return text
}

// LineError says that a line of an exported log is not an entry.
type LineError struct {
	Line int // the first is 1
	Err  error
}

// Error names the line.
func (e *LineError) Error() string { return fmt.Sprintf("audit: line %d: %v", e.Line, e.Err) }

// Unwrap returns what is wrong with it.
func (e *LineError) Unwrap() error { return e.Err }

// ReadJSONL reads what WriteJSONL wrote. It yields a *LineError, and nothing after it, for a line that is no entry, has a
// field that Towline does not know or has one twice: two programs could read that in different ways.
func ReadJSONL(r io.Reader) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(make([]byte, 0, 64<<10), lineLimit)
		n := 0
		for lines.Scan() {
			n++
			e, err := parseEntry(lines.Bytes())
			if err != nil {
				yield(Entry{}, &LineError{Line: n, Err: err})
				return
			}
			if !yield(e, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Entry{}, &LineError{Line: n + 1, Err: err})
		}
	}
}

// parseEntry reads one line.
func parseEntry(line []byte) (e Entry, err error) {
	if err := plainObject(line); err != nil {
		return e, err
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return e, fmt.Errorf("%w (perhaps a newer Towline wrote it)", err)
	}
	return e, nil
}

// plainObject makes sure that a line is one object whose names are lower case and there once: Go's reader would take any
// case and the last of several.
func plainObject(line []byte) error {
	d := json.NewDecoder(bytes.NewReader(line))
	var seen [][]string // of the objects around, the innermost last
	name := false       // the next token is a name
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		text, isText := token.(string)
		switch {
		case token == json.Delim('{') && len(seen) < 3:
			seen, name = append(seen, nil), true
			continue
		case token == json.Delim('}'):
			seen = seen[:len(seen)-1]
		case name && isText:
			if in := seen[len(seen)-1]; slices.Contains(in, text) || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz_") != "" {
				return fmt.Errorf("the field %.40q is there twice, or is not written as Towline does", text)
			}
			seen[len(seen)-1] = append(seen[len(seen)-1], text)
			name = false
			continue
		case token == json.Delim('['), token == json.Delim('{'), len(seen) == 0:
			return errors.New("not an entry of an audit log")
		}
		if name = len(seen) > 0; name {
			continue
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return errors.New("more than one object in a line")
		}
		return nil
	}
}

// Verified is one log of an export that was found sound.
type Verified struct {
	Project string // empty: the team's own
	Head    Head
}

// VerifyJSONL proves an exported file by itself: every log in it is a whole chain from its first entry on. marks are heads
// that somebody wrote down, by project; without one, a log that lost its end is as sound as it was before it had it. It
// returns the logs that are sound, and an *Error or a *LineError for the first that is not.
func VerifyJSONL(r io.Reader, marks map[string][]Head) ([]Verified, error) {
	next, stop := iter.Pull2(ReadJSONL(r))
	defer stop()
	var found []Verified
	e, err, more := next()
	for more && err == nil {
		project := e.Project
		if slices.ContainsFunc(found, func(v Verified) bool { return v.Project == project }) {
			return found, &Error{Project: project, Seq: e.Seq, Tamper: Moved, Detail: "it stands after another log, apart from its own"}
		}
		head, wrong := Verify(project, func(yield func(Entry, error) bool) {
			for more && (err != nil || e.Project == project) {
				if !yield(e, err) || err != nil {
					return
				}
				e, err, more = next()
			}
		}, nil, marks[project]...)
		if wrong != nil {
			return found, wrong
		}
		found = append(found, Verified{Project: project, Head: head})
	}
	if err != nil {
		return found, err
	}
	for _, project := range slices.Sorted(maps.Keys(marks)) {
		heads := marks[project]
		if !slices.ContainsFunc(found, func(v Verified) bool { return v.Project == project }) && len(heads) > 0 {
			return found, &Error{Project: project, Seq: 1, Tamper: Cut, Detail: fmt.Sprintf("nothing of the log is there, and it has had an entry %d", heads[0].Seq)}
		}
	}
	return found, nil
}
