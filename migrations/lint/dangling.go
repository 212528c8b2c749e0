package lint

import (
	"fmt"
	"slices"
	"strings"
)

// danglingKey is a foreign key that leads nowhere.
type danglingKey struct {
	child  string
	key    foreignKey
	reason string // "table x does not exist"
	noKey  bool   // the parent and its columns are there, and are no key
}

func (d danglingKey) id() string {
	return fold(d.child + "\x00" + d.key.parent + "\x00" + strings.Join(d.key.from, ","))
}

// dangling are the foreign keys of a schema that lead nowhere.
func (w *walk) dangling(sc *schema) map[string]danglingKey {
	if list, ok := w.loose[sc]; ok {
		return list
	}
	list := make(map[string]danglingKey)
	for _, o := range sc.objects {
		if o.Type != "table" {
			continue
		}
		for _, k := range w.shapes.keys(o) {
			reason, noKey := "", false
			if !sc.has(k.parent) {
				reason = "there is no table " + k.parent
			} else if reason = w.missingColumn(sc, k); reason == "" {
				reason = w.noParentKey(sc, k)
				noKey = reason != ""
			}
			if reason != "" {
				d := danglingKey{o.Name, k, reason, noKey}
				list[d.id()] = d
			}
		}
	}
	w.loose[sc] = list
	return list
}

func (w *walk) missingColumn(sc *schema, k foreignKey) string {
	o, _ := sc.table(k.parent)
	if words := w.shapes.words(o.SQL); !slices.ContainsFunc(k.to, func(name string) bool { return !words[fold(name)] }) {
		return "" // all names stand in its text: a quick look that spares reading every table
	}
	parent := w.shapes.table(sc, k.parent)
	if parent == nil {
		return ""
	}
	for _, name := range k.to {
		if _, ok := parent.column(name); !ok {
			return "there is no column " + parent.name + "." + name
		}
	}
	return ""
}

// noParentKey says why a parent's columns cannot be referred to: SQLite wants a primary key, or a UNIQUE index of all rows on just these.
func (w *walk) noParentKey(sc *schema, k foreignKey) string {
	parent := w.shapes.table(sc, k.parent)
	if parent == nil || parent.virtual {
		return ""
	}
	to := k.to
	if len(to) == 0 {
		to = parent.primaryKey()
	}
	switch {
	case len(to) == 0:
		return parent.name + " has no primary key"
	case len(to) != len(k.from):
		return fmt.Sprintf("the primary key of %s has %d columns, and the foreign key %d", parent.name, len(to), len(k.from))
	case !parent.leads(to, true):
		return fmt.Sprintf("%s has no PRIMARY KEY or UNIQUE index on %s alone", parent.name, strings.Join(to, ", "))
	}
	return ""
}

// danglingKeys finds foreign keys that a file leaves without a parent, and that no later one mends.
func danglingKeys(w *walk) []Finding {
	var list []Finding
	for _, f := range w.files {
		if f.before == f.after {
			continue
		}
		before, last := w.dangling(f.before), w.dangling(w.last)
		for _, id := range sortedKeys(w.dangling(f.after)) {
			if _, was := before[id]; was {
				continue
			}
			d, stays := last[id]
			if !stays {
				continue
			}
			list = append(list, w.lost(f, d))
		}
	}
	return list
}

// lost makes the finding of a foreign key that lost its parent in a file.
func (w *walk) lost(f *file, d danglingKey) Finding {
	x := f.at()
	made := true // the key itself is new, its parent was never there
	for _, s := range f.steps {
		if s.before == s.after {
			continue
		}
		_, was := w.dangling(s.before)[d.id()]
		_, is := w.dangling(s.after)[d.id()]
		if !was && is {
			x = s.at()
			made = !s.before.has(d.child) || s.drops() == "" && s.alters() == ""
			if s.before.has(d.key.parent) {
				made = false
			}
		}
	}
	x.Table, x.Column = d.child, strings.Join(d.key.from, ", ")
	x.Text = fmt.Sprintf("After this file %s.%s refers to nothing: %s. Every write to %s, even a DELETE, then fails.", d.child, x.Column, d.reason, d.child)
	x.Advice = "Make the table that it refers to in the same release, or rebuild " + d.child + " without the foreign key."
	if d.noKey {
		x.Text = fmt.Sprintf("After this file %s.%s refers to no key: %s. Every write to %s, and every DELETE from %s, then fails with foreign key mismatch.",
			d.child, x.Column, d.reason, d.child, d.key.parent)
		x.Advice = "Make the key in the same release, or rebuild " + d.child + " without the foreign key."
		if len(d.key.to) > 0 {
			x.Rewrite = indexOn(f.after, true, d.key.parent, d.key.to)
		}
		return x
	}
	if made && w.in.Target == nil && !w.everHad(d.key.parent) {
		x.Severity = Warning
		x.Text = fmt.Sprintf("%s.%s refers to %s, which no migration makes. If nobody has made it by hand, every write to %s fails.", d.child, x.Column, d.key.parent, d.child)
	}
	return x
}

// everHad reports whether a table of this name was there at any time of the walk.
func (w *walk) everHad(name string) bool {
	for _, f := range w.files {
		if f.before.has(name) || f.after.has(name) {
			return true
		}
	}
	for _, s := range w.steps {
		if s.before != s.after && s.after.has(name) {
			return true
		}
	}
	return false
}
