package backfill_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"towline/migrations"
	"towline/migrations/backfill"
	"towline/migrations/sqlite"
)

// lower is the file that most tests begin with.
const lower = `-- addresses are compared without case from now on
-- towline:backfill name=users_email_lower table=users key=id batch=500 max_batch_ms=150 nice=1.0
--   count: SELECT count(*) FROM users WHERE email_lower IS NULL AND email IS NOT NULL
--   done:  SELECT NOT EXISTS (SELECT 1 FROM users WHERE email_lower IS NULL AND email IS NOT NULL)
UPDATE users SET email_lower = lower(email)
 WHERE email_lower IS NULL AND email IS NOT NULL   -- the guard; it isn't optional
   /* :window */;
-- towline:end
`

func parse(t *testing.T, sql string) *backfill.Job {
	t.Helper()
	job, err := backfill.Parse(migrations.File{Name: "0002_lower.sql", SQL: []byte(sql)})
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func TestABlockIsReadWithItsPaceItsQueriesAndItsStatement(t *testing.T) {
	job := parse(t, lower)
	if job.Name != "users_email_lower" || job.Table != "users" || job.Key != "id" || job.Verb != "UPDATE" || job.Line != 2 || !job.Alone {
		t.Errorf("job %+v", job)
	}
	if job.Batch != 500 || job.MaxBatch != 150*time.Millisecond || job.Nice != 1 {
		t.Errorf("pace %d %s %g", job.Batch, job.MaxBatch, job.Nice)
	}
	if want := "SELECT NOT EXISTS (SELECT 1 FROM users WHERE email_lower IS NULL AND email IS NOT NULL)"; job.Done != want {
		t.Errorf("done %q", job.Done)
	}
	if strings.Contains(job.Whole(), "--") || strings.Contains(job.Whole(), "window") {
		t.Errorf("whole %q", job.Whole())
	}
	if lower[job.Offset:job.Offset+6] != "UPDATE" {
		t.Errorf("offset %d", job.Offset)
	}
	mended := parse(t, strings.Replace(lower, "batch=500", "batch=100", 1))
	other := parse(t, strings.Replace(lower, "lower(email)", "upper(email)", 1))
	if mended.Checksum != job.Checksum || other.Checksum == job.Checksum {
		t.Error("the checksum is of what is done, and not of its pace")
	}
	crlf := parse(t, "\ufeff"+strings.ReplaceAll(lower, "\n", "\r\n"))
	if crlf.Checksum != job.Checksum {
		t.Error("line ends change the checksum")
	}
}

func TestWhatLooksLikeABlockInATextIsNone(t *testing.T) {
	if backfill.Is([]byte("INSERT INTO t VALUES ('\n-- towline:backfill name=x\n');")) || !backfill.Is([]byte(lower)) {
		t.Error("a text was taken for a block, or a block for none")
	}
}

func TestAFileThatIsNoGoodBackfillIsRefusedWithItsLine(t *testing.T) {
	change := func(old, with string) string {
		if !strings.Contains(lower, old) {
			t.Fatalf("%q is not in the file", old)
		}
		return strings.Replace(lower, old, with, 1)
	}
	for _, c := range []struct {
		name, sql, want string
		line            int
	}{
		{"no end", change("-- towline:end\n", ""), "add -- towline:end", 2},
		{"end first", "-- towline:end\n" + lower, "without a -- towline:backfill", 1},
		{"two blocks", lower + lower, "a second backfill", 10},
		{"a statement more", change("-- towline:end", "DELETE FROM x;\n-- towline:end"), "a file to itself", 8},
		{"a statement after", lower + "DELETE FROM x;\n", "a file to itself", 9},
		{"nothing to do", change(lower[strings.Index(lower, "UPDATE"):strings.Index(lower, "-- towline:end")], ""), "needs one UPDATE", 2},
		{"no name", change("name=users_email_lower ", ""), "needs name=", 2},
		{"an unknown word", change("nice=", "speed="), "speed= is not known", 2},
		{"a word without a value", change("nice=1.0", "nicely"), "expected name=value", 2},
		{"a name twice", change("key=id", "key=id key=id"), "given twice", 2},
		{"a batch that is too large", change("batch=500", "batch=50000"), "25 to 5000", 2},
		{"a time that is none", change("max_batch_ms=150", "max_batch_ms=soon"), "milliseconds", 2},
		{"a nice below nothing", change("nice=1.0", "nice=-1"), "from 0", 2},
		{"two keys", change("key=id", "key=tenant,id"), "one column", 2},
		{"no done", change("--   done:  SELECT NOT EXISTS (SELECT 1 FROM users WHERE email_lower IS NULL AND email IS NOT NULL)\n", ""), "-- done:", 4},
		{"a count that is none", change("count: SELECT", "count: DELETE SELECT"), "a SELECT", 5},
		{"a stray comment", change("--   count", "-- hello\n--   count"), "expected count:", 3},
		{"no window", change("/* :window */", ""), "no window", 5},
		{"two windows", change("/* :window */", "/* :window */ AND towline_window()"), "second window", 7},
		{"a window inside", change("/* :window */", "AND (1 /* :window */)"), "parentheses", 7},
		{"an OR", change("AND email IS NOT NULL   --", "OR email IS NOT NULL --"), "OR would reach past", 6},
		{"no WHERE", change("WHERE email_lower IS NULL AND email IS NOT NULL ", ""), "needs a WHERE", 7},
		{"no guard", change("WHERE email_lower IS NULL AND email IS NOT NULL ", "WHERE 1 = 1 "), "no guard", 6},
		{"a LIMIT", change("/* :window */", "/* :window */ LIMIT 5"), "LIMIT does not", 7},
		{"another verb", change("UPDATE users SET email_lower = lower(email)", "REPLACE INTO x SELECT * FROM users"), "one UPDATE", 5},
		{"OR REPLACE", change("UPDATE users", "UPDATE OR REPLACE users"), "OR REPLACE", 5},
		{"an INSERT that cannot be done twice", change("UPDATE users SET email_lower = lower(email)", "INSERT INTO x SELECT id FROM users"), "ON CONFLICT", 5},
		{"not closed", change("email IS NOT NULL)\nUPDATE", "email IS NOT NULL)\nUPDATE ["), "never closed", 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := backfill.Parse(migrations.File{Name: "0002_lower.sql", SQL: []byte(c.sql)})
			var at *migrations.SyntaxError
			if !errors.As(err, &at) || !strings.Contains(at.Reason, c.want) || at.Line != c.line || at.File != "0002_lower.sql" {
				t.Errorf("got %v, want %q in line %d", err, c.want, c.line)
			}
		})
	}
}

