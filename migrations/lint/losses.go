package lint

import (
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/rehearse"
	"towline/migrations/sqlite"
)

// harm is what a DROP TABLE does to another table, or would with rows in it.
type harm struct {
	rehearse.Loss
	step *step
	// replacement says that the other table is the new copy of the one that is dropped.
	replacement bool
}

// harms are what the DROP TABLEs of a file do to other tables: as the rehearsals saw it, and where none came to its end, by the word of
// SQLite's authorizer.
func (w *walk) harms(f *file) []harm {
	var list []harm
	seen := make(map[string]bool)
	add := func(l rehearse.Loss, s *step) {
		key := fmt.Sprint(s.n, fold(l.Table), l.Kind)
		if seen[key] || s.drops() == "" || l.Kind != rehearse.CommitRefused && w.comesBack(s, l.Table) && (!l.Seen || len(f.notes(w)) > 0) {
			return
		}
		seen[key] = true
		list = append(list, harm{l, s, w.isReplacement(s, l.Table)})
	}
	losses := w.rehearsal.Losses
	if f.alone != nil {
		losses = append(slices.Clone(losses), f.alone.Losses...)
	}
	for _, l := range losses {
		if s := f.step(l.Index); s != nil && l.File == f.Name {
			add(l, s)
		}
	}
	for _, n := range f.notes(w) {
		if s := f.step(n.Index); s != nil && s.drops() != "" && strings.Contains(n.Message, foreignKeyFailed) {
			for _, c := range w.shapes.children(s.before, s.drops()) {
				if refuses(c.onDelete) && !same(c.name, s.drops()) {
					add(rehearse.Loss{Table: c.name, Column: strings.Join(c.from, ", "), By: s.drops(), Kind: rehearse.CommitRefused, Seen: true}, s)
				}
			}
		}
	}
	if f.doubtful() {
		for _, s := range f.steps {
			w.suspect(s, add)
		}
	}
	return list
}

// comesBack reports whether the rows of a table were saved in the file before a statement, and are put back behind it. Where the rehearsal
// saw all statements through, it knows better.
func (w *walk) comesBack(s *step, table string) bool {
	t := w.origin(s, table)
	return t != nil && slices.ContainsFunc(t.sources, func(back source) bool {
		return back.by.n > s.n && back.by.file == s.file && slices.ContainsFunc(back.from.sources, func(saved source) bool { return saved.from == t && saved.by.n < s.n })
	})
}

const foreignKeyFailed = "FOREIGN KEY constraint failed"

// refuses reports whether an ON DELETE action keeps parents that have children.
func refuses(onDelete string) bool { return onDelete == "NO ACTION" || onDelete == "RESTRICT" }

// notes are the remarks of the rehearsals on statements of this file that fail with rows.
func (f *file) notes(w *walk) []rehearse.Note {
	var list []rehearse.Note
	for _, n := range w.rehearsal.Warnings {
		if n.File == f.Name {
			list = append(list, n)
		}
	}
	if f.alone != nil {
		list = append(list, f.alone.Warnings...)
	}
	return list
}

// suspect takes the authorizer's word for what a DROP TABLE does.
func (w *walk) suspect(s *step, add func(rehearse.Loss, *step)) {
	name := s.drops()
	if name == "" || !s.file.before.has(name) {
		return
	}
	for _, c := range w.shapes.children(s.before, name) {
		kind := rehearse.RowsDeleted
		switch c.onDelete {
		case "CASCADE":
		case "SET NULL":
			kind = rehearse.SetToNull
		case "SET DEFAULT":
			kind = rehearse.SetDefault
		default:
			continue
		}
		changed := s.does(sqlite.Delete, c.name) || s.does(sqlite.Update, c.name)
		emptied := slices.ContainsFunc(s.file.steps[:s.Index-1], func(b *step) bool { return same(b.deletesFrom(), c.name) && !b.word("WHERE") })
		if changed && !emptied && !same(c.name, name) && s.file.before.has(c.name) && !w.isGuarded(s, c.name) {
			add(rehearse.Loss{Table: c.name, Column: strings.Join(c.from, ", "), By: name, Kind: kind}, s)
		}
	}
}

// isGuarded reports whether a BEFORE trigger of the table ignores changes, as a guarded rebuild makes them.
func (w *walk) isGuarded(s *step, table string) bool {
	return slices.ContainsFunc(s.before.of("trigger", table), func(o migrations.Object) bool {
		sql := normal(o.SQL)
		return strings.Contains(sql, " before ") && strings.Contains(sql, "raise ( ignore )")
	})
}

// isReplacement reports whether a table, as it is before a step, is the new copy of the table that the step drops.
func (w *walk) isReplacement(s *step, table string) bool {
	r, ok := w.rebuildAt(s)
	return ok && w.origin(s, table) == r.new
}

// step returns the statement with an index, counted from 1.
func (f *file) step(index int) *step {
	if index < 1 || index > len(f.steps) {
		return nil
	}
	return f.steps[index-1]
}
