package lint

import (
	"fmt"
	"slices"
	"strings"

	"towline/migrations/rehearse"
	"towline/migrations/sqlite"
)

// cascadeOnDrop takes the word of the rehearsal on rows.
func cascadeOnDrop(w *walk) []Finding {
	var list []Finding
	for _, f := range w.files {
		for _, h := range w.harms(f) {
			if h.Kind == rehearse.CommitRefused || h.replacement {
				continue
			}
			x := h.step.at()
			x.Table, x.Column = h.Table, h.Column
			x.Text = fmt.Sprintf("DROP TABLE %s %s, and D1 says nothing about it.", q(h.By), h.effect())
			w.adviseRebuild(&x, h.step)
			list = append(list, x)
		}
	}
	return list
}

// effect says what happens to the rows of the other table.
func (h harm) effect() string {
	switch h.Kind {
	case rehearse.SetToNull:
		return fmt.Sprintf("sets %s.%s to NULL in every row that refers to it (ON DELETE SET NULL)", h.Table, h.Column)
	case rehearse.SetDefault:
		return fmt.Sprintf("resets %s.%s to its default in every row that refers to it (ON DELETE SET DEFAULT)", h.Table, h.Column)
	}
	if h.Column == "" {
		return fmt.Sprintf("deletes rows of %s, which refer to tables that refer to it (ON DELETE CASCADE)", h.Table)
	}
	return fmt.Sprintf("deletes every row of %s that refers to it through %s (ON DELETE CASCADE)", h.Table, h.Column)
}

// adviseRebuild gives the guarded rebuild where the statement is part of a rebuild.
func (w *walk) adviseRebuild(x *Finding, s *step) {
	r, ok := w.rebuildAt(s)
	if !ok {
		x.Advice = "Give the other table another CREATE TABLE without this foreign key first, or drop it too, before this table."
		return
	}
	x.Advice = "Write the rebuild of " + r.name + " with guard triggers, as below."
	if x.Rewrite = w.guarded(r); x.Rewrite == "" {
		x.Advice = "Write the rebuild of " + r.name + " with guard triggers (towline rebuild " + r.name + ")."
	}
}

// foreignKeysPragma finds PRAGMA foreign_keys = OFF.
func foreignKeysPragma(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		name, value := s.pragma()
		if name != "foreign_keys" || !isOff(value) {
			continue
		}
		x := s.at()
		x.Text = "D1 answers OK and changes nothing: foreign keys stay on, and so do ON DELETE CASCADE, SET NULL and SET DEFAULT."
		x.Advice = "Remove the pragma; PRAGMA defer_foreign_keys = ON puts the checks off until the end of the transaction, but not these actions."
		if s.file.text != "" && slices.ContainsFunc(w.harms(s.file), func(h harm) bool { return h.Kind != rehearse.CommitRefused }) {
			x.Severity = Error
			x.Text += " The DROP TABLE in this file relies on it."
		}
		list = append(list, x)
	}
	return list
}

// isOff reports whether a boolean of a pragma is false; one that is only asked for is not.
func isOff(value string) bool {
	if value == "" {
		return false
	}
	return !slices.ContainsFunc([]string{"on", "yes", "true", "1"}, func(word string) bool { return strings.HasPrefix(value, word) })
}

// deferOff finds PRAGMA defer_foreign_keys = OFF behind statements whose violations nothing has looked for.
func deferOff(w *walk) []Finding {
	var list []Finding
	for _, f := range w.files {
		for i, s := range f.steps {
			name, value := s.pragma()
			if name != "defer_foreign_keys" || !isOff(value) || s.assertsKeys() || w.asserted(f.steps[:i]) {
				continue
			}
			x := s.at()
			x.Text = "This makes D1 forget every foreign key violation so far: rows that refer to nothing, if there are some, are committed, and nothing says so."
			x.Advice = "Remove the line: the pragma resets itself at the end of the transaction, and violations are then caught."
			x.Rewrite = "INSERT INTO \"__assert\" SELECT 'foreign keys', NOT EXISTS (SELECT 1 FROM pragma_foreign_key_check);\n"
			if !slices.ContainsFunc(f.steps[:i], w.canViolate) {
				x.Severity, x.Rewrite = Warning, ""
				x.Text = "This makes D1 forget foreign key violations. No statement above it can make one, so nothing happens now."
			} else {
				x.Rewrite = assertTable + x.Rewrite + "DROP TABLE \"__assert\";\n"
				x.Advice += " Where it has to stay, assert before it that there are no violations, as below."
				if i := slices.IndexFunc(w.harms(f), func(h harm) bool { return h.Kind == rehearse.CommitRefused && h.Hidden }); i >= 0 {
					by := w.harms(f)[i].By
					x.Advice = fmt.Sprintf("Assert before it that there are no violations, as below. Without the line the release fails, since rows refer to %s, which is dropped; a rebuild by towline rebuild %s does without it.", by, by)
				}
			}
			list = append(list, x)
		}
	}
	return list
}

