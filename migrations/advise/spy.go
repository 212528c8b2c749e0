package advise

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	"github.com/ncruces/go-sqlite3/ext/rtree"

	"towline/migrations"
)

// mirror is the schema with a spy in the place of each table.
type mirror struct {
	db     *sqlite3.Conn
	schema *schema
	seen   []profile // what SQLite asked for since the last look
}

// profile is what SQLite's planner offered for one way of reading a table: conditions that an index could serve at once.
type profile struct {
	table    *table
	terms    []term
	order    []sorted
	distinct bool // the order is that of a GROUP BY or DISTINCT: any order of its columns will do
}

// term is one condition on a column.
type term struct {
	column    int
	op        sqlite3.IndexConstraintOp
	collation string // in which it compares
	in        bool   // a list of values
	literal   string // the value as SQL, where the text has it; "" where it is a parameter or another column's
	usable    bool   // in this way of reading
	join      bool   // it needs another table to be read first, at least in one way of reading
}

const (
	like = sqlite3.INDEX_CONSTRAINT_LIKE
	glob = sqlite3.INDEX_CONSTRAINT_GLOB
)

type sorted struct {
	column int
	desc   bool
}

// equal reports whether the condition pins the column to a value, or to a list of them.
func (t term) equal() bool {
	return t.op == sqlite3.INDEX_CONSTRAINT_EQ || t.op == sqlite3.INDEX_CONSTRAINT_IS || t.op == sqlite3.INDEX_CONSTRAINT_ISNULL
}

// ranges reports whether the condition bounds the column.
func (t term) ranges() bool {
	switch t.op {
	case sqlite3.INDEX_CONSTRAINT_GT, sqlite3.INDEX_CONSTRAINT_GE, sqlite3.INDEX_CONSTRAINT_LT, sqlite3.INDEX_CONSTRAINT_LE:
		return true
	}
	return false
}

// spy is a virtual table that is planned for and never read.
type spy struct {
	mirror *mirror
	table  *table
}

func newMirror(ctx context.Context, s *schema) (_ *mirror, err error) {
	db, err := sqlite3.OpenContext(ctx, ":memory:")
	if err != nil {
		return nil, fmt.Errorf("open SQLite database: %w", err)
	}
	m := &mirror{db: db, schema: s}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	if err := errors.Join(fts5.Register(db), rtree.Register(db)); err != nil {
		return nil, err
	}
	for _, flag := range []sqlite3.DBConfig{sqlite3.DBCONFIG_DQS_DML, sqlite3.DBCONFIG_DQS_DDL, sqlite3.DBCONFIG_TRUSTED_SCHEMA} {
		if _, err := db.Config(flag, true); err != nil {
			return nil, err
		}
	}
	connect := func(db *sqlite3.Conn, _, _, name string, _ ...string) (*spy, error) {
		t := s.table(migrations.Unquote(name))
		if t == nil {
			return nil, fmt.Errorf("no such table: %s", name)
		}
		return &spy{mirror: m, table: t}, db.DeclareVTab(t.declaration())
	}
	//lint:ignore SA1019 the method that is to take its place has type parameters, which Go has from 1.27 on
	if err := sqlite3.CreateModule(db, "spy", connect, connect); err != nil {
		return nil, err
	}
	for _, t := range s.tables {
		if err := db.Exec("CREATE VIRTUAL TABLE " + migrations.QuoteName(t.name) + " USING spy"); err != nil {
			return nil, fmt.Errorf("stand in for %s: %w", t.name, err)
		}
	}
	m.makeRest()
	return m, nil
}

// makeRest makes virtual tables and views as they are. One that cannot be made here only hides what its queries look for.
func (m *mirror) makeRest() {
	for _, o := range m.schema.objects {
		if o.Type == "table" && o.Virtual() {
			_ = m.db.Exec(o.SQL)
		}
	}
	for range 4 { // views of views come in any order
		for _, o := range m.schema.objects {
			if o.Type == "view" {
				_ = m.db.Exec(o.SQL)
			}
		}
	}
}

