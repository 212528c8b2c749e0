package rehearse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// maxAttempts is how often the run with canaries starts again, each time with more tables left empty.
const maxAttempts = 10

// wetRun is one run with canary rows.
type wetRun struct {
	c        *sqlite.Conn
	dry      *dryRun
	excluded map[string]bool
	retries  bool // a statement that canaries keep from changing the schema starts another attempt
	notes    map[int]Note
	tables   *tableStates

	over     bool // from here on the rows are not what the release would have made of them
	lost     []lost
	pending  []openDrop // drops that left foreign keys unresolved so far
	asserted bool       // the file has asserted its foreign keys since
}

// openDrop is a DROP TABLE after which rows refer to a table that is gone.
type openDrop struct {
	at       int
	children []child // that have rows
}

// again asks for another attempt in which these tables stay empty.
type again struct{ tables []string }

func (a *again) Error() string { return fmt.Sprintf("canaries in the way: %v", a.tables) }

// runWet carries the steps out on a copy with rows. A statement that fails there, but not on the copy without rows, is
// a warning. If it should have changed the schema, the run starts again without rows in its tables, so that what comes
// after can still be watched.
func runWet(ctx context.Context, t Target, dry *dryRun) ([]Loss, []Note, error) {
	excluded := make(map[string]bool)
	notes := make(map[int]Note)
	for attempt := 1; ; attempt++ {
		w := &wetRun{dry: dry, excluded: excluded, retries: attempt < maxAttempts, notes: notes}
		losses, err := w.attempt(ctx, t)
		var more *again
		if errors.As(err, &more) {
			for _, name := range more.tables {
				excluded[name] = true
			}
			continue
		}
		return losses, inOrder(notes), err
	}
}

func inOrder(notes map[int]Note) []Note {
	var list []Note
	for _, i := range slices.Sorted(maps.Keys(notes)) {
		list = append(list, notes[i])
	}
	return list
}

func (w *wetRun) attempt(ctx context.Context, t Target) (losses []Loss, err error) {
	if w.c, err = reopen(ctx, w.dry.tables); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.c.Close()) }()
	sound, err := seed(ctx, w.c, w.dry.shapeBefore, ledgerName(t.LedgerTable), w.excluded)
	if err != nil {
		return nil, err
	}
	if err := rebuildRest(ctx, w.c, t); err != nil {
		return nil, err
	}
	w.tables = newTableStates(w.dry.shapeBefore, sound)
	start := 0
	for tx, end := range w.dry.ends {
		if err := w.transaction(ctx, tx, start, end); err != nil {
			return nil, err
		}
		start = end
	}
	return w.verdict(ctx)
}

func (w *wetRun) transaction(ctx context.Context, tx, start, end int) error {
	w.pending, w.asserted = nil, false
	err := w.c.Transaction(ctx, func() error {
		for i := start; i < end; i++ {
			if err := w.step(ctx, i); err != nil {
				return err
			}
			w.tables.account(&w.dry.steps[i])
		}
		return w.commit(ctx, tx, start, end)
	})
	var refused *sqlite.Error
	if err != nil && ctx.Err() == nil && errors.As(err, &refused) {
		w.over = true // rolled back: what follows lacks what this transaction did
		return nil
	}
	return err
}

// step carries out one statement and watches the tables that it might change besides its own.
func (w *wetRun) step(ctx context.Context, i int) error {
	s := &w.dry.steps[i]
	if w.over {
		if s.untrue != nil {
			w.notes[i] = Note{*s.untrue, untrueHere}
		}
		w.accuse(i, "")
		return nil
	}
	if s.skipped {
		return nil
	}
	by, watched := s.watched()
	before := w.snapshots(ctx, watched)
	children := w.childrenWithRows(ctx, s)
	unresolved := w.c.UnresolvedForeignKeys()
	_, err := w.dry.settings.carryOut(ctx, w.c, w.dry.settings.within, "a copy with a few rows", s.planned.SQL, s.planned.Params...)
	if refused, ok := errors.AsType[*sqlite.Error](err); ok && refused.ExtendedName() == "SQLITE_CONSTRAINT_CHECK" {
		// A made-up row seldom meets a CHECK, real rows do. What the statement does to those is seen without it.
		if !w.tables.readsDoubtful(s) {
			w.note(i, s, refused)
		}
		err = w.withoutChecks(ctx, s)
	}
	if err != nil {
		return w.failed(ctx, i, err)
	}
	for _, table := range watched {
		w.compare(i, by, table, before[table], w.snapshot(ctx, table))
	}
	w.follow(i, unresolved, children)
	return ctx.Err()
}

