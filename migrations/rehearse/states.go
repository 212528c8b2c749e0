package rehearse

import (
	"slices"
	"strings"

	"towline/migrations/sqlite"
)

// tableStates is what is known about the rows of each table, by folded name, as the release goes on.
type tableStates struct {
	before *shape
	sound  map[string]bool // as seeded
	filled map[string]bool // a statement has inserted into it
	empty  map[string]bool // a statement has emptied or dropped it
	doubt  map[string]bool // its rows are not what the release would have made of them
}

func newTableStates(before *shape, sound map[string]bool) *tableStates {
	return &tableStates{
		before: before, sound: sound,
		filled: make(map[string]bool), empty: make(map[string]bool), doubt: make(map[string]bool),
	}
}

// holdsData reports whether the table would hold rows in a database that has some.
func (t *tableStates) holdsData(name string) bool {
	name = fold(name)
	return t.filled[name] || t.before.byName[name] != nil && !t.empty[name]
}

// tells reports whether the rows of the table show what would happen to real ones.
func (t *tableStates) tells(name string) bool {
	name = fold(name)
	return !t.doubt[name] && (t.before.byName[name] == nil || t.sound[name])
}

// account takes in what a statement does, by its actions.
func (t *tableStates) account(s *step) {
	for _, a := range s.actions {
		if a.Kind != sqlite.Insert || reserved(a.Arg3) {
			continue
		}
		name := fold(a.Arg3)
		t.filled[name] = true
		delete(t.empty, name)
		if t.readsDoubtful(s) {
			t.doubt[name] = true
		}
	}
	if s.dropped != "" {
		t.clear(fold(s.dropped))
	}
	words := strings.Fields(normalize(s.planned.SQL))
	switch {
	case len(words) == 3 && words[0] == "delete" && words[1] == "from":
		t.clear(words[2])
	case len(words) == 6 && words[0] == "alter" && words[3] == "rename" && words[4] == "to":
		t.rename(words[2], words[5])
	}
}

func (t *tableStates) clear(name string) {
	delete(t.filled, name)
	t.empty[name] = true
}

func (t *tableStates) rename(from, to string) {
	t.filled[to] = t.holdsData(from)
	delete(t.empty, to)
	t.doubt[to] = !t.tells(from)
	t.clear(from)
}

// readsDoubtful reports whether the statement reads a table whose rows tell nothing.
func (t *tableStates) readsDoubtful(s *step) bool {
	return slices.ContainsFunc(s.actions, func(a sqlite.Action) bool {
		return a.Kind == sqlite.Read && !reserved(a.Arg3) && !t.tells(a.Arg3) && !s.writes(a.Arg3)
	})
}

func (t *tableStates) doubtWrites(s *step) {
	for _, a := range s.actions {
		if s.writes(a.Arg3) && !reserved(a.Arg3) {
			t.doubt[fold(a.Arg3)] = true
		}
	}
}

// writes reports whether the statement changes rows of the table.
func (s *step) writes(table string) bool {
	return slices.ContainsFunc(s.actions, func(a sqlite.Action) bool {
		return (a.Kind == sqlite.Insert || a.Kind == sqlite.Update || a.Kind == sqlite.Delete) && sameName(a.Arg3, table)
	})
}

// changesSchema reports whether the statement creates, alters or drops something.
func (s *step) changesSchema() bool {
	return slices.ContainsFunc(s.actions, func(a sqlite.Action) bool {
		return a.Kind == sqlite.AlterTable || strings.HasPrefix(string(a.Kind), "CREATE_") || strings.HasPrefix(string(a.Kind), "DROP_")
	})
}

// names are the folded names of everything that the statement touches.
func (s *step) names() []string {
	var list []string
	for _, a := range s.actions {
		for _, name := range []string{fold(a.Arg3), fold(a.Arg4)} {
			if name != "" && !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	return list
}

// readsCheck reports whether the statement reads the violations of foreign keys, to assert that there are none.
func (s *step) readsCheck() bool {
	return slices.ContainsFunc(s.actions, func(a sqlite.Action) bool {
		return a.Kind == sqlite.Read && sameName(a.Arg3, "pragma_foreign_key_check")
	})
}

func (s *step) setsDeferral() bool {
	return slices.ContainsFunc(s.actions, func(a sqlite.Action) bool {
		return a.Kind == sqlite.Pragma && sameName(a.Arg3, "defer_foreign_keys")
	})
}

// watched returns the tables, besides the one that the statement names, whose rows it might change: those that the
// authorizer names for a DROP TABLE, and for a REPLACE, which deletes the rows in its way. by is the table named.
func (s *step) watched() (by string, tables []string) {
	if s.dropped != "" {
		for _, x := range s.suspects {
			if !slices.Contains(tables, x.table) {
				tables = append(tables, x.table)
			}
		}
		return s.dropped, tables
	}
	for _, a := range s.actions {
		if a.Kind == sqlite.Insert && a.Inner == "" {
			by = a.Arg3
			break
		}
	}
	for _, a := range s.actions {
		writes := a.Kind == sqlite.Delete || a.Kind == sqlite.Update
		if by != "" && writes && a.Inner == "" && !sameName(a.Arg3, by) && !reserved(a.Arg3) && !slices.Contains(tables, a.Arg3) {
			tables = append(tables, a.Arg3)
		}
	}
	return by, tables
}