// open is a database with the statements carried out.
func open(t *testing.T, statements ...string) *sqlite.Conn {
	t.Helper()
	c, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	for _, sql := range statements {
		exec(t, c, sql)
	}
	return c
}

func exec(t *testing.T, c *sqlite.Conn, sql string) [][]any {
	t.Helper()
	res, err := c.Exec(t.Context(), sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return res.Rows
}

// send carries a transaction out, and returns SQLite's refusal.
func send(t *testing.T, c *sqlite.Conn, statements []string) error {
	t.Helper()
	return c.Transaction(t.Context(), func() error {
		for _, sql := range statements {
			if _, err := c.Exec(t.Context(), sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	})
}

const (
	users = "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, email_lower TEXT)"
	rows  = "INSERT INTO users (id, email) SELECT value * 3, 'A' || value FROM json_each('[%s]')"
)

func fill(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprint(i+1))
	}
	return fmt.Sprintf(rows, strings.Join(list, ","))
}

func TestACheckFindsWhatMakesWindowsWrongOrSlow(t *testing.T) {
	change := func(old, with string) string { return strings.Replace(lower, old, with, 1) }
	insert := `-- towline:backfill name=n table=users key=id
-- count: SELECT count(*) FROM users
-- done: SELECT 1
INSERT INTO %s WHERE 1 /* :window */ ON CONFLICT DO NOTHING;
-- towline:end
`
	for _, c := range []struct {
		name   string
		schema []string
		sql    string
		want   []string
	}{
		{"good", []string{users}, lower, nil},
		{"good with rows", []string{users, fill(40)}, lower, nil},
		{"good with an index on the guard", []string{users, "CREATE INDEX l ON users(email_lower)"}, lower, nil},
		{"good without rowid", []string{"CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT, email_lower TEXT) WITHOUT ROWID"}, lower, nil},
		{"good by a unique index", []string{"CREATE TABLE users (id TEXT NOT NULL UNIQUE, email TEXT, email_lower TEXT)"}, lower, nil},
		{"good as an insert", []string{users, "CREATE TABLE x (id INTEGER PRIMARY KEY)"}, fmt.Sprintf(insert, "x SELECT id FROM users"), nil},
		{"no table", nil, lower, []string{"no_table"}},
		{"no key", []string{"CREATE TABLE users (no INTEGER PRIMARY KEY, email TEXT, email_lower TEXT)"}, lower, []string{"no_key"}},
		{"a key that may be NULL", []string{"CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT, email_lower TEXT)"}, lower, []string{"key_null"}},
		{"a key that is not unique", []string{"CREATE TABLE users (id TEXT NOT NULL, email TEXT, email_lower TEXT)", "CREATE INDEX i ON users(id)"}, lower, []string{"key_not_unique"}},
		{"a key that is unique in part", []string{"CREATE TABLE users (id TEXT NOT NULL, email TEXT, email_lower TEXT)", "CREATE UNIQUE INDEX i ON users(id) WHERE email > ''"}, lower, []string{"key_not_unique"}},
		{"a key that is unique with another", []string{"CREATE TABLE users (id TEXT NOT NULL, email TEXT, email_lower TEXT, PRIMARY KEY (id, email))"}, lower, []string{"key_not_unique"}},
		{"a column that is not there", []string{"CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT)"}, lower, []string{"refused"}},
		{"another table", []string{users, "CREATE TABLE x (id INTEGER PRIMARY KEY, email TEXT, email_lower TEXT)"}, change("UPDATE users", "UPDATE x"), []string{"other_table"}},
		{"it changes its key", []string{users}, change("SET email_lower", "SET id = id + 1, email_lower"), []string{"changes_key"}},
		{"it feeds itself", []string{users}, fmt.Sprintf(insert, "users SELECT id + 1000, email, '' FROM users"), []string{"feeds_itself"}},
		{"a plan without bounds", []string{"CREATE TABLE users (id TEXT NOT NULL UNIQUE, email TEXT, email_lower TEXT)", "CREATE INDEX l ON users(email_lower, email)"}, lower, []string{"plan"}},
		{"a scan for each row", []string{users, "CREATE TABLE x (u INTEGER, v TEXT)"}, change("lower(email)", "(SELECT v FROM x WHERE u = users.id)"), []string{"scan"}},
		{"rows that stay to be done", []string{users, "INSERT INTO users (id) VALUES (1)"}, change("email_lower IS NULL AND email IS NOT NULL   --", "email_lower IS NULL --"), []string{"not_idempotent"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := open(t, c.schema...)
			before := exec(t, db, "SELECT count(*), (SELECT group_concat(sql) FROM sqlite_master) FROM sqlite_master")
			found, err := backfill.Check(t.Context(), db, parse(t, c.sql))
			if err != nil {
				t.Fatal(err)
			}
			var codes []string
			for _, p := range found {
				codes = append(codes, p.Code)
				if p.Text == "" || p.Advice == "" || p.Line == 0 {
					t.Errorf("problem %+v", p)
				}
			}
			if !slices.Equal(codes, c.want) {
				t.Errorf("found %+v, want %v", found, c.want)
			}
			if after := exec(t, db, "SELECT count(*), (SELECT group_concat(sql) FROM sqlite_master) FROM sqlite_master"); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Error("the check left something behind")
			}
		})
	}
}

