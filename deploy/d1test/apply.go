package d1test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"towline/deploy"
)

var applying = []testCase{
	{"statements are applied in order, all of them, once", func(t *testing.T, u *user) {
		id := u.database(t)
		statements := []string{"CREATE TABLE count (n INTEGER)", "INSERT INTO count VALUES (0)"}
		for range 300 {
			statements = append(statements, "UPDATE count SET n = n + 1")
		}
		u.apply(t, id, statements...)
		u.expect(t, id, "SELECT n FROM count", []any{int64(300)})
	}},
	{"a final semicolon, a comment and a trigger's body are part of a statement", func(t *testing.T, u *user) {
		id := u.database(t,
			"CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT); -- the end",
			"CREATE TABLE log (line TEXT)",
			"CREATE TRIGGER noted AFTER INSERT ON item BEGIN INSERT INTO log VALUES ('a; b'); INSERT INTO log VALUES (new.name); END;",
			"/* ; */ INSERT INTO item (name) VALUES ('it''s € 🚢\r\n;')")
		u.expect(t, id, "SELECT line FROM log ORDER BY rowid", []any{"a; b"}, []any{"it's € 🚢\r\n;"})
	}},
	{"if the last statement fails, nothing of the others is there, and the words are SQLite's", func(t *testing.T, u *user) {
		for _, c := range []struct{ last, words string }{
			{"INSERT INTO item VALUES (1)", "UNIQUE constraint failed: item.id"},
			{"INSERT INTO nowhere VALUES (1)", "no such table: nowhere"},
			{"SELEC 1", "syntax error"},
			{"INSERT INTO child VALUES (99)", "FOREIGN KEY constraint failed"},
		} {
			id := u.database(t, "CREATE TABLE item (id INTEGER PRIMARY KEY)", "INSERT INTO item VALUES (1)", "CREATE TABLE child (item INTEGER REFERENCES item)")
			_, err := u.Apply(u.ctx, id, []string{"CREATE TABLE made (id INTEGER)", "INSERT INTO made VALUES (1)", "DELETE FROM item WHERE id > 1", "INSERT INTO item VALUES (2)", c.last})
			var rejected *deploy.RejectedError
			if !errors.As(err, &rejected) || !strings.Contains(rejected.Words, c.words) {
				t.Errorf("%s: got %v, want %q", c.last, err, c.words)
			}
			u.expect(t, id, tables, []any{"child"}, []any{"item"})
			u.expect(t, id, "SELECT id FROM item", []any{int64(1)})
		}
	}},
	{"a deferred foreign key that is violated at the end leaves nothing", func(t *testing.T, u *user) {
		id := u.database(t, "CREATE TABLE parent (id INTEGER PRIMARY KEY)", "CREATE TABLE child (parent INTEGER REFERENCES parent)")
		_, err := u.Apply(u.ctx, id, []string{"PRAGMA defer_foreign_keys = on", "CREATE TABLE made (id INTEGER)", "INSERT INTO child VALUES (99)"})
		var rejected *deploy.RejectedError
		var unanswered *deploy.UnansweredError
		if !errors.As(err, &rejected) && !errors.As(err, &unanswered) { // D1 may call it an internal error
			t.Errorf("got %v", err)
		}
		u.expect(t, id, tables, []any{"child"}, []any{"parent"})
		u.expect(t, id, "SELECT * FROM child")
	}},
	{"a deferred foreign key that is mended before the end is fine", func(t *testing.T, u *user) {
		id := u.database(t, "CREATE TABLE parent (id INTEGER PRIMARY KEY)", "CREATE TABLE child (parent INTEGER REFERENCES parent)")
		u.apply(t, id, "PRAGMA defer_foreign_keys = on", "INSERT INTO child VALUES (1)", "INSERT INTO parent VALUES (1)")
		u.expect(t, id, "SELECT parent FROM child", []any{int64(1)})
	}},
	{"the cost of a transaction is the sum over its statements, and a refused one costs nothing to report", func(t *testing.T, u *user) {
		id := u.database(t, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
		cost, err := u.Apply(u.ctx, id, []string{"INSERT INTO item VALUES (1, 'a'), (2, 'b')", "INSERT INTO item VALUES (3, 'c')", "SELECT * FROM item", "SELECT * FROM item"})
		if err != nil || cost.RowsWritten != 3 || cost.RowsRead < 6 || cost.Duration < 0 || cost.Duration > limit {
			t.Errorf("%+v, %v; want 3 rows written and at least 6 read", cost, err)
		}
		cost, err = u.Apply(u.ctx, id, []string{"INSERT INTO item VALUES (4, 'd')", "INSERT INTO item VALUES (1, 'a')"})
		if err == nil || cost != (deploy.Cost{}) {
			t.Errorf("a refused transaction: %+v, %v", cost, err)
		}
	}},
	{"foreign keys are on", func(t *testing.T, u *user) {
		id := u.database(t, "CREATE TABLE parent (id INTEGER PRIMARY KEY)", "CREATE TABLE child (parent INTEGER REFERENCES parent ON DELETE CASCADE)",
			"INSERT INTO parent VALUES (1)", "INSERT INTO child VALUES (1)")
		u.apply(t, id, "PRAGMA foreign_keys = off", "DELETE FROM parent")
		u.expect(t, id, "SELECT count(*) FROM child", []any{int64(0)})
	}},
	{"a batch that begins with its ledger row is applied once, however often it is sent", ledgerFirst},
	{"a guard that fails in the middle of a batch undoes what was before it", func(t *testing.T, u *user) {
		id := u.database(t, "CREATE TABLE item (id INTEGER)", "INSERT INTO item VALUES (1)")
		_, err := u.Apply(u.ctx, id, []string{"DELETE FROM item", "SELECT CASE WHEN (SELECT count(*) FROM item) = 1 THEN 1 ELSE json('rows were lost') END", "CREATE TABLE made (id INTEGER)"})
		var rejected *deploy.RejectedError
		if !errors.As(err, &rejected) {
			t.Errorf("got %v", err)
		}
		u.expect(t, id, "SELECT id FROM item", []any{int64(1)})
		u.expect(t, id, tables, []any{"item"})
	}},
}

// ledgerFirst is what makes a second sending safe: the ledger's UNIQUE name refuses it before anything is done.
func ledgerFirst(t *testing.T, u *user) {
	id := u.database(t, "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
		"CREATE TABLE account (balance INTEGER)", "INSERT INTO account VALUES (0)")
	const senders = 8
	errs := make(chan error, senders)
	for range senders {
		go func() {
			_, err := u.Apply(u.ctx, id, []string{"INSERT INTO d1_migrations (name) VALUES ('0002_pay.sql')", "UPDATE account SET balance = balance + 100"})
			errs <- err
		}()
	}
	var done int
	var odd []string
	for range senders {
		err := <-errs
		var rejected *deploy.RejectedError
		switch {
		case err == nil:
			done++
		case !errors.As(err, &rejected) || !strings.Contains(rejected.Words, "UNIQUE constraint failed: d1_migrations.name"):
			odd = append(odd, fmt.Sprint(err))
		}
	}
	if done != 1 || odd != nil {
		t.Errorf("%d of %d were committed; unexpected: %q", done, senders, odd)
	}
	u.expect(t, id, "SELECT balance FROM account", []any{int64(100)})
	u.expect(t, id, "SELECT name FROM d1_migrations", []any{"0002_pay.sql"})
}
