package lint_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"towline/migrations/lint"
	"towline/migrations/rehearse"
)

func TestASearchIndexThatFallsBehindIsAnError(t *testing.T) {
	const table = "CREATE TABLE docs(id INTEGER PRIMARY KEY, body TEXT);\n"
	const search = "CREATE VIRTUAL TABLE docs_fts USING fts5(body, content='docs', content_rowid='id');\n"
	const trigger = "CREATE TRIGGER docs_ai AFTER INSERT ON docs BEGIN INSERT INTO docs_fts(rowid, body) VALUES (new.id, new.body); END;\n"
	const remake = "CREATE TABLE docs_new(id INTEGER PRIMARY KEY, body TEXT NOT NULL);\nINSERT INTO docs_new(id, body) SELECT id, body FROM docs;\n" +
		"DROP TABLE docs;\nALTER TABLE docs_new RENAME TO docs;\n"
	const refresh = "INSERT INTO docs_fts(docs_fts) VALUES ('rebuild');\n"
	testRule(t, "D1-IDX01", []ruleCase{
		{name: "a rebuild that loses the trigger", base: table + search + trigger, sql: remake, fires: true, table: "docs", text: "docs_ai", rewrite: "'rebuild'"},
		{name: "a rebuild with the trigger and a refresh", base: table + search + trigger, sql: remake + trigger + refresh},
		{name: "a rebuild by rowid with the trigger made behind the rows", base: table + search + trigger, sql: remake + trigger},
		{name: "rows filled in while the trigger feeds the index", base: table + search + trigger,
			sql:   "CREATE TABLE keep AS SELECT * FROM docs;\nDROP TABLE docs;\n" + table + trigger + "INSERT INTO docs(id, body) SELECT id, body FROM keep;\nDROP TABLE keep;",
			fires: true, text: "stand twice"},
		{name: "a rebuild whose rows have no rowid of their own", base: "CREATE TABLE docs(id TEXT PRIMARY KEY, body TEXT);\nCREATE VIRTUAL TABLE docs_fts USING fts5(body, content=docs);\n",
			sql:   "CREATE TABLE docs_new(id TEXT PRIMARY KEY, body TEXT NOT NULL);\nINSERT INTO docs_new(id, body) SELECT id, body FROM docs;\nDROP TABLE docs;\nALTER TABLE docs_new RENAME TO docs;",
			fires: true, rewrite: "'rebuild'"},
		{name: "the trigger dropped", base: table + search + trigger, sql: "DROP TRIGGER docs_ai;", fires: true, text: "docs_ai"},
		{name: "the trigger replaced by another", base: table + search + trigger,
			sql: "DROP TRIGGER docs_ai;\nCREATE TRIGGER docs_insert AFTER INSERT ON docs BEGIN INSERT INTO docs_fts(rowid, body) VALUES (new.id, new.body); END;"},
		{name: "the index dropped as well", base: table + search + trigger, sql: "DROP TRIGGER docs_ai;\nDROP TABLE docs_fts;"},
		{name: "an index with content of its own", base: table + "CREATE VIRTUAL TABLE docs_fts USING fts5(body);\n", sql: remake},
		{name: "another table rebuilt", base: table + search + trigger + "CREATE TABLE notes(id INTEGER PRIMARY KEY);",
			sql: "CREATE TABLE notes_new(id INTEGER PRIMARY KEY, x);\nINSERT INTO notes_new(id) SELECT id FROM notes;\nDROP TABLE notes;\nALTER TABLE notes_new RENAME TO notes;"},
	})
}

