package lint

import (
	"fmt"
	"slices"
	"strings"
)

// tightened finds rebuilds whose new table refuses what the old one took.
func tightened(w *walk) []Finding {
	var list []Finding
	for _, r := range w.rebuilds() {
		was, is := w.shapes.table(r.drop.before, r.old.name), w.shapes.table(r.after, r.name)
		if was == nil || is == nil || !r.old.replacesOld() {
			continue
		}
		for _, c := range was.columns {
			now, ok := is.column(c.name)
			if ok && now.notNull && !c.notNull && c.primary == 0 && !r.handlesNulls(c.name) && !r.drop.assertedAbove(r.name, c.name) {
				x := r.drop.at()
				x.Table, x.Column = r.name, c.name
				x.Text = fmt.Sprintf("%s.%s becomes NOT NULL: with a NULL in it the copy fails (NOT NULL constraint failed).", r.name, c.name)
				x.Advice = "Fill the NULLs in an earlier migration and assert that there are none."
				x.Rewrite = w.assertedRebuild(r, fmt.Sprintf("SELECT 1 FROM %s WHERE %s IS NULL", q(r.name), q(c.name)))
				list = append(list, x)
			}
		}
		for _, check := range newChecks(was.sql, is.sql) {
			if r.drop.assertedAbove(r.name, "") {
				continue
			}
			x := r.drop.at()
			x.Table = r.name
			x.Text = fmt.Sprintf("%s gets CHECK (%s): with a row that breaks it the copy fails.", r.name, check)
			x.Advice = "Mend such rows in an earlier migration and assert that there are none."
			x.Rewrite = w.assertedRebuild(r, fmt.Sprintf("SELECT 1 FROM %s WHERE NOT (%s)", q(r.name), oneLine(check)))
			list = append(list, x)
		}
		list = append(list, w.newKeys(r, was, is)...)
	}
	return append(list, brokenOwnCheck(w)...)
}

// newKeys finds what a rebuild adds that is about several rows: a UNIQUE key, a foreign key, or STRICT types.
func (w *walk) newKeys(r rebuilt, was, is *table) []Finding {
	var list []Finding
	add := func(column, text, advice, query string) {
		x := r.drop.at()
		x.Table, x.Column, x.Text, x.Advice = r.name, column, text, advice
		if query != "" {
			x.Rewrite = w.assertedRebuild(r, query)
		}
		list = append(list, x)
	}
	for _, x := range w.newUnique(r, was, is) {
		key := x.columns
		if r.drop.assertedAbove(r.name, key[0]) || r.copiesWith("GROUP", "DISTINCT", "IGNORE", "REPLACE", "PARTITION") {
			continue
		}
		names := strings.Join(key, ", ")
		text := fmt.Sprintf("%s gets a key on %s: with two rows that are equal in it the copy fails (UNIQUE constraint failed).", r.name, names)
		if how := x.collides(); how != "" {
			text = fmt.Sprintf("In the key of %s on %s, %s: with two such rows the copy fails (UNIQUE constraint failed).", r.name, names, how)
		}
		add(names, text,
			"Remove the duplicates in an earlier migration and assert that there are none.",
			fmt.Sprintf("SELECT 1 FROM %s WHERE %s IS NOT NULL GROUP BY %s HAVING count(*) > 1", q(r.name), strings.ReplaceAll(qs(key), ", ", " IS NOT NULL AND "), x.grouped()))
	}
	for _, k := range is.keys {
		if hasKey(was, k) || same(k.parent, r.name) || len(k.to) != 1 || len(k.from) != 1 || r.copiesWith("WHERE", "JOIN", "CASE") || r.drop.assertedAbove(r.name, k.from[0]) {
			continue
		}
		first := w.shapes.table(r.file.before, r.name) // was may be it under another name, with columns that the file has added
		if first == nil || hasKey(first, k) {
			continue
		}
		if _, old := first.column(k.from[0]); !old {
			continue
		}
		add(k.from[0], fmt.Sprintf("%s.%s gets REFERENCES %s: with a row that refers to nothing there D1 refuses the release.", r.name, k.from[0], k.parent),
			"Mend such rows in an earlier migration and assert that there are none.",
			fmt.Sprintf("SELECT 1 FROM %s AS t WHERE t.%s IS NOT NULL AND NOT EXISTS (SELECT 1 FROM %s AS p WHERE p.%s = t.%s)", q(r.name), q(k.from[0]), q(k.parent), q(k.to[0]), q(k.from[0])))
	}
	if isStrict(is.sql) && !isStrict(was.sql) {
		add("", fmt.Sprintf("%s becomes STRICT: with a value in it that is not of its column's type the copy fails.", r.name),
			"Mend such values in an earlier migration.", "")
	}
	return list
}

