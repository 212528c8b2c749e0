package lint

import (
	"fmt"

	"towline/migrations/rehearse"
)

func foreignKeyRules() []rule {
	return []rule{
		{Rule{
			Code: "D1-FK01", Name: "cascade-on-drop", Group: groupForeignKeys, Severity: Error,
			Summary: "A DROP TABLE, also inside a rebuild, that deletes or changes rows of another table.",
			Why:     "SQLite deletes the rows of a table before it drops it, and foreign keys cannot be switched off on D1, so ON DELETE CASCADE, SET NULL and SET DEFAULT act on every child row. The tool prints success.",
			Do:      "Rebuild with guard triggers on the children.",
			Bad:     "CREATE TABLE users(id INTEGER PRIMARY KEY);\nCREATE TABLE sessions(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id) ON DELETE CASCADE);\n-- then\nDROP TABLE users;\nCREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT);",
			Good:    "CREATE TABLE users(id INTEGER PRIMARY KEY);\nCREATE TABLE sessions(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id) ON DELETE CASCADE);\n-- then\nALTER TABLE users ADD COLUMN name TEXT;",
			Source:  "cloudflare/workers-sdk#5438, drizzle-team/drizzle-orm#4938",
		}, cascadeOnDrop},
	}
}

// cascadeOnDrop takes the word of the rehearsal on rows.
func cascadeOnDrop(w *walk) []Finding {
	var list []Finding
	for _, f := range w.files {
		for _, l := range w.lossesOf(f) {
			s := f.step(l.Index)
			if s == nil || l.Kind == rehearse.CommitRefused || s.drops() == "" {
				continue
			}
			x := s.at()
			x.Table, x.Column = l.Table, l.Column
			x.Text, x.Advice = fmt.Sprintf("Dropping %s would delete rows of %s.", l.By, l.Table), "Rebuild with guard triggers on the children."
			list = append(list, x)
		}
	}
	return list
}

// lossesOf are the losses of a file: of the rehearsal of all checked files, and of that of the file alone.
func (w *walk) lossesOf(f *file) []rehearse.Loss {
	var list []rehearse.Loss
	seen := make(map[string]bool)
	for _, l := range append(append([]rehearse.Loss{}, w.rehearsal.Losses...), f.losses...) {
		key := fmt.Sprint(l.Index, fold(l.Table), fold(l.By), l.Kind)
		if l.File == f.Name && !seen[key] {
			seen[key] = true
			list = append(list, l)
		}
	}
	return list
}

// step returns the statement with an index, counted from 1.
func (f *file) step(index int) *step {
	if index < 1 || index > len(f.steps) {
		return nil
	}
	return f.steps[index-1]
}
