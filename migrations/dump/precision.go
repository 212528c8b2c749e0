package dump

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// describe finds the columns of an INSERT, and which of them hold real numbers.
func (l *loader) describe(i *insert) {
	real := make(map[string]bool)
	var all []string
	// A table that cannot be described has no columns here; then its INSERT fails, or nothing is noted.
	_ = rows(context.Background(), l.c, "SELECT name, upper(type) FROM pragma_table_info("+sqlite3.Quote(i.table)+")", func(row []any) error {
		name, kind := asText(row[0]), asText(row[1])
		all = append(all, name)
		for _, part := range []string{"REAL", "FLOA", "DOUB"} {
			if strings.Contains(kind, part) && !strings.Contains(kind, "INT") {
				real[strings.ToLower(name)] = true
			}
		}
		return nil
	})
	if len(i.columns) == 0 {
		i.columns = all
	}
	i.real = make([]bool, i.params)
	for n := range min(i.params, len(i.columns)) {
		i.real[n] = real[strings.ToLower(i.columns[n])]
	}
}

// noteWide adds what the prepared statements have counted.
func (l *loader) noteWide() {
	for _, head := range slices.Sorted(maps.Keys(l.inserts)) {
		i := l.inserts[head]
		for n, count := range i.wide {
			if count > 0 && !i.real[n] && n < len(i.columns) {
				l.addImprecise(Imprecise{i.table, i.columns[n], count})
			}
		}
	}
}

func (l *loader) addImprecise(add Imprecise) {
	for n, have := range l.loaded.Imprecise {
		if have.Table == add.Table && have.Column == add.Column {
			l.loaded.Imprecise[n].Values += add.Values
			return
		}
	}
	l.loaded.Imprecise = append(l.loaded.Imprecise, add)
}