// newUnique are the keys of a rebuilt table whose columns were not unique before, as far as the copy meets them.
func (w *walk) newUnique(r rebuilt, was, is *table) []index {
	var list []index
	if alias := is.rowIDAlias(); alias != "" && !wasUnique(was, index{columns: []string{alias}}) && !allNew(was, []string{alias}) {
		list = append(list, index{columns: []string{alias}})
	}
	for _, x := range is.indexes {
		if !x.unique || x.partial || slices.Contains(x.columns, "") || wasUnique(was, x) || allNew(was, x.columns) || x.origin == "c" && !r.madeBeforeCopy(x.name) {
			continue
		}
		list = append(list, x)
	}
	return list
}

// madeBeforeCopy reports whether the file makes an index before it copies rows into the table: one that comes later is a finding of its own.
func (r rebuilt) madeBeforeCopy(name string) bool {
	return slices.ContainsFunc(r.copies, func(c *step) bool {
		return slices.ContainsFunc(r.file.steps[:c.Index-1], func(s *step) bool {
			made, _ := s.createsIndex()
			return same(made, name)
		})
	})
}

// copiesWith reports whether a copy has one of the keywords.
func (r rebuilt) copiesWith(keywords ...string) bool {
	return slices.ContainsFunc(r.copies, func(s *step) bool { return s.word(keywords...) })
}

// hasKey reports whether a table has a foreign key of these columns to this parent.
func hasKey(t *table, k foreignKey) bool {
	return slices.ContainsFunc(t.keys, func(o foreignKey) bool {
		return same(o.parent, k.parent) && slices.EqualFunc(o.from, k.from, same)
	})
}

// isStrict reports whether a CREATE TABLE ends with STRICT.
func isStrict(sql string) bool {
	n := normal(sql)
	return slices.Contains(strings.Fields(strings.ReplaceAll(n[strings.LastIndexByte(n, ')')+1:], ",", " ")), "strict")
}

// assertedRebuild is a rebuild behind the assertion that a query finds nothing: the file's own where it is careful already.
func (w *walk) assertedRebuild(r rebuilt, query string) string {
	assert := "-- towline:assert SELECT NOT EXISTS (" + query + ")\n"
	if w.careful(r) {
		return assert + "-- and then the file as it is\n"
	}
	return assert + w.guarded(r)
}

// careful reports whether the rebuild is done as Towline would: foreign keys are deferred, the new table is made under its own name, and
// the DROP does nothing to other tables.
func (w *walk) careful(r rebuilt) bool {
	defers := slices.ContainsFunc(r.file.steps[:r.drop.Index], func(s *step) bool {
		name, value := s.pragma()
		return name == "defer_foreign_keys" && !isOff(value)
	})
	return defers && r.renamed == nil && len(w.harms(r.file)) == 0
}

// assertedAbove reports whether an assertion above a statement, in its file, speaks of a table, and of a column where one is given.
func (s *step) assertedAbove(table, column string) bool {
	return slices.ContainsFunc(s.file.asserted(), func(d *directive) bool {
		return d.offset < s.Offset && mentionsWord(d.sql, table) && (column == "" || mentionsWord(d.sql, column))
	})
}

// brokenOwnCheck finds added columns whose default their own CHECK refuses.
func brokenOwnCheck(w *walk) []Finding {
	return addColumnRule([]string{"CHECK constraint failed"}, "The default breaks the column's own CHECK.", "Give it a default that the CHECK takes.")(w)
}

// handlesNulls reports whether a copy gives a column another value where it is NULL, or leaves such rows out.
func (r rebuilt) handlesNulls(name string) bool {
	return slices.ContainsFunc(r.copies, func(s *step) bool {
		return s.reads(r.old.name, name) && (s.calls("coalesce") || s.calls("ifnull") || s.word("CASE", "COALESCE", "IFNULL", "WHERE"))
	})
}

// newChecks are the CHECK expressions that the second CREATE TABLE has and the first has not, but for lists of values that only grew.
func newChecks(was, is string) []string {
	old := make(map[string]bool)
	var lists [][]string
	for _, c := range checks(was) {
		old[normal(c)] = true
		lists = append(lists, strings.Fields(normal(c)))
	}
	var list []string
	for _, c := range checks(is) {
		words := strings.Fields(normal(c))
		if !old[normal(c)] && !slices.ContainsFunc(lists, func(o []string) bool { return grew(o, words) }) {
			list = append(list, c)
		}
	}
	return list
}

// grew reports whether two expressions are x IN (...) of the same x, and the second list has all values of the first.
func grew(was, is []string) bool {
	return len(was) > 2 && len(is) > 2 && was[0] == is[0] && was[1] == "in" && is[1] == "in" &&
		!slices.ContainsFunc(was[2:], func(v string) bool { return !slices.Contains(is[2:], v) })
}

// checks are the expressions of the CHECK constraints of a CREATE TABLE.
func checks(sql string) []string {
	var list []string
	tokens := meaning(sql)
	for i, t := range tokens {
		if t.Is(sql, "CHECK") && i+1 < len(tokens) && tokens[i+1].Text(sql) == "(" {
			text, _ := enclosed(sql, tokens, i+1)
			list = append(list, text)
		}
	}
	return list
}
