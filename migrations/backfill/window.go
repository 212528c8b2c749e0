package backfill

import (
	"fmt"
	"strings"

	"towline/migrations"
)

// The tables that a backfill has in the database while it is under way. Nothing of them is left at its end.
const (
	JobTable    = "__towline_backfill"
	AssertTable = "__towline_assert"
)

// Each is a column that takes no NULL, so that its name stands in the message of a transaction that failed: "NOT NULL
// constraint failed: __towline_assert.window_already_taken". CHECK would not do: a pragma that anybody left on switches it off.
const (
	windowTaken = "window_already_taken"
	rowsLeft    = "rows_are_left_to_do"
)

// Taken reports whether a message of D1 or SQLite says that the window was carried out before, or that the job is not
// running: nothing was changed.
func Taken(message string) bool { return strings.Contains(message, AssertTable+"."+windowTaken) }

// RowsLeft reports whether a message says that the end was reached while rows are left to do: nothing was changed.
func RowsLeft(message string) bool { return strings.Contains(message, AssertTable+"."+rowsLeft) }

// Begin returns the transaction that makes the job's tables, where they are not there yet, and sets it running. What is there of
// the same job is gone on with, of any other it is forgotten. rows is what Count said.
//
// It can be sent any number of times, but not between two windows that are in flight.
func (j *Job) Begin(rows int64) []string {
	list := []string{
		`CREATE TABLE IF NOT EXISTS "` + JobTable + `" (name TEXT NOT NULL PRIMARY KEY, checksum TEXT NOT NULL, state TEXT NOT NULL,` +
			` lo, hi, batches INTEGER NOT NULL DEFAULT 0, last INTEGER NOT NULL DEFAULT 0, passed INTEGER NOT NULL DEFAULT 0,` +
			` "rows" INTEGER NOT NULL DEFAULT 0, pass INTEGER NOT NULL DEFAULT 1, estimate INTEGER NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS "` + AssertTable + `" (` + windowTaken + ` INTEGER NOT NULL, ` + rowsLeft + ` INTEGER NOT NULL)`,
		`DELETE FROM "` + AssertTable + `"`,
	}
	return append(list,
		`DELETE FROM "`+JobTable+`" WHERE name <> `+text(j.Name)+` OR checksum <> `+text(j.Checksum),
		fmt.Sprintf(`INSERT OR IGNORE INTO "%s" (name, checksum, state, estimate) VALUES (%s, %s, 'running', %d)`, JobTable, text(j.Name), text(j.Checksum), rows),
		`UPDATE "`+JobTable+`" SET state = 'running'`,
	)
}

// Window returns the transaction of the next window: of the job as s says that it stands, with at most that many rows. The cursor
// moves in the database alone, so that no key is ever written as text. Sent twice, or while the job is paused, it fails with
// [Taken] and changes nothing.
func (j *Job) Window(s State, rows int) []string {
	return append(j.take(s, rows), `DELETE FROM "`+AssertTable+`"`)
}

// Last returns the transaction that ends the job: what came to the table behind the last window, the question whether all is done
// (which fails with [RowsLeft]), the ledger's row, and the end of the job's tables.
func (j *Job) Last(s State, rows int, ledger string) []string {
	return append(j.take(s, rows),
		`INSERT INTO "`+AssertTable+`" SELECT 1, CASE WHEN (`+j.Done+`) THEN 1 END`,
		migrations.CreateLedger(ledger),
		migrations.Record(ledger, j.File),
		`DROP TABLE "`+AssertTable+`"`,
		`DROP TABLE "`+JobTable+`"`,
	)
}

// take is one window: (1) the cursor moves on, (2) exactly one job was there to move it, (3) the rows of the window, (4) how many.
func (j *Job) take(s State, rows int) []string {
	return []string{
		j.advance(s, rows),
		`INSERT INTO "` + AssertTable + `" SELECT CASE WHEN changes() = 1 THEN 1 END, 1`,
		j.windowed(!s.Begun),
		`UPDATE "` + JobTable + `" SET "rows" = "rows" + changes() WHERE name = ` + text(j.Name),
	}
}

// advance moves the cursor over the next keys. The first window has no lower bound: a condition that might be one, such as
// (?1 IS NULL OR k > ?1), is none to SQLite's planner.
func (j *Job) advance(s State, rows int) string {
	return fmt.Sprintf(`UPDATE "%s" SET lo = hi, hi = coalesce(w.k, hi), last = w.n, passed = passed + w.n, batches = batches + 1 FROM (%s) AS w`+
		` WHERE name = %s AND checksum = %s AND state = 'running' AND batches = %d`,
		JobTable, j.keys(!s.Begun, rows), text(j.Name), text(j.Checksum), s.Batches)
}

func (j *Job) keys(first bool, rows int) string {
	key, where := name(j.Key), ""
	if !first {
		where = " WHERE " + key + " > " + j.bound("hi")
	}
	return fmt.Sprintf("SELECT max(k) AS k, count(*) AS n FROM (SELECT %s AS k FROM %s%s ORDER BY %s LIMIT %d)", key, name(j.Table), where, key, rows)
}

// windowed is the job's statement on the window that was just taken.
func (j *Job) windowed(first bool) string {
	key := name(j.Key)
	if j.Alias != "" {
		key = name(j.Alias) + "." + key
	}
	condition := key + " <= " + j.bound("hi")
	if !first {
		condition = key + " > " + j.bound("lo") + " AND " + condition
	}
	return j.with(condition)
}

func (j *Job) bound(column string) string {
	return `(SELECT ` + column + ` FROM "` + JobTable + `" WHERE name = ` + text(j.Name) + `)`
}

// Again returns the transaction that begins another pass from the first key on, for rows that came behind the cursor. It fails as
// Window does.
func (j *Job) Again(s State) []string {
	return []string{
		fmt.Sprintf(`UPDATE "%s" SET lo = NULL, hi = NULL, last = 0, passed = 0, pass = pass + 1, batches = batches + 1 WHERE name = %s AND checksum = %s AND state = 'running' AND batches = %d`,
			JobTable, text(j.Name), text(j.Checksum), s.Batches),
		`INSERT INTO "` + AssertTable + `" SELECT CASE WHEN changes() = 1 THEN 1 END, 1`,
		`DELETE FROM "` + AssertTable + `"`,
	}
}

// Pause returns the transaction after which a window that is still on its way comes too late. The cursor stays.
func (j *Job) Pause() []string {
	return []string{`UPDATE "` + JobTable + `" SET state = 'paused' WHERE name = ` + text(j.Name)}
}

// Forget returns the transaction that takes the job's tables away, whichever job they are of.
func Forget() []string {
	return []string{`DROP TABLE IF EXISTS "` + AssertTable + `"`, `DROP TABLE IF EXISTS "` + JobTable + `"`}
}

func text(s string) string { return migrations.QuoteText(s) }

// name writes a name in brackets: a name in double quotes that is no column is a text to D1, and would compare as one.
func name(s string) string {
	if strings.Contains(s, "]") {
		return "`" + strings.ReplaceAll(s, "`", "``") + "`"
	}
	return "[" + s + "]"
}
