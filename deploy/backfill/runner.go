package backfill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"towline/migrations"
	"towline/migrations/backfill"
)

// Runner carries one job out. It is used once and by one goroutine.
type Runner struct {
	Job    *backfill.Job
	Ledger string // the table
	// Begun says that an earlier turn had begun: what it sent last may have been the end.
	Begun bool

	Database Database
	Orders   Orders
	Judge    Judge
	// Keep stores progress: when it changed by a twentieth, or is five seconds old.
	Keep func(ctx context.Context, p Progress) error

	// RowsToday is how many rows may still be written, as D1 counts them; nil: any number. Written is told what was.
	RowsToday func() (left int64, limited bool)
	Written   func(rows int64)

	Spacing time.Duration // between the starts of two windows, at least
	First   time.Duration // the rest after a failure; doubled with each more
	Now     func() time.Time
	Jitter  func() float64 // from 0 to 1

	throttle  backfill.Throttle
	probes    backfill.Probes
	state     backfill.State
	rows      int // of the window that state is after; 0: none yet that was read back
	fails     int
	kept      time.Time
	keptPart  int64
	readAt    time.Time
	speed     speed
	announced bool // the last window was sent
}

// Progress is how far the job has come.
type Progress struct {
	backfill.State
	Batch     int     // rows of the next window
	PerSecond float64 // keys, lately
	Words     string  // of the last error, empty after a window that went well
}

// Outcome is how a turn of a job ended.
type Outcome int

// The outcomes.
const (
	Done      Outcome = iota // its last window is there, and the ledger's row
	Elsewhere                // the ledger's row was there already: somebody else carried the file out
	Ordered                  // to give way, to rest or to halt
	Stuck                    // after too many errors, or one that stays
	Exhausted                // the rows for today are written
	Today                    // Cloudflare takes no more today
)

// Result is the outcome with D1's words where there are some.
type Result struct {
	Outcome Outcome
	Order   Order
	Words   string
	Code    string // of what is wrong: left, plan, refused, lost, overloaded
}

// The limits of patience.
const (
	tries     = 8               // failures in a row before a person is asked
	keepEvery = 5 * time.Second // progress
	slowRest  = 5               // times the first rest, where others have to wait too long
)

// errEnd carries the end of a turn out of the depth.
type errEnd struct{ Result }

func (errEnd) Error() string { return "the turn is over" }

// Run works until the job is done or has to rest. An error is one of Keep or Orders, or ctx's: the job is taken up again as after a crash.
func (r *Runner) Run(ctx context.Context) (Result, error) {
	r.throttle = backfill.NewThrottle(r.Job, r.Spacing, r.First)
	err := r.run(ctx)
	var end errEnd
	if errors.As(err, &end) {
		return end.Result, nil
	}
	return Result{}, err
}

func (r *Runner) run(ctx context.Context) error {
	if err := r.open(ctx); err != nil {
		return err
	}
	if err := r.plans(ctx); err != nil {
		return err
	}
	for !r.probes.Ready() { // what a read takes without the job
		if _, err := r.read(ctx, "SELECT 1 AS n"); err != nil {
			return err
		}
	}
	if err := r.keep(ctx, true); err != nil {
		return err
	}
	for {
		if err := r.obey(ctx); err != nil {
			return err
		}
		if err := r.window(ctx); err != nil {
			return err
		}
	}
}

// end is the turn's end.
func end(outcome Outcome, code, words string) error {
	return errEnd{Result{Outcome: outcome, Code: code, Words: words}}
}

// obey asks what is wanted.
func (r *Runner) obey(ctx context.Context) error {
	order, err := r.Orders.Now(ctx)
	if err != nil || order == GoOn {
		return err
	}
	if order == Rest {
		// A window that is still on its way comes too late from here on. That it cannot be said is no reason to go on.
		_, _ = r.Database.Apply(ctx, r.Job.Pause())
	}
	if order != Halt {
		if err := r.lastWord(ctx); err != nil {
			return err
		}
	}
	return errEnd{Result{Outcome: Ordered, Order: order}}
}

// lastWord stores how far the job is before it rests, as well as that can be found out at once.
func (r *Runner) lastWord(ctx context.Context) error {
	table, state := r.Job.StateQueries()
	if _, err := r.lookOnce(ctx, table, state); err != nil {
		if over, ok := errors.AsType[errEnd](err); ok {
			return over
		}
	}
	return r.keep(ctx, true)
}