func (t *table) declaration() string {
	var list []string
	for _, c := range t.columns {
		def := migrations.QuoteName(c.name) + " " + c.kind
		if c.collation != "" && !strings.EqualFold(c.collation, "BINARY") {
			def += " COLLATE " + c.collation
		}
		list = append(list, def)
	}
	return "CREATE TABLE x (" + strings.Join(list, ", ") + ")"
}

func (m *mirror) close() error { return m.db.Close() }

// look prepares a query and returns what SQLite looked for. The error is SQLite's refusal, which says nothing about D1: virtual
// tables do not have all forms of statements.
func (m *mirror) look(ctx context.Context, sql string) ([]profile, error) {
	before := m.db.SetInterrupt(ctx)
	defer m.db.SetInterrupt(before)
	m.seen = nil
	stmt, _, err := m.db.Prepare(sql)
	if err != nil {
		return nil, err
	}
	m.marry()
	return m.seen, stmt.Close()
}

// marry finds the conditions that are not always usable: those need another table's row. A list of values is offered both ways too, and
// needs none.
func (m *mirror) marry() {
	type key struct {
		t  *table
		at string
	}
	name := func(t term) string { return fmt.Sprint(t.column, t.op, t.literal) }
	joins := map[key]bool{}
	for _, p := range m.seen {
		for _, t := range p.terms {
			if !t.usable && !t.in {
				joins[key{p.table, name(t)}] = true
			}
		}
	}
	for _, p := range m.seen {
		for i, t := range p.terms {
			p.terms[i].join = joins[key{p.table, name(t)}]
		}
	}
}

// BestIndex notes what is asked for. The costs that it answers with lead the planner on to the joins that an index would make cheap.
func (s *spy) BestIndex(info *sqlite3.IndexInfo) error {
	p := profile{table: s.table, distinct: info.Distinct() > 0}
	argv, cost := 0, 1e6
	for i, c := range info.Constraint {
		t := term{column: c.Column, op: c.Op}
		if c.Op >= sqlite3.INDEX_CONSTRAINT_LIMIT {
			continue
		}
		t.collation = info.Collation(i)
		t.usable = c.Usable
		if c.Op == sqlite3.INDEX_CONSTRAINT_ISNULL {
			t.literal = null
		} else if v, err := info.RHSValue(i); err == nil {
			t.literal = literal(v)
		}
		t.in = c.Op == sqlite3.INDEX_CONSTRAINT_EQ && info.In(i, -1)
		p.terms = append(p.terms, t)
		if c.Usable && (t.equal() || t.ranges()) {
			argv++
			info.ConstraintUsage[i].ArgvIndex = argv
			if t.equal() {
				cost /= 100
			} else {
				cost /= 4
			}
		}
	}
	for _, o := range info.OrderBy {
		p.order = append(p.order, sorted{column: o.Column, desc: o.Desc})
	}
	info.EstimatedCost, info.EstimatedRows = max(1, cost), int64(max(1, cost))
	s.mirror.seen = append(s.mirror.seen, p)
	return nil
}

// Open is never called: nothing is run here.
func (s *spy) Open() (sqlite3.VTabCursor, error) {
	return nil, errors.New("a stand-in has no rows")
}

// Update makes the table one that may be written to, as far as preparing goes.
func (s *spy) Update(...sqlite3.Value) (int64, error) {
	return 0, errors.New("a stand-in has no rows")
}

// literal is a value as SQL; "" for one that is not written down in an index's WHERE.
func literal(v sqlite3.Value) string {
	switch v.Type() {
	case sqlite3.INTEGER:
		return fmt.Sprint(v.Int64())
	case sqlite3.TEXT:
		return sqlite3.Quote(v.Text())
	}
	return ""
}
