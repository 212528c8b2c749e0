package backfill_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	steps "towline/deploy/backfill"
	"towline/migrations"
	"towline/migrations/backfill"
	"towline/migrations/sqlite"
)

// The ways in which a call can go wrong.
var (
	errLostBefore = errors.New("no answer, and it did not happen")
	errLostAfter  = errors.New("no answer, though it happened")
	errBusy       = errors.New("D1 DB is overloaded")
	errToday      = errors.New("the daily limit is reached")
)

// lab is a database with a job, on a clock that stands still but for what calls and waits take.
type lab struct {
	t    *testing.T
	c    *sqlite.Conn
	job  *backfill.Job
	now  time.Time
	took time.Duration // by each call

	calls  int
	faults map[int]error  // by the number of the call
	before func(call int) // something that others do
	order  func(call int) steps.Order
	waits  []time.Duration
	kept   []steps.Progress
	change func(r *steps.Runner) // of the next runner
}

const block = `-- towline:backfill name=fill table=rows key=id batch=25 nice=0
-- count: SELECT count(*) FROM rows WHERE done = 0
-- done: SELECT NOT EXISTS (SELECT 1 FROM rows WHERE done = 0)
UPDATE rows SET done = 1, times = times + 1 WHERE done = 0 /* :window */;
-- towline:end
`

func newLab(t *testing.T, rows int) *lab {
	t.Helper()
	c, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	job, err := backfill.Parse(migrations.File{Name: "0002_fill.sql", SQL: []byte(block)})
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, c: c, job: job, now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), took: time.Millisecond, faults: map[int]error{}}
	l.exec("CREATE TABLE rows (id INTEGER PRIMARY KEY, done INTEGER NOT NULL DEFAULT 0, times INTEGER NOT NULL DEFAULT 0)", migrations.CreateLedger(""))
	l.exec(fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO rows (id) SELECT i * 5 FROM n", rows))
	return l
}

func (l *lab) exec(statements ...string) {
	l.t.Helper()
	for _, sql := range statements {
		if _, err := l.c.Exec(l.t.Context(), sql); err != nil {
			l.t.Fatalf("%s: %v", sql, err)
		}
	}
}

func (l *lab) ask(query string) string {
	l.t.Helper()
	res, err := l.c.Exec(l.t.Context(), query)
	if err != nil {
		l.t.Fatal(err)
	}
	return strings.Trim(fmt.Sprint(res.Rows), "[]")
}

// call counts a call and says what goes wrong with it.
func (l *lab) call() error {
	l.calls++
	l.now = l.now.Add(l.took)
	if l.before != nil {
		l.before(l.calls)
	}
	return l.faults[l.calls]
}

func (l *lab) Read(ctx context.Context, queries ...string) ([][][]any, error) {
	if err := l.call(); err != nil {
		return nil, err
	}
	out := make([][][]any, len(queries))
	for i, q := range queries {
		res, err := l.c.Exec(ctx, q)
		if err != nil {
			return nil, err
		}
		out[i] = res.Rows
	}
	return out, nil
}

func (l *lab) Apply(ctx context.Context, statements []string) (cost steps.Cost, err error) {
	fault := l.call()
	if fault != nil && !errors.Is(fault, errLostAfter) {
		return cost, fault
	}
	err = l.c.Transaction(ctx, func() error {
		for _, sql := range statements {
			res, err := l.c.Exec(ctx, sql)
			if err != nil {
				return err
			}
			cost.RowsWritten += res.Changes
		}
		return nil
	})
	if err == nil {
		cost.Duration, err = l.took, fault
	}
	return cost, err
}

func (l *lab) Now(context.Context) (steps.Order, error) {
	if l.order == nil {
		return steps.GoOn, nil
	}
	return l.order(l.calls), nil
}

func (l *lab) Wait(_ context.Context, d time.Duration) error {
	l.waits = append(l.waits, d)
	l.now = l.now.Add(max(d, 0))
	return nil
}

func judge(err error) (steps.Trouble, string) {
	var no *sqlite.Error
	switch {
	case errors.As(err, &no):
		return steps.Refused, no.Message
	case errors.Is(err, errBusy):
		return steps.Overloaded, err.Error()
	case errors.Is(err, errToday):
		return steps.Limited, err.Error()
	default:
		return steps.Lost, err.Error()
	}
}

