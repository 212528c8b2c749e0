package cloudflare

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Always, as [Fault.Times], never wears out.
const Always = -1

// Fault makes something go wrong with requests that match. The zero value matches the next request and changes nothing
// about it.
type Fault struct {
	// Method, Path and Body say which requests: the exact method, and a part of the path (with the query string) and of
	// the body. Empty matches everything.
	Method, Path, Body string
	// Writes leaves requests alone that change nothing (see [Call.Write]).
	Writes bool
	// Skip is how many matching requests pass unharmed first.
	Skip int
	// Times is how often it happens: 0 counts as 1, [Always] never ends.
	Times int
	// Before is run when a request matches, before anything else happens to it. It may wait on a channel to hold the
	// request, until the context ends, which it does when the client goes away.
	Before func(context.Context)
	// Delay is how long the request waits before it is carried out.
	Delay time.Duration
	// Execute carries the request out before Reply is given instead of the true answer. Without it, a request that gets
	// a Reply is not carried out at all.
	Execute bool
	// Reply is what the client gets. The zero Reply is the true answer.
	Reply Reply
}

// Reply is an answer that Cloudflare's API itself would not have given at this point.
type Reply struct {
	// Status is the HTTP status, 0 for the status of the true answer.
	Status int
	// Header is added to the answer's header.
	Header http.Header
	// Body replaces the answer's body.
	Body string
	// Drop closes the connection without any answer.
	Drop bool
	// Cut sends only so many bytes of the body, and then closes the connection: the length announced is that of the
	// whole body. 0 sends all.
	Cut int
}

// Drop is a connection that breaks without an answer.
func Drop() Reply { return Reply{Drop: true} }

// APIError is an answer in Cloudflare's envelope, such as 500 and 7500 "internal error; reference = e_1".
func APIError(status, code int, message string) Reply {
	return Reply{Status: status, Header: jsonHeader(), Body: string(failureBody(code, message))}
}

// Unsuccessful is what Cloudflare sends at times: status 200, and a body that says success false.
func Unsuccessful(code int, message string) Reply { return APIError(http.StatusOK, code, message) }

// HTML is the page of a gateway (status 502 or 504) or of a firewall (403), which is no JSON.
func HTML(status int) Reply {
	return Reply{
		Status: status, Header: http.Header{"Content-Type": {"text/html; charset=UTF-8"}},
		Body: "<html><head><title>" + http.StatusText(status) + "</title></head><body><h1>" + http.StatusText(status) + "</h1></body></html>",
	}
}

// Truncated is the true answer, broken off after n bytes of its body. Use it with [Fault.Execute].
func Truncated(n int) Reply { return Reply{Cut: n} }

// Call is one request as it came in.
type Call struct {
	// Method and Path (with the query string) as sent.
	Method, Path string
	// Body is all of it.
	Body string
	// Write says that the request may change something: every POST, PUT, PATCH and DELETE, except a query whose
	// statements all begin with SELECT, EXPLAIN, VALUES or PRAGMA, a question to analytics, an export, and what an import
	// does before and after it begins.
	Write bool
	// Status is what the client got: 0 while it is not answered, and when the connection was dropped.
	Status int
	// Executed says that the API behind has seen it.
	Executed bool
}

// Faults stands in front of an API (a [Server], or [NewProxy] to one), notes every call and injects faults. It is safe
// for concurrent use.
type Faults struct {
	next    http.Handler
	mu      sync.Mutex
	latency time.Duration
	faults  []*injected
	calls   []*Call
}

type injected struct {
	Fault
	seen, done int
}

// NewFaults puts fault injection in front of next. Without faults it changes nothing.
func NewFaults(next http.Handler) *Faults { return &Faults{next: next} }

// NewProxy passes requests on to the API at base, such as http://127.0.0.1:1234/client/v4, unchanged. It keeps no idle
// connections, so that nothing outlives the test.
func NewProxy(base string) (http.Handler, error) {
	u, err := url.Parse(strings.TrimSuffix(base, "/client/v4"))
	if err != nil {
		return nil, err
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.Transport = &http.Transport{DisableKeepAlives: true}
	return proxy, nil
}

// Inject adds a fault. Where several match a request, the one added first is used.
func (f *Faults) Inject(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, &injected{Fault: fault})
}

// Heal takes all faults away and keeps the calls.
func (f *Faults) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

// SetLatency makes every request wait before it is carried out.
func (f *Faults) SetLatency(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.latency = d
}

// Calls returns a copy of the calls so far, in the order of their arrival.
func (f *Faults) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := make([]Call, len(f.calls))
	for i, c := range f.calls {
		calls[i] = *c
	}
	return calls
}

// Writes returns the calls that may have changed something.
func (f *Faults) Writes() []Call {
	var writes []Call
	for _, c := range f.Calls() {
		if c.Write {
			writes = append(writes, c)
		}
	}
	return writes
}

// Forget clears the list of calls.
func (f *Faults) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = nil
}

// ServeHTTP implements [http.Handler].
func (f *Faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	call := &Call{Method: r.Method, Path: r.URL.RequestURI(), Body: string(body)}
	call.Write = isWrite(call)
	fault, latency := f.arrive(call)
	if fault.Before != nil {
		fault.Before(r.Context())
	}
	if !pause(r.Context(), latency+fault.Delay) {
		return
	}
	answer := newAnswer()
	if fault.Execute || fault.Reply.isTrue() {
		f.note(func() { call.Executed = true })
		f.next.ServeHTTP(answer, r)
	}
	answer.replace(fault.Reply)
	if fault.Reply.Drop {
		panic(http.ErrAbortHandler)
	}
	f.note(func() { call.Status = answer.status })
	answer.send(w, fault.Reply.Cut)
}

func (f *Faults) note(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// arrive notes the call and picks the fault that is to befall it.
func (f *Faults) arrive(call *Call) (Fault, time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call)
	for _, i := range f.faults {
		if !i.matches(call) {
			continue
		}
		if i.seen++; i.seen <= i.Skip {
			continue
		}
		if i.Times != Always && i.done >= max(i.Times, 1) {
			continue
		}
		i.done++
		return i.Fault, f.latency
	}
	return Fault{}, f.latency
}

func (i *injected) matches(c *Call) bool {
	return (i.Method == "" || i.Method == c.Method) && strings.Contains(c.Path, i.Path) &&
		strings.Contains(c.Body, i.Fault.Body) && (c.Write || !i.Writes)
}

// isTrue says that the reply is the API's own, whole answer.
func (r Reply) isTrue() bool {
	return r.Status == 0 && r.Body == "" && r.Header == nil && !r.Drop && r.Cut == 0
}

// pause waits, and says whether the client is still there.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
