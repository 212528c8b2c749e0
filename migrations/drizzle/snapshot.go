package drizzle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// snapshot is drizzle-kit's picture of a schema, to which changes are made.
type snapshot interface {
	// id names it to the one behind.
	id() string
	// follow makes it the snapshot behind the one it was, under a new id.
	follow(id string)
	// knows reports whether it has a table.
	knows(table string) bool
	makeTable(name string)
	dropTable(name string)
	// remove takes a part out, and reports whether it was there.
	remove(t *table, p part) bool
	add(t *table, p part)
	// change makes a column of another one, and leaves as it was what does not differ.
	change(t *table, old, p part)
	makeView(v view)
	dropView(name string) bool
	encode() ([]byte, error)
}

// noID is what the first snapshot follows.
const noID = "00000000-0000-0000-0000-000000000000"

// apply makes the changes and returns those that the schema file has to make as well: what a snapshot does not have, the schema
// file does not describe either, and is left alone. n tells which columns the schema file has in its own words. notes say what cannot be described.
func apply(s snapshot, changes []change, n names) (told []change, notes []string) {
	for _, c := range changes {
		switch {
		case c.view != nil && c.viewWasDropped:
			if s.dropView(c.view.name) {
				told = append(told, c)
			}
		case c.view != nil:
			s.makeView(*c.view)
			told = append(told, c)
		case c.table.virtual:
			notes = append(notes, fmt.Sprintf("%s is a virtual table, which Drizzle's schema language cannot describe; it stays outside of schema and snapshot.", c.table.name))
		case c.made:
			s.makeTable(c.table.name)
			for _, p := range c.came {
				s.add(c.table, p)
			}
			told = append(told, c)
		case !s.knows(c.table.name):
			notes = append(notes, fmt.Sprintf("%s is not in Drizzle's snapshot; it stays outside of schema and snapshot.", c.table.name))
		case c.dropped:
			s.dropTable(c.table.name)
			told = append(told, c)
		default:
			told = append(told, applyParts(s, c, n))
		}
	}
	return told, notes
}

// applyParts changes a table that stays.
func applyParts(s snapshot, c change, n names) change {
	out := change{table: c.table, came: c.came}
	kept := map[string]bool{}
	for _, p := range c.gone {
		q, stays := column(c.came, p.name)
		if p.kind == isColumn && stays && n.head(c.table.name, p.name) != "" && q.primary == p.primary {
			s.change(c.table, p, q)
			kept[p.name] = true
			out.gone = append(out.gone, p)
		} else if s.remove(c.table, p) {
			out.gone = append(out.gone, p)
		}
	}
	for _, p := range c.came {
		if p.kind != isColumn || !kept[p.name] {
			s.add(c.table, p)
		}
	}
	return out
}

// column is a column among parts.
func column(parts []part, name string) (part, bool) {
	for _, p := range parts {
		if p.kind == isColumn && p.name == name {
			return p, true
		}
	}
	return part{}, false
}

// integer and decimal match the numbers that JavaScript writes as they stand here.
func integer() *regexp.Regexp { return regexp.MustCompile(`^(?:0|-?[1-9][0-9]{0,14})$`) }
func decimal() *regexp.Regexp {
	return regexp.MustCompile(`^(?:0|-?[1-9][0-9]{0,7})(?:\.[0-9]{0,6}[1-9])?$`)
}

// literal sorts a DEFAULT into those that TypeScript writes as a value, and those that are SQL.
func literal(p part) (value string, isNumber, isText bool) {
	switch {
	case p.sqlType == "integer" && integer().MatchString(p.fallback), p.sqlType == "real" && decimal().MatchString(p.fallback):
		return p.fallback, true, false
	case p.sqlType == "text" && len(p.fallback) >= 2 && p.fallback[0] == '\'' && !strings.ContainsAny(p.fallback[1:len(p.fallback)-1], "'\"\\\r\n$`"):
		return p.fallback[1 : len(p.fallback)-1], false, true
	}
	return "", false, false
}

// checkName is a check's name. Drizzle wants one where SQL does not.
func checkName(t *table, p part) string {
	if p.name != "" {
		return p.name
	}
	for n, q := range t.of(isCheck) {
		if q.same(p) {
			return fmt.Sprintf("%s_check_%d", t.name, n+1)
		}
	}
	return t.name + "_check"
}

func uniqueName(t *table, p part) string {
	return t.name + "_" + strings.Join(p.columns, "_") + "_unique"
}

// foreignName is how Drizzle calls a foreign key that has no name.
func foreignName(t *table, p part) string {
	words := append([]string{t.name}, p.columns...)
	words = append(append(words, p.parent), p.parentColumns...)
	return strings.Join(words, "_") + "_fk"
}

// decode reads JSON, with numbers as they are written.
func decode(data []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var root map[string]any
	if err := d.Decode(&root); err != nil {
		return nil, err
	}
	return root, nil
}

// encode writes JSON as drizzle-kit does: two blanks, no line's end.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}

// stringsOf is a list of strings out of JSON; nil if it is none.
func stringsOf(v any) []string {
	list, _ := v.([]any)
	var all []string
	for _, item := range list {
		s, ok := item.(string)
		if !ok {
			return nil
		}
		all = append(all, s)
	}
	return all
}

func equalFold(a, b []string) bool { return slices.EqualFunc(a, b, strings.EqualFold) }