// turn is one turn of the job.
func (l *lab) turn() steps.Result {
	l.t.Helper()
	r := &steps.Runner{
		Job: l.job, Ledger: migrations.DefaultLedger, Database: l, Orders: l, Judge: judge, First: time.Second,
		Keep:   func(_ context.Context, p steps.Progress) error { l.kept = append(l.kept, p); return nil },
		Now:    func() time.Time { return l.now },
		Jitter: func() float64 { return 1 },
	}
	if l.change != nil {
		l.change(r)
	}
	result, err := r.Run(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	return result
}

// done checks that the job is done, each row once, and that nothing of it is left.
func (l *lab) done(rows int, got steps.Result) {
	l.t.Helper()
	if got.Outcome != steps.Done {
		l.t.Errorf("the turn ended as %+v", got)
	}
	want := fmt.Sprintf("%d %d 1", rows, rows)
	if found := l.ask("SELECT count(*), sum(times), max(times) FROM rows WHERE done = 1"); found != want {
		l.t.Errorf("rows, times, most: %s, want %s", found, want)
	}
	if left := l.ask("SELECT name FROM sqlite_master WHERE name LIKE '!_!_towline%' ESCAPE '!'"); left != "" {
		l.t.Errorf("left behind: %s", left)
	}
	if ledger := l.ask("SELECT name FROM d1_migrations"); ledger != "0002_fill.sql" {
		l.t.Errorf("ledger %s", ledger)
	}
}

func TestEveryCallMayFailInEveryWayAndEachRowIsDoneOnce(t *testing.T) {
	well := newLab(t, 180)
	well.done(180, well.turn())
	if well.calls < 15 {
		t.Fatalf("only %d calls", well.calls)
	}
	for _, fault := range []error{errLostBefore, errLostAfter, errBusy} {
		for call := 1; call <= well.calls; call++ {
			t.Run(fmt.Sprintf("call %d, %v", call, fault), func(t *testing.T) {
				l := newLab(t, 180)
				l.faults[call] = fault
				l.done(180, l.turn())
			})
			if call%5 != 0 {
				continue
			}
			t.Run(fmt.Sprintf("calls from %d to %d, %v", call, call+2, fault), func(t *testing.T) {
				l := newLab(t, 180)
				for i := range 3 {
					l.faults[call+i] = fault
				}
				l.done(180, l.turn())
			})
		}
	}
}

func TestATurnThatIsCutOffAnywhereIsTakenUpByTheNext(t *testing.T) {
	for _, order := range []steps.Order{steps.Halt, steps.GiveWay, steps.Rest} {
		for call := 0; call < 20; call += 2 {
			l := newLab(t, 180)
			l.order = func(now int) steps.Order {
				if now >= call {
					return order
				}
				return steps.GoOn
			}
			got := l.turn()
			if got.Outcome == steps.Ordered && got.Order != order {
				t.Errorf("call %d: ordered %d, got %+v", call, order, got)
			}
			if paused := l.ask("SELECT count(*) FROM sqlite_master WHERE name = '__towline_backfill'"); order == steps.Rest && paused == "1" {
				if state := l.ask(`SELECT state FROM "__towline_backfill"`); state != "paused" {
					t.Errorf("call %d: at rest the job is %s", call, state)
				}
			}
			l.order = nil
			if got.Outcome == steps.Ordered {
				l.change = func(r *steps.Runner) { r.Begun = true }
				got = l.turn()
			}
			l.done(180, got)
		}
	}
}

func TestTheEndOfAnEarlierTurnIsFoundToBeIts(t *testing.T) {
	l := newLab(t, 50)
	l.done(50, l.turn())
	l.change = func(r *steps.Runner) { r.Begun = true } // its last answer was lost with the process
	l.done(50, l.turn())
	l.change = nil
	if got := l.turn(); got.Outcome != steps.Elsewhere {
		t.Errorf("what somebody else did is %+v", got)
	}
}

func TestRowsThatComeBehindTheCursorAreDoneInASecondPassAndNotInAThird(t *testing.T) {
	l := newLab(t, 100)
	l.before = func(call int) {
		if call == 14 {
			l.exec("INSERT INTO rows (id) VALUES (1), (2)")
		}
	}
	l.done(102, l.turn())
	if last := l.kept[len(l.kept)-1]; last.Pass != 2 || last.Rows != 102 {
		t.Errorf("progress %+v", last)
	}

	l = newLab(t, 100)
	id := 0
	l.before = func(int) { id--; l.exec(fmt.Sprintf("INSERT INTO rows (id) VALUES (%d)", id)) }
	if got := l.turn(); got.Outcome != steps.Stuck || got.Code != "left" {
		t.Errorf("rows that never end: %+v", got)
	}
}

func TestWhatStaysWrongIsAPersons(t *testing.T) {
	for _, c := range []struct {
		name    string
		make    func(l *lab)
		outcome steps.Outcome
		code    string
	}{
		{"an answer is always lost", func(l *lab) { l.fail(errLostBefore) }, steps.Stuck, "lost"},
		{"D1 is always busy", func(l *lab) { l.fail(errBusy) }, steps.Stuck, "overloaded"},
		{"the day's limit", func(l *lab) { l.faults[12] = errToday }, steps.Today, "limited"},
		{"a row that is refused", func(l *lab) {
			l.exec("CREATE TRIGGER no BEFORE UPDATE ON rows WHEN new.id = 100 BEGIN SELECT RAISE(ABORT, 'not this one'); END")
		}, steps.Stuck, "refused"},
		{"another plan", func(l *lab) {
			l.exec("CREATE INDEX better ON rows(done, times)", "ANALYZE", "DROP TABLE rows",
				"CREATE TABLE rows (id INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0, times INTEGER NOT NULL DEFAULT 0)")
		}, steps.Stuck, "plan"},
		{"the job's table is gone", func(l *lab) {
			l.before = func(call int) {
				if call == 12 {
					l.exec(backfill.Forget()...)
				}
			}
		}, steps.Stuck, "refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, 180)
			c.make(l)
			if got := l.turn(); got.Outcome != c.outcome || got.Code != c.code || got.Words == "" {
				t.Errorf("the turn ended as %+v", got)
			}
		})
	}
}

