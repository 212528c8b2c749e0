package migrations

import (
	"strconv"
	"strings"
)

// reference is a foreign key, as far as its parent is concerned.
type reference struct {
	parent  string
	columns []string // of the parent; none: its primary key
	width   int      // how many columns the key has
}

// references reads the foreign keys out of a CREATE TABLE.
func references(sql string) []reference {
	list, _ := tokens(sql)
	var refs []reference
	for i := range list {
		if !list[i].is(sql, "REFERENCES") || i+1 >= len(list) {
			continue
		}
		r := reference{parent: Unquote(list[i+1].text(sql)), width: 1}
		if i+2 < len(list) && list[i+2].text(sql) == "(" {
			for _, t := range list[i+3:] {
				if t.text(sql) == ")" {
					break
				}
				if t.text(sql) != "," {
					r.columns = append(r.columns, Unquote(t.text(sql)))
				}
			}
			r.width = len(r.columns)
		} else {
			r.width = keyWidth(sql, list[:i])
		}
		refs = append(refs, r)
	}
	return refs
}

// keyWidth counts the columns of FOREIGN KEY (a, b) at the end of the list; the constraint of a column has one.
func keyWidth(sql string, list []token) int {
	open := len(list) - 1
	for open >= 0 && list[open].text(sql) != "(" {
		open--
	}
	if open < 1 || list[len(list)-1].text(sql) != ")" || !list[open-1].is(sql, "KEY") {
		return 1
	}
	return (len(list) - open - 1) / 2
}

// standIns makes empty tables for the parents that are gone in either schema, since SQLite cannot compile an action on a
// child while one of its parents is missing, or has no key of the right columns.
func standIns(schemas ...[]Object) (creates []Planned, names []string) {
	missing := make(map[string][]reference)
	for _, tables := range schemas {
		here := make(map[string]bool)
		for _, o := range tables {
			here[Fold(o.Name)] = true
		}
		for _, o := range tables {
			for _, r := range references(o.SQL) {
				key := Fold(r.parent)
				if here[key] || Reserved(key) {
					continue
				}
				if missing[key] == nil {
					names = append(names, r.parent)
				}
				missing[key] = append(missing[key], r)
			}
		}
	}
	for _, name := range names {
		creates = append(creates, Planned{SQL: standIn(name, missing[Fold(name)])})
	}
	return creates, names
}

func standIn(name string, refs []reference) string {
	var columns, keys []string
	seen := make(map[string]bool)
	primary := ""
	for _, r := range refs {
		quoted := make([]string, 0, r.width)
		for i := range r.width {
			column := resetGuard + strconv.Itoa(i)
			if len(r.columns) > 0 {
				column = r.columns[i]
			}
			if quoted = append(quoted, QuoteName(column)); !seen[Fold(column)] {
				seen[Fold(column)] = true
				columns = append(columns, QuoteName(column))
			}
		}
		if len(r.columns) > 0 {
			keys = append(keys, "UNIQUE ("+strings.Join(quoted, ", ")+")")
		} else {
			primary = "PRIMARY KEY (" + strings.Join(quoted, ", ") + ")"
		}
	}
	if primary != "" {
		keys = append(keys, primary)
	}
	return "CREATE TABLE IF NOT EXISTS " + QuoteName(name) + " (" + strings.Join(append(columns, keys...), ", ") + ")"
}