// open finds out how far the job has come, and makes its tables where it has not begun.
func (r *Runner) open(ctx context.Context) error {
	there, err := r.look(ctx)
	if err != nil {
		return err
	}
	if there && r.state.Running {
		return nil
	}
	var rows int64
	if !there {
		answer, err := r.read(ctx, r.Job.Count)
		if err != nil {
			return err
		}
		rows = number(answer)
	}
	for {
		_, err := r.Database.Apply(ctx, r.Job.Begin(rows))
		if err == nil {
			r.fails = 0
			break
		}
		if err := r.failed(ctx, err); err != nil {
			return err
		}
	}
	if there, err = r.look(ctx); err == nil && !there {
		return end(Stuck, "lost", "the job's table is not there after it was made")
	}
	return err
}

// look reads the job's state. The turn ends here where the ledger has the file already.
func (r *Runner) look(ctx context.Context) (there bool, err error) {
	table, state := r.Job.StateQueries()
	for {
		there, err = r.lookOnce(ctx, table, state)
		if err == nil {
			r.fails, r.readAt = 0, r.Now()
			return there, nil
		}
		if _, over := errors.AsType[errEnd](err); over {
			return false, err
		}
		if err := r.failed(ctx, err); err != nil {
			return false, err
		}
	}
}

// lookOnce asks for the ledger and the state together, which works from the job's first transaction on. Before, and after its last, it
// asks which of the tables there are.
func (r *Runner) lookOnce(ctx context.Context, table, state string) (bool, error) {
	ledger := "SELECT count(*) AS n FROM " + migrations.QuoteName(r.Ledger) + " WHERE name = " + migrations.QuoteText(r.Job.File)
	began := r.Now()
	answers, err := r.Database.Read(ctx, ledger, state)
	if err == nil {
		r.probe(began)
		if number(answers[0]) > 0 {
			return false, r.over(ctx, true)
		}
		return r.standing(answers[1])
	}
	if trouble, _ := r.Judge(err); trouble != Refused {
		return false, err
	}
	if answers, err = r.Database.Read(ctx, table, "SELECT count(*) AS n FROM sqlite_master WHERE name = "+migrations.QuoteText(r.Ledger)); err != nil {
		return false, err
	}
	job, known := number(answers[0]) > 0, number(answers[1]) > 0
	if known {
		if answers, err = r.Database.Read(ctx, ledger); err != nil {
			return false, err
		}
		if number(answers[0]) > 0 {
			return false, r.over(ctx, job)
		}
	}
	if !job {
		return false, nil
	}
	if answers, err = r.Database.Read(ctx, state); err != nil {
		return false, err
	}
	return r.standing(answers[0])
}

// standing takes over the job's state.
func (r *Runner) standing(rows [][]any) (bool, error) {
	s, ok, err := backfill.ReadState(rows)
	if err != nil {
		return false, end(Stuck, "refused", err.Error())
	}
	if ok {
		r.speed.note(r.Now(), s)
		r.state = s
	}
	return ok, nil
}

// over ends the turn: the ledger has the file. The job's tables go with the row where it was this job's last window that wrote it.
func (r *Runner) over(ctx context.Context, tables bool) error {
	outcome := Elsewhere
	if !tables && (r.announced || r.Begun) {
		outcome = Done
	}
	if tables {
		if _, err := r.Database.Apply(ctx, backfill.Forget()); err != nil {
			return err
		}
	}
	return errEnd{Result{Outcome: outcome}}
}

// read asks one question, and again after a rest where that failed.
func (r *Runner) read(ctx context.Context, query string) ([][]any, error) {
	for {
		began := r.Now()
		answers, err := r.Database.Read(ctx, query)
		if err == nil {
			if query == "SELECT 1 AS n" {
				r.probe(began)
			}
			r.fails = 0
			return answers[0], nil
		}
		if err := r.failed(ctx, err); err != nil {
			return nil, err
		}
	}
}

func (r *Runner) probe(began time.Time) { r.probes.Add(r.Now().Sub(began)) }

// plans asks the database itself how it would find a window: its statistics may say otherwise than the rehearsal.
func (r *Runner) plans(ctx context.Context) error {
	var details [][]string
	for _, query := range r.Job.Explain() {
		rows, err := r.read(ctx, query)
		if err != nil {
			return err
		}
		var lines []string
		for _, row := range rows {
			lines = append(lines, fmt.Sprint(row[len(row)-1]))
		}
		details = append(details, lines)
	}
	if problems := r.Job.Judge(details); len(problems) > 0 {
		return end(Stuck, "plan", problems[0].Text+" "+problems[0].Advice)
	}
	return nil
}

func number(rows [][]any) int64 {
	if len(rows) == 0 || len(rows[0]) == 0 {
		return 0
	}
	switch n := rows[0][0].(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}