func TestIfNotExistsThatHidesAnotherDefinitionIsAnError(t *testing.T) {
	testRule(t, "D1-IDX02", []ruleCase{
		{name: "a table that lacks a column", base: "CREATE TABLE t(x);", sql: "CREATE TABLE IF NOT EXISTS t(x, y);", fires: true, table: "t", text: "no column y"},
		{name: "the same table", base: "CREATE TABLE t(x);", sql: "CREATE TABLE IF NOT EXISTS t(x);"},
		{name: "the same table, written otherwise", base: "CREATE TABLE t(x INTEGER PRIMARY KEY, y TEXT);", sql: "create table if not exists \"t\" (\n  `x` integer primary key, -- the key\n  [y] text\n);"},
		{name: "the same columns by ALTER TABLE", base: "CREATE TABLE t(x TEXT);\nALTER TABLE t ADD COLUMN y TEXT;", sql: "CREATE TABLE IF NOT EXISTS t(x TEXT, y TEXT);"},
		{name: "another type", base: "CREATE TABLE t(x TEXT);", sql: "CREATE TABLE IF NOT EXISTS t(x INTEGER);", fires: true, text: "TEXT, not INTEGER"},
		{name: "NOT NULL that is not there", base: "CREATE TABLE t(x TEXT);", sql: "CREATE TABLE IF NOT EXISTS t(x TEXT NOT NULL);", fires: true},
		{name: "another default", base: "CREATE TABLE t(x TEXT DEFAULT 'a');", sql: "CREATE TABLE IF NOT EXISTS t(x TEXT DEFAULT 'b');", fires: true},
		{name: "a foreign key that is not there", base: "CREATE TABLE p(id INTEGER PRIMARY KEY);\nCREATE TABLE t(x INTEGER);", sql: "CREATE TABLE IF NOT EXISTS t(x INTEGER REFERENCES p(id));", fires: true},
		{name: "UNIQUE that is not there", base: "CREATE TABLE t(x TEXT);", sql: "CREATE TABLE IF NOT EXISTS t(x TEXT UNIQUE);", fires: true},
		{name: "the table that is there has more", base: "CREATE TABLE t(x, y);", sql: "CREATE TABLE IF NOT EXISTS t(x);", fires: true, severity: lint.Warning, text: "y as well"},
		{name: "an index over another column", base: "CREATE TABLE t(x, y);\nCREATE INDEX i ON t(x);", sql: "CREATE INDEX IF NOT EXISTS i ON t(y);", fires: true, table: "t", rewrite: "DROP INDEX \"i\";\nCREATE INDEX i ON t(y);"},
		{name: "the same index", base: "CREATE TABLE t(x, y);\nCREATE INDEX i ON t(x);", sql: "CREATE INDEX IF NOT EXISTS \"i\" ON t (\"x\");"},
		{name: "an index that is not there yet", base: "CREATE TABLE t(x, y);", sql: "CREATE INDEX IF NOT EXISTS i ON t(y);"},
		{name: "both in one release", files: []string{"CREATE TABLE t(x);", "CREATE TABLE IF NOT EXISTS t(x, y);"}, fires: true, severity: lint.Warning},
	})
}

func TestAQueryThatGetsAWorsePlanIsFound(t *testing.T) {
	const base = "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER, day TEXT);\nCREATE INDEX orders_user ON orders(user_id);"
	query := func(in *lint.Input) {
		in.Queries = []rehearse.Query{{Name: "orders of a user", SQL: "SELECT * FROM orders WHERE user_id = ?1 ORDER BY id"}}
	}
	testRule(t, "D1-IDX03", []ruleCase{
		{name: "the index goes", base: base, sql: "CREATE TABLE notes(id INTEGER);\nDROP INDEX orders_user;", in: query, fires: true, text: "orders of a user"},
		{name: "no query needs it", base: base, sql: "DROP INDEX orders_user;"},
		{name: "a better index takes its place", base: base, sql: "CREATE INDEX orders_user_id ON orders(user_id, id);\nDROP INDEX orders_user;", in: query},
		{name: "a column is added", base: base, sql: "ALTER TABLE orders ADD COLUMN note TEXT;", in: query},
	})
}

// rows says how many rows the tables have.
func rows(counts map[string]int64) func(*lint.Input) {
	return func(in *lint.Input) { in.Rows = counts }
}

func TestAReleaseThatTakesTooLongIsFound(t *testing.T) {
	const base = "CREATE TABLE orders(id INTEGER PRIMARY KEY, day TEXT, fax TEXT);"
	testRule(t, "D1-BIG01", []ruleCase{
		{name: "an index on 20 million rows", base: base, sql: "CREATE INDEX orders_day ON orders(day);", in: rows(map[string]int64{"orders": 20e6}), fires: true, severity: lint.Error, text: "40,000,000"},
		{name: "an index on 2 million rows", base: base, sql: "CREATE INDEX orders_day ON orders(day);", in: rows(map[string]int64{"orders": 2e6}), fires: true},
		{name: "an index on a few rows", base: base, sql: "CREATE INDEX orders_day ON orders(day);", in: rows(map[string]int64{"orders": 2e3})},
		{name: "a new column on 20 million rows", base: base, sql: "ALTER TABLE orders ADD COLUMN state TEXT DEFAULT 'new';", in: rows(map[string]int64{"orders": 20e6})},
		{name: "a dropped column on 20 million rows", base: base, sql: "ALTER TABLE orders DROP COLUMN fax;", in: rows(map[string]int64{"orders": 20e6}), fires: true, severity: lint.Error},
		{name: "many rows in sum", base: base + "\nCREATE TABLE lines(id INTEGER PRIMARY KEY, n INTEGER);",
			sql: "CREATE INDEX orders_day ON orders(day);\nCREATE INDEX lines_n ON lines(n);", in: rows(map[string]int64{"orders": 600_000, "lines": 500_000}), fires: true},
		{name: "nothing is known of the rows", base: base, sql: "CREATE INDEX orders_day ON orders(day);"},
		{name: "an index on a new table", base: base, sql: "CREATE TABLE notes(a);\nCREATE INDEX n ON notes(a);", in: rows(map[string]int64{"orders": 20e6})},
		{name: "a rebuild of 20 million rows", base: base, in: rows(map[string]int64{"orders": 20e6}), fires: true, severity: lint.Error,
			sql: "CREATE TABLE orders_new(id INTEGER PRIMARY KEY, day TEXT);\nINSERT INTO orders_new(id, day) SELECT id, day FROM orders;\nDROP TABLE orders;\nALTER TABLE orders_new RENAME TO orders;"},
	})
}

