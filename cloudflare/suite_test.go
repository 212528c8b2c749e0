package cloudflare_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"towline/cloudflare"
	"towline/deploy"
	"towline/deploy/d1test"
	sandbox "towline/sandbox/cloudflare"
	"towline/sandbox/cloudflare/workerd"
)

const (
	account = "0123456789abcdef0123456789abcdef"
	token   = "test-token-that-must-not-be-seen"
)

// engine is the real D1 engine, started once and only if a test asks for it.
var engine workerd.Shared

func TestMain(m *testing.M) { engine.Main(m) }

// open makes a D1 with a connection pool of its own, which ends with the test, and pauses too short to notice.
func open(t *testing.T, o cloudflare.Options) *cloudflare.D1 {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	if o.HTTP == nil {
		o.HTTP = &http.Client{Transport: transport}
	}
	if o.AccountID == "" {
		o.AccountID, o.Token = account, token
	}
	if o.Wait == 0 {
		o.Wait = time.Microsecond
	}
	d, err := cloudflare.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// embedded is a local Cloudflare on embedded SQLite, behind fault injection. It returns the address of its API.
func embedded(t *testing.T, tokens ...sandbox.Token) (*sandbox.Faults, string) {
	t.Helper()
	server, err := sandbox.New(sandbox.Options{AccountID: account, Token: token, Tokens: tokens})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	faults := sandbox.NewFaults(server)
	return faults, behind(t, faults)
}

// bubbled is an embedded local Cloudflare for use in a bubble of testing/synctest: its connections are pipes, so that a call which
// waits for its time limit waits for nothing else, and ends at once.
func bubbled(t *testing.T) (*sandbox.Faults, cloudflare.Options) {
	t.Helper()
	server, err := sandbox.New(sandbox.Options{AccountID: account, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	faults := sandbox.NewFaults(server)
	listener := pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	web := &http.Server{Handler: faults, ReadHeaderTimeout: time.Hour}
	served := make(chan struct{})
	go func() { _ = web.Serve(listener); close(served) }()
	t.Cleanup(func() { _ = web.Close(); <-served })
	transport := &http.Transport{DialContext: listener.dial}
	t.Cleanup(transport.CloseIdleConnections)
	return faults, cloudflare.Options{APIURL: "http://127.0.0.1/client/v4", HTTP: &http.Client{Transport: transport}}
}

// pipes is a listener whose connections are in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener; http.Server calls it once.
func (p pipes) Close() error { close(p.closed); return nil }

// Addr implements net.Listener.
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "pipe"} }

// behind puts an API behind HTTP and returns its address.
func behind(t *testing.T, api http.Handler) string {
	t.Helper()
	web := httptest.NewServer(api)
	t.Cleanup(web.Close)
	return web.URL + "/client/v4"
}

func TestOnEmbeddedSQLiteItKeepsThePromisesOfDatabases(t *testing.T) {
	_, url := embedded(t)
	d1test.Test(t, func(t *testing.T) deploy.Databases { return open(t, cloudflare.Options{APIURL: url}) })
}

func TestOnTheRealEngineItKeepsThePromisesOfDatabases(t *testing.T) {
	real := engine.Get(t)
	d1test.Test(t, func(t *testing.T) deploy.Databases {
		return open(t, cloudflare.Options{APIURL: real.URL, AccountID: real.AccountID, Token: real.Token})
	})
}
