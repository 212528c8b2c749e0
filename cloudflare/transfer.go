package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/cloudflare/cloudflare-go/v7/option"

	"towline/deploy"
)

// maxPause is the longest pause between two questions after an export or import: "an in-progress export must be continually
// polled or will automatically cancel" (API reference, "Export D1 Database as SQL").
const maxPause = 2 * time.Second

// progress is what /export and /import answer. The addresses in it are secrets: who has one needs no token.
type progress struct {
	Result struct {
		Success   bool     `json:"success"`
		Status    string   `json:"status"` // active, complete or error
		Error     string   `json:"error"`
		Bookmark  string   `json:"at_bookmark"`
		Messages  []string `json:"messages"`
		UploadURL string   `json:"upload_url"`
		Filename  string   `json:"filename"`
		Result    struct {
			SignedURL string `json:"signed_url"`
		} `json:"result"`
	} `json:"result"`
}

// failure is what D1 says went wrong, as a *deploy.RejectedError, or nil.
func (p progress) failure() error {
	r := p.Result
	if r.Success && r.Status != "error" {
		return nil
	}
	words := r.Error
	if words == "" && len(r.Messages) > 0 {
		words = r.Messages[len(r.Messages)-1]
	}
	if words == "" {
		words = "D1 gave it up without a word"
	}
	return &deploy.RejectedError{Words: words, Status: http.StatusOK}
}

// words are D1's last ones about its progress, or "".
func (p progress) words() string {
	if n := len(p.Result.Messages); n > 0 {
		return p.Result.Messages[n-1]
	}
	return ""
}

// pause waits between two questions. The last return value is the next pause.
func (d *D1) pause(ctx context.Context, wait time.Duration) (time.Duration, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return min(wait+wait/2, max(maxPause, d.wait)), nil
	case <-ctx.Done():
		return wait, context.Cause(ctx)
	}
}

// storageError says that the object storage did not do what it was asked. It never has the address.
type storageError struct {
	status int
	err    error
}

func (e *storageError) Error() string {
	if e.err != nil {
		return "the storage: " + e.err.Error()
	}
	return fmt.Sprintf("the storage answered with HTTP %d", e.status)
}

func (e *storageError) Unwrap() error { return e.err }

// again says whether a repetition can help.
func (e *storageError) again() bool {
	return e.err != nil || e.status >= 500 || e.status == http.StatusTooManyRequests || e.status == http.StatusRequestTimeout
}

var errStalled = errors.New("nothing moved for too long")

// store makes one request to a signed address, with neither token nor redirect. It is given up once nothing has moved for the
// timeout of a call. body is nil for a download, whose content goes to w.
func (d *D1) store(ctx context.Context, name, method, signed string, body io.Reader, size int64, w io.Writer) (header http.Header, moved int64, err error) {
	address, err := url.Parse(signed)
	if err != nil || address.Host == "" || address.Scheme != "https" && (address.Scheme != "http" || !loopback(address.Hostname())) {
		return nil, 0, &storageError{err: errors.New("an address that cannot be used")}
	}
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(d.timeout, func() { cancel(errStalled) })
	defer stalled.Stop()
	alive := func() { stalled.Reset(d.timeout) }
	if body != nil {
		sent := &watched{Reader: body, alive: alive}
		defer sent.end() // the transport may still read it after Do has returned, and the next try begins it anew
		body = sent
	}
	req, err := http.NewRequestWithContext(limited, method, signed, body)
	if err != nil {
		return nil, 0, &storageError{err: errors.New("an address that cannot be used")}
	}
	req.ContentLength = size
	began := d.now()
	ended := d.calls.sent(kindStorage, began)
	res, err := d.http.Do(req)
	ended(res)
	if err != nil {
		return nil, 0, &storageError{err: plain(limited, err)}
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK {
		moved, err = io.Copy(w, &watched{Reader: res.Body, alive: alive})
	}
	d.log.DebugContext(ctx, "cloudflare: storage", "call", name, "status", res.StatusCode, "bytes", max(moved, size), "took", d.now().Sub(began))
	switch {
	case err != nil:
		return nil, moved, &storageError{err: plain(limited, err)}
	case res.StatusCode != http.StatusOK:
		return nil, 0, &storageError{status: res.StatusCode}
	}
	return res.Header, moved, nil
}

// plain takes the address, which is a secret here, out of an error of package net/http.
func plain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if outer, ok := errors.AsType[*url.Error](err); ok {
		return outer.Err
	}
	return err
}

// watched tells of everything that is read, until its end is called.
type watched struct {
	io.Reader
	alive func()
	mu    sync.Mutex
	ended bool
}

func (r *watched) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
}

// Read implements io.Reader.
func (r *watched) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return 0, errors.New("the request is over")
	}
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.alive()
	}
	return n, err
}

// into makes a request of the SDK whose answer is decoded into p.
func into(p *progress, listen option.Middleware) []option.RequestOption {
	return []option.RequestOption{option.WithMiddleware(listen), option.WithResponseBodyInto(p)}
}