const backfillOf = "-- towline:backfill name=users_email_lower table=users key=%s\n" +
	"--   count: SELECT count(*) FROM users WHERE email_lower IS NULL AND email IS NOT NULL\n" +
	"--   done:  SELECT NOT EXISTS (SELECT 1 FROM users WHERE email_lower IS NULL AND email IS NOT NULL)\n" +
	"UPDATE users SET email_lower = lower(email)\n WHERE %s\n   /* :window */;\n-- towline:end\n"

func TestAStatementThatGoesThroughManyRowsAtOnceIsAnError(t *testing.T) {
	const base = "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, email_lower TEXT);\nCREATE INDEX users_email ON users(email);\nCREATE TABLE copies(id INTEGER PRIMARY KEY, email TEXT);"
	const all = "UPDATE users SET email_lower = lower(email);"
	many, few := rows(map[string]int64{"users": 50_000}), rows(map[string]int64{"users": 10_000})
	testRule(t, "D1-BF01", []ruleCase{
		{name: "an UPDATE of 50,000 rows", base: base, sql: all, in: many, fires: true, table: "users", text: "50,000", rewrite: " WHERE (email_lower IS NOT (lower(email)))\n"},
		{name: "an UPDATE of 10,000 rows", base: base, sql: all, in: few},
		{name: "another bound", base: base, sql: all, in: few, o: lint.Options{BackfillRows: 5_000}, fires: true},
		{name: "as many as nobody knows", base: base, sql: all, fires: true, severity: lint.Warning},
		{name: "a DELETE that scans", base: base, sql: "DELETE FROM users WHERE email_lower IS NULL;", in: many, fires: true, rewrite: "towline:backfill name="},
		{name: "a DELETE by an index", base: base, sql: "DELETE FROM users WHERE email = 'a';", in: many},
		{name: "an INSERT into a table that was there", base: base, sql: "INSERT INTO copies(id, email) SELECT id, email FROM users;", in: many, fires: true},
		{name: "a DELETE that asks a whole other table", base: base, sql: "DELETE FROM users WHERE id IN (SELECT id FROM copies);", in: rows(map[string]int64{"users": 5, "copies": 50_000})},
		{name: "an INSERT of one row that is not there yet", base: base, in: many,
			sql: "INSERT INTO users(id, email) SELECT 1, 'a' WHERE NOT EXISTS (SELECT 1 FROM users WHERE email_lower = 'a');"},
		{name: "a text as the key", base: "CREATE TABLE users(id TEXT PRIMARY KEY NOT NULL, email TEXT);", sql: "UPDATE users SET email = lower(email) WHERE email <> lower(email);", in: many,
			fires: true, rewrite: "-- towline:backfill name=fill_users table=users key=id\n"},
		{name: "an alias", base: base, sql: "UPDATE users AS u SET email_lower = lower(u.email);", in: many, fires: true, table: "users"},
		{name: "an INSERT of values", base: base, sql: "INSERT INTO users(id, email) VALUES (1, 'a');", in: many},
		{name: "as a backfill", base: base, sql: fmt.Sprintf(backfillOf, "id", "email_lower IS NULL AND email IS NOT NULL"), in: many},
		{name: "a table of the same release", base: base, sql: "CREATE TABLE notes(a);\nUPDATE notes SET a = 1;", in: many},
		{name: "the copy of a rebuild", base: base, in: many,
			sql: "CREATE TABLE users_new(id INTEGER PRIMARY KEY, email TEXT);\nINSERT INTO users_new(id, email) SELECT id, email FROM users;\nDROP TABLE users;\nALTER TABLE users_new RENAME TO users;"},
	})
}

