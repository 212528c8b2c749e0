package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// pollBatch is how many updates one poll brings at most; Telegram's own limit.
const pollBatch = 100

// patience repeats a request until it succeeds, ctx ends, or the error is one
// that repeating cannot mend. It honours what Telegram asks for.
type patience struct{ waits *backoff.ExponentialBackOff }

func (b *Bot) patience() patience {
	w := backoff.NewExponentialBackOff()
	w.InitialInterval, w.MaxInterval = b.options.Pace.Retry, 30*time.Second
	w.Reset()
	return patience{w}
}

// rest waits after a failure. It returns the error when waiting is in vain.
func (p patience) rest(ctx context.Context, err error) error {
	if errors.Is(err, ErrConflict) || errors.Is(err, ErrUnauthorized) {
		return err
	}
	d := p.waits.NextBackOff()
	var e *Error
	if errors.As(err, &e) {
		d = max(d, e.RetryAfter)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// persist calls do until it succeeds or persisting is in vain.
func (b *Bot) persist(ctx context.Context, what string, do func(context.Context) error) error {
	p := b.patience()
	for {
		err := do(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		b.state.fail(err)
		b.log.Warn("no success yet, trying again", "with", what, "error", err)
		if err := p.rest(ctx, err); err != nil {
			return err
		}
	}
}

// poll receives updates by long polling until ctx ends or somebody else does.
// The offset moves on only after the updates before it are in the journal.
func (b *Bot) poll(ctx context.Context) error {
	p, offset := b.patience(), int64(0)
	for {
		b.executors.awaitRoom(ctx)
		if ctx.Err() != nil {
			return nil
		}
		next, err := b.pollOnce(ctx, offset)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			offset = next
			b.state.succeed()
			p.waits.Reset()
			continue
		}
		b.state.fail(err)
		b.log.Warn("a poll failed", "error", err)
		if err := p.rest(ctx, err); err != nil && ctx.Err() == nil {
			return fmt.Errorf("bot: polling stopped: %w", err)
		}
	}
}

// pollOnce makes one poll and journals what it brings. It returns the offset of
// the next one.
func (b *Bot) pollOnce(ctx context.Context, offset int64) (int64, error) {
	params := struct {
		Offset  int64    `json:"offset,omitempty"`
		Limit   int      `json:"limit"`
		Timeout int      `json:"timeout"`
		Allowed []string `json:"allowed_updates"`
	}{offset, pollBatch, int(b.options.PollTimeout.Seconds()), subscribed()}
	var raws []json.RawMessage
	if err := b.client.call(ctx, pollMethod, params, &raws); err != nil {
		return offset, err
	}
	if err := b.receive(ctx, raws); err != nil {
		return offset, err
	}
	for _, raw := range raws {
		// Ids can begin anew below the old ones, so the batch alone counts.
		if id, err := updateID(raw); err == nil {
			offset = id + 1
		}
	}
	return offset, nil
}