// withoutChecks carries the statement out while CHECK constraints are off.
func (w *wetRun) withoutChecks(ctx context.Context, s *step) error {
	set := func(on string) error {
		return w.c.Without(func() error {
			_, err := w.c.Exec(ctx, "PRAGMA ignore_check_constraints = "+on)
			return err
		})
	}
	if err := set("ON"); err != nil {
		return err
	}
	_, err := w.dry.settings.carryOut(ctx, w.c, w.dry.settings.within, "a copy with a few rows", s.planned.SQL, s.planned.Params...)
	return errors.Join(err, set("OFF"))
}

// failed deals with a statement that only the rows make fail.
func (w *wetRun) failed(ctx context.Context, i int, err error) error {
	var refused *sqlite.Error
	if ctx.Err() != nil || !errors.As(err, &refused) {
		return errors.Join(ctx.Err(), err)
	}
	s := &w.dry.steps[i]
	if exhausted(err) {
		w.note(i, s, refused)
		w.over = true
		return nil
	}
	if at, ok := assertionAt(refused.Message); ok {
		w.notes[i] = Note{at, untrueHere}
		return nil
	}
	if !w.tables.readsDoubtful(s) {
		w.note(i, s, refused)
	}
	w.accuse(i, "")
	if !s.changesSchema() {
		w.tables.doubtWrites(s)
		return nil
	}
	var more []string
	for _, name := range s.names() {
		if w.dry.shapeBefore.byName[name] != nil && !w.excluded[name] {
			more = append(more, name)
		}
	}
	if len(more) > 0 && w.retries {
		return &again{more}
	}
	w.over = true
	return nil
}

func (w *wetRun) note(i int, s *step, refused *sqlite.Error) {
	if _, noted := w.notes[i]; noted {
		return
	}
	place := placeOf(s.planned, refused.Offset)
	if name, ok := migrations.ForeignKeysAfter(refused.Message); ok {
		place = Place{File: w.dry.fileOf(name)}
	}
	w.notes[i] = Note{place, "fails if there are rows: " + refused.Message}
}

// follow keeps track of foreign keys whose check is put off.
func (w *wetRun) follow(i int, before bool, children []child) {
	s := &w.dry.steps[i]
	if (s.planned.Origin.File != "" || asks(s.planned)) && s.readsCheck() {
		w.asserted = true
	}
	if w.c.UnresolvedForeignKeys() {
		if s.dropped != "" && (!before || len(children) > 0) {
			w.pending = append(w.pending, openDrop{i, children})
			w.asserted = false
		}
		return
	}
	if before && s.setsDeferral() {
		w.forgotten(i)
	}
	w.pending = nil
}

// forgotten deals with a PRAGMA defer_foreign_keys = OFF that made the engine forget violations. In the file it hides
// what the commit would have said, unless the file has checked for itself. Behind the file it is Towline's own, and the
// file alone would be refused.
func (w *wetRun) forgotten(i int) {
	s := &w.dry.steps[i]
	ofFile := s.planned.Origin.File != ""
	switch {
	case ofFile && w.asserted:
	case len(w.pending) > 0:
		w.refusedCommit(ofFile)
	case ofFile:
		w.notes[i] = Note{s.place, "makes D1 forget rows whose foreign keys lead nowhere, if there are any"}
	}
}

// commit says what the end of the transaction would have met, and makes it pass, so that the next one can be watched.
func (w *wetRun) commit(ctx context.Context, tx, start, end int) error {
	if w.over || !w.c.UnresolvedForeignKeys() {
		return nil
	}
	if len(w.pending) > 0 {
		w.refusedCommit(false)
	} else if end > start {
		place := Place{File: w.dry.steps[end-1].place.File}
		w.notes[end-1] = Note{place, "the end of the transaction fails if there are rows: FOREIGN KEY constraint failed"}
	}
	return w.c.Without(func() error {
		_, err := w.c.Exec(ctx, "PRAGMA defer_foreign_keys = OFF")
		return err
	})
}