// state reads how the job stands.
func state(t *testing.T, c *sqlite.Conn, j *backfill.Job) backfill.State {
	t.Helper()
	_, query := j.StateQueries()
	s, ok, err := backfill.ReadState(exec(t, c, query))
	if err != nil || !ok {
		t.Fatalf("state: %t, %v", ok, err)
	}
	return s
}

// walk carries a job out to its end, and returns how many windows that took.
func walk(t *testing.T, c *sqlite.Conn, j *backfill.Job, batch int) int {
	t.Helper()
	exec(t, c, `CREATE TABLE "d1_migrations"(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`)
	if err := send(t, c, j.Begin(7)); err != nil {
		t.Fatal(err)
	}
	for n := 1; n < 100; n++ {
		s := state(t, c, j)
		if err := send(t, c, j.Window(s, batch)); err != nil {
			t.Fatal(err)
		}
		err := send(t, c, j.Window(s, batch))
		if err == nil || !backfill.Taken(err.Error()) {
			t.Fatalf("a window was carried out twice: %v", err)
		}
		now := state(t, c, j)
		if next := s.Next(); now.Batches != next.Batches {
			t.Fatalf("batches %d, want %d", now.Batches, next.Batches)
		}
		if now.Last < int64(batch) {
			if err := send(t, c, j.Last(now, batch, "")); err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no end")
	return 0
}

func TestWindowsDoEveryRowOnceWhateverTheKey(t *testing.T) {
	text := "CREATE TABLE users (id TEXT NOT NULL%s PRIMARY KEY, email TEXT, email_lower TEXT)"
	for _, c := range []struct {
		name, table, rows string
		alone             bool
	}{
		{"numbers", users, fill(105), true},
		{"numbers, not without Towline", users, fill(105), false},
		{"numbers that no JSON holds", users, "INSERT INTO users (id, email) SELECT 9007199254740993 + value * 2, 'X' FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12]')", true},
		{"texts", fmt.Sprintf(text, ""), strings.Replace(fill(105), "value * 3", "'k''\"' || char(200 + value)", 1), true},
		{"texts without case", fmt.Sprintf(text, " COLLATE NOCASE"), strings.Replace(fill(105), "value * 3", "char(64 + value % 26 + value / 26 * 32) || value", 1), true},
		{"no rows", users, "SELECT 1", true},
		{"as many rows as in two windows", users, fill(20), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			sql := lower
			if !c.alone {
				sql = strings.Replace(lower, "/* :window */", "AND towline_window()", 1)
			}
			db, job := open(t, c.table, c.rows), parse(t, sql)
			exec(t, db, "CREATE TABLE log (id)")
			exec(t, db, "CREATE TRIGGER once AFTER UPDATE ON users BEGIN INSERT INTO log VALUES (new.id); END")
			if found, err := backfill.Check(t.Context(), db, job); err != nil || len(found) > 0 {
				t.Fatalf("check: %+v, %v", found, err)
			}
			n := walk(t, db, job, 10)
			total := exec(t, db, "SELECT count(*), count(email_lower), (SELECT count(*) FROM log), (SELECT count(DISTINCT id) FROM log) FROM users")[0]
			if total[0] != total[1] || total[0] != total[2] || total[0] != total[3] {
				t.Errorf("rows, done, written, different: %v", total)
			}
			if want := int(total[0].(int64))/10 + 1; n != want {
				t.Errorf("%d windows, want %d", n, want)
			}
			if left := exec(t, db, "SELECT name FROM sqlite_master WHERE name LIKE '\\_\\_towline%' ESCAPE '\\'"); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			if ledger := exec(t, db, "SELECT name FROM d1_migrations"); fmt.Sprint(ledger) != "[[0002_lower.sql]]" {
				t.Errorf("ledger %v", ledger)
			}
		})
	}
}

func TestTheEndIsRefusedByNameWhileRowsAreLeftAndAnotherPassFindsThem(t *testing.T) {
	db, job := open(t, users, fill(30), `CREATE TABLE "d1_migrations"(id INTEGER PRIMARY KEY, name TEXT UNIQUE)`), parse(t, lower)
	if err := send(t, db, job.Begin(30)); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if err := send(t, db, job.Window(state(t, db, job), 10)); err != nil {
			t.Fatal(err)
		}
	}
	exec(t, db, "INSERT INTO users (id, email) VALUES (1, 'BEHIND')")
	s := state(t, db, job)
	if err := send(t, db, job.Last(s, 10, "")); err == nil || !backfill.RowsLeft(err.Error()) {
		t.Fatalf("the end: %v", err)
	}
	if err := send(t, db, job.Again(s)); err != nil {
		t.Fatal(err)
	}
	if err := send(t, db, job.Again(s)); err == nil || !backfill.Taken(err.Error()) {
		t.Fatalf("again, twice: %v", err)
	}
	for range 4 {
		if err := send(t, db, job.Window(state(t, db, job), 10)); err != nil {
			t.Fatal(err)
		}
	}
	s = state(t, db, job)
	if s.Rows != 31 || s.Pass != 2 || s.Passed != 31 || s.Estimate != 30 {
		t.Errorf("state %+v", s)
	}
	if err := send(t, db, job.Last(s, 10, "")); err != nil {
		t.Fatal(err)
	}
}