// fail makes every call fail from the twelfth on.
func (l *lab) fail(err error) {
	for i := 12; i < 100; i++ {
		l.faults[i] = err
	}
}

func TestTheRowsOfADayAreNotGoneBeyond(t *testing.T) {
	l := newLab(t, 180)
	left := int64(60)
	l.change = func(r *steps.Runner) {
		r.RowsToday = func() (int64, bool) { return left, true }
		r.Written = func(rows int64) { left -= rows }
	}
	for n := range 10 {
		got := l.turn()
		if got.Outcome == steps.Done {
			if n < 3 {
				t.Errorf("done in %d days", n+1)
			}
			l.done(180, got)
			return
		}
		if got.Outcome != steps.Exhausted || left < -10 {
			t.Fatalf("the turn ended as %+v with %d rows left", got, left)
		}
		left = 60
	}
	t.Error("no end")
}

func TestProgressIsKeptEveryTwentiethAndEveryFiveSecondsAndTellsTheRate(t *testing.T) {
	l := newLab(t, 2_000)
	l.change = func(r *steps.Runner) { r.Spacing = 100 * time.Millisecond }
	l.done(2_000, l.turn())
	if n := len(l.kept); n < 15 || n > 45 {
		t.Errorf("kept %d times", n)
	}
	before := l.kept[0]
	for _, p := range l.kept[1:] {
		if p.Rows < before.Rows || p.Estimate != 2_000 {
			t.Errorf("progress %+v after %+v", p, before)
		}
		before = p
	}
	if late := l.kept[len(l.kept)-3]; late.PerSecond < 200 || late.PerSecond > 5_000 || late.Batch <= 25 {
		t.Errorf("progress %+v", late)
	}
	l = newLab(t, 400)
	l.took = 4 * time.Second // each call
	l.done(400, l.turn())
	if n := len(l.kept); n < 8 {
		t.Errorf("kept %d times, though a window takes seconds", n)
	}
}

func TestTheJobRestsLongerWhereOthersHaveToWait(t *testing.T) {
	l := newLab(t, 3_000)
	l.before = func(call int) {
		if call > 12 {
			l.took = 200 * time.Millisecond
		}
	}
	l.done(3_000, l.turn())
	longest := time.Duration(0)
	for _, w := range l.waits {
		longest = max(longest, w)
	}
	if longest < 4*time.Second {
		t.Errorf("it never rested for longer than %s", longest)
	}
}
