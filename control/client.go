package control

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Client asks a running bot. It is a Desk, and safe for concurrent use.
type Client struct {
	path    string
	http    *http.Client
	process Process
}

var _ Desk = (*Client)(nil)

// Connect finds the bot that holds a store. ErrNobody: no process answers there. A *SilentError: one listens, and did not
// answer in time.
func Connect(ctx context.Context, store string) (*Client, error) {
	return connect(ctx, store, patience)
}

func connect(ctx context.Context, store string, wait time.Duration) (*Client, error) {
	c := &Client{path: SocketPath(store)}
	c.http = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, // one command line asks once or twice
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			conn, err := dial(ctx, c.path)
			if err != nil {
				return nil, &notAsked{err}
			}
			return conn, nil
		},
	}}
	quick, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	err := c.get(quick, pathProcess, &c.process)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, c.silent(ctx, wait)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// notAsked is an error before anything was sent.
type notAsked struct{ err error }

func (e *notAsked) Error() string { return e.err.Error() }
func (e *notAsked) Unwrap() error { return e.err }

// SilentError says that a process listens on the socket and does not answer: it is just stopping, or stuck.
type SilentError struct {
	Path string
	// PID is 0 where it could not be found out, Command empty.
	PID     int
	Command string
	Waited  time.Duration
}

// Error names the process.
func (e *SilentError) Error() string {
	return fmt.Sprintf("%s has the store and did not answer on %s within %s", processName(e.PID, e.Command), e.Path, e.Waited)
}

func (c *Client) silent(ctx context.Context, waited time.Duration) error {
	e := &SilentError{Path: c.path, Waited: waited}
	conn, err := dial(ctx, c.path)
	if err != nil {
		return e
	}
	if p, ok := peerOf(conn); ok {
		e.PID, e.Command = p.PID, commandOf(p.PID)
	}
	return errors.Join(e, conn.Close())
}

// Process is who answers.
func (c *Client) Process() Process { return c.process }

// Line implements Desk.
func (c *Client) Line(ctx context.Context, o Order) (a Answer, err error) {
	err = c.post(ctx, pathLine, o, &a)
	return a, err
}

// Verify implements Desk.
func (c *Client) Verify(ctx context.Context, q AuditQuery) (a Answer, err error) {
	err = c.post(ctx, pathVerify, q, &a)
	return a, err
}

// Backup implements Desk. Its error may come after bytes were written.
func (c *Client) Backup(ctx context.Context, w io.Writer) error {
	return c.stream(ctx, pathBackup, struct{}{}, w)
}

// Export implements Desk. Its error may come after bytes were written.
func (c *Client) Export(ctx context.Context, q AuditQuery, w io.Writer) error {
	return c.stream(ctx, pathExport, q, w)
}

// Usage implements Desk. Its error may come after bytes were written.
func (c *Client) Usage(ctx context.Context, q UsageQuery, w io.Writer) error {
	return c.stream(ctx, pathUsage, q, w)
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	r, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	return readAnswer(r, into)
}

func (c *Client) post(ctx context.Context, path string, body, into any) error {
	r, err := c.do(ctx, http.MethodPost, path, body)
	if err != nil {
		return err
	}
	return readAnswer(r, into)
}

func readAnswer(r *http.Response, into any) error {
	err := json.NewDecoder(r.Body).Decode(into)
	if err != nil {
		err = &LostError{Err: err}
	}
	return errors.Join(err, r.Body.Close())
}

// LostError says that the connection broke after something was asked: it may or may not have been done.
type LostError struct{ Err error }

// Error says so.
func (e *LostError) Error() string {
	return "the bot's answer was lost, so it may or may not have been done: " + e.Err.Error()
}

// Unwrap returns what went wrong.
func (e *LostError) Unwrap() error { return e.Err }

// do asks once and turns an answer that is none into an error. It never asks again by itself.
func (c *Client) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	q, err := http.NewRequestWithContext(ctx, method, "http://towline"+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	q.GetBody = nil // what cannot be rewound is not sent twice
	q.Header.Set("Content-Type", "application/json")
	r, err := c.http.Do(q)
	if err == nil && r.StatusCode == http.StatusOK {
		return r, nil
	}
	if err == nil {
		return nil, errors.Join(refusedBy(r), r.Body.Close())
	}
	if before, ok := errors.AsType[*notAsked](err); ok {
		return nil, before.err
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // the address is made up
	}
	if method == http.MethodPost {
		return nil, &LostError{Err: err}
	}
	return nil, err
}

func refusedBy(r *http.Response) error {
	var f failure
	if err := json.NewDecoder(io.LimitReader(r.Body, bodyLimit)).Decode(&f); err != nil || f.Error == "" {
		return fmt.Errorf("the bot answered with %s", r.Status)
	}
	if f.Refused != nil {
		return &RefusedError{Answer: *f.Refused}
	}
	return errors.New(f.Error)
}

// ErrCutShort is returned for a stream that ended before its end.
var ErrCutShort = errors.New("the bot's copy ended before it was whole")

// stream copies an answer to w and compares its digest.
func (c *Client) stream(ctx context.Context, path string, body any, w io.Writer) (err error) {
	r, err := c.do(ctx, http.MethodPost, path, body)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Body.Close()) }()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, sum), r.Body); err != nil {
		return err
	}
	switch {
	case r.Trailer.Get(trailerError) != "":
		return fmt.Errorf("%w: %s", ErrCutShort, r.Trailer.Get(trailerError))
	case r.Trailer.Get(trailerDigest) != hex.EncodeToString(sum.Sum(nil)):
		return ErrCutShort
	}
	return nil
}
