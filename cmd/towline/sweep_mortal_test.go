package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// errKilled is what a process gets to see of its own death: everything that it tries after it.
var errKilled = errors.New("the process was killed")

// life is that of one process. Everything that it does to the world passes here and is counted as an act: each commit and each
// blob of its store, and each request to Telegram and to Cloudflare, reads included. Every act has two instants, before it
// and after it. At its last one the life ends: nothing that the process does from then on reaches anything.
type life struct {
	last int // the instant with which it ends, counted from 1; 0: none
	over context.Context
	kill context.CancelFunc

	commits atomic.Int64 // to its store

	mu      sync.Mutex
	acts    []string       // what was done, in the order in which it began
	calls   map[string]int // requests so far, by whose they are
	trouble *trouble       // what befalls the outside meanwhile
	died    string         // at which instant
}

// trouble befalls the outside when a life makes its nth request there.
type trouble struct {
	whose string
	at    int
	begin func(w *scene)
	scene *scene
}

func newLife(last int) *life {
	l := &life{last: last, calls: map[string]int{}}
	l.over, l.kill = context.WithCancel(context.Background())
	return l
}

func (l *life) dead() bool { return l.over.Err() != nil }

// begins is called before an act. Its error is death.
func (l *life) begins(what string) (act int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead() {
		return 0, errKilled
	}
	l.acts = append(l.acts, what)
	act = len(l.acts)
	return act, l.at(2*act-1, "before", what)
}

// ends is called after an act, which is done whatever it returns.
func (l *life) ends(act int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead() {
		return errKilled
	}
	return l.at(2*act, "after", l.acts[act-1])
}

func (l *life) at(instant int, when, what string) error {
	if instant != l.last {
		return nil
	}
	l.died = fmt.Sprintf("%s act %d, %s", when, (instant+1)/2, what)
	l.kill()
	return errKilled
}

// watch is the life's eye on its store.
func (l *life) watch(keys []string) (done func() error, err error) {
	if len(keys) == 0 { // nothing changes
		if l.dead() {
			return nil, errKilled
		}
		return func() error { return nil }, nil
	}
	act, err := l.begins("store: " + kinds(keys))
	return func() error {
		l.commits.Add(1)
		return l.ends(act)
	}, err
}

// kinds are the first two segments of keys, each once.
func kinds(keys []string) string {
	var out []string
	for _, k := range keys {
		parts := strings.SplitN(k, "/", 3)
		kind := strings.Join(parts[:min(2, len(parts))], "/")
		if parts[0] == "blob" {
			kind = "blob"
		}
		if !slices.Contains(out, kind) {
			out = append(out, kind)
		}
	}
	return strings.Join(out, " ")
}

// called counts a request, and lets happen what is to befall it.
func (l *life) called(whose string) {
	l.mu.Lock()
	l.calls[whose]++
	t := l.trouble
	hit := t != nil && t.whose == whose && t.at == l.calls[whose]
	l.mu.Unlock()
	if hit {
		t.begin(t.scene)
	}
}

// The ends of the wires.
const (
	ofTelegram   = "telegram"
	ofCloudflare = "cloudflare"
)

// cable carries a life's requests to a server within this process, without a socket, so that everything can run on fake time. What a
// server breaks off is broken off here as well.
type cable struct {
	life    *life
	whose   string
	handler http.Handler
}

// RoundTrip implements http.RoundTripper.
func (w cable) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	act, err := w.life.begins(w.whose + ": " + w.title(r, body))
	if err != nil {
		return nil, err
	}
	w.life.called(w.whose)
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(w.life.over, cancel) // the connections of a process end with it
	arrived := make(chan *http.Response, 1)
	go func() {
		defer cancel()
		defer stop()
		in := r.Clone(ctx)
		in.Body, in.RequestURI = io.NopCloser(bytes.NewReader(body)), r.URL.RequestURI()
		arrived <- answerOf(w.handler, in)
	}()
	select {
	case res := <-arrived:
		if err := w.life.ends(act); err != nil {
			return nil, err
		}
		if res == nil {
			return nil, io.ErrUnexpectedEOF
		}
		res.Request = r
		return res, nil
	case <-w.life.over.Done():
		return nil, errKilled
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// title says what a request is, without secrets.
func (w cable) title(r *http.Request, body []byte) string {
	if w.whose == ofTelegram {
		return path.Base(r.URL.Path)
	}
	sql := string(body)
	if at := strings.Index(sql, `"sql":"`); at >= 0 {
		sql = sql[at+len(`"sql":"`):]
	}
	return fmt.Sprintf("%s %s %.40s", r.Method, path.Base(r.URL.Path), sql)
}

// answerOf serves a request; nil where the server broke the connection before its answer.
func answerOf(h http.Handler, r *http.Request) (res *http.Response) {
	out := &slip{header: http.Header{}}
	defer func() {
		if p := recover(); p == http.ErrAbortHandler { //nolint:errorlint // it is compared as package http does
			if res = nil; out.status != 0 {
				res = out.response(true)
			}
		} else if p != nil {
			panic(p)
		}
	}()
	h.ServeHTTP(out, r)
	return out.response(false)
}

// slip is an answer as it is written.
type slip struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (s *slip) Header() http.Header { return s.header }

func (s *slip) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
}

func (s *slip) Write(p []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	return s.body.Write(p)
}

// response is the answer as a client reads it; one that was cut ends with an error.
func (s *slip) response(cut bool) *http.Response {
	s.WriteHeader(http.StatusOK)
	length := int64(s.body.Len())
	if n, err := strconv.ParseInt(s.header.Get("Content-Length"), 10, 64); err == nil {
		length = n
	}
	var body io.Reader = &s.body
	if cut {
		body = io.MultiReader(body, brokenOff{})
	}
	return &http.Response{
		Status: http.StatusText(s.status), StatusCode: s.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: s.header, Body: io.NopCloser(body), ContentLength: length,
	}
}

type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
