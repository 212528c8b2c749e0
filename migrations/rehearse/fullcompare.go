package rehearse

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"towline/migrations"
)

// Difference is one thing that is not as expected.
type Difference struct {
	What     DifferenceKind
	Name     string // of the table, "trigger users_ai" for an object of the schema, "users to teams" for a foreign key
	Expected string // a number or a word; "none" where there should be nothing
	Got      string
}

// DifferenceKind says what differs.
type DifferenceKind string

// The kinds of difference.
const (
	SchemaDiffers     DifferenceKind = "schema"
	IndexDiffers      DifferenceKind = "index"
	RowsDiffer        DifferenceKind = "rows"
	ViolationsDiffer  DifferenceKind = "foreign keys"
	DatabaseIsDamaged DifferenceKind = "quick_check"
)

const none = "none"

// Expect is the fingerprint that the database should have after the release, given the one from before it: the schema and
// the indexes of the rehearsal, no new violations and no new damage, and the same number of rows in every table that the
// release does not touch. A touched table should have what it had in the rehearsal on a copy of the data, if that began
// with the same number of rows; else nothing is expected of it and it is left out. Somebody who writes at the same time
// makes differences too.
func (r Report) Expect(before FullFingerprint, ledgerTable string) FullFingerprint {
	f := FullFingerprint{
		Objects: r.After, Indexes: r.IndexesAfter, Violations: before.Violations, Damage: before.Damage, Rows: make(map[string]int64),
	}
	for _, name := range countedTables(r.After, ledgerTable) {
		if slices.ContainsFunc(r.Touched, func(t string) bool { return sameName(t, name) }) {
			i := slices.IndexFunc(r.Tables, func(t TableRows) bool { return sameName(t.Name, name) })
			if r.Data && i >= 0 && r.Tables[i].Before == rowsOf(before, name) {
				f.Rows[name] = r.Tables[i].After
			}
			continue
		}
		f.Rows[name] = max(0, rowsOf(before, name))
	}
	return f
}

// rowsOf is how many rows a table has, -1 if there is none.
func rowsOf(f FullFingerprint, name string) int64 {
	for table, rows := range f.Rows {
		if sameName(table, name) {
			return rows
		}
	}
	return -1
}

// CompareFingerprints lists what differs, the schema first. Only the rows of tables that expected names are compared, and
// of violations and damage only more than expected is a difference.
func CompareFingerprints(expected, got FullFingerprint, ledgerTable string) []Difference {
	list := compareObjects(expected.Objects, got.Objects, ledgerTable)
	ledger := ledgerName(ledgerTable) + "."
	for _, line := range expected.Indexes {
		if !slices.Contains(got.Indexes, line) && !hasName(line, ledger) {
			list = append(list, Difference{IndexDiffers, line, "there", none})
		}
	}
	for _, line := range got.Indexes {
		if !slices.Contains(expected.Indexes, line) && !hasName(line, ledger) {
			list = append(list, Difference{IndexDiffers, line, none, "there"})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(expected.Rows)) {
		if is := rowsOf(got, name); is != expected.Rows[name] && is >= 0 {
			list = append(list, Difference{RowsDiffer, name, strconv.FormatInt(expected.Rows[name], 10), strconv.FormatInt(is, 10)})
		}
	}
	for _, v := range got.Violations {
		was := violationsOf(expected.Violations, v)
		if v.Rows > was {
			list = append(list, Difference{ViolationsDiffer, v.Table + " to " + v.Parent, strconv.FormatInt(was, 10), strconv.FormatInt(v.Rows, 10)})
		}
	}
	for _, line := range got.Damage {
		if !slices.Contains(expected.Damage, line) {
			list = append(list, Difference{DatabaseIsDamaged, "", "ok", line})
		}
	}
	return list
}

func hasName(line, start string) bool {
	return len(line) >= len(start) && sameName(line[:len(start)], start)
}

func violationsOf(list []Orphan, v Orphan) int64 {
	for _, o := range list {
		if sameName(o.Table, v.Table) && sameName(o.Parent, v.Parent) {
			return o.Rows
		}
	}
	return 0
}

func compareObjects(expected, got []migrations.Object, ledgerTable string) []Difference {
	byName := func(objects []migrations.Object) map[string]migrations.Object {
		m := make(map[string]migrations.Object)
		for _, o := range objects {
			if !reserved(o.Name) && !reserved(o.Table) && !sameName(o.Table, ledgerName(ledgerTable)) {
				m[o.Type+" "+fold(o.Name)] = o
			}
		}
		return m
	}
	want, is := byName(expected), byName(got)
	var list []Difference
	for _, key := range slices.Sorted(maps.Keys(want)) {
		o, there := is[key]
		name := fmt.Sprintf("%s %s", want[key].Type, want[key].Name)
		switch {
		case !there:
			list = append(list, Difference{SchemaDiffers, name, "there", none})
		case normalize(o.SQL) != normalize(want[key].SQL) || !sameName(o.Table, want[key].Table):
			list = append(list, Difference{SchemaDiffers, name, want[key].SQL, o.SQL})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(is)) {
		if _, there := want[key]; !there {
			list = append(list, Difference{SchemaDiffers, fmt.Sprintf("%s %s", is[key].Type, is[key].Name), none, "there"})
		}
	}
	return list
}
