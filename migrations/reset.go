package migrations

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Object is a row of sqlite_master.
type Object struct {
	Type  string // table, index, view or trigger
	Name  string
	Table string // the table or view that an index or trigger belongs to; else the name
	SQL   string // empty for an index that a constraint made
}

// resetGuard begins the names of the triggers that hold foreign key actions off while tables are dropped.
const resetGuard = "towline_reset_"

// Reset plans one transaction that empties a database, whatever is in it, gives it the objects and the ledger rows of
// another one, and carries out a seed: current is the sqlite_master of the database, wanted and ledger are those of the
// other, both in the order of rowid and id. Tables of SQLite and of Cloudflare (sqlite_*, _cf_*) are left alone, and
// virtual tables take care of their shadow tables.
//
// Sent twice it has the same result, since whatever it makes it first drops. Two cases are refused the second time by
// SQLite, changing nothing: a name that is a view in one database and a table in the other, and a seed that creates
// objects of its own.
//
// How it gets round foreign keys: children are dropped before parents. Where tables refer to each other in a circle, or
// to themselves, triggers with RAISE(IGNORE) hold the actions off, and the deferral of all checks ends with the old
// tables. The seed is held to foreign keys again, as a migration is by Apply. The Transaction has no Names, since no
// migration is carried out.
//
// The error names an object without a name or with an unknown type. Options' ceilings do not apply.
func Reset(current, wanted []Object, ledger []LedgerRow, seed []Statement, o Options) (Transaction, error) {
	was, err := sortObjects(current)
	if err != nil {
		return Transaction{}, fmt.Errorf("current schema: %w", err)
	}
	will, err := sortObjects(wanted)
	if err != nil {
		return Transaction{}, fmt.Errorf("wanted schema: %w", err)
	}
	var t Transaction
	t.Statements = append(t.Statements, Planned{SQL: "PRAGMA " + deferral + " = ON"})
	t.Statements = append(t.Statements, restore(settings[:])...)
	t.Statements = append(t.Statements, empty(was, will, ledgerName(o.Ledger))...)
	t.Statements = append(t.Statements, Planned{SQL: "PRAGMA " + deferral + " = OFF"})
	t.Statements = append(t.Statements, will.create()...)
	t.Statements = append(t.Statements, Planned{SQL: createLedger(o.Ledger)})
	for _, row := range ledger {
		t.Statements = append(t.Statements, insertRow(row, o))
	}
	t.Statements = append(t.Statements, sow(seed, o)...)
	return t, nil
}

func insertRow(row LedgerRow, o Options) Planned {
	return Planned{SQL: "INSERT INTO " + QuoteName(ledgerName(o.Ledger)) + " (id, name, applied_at) VALUES (" +
		strconv.FormatInt(row.ID, 10) + ", " + QuoteText(row.Name) + ", " + QuoteText(row.AppliedAt) + ")"}
}

// sow carries out the seed as if it were one migration.
func sow(seed []Statement, o Options) []Planned {
	if len(seed) == 0 {
		return nil
	}
	s := newShare(seed[0].File, seed[0].File, seed, nil)
	s.finish(o.Violations, o.Deferred)
	return s.body
}

// schema is sqlite_master sorted by what it takes to drop and create; each list keeps the order that it was given in,
// since the newest trigger fires first.
type schema struct {
	tables, virtual, indexes, views, triggers []Object
}

func sortObjects(objects []Object) (schema, error) {
	var s schema
	for _, o := range objects {
		switch {
		case o.Name == "":
			return schema{}, errors.New("an object without a name")
		case Reserved(o.Name) || Reserved(o.Table):
		case o.Virtual():
			s.virtual = append(s.virtual, o)
		case o.Type == "table":
			s.tables = append(s.tables, o)
		case o.Type == "index":
			s.indexes = append(s.indexes, o)
		case o.Type == "view":
			s.views = append(s.views, o)
		case o.Type == "trigger":
			s.triggers = append(s.triggers, o)
		default:
			return schema{}, fmt.Errorf("%s is of the unknown type %q", o.Name, o.Type)
		}
	}
	s.tables = slices.DeleteFunc(s.tables, s.shadow)
	s.indexes = slices.DeleteFunc(s.indexes, func(o Object) bool { return s.shadow(Object{Name: o.Table}) })
	return s, nil
}

// module is the lower-case name of a virtual table's module; empty for any other object.
func (o Object) module() string {
	list, _ := tokens(o.SQL)
	if len(list) < 2 || !list[0].is(o.SQL, "CREATE") || !list[1].is(o.SQL, "VIRTUAL") {
		return ""
	}
	for i, t := range list[2:] {
		if t.is(o.SQL, "USING") && i+3 < len(list) {
			return Fold(Unquote(list[i+3].text(o.SQL)))
		}
	}
	return "unknown"
}

// shadow reports whether a table is kept by one of the virtual tables ("FTS5", section 9; "The SQLite R*Tree Module",
// section 3.1).
func (s schema) shadow(o Object) bool {
	for _, v := range s.virtual {
		var suffixes []string
		switch v.module() {
		case "fts5":
			suffixes = []string{"_data", "_idx", "_content", "_docsize", "_config"}
		case "rtree", "rtree_i32":
			suffixes = []string{"_node", "_parent", "_rowid"}
		}
		for _, suffix := range suffixes {
			if Fold(o.Name) == Fold(v.Name)+suffix {
				return true
			}
		}
	}
	return false
}

// create lists the statements that make the schema, in an order that works.
func (s schema) create() []Planned {
	var list []Planned
	for _, o := range slices.Concat(s.tables, s.virtual, s.indexes, s.views, s.triggers) {
		if o.SQL != "" {
			list = append(list, Planned{SQL: Canonical(Statement{SQL: trim(o.SQL)})})
		}
	}
	return list
}

// trim cuts comments and blanks around a statement, and semicolons behind it.
func trim(sql string) string {
	list, ok := tokens(sql)
	for ok && len(list) > 0 && list[len(list)-1].kind == semi {
		list = list[:len(list)-1]
	}
	if !ok || len(list) == 0 {
		return sql
	}
	return sql[list[0].start:list[len(list)-1].end]
}
