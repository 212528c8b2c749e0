package rehearse

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// OnlyOnD1 is what is said of a form that D1's SQLite has and the one here has not (see sqlite.Conn.LimitedWrite).
const OnlyOnD1 = "a LIMIT on an UPDATE with FROM, or on a write to a view, works on D1, but cannot be rehearsed here"

// errLedger ends a transaction whose failure is known.
var errLedger = errors.New("a file changes the ledger")

// step is one statement of the plan, with what was learnt of it on the copy without rows.
type step struct {
	planned migrations.Planned
	place   Place
	actions []sqlite.Action
	skipped bool     // it cannot be carried out here
	untrue  *Place   // where it stands, if it is an assertion that is not true of a copy without rows
	scans   []string // the tables that it reads as a whole, where rows were given
	direct  bool     // there is nothing to plan in it, where rows were given
	more    more     // likewise
	// dropped is the table that the statement drops; then suspects are the tables that the authorizer names besides, and
	// children all tables with a foreign key to it.
	dropped  string
	suspects []suspect
	children []child
}

// suspect is a table whose rows a DROP TABLE would change, by the authorizer's word.
type suspect struct {
	table, column string
	kind          Kind
	guarded       bool // a trigger of the table ignores the change
}

// child is a table with a foreign key to a dropped one.
type child struct {
	table   string
	columns []string
}

// dryRun is what the run without rows gave.
type dryRun struct {
	steps       []step // of all transactions, in order
	ends        []int  // for each transaction, how many steps there are up to its end
	failure     *Failure
	unrehearsed []Note
	ledger      string
	tables      []byte // the copy before its views and triggers, for the run with rows

	shapeBefore, shapeAfter *shape
	after                   []migrations.Object
	indexesAfter            []string

	settings                settings
	costs                   *costs
	plansBefore, plansAfter []queryPlan
}

func runDry(ctx context.Context, t Target, txs []migrations.Transaction) (*dryRun, error) {
	return runDryWith(ctx, t, txs, newSettings(nil))
}

func runDryWith(ctx context.Context, t Target, txs []migrations.Transaction, s settings) (d *dryRun, err error) {
	c, err := rebuild(ctx, t)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	d = &dryRun{ledger: ledgerName(t.LedgerTable), settings: s}
	if d.tables, err = c.Serialize(); err != nil {
		return nil, err
	}
	if err := rebuildRest(ctx, c, t); err != nil {
		return nil, err
	}
	if d.shapeBefore, err = readShape(ctx, c); err != nil {
		return nil, err
	}
	if d.plansBefore, err = readPlans(ctx, c, s.queries); err != nil {
		return nil, err
	}
	if err := d.all(ctx, c, txs); err != nil || d.failure != nil {
		return d, err
	}
	if d.shapeAfter, err = readShape(ctx, c); err != nil {
		return nil, err
	}
	d.after = d.shapeAfter.objects
	if d.plansAfter, err = readPlans(ctx, c, s.queries); err != nil {
		return nil, err
	}
	res, err := c.Exec(ctx, indexQuery)
	d.indexesAfter = indexLines(res.Rows, d.after)
	return d, err
}

// all carries the transactions out until one fails, which is then in d.failure.
func (d *dryRun) all(ctx context.Context, c *sqlite.Conn, txs []migrations.Transaction) error {
	for _, tx := range txs {
		err := c.Transaction(ctx, func() error { return d.transaction(ctx, c, tx) })
		if err := d.judge(ctx, tx, err); err != nil || d.failure != nil {
			return err
		}
		d.ends = append(d.ends, len(d.steps))
	}
	return nil
}

// judge takes the error of a transaction: nil, the refusal of a statement, for which d.failure is set, the refusal of the
// COMMIT, or something that ends the rehearsal, which it returns.
func (d *dryRun) judge(ctx context.Context, tx migrations.Transaction, err error) error {
	var refused *sqlite.Error
	switch {
	case err == nil || d.failure != nil:
		return ctx.Err()
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.As(err, &refused):
		return err
	}
	d.failure = &Failure{AtCommit: true, Message: refused.Message, Code: refused.ExtendedName(), Migrations: tx.Names}
	if len(tx.Names) == 1 {
		d.failure.File = d.lastFile()
	}
	return nil
}

func (d *dryRun) lastFile() string {
	for i := len(d.steps) - 1; i >= 0; i-- {
		if f := d.steps[i].place.File; f != "" {
			return f
		}
	}
	return ""
}

func (d *dryRun) transaction(ctx context.Context, c *sqlite.Conn, tx migrations.Transaction) error {
	for _, p := range tx.Statements {
		s := step{planned: p, place: placeOf(p, -1)}
		if err := s.inspect(ctx, c); err != nil {
			return err
		}
		if d.settings.rows != nil {
			s.findScans(ctx, c)
		}
		res, err := d.settings.carryOut(ctx, c, d.settings.within, "a copy without rows", p.SQL, p.Params...)
		switch {
		case err == nil:
			s.actions = res.Actions
			if err := d.price(ctx, c, &s); err != nil {
				return err
			}
			if d.touchesLedger(s) {
				return d.refuseLedger(tx, s)
			}
		case ctx.Err() != nil:
			return ctx.Err()
		case d.pardons(ctx, c, &s, err):
		case c.LimitedWrite(ctx, p.SQL, err):
			s.skipped = true
			d.unrehearsed = append(d.unrehearsed, Note{s.place, OnlyOnD1})
		case d.needsRows(ctx, c, p, err):
			s.skipped = true
			d.unrehearsed = append(d.unrehearsed, Note{s.place, "it depends on rows that only the real database has"})
		default:
			return d.refuse(tx, s, err)
		}
		d.steps = append(d.steps, s)
	}
	return d.forget(ctx, c)
}

