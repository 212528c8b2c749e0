package cloudflare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/cloudflare/cloudflare-go/v7/option"
)

const (
	// tries is how often a read is sent at most.
	tries = 4
	// patience is the longest Retry-After that is waited for inside a call. Cloudflare's own goes up to 300 s, the length of
	// a block ("API rate limits"); nobody in a chat waits that long without a word.
	patience = 10 * time.Second
	// blocked is how long Cloudflare refuses everything after 1200 requests in 5 minutes, where it does not say so itself.
	blocked = 5 * time.Minute
	// restoresWithin is the time in which a database can be restored ten times (D1 documentation, "Limits").
	restoresWithin = 10 * time.Minute
	// maxAnswer is how much of an answer is read, in bytes.
	maxAnswer = 64 << 20
)

// attempt makes one request, passing it through listen.
type attempt func(ctx context.Context, listen option.Middleware) error

// once makes one request, and no second one whatever comes of it.
func (d *D1) once(ctx context.Context, op operation, try attempt) error {
	return outcome(op, d.try(ctx, op, try))
}

// send makes a request: a write once, a read again where that can help.
func (d *D1) send(ctx context.Context, op operation, try attempt) error {
	if op.write {
		return d.once(ctx, op, try)
	}
	return d.repeat(ctx, op, func() error { return d.try(ctx, op, try) })
}

// repeat makes a request that changes nothing, again where that can help.
func (d *D1) repeat(ctx context.Context, op operation, try func() error) error {
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		last = try()
		return struct{}{}, d.again(last)
	}, backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0), backoff.WithBackOff(&pauses{next: d.wait, random: d.random}))
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && !errors.Is(last, context.Cause(ctx)):
		last = fmt.Errorf("%w, after: %w", context.Cause(ctx), last)
	}
	return outcome(op, last)
}

// again tells package backoff whether and when to try again.
func (d *D1) again(err error) error {
	var r *refusal
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &r):
		return err // no answer at all
	case !r.meaning().transient || r.after > patience:
		return backoff.Permanent(err)
	case r.after > 0:
		return &backoff.RetryAfterError{Duration: r.after}
	default:
		return err
	}
}

// pauses are twice as long each time, and between three and five quarters of that.
type pauses struct {
	next   time.Duration
	random func() float64
}

// Reset implements backoff.BackOff; a series of pauses is used for one call only.
func (p *pauses) Reset() {}

// NextBackOff implements backoff.BackOff.
func (p *pauses) NextBackOff() time.Duration {
	pause := time.Duration(float64(p.next) * (0.75 + p.random()/2))
	p.next *= 2
	return pause
}

// try makes one request with its own time limit.
func (d *D1) try(ctx context.Context, op operation, try attempt) error {
	limited, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	err := try(limited, d.listen(op))
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case limited.Err() != nil:
		return fmt.Errorf("no answer within %s", d.timeout)
	}
	var outer *url.Error // holds the address, which says nothing new
	if errors.As(err, &outer) {
		return outer.Err
	}
	return err
}

// listen is the one place where answers are judged. It reads the whole answer, and hands on only what is a success.
func (d *D1) listen(op operation) option.Middleware {
	return func(req *http.Request, next option.MiddlewareNext) (*http.Response, error) {
		began := d.now()
		ended := d.calls.sent(kindOf(req.URL.Path), began)
		res, err := next(req)
		ended(res)
		if err != nil {
			d.log.DebugContext(req.Context(), "cloudflare: no answer", "call", op.name, "took", d.now().Sub(began))
			return nil, err
		}
		body, err := readAnswer(res)
		d.log.DebugContext(req.Context(), "cloudflare: answer", "call", op.name, "status", res.StatusCode, "bytes", len(body), "took", d.now().Sub(began))
		if err != nil {
			return nil, err
		}
		if r := d.judge(op, res, body); r != nil {
			return nil, r
		}
		res.Header.Set("Content-Type", "application/json") // it is, or judge would have said so
		res.Body = io.NopCloser(bytes.NewReader(body))
		return res, nil
	}
}

func readAnswer(res *http.Response) ([]byte, error) {
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	return body, nil
}
