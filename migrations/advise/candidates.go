package advise

import (
	"slices"
	"strings"
)

const (
	// mostTerms is how many columns a candidate has at most: more make an index that is large and seldom used again.
	mostTerms = 4
	// mostCandidates is how many are tried for one query.
	mostCandidates = 40
)

// candidates are the indexes that could serve what SQLite looked for, without those that are there.
func (s *schema) candidates(seen []profile) []*index {
	var list []*index
	for _, p := range seen {
		for _, i := range p.candidates() {
			list = s.add(list, i)
		}
	}
	return list
}

// add adds a candidate that is worth trying: one that there is not yet, and that no key of the table makes idle.
func (s *schema) add(list []*index, i *index) []*index {
	if len(i.terms) == 0 || len(list) >= mostCandidates {
		return list
	}
	if len(i.terms) > mostTerms {
		i.terms = i.terms[:mostTerms]
	}
	if slices.ContainsFunc(list, i.same) {
		return list
	}
	for _, there := range s.table(i.table).indexes {
		if !there.partial && i.begins(there) && i.where == "" {
			return list
		}
	}
	return append(list, i)
}

// same reports whether two indexes have the same terms, directions taken the same way round.
func (i *index) same(other *index) bool {
	return i.table == other.table && i.where == other.where && len(i.terms) == len(other.terms) && i.begins(other)
}

// begins reports whether the other index begins with all terms of this one, in its directions or in all of their opposites.
func (i *index) begins(other *index) bool {
	if len(i.terms) > len(other.terms) {
		return false
	}
	turned := len(i.terms) > 0 && i.terms[0].desc != other.terms[0].desc
	for n, t := range i.terms {
		o := other.terms[n]
		if t.column == "" && o.column == "" && (o.expression == "" || t.expression != o.expression) {
			return false
		}
		if !strings.EqualFold(t.column, o.column) || !strings.EqualFold(t.collation, o.collation) || t.desc != o.desc != turned {
			return false
		}
	}
	return true
}

// candidates of one way of reading: the equal columns, then what sorts or bounds.
func (p profile) candidates() []*index {
	equal, bounds := p.pinned()
	order := p.sorting(equal)
	var list []*index
	add := func(terms ...[]indexed) {
		i := &index{table: p.table.name}
		for _, some := range terms {
			for _, t := range some {
				if !i.has(t.column) {
					i.terms = append(i.terms, t)
				}
			}
		}
		if len(i.terms) > 0 {
			list = append(list, i)
		}
	}
	key := slices.ContainsFunc(p.terms, func(t term) bool { return t.usable && t.equal() && !t.in && p.table.isKey(t.column) })
	if key { // one row is found at once
		return nil
	}
	add(equal, order)
	add(order)
	for _, b := range bounds {
		add(equal, []indexed{b})
		add([]indexed{b})
	}
	add(equal)
	for _, e := range equal {
		add([]indexed{e})
		add([]indexed{e}, order)
	}
	for _, e := range equal {
		for _, b := range append(slices.Clone(equal), bounds...) {
			add([]indexed{e}, []indexed{b})
		}
	}
	return list
}

func (i *index) has(column string) bool {
	return slices.ContainsFunc(i.terms, func(t indexed) bool { return t.column == column })
}

// pinned are the columns that are compared with a value, and those that are bounded. A list of values comes last among the former, since it
// ends an order; a value that the text has comes behind those that each run brings.
func (p profile) pinned() (equal, bounds []indexed) {
	weight := func(t term) int {
		switch {
		case t.in:
			return 2
		case t.literal != "" || !t.usable:
			return 1
		}
		return 0
	}
	terms := slices.Clone(p.terms)
	slices.SortStableFunc(terms, func(a, b term) int { return weight(a) - weight(b) })
	for _, t := range terms {
		if !t.usable || p.table.isKey(t.column) || t.column >= len(p.table.columns) {
			continue
		}
		i := p.table.indexed(t.column, t.compares())
		switch known := func(o indexed) bool { return o.column == i.column }; {
		case t.equal() && !slices.ContainsFunc(equal, known):
			equal = append(equal, i)
		case (t.ranges() || t.prefix()) && !slices.ContainsFunc(bounds, known):
			bounds = append(bounds, i)
		}
	}
	return equal, bounds
}

// prefix reports whether the condition is a pattern that begins with what does not vary: LIKE 'abc%'.
func (t term) prefix() bool {
	value := strings.TrimPrefix(t.literal, "'")
	return (t.op == like || t.op == glob) && value != t.literal && value != "'" && !strings.ContainsAny(value[:1], "%_*?[")
}

// compares is the collation that an index needs to serve the condition: LIKE does not tell letters' case, GLOB does.
func (t term) compares() string {
	switch t.op {
	case like:
		return "NOCASE"
	case glob:
		return "BINARY"
	}
	return t.collation
}

// indexed is a column as an index needs it to serve comparisons in a collation.
func (t *table) indexed(col int, collation string) indexed {
	c := t.columns[col]
	if strings.EqualFold(collation, c.collation) {
		collation = ""
	}
	return indexed{column: c.name, collation: strings.ToUpper(collation)}
}

// sorting is the wanted order as an index has it: without columns that are pinned to one value, and up to the key that every index ends with.
func (p profile) sorting(equal []indexed) []indexed {
	var list []indexed
	for _, o := range p.order {
		if p.table.isKey(o.column) || o.column >= len(p.table.columns) {
			break
		}
		t := p.table.indexed(o.column, p.table.columns[o.column].collation)
		if slices.ContainsFunc(equal, func(e indexed) bool { return e.column == t.column }) {
			continue
		}
		t.desc = o.desc && !p.distinct
		list = append(list, t)
	}
	// An index is read backwards as well: only mixed directions have to be said.
	if len(list) > 0 && !slices.ContainsFunc(list, func(t indexed) bool { return !t.desc }) {
		for i := range list {
			list[i].desc = false
		}
	}
	return list
}
