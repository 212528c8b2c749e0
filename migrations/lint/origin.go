package lint

import (
	"slices"

	"towline/migrations/sqlite"
)

// origin is a table as it goes on through the checked files: it keeps its identity when it is renamed, and a table that is made again under
// the same name is another one.
type origin struct {
	name    string // now, or when it was dropped
	first   string // when it was made
	old     bool   // it was there before the checked files
	made    *step  // that made it; nil: old
	dropped *step  // nil: it is still there
	copied  bool   // made by CREATE TABLE ... AS SELECT
	renames []*step
	// sources are the tables from which rows were copied into it, with the statements; what those were copied from is not among them.
	sources []source
	copies  []*step // statements that read it to fill another table
	deletes []*step // statements that delete rows of it, not on behalf of foreign keys
	stands  *origin // the table that it was made to replace, see rebuilds
}

type source struct {
	from *origin
	by   *step
}

// origins follows the tables. It is made once, from the walk.
type origins struct {
	now  map[string]*origin // by folded name
	all  []*origin
	at   []map[string]*origin // before each step, for steps that change which tables there are; nil: as before the step before
	last map[string]*origin
}

// trace follows the tables through all steps.
func trace(w *walk) *origins {
	g := &origins{now: make(map[string]*origin), at: make([]map[string]*origin, len(w.steps))}
	for _, o := range w.first.objects {
		if o.Type == "table" {
			t := &origin{name: o.Name, first: o.Name, old: true}
			g.now[fold(o.Name)] = t
			g.all = append(g.all, t)
		}
	}
	var at map[string]*origin
	for i, s := range w.steps {
		if at == nil {
			at = cloneMap(g.now)
		}
		g.at[i] = at
		if s.err != nil {
			continue
		}
		g.step(s)
		if s.before != s.after && (len(s.before.tables) != len(s.after.tables) || s.alters() != "") {
			at = nil
		}
	}
	g.last = g.now
	return g
}

func cloneMap(m map[string]*origin) map[string]*origin {
	n := make(map[string]*origin, len(m))
	for name, o := range m {
		n[name] = o
	}
	return n
}

func (g *origins) step(s *step) {
	if s.before != s.after {
		g.schema(s)
	}
	target := g.now[fold(s.fills())]
	for _, a := range s.actions {
		t := g.now[fold(a.Arg3)]
		if t == nil || a.Inner != "" {
			continue
		}
		switch a.Kind {
		case sqlite.Read:
			if target != nil && t != target && !slices.ContainsFunc(target.sources, func(x source) bool { return x.from == t && x.by == s }) {
				target.sources = append(target.sources, source{t, s})
				t.copies = append(t.copies, s)
			}
		case sqlite.Delete:
			if !slices.Contains(t.deletes, s) && s.drops() == "" && same(s.deletesFrom(), a.Arg3) {
				t.deletes = append(t.deletes, s)
			}
		}
	}
}

// schema takes in tables made, dropped and renamed.
func (g *origins) schema(s *step) {
	if old, now := s.renamesTable(); old != "" {
		if t := g.now[fold(old)]; t != nil {
			delete(g.now, fold(old))
			t.name, t.renames = now, append(t.renames, s)
			g.now[fold(now)] = t
		}
		return
	}
	for _, name := range tablesGone(s) {
		if t := g.now[fold(name)]; t != nil {
			t.dropped = s
			delete(g.now, fold(name))
		}
	}
	for _, name := range tablesMade(s) {
		t := &origin{name: name, first: name, made: s, copied: s.isCreateAs()}
		g.now[fold(name)] = t
		g.all = append(g.all, t)
	}
}

// tablesMade are the tables that the statement makes, the shadow tables of a virtual one among them.
func tablesMade(s *step) []string {
	if s.first(sqlite.CreateVTable) != "" {
		return tablesBetween(s.before, s.after)
	}
	var list []string
	for _, a := range s.actions {
		if a.Kind == sqlite.CreateTable && !reserved(a.Arg3) && !s.before.has(a.Arg3) && s.after.has(a.Arg3) {
			list = append(list, a.Arg3)
		}
	}
	return list
}

