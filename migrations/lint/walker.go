package lint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/sqlite"
)

// walker carries statements out on a copy of the schema.
type walker struct {
	ctx    context.Context
	c      *sqlite.Conn
	w      *walk
	now    *schema
	rowids []int64 // of now.objects in sqlite_master
	// bad are the messages of the views and triggers of now that cannot be compiled; nil: not looked at since the last change of the schema.
	bad map[migrations.Object]string
}

// open makes the copy: of the target, or an empty one.
func open(ctx context.Context, w *walk) (*walker, error) {
	c, err := sqlite.Open(ctx, ":memory:")
	if err != nil {
		return nil, err
	}
	c.LeaveSize()
	k := &walker{ctx: ctx, c: c, w: w}
	err = c.Without(func() error {
		_, err := c.Exec(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", maxPages))
		return err
	})
	if err == nil && w.in.Target != nil {
		_, err = c.Restore(ctx, w.in.Target.Objects) // of what cannot be made the rehearsal speaks
	}
	if err == nil {
		err = k.reread()
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return k, nil
}

// maxPages keeps a statement that inserts without end from taking all memory: 128 MB in pages of 4 kB, far more than the rows of migrations.
const maxPages = 32_768

// replay carries out the known files, as well as they can be.
func (k *walker) replay(files []migrations.File) error {
	for _, f := range files {
		statements, _ := migrations.SplitLoose(f.Name, f.SQL)
		err := k.transaction(func() error {
			for _, s := range statements {
				_, err := k.c.Exec(k.ctx, s.SQL)
				if e, ok, stop := refusal(k.ctx, err); stop != nil {
					return stop
				} else if ok && !k.c.LimitedWrite(k.ctx, s.SQL, e) {
					k.w.replay = append(k.w.replay, &step{Statement: s, err: e})
				}
			}
			return k.settle()
		})
		if _, _, stop := refusal(k.ctx, err); stop != nil {
			return stop
		}
	}
	return k.reread()
}

// refusal tells SQLite's refusal of a statement from what ends the walk.
func refusal(ctx context.Context, err error) (e *sqlite.Error, refused bool, stop error) {
	switch {
	case err == nil:
		return nil, false, nil
	case ctx.Err() != nil:
		return nil, false, ctx.Err()
	case errors.As(err, &e):
		return e, true, nil
	}
	return nil, false, err
}

func (k *walker) transaction(fn func() error) error { return k.c.Transaction(k.ctx, fn) }

// settle makes the end of a transaction pass, whatever its foreign keys say.
func (k *walker) settle() error {
	if !k.c.UnresolvedForeignKeys() {
		return nil
	}
	return k.c.Without(func() error {
		_, err := k.c.Exec(k.ctx, "PRAGMA defer_foreign_keys = OFF")
		return err
	})
}

// file carries out one checked file as one transaction, as wrangler does.
func (k *walker) file(f *file) error {
	f.before = k.now
	var was map[migrations.Object]string
	looks := slices.ContainsFunc(f.steps, func(s *step) bool {
		return len(s.tokens) > 0 && s.tokens[0].Is(s.SQL, "DROP", "ALTER") && s.word("DROP", "RENAME")
	})
	if looks {
		was = k.unusable()
	}
	err := k.transaction(func() error {
		for i, s := range f.steps {
			if err := k.timed(s); errors.Is(err, errSlow) {
				f.leave(i+1, k.now)
				return err
			} else if err != nil {
				return err
			}
		}
		for _, d := range f.asserts {
			if err := k.assert(d); err != nil {
				return err
			}
		}
		if k.c.UnresolvedForeignKeys() {
			f.commit = &sqlite.Error{Code: 19, Extended: 787, Message: "FOREIGN KEY constraint failed", Offset: -1}
		}
		return k.settle()
	})
	if e, _, stop := refusal(k.ctx, err); stop != nil && !errors.Is(err, errSlow) {
		return stop
	} else if err != nil {
		f.commit = e
		if err := k.reread(); err != nil {
			return err
		}
	}
	f.after = k.now
	if looks {
		for o, message := range k.unusable() {
			if _, known := was[o]; !known && was != nil {
				f.broken = append(f.broken, broken{o, message})
			}
		}
		slices.SortFunc(f.broken, func(a, b broken) int { return strings.Compare(a.Type+a.Name, b.Type+b.Name) })
	}
	return nil
}

// errSlow ends the transaction of a file with a statement that takes too long: SQLite takes all of it back when it is interrupted.
var errSlow = errors.New("a statement takes too long")

// leave marks the statements from an index on as not carried out.
func (f *file) leave(from int, now *schema) {
	for _, s := range f.steps[from:] {
		s.before, s.after, s.left = now, now, true
		s.err = &sqlite.Error{Code: 4, Extended: 4, Message: "not looked at: a statement above it takes too long", Offset: -1}
	}
}

// timed carries out one statement, for as long as D1 would let it run at most.
func (k *walker) timed(s *step) error {
	outer := k.ctx
	ctx, cancel := context.WithTimeout(outer, k.w.o.limit())
	defer cancel()
	k.ctx = ctx
	err := k.step(s)
	k.ctx = outer
	if err == nil || ctx.Err() == nil || outer.Err() != nil {
		return err
	}
	s.before, s.after = k.now, k.now
	s.err = &sqlite.Error{Code: 9, Extended: 9, Message: fmt.Sprintf("it ran for %s on a copy without rows, and D1 stops after 30 seconds", k.w.o.limit()), Offset: -1}
	k.w.slow = true
	return errSlow
}

// step carries out one statement.
func (k *walker) step(s *step) error {
	s.before, s.after = k.now, k.now
	for _, d := range s.asserts {
		if err := k.assert(d); err != nil {
			return err
		}
	}
	if err := k.explain(s); err != nil {
		return err
	}
	res, err := k.exec(s)
	e, refused, stop := refusal(k.ctx, err)
	if stop != nil {
		return stop
	}
	if refused {
		s.err = e
		s.limited = k.c.LimitedWrite(k.ctx, s.SQL, e)
		s.actions, _ = k.c.Prepare(k.ctx, s.SQL)
		return k.ctx.Err()
	}
	s.actions, s.changes = res.Actions, res.Changes
	if from := s.transfers(); from != "" {
		s.actions = append(s.actions, sqlite.Action{Kind: sqlite.Read, Arg3: from})
	}
	return k.follow(s)
}

// explain notes the query plan of a statement that changes rows of a table that was there before the checked files.
func (k *walker) explain(s *step) error {
	if len(k.w.first.objects) == 0 || len(s.tokens) == 0 || !s.tokens[0].Is(s.SQL, "UPDATE", "DELETE", "INSERT", "REPLACE", "WITH") {
		return nil
	}
	var plan []planLine
	err := k.c.Without(func() error {
		res, err := k.c.Exec(k.ctx, "EXPLAIN QUERY PLAN "+s.SQL)
		for _, r := range res.Rows {
			plan = append(plan, planLine{number(r[0]), number(r[1]), text(r[3])})
		}
		return err
	})
	_, _, stop := refusal(k.ctx, err)
	s.plan = plan
	return stop
}

// follow reads what changed in the schema. What a plain CREATE or DROP changes is known from its actions, so that nothing but new objects
// has to be read; all of it is read after an ALTER that may change other objects, and after what concerns virtual tables.
func (k *walker) follow(s *step) error {
	created, dropped, altered := false, "", ""
	for _, a := range s.actions {
		switch a.Kind {
		case sqlite.CreateVTable, sqlite.DropVTable:
			defer func() { s.after = k.now }()
			return k.reread()
		case sqlite.CreateIndex, sqlite.CreateTable, sqlite.CreateTrigger, sqlite.CreateView:
			created = true
		case sqlite.DropIndex, sqlite.DropTable, sqlite.DropTrigger, sqlite.DropView:
			if a.Inner == "" && dropped == "" {
				dropped = string(a.Kind) + " " + fold(a.Arg3)
			}
		case sqlite.AlterTable:
			altered = a.Arg3
		}
	}
	var err error
	switch {
	case altered != "" && !s.calls("sqlite_rename_table") && !s.calls("sqlite_rename_column"):
		err = k.rereadTable(s, altered)
	case altered != "":
		err = k.reread()
	case dropped != "":
		k.drop(s.dropKind())
	case created:
		err = k.readNew()
	}
	s.after = k.now
	return err
}

// dropKind returns what a DROP statement drops: the kind as in sqlite_master, and the name. A DROP TABLE names its indexes and triggers too.
func (s *step) dropKind() (kind, name string) {
	for _, a := range s.actions {
		switch a.Kind {
		case sqlite.DropTable:
			return "table", a.Arg3
		case sqlite.DropView:
			kind, name = "view", a.Arg3
		case sqlite.DropIndex:
			if kind == "" {
				kind, name = "index", a.Arg3
			}
		case sqlite.DropTrigger:
			if kind == "" {
				kind, name = "trigger", a.Arg3
			}
		}
	}
	return kind, name
}

// drop takes an object out of the schema, with the indexes and triggers that belong to it.
func (k *walker) drop(kind, name string) {
	var objects []migrations.Object
	var rowids []int64
	for i, o := range k.now.objects {
		own := o.Type == kind && same(o.Name, name)
		its := (kind == "table" || kind == "view") && o.Type != "table" && o.Type != "view" && same(o.Table, name)
		if !own && !its {
			objects, rowids = append(objects, o), append(rowids, k.rowids[i])
		}
	}
	k.now, k.rowids, k.bad = newSchema(objects), rowids, nil
}

// rereadTable reads the text of one table.
func (k *walker) rereadTable(s *step, name string) error {
	objects, _, err := k.objects(readObjects+"AND type = 'table' AND name = ?1 COLLATE NOCASE", name)
	i, ok := k.now.tables[fold(name)]
	if err != nil || !ok || len(objects) != 1 {
		return errors.Join(err, k.reread())
	}
	n := &schema{objects: slices.Clone(k.now.objects), tables: k.now.tables}
	was := k.now.objects[i]
	n.objects[i] = objects[0]
	k.now, k.bad = n, nil
	if keys, known := k.w.shapes.keysOf[was.SQL]; known && !s.word("REFERENCES", "DROP") {
		k.w.shapes.keysOf[objects[0].SQL] = keys
		return nil
	}
	return k.noteKeys(objects)
}

const readObjects = `SELECT rowid, type, name, tbl_name, coalesce(sql, '') FROM sqlite_master WHERE substr(name, 1, 7) <> 'sqlite_' `

// reread reads the whole schema.
func (k *walker) reread() error {
	objects, rowids, err := k.objects(readObjects + "ORDER BY rowid")
	if err != nil {
		return err
	}
	if k.now == nil || !slices.Equal(objects, k.now.objects) {
		k.now, k.rowids, k.bad = newSchema(objects), rowids, nil
	}
	return nil
}

// readNew reads what was added to the schema.
func (k *walker) readNew() error {
	last := int64(0)
	if n := len(k.rowids); n > 0 {
		last = k.rowids[n-1]
	}
	objects, rowids, err := k.objects(readObjects+"AND rowid > ?1 ORDER BY rowid", last)
	if err != nil || len(objects) == 0 {
		return err
	}
	k.now = k.now.with(objects)
	k.rowids = append(k.rowids, rowids...)
	k.bad = nil
	return k.noteKeys(objects)
}

// noteKeys reads the foreign keys of new tables while they are at hand.
func (k *walker) noteKeys(objects []migrations.Object) error {
	for _, o := range objects {
		if o.Type != "table" || !strings.Contains(fold(o.SQL), "references") {
			continue
		}
		err := k.c.Without(func() (err error) {
			k.w.shapes.keysOf[o.SQL], err = keysOfOne(k.ctx, k.c, o.Name)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (k *walker) objects(query string, params ...any) (objects []migrations.Object, rowids []int64, err error) {
	err = k.c.Without(func() error {
		res, err := k.c.Exec(k.ctx, query, params...)
		for _, r := range res.Rows {
			objects = append(objects, migrations.Object{Type: text(r[1]), Name: text(r[2]), Table: text(r[3]), SQL: text(r[4])})
			rowids = append(rowids, number(r[0]))
		}
		return err
	})
	return objects, rowids, err
}

// with is the schema and more objects. The arrays are shared as far as they are equal.
func (s *schema) with(more []migrations.Object) *schema {
	n := &schema{objects: append(s.objects[:len(s.objects):len(s.objects)], more...), tables: s.tables}
	copied := false
	for i, o := range more {
		if o.Type != "table" {
			continue
		}
		if !copied {
			n.tables, copied = cloneIndex(s.tables), true
		}
		n.tables[fold(o.Name)] = len(s.objects) + i
	}
	return n
}

func cloneIndex(m map[string]int) map[string]int {
	n := make(map[string]int, len(m)+1)
	for name, i := range m {
		n[name] = i
	}
	return n
}

// meaning returns the tokens of a text but for blanks and comments.
func meaning(sql string) []migrations.Token {
	list, _ := migrations.Lex(sql)
	return slices.DeleteFunc(list, func(t migrations.Token) bool { return !t.Means() })
}
