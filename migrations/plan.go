package migrations

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A guard is a table that exists only inside a transaction and whose only column takes no NULL; an assertion inserts a
// NULL for what is wrong. So the message of a failed one is "NOT NULL constraint failed: GUARD.ok". CHECK would not do:
// PRAGMA ignore_check_constraints, left on by anybody, switches it off.
const (
	// LedgerGuard stands in the message of an Undo that does not find its migrations in the ledger.
	LedgerGuard = "not_in_the_ledger"
	// ForeignKeyGuard, with the name of the migration behind it, stands in the message of a transaction that failed
	// because a migration would have left rows whose foreign keys lead nowhere.
	ForeignKeyGuard = "foreign_keys_after_"
)

func createGuard(name string) string {
	return "CREATE TABLE " + QuoteName(name) + " (ok INTEGER NOT NULL)"
}

// ForeignKeysAfter returns the migration, or the seed, whose assertion of foreign keys failed with the given message of D1
// or SQLite; false for any other message.
func ForeignKeysAfter(message string) (name string, ok bool) {
	_, after, found := strings.Cut(message, "NOT NULL constraint failed: "+ForeignKeyGuard)
	end := strings.LastIndex(after, ".ok")
	if !found || end < 0 {
		return "", false
	}
	return after[:end], true
}

// Cleanup returns the statements to send after the transaction failed: a rollback does not undo the pragmas that it had
// set on the connection. Sending them twice, or without need, does no harm.
func (t Transaction) Cleanup() []Planned {
	var used []string
	for _, p := range t.Statements {
		used = append(used, pragmaOf(p.SQL))
	}
	return restore(used)
}

// restore puts the settings among the given pragmas back to their default.
func restore(used []string) []Planned {
	var list []Planned
	for _, name := range settings {
		if slices.Contains(used, name) {
			list = append(list, Planned{SQL: "PRAGMA " + name + " = OFF"})
		}
	}
	return list
}

// assertForeignKeys fails the transaction if a foreign key leads nowhere.
func assertForeignKeys(name string) []Planned {
	guard := QuoteName(ForeignKeyGuard + name)
	return []Planned{
		{SQL: createGuard(ForeignKeyGuard + name)},
		{SQL: "INSERT INTO " + guard + " SELECT NULL FROM pragma_foreign_key_check"},
		{SQL: "DROP TABLE " + guard},
	}
}

// share is what one migration brings into a transaction.
type share struct {
	name   string
	ledger []Planned // its statements about the ledger
	body   []Planned
	used   []string // the pragmas that it names
	defers bool     // it makes foreign keys that are DEFERRABLE INITIALLY DEFERRED
	alone  bool
}

// newShare puts the statements of a file together, each behind the assertions that stand above it.
func newShare(name, file string, list []Statement, asserted []assertion) share {
	s := share{name: name}
	for _, st := range list {
		for len(asserted) > 0 && asserted[0].offset < st.Offset {
			s.body = append(s.body, asserted[0].guard(file)...)
			asserted = asserted[1:]
		}
		s.body = append(s.body, Planned{SQL: Canonical(st), Origin: st})
		s.used = append(s.used, pragmaOf(st.SQL))
		s.defers = s.defers || mentions(st.SQL, "DEFERRED")
	}
	for _, a := range asserted {
		s.body = append(s.body, a.guard(file)...)
	}
	return s
}

// finish writes the end of a share. deferred says that foreign keys may be deferred without a pragma.
func (s *share) finish(violations, deferred bool) {
	touches := slices.Contains(s.used, deferral)
	s.body = append(s.body, restore(s.used)...)
	if !touches && !deferred {
		return
	}
	if violations {
		s.alone = true
		return
	}
	s.body = append(s.body, assertForeignKeys(s.name)...)
	if touches {
		s.body = append(s.body, Planned{SQL: "PRAGMA " + deferral + " = OFF"})
	}
}

func (s share) size() (statements, bytes int) {
	for _, p := range slices.Concat(s.ledger, s.body) {
		bytes += len(p.SQL) + 1
	}
	return len(s.ledger) + len(s.body), bytes
}

// planner collects shares and puts them together to transactions of head, all ledger statements, tail, all bodies.
type planner struct {
	o          Options
	head, tail []Planned
	shares     []share
}

func (p *planner) add(name, file string, sql []byte, ledger ...Planned) error {
	if name == "" {
		return errors.New("a migration without a name")
	}
	for _, s := range p.shares {
		if s.name == name {
			return fmt.Errorf("%s is given twice", name)
		}
	}
	list, err := Split(file, sql)
	if err != nil {
		return err
	}
	var asserted []assertion
	if !p.o.Unasserted {
		if asserted, err = assertions(file, string(sql), list); err != nil {
			return err
		}
	}
	s := newShare(name, file, list, asserted)
	s.ledger = ledger
	p.shares = append(p.shares, s)
	return nil
}

// close writes the end of every share, which depends on all of them.
func (p *planner) close() {
	deferred := p.o.Deferred || slices.ContainsFunc(p.shares, func(s share) bool { return s.defers })
	for i := range p.shares {
		p.shares[i].finish(p.o.Violations, deferred)
	}
}

func (p *planner) transactions() []Transaction {
	p.close()
	var list []Transaction
	var group []share
	statements, bytes := 0, 0
	flush := func() {
		if len(group) > 0 {
			list = append(list, p.transaction(group))
		}
		group, statements, bytes = nil, 0, 0
	}
	for _, s := range p.shares {
		n, b := s.size()
		if s.alone || statements+n > p.maxStatements() || bytes+b > p.maxBytes() {
			flush()
		}
		group, statements, bytes = append(group, s), statements+n, bytes+b
		if s.alone {
			flush()
		}
	}
	flush()
	return list
}

func (p *planner) transaction(group []share) Transaction {
	var t Transaction
	t.Statements = append(t.Statements, p.head...)
	for _, s := range group {
		t.Names = append(t.Names, s.name)
		t.Statements = append(t.Statements, s.ledger...)
	}
	t.Statements = append(t.Statements, p.tail...)
	for _, s := range group {
		t.Statements = append(t.Statements, s.body...)
	}
	return t
}

func (p *planner) maxStatements() int {
	if p.o.MaxStatements > 0 {
		return p.o.MaxStatements
	}
	return MaxTransactionStatements
}

func (p *planner) maxBytes() int {
	if p.o.MaxBytes > 0 {
		return p.o.MaxBytes
	}
	return MaxTransactionBytes
}

// mentions reports whether the keyword stands anywhere in the statement, outside quotes and comments.
func mentions(sql, keyword string) bool {
	list, _ := tokens(sql)
	return slices.ContainsFunc(list, func(t token) bool { return t.is(sql, keyword) })
}
