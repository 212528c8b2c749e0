package backfill

import (
	"context"
	"time"

	"towline/migrations/backfill"
)

// window carries out the next window, or the last, and rests after it.
func (r *Runner) window(ctx context.Context) error {
	rows := r.throttle.Rows()
	if r.RowsToday != nil {
		if left, limited := r.RowsToday(); limited && left <= 0 {
			_, _ = r.Database.Apply(ctx, r.Job.Pause())
			if err := r.lastWord(ctx); err != nil {
				return err
			}
			return errEnd{Result{Outcome: Exhausted}}
		} else if limited {
			rows = max(min(rows, int(left)), 1)
		}
	}
	last := r.rows > 0 && r.state.Last < int64(r.rows)
	statements := r.Job.Window(r.state, rows)
	if last {
		statements = r.Job.Last(r.state, rows, r.Ledger)
		r.announced = true
	}
	began := r.Now()
	cost, err := r.Database.Apply(ctx, statements)
	if err != nil {
		return r.notTaken(ctx, err)
	}
	took := r.Now().Sub(began)
	r.fails = 0
	r.written(cost, rows)
	if last {
		if err := r.keep(ctx, true); err != nil {
			return err
		}
		return errEnd{Result{Outcome: Done}}
	}
	r.state = r.state.Next()
	rest := r.throttle.Done(cost.Duration, took)
	if err := r.after(ctx, cost, rows); err != nil {
		return err
	}
	if r.probes.Slow() {
		rest = max(rest, slowRest*r.First)
	}
	return r.Orders.Wait(ctx, rest-(r.Now().Sub(began)-took))
}

func (r *Runner) written(cost Cost, rows int) {
	n := cost.RowsWritten
	if n == 0 {
		n = int64(rows)
	}
	if r.Written != nil {
		r.Written(n)
	}
}

// after reads the state back where a window may have been the last, and where progress is due: a twentieth further, or five seconds
// later. In between the cursor need not be known here.
func (r *Runner) after(ctx context.Context, cost Cost, rows int) error {
	r.rows = 0 // not known how full it was
	due := r.Now().Sub(r.kept) >= keepEvery || r.since()+int64(rows) >= max(r.state.Estimate/20, 1)
	if cost.RowsWritten >= int64(rows) && !due {
		r.state.Passed += int64(rows)
		return nil
	}
	there, err := r.look(ctx)
	if err != nil {
		return err
	}
	if !there {
		return end(Stuck, "lost", "the job's table is gone")
	}
	r.rows = rows
	return r.keep(ctx, due)
}

// since is how many keys were gone over since progress was stored.
func (r *Runner) since() int64 { return r.state.Passed - r.keptPart }

func (r *Runner) keep(ctx context.Context, now bool) error {
	if !now {
		return nil
	}
	r.kept, r.keptPart = r.Now(), r.state.Passed
	return r.Keep(ctx, Progress{State: r.state, Batch: r.throttle.Rows(), PerSecond: r.speed.rate()})
}

// notTaken finds out what a window that failed means.
func (r *Runner) notTaken(ctx context.Context, err error) error {
	trouble, words := r.Judge(err)
	switch {
	case trouble == Refused && backfill.Taken(words):
		return r.again(ctx) // it was there before: an answer was lost, or somebody paused the job
	case trouble == Refused && backfill.RowsLeft(words):
		return r.nextPass(ctx, words)
	case trouble == Refused && r.state.Batches > 0:
		// The ledger may have the file by now, or the job may be gone.
		if there, err := r.look(ctx); err != nil || there {
			return firstErr(err, end(Stuck, "refused", words))
		}
		return end(Stuck, "refused", words)
	}
	if err := r.failed(ctx, err); err != nil {
		return err
	}
	return r.again(ctx)
}

func firstErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// again reads how the job stands after something that is not known.
func (r *Runner) again(ctx context.Context) error {
	was := r.state
	there, err := r.look(ctx)
	switch {
	case err != nil:
		return err
	case !there:
		return end(Stuck, "lost", "the job's table is gone")
	case !r.state.Running:
		return r.open(ctx)
	}
	r.rows = 0
	if r.state.Batches == was.Batches+1 {
		r.throttle.Done(0, 0) // it had happened; how long it took is not known
	}
	return nil
}

// nextPass begins again from the first row, once: rows came behind the cursor.
func (r *Runner) nextPass(ctx context.Context, words string) error {
	if r.state.Pass > 1 {
		return end(Stuck, "left", words)
	}
	r.announced = false
	_, err := r.Database.Apply(ctx, r.Job.Again(r.state))
	if err != nil {
		if trouble, words := r.Judge(err); trouble == Refused && !backfill.Taken(words) {
			return end(Stuck, "refused", words)
		}
		if err := r.failed(ctx, err); err != nil {
			return err
		}
	}
	return r.again(ctx)
}

// failed rests after a failure, and gives up after too many in a row.
func (r *Runner) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	trouble, words := r.Judge(err)
	switch trouble {
	case Limited:
		return end(Today, "limited", words)
	case Refused:
		return end(Stuck, "refused", words)
	}
	rest, _ := r.throttle.Failed(trouble == Overloaded, r.Jitter())
	if r.fails++; r.fails >= tries {
		code := "lost"
		if trouble == Overloaded {
			code = "overloaded"
		}
		return end(Stuck, code, words)
	}
	if err := r.Keep(ctx, Progress{State: r.state, Batch: r.throttle.Rows(), Words: words}); err != nil {
		return err
	}
	if err := r.Orders.Wait(ctx, rest); err != nil {
		return err
	}
	return r.obey(ctx)
}

// speed is how fast keys are gone over, by the looks of the last minute.
type speed struct {
	at     []time.Time
	passed []int64
	total  int64
	last   backfill.State
}

func (s *speed) note(at time.Time, now backfill.State) {
	if more := now.Passed - s.last.Passed; now.Pass == s.last.Pass && more > 0 {
		s.total += more
	}
	s.last = now
	s.at, s.passed = append(s.at, at), append(s.passed, s.total)
	for len(s.at) > 2 && at.Sub(s.at[0]) > time.Minute {
		s.at, s.passed = s.at[1:], s.passed[1:]
	}
}

func (s *speed) rate() float64 {
	n := len(s.at) - 1
	if n < 1 {
		return 0
	}
	if d := s.at[n].Sub(s.at[0]).Seconds(); d > 0 {
		return float64(s.passed[n]-s.passed[0]) / d
	}
	return 0
}
