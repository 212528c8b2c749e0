package advise

import (
	"strings"

	"towline/migrations/sqlite"
)

// node is a line of EXPLAIN QUERY PLAN with what is below it.
type node struct {
	detail string
	below  []*node
}

// tree puts the lines of a plan below each other.
func tree(lines []sqlite.PlanLine) []*node {
	root := &node{}
	path := []*node{root}
	for _, l := range lines {
		level := min(max(l.Level, 0), len(path)-1)
		n := &node{detail: l.Detail}
		path[level].below = append(path[level].below, n)
		path = append(path[:level+1], n)
	}
	return root.below
}

// show is a plan as people read it.
func show(lines []sqlite.PlanLine) []string {
	var list []string
	for _, l := range lines {
		list = append(list, strings.Repeat("  ", max(0, l.Level))+l.Detail)
	}
	return list
}

// loop is a line that reads a table, taken apart (https://sqlite.org/eqp.html).
type loop struct {
	name      string // of the table, or what the query calls it
	search    bool   // SEARCH, not SCAN
	index     string // its name; "" for none, or for the key
	key       bool   // by the rowid or the primary key
	automatic bool   // SQLite makes an index for this run alone
	virtual   bool
	terms     []string // what is searched for: "email=?", "created_at>?"
}

func readLoop(detail string) (l loop, ok bool) {
	rest, search := strings.CutPrefix(detail, "SEARCH ")
	if !search {
		if rest, ok = strings.CutPrefix(detail, "SCAN "); !ok {
			return l, false
		}
	}
	l.search = search
	for _, suffix := range []string{" LEFT-JOIN", " EXISTS"} {
		rest = strings.TrimSuffix(rest, suffix)
	}
	rest, _, l.virtual = strings.Cut(rest, " VIRTUAL TABLE INDEX ")
	rest, using, _ := strings.Cut(rest, " USING ")
	l.name = strings.TrimPrefix(rest, "main.")
	if open := strings.LastIndex(using, " ("); open >= 0 && strings.HasSuffix(using, ")") {
		l.terms = strings.Split(using[open+2:len(using)-1], " AND ")
		using = using[:open]
	}
	switch {
	case strings.HasPrefix(using, "AUTOMATIC "):
		l.automatic = true
	case using == "INTEGER PRIMARY KEY" || using == "PRIMARY KEY":
		l.key = true
	default:
		l.index = strings.TrimPrefix(strings.TrimPrefix(using, "COVERING "), "INDEX ")
	}
	return l, true
}

// equals counts the terms that pin a column, which come first; ranges those that bound one.
func (l loop) equals() (n int) {
	for _, t := range l.terms {
		if strings.HasSuffix(t, "=?") {
			n++
		}
	}
	return n
}

func (l loop) bounds() int { return len(l.terms) - l.equals() }

// uses lists the names of indexes that a plan uses.
func uses(nodes []*node) map[string]bool {
	found := map[string]bool{}
	var walk func([]*node)
	walk = func(list []*node) {
		for _, n := range list {
			if l, ok := readLoop(n.detail); ok && l.index != "" {
				found[fold(l.index)] = true
			}
			walk(n.below)
		}
	}
	walk(nodes)
	return found
}
