package rehearse

import (
	"context"
	"slices"
	"strings"

	"towline/migrations/sqlite"
)

// findScans asks SQLite which tables the statement would read as a whole.
func (s *step) findScans(ctx context.Context, c *sqlite.Conn) {
	lines, err := c.Plan(ctx, s.planned.SQL)
	if err != nil {
		return // Exec has the words for it
	}
	s.direct = len(lines) == 0
	for _, l := range lines {
		if table, ok := planTable(l.Detail, "SCAN "); ok {
			s.scans = append(s.scans, table)
		}
	}
}

// estimate works out from the numbers of rows what D1 would read and write at most, where there is no copy of the data: a
// table that is scanned is read once, and every row of it written that might be. Known stays false where a number is
// missing.
func (r *Report) estimate(d *dryRun, rows map[string]int64) {
	if rows == nil {
		return
	}
	size := make(map[string]int64, len(rows))
	for name, n := range rows {
		size[fold(name)] = n
	}
	r.Known = true
	for i := range d.steps {
		read, written := d.steps[i].guess(size, &r.Known)
		r.RowsRead += read
		r.RowsWritten += written
	}
	if !r.Known {
		r.RowsRead, r.RowsWritten = 0, 0
	}
}

// guess estimates one statement and keeps the numbers of rows up to date.
func (s *step) guess(size map[string]int64, known *bool) (read, written int64) {
	rows := func(table string) int64 {
		n, ok := size[fold(table)]
		if !ok && !reserved(table) {
			*known = false
		}
		return n
	}
	var most int64
	for _, table := range s.scans {
		if s.reads(table) {
			read += rows(table)
			most = max(most, size[fold(table)])
		}
	}
	kind, table := s.work()
	switch kind {
	case sqlite.CreateIndex, sqlite.AlterTable:
		return buildCost(kind, rows(table))
	case sqlite.CreateTable:
		size[fold(table)] = most
		return buildCost(kind, most)
	case sqlite.Insert:
		most = max(1, most)
		size[fold(table)] += most
	case sqlite.Delete:
		if s.direct { // without a WHERE there is nothing to plan
			read, most = rows(table), rows(table)
		}
	case sqlite.Update:
	default:
		most = 0
	}
	read += s.more.read(kind, most)
	written = s.more.written(kind, most)
	s.follow(size)
	return read, written
}

// reads reports whether the authorizer knows the table that a plan names; a plan may name an alias or a pragma.
func (s *step) reads(table string) bool {
	return slices.ContainsFunc(s.actions, func(a sqlite.Action) bool {
		return (a.Kind == sqlite.Read || a.Kind == sqlite.Update || a.Kind == sqlite.Delete) && sameName(a.Arg3, table)
	})
}

// follow takes in a table that is new or has another name.
func (s *step) follow(size map[string]int64) {
	for _, a := range s.actions {
		if _, had := size[fold(a.Arg3)]; a.Kind == sqlite.CreateTable && !had {
			size[fold(a.Arg3)] = 0
		}
	}
	words := strings.Fields(normalize(s.planned.SQL))
	if len(words) == 6 && words[0] == "alter" && words[3] == "rename" && words[4] == "to" {
		if n, ok := size[words[2]]; ok {
			size[words[5]] = n
			delete(size, words[2])
		}
	}
	if s.dropped != "" {
		delete(size, fold(s.dropped))
	}
}
