package usage

import (
	"context"
	"errors"
	"time"
)

// Run makes a pass at once and then one each hour, some minutes after the hour, and sooner after one that failed. It returns when ctx
// ends, with its error, and for nothing else.
func (s *Sampler) Run(ctx context.Context) error {
	failed := 0
	for {
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
		timer := time.NewTimer(s.pause(failed))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// When passes are made. Analytics lag behind by minutes: some minutes into an hour, the one before is there as a rule.
const (
	afterHour  = 10 * time.Minute
	spread     = 5 * time.Minute
	firstPause = time.Minute
)

// pause is how long to wait for the next pass, after so many failed ones in a row.
func (s *Sampler) pause(failed int) time.Duration {
	now := s.o.Now()
	next := Hour(now).Add(afterHour)
	if s.o.Rand != nil {
		next = next.Add(time.Duration(s.o.Rand.Int64N(int64(spread))))
	}
	for next.Sub(now) < firstPause {
		next = next.Add(time.Hour)
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
