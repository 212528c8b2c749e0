package usage

import (
	"context"
	"errors"
	"time"
)

// Run makes a pass at once and then one each hour, some minutes after the hour, sooner after one that failed, and soon after a database that is
// watched may have been made. It returns when ctx ends, with its error, and for nothing else.
func (s *Sampler) Run(ctx context.Context) error {
	failed, futile := 0, 0
	for {
		wake, missing := s.wake(), s.missing()
		err := s.Sample(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			failed++
			s.o.Log.WarnContext(ctx, "not everything was counted; it is tried again", "error", err, "failed", failed)
		default:
			failed = 0
		}
		if now := s.missing(); now == 0 || now != missing {
			futile = 0
		} else {
			futile++
		}
		if err := s.wait(ctx, wake, s.pause(failed), soon<<min(futile, mostFutile)); err != nil {
			return err
		}
	}
}

// wait waits for the next pass; where a database may have been made that is missing, only as long as soon says.
func (s *Sampler) wait(ctx context.Context, wake <-chan struct{}, long, soon time.Duration) error {
	next, early := time.NewTimer(long), time.NewTimer(soon)
	defer next.Stop()
	defer early.Stop()
	due := early.C
	for woken := false; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next.C:
			return nil
		case <-wake:
			wake, woken = s.wake(), s.missing() > 0
			if woken && due == nil {
				return nil
			}
		case <-due:
			if due = nil; woken {
				return nil
			}
		}
	}
}

// wake is closed when a database may have been made.
func (s *Sampler) wake() <-chan struct{} {
	if s.o.Wake == nil {
		return nil
	}
	return s.o.Wake()
}

// missing is how many of the watched databases Cloudflare did not list when it was last asked.
func (s *Sampler) missing() (n int) {
	for _, name := range s.o.Watch().Databases {
		if _, ok := s.Subject(name); !ok {
			n++
		}
	}
	return n
}

// When passes are made. Analytics lag behind by minutes: some minutes into an hour, the one before is there as a rule.
const (
	afterHour  = 10 * time.Minute
	spread     = 5 * time.Minute
	firstPause = time.Minute
	// soon is how long after a pass another one may follow that looks for a database which may have been made; twice as long each time that
	// it was not, up to three hours.
	soon       = 20 * time.Second
	mostFutile = 9
)

// pause is how long to wait for the next pass, after so many failed ones in a row.
func (s *Sampler) pause(failed int) time.Duration {
	if s.o.Every > 0 {
		return s.o.Every
	}
	now := s.o.Now()
	next := Hour(now).Add(afterHour)
	if next.Sub(now) < firstPause {
		next = next.Add(time.Hour)
	}
	if s.o.Rand != nil {
		next = next.Add(time.Duration(s.o.Rand.Int64N(int64(spread))))
	}
	wait := next.Sub(now)
	if failed > 0 {
		wait = min(wait, firstPause<<min(failed-1, 6))
	}
	return wait
}

// ErrNoSource is returned for a pass of a Sampler that only reads.
var ErrNoSource = errors.New("usage: there is nothing to count with")

// Sample makes one pass: it asks what may be counted, which databases there are, and for the hours that are not final yet. What could be counted
// is stored even where it returns an error, which says what could not. That analytics are not allowed or not there is no error: State says so.
func (s *Sampler) Sample(ctx context.Context) error {
	if s.o.Source == nil {
		return ErrNoSource
	}
	s.passing.Lock()
	defer s.passing.Unlock()
	p, err := s.begin(ctx)
	if err != nil {
		return err
	}
	return p.run(ctx)
}
