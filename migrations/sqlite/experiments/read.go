package experiments

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed *.sql
var table embed.FS

// Case is one experiment on a fresh database.
type Case struct {
	File string // of the table
	Line int
	Name string // a sentence about what D1 does

	Setup []string // statements that are carried out first, as one transaction of their own
	Batch []string // the experiment: statements that are one transaction
	Text  string   // or: a text of several statements, which is split by whoever carries it out
	Then  string   // a query whose answer has to agree too; empty: the last statement's answer
	// Refused is the result code of the refusal: "SQLITE_AUTH", "none" where D1 gives no code, "internal" where it reports
	// the refusal like an outage; empty: it is accepted.
	Refused string
	// Differs says, where our SQLite does not do what D1 does, in which way, and what Towline makes of it. Refused is
	// then about D1.
	Differs string
}

// Read returns the whole table. A case of it is written so, in a file of its subject:
//
//	=== what D1 does, as a sentence
//	--- setup
//	statements, one to a line
//	--- batch            (or: --- text, and the text as it is)
//	statements, one to a line
//	--- then
//	a query
//	--- refused SQLITE_AUTH
//	--- differs what our SQLite does, and what Towline makes of it
//
// {{3|x#|, }} stands for x1, x2, x3. The error names file and line.
func Read() ([]Case, error) {
	entries, err := table.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var all []Case
	for _, e := range entries {
		text, err := table.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		cases, err := parse(e.Name(), string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, cases...)
	}
	return all, nil
}

// parse reads one file. Lines before the first case say what the file is about.
func parse(file, text string) ([]Case, error) {
	var cases []Case
	section := ""
	for i, line := range strings.Split(text, "\n") {
		name, begins := strings.CutPrefix(line, "=== ")
		if begins {
			cases, section = append(cases, Case{File: file, Line: i + 1, Name: name}), ""
			continue
		}
		if len(cases) == 0 {
			continue
		}
		c := &cases[len(cases)-1]
		if mark, ok := strings.CutPrefix(line, "--- "); ok {
			word, rest, _ := strings.Cut(mark, " ")
			switch section = word; word {
			case "setup", "batch", "text", "then":
			case "refused":
				c.Refused = rest
			case "differs":
				c.Differs = rest
			default:
				return nil, fmt.Errorf("%s:%d: no such section: %s", file, i+1, word)
			}
			continue
		}
		if err := c.line(section, line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
	}
	for _, c := range cases {
		if len(c.Batch) == 0 && c.Text == "" {
			return nil, fmt.Errorf("%s:%d: no experiment", file, c.Line)
		}
	}
	return cases, nil
}

func (c *Case) line(section, line string) error {
	expanded, err := expand(line)
	if err != nil {
		return err
	}
	if section == "text" {
		c.Text += expanded + "\n"
		return nil
	}
	if strings.TrimSpace(line) == "" {
		return nil
	}
	switch section {
	case "setup":
		c.Setup = append(c.Setup, expanded)
	case "batch":
		c.Batch = append(c.Batch, expanded)
	case "then":
		c.Then += expanded
	default:
		return fmt.Errorf("text outside of a section: %q", line)
	}
	return nil
}

// expand writes {{count|text|separator}} out; # in the text is the number, from 1. \r, \t, \0 and \f stand for
// themselves as control characters, which editors spoil.
func expand(line string) (string, error) {
	for {
		before, rest, found := strings.Cut(line, "{{")
		if !found {
			return strings.NewReplacer(`\r`, "\r", `\t`, "\t", `\f`, "\f", `\b`, "\ufeff").Replace(line), nil
		}
		inner, after, closed := strings.Cut(rest, "}}")
		parts := strings.Split(inner, "|")
		if !closed || len(parts) != 3 {
			return "", fmt.Errorf("not {{count|text|separator}}: %q", inner)
		}
		n, err := strconv.Atoi(parts[0])
		if err != nil {
			return "", err
		}
		var b strings.Builder
		b.WriteString(before)
		for i := range n {
			if i > 0 {
				b.WriteString(parts[2])
			}
			b.WriteString(strings.ReplaceAll(parts[1], "#", strconv.Itoa(i+1)))
		}
		line = b.String() + after
	}
}