// assertTable makes a table that refuses what is not so.
const assertTable = "CREATE TABLE \"__assert\"(what TEXT, ok INTEGER NOT NULL, CONSTRAINT \"assertion_failed\" CHECK (ok = 1));\n"

// asserted reports whether a statement, or an assertion, reads the violations of foreign keys after the last one that can make some.
func (w *walk) asserted(steps []*step) bool {
	for _, s := range slices.Backward(steps) {
		if s.reads(keyCheck, "") && w.canRefuse(s) {
			return true
		}
		if w.canViolate(s) {
			return false
		}
		if s.assertsKeys() {
			return true
		}
	}
	return false
}

// canRefuse reports whether the answer of a statement's query can end the transaction: a table with a CHECK or NOT NULL takes it, or a function
// does that fails. To look alone stops nothing.
func (w *walk) canRefuse(s *step) bool {
	if o, ok := s.before.table(s.fills()); ok {
		words := w.shapes.words(o.SQL)
		return words["check"] || words["not"] || words["primary"] || words["unique"]
	}
	return s.calls("json") || s.calls("abs") || s.calls("json_extract")
}

const keyCheck = "pragma_foreign_key_check"

// assertsKeys reports whether an assertion above a statement is about foreign keys.
func (s *step) assertsKeys() bool {
	return slices.ContainsFunc(s.asserts, func(d *directive) bool {
		return d.problem == "" && slices.ContainsFunc(d.reads, func(t string) bool { return same(t, keyCheck) })
	})
}

// canViolate reports whether the statement can leave rows that refer to nothing: it fills or changes a table that has foreign keys, or takes
// rows out of one that others refer to.
func (w *walk) canViolate(s *step) bool {
	return slices.ContainsFunc(s.actions, func(a sqlite.Action) bool {
		switch a.Kind {
		case sqlite.Insert, sqlite.Update:
			o, ok := s.before.table(a.Arg3)
			return ok && (len(w.shapes.keys(o)) > 0 || a.Kind == sqlite.Update && len(w.shapes.children(s.before, a.Arg3)) > 0)
		case sqlite.Delete, sqlite.DropTable:
			return s.before.has(a.Arg3) && len(w.shapes.children(s.before, a.Arg3)) > 0
		}
		return false
	})
}

// rebuildOrder finds drops that rows of a child refuse.
func rebuildOrder(w *walk) []Finding {
	var list []Finding
	for _, f := range w.files {
		for _, h := range w.harms(f) {
			if h.Kind != rehearse.CommitRefused || h.replacement || h.Hidden {
				continue // where a PRAGMA defer_foreign_keys = OFF hides it, nothing is refused, and that pragma is the finding
			}
			x := h.step.at()
			x.Table, x.Column = h.Table, h.Column
			when := "DROP TABLE " + q(h.By) + " fails with FOREIGN KEY constraint failed"
			if f.defers(h.step) {
				when = "the end of the transaction fails, and D1 reports it like an outage (internal error; reference = ...)"
			}
			x.Text = fmt.Sprintf("With rows in %s that refer to %s through %s, %s.", h.Table, h.By, h.Column, when)
			if _, ok := w.rebuildAt(h.step); ok {
				w.adviseRebuild(&x, h.step)
			} else {
				x.Advice = "Drop " + h.Table + " first, or take its foreign key away in an earlier statement."
			}
			list = append(list, x)
		}
	}
	return list
}

// defers reports whether foreign keys are put off when a statement runs.
func (f *file) defers(s *step) bool {
	on := false
	for _, b := range f.steps[:s.Index-1] {
		if name, value := b.pragma(); name == "defer_foreign_keys" && value != "" {
			on = !isOff(value)
		}
	}
	return on
}

// selfReference finds new copies that refer to the table which they replace.
func selfReference(w *walk) []Finding {
	var list []Finding
	for _, f := range w.files {
		for _, h := range w.harms(f) {
			if !h.replacement {
				continue
			}
			x := h.step.at()
			x.Table, x.Column = h.Table, h.Column
			x.Text = fmt.Sprintf("%s, the new copy, refers to %s itself, so DROP TABLE %s deletes rows of the copy.", h.Table, h.By, q(h.By))
			if h.Kind == rehearse.CommitRefused {
				x.Text = fmt.Sprintf("%s, the new copy, refers to %s itself, so with rows in it the drop is refused.", h.Table, h.By)
			}
			w.adviseRebuild(&x, h.step)
			list = append(list, x)
		}
	}
	return list
}