func TestAPausedJobTakesNoWindowAndGoesOnWhereItWas(t *testing.T) {
	db, job := open(t, users, fill(30)), parse(t, lower)
	run := func(statements []string) {
		t.Helper()
		if err := send(t, db, statements); err != nil {
			t.Fatal(err)
		}
	}
	run(job.Begin(30))
	run(job.Window(state(t, db, job), 10))
	run(job.Pause())
	s := state(t, db, job)
	if err := send(t, db, job.Window(s, 10)); s.Running || err == nil || !backfill.Taken(err.Error()) {
		t.Fatalf("a window of a paused job: %v", err)
	}
	run(job.Begin(20))
	if again := state(t, db, job); again.Batches != 1 || again.Passed != 10 || again.Estimate != 30 || !again.Running {
		t.Errorf("gone on with %+v", again)
	}
	edited := parse(t, strings.Replace(lower, "lower(email)", "upper(email)", 1))
	run(edited.Begin(20))
	if anew := state(t, db, edited); anew.Batches != 0 || anew.Begun {
		t.Errorf("an edited job goes on with %+v", anew)
	}
	run(backfill.Forget())
	run(backfill.Forget())
}

func TestThePaceFollowsWhatD1Says(t *testing.T) {
	job := parse(t, lower)
	p := backfill.NewThrottle(job, 0, backfill.FirstRest)
	if rest := p.Done(100*time.Millisecond, time.Second); rest != 100*time.Millisecond || p.Rows() != 550 {
		t.Errorf("under: %d rows, rest %s", p.Rows(), rest)
	}
	if rest := p.Done(151*time.Millisecond, time.Second); rest != 151*time.Millisecond || p.Rows() != 275 {
		t.Errorf("over: %d rows, rest %s", p.Rows(), rest)
	}
	if rest := p.Done(0, 200*time.Millisecond); rest != 200*time.Millisecond || p.Rows() != 137 {
		t.Errorf("where D1 says nothing the wall counts: %d rows, rest %s", p.Rows(), rest)
	}
	for range 100 {
		p.Done(time.Millisecond, time.Millisecond)
	}
	if p.Rows() != backfill.MaxBatch {
		t.Errorf("at most %d", p.Rows())
	}
	for range 100 {
		p.Done(time.Second, time.Second)
	}
	if p.Rows() != backfill.MinBatch {
		t.Errorf("at least %d", p.Rows())
	}
	spaced := backfill.NewThrottle(job, backfill.Spacing, backfill.FirstRest)
	if rest := spaced.Done(10*time.Millisecond, 100*time.Millisecond); rest != 400*time.Millisecond {
		t.Errorf("windows are spaced: %s", rest)
	}
}