func TestABackfillThatMustNotRunIsAnError(t *testing.T) {
	const base = "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, email_lower TEXT);"
	const guard = "email_lower IS NULL AND email IS NOT NULL"
	testRule(t, "D1-BF02", []ruleCase{
		{name: "a key and a guard", base: base, sql: fmt.Sprintf(backfillOf, "id", guard)},
		{name: "a key that is not unique", base: base, sql: fmt.Sprintf(backfillOf, "email", guard), fires: true, table: "users"},
		{name: "a block without an end", base: base, sql: "-- towline:backfill name=a table=users key=id\nUPDATE users SET email_lower = 'a' WHERE email_lower IS NULL /* :window */;", fires: true},
		{name: "a table that is not there", base: "CREATE TABLE notes(a);", sql: fmt.Sprintf(backfillOf, "id", guard), fires: true},
		{name: "no backfill", base: base, sql: "UPDATE users SET email_lower = lower(email) WHERE id = 1;"},
	})
}

func TestALintThatIsCalledOffSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lint.Run(ctx, lint.Input{Target: &rehearse.Target{}}, lint.Options{}); err == nil {
		t.Error("no error")
	}
}

func TestABackfillThatIsNeverDoneIsNamedWithoutRows(t *testing.T) {
	base := "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, low TEXT, n INT CHECK (n > 5), boss INT REFERENCES users(id));\nCREATE INDEX users_boss ON users(boss);\n"
	block := func(statement string) string {
		return "-- towline:backfill name=x table=users key=id\n--   count: SELECT count(*) FROM users\n--   done:  SELECT 1\n" + statement + " /* :window */;\n-- towline:end\n"
	}
	testRule(t, "D1-BF02", []ruleCase{
		{name: "a count that goes up each time", base: base, sql: block("UPDATE users SET n = n + 1 WHERE n IS NOT NULL"), fires: true, severity: lint.Warning, text: "guard stays true"},
		{name: "a guard that stays true where the source is NULL", base: base, sql: block("UPDATE users SET low = NULL WHERE low IS NULL"), fires: true, severity: lint.Warning},
		{name: "a guard that turns false", base: base, sql: block("UPDATE users SET low = lower(email) WHERE low IS NULL")},
		{name: "a guard that compares", base: base, sql: block("UPDATE users SET low = lower(email) WHERE low IS NOT lower(email)")},
		{name: "a DELETE", base: base, sql: block("DELETE FROM users WHERE low IS NULL")},
	})
}

func TestABackfillThatOnlyTowlineCanCarryOutIsNotRefused(t *testing.T) {
	const sql = "-- towline:backfill name=users_email_lower table=users key=id\n" +
		"--   count: SELECT count(*) FROM users WHERE email_lower IS NULL AND email IS NOT NULL\n" +
		"--   done:  SELECT NOT EXISTS (SELECT 1 FROM users WHERE email_lower IS NULL AND email IS NOT NULL)\n" +
		"UPDATE users SET email_lower = lower(email) WHERE email_lower IS NULL AND email IS NOT NULL AND towline_window();\n-- towline:end\n"
	report := ruleCase{base: "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, email_lower TEXT);", sql: sql}.run(t)
	if len(report.Findings) > 0 || report.Rehearsal.Failure != nil {
		t.Errorf("%+v\n%s", report.Rehearsal.Failure, show(report.Findings))
	}
}

func TestABackfillThatLintWritesIsOne(t *testing.T) {
	const base = "CREATE TABLE users(id INTEGER PRIMARY KEY, a TEXT, b TEXT, n INTEGER);"
	for sql, guard := range map[string]string{
		"UPDATE users SET a = lower(b);": " WHERE (a IS NOT (lower(b)))\n",
		"UPDATE users AS u SET a = 'x', b = replace(u.b, ',', ';')\nWHERE -- those\n n > 3;": " WHERE (n > 3) AND (a IS NOT ('x') OR b IS NOT (replace(u.b, ',', ';')))\n",
		"DELETE FROM users WHERE n > 3;": " WHERE (n > 3)\n",
	} {
		report := ruleCase{base: base, sql: sql}.run(t)
		rewrite := ""
		for _, f := range report.Findings {
			if f.Code == "D1-BF01" {
				rewrite = f.Rewrite
			}
		}
		if !strings.Contains(rewrite, guard) {
			t.Errorf("%s\nbecame %s", sql, rewrite)
			continue
		}
		again := ruleCase{base: base, sql: rewrite + "\n"}.run(t)
		for _, f := range again.Findings {
			if f.Severity != lint.Info {
				t.Errorf("%s\nbecame %s\nof which lint says: %s", sql, rewrite, show(again.Findings))
				break
			}
		}
	}
	for _, sql := range []string{"UPDATE users SET (a, b) = ('x', 'y');", "UPDATE users SET a = c.b FROM users AS c;", "UPDATE OR IGNORE users SET a = 'x';"} {
		for _, f := range (ruleCase{base: base, sql: sql}).run(t).Findings {
			if f.Code == "D1-BF01" && f.Rewrite != "" {
				t.Errorf("%s became %s", sql, f.Rewrite)
			}
		}
	}
}