// tablesGone are the tables that the statement drops.
func tablesGone(s *step) []string {
	if s.first(sqlite.DropVTable) != "" {
		return tablesBetween(s.after, s.before)
	}
	if name := s.drops(); name != "" && s.before.has(name) {
		return []string{name}
	}
	return nil
}

// tablesBetween are the tables of is that was has not.
func tablesBetween(was, is *schema) []string {
	var list []string
	for _, o := range is.objects {
		if o.Type == "table" && !was.has(o.Name) {
			list = append(list, o.Name)
		}
	}
	return list
}

// has reports whether rows of a table came into this one, on whatever way.
func (t *origin) has(from *origin) bool {
	seen := map[*origin]bool{}
	var look func(*origin) bool
	look = func(x *origin) bool {
		if seen[x] {
			return false
		}
		seen[x] = true
		return slices.ContainsFunc(x.sources, func(s source) bool { return s.from == from || look(s.from) })
	}
	return look(t)
}

// path are the statements that brought rows of a table into this one.
func (t *origin) path(from *origin) []*step {
	var list []*step
	seen := map[*origin]bool{}
	var look func(*origin)
	look = func(x *origin) {
		if seen[x] {
			return
		}
		seen[x] = true
		for _, s := range x.sources {
			if s.from == from || s.from.has(from) {
				list = append(list, s.by)
				if s.from != from {
					look(s.from)
				}
			}
		}
	}
	look(t)
	slices.SortFunc(list, func(a, b *step) int { return a.n - b.n })
	return slices.Compact(list)
}

// origin returns the table of a name before a step.
func (w *walk) origin(s *step, name string) *origin { return w.tables().at[s.n][fold(name)] }

// tables are the tables followed through all files.
func (w *walk) tables() *origins {
	if w.origins == nil {
		w.origins = trace(w)
	}
	return w.origins
}

// isNew reports whether a table, as it is before a step, holds nothing that was there before the checked files: it was made by one of them,
// and not as a copy of one that was there. A table that is not there at all is new.
func (w *walk) isNew(s *step, name string) bool {
	w.rebuilds()
	t := w.origin(s, name)
	return t == nil || !t.replacesOld()
}

// replacesOld reports whether the table is one that was there before, or stands in its place.
func (t *origin) replacesOld() bool {
	return t.old || t.stands != nil && t.stands.replacesOld()
}

// rebuilt is a table that was dropped and stands there again under its name, with rows of the old one.
type rebuilt struct {
	name     string
	old, new *origin
	drop     *step
	file     *file
	before   *schema // when the old one was whole: before the first statement of the file that drops it, or that renamed it away
	after    *schema // at the end of that file
	copies   []*step // that brought the rows over
	// renamed is the statement that gave the new table its name; nil where it was made under it.
	renamed *step
}

// rebuilds are the rebuilds of the checked files.
func (w *walk) rebuilds() []rebuilt {
	g := w.tables()
	if w.rebuiltTables != nil {
		return *w.rebuiltTables
	}
	list := []rebuilt{}
	for _, old := range g.all {
		if old.dropped == nil || !same(old.dropped.drops(), old.name) {
			continue
		}
		name := old.name
		if n := len(old.renames); n > 0 && old.renames[n-1].file == old.dropped.file {
			name, _ = old.renames[n-1].renamesTable()
		}
		now := g.last[fold(name)]
		if now == nil || now == old || !now.has(old) {
			continue
		}
		now.stands = old
		f := old.dropped.file
		r := rebuilt{name: name, old: old, new: now, drop: old.dropped, file: f, before: f.before, after: f.after, copies: now.path(old)}
		if old.made != nil && old.made.file == f {
			r.before = old.dropped.before
		}
		if n := len(now.renames); n > 0 {
			r.renamed = now.renames[n-1]
		}
		list = append(list, r)
	}
	w.rebuiltTables = &list
	return list
}

// rebuild returns the rebuild that drops a table in a step.
func (w *walk) rebuildAt(s *step) (rebuilt, bool) {
	for _, r := range w.rebuilds() {
		if r.drop == s {
			return r, true
		}
	}
	return rebuilt{}, false
}
