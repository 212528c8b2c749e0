package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"towline/deploy/release"
	"towline/migrations"
)

// target is what D1 holds of an environment's database at one moment.
type target struct {
	Database release.Target
	Objects  []migrations.Object
	Ledger   []migrations.LedgerRow
	Size     int64 // bytes, 0 where it was not told
	At       time.Time
}

// schemaQuery lists what the schema is made of. D1's own tables are hidden from everybody else's business, and so are those that a
// backfill has while it is under way.
const schemaQuery = `SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name NOT LIKE '\_cf\_%' ESCAPE '\' AND name NOT LIKE '\_\_towline\_%' ESCAPE '\' ORDER BY rowid`

// look reads an environment's database: schema and ledger on one state, in one call where the id is known, from the last
// run or from an earlier plan. An id that no database has any more is looked up anew.
func (e *Engine) look(ctx context.Context, p Project, env release.Environment, known release.Target) (target, error) {
	return e.lookBy(ctx, p, env, known, e.read)
}

// reading fills a target from the database of that id.
type reading func(ctx context.Context, p Project, id string, t *target) error

// lookBy is look with another reading.
func (e *Engine) lookBy(ctx context.Context, p Project, env release.Environment, known release.Target, read reading) (target, error) {
	name := p.Database(env)
	t := target{Database: release.Target{Database: name}, At: e.now()}
	state, err := e.State(ctx, p.Name, env)
	if err != nil {
		return t, err
	}
	if state.DatabaseID != "" {
		known = release.Target{Database: state.Database, ID: state.DatabaseID}
	}
	if known.ID != "" && known.Database == name {
		err := read(ctx, p, known.ID, &t)
		if err == nil || !errors.Is(err, ErrNoDatabase) {
			return t, wrap(err, "read database %s", name)
		}
	}
	db, err := e.d1.Find(ctx, name)
	if errors.Is(err, ErrNoDatabase) {
		return t, nil
	}
	if err != nil {
		return t, wrap(err, "look for database %s", name)
	}
	return t, wrap(read(ctx, p, db.ID, &t), "read database %s", name)
}

// readNames reads the names of the ledger alone, which is all that /status says of a database.
func (e *Engine) readNames(ctx context.Context, p Project, id string, t *target) error {
	at := e.now()
	rows, err := e.d1.Read(ctx, id, []string{migrations.LedgerNamesQuery(p.ledger())})
	if _, refused := errors.AsType[*RejectedError](err); refused {
		return e.read(ctx, p, id, t) // there may be none yet: the schema tells
	}
	if err != nil {
		return err
	}
	var all []string
	if len(rows[0].Values) != 1 {
		return fmt.Errorf("the ledger %s cannot be read: %d rows where one was expected", p.ledger(), len(rows[0].Values))
	}
	if err := json.Unmarshal([]byte(text(rows[0].Values[0], 0)), &all); err != nil {
		return fmt.Errorf("the ledger %s cannot be read: %w", p.ledger(), err)
	}
	t.Ledger = nil
	for _, name := range all {
		t.Ledger = append(t.Ledger, migrations.LedgerRow{Name: name})
	}
	t.Size, t.Database.ID, t.At = rows[0].Size, id, at
	return nil
}

func (e *Engine) read(ctx context.Context, p Project, id string, t *target) error {
	at := e.now()
	rows, err := e.d1.Read(ctx, id, []string{schemaQuery, migrations.LedgerQuery(p.ledger())})
	if r, refused := errors.AsType[*RejectedError](err); refused {
		// A database that nobody has migrated yet has no ledger; the schema alone tells.
		if rows, err = e.d1.Read(ctx, id, []string{schemaQuery}); err == nil && hasTable(objects(rows[0]), p.ledger()) {
			return fmt.Errorf("the ledger %s cannot be read: %s", p.ledger(), r.Words)
		}
	}
	if err != nil {
		return err
	}
	t.Objects, t.Ledger, t.Size = objects(rows[0]), nil, rows[0].Size
	if len(rows) > 1 {
		t.Ledger = ledgerRows(rows[1])
	}
	t.Database.ID, t.At = id, at
	return nil
}

// of is the project as a release of it knows it: with the ledger's table that wrangler's config beside its migrations
// names, unless Towline's own names one.
func (p Project) of(r release.Release) Project {
	if p.LedgerTable == "" {
		p.LedgerTable = r.Ledger
	}
	return p
}

func (p Project) ledger() string {
	if p.LedgerTable == "" {
		return "d1_migrations"
	}
	return p.LedgerTable
}

func objects(r Rows) []migrations.Object {
	out := make([]migrations.Object, 0, len(r.Values))
	for _, v := range r.Values {
		out = append(out, migrations.Object{Type: text(v, 0), Name: text(v, 1), Table: text(v, 2), SQL: text(v, 3)})
	}
	return out
}

func ledgerRows(r Rows) []migrations.LedgerRow {
	out := make([]migrations.LedgerRow, 0, len(r.Values))
	for _, v := range r.Values {
		id, _ := v[0].(int64)
		out = append(out, migrations.LedgerRow{ID: id, Name: text(v, 1), AppliedAt: text(v, 2)})
	}
	return out
}

func text(row []any, i int) string {
	if i >= len(row) || row[i] == nil {
		return ""
	}
	if s, ok := row[i].(string); ok {
		return s
	}
	return fmt.Sprint(row[i])
}

func hasTable(objs []migrations.Object, name string) bool {
	for _, o := range objs {
		if o.Type == "table" && o.Name == name {
			return true
		}
	}
	return false
}

func names(ledger []migrations.LedgerRow) []string {
	out := make([]string, len(ledger))
	for i, r := range ledger {
		out[i] = r.Name
	}
	return out
}
