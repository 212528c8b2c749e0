package rebuild

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// Options says what Generate cannot see in the schema. The zero value is a good one.
type Options struct {
	// Renames names columns that go on under another name: old to new. They are renamed with ALTER TABLE at the start, so
	// that indexes, triggers, views and the foreign keys of children follow.
	Renames map[string]string
	// Leave names indexes and triggers of the table that are not made again. Without it, an index over a column that goes
	// is a reason to refuse.
	Leave []string
	// Unindexed allows children whose foreign key has no index. Each row of the table then costs a scan of such a child,
	// twice: fine for a few hundred rows, minutes for tens of thousands.
	Unindexed bool
	// AnyName allows the CREATE TABLE to carry another name, as the new_ tables of other tools do. What refers to that
	// name inside it then refers to the table itself.
	AnyName bool

	restore []migrations.Object // indexes and triggers that the table has not now and gets
}

// Result is a rebuild, ready to be a migration file.
type Result struct {
	SQL        string   // the file: comments, then the statements, each with its semicolon
	Statements []string // the statements alone, without comments and semicolons
	Create     string   // the CREATE TABLE as SQLite keeps it
	Warnings   []string // what is lost or may fail with rows, one sentence each

	Added, Dropped []string // columns
	// Guarded names the children whose rows a bare DROP TABLE would delete or change, in the order of the schema.
	Guarded []string
	// After is the schema that the rebuild leaves.
	After []migrations.Object
}

// RefusedError says why no rebuild can be written that is safe.
type RefusedError struct {
	Table  string
	Reason string // what stands in the way, a sentence without its full stop
	Do     string // what to do about it; empty where there is nothing
	SQL    string // a statement that does it, to run in an earlier migration; often empty
	Err    error  // SQLite's refusal, where there was one
}

// Error returns the reason and what to do.
func (e *RefusedError) Error() string {
	text := fmt.Sprintf("no rebuild of %s: %s", e.Table, e.Reason)
	if e.Do != "" {
		text += ". " + e.Do
	}
	return text
}

// Unwrap returns SQLite's refusal.
func (e *RefusedError) Unwrap() error { return e.Err }

// Generate writes the migration that gives a table the CREATE TABLE in create. objects is the live schema, a
// sqlite_master in the order of rowid. The migration was carried out on a copy of that schema, without rows, when
// Generate returns.
//
// A column that both tables have keeps its values, one that only the new table has takes its DEFAULT or NULL, and one
// that only the old table has goes, with a warning. Rowids stay where both tables have them, and so does the counter of
// AUTOINCREMENT.
//
// The error is a *[RefusedError] where this table cannot get this CREATE TABLE safely, ctx's error when it ends, and
// anything else if the schema itself cannot be made again.
func Generate(ctx context.Context, objects []migrations.Object, table, create string, o Options) (Result, error) {
	g := &generator{o: o, table: table}
	if migrations.Reserved(table) {
		return Result{}, g.refuse("the table belongs to SQLite or Cloudflare", "")
	}
	live, err := openScratch(ctx, objects)
	if err != nil {
		return Result{}, err
	}
	g.live = live
	result, err := g.generate(ctx, create)
	return result, errors.Join(err, live.Close())
}

// Down writes the way back: the rebuild that turns what Generate leaves into what objects has now. It takes the same
// arguments as Generate. Values of dropped columns do not come back, and those of added columns go; both are warnings.
// The errors are Generate's; a dropped column that is NOT NULL without a DEFAULT is one.
func Down(ctx context.Context, objects []migrations.Object, table, create string, o Options) (Result, error) {
	up, err := Generate(ctx, objects, table, create, o)
	if err != nil {
		return Result{}, err
	}
	back := Options{Unindexed: o.Unindexed, Renames: make(map[string]string), restore: left(objects, table, o.Leave)}
	for from, to := range o.Renames {
		back.Renames[to] = from
	}
	down, err := Generate(ctx, up.After, table, createOf(objects, table), back)
	for _, name := range up.Dropped {
		if err == nil {
			down.Warnings = append(down.Warnings, fmt.Sprintf("Column %s comes back without its values.", name))
		}
	}
	return down, err
}

type generator struct {
	o     Options
	table string
	live  *sqlite.Conn

	was      *shape   // the schema, after the renames
	old, new *table   // the table in it, and as it is to be
	moves    columns  // what becomes of each column
	children []child  // who refers to the table
	fulltext []string // FTS5 tables over it
	names    scratchNames
	facts    []fact

	renames  []string // statements
	steps    []string // all of them, the renames included
	warnings []string
}

func (g *generator) refuse(reason, do string) *RefusedError {
	return &RefusedError{Table: g.table, Reason: reason, Do: do}
}

func (g *generator) warn(format string, args ...any) {
	g.warnings = append(g.warnings, fmt.Sprintf(format, args...))
}

func (g *generator) generate(ctx context.Context, create string) (Result, error) {
	for _, step := range []func(context.Context) error{
		g.findTable, g.findLeft,
		func(ctx context.Context) error { return g.readCreate(ctx, create) },
		g.rename, g.pairColumns, g.findChildren, g.checkMentions, g.findFulltext,
	} {
		if err := step(ctx); err != nil {
			return Result{}, err
		}
	}
	g.chooseNames()
	g.write()
	after, err := g.try(ctx)
	if err != nil {
		return Result{}, err
	}
	r := Result{Statements: g.steps, Create: g.new.sql, Warnings: g.warnings, After: after,
		Added: namesOf(g.moves.added), Dropped: namesOf(g.moves.dropped)}
	for _, c := range g.children {
		if c.guarded() && !c.self {
			r.Guarded = append(r.Guarded, c.table.name)
		}
	}
	r.SQL = g.header() + strings.Join(g.steps, ";\n") + ";\n"
	return r, nil
}

// findLeft refuses an Options.Leave that names nothing of the table: it would be a slip of the pen, and something goes or stays that was not meant.
func (g *generator) findLeft(context.Context) error {
	for _, name := range g.o.Leave {
		if len(left(g.was.objects, g.table, []string{name})) == 0 {
			return g.refuse("it has no index or trigger "+name+" that could be left out", "")
		}
	}
	return nil
}

// createOf is the CREATE TABLE that the schema has for the table.
func createOf(objects []migrations.Object, table string) string {
	for _, o := range objects {
		if o.Type == "table" && same(o.Name, table) {
			return o.SQL
		}
	}
	return ""
}

// left lists the objects that Options.Leave names.
func left(objects []migrations.Object, table string, names []string) []migrations.Object {
	var list []migrations.Object
	for _, o := range objects {
		if (o.Type == "index" || o.Type == "trigger") && same(o.Table, table) && has(names, o.Name) {
			list = append(list, o)
		}
	}
	return list
}