func TestAfterFailuresTheRestDoublesUpToTwoMinutes(t *testing.T) {
	p := backfill.NewThrottle(parse(t, lower), 0, backfill.FirstRest)
	var rests []time.Duration
	for i := range 9 {
		rest, n := p.Failed(i == 0, 1)
		if n != i+1 {
			t.Errorf("%d in a row", n)
		}
		rests = append(rests, rest)
	}
	want := []time.Duration{2, 4, 8, 16, 32, 64, 120, 120, 120}
	for i := range want {
		want[i] *= time.Second
	}
	if !slices.Equal(rests, want) || p.Rows() != 250 {
		t.Errorf("rests %v, %d rows", rests, p.Rows())
	}
	p.Done(time.Millisecond, time.Millisecond)
	if rest, n := p.Failed(false, 0); n != 1 || rest != time.Second {
		t.Errorf("after a success %s, %d", rest, n)
	}
}

func TestProbesSaySlowWhenMoreThanOneReadInTwentyIsHalfAsSlowAgain(t *testing.T) {
	const usual = 80 * time.Millisecond
	var p backfill.Probes
	for range 5 {
		p.Add(usual)
	}
	for range 20 {
		p.Add(115 * time.Millisecond)
	}
	p.Add(time.Second)
	if !p.Ready() || p.Slow() {
		t.Error("slow below one and a half, or by a single read")
	}
	p.Add(130 * time.Millisecond)
	if !p.Slow() {
		t.Error("not slow above one and a half")
	}
	if p.Slow() {
		t.Error("what was said is said again without new reads")
	}
	var quick backfill.Probes
	for range 25 {
		quick.Add(time.Millisecond)
	}
	for range 20 {
		quick.Add(40 * time.Millisecond)
	}
	if quick.Slow() {
		t.Error("forty milliseconds were called slow")
	}
}
