package rehearse_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"towline/migrations"
	"towline/migrations/rehearse"
)

const zoo = people + cascade + grandNul + `
CREATE TABLE node(id INTEGER PRIMARY KEY, up INTEGER REFERENCES node(id) ON DELETE CASCADE, kind TEXT CHECK (kind IN ('a', 'b')));
CREATE TABLE strict_one(id TEXT PRIMARY KEY, b BLOB NOT NULL, r REAL, g INT AS (length(id)) STORED) STRICT, WITHOUT ROWID;
CREATE TABLE broken(a REFERENCES nowhere(b), c REFERENCES users(name));
CREATE VIRTUAL TABLE search USING fts5(body, content='');
CREATE VIEW v AS SELECT * FROM users;
CREATE TRIGGER users_ad AFTER DELETE ON users BEGIN DELETE FROM node WHERE id = old.id; END;
CREATE UNIQUE INDEX sessions_user ON sessions(user_id);`

func rehearseText(t testing.TB, target rehearse.Target, sql string) {
	statements, err := migrations.Split("0001.sql", []byte(sql))
	if err != nil {
		return
	}
	tx := migrations.Transaction{Names: []string{"0001.sql"}}
	for _, s := range statements {
		tx.Statements = append(tx.Statements, migrations.Planned{SQL: migrations.Canonical(s), Origin: s})
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeLimit)
	defer cancel()
	report, err := rehearse.Run(ctx, target, []migrations.Transaction{tx})
	switch {
	case errors.Is(err, context.DeadlineExceeded): // an endless query is stopped, not awaited
	case err != nil:
		t.Fatalf("%q: %v", sql, err)
	case report.Failure != nil && report.Failure.Message == "":
		t.Fatalf("%q: a failure without words: %+v", sql, report.Failure)
	}
}

// TestAnyStatementsCanBeRehearsed puts releases together from pieces that get in each other's way.
func TestAnyStatementsCanBeRehearsed(t *testing.T) {
	was := target(t, zoo)
	pieces := append(strings.SplitAfter(drizzle+deferred+copyInto, ";\n"),
		"DROP TABLE sessions;", "DROP TABLE users;", "DROP TABLE IF EXISTS clicks;", "DROP TABLE node;", "DROP TABLE search;",
		"DELETE FROM users;", "DELETE FROM sessions WHERE id > 1;", "REPLACE INTO users VALUES (1, 'x');",
		"INSERT OR ROLLBACK INTO users SELECT * FROM users;", "UPDATE users SET id = id + 10;", "INSERT INTO search(body) VALUES ('x');",
		"ALTER TABLE users ADD COLUMN n INT NOT NULL;", "ALTER TABLE users RENAME TO people;", "ALTER TABLE sessions DROP COLUMN user_id;",
		"CREATE UNIQUE INDEX u ON node(kind);", "PRAGMA defer_foreign_keys=OFF;", "PRAGMA recursive_triggers=ON;", "PRAGMA legacy_alter_table=ON;",
		"CREATE TRIGGER g BEFORE DELETE ON sessions BEGIN SELECT RAISE(IGNORE); END;", "CREATE TRIGGER h AFTER DELETE ON sessions BEGIN SELECT RAISE(ROLLBACK, 'no'); END;",
		"DELETE FROM users ORDER BY id LIMIT 1;", "INSERT INTO v VALUES (1, 2);", "DROP VIEW v;", "ANALYZE;", "EXPLAIN DROP TABLE users;", "REINDEX;",
		"CREATE TABLE k AS SELECT * FROM sessions;", "INSERT INTO sessions SELECT * FROM k;", "nonsense;")
	rapid.Check(t, func(r *rapid.T) {
		sql := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 12).Draw(r, "release"), "\n")
		rehearseText(t, was, sql)
	})
}

func FuzzAnyTextCanBeRehearsed(f *testing.F) {
	for _, c := range oddLosses() {
		f.Add(c.sql)
	}
	f.Add(drizzle)
	f.Add(guardedRebuild)
	was := target(f, zoo)
	f.Fuzz(func(t *testing.T, sql string) { rehearseText(t, was, sql) })
}