// price finds out, where rows were given, what a statement costs for each row.
func (d *dryRun) price(ctx context.Context, c *sqlite.Conn, s *step) (err error) {
	if d.settings.rows == nil {
		return nil
	}
	if d.costs == nil || s.changesSchema() {
		d.costs = newCosts(c)
	}
	s.more, err = d.costs.more(ctx, s)
	return err
}

// touchesLedger reports whether a statement of a file changes the ledger. Its names are what every decision rests on, and
// they are Towline's to write, in the same transaction: after a file that writes or removes some, nothing agrees any more.
func (d *dryRun) touchesLedger(s step) bool {
	if s.place.File == "" {
		return false // one of ours
	}
	return slices.ContainsFunc(s.actions, func(a sqlite.Action) bool {
		switch a.Kind {
		case sqlite.Insert, sqlite.Update, sqlite.Delete, sqlite.DropTable, sqlite.AlterTable:
			return sameName(a.Arg3, d.ledger)
		case sqlite.CreateTrigger:
			return sameName(a.Arg4, d.ledger)
		}
		return false
	})
}

// refuseLedger is the failure of a statement that D1 would carry out.
func (d *dryRun) refuseLedger(tx migrations.Transaction, s step) error {
	d.failure = &Failure{
		Place: placeOf(s.planned, -1), Migrations: tx.Names, Code: "LEDGER",
		Message: "it changes " + d.ledger + ", the ledger of applied migrations, which only the tool that applies them writes",
	}
	return errLedger
}

// needsRows reports whether a refusal may be due to nothing but the copy's having no rows: what failed is a foreign key,
// or a constraint or an assertion in a statement that reads tables which were there before the release. Where there were
// none, rows cannot be missing.
func (d *dryRun) needsRows(ctx context.Context, c *sqlite.Conn, p migrations.Planned, err error) bool {
	var refused *sqlite.Error
	if !errors.As(err, &refused) || !d.shapeBefore.holdsTables(d.ledger) {
		return false
	}
	actions, prepareErr := c.Prepare(ctx, p.SQL)
	if prepareErr != nil {
		return false
	}
	if refused.ExtendedName() == "SQLITE_CONSTRAINT_FOREIGNKEY" {
		return true
	}
	if _, ok := migrations.ForeignKeysAfter(refused.Message); ok {
		return true
	}
	if refused.Name() != "SQLITE_CONSTRAINT" && refused.Message != "malformed JSON" {
		return false
	}
	for _, a := range actions {
		if a.Kind == sqlite.Read && d.shapeBefore.byName[fold(a.Arg3)] != nil && !sameName(a.Arg3, d.ledger) && !reserved(a.Arg3) {
			return true
		}
	}
	return false
}

// forget lets a transaction commit whose deferred foreign keys lead to rows that only the real database has.
func (d *dryRun) forget(ctx context.Context, c *sqlite.Conn) error {
	if !c.UnresolvedForeignKeys() || !d.shapeBefore.holdsTables(d.ledger) {
		return nil
	}
	place := Place{File: d.lastFile()}
	d.unrehearsed = append(d.unrehearsed, Note{place, "its foreign keys depend on rows that only the real database has"})
	_, err := c.Exec(ctx, "PRAGMA defer_foreign_keys = OFF")
	return err
}

// refuse makes the failure out of the refusal of a statement.
func (d *dryRun) refuse(tx migrations.Transaction, s step, err error) error {
	var refused *sqlite.Error
	if !errors.As(err, &refused) {
		return err
	}
	d.failure = &Failure{
		Place: placeOf(s.planned, refused.Offset), Migrations: tx.Names,
		Message: refused.Message, Code: refused.ExtendedName(),
	}
	if at, ok := assertionAt(refused.Message); ok {
		d.failure.Place, d.failure.Message = at, untrue
	}
	if name, ok := migrations.ForeignKeysAfter(refused.Message); ok {
		d.failure.Place = Place{File: d.fileOf(name)}
		d.failure.AtCommit = true
	}
	return refused
}

// fileOf is the file from which the statements of a migration come: its name, or that of its DOWN file.
func (d *dryRun) fileOf(name string) string {
	if last := d.lastFile(); strings.HasSuffix(last, name) {
		return last
	}
	return name
}

// placeOf is where a statement stands, or the byte of it at offset if that is not negative.
func placeOf(p migrations.Planned, offset int) Place {
	o := p.Origin
	place := Place{File: o.File, Line: o.Line, Col: o.Col, Index: o.Index, Statement: o.SQL}
	if o.File == "" {
		place.Statement = p.SQL
	}
	if o.Line == 0 || offset <= 0 || offset > len(p.SQL) {
		return place
	}
	before := p.SQL[:offset]
	place.Line += strings.Count(before, "\n")
	if i := strings.LastIndexByte(before, '\n'); i >= 0 {
		place.Col = 1 + utf8.RuneCountInString(before[i+1:])
	} else {
		place.Col += utf8.RuneCountInString(before)
	}
	return place
}