// restoreWithoutDelete finds children that are saved and put back around a cascade without being emptied.
func restoreWithoutDelete(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		t := w.origin(s, s.fills())
		if t == nil || s.err != nil || s.isCreateAs() || s.word("IGNORE", "REPLACE", "CONFLICT") || t.made != nil && t.made.file == s.file {
			continue
		}
		for _, from := range t.sources {
			saved := from.from
			if from.by != s || !slices.ContainsFunc(saved.sources, func(x source) bool { return x.from == t && x.by.n < s.n }) {
				continue
			}
			emptied := slices.ContainsFunc(t.deletes, func(d *step) bool { return d.n < s.n && d.file == s.file })
			cascade := w.dropOfParent(s, t.name)
			if emptied || cascade == "" {
				continue
			}
			x := s.at()
			x.Table = t.name
			x.Text = fmt.Sprintf("Rows of %s that DROP TABLE %s does not delete, those whose foreign key is NULL, are still there, so putting all of them back from %s fails with UNIQUE constraint failed.",
				t.name, q(cascade), saved.name)
			x.Advice = "Empty the table before the rows come back."
			x.Rewrite = "DELETE FROM " + q(t.name) + ";\n" + s.SQL + ";\n"
			list = append(list, x)
		}
	}
	return list
}

// dropOfParent returns the parent of a table that was dropped before a statement of the same file.
func (w *walk) dropOfParent(s *step, childTable string) string {
	for _, b := range s.file.steps[:s.Index-1] {
		if name := b.drops(); name != "" && slices.ContainsFunc(w.shapes.children(b.before, name), func(c child) bool { return same(c.name, childTable) }) {
			return name
		}
	}
	return ""
}

// The limits of foreign keys without an index: below fewRows nobody notices, and above slowPairs D1's 30 seconds are over (8,000 parents and
// 80,000 children were measured at 48 seconds and more).
const (
	fewRows   = 1_000
	slowPairs = 200_000_000
)

// unindexedKey finds foreign keys without an index whose parent is dropped, rebuilt or emptied.
func unindexedKey(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		parent := s.drops()
		if table := s.deletesFrom(); parent == "" && (!s.word("WHERE") || same(w.goesThrough(s), table)) {
			parent = table
		}
		if parent == "" || s.err != nil || !s.file.before.has(parent) {
			continue
		}
		for _, c := range w.shapes.children(s.before, parent) {
			if c.leads(c.from, false) || !s.file.before.has(c.name) {
				continue
			}
			rows, known := w.rows(c.name)
			if known && rows < fewRows {
				continue
			}
			parents, _ := w.rows(parent)
			x := s.at()
			x.Table, x.Column = c.name, strings.Join(c.from, ", ")
			x.Text = fmt.Sprintf("No index begins with %s.%s, so each row of %s that goes costs a scan of %s.", c.name, x.Column, parent, c.name)
			if known {
				x.Text += fmt.Sprintf(" It has %d rows, %s has %d.", rows, parent, parents)
			}
			if known && rows*max(parents, 1) > slowPairs {
				x.Severity = Error
			}
			x.Advice = "Make the index in an earlier migration."
			x.Rewrite = indexOn(s.before, false, c.name, c.from)
			list = append(list, x)
		}
	}
	return list
}

// rows returns how many rows a table has, where that is known.
func (w *walk) rows(table string) (n int64, known bool) {
	for name, rows := range w.in.Rows {
		if same(name, table) {
			return rows, true
		}
	}
	return 0, false
}

// parentKeyLate finds inserts into a parent whose key gets its UNIQUE index too late, or never.
func parentKeyLate(w *walk) []Finding {
	var list []Finding
	for _, s := range w.steps {
		message := ""
		if s.err != nil {
			message = s.err.Message
		}
		for _, n := range s.file.notes(w) {
			if n.Index == s.Index {
				message += n.Message
			}
		}
		if !strings.Contains(message, "foreign key mismatch") {
			continue
		}
		x := s.at()
		x.Text = "D1 refuses this statement: " + message[strings.Index(message, "foreign key mismatch"):] + ". The columns that the foreign key refers to have no UNIQUE index at this moment."
		x.Advice = "Write the key as UNIQUE or PRIMARY KEY inside CREATE TABLE, not as an index behind it."
		if _, parent, ok := strings.Cut(message, ` referencing "`); ok {
			x.Table, _, _ = strings.Cut(parent, `"`)
		}
		if r, ok := w.rebuildOf(s, x.Table); ok {
			x.Rewrite = w.guarded(r)
		}
		list = append(list, x)
	}
	return list
}

// rebuildOf returns the rebuild of a table in the file of a statement.
func (w *walk) rebuildOf(s *step, table string) (rebuilt, bool) {
	for _, r := range w.rebuilds() {
		if r.file == s.file && (same(r.name, table) || r.new == w.origin(s, table)) {
			return r, true
		}
	}
	return rebuilt{}, false
}
